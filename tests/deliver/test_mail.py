"""Who voted, signed or follows hears when a delivery moves: once, and never what they chose."""

from __future__ import annotations

import re
import tracemalloc
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from smtplib import SMTPRecipientsRefused
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commonweal.decide.ballots.models import Channel, Roll
from commonweal.decide.budgets.models import Pot
from commonweal.deliver.milestones import actions
from commonweal.deliver.milestones.models import Delivery, Milestone, Reminder
from commonweal.ground.journal.actions import record
from commonweal.ground.people.models import Person
from commonweal.ground.places.models import Authority, Community
from commonweal.ground.places.rules import Viewer
from commonweal.propose.proposals.models import Signature
from commonweal.spread.updates import actions as updates
from commonweal.spread.updates import queries, tasks
from commonweal.spread.updates.models import Because, Digest, Follow, Notice, Pace, Wave
from tests.deliver.conftest import a_counted_pot, days
from tests.factories import world
from tests.ground.conftest import smtp as smtp
from tests.smtp import Mailbox
from tests.visit import Page

pytestmark = pytest.mark.django_db
SeenBy = Callable[..., Viewer]
TOKEN = re.compile(r"[\w-]+:[\w-]+:[\w-]{20,}")  # signed, with the second it was made in


def _voted(pot: Pot, *people: Person) -> None:
    Roll.objects.bulk_create(Roll(pot=pot, person=person) for person in people)


def _signed(delivery: Delivery, *people: Person, at: datetime) -> None:
    Signature.objects.bulk_create(
        Signature(
            proposal=delivery.project.proposal, person=person, standing="resident", signed_at=at
        )
        for person in people
    )


def _move(viewer: Viewer, delivery: Delivery, status: str = "started", **given: Any) -> None:
    values = {"words": "The first lamp is ordered.", "happened_on": viewer.at.date(), **given}
    actions.tell(viewer=viewer, project_id=delivery.project_id, status=status, **values)


def _tell_all(at: datetime) -> None:
    updates.note_news(at=at)
    for lane in range(queries.LANES):
        for number in queries.some_to_tell(lane=lane, after=0, at=at):
            updates.tell(person_id=number, at=at)


def _receivers(post: Mailbox) -> list[str]:
    return sorted(mail["to"] for mail in post.messages)


def _addresses(people: Iterable[Person]) -> list[str]:
    return sorted(str(person.email) for person in people)


@pytest.fixture
def voter(delivery: Delivery, pot: Pot, community: Community) -> Person:
    """Return somebody who voted in the pot, and did nothing else."""
    person = world.a_person(community, name="Vera")
    _voted(pot, person)
    return person


def test_voters_signers_and_followers_hear_of_it_once_and_nobody_else(
    delivery: Delivery,
    pot: Pot,
    community: Community,
    member: Person,
    seen_by: SeenBy,
    now: datetime,
    smtp: Mailbox,
) -> None:
    voter, signer, follower, of_all, stranger, left = (world.a_person(community) for _n in range(6))
    _voted(pot, voter, of_all, left, member)
    _signed(delivery, signer, of_all, at=now)
    for person in (follower, of_all):
        viewer = seen_by(person, at=now - timedelta(days=9))
        updates.follow(viewer=viewer, challenge=pot.challenge)
    Person.objects.filter(pk=left.pk).update(email=None, is_active=False, erased_at=now, name="")
    Roll.objects.create(pot=pot, channel=Channel.PAPER)  # no account, no address
    _move(seen_by(member), delivery)
    for _twice in range(2):
        _tell_all(now)
    assert _receivers(smtp) == _addresses([voter, signer, follower, of_all])
    assert {n.person_id: n.because for n in Notice.objects.all()} == {
        voter.pk: Because.VOTED, signer.pk: Because.SIGNED,
        follower.pk: Because.FOLLOWS, of_all.pk: Because.FOLLOWS,
    }  # fmt: skip
    assert stranger.email not in _receivers(smtp), "nor whoever told it"


