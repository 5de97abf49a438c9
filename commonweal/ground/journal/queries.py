"""Reading the journal: the public story, and the whole record for those who check it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.db import connection
from django.db.models import ForeignKey, Model, Q, QuerySet
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from commonweal.ground.journal.models import Entry
from commonweal.ground.places.models import Community, RoleKind
from commonweal.kit.composed import among, as_json, composed, rebuilt
from commonweal.kit.manifest import events
from commonweal.kit.money import pounds

if TYPE_CHECKING:
    from commonweal.ground.challenges.models import Challenge
    from commonweal.ground.people.models import Person
    from commonweal.ground.places.rules import Viewer

Thing = tuple[str, int]
CHUNK = 500


@dataclass(frozen=True)
class Line:
    """One line of the story: when, in words, and where to read more."""

    at: datetime
    words: str
    href: str
    entry: Entry


class _Facts(dict[str, str]):
    """An entry stays for ever while its sentence may change: a fact it never had is a dash."""

    def __missing__(self, name: str) -> str:
        return "–"


def story(
    viewer: Viewer,
    *,
    challenge: Challenge | None = None,
    community: Community | None = None,
    communities: Collection[int] | None = None,
    before: int | None = None,
    limit: int = 30,
    known: Iterable[Model] = (),
) -> list[Line]:
    """Return public entries of the viewer's authority as lines, the newest first.

    ``community`` means it and all inside it, ``communities`` exactly those, ``before`` only what
    stands after that entry in this order. However many lines and kinds of things, it is two
    questions; things already ``known`` are not fetched again.
    """
    what: Any
    if challenge is not None:
        by, what = "challenge", challenge.pk
    elif community is not None:
        by, what = "branch", [community.pk]
    elif communities is not None:
        by, what = "communities", list(communities)
    else:
        by, what = "", None
    if before is None:
        entries: Iterable[Entry] = _newest(by, limit)(authority=viewer.authority.pk, what=what)
    else:
        entries = older(_public(viewer.authority.pk, by, what), before)[:limit]
    own = (challenge,) if challenge is not None else ()
    return lines(viewer, entries, known=(*own, *known))


@cache
def _newest(by: str, limit: int) -> Callable[..., list[Entry]]:
    """Return how to read the newest public entries, composed once for each page that shows some."""
    return composed(lambda authority, what: older(_public(authority, by, what), None)[:limit])


def _public(authority: Any, by: str, what: Any) -> QuerySet[Entry]:
    """Return public entries of a challenge, a branch, some communities or the whole authority."""
    found = Entry.objects.filter(authority=authority, is_public=True)
    if by == "challenge":
        return found.filter(challenge=what)
    if by == "communities":
        return found.filter(among("community", what))
    if by == "branch":
        inside = Q(among("pk", what)) | Q(ancestors__overlap=what)
        return found.filter(community__in=Community.objects.filter(inside).values("pk"))
    return found


def older(entries: QuerySet[Entry], before: int | None) -> QuerySet[Entry]:
    """Return entries the newest first, only those that come after one of them if it is named."""
    ordered = entries.select_related("challenge").order_by("-at", "-pk")
    if before is None:
        return ordered
    last = entries.filter(pk=before).values_list("at", flat=True).first()
    if last is None:
        return ordered.none()
    return ordered.filter(Q(at__lt=last) | Q(at=last, pk__lt=before))


def lines(
    viewer: Viewer,
    entries: Iterable[Entry],
    *,
    known: Iterable[Model] = (),
    checking: bool = False,
) -> list[Line]:
    """Tell entries in words; a thing that is not public lends its line neither words nor a link.

    ``checking``: the viewer audits, and sees what is hidden too.
    """
    listed = list(entries)
    things = _things(listed, (*viewer.seen, *known))
    shown = things if checking else _shown(viewer, things)
    return [_line(entry, shown.get((entry.about, entry.about_id))) for entry in listed]


def followed_events() -> list[str]:
    """Return the codes of the events that move a challenge on."""
    return [event.what for event in events().values() if event.follow]


def records(viewer: Viewer) -> QuerySet[Entry]:
    """Return every entry this viewer may check: all inside the communities they audit."""
    roles = [
        role for role in viewer.roles if role.kind in (RoleKind.AUDITOR, RoleKind.ADMINISTRATOR)
    ]
    seats = [role.community_id for role in roles]
    mine = Q(community__in=_inside(seats))
    if Community.objects.filter(pk__in=seats, kind="authority").exists():
        mine |= Q(community__isnull=True)
    return (
        Entry.objects.filter(mine, authority=viewer.authority)
        .select_related("who", "challenge")
        .order_by("-at", "-pk")
    )


def panel_desk(viewer: Viewer, _thing: Any) -> dict[str, Any] | None:
    """Return something for those who check the records, and nothing for others."""
    checks = any(role.kind in (RoleKind.AUDITOR, RoleKind.ADMINISTRATOR) for role in viewer.roles)
    return {} if checks else None


def narrowed(
    entries: QuerySet[Entry],
    *,
    what: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
    about: str = "",
    about_id: int | None = None,
) -> QuerySet[Entry]:
    """Keep the entries of a kind, of some days, about a sort of thing or one thing."""
    if what:
        entries = entries.filter(what=what)
    if since is not None:
        entries = entries.filter(at__gte=since)
    if until is not None:
        entries = entries.filter(at__lt=until)
    if about:
        entries = entries.filter(about=about)
    if about_id is not None:
        entries = entries.filter(about_id=about_id)
    return entries


def harmless(cell: str) -> str:
    """Keep a table program from taking a person's words for a formula."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) else cell


