"""Reading hearings: the list, a document in parts, what people say, what is to be done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import (
    BooleanField,
    Case,
    Count,
    Exists,
    F,
    Func,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Value,
    When,
    Window,
)
from django.db.models.functions import RowNumber

from commonweal.ground.challenges.models import Challenge
from commonweal.ground.challenges.queries import communities_to_lead, led, seats_of
from commonweal.ground.journal.models import Entry
from commonweal.ground.people.models import Person
from commonweal.ground.places.models import Community, RoleKind
from commonweal.ground.places.queries import below
from commonweal.ground.places.rules import Viewer, everyone
from commonweal.kit.composed import among, composed
from commonweal.listen.hearings.models import (
    Agreement,
    Answer,
    Comment,
    Hearing,
    Kind,
    Passage,
    Report,
    Stance,
    State,
    Version,
)

PART = 100  # so many passages stand on one page
REPLIES = 3  # so many stand under a comment before only the number is told
ON_PANELS = 4
LATELY = timedelta(days=60)
ORDERS = ("agreed", "newest")
ABOUT = "hearings.Hearing"
MODERATION = (
    "hearing.comment_shown", "hearing.comment_hidden", "hearing.comment_reported",
)  # fmt: skip

__all__ = ["communities_to_lead", "seats_of"]

# Asked of every row of a list: Django would take longer to compose these than PostgreSQL to answer.
_COMMENTS = """(SELECT count(*) FROM hearings_comment c
 WHERE c.hearing_id = %(expressions)s AND c.state = 'shown')"""
_ON_PASSAGE = """(SELECT count(*) FROM hearings_comment c
 WHERE c.passage_id = %(expressions)s AND c.state = 'shown')"""
_ANSWERED = "(SELECT a.status FROM hearings_answer a WHERE a.passage_id = %(expressions)s)"
_AGREED = "(SELECT count(*) FROM hearings_agreement a WHERE a.comment_id = %(expressions)s)"
_REPLIES = """(SELECT count(*) FROM hearings_comment r
 WHERE r.parent_id = %(expressions)s AND r.state <> 'waiting')"""
_REPORTS = """(SELECT count(*) FROM hearings_report r
 WHERE r.comment_id = %(expressions)s AND r.settled_at IS NULL)"""
_LAST = "(SELECT max(p.number) FROM hearings_passage p WHERE p.version_id = %(expressions)s)"


def _count(template: str) -> Func:
    return Func(F("pk"), template=template, output_field=IntegerField())


# --- hearings


def hearings(viewer: Viewer) -> QuerySet[Hearing]:
    """Return the hearings that everyone may read: open ones first, soonest to close."""
    return _ordered(_all(viewer).filter(published_at__isnull=False), viewer.at)


def led_hearings(viewer: Viewer) -> QuerySet[Hearing]:
    """Return the hearings that this viewer may run, drafts too, the newest first."""
    seats = seats_of(viewer)
    mine = Q(community__in=seats) | Q(community__ancestors__overlap=seats)
    return _all(viewer).filter(mine).order_by("-created_at", "-pk")


def _all(viewer: Viewer) -> QuerySet[Hearing]:
    return (
        Hearing.objects.filter(authority=viewer.authority)
        .select_related("community", "challenge")
        .annotate(comment_count=_count(_COMMENTS))
    )


def _ordered(rows: QuerySet[Hearing], at: Any) -> QuerySet[Hearing]:
    turn = Case(
        When(withdrawn_at__isnull=False, then=Value(3)),
        When(opens_at__lte=at, closes_at__gt=at, then=Value(0)),
        When(opens_at__gt=at, then=Value(1)),
        default=Value(2),
        output_field=IntegerField(),
    )
    until = Case(When(closes_at__gt=at, then=F("closes_at")))
    return rows.order_by(turn, until.asc(nulls_last=True), "-closes_at", "-pk")


def numbered(viewer: Viewer, pk: int) -> list[Hearing]:
    """Return the one hearing with this number, if this viewer may read it."""
    seats = seats_of(viewer)
    if not seats:
        return _public_numbered(authority=viewer.authority.pk, at=viewer.at, pk=pk)
    mine = Q(community__in=seats) | Q(community__ancestors__overlap=seats)
    return list(_all(viewer).filter(Q(published_at__isnull=False) | mine, pk=pk))


@composed
def _public_numbered(authority: Any, at: Any, pk: Any) -> QuerySet[Hearing]:
    return _all(everyone(authority, at)).filter(published_at__isnull=False, pk=pk)


def challenges_to_choose(viewer: Viewer) -> QuerySet[Challenge]:
    """Return the challenges that a hearing of this viewer's may belong to."""
    return led(viewer).filter(published_at__isnull=False)


