"""Reading what is handed out: votes in the form of Polis, with nothing small in them."""

from __future__ import annotations

import csv
import hashlib
import hmac
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property

import numpy as np
from django.conf import settings
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from commonweal.ground.journal.queries import harmless
from commonweal.kit.copy import copy_out
from commonweal.listen.conversations.models import Conversation, State, Statement

FEWEST = 5  # a smaller count of people is hidden
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
    yield _line("url", conversation.get_absolute_url())
    yield _line("voters", export.voters)
    yield _line("votes", len(export.value))
    yield _line("comments", len(export.statements))
    yield _line("cells-left-out", export.left_out)
    yield _line(
        "note",
        _(
            "Where fewer than 5 people voted one way on a statement, those votes are left out of"
            " every file. Times are told to the day, and authors are not told."
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
