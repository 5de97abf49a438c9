"""Setting up challenges: outcomes before money, dates in order, and who may."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction

from commonweal.ground.challenges import actions, queries, tasks
from commonweal.ground.challenges.models import Challenge, Outcome, Stage, Step
from commonweal.ground.journal.models import Entry
from commonweal.ground.people.models import Person
from commonweal.ground.places.models import Authority, Community, RoleKind, StandingKind
from commonweal.ground.places.rules import Viewer
from tests.factories import world

pytestmark = pytest.mark.django_db
OUTCOME: dict[str, Any] = {
    "statement": "I feel safe at home",
    "for_whom": "People who get care",
    "measure": "Asked by phone",
    "unit": "people in 100",
}


@pytest.fixture
def leads(authority: Authority, leader: Person, now: datetime) -> Viewer:
    return Viewer(authority, leader, now)


def _values(authority: Authority) -> dict[str, Any]:
    service = world.a_service(authority)
    return {
        "service": service,
        "owner": service.provider,
        "title": "Getting home well",
        "question": "What would help?",
        "background": "Too many go home to a cold house.",
        "who_is_concerned": "People who leave hospital.",
    }


@pytest.fixture
def draft(leads: Viewer, community: Community) -> Challenge:
    return actions.draft_challenge(viewer=leads, community=community, **_values(leads.authority))


def _journal() -> list[str]:
    return list(Entry.objects.order_by("pk").values_list("what", flat=True))


def test_a_challenge_goes_from_draft_to_public_step_by_step(
    leads: Viewer, draft: Challenge
) -> None:
    with pytest.raises(actions.NotReady):
        actions.publish_challenge(viewer=leads, challenge_id=draft.pk)
    actions.add_outcome(viewer=leads, challenge_id=draft.pk, **OUTCOME)
    with pytest.raises(actions.NotReady):
        actions.publish_challenge(viewer=leads, challenge_id=draft.pk)
    actions.plan_step(
        viewer=leads, challenge_id=draft.pk, stage="listen", opens_at=leads.at, closes_at=None
    )
    actions.set_money(viewer=leads, challenge_id=draft.pk, pence=240_000_00)
    for _twice in range(2):
        actions.publish_challenge(viewer=leads, challenge_id=draft.pk)
    assert queries.published(Viewer(leads.authority, None, leads.at)).get() == draft
    assert _journal() == [
        "challenge.drafted",
        "outcome.added",
        "challenge.dates_changed",
        "challenge.money_set",
        "challenge.published",
    ]
    public = Entry.objects.filter(is_public=True).values_list("what", flat=True)
    assert list(public) == ["challenge.published"]


def test_money_waits_for_an_outcome(leads: Viewer, draft: Challenge) -> None:
    with pytest.raises(actions.OutcomeComesFirst):
        actions.set_money(viewer=leads, challenge_id=draft.pk, pence=100)
    actions.add_outcome(viewer=leads, challenge_id=draft.pk, **OUTCOME)
    assert actions.set_money(viewer=leads, challenge_id=draft.pk, pence=100).money_pence == 100


def test_the_database_itself_refuses_money_without_an_outcome(draft: Challenge) -> None:
    with (
        pytest.raises(IntegrityError, match="no outcome yet"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("UPDATE challenges_challenge SET money_pence = 5 WHERE id = %s", [draft.pk])
    Outcome.objects.create(challenge=draft, **OUTCOME)
    Challenge.objects.filter(pk=draft.pk).update(money_pence=5)
    with pytest.raises(IntegrityError, match="last outcome stays"), transaction.atomic():
        Outcome.objects.filter(challenge=draft).delete()
    assert draft.outcomes.count() == 1


@pytest.mark.parametrize("pence", [0, -1, 10**13])
def test_an_amount_is_more_than_nothing_and_less_than_everything(
    leads: Viewer, draft: Challenge, pence: int
) -> None:
    actions.add_outcome(viewer=leads, challenge_id=draft.pk, **OUTCOME)
    with pytest.raises(actions.NotAnAmount):
        actions.set_money(viewer=leads, challenge_id=draft.pk, pence=pence)


def test_the_last_outcome_stays_where_money_is(leads: Viewer, draft: Challenge) -> None:
    first = actions.add_outcome(viewer=leads, challenge_id=draft.pk, **OUTCOME)
    second = actions.add_outcome(viewer=leads, challenge_id=draft.pk, **OUTCOME)
    actions.set_money(viewer=leads, challenge_id=draft.pk, pence=100)
    actions.remove_outcome(viewer=leads, outcome_id=first.pk)
    with pytest.raises(actions.LastOutcomeStays):
        actions.remove_outcome(viewer=leads, outcome_id=second.pk)
    actions.set_money(viewer=leads, challenge_id=draft.pk, pence=None)
    actions.remove_outcome(viewer=leads, outcome_id=second.pk)
    assert not draft.outcomes.exists()


def test_a_new_reading_is_journalled_with_what_it_was(leads: Viewer, draft: Challenge) -> None:
    outcome = actions.add_outcome(viewer=leads, challenge_id=draft.pk, **OUTCOME)
    for now in (Decimal("58"), Decimal("58"), Decimal("66.50")):
        actions.change_outcome(viewer=leads, outcome_id=outcome.pk, **OUTCOME, now=now)
    assert _journal()[2:] == ["outcome.first_measured", "outcome.measured"]
    assert Entry.objects.get(what="outcome.measured").facts == {"was": "58", "now": "66.5"}


def test_what_an_outcome_aimed_at_before_is_kept(leads: Viewer, draft: Challenge) -> None:
    outcome = actions.add_outcome(viewer=leads, challenge_id=draft.pk, **OUTCOME, aim=Decimal(75))
    actions.change_outcome(viewer=leads, outcome_id=outcome.pk, **OUTCOME, aim=Decimal(70))
    facts = Entry.objects.get(what="outcome.changed").facts
    assert facts == {"parts": ["aim"], "aim_was": "75"}


def test_the_same_words_again_change_nothing(leads: Viewer, draft: Challenge) -> None:
    values = _values(leads.authority) | {"service": draft.service, "owner": draft.owner}
    actions.change_challenge(viewer=leads, challenge_id=draft.pk, **values)
    assert _journal() == ["challenge.drafted"]
    values["title"] = "Home again"
    actions.change_challenge(viewer=leads, challenge_id=draft.pk, **values)
    assert Entry.objects.get(what="challenge.changed").facts == {"parts": ["title"]}


def test_equal_titles_get_different_addresses(leads: Viewer, community: Community) -> None:
    made = [
        actions.draft_challenge(viewer=leads, community=community, **_values(leads.authority))
        for _n in range(3)
    ]
    assert [c.slug for c in made] == [
        "getting-home-well",
        "getting-home-well-2",
        "getting-home-well-3",
    ]
    with pytest.raises(actions.SlugTaken):
        actions.draft_challenge(
            viewer=leads, community=community, slug=made[0].slug, **_values(leads.authority)
        )


def test_a_title_in_another_script_still_has_an_address(
    leads: Viewer, community: Community
) -> None:
    values = _values(leads.authority) | {"title": "日本語"}
    made = actions.draft_challenge(viewer=leads, community=community, **values)
    assert made.slug == "challenge"


def test_stages_open_in_the_order_of_the_loop(leads: Viewer, draft: Challenge) -> None:
    day = timedelta(days=1)

    def plan(stage: str, opens: int, closes: int | None = None) -> None:
        actions.plan_step(
            viewer=leads,
            challenge_id=draft.pk,
            stage=stage,
            opens_at=leads.at + opens * day,
            closes_at=None if closes is None else leads.at + closes * day,
        )

    plan("propose", 10, 20)
    plan("listen", 1, 12)
    with pytest.raises(actions.StagesOutOfOrder):
        plan("decide", 5)
    with pytest.raises(actions.StageNeverOpens):
        plan("decide", 30, 25)
    assert list(draft.steps.values_list("stage", flat=True)) == ["listen", "propose"]


def test_what_has_opened_in_public_keeps_its_date(leads: Viewer) -> None:
    challenge = world.a_challenge(leads.authority, stage=Stage.PROPOSE, at=leads.at)
    step = challenge.steps.get(stage="propose")
    later = leads.at + timedelta(days=99)
    with pytest.raises(actions.StageHasOpened):
        actions.plan_step(
            viewer=leads,
            challenge_id=challenge.pk,
            stage="propose",
            opens_at=later,
            closes_at=None,
        )
    with pytest.raises(actions.StageHasOpened):
        actions.plan_steps(viewer=leads, challenge_id=challenge.pk, dates=[])
    changed = actions.plan_step(
        viewer=leads,
        challenge_id=challenge.pk,
        stage="propose",
        opens_at=step.opens_at,
        closes_at=later,
    )
    assert changed.closes_at == later
    assert Entry.objects.get(what="challenge.dates_changed").is_public


def test_where_a_challenge_stands_follows_from_its_dates(
    authority: Authority, now: datetime
) -> None:
    challenge = world.a_challenge(authority, stage=Stage.DECIDE, at=now)
    steps = queries.loop_steps(challenge, now)
    assert queries.stage_now(challenge, now) == Stage.DECIDE
    assert [step.is_done for step in steps] == [True, True, False, False, False, False, False]
    assert [step.is_now for step in steps] == [False, False, True, False, False, False, False]
    assert queries.stage_now(challenge, now - timedelta(days=99)) is None
    assert queries.open_step(challenge, Stage.DECIDE, now) is not None
    assert queries.open_step(challenge, Stage.PROPOSE, now) is None


def test_a_stage_that_was_left_out_is_not_called_done(authority: Authority, now: datetime) -> None:
    challenge = world.a_challenge(authority, stage=Stage.DELIVER, at=now)
    challenge.steps.filter(stage="trial").delete()
    done = [step.stage.value for step in queries.loop_steps(challenge, now) if step.is_done]
    assert done == ["listen", "propose", "decide"]


@pytest.mark.parametrize("who", ["resident", "moderator", "nobody", "elsewhere"])
def test_only_those_who_lead_may_set_up_or_change(
    who: str,
    authority: Authority,
    elsewhere: Authority,
    community: Community,
    resident: Person,
    moderator: Person,
    draft: Challenge,
    now: datetime,
) -> None:
    stranger = world.a_person(world.root(elsewhere), role=RoleKind.ADMINISTRATOR)
    person = {"resident": resident, "moderator": moderator, "elsewhere": stranger}.get(who)
    viewer = Viewer(authority, person, now)
    outcome = Outcome.objects.create(challenge=draft, **OUTCOME)
    values = _values(authority)
    with pytest.raises(PermissionDenied):
        actions.draft_challenge(viewer=viewer, community=community, **values)
    for refused in (
        lambda: actions.change_challenge(viewer=viewer, challenge_id=draft.pk, **values),
        lambda: actions.add_outcome(viewer=viewer, challenge_id=draft.pk, **OUTCOME),
        lambda: actions.change_outcome(viewer=viewer, outcome_id=outcome.pk, **OUTCOME),
        lambda: actions.remove_outcome(viewer=viewer, outcome_id=outcome.pk),
        lambda: actions.set_money(viewer=viewer, challenge_id=draft.pk, pence=5),
        lambda: actions.plan_steps(viewer=viewer, challenge_id=draft.pk, dates=[]),
        lambda: actions.publish_challenge(viewer=viewer, challenge_id=draft.pk),
    ):
        with pytest.raises(PermissionDenied):
            refused()
    assert _journal() == ["challenge.drafted"]


def test_another_authoritys_challenge_cannot_be_reached(
    elsewhere: Authority, draft: Challenge, now: datetime
) -> None:
    stranger = world.a_person(world.root(elsewhere), role=RoleKind.ADMINISTRATOR)
    viewer = Viewer(elsewhere, stranger, now)
    with pytest.raises(Challenge.DoesNotExist):
        actions.publish_challenge(viewer=viewer, challenge_id=draft.pk)
    assert not queries.readable(viewer).exists()


def test_a_challenge_takes_its_parts_from_one_authority(
    leads: Viewer, elsewhere: Authority, community: Community
) -> None:
    with pytest.raises(PermissionDenied):
        actions.draft_challenge(viewer=leads, community=community, **_values(elsewhere))


def test_drafts_are_read_only_by_those_who_lead_there(
    authority: Authority, community: Community, draft: Challenge, now: datetime
) -> None:
    other = world.a_community(authority)
    kind = StandingKind.SERVICE_LEADER
    here = Viewer(authority, world.a_person(community, standing=kind), now)
    there = Viewer(authority, world.a_person(other, standing=kind), now)
    assert queries.readable(here).get() == draft
    assert queries.led(here).get() == draft
    assert not queries.readable(there).exists()
    assert not queries.published(here).exists()


def test_open_challenges_come_first(authority: Authority, now: datetime) -> None:
    closed = world.a_challenge(authority, at=now - timedelta(days=30))
    opened = world.a_challenge(authority, at=now, published_at=now - timedelta(days=300))
    found = list(queries.published(Viewer(authority, None, now)))
    assert found == [opened, closed]
    assert [c.stage for c in found] == ["propose", "propose"]  # type: ignore[attr-defined]


def test_challenges_are_found_by_words_place_and_stage(
    authority: Authority, community: Community, now: datetime
) -> None:
    viewer = Viewer(authority, None, now)
    there = world.a_challenge(authority, title="Warm houses", community=community)
    world.a_challenge(authority, stage=Stage.DECIDE)
    everything = queries.published(viewer)
    assert queries.search(everything, words="warm house").get() == there
    assert queries.search(everything, community=community).get() == there
    assert queries.search(everything, stage="propose").get() == there
    assert queries.search(everything, community=world.root(authority)).count() == 2
    assert queries.search(everything, service=there.service).get() == there


def test_a_stage_is_told_once_when_its_date_comes(authority: Authority, now: datetime) -> None:
    challenge = world.a_challenge(authority, stage=Stage.LISTEN, at=now)
    opens = now + timedelta(hours=1)
    Step.objects.create(challenge=challenge, stage="propose", opens_at=opens)
    draft = world.a_challenge(authority, stage=Stage.LISTEN, at=now, published=False)
    Step.objects.create(challenge=draft, stage="propose", opens_at=opens)
    # listening began ten days ago, after the challenge was published, and was never told
    assert actions.open_stages(at=now) == 1
    assert actions.open_stages(at=opens - timedelta(seconds=1)) == 0
    assert [actions.open_stages(at=opens + timedelta(hours=n)) for n in range(3)] == [1, 0, 0]
    entry = Entry.objects.get(what="challenge.propose_opened")
    assert (entry.challenge, entry.at, entry.who) == (challenge, opens, None)


def test_every_stage_that_opens_has_its_sentence() -> None:
    from commonweal.ground.challenges.manifest import MANIFEST

    told = {event.what for event in MANIFEST.journal if event.follow}
    assert {f"challenge.{stage}_opened" for stage in Stage} <= told


def test_the_clock_opens_stages(authority: Authority, now: datetime) -> None:
    world.a_challenge(authority, stage=Stage.LISTEN, at=now)
    tasks.open_stages(timestamp=int(now.timestamp()))
    assert _journal() == ["challenge.listen_opened"]
