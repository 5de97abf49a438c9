"""A survey from its first question to its results: with and without script, on any screen."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from commonweal.ground.places.models import RoleKind
from commonweal.listen.surveys.models import Response, Survey
from tests.factories import world
from tests.journeys.borough import Borough
from tests.journeys.looking import DESK, NARROWEST, PHONE, SCREENSHOTS, Watch, enter
from tests.listen.surveys import a_whole_survey

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def look(watch: Watch, name: str, *, script: bool) -> None:
    """Hold a page to what every page keeps, at every size, and keep a picture."""
    for width in (NARROWEST, PHONE, DESK) if script else ():
        watch.page.set_viewport_size({"width": width, "height": 800})
        watch.check()
        if width != NARROWEST:
            path = SCREENSHOTS / f"survey-{name}-{width}.jpeg"
            watch.page.screenshot(path=path, type="jpeg", quality=60, full_page=True)


def press(page: Page, name: str) -> None:
    enter(page.get_by_role("button", name=name, exact=True))


@pytest.mark.timeout(900)  # some fifteen pages, each looked at three times
@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
def test_a_survey_is_set_up_answered_and_told(
    window: Callable[..., Watch], borough: Borough, script: bool
) -> None:
    clerk = world.a_person(world.root(borough.authority), role=RoleKind.CLERK, name="Cleo Marsh")
    desk = window(clerk, second_factor=True, script=script)
    page = desk.page
    page.goto("/desk/")
    page.get_by_role("link", name="Set up a survey").click()
    look(desk, "new", script=script)
    page.get_by_label("Which place do you ask?").select_option(label=borough.community.name)
    page.get_by_label("Name of the survey").fill("Your bus to work")
    page.get_by_label("Why do you ask?").fill("The timetable is made anew.")
    page.get_by_label("What happens with the answers?").fill("We read them by May.")
    page.get_by_role("textbox", name="Opens").fill("2026-01-01T08:00")
    page.get_by_role("textbox", name="Closes").fill("2099-01-01T20:00")
    press(page, "Save and go on")
    page.get_by_role("link", name="One choice").click()
    page.get_by_role("textbox", name="The question", exact=True).fill("Do you take the bus?")
    page.get_by_label("Everybody has to answer it").check()
    page.get_by_label("Choices").fill("Yes\nNo")
    look(desk, "question", script=script)
    press(page, "Save")
    page.get_by_role("link", name="A scale").click()
    page.get_by_role("textbox", name="The question", exact=True).fill("How happy are you with it?")
    page.get_by_label("What the lowest number means").fill("Not at all")
    page.get_by_label("What the highest number means").fill("Very")
    press(page, "Save")
    page.get_by_role("link", name=re.compile("When it is shown.*How happy")).click()
    page.get_by_label("Do you take the bus?").check()
    press(page, "Continue")
    page.get_by_label("Yes").check()
    look(desk, "when", script=script)
    press(page, "Save")
    expect(page.get_by_text("is answered with “Yes”")).to_be_visible()
    page.get_by_role("link", name="Their own words").click()
    page.get_by_role("textbox", name="The question", exact=True).fill("What else should we know?")
    press(page, "Save")
    asked = page.get_by_role("listitem").filter(has_text="What else should we know?")
    enter(asked.get_by_role("button", name=re.compile("^Up")))
    page.get_by_role("link", name="See it as people will").click()
    expect(page.get_by_text("A preview")).to_be_visible()
    look(desk, "preview", script=script)
    page.go_back()
    look(desk, "run", script=script)
    press(page, "Make it public")
    expect(page.get_by_text("It is open.")).to_be_visible()

    guest = window(script=script)
    page = guest.page
    page.goto("/")
    page.get_by_role("link", name="Your bus to work").first.click()
    look(guest, "start", script=script)
    press(page, "Begin")
    enter(page.get_by_role("button", name="Look at my answers"))
    expect(page.get_by_role("alert")).to_contain_text("One thing to mend")
    enter(page.get_by_role("link", name="Choose one of these."))
    page.get_by_label("Yes").check()
    page.get_by_label("What else should we know?").fill("Later buses on Sunday")
    enter(page.get_by_role("button", name="Look at my answers"))
    expect(page.get_by_text("brings one more question")).to_be_visible()
    page.get_by_label("4", exact=True).check()
    look(guest, "page", script=script)
    press(page, "Save, and go on later")
    expect(page.get_by_role("heading", name="Your answers are kept")).to_be_visible()
    look(guest, "kept", script=script)
    press(page, "Go on now")
    expect(page.get_by_text("Later buses on Sunday")).to_be_visible()
    look(guest, "check", script=script)
    press(page, "Send my answers")
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    look(guest, "thanks", script=script)

    page = desk.page
    page.get_by_role("link", name="Key a paper").click()
    page.get_by_label("Batch").fill("Library")
    page.get_by_label("Number on the paper").fill("1")
    page.get_by_label("No", exact=True).check()
    look(desk, "key", script=script)
    press(page, "Save, and take the next")
    expect(page.get_by_label("Number on the paper")).to_have_value("2")
    assert Response.objects.count() == 2
    page.get_by_role("link", name="What staff entered").click()
    look(desk, "entered", script=script)

    Survey.objects.update(opens_at="2026-01-01T08:00Z", closes_at="2026-02-01T08:00Z")
    page.goto("/desk/")
    page.get_by_role("link", name="Your bus to work").first.click()
    page.get_by_role("link", name="1 answer in people’s own words waits").click()
    page.get_by_label("Later buses on Sunday").check()
    look(desk, "words", script=script)
    press(page, "Show the ticked ones")
    page.go_back()
    page.goto("/desk/")
    page.get_by_role("link", name="Your bus to work").first.click()
    page.get_by_role("link", name="Publish the results").click()
    page.get_by_label("What did you hear").fill("Later buses. They come in May.")
    press(page, "Publish for everybody")
    expect(page.get_by_text("They come in May.")).to_be_visible()

    page = guest.page
    page.goto("/surveys/")
    look(guest, "list", script=script)
    page.get_by_role("link", name="Your bus to work").click()
    expect(page.get_by_text("Fewer than 5 people").first).to_be_visible()


def test_every_kind_of_question_and_a_paper_for_it_can_be_used_by_everybody(
    window: Callable[..., Watch], borough: Borough
) -> None:
    survey = a_whole_survey(borough.community)
    watch = window()
    page = watch.page
    page.goto(survey.get_absolute_url())
    press(page, "Begin")
    page.get_by_label("Yes").check()
    page.get_by_label("Something else", exact=True).check()
    page.get_by_label("Something else: in your own words").fill("Wi-Fi")
    press(page, "Continue")
    look(watch, "kinds", script=True)
    press(page, "Continue")
    expect(page.get_by_role("heading", name="About you")).to_be_visible()
    page.get_by_label("How many minutes").fill("1e9")
    press(page, "Look at my answers")
    expect(page.get_by_role("alert")).to_contain_text("Write a number in digits")
    look(watch, "mistake", script=True)
    page.get_by_label("How many minutes").fill("1,5")
    press(page, "Back")
    expect(page.get_by_label("Something else: in your own words")).to_have_value("Wi-Fi")
