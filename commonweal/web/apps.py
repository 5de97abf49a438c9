"""The site as a Django app: base pages, template tags, commands."""

from django.apps import AppConfig
from django.contrib.staticfiles.apps import StaticFilesConfig


class WebConfig(AppConfig):
    """Templates, static files and commands of the whole site."""

    name = "commonweal.web"
    label = "web"


class StaticConfig(StaticFilesConfig):
    """Leaves out a second copy of htmx, whose scripts point at files that it does not have."""

    ignore_patterns = [*StaticFilesConfig.ignore_patterns, "django_htmx"]
