"""The paper app."""

from django.apps import AppConfig


class PaperConfig(AppConfig):
    """Votes that staff bring in: on paper, by telephone, at a kiosk."""

    name = "commonweal.decide.paper"
    label = "paper"
