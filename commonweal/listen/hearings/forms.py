"""The shape of a hearing, of its document and of what people say, and plain words for mistakes."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from commonweal.ground.challenges.forms import Day, Moment
from commonweal.ground.challenges.forms import Words as Line
from commonweal.ground.challenges.models import Challenge
from commonweal.ground.places.models import Community, Level, StandingKind
from commonweal.ground.places.rules import Viewer, Voice
from commonweal.kit.documents import clean, says_something
from commonweal.listen.hearings import queries
from commonweal.listen.hearings.models import (
    A_PASSAGE,
    MOST_LETTERS,
    Channel,
    Hearing,
    Kind,
    Outcome,
    Passage,
    Reach,
    Reason,
    Stance,
    Version,
)

MOST_TEXT_BYTES = 4_000_000
MOST_FILE_BYTES = 10_000_000
TOO_LONG = _("This is %(show_value)s letters long. Keep it to %(limit_value)s.")


class Said(forms.CharField):
    """Something in people's own words, with the room that is left counted below.

    Without ``maxlength``: words that are cut off while pasting are lost without a word.
    """

    def __init__(self, *, most: int, rows: int = 4, nothing: Any = "", **given: Any) -> None:
        self.most = most
        super().__init__(
            max_length=most,
            widget=forms.Textarea(attrs={"rows": rows, "class": "govuk-js-character-count"}),
            error_messages={"max_length": TOO_LONG, "required": nothing or _("Write a few words.")},
            **given,
        )

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        """Leave out ``maxlength``."""
        attrs = super().widget_attrs(widget)
        attrs.pop("maxlength", None)
        return attrs

    def to_python(self, value: Any) -> str:
        """Count a line's end as one letter, and take what nobody can see for nothing."""
        text = clean(str(super().to_python(value) or ""))
        return text if says_something(text) else ""


class BasicsForm(forms.Form):
    """What a hearing is about, who decides, when it is open, and who may comment."""

    community: forms.ModelChoiceField[Community] = forms.ModelChoiceField(
        None, label=_("Community"), empty_label=_("Choose one")
    )
    challenge: forms.ModelChoiceField[Challenge] = forms.ModelChoiceField(
        None,
        label=_("The challenge it belongs to"),
        help_text=_("Those who follow a challenge are told when its hearing opens."),
        empty_label=_("No challenge"),
        required=False,
    )
    title = Line(
        label=_("Title"), max_length=120, help_text=_("Like: Draft plan for walking and cycling")
    )
    about = Line(
        label=_("What is this document, and why do you ask?"),
        max_length=3000,
        widget=forms.Textarea(attrs={"rows": 6}),
        help_text=_("In plain words, for somebody who has never heard of it."),
    )
    decides = Line(
        label=_("Who decides on it, and when?"),
        max_length=300,
        help_text=_("Like: The cabinet, on 3 March. It reads every comment before."),
    )
    opens_at = Moment(label=_("Opens"))
    closes_at = Moment(label=_("Closes"))
    reach = forms.ChoiceField(
        label=_("Who may comment?"),
        choices=Reach.choices,
        widget=forms.RadioSelect,
        help_text=_("What comes without an account is always read by a moderator first."),
    )
    level = forms.TypedChoiceField(
        label=_("Where people have to belong: how sure must we be?"),
        choices=Level.choices,
        coerce=int,
        initial=Level.SELF_DECLARED,
    )
    checks_first = forms.BooleanField(
        label=_("A moderator reads every comment before it is shown"),
        help_text=_("Otherwise comments are shown at once, and hidden if they break the rules."),
        required=False,
    )

    def __init__(self, data: Any = None, *, viewer: Viewer, hearing: Hearing | None = None) -> None:
        initial: dict[str, Any] = {"reach": Reach.ACCOUNT}
        if hearing is not None:
            initial = {name: getattr(hearing, name) for name in self.base_fields}
        super().__init__(data, initial=initial)
        for name in ("opens_at", "closes_at"):
            self.fields[name].required = True
        choices = {
            "community": queries.communities_to_lead(viewer),
            "challenge": queries.challenges_to_choose(viewer),
        }
        for name, rows in choices.items():
            field = self.fields[name]
            assert isinstance(field, forms.ModelChoiceField)
            field.queryset = rows
        if hearing is not None:
            del self.fields["community"]

    def clean(self) -> dict[str, Any]:
        """Check that it closes after it opens."""
        given: dict[str, Any] = super().clean() or {}
        opens, closes = given.get("opens_at"), given.get("closes_at")
        if opens and closes and closes <= opens:
            self.add_error("closes_at", _("It has to close after it opens"))
        return given


