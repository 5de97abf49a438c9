"""One word longer than the narrowest screen, wherever people's own words are shown."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from commonweal.listen.conversations.models import Answer, Conversation, DetailChoice, Statement
from commonweal.listen.hearings.models import Comment, Hearing, Passage
from commonweal.listen.reports.models import Report
from commonweal.listen.surveys.models import Item, Option, Survey
from tests.journeys.borough import Borough, Walk, have_listened
from tests.journeys.looking import NARROWEST, Watch, sideways
from tests.visit import sign_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
LONG = "Nachbarschaftshilfevereinsvorstandsmitgliederversammlung"


@pytest.mark.timeout(900)  # some hundred pages
def test_no_page_scrolls_sideways_for_a_long_word(
    window: Callable[..., Watch], borough: Borough
) -> None:
    Statement.objects.update(text=LONG)  # before anybody votes: then it stays as it is
    beside = have_listened(borough)
    draft, idea, pot = borough.draft, borough.idea, borough.pot
    project = pot.projects.get(pk=pot.projects.order_by("pk").values_list("pk")[0][0])
    for row in (draft, idea, pot, project, borough.gathering, borough.community):
        name = "name" if row is borough.community else "title"
        setattr(row, name, LONG)
        row.save(update_fields=[name])
    _say_it_everywhere()
    page = window(borough.resident, width=NARROWEST, script=False).page
    client = sign_in(Client(), borough.resident)
    faults, step = [], f"{draft.get_absolute_url()}edit/cost/"
    for address in Walk(client).from_page("/", "/me/", step, *beside):
        page.goto(address)
        faults += [f"{address}: {fault}" for fault in sideways(page)]
    assert not faults, "\n".join(faults)


def _say_it_everywhere() -> None:
    """Let people and staff say nothing else, wherever they are listened to."""
    Conversation.objects.update(
        question=LONG, background=LONG, what_happens=LONG, promised_by=LONG, policy=LONG
    )
    DetailChoice.objects.update(label=LONG)
    Answer.objects.update(words=LONG)
    Report.objects.update(summary=LONG, advice=LONG)
    Survey.objects.update(title=LONG, why=LONG, happens=LONG, thanks=LONG, heard=LONG)
    Item.objects.update(words=LONG, help=LONG)
    Option.objects.update(words=LONG)
    Hearing.objects.update(title=LONG, about=LONG, decides=LONG)
    Passage.objects.update(text=LONG)
    Comment.objects.update(body=LONG, name=LONG)
