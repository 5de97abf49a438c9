"""Reading appraisals: for the desk, for authors, for everybody, and for the ballot."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import (
    BigIntegerField,
    Case,
    CharField,
    Exists,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Coalesce

from commonweal.ground.challenges.models import Stage, Step
from commonweal.ground.challenges.queries import seats_of
from commonweal.ground.people.models import Person
from commonweal.ground.places.queries import below
from commonweal.ground.places.rules import Viewer
from commonweal.kit.composed import composed, counted_by
from commonweal.propose.appraisals.models import (
    Answer,
    AnswerKind,
    Appraisal,
    Criterion,
    Decision,
    Each,
    Finding,
    Line,
    State,
    Verdict,
    verdict_of,
)
from commonweal.propose.proposals import queries as ideas
from commonweal.propose.proposals.models import Coauthor, Proposal, Status

# An idea can be appraised while it may still come into a ballot.
APPRAISED = (Status.PUBLISHED, Status.NOT_FUNDED)
REMIND_BEFORE = timedelta(days=2)
LIVE = (*Appraisal.OPEN, State.FINAL)
URGENT = (State.APPEALED, State.DRAFT, "waiting", State.SHOWN, State.FINAL)
TABS = ("waiting", State.DRAFT, State.SHOWN, State.APPEALED, State.FINAL)


def _all(authority: Any) -> QuerySet[Appraisal]:
    return (
        Appraisal.objects.filter(authority=authority)
        .select_related("proposal__author", "proposal__challenge", "shown_by", "decided_by")
        .defer("proposal__search")
    )


def led(viewer: Viewer, path: str = "") -> Q:
    """Return the condition that something stands where this viewer leads."""
    seats = seats_of(viewer)
    if not seats:
        return Q(pk__in=())
    return Q(**{f"{path}community__in": seats}) | Q(
        **{f"{path}community__ancestors__overlap": seats}
    )


def public(viewer: Viewer) -> QuerySet[Appraisal]:
    """Return what everyone may read: final appraisals of public ideas, the newest first."""
    return (
        _all(viewer.authority)
        .filter(state=State.FINAL, proposal__status__in=Proposal.READABLE)
        .order_by("-final_at", "-pk")
    )


def worked_on(viewer: Viewer) -> QuerySet[Appraisal]:
    """Return what staff may see: every appraisal where this viewer leads."""
    return _all(viewer.authority).filter(led(viewer))


def of_authors(viewer: Viewer) -> QuerySet[Appraisal]:
    """Return what was shown to this person as an author."""
    return _all(viewer.authority).filter(_is_mine(viewer.person), ~Q(state=State.DRAFT))


def _is_mine(person: Any) -> Q:
    beside = Coauthor.objects.filter(person=person).values("proposal")
    return Q(proposal__author=person) | Q(proposal__in=beside)


def for_page(viewer: Viewer, proposal_id: int) -> Appraisal | None:
    """Return the appraisal of an idea that this viewer reads on its page.

    Authors read the one they are asked about; staff after their second step read it with them;
    everybody else reads the final one.
    """
    may = Q(state=State.FINAL, proposal__status__in=Proposal.READABLE)
    if viewer.person is not None:
        asked = Q(state__in=(State.SHOWN, State.APPEALED, State.FINAL))
        may |= _is_mine(viewer.person) & asked
        if viewer.has_second_factor:
            may |= led(viewer) & asked
    found = _all(viewer.authority).filter(may, proposal=proposal_id)
    return found.order_by(_is_open().desc(), "-pk").first()


def _is_open() -> Case:
    return Case(When(state__in=Appraisal.OPEN, then=Value(1)), default=Value(0))


def lines(appraisal: Appraisal) -> list[Line]:
    """Return what an idea costs, line by line, in the order they were written."""
    return list(Line.objects.filter(appraisal=appraisal).order_by("pk"))


def findings(appraisal: Appraisal) -> list[Finding]:
    """Return what was found, in the order of the criteria."""
    found = Finding.objects.filter(appraisal=appraisal)
    order = list(Criterion)
    return sorted(found, key=lambda finding: order.index(Criterion(finding.criterion)))


def answers(appraisal: Appraisal) -> list[Answer]:
    """Return what the authors said, the first first."""
    rows = Answer.objects.filter(appraisal=appraisal).select_related("person")
    return list(rows.order_by("answered_at", "pk"))


def before(appraisal: Appraisal) -> list[Appraisal]:
    """Return what stood here before and everybody may read once this one is final, the newest first.

    These are the ones that were final themselves, and those of which an appeal was heard: never a
    draft, and nothing that staff took back before anybody else saw it.
    """
    older = Appraisal.objects.filter(proposal=appraisal.proposal_id, state=State.REPLACED)
    seen = Q(final_at__isnull=False) | Q(decision=Decision.ANEW)
    return list(older.filter(seen, pk__lt=appraisal.pk).order_by("-pk")[:20])


def heard(said: list[Answer]) -> list[Answer]:
    """Return the appeals, those too whose author agreed to what was decided."""
    return [answer for answer in said if answer.kind == AnswerKind.APPEAL or answer.words]


@dataclass
class Sum:
    """What lines come to."""

    one_off_pence: int
    yearly_pence: int


def sum_of(rows: Iterable[Line]) -> Sum:
    """Add lines up: what is paid once, and what is paid every year."""
    once = year = 0
    for row in rows:
        if row.each == Each.ONCE:
            once += row.pence
        else:
            year += row.pence
    return Sum(once, year)


def missing(appraisal: Appraisal, rows: list[Line], found: list[Finding]) -> list[str]:
    """Return the codes of what has to be said before the authors can see it."""
    lacks = []
    if not rows:
        lacks.append("lines")
    if {finding.criterion for finding in found} != set(Criterion.values):
        lacks.append("findings")
    if not appraisal.words.strip():
        lacks.append("words")
    verdict = verdict_of(finding.meets for finding in found)
    if verdict == Verdict.WITH_CHANGES and not appraisal.changes.strip():
        lacks.append("changes")
    return lacks


# --- the desk


def _live_state() -> Subquery:
    live = Appraisal.objects.filter(proposal=OuterRef("pk"), state__in=LIVE)
    newest = live.order_by(_is_open().desc(), "-pk").values("state")[:1]
    return Subquery(newest, output_field=CharField())


def desk_ideas(viewer: Viewer) -> QuerySet[Proposal]:
    """Return the ideas that staff have to do with, and where the appraisal of each stands."""
    return _standing(
        Proposal.objects.filter(led(viewer), authority=viewer.authority, status__in=APPRAISED),
        viewer.at,
    )


def _standing(found: QuerySet[Proposal], at: Any) -> QuerySet[Proposal]:
    over = When(_no_ballot_to_come(at), then=Value("over"))
    waiting = Case(over, default=Value("waiting"), output_field=CharField())
    return found.annotate(live_state=Coalesce(_live_state(), waiting))


def _no_ballot_to_come(at: datetime) -> Q:
    """Return the condition that an idea's challenge has decided, and neither asks nor decides again."""
    steps = Step.objects.filter(challenge=OuterRef("challenge"))
    decided = steps.filter(stage=Stage.DECIDE, closes_at__lte=at)
    still = Q(closes_at__isnull=True) | Q(closes_at__gt=at)
    going_on = steps.filter(still, stage__in=(Stage.PROPOSE, Stage.DECIDE))
    return Q(Exists(decided)) & ~Q(Exists(going_on))


