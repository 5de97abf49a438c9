"""Setting surveys up, answering them, and publishing what they found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction
from django.db.models import Max, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from commonweal.ground.challenges.models import Challenge
from commonweal.ground.journal import actions as journal
from commonweal.ground.people.models import Person
from commonweal.ground.places.models import Community
from commonweal.ground.places.rules import Viewer
from commonweal.listen.surveys import queries, rules
from commonweal.listen.surveys.models import (
    MOST_ITEMS,
    Answer,
    Channel,
    Correction,
    Draft,
    HiddenReason,
    Item,
    Option,
    Response,
    Survey,
    Tally,
)
from commonweal.listen.surveys.queries import Holder
from commonweal.listen.surveys.rules import Given, Sheet, Typed

# --- setting up


class Frozen(Exception):
    """People have read it already: its questions stay as they are."""


class NotWhole(Exception):
    """Something is missing before it can open; ``gaps`` says what."""

    def __init__(self, gaps: Sequence[rules.Gap]) -> None:
        super().__init__("; ".join(gap.words for gap in gaps))
        self.gaps = gaps


class StillNeeded(Exception):
    """Another question depends on it; says which, and what to do."""


class TooMany(Exception):
    """A survey holds no more than this."""


@dataclass(frozen=True)
class About:
    """What a survey is about, who may answer, and when."""

    community: Community
    challenge: Challenge | None
    title: str
    why: str
    happens: str
    thanks: str
    reach: str
    level: int
    is_anonymous: bool
    may_change: bool
    paper_to: str
    opens_at: datetime | None
    closes_at: datetime | None


@transaction.atomic
def begin_survey(*, viewer: Viewer, about: About) -> Survey:
    """Begin to set up a survey; nobody else sees it yet."""
    _check_place(viewer, about)
    survey = Survey(
        authority=viewer.authority, created_at=viewer.at, created_by=_who(viewer), **vars(about)
    )
    survey.save()
    _record(survey, "survey.drafted", viewer, public=False)
    return survey


@transaction.atomic
def change_about(*, viewer: Viewer, survey_id: int, about: About) -> Survey:
    """Change what a survey is about, until it opens. Raises ``Frozen``."""
    survey = _to_change(viewer, survey_id)
    _check_place(viewer, about)
    is_new_name = about.is_anonymous != survey.is_anonymous or about.reach != survey.reach
    for name, value in vars(about).items():
        setattr(survey, name, value)
    if not survey.is_draft and (survey.opens_at is None or survey.closes_at is None):
        raise NotWhole([rules.Gap("about", _("It is public already, so it keeps its dates."))])
    survey.save()
    facts = {"who_changed": is_new_name}
    _record(survey, "survey.changed", viewer, public=not survey.is_draft, facts=facts)
    return survey


def _check_place(viewer: Viewer, about: About) -> None:
    if not rules.may_set_up(viewer, about.community):
        raise PermissionDenied(_("Only a clerk, or those who lead this place, may ask it."))
    challenge = about.challenge
    if challenge is not None and not rules.may_set_up(viewer, challenge.community):
        raise PermissionDenied(_("Only those who lead this challenge may ask about it."))


@dataclass
class Words:
    """An item as staff write it: its own fields, and its choices as (number, words, people here)."""

    kind: str
    fields: dict[str, Any]
    options: list[tuple[int | None, str, int | None]] = field(default_factory=list)
    other: str = ""


@transaction.atomic
def add_item(*, viewer: Viewer, survey_id: int, words: Words) -> Item:
    """Put a question, words or a page break at the end. Raises ``Frozen``, ``TooMany``."""
    survey = _to_change(viewer, survey_id)
    last = survey.items.aggregate(last=Max("position"))["last"] or 0
    if survey.items.count() >= MOST_ITEMS:
        raise TooMany
    item = Item.objects.create(survey=survey, position=last + 1, kind=words.kind, **words.fields)
    _write_options(item, words)
    _record(survey, "survey.question_added", viewer, public=False)
    return item


@transaction.atomic
def change_item(*, viewer: Viewer, item_id: int, words: Words) -> Item:
    """Change an item. Raises ``Frozen``, or ``StillNeeded`` for a choice others depend on."""
    item = _item_to_change(viewer, item_id)
    for name, value in words.fields.items():
        setattr(item, name, value)
    item.save()
    _write_options(item, words)
    _record(item.survey, "survey.question_changed", viewer, public=False)
    return item


def _write_options(item: Item, words: Words) -> None:
    """Write the choices in their order; one that another question depends on cannot go."""
    if not item.has_options:
        return
    known = {option.pk: option for option in item.options.all()}
    kept = {pk for pk, _words, _here in words.options if pk in known}
    others = [option for option in known.values() if option.is_other]
    if words.other and others:
        kept.add(others[0].pk)
    gone = known.keys() - kept
    needing = item.dependents.filter(depends_options__overlap=list(gone)).first() if gone else None
    if needing is not None:
        said = _(
            "“%(question)s” is shown only with a choice that you took away. Change that first."
        )
        raise StillNeeded(said % {"question": needing})
    Option.objects.filter(pk__in=gone).delete()
    written = [(pk, text, here, False) for pk, text, here in words.options]
    if words.other:
        written.append((others[0].pk if others else None, words.other, None, True))
    for position, (pk, text, here, is_other) in enumerate(written):
        option = known.get(pk) if pk is not None else None
        option = option or Option(item=item)
        option.position, option.words, option.people_here = position, text, here
        option.is_other = is_other
        option.save()


@transaction.atomic
def move_item(*, viewer: Viewer, item_id: int, up: bool) -> bool:
    """Let an item change places with its neighbour; tell whether there was one.

    Raises ``StillNeeded`` where one of them depends on the other.
    """
    item = _item_to_change(viewer, item_id)
    beside = item.survey.items.filter(
        **{"position__lt" if up else "position__gt": item.position}
    ).order_by("-position" if up else "position")
    other = beside.first()
    if other is None:
        return False
    later, earlier = (item, other) if up else (other, item)
    if later.source_id == earlier.pk:
        said = _("“%(question)s” depends on the answer to “%(source)s”, so it stays behind it.")
        raise StillNeeded(said % {"question": later, "source": earlier})
    item.position, other.position = other.position, item.position
    Item.objects.bulk_update([item, other], ["position"])
    _record(item.survey, "survey.question_moved", viewer, public=False)
    return True


@transaction.atomic
def remove_item(*, viewer: Viewer, item_id: int) -> Survey:
    """Take an item out. Raises ``Frozen``, or ``StillNeeded`` while another depends on it."""
    item = _item_to_change(viewer, item_id)
    needing = item.dependents.first()
    if needing is not None:
        said = _("“%(question)s” is shown only with certain answers to this. Change that first.")
        raise StillNeeded(said % {"question": needing})
    survey = item.survey
    Draft.objects.filter(survey=survey, is_preview=True).delete()
    item.delete()
    _record(survey, "survey.question_removed", viewer, public=False)
    return survey


@dataclass(frozen=True)
class Condition:
    """With which answers to an earlier question an item is shown; without a source, always."""

    source: int | None = None
    options: tuple[int, ...] = ()
    low: Decimal | None = None
    high: Decimal | None = None


@transaction.atomic
def set_condition(*, viewer: Viewer, item_id: int, condition: Condition) -> Item:
    """Say when an item is shown. Raises ``Frozen``, ``StillNeeded`` with what is wrong."""
    item = _item_to_change(viewer, item_id)
    item.source_id = condition.source
    item.depends_options = list(condition.options)
    item.depends_low, item.depends_high = condition.low, condition.high
    wrong = rules.wrong_condition(item, queries.items_of(item.survey))
    if wrong:
        raise StillNeeded(wrong)
    item.save()
    _record(item.survey, "survey.question_changed", viewer, public=False)
    return item


@transaction.atomic
def copy_survey(*, viewer: Viewer, survey_id: int) -> Survey:
    """Begin a new survey with the words and questions of another, and without its dates."""
    source = queries.held(viewer, survey_id)
    _may_run(viewer, source)
    items = queries.items_of(source)
    title = _("Copy of %(title)s") % {"title": source.title}
    copied = (
        "community_id challenge_id why happens thanks reach level is_anonymous may_change paper_to"
    )
    survey = Survey.objects.create(
        authority=viewer.authority,
        title=title[:120],
        copied_from=source,
        created_at=viewer.at,
        created_by=_who(viewer),
        **{name: getattr(source, name) for name in copied.split()},
    )
    _copy_items(survey, items)
    _record(survey, "survey.copied", viewer, public=False)
    return survey


def _copy_items(survey: Survey, items: Sequence[Item]) -> None:
    new_items: dict[int, Item] = {}
    new_options: dict[int, int] = {}
    for old in items:
        options = list(old.options.all())
        new = Item.objects.get(pk=old.pk)
        new.pk, new.survey, new._state.adding = None, survey, True
        source = new_items.get(old.source_id or 0)
        new.source = source
        new.depends_options = [new_options[pk] for pk in old.depends_options if pk in new_options]
        if source is None:
            new.depends_options, new.depends_low, new.depends_high = [], None, None
        new.save()
        new_items[old.pk] = new
        for option in options:
            pk = option.pk
            option.pk, option.item, option._state.adding = None, new, True
            option.save()
            new_options[pk] = option.pk


@transaction.atomic
def publish_survey(*, viewer: Viewer, survey_id: int) -> Survey:
    """Make a survey public: from its opening on, its questions are frozen. Raises ``NotWhole``."""
    survey = _to_change(viewer, survey_id)
    if not survey.is_draft:
        return survey
    gaps = rules.gaps(survey, queries.items_of(survey))
    if survey.closes_at is not None and survey.closes_at <= viewer.at:
        gaps.append(
            rules.Gap("about", _("The day on which it closes is over. Choose a later one."))
        )
    if gaps:
        raise NotWhole(gaps)
    assert survey.opens_at is not None
    survey.is_draft = False
    survey.opens_at = max(
        survey.opens_at, viewer.at
    )  # a past opening would tell of days without it
    survey.save(update_fields=["is_draft", "opens_at"])
    Draft.objects.filter(survey=survey).delete()
    _record(survey, "survey.opened", viewer, public=True)
    return survey


@transaction.atomic
def take_back(*, viewer: Viewer, survey_id: int) -> Survey:
    """Make a survey a draft again that has not opened yet. Raises ``Frozen``."""
    survey = _to_change(viewer, survey_id)
    if not survey.is_draft:
        Survey.objects.filter(pk=survey.pk).update(is_draft=True)
        survey.is_draft = True
        _record(survey, "survey.taken_back", viewer, public=False)
    return survey


@transaction.atomic
def discard_survey(*, viewer: Viewer, survey_id: int) -> None:
    """Throw a draft away."""
    survey = _to_change(viewer, survey_id)
    if not survey.is_draft:
        raise Frozen
    _record(survey, "survey.discarded", viewer, public=False)
    Item.objects.filter(survey=survey).update(
        source=None, depends_options=[], depends_low=None, depends_high=None
    )
    Survey.objects.filter(copied_from=survey).update(copied_from=None)
    survey.delete()


class NotLater(Exception):
    """A close can only be moved to later, and not once it has passed."""


@transaction.atomic
def extend_survey(*, viewer: Viewer, survey_id: int, until: datetime, why: str) -> Survey:
    """Keep an open survey open longer; everybody reads why. Raises ``NotLater``."""
    survey = queries.held(viewer, survey_id)
    _may_run(viewer, survey)
    assert survey.closes_at is not None or survey.is_draft
    if not survey.is_open(viewer.at) or survey.closes_at is None or until <= survey.closes_at:
        raise NotLater
    was, survey.closes_at = survey.closes_at, until
    survey.save(update_fields=["closes_at"])
    _correct(survey, None, _moment(was), _moment(until), why, viewer)
    facts = {"until_at": until.isoformat()}
    _record(survey, "survey.extended", viewer, public=True, facts=facts)
    return survey


def _moment(at: datetime) -> str:
    local = timezone.localtime(at)
    return f"{local:%Y-%m-%d %H:%M}"


@transaction.atomic
def correct_words(
    *, viewer: Viewer, survey_id: int, item_id: int | None, part: str, became: str, why: str
) -> Correction | None:
    """Correct words that people have read: everybody sees what they were and why. ``part``: words, help, why, happens."""
    survey = queries.held(viewer, survey_id)
    _may_run(viewer, survey)
    if survey.state(viewer.at) not in ("coming", "open", "closed"):
        raise Frozen
    thing: Survey | Item = survey
    if item_id is not None:
        thing = survey.items.get(pk=item_id)
    was = getattr(thing, part)
    if was == became:
        return None
    setattr(thing, part, became)
    thing.save(update_fields=[part])
    item = thing if isinstance(thing, Item) else None
    made = _correct(survey, item, was, became, why, viewer)
    _record(survey, "survey.corrected", viewer, public=True)
    return made


def _correct(
    survey: Survey, item: Item | None, was: str, became: str, why: str, viewer: Viewer
) -> Correction:
    return Correction.objects.create(
        survey=survey,
        item=item,
        was=was[:2000],
        became=became[:2000],
        why=why,
        corrected_at=viewer.at,
        corrected_by=_who(viewer),
    )


@transaction.atomic
def withdraw_survey(*, viewer: Viewer, survey_id: int, why: str) -> Survey:
    """Take a public survey back; what people answered is deleted. Raises ``Frozen`` once it is told."""
    survey = queries.held(viewer, survey_id)
    _may_run(viewer, survey)
    if survey.state(viewer.at) in ("draft", "published"):
        raise Frozen
    if survey.withdrawn_at is None:
        survey.withdrawn_at, survey.withdrawn_why = viewer.at, why
        survey.save(update_fields=["withdrawn_at", "withdrawn_why"])
        Response.objects.filter(survey=survey).delete()
        Tally.objects.filter(survey=survey).delete()
        Draft.objects.filter(survey=survey).delete()
        _record(survey, "survey.withdrawn", viewer, public=True)
    return survey


# --- answering


class SurveyClosed(Exception):
    """The survey takes no answers at this moment."""


class SentAlready(Exception):
    """This person has answered, and this survey lets nobody change their answers."""


class NotComplete(Exception):
    """Something is missing or wrong; ``sheet`` says where."""

    def __init__(self, sheet: Sheet) -> None:
        super().__init__(len(sheet.wrong))
        self.sheet = sheet


@transaction.atomic
def save_draft(
    *,
    viewer: Viewer,
    survey_id: int,
    holder: Holder,
    typed: Mapping[int, Typed],
    preview: bool = False,
) -> Draft:
    """Keep what somebody has typed so far, beside what they typed on other pages.

    Raises ``SurveyClosed``, ``PermissionDenied`` if this person may not answer, ``SentAlready``.
    """
    survey = queries.held_to_answer(viewer, survey_id)
    if preview:
        _may_run(viewer, survey)
    else:
        _may_answer(viewer, survey, holder)
    draft = queries.draft_of(survey, holder, preview=preview)
    if draft is None:
        draft, _made = Draft.objects.get_or_create(
            survey=survey, is_preview=preview, **_holder_fields(holder),
            defaults={"saved_at": viewer.at},
        )  # fmt: skip
    draft = Draft.objects.select_for_update().get(pk=draft.pk)
    draft.given = {**draft.given, **{str(pk): said.as_kept() for pk, said in typed.items()}}
    draft.saved_at = viewer.at
    draft.save(update_fields=["given", "saved_at"])
    return draft


def _holder_fields(holder: Holder) -> dict[str, Any]:
    """Return what a draft says of whose it is."""
    return {"person_id": holder.person_id, "digest": holder.key["digest"]}


def _may_answer(viewer: Viewer, survey: Survey, holder: Holder) -> None:
    refused = rules.why_not(viewer, survey)
    if refused is not None:
        if refused.code in ("closed", "coming"):
            raise SurveyClosed(survey.title)
        raise PermissionDenied(refused.words)
    if survey.key is None:
        raise SurveyClosed(survey.title)
    if not survey.may_change and queries.response_of(survey, holder) is not None:
        raise SentAlready


@transaction.atomic
def change_answers(*, viewer: Viewer, survey_id: int, holder: Holder) -> Draft | None:
    """Begin anew with what was sent, to change it; the answers that were sent stand until then."""
    survey = queries.held_to_answer(viewer, survey_id)
    _may_answer(viewer, survey, holder)
    sent = queries.response_of(survey, holder)
    if sent is None:
        return None
    given = {str(answer.item_id): rules.typed_of(answer).as_kept() for answer in sent.answers.all()}
    draft, _made = Draft.objects.update_or_create(
        survey=survey, is_preview=False, **_holder_fields(holder),
        defaults={"given": given, "saved_at": viewer.at},
    )  # fmt: skip
    return draft


@transaction.atomic
def send_response(*, viewer: Viewer, survey_id: int, holder: Holder) -> Response:
    """Send what somebody has begun; sent twice, it is one response, and the same again.

    Raises ``SurveyClosed``, ``PermissionDenied``, ``SentAlready``, ``NotComplete``.
    """
    survey = queries.held_to_answer(viewer, survey_id)
    draft = queries.draft_of(survey, holder)
    if draft is not None:
        draft = Draft.objects.select_for_update().filter(pk=draft.pk).first()
    sent = queries.response_of(survey, holder)
    if draft is None and sent is not None:
        return sent  # the second press of the button
    _may_answer(viewer, survey, holder)
    sheet = rules.sheet_of(survey, draft)
    if sheet.wrong:
        raise NotComplete(sheet)
    sent = queries.held_response(sent.pk) if sent is not None else None
    if sent is None:
        sent = Response(survey=survey, envelope=survey.seal(holder.name))
    _take_back(sent)
    sent.sent_on = timezone.localtime(viewer.at).date()
    if not survey.is_anonymous:
        sent.person_id = holder.person_id
    sent.save()
    _write_answers(survey, sent, sheet)
    if draft is not None:
        draft.delete()
    return sent


def _write_answers(survey: Survey, sent: Response, sheet: Sheet) -> None:
    """Keep what was answered to questions that are shown, and nothing else.

    Words that staff have chosen or hidden stay so only if they are the same words.
    """
    before = {answer.item_id: answer for answer in sent.answers.all()}
    kept = [_answer(survey, sent, pk, given, before.get(pk)) for pk, given in sheet.given.items()]
    sent.answers.all().delete()
    Answer.objects.bulk_create(kept)


def _answer(
    survey: Survey, sent: Response, item_id: int, given: Given, before: Answer | None
) -> Answer:
    area = given.area
    if given.code:
        area = queries.area_of(survey, given.code)
    made = Answer(
        response=sent,
        item_id=item_id,
        options=list(given.options),
        number=given.number,
        words=given.words,
        spot=given.spot,
        area_id=area,
    )
    if before is not None and before.words == made.words:
        for name in ("shown_at", "hidden_at", "hidden_reason", "decided_by_id"):
            setattr(made, name, getattr(before, name))
    return made


@transaction.atomic
def adopt_answers(*, viewer: Viewer, survey_id: int, guest: Holder) -> bool:
    """Put what was begun or sent in this browser under the account of whoever has signed in.

    Tells whether there was something, and nothing of theirs in its place. The journal learns nothing.
    """
    survey = queries.held_to_answer(viewer, survey_id)
    person = Holder(_who(viewer).pk)
    if survey.key is None or rules.why_not(viewer, survey) is not None:
        return False
    drafts = Draft.objects.filter(survey=survey, digest=guest.key["digest"])
    sent = Response.objects.filter(survey=survey, envelope=survey.seal(guest.name))
    try:
        with transaction.atomic():
            moved = drafts.update(digest=None, person_id=person.person_id)
            owner = None if survey.is_anonymous else person.person_id
            moved += sent.update(envelope=survey.seal(person.name), person_id=owner)
    except IntegrityError:
        return False  # they have begun or answered under their account too: that stands
    return bool(moved)


@transaction.atomic
def forget_draft(*, viewer: Viewer, survey_id: int, holder: Holder, preview: bool = False) -> None:
    """Throw away what somebody began and has not sent."""
    survey = Survey.objects.get(pk=survey_id, authority=viewer.authority)
    draft = queries.draft_of(survey, holder, preview=preview)
    if draft is not None:
        draft.delete()


# --- papers and calls


class KeyedAlready(Exception):
    """A paper with this number of this batch was keyed before."""

    def __init__(self, response: Response | None) -> None:
        super().__init__("keyed already")
        self.response = response


class TakenOut(Exception):
    """Somebody took it out a moment ago."""


class TooEarly(Exception):
    """It has not opened yet, or its results are published."""


@dataclass(frozen=True)
class Entry:
    """By what way an answer came to staff, and which paper it was."""

    channel: str
    batch: str = ""
    serial: int | None = None

    @property
    def fields(self) -> dict[str, Any]:
        """Return what a response keeps of it: a batch is the same however it is spaced."""
        if self.channel != Channel.PAPER:
            return {"channel": self.channel, "batch": "", "serial": None}
        batch = " ".join(self.batch.split())
        return {"channel": self.channel, "batch": batch, "serial": self.serial}


@transaction.atomic
def enter_response(
    *, viewer: Viewer, survey_id: int, entry: Entry, typed: Mapping[int, Typed]
) -> Response:
    """Enter what somebody answered on paper or by telephone.

    Raises ``TooEarly``, ``KeyedAlready``, ``NotComplete``.
    """
    survey = _to_enter(viewer, survey_id)
    sheet = _on_paper(survey, typed)
    if sheet.wrong:
        raise NotComplete(sheet)
    sent = Response(
        survey=survey,
        sent_on=timezone.localtime(viewer.at).date(),
        entered_at=viewer.at,
        entered_by=_who(viewer),
        **entry.fields,
    )
    _save_entered(survey, sent)
    _write_answers(survey, sent, sheet)
    _forget_result(survey)
    facts = {"channel": entry.channel}
    _record(survey, "survey.response_entered", viewer, public=False, facts=facts)
    return sent


@transaction.atomic
def correct_response(
    *, viewer: Viewer, response_id: int, entry: Entry, typed: Mapping[int, Typed]
) -> Response:
    """Correct what staff entered. Raises ``TooEarly``, ``TakenOut``, ``KeyedAlready``, ``NotComplete``."""
    survey = _to_enter(viewer, _entered(viewer, response_id).survey_id)
    sent = queries.held_response(response_id)
    if sent is None:
        raise TakenOut
    sheet = _on_paper(survey, typed)
    if sheet.wrong:
        raise NotComplete(sheet)
    _take_back(sent)
    for name, value in entry.fields.items():
        setattr(sent, name, value)
    _save_entered(survey, sent)
    _write_answers(survey, sent, sheet)
    _forget_result(survey)
    _record(survey, "survey.response_corrected", viewer, public=False)
    return sent


@transaction.atomic
def remove_response(*, viewer: Viewer, response_id: int) -> Survey:
    """Take out what staff entered by mistake. Raises ``TooEarly``."""
    survey = _to_enter(viewer, _entered(viewer, response_id).survey_id)
    sent = queries.held_response(response_id)
    if sent is None:
        return survey  # somebody else took it out a moment ago
    _take_back(sent)
    sent.delete()
    _forget_result(survey)
    _record(survey, "survey.response_removed", viewer, public=False)
    return survey


def _entered(viewer: Viewer, response_id: int) -> Response:
    found = Response.objects.exclude(channel=Channel.ONLINE)
    return found.get(pk=response_id, survey__authority=viewer.authority)


def _to_enter(viewer: Viewer, survey_id: int) -> Survey:
    survey = queries.held(viewer, survey_id)
    _may_run(viewer, survey)
    if survey.state(viewer.at) not in ("open", "closed"):
        raise TooEarly
    return survey


def _on_paper(survey: Survey, typed: Mapping[int, Typed]) -> Sheet:
    items = queries.items_of(survey)
    areas = queries.areas_of(survey, items)
    return Sheet(survey, items, dict(typed), areas, is_strict=False)


def _save_entered(survey: Survey, sent: Response) -> None:
    try:
        with transaction.atomic():
            sent.save()
    except IntegrityError:
        same = Response.objects.filter(survey=survey, batch__iexact=sent.batch, serial=sent.serial)
        raise KeyedAlready(same.exclude(pk=sent.pk).first()) from None


def _forget_result(survey: Survey) -> None:
    Survey.objects.filter(pk=survey.pk, result__isnull=False, results_at__isnull=True).update(
        result=None
    )


# --- what it comes to, drawn up as it comes in

_ONE_DRAWS_UP = "SELECT pg_advisory_xact_lock(hashtextextended('surveys.tally', %s))"
A_FOLD = 1_000  # responses at a time, so that nobody who changes theirs waits for long

_TAKE_BACK = f"""
WITH who AS MATERIALIZED (
    UPDATE surveys_response SET is_counted = false WHERE id = %(response)s AND is_counted
    RETURNING id, channel
), {queries.COUNTED}
INSERT INTO surveys_tally (survey_id, item_id, part, value, near, people)
SELECT %(survey)s, item_id, part, value, near, -people FROM counted
"""  # noqa: S608 - ours
_FOLD = f"""
WITH who AS MATERIALIZED (
    UPDATE surveys_response SET is_counted = true WHERE id = ANY(%(responses)s)
    RETURNING id, channel
), {queries.COUNTED}
INSERT INTO surveys_tally (survey_id, item_id, part, value, near, people)
SELECT %(survey)s, item_id, part, value, near, people FROM counted
"""  # noqa: S608 - ours
_DRAW_UP = """
WITH gone AS (
    DELETE FROM surveys_tally WHERE survey_id = %(survey)s
    RETURNING item_id, part, value, near, people
)
INSERT INTO surveys_tally (survey_id, item_id, part, value, near, people)
SELECT %(survey)s, item_id, part, value, near, sum(people) FROM gone
 GROUP BY item_id, part, value, near HAVING sum(people) <> 0
