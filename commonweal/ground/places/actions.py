"""Founding authorities, shaping the tree, belonging, speaking as, and holding rights."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, TypeVar

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction
from django.db.models import Model, Q
from django.utils.text import slugify
from django.utils.translation import gettext as _

from commonweal.ground.journal import actions as journal
from commonweal.ground.people import queries as people
from commonweal.ground.people.models import Person
from commonweal.ground.places import queries, rules
from commonweal.ground.places.models import (
    Authority,
    Community,
    CommunityKind,
    Level,
    Membership,
    Organisation,
    OrganisationKind,
    OrganisationMember,
    Role,
    RoleKind,
    Standing,
    StandingKind,
)
from commonweal.ground.places.rules import Viewer
from commonweal.kit.postcode import area

M = TypeVar("M", bound=Model)
BY_STAFF = (Level.REGISTER, Level.CODE_BY_POST, Level.IN_PERSON)
RESERVED = ("new", "near")


class AuthorityExists(Exception):
    """Another authority has this name, short address or host already."""


class HostNeeded(Exception):
    """Only one authority of an installation can do without a host name."""


class SlugTaken(Exception):
    """Something else here already has this address."""


class NotAPlaceInside(Exception):
    """A nation or an authority cannot stand inside another community."""


class WouldBeACycle(Exception):
    """A community cannot stand inside itself."""


class PostcodeElsewhere(Exception):
    """The postcode is a real one, but not of this community's area."""


class NotALevel(Exception):
    """Staff match to a register, post a code, or check in person; the rest people say themselves."""


class AlreadyOver(Exception):
    """The check would have run out before it was made."""


class AdministratorExists(Exception):
    """The authority has an administrator, who grants all further roles."""


class LastAdministrator(Exception):
    """Nobody would be left who may grant roles there."""


class HasLeft(Exception):
    """The person has left, or never took part here."""


@transaction.atomic
def found_authority(
    *,
    name: str,
    short_name: str,
    slug: str,
    run_by: str,
    phone: str,
    email: str,
    host: str | None = None,
    nation: str = "",
    at: datetime,
) -> Authority:
    """Make an authority and the community that is the whole of it, in a nation if one is named.

    Raises ``AuthorityExists`` or ``HostNeeded``.
    """
    named = queries.host_name(host) if host else None
    if named is None and Authority.objects.filter(host__isnull=True).exists():
        raise HostNeeded
    queries.forget_answers()
    authority = _made(
        AuthorityExists,
        lambda: Authority.objects.create(
            name=name,
            short_name=short_name,
            slug=slug,
            host=named,
            run_by=run_by,
            phone=phone,
            email=email,
        ),
    )
    whole = Community.objects.create(
        authority=authority,
        parent=_nation(nation) if nation else None,
        kind=CommunityKind.AUTHORITY,
        name=short_name,
        slug="whole",
    )
    journal.record(what="authority.founded", who=None, about=whole, at=at, public=True)
    return authority


@transaction.atomic
def add_community(
    *,
    viewer: Viewer,
    parent: Community,
    kind: CommunityKind,
    name: str,
    slug: str,
    about: str = "",
    postcodes: Iterable[str] = (),
    people_who_live_here: int | None = None,
) -> Community:
    """Add a community inside another.

    Raises ``SlugTaken``, ``NotAPlaceInside``, or ``ValueError`` for an area that is none.
    """
    _hold_tree(viewer)
    above = _held(viewer, parent)
    _may_shape(viewer, above)
    if kind in (CommunityKind.NATION, CommunityKind.AUTHORITY):
        raise NotAPlaceInside
    if slug in RESERVED:
        raise SlugTaken
    made = _made(
        SlugTaken,
        lambda: Community.objects.create(
            authority=viewer.authority,
            parent=above,
            ancestors=above.branch(),
            kind=kind,
            name=name,
            slug=slug,
            about=about,
            postcodes=_areas(postcodes),
            people_who_live_here=people_who_live_here,
        ),
    )
    _record(viewer, "community.added", made, public=True)
    return made


