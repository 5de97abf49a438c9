"""The site with one of its guards taken out, to show that the race test sees what the guard prevents.

Served by ``benchmarks.race`` over a scratch database: ``BENCH_WITHOUT`` names the guard.
"""

from __future__ import annotations

import os
import time
from typing import Any

from commonweal.decide.ballots import actions, queries
from commonweal.decide.ballots.models import Ballot, Roll
from commonweal.decide.ballots.queries import Voter
from commonweal.decide.ballots.rules import Choice
from commonweal.decide.budgets.models import Pot
from commonweal.ground.places.rules import Viewer
from commonweal.web.wsgi import application  # first: it sets Django up

__all__ = ["application"]
PAUSE = 0.02  # seconds between looking and writing, where careless code does something else
LONG = 0.5  # the same, long enough that a close falls into it each time


def look_then_write(pot: Pot, voter: Voter, choice: Choice) -> Ballot:
    """Put a ballot in the box as careless code does: look whether there is one, then write."""
    found = Ballot.objects.filter(pot=pot, envelope=pot.seal(voter.name)).first()
    on_roll = Roll.objects.filter(queries.lines_of(voter), pot=pot).exists()
    if on_roll and found is None:
        raise actions.VotedAlready("Somebody has voted.")
    time.sleep(PAUSE)
    ballot = found or Ballot(pot=pot, envelope=pot.seal(voter.name))
    ballot.projects, ballot.marks = list(choice.projects), list(choice.marks)
    ballot.save(force_insert=found is None)
    if not on_roll:
        who = {"person_id": voter.person_id, "voting_code_id": voter.code_id}
        Roll.objects.create(pot=pot, channel=voter.channel, **who)
    return ballot


def without(guard: str) -> None:
    """Take a guard out of this process."""
    if guard == "unique":
        actions._in_the_box = look_then_write
    elif guard == "lock":
        queries._HELD = queries._HELD.replace("FOR KEY SHARE OF pot", "")
        held = queries.pot_held_open

        def looked_at(viewer: Viewer, *asked: Any) -> queries.Held | None:
            found = held(viewer, *asked)
            time.sleep(LONG)
            return found

        queries.pot_held_open = looked_at
    elif guard == "closing":
        Pot.is_open = lambda pot, at: True  # type: ignore[method-assign]
        Pot.state = lambda pot, at: "open"  # type: ignore[method-assign]


without(os.environ["BENCH_WITHOUT"])