# --- the document


def versions(hearing: Hearing, *, drafts: bool = False) -> list[Version]:
    """Return the public versions of a document, the newest first, and the draft for those who lead."""
    found = _versions(hearing=hearing.pk)
    for version in found:
        version.hearing = hearing
    return [version for version in found if drafts or version.published_at is not None]


@composed
def _versions(hearing: Any) -> QuerySet[Version]:
    return (
        Version.objects.filter(hearing=hearing)
        .defer("file")
        .annotate(last=_count(_LAST))
        .order_by("-number")
    )


def file_of(version: Version) -> bytes:
    """Return the original file of a version."""
    found = Version.objects.filter(pk=version.pk).values_list("file", flat=True).first()
    return bytes(found or b"")


def heading_list(version: Version) -> list[Passage]:
    """Return the headings of a version, for its list of contents."""
    return _headings(version=version.pk)


@composed
def _headings(version: Any) -> QuerySet[Passage]:
    rows = Passage.objects.filter(version=version, kind=Kind.HEADING)
    return rows.only("number", "level", "label", "text").order_by("number")


def passages(version: Version, *, first: int, last: int) -> list[Passage]:
    """Return the passages with these numbers, each with how many comments and which answer it has."""
    return _passages(version=version.pk, first=first, last=last)


@composed
def _passages(version: Any, first: Any, last: Any) -> QuerySet[Passage]:
    return (
        Passage.objects.filter(version=version, number__gte=first, number__lte=last)
        .defer("difference")
        .annotate(
            comment_count=_count(_ON_PASSAGE),
            answered=Func(F("pk"), template=_ANSWERED),
        )
        .order_by("number")
    )


def passage(version: Version, number: int) -> list[Passage]:
    """Return the one passage with this number, with its answer."""
    found = _passage(version=version.pk, number=number)
    for one in found:
        one.version = version
    return found


@composed
def _passage(version: Any, number: Any) -> QuerySet[Passage]:
    rows = Passage.objects.filter(version=version, number=number)
    return rows.select_related("answer", "before").annotate(comment_count=_count(_ON_PASSAGE))


def draft_passage(viewer: Viewer, pk: int) -> Passage | None:
    """Return a passage of a version that is not public yet."""
    rows = Passage.objects.filter(
        version__hearing__authority=viewer.authority, version__published_at__isnull=True
    )
    return (
        rows.select_related("version__hearing__community")
        .defer("version__file")
        .filter(pk=pk)
        .first()
    )


def any_passage(viewer: Viewer, pk: int) -> Passage | None:
    """Return a passage of any version of a hearing of this authority."""
    rows = Passage.objects.filter(version__hearing__authority=viewer.authority)
    related = ("version__hearing__community", "answer")
    return rows.select_related(*related).defer("version__file").filter(pk=pk).first()


# --- what people say


def author(viewer: Viewer, guest: bytes | None, *, path: str = "") -> Q:
    """Return the condition that this person, or this guest's browser, wrote a comment."""
    mine = Q(pk__in=())
    if viewer.person is not None:
        mine |= Q(**{f"{path}person": viewer.person})
    if guest is not None:
        mine |= Q(**{f"{path}guest": guest})
    return mine


def _seen(viewer: Viewer, guest: bytes | None, *, moderates: bool) -> Q:
    """Return which comments have a place on a page: those that wait are for few to see."""
    if moderates:
        return Q()
    return ~Q(state=State.WAITING) | author(viewer, guest)


