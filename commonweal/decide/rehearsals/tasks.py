"""Comparisons with many votes are worked out aside."""

from commonweal.decide.rehearsals import actions
from commonweal.kit.clock import database_now
from commonweal.kit.jobs import job


@job("rehearsals.work_out")
def work_out(pot_id: int) -> None:
    """Work out what was last asked for; done already, it is not done again."""
    actions.work_out(pot_id=pot_id, at=database_now())