def desk_counts(viewer: Viewer) -> dict[str, int]:
    """Return how many ideas stand where: one query."""
    told = _by_state(authority=viewer.authority.pk, at=viewer.at, seats=seats_of(viewer))
    return {tab: told.get(tab, 0) for tab in TABS}


@counted_by("live_state")
def _by_state(authority: Any, at: Any, seats: Any) -> QuerySet[Proposal]:
    mine = Proposal.objects.filter(below(seats), authority=authority, status__in=APPRAISED)
    return _standing(mine, at).only("pk").order_by()


def to_appraise(viewer: Viewer, order: str = "") -> QuerySet[Proposal]:
    """Return the ideas nobody has begun to appraise, the longest waiting first, or the most signed.

    None of a challenge that has decided: no ballot comes for them, and staff can still begin one
    from the idea's own page.
    """
    live = Appraisal.objects.filter(proposal=OuterRef("pk"), state__in=LIVE)
    rows = ideas.proposals(viewer).filter(
        led(viewer), ~Exists(live), ~_no_ballot_to_come(viewer.at), status__in=APPRAISED
    )
    if order == "signed":
        return rows.order_by(F("signature_count").desc(), "published_at", "pk")
    return rows.order_by("published_at", "pk")


def on_desk(viewer: Viewer, state: str) -> QuerySet[Appraisal]:
    """Return the appraisals in one state that this viewer works on, what waits longest first.

    What is with the authors stands there by the day they have to answer. Of what is final, those
    come first whose idea changed since, for somebody has to look again; then the newest.
    """
    rows = worked_on(viewer).filter(state=state, proposal__status__in=APPRAISED)
    if state == State.FINAL:
        changed = Case(
            When(proposal__changed_at__gt=F("shown_at"), then=Value(0)), default=Value(1)
        )
        return rows.exclude(_again()).order_by(changed, "-final_at", "-pk")
    if state == State.APPEALED:
        said = Answer.objects.filter(appraisal=OuterRef("pk"), kind=AnswerKind.APPEAL)
        first = Subquery(said.order_by("answered_at").values("answered_at")[:1])
        return rows.annotate(appealed_at=first).order_by("appealed_at", "pk")
    return rows.order_by(F("answer_due_at").asc(nulls_last=True), "begun_at", "pk")