"""


def _take_back(sent: Response) -> None:
    """Take what a response says out of the tallies before it changes; it is held by whoever asks."""
    if sent.is_counted:
        with connection.cursor() as cursor:
            cursor.execute(_TAKE_BACK, {"response": sent.pk, "survey": sent.survey_id})
        sent.is_counted = False


def fold_tallies() -> int:
    """Draw up what came in to every survey since the last time; tell how many responses it was."""
    return sum(_fold_whole(survey_id) for survey_id in queries.to_fold())


def _fold_whole(survey_id: int) -> int:
    number = 0
    while many := fold_tally(survey_id=survey_id):
        number += many
    draw_up(survey_id=survey_id)
    return number


@transaction.atomic
def fold_tally(*, survey_id: int) -> int:
    """Add lines for some of the responses that came in since; tell how many.

    Nobody who answers waits for it, and what somebody changes at this moment is left for the next
    time. Only who closes or withdraws the survey waits, so that no line is written after that.
    """
    _hold_tallies(survey_id)
    picked = queries.held_to_count(survey_id, A_FOLD)
    if picked:  # they are held: what is read of them now is what will be counted
        with connection.cursor() as cursor:
            cursor.execute(_FOLD, {"survey": survey_id, "responses": picked})
    return len(picked)


@transaction.atomic
def draw_up(*, survey_id: int) -> None:
    """Sum the lines of a survey up to one a thing, once they are many or take something back."""
    _hold_tallies(survey_id)
    if queries.are_loose(survey_id):
        with connection.cursor() as cursor:
            cursor.execute(_DRAW_UP, {"survey": survey_id})


def _hold_tallies(survey_id: int) -> None:
    """Let one at a time draw up a survey, and none while it is closed or withdrawn."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM surveys_survey WHERE id = %s FOR SHARE", [survey_id])
        cursor.execute(_ONE_DRAWS_UP, [survey_id])


