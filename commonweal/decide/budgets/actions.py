"""Setting up a pot, opening it, changing what may still change, and what is asked about projects."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from commonweal.decide.budgets import queries, rules
from commonweal.decide.budgets.models import (
    WITHOUT_MARKS,
    BallotKind,
    Change,
    Part,
    Picture,
    Pot,
    Project,
    Question,
    QuietPeriod,
    Round,
    Rule,
    Step,
    Withdrawal,
    new_preview,
    new_seed,
)
from commonweal.ground.challenges.models import Challenge
from commonweal.ground.journal import actions as journal
from commonweal.ground.people.models import Person
from commonweal.ground.places import queries as places
from commonweal.ground.places.models import Community
from commonweal.ground.places.rules import Viewer
from commonweal.kit.jobs import later
from commonweal.kit.mail import letter
from commonweal.kit.money import pounds
from commonweal.kit.pictures import Drawn
from commonweal.propose.proposals import actions as proposals
from commonweal.propose.proposals.models import Proposal, Status
from commonweal.propose.proposals.queries import authors_of

# --- setting up

A_YEAR = timedelta(days=364)  # the same day of the week
SETTINGS = (
    "about", "pence", "ballot_kind", "fewest", "most", "points", "top_score", "order_is_fixed",
    "rule", "quorum", "supports_needed", "appraised_only", "reach", "level", "paper_policy",
)  # fmt: skip
WORDS = ("title", "summary", "where", "outcome", "run_by", "cost_note", "cost_lines", "exclusive")
MOST_PICTURES = 5
AT_ONCE = 200  # so many ideas are taken up in one transaction when their authors are told
MOST_QUESTIONS_AN_HOUR = 10


class OutcomeComesFirst(Exception):
    """The challenge does not say yet what should get better."""


class MoreThanTheChallengeHas(Exception):
    """The pots of a challenge may not hold more than the challenge; ``left_pence`` is what may go in."""

    def __init__(self, left_pence: int) -> None:
        super().__init__(left_pence)
        self.left_pence = left_pence


class OpensTooSoon(Exception):
    """A pot opens in the future, so that its projects can be read before."""


class QuietTime(Exception):
    """The pot would open, close or declare its result in a quiet time: ``period``."""

    def __init__(self, period: QuietPeriod) -> None:
        super().__init__(period.why)
        self.period = period


class RuleCannotRead(Exception):
    """This rule cannot read what this kind of ballot says."""


class NotReady(Exception):
    """Something is missing before the pot can be made public."""


class PotHasOpened(Exception):
    """Money, rule, dates and projects stay as they are once people can vote."""


class TooDear(Exception):
    """A project costs more than the whole pot."""


class ProposalNotReady(Exception):
    """The proposal is not public, of another challenge, in a ballot, signed by too few or not appraised."""


class OtherThanAppraised(Exception):
    """Staff found another cost, and the authors answered to that one; ``pence`` is what they found."""

    def __init__(self, pence: int) -> None:
        super().__init__(pence)
        self.pence = pence


@transaction.atomic
def create_pot(
    *,
    viewer: Viewer,
    challenge: Challenge,
    community: Community,
    title: str,
    about: str,
    pence: int,
    rule: str,
    level: int,
    opens_at: datetime,
    closes_at: datetime,
    lot_seed: str | None = None,
    **settings: Any,
) -> Pot:
    """Set money of a challenge aside for people to share out, with everything said at once."""
    pot = _new_pot(
        viewer,
        challenge,
        community,
        title=title,
        about=about,
        pence=pence,
        rule=rule,
        level=level,
        opens_at=opens_at,
        closes_at=closes_at,
        lot_seed=lot_seed or new_seed(),
        **settings,
    )
    _check_dates(viewer, pot)
    pot.save()
    _record(viewer, "pot.created", pot)
    return pot


@transaction.atomic
def draft_pot(
    *,
    viewer: Viewer,
    challenge: Challenge,
    community: Community,
    title: str,
    about: str,
    pence: int,
    round: Round | None = None,
) -> Pot:
    """Begin a pot that nobody else sees until all of its steps are done."""
    pot = _new_pot(
        viewer,
        challenge,
        community,
        title=title,
        about=about,
        pence=pence,
        round=round,
        is_draft=True,
        appraised_only=True,
        steps_done=[Step.PURPOSE.value],
        **_dates_to_begin_with(viewer.at),
    )
    pot.save()
    _record(viewer, "pot.drafted", pot)
    return pot


@transaction.atomic
def draft_round(
    *,
    viewer: Viewer,
    challenge: Challenge,
    title: str,
    about: str,
    pence: int,
    communities: Iterable[Community],
) -> Round:
    """Begin a pot for each of several districts, of which a person may vote in one."""
    if not rules.may_set_up(viewer, challenge, challenge.community) or viewer.person is None:
        raise PermissionDenied(_("Only those who lead this challenge may share out its money."))
    made = Round.objects.create(
        authority=viewer.authority,
        challenge=challenge,
        title=title,
        created_at=viewer.at,
        created_by=viewer.person,
    )
    for community in communities:
        draft_pot(
            viewer=viewer,
            challenge=challenge,
            community=community,
            title=f"{title[: 118 - len(community.name)]}: {community.name}"[:120],
            about=about,
            pence=pence,
            round=made,
        )
    return made


@transaction.atomic
def copy_pot(
    *,
    viewer: Viewer,
    pot_id: int,
    challenge: Challenge,
    title: str,
    pence: int,
    projects: Iterable[int] = (),
) -> Pot:
    """Begin a pot with all settings of an earlier one, and the projects that are named.

    Dates move on by whole years until they lie ahead; seed, key and preview link are its own.
    """
    past = Pot.objects.select_related("community").get(pk=pot_id, authority=viewer.authority)
    if not rules.may_run(viewer, past):
        raise PermissionDenied(_("Only those who ran a pot may begin another from it."))
    is_inside = challenge.community_id in past.community.branch()
    community = past.community if is_inside else challenge.community
    same = {name: getattr(past, name) for name in SETTINGS}
    pot = _new_pot(
        viewer,
        challenge,
        community,
        **{
            **same,
            **_dates_moved_on(past, viewer.at),
            "title": title,
            "pence": pence,
            "copied_from": past,
            "is_draft": True,
            "steps_done": [step.value for step in Step if step not in (Step.IDEAS, Step.DATES)],
        },
    )
    pot.save()
    _record(viewer, "pot.drafted", pot)
    for project in past.projects.filter(pk__in=list(projects)).order_by("pk"):
        _copy_project(viewer, pot, project)
    return pot


def _copy_project(viewer: Viewer, pot: Pot, project: Project) -> None:
    """Put the same on the new ballot; with its proposal where that may stand in another ballot."""
    proposal = project.proposal
    if proposal is not None:
        fits = queries.proposals_to_add(pot).filter(pk=proposal.pk).exists()
        proposal = proposal if fits else None
    words = {name: getattr(project, name) for name in WORDS}
    found = queries.appraised(proposal)
    if found is not None and found.total_pence != project.cost_pence:
        words["cost_lines"] = []  # they no longer add up
    add_project(
        viewer=viewer,
        pot_id=pot.pk,
        proposal=proposal,
        cost_pence=found.total_pence if found else project.cost_pence,
        **words,
    )


def _new_pot(
    viewer: Viewer, challenge: Challenge, community: Community, *, pence: int, **values: Any
) -> Pot:
    """Return a pot that is not saved yet, if its money is there and the viewer may set it aside."""
    if not rules.may_set_up(viewer, challenge, community) or viewer.person is None:
        raise PermissionDenied(_("Only those who lead this challenge may share out its money."))
    _check_money(challenge, pence)
    pot = Pot(
        authority=viewer.authority,
        community=community,
        challenge=challenge,
        pence=pence,
        created_at=viewer.at,
        created_by=viewer.person,
        **values,
    )
    _check_rule(pot)
    return pot


def _dates_to_begin_with(at: datetime) -> dict[str, datetime]:
    """Return dates four weeks ahead, until the clerk says others: a draft never opens by them."""
    day = timezone.localtime(at) + timedelta(days=28)
    opens = day.replace(hour=9, minute=0, second=0, microsecond=0)
    return {"opens_at": opens, "closes_at": (opens + timedelta(days=21)).replace(hour=20)}


def _dates_moved_on(past: Pot, at: datetime) -> dict[str, datetime | None]:
    years = max(1, -((past.opens_at - at) // A_YEAR))
    moved: dict[str, datetime | None] = {}
    for name in ("opens_at", "closes_at", "public_at", "result_at"):
        moment = getattr(past, name)
        local = None if moment is None else timezone.localtime(moment).replace(tzinfo=None)
        moved[name] = None if local is None else timezone.make_aware(local + years * A_YEAR)
    if moved["opens_at"] is not None and moved["opens_at"] <= at:  # a few hours, between two years
        return _dates_moved_on_by(moved)
    return moved


def _dates_moved_on_by(moved: dict[str, datetime | None]) -> dict[str, datetime | None]:
    return {name: None if at is None else at + A_YEAR for name, at in moved.items()}


@transaction.atomic
def change_pot(*, viewer: Viewer, pot_id: int, **changes: Any) -> Pot:
    """Change a pot before it opens: any of the fields of ``create_pot`` but its challenge."""
    return _change(viewer, _pot_to_change(viewer, pot_id), changes)


@transaction.atomic
def save_step(
    *, viewer: Viewer, pot_id: int, step: Step, whole_round: bool = False, **changes: Any
) -> Pot:
    """Save one step of setting up, for every pot of its round if asked; each keeps its own district."""
    round_id = Pot.objects.filter(pk=pot_id).values_list("round_id", flat=True).first()
    alike = {name: value for name, value in changes.items() if name not in ("community", "title")}
    saved: dict[int, Pot] = {}
    siblings = [pot_id]
    if whole_round and round_id is not None:
        everyone = Pot.objects.filter(round=round_id, withdrawn_at__isnull=True)
        siblings = sorted({pot_id, *everyone.values_list("pk", flat=True)})
    for number in siblings:
        pot = _pot_to_change(viewer, number)
        mine = dict(changes if number == pot_id else alike)
        if step not in pot.steps_done:
            in_order = [one.value for one in Step if one in (*pot.steps_done, step)]
            mine["steps_done"] = in_order
        if "lot_seed" in mine and number != pot_id:
            del mine["lot_seed"]
        saved[number] = _change(viewer, pot, mine, dates_are_said=step == Step.DATES)
    return saved[pot_id]


def _change(
    viewer: Viewer, pot: Pot, changes: dict[str, Any], *, dates_are_said: bool = False
) -> Pot:
    if "community" in changes and not rules.may_set_up(viewer, pot.challenge, changes["community"]):
        raise PermissionDenied(_("Only those who lead a community may put a pot before it."))
    for name, value in changes.items():
        setattr(pot, name, value)
    if pot.ballot_kind == BallotKind.CHOOSE_ONE:
        pot.fewest = pot.most = 1
        changes = {**changes, "fewest": 1, "most": 1}
    _check_money(pot.challenge, pot.pence, but=pot.pk)
    _check_rule(pot)
    if not pot.is_draft or dates_are_said:
        _check_dates(viewer, pot)
    if pot.projects.filter(cost_pence__gt=pot.pence).exists():
        raise TooDear
    pot.save(update_fields=[*changes])
    _record(viewer, "pot.changed", pot)
    return pot


@transaction.atomic
def make_public(*, viewer: Viewer, pot_id: int) -> Pot:
    """Let a whole draft go: people see it, at once or at its own time, and it opens by itself."""
    pot = _pot_to_change(viewer, pot_id)
    if not pot.is_draft:
        return pot
    if queries.missing(pot, viewer.at):
        raise NotReady
    pot.is_draft = False
    pot.save(update_fields=["is_draft"])
    _record(viewer, "pot.created", pot)
    return pot


@transaction.atomic
def renew_preview(*, viewer: Viewer, pot_id: int) -> Pot:
    """Give a pot a new preview link; the old one leads nowhere from now on."""
    pot = Pot.objects.select_for_update(of=("self",)).get(pk=pot_id, authority=viewer.authority)
    if not rules.may_run(viewer, pot):
        raise PermissionDenied(_("Only those who run this pot may do this."))
    pot.preview = new_preview()
    pot.save(update_fields=["preview"])
    _record(viewer, "pot.preview_renewed", pot, public=False)
    return pot


def _record(
    viewer: Viewer,
    what: str,
    about: Pot | Project,
    *,
    public: bool | None = None,
    **facts: Any,
) -> None:
    """Keep who set up what; it is everyone's story once everybody may read the pot."""
    pot = about if isinstance(about, Pot) else about.pot
    is_told = (
        pot.challenge.is_public
        and not pot.is_draft
        and (pot.public_at is None or pot.public_at <= viewer.at)
    )
    journal.record(
        what=what,
        who=viewer.person,
        about=about,
        at=viewer.at,
        public=is_told if public is None else public and is_told,
        facts=facts,
    )


