"""A document is put before people, commented on, moderated, answered and revised: on any screen."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from commonweal.listen.hearings import actions
from commonweal.listen.hearings.models import Comment, Hearing
from tests.factories import hearings as made
from tests.factories import world
from tests.journeys.borough import Borough
from tests.journeys.looking import DESK, NARROWEST, PHONE, SCREENSHOTS, Watch, enter, press

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def look(watch: Watch, name: str, *, script: bool = True) -> None:
    """Hold a page to what every page keeps, at every size, and keep a picture."""
    for width in (NARROWEST, PHONE, DESK) if script else ():
        watch.page.set_viewport_size({"width": width, "height": 800})
        watch.check()
        if width != NARROWEST:
            path = SCREENSHOTS / f"hearing-{name}-{width}.jpeg"
            watch.page.screenshot(path=path, type="jpeg", quality=60, full_page=True)


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
def test_a_document_goes_from_a_paste_to_what_came_of_it(
    window: Callable[..., Watch], borough: Borough, script: bool
) -> None:
    desk = window(borough.staff, second_factor=True, script=script)
    page = desk.page
    page.goto("/hearings/")
    enter(page.get_by_role("link", name="Set up a hearing"))
    page.get_by_label("Community", exact=True).select_option(label="Quayside")
    page.get_by_label("Title").fill("A plan for the square")
    page.get_by_label("What is this document").fill("The square is worn.")
    page.get_by_label("Who decides on it").fill("The cabinet, on 3 March.")
    opens = timezone.localtime() - timedelta(hours=1)
    page.get_by_label("Opens").fill(f"{opens:%Y-%m-%dT%H:%M}")
    page.get_by_label("Closes").fill(f"{opens + timedelta(days=9):%Y-%m-%dT%H:%M}")
    page.get_by_role("radio", name="Everyone, with or without an account").check()
    look(desk, "basics", script=script)
    press(page, "Save and continue")
    page.get_by_label("Paste the text").fill(made.TEXT)
    look(desk, "document", script=script)
    press(page, "Cut it into passages")
    expect(page.get_by_role("heading", name="Look at the passages")).to_be_visible()
    look(desk, "check", script=script)
    enter(page.get_by_role("link", name="Change or split passage 2"))
    page.get_by_label("The words").fill(
        "The square belongs to people on foot.\n\nIt is open at night."
    )
    look(desk, "passage", script=script)
    press(page, "Save the passage")
    press(page, "Join passage 3 to the one before")
    expect(page.locator("#passage-2")).to_contain_text("on foot. It is open at night.")
    press(page, "Publish the hearing")
    expect(page.get_by_role("status").first).to_contain_text("Everyone can read it now")
    hearing = Hearing.objects.get()

    reader = window(borough.resident, script=script, width=PHONE)
    page = reader.page
    page.goto(hearing.get_absolute_url())
    look(reader, "hearing", script=script)
    enter(page.get_by_role("link", name="Comment on passage 3"))
    press(page, "Say it")
    expect(page.get_by_role("alert").first).to_contain_text("Choose how you stand to it")
    page.get_by_role("radio", name="I would change it").check()
    page.get_by_label("What do you want to say?").fill("Eight would be better.")
    page.get_by_label("How should it read instead?").fill("Eight trees are planted.")
    look(reader, "thread", script=script)
    press(page, "Say it")
    expect(page.get_by_role("status").first).to_contain_text("Your words stand here now")
    look(reader, "comment", script=script)
    enter(page.get_by_role("link", name="Put it right"))
    page.get_by_label("What do you want to say?").fill("Nine would be better.")
    press(page, "Save the change")
    expect(page.get_by_role("status").first).to_contain_text("Your words are changed")

    stranger = window(script=script, width=PHONE)
    page = stranger.page
    page.goto(f"{hearing.get_absolute_url()}versions/1/passages/3/")
    page.get_by_role("radio", name="I oppose it").check()
    page.get_by_label("What do you want to say?").fill("No trees, please: my windows.")
    page.get_by_label("Your name").fill("Gwen")
    press(page, "Say it")
    expect(page.get_by_role("status").first).to_contain_text("A moderator reads it first")
    look(stranger, "guest", script=script)

    page = desk.page
    page.goto(f"{hearing.get_absolute_url()}moderation/")
    look(desk, "moderation", script=script)
    page.get_by_role("checkbox").first.check()
    press(page, "Let everyone read them")
    expect(page.get_by_role("status").first).to_contain_text("1 comment is shown")
    page.goto(f"{hearing.get_absolute_url()}answering/")
    look(desk, "answering", script=script)
    enter(page.get_by_role("link", name="Answer passage 3"))
    page.get_by_role("radio", name="Taken up in part").check()
    page.get_by_label("Why? Everyone can read this").fill(
        "Eight trees, and none before the windows."
    )
    look(desk, "answer", script=script)
    press(page, "Answer in public")
    expect(page.locator("main")).to_contain_text("The answer: Taken up in part")
    page.goto(f"{hearing.get_absolute_url()}enter/")
    page.get_by_role("radio", name="By letter").check()
    page.get_by_label("On which day?").fill(f"{timezone.localdate()}")
    page.get_by_label("The number of the passage").fill("4")
    page.get_by_role("radio", name="I support it").check()
    page.get_by_label("What do they say?").fill("My mother crosses there on Sundays.")
    look(desk, "enter", script=script)
    enter(page.get_by_role("button", name="Save it", exact=True))
    expect(page.locator("main")).to_contain_text("By letter")

    Hearing.objects.update(closes_at=timezone.now() - timedelta(minutes=1))
    page.goto(f"{hearing.get_absolute_url()}conclude/")
    page.get_by_label("What did you hear").fill("We heard you. Eight trees.")
    press(page, "Tell everybody")
    expect(page.locator("main")).to_contain_text("We heard you. Eight trees.")
    look(desk, "results", script=script)
    page.goto(f"{hearing.get_absolute_url()}document/")
    page.get_by_label("Paste the text").fill(made.TEXT.replace("Six", "Eight"))
    press(page, "Cut it into passages")
    page.get_by_label("What changed, and why?").fill("Eight trees, as you asked.")
    press(page, "Publish the revised document")
    page.goto(f"{hearing.get_absolute_url()}versions/2/changes/")
    expect(page.locator("ins").first).to_be_visible()
    look(desk, "changes", script=script)

    page = reader.page
    page.goto(f"{hearing.get_absolute_url()}versions/1/")
    look(reader, "older", script=script)
    page.goto(f"{hearing.get_absolute_url()}comments/")
    look(reader, "comments", script=script)
    page.goto("/me/")
    expect(page.locator("main")).to_contain_text("What you said in hearings")


def test_a_long_document_with_tables_and_letters_of_the_world_fits_a_phone(
    window: Callable[..., Watch], borough: Borough
) -> None:
    words = "مرحبا بكم في الساحة. " * 4
    text = "\n\n".join(
        f"# {n}. Part with a long heading {'x' * 60}\n\n{n}.1 {words}\n\n| a | b | c | d | e | f |\n|---|---|---|---|---|---|\n| {'y' * 40} | 1 | 2 | 3 | 4 | 5 |"
        for n in range(1, 60)
    )
    hearing = made.a_hearing(borough.community, text=text)
    for n in range(16):
        said = made.a_comment(
            hearing, world.a_person(name="🏠" * 20), body=f"{words}{'z' * 300}", stance="oppose"
        )
        for _ in range(4 if n == 0 else 0):
            made.a_comment(hearing, borough.resident, parent=said, stance="neither", body=words)
    watch = window(borough.resident, width=PHONE)
    for name, address in (
        ("long", ""), ("long-part", "?passage=150"), ("long-thread", "versions/1/passages/2/"),
        ("long-results", "results/"),
    ):  # fmt: skip
        watch.page.goto(f"{hearing.get_absolute_url()}{address}")
        look(watch, name)


def test_whoever_has_only_a_keyboard_agrees_and_replies(
    window: Callable[..., Watch], borough: Borough
) -> None:
    hearing = made.a_hearing(borough.community)
    said = made.a_comment(hearing, world.a_person(name="Neville"))
    page = window(borough.resident).page
    page.goto(f"{hearing.get_absolute_url()}versions/1/passages/2/")
    button = page.get_by_role("button", name="I agree with this comment")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="You agree with this comment")).to_be_visible()
    assert said.agreements.count() == 1
    enter(page.get_by_role("link", name="Reply, or look at it alone"))
    page.get_by_label("Your reply").fill("So do I.")
    enter(page.get_by_role("button", name="Reply", exact=True))
    expect(page.locator("main")).to_contain_text("So do I.")
    assert Comment.objects.filter(parent=said).count() == 1
    assert actions.note_moments(at=timezone.now()) == 1