class DocumentForm(forms.Form):
    """The document, pasted or uploaded, and perhaps the original for download."""

    text = forms.CharField(
        label=_("Paste the text"),
        help_text=_(
            "A line that begins with # is a heading, with 1. or 2.3 a numbered clause, with - an"
            " item of a list. An empty line ends a paragraph."
        ),
        max_length=MOST_LETTERS,
        widget=forms.Textarea(attrs={"rows": 12}),
        error_messages={"max_length": TOO_LONG},
        required=False,
    )
    text_file = forms.FileField(
        label=_("Or upload it as plain text or Markdown"),
        help_text=_(
            "A .txt or .md file, up to 4 MB. Save it from your word processor as plain text."
        ),
        widget=forms.FileInput(attrs={"accept": ".txt,.md,.markdown,text/plain,text/markdown"}),
        required=False,
    )
    original = forms.FileField(
        label=_("The original as a PDF, for people to download"),
        help_text=_("Up to 10 MB. People comment on the text, not on the file."),
        widget=forms.FileInput(attrs={"accept": "application/pdf"}),
        required=False,
    )

    def __init__(self, data: Any = None, files: Any = None) -> None:
        super().__init__(data, files)
        self.fields["text"].widget.attrs.pop("maxlength", None)  # nothing is cut off unsaid

    def clean_text(self) -> str:
        """Return the pasted text with one kind of line end."""
        return clean(self.cleaned_data["text"])

    def clean_text_file(self) -> str:
        """Return the words of an uploaded text, whichever of the common ways it is written in."""
        file = self.cleaned_data["text_file"]
        if not file:
            return ""
        if file.size > MOST_TEXT_BYTES:
            raise ValidationError(_("This file is larger than 4 MB. Is it plain text?"))
        content = file.read()
        for sign, way in (
            (b"\xff\xfe", "utf-16"),
            (b"\xfe\xff", "utf-16"),
            (b"", "utf-8-sig"),
            (b"", "cp1252"),
        ):
            if content.startswith(sign):
                try:
                    text = content.decode(way)
                except UnicodeDecodeError:
                    continue
                if "\x00" not in text:
                    return clean(text)
        raise ValidationError(
            _(
                "This is not plain text. Save it as .txt from your word processor, or paste the text."
            )
        )

    def clean_original(self) -> tuple[str, bytes] | None:
        """Return name and content of a PDF; the first bytes say what a file is, not its name."""
        file = self.cleaned_data["original"]
        if not file:
            return None
        if file.size > MOST_FILE_BYTES:
            raise ValidationError(_("This file is larger than 10 MB. Choose a smaller one"))
        content: bytes = file.read()
        if not content.startswith(b"%PDF-") or b"%%EOF" not in content[-2048:]:
            raise ValidationError(_("This is not a PDF, or it is damaged"))
        name = "".join(sign for sign in file.name if sign.isprintable() and sign not in '"\\/')
        return name[-200:] or "document.pdf", content

    def clean(self) -> dict[str, Any]:
        """Ask for one thing at least, and not for two texts."""
        given: dict[str, Any] = super().clean() or {}
        if self.errors:
            return given
        if given.get("text") and given.get("text_file"):
            self.add_error("text_file", _("Paste a text or upload one, not both"))
        elif not given.get("text") and not given.get("text_file") and not given.get("original"):
            self.add_error("text", _("Paste the text, or choose a file"))
        return given


class PassageForm(forms.Form):
    """A passage that is not public yet."""

    text = forms.CharField(
        label=_("The words"),
        help_text=_("An empty line splits it in two. Delete all words to take it out."),
        max_length=A_PASSAGE,
        widget=forms.Textarea(attrs={"rows": 8}),
        required=False,
        error_messages={"max_length": TOO_LONG},
    )
    kind = forms.ChoiceField(label=_("What is it?"), choices=Kind.choices, widget=forms.RadioSelect)
    label = Line(
        label=_("The number it bears in the document"),
        max_length=40,
        required=False,
        help_text=_("Like 2.1 or (a)"),
        widget=forms.TextInput(attrs={"class": "govuk-input--width-10"}),
    )
    level = forms.TypedChoiceField(
        label=_("How deep does it stand?"),
        choices=[(n, str(n)) for n in range(1, 7)],
        coerce=int,
    )

    def __init__(self, data: Any = None, *, passage: Passage) -> None:
        names = ("text", "kind", "label", "level")
        super().__init__(data, initial={name: getattr(passage, name) for name in names})


