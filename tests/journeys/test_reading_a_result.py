"""Whoever reads a result sees what was funded, why, how ties went, and who took part, on any screen."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from commonweal.decide.ballots.models import Channel, Roll
from commonweal.decide.budgets.models import Pot, Rule
from commonweal.decide.counts import actions as counts
from tests.decide.conftest import numbers
from tests.decide.crowd import vote_for
from tests.factories import world
from tests.journeys.borough import Borough
from tests.journeys.looking import DESK, NARROWEST, PHONE, Watch

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def _counted(borough: Borough) -> Pot:
    """Return a pot with a tie that a lot decided, an idea that few chose, and some on paper."""
    at = timezone.now()
    pot = world.a_pot(
        borough.deciding,
        title="The winter pot",
        pence=30_000_00,
        costs=(20_000_00, 10_000_00, 10_000_00, 9_000_00),
        rule=Rule.GREEDY,
        lot_seed="winter 2027",
        opens_at=at - timedelta(days=9),
        closes_at=at - timedelta(days=1),
    )
    first, second, third, fourth = numbers(pot)
    pot.projects.filter(pk=first).update(where="Highfold")
    vote_for(pot, borough.community, 12, [first, second, third])
    vote_for(pot, borough.community, 7, [first])
    vote_for(pot, borough.community, 2, [fourth])
    line = Roll.objects.filter(pot=pot).order_by("pk")[:6]
    Roll.objects.filter(pk__in=[one.pk for one in line]).update(channel=Channel.PAPER, person=None)
    return counts.count_closed_pot(pot_id=pot.pk, at=at)


@pytest.mark.parametrize(
    ("script", "width"), [(False, NARROWEST), (True, NARROWEST), (True, PHONE), (True, DESK)]
)
def test_a_result_can_be_read_on_any_screen_with_every_table_open(
    window: Callable[..., Watch], borough: Borough, script: bool, width: int
) -> None:
    pot = _counted(borough)
    watch = window(script=script, width=width)
    page = watch.page
    page.goto(reverse("counts:result", args=[pot.pk]))
    for summary in page.locator("main summary").all():
        summary.focus()
        page.keyboard.press("Enter")
    text = page.locator("main").inner_text()
    assert "its lot was the lowest" in text
    assert "Draw the lots again" in text
    assert "Fewer than 5 people chose it" in text
    assert "so we show no averages" in text
    assert page.locator("details[open]").count() == page.locator("main details").count() >= 4
    bars = page.locator("main section", has=page.locator("svg.cw-bar"))
    for n in range(bars.count()):
        assert bars.nth(n).locator("table").count() >= 1, bars.nth(n).inner_text()[:80]
    if script:
        watch.check()


@pytest.mark.parametrize("width", [NARROWEST, DESK])
def test_before_the_result_there_is_only_when_it_comes(
    window: Callable[..., Watch], borough: Borough, width: int
) -> None:
    pot = world.a_pot(borough.deciding, title="The open pot")
    vote_for(pot, borough.community, 8, numbers(pot)[:1])
    watch = window(width=width)
    watch.page.goto(reverse("counts:result", args=[pot.pk]))
    text = watch.page.locator("main").inner_text()
    assert "Nobody sees a result before voting closes" in text
    assert not any(title in text for title in pot.projects.values_list("title", flat=True))
    watch.check()
