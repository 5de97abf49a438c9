"""Reading what people add, objecting, and making an idea of what was said: on any screen, with no script."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from commonweal.ground.people.models import Person
from commonweal.ground.places.models import RoleKind
from commonweal.listen.conversations.models import Conversation, Statement
from commonweal.listen.moderation.models import Alike, Case
from commonweal.listen.voices.models import Report
from tests.factories import listen, world
from tests.journeys.borough import Borough
from tests.journeys.looking import DESK, NARROWEST, PHONE, SCREENSHOTS, Watch, press

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SAID = (
    "A lamp at every stop would get me home.",
    "Lamps at each stop would get me home.",
    "المزيد من الحافلات ليلا",
    "My neighbour drinks and should not drive.",
    "Buy cheap lamps at my shop 🎉🎉🎉",
)


def look(watch: Watch, name: str, *, script: bool) -> None:
    """Hold a page to what every page keeps, at every size, and keep a picture."""
    for width in (NARROWEST, PHONE, DESK) if script else ():
        watch.page.set_viewport_size({"width": width, "height": 800})
        watch.check()
        if width != NARROWEST:
            path = SCREENSHOTS / f"moderating-{name}-{width}.jpeg"
            watch.page.screenshot(path=path, type="jpeg", quality=60, full_page=True)


def a_place(borough: Borough) -> Conversation:
    """Return a conversation of a challenge that takes ideas, in which five statements wait."""
    place = listen.a_conversation(
        borough.authority, statements=4, question="What would help people get home at night?",
        challenge=borough.gathering, community=borough.gathering.community,
    )  # fmt: skip
    author = listen.a_participant(place, borough.resident)
    at = timezone.now()
    rows = [
        listen.a_statement(
            place, text, author=author, is_first=False, state="waiting",
            added_at=at - timedelta(days=6 - n),
        )
        for n, text in enumerate(SAID)
    ]  # fmt: skip
    first = place.statements.order_by("number")[0]
    for one, other, voters in ((rows[0], rows[1], 0), (first, rows[2], 0)):
        Alike.objects.create(
            conversation=place, first=one, second=other, likeness_millionths=800_000, voters=voters
        )
    Report.objects.create(
        conversation=place, statement=first, participant=listen.a_participant(place),
        reason="unclear", words="Who is meant?", reported_at=at,
    )  # fmt: skip
    people = [listen.a_participant(place).pk for _ in range(6)]
    Case.objects.create(
        conversation=place, sign="copies", participants=people, raised_at=at, seen_at=at,
        facts={"votes": 180, "common": 30, "alike_percent": 100, "expected_percent": 61,
               "minutes": 7},
        effects=[{"list": "common_ground", "statement": 1, "now_percent": 71, "then_percent": 52,
                  "stands": False}],
    )  # fmt: skip
    return place


def a_moderator(borough: Borough, name: str) -> Person:
    return world.a_person(world.root(borough.authority), role=RoleKind.MODERATOR, name=name)


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
def test_statements_are_read_one_is_objected_to_and_one_becomes_an_idea(
    window: Callable[..., Watch], borough: Borough, script: bool
) -> None:
    place = a_place(borough)
    desk = window(a_moderator(borough, "Mo Price"), second_factor=True, script=script)
    page = desk.page
    page.goto("/desk/")
    look(desk, "desk", script=script)
    page.get_by_role("link", name="Read what waits").click()
    look(desk, "all", script=script)
    page.goto(f"/listen/{place.pk}/moderate/")
    page.get_by_label(SAID[3]).press("Space")
    page.get_by_label(SAID[4]).press("Space")
    press(page, "Do not let them through")
    expect(page.get_by_role("alert")).to_contain_text("Choose a reason")
    look(desk, "mistake", script=script)
    page.get_by_label("Why not?").select_option(label="It attacks somebody")
    page.get_by_label("A word to the author, if you like").fill(
        "Say what would help, and not who is to blame."
    )
    press(page, "Do not let them through")
    expect(page.get_by_role("status").first).to_contain_text("2 statements were not let through")
    page.get_by_role("link", name="Tick all 3 on this page").click()
    look(desk, "ticked", script=script)
    press(page, "Let them through")
    expect(page.get_by_role("status").first).to_contain_text("3 statements stand there now")
    look(desk, "queue", script=script)
    said = Statement.objects.get(conversation=place, text=SAID[0])
    page.goto(f"/listen/{place.pk}/moderate/{said.number}/")
    look(desk, "one", script=script)
    page.goto(f"/listen/{place.pk}/moderate/?state=reported")
    look(desk, "reported", script=script)

    author = window(borough.resident, script=script)
    page = author.page
    page.goto("/me/")
    page.get_by_role("link", name=place.question).first.click()
    look(author, "yours", script=script)
    mine = page.get_by_role("listitem").filter(has_text=SAID[3])
    mine.get_by_role("link", name="Object to the decision").click()
    page.get_by_label("What is wrong with the decision?").fill("He asked me to say so.")
    look(author, "object", script=script)
    press(page, "Object")
    expect(page.get_by_role("status").first).to_contain_text("Somebody else looks at it now")
    mine = page.get_by_role("listitem").filter(has_text=SAID[4])
    mine.get_by_role("link", name="Put it in other words").click()
    look(author, "change", script=script)
    page.get_by_label("Your words").fill("Lamps could be cheaper.")
    press(page, "Keep these words")
    expect(page.get_by_role("status").first).to_contain_text("A moderator reads the new words")

    desk.page.goto(f"/listen/{place.pk}/moderate/")
    desk.page.locator("#appeals").get_by_role("link").first.click()
    expect(desk.page.get_by_text("A colleague settles this")).to_be_visible()
    colleague = window(a_moderator(borough, "Iris Lowe"), second_factor=True, script=script)
    page = colleague.page
    page.goto(desk.page.url)
    look(colleague, "appeal", script=script)
    page.get_by_label("The decision stays").check()
    page.get_by_label("Why, in a sentence to the author").fill("It names somebody who is not here.")
    press(page, "Settle it")
    expect(page.get_by_role("status").first).to_contain_text("The author is told")
    page.goto(f"/listen/{place.pk}/moderate/cases/")
    look(colleague, "cases", script=script)
    page.get_by_role("link", name="6 accounts").click()
    look(colleague, "case", script=script)
    page.get_by_label("Set them aside: their votes are kept, but not in the map").check()
    page.get_by_label("Why?").fill("Six telephones voted the same within seven minutes.")
    press(page, "Decide in public")
    expect(page.get_by_role("status").first).to_contain_text("Set aside.")

    anybody = window(script=script)
    page = anybody.page
    page.goto(f"/listen/{place.pk}/")
    page.get_by_role("link", name="The rules, and what was decided").click()
    look(anybody, "policy", script=script)
    expect(page.get_by_text("The votes of 6 accounts are set aside.")).to_be_visible()
    page.goto(said.get_absolute_url())
    look(anybody, "statement", script=script)

    page = author.page
    page.goto(said.get_absolute_url())
    page.get_by_role("link", name="Make this an idea").click()
    look(author, "idea", script=script)
    press(page, "Save and continue")
    expect(page.get_by_role("heading", level=1)).to_contain_text("For whom")
    look(author, "next", script=script)
