"""What becomes of a funded project, told by those who run it: with and without script, on any screen."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from commonweal.decide.budgets.models import Project
from commonweal.deliver.milestones import actions
from commonweal.ground.challenges.models import Stage
from commonweal.ground.places.models import OrganisationMember, RoleKind
from tests.deliver.conftest import a_counted_pot
from tests.factories import world
from tests.journeys.borough import Borough
from tests.journeys.looking import DESK, NARROWEST, PHONE, SCREENSHOTS, Watch, enter

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def look(watch: Watch, name: str, *, script: bool) -> None:
    """Hold a page to what every page keeps, at every size, and keep a picture."""
    for width in (NARROWEST, PHONE, DESK) if script else ():
        watch.page.set_viewport_size({"width": width, "height": 800})
        watch.check()
        if width != NARROWEST:
            path = SCREENSHOTS / f"delivery-{name}-{width}.jpeg"
            watch.page.screenshot(path=path, type="jpeg", quality=60, full_page=True)


def press(page: Page, name: str) -> None:
    enter(page.get_by_role("button", name=name))
    expect(page.get_by_role("status").first).to_contain_text("for everybody to read")


@pytest.fixture
def project(borough: Borough) -> Project:
    """Return what a pot of the borough has funded, with a record of its delivery."""
    now = timezone.now()
    challenge = world.a_challenge(
        borough.authority, community=borough.community, stage=Stage.DELIVER
    )
    found = a_counted_pot(challenge, now).projects.order_by("pk")[0]
    Project.objects.filter(pk=found.pk).update(
        is_funded=True, title="Lights on the path", outcome="People walk home after dark."
    )
    actions.start_records(at=now - timedelta(days=44))
    return Project.objects.get(pk=found.pk)


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
def test_a_project_is_told_of_from_the_first_word_to_what_came_of_it(
    window: Callable[..., Watch], borough: Borough, project: Project, script: bool
) -> None:
    trust = world.an_organisation(borough.authority, name="Canal Trust")
    tess = world.a_person(borough.community, name="Tess Marlow")
    OrganisationMember.objects.create(organisation=trust, person=tess)
    clerk = world.a_person(world.root(borough.authority), role=RoleKind.CLERK, name="Cleo Marsh")
    place = f"/money/projects/{project.pk}/delivery/"

    desk = window(clerk, second_factor=True, script=script)
    page = desk.page
    page.goto("/desk/")
    page.get_by_role("link", name="Lights on the path").first.click()
    page.get_by_role("link", name="Write down who runs it").click()
    page.get_by_label("The organisation that runs it").select_option(label="Canal Trust")
    page.get_by_label("Why?").fill("They keep the path.")
    press(page, "Save")

    runs = window(tess, script=script)
    page = runs.page
    page.goto("/me/")
    page.get_by_role("link", name="Lights on the path").first.click()
    page.get_by_role("link", name="Plan a milestone").click()
    page.get_by_label("Name of the milestone").fill("Six lamps")
    page.get_by_label("What will people see then?").fill("Six lamps are lit on the path.")
    page.get_by_label("By the end of which month?").fill(f"{timezone.now():%Y-%m}")
    page.get_by_label("Explain it").fill("The dark half first.")
    press(page, "Save the milestone")
    page.get_by_role("link", name="Say how it goes").click()
    page.get_by_label("Delayed").check()
    page.get_by_label("Say it in plain words").fill("The cables lie on the other side.")
    look(runs, "tell", script=script)
    press(page, "Tell everybody")
    page.get_by_role("link", name="It is reached").click()
    page.get_by_label("What is there to see now?").fill("Go and look: six are lit.")
    page.get_by_label("Spent so far").fill("40,000")
    enter(page.get_by_role("button", name="Tell everybody"))
    expect(page.get_by_text("£10,000 more than the vote gave").first).to_be_visible()
    page.get_by_label("Spent so far").fill("28,000")
    press(page, "Tell everybody")
    page.get_by_role("link", name="Say how it goes").click()
    page.get_by_label("Done", exact=True).check()
    page.get_by_label("Say it in plain words").fill("All of it is lit.")
    press(page, "Tell everybody")
    page.get_by_role("link", name="Say what came of it").click()
    page.get_by_label("As promised", exact=True).check()
    page.get_by_label("What was measured?").fill("61 of 100 walk there after dark.")
    page.get_by_label("Explain it to somebody").fill("We asked on the bridge.")
    look(runs, "outcome", script=script)
    press(page, "Tell everybody")

    anybody = window(script=script)
    page = anybody.page
    page.goto("/money/delivery/")
    look(anybody, "list", script=script)
    page.get_by_role("link", name="Lights on the path").first.click()
    assert page.url.endswith(place)
    for words in ("It has been done since", "Six lamps", "61 of 100", "Told by Canal Trust"):
        expect(page.get_by_text(words).first).to_be_visible()
    look(anybody, "whole", script=script)

    mo = world.a_person(world.root(borough.authority), role=RoleKind.MODERATOR, name="Mo Hart")
    guard = window(mo, second_factor=True, script=script)
    page = guard.page
    page.goto(place)
    page.get_by_role("link", name="Hide these words").first.click()
    page.get_by_role("radio").first.check()
    look(guard, "hide", script=script)
    enter(page.get_by_role("button", name="Hide these words"))
    expect(page.get_by_role("status").first).to_contain_text("Hidden")
    expect(page.get_by_text("A moderator hid these words.").first).to_be_visible()
    look(guard, "hidden", script=script)