@transaction.atomic
def recount_survey(*, survey_id: int) -> int:
    """Draw the tallies of a survey up anew from every single answer, while nobody answers.

    Tells how many responses there are.
    """
    Survey.objects.select_for_update().get(pk=survey_id)
    queries.hold_responses(survey_id)
    Tally.objects.filter(survey=survey_id).delete()
    Response.objects.filter(survey=survey_id).update(is_counted=False)
    return _fold_whole(survey_id)


# --- after the close


@transaction.atomic
def close_survey(*, survey_id: int, at: datetime) -> bool:
    """Let go of everything that leads from answers to people, once a survey has closed.

    The key goes, and with it the envelopes; the result is counted and kept. To run twice does no
    harm. Drafts stay for their thirty days, so that nobody loses what they typed.
    """
    survey = Survey.objects.select_for_update().get(pk=survey_id)
    is_over = survey.withdrawn_at is not None or (
        survey.closes_at is not None and survey.closes_at <= at
    )
    if survey.is_draft or not is_over or survey.key is None:
        return False
    Response.objects.filter(survey=survey).update(envelope=None)
    survey.key = None
    survey.result = queries.tally(survey, queries.items_of(survey))
    survey.save(update_fields=["key", "result"])
    journal.record(what="survey.closed", who=None, about=survey, at=at, public=True)
    return True


