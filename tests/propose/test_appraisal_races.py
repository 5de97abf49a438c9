"""Many hands on one appraisal at the same moment leave one clear state."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied

from commonweal.ground.journal.models import Entry
from commonweal.propose.appraisals import actions
from commonweal.propose.appraisals.models import Answer, Appraisal, State
from tests.factories import world
from tests.propose.test_races import THREADS, at_once

pytestmark = pytest.mark.django_db(transaction=True)
KNOWN = (actions.NotNow, actions.OthersTurn, actions.ChangedMeanwhile, PermissionDenied)


@pytest.fixture
def clerks(authority):
    return [world.a_person(world.root(authority), role="clerk") for _ in range(4)]


def test_sixteen_beginnings_are_one_draft(idea, clerks, as_):
    turn = iter(range(THREADS))

    def begin() -> int:
        viewer = as_(clerks[next(turn) % 4])
        return actions.begin_appraisal(viewer=viewer, proposal_id=idea.pk).pk

    assert len(set(at_once(begin))) == 1
    assert Entry.objects.filter(what="appraisal.begun").count() == 1


def test_only_one_of_many_colleagues_saves_from_the_same_page(idea, clerks, as_):
    draft = actions.begin_appraisal(viewer=as_(clerks[0]), proposal_id=idea.pk)
    turn = iter(range(THREADS))

    def save() -> int:
        n = next(turn)
        try:
            actions.save_words(
                viewer=as_(clerks[n % 4]), appraisal_id=draft.pk, version=0,
                words=f"Words {n}", changes="", days=10,
            )  # fmt: skip
        except actions.ChangedMeanwhile:
            return 0
        return 1

    assert sum(at_once(save)) == 1
    assert Appraisal.objects.get().version == 1


def test_in_the_second_the_days_end_an_appeal_counts_or_is_refused(
    idea, resident, clerks, now, as_
):
    """What was told to be in time is decided by somebody; what stands was not appealed."""
    shown = world.an_appraisal(idea, state=State.SHOWN, by=clerks[0])
    due = shown.answer_due_at
    last = (due - now - timedelta(microseconds=1)).total_seconds()
    turn = iter(range(THREADS))

    def act() -> int:
        n = next(turn)
        if n % 2:
            return 2 * actions.settle_when_due(appraisal_id=shown.pk, at=due)
        try:
            actions.appeal_appraisal(
                viewer=as_(resident, later=last), appraisal_id=shown.pk, words=f"No {n}"
            )
        except actions.NotNow:
            return 0
        return 1

    done = at_once(act)
    shown.refresh_from_db()
    if shown.state == State.FINAL:
        assert done.count(2) == 1 and 1 not in done and not Answer.objects.exists()
    else:
        assert shown.state == State.APPEALED and 2 not in done and 1 in done
        assert Answer.objects.count() == 1


def test_two_who_decide_at_once_decide_once(idea, clerks, as_):
    held = world.an_appraisal(idea, state=State.APPEALED, by=clerks[0])
    turn = iter(range(THREADS))

    def decide() -> int:
        n = next(turn)
        try:
            actions.decide_appeal(
                viewer=as_(clerks[n % 4]), appraisal_id=held.pk,
                decision=("stands", "anew")[n // 4 % 2], words="Because.",
            )  # fmt: skip
        except KNOWN:
            return 0
        return 1

    assert sum(at_once(decide)) == 1
    held.refresh_from_db()
    assert held.decided_by_id not in held.hands
    assert Appraisal.objects.filter(state__in=Appraisal.OPEN).count() <= 1


def test_taking_back_and_answering_at_once_leaves_one_to_answer(idea, resident, clerks, as_):
    shown = world.an_appraisal(idea, state=State.SHOWN, by=clerks[0])
    turn = iter(range(THREADS))

    def act() -> int:
        n = next(turn)
        with suppress(*KNOWN):
            if n % 3 == 0:
                actions.take_back(viewer=as_(clerks[0]), appraisal_id=shown.pk)
            elif n % 3 == 1:
                actions.accept_appraisal(viewer=as_(resident), appraisal_id=shown.pk)
            else:
                actions.appeal_appraisal(viewer=as_(resident), appraisal_id=shown.pk, words="No")
        return 0

    at_once(act)
    shown.refresh_from_db()
    kept = Appraisal.objects.exclude(state=State.REPLACED)
    assert kept.count() == 1
    if shown.state == State.FINAL:
        assert Answer.objects.get().kind == "accepted"
        assert Entry.objects.filter(what="appraisal.found_feasible").count() == 1
    elif shown.state == State.REPLACED:
        assert kept.get().state == State.DRAFT
