"""Appraising an idea: a draft by staff, the authors' days to answer, an appeal to somebody else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from commonweal.ground.journal import actions as journal
from commonweal.ground.people.models import Person
from commonweal.ground.places.rules import Viewer
from commonweal.kit.jobs import later
from commonweal.kit.mail import letter
from commonweal.propose.appraisals import queries, rules
from commonweal.propose.appraisals.models import (
    Answer,
    AnswerKind,
    Appraisal,
    Decision,
    Finding,
    Line,
    Settled,
    State,
    Verdict,
    verdict_of,
)
from commonweal.propose.proposals.models import Proposal
from commonweal.propose.proposals.queries import authors_of
from commonweal.propose.proposals.rules import may_lead


class NotToAppraise(Exception):
    """The idea is a draft, in a ballot, funded, taken back or hidden: it is not appraised now."""


class OthersTurn(Exception):
    """The appraisal is with the authors, or an appeal waits: ``appraisal`` holds it."""

    def __init__(self, appraisal: Appraisal) -> None:
        super().__init__(appraisal.state)
        self.appraisal = appraisal


class ChangedMeanwhile(Exception):
    """A colleague saved something since the form was opened; ``appraisal`` holds the newer one."""

    def __init__(self, appraisal: Appraisal) -> None:
        super().__init__(str(appraisal.version))
        self.appraisal = appraisal


class NotWhole(Exception):
    """Something is not said yet; ``missing`` holds codes of what."""

    def __init__(self, missing: list[str]) -> None:
        super().__init__(", ".join(missing))
        self.missing = missing


class NotNow(Exception):
    """This cannot be answered at this moment: it is not asked, or not any more."""


class NoBetter(Exception):
    """An appeal may only make the answer better."""


@dataclass(frozen=True)
class Cost:
    """One line of a costing, as it is written."""

    what: str
    each: str
    pence: int
    source: str


# --- staff write


@transaction.atomic
def begin_appraisal(*, viewer: Viewer, proposal_id: int) -> Appraisal:
    """Begin to appraise an idea, or go on with the draft there is.

    After a final one a new draft starts with its words; the final one stands until the new one is
    final. Raises ``NotToAppraise``, or ``OthersTurn`` while the authors or an appeal are waited for.
    """
    person = _present(viewer)
    proposal = _idea_held(viewer, proposal_id)
    _check_may_appraise(viewer, proposal)
    if proposal.status not in queries.APPRAISED:
        raise NotToAppraise
    known = Appraisal.objects.filter(proposal=proposal)
    going_on = known.filter(state__in=Appraisal.OPEN).first()
    if going_on is not None:
        if going_on.state != State.DRAFT:
            raise OthersTurn(going_on)
        return going_on
    final = known.filter(state=State.FINAL).first()
    made = _anew(viewer, proposal, final, hands=[person.pk])
    _record(viewer, "appraisal.begun", proposal)
    return made


@transaction.atomic
def save_costs(
    *, viewer: Viewer, appraisal_id: int, version: int, years: int, costs: Iterable[Cost]
) -> Appraisal:
    """Write down what an idea costs, line by line, in place of what stood there.

    Raises ``ChangedMeanwhile``, ``OthersTurn``.
    """
    appraisal = _draft_held(viewer, appraisal_id, version)
    appraisal.years = years
    Line.objects.filter(appraisal=appraisal).delete()
    Line.objects.bulk_create(
        Line(appraisal=appraisal, what=c.what, each=c.each, pence=c.pence, source=c.source)
        for c in costs
    )
    return _saved(viewer, appraisal, "years")


@transaction.atomic
def save_findings(
    *, viewer: Viewer, appraisal_id: int, version: int, found: Mapping[str, tuple[str, str]]
) -> Appraisal:
    """Write down what each criterion says and why: ``{criterion: (meets, reason)}``.

    Raises ``ChangedMeanwhile``, ``OthersTurn``.
    """
    appraisal = _draft_held(viewer, appraisal_id, version)
    Finding.objects.filter(appraisal=appraisal).delete()
    Finding.objects.bulk_create(
        Finding(appraisal=appraisal, criterion=criterion, meets=meets, reason=reason)
        for criterion, (meets, reason) in found.items()
    )
    return _saved(viewer, appraisal)


@transaction.atomic
def save_words(
    *, viewer: Viewer, appraisal_id: int, version: int, words: str, changes: str, days: int
) -> Appraisal:
    """Write down the whole in plain words, and how many days the authors have to answer.

    Raises ``ChangedMeanwhile``, ``OthersTurn``.
    """
    appraisal = _draft_held(viewer, appraisal_id, version)
    appraisal.words, appraisal.changes, appraisal.days = words, changes, days
    return _saved(viewer, appraisal, "words", "changes", "days")


@transaction.atomic
def show_to_authors(*, viewer: Viewer, appraisal_id: int, version: int) -> Appraisal:
    """Show a whole draft to the authors: from now on it stays as it is, and their days run.

    Shown twice is as once. Raises ``NotWhole``, ``NotToAppraise``, ``ChangedMeanwhile``.
    """
    appraisal = _held(viewer, appraisal_id)
    _check_may_appraise(viewer, appraisal.proposal)
    if appraisal.state == State.SHOWN:
        return appraisal
    _check_draft(appraisal, version)
    if appraisal.proposal.status not in queries.APPRAISED:
        raise NotToAppraise
    rows, found = queries.lines(appraisal), queries.findings(appraisal)
    if missing := queries.missing(appraisal, rows, found):
        raise NotWhole(missing)
    total = queries.sum_of(rows)
    appraisal.verdict = verdict_of(finding.meets for finding in found)
    if appraisal.verdict != Verdict.WITH_CHANGES:
        appraisal.changes = ""
    appraisal.one_off_pence, appraisal.yearly_pence = total.one_off_pence, total.yearly_pence
    appraisal.state, appraisal.shown_at, appraisal.shown_by = State.SHOWN, viewer.at, viewer.person
    appraisal.answer_due_at = viewer.at + timedelta(days=appraisal.days)
    _lend_a_hand(viewer, appraisal)
    appraisal.save()
    _record(viewer, "appraisal.shown", appraisal.proposal, days=appraisal.days)
    _tell(appraisal, "shown")
    return appraisal


@transaction.atomic
def take_back(*, viewer: Viewer, appraisal_id: int) -> Appraisal:
    """Take a shown appraisal back before an appeal, to mend it; return the draft in its place.

    Whatever an author said to it is said to the old one. Raises ``NotNow``.
    """
    appraisal = _held(viewer, appraisal_id)
    _check_may_appraise(viewer, appraisal.proposal)
    if appraisal.state != State.SHOWN:
        raise NotNow
    appraisal.state = State.REPLACED
    appraisal.save(update_fields=["state"])
    draft = _anew(viewer, appraisal.proposal, appraisal, hands=appraisal.hands)
    _record(viewer, "appraisal.taken_back", appraisal.proposal)
    _tell(appraisal, "taken-back")
    return draft


@transaction.atomic
def discard_draft(*, viewer: Viewer, appraisal_id: int) -> Proposal:
    """Throw a draft away. Raises ``OthersTurn`` once it was shown."""
    appraisal = _held(viewer, appraisal_id)
    _check_may_appraise(viewer, appraisal.proposal)
    if appraisal.state != State.DRAFT:
        raise OthersTurn(appraisal)
    proposal = appraisal.proposal
    appraisal.delete()
    _record(viewer, "appraisal.discarded", proposal)
    return proposal


# --- authors answer


@transaction.atomic
def accept_appraisal(*, viewer: Viewer, appraisal_id: int) -> Appraisal:
    """Accept what was found; with the last author's yes it is final at once.

    After it is final an author can still agree to the changes it asks for. Whoever appealed and
    accepts takes the appeal back. Raises ``NotNow``.
    """
    appraisal = _held(viewer, appraisal_id)
    person = _author(viewer, appraisal)
    if appraisal.state == State.FINAL and _said_yes(appraisal, person):
        return appraisal
    if not (appraisal.takes_answers(viewer.at) or appraisal.lacks_agreement):
        raise NotNow
    said_before = appraisal.state == State.FINAL  # an appeal that was heard stays to read
    _answer(appraisal, person, AnswerKind.ACCEPTED, None if said_before else "", viewer.at)
    _record(viewer, "appraisal.accepted", appraisal.proposal)
    if appraisal.state == State.APPEALED and not queries.has_appealed(appraisal):
        appraisal.state = State.SHOWN
        appraisal.save(update_fields=["state"])
    if all(_said_yes(appraisal, author) for author in authors_of(appraisal.proposal)):
        appraisal.agreed_at = viewer.at
        if appraisal.state == State.FINAL:
            appraisal.save(update_fields=["agreed_at"])
            _record(viewer, "appraisal.agreed", appraisal.proposal, public=True)
        else:
            _make_final(appraisal, Settled.ACCEPTED, viewer.person, viewer.at)
    return appraisal


@transaction.atomic
def appeal_appraisal(*, viewer: Viewer, appraisal_id: int, words: str) -> Appraisal:
    """Appeal in one's own words; somebody who had no hand in it decides. Raises ``NotNow``."""
    appraisal = _held(viewer, appraisal_id)
    person = _author(viewer, appraisal)
    if not appraisal.takes_answers(viewer.at):
        raise NotNow
    _answer(appraisal, person, AnswerKind.APPEAL, words, viewer.at)
    if appraisal.state == State.SHOWN:
        appraisal.state = State.APPEALED
        appraisal.save(update_fields=["state"])
    _record(viewer, "appraisal.appealed", appraisal.proposal)
    return appraisal


