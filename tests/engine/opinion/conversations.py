"""Small conversations for the laws, and larger ones with planted groups."""

from collections.abc import Iterable
from typing import NamedTuple

from hypothesis import strategies as st

from commonweal.engine.opinion import Votes


class Entry(NamedTuple):
    """One row of a log."""

    person: int
    statement: int
    value: int
    moment: int


entries = st.builds(
    Entry,
    person=st.integers(0, 7),
    statement=st.integers(0, 9),
    value=st.sampled_from([-1, 0, 1]),
    moment=st.integers(0, 20),
)
logs = st.lists(entries, max_size=80)


def votes_of(log: Iterable[Entry], *, timed: bool = True) -> Votes:
    """Return the votes of a log."""
    rows = list(log)
    return Votes.from_log(
        [e.person for e in rows],
        [e.statement for e in rows],
        [e.value for e in rows],
        moment=[e.moment for e in rows] if timed else None,
    )


def as_pairs(votes: Votes) -> dict[tuple[object, object], int]:
    """Return the vote of each pair, by names."""
    people = votes.people[votes.person].tolist()
    statements = votes.statements[votes.statement].tolist()
    return dict(zip(zip(people, statements, strict=True), votes.value.tolist(), strict=True))


def same(one: Votes, other: Votes) -> bool:
    """Say whether two have the same arrays, to the last bit."""
    names = ("people", "statements", "start", "statement", "value", "moment")
    pairs = [(getattr(one, name), getattr(other, name)) for name in names]
    return all(
        (a is None) == (b is None)
        and (a is None or (a.dtype == b.dtype and a.tolist() == b.tolist()))
        for a, b in pairs
    )
