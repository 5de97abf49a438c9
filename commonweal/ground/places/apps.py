"""The places app."""

from django.apps import AppConfig


class PlacesConfig(AppConfig):
    """Authorities, communities, memberships, roles and organisations."""

    name = "commonweal.ground.places"
    label = "places"
