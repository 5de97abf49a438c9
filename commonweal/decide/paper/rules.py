"""Who may bring in votes for others, and what a paper that was read is worth; and the words read out or printed."""

from __future__ import annotations

from dataclasses import replace

from django.utils.translation import gettext as _

from commonweal.decide.ballots.models import Channel
from commonweal.decide.ballots.rules import asks
from commonweal.decide.budgets.models import BallotKind, Pot, Reach
from commonweal.decide.budgets.rules import may_run
from commonweal.decide.paper.models import Keying, Says
from commonweal.ground.people.models import Person
from commonweal.ground.places.models import RoleKind
from commonweal.ground.places.rules import Viewer
from commonweal.kit.money import pounds


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


# --- words


def words_of_staff(channel: Channel) -> str:
    """Say to staff by what way somebody has voted already."""
    return {
        Channel.ONLINE: _("This person has voted already, on-line."),
        Channel.CODE: _("This voting code has been used already."),
        Channel.PAPER: _("This person has voted already, on paper."),
        Channel.TELEPHONE: _("This person has voted already, by telephone."),
        Channel.KIOSK: _("This person has voted already, at a kiosk."),
    }[channel]


def consent_words() -> str:
    """Return what is read to somebody before their ballot is entered for them."""
    return _(
        "I type in your ballot for you and read it back to you. Then it goes into the box, and neither I"
        " nor anybody else can look at it or change it. We keep that you voted by telephone, and that you"
        " agreed to this. Do you agree that I enter your ballot for you?"
    )


def how_to_fill(pot: Pot) -> list[str]:
    """Say how a ballot of this kind is filled in on a screen."""
    values = {"points": pot.points, "top": pot.top_score, "pence": pounds(pot.pence)}
    how = {
        BallotKind.APPROVAL: _("Tick every idea you would fund."),
        BallotKind.CHOOSE_ONE: _("Choose the one idea you would fund."),
        BallotKind.BASKET: _("Tick the ideas you would fund. Together they may cost %(pence)s."),
        BallotKind.RANKED: _(
            "Write 1 beside the idea you like best, 2 beside the next, and so on."
        ),
        BallotKind.POINTS: _("Share out %(points)s points: write beside an idea how many it gets."),
        BallotKind.SCORES: _("Give each idea a score from 0 to %(top)s."),
    }[BallotKind(pot.ballot_kind)] % values
    return [how, *filter(None, [asks(pot)])]


def how_to_mark(pot: Pot) -> list[str]:
    """Say how a paper of this kind of ballot is marked, and how many ideas it takes."""
    values = {"points": pot.points, "top": pot.top_score, "pence": pounds(pot.pence)}
    how = {
        BallotKind.APPROVAL: _("Put a cross beside every idea you would fund."),
        BallotKind.CHOOSE_ONE: _("Put a cross beside the one idea you would fund."),
        BallotKind.BASKET: _(
            "Put a cross beside the ideas you would fund. Together they may cost at most %(pence)s."
        ),
        BallotKind.RANKED: _(
            "Write 1 beside the idea you like best, 2 beside the next, and so on."
        ),
        BallotKind.POINTS: _("Share out %(points)s points: write beside an idea how many it gets."),
        BallotKind.SCORES: _(
            "Write a score from 0 to %(top)s beside each idea. Empty counts as 0."
        ),
    }[BallotKind(pot.ballot_kind)] % values
    return [how, *filter(None, [asks(pot)])]
