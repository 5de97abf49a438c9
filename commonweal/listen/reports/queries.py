"""Reading what is handed out: votes in the form of Polis, and the report for a committee."""

from __future__ import annotations

import csv
import hashlib
import hmac
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

import numpy as np
from django.conf import settings
from django.db.models import Count
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from commonweal.ground.journal.queries import harmless
from commonweal.ground.places.rules import Viewer, may_lead
from commonweal.kit.copy import copy_out
from commonweal.listen.conversations.models import Conversation, Heed, Reason, State, Statement
from commonweal.listen.conversations.queries import FEWEST, answered
from commonweal.listen.maps import queries as maps
from commonweal.listen.maps.models import Map
from commonweal.listen.maps.queries import LETTERS, Line, Part
from commonweal.listen.maps.templatetags.maps import clarity, headline
from commonweal.listen.moderation.queries import set_aside_participants
from commonweal.listen.reports.models import Report

A_CHUNK = 50_000
A_DAY = 24 * 3600
VALUES = (-1, 0, 1)  # the columns of the counts below, in this order
MODERATED = {State.SHOWN: 1, State.WAITING: 0}  # all others are -1, as Polis has it

_VOTES = """
SELECT showing.participant_id, statement.number::bigint, showing.value::bigint,
       extract(epoch FROM showing.voted_at)::bigint
  FROM voices_showing showing
  JOIN conversations_statement statement ON statement.id = showing.statement_id
 WHERE showing.conversation_id = %s AND showing.value IS NOT NULL
 ORDER BY showing.participant_id, statement.number
"""


@dataclass(frozen=True, eq=False)
class Export:
    """The votes of a conversation without anything that fewer than five people said.

    ``voter``, ``number``, ``value`` and ``day`` have an entry for each vote that is handed out;
    ``left_out`` counts the cells (a statement, and one way to vote on it) that are not. Whoever
    votes has a number that says nothing of when they came.
    """

    conversation: Conversation
    statements: tuple[Statement, ...]
    voter: NDArray[np.int64]
    number: NDArray[np.int64]
    value: NDArray[np.int64]
    day: NDArray[np.int64]
    left_out: int
    address: str = ""  # of its page, for whoever has only the files

    @cached_property
    def place(self) -> dict[int, int]:
        """Return where each statement stands among them."""
        return {statement.number: at for at, statement in enumerate(self.statements)}

    @cached_property
    def voters(self) -> int:
        """Return how many people have a vote in it."""
        return len(np.unique(self.voter))

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """Return how many disagree, pass and agree, for each statement."""
        at = np.array([self.place[number] for number in self.number.tolist()], dtype=np.int64)
        table = np.zeros((len(self.statements), 3), dtype=np.int64)
        np.add.at(table, (at, self.value + 1), 1)
        return table


def export_of(conversation: Conversation) -> Export:
    """Return what may be handed out of a conversation."""
    statements = tuple(
        Statement.objects.filter(conversation=conversation)
        .only("number", "text", "state", "added_at", "conversation_id")
        .order_by("number")
    )
    rows = copy_out(_VOTES, [conversation.pk], columns=4)
    rows = rows[~np.isin(rows[:, 0], set_aside_participants(conversation))]
    people, number, value, second = rows.T
    keep = large_enough(number, value)
    return Export(
        conversation,
        statements,
        _renumbered(conversation, people[keep]),
        number[keep],
        value[keep],
        second[keep] // A_DAY * A_DAY,
        len(np.unique(_cells(number, value)[~keep])),
    )