@transaction.atomic
def rename_community(
    *,
    viewer: Viewer,
    community: Community,
    name: str,
    about: str,
    postcodes: Iterable[str],
    people_who_live_here: int | None,
) -> Community:
    """Change what a community is called and says of itself; its address stays, so that links do."""
    _hold_tree(viewer)
    held = _held(viewer, community)
    _may_shape(viewer, held)
    held.name, held.about, held.postcodes = name, about, _areas(postcodes)
    held.people_who_live_here = people_who_live_here
    held.save(update_fields=["name", "about", "postcodes", "people_who_live_here"])
    _record(viewer, "community.changed", held, public=True)
    return held


@transaction.atomic
def move_community(*, viewer: Viewer, community: Community, parent: Community) -> Community:
    """Put a community and all inside it somewhere else in the tree.

    Raises ``WouldBeACycle`` or ``NotAPlaceInside``.
    """
    _hold_tree(viewer)
    held, above = _held(viewer, community), _held(viewer, parent)
    _may_shape(viewer, held)
    _may_shape(viewer, above)
    if held.kind in (CommunityKind.NATION, CommunityKind.AUTHORITY):
        raise NotAPlaceInside
    if held.pk in above.branch():
        raise WouldBeACycle
    if held.parent_id == above.pk:
        return held
    with connection.cursor() as cursor:  # one statement, so that no half of the branch ever moves
        cursor.execute(
            "UPDATE places_community SET"
            " parent_id = CASE WHEN id = %(moved)s THEN %(above)s ELSE parent_id END,"
            " ancestors = %(new)s::bigint[] || ancestors[%(old)s + 1:]"
            " WHERE id = %(moved)s OR ancestors @> ARRAY[%(moved)s]::bigint[]",
            {
                "moved": held.pk,
                "above": above.pk,
                "new": above.branch(),
                "old": len(held.ancestors),
            },
        )
    held.refresh_from_db()
    _record(viewer, "community.moved", held, public=True)
    return held


@transaction.atomic
def change_community(
    *,
    viewer: Viewer,
    community: Community,
    parent: Community | None,
    name: str,
    about: str,
    postcodes: Iterable[str],
    people_who_live_here: int | None,
) -> Community:
    """Change what a community says of itself and where it stands, both or neither."""
    held = rename_community(
        viewer=viewer,
        community=community,
        name=name,
        about=about,
        postcodes=postcodes,
        people_who_live_here=people_who_live_here,
    )
    return held if parent is None else move_community(viewer=viewer, community=held, parent=parent)


@transaction.atomic
def join_community(*, viewer: Viewer, community: Community, postcode: str = "") -> Membership:
    """Say that one belongs somewhere; a postcode inside the area makes us a little surer.

    The postcode is looked at and let go. What staff have checked stays as it is. Raises
    ``ValueError`` when the postcode is none, ``PostcodeElsewhere`` when it is of another place.
    """
    person = _person(viewer)
    here = _of_this_authority(viewer, community)
    level = Level.SELF_DECLARED
    if postcode.strip():
        if not queries.is_in_area(here, postcode):
            raise PostcodeElsewhere
        level = Level.POSTCODE
    checked_at = None if level == Level.SELF_DECLARED else viewer.at
    membership, is_new = Membership.objects.get_or_create(
        person=person,
        community=here,
        defaults={"level": level, "joined_at": viewer.at, "verified_at": checked_at},
    )
    if is_new:
        _record(viewer, "membership.joined", here, level=int(level))
    elif level == Level.POSTCODE:
        membership = _surer(viewer, membership)
    return membership


@transaction.atomic
def leave_community(*, viewer: Viewer, community: Community) -> None:
    """Stop belonging to a community, and stop speaking as anything in it."""
    person = _person(viewer)
    here = _of_this_authority(viewer, community)
    gone, _kinds = Membership.objects.filter(person=person, community=here).delete()
    Standing.objects.filter(person=person, community=here).delete()
    if gone:
        _record(viewer, "membership.left", here)


