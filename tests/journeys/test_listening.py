"""Statements, one after the other: by finger, by key, by swipe, and without any script."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from commonweal.listen.conversations.models import Conversation, Moderation, State
from commonweal.listen.voices.models import Policy, Report, Showing
from tests.factories.listen import a_conversation, a_detail, a_statement
from tests.journeys.borough import Borough
from tests.journeys.looking import DESK, NARROWEST, PHONE, Watch

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
Window = Callable[..., Watch]
QUESTION = "What would have helped you get home?"
LONG = (
    "I would rather have one person I know ring me every evening at the same time than three"
    " services that each send somebody else, because then I know who comes and what they want,"
    " and they know where my key is and how I take my tea, and that is what matters to me in it."
)


@pytest.fixture
def asked(borough: Borough) -> Conversation:
    conversation = a_conversation(borough.authority, question=QUESTION, enough=4)
    for text in (
        "I would rather have one person I know ring me than three services I don’t.",
        "Getting home on a Friday afternoon is worse than on any other day.",
        "أريد أن يتصل بي شخص أعرفه كل يوم.",
        "👩‍👩‍👧 Family should be told the day before.",
        LONG[:280],
        "Averyveryverylongwordwithoutanyspacethatnobodywouldeverwritebutsomebodywillverysoon" * 3,
    ):
        a_statement(conversation, text)
    return conversation


def begin(page: Page, asked: Conversation) -> None:
    page.goto(f"/listen/{asked.pk}/vote/")
    expect(page.get_by_role("heading", level=1)).to_have_text(asked.question)


def answers() -> list[int | None]:
    """Return what was said to the question that is asked, in the order of the statements' coming."""
    mine = {"conversation__question": QUESTION, "value__isnull": False}
    rows = Showing.objects.filter(**mine).exclude(policy=Policy.OWN).order_by("pk")
    return list(rows.values_list("value", flat=True))


@pytest.mark.parametrize("width", [NARROWEST, PHONE, DESK])
def test_somebody_answers_until_a_good_place_to_stop_and_goes_on(
    width: int, window: Window, asked: Conversation
) -> None:
    watch = window(width=width)
    page = watch.page
    begin(page, asked)
    watch.check()
    for n, name in enumerate(("Agree", "Disagree", "Pass", "Agree"), start=1):
        expect(page.get_by_text(f"Statement {n} of about 4")).to_be_visible()
        page.get_by_role("button", name=re.compile(f"^{name}")).click()
        expect(page.get_by_text(f"Statement {n} of about 4")).to_have_count(0)
        page.wait_for_timeout(400)  # what is pressed at once is a double click
        if n == 1:
            expect(page.get_by_role("status").last).to_have_text("Counted: you agree.")
            expect(page.locator("#statement")).to_be_focused()
            watch.check()
    expect(
        page.get_by_role("heading", name="Thank you: this is a good place to stop")
    ).to_be_visible()
    watch.check()
    assert answers() == [1, -1, 0, 1]
    page.get_by_role("link", name="Answer more").click()
    for n in (5, 6):
        expect(page.get_by_text(f"Statement {n} of 6")).to_be_visible()
        watch.check()
        page.get_by_role("button", name=re.compile("^Pass")).click()
        expect(page.get_by_text(f"Statement {n} of 6")).to_have_count(0)
        page.wait_for_timeout(400)  # what is pressed at once is a double click
    expect(page.get_by_role("heading", name="You have answered everything so far")).to_be_visible()
    watch.check()
    assert answers() == [1, -1, 0, 1, 0, 0]


def test_a_double_click_answers_one_statement(window: Window, asked: Conversation) -> None:
    page = window().page
    begin(page, asked)
    page.get_by_role("button", name=re.compile("^Agree")).dblclick()
    expect(page.get_by_text("Statement 2 of about 4")).to_be_visible()
    page.wait_for_timeout(600)
    expect(page.get_by_text("Statement 2 of about 4")).to_be_visible()
    assert answers() == [1]


def test_keys_answer_go_back_and_can_be_turned_off(window: Window, asked: Conversation) -> None:
    watch = window()
    page = watch.page
    begin(page, asked)
    for n, key in enumerate(("a", "ArrowLeft", "p"), start=1):
        expect(page.get_by_text(f"Statement {n} of about 4")).to_be_visible()
        page.wait_for_timeout(400)
        page.keyboard.press(key)
    expect(page.get_by_text("Statement 4 of about 4")).to_be_visible()
    assert answers() == [1, -1, 0]
    page.keyboard.press("u")
    expect(page.get_by_text("You passed on this.")).to_be_visible()
    expect(page.locator("#statement")).to_be_focused()
    page.wait_for_timeout(400)
    page.keyboard.press("d")
    expect(page.get_by_text("Statement 4 of about 4")).to_be_visible()
    assert answers() == [1, -1, -1]
    page.reload()
    expect(page.get_by_text("Statement 4 of about 4")).to_be_visible()
    page.get_by_role("button", name="Turn these keys off").click()
    watch.check()
    page.wait_for_timeout(400)
    page.keyboard.press("a")
    page.wait_for_timeout(500)
    assert answers() == [1, -1, -1]
    page.reload()
    expect(page.get_by_role("button", name="Turn the keys on")).to_be_visible()


def test_a_held_or_a_combined_key_answers_nothing(window: Window, asked: Conversation) -> None:
    page = window().page
    begin(page, asked)
    for keys in ("Control+d", "Alt+ArrowLeft", "Shift+A"):
        page.keyboard.press(keys)
    page.wait_for_timeout(500)
    assert answers() == []


