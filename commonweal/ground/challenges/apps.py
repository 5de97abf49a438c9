"""The challenges app."""

from django.apps import AppConfig


class ChallengesConfig(AppConfig):
    """Open questions about making a service better."""

    name = "commonweal.ground.challenges"
    label = "challenges"
