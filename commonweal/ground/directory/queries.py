"""Reading the directory of services."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.postgres.search import SearchQuery, SearchRank
from django.db.models import F, Q, QuerySet

from commonweal.ground.directory.models import Service
from commonweal.ground.places.models import Community, Organisation
from commonweal.ground.places.rules import everyone
from commonweal.kit.composed import among, composed

if TYPE_CHECKING:
    from commonweal.ground.places.rules import Viewer

CARD = "name", "slug", "purpose", "for_whom", "where"
SHOWN = 12  # services on the page of a community or an organisation


def services(viewer: Viewer) -> QuerySet[Service]:
    """Return the services of the authority, by name."""
    return (
        Service.objects.filter(authority=viewer.authority)
        .select_related("community", "provider")
        .defer("search")
        .order_by("name", "pk")
    )


def search(
    found: QuerySet[Service], *, words: str = "", community: Community | None = None
) -> QuerySet[Service]:
    """Narrow services down to those with these words, the most fitting first, and to a community.

    What reaches the people of a community is given there, inside it, or to all of what it lies in.
    """
    if community is not None:
        near = Q(community__in=community.branch()) | Q(
            community__ancestors__contains=[community.pk]
        )
        found = found.filter(near)
    if words:
        query = SearchQuery(words, config="english", search_type="websearch")
        fits = Q(search=query) | Q(name__icontains=words) | Q(provider__name__icontains=words)
        nearness = SearchRank(F("search"), query)
        return found.filter(fits).annotate(nearness=nearness).order_by("-nearness", "name", "pk")
    return found


def communities(viewer: Viewer) -> QuerySet[Community]:
    """Return the communities that a service is entered for, to choose from."""
    offered = Service.objects.filter(authority=viewer.authority).values("community")
    return Community.objects.filter(authority=viewer.authority, pk__in=offered).order_by("name")


def in_community(viewer: Viewer, thing: Any) -> dict[str, Any] | None:
    """Return what a community's page shows of its services."""
    asked = {"authority": viewer.authority.pk, "at": viewer.at}
    shown = _near(**asked, branch=thing.branch(), here=[thing.pk])
    return {"services": shown[:SHOWN], "more": len(shown) > SHOWN} if shown else None


@composed
def _near(authority: Any, at: Any, branch: Any, here: Any) -> QuerySet[Service]:
    near = Q(among("community", branch)) | Q(community__ancestors__overlap=here)
    rows = services(everyone(authority, at)).select_related(None).only(*CARD)
    return rows.filter(near)[: SHOWN + 1]


def of_provider(viewer: Viewer, thing: Any) -> dict[str, Any] | None:
    """Return what an organisation's page shows of the services it gives."""
    assert isinstance(thing, Organisation)
    shown = list(services(viewer).filter(provider=thing)[: SHOWN + 1])
    return {"services": shown[:SHOWN], "more": len(shown) > SHOWN} if shown else None
