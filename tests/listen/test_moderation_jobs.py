"""Authors are told, moderators reminded, texts compared, and accounts that act as one raised."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier
from typing import Any

import numpy as np
import pytest
from django.db import connections
from django.utils import timezone

from commonweal.ground.journal.models import Entry
from commonweal.ground.people.models import Person
from commonweal.ground.places.models import Authority, Community, Role, RoleKind
from commonweal.ground.places.rules import Viewer
from commonweal.listen.conversations.models import Conversation, Participant, State, Statement
from commonweal.listen.moderation import actions, queries, tasks
from commonweal.listen.moderation.models import Alike, Case, Decision, Reminder, Suggestion
from commonweal.listen.voices.models import Showing
from tests.factories import listen, world
from tests.ground.conftest import smtp as smtp
from tests.smtp import Mailbox

As = Callable[..., Viewer]
MONDAY = timezone.make_aware(datetime(2026, 11, 30, 12, 0))


@pytest.fixture
def place(authority: Authority, community: Community) -> Conversation:
    return listen.a_conversation(
        authority, statements=3, community=community, question="What would help at night?"
    )


@pytest.fixture
def author(place: Conversation, resident: Person) -> Participant:
    return listen.a_participant(place, resident)


def a_waiting(place: Conversation, author: Participant, **given: Any) -> Statement:
    return listen.a_statement(place, author=author, is_first=False, state="waiting", **given)


def reject(viewer: Viewer, *rows: Statement, **given: Any) -> actions.Done:
    seen = {row.pk: queries.mark(row) for row in rows}
    return actions.decide(viewer=viewer, seen=seen, verdict="rejected", reason="several", **given)


# --- authors


@pytest.mark.django_db
def test_an_author_gets_one_mail_about_all_that_was_decided_together(
    place: Conversation, author: Participant, moderator: Person, seen_by: As, smtp: Mailbox,
    now: datetime,
) -> None:  # fmt: skip
    rows = [a_waiting(place, author, text=f"Number {n} of mine.") for n in range(12)]
    guest = a_waiting(place, listen.a_participant(place))
    done = reject(seen_by(moderator), *rows, guest, words="One at a time.")
    for _twice in range(2):
        actions.tell(batch=str(done.batch), at=now)
    (mail,) = smtp.messages
    assert mail["to"] == author.person.email  # type: ignore[union-attr]
    text = smtp.text()
    assert "“Number 0 of mine.” does not stand there." in text
    assert "It says several things at once" in text and "One at a time." in text
    assert "And 2 more." in text
    assert f"/listen/{place.pk}/yours/" in text
    assert not Decision.objects.filter(told_at__isnull=True).exclude(statement=guest).exists()


@pytest.mark.django_db
def test_nobody_is_written_to_about_what_was_let_through_or_taken_back_in_time(
    place: Conversation, author: Participant, moderator: Person, seen_by: As, smtp: Mailbox,
    now: datetime,
) -> None:  # fmt: skip
    one, other = a_waiting(place, author), a_waiting(place, author)
    shown = actions.decide(
        viewer=seen_by(moderator), seen={one.pk: queries.mark(one)}, verdict="shown"
    )
    done = reject(seen_by(moderator), other)
    actions.undo(viewer=seen_by(moderator, at=now + timedelta(seconds=5)), batch=done.batch)
    for batch in (shown.batch, done.batch):
        actions.tell(batch=str(batch), at=now)
        actions.tell_undone(batch=str(batch), at=now)
    assert smtp.messages == []


@pytest.mark.django_db
def test_an_author_who_was_told_hears_that_it_was_taken_back(
    place: Conversation, author: Participant, moderator: Person, seen_by: As, smtp: Mailbox,
    now: datetime,
) -> None:  # fmt: skip
    row = a_waiting(place, author, text="A lamp at every stop.")
    done = reject(seen_by(moderator), row)
    actions.tell(batch=str(done.batch), at=now)
    actions.undo(viewer=seen_by(moderator, at=now + timedelta(seconds=5)), batch=done.batch)
    actions.tell_undone(batch=str(done.batch), at=now)
    assert len(smtp.messages) == 2
    assert "was taken back" in smtp.text() and "A lamp at every stop." in smtp.text()


@pytest.mark.django_db
def test_an_author_hears_of_a_merge_a_suggestion_and_an_answer(
    place: Conversation, author: Participant, moderator: Person, resident: Person, seen_by: As,
    smtp: Mailbox, now: datetime,
) -> None:  # fmt: skip
    row = a_waiting(place, author, text="A lamp at every stop.")
    asked = actions.suggest(viewer=seen_by(moderator), statement_id=row.pk, text="Light each stop.")
    assert actions.tell_suggested(suggestion_id=asked.pk, at=now)
    assert "A moderator suggests: “Light each stop.”" in smtp.text()
    into = place.statements.order_by("number")[0]
    decision = actions.merge(viewer=seen_by(moderator), statement_id=row.pk, into=into.pk)
    assert not actions.tell_suggested(suggestion_id=asked.pk, at=now), "it lapsed"
    actions.tell(batch=str(decision.batch), at=now)
    assert into.text in smtp.text()
    made = actions.appeal(
        viewer=seen_by(resident, at=now + timedelta(seconds=5)), participant=author,
        statement_id=row.pk, words="Not the same.",
    )  # fmt: skip
    ada = world.a_person(place.community, role=RoleKind.ADMINISTRATOR)
    actions.settle_appeal(
        viewer=seen_by(ada, at=now + timedelta(seconds=9)), appeal_id=made.pk, is_right=True,
        answer="It is another thing.",
    )  # fmt: skip
    assert actions.tell_settled(appeal_id=made.pk, at=now)
    assert "You were right" in smtp.text() and "It is another thing." in smtp.text()


# --- reminders


@pytest.fixture
def late(place: Conversation, author: Participant) -> Statement:
    """Return a statement that waits since Thursday."""
    return a_waiting(place, author, added_at=MONDAY - timedelta(days=4))


def remind(at: datetime) -> list[bool]:
    actions.write_reminders(at=at)
    waits = list(queries.letters_to_send().values_list("pk", flat=True))
    return [actions.send_reminder(reminder_id=pk, at=at) for pk in waits]


@pytest.mark.django_db
def test_moderators_of_the_place_are_reminded_once_a_day(
    authority: Authority, late: Statement, moderator: Person, administrator: Person, smtp: Mailbox
) -> None:
    world.a_person(world.a_community(authority), role=RoleKind.MODERATOR)  # of another place
    a_waiting(late.conversation, late.author, added_at=MONDAY - timedelta(hours=2))
    for hours in range(3):
        remind(MONDAY + timedelta(hours=hours))
    (mail,) = smtp.messages
    assert mail["to"] == moderator.email
    assert mail["subject"] == "1 statement waits to be read"
    assert "What would help at night?" in smtp.text() and "/desk/statements/" in smtp.text()
    remind(MONDAY + timedelta(days=1))
    assert len(smtp.messages) == 2


@pytest.mark.django_db
def test_administrators_hear_that_nobody_is_named(
    late: Statement, administrator: Person, smtp: Mailbox
) -> None:
    remind(MONDAY)
    (mail,) = smtp.messages
    assert mail["to"] == administrator.email
    assert "Nobody is named as a moderator there." in smtp.text()


@pytest.mark.django_db
def test_nobody_is_reminded_of_what_is_in_time_or_was_read_meanwhile(
    late: Statement, moderator: Person, seen_by: As, smtp: Mailbox
) -> None:
    actions.promise_reading(viewer=seen_by(moderator), conversation=late.conversation, days=3)
    assert remind(MONDAY) == []
    actions.promise_reading(viewer=seen_by(moderator), conversation=late.conversation, days=1)
    actions.write_reminders(at=MONDAY)
    reject(seen_by(moderator), late)
    assert [
        actions.send_reminder(reminder_id=row.pk, at=MONDAY) for row in Reminder.objects.all()
    ] == [False]
    assert smtp.messages == []


@pytest.mark.django_db
def test_what_stands_there_unread_is_reminded_of_too(
    authority: Authority, moderator: Person, smtp: Mailbox
) -> None:
    place = listen.a_conversation(authority, moderation="after", statements=1)
    listen.a_statement(
        place, author=listen.a_participant(place), is_first=False, decided_at=None,
        added_at=MONDAY - timedelta(days=4),
    )  # fmt: skip
    assert remind(MONDAY) == [True]


# --- texts that are alike


@pytest.mark.django_db
def test_one_is_suggested_only_where_texts_and_votes_are_alike(
    authority: Authority, now: datetime
) -> None:
    place = listen.a_conversation(authority)
    texts = [
        "More buses should run at night.", "More buses should run at night", "Close the library.",
        "More buses should not run at night.", "More buses should run at night, yes.",
    ]  # fmt: skip
    rows = [listen.a_statement(place, text) for text in texts[:4]]
    rows.append(
        listen.a_statement(
            place, texts[4], author=listen.a_participant(place), is_first=False, state="waiting"
        )
    )
    listen.many_votes(place, [[1, 1, -1, -1]] * 9 + [[-1, -1, 1, 1]] * 3)
    for _twice in range(2):
        actions.compare(conversation_id=place.pk, at=now)
    found = {(row.first_id, row.second_id): row for row in Alike.objects.all()}
    alike = found[rows[0].pk, rows[1].pk]
    assert (alike.merge, alike.voters, alike.same) == (True, 12, 12)
    contrary = found[rows[0].pk, rows[3].pk]
    assert (contrary.merge, contrary.same) == (False, 0)
    assert not found[rows[0].pk, rows[4].pk].merge, "nobody has voted on it"
    assert not [pair for pair in found if rows[2].pk in pair]


@pytest.mark.django_db
@pytest.mark.parametrize("texts", [[], ["One."], ["One.", "👩‍👩‍👧"], ["‮שלום", "שלום"]])
def test_comparing_few_or_strange_texts_does_no_harm(
    authority: Authority, texts: list[str], now: datetime
) -> None:
    place = listen.a_conversation(authority)
    for text in texts:
        listen.a_statement(place, text)
    actions.compare(conversation_id=place.pk, at=now)
    actions.look(conversation_id=place.pk, at=now)
    assert Case.objects.count() == 0


@pytest.mark.django_db
def test_only_what_moved_is_compared_and_looked_at(authority: Authority, now: datetime) -> None:
    place, quiet = (listen.a_conversation(authority, statements=2) for _ in range(2))
    later = now + timedelta(hours=2)
    for one in (place, quiet):
        listen.many_votes(one, [[1, 1]])
        actions.compare(conversation_id=one.pk, at=now)
        actions.look(conversation_id=one.pk, at=now)
    assert queries.to_compare(later) == queries.to_look_at(later) == []
    listen.a_vote(listen.a_participant(place), place.statements.all()[0], voted_at=later)
    assert queries.to_compare(later) == queries.to_look_at(later) == [place.pk]
    a_waiting(quiet, listen.a_participant(quiet), added_at=later)
    assert queries.to_compare(later) == [place.pk, quiet.pk]


# --- accounts that act as one


def a_crowd(place: Conversation, copies: int) -> list[int]:
    """Fill a conversation with people of their own mind, and some accounts that vote as one."""
    rng = np.random.default_rng(7)
    honest = [[int(v) for v in rng.choice([-1, 0, 1], 20)] for _ in range(60)]
    one = [int(v) for v in rng.choice([-1, 1], 20)]
    people = listen.many_votes(place, honest + [one] * copies)
    return [person.pk for person in people[60:]]


@pytest.fixture
def crowded(authority: Authority) -> tuple[Conversation, list[int]]:
    place = listen.a_conversation(authority, statements=20)
    return place, a_crowd(place, 12)


@pytest.mark.django_db
def test_copies_are_raised_once_with_what_hangs_on_them(
    crowded: tuple[Conversation, list[int]], now: datetime
) -> None:
    place, copies = crowded
    assert actions.look(conversation_id=place.pk, at=now) == 1
    assert actions.look(conversation_id=place.pk, at=now + timedelta(hours=1)) == 0
    case = Case.objects.get()
    assert case.participants == copies
    assert case.sign in ("copies", "near-copies", "burst")
    assert case.facts["alike_percent"] == 100
    for effect in case.effects:
        assert set(effect) == {"list", "statement", "now_percent", "then_percent", "stands"}
    assert case.seen_at == now + timedelta(hours=1)
    assert queries.set_aside_participants(place) == [], "nobody is left out by a program"
    assert Entry.objects.filter(what="case.raised").count() == 1


@pytest.mark.django_db
def test_a_decided_crowd_is_not_raised_again_but_who_joins_it_is(
    crowded: tuple[Conversation, list[int]], moderator: Person, seen_by: As, now: datetime
) -> None:
    place, copies = crowded
    actions.look(conversation_id=place.pk, at=now)
    case = Case.objects.get()
    actions.decide_case(
        viewer=seen_by(moderator), conversation=place, case_id=case.pk, seen="open",
        state="set-aside", reason="One hand.",
    )  # fmt: skip
    assert queries.set_aside_participants(place) == copies
    assert actions.look(conversation_id=place.pk, at=now) == 0
    said = list(Showing.objects.filter(participant=copies[0]).order_by("statement"))
    fresh = listen.a_participant(place)
    for row in said:
        listen.a_vote(fresh, row.statement, row.value, voted_at=row.voted_at)
    assert actions.look(conversation_id=place.pk, at=now) == 1
    newest = Case.objects.order_by("-pk")[0]
    assert newest.participants == [fresh.pk], "only who is not set aside yet"
    assert newest.state == "open"


@pytest.mark.django_db
def test_honest_people_raise_nothing(authority: Authority, now: datetime) -> None:
    place = listen.a_conversation(authority, statements=20)
    a_crowd(place, 0)
    assert actions.look(conversation_id=place.pk, at=now) == 0


@pytest.mark.django_db
def test_the_jobs_are_queued_and_run(
    crowded: tuple[Conversation, list[int]], moderator: Person, seen_by: As
) -> None:
    place, _copies = crowded
    actions.ask_to_look(viewer=seen_by(moderator), conversation=place)
    tasks.look_around(0)
    tasks.compare(conversation_id=place.pk)
    tasks.look(conversation_id=place.pk)
    tasks.remind(0)
    assert Case.objects.count() == 1


# --- at the same moment


def at_once(*works: Callable[[], Any]) -> list[Any]:
    """Do several things in threads that all start together; return what each came to."""
    gate = Barrier(len(works))

    def one(work: Callable[[], Any]) -> Any:
        gate.wait()
        try:
            return work()
        except Exception as failure:
            return failure
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(one, works))


@pytest.mark.django_db(transaction=True)
def test_of_many_moderators_at_once_one_decides_each_statement(
    place: Conversation, author: Participant, authority: Authority, seen_by: As
) -> None:
    rows = [a_waiting(place, author) for _ in range(5)]
    seen = {row.pk: queries.mark(row) for row in rows}
    viewers = [seen_by(world.a_person(place.community, role=RoleKind.MODERATOR)) for _ in range(8)]

    def work(n: int) -> Callable[[], actions.Done]:
        reason = {"verdict": "rejected", "reason": "unkind"} if n % 2 else {"verdict": "shown"}
        order = dict(sorted(seen.items(), reverse=bool(n % 3)))
        return lambda: actions.decide(viewer=viewers[n], seen=order, **reason)

    done = at_once(*(work(n) for n in range(8)))
    assert [len(one.decided) for one in done].count(5) == 1
    assert sorted(len(one.missed) for one in done) == [0, *[5] * 7]
    assert Decision.objects.count() == 5
    assert len(set(Statement.objects.filter(pk__in=seen).values_list("state", flat=True))) == 1


@pytest.mark.django_db(transaction=True)
def test_letting_through_and_taking_back_at_once_leave_one_clear_state(
    place: Conversation, author: Participant, moderator: Person, resident: Person, seen_by: As
) -> None:
    from commonweal.listen.voices import actions as voices

    for _turn in range(6):
        row = a_waiting(place, author)
        seen = {row.pk: queries.mark(row)}
        done, back = at_once(
            lambda seen=seen: actions.decide(
                viewer=seen_by(moderator), seen=seen, verdict="rejected", reason="unkind"
            ),
            lambda row=row: voices.take_back(
                viewer=seen_by(resident), conversation_id=place.pk, number=row.number
            ),
        )
        row.refresh_from_db()
        if back is None:
            assert row.state == State.TAKEN_BACK and [one.pk for one in done.missed] == [row.pk]
            assert not row.decisions.exists()
        else:
            assert isinstance(back, voices.StatementGone)
            assert row.state == State.REJECTED and row.decisions.count() == 1


@pytest.mark.django_db(transaction=True)
def test_one_of_two_colleagues_settles_an_objection(
    place: Conversation, author: Participant, moderator: Person, resident: Person, seen_by: As,
    now: datetime,
) -> None:  # fmt: skip
    row = a_waiting(place, author)
    reject(seen_by(moderator), row)
    made = actions.appeal(
        viewer=seen_by(resident, at=now + timedelta(seconds=1)), participant=author,
        statement_id=row.pk, words="No.",
    )  # fmt: skip
    others = [seen_by(world.a_person(place.community, role=RoleKind.MODERATOR)) for _ in range(2)]
    came = at_once(
        *(
            lambda viewer=viewer, right=right: actions.settle_appeal(
                viewer=viewer, appeal_id=made.pk, is_right=right, answer="So."
            )
            for viewer, right in zip(others, (True, False), strict=True)
        )
    )
    assert sum(isinstance(one, actions.DecidedMeanwhile) for one in came) == 1
    made.refresh_from_db()
    row.refresh_from_db()
    assert row.state == (State.SHOWN if made.is_right else State.REJECTED)


@pytest.mark.django_db(transaction=True)
def test_two_statements_never_become_one_with_each_other(
    place: Conversation, moderator: Person, seen_by: As
) -> None:
    for _turn in range(4):
        one, other = (listen.a_statement(place) for _ in range(2))
        came = at_once(
            lambda one=one, other=other: actions.merge(
                viewer=seen_by(moderator), statement_id=one.pk, into=other.pk
            ),
            lambda one=one, other=other: actions.merge(
                viewer=seen_by(moderator), statement_id=other.pk, into=one.pk
            ),
        )
        assert sum(isinstance(result, actions.CannotBeOne) for result in came) == 1
        states = {Statement.objects.get(pk=row.pk).state for row in (one, other)}
        assert states == {State.SHOWN, State.MERGED}


@pytest.mark.django_db(transaction=True)
def test_an_answer_and_a_decision_at_once_leave_one_clear_state(
    place: Conversation, author: Participant, moderator: Person, resident: Person, seen_by: As
) -> None:
    row = a_waiting(place, author)
    asked = actions.suggest(viewer=seen_by(moderator), statement_id=row.pk, text="Other words.")
    seen = {row.pk: queries.mark(row)}
    done, answered = at_once(
        lambda: actions.decide(
            viewer=seen_by(moderator), seen=seen, verdict="rejected", reason="unkind"
        ),
        lambda: actions.answer_suggestion(
            viewer=seen_by(resident), participant=author, suggestion_id=asked.pk, takes_it=True
        ),
    )
    row.refresh_from_db()
    if isinstance(answered, actions.DecidedMeanwhile):
        assert row.state == State.REJECTED and Suggestion.objects.get().state == "lapsed"
    else:
        assert (row.state, row.text) == (State.SHOWN, "Other words.") and done.missed


@pytest.mark.django_db
def test_a_role_that_ended_decides_nothing(
    place: Conversation, author: Participant, moderator: Person, seen_by: As
) -> None:
    row = a_waiting(place, author)
    Role.objects.filter(person=moderator).delete()
    with pytest.raises(actions.PermissionDenied):
        reject(seen_by(moderator), row)
