"""Communities and organisations for programs. Who belongs to them is not here."""

from typing import Any, cast

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Router, Schema

from commonweal.ground.places import queries
from commonweal.ground.places.models import Organisation
from commonweal.kit.api import PROBLEMS, Page, Pages, Slug, page_of
from commonweal.kit.request import Request

router = Router(tags=["Places"])


class CommunityRow(Schema):
    """A community; fewer than five people are hidden as null."""

    slug: str
    name: str
    kind: str
    about: str
    inside: str | None
    people: int | None
    people_who_live_here: int | None
    communities_inside: int

    @staticmethod
    def resolve_inside(community: Any) -> str | None:
        """Return the slug of the community of this authority that it lies in."""
        return community.parent.slug if community.ancestors else None

    @staticmethod
    def resolve_people(community: Any) -> int | None:
        """Return how many joined this very community, unless they are a small cell."""
        count: int = community.member_count
        return None if 0 < count < queries.SMALL else count

    @staticmethod
    def resolve_communities_inside(community: Any) -> int:
        """Return how many communities lie directly in it."""
        count: int = community.child_count
        return count


class OrganisationRow(Schema):
    """An organisation that takes part."""

    slug: str
    name: str
    kind: str
    about: str
    website: str
    services: int

    @staticmethod
    def resolve_services(organisation: Any) -> int:
        """Return how many services it gives."""
        count: int = organisation.service_count
        return count


@router.get(
    "/communities", response={200: Page[CommunityRow], **PROBLEMS}, summary="List the communities"
)
def list_communities(request: HttpRequest, paging: Pages) -> dict[str, Any]:
    """By name; each says which one it lies in, so that the tree can be drawn."""
    return page_of(request, queries.communities(cast(Request, request).viewer), paging)


@router.get(
    "/communities/{slug}", response={200: CommunityRow, **PROBLEMS}, summary="Read one community"
)
def read_community(request: HttpRequest, slug: str = Slug) -> Any:
    """What it says of itself, and how many belong to it."""
    return get_object_or_404(queries.communities(cast(Request, request).viewer), slug=slug)


@router.get(
    "/organisations",
    response={200: Page[OrganisationRow], **PROBLEMS},
    summary="List the organisations",
)
def list_organisations(request: HttpRequest, paging: Pages) -> dict[str, Any]:
    """By name."""
    return page_of(request, queries.organisations(cast(Request, request).viewer), paging)


@router.get(
    "/organisations/{slug}",
    response={200: OrganisationRow, **PROBLEMS},
    summary="Read one organisation",
)
def read_organisation(request: HttpRequest, slug: str = Slug) -> Organisation:
    """What it says of itself."""
    return get_object_or_404(queries.organisations(cast(Request, request).viewer), slug=slug)
