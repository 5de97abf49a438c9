"""The shape of lists that staff upload, of finding oneself, and of codes; plain words for mistakes."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from typing import Any, NamedTuple

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.core.validators import validate_email
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from commonweal.decide.registers import rules
from commonweal.decide.registers.actions import Listed, Mistake, WrongLines
from commonweal.decide.registers.models import Part, Register
from commonweal.ground.places.models import Community

MOST_COLUMNS = 200
MOST_LETTERS = 20_000  # in one line: a quote that is never closed swallows the rest of the file
MOST_BYTES = 200_000_000
KEEP_AT_MOST = timedelta(days=2 * 366)
PER_FILE = 1_000  # letters in one PDF; a longer list goes to a printer as a table
MOST_CODES = 100_000
HOW_TO_SAVE = gettext_lazy("Save the list as CSV (UTF-8) and choose that file.")

# What lists call their columns, in letters and figures alone.
CALLED: Mapping[str, tuple[str, ...]] = {
    Part.NUMBER: (
        "number", "electornumber", "electorno", "electoralnumber", "pollnumber", "rollnumber",
        "reference", "ref", "membershipnumber", "membernumber", "id", "rhif",
    ),
    Part.SURNAME: (
        "surname", "lastname", "familyname", "electorsurname", "electorlastname", "cyfenw",
    ),
    Part.FIRST_NAME: (
        "firstname", "forename", "forenames", "givenname", "givennames", "electorforename",
        "electorfirstname", "christianname", "enwcyntaf",
    ),
    Part.POSTCODE: ("postcode", "postalcode", "electorpostcode", "propertypostcode", "codpost"),
    Part.BORN: (
        "dateofbirth", "dob", "birthdate", "born", "electordob", "dateofattainment", "dyddiadgeni",
    ),
    "area": ("area", "ward", "district", "wardname", "electoralward", "division", "community"),
    "email": ("email", "emailaddress", "mail", "ebost"),
}  # fmt: skip


class NotAList(Exception):
    """The file cannot be read as a table; the words say why and what to do."""


class Row(NamedTuple):
    """One line of a table."""

    line: int
    cells: list[str]


class Table:
    """A table in a file of text, read line by line: memory does not grow with it."""

    def __init__(self, file: UploadedFile[Any]) -> None:
        self.file = file
        self.encoding = self._encoding()
        head, self.delimiter = self._head()
        self.head = [name.strip() for name in head]

    def rows(self) -> Iterator[Row]:
        """Yield the lines behind the head that hold anything. Raises ``NotAList``."""
        rows = self._all()
        next(rows)
        for row in rows:
            if any(cell.strip() for cell in row.cells):
                yield row

    def column(self, name: str, *, called: str = "") -> int:
        """Return where a column stands, by the name it was said to have or by what it says itself.

        Raises ``NotAList`` with the names that there are.
        """
        plain = [rules.plain(one) for one in self.head]
        wanted = (rules.plain(called),) if called else CALLED[name]
        for one in wanted:
            if one in plain:
                return plain.index(one)
        words = _(
            "There is no column %(name)s. The list has: %(head)s. Write the right name below."
        )
        known = str(Part(name).label) if name in Part.values else name
        head = ", ".join(one[:40] for one in self.head[:20])
        raise NotAList(words % {"name": called or known, "head": head})

    def _all(self) -> Iterator[Row]:
        self.file.seek(0)
        text = io.TextIOWrapper(io.BufferedReader(_Held(self.file)), self.encoding, newline="")
        reader = csv.reader(text, delimiter=getattr(self, "delimiter", ","))
        try:
            for cells in reader:
                long = len(cells) > MOST_COLUMNS or sum(map(len, cells)) > MOST_LETTERS
                if long or any("\0" in cell for cell in cells):
                    raise self._broken(reader.line_num)
                yield Row(reader.line_num, cells)
        except csv.Error:
            raise self._broken(reader.line_num) from None
        except UnicodeError:
            words = _("Line %(line)s holds letters that we cannot read.")
            wrong = words % {"line": reader.line_num + 1}
            raise NotAList(f"{wrong} {HOW_TO_SAVE}") from None

    def _broken(self, line: int) -> NotAList:
        words = _("Line %(line)s is no line of a table: look for a lone quotation mark near it.")
        return NotAList(f"{words % {'line': line}} {HOW_TO_SAVE}")

    def _encoding(self) -> str:
        """Return how the letters are written: by the mark at the beginning, or by what fits."""
        self.file.seek(0)
        start = self.file.read(4)
        if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16"
        if start.startswith(b"PK\x03\x04") or start.startswith(b"%PDF"):
            raise NotAList(
                f"{_('This is a workbook or a document, not a table of text.')} {HOW_TO_SAVE}"
            )
        decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self.file.seek(0)
        try:
            for chunk in self.file.chunks():
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "cp1252"  # what Excel writes in this country where nobody asked for better
        return "utf-8-sig"

    def _head(self) -> tuple[list[str], str]:
        first = next(self._all(), None)
        if first is None:
            raise NotAList(f"{_('The file is empty.')} {HOW_TO_SAVE}")
        self.file.seek(0)
        line = self.file.read(8_192).decode(self.encoding, errors="replace").splitlines()[0]
        self.delimiter = max(",;\t|", key=line.count)
        return next(self._all()).cells, self.delimiter


class _Held(io.RawIOBase):
    """A file that stays open when whoever reads its text is done."""

    def __init__(self, file: UploadedFile[Any]) -> None:
        self.file = file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        found = self.file.read(len(buffer))
        buffer[: len(found)] = found
        return len(found)


class ListForm(forms.Form):
    """A list of people in a file, and what its columns are called."""

    list = forms.FileField(
        label=gettext_lazy("The list"),
        help_text=gettext_lazy(
            "A CSV file with a line of column names on top. We read it once and do not keep it."
        ),
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,.txt,.tsv,text/csv"}),
    )
    columns = forms.CharField(
        label=gettext_lazy("What the columns are called"),
        required=False,
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy(
            "Only if the list uses names of its own, one a line, like this: postcode = Post code of flat."
        ),
    )
    table: Table
    wrong: WrongLines | None = None  # the lines that could not be taken

    def clean_list(self) -> UploadedFile[Any]:
        """Open the table and read its head."""
        file: UploadedFile[Any] = self.cleaned_data["list"]
        if file.size is not None and file.size > MOST_BYTES:
            raise ValidationError(
                _("The file is larger than 200 MB. Split it, or leave columns out.")
            )
        try:
            self.table = Table(file)
        except NotAList as error:
            raise ValidationError(str(error)) from None
        return file

    def clean_columns(self) -> dict[str, str]:
        """Return which column holds what, as far as it was said."""
        said: dict[str, str] = {}
        for line in self.cleaned_data["columns"].splitlines():
            part, sign, name = line.partition("=")
            key = part.strip().lower().replace(" ", "_")
            known = {"date_of_birth": Part.BORN.value, "district": "area"}.get(key, key)
            if not line.strip():
                continue
            if not sign or known not in CALLED or not name.strip():
                names = ", ".join(CALLED)
                words = _(
                    "Write each on a line of its own, like postcode = Post code. We know: %(names)s."
                )
                raise ValidationError(words % {"names": names})
            said[known] = name.strip()
        return said

    def places_of(self, names: Any) -> dict[str, int]:
        """Return where each column stands; put what is missing into words beside the list."""
        said = self.cleaned_data.get("columns") or {}
        found: dict[str, int] = {}
        for name in names:
            try:
                found[name] = self.table.column(name, called=said.get(name, ""))
            except NotAList as error:
                self.add_error("list", str(error))
                break
        return found

    def with_area(self, found: dict[str, int]) -> dict[str, int]:
        """Add where the district stands, if the list names one."""
        said = self.cleaned_data.get("columns") or {}
        try:
            return {**found, "area": self.table.column("area", called=said.get("area", ""))}
        except NotAList as error:
            if "area" in said:
                self.add_error("list", str(error))
            return found

    def lines(self, found: Mapping[str, int]) -> Iterator[tuple[Row, Listed]]:
        """Yield each line with the parts that identify somebody. Raises ``WrongLines``."""
        parts = {name: at for name, at in found.items() if name != "area"}
        furthest = max(found.values(), default=0)
        for row in self.table.rows():
            if len(row.cells) <= furthest:
                words = _("This line has %(n)s columns, the head has %(head)s.")
                told = {"n": len(row.cells), "head": len(self.table.head)}
                raise WrongLines([Mistake(row.line, words % told)])
            area = row.cells[found["area"]] if "area" in found else ""
            yield row, Listed(row.line, {name: row.cells[at] for name, at in parts.items()}, area)


class PeopleForm(ListForm):
    """A newer list for a register that there is."""

    twice_is_once = forms.BooleanField(
        label=gettext_lazy("Lines that say the same are one person"),
        required=False,
        help_text=gettext_lazy(
            "Without this, the list is not taken while two people in it cannot be told apart."
        ),
    )
    delete_on = forms.DateField(
        label=gettext_lazy("Delete it on"),
        help_text=gettext_lazy("Within two years. A ballot that runs on that day is waited for."),
        widget=forms.DateInput(
            attrs={"type": "date", "class": "govuk-input--width-10"}, format="%Y-%m-%d"
        ),
    )

    def __init__(self, *args: Any, today: date, parts: Any = (), **given: Any) -> None:
        super().__init__(*args, **given)
        self.today, self.known_by = today, list(parts)
        self.fields["delete_on"].initial = today + timedelta(days=365)

    def clean_delete_on(self) -> date:
        """Return a day to come, and not too far away."""
        day: date = self.cleaned_data["delete_on"]
        if not self.today < day <= self.today + KEEP_AT_MOST:
            raise ValidationError(_("Choose a day to come, within two years"))
        return day

    def clean(self) -> dict[str, Any]:
        """Find the columns."""
        given: dict[str, Any] = super().clean() or {}
        if "list" in given and not self.errors:
            parts = given.get("parts") or self.known_by
            self.found = self.places_of(parts)
            if not self.errors:
                self.found = self.with_area(self.found)
        return given

    def people(self) -> Iterator[Listed]:
        """Yield who stands in the list."""
        return (person for _row, person in self.lines(self.found))


class RegisterForm(PeopleForm):
    """A new register: of whom, and by what they are recognised."""

    title = forms.CharField(
        label=gettext_lazy("What is it called?"),
        max_length=120,
        help_text=gettext_lazy("People see this, like: Electoral register 2026"),
    )
    community = forms.ModelChoiceField(
        label=gettext_lazy("Whose people stand in it"),
        queryset=Community.objects.none(),
        empty_label=None,
    )
    parts = forms.MultipleChoiceField(
        label=gettext_lazy("By what is somebody recognised?"),
        choices=Part.choices,
        initial=[Part.SURNAME, Part.FIRST_NAME, Part.POSTCODE, Part.BORN],
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy(
            "People type all of these to be found. A neighbour should not be able to: a number from a card,"
            " or the date of birth, keeps them out."
        ),
    )
    field_order = ("title", "community", "parts", "list", "columns", "twice_is_once", "delete_on")

    def __init__(self, *args: Any, communities: Any, **given: Any) -> None:
        super().__init__(*args, **given)
        place: Any = self.fields["community"]
        place.queryset = communities

    def clean_parts(self) -> list[str]:
        """Return the parts in the order in which they are hashed; enough of them to mean somebody."""
        chosen = [part for part in Part.values if part in self.cleaned_data["parts"]]
        if Part.NUMBER not in chosen and not {Part.SURNAME, Part.POSTCODE} <= set(chosen):
            raise ValidationError(_("Choose a number, or at least surname and postcode"))
        return chosen


def readable_as(part: str) -> Callable[[Any], None]:
    """Return the check that something can be read as one part of what identifies somebody."""

    def check(text: Any) -> None:
        try:
            rules.read(part, str(text))
        except rules.Unreadable as error:
            raise ValidationError(str(error)) from None

    return check


class MatchForm(forms.Form):
    """What somebody types to be found in a register: exactly what the register knows people by."""

    HINTS: Mapping[str, Any] = {
        Part.NUMBER: gettext_lazy("It stands on your card. Spaces and dashes do not matter."),
        Part.SURNAME: "",
        Part.FIRST_NAME: gettext_lazy("As it stands on your poll card or letter, with middle names if they do."),
        Part.POSTCODE: "",
        Part.BORN: gettext_lazy("Like 9/2/1961"),
    }  # fmt: skip
    AUTOCOMPLETE: Mapping[str, str] = {
        Part.SURNAME: "family-name", Part.FIRST_NAME: "given-name", Part.POSTCODE: "postal-code",
        Part.BORN: "bday", Part.NUMBER: "off",
    }  # fmt: skip

    def __init__(self, *args: Any, register: Register, at_desk: bool = False, **given: Any) -> None:
        super().__init__(*args, **given)
        for part in register.parts:
            known = Part(part)
            attrs = {"autocomplete": "off" if at_desk else self.AUTOCOMPLETE[known]}
            if known in (Part.POSTCODE, Part.BORN, Part.NUMBER):
                attrs["class"] = "govuk-input--width-20"
            self.fields[part] = forms.CharField(
                label=known.label,
                help_text=self.HINTS[known],
                max_length=100,
                validators=[readable_as(part)],
                widget=forms.TextInput(attrs=attrs),
            )


class CodeForm(forms.Form):
    """A voting code, typed by hand or taken from the square on the letter."""

    code = forms.CharField(
        label=gettext_lazy("Your voting code"),
        help_text=gettext_lazy("15 letters and figures. Capitals, spaces and dashes do not matter."),
        max_length=100,
        error_messages={"max_length": gettext_lazy("A code has 15 letters and figures. You typed more.")},
        widget=forms.TextInput(
            attrs={
                "autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false",
                "class": "govuk-input--width-20", "data-from-hash": "",
            }
        ),
    )  # fmt: skip

    def clean_code(self) -> str:
        """Return the code's signs, or say which slip it could be."""
        try:
            return rules.typed(self.cleaned_data["code"])
        except rules.WrongCode as error:
            raise ValidationError(str(error)) from None