def comments(
    viewer: Viewer, hearing: Hearing, *, guest: bytes | None = None, moderates: bool = False
) -> QuerySet[Comment]:
    """Return all comments on a hearing that have a place on this viewer's pages, the newest first."""
    mine = Agreement.objects.filter(comment=OuterRef("pk"), person=viewer.person)
    agrees: Any = Exists(mine) if viewer.person else Value(False, output_field=BooleanField())
    return (
        Comment.objects.filter(_seen(viewer, guest, moderates=moderates), hearing=hearing)
        .select_related("person", "organisation", "answer")
        .annotate(agreed_count=_count(_AGREED), reply_count=_count(_REPLIES), i_agree=agrees)
        .order_by("-written_at", "-pk")
    )


def in_order(rows: QuerySet[Comment], order: str) -> QuerySet[Comment]:
    """Put comments into the order that was asked for: those most agree with first, or the newest."""
    if order == "newest":
        return rows.order_by("-written_at", "-pk")
    return rows.order_by(F("agreed_count").desc(), "-written_at", "-pk")


def hand_replies(
    page: Iterable[Comment], viewer: Viewer, *, guest: bytes | None, moderates: bool
) -> None:
    """Give each comment of a page its first replies: one query however many there are."""
    found = {comment.pk: comment for comment in page}
    for comment in found.values():
        comment.shown_replies = []  # type: ignore[attr-defined]
    if not any(comment.reply_count for comment in found.values()) and not moderates:  # type: ignore[attr-defined]
        return
    rows = (
        Comment.objects.filter(_seen(viewer, guest, moderates=moderates), parent__in=list(found))
        .select_related("person", "organisation")
        .annotate(turn=Window(RowNumber(), partition_by=F("parent"), order_by=("written_at", "pk")))
        .filter(turn__lte=REPLIES)
        .order_by("written_at", "pk")
    )
    for reply in rows:
        found[reply.parent_id].shown_replies.append(reply)  # type: ignore[index,attr-defined]


def found_comment(viewer: Viewer, pk: int, guest: bytes | None) -> Comment | None:
    """Return one comment of a hearing that this viewer may read, with all a page says of it.

    One that waits is there for who wrote it and for moderators alone.
    """
    mine = Agreement.objects.filter(comment=OuterRef("pk"), person=viewer.person)
    agrees: Any = Exists(mine) if viewer.person else Value(False, output_field=BooleanField())
    rows = (
        Comment.objects.filter(hearing__authority=viewer.authority)
        .filter(hearing__published_at__isnull=False)
        .filter(~Q(state=State.WAITING) | author(viewer, guest) | moderated(viewer))
        .select_related(
            "hearing__community", "hearing__challenge", "version", "passage", "person",
            "organisation", "answer", "parent",
        )
        .defer("version__file")
        .annotate(agreed_count=_count(_AGREED), reply_count=_count(_REPLIES), i_agree=agrees)
    )  # fmt: skip
    return rows.filter(pk=pk).first()


def replies(
    viewer: Viewer, comment: Comment, *, guest: bytes | None, moderates: bool
) -> QuerySet[Comment]:
    """Return what was replied to a comment, the oldest first."""
    rows = Comment.objects.filter(_seen(viewer, guest, moderates=moderates), parent=comment)
    return rows.select_related("person", "organisation").order_by("written_at", "pk")


def own_comments(viewer: Viewer, hearing: Hearing, guest: bytes | None) -> QuerySet[Comment]:
    """Return what this person or guest said in a hearing, in the order they said it."""
    rows = Comment.objects.filter(author(viewer, guest), hearing=hearing)
    shown = rows.exclude(state=State.REMOVED).select_related("passage", "answer")
    return shown.order_by("written_at", "pk")


def speakers(hearing: Hearing) -> list[int]:
    """Return the numbers of the people who said something in a hearing and have not taken it back."""
    rows = Comment.objects.filter(hearing=hearing, person__isnull=False)
    found = rows.exclude(state=State.REMOVED).order_by("person").values_list("person", flat=True)
    return [pk for pk in found.distinct() if pk is not None]


def said_as_guest(hearing: Hearing, guest: bytes) -> int:
    """Return how many comments on a hearing came from this browser without an account."""
    return Comment.objects.filter(hearing=hearing, guest=guest, person__isnull=True).count()


