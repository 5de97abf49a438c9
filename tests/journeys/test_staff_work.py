"""What ideas cost, an appeal, and two ideas that become one: with and without script, on any screen."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from commonweal.ground.places.models import RoleKind
from commonweal.propose.proposals.models import Proposal
from tests.factories import world
from tests.journeys.borough import Borough
from tests.journeys.looking import DESK, NARROWEST, PHONE, SCREENSHOTS, Watch, press

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def look(watch: Watch, name: str, *, script: bool) -> None:
    """Hold a page to what every page keeps, at every size, and keep a picture."""
    for width in (NARROWEST, PHONE, DESK) if script else ():
        watch.page.set_viewport_size({"width": width, "height": 800})
        watch.check()
        if width != NARROWEST:
            path = SCREENSHOTS / f"staff-work-{name}-{width}.jpeg"
            watch.page.screenshot(path=path, type="jpeg", quality=60, full_page=True)


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
def test_an_idea_is_costed_appealed_and_decided(
    window: Callable[..., Watch], borough: Borough, script: bool
) -> None:
    idea = borough.idea
    clerk = world.a_person(world.root(borough.authority), role=RoleKind.CLERK, name="Cleo Marsh")
    desk = window(clerk, second_factor=True, script=script)
    page = desk.page
    page.goto("/desk/appraisals/?state=waiting")
    look(desk, "desk", script=script)
    page.goto(idea.get_absolute_url())
    press(page, "Work out what it costs")
    page.get_by_label("Line 1: what costs something").fill("Lamps")
    page.get_by_label("Line 1: how much, in pounds").fill("£4,000")
    page.get_by_label("Line 1: where the figure comes from").fill("What the last order cost")
    page.get_by_label("For how many years").fill("2")
    look(desk, "costs", script=script)
    press(page, "Save and continue")
    groups = page.get_by_role("group")
    for number in range(groups.count()):
        answer = "No" if number == 4 else "Yes"
        groups.nth(number).get_by_label(answer, exact=True).check()
        page.locator("textarea").nth(number).fill("Checked with the team that would do it.")
    look(desk, "findings", script=script)
    press(page, "Save and continue")
    page.get_by_label("What you found, in plain words").fill("There is no room for it just now.")
    look(desk, "words", script=script)
    press(page, "Save and check")
    look(desk, "check", script=script)
    press(page, "Show it to the authors")
    expect(page.get_by_role("status").first).to_contain_text("The authors see it now")

    author = window(idea.author, script=script)
    page = author.page
    page.goto("/me/")
    look(author, "mine", script=script)
    page.locator("#my-appraisals").get_by_role("link", name=idea.title).click()
    look(author, "asked", script=script)
    page.get_by_text("I want to appeal").click()
    page.get_by_label("What is wrong").fill("The old depot stands empty.")
    press(page, "Appeal")
    expect(page.get_by_role("status").first).to_contain_text("Your appeal is in")

    other = window(borough.staff, second_factor=True, script=script)
    page = other.page
    page.goto("/desk/appraisals/")
    look(other, "appeals", script=script)
    page.get_by_role("link", name=idea.title).click()
    page.get_by_role("link", name="Decide the appeal").click()
    look(other, "decide", script=script)
    page.get_by_label("The authors are right: It can be done with changes").check()
    page.get_by_label("What would have to change").fill("It moves to the depot.")
    page.get_by_label("Your reasons").fill("The depot is ours and dry.")
    press(page, "Decide")
    expect(page.get_by_role("status").first).to_contain_text("It is final")

    author.page.goto(f"/ideas/{idea.pk}/appraisal/")
    press(author.page, "Yes, with these changes")
    everybody = window(script=script)
    everybody.page.goto(idea.get_absolute_url())
    look(everybody, "idea", script=script)
    everybody.page.get_by_role("link", name="Read the costs and the reasons").click()
    expect(everybody.page.get_by_role("heading", level=1)).to_have_text(
        "It can be done with changes"
    )
    look(everybody, "public", script=script)


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
def test_two_ideas_become_one_and_part_again(
    window: Callable[..., Watch], borough: Borough, script: bool
) -> None:
    idea = borough.idea
    author = world.a_person(borough.community, name="Petra Lowe")
    other = world.a_proposal(
        Proposal.objects.get(pk=idea.pk).challenge, author=author, title="A lamp by each bed"
    )
    first = window(idea.author, script=script)
    page = first.page
    page.goto(idea.get_absolute_url())
    page.get_by_role("link", name="Look for ideas like it").click()
    look(first, "join", script=script)
    page.get_by_label("by its number or address").fill(str(other.pk))
    page.get_by_label(f"The words of “{idea.title}”").check()
    page.get_by_label("Why do these two belong together?").fill("Both want a warm welcome.")
    press(page, "Ask the authors")
    expect(page.get_by_text("You said yes.")).to_be_visible()
    look(first, "suggested", script=script)

    second = window(author, script=script)
    page = second.page
    page.goto("/me/")
    page.get_by_role("link", name="Read both and answer").click()
    press(page, "Yes, make them one")
    expect(page.get_by_role("status").first).to_contain_text("They are one idea now")
    look(second, "one", script=script)

    anybody = window(script=script)
    page = anybody.page
    page.goto(other.get_absolute_url())
    expect(page.get_by_text("You looked for")).to_be_visible()
    look(anybody, "joined", script=script)
    page.get_by_role("link", name="Read it as it was").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(other.title)
    look(anybody, "as-it-was", script=script)
    press(second.page, "Part them again")
    expect(second.page.get_by_role("status").first).to_contain_text("stand on their own again")
