"""What staff found about the ideas of the example borough, and the ballot that waits for them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.utils import timezone

from commonweal.decide.budgets import actions as budgets
from commonweal.decide.budgets import queries as pots
from commonweal.decide.budgets.models import Rule
from commonweal.ground.challenges.models import Challenge
from commonweal.ground.people.models import Person
from commonweal.ground.places.models import Level
from commonweal.propose.appraisals import actions as appraisals
from commonweal.propose.proposals import actions as proposals
from commonweal.propose.proposals.models import Proposal
from commonweal.web.larkmere import appraisals as told

if TYPE_CHECKING:
    from commonweal.web.demo import Borough

COMING_POT_PENCE = 150_000_00
SUPPORTS_NEEDED = 10


def fill(borough: Borough, challenge: Challenge, ideas: Iterable[Proposal]) -> None:
    """Let appraisals and merges of a challenge's ideas stand wherever they can, and a pot wait."""
    by_title = {proposal.title: proposal for proposal in ideas}
    _merge(borough, by_title)
    for found in told.FOUND:
        _appraise(borough, by_title[found.title], found, -17)
        if found.ends in ("accepted", "decided"):
            _sign(borough, by_title[found.title])
    _coming_pot(borough, challenge)


def as_guessed(borough: Borough, ideas: Iterable[Proposal]) -> None:
    """Appraise ideas whose authors had guessed well, long before their ballot."""
    for proposal in ideas:
        _appraise(borough, proposal, _as_guessed(proposal), -20)


def author_of(borough: Borough, title: str) -> Person | None:
    """Return the example person who wrote an idea, so that a visitor can answer as its author."""
    return borough.examples.get(told.AUTHORS.get(title, ""))


def early(title: str, day: float, first: float) -> float:
    """Return when an idea was written: those that staff have appraised near the first day."""
    return first + (day - first) / 10 if title in told.EARLY else day


def _merge(borough: Borough, by_title: dict[str, Proposal]) -> None:
    """Suggest that some ideas become one; the authors of some have agreed."""
    for stays, joins, is_agreed, why in told.MERGES:
        lead, joining = by_title[stays], by_title[joins]
        merge = proposals.suggest_merge(
            viewer=borough.viewer(borough.examples["omar"], -16),
            lead_id=lead.pk,
            joining_id=joining.pk,
            why=why,
        )
        for proposal in (lead, joining) if is_agreed else ():
            author = borough.viewer(proposal.author, -15)
            proposals.agree_to_merge(viewer=author, merge_id=merge.pk)


def _sign(borough: Borough, proposal: Proposal) -> None:
    """Let enough people sign an idea for the ballot that waits."""
    signed = set(proposal.signatures.values_list("person", flat=True)) | {proposal.author_id}
    others = [person for person in borough.everyone if person.pk not in signed]
    for person in others[: max(0, SUPPORTS_NEEDED + 2 - len(signed))]:
        viewer = borough.viewer(person, -5)
        proposals.sign_proposal(viewer=viewer, proposal_id=proposal.pk, standing="resident")


def _as_guessed(proposal: Proposal) -> told.Found:
    """Return what staff found about an idea whose author had guessed well."""
    pounds = (proposal.cost_pence or 0) // 100
    people = round(pounds * 0.7)
    costs = (
        ("People’s time", "once", people, "Pay scale of this year"),
        ("Things, rooms and travel", "once", pounds - people, "Prices of this spring"),
    )
    words = "It can be done, for what the author thought. Those who would run it have read this."
    return told.Found(proposal.title, "accepted", 1, costs, words)


def _appraise(borough: Borough, proposal: Proposal, found: told.Found, begun: float) -> None:
    """Work out what an idea costs, as staff do, and let it go as far as its story says."""
    is_omars = proposal.author == borough.examples["omar"]  # nobody appraises their own idea
    somebody = borough.examples["delyth" if is_omars else "omar"]
    staff = borough.viewer(somebody, begun)
    held = appraisals.begin_appraisal(viewer=staff, proposal_id=proposal.pk)
    costs = [
        appraisals.Cost(what, each, pounds * 100, source)
        for what, each, pounds, source in found.costs
    ]
    held = appraisals.save_costs(
        viewer=staff, appraisal_id=held.pk, version=held.version, years=found.years, costs=costs
    )
    if found.ends == "draft":
        return
    said = {criterion: ("yes", reason) for criterion, reason in told.YES.items()}
    held = appraisals.save_findings(
        viewer=staff, appraisal_id=held.pk, version=held.version, found=said | found.against
    )
    waits = found.ends in ("shown", "appealed")  # so that a visitor of the demo can still answer
    held = appraisals.save_words(
        viewer=staff,
        appraisal_id=held.pk,
        version=held.version,
        words=found.words,
        changes=found.changes,
        days=21 if waits else 5,
    )
    held = appraisals.show_to_authors(
        viewer=borough.viewer(somebody, begun + 1),
        appraisal_id=held.pk,
        version=held.version,
    )
    _answer(borough, proposal, found, held.pk, begun)


def _answer(
    borough: Borough, proposal: Proposal, found: told.Found, number: int, begun: float
) -> None:
    author = borough.viewer(proposal.author, begun + 2)
    if found.ends == "accepted":
        appraisals.accept_appraisal(viewer=author, appraisal_id=number)
    elif found.ends == "days":
        over = borough.now + timedelta(days=begun + 7)
        appraisals.settle_when_due(appraisal_id=number, at=over)
    elif found.ends in ("appealed", "decided"):
        appraisals.appeal_appraisal(viewer=author, appraisal_id=number, words=found.appeal)
    if found.ends == "decided":
        delyth = borough.viewer(borough.examples["delyth"], begun + 5)
        appraisals.decide_appeal(viewer=delyth, appraisal_id=number, **found.decided)


def _coming_pot(borough: Borough, challenge: Challenge) -> None:
    """Set a pot up whose list is not fixed yet: what has what it asks for is on its ballot."""
    lead = borough.viewer(borough.examples["omar"], -3)
    pot = budgets.create_pot(
        viewer=lead,
        challenge=challenge,
        community=borough.whole,
        title="Share out £150,000 for care at home",
        about="For ideas that many signed and that staff found possible. The list is open until the vote.",
        pence=COMING_POT_PENCE,
        rule=Rule.EQUAL_SHARES,
        level=Level.POSTCODE,
        opens_at=_evening(borough, 56),
        closes_at=_evening(borough, 84),
        lot_seed=challenge.slug,
        supports_needed=SUPPORTS_NEEDED,
        appraised_only=True,
    )
    for proposal in pots.proposals_to_add(pot).order_by("pk"):
        begin_with = pots.as_appraised(proposal)
        budgets.add_project(
            viewer=lead,
            pot_id=pot.pk,
            proposal=proposal,
            title=proposal.title,
            summary=proposal.better,
            outcome=proposal.measure,
            where="Whole borough",
            **begin_with,
        )


def _evening(borough: Borough, days: float) -> datetime:
    local = timezone.localtime(borough.now + timedelta(days=days))
    return local.replace(hour=20, minute=0, second=0, microsecond=0)
