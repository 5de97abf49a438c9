"""Maps: worked out in the background from votes alone, whatever people say."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pytest

from commonweal.ground.people.models import Person
from commonweal.ground.places.models import Authority
from commonweal.listen.conversations.models import Conversation, DetailChoice, State, Statement
from commonweal.listen.maps import actions, queries
from commonweal.listen.maps.models import Finding, Map
from commonweal.listen.moderation.models import Case
from commonweal.listen.voices.models import DetailAnswer, Routing, Showing
from tests.factories import listen

pytestmark = pytest.mark.django_db
Table = list[list[int | None]]


def camps(people: int = 120, statements: int = 24, *, seed: int = 1) -> Table:
    """Return votes of two camps that differ on all but the last quarter of the statements."""
    rng = np.random.default_rng(seed)
    side = np.where(np.arange(people) < 0.6 * people, 1, -1)[:, None]
    agrees = side * np.where(np.arange(statements) % 2, 1, -1)
    agrees[:, 3 * statements // 4 :] = 1
    flips = rng.random((people, statements)) < 0.15
    table = np.where(flips, -agrees, agrees)
    return [[int(v) for v in row] for row in table]


def drawn(conversation: Conversation, at: datetime) -> Map:
    """Work the map out and return it."""
    assert actions.refresh_map(conversation_id=conversation.pk, at=at)
    return Map.objects.get(conversation=conversation)


@pytest.fixture
def talk(authority: Authority) -> Conversation:
    """Return a conversation in which two camps have spoken."""
    made = listen.a_conversation(authority, statements=24)
    listen.many_votes(made, camps())
    return made


def test_two_camps_are_found_and_everything_is_kept_ready(
    talk: Conversation, now: datetime
) -> None:
    found = drawn(talk, now)
    assert (found.people, found.votes, found.statements, found.groups) == (120, 2880, 24, 2)
    assert found.is_clear
    assert [size["people"] for size in found.told["sizes"]] == [72, 48]
    assert found.told["drawing"]["kind"] in {"plane", "line"}
    assert found.told["lists"]["common_ground"]
    assert found.told["lists"]["dividing"]
    assert Finding.objects.filter(statement__conversation=talk).count() == 24
    assert Routing.objects.get(conversation=talk).arrays


# --- when


def test_nothing_is_drawn_until_five_people_have_voted_since(
    talk: Conversation, now: datetime
) -> None:
    first = drawn(talk, now)
    later = now + timedelta(hours=1)
    statement = talk.statements.order_by("number").first()
    newcomers = [listen.a_participant(talk) for _ in range(5)]
    for who in newcomers[:4]:
        listen.a_vote(who, statement, -1, voted_at=now + timedelta(minutes=1))
    assert not actions.refresh_map(conversation_id=talk.pk, at=later)
    assert Map.objects.get().made_at == first.made_at
    listen.a_vote(newcomers[4], statement, -1, voted_at=now + timedelta(minutes=1))
    assert drawn(talk, later).people == 125


def test_a_map_waits_in_proportion_to_what_it_cost(talk: Conversation, now: datetime) -> None:
    drawn(talk, now)
    Map.objects.update(milliseconds=30_000)
    for who in (listen.a_participant(talk) for _ in range(6)):
        listen.a_vote(who, talk.statements.first(), 1, voted_at=now + timedelta(seconds=1))
    assert not actions.refresh_map(conversation_id=talk.pk, at=now + timedelta(minutes=9))
    assert actions.refresh_map(conversation_id=talk.pk, at=now + timedelta(minutes=11))


def test_what_a_moderator_takes_away_stands_on_no_list(talk: Conversation, now: datetime) -> None:
    before = drawn(talk, now)
    gone = before.told["lists"]["common_ground"][0]["statement"]
    later = now + timedelta(hours=1)
    Statement.objects.filter(pk=gone).update(
        state=State.REJECTED, reason="advert", decided_at=now + timedelta(minutes=5)
    )
    after = drawn(talk, later)
    assert gone not in queries.listed(after)
    assert after.votes == before.votes
    assert not Finding.objects.filter(statement=gone).exists()


def test_a_new_statement_without_votes_is_told_of_too(talk: Conversation, now: datetime) -> None:
    drawn(talk, now)
    new = listen.a_statement(talk, decided_at=now + timedelta(minutes=1))
    found = drawn(talk, now + timedelta(hours=1))
    assert found.statements == 25
    assert Finding.objects.get(statement=new).votes == [None] * 3


def test_a_lists_only_map_has_no_vote_that_came_since(talk: Conversation, now: datetime) -> None:
    drawn(talk, now)
    who = listen.a_participant(talk)
    for statement in talk.statements.all():
        listen.a_vote(who, statement, 1, voted_at=now + timedelta(seconds=30))
    listen.a_statement(talk, decided_at=now + timedelta(minutes=1))
    found = drawn(talk, now + timedelta(hours=1))
    assert (found.people, found.votes) == (120, 2880)
    assert found.until_at == now


@pytest.fixture
def over(authority: Authority) -> Conversation:
    """Return a conversation of two camps that closed yesterday."""
    made = listen.a_conversation(authority, statements=24, open=False)
    listen.many_votes(made, camps())
    return made


def test_the_last_map_is_made_once_and_the_key_is_destroyed(
    over: Conversation, now: datetime
) -> None:
    assert drawn(over, now).is_final
    over.refresh_from_db()
    assert over.key is None
    assert not actions.refresh_map(conversation_id=over.pk, at=now + timedelta(days=1))
    assert over not in queries.looked_after(now)


def test_the_last_map_depends_on_votes_alone(authority: Authority, now: datetime) -> None:
    table = camps()
    told = []
    for order in (range(120), reversed(range(120))):
        made = listen.a_conversation(authority, statements=24, open=False)
        listen.many_votes(made, [table[i] for i in order])
        found = drawn(made, now)
        numbers = dict(made.statements.values_list("pk", "number"))
        lists = found.told["lists"]
        named = [
            {**entry, "statement": numbers[entry["statement"]]}
            for name in ("common_ground", "dividing", "group_statements")
            for entry in lists[name]
        ]
        shares = Finding.objects.filter(statement__conversation=made).order_by("statement__number")
        told.append(
            (
                named,
                found.told["drawing"],
                [numbers[pk] for pk in lists["short_list"]],
                list(shares.values_list("votes", "agree", "low", "high")),
            )
        )
    assert told[0] == told[1]


def test_a_vote_on_its_way_at_the_close_is_waited_for(over: Conversation, now: datetime) -> None:
    Conversation.objects.filter(pk=over.pk).update(closes_at=now - timedelta(seconds=5))
    refreshed = actions.refresh_map(conversation_id=over.pk, at=now)
    assert not (refreshed and Map.objects.get().is_final)
    Map.objects.all().delete()
    assert drawn(over, now + timedelta(seconds=30)).is_final


def test_drafts_and_what_is_withdrawn_have_no_map(authority: Authority, now: datetime) -> None:
    draft = listen.a_conversation(authority, statements=3, is_draft=True, steps_done=[])
    gone = listen.a_conversation(authority, statements=3, withdrawn_at=now - timedelta(hours=1))
    assert not queries.looked_after(now).filter(pk__in=(draft.pk, gone.pk)).exists()
    listen.many_votes(gone, [[1, 1, 1]] * 9)
    assert not actions.refresh_map(conversation_id=gone.pk, at=now)


# --- what cannot be said


@pytest.mark.parametrize(
    ("table", "people"),
    [
        ([], 0),
        ([[1] * 4], 1),
        ([[1, -1, 0, 1]] * 4, 4),
        ([[0] * 4] * 9, 9),
        ([[1] * 4] * 30, 30),
        ([[1], [-1], [1], [0], [1], [1], [-1]], 7),
        ([[None, 1], [None, 1], [1, None], [None, -1], [1, None], [1, -1]], 6),
    ],
    ids=["nobody", "one", "four", "all pass", "all agree", "one statement", "hardly anything"],
)
def test_few_votes_give_a_map_without_a_mistake(
    authority: Authority, now: datetime, table: Table, people: int
) -> None:
    made = listen.a_conversation(authority, statements=4, open=False)
    listen.many_votes(made, table)
    found = drawn(made, now)
    assert (found.people, found.groups, found.is_clear) == (people, 1, False)
    assert bool(found.told) == (people >= 5)
    for finding in Finding.objects.filter(statement__conversation=made):
        assert all(n is None or n >= 5 for n in finding.votes)


def test_ten_thousand_statements_are_told_of(authority: Authority, now: datetime) -> None:
    made = listen.a_conversation(authority, open=False)
    Statement.objects.bulk_create(
        Statement(
            conversation=made, number=n, text=f"Thing {n} 🏠 نعم", state=State.SHOWN, added_at=now,
            decided_at=now,
        )
        for n in range(1, 10_001)
    )  # fmt: skip
    rng = np.random.default_rng(0)
    listen.many_votes(
        made, [[1 if rng.random() < 0.7 else -1 for _ in range(30)] for _ in range(12)]
    )
    found = drawn(made, now)
    assert (found.statements, Finding.objects.count()) == (10_000, 10_000)


# --- small numbers


def test_a_group_of_under_five_hides_itself_and_another() -> None:
    assert queries.hidden([40, 3]) == [True, True]
    assert queries.hidden([40, 3, 9]) == [False, True, True]
    assert queries.hidden([3, 4, 9]) == [True, True, False]
    assert queries.hidden([0, 9, 9]) == [False, False, False]
    assert queries.hidden([0, 3]) == [False, True]


def test_the_sizes_of_groups_come_to_everybody() -> None:
    member = np.tile([0.536, 0.316, 0.148], (345, 1))  # 184.9, 109.0 and 51.1 people
    sizes = actions._sizes(member)
    assert [size["people"] for size in sizes] == [185, 109, 51]
    halves = np.tile([0.5, 0.5], (345, 1))
    assert sum(size["people"] for size in actions._sizes(halves)) == 345


def test_what_few_said_is_kept_nowhere(authority: Authority, now: datetime) -> None:
    made = listen.a_conversation(authority, statements=24)
    table = camps()
    for row in table[:116]:
        row[0] = None
    listen.many_votes(made, table)
    found = drawn(made, now)
    first = made.statements.get(number=1)
    assert Finding.objects.get(statement=first).agree == [None] * (found.groups + 1)
    assert first.pk not in [e["statement"] for e in found.told["lists"]["common_ground"]]


# --- who they are


def with_details(
    conversation: Conversation, *, young: int, residents: tuple[int, ...] = (500, 500)
) -> None:
    """Let everybody who took part say how old they are; so many of them are young."""
    detail = listen.a_detail(conversation, choices=("Under 40", "40 or over"))
    choices = list(detail.choices.all())
    for choice, share in zip(choices, residents, strict=False):
        DetailChoice.objects.filter(pk=choice.pk).update(residents_in_1000=share)
    who = conversation.participants.order_by("pk").values_list("pk", flat=True)
    DetailAnswer.objects.bulk_create(
        DetailAnswer(
            conversation=conversation, detail=detail, envelope=conversation.seal(pk),
            choice=choices[0 if i < young else 1],
        )
        for i, pk in enumerate(who)
    )  # fmt: skip


def test_people_are_weighted_to_those_who_live_here(talk: Conversation, now: datetime) -> None:
    with_details(talk, young=90)
    found = drawn(talk, now)
    weighted = found.told["weighted"]
    assert weighted["effective"] < 120
    assert weighted["drawing"]["kind"] == found.told["drawing"]["kind"]
    (about,) = found.told["who"]
    assert [c["people"] for c in about["choices"]] == [90, 30]
    told = Finding.objects.get(statement=talk.statements.get(number=1))
    # the first 90 have 72 of the one camp and 18 of the other; weighted, the other counts for more
    assert len(told.weighted) == 3
    assert told.weighted[0] != told.agree[0]


def test_small_numbers_of_people_are_hidden_and_weigh_nothing(
    talk: Conversation, now: datetime
) -> None:
    with_details(talk, young=3)
    found = drawn(talk, now)
    (about,) = found.told["who"]
    assert [c["people"] for c in about["choices"]] == [None, None]
    assert found.told["weighted"] is None


def test_without_knowing_who_lives_here_nothing_is_weighted(
    talk: Conversation, now: datetime
) -> None:
    with_details(talk, young=60, residents=(500,))
    assert drawn(talk, now).told["weighted"] is None


def test_a_statement_is_weighted_only_where_each_kind_of_people_voted(
    authority: Authority, now: datetime
) -> None:
    made = listen.a_conversation(authority, statements=24)
    table = camps()
    for row in table[4:60]:
        row[0] = None
    listen.many_votes(made, table)
    with_details(made, young=60)
    drawn(made, now)
    told = {f.statement.number: f.weighted for f in Finding.objects.select_related("statement")}
    assert told[1] == []  # four of the young voted on it: their votes would show
    assert told[2] != []


# --- what was shown to whom


def test_who_was_shown_a_statement_more_readily_counts_for_less(
    authority: Authority, now: datetime
) -> None:
    made = listen.a_conversation(authority, statements=1)
    statement = made.statements.get()
    for i in range(60):
        listen.a_vote(
            listen.a_participant(made), statement, 1 if i < 30 else -1, out_of=10,
            chance_millionths=300_000 if i < 30 else 100_000,
        )  # fmt: skip
    drawn(made, now)
    found = Finding.objects.get()
    assert found.votes[0] == 60
    assert found.agree[0] == 250  # those who agree were three times as likely to see it


# --- at large


def test_two_workers_do_not_disturb_each_other(talk: Conversation, now: datetime) -> None:
    from django.db import connections

    other = connections.create_connection("default")
    held = [queries.LOCK, talk.pk % 2**31]
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s, %s)", held)
            assert not actions.refresh_map(conversation_id=talk.pk, at=now)
            assert not Map.objects.exists()
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", held)
            assert actions.refresh_map(conversation_id=talk.pk, at=now)
    finally:
        other.close()


def test_letters_and_places_stay_from_map_to_map(talk: Conversation, now: datetime) -> None:
    first = drawn(talk, now)
    new = listen.many_votes(talk, camps(seed=7)[72:] * 2)  # now the other camp is larger
    Showing.objects.filter(participant__in=new).update(voted_at=now + timedelta(seconds=1))
    later = drawn(talk, now + timedelta(hours=1))
    assert [size["people"] for size in later.told["sizes"]][0] == 72
    sides = [[ring["x"] < 180 for ring in m.told["drawing"]["rings"]] for m in (first, later)]
    assert sides[0] == sides[1]


def test_a_large_map_is_brought_up_to_date_without_reading_all(
    talk: Conversation, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "LARGE", 1000)
    monkeypatch.setattr(actions, "GROWN", 0.5)
    actions.forget_kept()
    first = drawn(talk, now)
    actions._remember(talk.pk, first.made_at, actions._worked_out(talk, None, "votes", now).state)
    new = listen.many_votes(talk, camps(seed=3)[:8])
    Showing.objects.filter(participant__in=new).update(voted_at=now + timedelta(seconds=5))
    later = drawn(talk, now + timedelta(hours=1))
    assert later.read_at == first.read_at  # nothing was read but what is new
    assert (later.people, later.votes) == (128, 2880 + 8 * 24)
    actions.forget_kept()
    Map.objects.update(until_at=now, made_at=now)
    cold = drawn(talk, now + timedelta(hours=2))
    assert (cold.people, cold.votes) == (later.people, later.votes)
    assert cold.read_at > later.read_at
    assert abs(cold.told["sizes"][0]["people"] - later.told["sizes"][0]["people"]) <= 2
    actions.forget_kept()


def test_votes_that_a_moderator_set_aside_are_not_counted(
    talk: Conversation, now: datetime, moderator: Person
) -> None:
    drawn(talk, now)
    crowd = listen.many_votes(talk, [[1, -1] * 12] * 6)
    Showing.objects.filter(participant__in=crowd).update(voted_at=now + timedelta(seconds=1))
    later = drawn(talk, now + timedelta(hours=1))
    assert later.people == 126
    case = Case.objects.create(
        conversation=talk, sign="copies", participants=[who.pk for who in crowd], raised_at=now,
        seen_at=now, effects=[{"statement": 2, "stands": False}, {"statement": 3, "stands": True}],
    )  # fmt: skip
    Case.objects.filter(pk=case.pk).update(
        state="left-in",
        reason="A family.",
        decided_at=now + timedelta(hours=2),
        decided_by=moderator,
    )
    left = drawn(talk, now + timedelta(hours=3))
    assert (left.people, left.told["hangs"], left.told["aside"]) == (126, [2], [])
    Case.objects.update(state="set-aside", decided_at=now + timedelta(hours=4))
    without = drawn(talk, now + timedelta(hours=5))
    assert (without.people, without.told["hangs"]) == (120, [])
