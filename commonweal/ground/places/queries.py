"""Reading places: the tree, who belongs where, and organisations."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from time import monotonic
from typing import TYPE_CHECKING, Any

from django.db import connection
from django.db.models import (
    Count,
    Exists,
    F,
    Func,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Window,
)
from django.db.models.functions import RowNumber
from django.utils.text import slugify

from commonweal.ground.people.models import Person
from commonweal.ground.places.models import (
    Authority,
    Community,
    CommunityKind,
    Membership,
    Organisation,
    OrganisationMember,
    Role,
    RoleKind,
    Standing,
)
from commonweal.kit.composed import Rows, among, as_json, composed, in_pages, rebuilt
from commonweal.kit.postcode import areas

if TYPE_CHECKING:
    from commonweal.ground.places.rules import Viewer

SMALL = 5  # a count below this is hidden
# Asked of every community in a list: Django would take longer to compose these than PostgreSQL to
# answer them.
_MEMBERS = "(SELECT count(*) FROM places_membership WHERE community_id = %(expressions)s)"
_CHILDREN = (
    "(SELECT count(*) FROM places_community inside WHERE inside.parent_id = %(expressions)s)"
)
_PEOPLE = """(SELECT count(DISTINCT member.person_id)
   FROM (SELECT %(expressions)s) AS asked (here), places_community place
   JOIN places_membership member ON member.community_id = place.id
  WHERE place.id = here OR place.ancestors @> ARRAY[here])"""
WITHIN = 8  # communities shown below each one of a list, before "all of them"


def host_name(host: str) -> str:
    """Return the name in a Host header: no port, no capitals, no dot at the end.

    >>> host_name("Loop.Example.:8000"), host_name("[::1]:8000")
    ('loop.example', '[::1]')
    """
    name = host.strip().lower()
    if name.startswith("["):
        return name.partition("]")[0] + "]"
    if name.count(":") == 1:
        name = name.partition(":")[0]
    return name.removesuffix(".")


def authority_at(host: str) -> Authority | None:
    """Return the authority that answers at this address, or none: never another's pages.

    One authority may go without a host name and answers wherever nobody else does; an installation
    with a single authority needs no host name at all. Every page asks, so the answer is kept for
    some seconds.
    """
    name = host_name(host)
    kept = _ANSWERS.get(name)
    if kept is not None and monotonic() < kept[0]:
        return kept[1]
    found = _look_up(name)
    if found is not None:
        if len(_ANSWERS) > MOST_ANSWERS:
            _ANSWERS.clear()
        _ANSWERS[name] = (monotonic() + ANSWERS_KEEP, found)
    return found


ANSWERS_KEEP = 5.0  # seconds: how long a new host name may go unnoticed
MOST_ANSWERS = 10_000
_ANSWERS: dict[str, tuple[float, Authority]] = {}


def forget_answers() -> None:
    """Look the authorities' addresses up anew: after one was founded, and between tests."""
    _ANSWERS.clear()
    _NATIONS.clear()


# An authority is founded in a nation, or in none, and stays there.
_NATIONS: dict[int, str] = {}


def nation_of(authority_id: int) -> str:
    """Return the slug of the nation that an authority lies in; nothing if it was founded in none."""
    if authority_id not in _NATIONS:
        root = Community.objects.filter(authority=authority_id, kind=CommunityKind.AUTHORITY)
        _NATIONS[authority_id] = root.values_list("parent__slug", flat=True).first() or ""
    return _NATIONS[authority_id]


def _look_up(name: str) -> Authority | None:
    named_first = F("host").asc(nulls_last=True)
    root = Community.objects.filter(authority=OuterRef("pk"), kind=CommunityKind.AUTHORITY)
    known = Authority.objects.annotate(nation=Subquery(root.values("parent__slug")[:1]))
    found = known.filter(Q(host=name) | Q(host__isnull=True)).order_by(named_first, "pk").first()
    if found is None:
        only = list(known.order_by("pk")[:2])
        found = only[0] if len(only) == 1 else None
    if found is not None:
        _NATIONS[found.pk] = found.nation or ""
    return found


@dataclass(frozen=True)
class Rights:
    """Where a person belongs within an authority, as what they speak, and which roles they hold."""

    memberships: list[Membership]
    declared: list[Standing]
    roles: list[Role]


def rights_of(*, person: int, authority: int) -> Rights:
    """Return what a person is and may do within an authority, read in one question."""
    with connection.cursor() as cursor:
        cursor.execute(_rights(), {"person": person, "authority": authority})
        rows = cursor.fetchall()
    found = Rights([], [], [])
    for kind, row, place, organisation, *_order in rows:
        model, into = _KINDS[kind]
        one: Any = rebuilt(model, row)
        one.community = rebuilt(Community, place)
        if kind == "standing":
            one.organisation = rebuilt(Organisation, organisation)
        getattr(found, into).append(one)
    return found