def _check_money(challenge: Challenge, pence: int, *, but: int | None = None) -> None:
    """Hold the challenge, so that two pots cannot both take what is left."""
    held = Challenge.objects.select_for_update().get(pk=challenge.pk)
    if not held.outcomes.exists():
        raise OutcomeComesFirst
    if held.money_pence is not None:
        left = held.money_pence - queries.money_in_pots(held, but=but)
        if pence > left:
            raise MoreThanTheChallengeHas(max(0, left))


def _check_rule(pot: Pot) -> None:
    if pot.rule == Rule.PHRAGMEN and pot.ballot_kind not in WITHOUT_MARKS:
        raise RuleCannotRead


def _check_dates(viewer: Viewer, pot: Pot) -> None:
    """Check what a pot's dates may be; the database holds to the quiet times as well."""
    if pot.opens_at <= viewer.at:
        raise OpensTooSoon
    _check_quiet(pot)


def _check_quiet(pot: Pot) -> None:
    period = queries.disturbed_by(pot)
    if period is not None:
        raise QuietTime(period)


def _pot_to_change(viewer: Viewer, pot_id: int) -> Pot:
    pot = _pot_to_run(viewer, pot_id)
    if pot.withdrawn_at is not None or (not pot.is_draft and viewer.at >= pot.opens_at):
        raise PotHasOpened
    return pot


