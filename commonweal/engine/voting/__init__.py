"""Counting votes over a budget: ballots as arrays in, an outcome that explains itself out."""

from commonweal.engine.voting.equal_shares import COMPLETIONS, STOPS, equal_shares
from commonweal.engine.voting.greedy import greedy
from commonweal.engine.voting.outcome import Outcome
from commonweal.engine.voting.profile import Profile
from commonweal.engine.voting.reasons import Needed, Reason, Why, needed, reasons
from commonweal.engine.voting.ties import Tie, TieRule

__all__ = [
    "COMPLETIONS",
    "STOPS",
    "Needed",
    "Outcome",
    "Profile",
    "Reason",
    "Tie",
    "TieRule",
    "Why",
    "equal_shares",
    "greedy",
    "needed",
    "reasons",
]
