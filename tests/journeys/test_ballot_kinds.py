"""Every kind of ballot in a browser: by keyboard, by touch, without script, for every reader and size."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from commonweal.decide.ballots.models import Ballot, Roll
from commonweal.decide.budgets.models import BallotKind, Pot
from tests.factories import world
from tests.journeys.borough import Borough
from tests.journeys.looking import DESK, NARROWEST, Watch
from tests.journeys.turn import HERE, SEEN, Fingers, Hands, Keys, Turn
from tests.smtp import Mailbox

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(300),
    pytest.mark.django_db(transaction=True),
]
SWINGS, SLIDE, MEALS, TREES = "New swings", "Repair the slide", "Warm meals", "Trees on the quay"
COSTS = {SWINGS: 30_000_00, SLIDE: 15_000_00, MEALS: 70_000_00, TREES: 45_000_00}
# What each kind of ballot holds in the end.
HOLDS = {
    "approval": {SWINGS: 1, TREES: 1},
    "choose-one": {TREES: 1},
    "basket": {SLIDE: 1, TREES: 1},
    "ranked": {TREES: 1, SWINGS: 2},
    "points": {SWINGS: 2, MEALS: 5},
    "scores": {SWINGS: 4, TREES: 1},
}
COLOURS = ["color-contrast", "link-in-text-block"]


class Taps(Fingers):
    """Somebody with a phone."""

    def press(self, what: Locator) -> None:
        what.page.wait_for_timeout(400)  # a thumb is no quicker; within that time two taps are one
        what.tap()

    def tick(self, box: Locator) -> None:
        box.tap()
        expect(box).to_be_checked()


class Arrows(Keys):
    """Somebody with a keyboard: the arrows go from one radio to the next."""

    def tick(self, box: Locator) -> None:
        if box.get_attribute("type") != "radio":
            super().tick(box)
            return
        keyboard, name = box.page.keyboard, box.get_attribute("name")
        for _ in range(120):
            if box.page.evaluate("document.activeElement.name") == name:
                break
            keyboard.press("Tab")
        keyboard.press("Space")
        for _ in range(20):
            if box.evaluate(HERE):
                break
            keyboard.press("ArrowDown")
        assert box.evaluate(SEEN), "nobody sees which radio has the focus"
        expect(box).to_be_checked()


def a_pot(borough: Borough, kind: str, **given: Any) -> Pot:
    """Return a pot of this kind with ideas that people can tell apart."""
    most = 1 if kind == "choose-one" else None
    pot = world.a_pot(
        borough.deciding, title=f"The pot: {kind}", ballot_kind=kind, most=most,
        costs=tuple(COSTS.values()), **given,
    )  # fmt: skip
    for title, project in zip(COSTS, pot.projects.order_by("pk"), strict=True):
        group = "Playground" if title in (SWINGS, SLIDE) else ""
        pot.projects.filter(pk=project.pk).update(title=title, exclusive=group)
    return pot


class Voting:
    """Somebody before a ballot."""

    def __init__(self, page: Page, hands: Hands, pot: Pot) -> None:
        self.page, self.hands, self.pot = page, hands, pot
        page.goto(reverse("ballots:vote", args=[pot.pk]))
        expect(page.get_by_role("heading", level=1)).to_have_text(pot.title)

    def button(self, words: str, title: str = "") -> Locator:
        """Return the button with these words that is about this idea."""
        whole = f"^{re.escape(words)}" + (f" ?: {re.escape(title)}$" if title else "$")
        return self.page.get_by_role("button", name=re.compile(whole))

    def press(self, words: str, title: str = "") -> None:
        """Press a button."""
        self.hands.press(self.button(words, title))

    def fill(self) -> None:
        """Choose what the ballot holds in the end, with a change of mind on the way."""
        getattr(self, self.pot.ballot_kind.replace("-", "_"))()

    def approval(self) -> None:
        for title in (SWINGS, TREES):
            self.hands.tick(self.page.get_by_role("checkbox", name=title))

    def choose_one(self) -> None:
        for title in (SWINGS, TREES):
            self.hands.tick(self.page.get_by_role("radio", name=title))

    def basket(self) -> None:
        self.press("Add", SWINGS)
        self.press("Add", TREES)
        expect(self.page.locator("#basket")).to_contain_text("£15,000 left")
        meals = self.page.get_by_role("listitem").filter(
            has=self.page.get_by_role("heading", name=MEALS)
        )
        expect(meals).to_contain_text(
            "£55,000 more than you have left. Take something out to add it."
        )
        slide = self.page.get_by_role("listitem").filter(
            has=self.page.get_by_role("heading", name=SLIDE)
        )
        expect(slide).to_contain_text(
            f"Only one of these can win. Take “{SWINGS}” out to add this."
        )
        self.press("Take out", SWINGS)
        self.press("Add", SLIDE)
        expect(self.page.locator("#basket")).to_contain_text("£30,000 left")

    def ranked(self) -> None:
        for title in (SWINGS, MEALS, TREES):
            self.press("Put next", title)
        self.press("Up", TREES)
        expect(self.page.get_by_label(re.compile(f"^Place ?: {TREES}"))).to_have_value("2")
        self.press("Up", TREES)
        self.press("Take out", MEALS)
        expect(self.page.get_by_label(re.compile(f"^Place ?: {SWINGS}"))).to_have_value("2")

    def points(self) -> None:
        self.press(f"One point more: {SWINGS}")
        expect(self.page.locator("#basket")).to_contain_text("9 points left")
        self.press(f"One point more: {SWINGS}")
        self.hands.write(self.page.get_by_label(re.compile(f"^Points ?: {MEALS}")), "6")
        self.press(f"One point less: {MEALS}")
        expect(self.page.locator("#basket")).to_contain_text("3 points left")

    def scores(self) -> None:
        for title, score in ((SWINGS, "4"), (TREES, "3"), (TREES, "1")):
            group = self.page.get_by_role("group", name=re.compile(f"^Your score ?: {title}"))
            self.hands.tick(group.get_by_role("radio", name=score, exact=True))

    def cast(self) -> None:
        """Check, cast, and read the receipt."""
        self.press("Check and cast my vote")
        expect(self.page.get_by_role("heading", level=1)).to_have_text("Check your vote")
        for title in HOLDS[self.pot.ballot_kind]:
            expect(self.page.get_by_role("main")).to_contain_text(title)
        self.press("Cast my vote")
        expect(self.page.get_by_role("heading", level=1)).to_have_text("Your vote is in")
        ballot = Ballot.objects.get(pot=self.pot)
        expect(self.page.get_by_role("main")).to_contain_text(ballot.code)
        titles = dict(self.pot.projects.values_list("pk", "title"))
        held = {titles[n]: mark for n, mark in zip(ballot.projects, ballot.marks, strict=True)}
        assert held == HOLDS[self.pot.ballot_kind]


@pytest.fixture
def pots(borough: Borough) -> Iterator[list[Pot]]:
    """Return an open pot of each kind."""
    yield [a_pot(borough, kind.value) for kind in BallotKind]


def test_every_kind_is_cast_with_a_keyboard_alone(
    window: Callable[..., Watch], borough: Borough, pots: list[Pot]
) -> None:
    watch = window(borough.resident)
    for pot in pots:
        voting = Voting(watch.page, Arrows(), pot)
        voting.fill()
        voting.cast()
    assert not watch.troubles


@pytest.mark.parametrize("width", [NARROWEST, DESK])
def test_every_kind_is_cast_by_touch(
    window: Callable[..., Watch], borough: Borough, pots: list[Pot], width: int
) -> None:
    watch = window(borough.resident, width=width, touch=True)
    for pot in pots:
        voting = Voting(watch.page, Taps(), pot)
        voting.fill()
        voting.cast()
    assert not watch.troubles


@pytest.mark.parametrize("width", [NARROWEST, DESK])
def test_every_kind_is_cast_without_script(
    window: Callable[..., Watch], borough: Borough, pots: list[Pot], width: int
) -> None:
    page = window(borough.resident, width=width, script=False).page
    for pot in pots:
        voting = Voting(page, Fingers(), pot)
        voting.fill()
        voting.cast()


def test_after_a_press_the_keyboard_stands_where_the_idea_went(
    window: Callable[..., Watch], borough: Borough, pots: list[Pot]
) -> None:
    by_kind = {pot.ballot_kind: pot for pot in pots}
    page = window(borough.resident).page
    voting = Voting(page, Arrows(), by_kind["ranked"])
    for pressed, stands in (
        ("Put next", "Up"),
        ("Up", "Up"),
        ("Down", "Down"),
        ("Take out", "Put next"),
    ):
        voting.press(pressed, SWINGS)
        expect(voting.button(stands, SWINGS)).to_be_focused()
    voting = Voting(page, Arrows(), by_kind["basket"])
    for pressed, stands in (("Add", "Take out"), ("Take out", "Add")):
        voting.press(pressed, SWINGS)
        expect(voting.button(stands, SWINGS)).to_be_focused()
    voting = Voting(page, Arrows(), by_kind["points"])
    voting.press(f"One point more: {SWINGS}")
    expect(voting.button(f"One point more: {SWINGS}")).to_be_focused()


def test_a_press_is_said_to_whoever_cannot_see_it(
    window: Callable[..., Watch], borough: Borough, pots: list[Pot]
) -> None:
    by_kind = {pot.ballot_kind: pot for pot in pots}
    page = window(borough.resident).page
    said = page.locator("#ballot-said")
    for kind, press, words in (
        ("basket", ("Add", SWINGS), f"“{SWINGS}” is in your basket."),
        ("ranked", ("Put next", SWINGS), f"“{SWINGS}” is in place 1."),
        ("points", (f"One point more: {SWINGS}",), f"“{SWINGS}” has 1 point."),
    ):
        voting = Voting(page, Fingers(), by_kind[kind])
        node = said.element_handle()
        voting.press(*press)
        expect(said).to_have_text(words)
        assert node.is_visible(), "readers listen to this very element; it must stay in the page"
    assert page.get_by_role("status").count() == 2


NAMELESS = re.compile(
    r"- (button|textbox|radio|checkbox|link|group|spinbutton|combobox)(:| \[|$)", re.M
)


def test_every_control_has_a_role_and_a_name_of_its_own(
    window: Callable[..., Watch], borough: Borough, pots: list[Pot]
) -> None:
    page = window(borough.resident).page
    for pot in pots:
        Voting(page, Fingers(), pot).fill()
        tree = page.get_by_role("main").aria_snapshot()
        assert not NAMELESS.findall(tree), tree
        named = re.findall(r"- '?(button|textbox|checkbox) \"(.*)\"", tree)
        once = [one for one in named if not one[1].startswith(("Check and cast", "Update"))]
        assert len(once) == len(set(once)), f"two controls are called the same: {sorted(once)}"
        radios = re.findall(r"- radio \"(.*)\"", tree)
        if pot.ballot_kind == "scores":
            assert radios.count("4") == len(COSTS), "each in a group with a name"
        else:
            assert len(radios) == len(set(radios))


def test_what_is_left_is_in_sight_wherever_one_reads_on_a_phone(
    window: Callable[..., Watch], borough: Borough, pots: list[Pot]
) -> None:
    by_kind = {pot.ballot_kind: pot for pot in pots}
    for script in (True, False):
        page = window(borough.resident, width=NARROWEST, script=script).page
        for kind, press, words in (
            ("basket", ("Add", TREES), "£45,000 left"),
            ("points", (f"One point more: {TREES}",), "9 points left"),
        ):
            voting = Voting(page, Fingers(), by_kind[kind])
            voting.press(*press)
            bar = page.locator("#basket-bar")
            expect(bar).to_contain_text(words)
            for title in COSTS:
                page.get_by_role("link", name=title).scroll_into_view_if_needed()
                expect(bar).to_be_in_viewport(ratio=0.9)


def test_every_kind_is_whole_at_every_size_in_light_and_dark_and_with_mistakes(
    window: Callable[..., Watch], borough: Borough, pots: list[Pot]
) -> None:
    watch, faults = window(borough.resident), []
    page = watch.page
    for pot in pots:
        voting = Voting(page, Fingers(), pot)
        voting.press("Check and cast my vote")
        expect(page.get_by_role("alert")).to_be_focused()
        faults += _at_every_size(watch, f"{pot.title}, with a mistake")
        voting.fill()
        faults += _at_every_size(watch, pot.title)
        voting.cast()
        faults += _at_every_size(watch, f"{pot.title}, receipt")
    assert not faults + watch.troubles, "\n".join([*faults, *watch.troubles])


def _at_every_size(watch: Watch, name: str) -> list[str]:
    found = []
    for width, light in ((NARROWEST, "light"), (DESK, "dark")):
        watch.page.set_viewport_size({"width": width, "height": 800})
        watch.page.emulate_media(color_scheme=light)  # type: ignore[arg-type]
        found += watch.faults()
    return [f"{name}: {fault}" for fault in found]


def test_a_guest_compares_begins_with_a_shortlist_votes_and_signs_in_later(
    window: Callable[..., Watch], borough: Borough, smtp: Mailbox
) -> None:
    pot = a_pot(borough, "ranked", reach="everyone")
    watch = window(width=NARROWEST, script=False)
    page = watch.page
    page.goto(pot.get_absolute_url())
    for title in (MEALS, SWINGS):
        page.get_by_role("button", name=re.compile(f"^Put on my shortlist ?: {title}")).click()
    page.get_by_role("link", name="Compare them").click()
    table = page.get_by_role("region", name="The ideas of my shortlist, side by side")
    expect(table.get_by_role("columnheader")).to_have_text([MEALS, SWINGS])
    expect(table).to_contain_text("£70,000")
    page.get_by_role("link", name="Begin my ballot with my shortlist").click()
    page.get_by_role("button", name="Vote without an account").click()
    expect(page.get_by_label(re.compile(f"^Place ?: {MEALS}"))).to_have_value("1")
    expect(page.get_by_label(re.compile(f"^Place ?: {SWINGS}"))).to_have_value("2")
    page.get_by_role("button", name="Check and cast my vote").click()
    page.get_by_role("button", name="Cast my vote").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your vote is in")
    receipt = page.locator(".cw-big").inner_text()
    assert Ballot.objects.get(pot=pot).code == receipt
    assert not Roll.objects.filter(pot=pot).exists(), "a guest stands on no roll"
    Turn(watch, Fingers(), borough, script=False).sign_in(smtp)
    page.goto(reverse("ballots:receipt", args=[pot.pk]))
    page.get_by_role("button", name="Put it under my account").click()
    expect(page.get_by_role("status").first).to_contain_text("Its receipt is the same.")
    expect(page.locator(".cw-big")).to_have_text(receipt)
    ballot = Ballot.objects.get(pot=pot)
    assert ballot.marks == [2, 1], "what was chosen came along"
    assert ballot.envelope == pot.envelope_of(Roll.objects.get(pot=pot).person)


# --- a cheap phone and a poor signal


def _slow(page: Page, seconds: float = 0.4) -> None:
    """Let each press wait for its answer, as on a poor signal."""

    def held(route: Any) -> None:
        page.wait_for_timeout(seconds * 1000)
        route.fallback()

    page.route(
        "**/vote/",
        lambda route: held(route) if route.request.method == "POST" else route.fallback(),
    )


def test_quick_presses_are_all_counted_though_the_answers_are_slow(
    window: Callable[..., Watch], borough: Borough, pots: list[Pot]
) -> None:
    by_kind = {pot.ballot_kind: pot for pot in pots}
    watch = window(borough.resident, width=NARROWEST)
    page = watch.page
    voting = Voting(page, Fingers(), by_kind["points"])
    _slow(page)
    for _ in range(4):
        voting.press(f"One point more: {SWINGS}")
    meals = page.get_by_label(re.compile(f"^Points ?: {MEALS}"))
    meals.fill("3")
    voting.press(f"One point less: {SWINGS}")
    expect(page.get_by_label(re.compile(f"^Points ?: {SWINGS}"))).to_have_value("3")
    expect(meals).to_have_value("3")
    expect(page.locator("#basket-bar")).to_contain_text("4 points left")
    voting = Voting(page, Fingers(), by_kind["ranked"])
    for title in (TREES, MEALS, SWINGS):
        voting.press("Put next", title)
    for place, title in enumerate((TREES, MEALS, SWINGS), start=1):
        expect(page.get_by_label(re.compile(f"^Place ?: {title}"))).to_have_value(str(place))
    assert not watch.troubles


def test_whoever_presses_and_checks_at_once_checks_what_they_pressed(
    window: Callable[..., Watch], borough: Borough, pots: list[Pot]
) -> None:
    by_kind = {pot.ballot_kind: pot for pot in pots}
    page = window(borough.resident, width=NARROWEST).page
    voting = Voting(page, Fingers(), by_kind["basket"])
    _slow(page)
    voting.press("Add", TREES)
    voting.press("Add", SLIDE)
    voting.press("Check and cast")
    expect(page.get_by_role("heading", level=1)).to_have_text("Check your vote")
    for title in (TREES, SLIDE):
        expect(page.get_by_role("main")).to_contain_text(title)


def test_a_double_click_adds_and_takes_nothing_out_again(
    window: Callable[..., Watch], borough: Borough, pots: list[Pot]
) -> None:
    by_kind = {pot.ballot_kind: pot for pot in pots}
    page = window(borough.resident).page
    voting = Voting(page, Fingers(), by_kind["basket"])
    voting.press("Add", TREES)
    now_there = voting.button("Take out", TREES)
    expect(now_there).to_be_visible()
    box = now_there.bounding_box()
    assert box
    page.mouse.move(box["x"] + 9, box["y"] + 9)
    page.mouse.down(click_count=2)
    page.mouse.up(click_count=2)
    voting.press("Add", SWINGS)
    expect(page.locator("#basket")).to_contain_text("£15,000 left")


def test_what_does_not_reach_us_is_said_and_nothing_chosen_is_lost(
    window: Callable[..., Watch], borough: Borough, pots: list[Pot]
) -> None:
    by_kind = {pot.ballot_kind: pot for pot in pots}
    watch = window(borough.resident, width=NARROWEST)
    page = watch.page
    voting = Voting(page, Fingers(), by_kind["basket"])
    voting.press("Add", TREES)
    expect(voting.button("Take out", TREES)).to_be_visible()
    watch.check()
    for answer in (lambda route: route.abort(), lambda route: route.fulfill(status=502, body="x")):
        page.route("**/vote/", answer)
        voting.press("Add", SWINGS)
        alert = page.get_by_role("alert")
        expect(alert).to_contain_text("That did not reach us.")
        assert not watch.faults()
        page.unroute("**/vote/")
        expect(page.locator("#basket-bar")).to_contain_text("£45,000 left")
        voting.press("Add", SWINGS)
        expect(page.locator("#basket-bar")).to_contain_text("£15,000 left")
        expect(alert).to_be_hidden()
        voting.press("Take out", SWINGS)
        expect(page.locator("#basket-bar")).to_contain_text("£45,000 left")


def test_a_press_after_the_close_leads_to_the_page_that_says_so(
    window: Callable[..., Watch], borough: Borough, pots: list[Pot]
) -> None:
    by_kind = {pot.ballot_kind: pot for pot in pots}
    watch = window(borough.resident, width=NARROWEST)
    for kind, do in (
        ("basket", lambda v: v.press("Add", TREES)),
        ("approval", lambda v: v.page.get_by_role("checkbox", name=SWINGS).click()),
    ):
        voting = Voting(watch.page, Fingers(), by_kind[kind])
        Pot.objects.filter(pk=by_kind[kind].pk).update(closes_at=timezone.now())
        do(voting)
        expect(watch.page.get_by_role("heading", level=1)).to_have_text("This ballot is closed")
        expect(watch.page.get_by_role("main")).to_contain_text("had not cast, does not count")
        watch.check()
