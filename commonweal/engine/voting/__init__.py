"""Counting votes over a budget: ballots as arrays in, an outcome that explains itself out."""

from commonweal.engine.voting.bounded_overspending import bounded_overspending
from commonweal.engine.voting.committee import (
    approval_winners,
    equal_shares_committee,
    sequential_pav,
    sequential_phragmen,
)
from commonweal.engine.voting.comparison import compare_with_greedy, equal_shares_or_greedy
from commonweal.engine.voting.condorcet import ranked_pairs, schulze
from commonweal.engine.voting.election import Election, ElectionError
from commonweal.engine.voting.equal_shares import COMPLETIONS, STOPS, equal_shares
from commonweal.engine.voting.exact_shares import exact_equal_shares
from commonweal.engine.voting.greedy import greedy
from commonweal.engine.voting.knapsack import knapsack
from commonweal.engine.voting.limits import Cap, Limits, Pot
from commonweal.engine.voting.maximin import maximin_support
from commonweal.engine.voting.outcome import Outcome
from commonweal.engine.voting.phragmen import phragmen
from commonweal.engine.voting.plurality import plurality
from commonweal.engine.voting.pots import count_in_pots
from commonweal.engine.voting.profile import Profile
from commonweal.engine.voting.reasons import Needed, Reason, Why, needed, reasons
from commonweal.engine.voting.rule import Rule
from commonweal.engine.voting.runoff import instant_runoff
from commonweal.engine.voting.scoring import cumulative, quadratic
from commonweal.engine.voting.scottish_stv import scottish_stv
from commonweal.engine.voting.ties import Tie, TieRule
from commonweal.engine.voting.transfers import transfers
from commonweal.engine.voting.welfare import best_welfare

__all__ = [
    "COMPLETIONS",
    "STOPS",
    "Cap",
    "Election",
    "ElectionError",
    "Limits",
    "Needed",
    "Outcome",
    "Pot",
    "Profile",
    "Reason",
    "Rule",
    "Tie",
    "TieRule",
    "Why",
    "approval_winners",
    "best_welfare",
    "bounded_overspending",
    "compare_with_greedy",
    "count_in_pots",
    "cumulative",
    "equal_shares",
    "equal_shares_committee",
    "equal_shares_or_greedy",
    "exact_equal_shares",
    "greedy",
    "instant_runoff",
    "knapsack",
    "maximin_support",
    "needed",
    "phragmen",
    "plurality",
    "quadratic",
    "ranked_pairs",
    "reasons",
    "schulze",
    "scottish_stv",
    "sequential_pav",
    "sequential_phragmen",
    "transfers",
]
