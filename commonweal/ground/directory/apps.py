"""The directory app."""

from django.apps import AppConfig


class DirectoryConfig(AppConfig):
    """Public services."""

    name = "commonweal.ground.directory"
    label = "directory"