def test_the_mail_says_that_one_voted_and_nothing_of_what(
    delivery: Delivery, voter: Person, member: Person, seen_by: SeenBy, now: datetime, smtp: Mailbox
) -> None:
    other = world.a_person(delivery.project.pot.community)
    _voted(delivery.project.pot, other)
    _move(seen_by(member), delivery)
    _tell_all(now)
    texts = [mail.get_body(("plain",)).get_content() for mail in smtp.messages]
    assert len(texts) == 2
    (text,) = {TOKEN.sub("-", text) for text in texts}
    assert "Work is under way: “Lights on the path”" in text
    assert f"http://localhost:8000/money/projects/{delivery.project_id}/delivery/" in text
    assert "You get this because you voted in “The spring pot”." in text
    assert "it knows nothing of what you chose" in text
    mail = smtp.messages[0]
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert "Lights" not in mail["List-Unsubscribe"]


def test_at_most_one_mail_a_day_whatever_moves(
    delivery: Delivery, voter: Person, member: Person, seen_by: SeenBy, now: datetime, smtp: Mailbox
) -> None:
    for k, status in enumerate(("started", "delayed", "started", "delayed")):
        _move(seen_by(member, at=now + timedelta(hours=k)), delivery, status, words=f"{k}")
        _tell_all(now + timedelta(hours=k))
    assert len(smtp.messages) == 1
    _tell_all(now + timedelta(hours=24))
    assert len(smtp.messages) == 2
    assert "3 things that are new" in smtp.messages[1]["subject"]
    assert not Notice.objects.filter(sent_at__isnull=True).exists()


def test_a_slower_pace_and_a_stop_are_kept_in_one_place(
    delivery: Delivery,
    voter: Person,
    member: Person,
    seen_by: SeenBy,
    now: datetime,
    smtp: Mailbox,
) -> None:
    updates.change_pace(viewer=seen_by(voter), pace=Pace.WEEK)
    _move(seen_by(member), delivery)
    _tell_all(now)
    _move(seen_by(member, at=now + timedelta(days=1)), delivery, "delayed")
    _tell_all(now + timedelta(days=6))
    assert len(smtp.messages) == 1
    address = smtp.messages[0]["List-Unsubscribe"].strip(" <>").replace("http://localhost:8000", "")
    for _twice in range(2):
        body = {"List-Unsubscribe": "One-Click"}
        assert Client(enforce_csrf_checks=True).post(address, body).status_code == 200
    assert not Notice.objects.filter(sent_at__isnull=True).exists(), "nothing waits any more"
    _move(seen_by(member, at=now + timedelta(days=2)), delivery, "started")
    _tell_all(now + timedelta(days=9))
    assert len(smtp.messages) == 1
    assert Digest.objects.get().pace == Pace.WEEK, "how often stays as it was chosen"
    updates.hear_of_votes(viewer=seen_by(voter), hears=True)
    _move(seen_by(member, at=now + timedelta(days=10)), delivery, "delayed", words="Bats.")
    _tell_all(now + timedelta(days=11))
    assert len(smtp.messages) == 2


def test_my_part_has_the_one_place_for_mail(
    voter: Person, visit: Callable[..., Page], signed_in: Callable[..., Client]
) -> None:
    signed_in(voter)
    assert "/me/mail/" in visit("/me/").links
    assert "what becomes of the pots you voted in" in visit("/me/mail/").text
    assert (
        "You get no mail about what becomes" in visit("/me/mail/votes/", data={"hears": "no"}).text
    )
    assert Digest.objects.get().hears_of_votes is False
    assert "Stop mail about these" in visit("/me/mail/votes/", data={"hears": "yes"}).text
    (row,) = queries.personal(voter)
    assert row["hears_of_votes"] is True