# --- somebody else decides


@transaction.atomic
def decide_appeal(
    *,
    viewer: Viewer,
    appraisal_id: int,
    decision: str,
    words: str,
    verdict: str = "",
    changes: str = "",
) -> Appraisal:
    """Decide an appeal with reasons: nobody whose hand is in the appraisal may.

    ``verdict`` and ``changes`` are for ``Decision.CHANGED``. Decided anew it goes back to a draft,
    which is returned. Raises ``NotNow``, ``NoBetter``.
    """
    appraisal = _held(viewer, appraisal_id)
    person = _present(viewer)
    _check_may_appraise(viewer, appraisal.proposal)
    if not rules.may_decide(viewer, appraisal):
        raise PermissionDenied(_("You worked on this appraisal, so somebody else decides."))
    if appraisal.state != State.APPEALED:
        raise NotNow
    kind = Decision(decision)
    appraisal.decision, appraisal.decision_words = kind, words
    appraisal.decided_at, appraisal.decided_by = viewer.at, person
    if kind == Decision.ANEW:
        appraisal.state = State.REPLACED
        appraisal.save()
        draft = _anew(viewer, appraisal.proposal, appraisal, hands=[person.pk])
        _record(viewer, "appraisal.decided_anew", appraisal.proposal)
        _tell(appraisal, "anew")
        return draft
    if kind == Decision.CHANGED:
        if Verdict(verdict).rank <= Verdict(appraisal.verdict).rank:
            raise NoBetter
        appraisal.verdict_before, appraisal.verdict = appraisal.verdict, Verdict(verdict)
        appraisal.changes = changes if verdict == Verdict.WITH_CHANGES else ""
    _record(viewer, "appraisal.decided", appraisal.proposal)
    _make_final(appraisal, Settled.APPEAL, person, viewer.at)
    return appraisal


