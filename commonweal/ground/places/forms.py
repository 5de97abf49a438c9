"""The shape of what people write about places, and plain words for mistakes."""

from __future__ import annotations

from datetime import datetime, time
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from commonweal.ground.people.models import Person
from commonweal.ground.places import queries
from commonweal.ground.places.actions import BY_STAFF
from commonweal.ground.places.models import (
    Community,
    CommunityKind,
    Level,
    OrganisationKind,
    RoleKind,
    StandingKind,
)
from commonweal.ground.places.rules import Viewer
from commonweal.kit.postcode import area, postcode

INSIDE = (CommunityKind.WARD, CommunityKind.NEIGHBOURHOOD, CommunityKind.INTEREST)
POSTCODE_WORDS = _("Write the whole postcode, like LM1 4AB")


class PostcodeForm(forms.Form):
    """A postcode, to find what is near."""

    postcode = forms.CharField(
        label=_("Your postcode"),
        help_text=_("We use it once, to show what is near you. We do not keep it."),
        max_length=12,
        error_messages={"required": POSTCODE_WORDS, "max_length": POSTCODE_WORDS},
        widget=forms.TextInput(
            attrs={"autocomplete": "postal-code", "class": "govuk-input--width-10"}
        ),
    )

    def clean_postcode(self) -> str:
        """Return the postcode as the post office writes it."""
        return _postcode(self.cleaned_data["postcode"])


class JoinForm(PostcodeForm):
    """Joining: the postcode is the person's choice."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["postcode"]
        field.required = False
        field.help_text = _(
            "With a postcode inside the area you may vote in more ballots. We do not keep it."
        )

    def clean_postcode(self) -> str:
        """Return the postcode, or nothing."""
        given = self.cleaned_data["postcode"]
        return _postcode(given) if given else ""


class StandingForm(forms.Form):
    """As what a person speaks."""

    kind = forms.ChoiceField(label=_("I speak as"), choices=StandingKind.choices)
    organisation = forms.TypedChoiceField(
        label=_("For which organisation"),
        required=False,
        empty_value=None,
        help_text=_("Only if you work for one, or speak for one."),
    )

    def __init__(self, *args: Any, viewer: Viewer, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = {str(row.pk): row for row in queries.organisations_to_choose(viewer)}
        chosen: Any = self.fields["organisation"]
        chosen.choices = [("", _("None of these")), *((pk, row.name) for pk, row in known.items())]
        chosen.coerce = known.__getitem__


class VerifyForm(forms.Form):
    """How staff made sure of a member, and until when it holds."""

    level = forms.TypedChoiceField(
        label=_("How we made sure"),
        choices=[(level.value, level.label) for level in BY_STAFF],
        coerce=lambda value: Level(int(value)),
    )
    expires_on = forms.DateField(
        label=_("It holds until the end of"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )

    def __init__(self, *args: Any, viewer: Viewer, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.viewer = viewer

    def clean_expires_on(self) -> datetime | None:
        """Return the last moment of the day, which has to be to come."""
        day = self.cleaned_data["expires_on"]
        if day is None:
            return None
        ends = timezone.make_aware(datetime.combine(day, time(23, 59, 59)))
        if ends <= self.viewer.at:
            raise forms.ValidationError(_("Choose a day that is still to come, or none"))
        return ends


class SomeoneHere(forms.Form):
    """Someone who takes part here, found by their email address."""

    email = forms.EmailField(
        label=_("Their email address"),
        help_text=_("They sign in once and join a community here before you can find them."),
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, *args: Any, viewer: Viewer, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.viewer = viewer

    def clean_email(self) -> Person:
        """Return the person."""
        person = queries.person_here(self.viewer, self.cleaned_data["email"])
        if person is None:
            raise forms.ValidationError(_("Nobody with this address takes part here yet"))
        return person


class RoleForm(SomeoneHere):
    """Who may do what here."""

    kind = forms.ChoiceField(label=_("As"), choices=RoleKind.choices)


class MemberForm(SomeoneHere):
    """Who belongs to an organisation."""

    is_manager = forms.BooleanField(
        label=_("They run it: they may change it and say who is in it"), required=False
    )


class CommunityForm(forms.Form):
    """A community inside another."""

    name = forms.CharField(label=_("What is it called?"), max_length=120)
    kind = forms.ChoiceField(
        label=_("What is it?"), choices=[(kind.value, kind.label) for kind in INSIDE]
    )
    about = forms.CharField(
        label=_("What is it like?"),
        max_length=2000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    postcodes = forms.CharField(
        label=_("Its postcodes"),
        help_text=_("The beginnings, with commas between: LM1 4, LM2"),
        max_length=1000,
        required=False,
    )
    people_who_live_here = forms.IntegerField(
        label=_("How many people live there?"),
        min_value=0,
        max_value=100_000_000,
        required=False,
    )

    def clean_postcodes(self) -> list[str]:
        """Return the areas as the post office writes them."""
        written = self.cleaned_data["postcodes"].split(",")
        try:
            return [area(code) for code in written if code.strip()]
        except ValueError:
            raise forms.ValidationError(
                _("Write the beginnings of postcodes with commas between, like LM1 4, LM2")
            ) from None


class ChangeCommunityForm(CommunityForm):
    """What a community says of itself, and where in the tree it stands."""

    parent = forms.CharField(label=_("Inside which community?"), max_length=120)

    def __init__(self, *args: Any, viewer: Viewer, community: Community, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.viewer = viewer
        del self.fields["kind"]
        if not community.ancestors:  # the whole authority stays where it is
            del self.fields["parent"]

    def clean_parent(self) -> Community:
        """Return the community with this address."""
        return community_called(self.viewer, self.cleaned_data["parent"])


class OrganisationForm(forms.Form):
    """An organisation."""

    name = forms.CharField(label=_("What is it called?"), max_length=120)
    kind = forms.ChoiceField(label=_("What is it?"), choices=OrganisationKind.choices)
    about = forms.CharField(
        label=_("What does it do?"),
        max_length=2000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    website = forms.URLField(
        label=_("Its website"), max_length=200, required=False, assume_scheme="https"
    )


def community_called(viewer: Viewer, text: str) -> Community:
    """Return the community that someone wrote the name of, or the end of its address."""
    found = queries.called(viewer, text)
    if not found:
        raise forms.ValidationError(_("No community here is called this"))
    if len(found) > 1:
        raise forms.ValidationError(
            _("More than one is called this. Write the end of its page's address instead")
        )
    return found[0]


def _postcode(text: str) -> str:
    try:
        return postcode(text)
    except ValueError:
        raise forms.ValidationError(POSTCODE_WORDS) from None
