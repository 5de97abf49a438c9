"""Small drawings and sentences of the map's pages."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from commonweal.listen.maps.models import Map
from commonweal.listen.maps.queries import LETTERS, Part, colour_of

register = template.Library()


@register.simple_tag
def range_line(part: Part) -> SafeString:
    """Draw the share that agrees as a tick, and its range as a block."""
    colour = part.colour if part.letter else "ga"
    low, high = 3 * part.low, 3 * max(part.high, part.low + 1)
    return format_html(
        '<svg class="cw-chart cw-ci" viewBox="0 0 300 14" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="trk" y="5" width="300" height="4"/>'
        '<rect class="{}" opacity=".35" x="{}" y="1" width="{}" height="12"/>'
        '<rect class="{}" x="{}" width="4" height="14"/></svg>',
        colour, low, high - low, colour, max(0, min(296, 3 * part.agree - 2)),
    )  # fmt: skip


@register.filter
def letter(group: int) -> str:
    """Return the letter of a group."""
    return LETTERS[group]


@register.filter
def colour(group: int) -> str:
    """Return the class that colours a group."""
    return colour_of(LETTERS[group])


@register.filter
def inside(x: float) -> str:
    """Return a place across the drawing, not beyond its edges."""
    return f"{max(8.0, min(352.0, float(x))):.1f}"


@register.filter
def within(y: float) -> str:
    """Return a place down the drawing, not beyond its edges."""
    return f"{max(8.0, min(207.0, float(y))):.1f}"


@register.filter
def percent(share: float) -> str:
    """Write a share of 0 to 1 as whole people in a hundred."""
    return f"{100 * float(share):.0f}"


@register.filter
def where(ring: dict[str, Any]) -> str:
    """Say in a sentence where a group lies on the drawing, for those who cannot see it."""
    across, down = float(ring["x"]), float(ring.get("y", 107))
    side = "left" if across < 145 else "right" if across > 215 else "middle"
    place = side if side != "middle" or 80 <= down <= 135 else "above" if down < 80 else "below"
    return _WHERE[place]() % {"letter": LETTERS[ring["group"]]}


_WHERE = {
    "left": lambda: _("Group %(letter)s is on the left."),
    "right": lambda: _("Group %(letter)s is on the right."),
    "above": lambda: _("Group %(letter)s is above the middle."),
    "below": lambda: _("Group %(letter)s is below the middle."),
    "middle": lambda: _("Group %(letter)s is in the middle."),
}


@register.filter
def clarity(size: dict[str, Any]) -> str:
    """Say how clearly people belong to a group."""
    if size["sure"] >= 0.93 or size["near"] is None:
        return _("Clear")
    if size["sure"] >= 0.8:
        words = _("Mostly clear, blurred towards %(letter)s")
    else:
        words = _("Overlaps %(letter)s")
    return words % {"letter": LETTERS[size["near"]]}


@register.filter
def headline(drawn: Map | None) -> str:
    """Say in a sentence or two what the map shows."""
    if drawn is None:
        return _("There is no map yet.")
    if not drawn.people:
        return _("Nobody has answered.")
    if not drawn.told:
        return _("Too few people have answered for a map.")
    if drawn.groups > 1:
        return _of_groups(drawn)
    if drawn.dimensions:
        return _("No clear groups: opinion differs by degree, not in camps.")
    common = drawn.told["lists"]["common_in_all"]
    if not common:
        return _("No clear groups, and nothing is common ground yet.")
    return ngettext(
        "No clear groups. On %(count)s statement most people think alike.",
        "No clear groups. On %(count)s statements most people think alike.",
        common,
    ) % {"count": common}


def _of_groups(drawn: Map) -> str:
    numbers = {
        2: _("Two"), 3: _("Three"), 4: _("Four"), 5: _("Five"), 6: _("Six"), 7: _("Seven"), 8: _("Eight")
    }  # fmt: skip
    count = numbers.get(drawn.groups, str(drawn.groups))
    lists = drawn.told["lists"]
    common, apart = lists["common_in_all"], lists["dividing_in_all"]
    if not drawn.is_clear:
        words = _("There are signs of %(count)s groups, but they are not clear.")
        return words % {"count": count.lower()}
    if common > apart:
        words = _("%(count)s groups see it differently. They agree on more than they differ.")
    elif apart > common:
        words = _("%(count)s groups see it differently. They differ on more than they agree.")
    else:
        words = _("%(count)s groups see it differently. They agree on as much as they differ.")
    return words % {"count": count}
