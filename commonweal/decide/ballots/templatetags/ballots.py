"""What this browser has kept for a pot, without anybody else knowing."""

from django import template

register = template.Library()


@register.simple_tag(takes_context=True)
def shortlist_in(context: template.Context, pot_id: int) -> list[int]:
    """Return the numbers of the projects on this browser's shortlist for a pot."""
    kept: list[int] = context["request"].session.get("shortlist", {}).get(str(pot_id), [])
    return kept


@register.simple_tag(takes_context=True)
def has_cast_in(context: template.Context, pot_id: int) -> bool:
    """Tell whether somebody without an account has voted from this browser."""
    held = context["request"].session.get("voting", {}).get(str(pot_id), {})
    return bool(held.get("cast"))
