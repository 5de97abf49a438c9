"""The appraisals app."""

from django.apps import AppConfig


class AppraisalsConfig(AppConfig):
    """What ideas cost and whether they can be done, as staff find it."""

    name = "commonweal.propose.appraisals"
    label = "appraisals"
