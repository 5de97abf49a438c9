"""Small pieces of page that templates use by name."""

from datetime import date, datetime
from functools import cache, lru_cache
from typing import Any

from django import template
from django.forms import BaseForm
from django.template.loader import get_template
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from commonweal.kit import manifest
from commonweal.kit.money import pounds as in_pounds
from commonweal.web.icons import ICONS

register = template.Library()


@register.simple_tag
@cache
def icon(name: str) -> SafeString:
    """Draw one of our icons, hidden from screen readers: a word always stands beside it."""
    return format_html(
        '<svg class="cw-ico" viewBox="0 0 24 24" aria-hidden="true" focusable="false">{}</svg>',
        mark_safe(ICONS[name]),  # noqa: S308 - our own drawing
    )


@register.filter
def pounds(pence: int | None) -> str:
    """Write pence as pounds; nothing where there is no amount."""
    return "" if pence is None else in_pounds(pence)


@register.filter
def many(number: int) -> str:
    """Write a count as people read it: 9,800."""
    return number_format(number, force_grouping=True)


@register.filter
def clock(at: datetime) -> str:
    """Write the hour of a moment: 8pm, or 8:05pm."""
    local = timezone.localtime(at)
    return date_format(local, "g:i" if local.minute else "g") + f"{local:%p}".lower()


@register.filter
def when(at: datetime | None) -> str:
    """Write a moment with weekday and hour: 8pm on Sunday 13 December."""
    if at is None:
        return ""
    local = timezone.localtime(at).replace(second=0, microsecond=0)
    return _when(local, local.year == timezone.localtime().year, get_language())


# Pages write the same moments again and again, and a date takes longer to write than to look up.
@lru_cache(maxsize=5_000)
def _when(local: datetime, is_this_year: bool, language: str | None) -> str:
    day = date_format(local, "l j F" if is_this_year else "l j F Y")
    return _("%(clock)s on %(day)s") % {"clock": clock(local), "day": day}


@register.filter
def day(at: datetime | None) -> str:
    """Write the day of a moment: 13 December 2026."""
    return "" if at is None else _day(timezone.localtime(at).date(), get_language())


@lru_cache(maxsize=5_000)
def _day(local: date, language: str | None) -> str:
    return date_format(local, "j F Y")


@register.filter
def has_more(form: BaseForm) -> bool:
    """Tell whether more than the first field of a search is filled in."""
    return any(field.value() for field in list(form)[1:])


@register.simple_tag
def bar(share: float, kind: str = "a", label: str = "") -> SafeString:
    """Draw a bar filled to a share of 0 to 1; ``kind`` is a colour class of the style sheet."""
    width = f"{max(0.0, min(1.0, float(share))) * 100:.2f}"
    spoken = (
        format_html('role="img" aria-label="{}"', label)
        if label
        else mark_safe('aria-hidden="true"')
    )
    return format_html(
        '<svg class="cw-bar cw-bar--line" viewBox="0 0 100 8" preserveAspectRatio="none" {}>'
        '<rect class="bg" width="100" height="8"/><rect class="{}" width="{}" height="8"/></svg>',
        spoken,
        kind,
        width,
    )


@register.simple_tag(takes_context=True)
def panels(context: template.Context, on: str, thing: Any = None) -> SafeString:
    """Show what the apps of later stages have for this page and this viewer."""
    viewer = context["request"].viewer
    pieces = []
    for panel in manifest.panels(on):
        found = panel.read(viewer, thing)
        if found is not None:
            # within the page's own context: what every page knows is not worked out again
            with context.push(**found, thing=thing):
                pieces.append(get_template(panel.template).template.render(context))  # type: ignore[attr-defined]
    return mark_safe("".join(pieces))  # noqa: S308 - rendered templates


@register.simple_tag(takes_context=True)
def page_link(context: template.Context, number: int) -> str:
    """Return this page's address with another page number and everything else kept."""
    query = context["request"].GET.copy()
    query["page"] = str(number)
    return f"?{query.urlencode()}"
