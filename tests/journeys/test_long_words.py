"""One word longer than the narrowest screen, wherever people's own words are shown."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from tests.journeys.borough import Borough, Walk
from tests.journeys.looking import NARROWEST, Watch, sideways
from tests.visit import sign_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
LONG = "Nachbarschaftshilfevereinsvorstandsmitgliederversammlung"


@pytest.mark.timeout(600)  # some forty pages
def test_no_page_scrolls_sideways_for_a_long_word(
    window: Callable[..., Watch], borough: Borough
) -> None:
    draft, idea, pot = borough.draft, borough.idea, borough.pot
    project = pot.projects.get(pk=pot.projects.order_by("pk").values_list("pk")[0][0])
    for row in (draft, idea, pot, project, borough.gathering, borough.community):
        name = "name" if row is borough.community else "title"
        setattr(row, name, LONG)
        row.save(update_fields=[name])
    page = window(borough.resident, width=NARROWEST, script=False).page
    client = sign_in(Client(), borough.resident)
    faults = []
    for address in Walk(client).from_page("/", "/me/", f"{draft.get_absolute_url()}edit/cost/"):
        page.goto(address)
        faults += [f"{address}: {fault}" for fault in sideways(page)]
    assert not faults, "\n".join(faults)