def in_chunks(viewer: Viewer, entries: QuerySet[Entry]) -> Iterator[Line]:
    """Tell all of a long record, some hundred entries at a time."""
    before: int | None = None
    while chunk := lines(viewer, older(entries, before)[:CHUNK], checking=True):
        yield from chunk
        before = chunk[-1].entry.pk


def personal(person: Person) -> Iterator[dict[str, Any]]:
    """Return what a person did, as the journal has it."""
    for entry in Entry.objects.filter(who=person).order_by("at", "pk").iterator():
        yield {
            "at": entry.at.isoformat(),
            "what": entry.what,
            "about": entry.about,
            "about_id": entry.about_id,
            "public": entry.is_public,
            "facts": entry.facts,
        }


def _inside(communities: Collection[int]) -> QuerySet[Community]:
    """Return these communities and all below them."""
    return Community.objects.filter(
        Q(pk__in=communities) | Q(ancestors__overlap=list(communities))
    ).values("pk")  # type: ignore[return-value]


def _things(entries: list[Entry], known: Iterable[Model]) -> dict[Thing, Model]:
    """Fetch what the entries are about, of whatever kind, in one question; none for their own challenge."""
    own = [entry.challenge for entry in entries if entry.challenge is not None]
    found: dict[Thing, Model] = {(row._meta.label, row.pk): row for row in (*own, *known)}
    wanted: defaultdict[str, set[int]] = defaultdict(set)
    for entry in entries:
        if (entry.about, entry.about_id) not in found and _kind(entry.about) is not None:
            wanted[entry.about].add(entry.about_id)
    if not wanted:
        return found
    with connection.cursor() as cursor:
        sql = " UNION ALL ".join(map(_asked, wanted))
        cursor.execute(sql, [list(ids) for ids in wanted.values()])
        rows = cursor.fetchall()
    for label, row, *above in rows:
        model = apps.get_model(label)
        thing = rebuilt(model, row)
        assert thing is not None
        _lend_challenge(thing, found)
        for name, told in zip(_parents(model), above, strict=False):
            parent = rebuilt(_model_of(model, name), told)
            setattr(thing, name, parent)
            _lend_challenge(parent, found)
        found[label, thing.pk] = thing
    return found


def _lend_challenge(thing: Any, found: Mapping[Thing, Model]) -> None:
    """Give a thing its challenge where that was read with the entries, so that nobody asks again."""
    challenge = found.get(("challenges.Challenge", getattr(thing, "challenge_id", None) or 0))
    if challenge is not None and challenge is not thing:
        thing.challenge = challenge


def _kind(label: str) -> type[Model] | None:
    """Return a kind of thing, if there is one of this name still: the journal outlives what it tells of."""
    try:
        return apps.get_model(label)
    except LookupError:
        return None


MOST_PARENTS = 2


@cache
def _asked(label: str) -> str:
    """Return how to ask for things of one kind, and for what they stand under, by their numbers."""
    model = apps.get_model(label)
    above, joins = [], []
    for n, name in enumerate(_parents(model)):
        parent, column = _model_of(model, name), model._meta.get_field(name).column
        above.append(as_json(parent, f"above{n}"))
        joins.append(f"LEFT JOIN {parent._meta.db_table} above{n} ON above{n}.id = thing.{column}")
    above += ["NULL::jsonb"] * (MOST_PARENTS - len(above))
    return (
        f"SELECT '{label}', {as_json(model, 'thing')}, {', '.join(above)}"  # noqa: S608 - our own
        f" FROM {model._meta.db_table} thing {' '.join(joins)} WHERE thing.id = ANY(%s)"
    )


def _model_of(model: type[Model], name: str) -> type[Model]:
    found = model._meta.get_field(name).related_model
    assert isinstance(found, type)
    return found


def _parents(model: type[Model]) -> list[str]:
    """Name what leads from a thing to its challenge (a comment's proposal, a project's pot)."""
    if (under := getattr(model, "stands_under", None)) is not None:
        return [under]
    fields = model._meta.fields
    if any(field.name == "challenge" for field in fields):
        return []
    return [
        field.name
        for field in fields
        if isinstance(field, ForeignKey) and hasattr(field.related_model, "challenge_id")
    ]


def _shown(viewer: Viewer, things: dict[Thing, Model]) -> dict[Thing, Model]:
    """Keep what everyone may see at this authority: the thing, and all it belongs to."""
    return {
        key: thing
        for key, thing in things.items()
        if all(_is_shown(viewer, part) for part in (thing, *_above(thing)))
    }


def _above(thing: Model) -> list[Model]:
    parents = (getattr(thing, name) for name in _parents(type(thing)))
    return [parent for parent in parents if parent is not None]


def _is_shown(viewer: Viewer, thing: Model) -> bool:
    authority = getattr(thing, "authority_id", viewer.authority.pk)
    return (
        authority in (None, viewer.authority.pk)
        and getattr(thing, "is_public", True)
        and getattr(thing, "hidden_at", None) is None
    )


def _line(entry: Entry, thing: Model | None) -> Line:
    event = events().get(entry.what)
    facts = _Facts({name: _fact(name, value) for name, value in entry.facts.items()})
    facts["title"] = str(thing) if thing is not None else _("no longer shown")
    words = str(event.words) % facts if event else _("Something happened")
    address = getattr(thing, "get_absolute_url", None)
    return Line(entry.at, words, address() if address else "", entry)


def _fact(name: str, value: Any) -> str:
    """Write a fact for people: money as pounds, moments as days, counts with commas."""
    if name.endswith("_pence") and isinstance(value, int):
        return pounds(value)
    if name.endswith("_at") and isinstance(value, str):
        return date_format(timezone.localtime(datetime.fromisoformat(value)), "j F Y")
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return str(value)
