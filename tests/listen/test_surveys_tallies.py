"""What the site keeps of a survey's figures is what a recount of every answer comes to, always."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.models import Sum
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commonweal.ground.people.models import Person
from commonweal.ground.places.models import Authority, Community
from commonweal.ground.places.rules import Viewer, everyone
from commonweal.listen.surveys import actions, queries
from commonweal.listen.surveys.models import Draft, Kind, Response, Survey, Tally
from commonweal.listen.surveys.queries import Holder
from commonweal.listen.surveys.rules import Typed
from tests.factories import world
from tests.listen.surveys import a_whole_survey
from tests.visit import sign_in

Hand = Callable[[], Any]


def everything(survey: Survey) -> dict[str, Any]:
    return queries.recount(survey, queries.items_of(survey))


def kept(survey: Survey) -> dict[str, Any]:
    return queries.tally(survey, queries.items_of(survey))


def in_lines(survey: Survey) -> int:
    """Return how many responses the lines alone count."""
    found = Tally.objects.filter(survey=survey, part="channel").aggregate(n=Sum("people"))
    return int(found["n"] or 0)


class People:
    """Some people who answer one survey as they like, and staff who enter papers."""

    def __init__(self, survey: Survey, staff: Person, members: list[Person]) -> None:
        self.survey, self.members = survey, members
        self.viewer = everyone(survey.authority, timezone.now())
        self.staff = Viewer(survey.authority, staff, timezone.now(), True)
        self.items = [item for item in survey.items.all() if item.asks]
        self.serial = 0

    def says(self, chance: random.Random) -> dict[int, Typed]:
        """Return answers to some of the questions."""
        said: dict[int, Typed] = {}
        for item in self.items:
            if item.has_options:
                options = [str(option.pk) for option in item.options.filter(is_other=False)]
                chosen = tuple(chance.sample(options, 1 + (item.kind == Kind.SEVERAL)))
                said[item.pk] = Typed(chosen)
            elif item.kind in (Kind.SCALE, Kind.NUMBER):
                said[item.pk] = Typed((str(chance.randint(1, 5)),))
            elif item.kind == Kind.TEXT:
                said[item.pk] = Typed((chance.choice(["Later", "More", ""]),))
            else:
                said[item.pk] = Typed((chance.choice(["51.48, -3.18", "51.61, -3.02"]),))
        free = [item.pk for item in self.items if not item.is_required]
        for pk in chance.sample(free, chance.randint(0, 3)):
            del said[pk]
        return said

    def holder(self, n: int) -> Holder:
        """Return a person with an account, or a browser without."""
        return Holder(self.members[n].pk) if n < len(self.members) else Holder(None, f"guest {n}")

    def send(self, n: int, chance: random.Random) -> None:
        """Let somebody send answers; if they have already, it is a change."""
        holder = self.holder(n)
        fields = {"person_id": holder.person_id, "digest": holder.key["digest"]}
        given = {str(pk): typed.as_kept() for pk, typed in self.says(chance).items()}
        begun = Draft(survey=self.survey, given=given, saved_at=self.viewer.at, **fields)
        Draft.objects.bulk_create([begun], ignore_conflicts=True)  # another hand's may be there
        person = Person.objects.get(pk=holder.person_id) if holder.person_id else None
        viewer = replace(self.viewer, person=person)
        actions.send_response(viewer=viewer, survey_id=self.survey.pk, holder=holder)

    def key(self, chance: random.Random, serial: int) -> None:
        """Let staff key a paper."""
        entry = actions.Entry("paper", "Library", serial)
        actions.enter_response(
            viewer=self.staff, survey_id=self.survey.pk, entry=entry, typed=self.says(chance)
        )

    def correct(self, chance: random.Random) -> None:
        """Let staff correct a paper: it was a call."""
        found = Response.objects.filter(survey=self.survey).exclude(channel="online").first()
        if found is not None:
            entry = chance.choice(
                [actions.Entry("telephone"), actions.Entry("paper", "Box", found.pk % 9_999_999)]
            )
            actions.correct_response(
                viewer=self.staff, response_id=found.pk, entry=entry, typed=self.says(chance)
            )

    def remove(self, **which: int) -> None:
        """Let staff take out what they entered."""
        entered = Response.objects.filter(survey=self.survey, **which).exclude(channel="online")
        found = entered.last()
        if found is not None:
            actions.remove_response(viewer=self.staff, response_id=found.pk)

    def leave(self, n: int) -> None:
        """Let somebody erase their account."""
        actions.forget_answers(self.members[n % len(self.members)], timezone.now())

    def do(self, what: str, n: int, chance: random.Random) -> None:
        """Let one thing happen."""
        self.serial += 1
        {
            "send": lambda: self.send(n, chance),
            "key": lambda: self.key(chance, self.serial),
            "correct": lambda: self.correct(chance),
            "remove": self.remove,
            "leave": lambda: self.leave(n),
            "fold": actions.fold_tallies,
            "recount": lambda: actions.recount_survey(survey_id=self.survey.pk),
        }[what]()


def people_of(community: Community, staff: Person, **given: Any) -> People:
    survey = a_whole_survey(community, **given)
    survey.items.filter(kind="place").update(spot="point")
    return People(survey, staff, [world.a_person(community) for _n in range(3)])


@pytest.fixture
def people(community: Community, leader: Person) -> People:
    return people_of(community, leader)


STEPS = st.tuples(
    st.sampled_from(
        [
            "send",
            "send",
            "send",
            "send",
            "key",
            "key",
            "correct",
            "remove",
            "leave",
            "fold",
            "fold",
            "recount",
        ]
    ),
    st.integers(0, 6),
)


@pytest.mark.django_db
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(STEPS, max_size=16), st.randoms(use_true_random=False), st.booleans())
def test_whatever_happens_in_whatever_order_the_figures_are_those_of_a_recount(
    community: Community,
    leader: Person,
    steps: list[tuple[str, int]],
    chance: random.Random,
    is_anonymous: bool,
) -> None:
    people = people_of(community, leader, is_anonymous=is_anonymous)
    for what, n in steps:
        people.do(what, n, chance)
        assert kept(people.survey) == everything(people.survey), what
        assert queries.answered(people.survey) == everything(people.survey)["channels"]
    actions.fold_tallies()
    assert in_lines(people.survey) == Response.objects.filter(survey=people.survey).count()
    assert not Tally.objects.filter(people__lt=0).exists()


@pytest.mark.django_db
def test_a_response_is_counted_the_moment_it_is_sent(people: People) -> None:
    chance = random.Random(1)
    for n in range(3, 7):
        people.send(n, chance)
        assert kept(people.survey)["count"] == n - 2
    assert actions.fold_tallies() == 4 and actions.fold_tallies() == 0
    assert kept(people.survey)["count"] == in_lines(people.survey) == 4
    people.send(3, chance)
    assert kept(people.survey)["count"] == 4 and in_lines(people.survey) == 3


@pytest.mark.django_db
def test_lines_stay_few_however_often_they_are_drawn_up(people: People) -> None:
    chance = random.Random(2)
    for n in range(3, 30):
        people.send(n, chance)
        actions.fold_tallies()
    lines = Tally.objects.filter(survey=people.survey)
    things = lines.values("item", "part", "value", "near").distinct().count()
    assert lines.count() <= 2 * things
    assert kept(people.survey) == everything(people.survey)


@pytest.mark.django_db
def test_what_is_counted_wrongly_is_put_right_by_a_command(
    people: People, capsys: pytest.CaptureFixture[str]
) -> None:
    people.send(4, random.Random(3))
    actions.fold_tallies()
    Tally.objects.filter(part="option").update(people=40)
    assert kept(people.survey) != everything(people.survey)
    call_command("recount_surveys")
    assert kept(people.survey) == everything(people.survey)
    assert "1 response" in capsys.readouterr().out


@pytest.mark.django_db
def test_a_survey_that_is_withdrawn_keeps_no_line(people: People) -> None:
    people.send(4, random.Random(4))
    actions.fold_tallies()
    assert Tally.objects.exists()
    actions.withdraw_survey(viewer=people.staff, survey_id=people.survey.pk, why="A slip")
    assert not Tally.objects.exists() and kept(people.survey)["count"] == 0


@pytest.mark.django_db
def test_at_the_close_the_figures_are_kept_as_a_recount_has_them(people: People) -> None:
    chance = random.Random(5)
    for n in range(3, 9):
        people.send(n, chance)
        if n % 2:
            actions.fold_tallies()
    whole = everything(people.survey)
    at = timezone.now() + timedelta(days=2)
    actions.close_survey(survey_id=people.survey.pk, at=at)
    people.survey.refresh_from_db()
    assert people.survey.result == whole


@pytest.mark.django_db
def test_what_somebody_else_took_out_is_neither_corrected_nor_taken_out_again(
    people: People, client: Client, leader: Person
) -> None:
    people.key(random.Random(6), 1)
    sent = Response.objects.get()
    entry = actions.Entry("paper", "Library", 1)
    with pytest.MonkeyPatch.context() as patch:  # it goes between the first look and the lock
        patch.setattr(queries, "held_response", lambda pk: None)
        with pytest.raises(actions.TakenOut):
            actions.correct_response(
                viewer=people.staff, response_id=sent.pk, entry=entry, typed={}
            )
        assert actions.remove_response(viewer=people.staff, response_id=sent.pk) == people.survey
        page = sign_in(client, leader, second_factor=True).post(
            f"/desk/surveys/entered/{sent.pk}/",
            {"channel": "paper", "batch": "Library", "serial": "1"},
            follow=True,
        )
    assert "a moment ago" in page.content.decode() and page.status_code == 200


# --- at the same time


@pytest.fixture
def race(transactional_db: None) -> Callable[[list[Hand]], list[Any]]:
    """Return a function that starts all at once, each on a connection of its own."""

    def run(hands: list[Hand]) -> list[Any]:
        gate = threading.Barrier(len(hands))

        def one(hand: Hand) -> Any:
            try:
                gate.wait(60)
                return hand()
            finally:
                connection.close()

        with ThreadPoolExecutor(len(hands)) as pool:
            return list(pool.map(one, hands))

    return run


def test_many_send_change_key_and_draw_up_at_once_and_nothing_is_lost_or_twice(
    race: Callable[[list[Hand]], list[Any]],
    authority: Authority,
    community: Community,
    leader: Person,
) -> None:
    people = people_of(community, leader)
    for n in range(8):
        people.send(n, random.Random(n))
    actions.fold_tallies()

    def sends(first: int) -> Hand:
        def hand() -> None:
            chance = random.Random(first)
            for n in range(6):  # two hands change the same answers at the same time
                people.send(3 + (first + n) % 9, chance)

        return hand

    def keys(first: int) -> Hand:
        def hand() -> None:
            chance = random.Random(first)
            for n in range(4):
                people.key(chance, 100 * first + n)
            people.remove(serial=100 * first)

        return hand

    def folds() -> None:
        for _n in range(12):
            actions.fold_tallies()

    def reads() -> list[bool]:
        """Look at the figures again and again: a question is never answered by more than answered."""
        right = []
        for _n in range(15):
            found = kept(people.survey)
            right.append(all(v["answered"] <= found["count"] for v in found["items"].values()))
            right.append(found["count"] >= 8)
        return right

    def leaves() -> None:
        for n in (0, 1):
            actions.forget_answers(people.members[n], timezone.now() + timedelta(days=3))

    hands: list[Hand] = [
        sends(1),
        sends(2),
        sends(3),
        keys(4),
        keys(5),
        folds,
        folds,
        reads,
        leaves,
    ]
    *_rest, seen, _left = race(hands)
    assert all(seen)
    assert kept(people.survey) == everything(people.survey)
    actions.fold_tallies()
    assert kept(people.survey) == everything(people.survey)
    assert in_lines(people.survey) == Response.objects.count() == 8 + 4 + 2 * 3


def test_what_closes_meanwhile_is_drawn_up_whole(
    race: Callable[[list[Hand]], list[Any]],
    authority: Authority,
    community: Community,
    leader: Person,
) -> None:
    people = people_of(community, leader)

    def sends(first: int) -> Hand:
        def hand() -> None:
            for n in range(6):
                try:
                    people.send(first + n, random.Random(n))
                except actions.SurveyClosed:
                    return

        return hand

    def closes() -> None:
        actions.fold_tallies()
        actions.close_survey(survey_id=people.survey.pk, at=timezone.now() + timedelta(days=2))
        actions.fold_tallies()

    race([sends(10), sends(20), sends(30), closes])
    people.survey.refresh_from_db()
    assert people.survey.result == everything(people.survey) == kept(people.survey)
