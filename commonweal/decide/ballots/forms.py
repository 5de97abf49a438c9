"""The shape of a ballot of each kind, and plain words for mistakes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from commonweal.decide.ballots.models import Ballot
from commonweal.decide.ballots.rules import Choice, Wrong, no_room
from commonweal.decide.budgets.models import BallotKind, Pot, Project
from commonweal.kit.money import pounds

MOST_LINES = 1_000
LONGEST_WORD = 20  # what is kept of something that is no number, to show it again
LONGEST_NUMBER = 4
TICKS = "projects"
NONE = "none"
# What the field of a project is called on ballots that say more than yes.
FIELDS = {BallotKind.RANKED: "place", BallotKind.POINTS: "points", BallotKind.SCORES: "score"}
NO_NUMBER = {
    BallotKind.RANKED: gettext_lazy("Write the place as a number, like 1."),
    BallotKind.POINTS: gettext_lazy("Write the points as a whole number, like 3."),
    BallotKind.SCORES: gettext_lazy("Choose one of the scores."),
}
NOTHING_CHOSEN: dict[BallotKind, str | Promise] = {
    BallotKind.APPROVAL: gettext_lazy(
        "Tick at least one idea, or tick that you would fund none of these."
    ),
    BallotKind.CHOOSE_ONE: gettext_lazy("Choose one idea, or that you would fund none of these."),
    BallotKind.BASKET: gettext_lazy(
        "Put at least one idea into your basket, or tick that you would fund none of these."
    ),
    BallotKind.RANKED: gettext_lazy(
        "Give at least one idea a place, or tick that you would fund none of these."
    ),
    BallotKind.POINTS: gettext_lazy(
        "Give at least one idea a point, or tick that you would fund none of these."
    ),
    BallotKind.SCORES: gettext_lazy(
        "Give at least one idea a score above 0, or tick that you would fund none of these."
    ),
}


def kind_of(data: Mapping[str, Any]) -> BallotKind:
    """Return what kind of ballot a form says it is; without a word, ticks."""
    said = data.get("kind", "")
    return BallotKind(said) if said in BallotKind.values else BallotKind.APPROVAL


def number_in(word: str) -> int | None:
    """Return the number of a project as our own pages write it."""
    fits = word.isascii() and word.isdigit() and len(word) < 19 and word[0] != "0"
    return int(word) if fits else None


def value_in(word: str) -> int | None:
    """Return a place, points or a score that somebody wrote; an empty field is nothing."""
    if not word:
        return 0
    fits = word.isascii() and word.isdigit() and len(word.lstrip("0")) <= LONGEST_NUMBER
    return int(word) if fits else None


@dataclass(frozen=True)
class Written:
    """What stands on a ballot's form for each project, mistakes included."""

    words: dict[int, str]
    is_broken: bool = False

    @classmethod
    def on(cls, data: QueryDict, kind: BallotKind) -> Written:
        """Read the fields of this kind of ballot; names that no page of ours writes are broken."""
        given = _ticked(data) if kind not in FIELDS else _filled(data, FIELDS[kind])
        words: dict[int, str] = {}
        is_broken = False
        for count, (name, word) in enumerate(given):
            number = number_in(name)
            if number is None or count >= MOST_LINES:
                is_broken = True
            else:
                words[number] = word.strip()[:LONGEST_WORD].replace(
                    "\0", "\N{REPLACEMENT CHARACTER}"
                )
        return cls(words, is_broken)

    @classmethod
    def of(cls, ballot: Ballot, kind: BallotKind, listed: Iterable[int]) -> Written:
        """Return what the form says of a ballot that was cast."""
        words = cls.saying(Choice(tuple(ballot.projects), tuple(ballot.marks))).words
        if kind == BallotKind.SCORES:
            words = dict.fromkeys(listed, "0") | words
        return cls(words)

    @classmethod
    def saying(cls, choice: Choice) -> Written:
        """Return what the form says of a choice."""
        return cls(dict(zip(choice.projects, map(str, choice.marks), strict=True)))

    def moved(self, kind: BallotKind, step: str, number: int) -> Written:
        """Return this after one press of a button beside a project."""
        words = dict(self.words)
        if kind == BallotKind.RANKED:
            return Written(self._in_order(list(self.marks(kind)), step, number))
        if kind == BallotKind.POINTS:
            points = value_in(words.get(number, "")) or 0
            words[number] = str(max(0, points + {"more": 1, "less": -1}.get(step, 0)))
        elif step == "add":
            words[number] = "1"
        elif step == "out":
            words.pop(number, None)
        return Written(words)

    def _in_order(self, order: list[int], step: str, number: int) -> dict[int, str]:
        """Number the places anew after a step; what cannot be read stays as it was written."""
        if step not in ("up", "down", "next", "out") or (
            number not in order and step in ("up", "down")
        ):
            return self.words
        at = order.index(number) if number in order else len(order)
        order = [other for other in order if other != number]
        if step != "out":
            to = {"up": max(0, at - 1), "down": at + 1}.get(step, at)
            order.insert(to, number)
        unread = {n: w for n, w in self.words.items() if value_in(w) is None and n != number}
        return {other: str(place) for place, other in enumerate(order, start=1)} | unread

    def fields(self, kind: BallotKind) -> list[tuple[str, str]]:
        """Return the form's fields that say this."""
        if kind not in FIELDS:
            return [(TICKS, str(number)) for number in self.words]
        return [(f"{FIELDS[kind]}-{number}", word) for number, word in self.words.items()]

    def marks(self, kind: BallotKind) -> dict[int, int]:
        """Return what can be read as a mark, in the order of places where there are places."""
        read = {number: value_in(word) for number, word in self.words.items()}
        marks = {number: value for number, value in read.items() if value}
        if kind == BallotKind.RANKED:
            return dict(sorted(marks.items(), key=lambda mark: mark[1]))
        return marks


