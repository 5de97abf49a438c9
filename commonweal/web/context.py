"""What every page knows."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from commonweal.web.larkmere.people import EXAMPLES


def page(request: HttpRequest) -> dict[str, Any]:
    """Return the viewer, the languages that are complete, and whether this is the demo."""
    return {
        "viewer": getattr(request, "viewer", None),
        "languages": settings.LANGUAGES,
        "is_demo": settings.DEMO,
        "example_people": EXAMPLES if settings.DEMO else (),
    }
