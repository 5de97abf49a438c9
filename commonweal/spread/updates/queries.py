"""Reading who follows what, who is to be told, and what to tell them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any

from django.db.models import (
    DateTimeField,
    DurationField,
    Exists,
    ExpressionWrapper,
    F,
    Func,
    OuterRef,
    QuerySet,
    Value,
)
from django.db.models.functions import Mod
from django.utils import timezone

from commonweal.deliver.milestones.models import Delivery
from commonweal.ground.challenges import queries as challenges
from commonweal.ground.challenges.models import Challenge
from commonweal.ground.journal.models import Entry
from commonweal.ground.journal.queries import Line
from commonweal.ground.places.models import Community
from commonweal.kit.composed import composed
from commonweal.listen.conversations.models import Conversation, Statement
from commonweal.spread.updates.models import Digest, Follow, Notice, Wave

if TYPE_CHECKING:
    from datetime import date

    from commonweal.ground.people.models import Person
    from commonweal.ground.places.rules import Viewer

LANES = 8  # so many mails at most go out side by side
AT_ONCE = 200


def followed(viewer: Viewer) -> QuerySet[Follow]:
    """Return what this person follows here, the newest first."""
    return _followed_by(viewer.authority, viewer.person)


def _followed_by(authority: Any, person: Any) -> QuerySet[Follow]:
    mine = Follow.objects.filter(person=person, challenge__authority=authority)
    return mine.select_related("challenge").order_by("-since", "-pk")


def challenges_to_follow(viewer: Viewer) -> QuerySet[Challenge]:
    """Return the challenges that can be followed."""
    return challenges.published(viewer)


def communities(viewer: Viewer) -> QuerySet[Community]:
    """Return the communities whose story can be read here."""
    return Community.objects.filter(authority=viewer.authority).order_by("name", "pk")


def mine(viewer: Viewer) -> list[Community]:
    """Return the communities this person belongs to."""
    found = [member.community for member in viewer.memberships]
    return sorted(found, key=lambda community: (community.name, community.pk))


def round_me(viewer: Viewer) -> list[int]:
    """Return the communities that concern this person: theirs, and all above those."""
    return sorted({number for community in mine(viewer) for number in community.branch()})


def by_day(lines: list[Line]) -> list[tuple[date, list[Line]]]:
    """Put the lines of each day together, in the order they stand."""
    days = groupby(lines, key=lambda line: timezone.localtime(line.at).date())
    return [(day, list(of_day)) for day, of_day in days]


def people_to_tell() -> QuerySet[Person]:
    """Return the people for whom news waits."""
    from commonweal.ground.people.models import Person  # only the job needs people themselves

    waiting = Notice.objects.filter(person=OuterRef("pk"), sent_at__isnull=True)
    return Person.objects.filter(
        Exists(waiting), is_active=True, erased_at__isnull=True, email__isnull=False
    ).order_by("pk")


def some_to_tell(*, lane: int, after: int, at: datetime) -> list[int]:
    """Return the next people of a lane for whom news waits and another mail may go out."""
    days = Func(
        F("pace"), template="make_interval(days => %(expressions)s)", output_field=DurationField()
    )
    since = ExpressionWrapper(Value(at) - days, output_field=DateTimeField())
    later = Digest.objects.filter(person=OuterRef("pk"), last_sent_at__gt=since)
    found = people_to_tell().exclude(Exists(later)).filter(pk__gt=after)
    mine = found.annotate(lane=Mod(F("pk"), Value(LANES))).filter(lane=lane)
    return list(mine.values_list("pk", flat=True)[:AT_ONCE])


def waves_to_finish() -> QuerySet[Wave, int]:
    """Return the numbers of the entries that are not noted for everybody yet."""
    waiting = Wave.objects.filter(done_at__isnull=True).order_by("entry__at", "pk")
    return waiting.values_list("pk", flat=True)


def wave_held(number: int) -> Wave | None:
    """Return a wave that is not done, unless somebody else is at it."""
    held = Wave.objects.select_for_update(of=("self",), skip_locked=True)
    return held.select_related("entry").filter(pk=number, done_at__isnull=True).first()


def deliveries_told_of(entries: Iterable[Entry]) -> dict[int, Delivery]:
    """Return the delivery that each entry is about, by the entry's number, where it is about one."""
    about = {e.pk: e.about_id for e in entries if e.about == Delivery._meta.label}
    if not about:
        return {}
    rows = Delivery.objects.select_related("project__pot").in_bulk(set(about.values()))
    return {entry: rows[number] for entry, number in about.items() if number in rows}


