"""The maps app."""

from django.apps import AppConfig


class MapsConfig(AppConfig):
    """What people said, as far as the votes tell: common ground, dividing lines, groups."""

    name = "commonweal.listen.maps"
    label = "maps"
