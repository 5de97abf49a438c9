"""The origins app."""

from django.apps import AppConfig


class OriginsConfig(AppConfig):
    """From what people said to an idea or a challenge, and back."""

    name = "commonweal.propose.origins"
    label = "origins"
