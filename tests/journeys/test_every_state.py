"""The states of a pot and an idea that no link leads to at any one time: each is a page of its own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from commonweal.decide.budgets.models import Pot
from commonweal.decide.counts import actions as counts
from commonweal.propose.proposals.models import Proposal, Status
from tests.decide.crowd import vote_for
from tests.factories import world
from tests.journeys.borough import Borough
from tests.journeys.looking import DESK, PHONE, Watch

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def _pots(borough: Borough) -> dict[str, Pot]:
    """Return a pot that has not opened, one that waits for its count, and two that are counted."""
    at = timezone.now()
    past = {"opens_at": at - timedelta(days=9), "closes_at": at - timedelta(days=1)}
    later = {"opens_at": at + timedelta(days=1), "closes_at": at + timedelta(days=9)}
    made = {
        "coming": world.a_pot(borough.deciding, title="The winter pot", **later),
        "closed": world.a_pot(borough.deciding, title="The autumn pot", **past),
        "counted": world.a_pot(borough.deciding, title="The old pot", **past),
        "unvoted": world.a_pot(borough.deciding, title="The lost pot", rule="greedy", **past),
    }
    for name in ("closed", "counted"):
        vote_for(made[name], borough.community, 30)
    for name in ("counted", "unvoted"):
        counts.count_closed_pot(pot_id=made[name].pk, at=at)
    return made


@pytest.mark.timeout(600)  # some twenty pages, each looked at twice
def test_every_state_of_a_pot_and_an_idea_is_whole(
    window: Callable[..., Watch], borough: Borough
) -> None:
    pages = ("budgets:pot", "ballots:vote", "ballots:receipt", "counts:result", "counts:check")
    pots = _pots(borough).values()
    addresses = [reverse(page, args=[pot.pk]) for pot in pots for page in pages]
    for status in (Status.HIDDEN, Status.WITHDRAWN, Status.NOT_FUNDED):
        idea = world.a_proposal(borough.gathering, author=borough.resident)
        Proposal.objects.filter(pk=idea.pk).update(status=status, hidden_reason="advert")
        addresses.append(idea.get_absolute_url())
    watch, faults = window(borough.resident), []
    for address in addresses:
        watch.page.goto(address)
        for width, light in ((PHONE, "light"), (DESK, "dark")):
            watch.page.set_viewport_size({"width": width, "height": 800})
            watch.page.emulate_media(color_scheme=light)  # type: ignore[arg-type]
            faults += [f"{address} at {width}, {light}: {fault}" for fault in watch.faults()]
    assert not faults + watch.troubles, "\n".join([*faults, *watch.troubles])


def test_whoever_waits_for_a_count_sees_it_come(
    window: Callable[..., Watch], borough: Borough
) -> None:
    pot = _pots(borough)["closed"]
    watch = window(borough.resident)
    watch.page.goto(reverse("counts:result", args=[pot.pk]))
    assert watch.page.get_by_role("heading", level=1).inner_text() == "We are counting"
    counts.count_closed_pot(pot_id=pot.pk, at=timezone.now())
    watch.page.get_by_role("heading", name="Why it won, why it did not").wait_for(timeout=20_000)
    assert "The autumn pot: the result" in watch.page.title()
    watch.check()
