"""Who may vote in a pot, and what a ballot may say. Everything here fails closed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from commonweal.decide.ballots import queries
from commonweal.decide.ballots.models import Channel
from commonweal.decide.ballots.queries import Listed, Voter
from commonweal.decide.budgets.models import BallotKind, Pot, Project, Reach
from commonweal.ground.places.models import Level
from commonweal.ground.places.rules import Viewer
from commonweal.kit.money import pounds


class WhyNot(NamedTuple):
    """Why somebody may not vote now, and the next step, which may be none."""

    code: str
    words: str
    link: str = ""
    href: str = ""


def may_vote(viewer: Viewer, pot: Pot, voter: Voter | None = None) -> bool:
    """Tell whether this voter may vote in this pot at this moment."""
    return why_not(viewer, pot, voter) is None


def why_not(viewer: Viewer, pot: Pot, voter: Voter | None = None) -> WhyNot | None:
    """Say why this voter may not vote in this pot now; nothing if they may.

    ``voter`` is whoever votes without an account; without one it is the viewer's person.
    """
    if pot.authority_id != viewer.authority.pk:
        return WhyNot("elsewhere", _("This ballot belongs to another authority."))
    state = pot.state(viewer.at)
    if state == "coming":
        return WhyNot("coming", _("This ballot is not open yet."))
    if state != "open":
        return WhyNot("closed", _("This ballot is closed."))
    if voter is not None and voter.person_id is None:
        return _why_not_without_account(pot, voter)
    if pot.reach == Reach.CODES:
        words = _("This ballot is for people who were sent a voting code.")
        return WhyNot("code", words, _("Enter my voting code"), reverse("registers:enter"))
    if viewer.person is None:
        words = _("One person, one vote: so we need to know who you are. Reading needs no account.")
        onward = urlencode({"next": reverse("ballots:vote", args=[pot.pk])})
        href = f"{reverse('account_login')}?{onward}"
        return WhyNot("sign-in", words, _("Send me a code by email"), href)
    return None if pot.reach == Reach.EVERYONE else _why_not_here(viewer, pot)


def _why_not_without_account(pot: Pot, voter: Voter) -> WhyNot | None:
    """A code, a paper or a call was checked by whoever let it in; a guest only where all may vote."""
    if voter.channel is None and pot.reach != Reach.EVERYONE:
        return WhyNot("guest", _("To vote here you need an account or a voting code."))
    return None


def _why_not_here(viewer: Viewer, pot: Pot) -> WhyNot | None:
    if viewer.belongs(pot.community, pot.level):
        return None
    href = pot.community.get_absolute_url()
    values = {"place": pot.community.name, "level": Level(pot.level).label}
    if viewer.belongs(pot.community, Level.SELF_DECLARED):
        words = (
            _("To vote here we have to be surer that you belong to %(place)s: %(level)s.") % values
        )
        return WhyNot("verify", words, _("Show that you belong here"), href)
    words = _("This money is shared out by people who belong to %(place)s.") % values
    return WhyNot("join", words, _("Join %(place)s") % values, href)


def why_not_now(viewer: Viewer, pot: Pot, voter: Voter | None = None) -> WhyNot | None:
    """As ``why_not``, and looks up what does not stand on the pot: codes, and who was found."""
    refused = why_not(viewer, pot, voter)
    if refused:
        return refused
    if voter is None:
        register_id = queries.register_to_be_found_in(viewer, pot)
        return not_found(pot, register_id) if register_id is not None else None
    if voter.code_id is not None and not queries.code_counts(pot, voter.code_id):
        return WhyNot("code", _("This voting code does not count any more."))
    return None


def not_found(pot: Pot, register_id: int) -> WhyNot:
    """Say why somebody who was checked well, but not found in this register, has to be first."""
    words = _(
        "People of a register were sent voting codes for this ballot. So that nobody votes twice, use"
        " your code, or find yourself in the register first."
    )
    onward = urlencode({"next": reverse("ballots:vote", args=[pot.pk])})
    href = f"{reverse('registers:match', args=[register_id])}?{onward}"
    return WhyNot("unfound", words, _("Find myself in the register"), href)


def voted_otherwise(
    viewer: Viewer, pot: Pot, way: Channel | None, voter: Voter | None = None
) -> WhyNot | None:
    """Say that somebody voted by a ``way`` that no page can change, or in another district."""
    if way not in (None, Channel.ONLINE):
        return WhyNot("voted", words_of(way))
    if voter is None and viewer.person is not None:
        voter = queries.voter_of(viewer.person)
    district = queries.district_voted_in(pot, voter) if way is None and voter else None
    if district is None:
        return None
    words = _("You have voted in the pot of %(place)s. One person votes in one district.")
    href = reverse("ballots:receipt", args=[district.pk])
    return WhyNot(
        "voted", words % {"place": district.community.name}, _("See my receipt there"), href
    )


def pot_panel(viewer: Viewer, pot: Pot) -> Mapping[str, Any] | None:
    """Return what a pot's page says about the viewer's own vote."""
    way = queries.voted_by(viewer, pot)
    return {
        "state": pot.state(viewer.at),
        "why_not": why_not_now(viewer, pot),
        "has_voted": way is not None,
        "otherwise": voted_otherwise(viewer, pot, way),
        "has_codes": pot.reach == Reach.PLACE and viewer.person is None and queries.has_codes(pot),
    }


def card_panel(viewer: Viewer, project: Project) -> Mapping[str, Any] | None:
    """Return what a project's card on its pot's page needs to be put on a shortlist."""
    return {}


def project_panel(viewer: Viewer, project: Project) -> Mapping[str, Any] | None:
    """Return something while a project can be put on a shortlist: until its pot has closed."""
    return {} if project.pot.state(viewer.at) in ("coming", "open") else None


# --- what a ballot may say


class Choice(NamedTuple):
    """What somebody chose: projects, and for each 1, its place, its points or its score.

    No project at all is a ballot too: none of these.
    """

    projects: tuple[int, ...] = ()
    marks: tuple[int, ...] = ()

    @classmethod
    def of(cls, projects: list[int]) -> Choice:
        """Return the choice of these projects, each once, whatever their order."""
        return cls.marked(dict.fromkeys(projects, 1))

    @classmethod
    def marked(cls, marks: Mapping[int, int]) -> Choice:
        """Return the choice that marks each of these projects so."""
        chosen = tuple(sorted(marks))
        return cls(chosen, tuple(marks[number] for number in chosen))


class Wrong(NamedTuple):
    """What is wrong with a choice, and how to mend it; ``projects`` are those it stands beside."""

    code: str
    words: str
    projects: tuple[int, ...] = ()


def wrong_with(pot: Pot, listed: Mapping[int, Listed], choice: Choice) -> Wrong | None:
    """Say what this pot's kind of ballot cannot take in a choice; nothing if it can take it."""
    projects, marks = choice
    if len(projects) != len(marks) or len(set(projects)) != len(projects):
        return Wrong(
            "broken", _("Something in this ballot was broken. Choose again, then send it.")
        )
    if not set(projects) <= listed.keys():
        words = _(
            "One of the ideas you chose is not on this ballot. Check your choice, then cast it."
        )
        return Wrong("stranger", words)
    if not projects:
        return None
    return (
        _wrong_number(pot, len(projects))
        or _wrong_marks(pot, dict(zip(projects, marks, strict=True)))
        or _wrong_together(pot, {number: listed[number] for number in projects})
    )


