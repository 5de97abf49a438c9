"""What staff write about an idea, what its authors answer, and plain words for mistakes."""

from __future__ import annotations

from typing import Any

from django import forms
from django.forms.boundfield import BoundField
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from commonweal.propose.appraisals.actions import Cost
from commonweal.propose.appraisals.models import (
    Appraisal,
    Criterion,
    Decision,
    Each,
    Finding,
    Line,
    Meets,
    Verdict,
)
from commonweal.propose.proposals.forms import TOO_LONG, Pounds, Words

SPARE_ROWS, MOST_ROWS = 3, 40
ROW = ("what", "each", "pounds", "source")


class VersionForm(forms.Form):
    """A form about a draft that colleagues may be writing too."""

    version = forms.IntegerField(widget=forms.HiddenInput, min_value=0, max_value=2**31 - 1)


class CostsForm(VersionForm):
    """What an idea costs, line by line; a line that is left empty is no line."""

    years = forms.IntegerField(
        label=_("For how many years do you work it out?"),
        help_text=_("What costs every year is counted this many times."),
        min_value=1,
        max_value=Appraisal.MOST_YEARS,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "class": "govuk-input--width-10"}),
        error_messages={
            "required": _("Write a number of years, like 1."),
            "invalid": _("Write a number of years, like 1."),
        },
    )

    def __init__(self, data: Any = None, *, appraisal: Appraisal, lines: list[Line]) -> None:
        initial: dict[str, Any] = {"version": appraisal.version, "years": appraisal.years}
        for n, line in enumerate(lines):
            initial |= {f"what_{n}": line.what, f"each_{n}": line.each}
            initial |= {f"pounds_{n}": line.pence, f"source_{n}": line.source}
        super().__init__(data, initial=initial)
        sent = sum(1 for name in data or () if name.startswith("what_"))
        self.size = min(MOST_ROWS, max(sent, len(lines) + SPARE_ROWS))
        for n in range(self.size):
            self._add_row(n)

    def _add_row(self, n: int) -> None:
        number = {"n": n + 1}
        self.fields[f"what_{n}"] = forms.CharField(
            label=gettext("Line %(n)s: what costs something") % number,
            required=False,
            max_length=200,
            error_messages={"max_length": TOO_LONG},
        )
        self.fields[f"each_{n}"] = forms.ChoiceField(
            label=gettext("Line %(n)s: how often") % number, required=False, choices=Each.choices
        )
        self.fields[f"pounds_{n}"] = Pounds(
            label=gettext("Line %(n)s: how much, in pounds") % number,
            required=False,
            max_length=40,
        )
        self.fields[f"source_{n}"] = forms.CharField(
            label=gettext("Line %(n)s: where the figure comes from") % number,
            required=False,
            max_length=500,
            error_messages={"max_length": TOO_LONG},
        )

    says_optional = False

    @property
    def rows(self) -> list[list[BoundField]]:
        """Return the fields of each line together."""
        return [[self[f"{name}_{n}"] for name in ROW] for n in range(self.size)]

    def clean(self) -> dict[str, Any]:
        """A line that says something says all of it."""
        given = super().clean() or {}
        self.costs: list[Cost] = []
        for n in range(self.size):
            what, pence = given.get(f"what_{n}"), given.get(f"pounds_{n}")
            source, each = given.get(f"source_{n}"), given.get(f"each_{n}") or Each.ONCE
            if not (what or source or pence is not None):
                continue
            number = {"n": n + 1}
            if not what and f"what_{n}" not in self.errors:
                self.add_error(f"what_{n}", gettext("Line %(n)s: say what costs this.") % number)
            if pence is None and f"pounds_{n}" not in self.errors:
                self.add_error(f"pounds_{n}", gettext("Line %(n)s: write the cost.") % number)
            if not source and f"source_{n}" not in self.errors:
                words = gettext(
                    "Line %(n)s: say where the figure comes from, or that you assume it."
                )
                self.add_error(f"source_{n}", words % number)
            if what and source and pence is not None:
                self.costs.append(Cost(what=what, each=each, pence=pence, source=source))
        return given


