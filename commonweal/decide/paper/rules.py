"""Who may bring in votes for others, and what a paper that was read is worth."""

from __future__ import annotations

from dataclasses import replace

from commonweal.decide.budgets.models import Pot, Reach
from commonweal.decide.budgets.rules import may_run
from commonweal.decide.paper.models import Keying, Says
from commonweal.ground.people.models import Person
from commonweal.ground.places.models import RoleKind
from commonweal.ground.places.rules import Viewer


def may_bring_in(viewer: Viewer, pot: Pot) -> bool:
    """Tell whether the viewer may handle papers, take calls and let people in at a kiosk."""
    return viewer.person is not None and may_run(viewer, pot)


def may_declare_lost(viewer: Viewer, pot: Pot) -> bool:
    """Tell whether the viewer may say that a batch will never be counted: a clerk may."""
    return may_bring_in(viewer, pot) and viewer.holds(
        pot.community, RoleKind.CLERK, RoleKind.ADMINISTRATOR
    )


def may_vote_on_paper(viewer: Viewer, pot: Pot, person: Person) -> bool:
    """Tell whether somebody with an account may hand in a paper, looked at as they are now."""
    if pot.reach == Reach.CODES:
        return False
    theirs = replace(viewer, person=person)
    theirs.look_again()
    return pot.reach == Reach.EVERYONE or theirs.belongs(pot.community, pot.level)


def is_same(one: Keying, other: Keying) -> bool:
    """Tell whether two people read the same on a paper."""
    return (one.says, one.projects, one.marks) == (other.says, other.projects, other.marks)


def why_spoiled(keying: Keying) -> str:
    """Say by a code why what was read cannot be counted; nothing if it can.

    Nothing at all is no vote, unlike “none of these”. What breaks the rule of the ballot is not mended.
    """
    if keying.says in (Says.EMPTY, Says.UNCLEAR):
        return str(keying.says)
    return keying.wrong
