"""The shape of what staff write about papers and calls, and plain words for mistakes."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from commonweal.decide.ballots.rules import Choice
from commonweal.decide.budgets.models import BallotKind, Pot, Project
from commonweal.decide.paper import queries, rules
from commonweal.decide.paper.actions import Reading
from commonweal.decide.paper.models import MOST_IN_BATCH, Says
from commonweal.decide.paper.queries import NobodyFound, Somebody, WrongSerial, serial_in
from commonweal.decide.registers.models import Part
from commonweal.ground.places.rules import Viewer

NARROW = {"class": "govuk-input--width-10", "autocomplete": "off", "inputmode": "numeric"}
WIDE = {"autocomplete": "off"}


class IssueForm(forms.Form):
    """Where papers go, who takes them, and how many."""

    place = forms.CharField(
        label=gettext_lazy("Where do the papers go?"),
        help_text=gettext_lazy("Like: Quayside library, front desk"),
        max_length=120,
    )
    taken_by = forms.CharField(
        label=gettext_lazy("Who takes them?"),
        help_text=gettext_lazy("A duty is enough, like: librarian on duty"),
        max_length=120,
    )
    papers = forms.IntegerField(
        label=gettext_lazy("How many papers?"),
        min_value=1,
        max_value=MOST_IN_BATCH,
        error_messages={
            "min_value": gettext_lazy("Write how many papers, like 50"),
            "invalid": gettext_lazy("Write how many papers, like 50"),
            "max_value": gettext_lazy(
                "A batch holds at most %(limit_value)s papers. Make several: they are easier to check."
            ),
        },
        widget=forms.TextInput(attrs=NARROW),
    )


class ReturnedForm(forms.Form):
    """What came back, counted by hand in two piles."""

    returned = forms.IntegerField(
        label=gettext_lazy("How many came back to be counted?"),
        help_text=gettext_lazy(
            "Envelopes; or papers, where there are no envelopes. Do not open any."
        ),
        min_value=0,
        max_value=MOST_IN_BATCH,
        widget=forms.TextInput(attrs=NARROW),
    )
    unused = forms.IntegerField(
        label=gettext_lazy("How many papers came back unused?"),
        min_value=0,
        max_value=MOST_IN_BATCH,
        widget=forms.TextInput(attrs=NARROW),
    )
    note = forms.CharField(
        label=gettext_lazy("Why did the others not come back?"),
        help_text=gettext_lazy("Only needed when some are missing. Name nobody."),
        max_length=300,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )


class WhoForm(forms.Form):
    """Who somebody is, by one of the ways in which a pot knows people."""

    email = forms.EmailField(
        label=gettext_lazy("Email address of their account"), required=False, max_length=254
    )
    code = forms.CharField(
        label=gettext_lazy("Their voting code"),
        required=False,
        max_length=60,
        widget=forms.TextInput(attrs=WIDE),
    )

    def __init__(
        self,
        data: Any = None,
        *,
        viewer: Viewer,
        pot: Pot,
        takes_a_name: bool = False,
        takes_nobody: bool = False,
        **given: Any,
    ) -> None:
        super().__init__(data, **given)
        self.viewer, self.pot, self.takes_nobody = viewer, pot, takes_nobody
        self.parts = queries.parts_asked(viewer, pot)
        for part in self.parts:
            self.fields[part] = forms.CharField(
                label=Part(part).label,
                required=False,
                max_length=120,
                widget=forms.TextInput(attrs=WIDE),
            )
        if takes_a_name and queries.takes_a_name(viewer, pot):
            self.fields["name"] = forms.CharField(
                label=_("Name and postcode, as on the slip"),
                help_text=_("Only where they have neither an account nor a code."),
                required=False,
                max_length=200,
                widget=forms.TextInput(attrs=WIDE),
            )

    def clean(self) -> dict[str, Any]:
        """Ask for one way to know somebody, and for all of its parts."""
        given: dict[str, Any] = super().clean() or {}
        ways = [name for name in ("email", "code", "name") if given.get(name)]
        typed = [part for part in self.parts if given.get(part)]
        ways += ["register"] if typed else []
        if not ways and not self.errors and not self.takes_nobody:
            raise ValidationError(_("Say who it is, in one of these ways."))
        if len(ways) > 1:
            raise ValidationError(_("Use one way only: empty the other fields."))
        for part in self.parts:
            if typed and not given.get(part):
                self.add_error(part, _("Fill in: %(label)s") % {"label": Part(part).label})
        return given

    def found(self) -> Somebody | None:
        """Return whom this names, if they are known and have not voted; else say so on the form."""
        if not any(self.cleaned_data.values()):
            return Somebody()
        try:
            somebody = queries.somebody(self.viewer, self.pot, self.cleaned_data)
        except NobodyFound as nobody:
            self.add_error(nobody.field, str(nobody))
            return None
        person = somebody.person
        if person and not rules.may_vote_on_paper(self.viewer, self.pot, person):
            self.add_error(None, _("This person may not vote in this ballot."))
            return None
        voted = queries.voted_already(self.pot, somebody)
        if voted is not None:
            self.add_error(None, rules.words_of_staff(voted))
            return None
        return somebody


class KeyForm(forms.Form):
    """One paper as somebody reads it: its number, then what is marked, by the numbers in print."""

    serial = forms.CharField(
        label=gettext_lazy("Number and letter of the paper"),
        max_length=20,
        widget=forms.TextInput(
            attrs={"class": "govuk-input--width-10", "autocomplete": "off", "autofocus": True}
        ),
    )
    marks = forms.CharField(
        label=gettext_lazy("What is marked"),
        max_length=2_000,
        required=False,
        widget=forms.TextInput(attrs=WIDE),
    )
    says = forms.ChoiceField(
        label=gettext_lazy("What the paper says"),
        choices=[(says.value, says.label) for says in Says if says != Says.DESTROYED],
        initial=Says.MARKED,
        widget=forms.RadioSelect,
    )
    as_marked = forms.BooleanField(
        label=gettext_lazy("I have looked again: the paper really says this"),
        help_text=gettext_lazy("Then it is a paper that cannot be counted. Nobody mends it."),
        required=False,
    )

    def __init__(
        self, data: Any = None, *, pot: Pot, projects: list[Project], **given: Any
    ) -> None:
        super().__init__(data, **given)
        self.pot, self.kind = pot, BallotKind(pot.ballot_kind)
        self.numbers = {n: project.pk for n, project in enumerate(projects, start=1)}
        self.fields["marks"].help_text = self._help()
        if not self.data.get("asks_again"):
            self.fields.pop("as_marked")

    def _help(self) -> str:
        if self.kind == BallotKind.RANKED:
            return _("The numbers of the ideas in the voter’s order, the best first, like: 7 3 12")
        if self.kind == BallotKind.POINTS:
            return _("Number of the idea, = and its points, like: 3=5 7=2")
        if self.kind == BallotKind.SCORES:
            return _("Number of the idea, = and its score, like: 3=5 7=2")
        return _("The numbers of the ideas that are ticked, like: 3 7 12")

    def ask_again(self) -> None:
        """Show the box that says one has looked again."""
        self.fields["as_marked"] = self.base_fields["as_marked"]

    def clean_serial(self) -> int:
        """Read the number and the letter in print."""
        try:
            return serial_in(self.pot.pk, self.cleaned_data["serial"])
        except WrongSerial as wrong:
            raise ValidationError(str(wrong)) from None

    def clean_marks(self) -> dict[int, int]:
        """Return the mark of each project, from the numbers in print."""
        words = re.split(r"[\s,;+]+", self.cleaned_data["marks"].strip())
        pairs = [self._pair(word, place) for place, word in enumerate(filter(None, words), start=1)]
        twice = sorted({n for n, _mark in pairs if [m for m, _m in pairs].count(n) > 1})
        if twice:
            words_ = _("You typed number %(number)s twice. Type it once.")
            raise ValidationError(words_ % {"number": twice[0]})
        return {self.numbers[number]: mark for number, mark in pairs if mark}

    def _pair(self, word: str, place: int) -> tuple[int, int]:
        number, sign, mark = re.sub("[:]", "=", word).partition("=")
        needs_mark = self.kind in (BallotKind.POINTS, BallotKind.SCORES)
        if not _is_short(number) or bool(sign) != needs_mark or (sign and not _is_short(mark)):
            words = _("“%(word)s” cannot be read. %(help)s")
            raise ValidationError(words % {"word": word[:20], "help": self._help()})
        if int(number) not in self.numbers:
            words = _("No idea has number %(number)s on this paper. The last is %(last)s.")
            raise ValidationError(words % {"number": int(number), "last": len(self.numbers)})
        if needs_mark:
            return int(number), int(mark)
        return int(number), place if self.kind == BallotKind.RANKED else 1

    def clean(self) -> dict[str, Any]:
        """Ask for marks where the paper is said to be marked, and for none elsewhere."""
        given: dict[str, Any] = super().clean() or {}
        marks, says = given.get("marks"), given.get("says")
        if marks is not None and says == Says.MARKED and not marks:
            words = _("Type what is marked, or choose below that nothing is.")
            self.add_error("marks", words)
        if marks and says in (Says.NONE, Says.EMPTY):
            words = _(
                "You typed marks, and chose that there are none. Where both stand on the paper,"
                " choose that it cannot be read for certain."
            )
            self.add_error("says", words)
        return given

    @property
    def reading(self) -> Reading:
        """Return what was read."""
        marks: dict[int, int] = self.cleaned_data["marks"]
        return Reading(
            says=Says(self.cleaned_data["says"]),
            choice=Choice(tuple(marks), tuple(marks.values())),
            as_marked=self.cleaned_data.get("as_marked", False),
        )


def _is_short(word: str) -> bool:
    return word.isascii() and word.isdigit() and len(word) <= 4


class ReadForm(KeyForm):
    """One paper as a third person reads it, or a ballot as somebody says it: its number is known."""

    serial = None  # type: ignore[assignment]


class SaidForm(ReadForm):
    """A ballot as somebody says it on the telephone: marks, or none of these."""

    says = forms.ChoiceField(
        label=gettext_lazy("What they say"),
        choices=[
            (Says.MARKED.value, gettext_lazy("These ideas, as typed above")),
            (Says.NONE.value, gettext_lazy("That they would fund none of these")),
        ],
        initial=Says.MARKED,
        widget=forms.RadioSelect,
    )

    def __init__(self, *args: Any, **given: Any) -> None:
        super().__init__(*args, **given)
        self.fields["marks"].label = _("What they choose")
        self.fields.pop("as_marked", None)


class LostForm(forms.Form):
    """Why a batch will never be counted."""

    note = forms.CharField(
        label=gettext_lazy("What happened to the papers?"),
        help_text=gettext_lazy("Everybody can read this. Name nobody."),
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    sure = forms.BooleanField(
        label=gettext_lazy("I know that these papers will not be counted, and that it is final")
    )


class SerialForm(forms.Form):
    """The number of one's own paper, to ask what became of it."""

    serial = forms.CharField(
        label=gettext_lazy("Number and letter at the top of your paper"),
        help_text=gettext_lazy("Like 000123-K."),
        max_length=20,
        widget=forms.TextInput(attrs={"class": "govuk-input--width-10", "autocomplete": "off"}),
    )

    def __init__(self, data: Any = None, *, pot_id: int, **given: Any) -> None:
        super().__init__(data, **given)
        self.pot_id = pot_id

    def clean_serial(self) -> int:
        """Read the number and the letter in print."""
        try:
            return serial_in(self.pot_id, self.cleaned_data["serial"])
        except WrongSerial as wrong:
            raise ValidationError(str(wrong)) from None
