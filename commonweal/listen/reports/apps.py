"""The reports app."""

from django.apps import AppConfig


class ReportsConfig(AppConfig):
    """What a conversation found, for committees, other sites and other programs."""

    name = "commonweal.listen.reports"
    label = "reports"
