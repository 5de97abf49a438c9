"""Small elections for property tests, made so that ties and exact fits are common."""

from dataclasses import dataclass, replace

from hypothesis import strategies as st

from commonweal.engine.voting import Outcome, Profile


@dataclass(frozen=True)
class Election:
    """An election as plain Python, and as the engine reads it."""

    cost: dict[str, int]
    ballots: tuple[frozenset[str], ...]
    budget: int

    @property
    def profile(self) -> Profile:
        marks = [(p, v) for v, ballot in enumerate(self.ballots) for p in sorted(ballot)]
        return Profile.from_pairs(
            list(self.cost),
            list(self.cost.values()),
            project=[p for p, _ in marks],
            ballot=[v for _, v in marks],
            voters=len(self.ballots),
        )

    def with_cost(self, project: str, cost: int) -> "Election":
        return replace(self, cost=self.cost | {project: cost})

    def with_ballots(self, project: str, ballots: int) -> "Election":
        return replace(self, ballots=self.ballots + (frozenset([project]),) * ballots)


def winners(outcome: Outcome) -> list[str]:
    """Return the ids of the winners in the order of purchase."""
    return [str(name) for name in outcome.ids[outcome.order]]


@st.composite
def elections(draw: st.DrawFn, *, dearest: int = 12) -> Election:
    """Draw up to six projects, up to nine ballots, few different costs."""
    ids = draw(st.lists(st.sampled_from("abcdefg"), min_size=1, max_size=6, unique=True))
    some = st.integers(0, 3) if draw(st.booleans()) else st.integers(0, dearest)
    cost = {p: draw(some) for p in ids}
    ballots = draw(st.lists(st.frozensets(st.sampled_from(ids)), min_size=1, max_size=9))
    return Election(cost, tuple(ballots), draw(st.integers(1, 3 * dearest)))
