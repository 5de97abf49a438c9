"""Small elections whose marks carry points, places or credits, with ties on purpose."""

from dataclasses import dataclass

from hypothesis import strategies as st

from commonweal.engine.voting import Profile


@dataclass(frozen=True)
class Valued:
    """An election as plain Python, and as the engine reads it."""

    cost: dict[str, int]
    ballots: tuple[dict[str, int], ...]
    budget: int

    @property
    def profile(self) -> Profile:
        marks = [(p, v, n) for v, b in enumerate(self.ballots) for p, n in sorted(b.items())]
        return Profile.from_pairs(
            list(self.cost),
            list(self.cost.values()),
            project=[p for p, _, _ in marks],
            ballot=[v for _, v, _ in marks],
            voters=len(self.ballots),
            value=[n for _, _, n in marks],
        )


@st.composite
def valued(
    draw: st.DrawFn, *, least: int = 0, most: int = 4, dearest: int = 12, places: bool = False
) -> Valued:
    """Draw up to six projects, up to eight ballots, few different values."""
    ids = draw(st.lists(st.sampled_from("abcdefg"), min_size=1, max_size=6, unique=True))
    cost = {p: draw(st.integers(0, dearest)) for p in ids}
    ballots = []
    for chosen in draw(st.lists(st.lists(st.sampled_from(ids), unique=True), max_size=8)):
        if places:
            ballots.append({p: place for place, p in enumerate(chosen, 1)})
        else:
            ballots.append({p: draw(st.integers(least, most)) for p in chosen})
    return Valued(cost, tuple(ballots), draw(st.integers(1, 3 * dearest)))
