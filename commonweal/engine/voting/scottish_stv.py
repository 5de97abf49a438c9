"""The single transferable vote as Scottish councils are elected by it."""

from typing import Any

import numpy as np

from commonweal.engine.voting.outcome import Outcome
from commonweal.engine.voting.profile import Profile
from commonweal.engine.voting.ranks import Papers, Piles, earlier, without_money
from commonweal.engine.voting.ties import Tie, TieRule

BY_LOT = TieRule(("lot",))
# The law counts to five decimal places, so votes are whole numbers of this part.
WHOLE = 100_000


def scottish_stv(profile: Profile, budget: int, *, ties: TieRule = BY_LOT) -> Outcome:
    """Elect several by ranked ballots: surpluses move on in part, the last one's ballots in full.

    A candidate who reaches the quota is elected. Where one has more, the largest surplus is
    transferred: *all* ballots of that candidate move to their next available preference, each at
    its value times surplus over votes, cut off after five decimals (weighted inclusive Gregory).
    Without a surplus the candidate with the fewest votes is excluded, and those ballots move on at
    the value they have. When as many candidates are left as there are vacancies, they are elected.

    Equal surpluses, and equally few votes, are told apart by the latest earlier stage at which
    their votes differed; if there is none, by lot: the first in the order of ties transfers first,
    the last in it is excluded.

    Parameters
    ----------
    profile : Profile
        Ranked ballots (``value`` is the place, 1 first), complete or not, without equal places.
        Costs are not read.
    budget : int
        How many are elected.
    ties : TieRule, optional
        The lot; its seed should be published before the count.

    Returns
    -------
    Outcome
        ``order`` is by stage, within a stage by votes. ``detail`` has the ``quota``, the ``valid``
        ballots and the ``stages``: for each the ``action`` (``first-preferences``, ``surplus`` or
        ``exclusion``) and its ``candidate``, the ``votes`` of everybody at the end, what was
        ``transferred`` to whom, what is ``non_transferable`` and was ``cut_off`` after the fifth
        decimal so far, who was ``elected``, and whether the last vacancies were ``filled`` without
        a quota. Votes are text with five decimals.

    Raises
    ------
    ValueError
        If the number to elect is not from 1 to the number of candidates, or a ballot has no strict
        order.

    Notes
    -----
    Whole hundred-thousandths throughout, so every figure is the law's own. Identical ballots move
    together. Time O(marks log marks + stages x classes), memory O(marks). Unlike the other rules,
    a candidate whom no ballot lists can be elected, if there are too few others: that is the law.

    References
    ----------
    The Scottish Local Government Elections Order 2011 (SSI 2011/399), schedule 1, part III, the
    counting of votes; word for word as in the Order of 2007 (SSI 2007/42), rules 45 to 52.

    Examples
    --------
    Castor has 4 of 6 votes and needs 3, so a quarter of each goes to Pollux; Helen is ahead.

    >>> profile = Profile.from_pairs(
    ...     ["Castor", "Pollux", "Helen"], [1, 1, 1],
    ...     project=["Castor"] * 4 + ["Pollux"] * 4 + ["Helen"] * 2,
    ...     ballot=[1, 2, 3, 4, 1, 2, 3, 4, 5, 6], value=[1, 1, 1, 1, 2, 2, 2, 2, 1, 1],
    ... )
    >>> outcome = scottish_stv(profile, 2)
    >>> outcome.ids[outcome.order].tolist(), outcome.detail["quota"]
    (['Castor', 'Helen'], 3)
    >>> outcome.detail["stages"][1]["transferred"]
    {'Pollux': '1.00000'}
    """
    unit, seats = without_money(profile, budget)
    return _Count(unit, seats, ties).outcome()