def _wrong_number(pot: Pot, chosen: int) -> Wrong | None:
    if chosen < pot.fewest:
        words = ngettext(
            "Choose at least %(n)s idea, or say that you would fund none of these.",
            "Choose at least %(n)s ideas, or say that you would fund none of these.",
            pot.fewest,
        )
        return Wrong("too-few", words % {"n": pot.fewest})
    if pot.most is not None and chosen > pot.most:
        words = ngettext(
            "Choose at most %(n)s idea. You have chosen %(chosen)s: take some out.",
            "Choose at most %(n)s ideas. You have chosen %(chosen)s: take some out.",
            pot.most,
        )
        return Wrong("too-many", words % {"n": pot.most, "chosen": chosen})
    return None


def _wrong_marks(pot: Pot, marks: Mapping[int, int]) -> Wrong | None:
    given = marks.values()
    if pot.ballot_kind == BallotKind.RANKED:
        return _wrong_places(marks)
    if pot.ballot_kind == BallotKind.POINTS:
        spent = sum(given)
        if min(given) < 1 or spent > pot.points:
            words = _("You have %(points)s points to give and gave %(spent)s: take some back.")
            return Wrong("points", words % {"points": pot.points, "spent": spent})
        return None
    if pot.ballot_kind == BallotKind.SCORES:
        beyond = tuple(number for number, mark in marks.items() if not 1 <= mark <= pot.top_score)
        if beyond:
            words = _("Give scores from 0 to %(top)s.") % {"top": pot.top_score}
            return Wrong("scores", words, beyond)
        return None
    return None if set(given) == {1} else Wrong("broken", _("This ballot takes ticks alone."))


