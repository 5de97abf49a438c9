"""Voting on statements, with an account and without."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from commonweal.engine.opinion import Bearings, Votes, fit
from commonweal.ground.people.models import Person
from commonweal.ground.places.models import Authority, Community, Level, StandingKind
from commonweal.ground.places.rules import Viewer
from commonweal.listen.conversations.models import (
    Conversation,
    Participant,
    Reach,
    State,
    Statement,
)
from commonweal.listen.voices import actions, forms, queries, rules
from commonweal.listen.voices.models import (
    CERTAIN,
    Brake,
    Policy,
    Routing,
    Showing,
    Value,
)
from tests.factories import world
from tests.factories.listen import (
    a_conversation,
    a_participant,
    a_statement,
    a_vote,
    many_votes,
)
from tests.visit import Page

pytestmark = pytest.mark.django_db
Seen = Callable[..., Viewer]
ANYWHERE = actions.Network(b"n" * 32, {"guest": 60, "statement": 60, "report": 60})
MARK = "0123456789abcdef" * 2


def lot() -> np.random.Generator:
    return np.random.default_rng(1)


def say(viewer: Viewer, statement: Statement, value: Value = Value.AGREE, **more: Any) -> Any:
    """Vote as this viewer."""
    asked: dict[str, Any] = {"network": ANYWHERE, "lot": lot(), **more}
    return actions.vote(
        viewer=viewer,
        conversation_id=statement.conversation_id,
        number=statement.number,
        value=value,
        **asked,
    )


def hidden_in(page: Page) -> dict[str, str]:
    """Return what the form of a statement sends besides the answer."""
    turn = re.search(r'id="turn".*?</form>', page.html, re.DOTALL)
    assert turn, page.text
    return dict(re.findall(r'name="(statement|lot)" value="([^"]*)"', turn[0]))


def at(conversation: Conversation, where: str = "vote/") -> str:
    return f"/listen/{conversation.pk}/{where}"


def test_a_vote_is_kept_with_how_its_statement_came_and_the_next_is_shown(
    authority: Authority, resident: Person, seen_by: Seen
) -> None:
    conversation = a_conversation(authority, statements=3)
    first = conversation.statements.get(number=1)
    came = queries.Drawn(first.pk, 3, 250_000)
    voted = say(seen_by(resident), first, came_by=came)
    kept = Showing.objects.get(statement=first)
    assert (kept.value, kept.policy, kept.out_of, kept.chance_millionths) == (
        Value.AGREE, Policy.MIXTURE, 3, 250_000,
    )  # fmt: skip
    assert kept.participant.person == resident
    assert kept.participant.standing == StandingKind.RESIDENT
    waiting = Showing.objects.get(value__isnull=True)
    assert voted.card.statement.pk == waiting.statement_id != first.pk
    assert (waiting.policy, waiting.out_of) == (Policy.MIXTURE, 2)
    assert 0 < (waiting.chance_millionths or 0) <= CERTAIN


def test_a_statement_that_somebody_went_to_has_no_lot(
    authority: Authority, resident: Person, seen_by: Seen
) -> None:
    conversation = a_conversation(authority, statements=2)
    other = queries.Drawn(conversation.statements.get(number=1).pk, 2, 500_000)
    say(seen_by(resident), conversation.statements.get(number=2), came_by=other)
    kept = Showing.objects.get(value__isnull=False)
    assert (kept.policy, kept.out_of, kept.chance_millionths) == (Policy.CHOSEN, 1, None)


def test_a_vote_can_be_changed_and_the_last_one_stands(
    authority: Authority, resident: Person, seen_by: Seen
) -> None:
    conversation = a_conversation(authority, statements=2)
    first = conversation.statements.get(number=1)
    say(seen_by(resident), first, Value.AGREE)
    before = Showing.objects.get(statement=first)
    waiting = Showing.objects.get(value__isnull=True)
    voted = say(seen_by(resident), first, Value.PASS)
    kept = Showing.objects.get(statement=first)
    assert kept.pk == before.pk
    assert kept.value == Value.PASS
    assert kept.voted_at is not None and before.voted_at is not None
    assert kept.voted_at > before.voted_at
    assert voted.card.statement.pk == waiting.statement_id, "one comes back to where one was"
    assert Showing.objects.count() == 2


def test_the_same_answer_twice_is_one_answer_given_once(
    authority: Authority, resident: Person, seen_by: Seen
) -> None:
    conversation = a_conversation(authority, statements=1)
    first = conversation.statements.get()
    say(seen_by(resident), first)
    before = Showing.objects.get()
    say(seen_by(resident), first)
    kept = Showing.objects.get()
    assert kept.voted_at == before.voted_at, "who works out the map need not look again"


@pytest.mark.parametrize("state", [s for s in State if s != State.SHOWN])
def test_nobody_votes_on_what_is_not_shown(
    state: State, authority: Authority, resident: Person, seen_by: Seen
) -> None:
    conversation = a_conversation(authority, statements=1)
    more: dict[str, Any] = {"reason": "unkind"} if state == State.REJECTED else {}
    if state == State.MERGED:
        more["same_as"] = conversation.statements.get()
    gone = a_statement(conversation, state=state, **more)
    with pytest.raises(actions.StatementGone):
        say(seen_by(resident), gone)
    assert not Showing.objects.exists()
    assert not Participant.objects.exists()


def test_nobody_votes_on_a_statement_of_another_conversation(
    authority: Authority, resident: Person, seen_by: Seen
) -> None:
    here, there = a_conversation(authority), a_conversation(authority, statements=1)
    foreign = there.statements.get()
    with pytest.raises(actions.StatementGone):
        actions.vote(
            viewer=seen_by(resident), conversation_id=here.pk, number=foreign.number,
            value=Value.AGREE, network=ANYWHERE, lot=lot(),
        )  # fmt: skip


CLOSED = {
    "a draft": {"is_draft": True},
    "coming": {"opens_at": timezone.now() + timedelta(days=1)},
    "closed": {"open": False},
    "withdrawn": {"withdrawn_at": timezone.now()},
}


@pytest.mark.parametrize("values", CLOSED.values(), ids=CLOSED)
def test_nobody_votes_outside_its_time(
    values: dict[str, Any], authority: Authority, resident: Person, seen_by: Seen
) -> None:
    conversation = a_conversation(authority, statements=1, **values)
    with pytest.raises((actions.NotOpen, Conversation.DoesNotExist)):
        say(seen_by(resident), conversation.statements.get())
    assert not Showing.objects.exists()


def test_the_clock_of_the_database_closes_it_not_that_of_a_browser_or_a_web_server(
    authority: Authority, resident: Person, seen_by: Seen
) -> None:
    conversation = a_conversation(authority, statements=1, open=False)
    before = seen_by(resident, at=timezone.now() - timedelta(days=5))  # then it was open
    with pytest.raises(actions.NotOpen):
        say(before, conversation.statements.get())


def test_another_authority_has_no_such_conversation(
    authority: Authority, elsewhere: Authority, resident: Person, seen_by: Seen
) -> None:
    conversation = a_conversation(elsewhere, statements=1)
    with pytest.raises(Conversation.DoesNotExist):
        say(seen_by(resident), conversation.statements.get())


# --- who may


def test_each_reach_lets_in_whom_it_says(
    authority: Authority, community: Community, seen_by: Seen
) -> None:
    lives_here = world.a_person(community, level=Level.POSTCODE)
    unsure = world.a_person(community, level=Level.SELF_DECLARED)
    far = world.a_person()
    who = {"guest": None, "account": far, "unsure": unsure, "sure": lives_here}
    allowed = {
        Reach.EVERYONE: {"guest", "account", "unsure", "sure"},
        Reach.ACCOUNT: {"account", "unsure", "sure"},
        Reach.PLACE: {"sure"},
    }
    for reach, names in allowed.items():
        conversation = a_conversation(
            authority, community=community, statements=1, reach=reach, level=Level.POSTCODE
        )
        for name, person in who.items():
            viewer = seen_by(person, browser=MARK)
            assert rules.may_take_part(viewer, conversation) == (name in names), (reach, name)
            if name in names:
                say(viewer, conversation.statements.get())
            else:
                with pytest.raises(actions.NotForThem) as refused:
                    say(viewer, conversation.statements.get())
                assert refused.value.why_not.href, "they are told how to get in"


def test_a_reach_or_a_level_that_is_none_of_ours_lets_nobody_in(
    authority: Authority, resident: Person, seen_by: Seen
) -> None:
    conversation = a_conversation(authority, statements=1)
    for values in ({"reach": "friends"}, {"reach": Reach.PLACE, "level": 9}):
        for name, value in values.items():
            setattr(conversation, name, value)
        for person in (None, resident):
            assert rules.why_not(seen_by(person), conversation) is not None


# --- what comes next


def test_what_they_have_not_seen_comes_once_until_all_was_seen(
    authority: Authority, resident: Person, seen_by: Seen
) -> None:
    conversation = a_conversation(authority, statements=7)
    a_statement(conversation, state=State.WAITING)
    viewer, seen = seen_by(resident), []
    statement = conversation.statements.get(number=3)
    while True:
        seen.append(statement.number)
        voted = say(viewer, statement)
        if voted.card is None:
            break
        statement = voted.card.statement
    assert sorted(seen) == list(range(1, 8))
    assert Showing.objects.filter(value__isnull=True).count() == 0


def test_after_enough_nothing_is_drawn_unless_they_go_on(
    authority: Authority, resident: Person, seen_by: Seen
) -> None:
    conversation = a_conversation(authority, statements=6, enough=2)
    viewer = seen_by(resident)
    first = say(viewer, conversation.statements.get(number=1))
    second = say(viewer, first.card.statement)
    assert second.card is None
    assert not Showing.objects.filter(value__isnull=True).exists(), "nothing counts as shown"
    third = say(viewer, second.conversation.statements.get(number=1), goes_on=True)
    assert third.card is not None


def test_a_statement_that_was_taken_out_while_it_waited_is_passed_over(
    authority: Authority, resident: Person, seen_by: Seen
) -> None:
    conversation = a_conversation(authority, statements=3)
    viewer = seen_by(resident)
    waiting = say(viewer, conversation.statements.get(number=1)).card.statement
    Statement.objects.filter(pk=waiting.pk).update(state=State.REJECTED, reason="advert")
    part = queries.part_of(viewer, conversation.pk)
    card = actions.show_next(conversation=conversation, part=part, at=timezone.now(), lot=lot())
    assert card is not None
    assert card.statement.number not in (1, waiting.number)


def test_a_new_statement_comes_to_whoever_had_seen_all_of_them(
    authority: Authority, resident: Person, seen_by: Seen
) -> None:
    conversation = a_conversation(authority, statements=1)
    viewer = seen_by(resident)
    assert say(viewer, conversation.statements.get()).card is None
    new = a_statement(conversation)
    part = queries.part_of(viewer, conversation.pk)
    card = actions.show_next(conversation=conversation, part=part, at=timezone.now(), lot=lot())
    assert card is not None and card.statement.pk == new.pk


def test_what_was_shown_seldom_comes_more_often(authority: Authority) -> None:
    conversation = a_conversation(authority, statements=4)
    many_votes(conversation, [[1, 1, 1, None]] * 40)
    about = queries.known(conversation.pk)
    last = conversation.statements.get(number=4).pk
    draws = np.random.default_rng(5)
    came = []
    for _ in range(200):
        about.shown[:] = [40, 40, 40, 0]
        drawn = queries.drawn(about, queries.Part(), draws)
        assert drawn is not None
        came.append(drawn.statement == last)
    assert 0.35 < np.mean(came) < 0.95, "often, and never alone"


def test_counts_go_on_from_what_the_map_has_counted(authority: Authority) -> None:
    conversation = a_conversation(authority, statements=3)
    ids = list(conversation.statements.order_by("number").values_list("pk", flat=True))
    many_votes(conversation, [[1, 0, None]] * 3)
    actions.keep_routing(
        conversation=conversation, bearings=Bearings.unknown().packed(), at=timezone.now()
    )
    kept = Routing.objects.get()
    assert dict(zip(kept.statements, kept.shown, strict=True)) == {ids[0]: 3, ids[1]: 3}
    many_votes(conversation, [[None, 1, 1]] * 2)
    assert queries.counted(conversation.pk).shown == {ids[0]: 3, ids[1]: 5, ids[2]: 2}
    about = queries.known(conversation.pk)
    assert dict(zip(about.statements.tolist(), about.shown.tolist(), strict=True)) == {
        ids[0]: 3, ids[1]: 5, ids[2]: 2,
    }  # fmt: skip
    many_votes(conversation, [[1, None, None]])
    actions.keep_routing(
        conversation=conversation, bearings=b"of another version", at=timezone.now()
    )
    about = queries.known(conversation.pk, afresh=True)
    assert about.shown.tolist() == [4, 5, 2]
    assert about.bearings.dimensions == 0, "what cannot be read is as if it were not there"


def test_where_somebody_stands_decides_what_comes(authority: Authority, seen_by: Seen) -> None:
    conversation = a_conversation(authority, statements=30)
    people = many_votes(
        conversation, [[(-1) ** (p % 2 if s < 20 else s) for s in range(30)] for p in range(60)]
    )
    rows = Showing.objects.values_list("participant_id", "statement_id", "value")
    votes = Votes.from_log(*map(list, zip(*rows, strict=True)))
    bearings = Bearings.of(fit(votes, dimensions=1), votes.statements)
    actions.keep_routing(conversation=conversation, bearings=bearings.packed(), at=timezone.now())
    about = queries.known(conversation.pk)
    assert about.bearings.dimensions == 1
    said = tuple(queries.Said(pk, 1, "mixture") for pk in about.statements.tolist()[:4])
    drawn = queries.drawn(about, queries.Part(people[0].pk, said), lot())
    assert drawn is not None
    assert drawn.statement not in {one.statement for one in said}
    assert drawn.out_of == 26


# --- without an account


def test_a_guest_votes_and_their_browser_keeps_a_mark(
    authority: Authority, client: Client, visit: Any
) -> None:
    conversation = a_conversation(authority, statements=3)
    page = visit(at(conversation))
    assert "voice" not in client.cookies
    assert not Showing.objects.exists(), "looking is not taking part"
    sent = hidden_in(page)
    visit(at(conversation), data={**sent, "vote": "agree"})
    cookie = client.cookies["voice"]
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")
    assert int(cookie["max-age"]) == 30 * 24 * 3600
    who = Participant.objects.get()
    assert who.person is None
    assert cookie.value.encode() not in bytes(who.holder or b"")
    kept = Showing.objects.get(value__isnull=False)
    assert (kept.policy, kept.out_of) == (Policy.MIXTURE, 3)
    assert str(kept.chance_millionths) == sent["lot"].split(":")[3]


def test_the_same_page_loaded_again_shows_the_same_statement(
    authority: Authority, visit: Any
) -> None:
    conversation = a_conversation(authority, statements=40)
    first = hidden_in(visit(at(conversation)))["statement"]
    assert {hidden_in(visit(at(conversation)))["statement"] for _ in range(5)} == {first}


def test_a_double_click_is_one_vote_of_one_person(authority: Authority, client: Client) -> None:
    conversation = a_conversation(authority, statements=3)
    page = client.get(at(conversation))
    sent = {**hidden_in(Page(page.content.decode())), "vote": "disagree"}
    csrf = client.cookies["csrftoken"].value
    for _press in range(2):  # both leave before the first answer brings the mark
        browser = Client()
        browser.cookies["csrftoken"] = csrf
        assert browser.post(at(conversation), sent).status_code == 302
    assert Participant.objects.count() == 1
    assert Showing.objects.filter(value__isnull=False).count() == 1


def test_a_lot_that_somebody_made_up_is_no_lot(authority: Authority, client: Client) -> None:
    here, there = a_conversation(authority, statements=2), a_conversation(authority, statements=1)
    first = here.statements.get(number=1)
    lots = {
        "nonsense": "1:2:3",
        "of another place": forms.signed(there.pk, queries.Drawn(first.pk, 2, 500_000)),
        "of another statement": forms.signed(here.pk, queries.Drawn(first.pk + 1, 2, 500_000)),
        "changed": forms.signed(here.pk, queries.Drawn(first.pk, 2, 500_000)).replace(
            "500000", "900000"
        ),
    }
    for name, written in lots.items():
        Participant.objects.all().delete()
        answer = Client().post(at(here), {"statement": 1, "vote": "agree", "lot": written})
        assert answer.status_code == 302, name
        kept = Showing.objects.get(value__isnull=False)
        assert (kept.policy, kept.chance_millionths) == (Policy.CHOSEN, None), name


@pytest.mark.parametrize("mark", ["", "x", "' OR 1=1", "A" * 32, "0" * 31, "0" * 5000, "ж" * 32])
def test_a_mark_that_is_none_of_ours_is_no_mark(
    mark: str, authority: Authority, seen_by: Seen
) -> None:
    conversation = a_conversation(authority, statements=1)
    assert queries.holder(seen_by(None, browser=mark), conversation.pk) is None
    assert queries.part_of(seen_by(None, browser=mark), conversation.pk) == queries.Part()


def test_a_browser_is_known_by_another_name_in_each_conversation(authority: Authority) -> None:
    one, other = a_conversation(authority), a_conversation(authority)
    assert queries.holder_of(MARK, one.pk) != queries.holder_of(MARK, other.pk)


def test_a_browser_that_forgets_keeps_nothing_and_the_votes_stay(
    authority: Authority, client: Client, visit: Any
) -> None:
    conversation = a_conversation(authority, statements=2)
    sent = hidden_in(visit(at(conversation)))
    visit(at(conversation), data={**sent, "vote": "agree"})
    csrf = client.cookies["csrftoken"].value
    visit(at(conversation, "forget/"), data={})
    assert client.cookies["voice"].value == ""
    assert client.cookies["csrftoken"].value != csrf, "or the next would be known by it"
    assert Showing.objects.filter(value__isnull=False).count() == 1
    assert "Nothing yet" in visit(at(conversation, "mine/")).text
    visit(at(conversation), data={**hidden_in(visit(at(conversation))), "vote": "agree"})
    assert Participant.objects.count() == 2


def test_very_many_new_guests_from_one_network_are_asked_to_wait_or_sign_in(
    authority: Authority, settings: Any, visit: Any, resident: Person, signed_in: Any
) -> None:
    settings.AN_HOUR_FROM_ONE_NETWORK = {"guest": 3, "statement": 1, "report": 1}
    conversation = a_conversation(authority, statements=2)
    told = []
    for _ in range(5):
        browser = Client()
        answer = browser.post(at(conversation), {"statement": 1, "vote": "agree"})
        told.append(answer.status_code)
    assert told == [302, 302, 302, 429, 429]
    assert "sign in with your email" in answer.content.decode()
    assert Participant.objects.count() == 3
    assert (
        Client()
        .post(at(conversation), {"statement": 1, "vote": "agree"}, REMOTE_ADDR="198.51.100.9")
        .status_code
        == 302
    ), "another network goes on"
    member = signed_in(resident)
    answer = member.post(at(conversation), {"statement": 1, "vote": "agree"})
    assert answer.status_code == 302, "and so does whoever signs in"


def test_a_network_is_forgotten_after_a_day_and_never_named(
    authority: Authority, seen_by: Seen
) -> None:
    conversation = a_conversation(authority, statements=1)
    say(seen_by(None, browser=MARK), conversation.statements.get())
    assert "127.0.0.1" not in str(bytes(Brake.objects.get().network))
    Brake.objects.update(hour_at=timezone.now() - timedelta(hours=25))
    other = actions.Network(b"m" * 32, ANYWHERE.an_hour)
    say(seen_by(None, browser=MARK[::-1]), conversation.statements.get(), network=other)
    assert [bytes(row.network) for row in Brake.objects.all()] == [other.name]


def test_nobody_answers_faster_than_they_can_read(
    authority: Authority, resident: Person, seen_by: Seen, client: Client, signed_in: Any
) -> None:
    conversation = a_conversation(authority, statements=rules.MOST_A_MINUTE + 2)
    who, now = a_participant(conversation, resident), timezone.now()
    rows = list(conversation.statements.order_by("number"))
    for row in rows[: rules.MOST_A_MINUTE]:
        a_vote(who, row, voted_at=now, shown_at=now)
    with pytest.raises(actions.TooFast):
        say(seen_by(resident), rows[-1])
    page = signed_in(resident).post(
        at(conversation), {"statement": rows[-1].number, "vote": "agree"}
    )
    assert page.status_code == 429
    assert "faster than anybody can read" in page.content.decode()
    Showing.objects.update(voted_at=now - timedelta(minutes=2))
    say(seen_by(resident), rows[-1])


# --- a guest with an account


def test_a_guest_keeps_what_they_said_when_they_sign_in(
    authority: Authority, resident: Person, visit: Any, signed_in: Any, client: Client
) -> None:
    conversation = a_conversation(authority, statements=3)
    visit(at(conversation), data={**hidden_in(visit(at(conversation))), "vote": "agree"})
    signed_in(resident)
    assert "Somebody answered here in this browser" in visit(at(conversation)).text
    page = visit(at(conversation, "adopt/"), data={"do": "adopt"})
    assert "under your account now: 1" in page.text
    who = Participant.objects.get()
    assert (who.person, who.holder, who.standing) == (resident, None, StandingKind.RESIDENT)
    assert "Somebody answered here" not in visit(at(conversation)).text
    fresh = Client()
    fresh.cookies["voice"] = client.cookies["voice"].value
    assert "Nothing yet" in visit(at(conversation, "mine/"), client=fresh).text


def test_whoever_signs_in_can_leave_what_somebody_else_said(
    authority: Authority, resident: Person, visit: Any, signed_in: Any, client: Client
) -> None:
    conversation = a_conversation(authority, statements=3)
    visit(at(conversation), data={**hidden_in(visit(at(conversation))), "vote": "agree"})
    signed_in(resident)
    visit(at(conversation, "adopt/"), data={"do": "leave"})
    assert client.cookies["voice"].value == ""
    assert Participant.objects.get().person is None


VALUES = st.none() | st.sampled_from([1, 0, -1])


class TwoBecomeOne(TestCase):
    """Whatever a person said with and without their account, the later of two answers stands."""

    @given(st.lists(st.tuples(VALUES, VALUES, st.booleans()), min_size=1, max_size=6))
    @settings(max_examples=40, deadline=None)
    def test_nothing_is_lost_and_the_later_answer_stands(
        self, table: list[tuple[int | None, int | None, bool]]
    ) -> None:
        authority = world.an_authority()
        person = world.a_person()
        conversation = a_conversation(authority, statements=len(table))
        account = a_participant(conversation, person)
        guest = a_participant(conversation, holder=queries.holder_of(MARK, conversation.pk))
        rows = conversation.statements.order_by("number")
        now, wanted = timezone.now(), {}
        for statement, (mine, theirs, is_guest_later) in zip(rows, table, strict=True):
            early, late = now - timedelta(hours=2), now - timedelta(hours=1)
            moments = (early, late) if is_guest_later else (late, early)
            for who, value, moment in zip((account, guest), (mine, theirs), moments, strict=True):
                if value is not None:
                    a_vote(who, statement, value, voted_at=moment)
            said = [
                v for v in ((mine, theirs) if is_guest_later else (theirs, mine)) if v is not None
            ]
            if said:
                wanted[statement.pk] = said[-1]
        added = a_statement(conversation, author=guest)
        viewer = Viewer(authority, person, now, browser=MARK)
        actions.adopt(viewer=viewer, conversation=conversation)
        kept = Showing.objects.filter(participant=account)
        assert dict(kept.values_list("statement_id", "value")) == wanted
        assert Showing.objects.count() == len(wanted)
        added.refresh_from_db()
        assert added.author == account
        assert not Participant.objects.filter(pk=guest.pk).exists()


def test_there_may_be_nothing_to_adopt(
    authority: Authority, resident: Person, seen_by: Seen
) -> None:
    conversation = a_conversation(authority)
    other = a_participant(conversation, world.a_person())
    for mark in ("", MARK):
        with pytest.raises(actions.NothingToAdopt):
            actions.adopt(viewer=seen_by(resident, browser=mark), conversation=conversation)
    other.refresh_from_db()
    assert other.person is not None
