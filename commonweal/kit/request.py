"""The request as our views see it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import HttpRequest

if TYPE_CHECKING:
    from django_htmx.middleware import HtmxDetails

    from commonweal.ground.places.rules import Viewer


class Request(HttpRequest):
    """A request that knows who looks, from which authority's pages, and when."""

    viewer: Viewer
    htmx: HtmxDetails
