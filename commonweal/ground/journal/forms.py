"""How an auditor narrows the record."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from commonweal.kit.manifest import events

YEARS = range(2000, 2100)


class RecordsForm(forms.Form):
    """Which kind of entry, between which days, about which thing."""

    says_optional = False

    what = forms.ChoiceField(label=_("Kind"), required=False)
    since = forms.DateField(
        label=_("From"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    until = forms.DateField(
        label=_("To"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    about = forms.RegexField(
        r"^[a-z]+\.[A-Za-z]+(:[0-9]{1,18})?$",
        label=_("Thing"),
        required=False,
        max_length=80,
        help_text=_("Like challenges.Challenge:12"),
    )
    before = forms.IntegerField(
        required=False, widget=forms.HiddenInput, min_value=1, max_value=2**62
    )

    def __init__(self, *args: Any, **given: Any) -> None:
        super().__init__(*args, **given)
        kinds = self.fields["what"]
        assert isinstance(kinds, forms.ChoiceField)
        kinds.choices = [("", _("All")), *((code, code) for code in sorted(events()))]

    def choices(self) -> dict[str, Any]:
        """Return what could be read; a broken choice narrows nothing."""
        self.is_valid()
        read = self.cleaned_data
        about, _colon, number = (read.get("about") or "").partition(":")
        return {
            "what": read.get("what") or "",
            "since": _midnight(read.get("since")),
            "until": _midnight(read.get("until"), days=1),
            "about": about,
            "about_id": int(number) if number else None,
        }

    def before_entry(self) -> int | None:
        """Return after which entry this page begins."""
        before: int | None = self.cleaned_data.get("before")
        return before


def _midnight(day: Any, days: int = 0) -> datetime | None:
    if day is None or day.year not in YEARS:
        return None
    return timezone.make_aware(datetime.combine(day, time())) + timedelta(days=days)