@transaction.atomic
def verify_membership(
    *, viewer: Viewer, membership_id: int, level: Level, expires_at: datetime | None = None
) -> Membership:
    """Record how staff made sure that a person belongs.

    Raises ``NotALevel``, ``AlreadyOver``, or ``Membership.DoesNotExist`` for one not of here.
    """
    membership = (
        Membership.objects.select_for_update(of=("self",))
        .select_related("community")
        .get(pk=membership_id, community__authority=viewer.authority)
    )
    if not rules.may_verify(viewer, membership):
        raise PermissionDenied(
            _(
                "Only a clerk or an administrator of this community may check a member, and never themselves."
            )
        )
    if level not in BY_STAFF:
        raise NotALevel
    if expires_at is not None and expires_at <= viewer.at:
        raise AlreadyOver
    membership.level, membership.expires_at = level, expires_at
    membership.verified_at, membership.verified_by = viewer.at, viewer.person
    membership.save(update_fields=["level", "expires_at", "verified_at", "verified_by"])
    _record(
        viewer,
        "membership.verified",
        membership.community,
        person=membership.person_id,
        level=int(level),
    )
    return membership


@transaction.atomic
def declare_standing(
    *,
    viewer: Viewer,
    community: Community,
    kind: StandingKind,
    organisation: Organisation | None = None,
) -> Standing:
    """Say as what one speaks. Another organisation than before needs a new word of confirmation."""
    person = _person(viewer)
    here = _of_this_authority(viewer, community)
    if organisation is not None and organisation.authority_id != viewer.authority.pk:
        raise PermissionDenied(_("This organisation belongs to another authority."))
    standing, is_new = Standing.objects.get_or_create(
        person=person,
        community=here,
        kind=StandingKind(kind),
        defaults={"organisation": organisation},
    )
    if not is_new and standing.organisation_id != (organisation.pk if organisation else None):
        standing.organisation, standing.confirmed_at, standing.confirmed_by = (
            organisation,
            None,
            None,
        )
        standing.save(update_fields=["organisation", "confirmed_at", "confirmed_by"])
        is_new = True
    if is_new:
        _record(viewer, "standing.declared", here, kind=standing.kind)
    return standing


@transaction.atomic
def withdraw_standing(*, viewer: Viewer, standing_id: int) -> None:
    """Stop speaking as something: oneself, or an administrator for somebody who no longer does."""
    standing = _standing_held(viewer, standing_id)
    if not rules.may_withdraw_standing(viewer, standing):
        raise PermissionDenied(_("Only you or an administrator may end this."))
    community, kind, person = standing.community, standing.kind, standing.person_id
    standing.delete()
    _record(viewer, "standing.withdrawn", community, kind=kind, person=person)


@transaction.atomic
def confirm_standing(*, viewer: Viewer, standing_id: int) -> Standing:
    """Give one's word that a person may speak as what they say; asked twice, the first word stays."""
    standing = _standing_held(viewer, standing_id)
    if not rules.may_confirm(viewer, standing):
        raise PermissionDenied(
            _("Only an administrator of this community may confirm this, and never for themselves.")
        )
    if standing.confirmed_at is not None:
        return standing
    standing.confirmed_at, standing.confirmed_by = viewer.at, viewer.person
    standing.save(update_fields=["confirmed_at", "confirmed_by"])
    _record(
        viewer,
        "standing.confirmed",
        standing.community,
        kind=standing.kind,
        person=standing.person_id,
    )
    return standing


