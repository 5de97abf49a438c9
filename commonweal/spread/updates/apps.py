"""The updates app."""

from django.apps import AppConfig


class UpdatesConfig(AppConfig):
    """What happened, told to those who follow it."""

    name = "commonweal.spread.updates"
    label = "updates"