class _Count:
    """The state of one count. Votes are in hundred-thousandths."""

    def __init__(self, profile: Profile, seats: int, ties: TieRule) -> None:
        self.profile, self.seats, self.rule = profile, seats, ties
        self.names = [str(name) for name in profile.ids]
        self.rank = ties.rank(profile).tolist()
        self.papers = Papers.strict(profile, "scottish stv")
        self.piles = Piles(self.papers, len(self.names))
        self.value = np.full(len(self.papers.weight), WHOLE, dtype=np.int64)
        self.valid = int(self.papers.weight.sum())
        self.quota = (self.valid // (seats + 1) + 1) * WHOLE
        self.continuing = list(range(len(self.names)))
        self.elected: list[int] = []
        self.aside = 0
        self.history: list[list[int]] = []
        self.stages: list[dict[str, Any]] = []
        self.ties: list[Tie] = []

    def outcome(self) -> Outcome:
        votes = self.piles.count(self.value)
        self._record("first-preferences", None, votes, [0] * len(votes))
        while len(self.elected) < self.seats:
            surplus = [p for p in self.elected if self.history[-1][p] > self.quota]
            if surplus:
                self._transfer(self._pick(surplus, 1))
            else:
                self._exclude(self._pick(self.continuing, -1))
        return Outcome(
            rule="scottish-stv",
            profile=self.profile,
            budget=self.seats,
            order=np.array(self.elected, dtype=np.int64),
            ties=tuple(self.ties),
            detail={"quota": self.quota // WHOLE, "valid": self.valid, "stages": self.stages},
        )

    def _pick(self, candidates: list[int], best: int) -> int:
        """Return who has the most (1) or fewest (-1) votes, and note a tie."""
        now = self.history[-1]
        most = max(best * now[p] for p in candidates)
        tied = sorted((p for p in candidates if best * now[p] == most), key=lambda p: self.rank[p])
        narrowed = earlier(tied, self.history, best)
        chosen = narrowed[0 if best == 1 else -1]
        if len(tied) > 1:
            pair = narrowed[:2] if best == 1 else narrowed[-2:]
            by = "earlier-stage"
            if len(narrowed) > 1:
                by = self.rule.decided_by(self.profile, pair)
            self.ties.append(Tie(tuple(tied), chosen, by))
        return chosen

    def _transfer(self, candidate: int) -> None:
        held = self.history[-1][candidate]
        there = np.flatnonzero(self.piles.top == candidate)
        worth, which = np.unique(self.value[there], return_inverse=True)
        less = [value * (held - self.quota) // held for value in worth.tolist()]
        self.value[there] = np.array(less, dtype=np.int64)[which]
        self._move("surplus", candidate, keeps=self.quota)

    def _exclude(self, candidate: int) -> None:
        self.continuing.remove(candidate)
        self._move("exclusion", candidate, keeps=0)

    def _move(self, action: str, candidate: int, keeps: int) -> None:
        """Lay the candidate's ballots with those who continue, and end the stage."""
        for p in self.elected:
            self.piles.out[p] = True  # who is elected takes no more votes
        moved = self.piles.move(candidate)
        top = self.piles.top[moved]
        live = top >= 0
        weight = self.papers.weight[moved] * self.value[moved]
        self.aside += int(weight[~live].sum())
        gained = np.bincount(
            top[live], weights=weight[live].astype(np.float64), minlength=len(self.names)
        )
        transferred: list[int] = gained.astype(np.int64).tolist()
        votes = [n + more for n, more in zip(self.history[-1], transferred, strict=True)]
        votes[candidate] = keeps
        self._record(action, candidate, votes, transferred)

    def _record(
        self, action: str, candidate: int | None, votes: list[int], transferred: list[int]
    ) -> None:
        """End a stage: elect who has the quota, or everybody who is left if none too many are."""
        self.history.append(votes)
        reached = [p for p in self.continuing if votes[p] >= self.quota]
        vacancies = self.seats - len(self.elected) - len(reached)
        filled = len(self.continuing) - len(reached) <= vacancies
        new = list(self.continuing) if filled else reached
        new.sort(key=lambda p: (*(-stage[p] for stage in reversed(self.history)), self.rank[p]))
        self.elected += new
        self.continuing = [p for p in self.continuing if p not in new]
        self.stages.append(
            {
                "action": action,
                "candidate": None if candidate is None else self.names[candidate],
                "votes": {name: _text(n) for name, n in zip(self.names, votes, strict=True)},
                "transferred": {self.names[p]: _text(n) for p, n in enumerate(transferred) if n},
                "non_transferable": _text(self.aside),
                "cut_off": _text(self.valid * WHOLE - sum(votes) - self.aside),
                "elected": [self.names[p] for p in new],
                "filled": bool(filled and vacancies),
            }
        )


def _text(votes: int) -> str:
    return f"{votes // WHOLE}.{votes % WHOLE:05}"