def public_comments(hearing: Any) -> QuerySet[Comment]:
    """Return the comments that everyone may read, in the order they came."""
    return (
        Comment.objects.filter(hearing=hearing, state=State.SHOWN)
        .select_related("person", "organisation", "answer", "passage", "version")
        .defer("version__file")
        .annotate(agreed_count=_count(_AGREED))
        .order_by("written_at", "pk")
    )


# --- counts


@dataclass
class Stances:
    """How many support, would change, oppose a passage, or only ask."""

    support: int = 0
    change: int = 0
    oppose: int = 0
    neither: int = 0

    @property
    def total(self) -> int:
        """Return how many comments there are."""
        return self.support + self.change + self.oppose + self.neither

    @property
    def rows(self) -> list[tuple[Stance, int, float]]:
        """Return each stance, how many took it, and which share that is."""
        whole = self.total or 1
        return [(stance, (n := getattr(self, stance.value)), n / whole) for stance in Stance]


_SAID = Q(comments__state=State.SHOWN, comments__parent__isnull=True)


def _stance_counts() -> dict[str, Count]:
    return {
        f"n_{stance.value}": Count("comments", filter=_SAID & Q(comments__stance=stance))
        for stance in Stance
    }


def counted_passages(version: Version, *, order: str = "") -> QuerySet[Passage]:
    """Return the passages on which somebody said something, each with how many took which stance."""
    said = Comment.objects.filter(passage=OuterRef("pk"), state=State.SHOWN, parent__isnull=True)
    rows = (
        Passage.objects.filter(Exists(said), version=version)
        .defer("difference")
        .select_related("answer")
        .annotate(**_stance_counts(), said=Count("comments", filter=_SAID))
    )
    return rows.order_by("-said", "number") if order == "most" else rows.order_by("number")


def all_passages(hearing: Hearing, number: int | None) -> QuerySet[Passage]:
    """Return every passage of a public version, the newest if none is named, with its counts."""
    public = hearing.versions.filter(published_at__isnull=False)
    asked = public.filter(number=number) if number else public.order_by("-number")
    newest = list(asked.values_list("pk", flat=True)[:1])
    rows = Passage.objects.filter(version__in=newest).select_related("version", "before", "answer")
    counted = rows.defer("version__file").annotate(**_stance_counts())
    return counted.order_by("number")


def stances_of(passage: Any) -> Stances:
    """Return the counts that a query has read with a passage."""
    return Stances(**{stance.value: getattr(passage, f"n_{stance.value}") for stance in Stance})


def stances(hearing: Hearing, **narrowed: Any) -> Stances:
    """Return how many took which stance, in all or narrowed to a version or passage."""
    rows = Comment.objects.filter(
        hearing=hearing, state=State.SHOWN, parent__isnull=True, **narrowed
    )
    found = dict(rows.order_by().values_list("stance").annotate(n=Count("pk")))
    return Stances(**found)


class Who(NamedTuple):
    """How many comments came from whom, or by which way."""

    code: str
    number: int


class Spoken(NamedTuple):
    """How people stand in all, who they are, and by which way they spoke."""

    stances: Stances
    standings: list[Who]
    channels: list[Who]


def spoken(hearing: Hearing) -> Spoken:
    """Return what was said in all, by stance (replies take none), standing and way; one query."""
    shown = Comment.objects.filter(hearing=hearing, state=State.SHOWN)
    told = shown.annotate(takes_one=Q(parent__isnull=True)).order_by()
    by = ("standing", "channel", "stance", "takes_one")
    rows = list(told.values_list(*by).annotate(n=Count("pk")))
    standings: Counter[str] = Counter()
    channels: Counter[str] = Counter()
    takes: Counter[str] = Counter()
    for standing, channel, stance, takes_one, count in rows:
        standings[standing] += count
        channels[channel] += count
        takes[stance] += count if takes_one else 0
    ranked = [[Who(*pair) for pair in found.most_common()] for found in (standings, channels)]
    return Spoken(Stances(**takes), *ranked)