def _pot_to_run(viewer: Viewer, pot_id: int) -> Pot:
    """Hold a pot that this viewer runs."""
    pot = (
        Pot.objects.select_for_update(of=("self",))
        .select_related("challenge", "community")
        .get(pk=pot_id, authority=viewer.authority)
    )
    if not rules.may_run(viewer, pot):
        raise PermissionDenied(_("Only those who lead this challenge may share out its money."))
    return pot


def _project_to_change(viewer: Viewer, project_id: int) -> tuple[Pot, Project]:
    """Hold the pot, and only then read the project: a colleague may have taken it off just now."""
    found = Project.objects.filter(authority=viewer.authority).values_list("pot_id", flat=True)
    pot = _pot_to_change(viewer, found.get(pk=project_id))
    return pot, pot.projects.get(pk=project_id)


@transaction.atomic
def add_project(
    *,
    viewer: Viewer,
    pot_id: int,
    proposal: Proposal | None = None,
    title: str,
    summary: str,
    cost_pence: int,
    **words: Any,
) -> Project:
    """Put a costed proposal, or something without one, on the ballot.

    An appraised one costs what staff found, for its authors answered to that. ``words``: ``where
    outcome run_by cost_note cost_lines exclusive``.
    """
    pot = _pot_to_change(viewer, pot_id)
    if cost_pence > pot.pence:
        raise TooDear
    if proposal is not None:
        proposal = Proposal.objects.select_for_update().get(pk=proposal.pk)
        if not queries.proposals_to_add(pot).filter(pk=proposal.pk).exists():
            raise ProposalNotReady
        _check_cost(proposal, cost_pence)
        proposals.mark(proposal_ids=[proposal.pk], status=Status.IN_BALLOT)
    words["exclusive"] = _same_word(pot, words.get("exclusive", ""))
    project = Project.objects.create(
        authority=pot.authority,
        pot=pot,
        proposal=proposal,
        title=title,
        summary=summary,
        cost_pence=cost_pence,
        **words,
    )
    _record(viewer, "project.added", project)
    return project


