"""Surveys."""

from django.apps import AppConfig


class SurveysConfig(AppConfig):
    """Surveys: questions that staff ask and residents answer."""

    name = "commonweal.listen.surveys"
    label = "surveys"
