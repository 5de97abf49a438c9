"""Moderators decide about statements with a reason; nobody's words are changed but by their author."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.utils.text import slugify
from hypothesis import given
from hypothesis import strategies as st

from commonweal.ground.journal.models import Entry
from commonweal.ground.people.models import Person
from commonweal.ground.places.models import Authority, Community, RoleKind
from commonweal.ground.places.rules import Viewer
from commonweal.kit.bank_holidays import bank_holidays
from commonweal.listen.conversations.models import Conversation, Participant, State, Statement
from commonweal.listen.moderation import actions, queries
from commonweal.listen.moderation.models import Appeal, Decision, Suggestion
from commonweal.listen.voices.models import Report, Showing
from tests.factories import listen, world

pytestmark = pytest.mark.django_db
As = Callable[..., Viewer]


@pytest.fixture
def as_(authority: Authority, seen_by: As, now: datetime) -> As:
    """Return a function that makes a person a viewer: ``as_(moderator, later=60)`` in seconds."""

    def viewer(
        person: Person | None, *, later: float = 0, where: Authority | None = None
    ) -> Viewer:
        return seen_by(person, at=now + timedelta(seconds=later), authority=where or authority)

    return viewer


@pytest.fixture
def place(authority: Authority) -> Conversation:
    """Return an open conversation of the whole place with three first statements."""
    return listen.a_conversation(authority, statements=3)


@pytest.fixture
def author(place: Conversation, resident: Person) -> Participant:
    """Return the resident as somebody who takes part."""
    return listen.a_participant(place, resident)


@pytest.fixture
def waiting(place: Conversation, author: Participant) -> Statement:
    """Return a statement of the resident's that waits."""
    return listen.a_statement(
        place, "A lamp at every stop.", author=author, is_first=False, state="waiting"
    )


@pytest.fixture
def colleague(authority: Authority) -> Person:
    """Return another moderator of the whole place."""
    return world.a_person(world.root(authority), role=RoleKind.MODERATOR, name="Iris")


def seen(*rows: Statement) -> dict[int, str]:
    return {row.pk: queries.mark(Statement.objects.get(pk=row.pk)) for row in rows}


def let_through(viewer: Viewer, *rows: Statement) -> actions.Done:
    return actions.decide(viewer=viewer, seen=seen(*rows), verdict="shown")


def reject(viewer: Viewer, *rows: Statement, reason: str = "unclear", **given: Any) -> actions.Done:
    return actions.decide(
        viewer=viewer, seen=seen(*rows), verdict="rejected", reason=reason, **given
    )


def test_what_is_let_through_can_be_voted_on(
    waiting: Statement, moderator: Person, as_: As
) -> None:
    done = let_through(as_(moderator), waiting)
    assert [row.pk for row in done.decided] == [waiting.pk]
    waiting.refresh_from_db()
    assert (waiting.state, waiting.decided_by) == (State.SHOWN, moderator)
    entry = Entry.objects.get(what="statement.let_through")
    assert entry.facts == {"many": 1, "statements": [waiting.number]}
    assert not entry.is_public


def test_a_no_has_a_reason_and_nobody_else_reads_the_words(
    place: Conversation, waiting: Statement, moderator: Person, as_: As
) -> None:
    reject(as_(moderator), waiting, words="Say it of the stop, not of the driver.")
    waiting.refresh_from_db()
    assert (waiting.state, waiting.reason) == (State.REJECTED, "unclear")
    told = " ".join(str(entry.facts) for entry in Entry.objects.all())
    assert "lamp" not in told and "driver" not in told
    with pytest.raises(ValueError):
        reject(as_(moderator), waiting, reason="I do not like it")


def test_many_are_decided_at_once_and_taken_back_at_once(
    place: Conversation, author: Participant, moderator: Person, as_: As
) -> None:
    rows = [
        listen.a_statement(place, author=author, is_first=False, state="waiting") for _ in range(20)
    ]
    done = reject(as_(moderator), *rows)
    assert len(done.decided) == 20
    assert Statement.objects.filter(state=State.REJECTED, reason="unclear").count() == 20
    assert Entry.objects.filter(what="statement.rejected").count() == 1
    back = actions.undo(viewer=as_(moderator, later=5), batch=done.batch)
    assert len(back.decided) == 20
    assert Statement.objects.filter(state=State.WAITING, reason="", decided_at=None).count() == 20


