"""Small pieces of page about what people say."""

from django import template
from django.utils.translation import gettext as _

from commonweal.ground.places.models import StandingKind
from commonweal.listen.conversations.models import Statement

register = template.Library()


@register.filter
def said_by(statement: Statement) -> str:
    """Say as what somebody said it, in a whole sentence that ends where their words begin."""
    if statement.is_first:
        return _("One to begin with:")
    return {
        StandingKind.RESIDENT: _("Someone who lives here said:"),
        StandingKind.SERVICE_USER: _("Someone who uses the service said:"),
        StandingKind.CARER: _("Someone who looks after somebody said:"),
        StandingKind.FRONT_LINE_STAFF: _("Someone who works in the service said:"),
        StandingKind.SERVICE_LEADER: _("Someone who leads a service said:"),
        StandingKind.CHARITY: _("Someone from a charity said:"),
        StandingKind.ENTERPRISE: _("Someone from an enterprise said:"),
    }.get(StandingKind(statement.standing) if statement.standing else None, _("Someone said:"))  # type: ignore[arg-type]