# --- the clock


@transaction.atomic
def settle_when_due(*, appraisal_id: int, at: datetime) -> bool:
    """Make an appraisal final that nobody appealed in time; tell whether it was this call."""
    found = Appraisal.objects.filter(pk=appraisal_id).values_list("proposal", flat=True).first()
    if found is None:
        return False
    proposal = Proposal.objects.select_for_update(no_key=True).get(pk=found)
    appraisal = _locked(appraisal_id)
    waits = appraisal.state == State.SHOWN and proposal.status in queries.APPRAISED
    if not waits or not _is_over(appraisal, at):
        return False
    _make_final(appraisal, Settled.DAYS, None, at)
    return True


@transaction.atomic
def remind(*, appraisal_id: int, at: datetime) -> bool:
    """Write once to the authors who have not answered and have two days left."""
    appraisal = _locked(appraisal_id)
    if appraisal_id not in queries.to_remind(at):
        return False
    appraisal.reminded_at = at
    appraisal.save(update_fields=["reminded_at"])
    assert appraisal.shown_at is not None and appraisal.answer_due_at is not None
    if appraisal.answer_due_at - appraisal.shown_at > 2 * queries.REMIND_BEFORE:
        said = {answer.person_id for answer in queries.answers(appraisal)}
        _tell(appraisal, "soon", but=said)
    return True


def tell(*, appraisal_id: int, person_id: int, what: str, at: datetime) -> bool:
    """Write to one author; nothing where it no longer is so. Tell whether a mail went out."""
    appraisal = (
        Appraisal.objects.select_related("authority", "proposal").filter(pk=appraisal_id).first()
    )
    person = Person.objects.filter(pk=person_id, is_active=True).first()
    if appraisal is None or person is None or not person.email:
        return False
    told = _letter_of(appraisal, what)
    if told is None or not appraisal.proposal.is_public:
        return False
    letter(
        person=person,
        authority=appraisal.authority,
        at=at,
        href=appraisal.get_absolute_url(),
        why=_("You get this because you are an author of this idea."),
        key=f"appraisal-{appraisal.pk}-{what}",
        **told,
    ).send()
    return True