def large_enough(number: NDArray[np.int64], value: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Say which votes are among at least five that say the same to the same statement."""
    _kinds, of, votes = np.unique(_cells(number, value), return_inverse=True, return_counts=True)
    return votes[of] >= FEWEST


def _cells(number: NDArray[np.int64], value: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return one number for each statement and way to vote."""
    return number * len(VALUES) + value + 1


def _renumbered(conversation: Conversation, people: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number people from 0 in an order that only the site's own secret can compute."""
    known, of = np.unique(people, return_inverse=True)
    secret = f"export:{conversation.pk}:{settings.SECRET_KEY}".encode()
    marks = [hmac.digest(secret, str(one).encode(), hashlib.sha256) for one in known.tolist()]
    order = sorted(range(len(marks)), key=marks.__getitem__)
    place = np.empty(len(marks), dtype=np.int64)
    place[order] = np.arange(len(marks))
    return place[of]


# --- the files, line by line


def votes_file(export: Export) -> Iterator[str]:
    """Yield the votes, a line each, the moment told to the day."""
    yield "timestamp,datetime,comment-id,voter-id,vote\n"
    order = np.lexsort((export.number, export.voter))
    words = {int(day): _day(int(day)) for day in np.unique(export.day)}
    for begin in range(0, len(order), A_CHUNK):
        part = order[begin : begin + A_CHUNK]
        lines = zip(
            export.day[part].tolist(),
            export.number[part].tolist(),
            export.voter[part].tolist(),
            export.value[part].tolist(),
            strict=True,
        )
        yield "".join(
            f"{day},{words[day]},{number},{voter},{value}\n" for day, number, voter, value in lines
        )


def statements_file(export: Export) -> Iterator[str]:
    """Yield the statements; the words of those that a moderator did not let through stay out."""
    yield "timestamp,datetime,comment-id,author-id,agrees,disagrees,moderated,comment-body\n"
    for statement, (disagree, _passed, agree) in zip(
        export.statements, export.counts.tolist(), strict=True
    ):
        day = int(statement.added_at.timestamp()) // A_DAY * A_DAY
        state = MODERATED.get(State(statement.state), -1)
        words = harmless(statement.text) if state >= 0 else ""
        yield _line(day, _day(day), statement.number, "", agree or "", disagree or "", state, words)


def people_file(export: Export) -> Iterator[str]:
    """Yield a line for each voter, with a column for each statement."""
    numbers = [statement.number for statement in export.statements]
    yield _line(
        "participant", "group-id", "n-comments", "n-votes", "n-agree", "n-disagree", *numbers
    )
    order = np.argsort(export.voter, kind="stable")
    ends = np.cumsum(np.bincount(export.voter)).tolist()
    for voter, (begin, end) in enumerate(zip([0, *ends], ends, strict=False)):
        mine = order[begin:end]
        row = [""] * len(numbers)
        votes = export.value[mine].tolist()
        for number, vote in zip(export.number[mine].tolist(), votes, strict=True):
            row[export.place[number]] = str(vote)
        yield _line(voter, "", "", len(votes), votes.count(1), votes.count(-1), *row)


def summary_file(export: Export) -> Iterator[str]:
    """Yield what the conversation is, and what was left out."""
    conversation = export.conversation
    yield _line("topic", harmless(conversation.question))
    yield _line("url", export.address or conversation.get_absolute_url())
    yield _line("voters", export.voters)
    yield _line("votes", len(export.value))
    yield _line("comments", len(export.statements))
    yield _line("cells-left-out", export.left_out)
    yield _line(
        "note",
        _(
            "Where fewer than 5 people voted one way on a statement, those votes are left out of"
            " every file. So are votes that moderators set aside, with reasons that are public. Times"
            " are told to the day, and authors are not told."
        ),
    )


FILES: dict[str, Callable[[Export], Iterator[str]]] = {
    "votes.csv": votes_file,
    "comments.csv": statements_file,
    "participants-votes.csv": people_file,
    "summary.csv": summary_file,
}


def _line(*cells: object) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue()


def _day(second: int) -> str:
    """Return a day as Polis writes moments, in words of no other language."""
    day = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=second)
    return f"{day:%Y-%m-%d}"


# --- the report

MOST_STATEMENTS = 300  # on the page and on paper; the table to take away has them all
MOST_ANSWERS = 50
COLOURS = {"ga": "#0c5750", "gb": "#a2430f", "gc": "#5a4a9c", "gd": "#555555"}
SHADES = (0.10, 0.13, 0.16, 0.2, 0.24)


def report_of(conversation: Conversation) -> Report | None:
    """Return what staff wrote about a conversation."""
    return Report.objects.filter(conversation=conversation).first()


@dataclass(frozen=True)
class Row:
    """A statement in a table of the report: who agrees, everybody first, and how many voted."""

    line: Line
    cells: list[str]
    votes: str


@dataclass(frozen=True)
class Section:
    """One list of the map, in words and as a table."""

    title: str
    words: str
    rows: list[Row]
    nothing: str


@dataclass(frozen=True)
class Findings:
    """All that the report says by itself, from the last map."""

    drawn: Map
    headline: str
    columns: list[str]
    sections: list[Section]
    groups: list[dict[str, Any]]
    short: list[Row]
    reached: str
    who: list[dict[str, Any]]
    every: list[Row]
    left_out: int
    decisions: list[tuple[str, int]]
    answers: list[tuple[str, str, str]]


def findings(conversation: Conversation) -> Findings | None:
    """Return what the last map found; nothing where too few have answered for one."""
    drawn = maps.map_of(conversation.pk)
    if drawn is None or not drawn.told:
        return None
    found = maps.findings_on(maps.listed(drawn))
    lists = drawn.told["lists"]

    def rows(entries: list[Any]) -> list[Row]:
        whole = [entry if isinstance(entry, dict) else {"statement": entry} for entry in entries]
        return [
            row(maps.line(found[entry["statement"]], side=entry.get("side", "agree")))
            for entry in whole
            if entry["statement"] in found
        ]

    every = maps.all_findings(conversation, sort="votes").order_by("statement__number")
    reached = lists["short_list_reached"]
    return Findings(
        drawn=drawn,
        headline=headline(drawn),
        columns=[_("All"), *(LETTERS[g] for g in range(drawn.groups if drawn.groups > 1 else 0))],
        sections=_sections(drawn, rows),
        groups=_groups(drawn, found),
        short=rows(lists["short_list"]),
        reached=f"{100 * reached[0]:.0f}" if reached else "",
        who=maps.who_took_part(drawn),
        every=[row(maps.line(finding)) for finding in every[:MOST_STATEMENTS]],
        left_out=max(0, drawn.statements - MOST_STATEMENTS),
        decisions=_decisions(conversation),
        answers=[
            (statement.text, str(Heed(answer.heed).label), answer.words)
            for statement in answered(conversation)[:MOST_ANSWERS]
            for answer in list(statement.answers.all())[:1]
        ],
    )


def row(line: Line) -> Row:
    """Write one statement's numbers into cells."""
    votes = _("hidden") if line.whole.votes is None else f"{line.whole.votes:,}"
    return Row(line, [_share(part) for part in (line.whole, *line.groups)], votes)


def _share(part: Part) -> str:
    if part.votes is None:
        return _("hidden")
    said = {"agree": part.agree, "low": part.low, "high": part.high}
    return _("%(agree)s%% (%(low)s–%(high)s)") % said


def _sections(drawn: Map, rows: Callable[[list[Any]], list[Row]]) -> list[Section]:
    lists = drawn.told["lists"]
    split = drawn.groups > 1
    common = (
        _("More than half of every group is on the same side, even at the low end of the range.")
        if split
        else _(
            "More than half of all people are on the same side, even at the low end of the range."
        )
    )
    apart = (
        _("Here the groups lie furthest apart.")
        if split
        else _("Here those who agree and those who disagree are most nearly as many.")
    )
    made = [
        Section(
            _("Common ground"),
            common,
            rows(lists["common_ground"]),
            _("No statement is surely common ground."),
        ),
        Section(
            _("Where people differ"),
            apart,
            rows(lists["dividing"]),
            _("Nothing surely divides people."),
        ),
    ]
    for g in range(drawn.groups if split else 0):
        own = [entry for entry in lists["group_statements"] if entry["group"] == g]
        title = _("What is special to group %(letter)s") % {"letter": LETTERS[g]}
        words = _("Here this group lies furthest from all others together.")
        made.append(Section(title, words, rows(own), _("Nothing surely sets this group apart.")))
    return made


def _groups(drawn: Map, found: dict[int, Any]) -> list[dict[str, Any]]:
    special = drawn.told["lists"]["group_statements"]
    told = []
    for g, size in enumerate(drawn.told["sizes"] if drawn.groups > 1 else ()):
        own = [e for e in special if e["group"] == g and e["statement"] in found]
        own.sort(key=lambda entry: entry["side"] != "agree")
        known = size["people"] is not None
        told.append(
            {
                "letter": LETTERS[g],
                "says": found[own[0]["statement"]].statement.text if own else "",
                "against": bool(own) and own[0]["side"] != "agree",
                "people": f"{size['people']:,}" if known else _("hidden"),
                "range": f"{size['low']:,}–{size['high']:,}" if known else "",
                "clear": clarity(size) if known else "",
            }
        )
    return told


def _decisions(conversation: Conversation) -> list[tuple[str, int]]:
    """Return where the statements stand that people added, and why some are not shown."""
    rows = Statement.objects.filter(conversation=conversation, is_first=False).order_by()
    told = rows.values_list("state", "reason").annotate(number=Count("pk"))
    found = {(state, reason): number for state, reason, number in told}
    states = dict.fromkeys(State.values, 0)
    for (state, _reason), number in found.items():
        states[state] += number
    why = [
        (str(Reason(code).label), found.get((State.REJECTED.value, code), 0))
        for code in Reason.values
    ]
    return [
        *((str(State(state).label), number) for state, number in states.items()),
        *((words, number) for words, number in why if number),
    ]


def drawing_of(drawn: Map) -> str:
    """Return the map as a drawing that stands by itself, for paper; empty where there is none."""
    drawing = drawn.told["drawing"]
    if not drawing.get("hills"):
        return ""
    is_line = drawing["kind"] == "line"
    height = 200 if is_line else 215
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 360 {height}">',
        f'<rect width="360" height="{height}" fill="#f6f3ec"/>',
    ]
    for shade, hill in zip(SHADES, drawing["hills"], strict=False):
        parts.append(
            f'<path d="{hill}" fill="{COLOURS["ga"]}" fill-opacity="{shade * (3 if is_line else 1)}"'
            ' fill-rule="evenodd"/>'
        )
    for ring in drawing["rings"]:
        letter = LETTERS[ring["group"]]
        colour = COLOURS[maps.colour_of(letter)]
        x, y = ring["x"], 184 if is_line else ring["y"]
        if not is_line:
            parts.append(
                f'<ellipse cx="{x}" cy="{y}" rx="{ring["rx"]}" ry="{ring["ry"]}" fill="none"'
                f' stroke="{colour}" stroke-width="2" stroke-dasharray="4 4"'
                f' transform="rotate({ring["turn"]} {x} {y})"/>'
            )
        parts.append(
            f'<circle cx="{x}" cy="{y}" r="11" fill="{colour}"/><text x="{x}" y="{y + 4}"'
            f' text-anchor="middle" font-family="Source Sans Pro" font-size="13" fill="#fff">{letter}</text>'
        )
    return "".join([*parts, "</svg>"])


# --- on other apps' pages


def panel(viewer: Viewer, conversation: Conversation) -> dict[str, Any] | None:
    """Return what a conversation's page says of its report, and where staff go on."""
    if conversation.is_draft:
        return None
    may_write = may_lead(viewer, conversation.community)
    report = report_of(conversation)
    is_public = report is not None and report.published_at is not None
    return {"report": report, "is_public": is_public, "may_write": may_write}


def panel_map(viewer: Viewer, conversation: Conversation) -> dict[str, Any] | None:
    """Return what the map's page says of the report, once it is public."""
    report = report_of(conversation)
    is_public = report is not None and report.published_at is not None
    return {"report": report} if is_public else None
