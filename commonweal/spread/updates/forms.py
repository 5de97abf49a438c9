"""How a reader narrows what happened, and how often they are told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext_lazy as _

from commonweal.spread.updates import queries
from commonweal.spread.updates.models import Pace

if TYPE_CHECKING:
    from commonweal.ground.places.rules import Viewer

EVERYWHERE = "everywhere"


class StoryForm(forms.Form):
    """Whose story: of my communities, of one of them, or of everywhere."""

    says_optional = False

    where = forms.ChoiceField(label=_("Where"), required=False)

    def __init__(self, *args: Any, viewer: Viewer, **given: Any) -> None:
        super().__init__(*args, **given)
        field = self.fields["where"]
        assert isinstance(field, forms.ChoiceField)
        belongs = queries.mine(viewer)
        known = belongs or list(queries.communities(viewer)[:200])
        self.is_mine = bool(belongs)
        first = [("", _("Round me"))] if belongs else []
        field.choices = [
            *first,
            ("" if not belongs else EVERYWHERE, _("Everywhere")),
            *((community.slug, community.name) for community in known),
        ]
        self.known = {community.slug: community for community in known}

    def choices(self) -> dict[str, Any]:
        """Return what could be read; a broken choice narrows nothing."""
        self.is_valid()
        where = self.cleaned_data.get("where") or ""
        if where in self.known:
            return {"community": self.known[where]}
        return {"is_mine": self.is_mine and where != EVERYWHERE}


class PaceForm(forms.Form):
    """How often at most."""

    pace = forms.TypedChoiceField(label=_("How often"), choices=Pace.choices, coerce=int)
