"""A slow tally that anybody can read: it shares nothing with the fast one, and must agree with it.

    python reference.py FILE.pb --rule equal-shares --completion add1-greedy

prints the ids of the winners in the order in which they won. It needs Python and nothing else.
Money is kept in fractions, and every ballot is looked at by itself.
"""

import csv
import gzip
import io
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from fractions import Fraction
from hashlib import sha256
from pathlib import Path
from typing import Any

Ballot = Mapping[str, Fraction]  # by project: the points or the place it gives, or its worth
# The budget, the cost of each project, the ballots, and what a ballot gives to a project: "points",
# "places" (1 first), or "" if it only approves. Money is in units of the file's currency.
Election = tuple[Fraction, Mapping[str, Fraction], Sequence[Ballot], str]
CHOICES = {  # the first is the default; empty means what is usual for the rule or satisfaction
    "rule": ("equal-shares", "greedy", "phragmen"),
    "satisfaction": ("cost", "cardinality", "points", "borda", "borda-all"),
    "completion": ("none", "greedy", "add1", "add1-greedy"),
    "stop": ("exhaustive", "overspend"),
    "start": ("exact", "whole"),
    "misfit": ("", "skip", "stop"),
    "measure": ("", "votes", "votes-per-cost", "score", "score-per-cost"),
}


def read(path: str) -> Election:
    """Read a ``.pb`` or ``.pb.gz`` file, or the ballots in the folder of a count bundle."""
    content = Path(path, "ballots.pb" if Path(path).is_dir() else "").read_bytes()
    content = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
    tables: dict[str, list[dict[str, str]]] = {}
    lines = io.StringIO(content.decode("utf-8-sig"), newline=None)
    for line in csv.reader(lines, delimiter=";", strict=True):
        cells = [cell.strip() for cell in line]
        if cells and cells[0] in ("META", "PROJECTS", "VOTES") and not any(cells[1:]):
            table, columns = tables.setdefault(cells[0], []), list[str]()
        elif not columns:
            columns = cells
        elif any(cells):
            table.append(dict(zip(columns, cells, strict=False)))
    meta = {row["key"]: row["value"] for row in tables["META"]}
    projects, votes = tables["PROJECTS"], tables["VOTES"]
    cost = {row["project_id"]: Fraction(row["cost"].replace(",", ".")) for row in projects}
    has_points = any(row.get("points") for row in votes)
    gives = "places" if meta["vote_type"] == "ordinal" else "points" if has_points else ""
    ballots = []
    for row in votes:
        listed = [p.strip() for p in row["vote"].split(",")] if row.get("vote") else []
        given = [Fraction(place) for place in range(1, len(listed) + 1)]
        if gives == "points" and listed:
            given = [Fraction(points.strip()) for points in row["points"].split(",")]
        ballots.append(dict(zip(listed, given, strict=True)))
    return Fraction(meta["budget"].replace(",", ".")), cost, ballots, gives