_KINDS: dict[str, tuple[type[Any], str]] = {
    "membership": (Membership, "memberships"),
    "standing": (Standing, "declared"),
    "role": (Role, "roles"),
}
_OF = """
SELECT '{kind}', {row}, {place}, {organisation}, {order}, this.id
  FROM places_{kind} this JOIN places_community place ON place.id = this.community_id {join}
 WHERE this.person_id = %(person)s AND place.authority_id = %(authority)s"""
_ORGANISATION = (
    "LEFT JOIN places_organisation organisation ON organisation.id = this.organisation_id"
)


@cache
def _rights() -> str:
    parts = [
        _OF.format(
            kind=kind,
            row=as_json(model, "this"),
            place=as_json(Community, "place"),
            organisation=as_json(Organisation, "organisation")
            if model is Standing
            else "NULL::jsonb",
            order="''" if model is Role else "place.name",
            join=_ORGANISATION if model is Standing else "",
        )
        for kind, (model, _into) in _KINDS.items()
    ]
    return f"{' UNION ALL '.join(parts)} ORDER BY 1, 5, 6"


def communities(viewer: Viewer) -> QuerySet[Community]:
    """Return every community of the authority, with how many joined each one, by name."""
    return _communities(viewer.authority)


def _communities(authority: Any) -> QuerySet[Community]:
    return (
        Community.objects.filter(authority=authority)
        .select_related("parent")
        .annotate(member_count=_count(_MEMBERS), child_count=_count(_CHILDREN))
        .order_by("name", "pk")
    )


def root(viewer: Viewer) -> Community:
    """Return the community that is the whole authority."""
    return _root(authority=viewer.authority.pk)[0]


@composed
def _root(authority: Any) -> QuerySet[Community]:
    return Community.objects.filter(authority=authority, kind=CommunityKind.AUTHORITY)


def children(viewer: Viewer, community: Community) -> Rows[Community]:
    """Return the communities directly inside one."""
    return _inside(authority=viewer.authority.pk, parent=community.pk)


@in_pages
def _inside(authority: Any, parent: Any) -> QuerySet[Community]:
    return as_rows(_communities(authority)).filter(parent=parent)


def named(viewer: Viewer, words: str) -> QuerySet[Community]:
    """Return the communities whose name holds these words."""
    return as_rows(communities(viewer)).filter(name__icontains=words)


def called(viewer: Viewer, text: str) -> list[Community]:
    """Return the community with this address, else those with exactly this name (two are enough)."""
    here = Community.objects.filter(authority=viewer.authority)
    return list(here.filter(slug=text)) or list(here.filter(name__iexact=text).order_by("pk")[:2])


def first_children(viewer: Viewer, parents: Collection[int]) -> Mapping[int, list[Community]]:
    """Return the first few communities inside each of several, in one query."""
    found: defaultdict[int, list[Community]] = defaultdict(list)
    for row in _first_inside(authority=viewer.authority.pk, parents=list(parents)):
        assert row.parent_id is not None
        found[row.parent_id].append(row)
    return found


@composed
def _first_inside(authority: Any, parents: Any) -> QuerySet[Community]:
    place = Window(RowNumber(), partition_by=F("parent_id"), order_by=(F("name"), F("pk")))
    rows = as_rows(_communities(authority)).filter(among("parent", parents))
    return rows.annotate(place=place).filter(place__lte=WITHIN)


def descendants(viewer: Viewer, community: Community) -> QuerySet[Community]:
    """Return everything below a community."""
    return Community.objects.filter(
        authority=viewer.authority, ancestors__contains=[community.pk]
    ).order_by("name", "pk")


def ancestors(viewer: Viewer, community: Community) -> list[Community]:
    """Return everything above a community, the topmost first (the nearest is known already)."""
    if community.parent is None or not community.ancestors:
        return []
    if len(community.ancestors) == 1:
        return [community.parent]
    above = Community.objects.filter(authority=viewer.authority).in_bulk(community.ancestors)
    return [above[pk] for pk in community.ancestors if pk in above]


def at_address(viewer: Viewer, slug: str) -> list[Community]:
    """Return the one community at this address, with how many people belong to it or inside it."""
    return _at_address(authority=viewer.authority.pk, slug=slug)