def swipe(page: Page, by: int, down: int = 0) -> None:
    """Move a finger across the card."""
    page.evaluate(
        """([by, down]) => {
          const card = document.querySelector("#turn"), box = card.getBoundingClientRect();
          const x = box.left + box.width / 2, y = box.top + 40;
          const send = (kind, dx, dy) => card.dispatchEvent(new PointerEvent(kind, {
            bubbles: true, pointerType: "touch", isPrimary: true, pointerId: 7,
            clientX: x + dx, clientY: y + dy}));
          send("pointerdown", 0, 0);
          for (let k = 1; k <= 5; k++) send("pointermove", by * k / 5, down * k / 5);
          const page = document.documentElement, wide = page.scrollWidth > page.clientWidth;
          send("pointerup", by, down);
          if (wide) throw new Error("the card pulls the page wide");
        }""",
        [by, down],
    )


def test_a_swipe_answers_and_one_that_is_taken_back_does_not(
    window: Window, asked: Conversation
) -> None:
    watch = window(width=PHONE, touch=True)
    page = watch.page
    page.emulate_media(reduced_motion="no-preference")
    begin(page, asked)
    page.wait_for_timeout(400)
    swipe(page, 40)
    swipe(page, 60, 200)
    page.wait_for_timeout(500)
    assert answers() == [], "a short one, or a scroll, is no answer"
    swipe(page, 130)
    expect(page.get_by_text("Statement 2 of about 4")).to_be_visible()
    page.wait_for_timeout(500)
    swipe(page, -130)
    expect(page.get_by_text("Statement 3 of about 4")).to_be_visible()
    assert answers() == [1, -1]
    watch.check()


def test_the_whole_way_works_without_a_script(window: Window, asked: Conversation) -> None:
    watch = window(width=PHONE, script=False)
    page = watch.page
    begin(page, asked)
    page.get_by_role("button", name=re.compile("^Disagree")).click()
    expect(page.get_by_text("Statement 2 of about 4")).to_be_visible()
    expect(page.get_by_text("By keys")).to_be_hidden()
    page.get_by_role("link", name="Go back and change my last answer").click()
    expect(page.get_by_text("You disagreed with this.")).to_be_visible()
    page.get_by_role("button", name=re.compile("^Agree")).click()
    expect(page.get_by_text("Statement 2 of about 4")).to_be_visible()
    assert answers() == [1]
    page.get_by_role("link", name="Report this statement").click()
    page.get_by_label("It is about something else").check()
    page.get_by_role("button", name="Report it").click()
    expect(page.get_by_text("A moderator reads it again")).to_be_visible()
    assert Report.objects.filter(conversation=asked).count() == 1
    page.get_by_role("button", name="Let this browser forget me").click()
    page.goto(f"/listen/{asked.pk}/mine/")
    expect(page.get_by_role("heading", name="Nothing yet")).to_be_visible()


@pytest.mark.parametrize("script", [True, False])
def test_somebody_adds_a_statement_after_looking_at_what_others_said(
    script: bool, window: Window, asked: Conversation
) -> None:
    Conversation.objects.filter(pk=asked.pk).update(moderation=Moderation.AFTER)
    watch = window(width=PHONE, script=script)
    page = watch.page
    page.goto(f"/listen/{asked.pk}/add/")
    page.get_by_label("Your statement").fill("On a Friday afternoon getting home is bad.")
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("heading", name="Others have said something alike")).to_be_visible()
    if script:
        watch.check()
    page.get_by_role("button", name="Add it: mine says something else").click()
    expect(page.get_by_role("heading", name="What I have said here")).to_be_visible()
    if script:
        watch.check()
    made = asked.statements.get(author__isnull=False)
    assert made.state == State.SHOWN
    page.get_by_role("button", name=re.compile("^Take it back")).click()
    expect(page.get_by_text("You have taken your statement back")).to_be_visible()
    made.refresh_from_db()
    assert made.state == State.TAKEN_BACK


def test_somebody_answers_what_another_said_instead(window: Window, asked: Conversation) -> None:
    page = window().page
    page.goto(f"/listen/{asked.pk}/add/")
    page.get_by_label("Your statement").fill(
        "Getting home on a friday afternoon is worse than on any other day!"
    )
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("button", name=re.compile("^Agree")).first.click()
    expect(page.get_by_text("Counted: you agree.").first).to_be_visible()
    assert not asked.statements.filter(author__isnull=False).exists()
    assert answers() == [1]


def test_every_page_of_taking_part_looks_right(
    window: Window, asked: Conversation, borough: Borough
) -> None:
    a_detail(asked)
    watch = window(borough.resident, width=NARROWEST)
    page = watch.page
    begin(page, asked)
    page.get_by_role("button", name=re.compile("^Agree")).click()
    expect(page.get_by_text("Statement 2 of about 4")).to_be_visible()
    for where in ("about-you/", "mine/", "add/", "vote/report/1/", "vote/?back", "vote/?more=1"):
        page.goto(f"/listen/{asked.pk}/{where}")
        watch.check()
    page.goto(f"/listen/{asked.pk}/statements/1/")
    watch.check()
    page.goto("/me/")
    expect(page.get_by_role("heading", name="Conversations you take part in")).to_be_visible()
    watch.check()


def test_it_closes_while_somebody_reads(window: Window, asked: Conversation) -> None:
    for script in (True, False):
        Conversation.objects.filter(pk=asked.pk).update(closes_at=None)
        watch = window(width=PHONE, script=script)
        page = watch.page
        begin(page, asked)
        Conversation.objects.filter(pk=asked.pk).update(closes_at=timezone.now())
        page.get_by_role("button", name=re.compile("^Agree")).click()
        expect(page.get_by_text("It closed while you read.")).to_be_visible()
    assert answers() == []