def suggestions(hearing: Any) -> QuerySet[Comment]:
    """Return the comments that propose other words for a passage, those most agree with first."""
    rows = public_comments(hearing).exclude(wording="").filter(parent__isnull=True)
    return rows.order_by(F("agreed_count").desc(), "written_at", "pk")


def first_suggestions(hearing: Hearing) -> list[Comment]:
    """Return the ten proposals of other words that most agree with."""
    return _first_suggestions(hearing=hearing.pk)


@composed
def _first_suggestions(hearing: Any) -> QuerySet[Comment]:
    return suggestions(hearing)[:10]


def unanswered(hearing: Hearing) -> QuerySet[Comment]:
    """Return the comments without an answer of their own or of their passage, most agreed first."""
    return (
        public_comments(hearing)
        .filter(parent__isnull=True, answer__isnull=True, passage__answer__isnull=True)
        .order_by(F("agreed_count").desc(), "written_at", "pk")
    )


# --- what changed from one version to the next


@dataclass
class Step:
    """A place where two versions differ: a passage that is new, changed or gone."""

    what: str
    number: int
    old_number: int | None = None
    passage: Passage | None = None
    old: Passage | None = None
    answer: Answer | None = None
    said: list[Answer] = field(default_factory=list)


def steps(version: Version, previous: Version) -> list[Step]:
    """Return where a version differs from the one before it, in the order of the document."""
    now = list(
        Passage.objects.filter(version=version)
        .annotate(is_other=Q(difference__isnull=False))
        .order_by("number")
        .values_list("number", "before__number", "is_other")
    )
    found = [
        Step("new" if old is None else "changed", number, old)
        for number, old, is_other in now
        if old is None or is_other
    ]
    at = {old: number for number, old, _other in now if old is not None}
    last = 0
    for number in range(1, int(getattr(previous, "last", 0) or 0) + 1):
        if number in at:
            last = at[number]
        else:
            found.append(Step("gone", last, number))
    order = {"changed": 0, "new": 0, "gone": 1}
    return sorted(found, key=lambda step: (step.number, order[step.what], step.old_number or 0))


def fill_steps(page: Iterable[Step], version: Version, previous: Version) -> None:
    """Read the words of the steps that a page shows, and what staff answered to what they replace."""
    listed = list(page)
    new = [step.number for step in listed if step.what != "gone"]
    old = [step.old_number for step in listed if step.old_number is not None]
    rows = Passage.objects.filter(
        Q(version=version, number__in=new) | Q(version=previous, number__in=old)
    )
    found = {(row.version_id, row.number): row for row in rows.select_related("answer")}
    said = Answer.objects.filter(
        comment__passage__version=previous, comment__passage__number__in=old,
        comment__state=State.SHOWN,
    )  # fmt: skip
    by_passage: dict[int, list[Answer]] = {}
    for one in said.select_related("comment__passage", "comment__person").order_by("pk"):
        assert one.comment is not None and one.comment.passage is not None
        by_passage.setdefault(one.comment.passage.number, []).append(one)
    for step in listed:
        if step.what != "gone":
            step.passage = found[(version.pk, step.number)]
        if step.old_number is not None:
            step.old = found[(previous.pk, step.old_number)]
            step.answer = getattr(step.old, "answer", None)
            step.said = by_passage.get(step.old_number, [])


# --- for moderators


def moderated(viewer: Viewer, *, path: str = "hearing__") -> Q:
    """Return the condition that a comment stands where this viewer moderates."""
    kinds = (RoleKind.MODERATOR, RoleKind.ADMINISTRATOR)
    places = [role.community_id for role in viewer.roles if role.kind in kinds]
    if not places:
        return Q(pk__in=())
    return Q(**{f"{path}community__in": places}) | Q(
        **{f"{path}community__ancestors__overlap": places}
    )


def queue(viewer: Viewer, hearing: Hearing, *, which: str = "") -> QuerySet[Comment]:
    """Return what a moderator looks at: what waits or was reported, the oldest first; or all of it."""
    rows = (
        Comment.objects.filter(moderated(viewer), hearing=hearing)
        .select_related("person", "organisation", "passage", "parent")
        .prefetch_related("reports")
        .annotate(report_count=_count(_REPORTS))
    )
    if which == "hidden":
        return rows.filter(state=State.HIDDEN).order_by("-decided_at", "-pk")
    if which == "shown":
        return rows.filter(state=State.SHOWN).order_by("-written_at", "-pk")
    return rows.filter(_to_look_at()).order_by("written_at", "pk")


