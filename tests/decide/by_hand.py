"""Check a count bundle by hand: written from docs/know/count-bundle.md, with nothing but Python.

    python by_hand.py pot-12.zip

prints what is wrong, a line each, and ends with 1; or prints "agrees" and ends with 0. Slow: money
is kept in fractions, and every ballot is looked at by itself.
"""

import csv
import io
import json
import re
import sys
import zipfile
from fractions import Fraction
from hashlib import sha256
from pathlib import Path
from typing import Any

WHOLE = {"manifest.json", "receipts.txt", "rule.json", "result.json", "README.txt"}
BALLOTS = {"ballots.pb", "trace.jsonl", "reference.py"}


def digest(content: bytes) -> str:
    """Return the SHA-256."""
    return sha256(content).hexdigest()


def root(receipts: list[str]) -> str:
    """Return the Merkle root."""
    layer = [sha256(b"\x00" + line.encode()).digest() for line in receipts]
    while len(layer) > 1:
        pairs = [layer[k : k + 2] for k in range(0, len(layer), 2)]
        layer = [sha256(b"\x01" + b"".join(p)).digest() if len(p) == 2 else p[0] for p in pairs]
    return (layer[0] if layer else sha256(b"").digest()).hex()


class Count:
    """One election, read from the bundle, and counted by its rule."""

    def __init__(self, ballots: bytes, rule: dict[str, Any]) -> None:
        tables: dict[str, list[list[str]]] = {}
        for line in csv.reader(io.StringIO(ballots.decode()), delimiter=";"):
            if line and line[0] in ("META", "PROJECTS", "VOTES") and len(line) == 1:
                rows = tables.setdefault(line[0], [])
            else:
                rows.append(line)
        self.rule, self.meta = rule, dict(tables["META"][1:])
        self.budget = Fraction(self.meta["budget"])
        self.cost = {row[0]: Fraction(row[1]) for row in tables["PROJECTS"][1:]}
        self.said = {row[0]: int(row[2]) for row in tables["PROJECTS"][1:]}
        self.ballots = [self.read(row) for row in tables["VOTES"][1:]]
        self.votes = {p: sum(p in b for b in self.ballots) for p in self.cost}
        self.worth = [
            {p: worth for p in b if (worth := self.worth_of(p, b)) > 0} for b in self.ballots
        ]
        self.behind = {p: [v for v, b in enumerate(self.worth) if p in b] for p in self.cost}
        self.score = {p: sum(self.worth[v][p] for v in self.behind[p]) for p in self.cost}
        self.rivals = {
            p: {
                q
                for group in rule.get("limits", {}).get("exclusive", [])
                if p in group
                for q in group
            }
            - {p}
            for p in self.cost
        }
        self.paid: dict[str, Fraction] = {}
        self.start = Fraction(0)

    def read(self, row: list[str]) -> dict[str, Fraction]:
        """Return by project its place from 1, or its points, or 1."""
        listed = row[1].split(",") if row[1] else []
        if self.meta["vote_type"] == "ordinal":
            return {p: Fraction(place) for place, p in enumerate(listed, 1)}
        points = row[2].split(",") if len(row) > 2 and row[2] else ["1"] * len(listed)
        return {p: Fraction(number) for p, number in zip(listed, points, strict=True)}

    def worth_of(self, p: str, ballot: dict[str, Fraction]) -> Fraction:
        """Return what a project is worth to a ballot that lists it."""
        by = self.rule.get("satisfaction", "cost")
        return {
            "cost": self.cost[p],
            "points": ballot[p],
            "borda-all": Fraction(len(self.cost)) - ballot[p],
        }[by]

    def level(self, p: str) -> list[Any]:
        """Return what decides between projects that are level."""
        key: list[Any] = []
        for criterion in self.rule["ties"].split(","):
            name, _, seed = criterion.partition(":")
            lot = digest(f"{seed}:{p}".encode())
            key.append({"cheapest": self.cost[p], "most-votes": -self.votes[p], "lot": lot}[name])
        return [*key, p]

    def is_out(self, p: str, won: list[str]) -> bool:
        """Tell whether a rival has won."""
        return bool(self.rivals[p] & set(won))

    def left(self, won: list[str]) -> Fraction:
        """Return what is left of the budget."""
        return self.budget - sum(self.cost[p] for p in won)

    def winners(self) -> list[str]:
        """Return who won, in order."""
        if len(self.ballots) < self.rule.get("quorum", 0):
            return []
        return {
            "greedy": self.greedy,
            "equal-shares": self.equal_shares,
            "phragmen": self.phragmen,
        }[self.rule["rule"]]()

    def in_turn(self, won: list[str], merit: dict[str, Fraction]) -> list[str]:
        """Let the others win in turn, the highest first, if they fit."""
        for p in sorted(merit, key=lambda p: [-merit[p], *self.level(p)]):
            if p not in won and not self.is_out(p, won) and self.cost[p] <= self.left(won):
                won = [*won, p]
        return won

    def greedy(self) -> list[str]:
        """Count by greedy."""
        by = {"votes": self.votes, "score": self.score}[self.rule["measure"]]
        return self.in_turn([], {p: Fraction(by[p]) for p in self.cost if by[p]})

    def run(self, start: Fraction) -> list[str]:
        """Make one run of equal shares."""
        money, won = [start] * len(self.ballots), list[str]()
        self.paid = {}
        while True:
            rates = {}
            for p, behind in self.behind.items():
                if not behind or p in won or self.is_out(p, won):
                    continue
                if sum(money[v] for v in behind) >= self.cost[p]:
                    rates[p] = self.rate(p, money)
            if not rates:
                return won
            best = min(rates, key=lambda p: [rates[p], *self.level(p)])
            pays = {v: min(money[v], rates[best] * self.worth[v][best]) for v in self.behind[best]}
            for v, pay in pays.items():
                money[v] -= pay
            self.paid[best] = max(pays.values())
            won.append(best)

    def rate(self, p: str, money: list[Fraction]) -> Fraction:
        """Return the lowest rate that brings the cost together."""
        poor: list[int] = []
        rest = sorted(self.behind[p], key=lambda v: money[v] / self.worth[v][p])
        while True:
            missing = self.cost[p] - sum(money[v] for v in poor)
            worth = sum(self.worth[v][p] for v in rest)
            if missing <= 0 or not rest:  # the last of the poor pays all they have
                return money[poor[-1]] / self.worth[poor[-1]][p]
            rate = missing / worth
            if rate * self.worth[rest[0]][p] <= money[rest[0]]:
                return rate
            poor.append(rest.pop(0))

    def equal_shares(self) -> list[str]:
        """Count by equal shares, raise the start money, and fill up."""
        self.start = self.budget / max(1, len(self.ballots))
        won, paid = self.run(self.start), self.paid
        while True:
            waits = [p for p in self.cost if self.behind[p] and p not in won]
            if not any(self.cost[p] <= self.left(won) for p in waits if not self.is_out(p, won)):
                break
            more = self.run(self.start + 1)
            if self.left(more) < 0:
                break
            won, paid, self.start = more, self.paid, self.start + 1
        self.paid = paid
        by_votes = self.rule["satisfaction"] == "cost"
        merit = {
            p: Fraction(self.votes[p]) if by_votes else self.score[p] / self.cost[p]
            for p in self.cost
            if self.behind[p]
        }
        return self.in_turn(won, merit)

    def phragmen(self) -> list[str]:
        """Count by Phragmén's method."""
        load, won = [Fraction(0)] * len(self.ballots), list[str]()
        left = {p: [v for v, b in enumerate(self.ballots) if p in b] for p in self.cost}
        left = {p: behind for p, behind in left.items() if behind}
        while left:
            when = {p: (self.cost[p] + sum(load[v] for v in b)) / len(b) for p, b in left.items()}
            best = min(when, key=lambda p: [when[p], *self.level(p)])
            behind = left.pop(best)
            if not self.is_out(best, won) and self.cost[best] <= self.left(won):
                won.append(best)
                for v in behind:
                    load[v] = when[best]
        return won


