"""The letters of many texts, ready to be compared: how alike two are, in any language."""

import unicodedata
from collections.abc import Sequence
from math import log, sqrt

import numpy as np
from numpy.typing import NDArray

from commonweal.engine.opinion.model import Floats

SHORTEST, LONGEST = 3, 5
ALIKE = 0.5
MOST_LETTERS = 5_000
_SPACE = 32
_KEPT = frozenset("LNM")  # letters, numbers, marks; and of symbols the pictures
_FACTORS = np.array(
    [0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93, 0xA0761D6478BD642F],
    dtype=np.uint64,
)  # fmt: skip


def plain_words(text: str) -> str:
    """Return a text with what makes no difference left out: case, punctuation, what cannot be seen.

    >>> plain_words("  Oh, NO!  "), plain_words("ﬁne\u200b 🙂"), plain_words("...")
    ('oh no', 'fine 🙂', '')
    """
    known = unicodedata.normalize("NFKC", text[:MOST_LETTERS]).casefold().translate(_TABLE)
    return " ".join(known.split())


class _Table(dict[int, str]):
    """What becomes of each letter, worked out when it is first met."""

    def __missing__(self, code: int) -> str:
        kind = unicodedata.category(chr(code))
        kept = kind[0] in _KEPT or kind == "So"
        found = chr(code) if kept else ("" if kind == "Cf" else " ")
        self[code] = found
        return found


_TABLE = _Table()


def runs(text: str) -> NDArray[np.uint64]:
    """Return a number for each run of three to five letters of a text, word by word.

    Of writing without spaces, such as Chinese or Thai, the runs have two or three.

    >>> len(runs("Oh no")), len(runs("")), len(runs("公車"))
    (6, 0, 4)
    """
    written = f" {plain_words(text)} ".encode("utf-32-le", errors="replace")
    letters = np.frombuffer(written, dtype="<u4").astype(np.uint64)
    if len(letters) < 3:
        return np.zeros(0, dtype=np.uint64)
    space = letters == _SPACE
    found = []
    dense = _unspaced(letters)
    for length in range(2, LONGEST + 1):
        count = len(letters) - length + 1
        if count < 1:
            break
        if length < SHORTEST:
            here = dense[:-1] & dense[1:]
        else:
            inside = np.cumsum(np.concatenate(([0], space)))
            here = inside[length - 1 : length - 1 + count] - inside[1 : 1 + count] == 0
            if length > SHORTEST:  # there a letter is half a word
                here &= ~dense[:count] | ~dense[length - 1 :]
        number = np.full(count, length, dtype=np.uint64)
        for k in range(length):
            number = (number ^ letters[k : k + count]) * _FACTORS[k]
            number ^= number >> np.uint64(31)
        found.append(number[here])
    return np.concatenate(found)


def _unspaced(letters: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Say which letters belong to writing that puts no spaces between words."""
    found: NDArray[np.bool_] = (
        ((letters >= 0x0E00) & (letters < 0x1100))  # Thai, Lao, Tibetan, Burmese
        | ((letters >= 0x1780) & (letters < 0x1800))  # Khmer
        | ((letters >= 0x2E80) & (letters < 0xA4D0))  # Chinese, Japanese
        | ((letters >= 0xF900) & (letters < 0xFB00))
        | ((letters >= 0x20000) & (letters < 0x32000))
    )
    return found


class Texts:
    """The letters of many texts, ready to be compared with another.

    Build it once and keep it as long as the texts stay; asking it is cheap.

    Parameters
    ----------
    texts : sequence of str
        In any language.

    Notes
    -----
    Runs of letters weighted by how rare they are (TF-IDF); how alike two texts are is the cosine.
    Building takes O(letters), asking O(how often the runs of the text stand in others).

    References
    ----------
    Salton and Buckley (1988), "Term-weighting approaches in automatic text retrieval".

    Examples
    --------
    >>> texts = Texts(["More buses at night", "Close the library", "Buses at night, more of them"])
    >>> [place for place, likeness in texts.like("Night buses!")]
    [0, 2]
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self.size = len(texts)
        every = [runs(text) for text in texts]
        number = np.concatenate(every) if every else np.zeros(0, dtype=np.uint64)
        text = np.repeat(np.arange(self.size), [len(each) for each in every])
        self.known, which = np.unique(number, return_inverse=True)
        cell, times = np.unique(which * max(1, self.size) + text, return_counts=True)
        which, text = cell // max(1, self.size), cell % max(1, self.size)
        self.met = np.bincount(which, minlength=len(self.known))
        self.rare = np.log((1 + self.size) / (1 + self.met)) + 1
        weight = (1 + np.log(times)) * self.rare[which]
        length = np.sqrt(np.bincount(text, weights=weight * weight, minlength=self.size))
        self.weight = weight / length[text]
        # the texts in which each run stands are text[start[run]:start[run + 1]]
        self.text = text.astype(np.int32)
        self.start = np.concatenate(([0], np.cumsum(self.met)))
        # and the runs of each text are run[begin[text]:begin[text + 1]]
        order = np.argsort(text, kind="stable")
        self.run, self.own = which[order], self.weight[order]
        self.begin = np.concatenate(([0], np.cumsum(np.bincount(text, minlength=self.size))))

    def like(self, text: str, *, least: float = 0.1, most: int = 5) -> list[tuple[int, float]]:
        """Return the places of the most similar texts and how alike they are, the closest first."""
        number, times = np.unique(runs(text), return_counts=True)
        if not len(number) or not self.size:
            return []
        place = np.minimum(np.searchsorted(self.known, number), max(0, len(self.known) - 1))
        there = (
            self.known[place] == number if len(self.known) else np.zeros(len(number), dtype=bool)
        )
        usual = log(1 + self.size) + 1  # of what no text has
        rare = np.where(there, self.rare[place] if len(self.known) else usual, usual)
        weight = (1 + np.log(times)) * rare
        weight = weight / sqrt(float(weight @ weight))
        sums = self._sums(place[there], weight[there])
        found = np.flatnonzero(sums >= least)
        closest = found[np.lexsort((found, -sums[found]))][:most]
        return [(int(i), min(1.0, float(sums[i]))) for i in closest]

    def _sums(self, which: NDArray[np.intp], weight: Floats) -> Floats:
        """Return for each text what it shares with one that has these runs."""
        count = self.met[which]
        place = np.repeat(self.start[which] - np.cumsum(count) + count, count) + np.arange(
            count.sum()
        )
        found: Floats = np.bincount(
            self.text[place],
            weights=self.weight[place] * np.repeat(weight, count),
            minlength=self.size,
        ).astype(np.float64)
        return found

    def pairs(self, *, least: float = ALIKE) -> list[tuple[int, int, float]]:
        """Return all pairs at least that much alike, the closest first."""
        found: list[tuple[int, int, float]] = []
        for place in range(self.size):
            part = slice(self.begin[place], self.begin[place + 1])
            sums = self._sums(self.run[part], self.own[part])
            near = place + 1 + np.flatnonzero(sums[place + 1 :] >= least)
            found += [(place, int(other), min(1.0, float(sums[other]))) for other in near]
        return sorted(found, key=lambda pair: (-pair[2], pair[0], pair[1]))
