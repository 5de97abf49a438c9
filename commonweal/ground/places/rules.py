"""Who looks, and what they may do where. Everything here fails closed."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple, TypeVar

from django.db.models import Model
from django.utils.translation import gettext as _

from commonweal.ground.people.models import Person
from commonweal.ground.places import queries
from commonweal.ground.places.models import (
    Authority,
    Community,
    CommunityKind,
    Level,
    Membership,
    Organisation,
    OrganisationMember,
    Role,
    RoleKind,
    Standing,
    StandingKind,
)

Row = TypeVar("Row", bound=Model)


@dataclass
class Viewer:
    """Who looks, at which authority's pages, and when. Rows reach a page through this.

    ``browser`` is the mark by which this browser is known where people take part without an account.
    """

    authority: Authority
    person: Person | None
    at: datetime
    has_second_factor: bool = False
    browser: str = ""
    seen: list[Model] = field(default_factory=list)
    _read: dict[Hashable, Any] = field(default_factory=dict)

    def once(self, what: Hashable, read: Callable[[], list[Row]]) -> list[Row]:
        """Return rows that several parts of one page show, read once; the story knows them too."""
        if what not in self._read:
            self._read[what] = read()
            self.seen.extend(self._read[what])
        rows: list[Row] = self._read[what]
        return rows

    @cached_property
    def rights(self) -> queries.Rights:
        """Return what this person is and may do within the authority (one query a request)."""
        if self.person is None or not self.person.is_active:
            return queries.Rights([], [], [])
        return queries.rights_of(person=self.person.pk, authority=self.authority.pk)

    @cached_property
    def memberships(self) -> list[Membership]:
        """Return where this person belongs within the authority."""
        return self.rights.memberships

    @cached_property
    def declared(self) -> list[Standing]:
        """Return as what this person says to speak, confirmed or not."""
        return self.rights.declared

    @property
    def standings(self) -> list[Standing]:
        """Return as what this person may speak within the authority."""
        return [standing for standing in self.declared if standing.counts]

    @cached_property
    def roles(self) -> list[Role]:
        """Return the rights this person holds within the authority."""
        return self.rights.roles

    def look_again(self) -> None:
        """Forget what was read about the person, because an action has just changed it."""
        for read in ("rights", "memberships", "declared", "roles"):
            self.__dict__.pop(read, None)

    def looks_at(self, community: Community) -> bool:
        """Tell whether a community is of the authority whose pages these are."""
        return community.pk is not None and community.authority_id == self.authority.pk

    def holds(self, community: Community, *kinds: RoleKind) -> bool:
        """Tell whether the person holds one of these roles there or anywhere above."""
        return self.looks_at(community) and any(
            role.kind in kinds and role.community_id in community.branch() for role in self.roles
        )

    def speaks_as(self, community: Community, *kinds: StandingKind) -> bool:
        """Tell whether the person has one of these standings there or anywhere above."""
        return self.looks_at(community) and any(
            standing.kind in kinds and standing.community_id in community.branch()
            for standing in self.standings
        )

    def belongs(self, community: Community, level: int) -> bool:
        """Tell whether the person belongs to this community or one inside it, at least that surely.

        A level that is none of ours is never reached.
        """
        if level not in Level.values or not self.looks_at(community):
            return False
        return any(
            member.holds(level, self.at) and community.pk in member.community.branch()
            for member in self.memberships
        )

    @property
    def is_privileged(self) -> bool:
        """Tell whether the person holds any role or leads a service, and so needs a second factor."""
        return bool(self.roles) or any(
            standing.kind == StandingKind.SERVICE_LEADER for standing in self.standings
        )


def everyone(authority: Any, at: Any) -> Viewer:
    """Return a viewer who is nobody in particular: what they may read, everyone may."""
    return Viewer(authority=authority, person=None, at=at)


def may_lead(viewer: Viewer, community: Community) -> bool:
    """Tell whether the viewer may set up challenges and pots there."""
    return viewer.holds(community, RoleKind.ADMINISTRATOR, RoleKind.CLERK) or viewer.speaks_as(
        community, StandingKind.SERVICE_LEADER
    )


def may_moderate(viewer: Viewer, community: Community) -> bool:
    """Tell whether the viewer may hide what breaks the rules there."""
    return viewer.holds(community, RoleKind.MODERATOR, RoleKind.ADMINISTRATOR)


def may_administer(viewer: Viewer, community: Community) -> bool:
    """Tell whether the viewer may grant roles and confirm standings there."""
    return viewer.holds(community, RoleKind.ADMINISTRATOR)


def may_audit(viewer: Viewer, community: Community) -> bool:
    """Tell whether the viewer may read the whole journal there."""
    return viewer.holds(community, RoleKind.AUDITOR, RoleKind.ADMINISTRATOR)


def may_see_people(viewer: Viewer, community: Community) -> bool:
    """Tell whether the viewer may see who belongs there, and check who they are."""
    return viewer.holds(community, RoleKind.ADMINISTRATOR, RoleKind.CLERK)


def may_verify(viewer: Viewer, membership: Membership) -> bool:
    """Tell whether the viewer may say how sure we are of this member: never of themselves."""
    return _is_someone_else(viewer, membership.person_id) and may_see_people(
        viewer, membership.community
    )


def may_confirm(viewer: Viewer, standing: Standing) -> bool:
    """Tell whether the viewer may give their word for this standing: never for their own."""
    return _is_someone_else(viewer, standing.person_id) and may_administer(
        viewer, standing.community
    )


def may_withdraw_standing(viewer: Viewer, standing: Standing) -> bool:
    """Tell whether the viewer may end a standing: everyone their own, administrators any there."""
    if not viewer.looks_at(standing.community) or viewer.person is None:
        return False
    return standing.person_id == viewer.person.pk or may_administer(viewer, standing.community)


def may_run_organisations(viewer: Viewer) -> bool:
    """Tell whether the viewer may enter organisations: administrators of the whole authority."""
    return any(
        role.kind == RoleKind.ADMINISTRATOR and role.community.kind == CommunityKind.AUTHORITY
        for role in viewer.roles
    )


def may_manage(viewer: Viewer, organisation: Organisation) -> bool:
    """Tell whether the viewer may change an organisation and say who is in it."""
    if organisation.authority_id != viewer.authority.pk or viewer.person is None:
        return False
    if may_run_organisations(viewer):
        return True
    mine = OrganisationMember.objects.filter(organisation=organisation, person=viewer.person)
    return viewer.person.is_active and mine.filter(is_manager=True).exists()


def _is_someone_else(viewer: Viewer, person_id: int) -> bool:
    return viewer.person is not None and viewer.person.pk != person_id


# --- as what a person may speak


class Voice(NamedTuple):
    """As what a person may speak somewhere, and for whom if for an organisation."""

    kind: StandingKind
    organisation: Organisation | None = None

    @property
    def key(self) -> str:
        """Return what a form calls it."""
        return f"{self.kind.value}:{self.organisation.pk}" if self.organisation else self.kind.value

    @property
    def words(self) -> str:
        """Return what a page calls it."""
        if self.organisation is None:
            return str(self.kind.label)
        return _("%(standing)s, for %(organisation)s") % {
            "standing": self.kind.label,
            "organisation": self.organisation.name,
        }


def voices(viewer: Viewer, community: Community) -> list[Voice]:
    """Return as what this person may speak there; none if they do not belong.

    Whoever belongs speaks as any standing they have above or below; without one they are a
    resident. Staff, charities and enterprises with a confirmed standing need not live there.
    """
    if viewer.person is None or community.authority_id != viewer.authority.pk:
        return []
    belongs = viewer.belongs(community, Level.SELF_DECLARED)
    found = [
        Voice(StandingKind(standing.kind), standing.organisation)
        for standing in viewer.standings
        if _is_near(standing, community)
        and (belongs or standing.kind not in Standing.SELF_DECLARED)
    ]
    if belongs and not found:
        return [Voice(StandingKind.RESIDENT)]
    order = list(StandingKind)
    return sorted(set(found), key=lambda voice: (order.index(voice.kind), voice.key))


def _is_near(standing: Standing, community: Community) -> bool:
    here, there = community.branch(), standing.community.branch()
    return standing.community_id in here or community.pk in there