class PublishForm(forms.Form):
    """What changed in a revised document, and why."""

    why = Said(
        most=3000,
        rows=6,
        label=_("What changed, and why?"),
        help_text=_("People who commented want to know what became of their words."),
        nothing=_("Say in a few sentences what changed, and why"),
    )


class SpokenForm(forms.Form):
    """A form in which somebody says as what they speak, where there is a choice."""

    standing = forms.ChoiceField(
        label=_("You speak as"),
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose as what you speak")},
    )
    name = Line(
        label=_("Your name"),
        max_length=80,
        required=False,
        help_text=_("It is shown with your words. You may leave it empty."),
    )

    def __init__(
        self, data: Any = None, *, voices: list[Voice], is_guest: bool = False, **given: Any
    ) -> None:
        super().__init__(data, **given)
        self.voices = {voice.key: voice for voice in voices}
        field = self.fields["standing"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(voice.key, voice.words) for voice in voices]
        if len(voices) == 1:
            field.widget, field.required = forms.HiddenInput(), False
            self.initial["standing"] = voices[0].key
        elif not voices:
            del self.fields["standing"]
        if not is_guest:
            del self.fields["name"]

    @property
    def spoken(self) -> dict[str, Any]:
        """Return as what and under which name the person speaks, as the action takes it."""
        said: dict[str, Any] = {"name": self.cleaned_data.get("name", "")}
        if self.voices:
            voice = self.voices[self.cleaned_data["standing"] or next(iter(self.voices))]
            said |= {"standing": voice.kind.value, "organisation": voice.organisation}
        return said


class CommentForm(SpokenForm):
    """What somebody says about a passage."""

    stance = forms.ChoiceField(
        label=_("How do you stand to it?"),
        choices=Stance.choices,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose how you stand to it")},
    )
    body = Said(most=5000, label=_("What do you want to say?"))
    wording = Said(
        most=5000,
        rows=3,
        label=_("How should it read instead?"),
        help_text=_("If you would put it in other words, write them here."),
        required=False,
    )
    field_order = ("stance", "body", "wording", "standing", "name")

    @property
    def words(self) -> dict[str, Any]:
        """Return what is said, as the action takes it."""
        return {name: self.cleaned_data[name] for name in ("stance", "body", "wording")}


class ReplyForm(SpokenForm):
    """A reply to a comment."""

    body = Said(most=5000, label=_("Your reply"))
    field_order = ("body", "standing", "name")

    @property
    def words(self) -> dict[str, Any]:
        """Return what is said, as the action takes it: a reply takes no stance of its own."""
        return {"stance": Stance.NEITHER.value, "body": self.cleaned_data["body"]}


class ReportForm(forms.Form):
    """What is wrong with a comment."""

    reason = forms.ChoiceField(
        label=_("What is wrong with it?"),
        choices=Reason.choices,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose what is wrong with it")},
    )
    words = Said(
        most=500, rows=3, label=_("Anything else a moderator should know?"), required=False
    )


class HideForm(forms.Form):
    """Why a moderator hides a comment."""

    reason = forms.ChoiceField(
        label=_("Why is it hidden?"),
        help_text=_("The person who wrote it is told, and the place where it stood says it."),
        choices=Reason.choices,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose a reason: the person will ask.")},
    )


class BulkForm(forms.Form):
    """Which comments of a queue, and what to do with them."""

    SHOW, HIDE = "show", "hide"
    says_optional = False

    comment = forms.TypedMultipleChoiceField(
        label=_("Comments"), coerce=int, error_messages={"required": _("Tick a comment first")}
    )
    do = forms.ChoiceField(choices=[(SHOW, SHOW), (HIDE, HIDE)])
    reason = forms.ChoiceField(
        label=_("If you hide them: why?"),
        choices=[("", _("Choose a reason")), *Reason.choices],
        required=False,
    )

    def __init__(self, data: Any = None, *, numbers: list[int]) -> None:
        super().__init__(data)
        field = self.fields["comment"]
        assert isinstance(field, forms.TypedMultipleChoiceField)
        field.choices = [(str(number), str(number)) for number in numbers]

    def clean(self) -> dict[str, Any]:
        """Ask for the reason where something is hidden."""
        given: dict[str, Any] = super().clean() or {}
        if given.get("do") == self.HIDE and not given.get("reason"):
            self.add_error("reason", _("Choose a reason: the people will ask."))
        return given


