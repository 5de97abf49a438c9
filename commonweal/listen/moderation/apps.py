"""The moderation app."""

from django.apps import AppConfig


class ModerationConfig(AppConfig):
    """Reading what people add, and saying why something does not stand."""

    name = "commonweal.listen.moderation"
    label = "moderation"
