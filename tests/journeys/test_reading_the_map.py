"""Whoever reads the map sees what is common, what divides, and where they stand, on any screen."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import numpy as np
import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from commonweal.engine.opinion import simulate
from commonweal.listen.conversations.models import Conversation, DetailChoice
from commonweal.listen.maps.actions import refresh_map
from commonweal.listen.maps.models import Map
from commonweal.listen.voices.models import DetailAnswer
from tests.factories import listen
from tests.journeys.borough import Borough
from tests.journeys.looking import DESK, NARROWEST, PHONE, Watch

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SAID = (
    "The same carer should come every morning.",
    "I would rather wait an hour for somebody I know.",
    "Visits of a quarter of an hour are too short.",
    "Neighbours could do more if they were asked.",
    "Family should not have to give up work to care.",
    "Carers should be paid for the way between two homes.",
    "One telephone number for everything would help me most.",
    "I want to choose myself what the hours are used for.",
    "A camera in the kitchen would let me sleep at night.",
    "Nobody should be put to bed at seven in the evening.",
    "Young people would do this work if it led somewhere.",
    "Meals matter more than medicine on the first day at home.",
    "Carers need to know what the hospital knows.",
    "Private firms give better care than the council.",
    "Who has savings should pay more.",
    "يجب أن يعرف مقدم الرعاية لغتي 🏠",
    "A volunteer should never give personal care.",
    "I trust the people who come to my house.",
    "Someone should ring before they come.",
    "The rota should be on paper, on my fridge.",
    "Respite at weekends would keep me going.",
    "We talk about the ill, and never about those who care.",
    "Moving into a home should be the last thing anyone offers.",
    "The council should buy the houses and let them to carers.",
)


def a_talk(borough: Borough, groups: int = 3, **given: object) -> Conversation:
    """Return a conversation in which so many groups of people have spoken; its map is made."""
    made = listen.a_conversation(
        borough.authority,
        question="What would make care at home better?",
        community=borough.community,
        challenge=borough.deciding,
        **given,
    )
    for text in SAID:
        listen.a_statement(made, text)
    crowd = simulate(
        np.random.default_rng(4), people=300, statements=24, groups=groups, answered=0.7, apart=2.2
    )
    table: list[list[int | None]] = [[None] * 24 for _ in range(300)]
    for i, j, value in zip(crowd.person, crowd.statement, crowd.value, strict=True):
        table[i][j] = int(value) if j % 6 else 1 if (i * 7 + j) % 11 else -1
    listen.many_votes(made, table)
    with_ages(made)
    assert refresh_map(conversation_id=made.pk, at=timezone.now())
    return made


def with_ages(conversation: Conversation) -> None:
    """Let most people say how old they are: fewer of the old took part than live here."""
    detail = listen.a_detail(
        conversation, "How old are you?", ("Under 40", "40 to 64", "65 or over", "90 or over")
    )
    choices = list(detail.choices.all())
    for choice, share in zip(choices, (380, 340, 260, 20), strict=True):
        DetailChoice.objects.filter(pk=choice.pk).update(residents_in_1000=share)
    who = list(conversation.participants.order_by("pk").values_list("pk", flat=True))[:250]
    DetailAnswer.objects.bulk_create(
        DetailAnswer(
            conversation=conversation, detail=detail, envelope=conversation.seal(pk),
            choice=choices[0 if i < 130 else 1 if i < 205 else 2 if i < 242 else 3],
        )
        for i, pk in enumerate(who)
    )  # fmt: skip


@pytest.mark.parametrize(
    ("script", "width"), [(False, NARROWEST), (True, NARROWEST), (True, PHONE), (True, DESK)]
)
def test_the_map_can_be_read_on_any_screen_with_every_table_open(
    window: Callable[..., Watch], borough: Borough, script: bool, width: int
) -> None:
    talk = a_talk(borough)
    watch = window(script=script, width=width)
    page = watch.page
    page.goto(reverse("maps:map", args=[talk.pk]))
    for summary in page.locator("main summary").all():
        summary.focus()
        page.keyboard.press("Enter")
    text = page.locator("main").inner_text()
    for words in ("people cast", "Common ground", "Where people differ", "How sure are we?"):
        assert words in text
    assert "Group A" in text
    assert page.locator("svg.cw-map path").count() >= 3
    assert page.locator("details[open]").count() == page.locator("main details").count() >= 1
    if script:
        watch.check()
    page.get_by_role("link", name="group B").click()
    assert "As group B sees it" in page.locator("main").inner_text()
    if script:
        watch.check()
    page.goto(reverse("maps:people", args=[talk.pk]))
    page.get_by_role("link", name="See the weighted map").click()
    assert "count as" in page.locator("main").inner_text()
    page.goto(reverse("maps:statements", args=[talk.pk]))
    page.get_by_role("link", name="Most divided").click()
    if script:
        watch.check()
        page.goto(reverse("maps:people", args=[talk.pk]))
        watch.check()


def test_who_took_part_finds_themselves_on_the_map(
    window: Callable[..., Watch], borough: Borough
) -> None:
    talk = a_talk(borough)
    me = listen.a_participant(talk, borough.resident)
    for number, statement in enumerate(talk.statements.order_by("number")[:9]):
        listen.a_vote(me, statement, -1 if number % 3 else 1)
    watch = window(borough.resident, width=PHONE)
    watch.page.goto(reverse("maps:map", args=[talk.pk]))
    assert watch.page.locator("svg.cw-map .you").is_visible()
    assert "You answered 9." in watch.page.locator("main").inner_text()
    watch.check()


def test_an_open_map_moves_on_by_itself_and_says_so(
    window: Callable[..., Watch], borough: Borough
) -> None:
    talk = a_talk(borough)
    watch = window(width=DESK)
    page = watch.page
    page.clock.install()
    page.goto(reverse("maps:map", args=[talk.pk]))
    page.locator("summary").first.click()
    table = page.get_by_role("region", name="Groups of opinion")
    table.focus()
    Map.objects.filter(conversation=talk).update(
        people=312, made_at=timezone.now() + timedelta(seconds=1)
    )
    page.clock.run_for(31_000)
    page.get_by_role("status").filter(has_text="312 people").wait_for()
    assert "312 people cast" in page.locator("main").inner_text()
    expect(table).to_be_focused()  # whoever reads in what they opened goes on reading
    watch.check()


@pytest.mark.parametrize("width", [NARROWEST, DESK])
def test_where_there_are_no_groups_or_too_few_people_it_says_so(
    window: Callable[..., Watch], borough: Borough, width: int
) -> None:
    watch = window(width=width)
    few = listen.a_conversation(borough.authority, statements=3)
    listen.many_votes(few, [[1, 1, 1]] * 3)
    watch.page.goto(reverse("maps:map", args=[few.pk]))
    assert "The map comes when five people have answered" in watch.page.locator("main").inner_text()
    watch.check()
    line = a_talk(borough, groups=1)
    watch.page.goto(reverse("maps:map", args=[line.pk]))
    assert "No clear groups" in watch.page.locator("h1").inner_text()
    watch.check()
    watch.page.goto(line.get_absolute_url())
    assert "No clear groups" in watch.page.locator("main").inner_text()
    watch.page.goto(line.statements.get(number=3).get_absolute_url())
    assert "How people voted on this" in watch.page.locator("main").inner_text()
    watch.check()
