"""The voices app."""

from django.apps import AppConfig


class VoicesConfig(AppConfig):
    """What people say to each other's statements."""

    name = "commonweal.listen.voices"
    label = "voices"