def _ticked(data: QueryDict) -> list[tuple[str, str]]:
    return [(word, "1") for word in data.getlist(TICKS) if word != NONE]


def _filled(data: QueryDict, field: str) -> list[tuple[str, str]]:
    found = []
    for name in data:
        head, _dash, number = name.partition("-")
        if head == field:
            found += [(number, word) for word in data.getlist(name)[-1:]]
    return found


class Marks(forms.Field):
    """What a ballot says of each project; the action knows which projects there are."""

    def __init__(self, kind: BallotKind) -> None:
        super().__init__(required=False, label=_("Ideas"), widget=forms.HiddenInput)
        self.kind = kind

    def to_python(self, value: Any) -> Choice:
        """Read the marks; gaps between places close, since the order is the same."""
        written: Written = value
        if written.is_broken:
            raise ValidationError(
                _("Something in this form was broken. Choose again, then send it once more.")
            )
        wrong = [number for number, word in written.words.items() if self._is_wrong(word)]
        if wrong:
            words = NO_NUMBER.get(self.kind, "")
            raise ValidationError(
                [ValidationError(words, code="number", params={"project": n}) for n in wrong]
            )
        marks = written.marks(self.kind)
        if self.kind == BallotKind.RANKED:
            place = {mark: k for k, mark in enumerate(sorted(set(marks.values())), start=1)}
            marks = {number: place[mark] for number, mark in marks.items()}
        return Choice.marked(marks)

    def _is_wrong(self, word: str) -> bool:
        value = value_in(word)
        return value is None or (value == 0 and bool(word) and self.kind == BallotKind.RANKED)


