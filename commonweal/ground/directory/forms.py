"""What staff write about a service: what it is for comes first."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from commonweal.ground.places import queries as places
from commonweal.ground.places.forms import community_called
from commonweal.ground.places.models import Community, Organisation
from commonweal.ground.places.rules import Viewer


class ServiceForm(forms.Form):
    """A service."""

    name = forms.CharField(label=_("What is it called?"), max_length=120)
    purpose = forms.CharField(
        label=_("What is it for?"),
        help_text=_("What gets better for those who use it, in words they would use."),
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    for_whom = forms.CharField(label=_("For whom?"), max_length=300)
    where = forms.CharField(label=_("Where?"), max_length=300)
    hours = forms.CharField(label=_("When?"), max_length=200, required=False)
    phone = forms.CharField(
        label=_("Phone"),
        max_length=30,
        required=False,
        widget=forms.TextInput(attrs={"type": "tel", "class": "govuk-input--width-10"}),
    )
    email = forms.EmailField(label=_("Email address"), required=False)
    website = forms.URLField(
        label=_("Website"), max_length=200, required=False, assume_scheme="https"
    )
    community = forms.CharField(
        label=_("For which community?"),
        help_text=_("Its name, or the end of its page's address."),
        max_length=120,
    )
    provider = forms.ModelChoiceField(
        label=_("Who gives it?"),
        queryset=Organisation.objects.none(),
        empty_label=_("Choose one"),
    )

    def __init__(self, *args: Any, viewer: Viewer, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.viewer = viewer
        chosen: Any = self.fields["provider"]
        chosen.queryset = places.organisations(viewer)

    def clean_community(self) -> Community:
        """Return the community that was named."""
        return community_called(self.viewer, self.cleaned_data["community"])