def test_the_second_of_two_moderators_changes_nothing(
    waiting: Statement, moderator: Person, colleague: Person, as_: As
) -> None:
    both = seen(waiting)
    first = actions.decide(viewer=as_(moderator), seen=both, verdict="shown")
    second = actions.decide(
        viewer=as_(colleague, later=1), seen=both, verdict="rejected", reason="unkind"
    )
    assert len(first.decided) == 1
    assert (second.decided, [row.pk for row in second.missed]) == ([], [waiting.pk])
    waiting.refresh_from_db()
    assert waiting.state == State.SHOWN
    assert Decision.objects.count() == 1


def test_words_that_the_author_changed_meanwhile_are_not_let_through_unread(
    waiting: Statement, author: Participant, moderator: Person, resident: Person, as_: As
) -> None:
    before = seen(waiting)
    actions.change_text(
        viewer=as_(resident), participant=author, statement_id=waiting.pk, text="Something else."
    )
    done = actions.decide(viewer=as_(moderator), seen=before, verdict="shown")
    assert [row.pk for row in done.missed] == [waiting.pk]
    waiting.refresh_from_db()
    assert (waiting.text, waiting.state) == ("Something else.", State.WAITING)


def test_nobody_decides_about_their_own_words(
    place: Conversation, moderator: Person, as_: As
) -> None:
    mine = listen.a_statement(
        place, author=listen.a_participant(place, moderator), is_first=False, state="waiting"
    )
    done = let_through(as_(moderator), mine)
    assert [row.pk for row in done.own] == [mine.pk]
    mine.refresh_from_db()
    assert mine.state == State.WAITING


def test_only_moderators_of_the_place_decide(
    authority: Authority, elsewhere: Authority, waiting: Statement, resident: Person,
    leader: Person, as_: As,
) -> None:  # fmt: skip
    foreign = world.a_person(world.root(elsewhere), role=RoleKind.MODERATOR)
    aside = world.a_person(world.a_community(authority), role=RoleKind.MODERATOR)
    for person in (resident, leader, aside):
        with pytest.raises(PermissionDenied):
            let_through(as_(person), waiting)
    assert let_through(as_(foreign, where=elsewhere), waiting).decided == []
    waiting.refresh_from_db()
    assert waiting.state == State.WAITING


def test_votes_stay_when_two_become_one_and_come_back_when_they_part(
    place: Conversation, moderator: Person, as_: As
) -> None:
    one, other, _third = place.statements.order_by("number")
    listen.many_votes(place, [[1, 1, None], [1, -1, 1]])
    decision = actions.merge(viewer=as_(moderator), statement_id=one.pk, into=other.pk)
    one.refresh_from_db()
    assert (one.state, one.same_as) == (State.MERGED, other)
    assert Showing.objects.filter(statement=one).count() == 2
    actions.undo(viewer=as_(moderator, later=1), batch=decision.batch)
    one.refresh_from_db()
    assert (one.state, one.same_as, one.decided_at) == (State.SHOWN, None, one.added_at)


def test_two_become_one_only_where_that_makes_sense(
    authority: Authority, place: Conversation, waiting: Statement, moderator: Person, as_: As
) -> None:
    one, other, third = place.statements.filter(is_first=True).order_by("number")
    away = listen.a_statement(listen.a_conversation(authority))
    viewer = as_(moderator)
    for statement, into in ((one, one), (one, away), (one, waiting)):
        with pytest.raises(actions.CannotBeOne):
            actions.merge(viewer=viewer, statement_id=statement.pk, into=into.pk)
    actions.merge(viewer=viewer, statement_id=one.pk, into=other.pk)
    with pytest.raises(actions.CannotBeOne, match="can only be the one that stays"):
        actions.merge(viewer=viewer, statement_id=other.pk, into=third.pk)


def test_a_decision_after_it_keeps_an_older_one_from_being_taken_back(
    waiting: Statement, moderator: Person, colleague: Person, as_: As
) -> None:
    first = let_through(as_(moderator), waiting)
    reject(as_(colleague, later=5), waiting)
    with pytest.raises(actions.CannotUndo):
        actions.undo(viewer=as_(moderator, later=9), batch=first.batch)
    waiting.refresh_from_db()
    assert waiting.state == State.REJECTED