class LetterForm(forms.Form):
    """What came by another way than this site."""

    channel = forms.ChoiceField(
        label=_("How did it come?"),
        choices=[way for way in Channel.choices if way[0] != Channel.ONLINE],
        widget=forms.RadioSelect,
    )
    received_on = Day(label=_("On which day?"))
    name = Line(
        label=_("From whom?"),
        max_length=80,
        required=False,
        help_text=_("It is shown. Leave it empty unless they agreed to that."),
    )
    standing = forms.ChoiceField(
        label=_("As what do they speak?"),
        choices=[("", _("Not said")), *StandingKind.choices],
        required=False,
    )
    passage = forms.IntegerField(
        label=_("The number of the passage it is about"),
        required=False,
        min_value=1,
        help_text=_("As it stands beside the passage. Empty: the document as a whole."),
        widget=forms.TextInput(attrs={"inputmode": "numeric", "class": "govuk-input--width-10"}),
        error_messages={"invalid": _("Write the number of a passage, like 12")},
    )
    stance = CommentForm.base_fields["stance"]
    body = Said(most=5000, rows=6, label=_("What do they say?"))
    wording = Said(
        most=5000, rows=3, label=_("Their words for the passage instead"), required=False
    )

    def __init__(self, data: Any = None, *, version: Version, today: Any) -> None:
        super().__init__(data)
        self.fields["received_on"].required = True
        self.fields["stance"].label = _("How do they stand to it?")
        self.version, self.today = version, today
        self.found: Passage | None = None

    def clean_received_on(self) -> Any:
        """Return a day that has come."""
        day = self.cleaned_data["received_on"]
        if day and day > self.today:
            raise ValidationError(gettext("This day is still to come"))
        return day

    def clean_passage(self) -> Passage | None:
        """Return the passage with this number."""
        number = self.cleaned_data["passage"]
        if number is None:
            return None
        found = queries.passage(self.version, number) if number < 2**31 else []
        if not found:
            raise ValidationError(gettext("The document has no passage with this number"))
        return found[0]


class AnswerForm(forms.Form):
    """An official answer."""

    status = forms.ChoiceField(
        label=_("What becomes of it?"),
        choices=Outcome.choices,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose what becomes of it")},
    )
    words = Said(
        most=3000,
        rows=6,
        label=_("Why? Everyone can read this"),
        nothing=_("Say why, in plain words"),
    )


class ConcludeForm(forms.Form):
    """What came of a hearing as a whole."""

    words = Said(
        most=3000,
        rows=8,
        label=_("What did you hear, and what happens now?"),
        help_text=_("Those who took part read this first."),
        nothing=_("Say what you heard, and what happens now"),
    )


class WithdrawForm(forms.Form):
    """Why a hearing is withdrawn, and what of it can be read meanwhile."""

    READ, WITHHELD = "read", "withheld"

    why = Said(
        most=1000,
        rows=4,
        label=_("Why is it withdrawn?"),
        help_text=_(
            "Everybody reads it on the hearing’s page, and those who spoke get it by mail. Say what"
            " happens now. Like: The wrong draft was published. The right one comes next week."
        ),
        nothing=_("Say why: people gave their time"),
    )
    reading = forms.ChoiceField(
        label=_("What can be read meanwhile?"),
        choices=[
            (READ, _("The document and all comments, as now")),
            (WITHHELD, _("Neither: only staff can, and people their own words")),
        ],
        initial=READ,
        widget=forms.RadioSelect,
        help_text=_(
            "People gave their words in public, so leave them unless the document should never have"
            " been seen, or tells something private about somebody."
        ),
        error_messages={"required": _("Choose what can be read")},
    )


class FindForm(forms.Form):
    """Searching and ordering the comments."""

    says_optional = False

    q = Line(label=_("Words to look for"), required=False, max_length=100)
    stance = forms.ChoiceField(
        label=_("How people stand"), choices=[("", _("All")), *Stance.choices], required=False
    )
    answered = forms.ChoiceField(
        label=_("Answer"),
        choices=[
            ("", _("All")),
            ("yes", _("Answered")),
            ("no", _("Not answered yet")),
            ("words", _("Proposes other words")),
        ],
        required=False,
    )
    order = forms.ChoiceField(
        label=_("Order"),
        choices=[("newest", _("Newest first")), ("agreed", _("Most agreed with first"))],
        required=False,
    )