@transaction.atomic
def publish_results(*, viewer: Viewer, survey_id: int, heard: str) -> Survey:
    """Publish what a closed survey found; said again, only what was heard changes. Raises ``TooEarly``."""
    survey = queries.held(viewer, survey_id)
    _may_run(viewer, survey)
    state = survey.state(viewer.at)
    if state not in ("closed", "published"):
        raise TooEarly
    survey.heard = heard
    if state == "closed":
        survey.result = queries.tally(survey, queries.items_of(survey))
        survey.results_at, survey.results_by = viewer.at, _who(viewer)
    survey.save()
    what = "survey.results_published" if state == "closed" else "survey.results_told"
    _record(survey, what, viewer, public=True)
    return survey


@transaction.atomic
def judge_words(
    *, viewer: Viewer, survey_id: int, answers: Iterable[int], verdict: str, reason: str = ""
) -> int:
    """Choose words for everybody to read, hide them for a reason, or put them back to be read.

    ``verdict``: show, hide or wait. Returns how many changed.
    """
    survey = queries.held(viewer, survey_id)
    if not rules.may_judge(viewer, survey):
        raise PermissionDenied(_("Only moderators, and those who run it, choose what is shown."))
    if verdict == "hide" and reason not in HiddenReason.values:
        raise ValueError(reason)
    new: dict[str, Any] = {
        "shown_at": viewer.at if verdict == "show" else None,
        "hidden_at": viewer.at if verdict == "hide" else None,
        "hidden_reason": reason if verdict == "hide" else "",
        "decided_by": None if verdict == "wait" else _who(viewer),
    }
    found = Answer.objects.filter(item__survey=survey, pk__in=list(answers)).exclude(words="")
    number = found.update(**new)
    if number:
        facts = {"number": number, **({"reason": reason} if reason else {})}
        codes = {
            "show": "survey.words_shown", "hide": "survey.words_hidden", "wait": "survey.words_put_back"
        }  # fmt: skip
        is_public = verdict == "hide"
        journal.record(
            what=codes[verdict], who=_who(viewer), about=survey, at=viewer.at, public=is_public,
            facts=facts,
        )  # fmt: skip
    return number