def _again() -> Exists:
    newer = Appraisal.objects.filter(proposal=OuterRef("proposal"), state__in=Appraisal.OPEN)
    return Exists(newer)


def panel_desk(viewer: Viewer, thing: object) -> dict[str, Any] | None:
    """Return how much waits for staff."""
    if not seats_of(viewer):
        return None
    counts = desk_counts(viewer)
    return {"counts": counts} if any(counts.values()) else None


# --- panels


def panel_proposal(viewer: Viewer, proposal: Proposal) -> dict[str, Any] | None:
    """Return what staff found about an idea; its authors see too what waits for their answer."""
    found = on_page(viewer, proposal)
    final = next((row for row in found if row.state == State.FINAL), None)
    asked = next((row for row in found if row.state in (State.SHOWN, State.APPEALED)), None)
    for row in found:
        row.proposal = proposal
    if asked is not None and not _is_author(viewer, proposal):
        asked = None
    leads = bool(seats_of(viewer)) and viewer.has_second_factor and _leads_at(viewer, proposal)
    if final is None and asked is None and not leads:
        return None
    state = found[0].state if found else ""
    return {"final": final, "asked": asked, "leads": leads, "live": found, "live_state": state}


def on_page(viewer: Viewer, proposal: Proposal) -> list[Appraisal]:
    """Return the appraisals of an idea that count: the open one, then the final one; asked once."""
    return viewer.once(("appraisals", proposal.pk), lambda: _of_idea(proposal=proposal.pk))


def _is_author(viewer: Viewer, proposal: Proposal) -> bool:
    if viewer.person is None:
        return False
    return proposal.author_id == viewer.person.pk or ideas.is_beside(viewer.person, proposal)


def _leads_at(viewer: Viewer, proposal: Proposal) -> bool:
    return bool(set(seats_of(viewer)) & set(proposal.community.branch()))


@composed
def _of_idea(proposal: Any) -> QuerySet[Appraisal]:
    rows = Appraisal.objects.filter(proposal=proposal, state__in=LIVE)
    return rows.order_by(_is_open().desc(), "-pk")


def panel_mine(viewer: Viewer, thing: object) -> dict[str, Any] | None:
    """Return what waits for this author's answer, and what was found lately."""
    if viewer.person is None:
        return None
    found = _mine(authority=viewer.authority.pk, person=viewer.person.pk)
    return {"appraisals": found} if found else None


@composed
def _mine(authority: Any, person: Any) -> QuerySet[Appraisal]:
    said = Answer.objects.filter(appraisal=OuterRef("pk"), person=person)
    return (
        Appraisal.objects.filter(_is_mine(person), authority=authority)
        .filter(state__in=(State.SHOWN, State.APPEALED, State.FINAL))
        .filter(proposal__status__in=Proposal.PUBLIC)
        .select_related("proposal")
        .defer("proposal__search")
        .annotate(my_answer=Subquery(said.values("kind")[:1]))
        .order_by(_is_open().desc(), "-shown_at", "-pk")[:10]
    )