def test_what_stands_there_unread_can_be_read_or_taken_away(
    authority: Authority, moderator: Person, as_: As
) -> None:
    place = listen.a_conversation(authority, moderation="after", statements=2)
    rows = [
        listen.a_statement(
            place, author=listen.a_participant(place), is_first=False, decided_at=None
        )
        for _ in range(2)
    ]
    assert list(queries.queue([place.pk], tab="unread")) == rows
    let_through(as_(moderator), rows[0])
    reject(as_(moderator), rows[1], reason="unkind")
    assert not queries.queue([place.pk], tab="unread").exists()
    assert [Statement.objects.get(pk=row.pk).state for row in rows] == ["shown", "rejected"]


def test_reports_are_settled_by_a_decision_either_way(
    place: Conversation, moderator: Person, as_: As, now: datetime
) -> None:
    one, other, _third = place.statements.order_by("number")
    for row in (one, other):
        Report.objects.create(
            conversation=place, statement=row, participant=listen.a_participant(place),
            reason="unkind", reported_at=now,
        )  # fmt: skip
    assert set(queries.queue([place.pk], tab="reported")) == {one, other}
    let_through(as_(moderator), one)
    reject(as_(moderator), other, reason="unkind")
    assert not queries.queue([place.pk], tab="reported").exists()
    assert Report.objects.filter(settled_at__isnull=True).count() == 0
    one.refresh_from_db()
    assert one.state == State.SHOWN
    done = let_through(as_(moderator, later=1), one)
    assert done.missed, "nobody reported it anew"


# --- the author


def test_a_moderator_suggests_and_only_the_author_changes_the_words(
    waiting: Statement, author: Participant, resident: Person, moderator: Person, as_: As
) -> None:
    asked = actions.suggest(viewer=as_(moderator), statement_id=waiting.pk, text="Light each stop.")
    waiting.refresh_from_db()
    assert waiting.text == "A lamp at every stop."
    here = [waiting.conversation_id]
    assert not queries.queue(here, tab="waiting").exists(), "it waits for the author, not for us"
    assert queries.queue(here, tab="author").exists()
    other = listen.a_participant(waiting.conversation)
    with pytest.raises(PermissionDenied):
        actions.answer_suggestion(
            viewer=as_(None), participant=other, suggestion_id=asked.pk, takes_it=True
        )
    actions.answer_suggestion(
        viewer=as_(resident), participant=author, suggestion_id=asked.pk, takes_it=True
    )
    waiting.refresh_from_db()
    assert (waiting.text, waiting.state) == ("Light each stop.", State.SHOWN)
    assert waiting.decided_by == moderator
    assert Entry.objects.get(what="statement.text_taken").who is None, "nobody learns who wrote it"


def test_an_author_keeps_their_words_and_they_wait_again(
    waiting: Statement, author: Participant, resident: Person, moderator: Person, as_: As
) -> None:
    asked = actions.suggest(viewer=as_(moderator), statement_id=waiting.pk, text="Light each stop.")
    actions.answer_suggestion(
        viewer=as_(resident), participant=author, suggestion_id=asked.pk, takes_it=False
    )
    assert queries.queue([waiting.conversation_id], tab="waiting").get() == waiting


def test_a_suggestion_lapses_when_something_else_is_decided(
    waiting: Statement, author: Participant, resident: Person, moderator: Person, as_: As
) -> None:
    asked = actions.suggest(viewer=as_(moderator), statement_id=waiting.pk, text="Light each stop.")
    reject(as_(moderator, later=1), waiting)
    with pytest.raises(actions.DecidedMeanwhile):
        actions.answer_suggestion(
            viewer=as_(resident), participant=author, suggestion_id=asked.pk, takes_it=True
        )
    assert Suggestion.objects.get().state == "lapsed"
    waiting.refresh_from_db()
    assert waiting.state == State.REJECTED


def test_other_words_after_a_no_are_read_again_but_not_for_ever(
    waiting: Statement, author: Participant, resident: Person, moderator: Person, as_: As
) -> None:
    for turn in range(3):
        reject(as_(moderator, later=turn * 10 + 1), waiting)
        values = {"participant": author, "statement_id": waiting.pk, "text": f"Lamps, {turn}."}
        if turn < 2:
            actions.change_text(viewer=as_(resident, later=turn * 10 + 5), **values)
            waiting.refresh_from_db()
            assert (waiting.state, waiting.reason) == (State.WAITING, "")
    with pytest.raises(actions.WordsStand):
        actions.change_text(viewer=as_(resident, later=99), **values)