class Count:
    """One count of an election, as the options say."""

    def __init__(self, election: Election, how: Namespace) -> None:
        self.budget, self.cost, self.ballots, self.gives, self.how = *election, how
        self.order = sorted(self.cost, key=self.tie_key)  # of two equals, the earlier goes first
        by_cost = how.satisfaction == "cost"  # then the free is worth 0, but wanted all the same
        self.worth = [
            {p: self.worth_of(p, ballot) for p in ballot if by_cost or self.worth_of(p, ballot) > 0}
            for ballot in self.ballots
        ]
        self.behind = self.supporters(self.worth)

    def tie_key(self, p: str) -> list[Any]:
        found = list[Any]()
        votes = sum(p in ballot for ballot in self.ballots)
        for criterion in f"{self.how.ties},id-text".split(","):
            name, _, seed = criterion.strip().partition(":")
            lot = sha256(f"{seed}:{p}".encode()).hexdigest()
            by = {"cheapest": self.cost[p], "most-votes": -votes, "lot": lot, "id-text": p}
            found.append(by[name])
        return found

    def worth_of(self, p: str, ballot: Ballot) -> Fraction:
        by = self.how.satisfaction
        if by in ("cost", "cardinality"):
            return self.cost[p] if by == "cost" else Fraction(1)
        if self.gives != ("points" if by == "points" else "places"):
            raise ValueError(f"these ballots do not say what {by} needs")
        if by == "points":
            return ballot[p]
        unlisted = len(self.cost) - len(ballot) if by == "borda-all" else 0
        return Fraction(unlisted + sum(place > ballot[p] for place in ballot.values()))

    def supporters(self, ballots: Sequence[Ballot]) -> dict[str, list[int]]:
        """List the voters behind each project, without the projects that have none."""
        found = {p: [v for v, ballot in enumerate(ballots) if p in ballot] for p in self.order}
        return {p: voters for p, voters in found.items() if voters}

    def left(self, won: Sequence[str]) -> Fraction:
        return self.budget - sum(self.cost[p] for p in won)

    def greedy(self, won: Sequence[str] = ()) -> list[str]:
        """Add what measures highest to the winners, as long as there is money."""
        usual = {"cost": "votes", "cardinality": "votes-per-cost"}
        measure = self.how.measure or usual.get(self.how.satisfaction, "score-per-cost")
        merit = {}
        for p, voters in self.behind.items():
            score = sum(self.worth[v][p] for v in voters)
            cost = self.cost[p] if measure.endswith("-per-cost") else Fraction(1)
            found = len(voters) if measure.startswith("votes") else score
            merit[p] = (cost == 0, found / (cost or 1))  # what is free goes first
        rest = (p for p in merit if p not in won)
        for p in sorted(rest, key=lambda p: merit[p], reverse=True):  # equals keep their order
            if self.cost[p] <= self.left(won):
                won = [*won, p]
            elif self.how.misfit == "stop" and self.how.rule == "greedy":
                break
        return list(won)

    def one_run(self, start: Fraction) -> list[str]:
        """Give each ballot the start money; buy at the lowest rate until nothing is affordable."""
        money = [start] * len(self.worth)
        won = [p for p in self.behind if self.cost[p] == 0]
        while True:
            rates = {}
            for p in (p for p in self.behind if p not in won):
                purses = [(money[v], self.worth[v][p]) for v in self.behind[p]]
                if sum(purse for purse, _ in purses) >= self.cost[p]:
                    rates[p] = lowest_rate(self.cost[p], purses)
            if not rates:
                return won
            best = min(rates, key=lambda p: rates[p])  # of equals, the first in the order of ties
            for v in self.behind[best]:
                money[v] -= min(money[v], rates[best] * self.worth[v][best])
            won.append(best)

    def equal_shares(self) -> list[str]:
        """Make one run, or more with more start money; then fill up, if the completion says so."""
        start = self.budget / max(1, len(self.worth))
        start = Fraction(start // 1) if self.how.start == "whole" else start
        won = self.one_run(start)
        while self.how.completion.startswith("add1"):
            lost = [self.cost[p] for p in self.behind if p not in won]
            if not lost or (self.how.stop == "exhaustive" and min(lost) > self.left(won)):
                break
            start += self.how.step
            more = self.one_run(start)
            if self.left(more) < 0:
                break
            won = more
        return self.greedy(won) if self.how.completion.endswith("greedy") else won

    def phragmen(self) -> list[str]:
        """Let all voters earn at one pace; buy first what its supporters can pay for first."""
        broke = [Fraction(0)] * len(self.ballots)  # when each voter last had nothing
        behind, won = self.supporters(self.ballots), list[str]()
        behind = {p: of for p, of in behind.items() if self.cost[p] <= self.budget}
        while behind:
            need = {p: self.cost[p] + sum(broke[v] for v in behind[p]) for p in behind}
            earned = {p: need[p] / len(behind[p]) for p in behind}
            best = min(earned, key=lambda p: earned[p])  # of equals, the first in the order of ties
            voters = behind.pop(best)
            if self.cost[best] <= self.left(won):
                won.append(best)
                broke = [earned[best] if v in voters else when for v, when in enumerate(broke)]
            elif self.how.misfit != "skip":
                break
        return won


def lowest_rate(price: Fraction, purses: Sequence[tuple[Fraction, Fraction]]) -> Fraction:
    """Return the rate that raises the price, if each pays rate x worth, or else all their money."""
    worth = sum((value for _, value in purses), Fraction(0))
    for money, value in sorted(purses, key=lambda purse: purse[0] / purse[1]):
        if money * worth >= price * value:
            break  # this supporter can pay in full, and so can all who come after
        price, worth = price - money, worth - value
    return price / worth


def main(arguments: Sequence[str]) -> None:
    ask = ArgumentParser(description="Count an election slowly, in fractions.")
    ask.add_argument("file")
    for name, choices in CHOICES.items():
        ask.add_argument(f"--{name}", choices=choices, default=choices[0])
    ask.add_argument("--step", type=Fraction, default=Fraction(1))
    ask.add_argument("--ties", default="cheapest,most-votes,lot")
    how = ask.parse_args(arguments)
    count = Count(read(how.file), how)
    rules = {"equal-shares": count.equal_shares, "greedy": count.greedy, "phragmen": count.phragmen}
    sys.stdout.writelines(f"{p}\n" for p in rules[how.rule]())


if __name__ == "__main__":
    main(sys.argv[1:])