@transaction.atomic
def grant_role(*, viewer: Viewer, person: Person, community: Community, kind: RoleKind) -> Role:
    """Give a person a right in a community and all inside it. Raises ``HasLeft``."""
    here = _of_this_authority(viewer, community)
    if not rules.may_administer(viewer, here):
        raise PermissionDenied(_("Only an administrator of this community may grant roles in it."))
    if not Person.objects.select_for_update(no_key=True).get(pk=person.pk).is_active:
        raise HasLeft
    role, is_new = Role.objects.get_or_create(
        person=person,
        community=here,
        kind=RoleKind(kind),
        defaults={"granted_at": viewer.at, "granted_by": viewer.person},
    )
    if is_new:
        _record(viewer, f"role.{role.kind}_granted", here, public=True, person=person.pk)
    return role


@transaction.atomic
def grant_first_role(*, person: Person, community: Community, at: datetime) -> Role:
    """Make the first administrator of an authority. Raises ``AdministratorExists``, ``HasLeft``."""
    assert community.authority_id is not None, "a nation has no administrators"
    authority = Authority.objects.select_for_update(no_key=True).get(pk=community.authority_id)
    if not person.is_active:
        raise HasLeft
    here = Q(community__authority=authority, kind=RoleKind.ADMINISTRATOR)
    if Role.objects.filter(here, person__is_active=True).exists():
        raise AdministratorExists
    role = Role.objects.create(
        person=person, community=community, kind=RoleKind.ADMINISTRATOR, granted_at=at
    )
    journal.record(
        what="role.administrator_granted",
        who=None,
        about=community,
        at=at,
        public=True,
        facts={"person": person.pk},
    )
    return role


@transaction.atomic
def withdraw_role(*, viewer: Viewer, role_id: int) -> None:
    """Take a right back. Raises ``LastAdministrator`` while nobody else could grant roles there."""
    role = Role.objects.select_related("community", "person").get(
        pk=role_id, community__authority=viewer.authority
    )
    if not rules.may_administer(viewer, role.community):
        raise PermissionDenied(
            _("Only an administrator of this community may take roles in it back.")
        )
    people.administrators_held(role.person)  # two administrators end each other's role one by one
    if role.kind == RoleKind.ADMINISTRATOR and not _is_administered_without(role):
        raise LastAdministrator
    gone, _kinds = Role.objects.filter(pk=role.pk).delete()
    if gone:
        _record(
            viewer,
            f"role.{role.kind}_withdrawn",
            role.community,
            public=True,
            person=role.person_id,
        )


@transaction.atomic
def add_organisation(
    *, viewer: Viewer, kind: OrganisationKind, name: str, slug: str, about: str, website: str
) -> Organisation:
    """Enter an organisation. Raises ``SlugTaken``."""
    if not rules.may_run_organisations(viewer):
        raise PermissionDenied(_("Only an administrator of the authority may add organisations."))
    if slug in RESERVED:
        raise SlugTaken
    made = _made(
        SlugTaken,
        lambda: Organisation.objects.create(
            authority=viewer.authority,
            kind=OrganisationKind(kind),
            name=name,
            slug=slug,
            about=about,
            website=website,
        ),
    )
    _record(viewer, "organisation.added", made, public=True)
    return made


@transaction.atomic
def change_organisation(
    *,
    viewer: Viewer,
    organisation: Organisation,
    kind: OrganisationKind,
    name: str,
    about: str,
    website: str,
) -> Organisation:
    """Change what an organisation says of itself."""
    _may_manage(viewer, organisation)
    held = Organisation.objects.select_for_update(no_key=True).get(pk=organisation.pk)
    held.kind, held.name, held.about, held.website = kind, name, about, website
    held.save(update_fields=["kind", "name", "about", "website"])
    _record(viewer, "organisation.changed", held, public=True)
    return held


@transaction.atomic
def add_organisation_member(
    *, viewer: Viewer, organisation: Organisation, person: Person, is_manager: bool
) -> OrganisationMember:
    """Say that a person belongs to an organisation, or change whether they run it."""
    _may_manage(viewer, organisation)
    if not Person.objects.select_for_update(no_key=True).get(pk=person.pk).is_active:
        raise HasLeft
    member, _is_new = OrganisationMember.objects.update_or_create(
        organisation=organisation, person=person, defaults={"is_manager": is_manager}
    )
    _record(viewer, "organisation.member_added", organisation, person=person.pk)
    return member