@transaction.atomic
def change_project(*, viewer: Viewer, project_id: int, cost_pence: int, **words: Any) -> Project:
    """Change a project's words or cost before its pot opens: any of those of ``add_project``."""
    pot, project = _project_to_change(viewer, project_id)
    if cost_pence > pot.pence:
        raise TooDear
    if cost_pence != project.cost_pence:
        _check_cost(project.proposal, cost_pence)
    if "exclusive" in words:
        words["exclusive"] = _same_word(pot, words["exclusive"], but=project.pk)
    project.cost_pence = cost_pence
    for name, value in words.items():
        setattr(project, name, value)
    project.save(update_fields=["cost_pence", *words])
    _record(viewer, "project.changed", project)
    return project


@transaction.atomic
def remove_project(*, viewer: Viewer, project_id: int) -> Pot:
    """Take a project off the ballot before the pot opens; its proposal is what it was before."""
    pot, project = _project_to_change(viewer, project_id)
    _let_proposals_go([project])
    project.delete()
    _record(viewer, "project.removed", pot)
    return pot


def _same_word(pot: Pot, said: str, *, but: int | None = None) -> str:
    """Write what ideas exclude each other by as the others have it: a capital parts nobody."""
    said = " ".join(said.split())
    others = pot.projects.exclude(pk=but or 0).exclude(exclusive="").order_by("pk")
    known = others.values_list("exclusive", flat=True) if said else ()
    return next((word for word in known if word.casefold() == said.casefold()), said)