class BallotForm(forms.Form):
    """What a voter chooses; choosing nothing has to be said aloud."""

    nothing = forms.BooleanField(
        required=False,
        label=gettext_lazy("I would fund none of these"),
        help_text=gettext_lazy("Your ballot then counts as a ballot, with nothing on it."),
    )

    def __init__(self, data: QueryDict | None = None, *, kind: BallotKind | None = None) -> None:
        super().__init__(data)
        self.kind = kind or kind_of(data or {})
        self.written = Written.on(data, self.kind) if data is not None else Written({})
        self.fields = {"marks": Marks(self.kind), **self.fields}

    def _clean_fields(self) -> None:
        """Let the field of marks read what is spread over the form."""
        for name, field in self.fields.items():
            try:
                if name == "marks":
                    self.cleaned_data[name] = field.clean(self.written)
                else:
                    self.cleaned_data[name] = self.says_nothing
            except ValidationError as mistake:
                self.add_error(name, mistake)

    @property
    def says_nothing(self) -> bool:
        """Tell whether the voter said that they would fund none of these."""
        ticked = self.data.getlist(TICKS) if isinstance(self.data, QueryDict) else []
        return bool(self.data.get("nothing")) or ticked[-1:] == [NONE]

    def clean(self) -> dict[str, Any]:
        """Ask for a choice, and for one choice only."""
        given: dict[str, Any] = super().clean() or {}
        choice: Choice | None = given.get("marks")
        if choice and choice.projects and given.get("nothing"):
            self.add_error(
                "nothing",
                _("You chose ideas, and said that you would fund none. Take one of the two out."),
            )
        if choice and not choice.projects and not given.get("nothing"):
            self.add_error("marks", str(NOTHING_CHOSEN[self.kind]))
        return given

    def refuse(self, wrong: Wrong) -> None:
        """Put what the pot does not take into words beside the ideas it is about."""
        beside = [
            ValidationError(wrong.words, code=wrong.code, params={"project": number})
            for number in wrong.projects
        ]
        self.add_error("marks", ValidationError(beside or wrong.words))

    def beside(self) -> dict[int, str]:
        """Return the words that stand beside single ideas."""
        found = self.errors.as_data().get("marks", ()) if self.is_bound else ()
        return {e.params["project"]: e.messages[0] for e in found if e.params}

    def above(self) -> list[str]:
        """Return the words that stand above all ideas."""
        found = self.errors.as_data().get("marks", ()) if self.is_bound else ()
        return [e.messages[0] for e in found if not e.params]


@dataclass(frozen=True)
class Line:
    """One project as it stands on a ballot's page."""

    project: Project
    word: str  # what stands in its field
    mark: int
    mistake: str
    no_room: str
    is_listed: bool  # on the shortlist of this browser