@composed
def _at_address(authority: Any, slug: Any) -> QuerySet[Community]:
    return _communities(authority).annotate(people_count=_count(_PEOPLE)).filter(slug=slug)


def as_rows(found: QuerySet[Community]) -> QuerySet[Community]:
    """Read only what a row of a list shows."""
    return found.only("authority", "kind", "name", "slug", "parent__name")


def nearest(viewer: Viewer, postcode: str) -> Community | None:
    """Return the most exact community that a whole postcode lies in: longest area, then deepest.

    Raises ``ValueError`` when it is not a whole postcode. Nothing of it is kept.
    """
    known = areas(postcode)
    exact = {code: len(code) for code in known}
    found = Community.objects.filter(authority=viewer.authority, postcodes__overlap=known)
    return max(
        found.order_by("pk"),
        key=lambda place: (
            max(exact.get(code, 0) for code in place.postcodes),
            len(place.ancestors),
        ),
        default=None,
    )


def is_in_area(community: Community, postcode: str) -> bool:
    """Tell whether a whole postcode lies in a community's area, or in one of those inside it."""
    here = Community.objects.filter(Q(pk=community.pk) | Q(ancestors__contains=[community.pk]))
    return here.filter(postcodes__overlap=areas(postcode)).exists()


def may_join_by_postcode(community: Community) -> bool:
    """Tell whether we know the postcodes of a community or of anything inside it."""
    here = Community.objects.filter(Q(pk=community.pk) | Q(ancestors__contains=[community.pk]))
    return here.exclude(postcodes=[]).exists()


def members(viewer: Viewer, community: Community, *, words: str = "") -> QuerySet[Membership]:
    """Return who belongs to a community or inside it, for those who run it; else nobody.

    An administrator may search by email address too, a clerk only by name.
    """
    if not viewer.holds(community, RoleKind.ADMINISTRATOR, RoleKind.CLERK):
        return Membership.objects.none()
    found = Membership.objects.filter(
        community__in=_branch(viewer, community), person__is_active=True
    )
    if words:
        like = Q(person__name__icontains=words)
        if viewer.holds(community, RoleKind.ADMINISTRATOR):
            like |= Q(person__email=words.lower())
        found = found.filter(like)
    return found.select_related("person", "community").order_by("person__name", "pk")


def standings_of(
    viewer: Viewer, community: Community, people: Collection[int]
) -> Mapping[int, list[Standing]]:
    """Return as what these people speak in a community or inside it."""
    rows = Standing.objects.filter(
        community__in=_branch(viewer, community), person__in=people
    ).select_related("community", "organisation")
    found: defaultdict[int, list[Standing]] = defaultdict(list)
    for row in rows.order_by("pk"):
        found[row.person_id].append(row)
    return found


def _administered(viewer: Viewer) -> list[int]:
    return [role.community_id for role in viewer.roles if role.kind == RoleKind.ADMINISTRATOR]


def below(seats: Any, path: str = "") -> Q:
    """Return the condition that something stands in one of the communities in a slot, or inside one."""
    here = among(f"{path}community", seats)
    return Q(here) | Q(**{f"{path}community__ancestors__overlap": seats})


def waiting_standings(viewer: Viewer) -> QuerySet[Standing]:
    """Return the standings that wait for this administrator's word, the oldest first."""
    return _unconfirmed(viewer.authority, _administered(viewer), viewer.person)


def _unconfirmed(authority: Any, seats: Any, person: Any) -> QuerySet[Standing]:
    return (
        Standing.objects.filter(
            below(seats),
            community__authority=authority,
            confirmed_at__isnull=True,
            person__is_active=True,
        )
        .exclude(kind__in=Standing.SELF_DECLARED)
        .exclude(person=person)
        .select_related("person", "community", "organisation")
        .order_by("pk")
    )


@composed
def _on_desk(authority: Any, seats: Any, person: Any) -> QuerySet[Standing]:
    return _unconfirmed(authority, seats, person).annotate(count=Window(Count("pk")))[:10]


def standing(viewer: Viewer, pk: int) -> Standing | None:
    """Return one standing of this authority."""
    found = Standing.objects.filter(pk=pk, community__authority=viewer.authority)
    return found.select_related("community").first()


def role(viewer: Viewer, pk: int) -> Role | None:
    """Return one role of this authority that the viewer may see: an administrator's to take back."""
    found = Role.objects.filter(pk=pk, community__authority=viewer.authority)
    row = found.select_related("community").first()
    may_see = row is not None and viewer.holds(row.community, RoleKind.ADMINISTRATOR)
    return row if may_see else None


