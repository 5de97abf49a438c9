"""Statements that say the same: alike in letters, and voted on alike, or a person decides."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from math import log, sqrt

import numpy as np

from commonweal.engine.opinion.votes import Votes

SHORTEST, LONGEST = 3, 5
ALIKE = 0.5
SAME_VOTES = 0.8
LEAST_VOTERS = 8
_COMMON = 0.2  # what stands in more of the texts than this tells them apart from nothing


@dataclass(frozen=True)
class Similar:
    """Two statements with similar texts.

    Parameters
    ----------
    first, second : int
        Their places, the earlier one first.
    likeness : float
        Of the texts, 0 to 1.
    voters : int
        How many people agreed or disagreed with both.
    same : float or None
        Which share of those voted alike on both; None if there is nobody.
    merge : bool
        Suggest to merge: enough voters, and mostly alike. Otherwise a person decides; texts know
        nothing of "not".
    """

    first: int
    second: int
    likeness: float
    voters: int
    same: float | None
    merge: bool


class Texts:
    """The letters of many texts, ready to be compared with another.

    Parameters
    ----------
    texts : sequence of str
        In any language.

    Examples
    --------
    >>> texts = Texts(["More buses at night", "Close the library", "Buses at night, more of them"])
    >>> [place for place, likeness in texts.like("Night buses!")]
    [0, 2]
    """

    def __init__(self, texts: Sequence[str]) -> None:
        counts = [grams(text) for text in texts]
        self.size = len(counts)
        met = Counter(gram for count in counts for gram in count)
        self.weight = {gram: log((1 + self.size) / (1 + n)) + 1 for gram, n in met.items()}
        most = max(2, _COMMON * self.size)
        self.rows = [self._unit(count) for count in counts]
        self.index: dict[str, list[tuple[int, float]]] = defaultdict(list)
        for place, row in enumerate(self.rows):
            for gram, weight in row.items():
                if self.size <= 50 or met[gram] <= most:
                    self.index[gram].append((place, weight))

    def _unit(self, count: Counter[str]) -> dict[str, float]:
        usual = log(1 + self.size) + 1  # of what no text has
        row = {g: (1 + log(n)) * self.weight.get(g, usual) for g, n in count.items()}
        length = sqrt(sum(weight * weight for weight in row.values()))
        return {gram: weight / length for gram, weight in row.items()} if length else {}

    def like(self, text: str, *, least: float = 0.1, most: int = 5) -> list[tuple[int, float]]:
        """Return the places of the most similar texts and how alike they are, the closest first."""
        found = self._near(self._unit(grams(text)), -1, least)
        return sorted(found, key=lambda each: (-each[1], each[0]))[:most]

    def _near(self, row: dict[str, float], after: int, least: float) -> list[tuple[int, float]]:
        sums: dict[int, float] = defaultdict(float)
        for gram, weight in row.items():
            for place, other in self.index.get(gram, ()):
                if place > after:
                    sums[place] += weight * other
        return [(place, min(1.0, found)) for place, found in sums.items() if found >= least]

    def pairs(self, *, least: float = ALIKE) -> list[tuple[int, int, float]]:
        """Return all pairs at least that much alike, the closest first."""
        found = [
            (place, other, likeness)
            for place, row in enumerate(self.rows)
            for other, likeness in self._near(row, place, least)
        ]
        return sorted(found, key=lambda pair: (-pair[2], pair[0], pair[1]))


def grams(text: str) -> Counter[str]:
    """Count the runs of three to five letters in a text, word by word.

    >>> sorted(grams("Oh no"))
    [' no', ' no ', ' oh', ' oh ', 'no ', 'oh ']
    """
    found: Counter[str] = Counter()
    for word in "".join(c if c.isalnum() else " " for c in text.casefold()).split():
        padded = f" {word} "
        for length in range(SHORTEST, LONGEST + 1):
            found.update(padded[k : k + length] for k in range(len(padded) - length + 1))
    return found


def similar_statements(
    texts: Sequence[str], votes: Votes, *, least: float = ALIKE, most: int = 100
) -> tuple[Similar, ...]:
    """Find statements with similar texts, and say which to merge by how people voted on both.

    Parameters
    ----------
    texts : sequence of str
        What each statement of ``votes`` says, in their order.
    votes : Votes
        All votes.
    least : float
        How much alike texts must be, from 0 to 1.
    most : int
        How many pairs at most.

    Returns
    -------
    tuple of Similar
        The closest texts first.

    Raises
    ------
    ValueError
        If there is not one text for each statement.

    Notes
    -----
    Texts are compared by the weights of their runs of letters (TF-IDF), which needs no language and
    no dictionary. Runs that stand in a fifth of many texts are left out of the search for pairs.
    Time O(pairs of texts with a rare run in common + pairs x voters).

    References
    ----------
    Salton and Buckley (1988), "Term-weighting approaches in automatic text retrieval".

    Examples
    --------
    >>> votes = Votes.from_log([*range(9), *range(9)], [1] * 9 + [2] * 9, [1] * 18)
    >>> [(s.first, s.second, s.merge) for s in similar_statements(["More buses!", "more buses"], votes)]
    [(0, 1, True)]
    """
    if len(texts) != len(votes.statements):
        raise ValueError(f"there are {len(texts)} texts for {len(votes.statements)} statements")
    pairs = Texts(texts).pairs(least=least)[:most]
    cast = _by_statement(votes)
    return tuple(_judged(cast, *pair) for pair in pairs)


def _by_statement(votes: Votes) -> dict[int, dict[int, int]]:
    said = votes.value != 0
    cast: dict[int, dict[int, int]] = defaultdict(dict)
    for who, what, value in zip(
        votes.person[said].tolist(),
        votes.statement[said].tolist(),
        votes.value[said].tolist(),
        strict=True,
    ):
        cast[what][who] = value
    return cast


def _judged(cast: dict[int, dict[int, int]], first: int, second: int, likeness: float) -> Similar:
    one, other = cast.get(first, {}), cast.get(second, {})
    both = one.keys() & other.keys()
    same = float(np.mean([one[who] == other[who] for who in both])) if both else None
    merge = same is not None and len(both) >= LEAST_VOTERS and same >= SAME_VOTES
    return Similar(first, second, likeness, len(both), same, merge)
