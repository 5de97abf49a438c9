"""The journal app."""

from django.apps import AppConfig


class JournalConfig(AppConfig):
    """Who did what to what, and when."""

    name = "commonweal.ground.journal"
    label = "journal"
