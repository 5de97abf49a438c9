"""Papers from the desk to the box by keyboard, a call, and a kiosk that forgets: in a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from commonweal.decide.ballots.models import Ballot, Channel, Roll
from commonweal.decide.budgets.models import Pot
from commonweal.decide.kiosks import actions as kiosks
from commonweal.decide.paper.models import Batch, Call, printed
from commonweal.decide.paper.queries import Somebody
from commonweal.ground.people.models import Person
from commonweal.ground.places.models import RoleKind
from commonweal.ground.places.rules import Viewer
from tests.factories import world
from tests.journeys.borough import Borough
from tests.journeys.looking import DESK, NARROWEST, PHONE, SCREENSHOTS, Watch, enter

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
WIDTHS = (NARROWEST, PHONE, DESK)


@pytest.fixture
def staff(borough: Borough) -> list[Person]:
    """Return three clerks, with names to be told apart by."""
    root = world.root(borough.authority)
    return [
        world.a_person(root, role=RoleKind.CLERK, name=name)
        for name in ("Cleo Marsh", "Dev Shah", "Eira Wyn")
    ]


@pytest.fixture
def voters(borough: Borough) -> list[Person]:
    return [world.a_person(borough.pot.community, name=f"Voter {n}") for n in range(2)]


def look(watch: Watch, name: str, *, script: bool = True) -> None:
    """Hold a page to what every page keeps, at every size, and keep a picture."""
    for width in WIDTHS if script else ():
        watch.page.set_viewport_size({"width": width, "height": 800})
        watch.check()
        if width != PHONE:
            path = SCREENSHOTS / f"paper-{name}-{width}.jpeg"
            watch.page.screenshot(path=path, type="jpeg", quality=60, full_page=True)


def press(page: Page, name: str) -> None:
    """Press a button, and wait for the page it leads to."""
    with page.expect_navigation():
        enter(page.get_by_role("button", name=name))


def key(page: Page, pot: Pot, serial: int, marks: str) -> None:
    """Key one paper as a quick hand does: number, tabulator, marks, Enter."""
    field = page.get_by_label("Number and letter of the paper")
    expect(field).to_be_focused()
    page.keyboard.type(printed(pot.pk, serial))
    page.keyboard.press("Tab")
    page.keyboard.type(marks)
    with page.expect_navigation():
        page.keyboard.press("Enter")


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
def test_papers_go_from_the_desk_to_the_box_by_keyboard_alone(
    window: Callable[..., Watch],
    borough: Borough,
    staff: list[Person],
    voters: list[Person],
    script: bool,
) -> None:
    pot = borough.pot
    desk = window(staff[0], second_factor=True, script=script)
    page = desk.page
    page.goto(f"/desk/money/{pot.pk}/paper/")
    look(desk, "batches", script=script)
    enter(page.get_by_role("link", name="Give out papers"))
    page.get_by_label("Where do the papers go?").fill("Quayside library, front desk")
    page.get_by_label("Who takes them?").fill("Librarian on duty")
    page.get_by_label("How many papers?").fill("12")
    look(desk, "issue", script=script)
    press(page, "Give these out")
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("Quayside library"))
    look(desk, "batch-out", script=script)
    enter(page.get_by_role("link", name="Count what came back"))
    page.get_by_label("How many came back to be counted?").fill("3")
    page.get_by_label("How many papers came back unused?").fill("8")
    page.get_by_label("Why did the others not come back?").fill("One was taken home.")
    look(desk, "returned", script=script)
    press(page, "Save these numbers")
    enter(page.get_by_role("link", name="Check in the slips"))
    for person in voters:
        page.get_by_label("Email address of their account").fill(person.email)
        press(page, "Check in")
        expect(page.get_by_role("status").first).to_contain_text("Checked in")
    look(desk, "slips", script=script)
    page.get_by_label("Email address of their account").fill(voters[0].email)
    press(page, "Check in")
    expect(page.get_by_role("main")).to_contain_text("Set this envelope aside, unopened")
    look(desk, "slip-twice", script=script)
    press(page, "I have set it aside")
    page.goto(f"/desk/paper/{Batch.objects.get().pk}/")
    look(desk, "batch-slips", script=script)
    press(page, "The envelopes are mixed: open them")

    key(page, pot, 13, "1")  # of no batch
    expect(page.get_by_role("alert")).to_contain_text("not of this batch")
    look(desk, "key-mistake", script=script)
    page.get_by_label("Number and letter of the paper").fill("000002-?")
    press(page, "Save, and take the next")
    expect(page.get_by_role("alert")).to_contain_text("Type the number and the letter")
    page.goto(page.url)
    key(page, pot, 2, "1 2")
    key(page, pot, 5, "3")
    look(desk, "key", script=script)

    second = window(staff[1], second_factor=True, script=script)
    second.page.goto(page.url)
    key(second.page, pot, 2, "2 1")
    expect(second.page.get_by_role("status").first).to_contain_text("both readings are the same")
    key(second.page, pot, 5, "2")
    expect(second.page.get_by_role("status").first).to_contain_text("A third person looks at it")

    third = window(staff[2], second_factor=True, script=script)
    third.page.goto(f"/desk/paper/{Batch.objects.get().pk}/")
    look(third, "batch-differs", script=script)
    enter(third.page.get_by_role("link", name="Look at it"))
    third.page.get_by_label("What is marked").fill("3")
    look(third, "resolve", script=script)
    press(third.page, "This stands")
    look(third, "batch-adds-up", script=script)
    press(third.page, "Put the batch into the box")
    expect(third.page.get_by_role("status").first).to_contain_text("2 papers of this batch")
    assert Ballot.objects.filter(pot=pot).count() == 2
    assert Roll.objects.filter(pot=pot, channel=Channel.PAPER).count() == 2

    anybody = window(script=script)
    anybody.page.goto(f"/money/{pot.pk}/")
    enter(anybody.page.get_by_role("link", name="See what became of your paper"))
    anybody.page.get_by_label("Number and letter at the top").fill(printed(pot.pk, 2))
    press(anybody.page, "Look it up")
    expect(anybody.page.get_by_role("status")).to_contain_text("in the box")
    look(anybody, "fate", script=script)


def test_a_call_is_taken_read_back_and_cast(
    window: Callable[..., Watch], borough: Borough, staff: list[Person], voters: list[Person]
) -> None:
    desk = window(staff[0], second_factor=True)
    page = desk.page
    page.goto(f"/desk/money/{borough.pot.pk}/telephone/")
    page.get_by_label("Email address of their account").fill(voters[0].email)
    press(page, "Go on to their ballot")
    expect(page.get_by_role("alert")).to_contain_text("only if they agree")
    look(desk, "telephone")
    page.get_by_label("I read it to them, and they agree").press("Space")
    press(page, "Go on to their ballot")
    look(desk, "call")
    page.get_by_label("What they choose").fill("2 1")
    press(page, "Read it back")
    look(desk, "read-back")
    press(page, "They want to change it")
    expect(page.get_by_label("What they choose")).to_have_value("2 1")
    page.get_by_label("What they choose").fill("2")
    press(page, "Read it back")
    press(page, "They say yes: cast it")
    expect(page.get_by_role("heading", level=1)).to_have_text("Their vote is in")
    look(desk, "called")
    ballot = Ballot.objects.get(pot=borough.pot)
    assert len(ballot.projects) == 1
    assert Roll.objects.get(pot=borough.pot).channel == Channel.TELEPHONE
    call = Call.objects.get()
    assert call.is_cast and call.taken_by == staff[0] and "Do you agree" in call.wording
    page.go_back()
    page.reload()
    assert Ballot.objects.get(pot=borough.pot).projects == ballot.projects


# --- at a kiosk


@pytest.fixture
def secret(borough: Borough, staff: list[Person]) -> str:
    return kiosks.approve_device(
        viewer=_desk(borough, staff[0]),
        pot_id=borough.pot.pk,
        place="Quayside library",
        expires_at=timezone.now() + timedelta(days=1),
    )[1]


def _desk(borough: Borough, clerk: Person) -> Viewer:
    return Viewer(borough.authority, Person.objects.get(pk=clerk.pk), timezone.now(), True)


def _ticket(borough: Borough, clerk: Person, person: Person) -> str:
    return kiosks.let_in(
        viewer=_desk(borough, clerk), pot_id=borough.pot.pk, somebody=Somebody(person=person)
    )


@pytest.mark.parametrize("width", [NARROWEST, DESK])
@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
def test_a_kiosk_takes_one_after_the_other_and_shows_nothing_of_the_last(
    window: Callable[..., Watch],
    borough: Borough,
    staff: list[Person],
    voters: list[Person],
    secret: str,
    width: int,
    script: bool,
) -> None:
    watch = window(width=width, touch=True, script=script)
    page = watch.page
    page.goto("/kiosk/open/")
    page.get_by_label("The secret of this kiosk").fill(secret)
    page.get_by_role("button", name="Begin as a kiosk").tap()
    title = borough.pot.projects.order_by("pk").first().title  # type: ignore[union-attr]
    for person in voters:
        expect(page).to_have_url(re.compile("/kiosk/$"))
        expect(page.get_by_label("Your voting code")).to_have_value("")
        page.get_by_label("Your voting code").fill(_ticket(borough, staff[0], person))
        _keep(watch, "kiosk-start", script)
        page.get_by_role("button", name="Begin").tap()
        assert page.get_by_role("checkbox", checked=True).count() == 0
        page.get_by_text(f"I would fund this: {title}").tap()
        _keep(watch, "kiosk-ballot", script)
        page.get_by_role("button", name="Check my vote").tap()
        expect(page.get_by_role("main")).to_contain_text("You would fund 1 idea")
        _keep(watch, "kiosk-check", script)
        page.get_by_role("button", name="Cast my vote").tap()
        expect(page.get_by_role("heading", level=1)).to_have_text("Your vote is in")
        _keep(watch, "kiosk-done", script)
        page.get_by_role("button", name="Done").tap()
        expect(page).to_have_url(re.compile(r"/kiosk/\??$"))
        for _back in range(3):
            page.go_back()
            shown = page.content()
            assert "You would fund 1 idea" not in shown and "Your receipt" not in shown
            assert page.get_by_role("checkbox", checked=True).count() == 0
        page.goto("/kiosk/")
    assert Ballot.objects.filter(pot=borough.pot).count() == 2
    assert Roll.objects.filter(pot=borough.pot, channel=Channel.KIOSK).count() == 2


def _keep(watch: Watch, name: str, script: bool) -> None:
    if not script:
        return
    watch.check()
    width = (watch.page.viewport_size or {})["width"]
    path = SCREENSHOTS / f"paper-{name}-{width}.jpeg"
    watch.page.screenshot(path=path, type="jpeg", quality=60, full_page=True)


def test_a_kiosk_that_is_left_alone_asks_then_forgets(
    window: Callable[..., Watch],
    borough: Borough,
    staff: list[Person],
    voters: list[Person],
    secret: str,
) -> None:
    watch = window(width=NARROWEST, touch=True)
    page = watch.page
    page.clock.install()
    page.goto("/kiosk/open/")
    page.get_by_label("The secret of this kiosk").fill(secret)
    page.get_by_role("button", name="Begin as a kiosk").tap()
    page.get_by_label("Your voting code").fill(_ticket(borough, staff[0], voters[0]))
    page.get_by_role("button", name="Begin").tap()
    page.clock.pause_at(timezone.now() + timedelta(seconds=20))
    page.get_by_role("checkbox").first.check()
    page.clock.run_for(89_000)
    asked = page.get_by_role("dialog", name="Are you still there?")
    expect(asked).to_be_hidden()
    page.clock.run_for(2_000)
    expect(asked).to_be_visible()
    page.get_by_role("button", name="I am still here").tap()
    expect(asked).to_be_hidden()
    expect(page.get_by_role("checkbox").first).to_be_checked()
    page.clock.run_for(91_000)
    expect(asked).to_be_visible()
    page.clock.run_for(31_000)
    expect(page).to_have_url(re.compile("/kiosk/$"))
    page.goto("/kiosk/vote/")
    expect(page).to_have_url(re.compile("/kiosk/$"))
    assert not Ballot.objects.filter(pot=borough.pot).exists()


def test_staff_approve_a_kiosk_and_let_somebody_in(
    window: Callable[..., Watch], borough: Borough, staff: list[Person], voters: list[Person]
) -> None:
    desk = window(staff[0], second_factor=True)
    page = desk.page
    page.goto(f"/desk/money/{borough.pot.pk}/paper/")
    enter(page.get_by_role("link", name="Kiosks"))
    page.get_by_label("Where will it stand?").fill("Quayside library")
    press(page, "Approve it")
    expect(page.get_by_role("status")).to_contain_text("The secret of this kiosk")
    look(desk, "kiosks")
    enter(page.get_by_role("link", name="Let somebody in at a kiosk"))
    page.get_by_label("Email address of their account").fill(voters[0].email)
    press(page, "Give a code")
    expect(page.get_by_role("status")).to_contain_text("Their code")
    look(desk, "let-in")