def _to_look_at() -> Q:
    reported = Report.objects.filter(comment=OuterRef("pk"), settled_at__isnull=True)
    return Q(state=State.WAITING) | (Q(state=State.SHOWN) & Q(Exists(reported)))


def held_comments(viewer: Viewer, numbers: Iterable[int]) -> list[Comment]:
    """Return comments that this viewer moderates, locked in the order of their numbers."""
    rows = Comment.objects.select_for_update(no_key=True, of=("self",)).filter(
        moderated(viewer), hearing__authority=viewer.authority, pk__in=list(numbers)
    )
    return list(rows.select_related("hearing").order_by("pk"))


def moderation_log(hearing: Hearing) -> QuerySet[Entry]:
    """Return every decision about comments on this hearing, the oldest first."""
    rows = Entry.objects.filter(about=ABOUT, about_id=hearing.pk, what__in=MODERATION)
    return rows.select_related("who").order_by("at", "pk")


# --- panels on other apps' pages


def _open_now(authority: Any, at: Any) -> QuerySet[Hearing]:
    rows = _all(everyone(authority, at)).filter(published_at__lte=at, withdrawn_at__isnull=True)
    return rows.filter(opens_at__lte=at, closes_at__gt=at).order_by("closes_at", "pk")


@composed
def _open_hearings(authority: Any, at: Any) -> QuerySet[Hearing]:
    return _open_now(authority, at)[:ON_PANELS]


def panel_home(viewer: Viewer, thing: object) -> Mapping[str, Any] | None:
    """Return the hearings that take comments now."""
    found = viewer.once(
        "hearings", lambda: _open_hearings(authority=viewer.authority.pk, at=viewer.at)
    )
    return {"hearings": found} if found else None


@composed
def _listed(authority: Any, at: Any) -> QuerySet[Hearing]:
    rows = _all(everyone(authority, at)).filter(published_at__isnull=False)
    return _ordered(rows, at)[:6]


def panel_listen(viewer: Viewer, thing: object) -> Mapping[str, Any] | None:
    """Return the hearings, open ones first, for the page of all listening."""
    found = _listed(authority=viewer.authority.pk, at=viewer.at)
    may_set_up = bool(seats_of(viewer))
    return {"hearings": found, "may_set_up": may_set_up} if found or may_set_up else None


@composed
def _of_challenge(authority: Any, at: Any, challenge: Any) -> QuerySet[Hearing]:
    rows = _all(everyone(authority, at)).filter(published_at__isnull=False, challenge=challenge)
    return _ordered(rows, at)[:ON_PANELS]


def panel_challenge(viewer: Viewer, challenge: Challenge) -> Mapping[str, Any] | None:
    """Return the hearings of a challenge."""
    found = _of_challenge(authority=viewer.authority.pk, at=viewer.at, challenge=challenge.pk)
    return {"hearings": found} if found else None


def panel_community(viewer: Viewer, community: Community) -> Mapping[str, Any] | None:
    """Return the hearings that are open in a community and all inside it."""
    found = _in_branch(authority=viewer.authority.pk, at=viewer.at, branch=[community.pk])
    return {"hearings": found} if found else None


@composed
def _in_branch(authority: Any, at: Any, branch: Any) -> QuerySet[Hearing]:
    inside = Q(among("community", branch)) | Q(community__ancestors__overlap=branch)
    return _open_now(authority, at).filter(inside)[:ON_PANELS]


def panel_desk(viewer: Viewer, thing: object) -> Mapping[str, Any] | None:
    """Return the hearings in which something waits for this viewer, with how much."""
    seats = seats_of(viewer)
    kinds = (RoleKind.MODERATOR, RoleKind.ADMINISTRATOR)
    moderates = [role.community_id for role in viewer.roles if role.kind in kinds]
    places = sorted({*seats, *moderates})
    if not places:
        return None
    found = _at_desk(
        authority=viewer.authority.pk, at=viewer.at, since=viewer.at - LATELY, places=places,
        seats=seats, moderates=moderates,
    )  # fmt: skip
    for hearing in found:
        hearing.stands = hearing.state(viewer.at)  # type: ignore[attr-defined]
    return (
        {"hearings": found, "moderates": bool(moderates), "leads": bool(seats)} if found else None
    )