def test_words_that_others_voted_on_stay(
    place: Conversation, author: Participant, resident: Person, moderator: Person, as_: As
) -> None:
    shown = listen.a_statement(place, author=author, is_first=False)
    listen.a_vote(listen.a_participant(place), shown)
    reject(as_(moderator), shown)
    with pytest.raises(actions.WordsStand):
        actions.change_text(
            viewer=as_(resident), participant=author, statement_id=shown.pk, text="Other words."
        )


def test_the_same_words_as_another_are_refused(
    place: Conversation, waiting: Statement, author: Participant, resident: Person, as_: As
) -> None:
    there = place.statements.order_by("number")[0]
    with pytest.raises(actions.SaidAlready):
        actions.change_text(
            viewer=as_(resident), participant=author, statement_id=waiting.pk, text=there.text
        )


def test_an_objection_is_for_once_and_another_moderator_settles_it(
    waiting: Statement, author: Participant, resident: Person, moderator: Person,
    colleague: Person, as_: As,
) -> None:  # fmt: skip
    given = {"participant": author, "statement_id": waiting.pk, "words": "It is clear."}
    with pytest.raises(actions.AppealedAlready):
        actions.appeal(viewer=as_(resident), **given)
    reject(as_(moderator), waiting)
    made = actions.appeal(viewer=as_(resident, later=1), **given)
    with pytest.raises(actions.AppealedAlready):
        actions.appeal(viewer=as_(resident, later=2), **given)
    settled = {"appeal_id": made.pk, "is_right": True, "answer": "You are right."}
    with pytest.raises(PermissionDenied):
        actions.settle_appeal(viewer=as_(moderator, later=3), **settled)
    actions.settle_appeal(viewer=as_(colleague, later=4), **settled)
    with pytest.raises(actions.DecidedMeanwhile):
        actions.settle_appeal(viewer=as_(colleague, later=5), **settled)
    waiting.refresh_from_db()
    assert (waiting.state, waiting.reason, waiting.decided_by) == (State.SHOWN, "", colleague)
    assert [row.stands for row in waiting.decisions.order_by("pk")] == [False, True]


def test_a_decision_that_stays_after_an_objection_stays(
    waiting: Statement, author: Participant, resident: Person, moderator: Person,
    colleague: Person, as_: As,
) -> None:  # fmt: skip
    done = reject(as_(moderator), waiting)
    made = actions.appeal(
        viewer=as_(resident, later=1), participant=author, statement_id=waiting.pk, words="Why?"
    )
    actions.settle_appeal(
        viewer=as_(colleague, later=2), appeal_id=made.pk, is_right=False, answer="It is unclear."
    )
    with pytest.raises(actions.CannotUndo):
        actions.undo(viewer=as_(moderator, later=3), batch=done.batch)
    waiting.refresh_from_db()
    assert waiting.state == State.REJECTED


def test_an_author_leaves_and_nothing_of_their_words_to_us_stays(
    waiting: Statement, author: Participant, resident: Person, moderator: Person, as_: As,
    now: datetime,
) -> None:  # fmt: skip
    reject(as_(moderator), waiting, words="A word to Rosa.")
    actions.appeal(
        viewer=as_(resident, later=1), participant=author, statement_id=waiting.pk, words="Why me?"
    )
    handed = list(queries.personal(resident))
    assert handed[0]["you_objected"] == "Why me?" and handed[0]["words_to_you"]
    actions.let_go(resident, now)
    assert Appeal.objects.get().words == ""
    assert Decision.objects.get().words == ""
    assert Decision.objects.get().reason == "unclear"


# --- what the database holds