def forget_answers(person: Person, at: datetime) -> None:
    """Erase the words of a person's appeals; that there was one stays, for it was decided."""
    said = Answer.objects.filter(person=person, forgotten_at__isnull=True)
    said.update(words="", forgotten_at=at)


# --- shared


def _letter_of(appraisal: Appraisal, what: str) -> dict[str, Any] | None:
    """Return the words of a mail, or nothing where what it says is no longer so."""
    named = {"title": appraisal.proposal.title, "until": _moment(appraisal.answer_due_at)}
    asked = appraisal.state in (State.SHOWN, State.APPEALED)
    if what == "shown" and asked:
        return {
            "subject": _("What staff found about “%(title)s”") % named,
            "lines": [
                _("Staff worked out what your idea costs and whether it can be done."),
                _(
                    "You see it before anybody else. Accept it or appeal, until %(until)s. If we"
                    " hear nothing by then, it stands and everybody can read it."
                )
                % named,
            ],
            "link": _("Read it and answer"),
        }
    if what == "soon" and asked:
        return {
            "subject": _("Two days left to answer about “%(title)s”") % named,
            "lines": [
                _(
                    "Staff asked you about your idea. You can accept or appeal until %(until)s."
                    " Then it stands as it is."
                )
                % named
            ],
            "link": _("Read it and answer"),
        }
    if what == "taken-back" and appraisal.state == State.REPLACED:
        return {
            "subject": _("Staff look once more at “%(title)s”") % named,
            "lines": [
                _("Staff took back what they showed you, to mend something. You need do nothing."),
                _("You see the new one before anybody else, and have your full days for it."),
            ],
            "link": _("See your idea"),
        }
    if what == "anew" and appraisal.decision == Decision.ANEW:
        return {
            "subject": _("Your appeal about “%(title)s” was heard") % named,
            "lines": [
                _("Somebody who had no hand in it decided: it is worked out anew."),
                appraisal.decision_words,
                _("You see the new one before anybody else, and have your full days for it."),
            ],
            "link": _("See your idea"),
        }
    if what == "final" and appraisal.state == State.FINAL:
        lines = [_("What staff found is final: %(verdict)s.") % {"verdict": appraisal.get_verdict_display()}]  # fmt: skip
        if appraisal.decision_words:
            lines.append(_("This was decided about the appeal:"))
            lines.append(appraisal.decision_words)
        if appraisal.lacks_agreement:
            lines.append(_("It can be in a ballot as soon as every author agrees to the changes."))
        elif appraisal.passes:
            lines.append(_("It can be in a ballot now. Its page says what else a ballot asks for."))
        else:
            lines.append(
                _(
                    "It cannot be in a ballot as it is. You can change your idea: staff see then that"
                    " it changed, and look again."
                )
            )
        return {
            "subject": _("It is decided: “%(title)s”") % named,
            "lines": lines,
            "link": _("Read it with its reasons"),
        }
    return None


def _moment(at: datetime | None) -> str:
    return date_format(localtime(at), "H:i, l j F Y") if at else ""


def _present(viewer: Viewer) -> Person:
    if viewer.person is None:
        raise PermissionDenied(_("Sign in first: it takes a code by email, and no password."))
    return viewer.person


def _check_may_appraise(viewer: Viewer, proposal: Proposal) -> None:
    if rules.may_appraise(viewer, proposal):
        return
    if may_lead(viewer, proposal):
        raise PermissionDenied(_("You are an author of this idea, so somebody else appraises it."))
    raise PermissionDenied(_("Only staff who lead this community appraise its ideas."))


def _author(viewer: Viewer, appraisal: Appraisal) -> Person:
    person = _present(viewer)
    if not rules.may_answer(viewer, appraisal):
        raise PermissionDenied(_("Only the authors of this idea can answer."))
    return person


def _idea_held(viewer: Viewer, proposal_id: int) -> Proposal:
    """Hold the idea: whatever happens to its appraisals waits its turn here."""
    found = (
        Proposal.objects.select_for_update(no_key=True, of=("self",))
        .select_related("challenge", "community")
        .defer("search")
        .filter(authority=viewer.authority, pk=proposal_id)
        .first()
    )
    if found is None:
        raise PermissionDenied(_("This idea is no longer here."))
    return found


def _locked(appraisal_id: int) -> Appraisal:
    return (
        Appraisal.objects.select_for_update(of=("self",))
        .select_related("proposal__community", "authority")
        .defer("proposal__search")
        .get(pk=appraisal_id)
    )