def roles_in(viewer: Viewer, community: Community) -> QuerySet[Role]:
    """Return who holds which right in a community or inside it."""
    return (
        Role.objects.filter(community__in=_branch(viewer, community))
        .select_related("person", "community")
        .order_by("community__name", "kind", "person__name", "pk")
    )


def person_here(viewer: Viewer, email: str) -> Person | None:
    """Return someone with this address who takes part in this authority; strangers stay unknown."""
    here = Membership.objects.filter(person=OuterRef("pk"), community__authority=viewer.authority)
    return Person.objects.filter(Exists(here), email=email.lower(), is_active=True).first()


def organisations(viewer: Viewer, *, words: str = "") -> QuerySet[Organisation]:
    """Return the organisations of the authority, by name."""
    found = Organisation.objects.filter(authority=viewer.authority)
    if words:
        found = found.filter(name__icontains=words)
    return found.annotate(service_count=Count("services")).order_by("name", "pk")


def organisations_to_choose(viewer: Viewer) -> list[Organisation]:
    """Return the names of the authority's organisations, for a list to choose from."""
    return _organisations_named(authority=viewer.authority.pk)


@composed
def _organisations_named(authority: Any) -> QuerySet[Organisation]:
    return Organisation.objects.filter(authority=authority).only("name").order_by("name", "pk")


def organisation_members(organisation: Organisation) -> QuerySet[OrganisationMember]:
    """Return who belongs to an organisation, managers first."""
    return (
        organisation.members.filter(person__is_active=True)
        .select_related("person")
        .order_by("-is_manager", "person__name", "pk")
    )


def organisation_member(viewer: Viewer, pk: int) -> OrganisationMember | None:
    """Return one member of an organisation of this authority."""
    found = OrganisationMember.objects.filter(pk=pk, organisation__authority=viewer.authority)
    return found.select_related("organisation").first()


def free_slug(
    rows: QuerySet[Any], name: str, *, reserved: Collection[str] = ("new", "near")
) -> str:
    """Return an address for a new row that none of these rows has."""
    base = slugify(name)[:70].strip("-") or "place"
    taken = set(rows.filter(slug__startswith=base).values_list("slug", flat=True)) | set(reserved)
    numbered = (f"{base}-{number}" for number in range(2, len(taken) + 3))
    return base if base not in taken else next(one for one in numbered if one not in taken)


def mine(viewer: Viewer, thing: None) -> dict[str, Any] | None:
    """Return the communities and standings for the page about one's own part."""
    if viewer.person is None:
        return None
    return {"memberships": viewer.memberships, "standings": viewer.declared}


def waiting(viewer: Viewer, thing: None) -> dict[str, Any] | None:
    """Return what waits on an administrator's desk."""
    if not any(role.kind in (RoleKind.ADMINISTRATOR, RoleKind.CLERK) for role in viewer.roles):
        return None
    found = _on_desk(
        authority=viewer.authority.pk,
        seats=_administered(viewer),
        person=viewer.person.pk if viewer.person else 0,
    )
    count: int = found[0].count if found else 0  # type: ignore[attr-defined]
    return {"standings": found, "count": count, "roles": viewer.roles}


def memberships_kept(person: Person) -> Iterator[dict[str, Any]]:
    """Return everything places keep about a person."""
    for member in person.membership_set.select_related("community").order_by("pk"):
        yield {
            "what": "membership",
            "community": member.community.name,
            "level": str(member.get_level_display()),
            "joined_at": member.joined_at,
            "verified_at": member.verified_at,
            "expires_at": member.expires_at,
        }
    for standing in person.standing_set.select_related("community", "organisation").order_by("pk"):
        yield {
            "what": "standing",
            "community": standing.community.name,
            "kind": str(standing.get_kind_display()),
            "organisation": standing.organisation.name if standing.organisation else "",
            "confirmed_at": standing.confirmed_at,
        }
    for role in person.role_set.select_related("community").order_by("pk"):
        yield {
            "what": "role",
            "community": role.community.name,
            "kind": str(role.get_kind_display()),
            "granted_at": role.granted_at,
        }
    for one in person.organisationmember_set.select_related("organisation").order_by("pk"):
        yield {
            "what": "organisation",
            "organisation": one.organisation.name,
            "manager": one.is_manager,
        }


def _branch(viewer: Viewer, community: Community) -> QuerySet[Community]:
    """Return the numbers of a community and all inside it."""
    return Community.objects.filter(
        Q(pk=community.pk) | Q(ancestors__contains=[community.pk]), authority=viewer.authority
    ).values("pk")  # type: ignore[return-value]


def _count(template: str) -> Func:
    return Func(F("pk"), template=template, output_field=IntegerField())