def test_a_crash_between_sending_and_marking_sends_the_same_mail_again_under_its_number(
    delivery: Delivery,
    voter: Person,
    member: Person,
    seen_by: SeenBy,
    now: datetime,
    smtp: Mailbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _move(seen_by(member), delivery)
    updates.note_news(at=now)
    Digest.objects.create(person=voter)
    with monkeypatch.context() as broken:

        def die(*_given: Any, **_named: Any) -> None:
            raise MemoryError

        broken.setattr(Digest, "save", die)
        with pytest.raises(MemoryError):
            updates.tell(person_id=voter.pk, at=now)
    assert Notice.objects.get().sent_at is None
    assert [updates.tell(person_id=voter.pk, at=now) for _twice in range(2)] == [True, False]
    first, second = smtp.messages
    assert first["Message-ID"] == second["Message-ID"], "to whoever reads it, one mail"


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    votes=st.sets(st.integers(0, 11)),
    signs=st.sets(st.integers(0, 11)),
    follows=st.sets(st.integers(0, 11)),
    some=st.integers(1, 5),
    dies_after=st.integers(0, 6),
)
def test_some_at_a_time_and_killed_in_between_everybody_is_noted_once(
    votes: set[int],
    signs: set[int],
    follows: set[int],
    some: int,
    dies_after: int,
    delivery: Delivery,
    pot: Pot,
    now: datetime,
    people: list[Person],
) -> None:
    with transaction.atomic(), pytest.MonkeyPatch.context() as patch:
        _voted(pot, *(people[k] for k in votes))
        _signed(delivery, *(people[k] for k in signs), at=now)
        Follow.objects.bulk_create(
            Follow(person=people[k], challenge=pot.challenge, since=now - timedelta(days=1))
            for k in follows
        )
        record(what="delivery.started", who=None, about=delivery, at=now, public=True)
        patch.setattr(updates, "SOME", some)
        whole, calls = updates._note_some, iter(range(100))

        def dying(number: int, at: datetime) -> int | None:
            if next(calls) == dies_after:
                raise KeyboardInterrupt
            return whole(number, at)

        patch.setattr(updates, "_note_some", dying)
        with suppress(KeyboardInterrupt):
            updates.note_news(at=now)
        patch.setattr(updates, "_note_some", whole)
        updates.note_news(at=now)
        noted = list(Notice.objects.values_list("person_id", flat=True))
        assert sorted(noted) == sorted(people[k].pk for k in votes | signs | follows)
        assert not Wave.objects.filter(done_at__isnull=True).exists()
        transaction.set_rollback(True)


@pytest.fixture
def people(community: Community) -> list[Person]:
    """Return a dozen people."""
    return [world.a_person(community) for _n in range(12)]


