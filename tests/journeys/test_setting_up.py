"""A clerk sets a pot up, shows it to the council, lets it go, and corrects it in public: by keyboard."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from io import BytesIO

import pytest
from django.utils import timezone
from PIL import Image
from playwright.sync_api import Page, expect

from commonweal.decide.budgets.models import Pot
from commonweal.ground.places.models import RoleKind
from tests.factories import world
from tests.journeys.borough import Borough
from tests.journeys.looking import DESK, NARROWEST, PHONE, SCREENSHOTS, Watch, follow, press

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
LINES = "Six benches: 5400\nSetting them in: 2100"


def look(watch: Watch, name: str, *, script: bool) -> None:
    """Hold a page to what every page keeps, at every size, and keep a picture."""
    for width in (NARROWEST, PHONE, DESK) if script else ():
        watch.page.set_viewport_size({"width": width, "height": 800})
        watch.check()
        if width != NARROWEST:
            path = SCREENSHOTS / f"setting-up-{name}-{width}.jpeg"
            watch.page.screenshot(path=path, type="jpeg", quality=60, full_page=True)


def tick(page: Page, name: str) -> None:
    page.get_by_label(name).first.focus()
    page.keyboard.press("Space")


def headed(page: Page, words: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(words)


def picked(moment: datetime) -> str:
    """Return a moment as the picker of a browser takes it."""
    return f"{timezone.localtime(moment):%Y-%m-%dT%H:%M}"


def an_idea(page: Page, name: str, pounds: str, *, lines: str = "", excludes: str = "") -> None:
    """Put something on the ballot that is not an idea on the site yet."""
    follow(page, "Add something that is not an idea yet")
    page.get_by_label("Name of the idea").fill(name)
    page.get_by_label("What will be better").fill("I can rest twice on the way.")
    page.get_by_label("What is promised").fill("Six benches by May")
    page.get_by_label("Where?").fill("Dock Road")
    page.get_by_label("Who will run it?").fill("The parks team")
    page.get_by_label("What does it cost").fill(pounds)
    page.get_by_label("What is that made of?").fill(lines)
    page.get_by_label("Does it exclude others?").fill(excludes)
    press(page, "Save")


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
def test_a_clerk_sets_up_a_pot_from_the_first_step_to_a_change_in_public(
    window: Callable[..., Watch], borough: Borough, script: bool
) -> None:
    clerk = world.a_person(world.root(borough.authority), role=RoleKind.CLERK, name="Cleo Marsh")
    desk = window(clerk, second_factor=True, script=script)
    page, now = desk.page, timezone.now()
    page.goto(borough.deciding.get_absolute_url())
    follow(page, "Set up a pot")
    headed(page, "Set up a pot")
    press(page, "Save and go on")
    expect(page).to_have_title(r"Mistake: Set up a pot – Larkmere Commonweal")
    look(desk, "begin", script=script)
    page.get_by_label("Name of the pot").fill("The autumn pot")
    page.get_by_label("What should the money make better").fill("Places to sit and talk.")
    page.get_by_label("How much is in the pot").fill("£20,000")
    press(page, "Save and go on")
    headed(page, "Who may vote")
    look(desk, "voters", script=script)
    press(page, "Save and go on")
    headed(page, "What a ballot asks")
    tick(page, "Fill a basket")
    look(desk, "ballot", script=script)
    press(page, "Save and go on")
    headed(page, "The ideas on the ballot")
    an_idea(page, "Benches by the dock", "7500", lines="Six benches: 5400")
    expect(page.get_by_role("alert").first).to_contain_text("These lines come to £5,400")
    look(desk, "idea", script=script)
    page.get_by_label("What is that made of?").fill(LINES)
    press(page, "Save")
    an_idea(page, "The kiosk: a café", "16000", excludes="The kiosk")
    an_idea(page, "The kiosk: a tool library", "12000", excludes="The kiosk")
    headed(page, "The ideas on the ballot")
    look(desk, "ideas", script=script)
    follow(page, "Benches by the dock")
    follow(page, "0 pictures: add or take away")
    page.get_by_label("The picture").set_input_files(
        {"name": "dock.png", "mimeType": "image/png", "buffer": a_picture()}
    )
    page.get_by_label("What does it show?").fill("Two benches in the sun")
    press(page, "Add it")
    expect(page.get_by_alt_text("Two benches in the sun")).to_be_visible()
    look(desk, "pictures", script=script)
    follow(page, "Back to the ballot")
    follow(page, "Go on to the count")
    headed(page, "How votes are counted")
    page.get_by_label("Whose votes?").select_option(label="Made-up votes")
    press(page, "Compare the rules")
    expect(page.get_by_text("Made-up votes.", exact=True)).to_be_visible()
    press(page, "Compare again")
    look(desk, "counting", script=script)
    tick(page, "Equal shares")
    page.get_by_label("The word that lots are drawn with").fill("four six one")
    press(page, "Save and go on")
    headed(page, "When it opens and closes")
    page.get_by_label("When does voting open?").fill(picked(now + timedelta(days=2)))
    page.get_by_label("When does voting close?").fill(picked(now + timedelta(days=1)))
    press(page, "Save and go on")
    expect(page.get_by_role("alert").first).to_contain_text("Voting has to close after it opens")
    look(desk, "dates", script=script)
    page.get_by_label("When does voting close?").fill(picked(now + timedelta(days=9)))
    press(page, "Save and go on")
    headed(page, "Run the pot: The autumn pot")
    look(desk, "check", script=script)

    link = page.get_by_role("link", name="/money/preview/").get_attribute("href")
    assert link is not None
    council = window(script=script)
    council.page.goto(link)
    headed(council.page, "The autumn pot")
    expect(council.page.get_by_text("At most one wins of: The kiosk").first).to_be_visible()
    look(council, "preview", script=script)
    follow(council.page, "Benches by the dock")
    headed(council.page, "Benches by the dock")
    expect(council.page.get_by_alt_text("Two benches in the sun")).to_be_visible()
    look(council, "preview-project", script=script)

    press(page, "Make it public")
    expect(page.get_by_role("status").first).to_contain_text("It opens and closes by itself")
    look(desk, "public", script=script)

    resident = window(borough.resident, script=script)
    pot = Pot.objects.get(title="The autumn pot")
    resident.page.goto(pot.projects.get(title="Benches by the dock").get_absolute_url())
    resident.page.get_by_label("Your question").fill("Do they have backs?")
    press(resident.page, "Ask it here")
    expect(resident.page.get_by_text("Rosa Almeida asks")).to_be_visible()
    look(resident, "question", script=script)
    page.goto("/desk/")
    follow(page, "Do they have backs?")
    page.get_by_label("The answer").fill("All six.")
    look(desk, "answer", script=script)
    press(page, "Answer it")
    resident.page.reload()
    expect(resident.page.get_by_text("All six.")).to_be_visible()

    # time goes by, and voting is open
    begun = {"opens_at": now - timedelta(hours=1), "closes_at": now + timedelta(days=1)}
    Pot.objects.filter(pk=pot.pk).update(**begun)
    page.goto(f"/desk/money/{pot.pk}/set-up/counting/")
    headed(page, "Voting has opened")
    follow(page, "Back to the pot")
    follow(page, "Keep it open longer")
    page.get_by_label("Until when may people vote?").fill(picked(now + timedelta(days=2)))
    page.get_by_label("Why is it changed?").fill("The site was down on Tuesday.")
    look(desk, "extend", script=script)
    press(page, "Put off the close")
    expect(page.get_by_text("The site was down on Tuesday.")).to_be_visible()
    look(desk, "changes", script=script)
    page.goto(f"/desk/money/{pot.pk}/")
    follow(page, "Withdraw this pot")
    page.get_by_label("Why is it withdrawn?").fill("A wrong sum was printed.")
    press(page, "Ask a second person to agree")
    look(desk, "withdrawal", script=script)
    second = window(borough.staff, second_factor=True, script=script)
    second.page.goto(f"/desk/money/{pot.pk}/withdraw/")
    look(second, "agree", script=script)
    press(second.page, "I agree: withdraw it")
    resident.page.goto(pot.get_absolute_url())
    expect(resident.page.get_by_text("A wrong sum was printed.")).to_be_visible()
    look(resident, "withdrawn", script=script)


def a_picture() -> bytes:
    out = BytesIO()
    Image.new("RGB", (900, 600), "teal").save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
def test_a_pot_for_each_district_begins_from_one_page_and_another_from_last_year(
    window: Callable[..., Watch], borough: Borough, script: bool
) -> None:
    for name in ("Dockside", "Hillside"):
        world.a_community(
            borough.authority, borough.deciding.community, name=name, slug=name.lower()
        )
    desk = window(borough.staff, second_factor=True, script=script)
    page = desk.page
    page.goto(f"/desk/money/new/{borough.deciding.slug}/")
    page.get_by_label("Name of the pot").fill("Small works")
    page.get_by_label("How much is in the pot").fill("5000")
    for name in ("Dockside", "Hillside"):
        tick(page, name)
    look(desk, "districts", script=script)
    press(page, "Save and go on")
    headed(page, "Who may vote")
    expect(page.get_by_label("Save the same for every district of this round")).to_be_checked()
    look(desk, "round-step", script=script)
    page.goto(f"/desk/money/new/{borough.deciding.slug}/")
    page.get_by_text("Begin from an earlier pot").click()
    follow(page, "The spring pot")
    headed(page, "Begin from an earlier pot")
    look(desk, "copy", script=script)
    page.get_by_label("Name of the pot").fill("The next spring pot")
    press(page, "Copy it")
    expect(page.get_by_role("alert").first).to_contain_text("would cost more than that")
    tick(page, "£60,000")
    press(page, "Copy it")
    headed(page, "When it opens and closes")
    follow(page, "The count")
    page.get_by_label("Whose votes?").select_option(index=0)
    press(page, "Compare the rules")
    expect(page.get_by_text("Real votes.", exact=True)).to_be_visible()
    look(desk, "real-votes", script=script)
    page.goto("/desk/money/quiet/")
    page.get_by_label("Before which election?").fill("The council is elected")
    starts = timezone.now() + timedelta(days=30)
    page.get_by_label("From when is it quiet?").fill(picked(starts))
    page.get_by_label("Until when?").fill(picked(starts + timedelta(days=40)))
    press(page, "Set it, in public")
    expect(page.get_by_role("button", name="Call it off")).to_be_visible()
    look(desk, "quiet", script=script)
