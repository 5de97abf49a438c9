"""The pages of moderators, authors and everybody: what stands there, and what does not."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from commonweal.ground.people.models import Person
from commonweal.ground.places.models import Authority, RoleKind
from commonweal.listen.conversations.models import Conversation, Participant, State, Statement
from commonweal.listen.moderation import actions, queries
from commonweal.listen.moderation.models import Alike, Appeal, Case, Decision, Suggestion
from commonweal.listen.voices.models import Report
from tests.factories import listen, world
from tests.visit import Page, sign_in

pytestmark = pytest.mark.django_db
Visit = Callable[..., Page]


@pytest.fixture
def place(authority: Authority) -> Conversation:
    return listen.a_conversation(authority, statements=3, question="What would help at night?")


@pytest.fixture
def author(place: Conversation, resident: Person) -> Participant:
    return listen.a_participant(place, resident)


@pytest.fixture
def waiting(place: Conversation, author: Participant) -> Statement:
    return listen.a_statement(
        place, "A lamp at every stop.", author=author, is_first=False, state="waiting"
    )


@pytest.fixture
def desk(moderator: Person) -> Client:
    return sign_in(Client(), moderator, second_factor=True)


@pytest.fixture
def home(resident: Person) -> Client:
    return sign_in(Client(), resident)


def queue_of(place: Conversation) -> str:
    return f"/listen/{place.pk}/moderate/"


def ticks(page: Page) -> list[str]:
    return [c["value"] for c in page.controls if c.get("name") == "statement"]


def several(place: Conversation, author: Participant, many: int) -> list[Statement]:
    return [
        listen.a_statement(place, author=author, is_first=False, state="waiting")
        for _ in range(many)
    ]


def test_a_conversation_that_has_ended_promises_no_reading(
    place: Conversation, now: datetime, visit: Visit
) -> None:
    promise = "A person reads what you add"
    assert promise in visit(place.get_absolute_url()).text
    Conversation.objects.filter(pk=place.pk).update(closes_at=now - timedelta(hours=1))
    page = visit(place.get_absolute_url())
    assert promise not in page.text
    assert "It has ended, so nothing more can be added." in page.text


def test_several_are_ticked_and_decided_with_one_reason(
    visit: Visit, desk: Client, place: Conversation, author: Participant
) -> None:
    rows = several(place, author, 4)
    page = visit(queue_of(place), client=desk)
    assert len(ticks(page)) == 4
    told = visit(
        queue_of(place),
        client=desk,
        data={"statement": ticks(page)[:3], "verdict": "rejected", "reason": "off-subject"},
    )
    assert "3 statements were not let through" in told.text
    states = [Statement.objects.get(pk=row.pk).state for row in rows]
    assert states == ["rejected", "rejected", "rejected", "waiting"]
    assert "3 statements: Not let through" in told.text
    batch = Decision.objects.first()
    assert batch is not None
    back = visit(
        f"/desk/statements/undo/{batch.batch}/", client=desk, data={"next": queue_of(place)}
    )
    assert "3 statements stand where they stood before" in back.text
    assert len(ticks(back)) == 4


def test_a_no_without_a_reason_and_nothing_ticked_are_told_kindly_and_the_ticks_stay(
    visit: Visit, desk: Client, place: Conversation, author: Participant
) -> None:
    several(place, author, 2)
    page = visit(queue_of(place), client=desk)
    refused = visit(
        queue_of(place), client=desk, data={"statement": ticks(page)[:1], "verdict": "rejected"}
    )
    assert "Choose a reason" in refused.text
    assert refused.title.startswith("Mistake:")
    held = [c for c in refused.controls if c.get("name") == "statement" and "checked" in c]
    assert [c["value"] for c in held] == ticks(page)[:1]
    assert (
        "Tick the statements" in visit(queue_of(place), client=desk, data={"verdict": "shown"}).text
    )
    for broken in ("x", "1:2", "9" * 30 + ":" + "a" * 16, "\x00"):
        assert (
            "Tick the statements"
            in visit(
                queue_of(place), client=desk, data={"statement": [broken], "verdict": "shown"}
            ).text
        )


def test_the_second_moderator_hears_kindly_that_the_first_was_quicker(
    visit: Visit, desk: Client, authority: Authority, waiting: Statement
) -> None:
    colleague = world.a_person(world.root(authority), role=RoleKind.MODERATOR, name="Iris")
    other = sign_in(Client(), colleague, second_factor=True)
    place = waiting.conversation
    mine, theirs = visit(queue_of(place), client=desk), visit(queue_of(place), client=other)
    visit(queue_of(place), client=desk, data={"statement": ticks(mine), "verdict": "shown"})
    told = visit(
        queue_of(place),
        client=other,
        data={"statement": ticks(theirs), "verdict": "rejected", "reason": "unkind"},
    )
    assert f"Number {waiting.number} is left as it is: a colleague decided" in told.text
    waiting.refresh_from_db()
    assert waiting.state == State.SHOWN


def test_what_waits_too_long_says_so(
    visit: Visit, desk: Client, place: Conversation, author: Participant, now: datetime
) -> None:
    for days in (0, 9):
        listen.a_statement(
            place, author=author, is_first=False, state="waiting",
            added_at=now - timedelta(days=days, minutes=1),
        )  # fmt: skip
    page = visit(queue_of(place), client=desk)
    assert page.text.count("longer than promised") == 1
    assert "To be read by" in page.text
    panel = visit("/desk/", client=desk)
    assert "2 wait" in panel.text and "1 longer than promised" in panel.text


def test_like_ones_stand_beside_it_and_votes_say_whether_they_are_one(
    visit: Visit, desk: Client, waiting: Statement, place: Conversation
) -> None:
    one, other, _third = place.statements.filter(is_first=True).order_by("number")
    for first, second, merge, voters in ((other, waiting, False, 0), (one, other, True, 12)):
        Alike.objects.create(
            conversation=place, first=first, second=second, likeness_millionths=700_000,
            voters=voters, same=voters, merge=merge,
        )  # fmt: skip
    page = visit(queue_of(place), client=desk)
    assert f"Like it: number {other.number}" in page.text
    assert "Nobody has voted on both: you decide." in page.text
    shown = visit(f"{queue_of(place)}{one.number}/", client=desk)
    assert "Could be one:" in shown.text
    assert "Of 12 people who voted on both, 12 voted alike." in shown.text


def test_one_is_made_one_with_another_and_wrong_numbers_are_told(
    visit: Visit, desk: Client, waiting: Statement, place: Conversation
) -> None:
    address = f"{queue_of(place)}{waiting.number}/"
    mark = queries.mark(waiting)
    for into in ("999", "x", str(waiting.number), ""):
        told = visit(f"{address}merge/", client=desk, data={"into": into, "seen": mark})
        assert told.title.startswith("Mistake:")
    into = place.statements.order_by("number")[0]
    told = visit(f"{address}merge/", client=desk, data={"into": into.number, "seen": mark})
    assert "The two are one now" in told.text
    again = visit(f"{address}merge/", client=desk, data={"into": into.number, "seen": mark})
    assert "Nothing was done: a colleague decided" in again.text


def test_reports_stand_with_their_reason_and_without_a_name(
    visit: Visit, desk: Client, place: Conversation, now: datetime
) -> None:
    shown = place.statements.order_by("number")[0]
    Report.objects.create(
        conversation=place, statement=shown, participant=listen.a_participant(place),
        reason="private", words="That is my neighbour.", reported_at=now,
    )  # fmt: skip
    page = visit(queue_of(place), client=desk)
    assert "Reported: 1" in page.text
    page = visit(f"{queue_of(place)}?state=reported", client=desk)
    assert "It tells something private about a person" in page.text
    assert "That is my neighbour." in page.text
    told = visit(
        f"{queue_of(place)}?state=reported",
        client=desk,
        data={"statement": ticks(page), "verdict": "shown"},
    )
    assert "Reported: 0" in told.text


def test_words_are_found_and_a_conversation_is_chosen_on_the_desk(
    visit: Visit, desk: Client, authority: Authority, waiting: Statement
) -> None:
    other = listen.a_conversation(authority)
    listen.a_statement(
        other, "Benches.", author=listen.a_participant(other), is_first=False, state="waiting"
    )
    page = visit("/desk/statements/", client=desk)
    assert "A lamp at every stop." in page.text and "Benches." in page.text
    assert "Benches." not in visit("/desk/statements/?q=LAMP", client=desk).text
    assert "lamp" not in visit(f"/desk/statements/?place={other.pk}", client=desk).text
    for broken in ("?place=x&page=y&state=z", "?q=%00", "?place=99999999999999999999"):
        visit(f"/desk/statements/{broken}", client=desk)


def test_everything_is_read(visit: Visit, desk: Client, place: Conversation) -> None:
    assert "Everything is read" in visit(queue_of(place), client=desk).text


# --- the author


def test_an_author_reads_the_reason_and_objects_once(
    visit: Visit, home: Client, waiting: Statement, moderator: Person, seen_by: Any
) -> None:
    actions.decide(
        viewer=seen_by(moderator), seen={waiting.pk: queries.mark(waiting)}, verdict="rejected",
        reason="several", words="Which of the two?",
    )  # fmt: skip
    yours = f"/listen/{waiting.conversation_id}/yours/"
    page = visit(yours, client=home)
    assert "It says several things at once" in page.text and "Which of the two?" in page.text
    assert "1 does not stand there: read why" in visit("/me/", client=home).text
    address = f"{yours}{waiting.number}/object/"
    assert visit(address, client=home, data={"words": " "}).title.startswith("Mistake:")
    told = visit(address, client=home, data={"words": "It is one thing."})
    assert "Somebody else looks at it" in told.text
    again = visit(address, client=home, data={"words": "Really!"})
    assert "You objected already" in again.text
    assert Appeal.objects.get().words == "It is one thing."


def test_an_author_takes_the_words_or_writes_others(
    visit: Visit, home: Client, waiting: Statement, moderator: Person, seen_by: Any
) -> None:
    yours = f"/listen/{waiting.conversation_id}/yours/"
    for takes in ("no", "yes"):
        actions.suggest(viewer=seen_by(moderator), statement_id=waiting.pk, text="Light each stop.")
        page = visit(yours, client=home)
        assert "Light each stop." in page.text
        visit(f"{yours}{waiting.number}/answer/", client=home, data={"takes": takes})
    waiting.refresh_from_db()
    assert (waiting.text, waiting.state) == ("Light each stop.", "shown")
    assert [row.state for row in Suggestion.objects.order_by("pk")] == ["refused", "taken"]


def test_an_author_changes_words_that_wait(visit: Visit, home: Client, waiting: Statement) -> None:
    address = f"/listen/{waiting.conversation_id}/yours/{waiting.number}/"
    for empty in ("", " \u200b ", "?!"):
        assert visit(address, client=home, data={"text": empty}).title.startswith("Mistake:")
    assert "letters long" in visit(address, client=home, data={"text": "x" * 281}).text
    told = visit(address, client=home, data={"text": "A lamp\n at  each stop."})
    assert "A lamp at each stop." in told.text


def test_a_guest_reads_what_became_of_their_words_in_their_own_browser_only(
    visit: Visit, place: Conversation
) -> None:
    from commonweal.listen.voices.queries import holder_of

    browser = "ab" * 16
    guest = listen.a_participant(place, holder=holder_of(browser, place.pk))
    listen.a_statement(
        place, "Guests say this.", author=guest, is_first=False, state="rejected", reason="unclear"
    )
    yours = f"/listen/{place.pk}/yours/"
    assert "Guests say this." not in visit(yours).text
    client = a_browser(browser)
    assert "Guests say this." in visit(yours, client=client).text
    assert "You have added nothing here" in visit(yours, client=a_browser("cd" * 16)).text


def a_browser(mark: str) -> Client:
    """Return a browser that took part before."""
    client = Client()
    client.cookies[settings.BROWSER_COOKIE_NAME] = mark
    return client


def test_nobody_reads_or_changes_what_another_said(
    visit: Visit, place: Conversation, waiting: Statement
) -> None:
    stranger = sign_in(Client(), world.a_person(world.root(place.authority)))
    yours = f"/listen/{place.pk}/yours/"
    assert waiting.text not in visit(yours, client=stranger).text
    for path in ("", "object/"):
        visit(f"{yours}{waiting.number}/{path}", client=stranger, status=404)
        visit(f"{yours}{waiting.number}/{path}", client=stranger, data={}, status=404)


# --- everybody


def test_everybody_reads_the_rules_and_the_numbers_and_no_word_of_what_was_not_let_through(
    visit: Visit, place: Conversation, author: Participant, moderator: Person, seen_by: Any
) -> None:
    rows = several(place, author, 3)
    Statement.objects.filter(pk=rows[0].pk).update(text="He is a liar.")
    rows[0].refresh_from_db()
    viewer = seen_by(moderator)
    actions.decide(
        viewer=viewer, seen={rows[0].pk: queries.mark(rows[0])}, verdict="rejected",
        reason="unkind", words="Not so.",
    )  # fmt: skip
    actions.decide(
        viewer=viewer, seen={row.pk: queries.mark(row) for row in rows[1:]}, verdict="shown"
    )
    page = visit(f"/listen/{place.pk}/moderation/")
    assert "Not let through 1 It attacks somebody 1" in page.text
    assert "Let through 2" in page.text
    log = Client().get(f"/listen/{place.pk}/moderation/log.csv")
    text = b"".join(log.streaming_content).decode()
    table = list(csv.DictReader(io.StringIO(text)))
    assert [row["reason"] for row in table] == ["unkind", "", ""]
    for private in ("liar", "Not so", "Rosa", str(moderator.email)):
        assert private not in page.html and private not in text


def test_only_moderators_take_the_words_away_and_no_cell_is_a_formula(
    visit: Visit, desk: Client, home: Client, place: Conversation, author: Participant,
    moderator: Person, seen_by: Any,
) -> None:  # fmt: skip
    row = listen.a_statement(place, "=HYPERLINK(1)", author=author, is_first=False, state="waiting")
    actions.decide(
        viewer=seen_by(moderator), seen={row.pk: queries.mark(row)}, verdict="rejected",
        reason="advert", words="@nobody",
    )  # fmt: skip
    address = f"{queue_of(place)}log.csv"
    assert home.get(address).status_code == 403
    text = b"".join(desk.get(address).streaming_content).decode()
    (told,) = csv.DictReader(io.StringIO(text))
    assert told["text"] == "'=HYPERLINK(1)" and told["words_to_the_author"] == "'@nobody"


def test_how_many_were_set_aside_stands_in_public_with_the_reason_and_no_names(
    visit: Visit, desk: Client, place: Conversation, now: datetime
) -> None:
    people = [listen.a_participant(place) for _ in range(6)]
    case = Case.objects.create(
        conversation=place, sign="copies", participants=[one.pk for one in people], raised_at=now,
        seen_at=now, facts={"votes": 60, "common": 10, "alike_percent": 100, "expected_percent": 60},
        effects=[{"list": "common_ground", "statement": 1, "now_percent": 71, "then_percent": 52,
                  "stands": False}],
    )  # fmt: skip
    assert "Nobody was set aside." in visit(f"/listen/{place.pk}/moderation/").text
    page = visit(case.get_absolute_url(), client=desk)
    assert "said the same on 100 in 100" in page.text
    assert "71 in 100 with them, 52 without" in page.text and "Would leave the list" in page.text
    sent = {"seen": "open", "state": "set-aside", "reason": "One hand filled them in one minute."}
    assert "Set aside." in visit(case.get_absolute_url(), client=desk, data=sent).text
    again = visit(case.get_absolute_url(), client=desk, data={**sent, "state": "left-in"})
    assert "Nothing was done" in again.text
    told = visit(f"/listen/{place.pk}/moderation/")
    assert "The votes of 6 accounts are set aside." in told.text
    assert "One hand filled them in one minute." in told.text
    assert not [one.pk for one in people if re.search(rf"\b{one.pk}\b", told.text) and one.pk > 99]
    assert queries.set_aside_participants(place) == sorted(one.pk for one in people)
    back = {"seen": "set-aside", "state": "left-in", "reason": "A class of the school."}
    visit(case.get_absolute_url(), client=desk, data=back)
    assert queries.set_aside_participants(place) == []
    assert "The votes of 6 accounts count again" in visit("/what-changed/").text


def test_the_promise_is_kept_by_whoever_leads_or_moderates(
    visit: Visit, desk: Client, home: Client, place: Conversation
) -> None:
    address = f"{queue_of(place)}reading/"
    visit(address, client=home, data={"days": 3}, status=403)
    for wrong in ("0", "11", "x", ""):
        assert visit(address, client=desk, data={"days": wrong}).title.startswith("Mistake:")
    assert "within 3 working days" in visit(address, client=desk, data={"days": "3"}).text
    assert "within 3 working days" in visit(f"/listen/{place.pk}/").text


def test_a_draft_has_no_queue_and_no_public_page(
    visit: Visit, desk: Client, authority: Authority
) -> None:
    draft = listen.a_conversation(authority, is_draft=True)
    visit(queue_of(draft), client=desk, status=404)
    visit(f"/listen/{draft.pk}/moderation/", client=desk, status=404)


def test_five_hundred_wait_and_a_page_asks_no_more(
    desk: Client, place: Conversation, author: Participant, now: datetime
) -> None:
    def cost(address: str) -> int:
        with CaptureQueriesContext(connection) as asked:
            assert desk.get(address).status_code == 200
        return len([q for q in asked if not q["sql"].startswith(("SAVEPOINT", "RELEASE"))])

    first = several(place, author, 1)[0]
    Alike.objects.create(
        conversation=place, first=place.statements.order_by("pk")[0], second=first,
        likeness_millionths=900_000,
    )  # fmt: skip
    desk.get(queue_of(place))  # what a process reads once
    few = [cost(at) for at in (queue_of(place), "/desk/statements/")]
    Statement.objects.bulk_create(
        Statement(
            conversation=place, number=100 + n, text=f"Statement {n}", author=author,
            state="waiting", added_at=now,
        )
        for n in range(500)
    )  # fmt: skip
    many = [cost(at) for at in (queue_of(place), "/desk/statements/")]
    assert many == few
    assert max(many) <= 12