def _check_cost(proposal: Proposal | None, cost_pence: int) -> None:
    found = queries.appraised(proposal)
    if found is not None and found.total_pence != cost_pence:
        raise OtherThanAppraised(found.total_pence)


def _let_proposals_go(projects: Iterable[Project]) -> None:
    """Let the proposals of these projects be what they were before they stood in the ballot."""
    for project in projects:
        if project.proposal_id is None:
            continue
        has_lost = Project.objects.filter(proposal=project.proposal_id, is_funded=False).exists()
        before = Status.NOT_FUNDED if has_lost else Status.PUBLISHED
        proposals.mark(proposal_ids=[project.proposal_id], status=before)


# --- after the opening: what may still change, each time in public and with a reason


class NotOpen(Exception):
    """The pot is not open, so this cannot be done to it any more, or not yet."""


class OnlyLater(Exception):
    """A close is put off, never brought forward."""


class AskedAlready(Exception):
    """Somebody has asked to withdraw this pot; a second person has to agree."""


class TakesTwo(Exception):
    """Who asked to withdraw a pot cannot be the one who agrees."""


@transaction.atomic
def extend_close(*, viewer: Viewer, pot_id: int, closes_at: datetime, why: str) -> Pot:
    """Put off the close of an open pot before it passes, and tell everybody why.

    ``viewer.at`` has to be the database's clock: the second of closing belongs to it.
    """
    pot = _pot_to_run(viewer, pot_id)
    if not pot.is_open(viewer.at):
        raise NotOpen
    if closes_at <= pot.closes_at:
        raise OnlyLater
    was, pot.closes_at = pot.closes_at, closes_at
    _check_quiet(pot)
    pot.save(update_fields=["closes_at"])
    _note(viewer, pot, None, Part.CLOSE, was.isoformat(), closes_at.isoformat(), why)
    facts = {"until_at": closes_at.isoformat()}
    _record(viewer, "pot.extended", pot, public=True, **facts)
    return pot


@transaction.atomic
def correct_pot(*, viewer: Viewer, pot_id: int, about: str, why: str) -> Pot:
    """Correct what a pot says the money is for, after it has opened; both readings stay in public."""
    pot = _pot_to_run(viewer, pot_id)
    _check_has_opened(viewer, pot)
    if about == pot.about:
        return pot
    was, pot.about = pot.about, about
    pot.save(update_fields=["about"])
    _note(viewer, pot, None, Part.ABOUT, was, about, why)
    _record(viewer, "pot.corrected", pot, public=True)
    return pot


CORRECTED = (Part.WHERE, Part.RUN_BY, Part.COST_NOTE, Part.COST_LINES)


@transaction.atomic
def correct_project(*, viewer: Viewer, project_id: int, why: str, **words: Any) -> Project:
    """Correct where a project is, who runs it or what its cost pays for, after the opening."""
    found = Project.objects.filter(authority=viewer.authority).values_list("pot_id", flat=True)
    pot = _pot_to_run(viewer, found.get(pk=project_id))
    _check_has_opened(viewer, pot)
    project = pot.projects.get(pk=project_id)
    changed = [
        part
        for part in CORRECTED
        if words.get(part, getattr(project, part)) != getattr(project, part)
    ]
    for part in changed:
        was, became = getattr(project, part), words[part]
        setattr(project, part, became)
        _note(viewer, pot, project, part, _told(was), _told(became), why)
    if changed:
        project.save(update_fields=[part.value for part in changed])
        _record(viewer, "project.corrected", project, public=True)
    return project


def _told(value: Any) -> str:
    """Write a part as people read it: the lines of a cost one below the other."""
    return value if isinstance(value, str) else "\n".join(queries.in_lines(value))


def _check_has_opened(viewer: Viewer, pot: Pot) -> None:
    if pot.is_draft or pot.withdrawn_at is not None or viewer.at < pot.opens_at:
        raise NotOpen


def _note(
    viewer: Viewer, pot: Pot, project: Project | None, part: Part, was: str, became: str, why: str
) -> None:
    assert viewer.person is not None  # whoever runs a pot is somebody
    Change.objects.create(
        pot=pot,
        project=project,
        part=part,
        was=was,
        became=became,
        why=why,
        changed_at=viewer.at,
        changed_by=viewer.person,
    )