def wrong(content: bytes) -> list[str]:
    """Return what is wrong with a bundle."""
    with zipfile.ZipFile(io.BytesIO(content)) as pack:
        files = {name.partition("/")[2]: pack.read(name) for name in pack.namelist()}
    said = json.loads(files["manifest.json"])
    wanted = WHOLE | (set() if "withheld" in said else BALLOTS)
    found = [] if set(files) == wanted else ["other files than there should be"]
    found += [
        f"{name} is not what was published"
        for name, hashed in said["files"].items()
        if digest(files.get(name, b"")) != hashed
    ]
    if set(said["files"]) != wanted - {"manifest.json"}:
        found.append("the manifest names other files")
    receipts = files["receipts.txt"].decode().split("\n")
    if receipts.pop() != "" or sorted(set(receipts)) != receipts:
        found.append("the receipts are not sorted, or one is there twice")
    if not all(re.fullmatch("[A-Z2-7]{4}(-[A-Z2-7]{4}){3}", line) for line in receipts):
        found.append("a line is no receipt")
    if said["receipts"] != {"count": len(receipts), "root": root(receipts)}:
        found.append("the root is not that of the receipts")
    result = json.loads(files["result.json"])
    if result["voters"] != len(receipts):
        found.append("there are not as many receipts as ballots")
    return found if "withheld" in said else [*found, *wrong_in_count(files, result)]


def wrong_in_count(files: dict[str, bytes], result: dict[str, Any]) -> list[str]:
    """Return where counting again gives something else."""
    rule = json.loads(files["rule.json"])
    count = Count(files["ballots.pb"], rule["rule"])
    winners = count.winners()
    lots = sorted((digest(f"{rule['seed']}:{p}".encode()), p) for p in count.cost)
    trace = [json.loads(line) for line in files["trace.jsonl"].splitlines()]
    steps = [line for line in trace if "step" in line]
    head = {
        "ballots_sha256": digest(files["ballots.pb"]),
        "rule_sha256": digest(files["rule.json"]),
    }
    shares = rule["rule"]["rule"] == "equal-shares"
    agree = {
        "winners": result["winners"] == winners,
        "spent": Fraction(result["spent"]) == sum(count.cost[p] for p in winners),
        "budget": Fraction(result["budget"]) == count.budget,
        "voters": result["voters"] == len(count.ballots) == int(count.meta["num_votes"]),
        "projects": result["projects"] == len(count.cost) == int(count.meta["num_projects"]),
        "start": not winners or not shares or Fraction(result["start"]) == count.start,
        "votes": count.said == count.votes,
        "lots": [(one["lot"], one["project"]) for one in rule["lots"]] == lots,
        "trace": result["trace_sha256"] == digest(files["trace.jsonl"]),
        "head of the trace": {key: trace[0][key] for key in head} == head,
        "steps": [(s["project"], Fraction(s["cost"]), s["votes"]) for s in steps]
        == [(p, count.cost[p], count.votes[p]) for p in winners],
        "payments": not shares
        or {s["project"]: Fraction(s["payment"]) for s in steps if s["how"] == "shares"}
        == count.paid,
    }
    return [
        f"{what}: counting again gives something else" for what, holds in agree.items() if not holds
    ]


if __name__ == "__main__":
    differences = wrong(Path(sys.argv[1]).read_bytes())
    print("\n".join(differences) or "agrees")
    sys.exit(1 if differences else 0)
