"""The hearings app."""

from django.apps import AppConfig


class HearingsConfig(AppConfig):
    """Documents that people comment on, passage by passage."""

    name = "commonweal.listen.hearings"
    label = "hearings"