def test_a_hundred_thousand_voters_are_noted_without_reading_one_of_them(
    delivery: Delivery, pot: Pot, member: Person, seen_by: SeenBy, now: datetime
) -> None:
    before = Person.objects.count()
    crowd = 100_000
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO people_person (password, email, name, theme, is_active, joined_at)"
            " SELECT '', 'v' || n || '@example.org', '', '', true, now()"
            " FROM generate_series(1, %s) n",
            [crowd],
        )
        cursor.execute(
            "INSERT INTO ballots_roll (id, pot_id, person_id, channel)"
            " SELECT id, %s, id, 'online' FROM people_person ORDER BY id OFFSET %s",
            [pot.pk, before],
        )
    _move(seen_by(member), delivery)
    tracemalloc.start()
    with CaptureQueriesContext(connection) as asked:
        assert updates.note_news(at=now) == crowd
    held = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert held < 3_000_000, "bytes at most, however many voted"
    assert len(asked) < 8 * (crowd // updates.SOME + 2)
    assert len(queries.some_to_tell(lane=1, after=0, at=now)) == queries.AT_ONCE


def test_the_job_goes_on_from_some_to_some_and_a_refused_address_holds_nobody_up(
    delivery: Delivery,
    pot: Pot,
    people: list[Person],
    member: Person,
    seen_by: SeenBy,
    now: datetime,
    smtp: Mailbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(queries, "LANES", 1)
    monkeypatch.setattr(queries, "AT_ONCE", 5)
    queued: list[dict[str, Any]] = []
    monkeypatch.setattr(tasks, "later", lambda _name, **given: queued.append(given))
    _voted(pot, *people)
    _move(seen_by(member, at=now - timedelta(minutes=1)), delivery)
    whole, poor = updates.tell, people[2].pk

    def tell(*, person_id: int, at: datetime) -> bool:
        if person_id == poor:
            raise SMTPRecipientsRefused({"nobody@example.org": (550, b"No such person")})
        return whole(person_id=person_id, at=at)

    monkeypatch.setattr(updates, "tell", tell)
    tasks.look_for_news(timestamp=0)
    refused = 0
    while queued:
        job = queued.pop()
        try:
            tasks.tell_some(lane=job["lane"], after=job["after"])
        except SMTPRecipientsRefused:
            refused += 1
    assert refused == 1
    assert _receivers(smtp) == _addresses(person for person in people if person.pk != poor)


def test_news_of_a_pot_of_another_place_stays_there(
    elsewhere: Authority, voter: Person, now: datetime, smtp: Mailbox
) -> None:
    theirs = world.a_challenge(elsewhere)
    pot = a_counted_pot(theirs, now)
    pot.projects.update(is_funded=True)
    actions.start_records(at=now)
    record(
        what="delivery.started", who=None, about=Delivery.objects.filter(project__pot=pot)[0],
        at=now, public=True,
    )  # fmt: skip
    _tell_all(now)
    assert smtp.messages == []


# --- those who run it are reminded


@pytest.fixture
def silent(delivery: Delivery, now: datetime) -> Delivery:
    """Return a delivery with a milestone 40 days late, and no word since 44 days."""
    Milestone.objects.create(
        delivery=delivery, title="Six lamps", seen="They are lit.", due_on=days(now, -40)
    )
    return delivery


def _remind(at: datetime) -> None:
    actions.write_reminders(at=at)
    for number in list(Reminder.objects.filter(sent_at__isnull=True).values_list("pk", flat=True)):
        for _twice in range(2):
            actions.send_reminder(reminder_id=number, at=at)


def test_who_falls_silent_is_reminded_with_the_clerk_once_a_month(
    silent: Delivery, member: Person, clerk: Person, resident: Person, now: datetime, smtp: Mailbox
) -> None:
    Milestone.objects.update(due_on=days(now, -40))
    setter = silent.project.pot.created_by
    for hours in (0, 1, 24 * 29):
        _remind(now + timedelta(hours=hours))
    assert _receivers(smtp) == _addresses([member, clerk, setter])
    text = smtp.text()
    assert "How does it go with “Lights on the path”?" in text
    assert f"/money/projects/{silent.project_id}/delivery/" in text
    _remind(now + timedelta(days=31))
    assert len(smtp.messages) == 6


@pytest.mark.parametrize(
    "change",
    [
        lambda d, now: Delivery.objects.update(spoken_at=now - timedelta(days=29)),
        lambda d, now: Delivery.objects.update(status="stopped"),
        lambda d, now: Milestone.objects.update(is_dropped=True),
        lambda d, now: Milestone.objects.update(due_on=days(now, -29)),
        lambda d, now: Milestone.objects.update(done_on=days(now, -40), evidence="Lit."),
    ],
    ids=["spoken", "stopped", "dropped", "not so late", "reached"],
)
def test_nobody_is_reminded_without_need(
    change: Callable[[Delivery, datetime], Any], silent: Delivery, now: datetime, smtp: Mailbox
) -> None:
    change(silent, now)
    _remind(now)
    assert smtp.messages == []


def test_what_came_of_it_is_asked_at_the_end_and_every_year(
    delivery: Delivery, member: Person, seen_by: SeenBy, now: datetime, smtp: Mailbox
) -> None:
    def asked(at: datetime) -> bool:
        Reminder.objects.all().delete()
        smtp.messages.clear()
        _remind(at)
        return "What came of “Lights on the path”?" in {m["subject"] for m in smtp.messages}

    assert not asked(now)
    assert asked(now + timedelta(days=322)), "a year after the vote, while it goes on"
    _move(seen_by(member), delivery, "done")
    assert asked(now)
    actions.say_what_came(
        viewer=seen_by(member, at=now + timedelta(days=1)),
        project_id=delivery.project_id,
        came="not-yet",  # type: ignore[arg-type]
        measured="",
        words="The lamps have only just been lit.",
        happened_on=days(now, 1),
    )
    assert not asked(now + timedelta(days=300))
    assert asked(now + timedelta(days=367))
    assert not asked(now + timedelta(days=4 * 365)), "not for ever"


def test_hostile_words_in_a_title_stay_words_in_the_reminder(
    silent: Delivery, member: Person, now: datetime, smtp: Mailbox
) -> None:
    type(silent.project).objects.update(title="<b>x</b>\r\nBcc: a@evil.example {{ 7 }}")
    _remind(now)
    assert all(mail["bcc"] is None for mail in smtp.messages)
    assert "&lt;b&gt;x" in smtp.text("html")


def test_a_leaver_takes_their_reminders_along(
    silent: Delivery, member: Person, now: datetime, smtp: Mailbox
) -> None:
    actions.write_reminders(at=now)
    Person.objects.filter(pk=member.pk).update(is_active=False)
    number = Reminder.objects.get(person=member).pk
    assert not actions.send_reminder(reminder_id=number, at=now)
    actions.let_stand(member, now)
    assert not Reminder.objects.filter(person=member).exists()
