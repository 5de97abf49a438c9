"""Public services for programs."""

from typing import Any, cast

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Router, Schema

from commonweal.ground.directory import queries
from commonweal.ground.directory.models import Service
from commonweal.kit.api import PROBLEMS, Page, Pages, Slug, page_of
from commonweal.kit.request import Request

router = Router(tags=["Services"])


class ServiceRow(Schema):
    """A service: what it is for, for whom, who gives it, where, and how to reach it."""

    slug: str
    name: str
    purpose: str
    for_whom: str
    community: str
    provider: str
    where: str
    hours: str
    phone: str
    email: str
    website: str

    @staticmethod
    def resolve_community(service: Service) -> str:
        """Return the community's slug."""
        return service.community.slug

    @staticmethod
    def resolve_provider(service: Service) -> str:
        """Return the organisation's slug."""
        return service.provider.slug


@router.get("/services", response={200: Page[ServiceRow], **PROBLEMS}, summary="List the services")
def list_services(request: HttpRequest, paging: Pages) -> dict[str, Any]:
    """By name."""
    return page_of(request, queries.services(cast(Request, request).viewer), paging)


@router.get("/services/{slug}", response={200: ServiceRow, **PROBLEMS}, summary="Read one service")
def read_service(request: HttpRequest, slug: str = Slug) -> Service:
    """Everything its page says."""
    return get_object_or_404(queries.services(cast(Request, request).viewer), slug=slug)
