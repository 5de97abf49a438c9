"""Made-up elections of any size, for trials and measurements: believable, and always the same."""

from collections.abc import Iterator
from decimal import Decimal, localcontext

import numpy as np
from numpy.typing import NDArray

from commonweal.engine.voting.election import Column, Election, by_project
from commonweal.engine.voting.profile import Profile

MOST_MARKS = 2**29
MOST_PROJECTS = 2**16
_SLOTS = 2**16  # a popularity is a number of these
_AT_ONCE = 2**18
_AT_HOME = 36_000  # out of 65,536 marks go to the voter's own district


def synthesise(rng: np.random.Generator, *, voters: int, projects: int, length: int) -> Election:
    """Make up an approval election.

    A few projects are known to everybody and most to few; every project and every voter belongs to
    a district, and somewhat more than half of a ballot's marks go to its own; costs are lognormal
    with a median of 30,000; the budget is a third of what all projects cost.

    Parameters
    ----------
    rng : numpy.random.Generator
        Where chance comes from. Only its raw 64-bit words are used, and only whole numbers and
        exact decimals are computed, so a seed gives the same election on every machine.
    voters, projects, length : int
        How many ballots, how many projects, and how many different projects each ballot marks.

    Returns
    -------
    Election
        With the district of each voter and project.

    Raises
    ------
    ValueError
        If a number is not above 0, if ballots would be longer than there are projects, or if the
        election would be too large.

    Notes
    -----
    Time O(voters x length), apart from ballots longer than a quarter of the menu, which take
    O(voters x projects). Memory about 14 bytes a mark at the most.

    References
    ----------
    The shape follows Faliszewski et al. (2023), "Participatory Budgeting: Data, Tools, and
    Analysis", section 4: skewed votes, and voters who mostly approve what is near.

    Examples
    --------
    >>> rng = np.random.Generator(np.random.PCG64(7))
    >>> election = synthesise(rng, voters=1000, projects=20, length=4)
    >>> int(election.profile.votes.sum()), election.vote_type
    (4000, 'approval')
    """
    _check(voters, projects, length)
    districts = max(1, min(16, projects // 4))
    fame = _fame(rng, projects)
    where = _below(rng, projects, districts).astype(np.int32)
    cost = _costs(rng, projects)
    home = np.empty(voters, dtype=np.int32)
    marks = np.empty((voters, length), dtype=np.uint16)
    shares = _shares(fame, where, districts)
    for at in range(0, voters, _AT_ONCE // max(1, length) + 1):
        size = min(_AT_ONCE // max(1, length) + 1, voters - at)
        home[at : at + size] = _homes(rng, size, districts)
        marks[at : at + size] = (
            _chosen(rng, shares, home[at : at + size], length)
            if 4 * length <= projects
            else _ranked(rng, fame, where, home[at : at + size], length)
        )
    start, voter, _ = by_project(
        marks.reshape(-1), np.full(voters, length, dtype=np.int64), projects
    )
    del marks
    digits = len(str(projects))
    ids = [f"p{number:0{digits}}" for number in range(1, projects + 1)]
    profile = Profile(np.array(ids, dtype=object), cost, start, voter, voters)
    return _election(profile, home, where, districts)


def _check(voters: int, projects: int, length: int) -> None:
    for name, number in (("voters", voters), ("projects", projects), ("length", length)):
        if number < 1:
            raise ValueError(f"{name} must be 1 or more, not {number}")
    if length > projects:
        raise ValueError(f"a ballot cannot mark {length} of {projects} projects; lower length")
    if projects > MOST_PROJECTS or voters * length > MOST_MARKS:
        raise ValueError(
            f"that is too large: at most {MOST_PROJECTS:,} projects and {MOST_MARKS:,} marks"
        )
    if 4 * length > projects and voters * projects > 2**34:
        raise ValueError("ballots this long take too much time; lower length, or voters")


def _election(
    profile: Profile, home: NDArray[np.int32], where: NDArray[np.int32], districts: int
) -> Election:
    labels = tuple(f"district {number:02}" for number in range(1, districts + 1))
    ids = [str(name) for name in profile.ids]
    return Election(
        profile,
        max(100, int(profile.cost.sum()) // 300 * 100),
        "approval",
        "EUR",
        tuple(f"Project {name[1:].lstrip('0')}" for name in ids),
        {"description": "A made-up election", "country": "Nowhere", "unit": "Synthesised"},
        {"district": Column(home, labels)},
        {"district": tuple(labels[place] for place in where.tolist())},
    )


# --- chance, from raw words only


def _raw(rng: np.random.Generator, count: int) -> NDArray[np.uint64]:
    words: NDArray[np.uint64] = rng.bit_generator.random_raw(count)
    return words


def _shorts(rng: np.random.Generator, count: int) -> NDArray[np.uint16]:
    """Return 16-bit numbers, four out of each word, the low ones first on every machine."""
    words = _raw(rng, (count + 3) // 4).astype("<u8", copy=False)
    return words.view("<u2")[:count].astype(np.uint16, copy=False)


def _below(rng: np.random.Generator, count: int, limit: int) -> NDArray[np.int64]:
    """Return numbers below a limit; the bias of 2**-32 does not matter here."""
    high = (_raw(rng, count) >> np.uint64(32)).astype(np.int64)
    return (high * limit) >> 32


def _bell(rng: np.random.Generator, count: int) -> NDArray[np.int64]:
    """Return numbers close to normal, with mean 0 and variance 2**32: sums of twelve."""
    twelve = _shorts(rng, 12 * count).reshape(count, 12).astype(np.int64)
    total: NDArray[np.int64] = twelve.sum(axis=1) - 6 * 2**16
    return total


def _powers(exponents: list[Decimal]) -> Iterator[Decimal]:
    """Yield e to each of these. Decimals are rounded the same everywhere; floats are not."""
    with localcontext() as context:
        context.prec = 28
        for exponent in exponents:
            yield exponent.exp(context)


# --- what the election is made of


def _costs(rng: np.random.Generator, projects: int) -> NDArray[np.int64]:
    """Return lognormal costs of whole hundreds, median 30,000, in hundredths."""
    bell = [Decimal(b) / 2**16 * Decimal("1.1") for b in _bell(rng, projects).tolist()]
    hundreds = [max(1, int(300 * power)) for power in _powers(bell)]
    return np.array(hundreds, dtype=np.int64) * 100_00


def _fame(rng: np.random.Generator, projects: int) -> NDArray[np.int64]:
    """Return how well known each project is; whole numbers, lognormal."""
    bell = [Decimal(b) / 2**16 for b in _bell(rng, projects).tolist()]
    return np.array([max(1, int(10_000 * power)) for power in _powers(bell)], dtype=np.int64)


def _homes(rng: np.random.Generator, count: int, districts: int) -> NDArray[np.int32]:
    """Return each voter's district; the first are the largest."""
    smaller = np.minimum(_below(rng, count, districts), _below(rng, count, districts + 2))
    return smaller.astype(np.int32)


def _shares(
    fame: NDArray[np.int64], where: NDArray[np.int32], districts: int
) -> NDArray[np.uint16]:
    """Return, for each district and then for the whole city, which project each slot stands for."""
    rows = [np.where(where == district, fame, 0) for district in range(districts)]
    rows = [row if row.any() else fame for row in rows]
    return np.stack([_slots(row) for row in (*rows, fame)])


def _slots(weight: NDArray[np.int64]) -> NDArray[np.uint16]:
    """Share out all slots by weight, at least one to each project with any."""
    some = np.flatnonzero(weight)
    spare = _SLOTS - len(some)
    edge = np.cumsum(weight[some]) * spare // int(weight.sum())
    count = np.diff(edge, prepend=0) + 1
    return np.repeat(some, count).astype(np.uint16)


def _chosen(
    rng: np.random.Generator,
    shares: NDArray[np.uint16],
    home: NDArray[np.int32],
    length: int,
) -> NDArray[np.uint16]:
    """Draw different projects for each ballot; a project drawn twice is drawn again."""
    marks = _drawn(rng, shares, np.repeat(home, length)).reshape(-1, length)
    rows = np.arange(len(marks))
    for trial in range(64):
        part = np.sort(marks[rows], axis=1)
        again = np.zeros(part.shape, dtype=bool)
        again[:, 1:] = part[:, 1:] == part[:, :-1]
        marks[rows] = part
        bad = again.any(axis=1)
        if not bad.any():
            return marks
        rows, part, again = rows[bad], part[bad], again[bad]
        city = np.full(len(rows), len(shares) - 1, dtype=np.int32)
        owner = np.repeat(home[rows] if trial < 8 else city, again.sum(axis=1))
        part[again] = _drawn(rng, shares, owner)
        marks[rows] = part
    for row in rows:  # a handful, where a few projects have nearly all the fame
        marks[row] = _filled(marks[row], length)
    return marks


def _drawn(
    rng: np.random.Generator, shares: NDArray[np.uint16], home: NDArray[np.int32]
) -> NDArray[np.uint16]:
    words = _shorts(rng, 2 * len(home))
    abroad = words[: len(home)] >= _AT_HOME
    row = np.where(abroad, len(shares) - 1, home)
    drawn: NDArray[np.uint16] = shares[row, words[len(home) :]]
    return drawn


def _filled(marks: NDArray[np.uint16], length: int) -> NDArray[np.uint16]:
    """Replace what is there twice by the first projects that are missing."""
    there = list(dict.fromkeys(marks.tolist()))
    missing = (p for p in range(2 * length + 1) if p not in set(there))
    while len(there) < length:
        there.append(next(missing))
    return np.array(sorted(there), dtype=np.uint16)


def _ranked(
    rng: np.random.Generator,
    fame: NDArray[np.int64],
    where: NDArray[np.int32],
    home: NDArray[np.int32],
    length: int,
) -> NDArray[np.uint16]:
    """Choose for long ballots: of a chance for every project, weighted by fame, the best."""
    near = np.where(where[None, :] == home[:, None], 3, 1)
    rank = np.argsort(np.argsort(fame, kind="stable"), kind="stable") + len(fame)
    chance = _shorts(rng, near.size).reshape(near.shape).astype(np.int64)
    key = -(chance * rank * near * len(fame)) + np.arange(len(fame))  # no two are equal
    best = np.argsort(key, axis=1, kind="stable")[:, :length]
    return np.sort(best, axis=1).astype(np.uint16)
