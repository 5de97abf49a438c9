"""The proposals app."""

from django.apps import AppConfig


class ProposalsConfig(AppConfig):
    """Ideas in writing, signed by people."""

    name = "commonweal.propose.proposals"
    label = "proposals"
