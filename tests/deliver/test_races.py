"""Two who tell the same at the same moment: it stands once, and nobody's words are lost in silence."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import connections
from django.test import Client

from commonweal.deliver.milestones import actions
from commonweal.deliver.milestones.models import Delivery, Milestone, Post, Reminder
from commonweal.ground.journal.models import Entry
from commonweal.ground.people.models import Person
from commonweal.ground.places.models import Organisation, OrganisationMember
from commonweal.ground.places.rules import Viewer
from tests.deliver.conftest import days
from tests.factories import world
from tests.ground.conftest import smtp as smtp
from tests.smtp import Mailbox
from tests.visit import sign_in

THREADS = 16
pytestmark = pytest.mark.django_db(transaction=True)


def at_once(work: Callable[[int], Any]) -> list[Any]:
    """Do it in many threads that all start together; return what each came to."""
    gate = Barrier(THREADS)

    def one(number: int) -> Any:
        gate.wait()
        try:
            return work(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(one, range(THREADS)))


def test_a_milestone_that_two_people_say_is_reached_is_reached_once(
    delivery: Delivery, organisation: Organisation, member: Person, now: datetime
) -> None:
    other = world.a_person(delivery.project.pot.community)
    OrganisationMember.objects.create(organisation=organisation, person=other)
    step = Milestone.objects.create(
        delivery=delivery, title="Six lamps", seen="They are lit.", due_on=days(now, 30)
    )
    cookies = [sign_in(Client(), person).cookies for person in (member, other)]

    def reach(number: int) -> tuple[int, bool]:
        client = Client(raise_request_exception=False)
        client.cookies = cookies[number % 2]
        said = {
            "evidence": f"They are lit, says {number % 2}.",
            "done_on": f"{now:%Y-%m-%d}",
            "spent_pence": str(1_000 * (1 + number % 2)),
        }
        answer = client.post(f"/money/milestones/{step.pk}/reached/", said)
        return answer.status_code, b"just now" in answer.content

    answers = at_once(reach)
    assert set(answers) == {(302, False), (200, True)}, "the second is told, and nobody is refused"
    post = Post.objects.get(kind="done")
    assert Entry.objects.filter(what="delivery.milestone_reached").count() == 1
    step.refresh_from_db()
    delivery.refresh_from_db()
    assert step.evidence == post.words, "the words of the same person"
    assert delivery.spent_pence == step.spent_pence == post.spent_pence


def test_a_stop_and_an_end_at_the_same_moment_are_one_of_the_two(
    delivery: Delivery, member: Person, now: datetime
) -> None:
    def end(number: int) -> str:
        viewer = Viewer(delivery.authority, Person.objects.get(pk=member.pk), now)
        status = ("done", "stopped")[number % 2]
        try:
            actions.tell(
                viewer=viewer, project_id=delivery.project_id, status=status, words=status,
                happened_on=now.date(), money="It goes back.",
            )  # fmt: skip
        except actions.NotThatWay:
            return "refused"
        return status

    came = set(at_once(end))
    delivery.refresh_from_db()
    assert came == {delivery.status, "refused"}
    assert Post.objects.count() == 1


def test_one_record_begins_and_one_reminder_goes_out(
    delivery: Delivery, member: Person, clerk: Person, now: datetime, smtp: Mailbox
) -> None:
    Post.objects.all().delete()
    Delivery.objects.all().delete()
    at_once(lambda _number: actions.start_records(at=now))
    made = Delivery.objects.get()
    Delivery.objects.update(
        organisation=world.an_organisation(made.authority), spoken_at=now - timedelta(days=60)
    )
    Milestone.objects.create(
        delivery=made, title="Six lamps", seen="They are lit.", due_on=days(now, -60)
    )
    at_once(lambda _number: actions.write_reminders(at=now))
    numbers = list(Reminder.objects.values_list("pk", flat=True))
    assert numbers
    at_once(lambda _number: [actions.send_reminder(reminder_id=n, at=now) for n in numbers])
    assert sorted(m["to"] for m in smtp.messages) == sorted(
        Reminder.objects.values_list("person__email", flat=True)
    )
