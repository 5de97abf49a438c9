"""The shape of a conversation step by step, of its statements and answers; words for mistakes."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from commonweal.ground.challenges.forms import Day, Moment, Words
from commonweal.ground.places.models import Community, CommunityKind, Level
from commonweal.listen.conversations import queries
from commonweal.listen.conversations.models import (
    MOST_LETTERS,
    Conversation,
    Detail,
    Heed,
    Moderation,
    Reach,
    Step,
)

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise

    from commonweal.ground.places.rules import Viewer

MOST_BYTES = 1_000_000  # of a table of statements
BLOCKS = 6  # things people may say of themselves
COLUMNS = (
    "text",
    "comment-body",
    "body",
    "statement",
    "comment",
)  # beside a text, these are numbers
MARKS = ",;\t"
NO_TEXT = re.compile(r"[\0-\x08\x0e-\x1f]")
POLICY = _(
    "A statement is not shown if it attacks somebody, tells something private about a person,"
    " breaks the law or sells something; if it is about something else; if the same stands here"
    " already; if it says several things at once; or if it cannot be understood. Nothing else is a"
    " reason: what a moderator thinks of it counts for nothing. Whoever wrote it reads why, and can"
    " word it anew."
)


class Said(Words):
    """One sentence that people agree or disagree with, on one line and with something to see."""

    def __init__(self, **given: Any) -> None:
        widget = forms.Textarea(attrs={"rows": 2})
        super().__init__(max_length=MOST_LETTERS, widget=widget, **given)

    def to_python(self, value: Any) -> Any:
        """Put the sentence on one line before its letters are counted."""
        return " ".join(str(super().to_python(value)).split())

    def clean(self, value: Any) -> Any:
        """Refuse what nobody could see."""
        text = super().clean(value)
        if text and not can_be_seen(text):
            raise ValidationError(gettext("There is nothing to read in this. Write a sentence."))
        return text


def can_be_seen(text: str) -> bool:
    """Tell whether a text has a letter, a number or a sign in it.

    >>> can_be_seen("Yes"), can_be_seen("👍"), can_be_seen("\\u200b\\u2066")
    (True, True, False)
    """
    return any(unicodedata.category(letter)[0] in "LNS" for letter in text)


class FilterForm(forms.Form):
    """How a reader narrows the list."""

    says_optional = False

    q = Words(label=_("Words"), required=False, max_length=100)
    community = forms.ChoiceField(label=_("Community"), required=False)
    state = forms.ChoiceField(
        label=_("Show"),
        required=False,
        choices=[
            ("", _("All")),
            ("open", _("Open now")),
            ("coming", _("Coming")),
            ("closed", _("Closed")),
            ("withdrawn", _("Withdrawn")),
        ],
    )

    def __init__(self, *args: Any, viewer: Viewer, **given: Any) -> None:
        super().__init__(*args, **given)
        found = queries.communities_with_conversations(viewer)
        self.places = {place.slug: place for place in found}
        field = self.fields["community"]
        assert isinstance(field, forms.ChoiceField)
        named = [(slug, place.name) for slug, place in self.places.items()]
        field.choices = [("", _("All")), *named]

    def choices(self) -> dict[str, Any]:
        """Return what could be read; a broken choice narrows nothing."""
        self.is_valid()
        given = self.cleaned_data
        return {
            "words": given.get("q", ""),
            "community": self.places.get(given.get("community", "")),
            "state": given.get("state", ""),
        }


class FindForm(forms.Form):
    """How a reader looks for statements."""

    says_optional = False

    q = Words(label=_("Words"), required=False, max_length=100)
    sort = forms.ChoiceField(
        label=_("Order"),
        required=False,
        choices=[("", _("The newest first")), ("votes", _("Most voted on first"))],
    )

    def choices(self) -> dict[str, str]:
        """Return what could be read; a broken choice changes nothing."""
        self.is_valid()
        return {"words": self.cleaned_data.get("q", ""), "sort": self.cleaned_data.get("sort", "")}


# --- setting up


class StepForm(forms.Form):
    """One step of a conversation that is being set up."""

    def __init__(
        self, *args: Any, viewer: Viewer, conversation: Conversation | None = None, **given: Any
    ) -> None:
        self.viewer, self.conversation = viewer, conversation
        if conversation is not None:
            begin = {name: getattr(conversation, name, None) for name in self.base_fields}
            given["initial"] = {**begin, **(given.get("initial") or {})}
        super().__init__(*args, **given)


class QuestionForm(StepForm):
    """What is asked, of whom, and why."""

    question = Words(
        label=_("What do you ask?"),
        max_length=200,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_(
            "One open question that people can answer from their own life. Like: What would have"
            " helped you get home?"
        ),
    )
    background = Words(
        label=_("What should people know before they answer?"),
        required=False,
        max_length=5000,
        widget=forms.Textarea(attrs={"rows": 6}),
        help_text=_("Short and even-handed: what is so today, what is fixed, what is open."),
    )
    community = forms.ModelChoiceField(
        Community.objects.none(), label=_("Whom do you ask? The people of"), empty_label=None
    )
    challenge: forms.ModelChoiceField[Any] = forms.ModelChoiceField(
        None,
        label=_("To which challenge does it belong?"),
        required=False,
        help_text=_("What people say then stands on its page. Leave it empty if there is none."),
    )

    def __init__(self, *args: Any, **given: Any) -> None:
        super().__init__(*args, **given)
        community, challenge = self.fields["community"], self.fields["challenge"]
        assert isinstance(community, forms.ModelChoiceField)
        assert isinstance(challenge, forms.ModelChoiceField)
        community.queryset = queries.communities_to_ask(self.viewer)
        challenge.queryset = queries.challenges_to_ask(self.viewer)
        challenge.empty_label = gettext("No challenge")
        if "community" not in self.initial:  # otherwise it would be whichever is first by name
            whole = community.queryset.filter(kind=CommunityKind.AUTHORITY)
            self.initial["community"] = whole.first()


class PeopleForm(StepForm):
    """Who may take part, and how sure we must be of it."""

    reach = forms.ChoiceField(
        label=_("Who may take part?"),
        choices=Reach.choices,
        widget=forms.RadioSelect,
        help_text=_(
            "Without an account most people answer. Whoever wants to count for two can: the map is"
            " checked for that, and says what it found."
        ),
    )
    level = forms.TypedChoiceField(
        label=_("How sure must we be that somebody belongs to the place?"),
        choices=Level.choices,
        coerce=int,
        widget=forms.RadioSelect,
        help_text=_("Only where people have to belong. The surer, the fewer can answer at once."),
    )


YES_NO = [("yes", _("Yes")), ("no", _("No, they vote on the first statements only"))]


def _said_yes(said: str) -> bool:
    return said == "yes"


class RulesForm(StepForm):
    """Whether people add statements, who reads them when, and after how many it is enough."""

    people_add = forms.TypedChoiceField(
        label=_("May people add statements of their own?"),
        choices=YES_NO,
        coerce=_said_yes,
        widget=forms.RadioSelect,
    )
    moderation = forms.ChoiceField(
        label=_("When does a moderator read what people add?"),
        choices=Moderation.choices,
        widget=forms.RadioSelect,
        help_text=_("If before, somebody has to read every day: people wait for it."),
    )
    policy = Words(
        label=_("What is not shown, and why?"),
        max_length=5000,
        widget=forms.Textarea(attrs={"rows": 7}),
        help_text=_("Everybody can read this. Moderators hold to it, and to nothing else."),
    )
    enough = forms.IntegerField(
        label=_("After how many statements is it enough for one visit?"),
        min_value=1,
        max_value=500,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "class": "govuk-input--width-4"}),
        help_text=_("People can stop at any time, and go on after it. 20 take about five minutes."),
    )

    def __init__(self, *args: Any, **given: Any) -> None:
        super().__init__(*args, **given)
        assert self.conversation is not None
        self.initial["people_add"] = "yes" if self.conversation.people_add else "no"
        if not self.conversation.policy:
            self.initial["policy"] = str(POLICY)


class DatesForm(StepForm):
    """When it opens and closes, how long it takes, and what is promised."""

    opens_at = Moment(
        label=_("When does it open?"),
        help_text=_("It opens and closes by itself, to the second, by the clock of the database."),
    )
    closes_at = Moment(
        label=_("When does it close?"),
        help_text=_("Leave it empty to keep it open until you close it."),
    )
    minutes = forms.IntegerField(
        label=_("How many minutes does it take?"),
        min_value=1,
        max_value=240,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "class": "govuk-input--width-4"}),
    )
    what_happens = Words(
        label=_("What happens with what people say?"),
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_(
            "A promise. Like: The board answers in public each statement that most of every group"
            " agree with."
        ),
    )
    promised_by = Words(
        label=_("Who answers?"),
        max_length=120,
        help_text=_("A body or a role, like: the board of Vale Health."),
    )
    promised_on = Day(label=_("By which day?"))

    def __init__(self, *args: Any, **given: Any) -> None:
        super().__init__(*args, **given)
        for name in ("opens_at", "promised_on"):
            self.fields[name].required = True
        if self.conversation is not None and Step.DATES not in self.conversation.steps_done:
            self.initial["promised_by"] = (
                self.conversation.promised_by or self.viewer.authority.run_by[:120]
            )

    def clean(self) -> dict[str, Any]:
        """Check that it opens before it closes, and the answer comes after."""
        given: dict[str, Any] = super().clean() or {}
        opens, closes, due = (
            given.get("opens_at"), given.get("closes_at"), given.get("promised_on"),
        )  # fmt: skip
        if opens and closes and opens >= closes:
            self.add_error("closes_at", _("It has to close after it opens"))
        last = closes or opens
        if last and due and due < timezone.localdate(last):
            self.add_error("promised_on", _("People cannot be answered before they have spoken"))
        return given


STEP_FORMS: dict[Step, type[StepForm]] = {
    Step.QUESTION: QuestionForm,
    Step.PEOPLE: PeopleForm,
    Step.RULES: RulesForm,
    Step.DATES: DatesForm,
}


class StatementsForm(forms.Form):
    """First statements, one a line or in a table."""

    texts = Words(
        label=_("First statements, one a line"),
        required=False,
        max_length=100_000,
        widget=forms.Textarea(attrs={"rows": 8}),
        help_text=_(
            "Short sentences in the words people use, one thought each. Write also what you yourself"
            " would not agree with."
        ),
    )
    file = forms.FileField(
        label=_("Or a table of them (CSV)"),
        required=False,
        error_messages={"empty": _("This file is empty. Choose one with a statement in each line")},
        help_text=_("Taken from the column named “statement”, or else from the first one."),
    )

    def clean(self) -> dict[str, Any]:
        """Read the lines and the table; say of each that is too long which one it is."""
        given: dict[str, Any] = super().clean() or {}
        lines = [" ".join(line.split()) for line in (given.get("texts") or "").splitlines()]
        found = self._checked("texts", [line for line in lines if line])
        if given.get("file") is not None:
            found += self._checked("file", self._rows(given["file"]))
        if not found and not self.errors:
            self.add_error("texts", _("Write at least one statement"))
        given["found"] = found
        return given

    def _checked(self, name: str, found: list[str]) -> list[str]:
        for text in found:
            if len(text) > MOST_LETTERS:
                words = gettext("This one has more than %(most)s letters: %(text)s…")
                self.add_error(name, words % {"most": MOST_LETTERS, "text": text[:60]})
                break
        return [text for text in found if can_be_seen(text)]

    def _rows(self, file: UploadedFile[Any]) -> list[str]:
        """Return the statements of a table; what is no table is said to be none."""
        if file.size is None or file.size > MOST_BYTES:
            self.add_error("file", _("This file is too big: a megabyte is enough for statements"))
            return []
        content = file.read()
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = content.decode("cp1252", errors="replace")
        if text.startswith("%PDF") or NO_TEXT.search(text):
            self.add_error("file", _("This is not a table. Save it as CSV and send that."))
            return []
        try:
            return _column(text)
        except csv.Error:
            self.add_error("file", _("This is not a table. Save it as CSV and send that."))
            return []


def _column(text: str) -> list[str]:
    """Return the column of statements: by its name, or else the first one, with its first line.

    What a table of an earlier conversation marks as rejected stays behind.
    """
    for mark in MARKS:  # a semicolon or a tab only where it makes a column that has a name
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=mark))
        names = [name.strip().casefold() for name in rows[0]] if rows else []
        place = next((names.index(name) for name in COLUMNS if name in names), None)
        if place is not None:
            state = names.index("moderated") if "moderated" in names else len(names)
            kept = (row for row in rows[1:] if row[state : state + 1] != ["-1"])
            return _cells(kept, place)
    return _cells(csv.reader(io.StringIO(text, newline="")), 0)


def _cells(rows: Iterable[list[str]], place: int) -> list[str]:
    cells = (row[place] for row in rows if len(row) > place)
    return [text for cell in cells if (text := " ".join(cell.split()))]


class StatementForm(forms.Form):
    """One statement by staff."""

    text = Said(label=_("The statement"), help_text=_("One thought, in the words people use."))


READY: dict[str, tuple[_StrOrPromise, tuple[_StrOrPromise, ...]]] = {
    "age": (
        _("How old are you?"),
        (_("Under 25"), _("25 to 44"), _("45 to 64"), _("65 or over")),
    ),
    "place": (_("Where do you live?"), ()),
    "standing": (
        _("What brings you here?"),
        (
            _("I use this service"),
            _("I care for somebody who uses it"),
            _("I work in it"),
            _("I live here"),
        ),
    ),
    "gender": (
        _("How do you describe yourself?"),
        (_("As a woman"), _("As a man"), _("In another way")),
    ),
    "health": (
        _("Does a health condition limit what you do each day?"),
        (_("Yes, a lot"), _("Yes, a little"), _("No")),
    ),
}
READY_NAMES = {
    "age": _("Age"),
    "place": _("Where they live"),
    "standing": _("What brings them here"),
    "gender": _("Gender"),
    "health": _("Health"),
}


class Choices(forms.CharField):
    """The choices of one question, one a line, each with its share of residents where it is known."""

    def __init__(self, **given: Any) -> None:
        super().__init__(
            widget=forms.Textarea(attrs={"rows": 5}), max_length=3000, required=False, **given
        )

    def clean(self, value: Any) -> Any:
        """Return label and share of each line, and see that the shares are of a thousand."""
        lines = [line.strip() for line in (super().clean(value) or "").splitlines()]
        found = [self._read(line) for line in lines if line]
        labels = [label.casefold() for label, _share in found]
        if len(set(labels)) < len(labels):
            raise ValidationError(gettext("Two of these choices are the same"))
        if len(found) == 1 or len(found) > 20:
            raise ValidationError(gettext("Write between two and twenty choices"))
        self._check(found)
        return found

    def _read(self, line: str) -> tuple[str, int | None]:
        label, colon, share = line.rpartition(":")
        digits = share.strip().removesuffix("%").strip()
        if not (colon and digits.isascii() and digits.isdigit() and len(digits) < 5):
            label, number = line, None
        else:
            number = int(digits) * (10 if share.strip().endswith("%") else 1)
        label = " ".join(label.split())
        if not label or len(label) > 120 or (number or 0) > 1000:
            words = gettext("Write each line like “Under 25: 280”. This one is not: %(line)s")
            raise ValidationError(words % {"line": line[:60]})
        return label, number

    def _check(self, found: Sequence[tuple[str, int | None]]) -> None:
        shares = [share for _label, share in found if share is not None]
        if not shares:
            return
        if len(shares) < len(found):
            words = gettext("Say of each choice how many of 1,000 residents it is, or of none")
            raise ValidationError(words)
        if not 995 <= sum(shares) <= 1005:
            words = gettext("These add up to %(sum)s of 1,000 residents, and should to 1,000")
            raise ValidationError(words % {"sum": f"{sum(shares):,}"})


class DetailsForm(forms.Form):
    """What people may say of themselves if they like: some questions, each with its choices."""

    def __init__(self, *args: Any, **given: Any) -> None:
        super().__init__(*args, **given)
        for n in range(BLOCKS):
            number = {"n": n + 1}
            self.fields[f"label_{n}"] = Words(
                label=gettext("Question %(n)s") % number, max_length=120, required=False
            )
            self.fields[f"choices_{n}"] = Choices(
                label=gettext("Choices of question %(n)s, one a line") % number
            )

    @staticmethod
    def of(details: Iterable[Detail]) -> dict[str, str]:
        """Return what stands there, to begin with."""
        given: dict[str, str] = {}
        for n, detail in enumerate(list(details)[:BLOCKS]):
            choices = [(one.label, one.residents_in_1000) for one in detail.choices.all()]
            given |= DetailsForm.block(n, detail.label, choices)
        return given

    @staticmethod
    def block(n: int, label: str, choices: Iterable[tuple[str, int | None]]) -> dict[str, str]:
        """Return one question as it stands in the form."""
        lines = [text if share is None else f"{text}: {share}" for text, share in choices]
        return {f"label_{n}": label, f"choices_{n}": "\n".join(lines)}

    @staticmethod
    def with_ready(
        typed: Mapping[str, Any], kind: str, conversation: Conversation
    ) -> dict[str, Any]:
        """Return what was typed, with a ready-made question in the first place that is free."""
        given = {
            f"{part}_{n}": str(typed.get(f"{part}_{n}", ""))
            for n in range(BLOCKS)
            for part in ("label", "choices")
        }
        free = next((n for n in range(BLOCKS) if not given[f"label_{n}"].strip()), None)
        if kind not in READY or free is None:
            return given
        label, choices = READY[kind]
        named = [str(choice) for choice in choices]
        if kind == "place":
            named = [*queries.places_inside(conversation), gettext("Somewhere else")]
        return given | DetailsForm.block(free, str(label), [(name, None) for name in named])

    @property
    def blocks(self) -> list[dict[str, Any]]:
        """Return the questions with their choices, for the page; empty ones only up to the next."""
        pairs = [(self[f"label_{n}"], self[f"choices_{n}"]) for n in range(BLOCKS)]
        filled = [n for n, (label, choices) in enumerate(pairs) if label.value() or choices.value()]
        shown = min(BLOCKS, max(filled, default=-1) + 2)
        return [{"label": label, "choices": choices} for label, choices in pairs[:shown]]

    def clean(self) -> dict[str, Any]:
        """Check that every question has choices; leave out what is empty."""
        given: dict[str, Any] = super().clean() or {}
        found, seen = [], set()
        for n in range(BLOCKS):
            label, choices = given.get(f"label_{n}", ""), given.get(f"choices_{n}")
            if label and choices == []:
                self.add_error(f"choices_{n}", _("Write between two and twenty choices"))
            elif choices and not label and f"label_{n}" not in self.errors:
                self.add_error(f"label_{n}", _("Write the question for these choices"))
            elif label and label.casefold() in seen:
                self.add_error(f"label_{n}", _("This question stands here twice"))
            elif label and choices:
                seen.add(label.casefold())
                found.append((label, choices))
        given["details"] = found
        return given


class CopyForm(forms.Form):
    """What is new about a conversation that is otherwise like an earlier one."""

    question = Words(
        label=_("What do you ask?"), max_length=200, widget=forms.Textarea(attrs={"rows": 2})
    )


# --- after the opening

WHY: dict[str, Any] = {
    "label": _("Why?"),
    "help_text": _("Everybody reads this on the page, and it stays there."),
    "max_length": 300,
}


class ExtendForm(forms.Form):
    """Until when it stays open, and why."""

    closes_at = Moment(label=_("When does it close now?"))
    why = Words(**WHY)

    def __init__(self, *args: Any, **given: Any) -> None:
        super().__init__(*args, **given)
        self.fields["closes_at"].required = True


class WhyForm(forms.Form):
    """Why a conversation is closed early, or withdrawn."""

    why = Words(**WHY)


class CorrectForm(StepForm):
    """What may still change after the opening, in public."""

    question = QuestionForm.base_fields["question"]
    background = QuestionForm.base_fields["background"]
    people_add = RulesForm.base_fields["people_add"]
    moderation = RulesForm.base_fields["moderation"]
    policy = RulesForm.base_fields["policy"]
    minutes = DatesForm.base_fields["minutes"]
    what_happens = DatesForm.base_fields["what_happens"]
    promised_by = DatesForm.base_fields["promised_by"]
    promised_on = DatesForm.base_fields["promised_on"]
    why = Words(**WHY)

    def __init__(self, *args: Any, **given: Any) -> None:
        super().__init__(*args, **given)
        assert self.conversation is not None
        self.initial["people_add"] = "yes" if self.conversation.people_add else "no"
        for name in ("policy", "promised_by", "what_happens"):
            self.fields[name].required = False


class AnswerForm(forms.Form):
    """What came of a statement."""

    heed = forms.ChoiceField(
        label=_("What do you do with it?"), choices=Heed.choices, widget=forms.RadioSelect
    )
    words = Words(
        label=_("In plain words"),
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text=_(
            "What you did or will do, who, by when; or why not, and what would change that."
        ),
    )