def conversations_told_of(entries: Iterable[Entry]) -> dict[int, Conversation]:
    """Return the conversation that each entry is about, or whose statement: by the entry's number."""
    listed = list(entries)
    said = {e.about_id for e in listed if e.about == Statement._meta.label}
    of = (
        dict(Statement.objects.filter(pk__in=said).values_list("pk", "conversation"))
        if said
        else {}
    )
    about = {
        e.pk: e.about_id if e.about == Conversation._meta.label else of.get(e.about_id)
        for e in listed
        if e.about in (Conversation._meta.label, Statement._meta.label)
    }
    if not about:
        return {}
    rows = Conversation.objects.defer("key").in_bulk({pk for pk in about.values() if pk})
    return {entry: rows[number] for entry, number in about.items() if number in rows}


def unsent(person: Person) -> QuerySet[Notice]:
    """Return what a person has not been told yet, the newest first, locked by whoever asks first."""
    return (
        Notice.objects.select_for_update(of=("self",), skip_locked=True)
        .filter(person=person, sent_at__isnull=True)
        .select_related("entry__challenge", "entry__authority")
        .order_by("-entry__at", "-entry__pk")
    )


def follow_card(viewer: Viewer, challenge: Challenge) -> dict[str, Any]:
    """Return what a challenge's page shows: whether this person follows it."""
    if viewer.person is None:
        return {"follows": False}
    asked = {"authority": viewer.authority.pk, "person": viewer.person.pk}
    return {"follows": bool(_follow(**asked, challenge=challenge.pk))}


@composed
def _follow(authority: Any, person: Any, challenge: Any) -> QuerySet[Follow]:
    return _followed_by(authority, person).select_related(None).filter(challenge=challenge)


def feed_link(viewer: Viewer, thing: Challenge | Community) -> dict[str, Any]:
    """Return what a page's head names: the feed of this challenge or community."""
    return {}


def my_follows(viewer: Viewer, thing: None) -> dict[str, Any] | None:
    """Return what "My part" shows: what this person follows."""
    if viewer.person is None:
        return None
    return {"follows": _followed(authority=viewer.authority.pk, person=viewer.person.pk)}


def digest_of(viewer: Viewer) -> Digest:
    """Return how often this person is written to, and about what; as everybody begins, if unsaid."""
    found = _digest(person=viewer.person.pk) if viewer.person else []
    return found[0] if found else Digest(person=viewer.person)


@composed
def _digest(person: Any) -> QuerySet[Digest]:
    return Digest.objects.filter(person=person)


@composed
def _followed(authority: Any, person: Any) -> QuerySet[Follow]:
    rows = _followed_by(authority, person)
    return rows.only("person", "challenge__authority", "challenge__slug", "challenge__title")[:50]


def personal(person: Person) -> Iterator[dict[str, Any]]:
    """Return what a person follows, and how often they are told."""
    for follow in Follow.objects.filter(person=person).select_related("challenge").order_by("pk"):
        yield {"follows": follow.challenge.title, "since": follow.since.isoformat()}
    for digest in Digest.objects.filter(person=person):
        last: datetime | None = digest.last_sent_at
        yield {
            "days_between_mails": digest.pace,
            "hears_of_votes": digest.hears_of_votes,
            "last_mail_at": last.isoformat() if last else None,
        }


def hear_of_no_votes(people: Sequence[int]) -> list[int]:
    """Return which of these people want no mail about what they voted on."""
    quiet = Digest.objects.filter(person__in=people, hears_of_votes=False)
    return list(quiet.values_list("person_id", flat=True))