# --- the ballot


def may_be_in_ballot(*, appraised: bool = False, of: str = "pk") -> Q:
    """Return the condition on ideas: none is being appraised, and what was found lets it through.

    ``appraised``: staff have to have found that it can be done. Otherwise an idea that they never
    appraised is for the clerk to judge. ``of``: what a row calls its idea.
    """
    mine = Appraisal.objects.filter(proposal=OuterRef(of))
    no = Q(verdict=Verdict.NOT_FEASIBLE) | Q(verdict=Verdict.WITH_CHANGES, agreed_at=None)
    final = mine.filter(state=State.FINAL)
    may = ~Q(Exists(mine.filter(state__in=Appraisal.OPEN))) & ~Q(Exists(final.filter(no)))
    return may & Q(Exists(final)) if appraised else may


def appraised_pence() -> Subquery:
    """Return what an idea costs as staff found it, for a query of ideas; nothing without an appraisal."""
    total = F("one_off_pence") + F("yearly_pence") * F("years")
    final = Appraisal.objects.filter(proposal=OuterRef("pk"), state=State.FINAL)
    return Subquery(final.annotate(total=total).values("total")[:1], output_field=BigIntegerField())


def final_of(proposal_id: int) -> Appraisal | None:
    """Return the appraisal that stands for an idea."""
    found = Appraisal.objects.filter(proposal=proposal_id, state=State.FINAL)
    return found.select_related("proposal").defer("proposal__search").first()


def states_of(proposal_ids: Iterable[int]) -> dict[int, Appraisal]:
    """Return where the appraisal of each of these ideas stands: the open one, else the final one."""
    found = Appraisal.objects.filter(proposal__in=list(proposal_ids), state__in=LIVE)
    rows = found.order_by(_is_open(), "pk")
    return {row.proposal_id: row for row in rows}


# --- what the clock brings


def due(at: datetime) -> list[int]:
    """Return the appraisals whose days to answer are over; none of an idea that waits itself.

    What joined another idea, was taken back or is hidden is not told of: it may come back.
    """
    waits = Appraisal.objects.filter(state=State.SHOWN, proposal__status__in=APPRAISED)
    found = waits.filter(answer_due_at__lte=at)
    return list(found.order_by("answer_due_at", "pk").values_list("pk", flat=True))


def to_remind(at: datetime) -> list[int]:
    """Return the appraisals that somebody should answer within two days and was not reminded of.

    Who was given few days is not reminded as soon as they were told.
    """
    found = Appraisal.objects.filter(
        state=State.SHOWN,
        reminded_at__isnull=True,
        answer_due_at__gt=at,
        answer_due_at__lte=at + REMIND_BEFORE,
        proposal__status__in=Proposal.PUBLIC,
    )
    return list(found.order_by("answer_due_at", "pk").values_list("pk", flat=True))


# --- one person's part


def personal(person: Person) -> Iterator[dict[str, Any]]:
    """Hand over what a person answered as an author, and did as staff."""
    for answer in Answer.objects.filter(person=person).select_related("appraisal").order_by("pk"):
        yield {
            "idea": answer.appraisal.proposal_id,
            "your_answer": answer.kind,
            "words": answer.words,
            "answered": answer.answered_at.isoformat(),
        }
    for row in Appraisal.objects.filter(hands__contains=[person.pk]).order_by("pk"):
        yield {"idea": row.proposal_id, "you_worked_on_its_appraisal": row.begun_at.isoformat()}
    for row in Appraisal.objects.filter(decided_by=person).order_by("pk"):
        decided = row.decided_at.isoformat() if row.decided_at else ""
        yield {"idea": row.proposal_id, "you_decided_its_appeal": decided}


def has_appealed(appraisal: Appraisal) -> bool:
    """Tell whether an author's appeal waits."""
    return Answer.objects.filter(appraisal=appraisal, kind=AnswerKind.APPEAL).exists()
