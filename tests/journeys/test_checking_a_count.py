"""Whoever voted finds their receipt, by keyboard and without JavaScript, and takes the proof home."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone

from commonweal.decide.budgets.models import Pot
from commonweal.decide.counts import actions as counts
from commonweal.engine.voting.bundle_receipts import leads_to
from tests.decide.conftest import numbers
from tests.decide.crowd import vote_for
from tests.factories import world
from tests.journeys.borough import Borough
from tests.journeys.looking import DESK, NARROWEST, Watch, enter

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def _counted(borough: Borough) -> tuple[Pot, str]:
    cache.clear()  # nobody looked a receipt up yet
    at = timezone.now()
    past = {"opens_at": at - timedelta(days=9), "closes_at": at - timedelta(days=1)}
    pot = world.a_pot(borough.deciding, title="The autumn pot", **past)
    vote_for(pot, borough.community, 30, chosen=numbers(pot))
    code = pot.ballots.order_by("receipt")[9].code
    return counts.count_closed_pot(pot_id=pot.pk, at=at), code


@pytest.mark.parametrize(("script", "width"), [(False, NARROWEST), (True, DESK)])
def test_a_voter_finds_their_receipt_and_proves_it(
    window: Callable[..., Watch], borough: Borough, tmp_path: Path, script: bool, width: int
) -> None:
    pot, code = _counted(borough)
    watch = window(script=script, width=width)
    page = watch.page
    page.goto(reverse("counts:result", args=[pot.pk]))
    enter(page.get_by_role("link", name="Check this count, or find my receipt"))
    field = page.get_by_label("Your receipt")
    field.fill("ABCD-EFGH")
    field.press("Enter")
    assert page.title().startswith("Mistake:")
    watch.check() if script else None
    field.fill("ABCD-EFGH-2345-6723")
    field.press("Enter")
    assert "not among those counted here" in page.get_by_role("status").inner_text()
    watch.check() if script else None
    field.fill(code.lower().replace("-", " "))
    field.press("Enter")
    assert "Yes, your ballot was counted" in page.get_by_role("status").inner_text()
    watch.check() if script else None
    with page.expect_download() as waiting:
        enter(page.get_by_role("button", name="Download the proof"))
    waiting.value.save_as(tmp_path / "proof.json")
    told = json.loads((tmp_path / "proof.json").read_text())
    assert leads_to(code, told["place"], told["of"], told["path"]) == pot.bundle.root
    assert pot.bundle.root in page.locator("main").inner_text()