def test_the_database_refuses_decisions_that_make_no_sense(
    authority: Authority, place: Conversation, moderator: Person, now: datetime
) -> None:
    one = place.statements.order_by("number")[0]
    away = listen.a_statement(listen.a_conversation(authority))
    whole: dict[str, Any] = {
        "conversation": place, "statement": one, "was": "shown", "verdict": "shown",
        "batch": "00000000-0000-0000-0000-000000000001", "decided_at": now, "decided_by": moderator,
    }  # fmt: skip
    broken: list[dict[str, Any]] = [
        {"verdict": "rejected"}, {"reason": "unkind"}, {"verdict": "merged"}, {"was": "merged"},
        {"undone_at": now}, {"statement": away}, {"verdict": "merged", "same_as": away},
    ]  # fmt: skip
    for wrong in broken:
        with pytest.raises(IntegrityError), transaction.atomic():
            Decision.objects.create(**{**whole, **wrong})
            transaction.get_connection().check_constraints()
    Decision.objects.create(**whole)


# --- the promise


MOMENTS = st.datetimes(
    datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC)
)  # fmt: skip


HOLIDAYS = st.sampled_from([frozenset[date](), bank_holidays("england"), bank_holidays("scotland")])


@given(MOMENTS, MOMENTS, st.integers(1, 10), HOLIDAYS)
def test_what_was_added_before_the_moment_is_late_and_nothing_else(
    added_at: datetime, at: datetime, days: int, off: frozenset[date]
) -> None:
    is_due = queries.due_at(added_at, days, off) <= at
    assert is_due == (added_at <= queries.late_before(at, days, off))


@given(MOMENTS, st.integers(1, 10), HOLIDAYS)
def test_a_promise_in_working_days_ends_on_one(
    added_at: datetime, days: int, off: frozenset[date]
) -> None:
    due_at = queries.due_at(added_at, days, off)
    here = due_at.astimezone(queries.timezone.get_current_timezone())
    assert here.weekday() < 5
    assert here.date() not in off
    assert due_at >= added_at + timedelta(hours=23 * days)
    assert queries.due_at(added_at, days + 1, off) > due_at


@pytest.mark.parametrize(
    ("added", "days", "due"),
    [
        ("2026-11-30 10:00", 1, "2026-12-01 10:00"),  # a Monday
        ("2026-11-27 16:00", 1, "2026-11-30 16:00"),  # a Friday
        ("2026-11-28 12:00", 1, "2026-12-01 00:00"),  # a Saturday counts from Monday
        ("2026-11-27 16:00", 6, "2026-12-07 16:00"),
        ("2026-10-23 09:00", 1, "2026-10-26 09:00"),  # the clocks change in between
    ],
)
def test_working_days(added: str, days: int, due: str) -> None:
    def here(text: str) -> datetime:
        return queries.timezone.make_aware(datetime.fromisoformat(text))

    assert queries.due_at(here(added), days) == here(due)


@pytest.mark.parametrize(
    ("nation", "added", "due"),
    [
        ("", "2026-12-24 16:00", "2026-12-29 16:00"),  # Friday and Monday are bank holidays
        ("England", "2026-12-25 12:00", "2026-12-30 00:00"),  # Christmas counts from Tuesday
        ("England", "2026-11-27 16:00", "2026-11-30 16:00"),
        ("Scotland", "2026-11-27 16:00", "2026-12-01 16:00"),  # Saint Andrew's Day
        ("Northern Ireland", "2027-03-16 10:00", "2027-03-18 10:00"),  # Saint Patrick's Day
        ("Wales", "2027-03-16 10:00", "2027-03-17 10:00"),
    ],
)
def test_bank_holidays_of_the_nation_do_not_count(
    authority: Authority, nation: str, added: str, due: str
) -> None:
    if nation:
        above = Community.objects.create(kind="nation", name=nation, slug=slugify(nation))
        Community.objects.filter(authority=authority, kind="authority").update(parent=above)

    def here(text: str) -> datetime:
        return queries.timezone.make_aware(datetime.fromisoformat(text))

    assert queries.due_at(here(added), 1, queries.holidays_of(authority.pk)) == here(due)


def test_the_longest_waiting_stands_first(
    authority: Authority, community: Community, now: datetime
) -> None:
    place = listen.a_conversation(authority)
    ages = [3, 9, 1]
    rows = [
        listen.a_statement(
            place, author=listen.a_participant(place), is_first=False, state="waiting",
            added_at=now - timedelta(days=age),
        )
        for age in ages
    ]  # fmt: skip
    assert list(queries.queue([place.pk], tab="waiting")) == [rows[1], rows[0], rows[2]]
