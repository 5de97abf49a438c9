"""The people app."""

from django.apps import AppConfig


class PeopleConfig(AppConfig):
    """Accounts, and what a person may do with their own data."""

    name = "commonweal.ground.people"
    label = "people"
