"""A leader sets a conversation up, lets it go, runs it and answers what is said: by keyboard."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from commonweal.ground.places.models import RoleKind
from commonweal.listen.conversations.models import Conversation
from tests.factories import world
from tests.journeys.borough import Borough
from tests.journeys.looking import (
    DESK,
    NARROWEST,
    PHONE,
    SCREENSHOTS,
    Watch,
    follow,
    press,
    sideways,
)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
LINES = """The night bus is safe.
Buses should run later and be cheaper.
The council should not stop the Sunday bus.
"""
TABLE = "statement\nA shared car in the village would do for me.\nThe bus comes when it should.\n"


def look(watch: Watch, name: str, *, script: bool) -> None:
    """Hold a page to what every page keeps, at every size, and keep a picture."""
    if not script:
        return
    watch.page.set_viewport_size({"width": NARROWEST, "height": 800})
    assert sideways(watch.page) == []
    for width in (PHONE, DESK):
        watch.page.set_viewport_size({"width": width, "height": 800})
        watch.check()
        path = SCREENSHOTS / f"a-conversation-{name}-{width}.jpeg"
        watch.page.screenshot(path=path, type="jpeg", quality=60, full_page=True)


def tick(page: Page, name: str) -> None:
    page.get_by_label(name).first.focus()
    page.keyboard.press("Space")


def headed(page: Page, words: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(words)


def picked(moment: datetime) -> str:
    """Return a moment as the picker of a browser takes it."""
    return f"{timezone.localtime(moment):%Y-%m-%dT%H:%M}"


@pytest.mark.timeout(900)  # some twelve pages, each looked at three times
@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
def test_a_leader_sets_up_a_conversation_from_the_first_step_to_an_answer(
    window: Callable[..., Watch], borough: Borough, script: bool
) -> None:
    clerk = world.a_person(world.root(borough.authority), role=RoleKind.CLERK, name="Cleo Marsh")
    desk = window(clerk, second_factor=True, script=script)
    page, now = desk.page, timezone.now()
    page.goto(borough.gathering.get_absolute_url())
    follow(page, "Ask people: set up a conversation")
    headed(page, "Set up a conversation")
    press(page, "Save and go on")
    expect(page).to_have_title("Mistake: Set up a conversation – Larkmere Commonweal")
    look(desk, "begin", script=script)
    page.get_by_label("What do you ask?").fill("How should people get about?")
    page.get_by_label("What should people know").fill("A bus goes every hour until seven.")
    press(page, "Save and go on")
    headed(page, "First statements")
    page.get_by_label("First statements, one a line").fill(LINES)
    press(page, "Add these")
    expect(page.get_by_text("It may say two things.")).to_be_visible()
    expect(page.get_by_text("It says no twice.")).to_be_visible()
    page.get_by_label("Or a table of them").set_input_files(
        {"name": "statements.csv", "mimeType": "text/csv", "buffer": TABLE.encode()}
    )
    press(page, "Add these")
    expect(page.get_by_role("heading", name="5 statements so far")).to_be_visible()
    look(desk, "statements", script=script)
    follow(page, "Reword statement 2")
    headed(page, "Reword a statement")
    page.get_by_label("The statement").fill("Buses should run later.")
    press(page, "Save it")
    press(page, "Take away statement 3")
    expect(page.get_by_role("heading", name="4 statements so far")).to_be_visible()
    expect(page.get_by_text("It may say two things.")).to_have_count(0)
    follow(page, "These are enough: go on")
    headed(page, "Who takes part")
    tick(page, "Everyone, without an account")
    press(page, "Save and go on")
    headed(page, "How it is kept fair")
    press(page, "Save and go on")
    headed(page, "About the people")
    press(page, "Age")
    expect(page.get_by_label("Question 1", exact=False).first).to_have_value("How old are you?")
    page.get_by_label("Choices of question 1").fill("Under 25: 280\nOlder: 620")
    press(page, "Save and go on")
    expect(page.get_by_role("alert").first).to_contain_text("These add up to 900 of 1,000")
    look(desk, "details", script=script)
    page.get_by_label("Choices of question 1").fill("Under 25: 280\nOlder: 720")
    press(page, "Save and go on")
    headed(page, "Dates, and what is promised")
    page.get_by_label("When does it open?").fill(picked(now + timedelta(days=2)))
    page.get_by_label("When does it close?").fill(picked(now + timedelta(days=9)))
    page.get_by_label("What happens with what people say?").fill("The board answers in public.")
    page.get_by_label("Who answers?").fill("The transport board")
    page.get_by_label("By which day?").fill(f"{now + timedelta(days=40):%Y-%m-%d}")
    look(desk, "dates", script=script)
    press(page, "Save and go on")
    headed(page, "How should people get about?")
    expect(page.get_by_text("Nothing is missing.")).to_be_visible()
    look(desk, "check", script=script)
    made = Conversation.objects.get(question="How should people get about?")

    stranger = window(script=script)
    stranger.page.goto(f"/listen/preview/{made.preview}/")
    expect(stranger.page.get_by_text("A preview: nobody can take part here")).to_be_visible()
    look(stranger, "preview", script=script)
    press(page, "Make it public")
    expect(page.get_by_role("status")).to_contain_text("It opens and closes by itself")
    stranger.page.goto("/listen/")
    follow(stranger.page, "How should people get about?")
    expect(stranger.page.get_by_text("Not open yet")).to_be_visible()

    Conversation.objects.filter(pk=made.pk).update(opens_at=now - timedelta(days=1))
    stranger.page.reload()
    expect(stranger.page.get_by_role("link", name="Take part")).to_be_visible()
    look(stranger, "open", script=script)
    follow(stranger.page, "Print a poster")
    headed(stranger.page, "How should people get about?")
    look(stranger, "poster", script=script)

    page.goto(f"{made.get_absolute_url()}set-up/")
    follow(page, "Add a statement")
    page.get_by_label("The statement").fill("Walking and reading is fun.")
    press(page, "Add it")
    expect(page.get_by_role("status").last).to_contain_text("It may say two things")
    look(desk, "add", script=script)
    page.get_by_label("The statement").fill("Walking is fun.")
    press(page, "Add it now")
    expect(page.get_by_role("status")).to_contain_text("People vote on it from now on")
    follow(page, "Correct it in public")
    page.get_by_label("What should people know").fill("A bus goes every hour until eight.")
    page.get_by_label("Why?", exact=True).fill("It is eight, not seven")
    press(page, "Change it in public")
    expect(page.get_by_text("Changes since opening")).to_be_visible()
    follow(page, "Close it now")
    page.get_by_label("Why?").fill("The contract is signed earlier")
    press(page, "Close it now")
    expect(page.get_by_role("status")).to_contain_text("It is closed")
    follow(page, "Choose what to answer")
    headed(page, "All statements")
    follow(page, "Buses should run later.")
    follow(page, "Answer it in public")
    tick(page, "We are doing this")
    page.get_by_label("In plain words").fill("From May the last bus leaves at nine.")
    look(desk, "answer", script=script)
    press(page, "Answer in public")
    expect(page.get_by_text("From May the last bus leaves at nine.")).to_be_visible()

    stranger.page.goto(made.get_absolute_url())
    expect(stranger.page.get_by_text("This conversation is closed")).to_be_visible()
    follow(stranger.page, "What came of it")
    headed(stranger.page, "What came of it")
    expect(stranger.page.get_by_text("From May the last bus leaves at nine.")).to_be_visible()
    look(stranger, "answers", script=script)
    assert not desk.troubles + stranger.troubles
