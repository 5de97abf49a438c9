"""Many copies of one request at the same moment leave what one would leave."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connections
from django.test import Client

from commonweal.ground.journal.models import Entry
from commonweal.propose.proposals import actions
from commonweal.propose.proposals.models import Comment, Proposal, Signature, Status
from tests.visit import sign_in

THREADS = 16
pytestmark = pytest.mark.django_db(transaction=True)


def at_once(work: Callable[[], int]) -> list[int]:
    """Do the same in many threads that all start together; return what each came to."""
    gate = Barrier(THREADS)

    def one(_: int) -> int:
        gate.wait()
        try:
            return work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(one, range(THREADS)))


def cookies_of(person):
    return sign_in(Client(), person).cookies


def test_sixteen_signatures_of_one_person_are_one(idea, neighbour):
    cookies = cookies_of(neighbour)

    def sign() -> int:
        client = Client(raise_request_exception=False)
        client.cookies = cookies
        return client.post(f"/ideas/{idea.pk}/sign/", {}).status_code

    assert set(at_once(sign)) == {302}
    assert Signature.objects.count() == 1
    assert Entry.objects.filter(what="proposal.signed").count() == 1


def test_publishing_sixteen_times_publishes_once(draft, resident):
    cookies = cookies_of(resident)

    def publish() -> int:
        client = Client(raise_request_exception=False)
        client.cookies = cookies
        return client.post(f"/ideas/{draft.pk}/publish/", {}).status_code

    assert set(at_once(publish)) == {302}
    assert Proposal.objects.get().status == Status.PUBLISHED
    assert Entry.objects.filter(what="proposal.published").count() == 1


def test_the_limit_an_hour_cannot_be_run_past(idea, neighbour, as_):
    viewer = as_(neighbour)
    for _ in range(actions.COMMENTS_AN_HOUR - 2):
        actions.write_comment(
            viewer=viewer, proposal_id=idea.pk, standing="resident", body="Before"
        )

    def say() -> int:
        try:
            actions.write_comment(
                viewer=as_(neighbour), proposal_id=idea.pk, standing="resident", body="Now"
            )
        except actions.TooManyComments:
            return 0
        return 1

    assert sum(at_once(say)) == 2
    assert Comment.objects.count() == actions.COMMENTS_AN_HOUR


def test_only_one_of_many_old_windows_writes(draft, resident, as_):
    seen = draft.version(actions.Part.BETTER)
    words = iter([f"Words {n}" for n in range(THREADS)])

    def write() -> int:
        try:
            actions.save_part(
                viewer=as_(resident),
                proposal_id=draft.pk,
                part="better",
                version=seen,
                better=next(words),
            )
        except actions.ChangedMeanwhile:
            return 0
        return 1

    assert sum(at_once(write)) == 1