class Layout:
    """How codes are printed."""

    MANY, ONE, LARGE = "many", "one", "large"
    CHOICES = (
        (MANY, gettext_lazy("Eight on a page, to cut out")),
        (ONE, gettext_lazy("One on a page")),
        (LARGE, gettext_lazy("One on a page, in large print")),
    )


class CodesForm(forms.Form):
    """Codes for a pot; ``loose``: in which people vote with an account too, and could do both."""

    knows = forms.BooleanField(
        label=gettext_lazy(
            "Somebody with an account could vote again with such a code: I know this"
        ),
        required=False,
        help_text=gettext_lazy(
            "These codes are tied to nobody in a register, so nothing shows whose they are."
            " The result will say so. To rule it out, let only holders of a code vote."
        ),
    )

    def __init__(self, *args: Any, loose: bool = False, **given: Any) -> None:
        super().__init__(*args, **given)
        if not loose:
            del self.fields["knows"]

    def ask_to_know(self) -> None:
        """Refuse what was not ticked, where this batch is tied to nobody."""
        if "knows" in self.fields and not self.cleaned_data.get("knows"):
            self.add_error("knows", _("Tick this once you have made up your mind about it"))


class SheetsForm(CodesForm):
    """Codes for nobody in particular, on sheets."""

    count = forms.IntegerField(
        label=gettext_lazy("How many codes?"),
        min_value=1,
        max_value=MOST_CODES,
        widget=forms.NumberInput(attrs={"class": "govuk-input--width-5", "inputmode": "numeric"}),
    )
    layout = forms.ChoiceField(
        label=gettext_lazy("How they are printed"),
        choices=(*Layout.CHOICES, ("csv", gettext_lazy("A table for your own printer (CSV)"))),
        initial=Layout.MANY,
        widget=forms.RadioSelect,
        help_text=gettext_lazy("One PDF holds up to 1,000 codes. The table holds up to 100,000."),
    )
    replace = forms.BooleanField(
        label=gettext_lazy("Cancel the sheets made before, as far as nobody has used them"),
        required=False,
        help_text=gettext_lazy("Tick this if the download broke off, or sheets were lost."),
    )
    field_order = ("count", "layout", "replace", "knows")

    def clean(self) -> dict[str, Any]:
        """Keep a PDF to a size that can be made while somebody waits."""
        given: dict[str, Any] = super().clean() or {}
        if given.get("count", 0) > PER_FILE and given.get("layout") != "csv":
            self.add_error(
                "count", _("One PDF holds up to 1,000 codes. Make several, or take the table.")
            )
        self.ask_to_know()
        return given