@transaction.atomic
def withdraw_pot(*, viewer: Viewer, pot_id: int, why: str) -> Pot:
    """Take a pot back: at once before it opens; after that a second person has to agree."""
    pot = _pot_to_run(viewer, pot_id)
    assert viewer.person is not None
    if pot.withdrawn_at is not None:
        return pot
    if pot.counted_at is not None:
        raise NotOpen
    if Withdrawal.objects.filter(pot=pot).exists():
        raise AskedAlready
    has_opened = not pot.is_draft and viewer.at >= pot.opens_at
    asked = Withdrawal.objects.create(
        pot=pot, why=why, has_opened=has_opened, asked_at=viewer.at, asked_by=viewer.person
    )
    if has_opened:
        _record(viewer, "pot.withdrawal_asked", pot, public=False)
    else:
        _withdraw(viewer, pot, asked)
    return pot


@transaction.atomic
def agree_to_withdraw(*, viewer: Viewer, pot_id: int) -> Pot:
    """Be the second person: the pot is withdrawn, and votes that were cast are counted by nobody."""
    pot = _pot_to_run(viewer, pot_id)
    asked = Withdrawal.objects.filter(pot=pot, agreed_at__isnull=True).first()
    if asked is None or pot.counted_at is not None:
        raise NotOpen
    if not rules.may_agree(viewer, asked):
        raise TakesTwo
    _withdraw(viewer, pot, asked)
    return pot


@transaction.atomic
def drop_withdrawal(*, viewer: Viewer, pot_id: int) -> Pot:
    """Let a pot stand after all that somebody asked to withdraw."""
    pot = _pot_to_run(viewer, pot_id)
    gone, _rows = Withdrawal.objects.filter(pot=pot, agreed_at__isnull=True).delete()
    if gone:
        _record(viewer, "pot.withdrawal_dropped", pot, public=False)
    return pot


def _withdraw(viewer: Viewer, pot: Pot, asked: Withdrawal) -> None:
    """Close the pot for good: no key, no votes (the database takes them away), its money free again."""
    asked.agreed_at, asked.agreed_by = viewer.at, viewer.person
    asked.save(update_fields=["agreed_at", "agreed_by"])
    _let_proposals_go(pot.projects.all())
    pot.withdrawn_at, pot.key = viewer.at, None
    pot.save(update_fields=["withdrawn_at", "key"])
    _record(viewer, "pot.withdrawn", pot, public=True)


# --- pictures


class TooManyPictures(Exception):
    """A project has a few pictures, so that a page stays light."""


@transaction.atomic
def add_picture(*, viewer: Viewer, project_id: int, drawn: Drawn, alt: str) -> Picture:
    """Put a picture on a project's page, before its pot opens."""
    _pot, project = _project_to_change(viewer, project_id)
    assert viewer.person is not None
    if project.pictures.count() >= MOST_PICTURES:
        raise TooManyPictures
    made = Picture.objects.create(
        project=project,
        alt=alt,
        width=drawn.width,
        height=drawn.height,
        large=drawn.large,
        small=drawn.small,
        added_at=viewer.at,
        added_by=viewer.person,
    )
    _record(viewer, "project.changed", project)
    return made


@transaction.atomic
def remove_picture(*, viewer: Viewer, picture_id: int, why: str = "") -> Project:
    """Take a picture away; once the pot is open it is hidden instead, in public and with a reason."""
    found = Picture.objects.filter(project__authority=viewer.authority)
    asked = found.defer("large", "small").select_related("project").get(pk=picture_id)
    pot = _pot_to_run(viewer, asked.project.pot_id)
    project = pot.projects.get(pk=asked.project_id)
    if pot.is_draft or viewer.at < pot.opens_at:
        Picture.objects.filter(pk=picture_id).delete()
        _record(viewer, "project.changed", project)
        return project
    if not why:
        raise PotHasOpened
    if Picture.objects.filter(pk=picture_id, hidden_at__isnull=True).update(hidden_at=viewer.at):
        _note(viewer, pot, project, Part.PICTURE, asked.alt, "", why)
        _record(viewer, "project.corrected", project, public=True)
    return project


# --- questions and answers


class TooManyQuestions(Exception):
    """Somebody asked more in an hour than anybody needs to."""


@transaction.atomic
def ask_question(*, viewer: Viewer, project_id: int, body: str) -> Question:
    """Ask something about a project, for everybody to read."""
    project = queries.projects(viewer).get(pk=project_id)
    if not rules.may_ask(viewer, project.pot) or viewer.person is None:
        raise PermissionDenied(
            _("Questions are for people who are signed in, until voting closes.")
        )
    Person.objects.select_for_update().get(pk=viewer.person.pk)
    lately = Question.objects.filter(
        person=viewer.person, asked_at__gt=viewer.at - timedelta(hours=1)
    )
    if lately.count() >= MOST_QUESTIONS_AN_HOUR:
        raise TooManyQuestions
    asked = Question.objects.create(
        project=project, person=viewer.person, body=body, asked_at=viewer.at
    )
    _record(viewer, "project.question_asked", project, public=False)
    return asked


