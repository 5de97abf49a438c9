"""The milestones app."""

from django.apps import AppConfig


class MilestonesConfig(AppConfig):
    """What becomes of the projects that people voted for."""

    name = "commonweal.deliver.milestones"
    label = "milestones"