class FindingsForm(VersionForm):
    """What each criterion says, and why."""

    says_optional = False

    def __init__(self, data: Any = None, *, appraisal: Appraisal, findings: list[Finding]) -> None:
        initial: dict[str, Any] = {"version": appraisal.version}
        for row in findings:
            initial |= {f"meets_{row.criterion}": row.meets, f"reason_{row.criterion}": row.reason}
        super().__init__(data, initial=initial)
        for criterion in Criterion:
            self.fields[f"meets_{criterion}"] = forms.ChoiceField(
                label=criterion.label, required=False, choices=Meets.choices,
                widget=forms.RadioSelect,
            )  # fmt: skip
            self.fields[f"reason_{criterion}"] = Words(
                most=1000,
                rows=2,
                required=False,
                label=gettext("Why: %(criterion)s") % {"criterion": criterion.label},
            )

    @property
    def rows(self) -> list[tuple[BoundField, BoundField]]:
        """Return answer and reason of each criterion together."""
        return [(self[f"meets_{c}"], self[f"reason_{c}"]) for c in Criterion]

    def clean(self) -> dict[str, Any]:
        """An answer has a reason, and a reason an answer; what is left open is left for later."""
        given = super().clean() or {}
        self.found: dict[str, tuple[str, str]] = {}
        for criterion in Criterion:
            meets, reason = given.get(f"meets_{criterion}"), given.get(f"reason_{criterion}")
            named = {"criterion": criterion.label}
            if meets and not reason and f"reason_{criterion}" not in self.errors:
                words = gettext("“%(criterion)s”: say why. The authors read it.") % named
                self.add_error(f"reason_{criterion}", words)
            elif reason and not meets and f"meets_{criterion}" not in self.errors:
                words = gettext("“%(criterion)s”: choose an answer.") % named
                self.add_error(f"meets_{criterion}", words)
            elif meets and reason:
                self.found[criterion.value] = (meets, reason)
        return given


class WordsForm(VersionForm):
    """The whole in plain words."""

    words = Words(
        most=4000,
        rows=7,
        label=_("What you found, in plain words"),
        help_text=_("Begin with the answer. Write as you would speak to the author."),
        nothing=_("Say what you found, in plain words."),
    )
    changes = Words(
        most=2000,
        rows=4,
        required=False,
        label=_("What would have to change"),
        help_text=_("Only where something is possible with changes. The authors agree to these."),
    )
    days = forms.IntegerField(
        label=_("How many days do the authors have to answer?"),
        min_value=Appraisal.FEWEST_DAYS,
        max_value=Appraisal.MOST_DAYS,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "class": "govuk-input--width-10"}),
        error_messages={
            "required": _("Write a number of days, like 10."),
            "invalid": _("Write a number of days, like 10."),
        },
    )

    def __init__(self, data: Any = None, *, appraisal: Appraisal) -> None:
        names = ("version", "words", "changes", "days")
        super().__init__(data, initial={name: getattr(appraisal, name) for name in names})


class AppealForm(forms.Form):
    """Why an author appeals."""

    words = Words(
        most=4000,
        rows=7,
        label=_("What is wrong, or what did staff not see?"),
        help_text=_(
            "Somebody who had no hand in it reads this and decides. It is public once it is decided."
        ),
        nothing=_("Say in your own words what is wrong."),
    )


class DecideForm(forms.Form):
    """What is decided about an appeal, and why."""

    decision = forms.ChoiceField(
        label=_("What do you decide?"),
        help_text=_("An appeal never makes an answer worse."),
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose what you decide.")},
    )
    changes = Words(
        most=2000,
        rows=4,
        required=False,
        label=_("What would have to change"),
        help_text=_("Only if you decide that it can be done with changes."),
    )
    words = Words(
        most=4000,
        rows=7,
        label=_("Your reasons"),
        help_text=_("The authors read them first, then everybody."),
        nothing=_("Give your reasons: the authors and everybody read them."),
    )

    def __init__(self, data: Any = None, *, appraisal: Appraisal) -> None:
        super().__init__(data, initial={"changes": appraisal.changes})
        now = Verdict(appraisal.verdict)
        better = [verdict for verdict in Verdict if verdict.rank > now.rank]
        answers = [
            (
                verdict.value,
                gettext("The authors are right: %(answer)s") % {"answer": verdict.label},
            )
            for verdict in better
        ]
        field = self.fields["decision"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [
            (Decision.STANDS.value, Decision.STANDS.label),
            *answers,
            (Decision.ANEW.value, gettext("It is worked out anew, by you or a colleague")),
        ]

    def clean(self) -> dict[str, Any]:
        """With changes means saying which."""
        given = super().clean() or {}
        if given.get("decision") == Verdict.WITH_CHANGES and not given.get("changes"):
            self.add_error("changes", _("Say what would have to change."))
        return given

    @property
    def decided(self) -> dict[str, str]:
        """Return the decision as the action takes it."""
        chosen = self.cleaned_data["decision"]
        said = {"words": self.cleaned_data["words"]}
        if chosen in Verdict.values:
            changes = self.cleaned_data["changes"]
            return {"decision": Decision.CHANGED, "verdict": chosen, "changes": changes, **said}
        return {"decision": chosen, **said}