@transaction.atomic
def answer_question(*, viewer: Viewer, question_id: int, answer: str) -> Question:
    """Answer as the one who runs the pot; an answer may be bettered, and each time it is told."""
    asked = _question_held(viewer, question_id)
    if not rules.may_run(viewer, asked.project.pot):
        raise PermissionDenied(_("Only those who run this pot answer."))
    asked.answer, asked.answered_at, asked.answered_by = answer, viewer.at, viewer.person
    asked.save(update_fields=["answer", "answered_at", "answered_by"])
    _record(viewer, "project.question_answered", asked.project)
    return asked


@transaction.atomic
def hide_question(*, viewer: Viewer, question_id: int, reason: str) -> Question:
    """Hide a question that breaks the rules; who asked still sees it and why."""
    asked = _question_to_moderate(viewer, question_id)
    if asked.hidden_at is None:
        asked.hidden_at, asked.hidden_reason = viewer.at, reason
        asked.save(update_fields=["hidden_at", "hidden_reason"])
        _record(viewer, "project.question_hidden", asked.project, reason=reason)
    return asked


@transaction.atomic
def show_question(*, viewer: Viewer, question_id: int) -> Question:
    """Show a hidden question again."""
    asked = _question_to_moderate(viewer, question_id)
    if asked.hidden_at is not None:
        asked.hidden_at, asked.hidden_reason = None, ""
        asked.save(update_fields=["hidden_at", "hidden_reason"])
        _record(viewer, "project.question_shown", asked.project)
    return asked


@transaction.atomic
def remove_own_question(*, viewer: Viewer, question_id: int) -> Project:
    """Take back what one asked oneself, with its answer."""
    asked = _question_held(viewer, question_id)
    if viewer.person is None or asked.person_id != viewer.person.pk:
        raise PermissionDenied(_("Only who asked may take a question back."))
    project = asked.project
    asked.delete()
    _record(viewer, "project.question_removed", project, public=False)
    return project


def _question_held(viewer: Viewer, question_id: int) -> Question:
    found = Question.objects.select_for_update(of=("self",)).select_related(
        "project__pot__challenge", "project__pot__community"
    )
    return found.get(pk=question_id, project__authority=viewer.authority)


def _question_to_moderate(viewer: Viewer, question_id: int) -> Question:
    asked = _question_held(viewer, question_id)
    if not rules.may_moderate(viewer, asked.project.pot):
        raise PermissionDenied(_("Only moderators hide what somebody asked."))
    return asked


def let_go_of_questions(person: Person, at: datetime) -> None:
    """Erase what nobody answered; what was answered stays for everybody, without a name."""
    Question.objects.filter(person=person, answer="").delete()


# --- quiet times before an election


class PotsInTheWay(Exception):
    """Pots open or close in the time that is to be quiet: ``pots``."""

    def __init__(self, pots: list[Pot]) -> None:
        super().__init__(len(pots))
        self.pots = pots


class AlreadyBegun(Exception):
    """A quiet time is set before it begins."""


@transaction.atomic
def set_quiet_period(
    *, viewer: Viewer, starts_at: datetime, ends_at: datetime, why: str
) -> QuietPeriod:
    """Say that nothing opens, closes or is declared in a time; results that come due in it wait."""
    root = places.root(viewer)
    if not rules.may_keep_quiet(viewer) or viewer.person is None:
        raise PermissionDenied(_("Only administrators of the whole authority set quiet times."))
    if starts_at <= viewer.at:
        raise AlreadyBegun
    type(viewer.authority).objects.select_for_update(no_key=True).get(pk=viewer.authority.pk)
    in_the_way = list(queries.disturbing_pots(viewer.authority, starts_at, ends_at))
    if in_the_way:
        raise PotsInTheWay(in_the_way)
    made = QuietPeriod.objects.create(
        authority=viewer.authority,
        starts_at=starts_at,
        ends_at=ends_at,
        why=why,
        created_at=viewer.at,
        created_by=viewer.person,
    )
    facts = {"from_at": starts_at.isoformat(), "until_at": ends_at.isoformat()}
    journal.record(
        what="quiet_time.set", who=viewer.person, about=root, at=viewer.at, public=True, facts=facts
    )
    return made