def _wrong_places(marks: Mapping[int, int]) -> Wrong | None:
    if sorted(marks.values()) == list(range(1, len(marks) + 1)):
        return None
    taken = Counter(marks.values())
    shared = tuple(number for number, place in marks.items() if taken[place] > 1)
    return Wrong("places", _("Give each idea a place of its own: 1, 2, 3 and so on."), shared)


def _wrong_together(pot: Pot, chosen: Mapping[int, Listed]) -> Wrong | None:
    """A basket has to fit into the pot, and holds at most one idea of each group where one may win."""
    if pot.ballot_kind != BallotKind.BASKET:
        return None
    over = sum(project.cost_pence for project in chosen.values()) - pot.pence
    if over > 0:
        words = _("Your basket costs %(over)s more than the pot holds. Take something out.")
        return Wrong("over", words % {"over": pounds(over)})
    groups = Counter(project.exclusive for project in chosen.values() if project.exclusive)
    crowded = tuple(number for number, told in chosen.items() if groups[told.exclusive] > 1)
    if crowded:
        words = _(
            "Only one of these can win, so your basket takes one of them. Take the other out."
        )
        return Wrong("exclusive", words, crowded)
    return None


def no_room(pot: Pot, listed: Mapping[int, Project], chosen: Collection[int], number: int) -> str:
    """Say why this idea cannot come to those chosen now, and what to do; nothing if it can."""
    if number in chosen or pot.ballot_kind not in (BallotKind.BASKET, BallotKind.RANKED):
        return ""
    if pot.most is not None and len(chosen) >= pot.most:
        words = ngettext(
            "You have chosen %(n)s, the most this ballot takes. Take it out to add this.",
            "You have chosen %(n)s, the most this ballot takes. Take one out to add this.",
            pot.most,
        )
        return words % {"n": pot.most}
    if pot.ballot_kind == BallotKind.RANKED:
        return ""
    project = listed[number]
    short = sum(listed[n].cost_pence for n in chosen) + project.cost_pence - pot.pence
    if short > 0:
        words = _("%(short)s more than you have left. Take something out to add it.")
        return words % {"short": pounds(short)}
    for other in chosen:
        if project.exclusive and listed[other].exclusive == project.exclusive:
            words = _("Only one of these can win. Take “%(title)s” out to add this.")
            return words % {"title": listed[other].title}
    return ""


def asks(pot: Pot) -> str:
    """Say how many ideas a ballot names, where the pot asks for a number of them."""
    fewest, most = pot.fewest, pot.most
    if pot.ballot_kind == BallotKind.CHOOSE_ONE or (fewest == 1 and most is None):
        return ""
    values = {"fewest": fewest, "most": most}
    if most is None:
        return _("Choose at least %(fewest)s ideas, or none.") % values
    if fewest == 1:
        words = ngettext("Choose %(most)s idea.", "Choose up to %(most)s ideas.", most)
    elif fewest == most:
        words = _("Choose %(most)s ideas, or none.")
    else:
        words = _("Choose %(fewest)s to %(most)s ideas, or none.")
    return words % values


def words_of(channel: Channel, *, has_code: bool = False) -> str:
    """Say by what way somebody has voted already; ``has_code``: to whoever comes with that code."""
    if channel == Channel.CODE and has_code:
        return _("This voting code has been used already.")
    return {
        Channel.ONLINE: _("You have voted here already, on-line."),
        Channel.CODE: _("You have voted here already, with a voting code."),
        Channel.PAPER: _("You have voted here already, on paper."),
        Channel.TELEPHONE: _("You have voted here already, by telephone."),
        Channel.KIOSK: _("You have voted here already, at a kiosk."),
    }[channel]