def _held(viewer: Viewer, appraisal_id: int) -> Appraisal:
    """Hold the idea first and then its appraisal, always in this order."""
    ours = Appraisal.objects.filter(authority=viewer.authority, pk=appraisal_id)
    proposal_id = ours.values_list("proposal", flat=True).first()
    if proposal_id is None:
        raise PermissionDenied(_("This appraisal is no longer here."))
    _idea_held(viewer, proposal_id)
    try:
        return _locked(appraisal_id)
    except Appraisal.DoesNotExist:  # a colleague has just thrown the draft away
        raise PermissionDenied(_("This appraisal is no longer here.")) from None


def _draft_held(viewer: Viewer, appraisal_id: int, version: int) -> Appraisal:
    appraisal = _held(viewer, appraisal_id)
    _check_may_appraise(viewer, appraisal.proposal)
    _check_draft(appraisal, version)
    return appraisal


def _check_draft(appraisal: Appraisal, version: int) -> None:
    if appraisal.state != State.DRAFT:
        raise OthersTurn(appraisal)
    if appraisal.version != version:
        raise ChangedMeanwhile(appraisal)


def _saved(viewer: Viewer, appraisal: Appraisal, *names: str) -> Appraisal:
    appraisal.version += 1
    _lend_a_hand(viewer, appraisal)
    appraisal.save(update_fields=[*names, "version", "hands"])
    return appraisal


def _lend_a_hand(viewer: Viewer, appraisal: Appraisal) -> None:
    number = _present(viewer).pk
    if number not in appraisal.hands:
        appraisal.hands = [*appraisal.hands, number]


def _anew(
    viewer: Viewer, proposal: Proposal, old: Appraisal | None, *, hands: list[int]
) -> Appraisal:
    """Begin a draft, with all that an older appraisal said."""
    number = _present(viewer).pk
    made = Appraisal.objects.create(
        authority=viewer.authority,
        community=proposal.community,
        challenge=proposal.challenge,
        proposal=proposal,
        hands=hands if number in hands else [*hands, number],
        begun_at=viewer.at,
        words=old.words if old else "",
        changes=old.changes if old else "",
        years=old.years if old else 1,
        days=old.days if old else 10,
    )
    if old is None:
        return made
    parts: list[Any] = [*queries.lines(old), *queries.findings(old)]
    for part in parts:
        part.pk, part.appraisal = None, made
        part._state.adding = True
        part.save()
    return made


def _answer(
    appraisal: Appraisal, person: Person, kind: str, words: str | None, at: datetime
) -> None:
    said: dict[str, Any] = {"kind": kind, "answered_at": at}
    if words is not None:
        said["words"] = words
    Answer.objects.update_or_create(appraisal=appraisal, person=person, defaults=said)


def _said_yes(appraisal: Appraisal, person: Person) -> bool:
    said = Answer.objects.filter(appraisal=appraisal, person=person)
    return said.filter(kind=AnswerKind.ACCEPTED).exists()


def _is_over(appraisal: Appraisal, at: datetime) -> bool:
    return appraisal.answer_due_at is not None and at >= appraisal.answer_due_at


def _make_final(appraisal: Appraisal, how: Settled, who: Person | None, at: datetime) -> None:
    """Let it stand and tell everybody; the one that stood before it is replaced."""
    before = Appraisal.objects.filter(proposal=appraisal.proposal, state=State.FINAL)
    before.exclude(pk=appraisal.pk).update(state=State.REPLACED)
    appraisal.state, appraisal.final_at, appraisal.settled_by = State.FINAL, at, how
    appraisal.save()
    found = Verdict(appraisal.verdict).value.replace("-", "_")
    journal.record(
        what=f"appraisal.found_{found}",
        who=who,
        about=appraisal.proposal,
        at=at,
        public=True,
        facts={"total_pence": appraisal.total_pence, "settled": how.value},
    )
    _tell(appraisal, "final")


def _tell(appraisal: Appraisal, what: str, *, but: set[int] | None = None) -> None:
    for person in authors_of(appraisal.proposal):
        if person.pk not in (but or ()):
            later("appraisals.tell", appraisal_id=appraisal.pk, person_id=person.pk, what=what)


def _record(
    viewer: Viewer, what: str, proposal: Proposal, *, public: bool = False, **facts: Any
) -> None:
    journal.record(
        what=what, who=viewer.person, about=proposal, at=viewer.at, public=public, facts=facts
    )
