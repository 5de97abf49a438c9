"""The registers app."""

from django.apps import AppConfig


class RegistersConfig(AppConfig):
    """Registers and voting codes: who may vote without being known here."""

    name = "commonweal.decide.registers"
    label = "registers"