@transaction.atomic
def end_quiet_period(*, viewer: Viewer, period_id: int) -> None:
    """Call a quiet time off before it begins, or end it now; one that is over stays as it was."""
    if not rules.may_keep_quiet(viewer):
        raise PermissionDenied(_("Only administrators of the whole authority set quiet times."))
    period = QuietPeriod.objects.select_for_update().get(pk=period_id, authority=viewer.authority)
    if period.ends_at <= viewer.at:
        return
    if viewer.at <= period.starts_at:
        period.delete()
    else:
        period.ends_at = viewer.at
        period.save(update_fields=["ends_at"])
    journal.record(
        what="quiet_time.ended",
        who=viewer.person,
        about=places.root(viewer),
        at=viewer.at,
        public=True,
    )


# --- opening


@transaction.atomic
def tell_opening(*, pot_id: int, at: datetime) -> bool:
    """Write once into the journal that a pot has opened; tell whether it was this call."""
    pot = Pot.objects.select_for_update().get(pk=pot_id)
    if not queries.due_to_open(at).filter(pk=pot.pk).exists():
        return False
    journal.record(what="pot.opened", who=None, about=pot, at=at, public=True)
    later("budgets.tell_authors", once=f"budgets.tell_authors.{pot.pk}", pot_id=pot.pk)
    return True


@transaction.atomic
def tell_authors(*, pot_id: int, after: int = 0) -> int:
    """Queue a mail about the next ideas of an opened pot; return how many, to go on from the last."""
    pot = Pot.objects.get(pk=pot_id)
    found = list(queries.ideas_to_tell_of(pot, after).values_list("pk", flat=True)[:AT_ONCE])
    for number in found:
        later("budgets.tell_author", pot_id=pot.pk, proposal_id=number)
    if len(found) == AT_ONCE:
        later("budgets.tell_authors", pot_id=pot.pk, after=found[-1])
    return len(found)


def tell_author(*, pot_id: int, proposal_id: int, at: datetime) -> int:
    """Write to an idea's authors whether it is on the ballot, and why not; return how many mails."""
    pot = Pot.objects.select_related("authority").get(pk=pot_id)
    proposal = queries.ideas_to_tell_of(pot).filter(pk=proposal_id).first()
    if proposal is None:
        return 0
    project = pot.projects.filter(proposal=proposal).first()
    told = _on_it(pot, project) if project else _left_out(pot, proposal)
    reached = [person for person in authors_of(proposal) if person.email]
    for person in reached:
        letter(
            person=person,
            authority=pot.authority,
            at=at,
            why=_("You get this because you are an author of this idea."),
            key=f"ballot-{pot.pk}-{proposal.pk}",
            **told,
        ).send()
    return len(reached)


def _on_it(pot: Pot, project: Project) -> dict[str, Any]:
    named = {"title": project.title, "pot": pot.title, "cost": pounds(project.cost_pence)}
    return {
        "subject": _("On the ballot: “%(title)s”") % named,
        "lines": [
            _("Voting in “%(pot)s” has opened, and the list is fixed.") % named,
            _("Your idea stands on it as “%(title)s”, for %(cost)s.") % named,
        ],
        "href": project.get_absolute_url(),
        "link": _("See how it stands there"),
    }


def _left_out(pot: Pot, proposal: Proposal) -> dict[str, Any]:
    named = {"title": proposal.title, "pot": pot.title}
    lines = [_("Voting in “%(pot)s” has opened, and the list is fixed.") % named]
    if lacks := queries.lacks_of(pot, proposal):
        lines.append(_("Your idea is not on it. This is what it lacked: %(lacks)s.") % {"lacks": "; ".join(lacks)})  # fmt: skip
    else:
        lines.append(_("Your idea is not on it. Those who run the pot chose others: ask them why."))
    lines.append(_("It stays public, and can be on a later ballot."))
    return {
        "subject": _("Not on this ballot: “%(title)s”") % named,
        "lines": lines,
        "href": proposal.get_absolute_url(),
        "link": _("See your idea"),
    }


@transaction.atomic
def tell_publication(*, pot_id: int, at: datetime) -> bool:
    """Write once into the journal that a pot's embargo has ended; tell whether it was this call."""
    pot = Pot.objects.select_for_update().get(pk=pot_id)
    if not queries.due_to_be_told(at).filter(pk=pot.pk).exists():
        return False
    journal.record(what="pot.created", who=None, about=pot, at=at, public=True)
    return True