@transaction.atomic
def remove_organisation_member(*, viewer: Viewer, member_id: int) -> None:
    """Let a person go from an organisation: themselves, or those who run it."""
    member = OrganisationMember.objects.select_related("organisation").get(
        pk=member_id, organisation__authority=viewer.authority
    )
    if member.person_id != _person(viewer).pk:
        _may_manage(viewer, member.organisation)
    gone, _kinds = OrganisationMember.objects.filter(pk=member_id).delete()
    if gone:
        _record(viewer, "organisation.member_removed", member.organisation, person=member.person_id)


def let_go(person: Person, at: datetime) -> None:
    """Remove everything that places keep about a person who leaves."""
    for kept in (Membership, Standing, Role, OrganisationMember):
        kept.objects.filter(person=person).delete()


def _nation(name: str) -> Community:
    """Return the nation of this name, which several authorities share."""
    given = {"kind": CommunityKind.NATION, "authority": None, "slug": slugify(name)}
    nation, _is_new = Community.objects.get_or_create(**given, defaults={"name": name})
    return nation


def _surer(viewer: Viewer, membership: Membership) -> Membership:
    """Raise a self-declared membership to its postcode; whatever staff said is theirs to change."""
    plain = Membership.objects.filter(
        pk=membership.pk, level=Level.SELF_DECLARED, verified_by__isnull=True
    )
    if plain.update(level=Level.POSTCODE, verified_at=viewer.at):
        _record(viewer, "membership.postcode_given", membership.community, level=2)
        membership.refresh_from_db()
    return membership


def _is_administered_without(role: Role) -> bool:
    others = Role.objects.filter(
        kind=RoleKind.ADMINISTRATOR,
        community__in=role.community.branch(),
        person__is_active=True,
    )
    return others.exclude(pk=role.pk).exists()


def _hold_tree(viewer: Viewer) -> None:
    """Let nobody else shape this authority's tree until the transaction ends."""
    Authority.objects.select_for_update(no_key=True).get(pk=viewer.authority.pk)


def _held(viewer: Viewer, community: Community) -> Community:
    """Return a community as it is now that the tree is held."""
    return Community.objects.get(pk=_of_this_authority(viewer, community).pk)


def _standing_held(viewer: Viewer, standing_id: int) -> Standing:
    return (
        Standing.objects.select_for_update(of=("self",))
        .select_related("community")
        .get(pk=standing_id, community__authority=viewer.authority)
    )


def _of_this_authority(viewer: Viewer, community: Community) -> Community:
    if not viewer.looks_at(community):
        raise PermissionDenied(_("This community belongs to another authority."))
    return community


def _may_shape(viewer: Viewer, community: Community) -> None:
    if not rules.may_administer(viewer, community):
        raise PermissionDenied(
            _("Only an administrator may change which communities there are here.")
        )


def _may_manage(viewer: Viewer, organisation: Organisation) -> None:
    if not rules.may_manage(viewer, organisation):
        raise PermissionDenied(
            _("Only those who run this organisation, or an administrator, may change it.")
        )


def _person(viewer: Viewer) -> Person:
    if viewer.person is None or not viewer.person.is_active:
        raise PermissionDenied(_("Sign in first, so that we know who joins."))
    return viewer.person


def _areas(postcodes: Iterable[str]) -> list[str]:
    return sorted({area(code) for code in postcodes})


def _made(taken: type[Exception], create: Callable[[], M]) -> M:
    """Create a row; where the database finds its name taken, say so and keep the transaction."""
    try:
        with transaction.atomic():
            return create()
    except IntegrityError as error:
        if "uniq" not in str(error):
            raise
        raise taken from error


def _record(viewer: Viewer, what: str, about: Model, *, public: bool = False, **facts: Any) -> None:
    journal.record(
        what=what, who=viewer.person, about=about, at=viewer.at, public=public, facts=facts
    )
    viewer.look_again()
