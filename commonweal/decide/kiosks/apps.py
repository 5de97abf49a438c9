"""The app of kiosks."""

from django.apps import AppConfig


class KiosksConfig(AppConfig):
    """Machines in public places at which one person after the other votes."""

    name = "commonweal.decide.kiosks"
    label = "kiosks"