class Sheet:
    """A ballot as it stands on the page: its lines, what is chosen so far, and what is left."""

    def __init__(
        self,
        pot: Pot,
        projects: list[Project],
        written: Written,
        *,
        mistakes: Mapping[int, str] | None = None,
        shortlist: Collection[int] = (),
        nothing: bool = False,
    ) -> None:
        self.pot, self.kind, self.nothing = pot, BallotKind(pot.ballot_kind), nothing
        self.projects = {project.pk: project for project in projects}
        self.words = {n: word for n, word in written.words.items() if n in self.projects}
        self.marks = {n: m for n, m in written.marks(self.kind).items() if n in self.projects}
        self.mistakes, self.shortlist = mistakes or {}, frozenset(shortlist)

    @cached_property
    def lines(self) -> list[Line]:
        """Return every project in the order drawn for this voter."""
        return [self._line(project) for project in self.projects.values()]

    def _line(self, project: Project) -> Line:
        number = project.pk
        return Line(
            project=project,
            word=self.words.get(number, ""),
            mark=self.marks.get(number, 0),
            mistake=self.mistakes.get(number, ""),
            no_room=no_room(self.pot, self.projects, self.marks, number),
            is_listed=number in self.shortlist,
        )

    @cached_property
    def chosen(self) -> list[Line]:
        """Return what is chosen: in order of places, or most points first, or as it stands."""
        chosen = [line for line in self.lines if line.mark]
        if self.kind == BallotKind.RANKED:
            return sorted(chosen, key=lambda line: line.mark)
        return sorted(chosen, key=lambda line: -line.mark)

    @property
    def mistaken(self) -> list[Line]:
        """Return the lines with words beside them that say what to mend."""
        return [line for line in self.lines if line.mistake]

    @property
    def blocks(self) -> list[tuple[str, list[Line]]]:
        """Return the lines in blocks: those of which only one can win stand together.

        What has a place already stands in the voter's own order, and not here.
        """
        shown = [line for line in self.lines if self.kind != BallotKind.RANKED or not line.mark]
        blocks: list[tuple[str, list[Line]]] = []
        seen: set[str] = set()
        for line in shown:
            name = self.group_of(line.project)
            if not name and blocks and not blocks[-1][0]:
                blocks[-1][1].append(line)
            elif not name:
                blocks.append(("", [line]))
            elif name not in seen:
                seen.add(name)
                blocks.append((name, [one for one in shown if one.project.exclusive == name]))
        return blocks

    def group_of(self, project: Project) -> str:
        """Return the name of the group of which only one can win, if there are others in it."""
        others = (other.exclusive for other in self.projects.values() if other is not project)
        return project.exclusive if project.exclusive and project.exclusive in others else ""

    @property
    def scores(self) -> list[str]:
        """Return the scores there are to give."""
        return [str(score) for score in range(self.pot.top_score + 1)]

    @cached_property
    def total_pence(self) -> int:
        """Return what the chosen projects cost together."""
        return sum(self.projects[number].cost_pence for number in self.marks)

    @property
    def left_pence(self) -> int:
        """Return what the pot still holds beside what is chosen."""
        return self.pot.pence - self.total_pence

    @property
    def over_pence(self) -> int:
        """Return by how much the chosen projects cost more than the pot holds."""
        return max(0, -self.left_pence)

    @property
    def points_left(self) -> int:
        """Return how many points are not given yet; fewer than none when too many are."""
        return self.pot.points - sum(self.marks.values())

    @property
    def points_over(self) -> int:
        """Return how many points more were given than there are."""
        return max(0, -self.points_left)

    @property
    def share(self) -> float:
        """Return how far the bar is filled."""
        if self.kind == BallotKind.POINTS:
            return 1 - self.points_left / self.pot.points
        if self.is_about_money:
            return self.total_pence / self.pot.pence
        return len(self.marks) / max(1, len(self.projects))

    @property
    def is_about_money(self) -> bool:
        """Tell whether what the chosen projects cost together is what a voter looks at."""
        return self.kind in (BallotKind.APPROVAL, BallotKind.BASKET)

    @property
    def summary(self) -> str:
        """Say in one sentence how much is chosen so far."""
        count, of = len(self.marks), len(self.projects)
        if self.is_about_money:
            values = {"total": pounds(self.total_pence), "pot": pounds(self.pot.pence)}
            return _("%(total)s of %(pot)s chosen") % values
        if self.kind == BallotKind.POINTS:
            spent = sum(self.marks.values())
            words = ngettext(
                "%(spent)s of %(points)s point given",
                "%(spent)s of %(points)s points given",
                self.pot.points,
            )
            return words % {"spent": spent, "points": self.pot.points}
        many = {
            BallotKind.RANKED: _("%(count)s of %(of)s ideas in your order"),
            BallotKind.SCORES: _("%(count)s of %(of)s ideas with a score above 0"),
        }.get(self.kind, _("%(count)s of %(of)s ideas chosen"))
        return many % {"count": count, "of": of}

    def refuses(self, step: str, number: int) -> str:
        """Say why a button beside a project changes nothing now; nothing if it does."""
        if step == "more" and self.points_left < 1:
            return _("You have no points left. Take one back to give it here.")
        if step in ("add", "next"):
            return no_room(self.pot, self.projects, self.marks, number)
        return ""

    def begun_with(self, shortlist: list[int]) -> Written:
        """Return how a shortlist begins this kind of ballot: as much of it as fits."""
        listed = [number for number in shortlist if number in self.projects]
        if self.kind == BallotKind.SCORES or (
            self.kind == BallotKind.CHOOSE_ONE and len(listed) > 1
        ):
            return Written({})
        marks: dict[int, int] = {}
        for number in listed:
            if self.kind == BallotKind.POINTS and len(marks) == self.pot.points:
                break
            if not no_room(self.pot, self.projects, marks, number):
                marks[number] = len(marks) + 1 if self.kind == BallotKind.RANKED else 1
        return Written({number: str(mark) for number, mark in marks.items()})

    def focus(self, step: str) -> str:
        """Return on which button to stand after a press, where the pressed one has gone."""
        stands = {"next": "up", "out": "next"} if self.kind == BallotKind.RANKED else {}
        return stands.get(step, "")

    def said(self, number: int) -> str:
        """Say what the last press of a button did to a project."""
        project, mark = self.projects[number], self.marks.get(number, 0)
        values = {"title": project.title, "mark": mark}
        if self.kind == BallotKind.RANKED:
            inside = _("“%(title)s” is in place %(mark)s.")
            return (inside if mark else _("“%(title)s” is out of your order.")) % values
        if self.kind == BallotKind.POINTS:
            words = ngettext(
                "“%(title)s” has %(mark)s point.", "“%(title)s” has %(mark)s points.", mark
            )
            return words % values
        inside = _("“%(title)s” is in your basket.")
        return (inside if mark else _("“%(title)s” is out of your basket.")) % values
