"""Telling how a project goes: the ways it may go, its money, its milestones, and corrections."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, IntegrityError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commonweal.decide.budgets.models import Pot, Project
from commonweal.deliver.milestones import actions, queries
from commonweal.deliver.milestones.models import (
    MOVES,
    Came,
    Delivery,
    Kind,
    Milestone,
    Post,
    Status,
)
from commonweal.ground.journal.models import Entry
from commonweal.ground.people.models import Person
from commonweal.ground.places.models import Authority, Organisation, OrganisationMember
from commonweal.ground.places.rules import Viewer
from tests.deliver.conftest import COST, days
from tests.factories import world

pytestmark = pytest.mark.django_db
SeenBy = Callable[..., Viewer]


def _tell(viewer: Viewer, delivery: Delivery, status: str = "", **given: Any) -> Post:
    values = {
        "words": "Because it is so.", "happened_on": viewer.at.date(),
        "money": "It goes back into the pot." if status == Status.STOPPED else "", **given,
    }  # fmt: skip
    return actions.tell(viewer=viewer, project_id=delivery.project_id, status=status, **values)


def _plan(viewer: Viewer, delivery: Delivery, due_on: date, title: str = "Six lamps") -> Milestone:
    return actions.plan_milestone(
        viewer=viewer,
        project_id=delivery.project_id,
        title=title,
        seen="Six lamps are lit.",
        due_on=due_on,
        words="The first part of the path.",
    )


def _reach(viewer: Viewer, step: Milestone, **given: Any) -> Post:
    values = {"done_on": viewer.at.date(), "evidence": "They are lit from five.", **given}
    return actions.reach_milestone(viewer=viewer, milestone_id=step.pk, **values)


# --- the record begins


def test_a_record_begins_for_what_was_funded_once_and_for_nothing_else(
    project: Project, pot: Pot, now: datetime
) -> None:
    Project.objects.filter(pk=project.pk).update(run_by="Highways team")
    assert [actions.start_records(at=now) for _twice in range(2)] == [1, 0]
    made = Delivery.objects.get()
    assert (made.project, made.cost_pence, made.status) == (project, COST, Status.PLANNED)
    assert made.run_by == "Highways team"
    assert not Post.objects.exists(), "nobody has told anything yet"


# --- laws

STEPS = st.tuples(
    st.sampled_from([*Status.values, ""]),
    st.sampled_from(["", "   ", "Because."]),
    st.sampled_from(["", " ", "Back into the pot."]),
    st.one_of(st.none(), st.integers(0, 2 * COST)),
    st.sampled_from(["", " ", "The trust pays the rest."]),
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=st.lists(STEPS, max_size=8))
def test_whatever_is_told_the_record_keeps_its_laws(
    steps: list[Any], delivery: Delivery, member: Person, authority: Authority, now: datetime
) -> None:
    with transaction.atomic():
        for k, (status, words, money, spent, overspend) in enumerate(steps):
            before = Delivery.objects.get(pk=delivery.pk)
            viewer = Viewer(authority, member, now + timedelta(minutes=k))
            told = Post.objects.count()
            given = {"words": words, "money": money, "spent_pence": spent, "overspend": overspend}
            try:
                with transaction.atomic():
                    _tell(viewer, delivery, status, **given)
            except (actions.NotThatWay, actions.NothingSaid, actions.MoreThanItGot):
                after = Delivery.objects.get(pk=delivery.pk)
                assert (after.status, after.spent_pence) == (before.status, before.spent_pence)
                assert Post.objects.count() == told, "nothing half saved"
                continue
            after = Delivery.objects.get(pk=delivery.pk)
            assert words.strip(), "every change is explained: also the one back from the end"
            assert after.status == before.status or after.status in MOVES[before.status]
            if status == Status.STOPPED:
                assert money.strip(), "a stop says what happens to the money"
            if after.spent_pence > after.cost_pence:
                assert after.overspend, "more than the vote gave is never spent in silence"
            if spent is not None:
                assert after.spent_pence == spent
        ways = Post.objects.filter(kind=Kind.STATUS).order_by("at", "pk")
        stood = Status.PLANNED
        for was, status in ways.values_list("was", "status"):
            assert was == stood, "the posts alone tell the whole way"
            stood = status
        assert Delivery.objects.get(pk=delivery.pk).status == stood
        transaction.set_rollback(True)


@pytest.mark.parametrize("was", Status.values)
@pytest.mark.parametrize("status", Status.values)
def test_the_database_itself_knows_the_ways(
    was: str, status: str, delivery: Delivery, member: Person, now: datetime
) -> None:
    def write() -> None:
        Post.objects.create(
            delivery=delivery, kind=Kind.STATUS, at=now, who=member, words="Why.",
            happened_on=now.date(), was=was, status=status, money="Back.",
        )  # fmt: skip

    if status in MOVES[was]:
        write()
    else:
        with pytest.raises(IntegrityError), transaction.atomic():
            write()


@pytest.mark.parametrize(
    "broken",
    [
        {"words": ""},
        {"words": " \n\t"},
        {"status": "stopped", "money": " "},
        {"status": "", "was": "planned"},
        {"kind": "word"},
        {"kind": "outcome", "status": "", "was": ""},
        {"kind": "correction", "status": "", "was": ""},
        {"kind": "rumour", "status": "", "was": ""},
    ],
)
def test_the_database_refuses_a_post_that_leaves_out_what_matters(
    broken: dict[str, str], delivery: Delivery, member: Person, now: datetime
) -> None:
    whole = {"kind": "status", "was": "planned", "status": "started", "words": "Why.", "money": ""}
    with pytest.raises(IntegrityError), transaction.atomic():
        Post.objects.create(
            delivery=delivery, at=now, who=member, happened_on=now.date(), **{**whole, **broken}
        )


def test_the_database_refuses_to_spend_more_in_silence(delivery: Delivery) -> None:
    delivery.spent_pence = COST + 1
    with pytest.raises(IntegrityError), transaction.atomic():
        delivery.save()
    delivery.overspend = "The trust pays the rest."
    delivery.save()


def test_what_was_told_cannot_be_changed_or_taken_away(
    delivery: Delivery, member: Person, seen_by: SeenBy
) -> None:
    _tell(seen_by(member), delivery, "started")
    for sql in (
        "UPDATE milestones_post SET words = 'All is well.'",
        "DELETE FROM milestones_post",
        "SET session_replication_role = replica; DELETE FROM milestones_post",
    ):
        with (
            pytest.raises(DatabaseError, match="what was told of a delivery stays"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(sql)
    assert Post.objects.get().words == "Because it is so."


def test_an_organisation_of_another_place_runs_nothing_here(
    delivery: Delivery, elsewhere: Authority, clerk: Person, seen_by: SeenBy
) -> None:
    theirs = world.an_organisation(elsewhere)
    with pytest.raises(PermissionDenied):
        actions.name_who_runs(
            viewer=seen_by(clerk), project_id=delivery.project_id, organisation=theirs,
            run_by="", words="Why.",
        )  # fmt: skip
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        Delivery.objects.filter(pk=delivery.pk).update(organisation=theirs)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


# --- one turn


def test_a_delay_a_stop_and_a_new_start_are_told_with_their_reasons(
    delivery: Delivery, member: Person, organisation: Organisation, seen_by: SeenBy, now: datetime
) -> None:
    due = date(now.year + 1, 3, 31)
    _tell(seen_by(member), delivery, "started", words="The first lamp is ordered.")
    _tell(seen_by(member), delivery, "delayed", words="The bats nest until May.", due_on=due)
    delivery.refresh_from_db()
    assert (delivery.status, delivery.due_on) == (Status.DELAYED, due)
    with pytest.raises(actions.NothingSaid):
        _tell(seen_by(member), delivery, "stopped", words="The wall fell.", money="")
    stop = _tell(seen_by(member), delivery, "stopped", words="The wall fell.", money="Kept.")
    assert (stop.was, stop.organisation) == ("delayed", organisation)
    with pytest.raises(actions.NotThatWay):
        _tell(seen_by(member), delivery, "done")
    _tell(seen_by(member), delivery, "started", words="The wall stands again.")
    told = Entry.objects.filter(what__startswith="delivery.").order_by("pk")
    assert [entry.what.partition(".")[2] for entry in told] == [
        "started", "delayed", "stopped", "started",
    ]  # fmt: skip
    assert all(entry.is_public and entry.community_id for entry in told)
    assert "bats" not in str([entry.facts for entry in told]), "words stay out of the journal"


def test_the_same_word_sent_twice_stands_once(
    delivery: Delivery, member: Person, seen_by: SeenBy
) -> None:
    first, second = (_tell(seen_by(member), delivery, "started") for _twice in range(2))
    assert first == second
    assert Post.objects.count() == Entry.objects.filter(what="delivery.started").count() == 1


@pytest.mark.parametrize("day", [1, -400])
def test_a_day_that_cannot_be_is_refused(
    day: int, delivery: Delivery, member: Person, seen_by: SeenBy, now: datetime
) -> None:
    with pytest.raises(actions.NoSuchDay):
        _tell(seen_by(member), delivery, "started", happened_on=days(now, day))
    assert not Post.objects.exists()


# --- milestones


def test_a_milestone_is_planned_moved_and_reached(
    delivery: Delivery, member: Person, seen_by: SeenBy, now: datetime
) -> None:
    viewer = seen_by(member)
    step = _plan(viewer, delivery, days(now, 30))
    later = {"title": "Six lamps", "seen": "Six lamps are lit.", "words": "The bats."}
    actions.change_milestone(viewer=viewer, milestone_id=step.pk, due_on=days(now, 60), **later)
    _reach(viewer, step, spent_pence=12_000_00)
    step.refresh_from_db()
    delivery.refresh_from_db()
    assert (step.done_on, step.spent_pence, delivery.spent_pence) == (
        now.date(), 12_000_00, 12_000_00,
    )  # fmt: skip
    codes = Entry.objects.filter(what__startswith="delivery.milestone").order_by("pk")
    assert list(codes.values_list("what", flat=True)) == [
        "delivery.milestone_planned", "delivery.milestone_moved", "delivery.milestone_reached",
    ]  # fmt: skip
    assert codes.last().facts == {"spent_pence": 12_000_00, "cost_pence": COST}  # type: ignore[union-attr]
    planned, moved, _reached = Post.objects.order_by("pk")
    assert (planned.due_on, moved.due_on) == (days(now, 30), days(now, 60))


def test_what_is_open_keeps_a_delivery_from_being_done(
    delivery: Delivery, member: Person, seen_by: SeenBy, now: datetime
) -> None:
    viewer = seen_by(member)
    lamps = _plan(viewer, delivery, days(now, 30))
    signs = _plan(viewer, delivery, days(now, 60), title="Signs")
    with pytest.raises(actions.StillOpen) as refused:
        _tell(viewer, delivery, "done")
    assert refused.value.titles == ["Six lamps", "Signs"]
    _reach(viewer, lamps)
    actions.drop_milestone(viewer=viewer, milestone_id=signs.pk, words="The path is easy to find.")
    _tell(viewer, delivery, "done")
    with pytest.raises(actions.NoLongerOpen):
        _plan(viewer, delivery, days(now, 90), title="One more")
    with pytest.raises(actions.NoLongerOpen):
        actions.drop_milestone(viewer=viewer, milestone_id=lamps.pk, words="No.")


def test_more_than_the_vote_gave_needs_to_say_who_pays(
    delivery: Delivery, member: Person, seen_by: SeenBy, now: datetime
) -> None:
    step = _plan(seen_by(member), delivery, days(now, 30))
    with pytest.raises(actions.MoreThanItGot) as refused:
        _reach(seen_by(member), step, spent_pence=COST + 500)
    assert refused.value.pence == 500
    step.refresh_from_db()
    assert step.done_on is None, "nothing half saved"
    _reach(seen_by(member), step, spent_pence=COST + 500, overspend="The trust.")
    assert Delivery.objects.get().overspend == "The trust."
    actions.correct(
        viewer=seen_by(member),
        post_id=Post.objects.get(kind="done").pk,
        words="It was less: the fitter gave back £10.",
        spent_pence=COST - 500,
    )
    assert Delivery.objects.get().overspend == "", "within its money there is nothing to explain"


# --- corrections


def test_a_mistake_is_put_right_beside_what_was_told(
    delivery: Delivery, member: Person, seen_by: SeenBy, now: datetime
) -> None:
    step = _plan(seen_by(member), delivery, days(now, 30))
    wrong = _reach(seen_by(member), step, evidence="All six are lit.", spent_pence=9_000_00)
    right = actions.correct(
        viewer=seen_by(member),
        post_id=wrong.pk,
        words="Only four are lit. We counted the wrong path.",
        spent_pence=6_000_00,
        is_undone=True,
    )
    step.refresh_from_db()
    assert (step.done_on, step.evidence) == (None, "")
    assert Delivery.objects.get().spent_pence == 6_000_00
    wrong.refresh_from_db()
    assert wrong.words == "All six are lit."
    assert list(wrong.corrections.all()) == [right]
    _reach(seen_by(member), step, evidence="Now all six are lit.")
    assert Milestone.objects.get().done_on == now.date()


def test_a_delivery_that_is_done_says_first_that_it_goes_on(
    delivery: Delivery, member: Person, seen_by: SeenBy, now: datetime
) -> None:
    step = _plan(seen_by(member), delivery, days(now, 30))
    wrong = _reach(seen_by(member), step)
    _tell(seen_by(member), delivery, "done")
    with pytest.raises(actions.NotThatWay):
        actions.correct(viewer=seen_by(member), post_id=wrong.pk, words="No.", is_undone=True)
    assert Post.objects.filter(kind="correction").count() == 0


# --- outcomes


def test_what_was_measured_stands_beside_what_was_promised(
    delivery: Delivery, member: Person, seen_by: SeenBy, now: datetime
) -> None:
    actions.say_what_came(
        viewer=seen_by(member),
        project_id=delivery.project_id,
        came=Came.LESS,
        measured="41 of 100 walk home after dark; before, 35.",
        words="The far end is still dark.",
        happened_on=now.date(),
    )
    delivery = Delivery.objects.select_related("project__proposal").get()
    assert delivery.measured_at == now
    assert delivery.promised == "People walk home after dark."
    assert Entry.objects.filter(what="delivery.measured").count() == 1


# --- who may


def test_only_those_who_run_it_or_its_pot_tell_of_it(
    delivery: Delivery,
    authority: Authority,
    elsewhere: Authority,
    organisation: Organisation,
    resident: Person,
    moderator: Person,
    member: Person,
    clerk: Person,
    leader: Person,
    seen_by: SeenBy,
    now: datetime,
) -> None:
    step = _plan(seen_by(member), delivery, days(now, 30))
    post = Post.objects.get()
    other = world.an_organisation(authority)
    of_another = world.a_person(world.root(authority))
    OrganisationMember.objects.create(organisation=other, person=of_another)
    gone = world.a_person(world.root(authority))
    OrganisationMember.objects.create(organisation=organisation, person=gone)
    Person.objects.filter(pk=gone.pk).update(is_active=False)
    doings: list[Callable[[Viewer], Any]] = [
        lambda v: _tell(v, delivery, "started"),
        lambda v: _plan(v, delivery, days(now, 40), title="Signs"),
        lambda v: _reach(v, step),
        lambda v: actions.drop_milestone(viewer=v, milestone_id=step.pk, words="No."),
        lambda v: actions.change_milestone(
            viewer=v, milestone_id=step.pk, title="X", seen="Y", due_on=days(now, 9), words="No."
        ),
        lambda v: actions.correct(viewer=v, post_id=post.pk, words="No."),
        lambda v: actions.say_what_came(
            viewer=v, project_id=delivery.project_id, came=Came.MORE, measured="1", words="No.",
            happened_on=now.date(),
        ),
    ]  # fmt: skip
    for person in (None, resident, moderator, of_another, gone):
        for do in doings:
            with pytest.raises(PermissionDenied), transaction.atomic():
                do(seen_by(person))
    for do in doings:
        there = seen_by(member, authority=elsewhere)
        with pytest.raises((Delivery.DoesNotExist, Milestone.DoesNotExist, Post.DoesNotExist)):
            do(there)
    assert Post.objects.count() == 1
    for person in (member, clerk, leader):
        _tell(seen_by(person), delivery, words=f"Says {person.name}.")
    assert Post.objects.count() == 4


def test_who_runs_it_is_for_those_who_run_the_pot_to_say(
    delivery: Delivery,
    authority: Authority,
    organisation: Organisation,
    member: Person,
    clerk: Person,
    seen_by: SeenBy,
) -> None:
    other = world.an_organisation(authority, name="Lamp lighters")
    given = {
        "project_id": delivery.project_id,
        "organisation": other,
        "run_by": "",
        "words": "Why.",
    }
    with pytest.raises(PermissionDenied):
        actions.name_who_runs(viewer=seen_by(member), **given)
    post = actions.name_who_runs(viewer=seen_by(clerk), **given)
    assert post is not None and (post.title, post.organisation) == ("Lamp lighters", None)
    with pytest.raises(PermissionDenied):
        _tell(seen_by(member), delivery, "started")
    assert actions.name_who_runs(viewer=seen_by(clerk), **given) is None, "nothing new, no post"


# --- a person's own


def test_what_a_person_told_is_theirs_to_read_and_stays_when_they_go(
    delivery: Delivery, member: Person, seen_by: SeenBy, now: datetime
) -> None:
    _tell(seen_by(member), delivery, "started", words="The first lamp is ordered.")
    (row,) = queries.personal(member)
    assert (row["project"], row["words"]) == ("Lights on the path", "The first lamp is ordered.")
    actions.let_stand(member, now)
    assert Post.objects.get().who == member, "a number, whose owner becomes nobody"