@transaction.atomic
def note_download(*, viewer: Viewer, survey: Survey) -> None:
    """Keep that somebody took all answers away."""
    _may_run(viewer, survey)
    _record(survey, "survey.downloaded", viewer, public=False)


# --- letting go


@transaction.atomic
def forget_answers(person: Person, at: datetime) -> None:
    """Delete what a person began, and what they sent while a survey is open.

    Once it has closed, a survey without names leads nobody to them. With names, their answers stay
    in the sums without the name, and what they wrote in their own words is deleted.
    """
    Draft.objects.filter(person=person).delete()
    for found in queries.responses_of(person):
        sent = queries.held_response(found.pk)
        if sent is None:
            continue
        _take_back(sent)
        closes = found.survey.closes_at
        if found.survey.results_at is None and closes is not None and at < closes:
            sent.delete()
    named = Response.objects.filter(person=person)
    wordy = Answer.objects.filter(response__in=named).exclude(words="")
    wordy.filter(Q(options=[]), number__isnull=True, spot="", area__isnull=True).delete()
    wordy.update(words="", shown_at=None, hidden_at=None, hidden_reason="", decided_by=None)
    named.update(person=None)


def delete_old_drafts(*, at: datetime) -> int:
    """Delete drafts that nobody has touched for thirty days; tell how many."""
    old = Draft.objects.filter(saved_at__lte=at - queries.DRAFTS_KEPT)
    number, _by_kind = old.delete()
    return number


# --- shared


def _who(viewer: Viewer) -> Person:
    assert viewer.person is not None, "a door lets only signed-in people this far"
    return viewer.person


def _may_run(viewer: Viewer, survey: Survey) -> None:
    if not rules.may_run(viewer, survey):
        raise PermissionDenied(_("Only a clerk, or those who lead this place, may do this."))


def _to_change(viewer: Viewer, survey_id: int) -> Survey:
    survey = queries.held(viewer, survey_id)
    _may_run(viewer, survey)
    if survey.is_frozen(viewer.at):
        raise Frozen
    return survey


def _item_to_change(viewer: Viewer, item_id: int) -> Item:
    item = Item.objects.get(pk=item_id, survey__authority=viewer.authority)
    item.survey = _to_change(viewer, item.survey_id)
    return item


def _record(
    survey: Survey,
    what: str,
    viewer: Viewer,
    *,
    public: bool,
    facts: dict[str, Any] | None = None,
) -> None:
    journal.record(
        what=what, who=viewer.person, about=survey, at=viewer.at, public=public, facts=facts
    )