@composed
def _at_desk(
    authority: Any, at: Any, since: Any, places: Any, seats: Any, moderates: Any
) -> QuerySet[Hearing]:
    waits = Func(F("pk"), template=_WAITS, output_field=IntegerField())
    unfinished = Q(published_at__isnull=True) | Q(
        closes_at__lte=at, closes_at__gt=since, outcome="", withdrawn_at__isnull=True
    )
    return (
        _all(everyone(authority, at))
        .filter(below(places))
        .annotate(waits=waits)
        .filter((Q(waits__gt=0) & below(moderates)) | (unfinished & below(seats)))
        .order_by("closes_at", "pk")[:20]
    )


_WAITS = """(SELECT count(*) FROM hearings_comment c WHERE c.hearing_id = %(expressions)s AND (
    c.state = 'waiting' OR (c.state = 'shown' AND EXISTS (
        SELECT 1 FROM hearings_report r WHERE r.comment_id = c.id AND r.settled_at IS NULL))))"""


def panel_mine(viewer: Viewer, thing: object) -> Mapping[str, Any] | None:
    """Return what this person said in hearings, the newest first."""
    if viewer.person is None:
        return None
    found = _mine(authority=viewer.authority.pk, person=viewer.person.pk)
    return {"comments": found} if found else None


@composed
def _mine(authority: Any, person: Any) -> QuerySet[Comment]:
    rows = Comment.objects.filter(person=person, hearing__authority=authority)
    return (
        rows.exclude(state=State.REMOVED)
        .select_related("hearing", "passage", "answer")
        .order_by("-written_at", "-pk")[:10]
    )


# --- for jobs


def moments_to_tell(at: datetime) -> list[tuple[Hearing, str, datetime]]:
    """Return the hearings that have opened or closed since nobody told it, and when."""
    since = at - timedelta(days=30)
    told = []
    for what, name in (("hearing.opened", "opens_at"), ("hearing.closed", "closes_at")):
        known = Entry.objects.filter(about=ABOUT, about_id=OuterRef("pk"), what=what)
        rows = Hearing.objects.filter(
            ~Exists(known), published_at__isnull=False, withdrawn_at__isnull=True,
            **{f"{name}__lte": at, f"{name}__gt": since},
        )  # fmt: skip
        told += [(row, what, getattr(row, name)) for row in rows.order_by("pk")]
    return told


# --- a person's own data


def personal(person: Person) -> Iterator[dict[str, Any]]:
    """Hand over what a person said in hearings, agreed with and reported."""
    rows = Comment.objects.filter(person=person).select_related("hearing", "passage")
    for row in rows.order_by("pk"):
        yield {
            "hearing": row.hearing.title,
            "passage": row.passage.number if row.passage else 0,
            "reply_to": row.parent_id or "",
            "standing": row.standing,
            "stance": row.stance,
            "words": row.body,
            "wording": row.wording,
            "written": row.written_at.isoformat(),
            "state": row.state,
            "hidden_because": row.reason,
        }
    for agreement in Agreement.objects.filter(person=person).order_by("pk"):
        yield {"agrees_with": agreement.comment_id, "since": agreement.agreed_at.isoformat()}
    for report in Report.objects.filter(person=person).order_by("pk"):
        yield {"reported": report.comment_id, "reason": report.reason, "words": report.words}


def personal_work(person: Person) -> Iterator[dict[str, Any]]:
    """Hand over which hearings a person set up, and what they answered as staff."""
    for hearing in Hearing.objects.filter(created_by=person).order_by("pk"):
        yield {"hearing": hearing.title, "set_up": hearing.created_at.isoformat()}
    for said in Answer.objects.filter(answered_by=person).order_by("pk"):
        yield {"answer": said.pk, "words": said.words, "answered": said.answered_at.isoformat()}