class LettersForm(CodesForm, ListForm):
    """A letter for each line of a list."""

    register = forms.ModelChoiceField(
        label=gettext_lazy("In which register do they stand?"),
        queryset=Register.objects.none(),
        required=False,
        empty_label=gettext_lazy("In none: whoever gets the letter may vote"),
        help_text=gettext_lazy(
            "Each code is then tied to one person of the register, who cannot vote with an account as well."
        ),
    )
    layout = forms.ChoiceField(
        label=gettext_lazy("What you get"),
        choices=(
            ("csv", gettext_lazy("Your list with a column of codes, for mail merge (CSV)")),
            (Layout.ONE, gettext_lazy("Letters (PDF)")),
            (Layout.LARGE, gettext_lazy("Letters in large print (PDF)")),
        ),
        initial="csv",
        widget=forms.RadioSelect,
    )
    address = forms.CharField(
        label=gettext_lazy("Columns for the address on the letter"),
        required=False,
        max_length=500,
        help_text=gettext_lazy(
            "For a PDF: their names in order, with commas between, like: Name, Address 1, Town, Postcode"
        ),
    )
    field_order = ("register", "list", "columns", "layout", "address", "knows")

    def __init__(self, *args: Any, registers: Any, **given: Any) -> None:
        super().__init__(*args, **given)
        chosen: Any = self.fields["register"]
        chosen.queryset = registers

    def clean(self) -> dict[str, Any]:
        """Find the columns of the register and of the address."""
        given: dict[str, Any] = super().clean() or {}
        register = given.get("register")
        if register is None:
            self.ask_to_know()
        if self.errors or "list" not in given:
            return given
        self.found = self.places_of(register.parts if register else ())
        self.window: list[int] = []
        if not self.errors and given["layout"] != "csv":
            names = [name.strip() for name in given["address"].split(",") if name.strip()]
            if not names:
                self.add_error("address", _("Name the columns that make up the address, in order"))
            plain = [rules.plain(one) for one in self.table.head]
            for name in names:
                if rules.plain(name) not in plain:
                    words = _("The list has no column called %(name)s")
                    self.add_error("address", words % {"name": name[:60]})
                    break
                self.window.append(plain.index(rules.plain(name)))
        return given

    def people(self) -> Iterator[Listed]:
        """Yield who gets a letter."""
        return (person for _row, person in self.lines(self.found))


class MailsForm(CodesForm, ListForm):
    """A list of addresses."""

    field_order = ("list", "columns", "knows")

    def clean(self) -> dict[str, Any]:
        """Find the column of addresses."""
        given: dict[str, Any] = super().clean() or {}
        self.ask_to_know()
        if "list" in given and not self.errors:
            self.found = self.places_of(["email"])
        return given

    def addresses(self) -> Iterator[tuple[int, str]]:
        """Yield line and address. Raises ``WrongLines`` for what is no address."""
        for row, person in self.lines(self.found):
            address = person.given["email"].strip().lower()
            try:
                validate_email(address)
            except ValidationError:
                words = _("“%(address)s” is no email address.") % {"address": address[:60]}
                raise WrongLines([Mistake(row.line, words)]) from None
            yield row.line, address


class LostForm(forms.Form):
    """The number on a lost letter."""

    number = forms.IntegerField(
        label=gettext_lazy("Number on the letter"),
        min_value=1,
        max_value=2**31 - 1,
        widget=forms.NumberInput(attrs={"class": "govuk-input--width-5", "inputmode": "numeric"}),
    )
