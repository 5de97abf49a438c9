"""Many copies of one request at the same moment leave what one would leave."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connections
from django.test import Client

from commonweal.ground.journal.models import Entry
from commonweal.propose.proposals import actions
from commonweal.propose.proposals.models import Comment, Merge, Proposal, Signature, Status
from tests.factories import world
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


def test_two_merges_at_once_and_a_yes_taken_back_leave_one_clear_state(
    challenge, idea, resident, neighbour, as_
):
    """Whatever order they come in: an idea joins one other at most, and never without every yes."""
    other = world.a_proposal(challenge, author=neighbour)
    third = world.a_proposal(challenge, author=neighbour)
    sides = ((idea, other), (third, other), (idea, third))
    made = [
        actions.suggest_merge(
            viewer=as_(neighbour), lead_id=lead.pk, joining_id=joining.pk, why="Alike"
        )
        for lead, joining in sides[:1]
    ]
    made.append(
        Merge.objects.create(
            authority=idea.authority,
            lead=other,
            joining=third,
            suggested_by=neighbour,
            suggested_at=idea.created_at,
        )
    )
    turn = iter(range(THREADS))

    def act() -> int:
        n = next(turn)
        answer = actions.unsay_merge if n % 4 == 3 else actions.agree_to_merge
        who = (resident, neighbour)[n // 2 % 2]
        try:
            answer(viewer=as_(who), merge_id=made[n % 2].pk)
        except (actions.Answered, actions.CannotBeOne, PermissionDenied):
            return 0
        return 1

    at_once(act)
    done = list(Merge.objects.filter(state="merged"))
    assert len({merge.joining_id for merge in done}) == len(done)
    assert not {merge.lead_id for merge in done} & {merge.joining_id for merge in done}
    for merge in done:
        authors = {merge.lead.author_id, merge.joining.author_id}
        assert authors <= set(merge.consents.values_list("person", flat=True))
        assert merge.joining.status == Status.MERGED
    gone = Proposal.objects.filter(status=Status.MERGED).count()
    assert gone == len(done)


def test_joining_and_signing_at_once_counts_every_name_once(
    challenge, idea, resident, neighbour, community, as_
):
    other = world.a_proposal(challenge, author=neighbour)
    made = actions.suggest_merge(
        viewer=as_(neighbour), lead_id=idea.pk, joining_id=other.pk, why="Alike"
    )
    people = [world.a_person(community) for _ in range(THREADS - 1)]
    turn = iter(range(THREADS))

    def act() -> int:
        n = next(turn)
        try:
            if n == 7:
                actions.agree_to_merge(viewer=as_(resident), merge_id=made.pk)
            else:
                where = (idea, other)[n % 2]
                actions.sign_proposal(
                    viewer=as_(people[n - (n > 7)]), proposal_id=where.pk, standing="resident"
                )
        except actions.NotTakingNames:
            return 0
        return 1

    signed = sum(at_once(act)) - 1
    assert Signature.objects.filter(proposal=idea).count() == signed
    assert Proposal.objects.get(pk=other.pk).status == Status.MERGED


def test_parting_sixteen_times_parts_once(challenge, idea, resident, neighbour, as_):
    other = world.a_proposal(challenge, author=neighbour)
    made = actions.suggest_merge(
        viewer=as_(neighbour), lead_id=idea.pk, joining_id=other.pk, why="Alike"
    )
    actions.agree_to_merge(viewer=as_(resident), merge_id=made.pk)
    turn = iter(range(THREADS))

    def act() -> int:
        if next(turn) % 2:
            actions.undo_merge(viewer=as_(neighbour), merge_id=made.pk)
        else:
            try:
                actions.withdraw_proposal(viewer=as_(resident), proposal_id=idea.pk)
            except actions.WordsStand:
                return 0
        return 1

    at_once(act)
    assert Entry.objects.filter(what="proposal.merge_undone").count() == 1
    assert Proposal.objects.get(pk=other.pk).status == Status.PUBLISHED
