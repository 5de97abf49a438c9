"""Pages of taking part: adding, reporting, saying who one is, seeing one's part, and leaving."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from commonweal.ground.people import actions as people
from commonweal.ground.people.models import Person
from commonweal.ground.places.models import Authority, Community, Level, StandingKind
from commonweal.ground.places.rules import Viewer
from commonweal.listen.conversations.models import (
    Conversation,
    DetailChoice,
    Moderation,
    Participant,
    Reach,
    Reason,
    State,
    Statement,
)
from commonweal.listen.voices import actions, forms, queries
from commonweal.listen.voices.models import DetailAnswer, Policy, Report, Showing, Value
from tests.factories import world
from tests.factories.listen import (
    a_conversation,
    a_detail,
    a_participant,
    a_report,
    a_statement,
    a_vote,
)

pytestmark = pytest.mark.django_db
Seen = Callable[..., Viewer]
ANYWHERE = actions.Network(b"n" * 32, {"guest": 60, "statement": 60, "report": 60})


def at(conversation: Conversation, where: str = "vote/") -> str:
    return f"/listen/{conversation.pk}/{where}"


def add(viewer: Viewer, conversation: Conversation, text: str, **more: Any) -> Statement:
    return actions.add_statement(
        viewer=viewer, conversation_id=conversation.pk, text=text, network=ANYWHERE, **more
    )


# --- words for every state


STATES: dict[str, tuple[dict[str, Any], str]] = {
    "coming": (
        {"opens_at": timezone.now() + timedelta(days=1)},
        "This conversation is not open yet",
    ),
    "closed": ({"open": False}, "This conversation is closed"),
    "withdrawn": ({"withdrawn_at": timezone.now()}, "This conversation was withdrawn"),
}


@pytest.mark.parametrize(("values", "words"), STATES.values(), ids=STATES)
def test_every_state_has_its_words(
    values: dict[str, Any], words: str, authority: Authority, visit: Any
) -> None:
    conversation = a_conversation(authority, statements=2, **values)
    for where in ("vote/", "add/", "vote/report/1/"):
        assert words in visit(at(conversation, where)).h1[0]
    page = visit(at(conversation), data={"statement": 1, "vote": "agree"}, status=409)
    assert words in page.h1[0]
    assert not Showing.objects.exists()


def test_a_vote_that_comes_too_late_is_told_so(
    authority: Authority, visit: Any, client: Client
) -> None:
    conversation = a_conversation(authority, statements=2)
    visit(at(conversation))
    Conversation.objects.filter(pk=conversation.pk).update(closes_at=timezone.now())
    sent = {"statement": 1, "vote": "agree"}
    assert "It closed while you read." in visit(at(conversation), data=sent, status=409).text
    answer = client.post(at(conversation), sent, headers={"HX-Request": "true"})
    assert answer.status_code == 409
    assert "It closed while you read." in answer.content.decode()
    assert "<html" not in answer.content.decode()


def test_a_draft_is_there_for_nobody_but_those_who_set_it_up(
    authority: Authority, visit: Any, client: Client, leader: Person, signed_in: Any
) -> None:
    conversation = a_conversation(authority, statements=2, is_draft=True)
    visit(at(conversation), status=404)
    assert client.post(at(conversation), {"statement": 1, "vote": "agree"}).status_code == 404
    signed_in(leader, second_factor=True)
    assert "not open yet" in visit(at(conversation)).h1[0]
    assert client.post(at(conversation), {"statement": 1, "vote": "agree"}).status_code == 409


def test_an_empty_conversation_says_so_and_asks_for_the_first_word(
    authority: Authority, visit: Any
) -> None:
    conversation = a_conversation(authority)
    assert "Nobody has said anything here yet" in visit(at(conversation)).text
    silent = a_conversation(authority, people_add=False)
    page = visit(at(silent))
    assert "still being written" in page.text
    assert "Add a statement" not in page.text


def test_whose_only_statement_is_their_own_has_nothing_to_answer(
    authority: Authority, resident: Person, visit: Any, signed_in: Any, seen_by: Seen
) -> None:
    conversation = a_conversation(authority, moderation=Moderation.AFTER)
    add(seen_by(resident), conversation, "A bench at the bus stop would help.")
    signed_in(resident)
    page = visit(at(conversation))
    assert "There is nothing here for you to answer yet" in page.text


def test_one_statement_is_one_of_one(authority: Authority, visit: Any) -> None:
    conversation = a_conversation(authority, statements=1)
    assert "Statement 1 of 1" in visit(at(conversation)).text
    page = visit(at(conversation), data={"statement": 1, "vote": "pass"})
    assert "You have answered everything so far" in page.text
    assert "You have given one answer." in page.text


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"statement": 1},
        {"statement": 1, "vote": "yes"},
        {"statement": 1, "vote": "1"},
        {"statement": "x", "vote": "agree"},
        {"statement": "9" * 40, "vote": "agree"},
        {"statement": -1, "vote": "agree"},
        {"statement": 1, "vote": "agree", "lot": "x" * 5000},
    ],
    ids=str,
)
def test_a_vote_that_says_nothing_is_refused_kindly(
    sent: dict[str, Any], authority: Authority, visit: Any
) -> None:
    conversation = a_conversation(authority, statements=2)
    page = visit(at(conversation), data=sent, status=422)
    assert "Press Agree, Disagree or Pass" in page.text
    assert "Statement 1 of 2" in page.text
    assert not Participant.objects.exists()


def test_a_vote_on_what_was_taken_out_shows_another(authority: Authority, visit: Any) -> None:
    conversation = a_conversation(authority, statements=2)
    a_statement(conversation, state=State.REJECTED, reason="advert")
    for number in (3, 99):
        page = visit(at(conversation), data={"statement": number, "vote": "agree"}, status=409)
        assert "taken out meanwhile" in page.text
        assert "Statement 1 of 2" in page.text
    assert not Showing.objects.exists()


def test_whoever_is_not_asked_hears_how_they_could_be(
    authority: Authority, community: Community, visit: Any, signed_in: Any
) -> None:
    account = a_conversation(authority, statements=1, reach=Reach.ACCOUNT)
    page = visit(at(account))
    assert "sign in first" in page.h1[0]
    assert f"/account/sign-in/?next=%2Flisten%2F{account.pk}%2Fvote%2F" in " ".join(page.links)
    here = a_conversation(
        authority, statements=1, community=community, reach=Reach.PLACE, level=Level.POSTCODE
    )
    signed_in(world.a_person())
    assert "Join Quayside" in visit(at(here), status=403).text
    signed_in(world.a_person(community, level=Level.SELF_DECLARED))
    assert "surer that you belong to Quayside" in visit(at(here), status=403).text


def test_nobody_is_led_away_to_another_site_after_a_vote(
    authority: Authority, client: Client
) -> None:
    conversation = a_conversation(authority, statements=3)
    for n, onward in enumerate(("https://evil.example/", "//evil.example", "javascript:alert(1)")):
        sent = {"statement": n + 1, "vote": "agree", "next": onward}
        assert client.post(at(conversation), sent)["Location"].startswith("/listen/")


def test_the_statement_s_page_takes_a_vote_and_comes_back(authority: Authority, visit: Any) -> None:
    conversation = a_conversation(authority, statements=2)
    page = visit(at(conversation, "statements/2/"))
    assert "What do you say to it?" in page.text
    sent = {"statement": 2, "vote": "disagree", "next": at(conversation, "statements/2/")}
    page = visit(at(conversation), data=sent)
    assert "Counted: you disagree." in page.text
    assert "You disagreed with this." in page.text
    assert Showing.objects.get(value__isnull=False).policy == Policy.CHOSEN


def test_going_back_leads_through_every_answer_and_past_what_was_taken_out(
    authority: Authority, resident: Person, visit: Any, signed_in: Any
) -> None:
    conversation = a_conversation(authority, statements=5)
    who = a_participant(conversation, resident)
    rows = list(conversation.statements.order_by("number"))
    for row, value in zip(rows[:4], (1, -1, 0, 1), strict=True):
        a_vote(who, row, value)
    Statement.objects.filter(number=3).update(state=State.REJECTED, reason="unclear")
    signed_in(resident)
    page = visit(f"{at(conversation)}?back")
    assert rows[3].text in page.text and "You agreed with this." in page.text
    page = visit(f"{at(conversation)}?back=4")
    assert rows[1].text in page.text and "You disagreed with this." in page.text
    page = visit(f"{at(conversation)}?back=2")
    assert rows[0].text in page.text and "Go back one more" not in page.text
    for nothing in ("?back=1", "?back=99", "?back=x", f"?back={'9' * 30}"):
        assert "Back at statement" not in visit(f"{at(conversation)}{nothing}").text


def test_nobody_s_answers_are_shown_before_one_s_own(
    authority: Authority, seen_by: Seen, resident: Person
) -> None:
    conversation = a_conversation(authority, statements=1)
    statement = conversation.statements.get()
    assert not queries.has_answered(seen_by(resident), statement)
    who = a_participant(conversation, resident)
    a_vote(who, statement, None)
    assert not queries.has_answered(seen_by(resident), statement)
    Showing.objects.update(value=0, voted_at=timezone.now())
    assert queries.has_answered(seen_by(resident), statement)


# --- adding


def test_a_statement_waits_or_is_shown_and_its_author_agrees(
    authority: Authority, resident: Person, seen_by: Seen
) -> None:
    for moderation, state in ((Moderation.BEFORE, State.WAITING), (Moderation.AFTER, State.SHOWN)):
        conversation = a_conversation(authority, statements=2, moderation=moderation)
        made = add(
            seen_by(resident), conversation, "Ring me first.", standing=StandingKind.RESIDENT
        )
        assert (made.number, made.state, made.is_first) == (3, state, False)
        assert made.standing == StandingKind.RESIDENT
        own = Showing.objects.get(statement=made)
        assert (own.value, own.policy) == (Value.AGREE, Policy.OWN)
        part = queries.part_of(seen_by(resident), conversation.pk)
        assert part.answered == [], "it is no answer to another"
        assert made.author is not None
        assert queries.author_to_tell(made) == resident


def test_nobody_speaks_as_what_they_are_not(
    authority: Authority, resident: Person, seen_by: Seen
) -> None:
    conversation = a_conversation(authority)
    made = add(seen_by(resident), conversation, "Ring me.", standing=StandingKind.SERVICE_LEADER)
    assert made.standing == ""


def test_a_guest_adds_a_statement_and_nobody_is_written_to(
    authority: Authority, visit: Any, client: Client
) -> None:
    conversation = a_conversation(authority)
    page = visit(at(conversation, "add/"), data={"text": "The day centre should open on Sundays."})
    assert "A moderator reads your statement before others see it" in page.text
    assert client.cookies["voice"].value
    made = Statement.objects.get()
    assert made.author is not None and made.author.person is None
    assert queries.author_to_tell(made) is None


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  Ring   me\r\nfirst \t please ", "Ring me first please"),
        ("Ring\u200b me\u2060 first\ufeff", "Ring me first"),
        ("\u202egnir\u202c me", "gnir me"),
        ("👩\u200d👩\u200d👧 first", "👩\u200d👩\u200d👧 first"),
        ("Cymru 🏴\U000e0067\U000e0062\U000e0077\U000e006c\U000e0073\U000e007f", "Cymru 🏴\U000e0067\U000e0062\U000e0077\U000e006c\U000e0073\U000e007f"),
        ("Z" + "\u0301" * 50 + "algo", "Ź\u0301\u0301\u0301algo"),
        ("أريد أن يتصل بي شخص", "أريد أن يتصل بي شخص"),
    ],
)  # fmt: skip
def test_words_are_kept_as_people_see_them(typed: str, kept: str) -> None:
    assert forms.tidy(typed) == kept


@given(st.text(max_size=400))
def test_tidy_words_are_one_line_that_stays_as_it_is(text: str) -> None:
    line = forms.tidy(text)
    assert len(line.splitlines()) <= 1
    assert line == line.strip()
    assert forms.tidy(line) == line


@pytest.mark.parametrize(
    "typed", ["", "   ", "\u200b\u200d\u2060", "\n\r\n", "\u0301", "...", "\u202e"]
)
def test_nothing_to_see_is_no_statement(typed: str, authority: Authority, visit: Any) -> None:
    conversation = a_conversation(authority)
    page = visit(at(conversation, "add/"), data={"text": typed})
    assert "Write your statement." in page.text
    assert not Statement.objects.exists()


def test_280_letters_are_taken_and_281_are_not(authority: Authority, visit: Any) -> None:
    conversation = a_conversation(authority)
    page = visit(at(conversation, "add/"), data={"text": "a" * 281, "do": "add"})
    assert "This is 281 letters long. Keep it to 280." in page.text
    visit(at(conversation, "add/"), data={"text": "a" * 280, "do": "add"})
    assert len(Statement.objects.get().text) == 280


def test_the_same_words_are_shown_and_not_added(authority: Authority, visit: Any) -> None:
    conversation = a_conversation(authority)
    a_statement(conversation, "I’d like one person to ring me.")
    for typed in (
        "I’d like one person to ring me.",
        "i'd like  one person to RING me!!",
        "I’d like one person to ring me",
    ):
        page = visit(at(conversation, "add/"), data={"text": typed, "do": "add"}, status=409)
        assert "Somebody has said just this already" in page.text
        assert "Disagree" in page.text
    assert Statement.objects.count() == 1
    visit(at(conversation, "add/"), data={"text": "أريد", "do": "add"})
    page = visit(at(conversation, "add/"), data={"text": "أريد!", "do": "add"}, status=409)
    assert "A moderator has not read it yet" in page.text
    assert "You have written just this already" in page.text
    visit(at(conversation, "add/"), data={"text": "لا أريد", "do": "add"})
    visit(at(conversation, "add/"), data={"text": "👍", "do": "add"})
    visit(at(conversation, "add/"), data={"text": "👎", "do": "add"})
    assert Statement.objects.count() == 5


def test_words_that_did_not_go_through_are_told_why(authority: Authority, visit: Any) -> None:
    conversation = a_conversation(authority)
    a_statement(conversation, "Buy my lamps.", state=State.REJECTED, reason=Reason.ADVERT)
    page = visit(at(conversation, "add/"), data={"text": "buy my lamps", "do": "add"}, status=409)
    assert "It sells something" in page.text
    a_statement(conversation, "What I took back.", state=State.TAKEN_BACK)
    visit(at(conversation, "add/"), data={"text": "What I took back.", "do": "add"})


def test_what_is_alike_is_shown_first(authority: Authority, visit: Any) -> None:
    conversation = a_conversation(authority)
    a_statement(conversation, "One person I know should ring me each day.")
    a_statement(conversation, "Buses should run until midnight.")
    hidden = a_statement(conversation, "One person should ring me.", state=State.WAITING)
    text = "One person that I know should ring me every day."
    page = visit(at(conversation, "add/"), data={"text": text, "do": "look"})
    assert "Others have said something alike" in page.text
    assert "One person I know should ring me each day." in page.text
    assert "Buses should run" not in page.text
    assert hidden.text not in page.text
    assert text in page.html
    visit(at(conversation, "add/"), data={"text": text, "do": "add"})
    assert Statement.objects.count() == 4


def test_very_many_statements_are_compared_by_their_words(authority: Authority) -> None:
    conversation = a_conversation(authority)
    now = timezone.now()
    Statement.objects.bulk_create(
        Statement(
            conversation=conversation, number=n, state=State.SHOWN, added_at=now,
            text=f"Lane {n} needs a lamp, and so does the field of farm {n * 7}.",
        )
        for n in range(1, 3001)
    )  # fmt: skip
    wanted = a_statement(conversation, "My mother waits for the nurse until the evening.")
    found = queries.alike(conversation, "Mother waits until evening for the nurse!")
    assert found[0] == wanted


def test_some_words_come_with_advice_that_nobody_has_to_take(
    authority: Authority, visit: Any
) -> None:
    conversation = a_conversation(authority)
    text = "Should buses run until midnight?"
    page = visit(at(conversation, "add/"), data={"text": text, "do": "look"})
    assert "Before you add it" in page.text
    visit(at(conversation, "add/"), data={"text": text, "do": "add"})
    assert Statement.objects.get().text == text


def test_nobody_adds_where_that_is_not_asked(
    authority: Authority, visit: Any, resident: Person, seen_by: Seen
) -> None:
    conversation = a_conversation(authority, statements=1, people_add=False)
    assert "Nobody adds statements here" in visit(at(conversation, "add/")).h1[0]
    visit(at(conversation, "add/"), data={"text": "Something of mine."}, status=403)
    with pytest.raises(actions.NotForThem):
        add(seen_by(resident), conversation, "Something of mine.")
    assert Statement.objects.count() == 1


def test_nobody_floods_a_conversation(
    authority: Authority, resident: Person, seen_by: Seen, settings: Any, visit: Any
) -> None:
    conversation = a_conversation(authority)
    for n in range(10):
        add(seen_by(resident), conversation, f"Statement of mine {n}")
    with pytest.raises(actions.TooOften):
        add(seen_by(resident), conversation, "One more")
    Statement.objects.update(added_at=timezone.now() - timedelta(hours=2))
    add(seen_by(resident), conversation, "One more")
    settings.AN_HOUR_FROM_ONE_NETWORK = {"guest": 60, "statement": 2, "report": 2}
    for n in range(2):
        client = Client()
        visit(
            at(conversation, "add/"),
            client=client,
            data={"text": f"Guest number {n} says so", "do": "add"},
        )
    page = visit(
        at(conversation, "add/"), client=Client(), data={"text": "A third guest says so", "do": "add"},
        status=429,
    )  # fmt: skip
    assert "Your words are still here" in page.text
    assert "A third guest says so" in page.html


def test_a_full_conversation_takes_no_more(
    authority: Authority, visit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "MOST_STATEMENTS", 2)
    conversation = a_conversation(authority, statements=2)
    page = visit(
        at(conversation, "add/"), data={"text": "Room for me here?", "do": "add"}, status=409
    )
    assert "There is no room for more statements here" in page.text


def test_an_author_takes_back_what_nobody_else_answered(
    authority: Authority, resident: Person, visit: Any, signed_in: Any, seen_by: Seen
) -> None:
    conversation = a_conversation(authority, moderation=Moderation.AFTER)
    first = add(seen_by(resident), conversation, "The first of mine.")
    second = add(seen_by(resident), conversation, "The second of mine.")
    a_vote(a_participant(conversation), second)
    signed_in(resident)
    page = visit(at(conversation, "mine/"))
    assert page.text.count("Take it back") == 1
    visit(at(conversation, f"mine/take-back/{first.number}/"), data={})
    page = visit(at(conversation, f"mine/take-back/{second.number}/"), data={})
    assert "Others have voted on it meanwhile" in page.text
    assert dict(Statement.objects.values_list("number", "state")) == {
        first.number: State.TAKEN_BACK, second.number: State.SHOWN,
    }  # fmt: skip


def test_nobody_takes_back_what_another_wrote(
    authority: Authority, resident: Person, client: Client, signed_in: Any
) -> None:
    conversation = a_conversation(authority)
    other = a_statement(conversation, author=a_participant(conversation))
    address = at(conversation, f"mine/take-back/{other.number}/")
    assert Client().post(address).status_code == 404
    a_participant(conversation, resident)
    assert signed_in(resident).post(address).status_code == 404
    other.refresh_from_db()
    assert other.state == State.SHOWN


def test_an_author_sees_what_became_of_their_statements_and_nobody_else_does(
    authority: Authority, resident: Person, visit: Any, signed_in: Any
) -> None:
    conversation = a_conversation(authority, statements=1)
    who = a_participant(conversation, resident)
    first = conversation.statements.get()
    a_statement(conversation, "Sold.", author=who, state=State.REJECTED, reason=Reason.ADVERT)
    a_statement(conversation, "The same.", author=who, state=State.MERGED, same_as=first)
    a_statement(conversation, "Not read.", author=who, state=State.WAITING)
    assert "Sold." not in visit(at(conversation, "mine/")).text
    signed_in(resident)
    page = visit(at(conversation, "mine/"))
    assert "did not let it through: It sells something" in page.text
    assert first.text in page.text
    assert "A moderator has not read it yet" in page.text


# --- reporting


def test_a_report_goes_to_the_moderators_once_a_person(
    authority: Authority, resident: Person, visit: Any, signed_in: Any
) -> None:
    conversation = a_conversation(authority, statements=1)
    signed_in(resident)
    address = at(conversation, "vote/report/1/")
    assert "Choose what is wrong with it." in visit(address, data={"words": "x"}).text
    visit(address, data={"reason": "unkind"})
    Report.objects.update(settled_at=timezone.now())
    visit(address, data={"reason": "private", "words": "  My name\nstands there "})
    told = Report.objects.get()
    assert (told.reason, told.words, told.settled_at) == ("private", "My name stands there", None)
    assert told.participant.person == resident
    long = visit(address, data={"reason": "private", "words": "a" * 501})
    assert "This is 501 letters long" in long.text
    visit(at(conversation, "vote/report/7/"), status=404)


# --- of themselves


def test_what_people_say_of_themselves_is_kept_apart_and_can_be_taken_out(
    authority: Authority, resident: Person, visit: Any, signed_in: Any
) -> None:
    conversation = a_conversation(authority, statements=1)
    age, home = a_detail(conversation), a_detail(conversation, "Where?", ("Quayside", "Hill"))
    signed_in(resident)
    assert "Statement 1 of 1" in visit(at(conversation, "about-you/")).text, "answers come first"
    visit(at(conversation), data={"statement": 1, "vote": "agree"})
    old, hill = age.choices.get(label="65 or over"), home.choices.get(label="Hill")
    sent = {f"detail-{age.pk}": old.pk, f"detail-{home.pk}": ""}
    visit(at(conversation, "about-you/"), data=sent)
    kept = DetailAnswer.objects.get()
    who = Participant.objects.get()
    assert (kept.detail, kept.choice) == (age, old)
    conversation.refresh_from_db()
    assert bytes(kept.envelope) == conversation.seal(who.pk)
    page = visit(at(conversation, "about-you/"))
    assert re.search(rf'value="{old.pk}"[^>]*checked', page.html)
    visit(at(conversation, "about-you/"), data={f"detail-{home.pk}": hill.pk})
    assert list(DetailAnswer.objects.values_list("choice", flat=True)) == [hill.pk], (
        "nothing said, nothing kept"
    )
    visit(at(conversation, "about-you/"), data={"do": "remove"})
    assert not DetailAnswer.objects.exists()


def test_nobody_answers_for_another_conversation_or_with_what_is_not_offered(
    authority: Authority, resident: Person, visit: Any, signed_in: Any, seen_by: Seen
) -> None:
    conversation, other = a_conversation(authority, statements=1), a_conversation(authority)
    here, there = a_detail(conversation), a_detail(other)
    a_participant(conversation, resident)
    foreign = there.choices.first()
    assert foreign is not None
    signed_in(resident)
    page = visit(at(conversation, "about-you/"), data={f"detail-{here.pk}": foreign.pk})
    assert "Mistake" in page.text or page.response.status_code == 200
    actions.say_details(
        viewer=seen_by(resident), conversation_id=conversation.pk,
        said={there.pk: foreign.pk, here.pk: foreign.pk},
    )  # fmt: skip
    assert not DetailAnswer.objects.exists()


def test_once_the_key_is_destroyed_nothing_leads_back(
    authority: Authority, resident: Person, visit: Any, signed_in: Any
) -> None:
    conversation = a_conversation(authority, statements=1, open=False)
    who = a_participant(conversation, resident)
    choice = DetailChoice.objects.filter(detail=a_detail(conversation)).first()
    assert choice is not None
    DetailAnswer.objects.create(
        conversation=conversation, envelope=conversation.seal(who.pk), detail=choice.detail,
        choice=choice,
    )  # fmt: skip
    Conversation.objects.update(key=None)
    signed_in(resident)
    assert "This conversation is closed" in visit(at(conversation, "about-you/")).h1[0]
    visit(at(conversation, "about-you/"), data={"do": "remove"})
    assert DetailAnswer.objects.exists()
    assert queries.details_said(Conversation.objects.get(), who) == {}


# --- one's own data


def test_everything_somebody_said_can_be_taken_away_and_let_go_of(
    authority: Authority, resident: Person, seen_by: Seen
) -> None:
    conversation = a_conversation(authority, statements=3)
    who = a_participant(conversation, resident)
    rows = list(conversation.statements.order_by("number"))
    a_vote(who, rows[0], Value.DISAGREE)
    a_vote(who, rows[1], None)
    a_report(who, rows[2], words="My words.")
    mine = a_statement(conversation, "What I added.", author=who)
    a_vote(who, mine, policy=Policy.OWN)
    choice = DetailChoice.objects.filter(detail=a_detail(conversation)).first()
    assert choice is not None
    actions.say_details(
        viewer=seen_by(resident), conversation_id=conversation.pk,
        said={choice.detail_id: choice.pk},
    )  # fmt: skip
    (told,) = queries.personal(resident)
    assert told["conversation"] == conversation.question
    assert [row["answer"] for row in told["answers"]] == ["Disagree", "", "Agree"]
    assert [row["statement"] for row in told["statements"]] == ["What I added."]
    assert [row["words"] for row in told["reports"]] == ["My words."]
    assert told["of_myself"] == [{"question": choice.detail.label, "answer": choice.label}]

    people.erase_person(viewer=seen_by(resident))
    who.refresh_from_db()
    mine.refresh_from_db()
    assert (who.person, who.holder) == (None, None)
    assert Showing.objects.filter(participant=who, value__isnull=False).count() == 2
    assert (mine.author, mine.text) == (None, "What I added.")
    assert not Showing.objects.filter(policy=Policy.OWN).exists(), "nothing says whose it was"
    assert not DetailAnswer.objects.exists()
    assert Report.objects.get().words == ""


def test_somebody_sees_their_conversations_on_their_own_page(
    authority: Authority, resident: Person, visit: Any, signed_in: Any
) -> None:
    signed_in(resident)
    assert "Conversations you take part in" not in visit("/me/").text
    conversation = a_conversation(authority, statements=2)
    who = a_participant(conversation, resident)
    for row in conversation.statements.all():
        a_vote(who, row)
    page = visit("/me/")
    assert "Conversations you take part in" in page.text
    assert "2 answers" in page.text


# --- what it costs

CONTROL = ("SAVEPOINT", "RELEASE", "ROLLBACK", "BEGIN", "COMMIT")


def cost_of(ask: Callable[[], Any]) -> int:
    with CaptureQueriesContext(connection) as seen:
        answer = ask()
    assert answer.status_code in (200, 302), answer.content
    return len([q for q in seen.captured_queries if not q["sql"].startswith(CONTROL)])


@pytest.mark.parametrize("who", ["a guest", "a person"])
def test_a_vote_costs_at_most_six_statements_the_first_one_too(
    who: str, authority: Authority, resident: Person, client: Client, signed_in: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    conversation = a_conversation(authority, statements=12)
    if who == "a person":
        signed_in(resident)
    client.get("/")
    monkeypatch.setattr(queries, "KNOWN_FOR", 3600.0)
    for is_known in (True, False):  # what a process knows, and what it has to read
        for htmx in ({}, {"HX-Request": "true"}):
            Participant.objects.all().delete()
            client.cookies.pop("voice", None)
            for number in (1, 2, 3):
                sent = {"statement": number, "vote": "agree"}
                if not is_known:
                    queries._known.clear()
                cost = cost_of(lambda s=sent, h=htmx: client.post(at(conversation), s, headers=h))  # type: ignore[misc]
                assert cost <= 6, (number, htmx, is_known)


def test_a_page_costs_the_same_with_ten_thousand_statements(
    authority: Authority, resident: Person, client: Client, signed_in: Any
) -> None:
    conversation = a_conversation(authority, statements=3)
    signed_in(resident)
    a_vote(a_participant(conversation, resident), conversation.statements.get(number=1))
    few = cost_of(lambda: client.get(at(conversation)))
    now = timezone.now()
    Statement.objects.bulk_create(
        Statement(
            conversation=conversation, number=n, state=State.SHOWN, added_at=now,
            text=f"Statement {n}: more lamps in the lane.",
        )
        for n in range(4, 10_001)
    )  # fmt: skip
    queries.known(conversation.pk, afresh=True)
    assert cost_of(lambda: client.get(at(conversation))) <= few
    answer = client.get(f"{at(conversation)}?more=1")
    assert "of 10000" in answer.content.decode() or "of 10,000" in answer.content.decode()
