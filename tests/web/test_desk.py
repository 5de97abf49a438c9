"""The desk of staff: several panels read in one question each, with no row more and none less."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from commonweal.decide.budgets import queries as budgets
from commonweal.decide.budgets.models import Project, Question
from commonweal.ground.people.models import Person
from commonweal.ground.places.models import Authority, Community, RoleKind
from commonweal.ground.places.rules import Viewer
from commonweal.listen.hearings import queries as hearings
from commonweal.propose.proposals import queries as proposals
from commonweal.propose.proposals.models import Comment
from tests.factories import hearings as heard
from tests.factories import world

pytestmark = pytest.mark.django_db
SeenBy = Callable[..., Viewer]


def test_a_moderator_sees_the_newest_ideas_and_comments_and_what_is_hidden(
    authority: Authority, community: Community, resident: Person, moderator: Person,
    seen_by: SeenBy, now: datetime,
) -> None:  # fmt: skip
    challenge = world.a_challenge(authority, community=community)
    ideas = [
        world.a_proposal(challenge, author=resident, published_at=now - timedelta(days=n))
        for n in range(7)
    ]
    world.a_proposal(challenge, author=resident, status="draft", published_at=None)
    hidden = world.a_proposal(
        challenge, author=resident, status="hidden", hidden_reason="advert",
        status_before="published",
    )  # fmt: skip
    said = [
        Comment.objects.create(
            proposal=ideas[0], person=resident, standing="resident", body=f"Word {n}",
            written_at=now - timedelta(hours=n),
        )
        for n in range(12)
    ]  # fmt: skip
    Comment.objects.filter(pk=said[3].pk).update(hidden_at=now, hidden_reason="unkind")
    found = proposals.panel_desk(seen_by(moderator), None)
    assert found is not None
    assert found["ideas"] == ideas[:5]
    assert found["hidden_ideas"] == [hidden]
    assert found["comments"] == [*said[:3], *said[4:11]]
    assert found["hidden_comments"] == [said[3]]
    assert str(found["comments"][0].person) == "Rosa"
    assert found["comments"][0].get_absolute_url() == said[0].get_absolute_url()
    elsewhere = world.a_person(
        world.a_community(authority, name="Hillside"), role=RoleKind.MODERATOR
    )
    nothing = proposals.panel_desk(seen_by(elsewhere), None)
    assert nothing is not None
    assert not any(nothing.values()), "one moderates one's own place alone"


def test_whoever_runs_pots_sees_those_to_count_and_the_questions_of_all_of_them(
    authority: Authority, community: Community, resident: Person, seen_by: SeenBy, now: datetime
) -> None:
    challenge = world.a_challenge(authority, community=community)
    clerk = world.a_person(community, role=RoleKind.CLERK)
    pot = world.a_pot(challenge, community=community)
    project = Project.objects.filter(pot=pot).first()
    assert project is not None
    asked = [
        Question.objects.create(
            project=project, person=resident, body=f"Why {n}?",
            asked_at=now - timedelta(days=3 - n),
        )
        for n in range(2)
    ]  # fmt: skip
    viewer = seen_by(clerk)
    panels = budgets.desk_panel(viewer, None), budgets.questions_panel(viewer, None)
    assert panels == ({"pots": [pot]}, {"questions": asked})
    assert panels[1]["questions"][0].project.title == project.title
    for nobody in (resident, world.a_person(community, role=RoleKind.MODERATOR)):
        assert budgets.desk_panel(seen_by(nobody), None) is None
        assert budgets.questions_panel(seen_by(nobody), None) is None


def test_what_waits_in_a_hearing_is_told_to_those_who_moderate_there(
    authority: Authority, community: Community, resident: Person, seen_by: SeenBy
) -> None:
    hillside = world.a_community(authority, name="Hillside")
    hearing = heard.a_hearing(community)
    heard.a_comment(hearing, resident, state="waiting")
    here = world.a_person(community, role=RoleKind.MODERATOR)
    there = world.a_person(hillside, role=RoleKind.MODERATOR)
    clerk = world.a_person(community, role=RoleKind.CLERK)
    found = hearings.panel_desk(seen_by(here), None)
    assert found is not None
    assert found["hearings"] == [hearing]
    assert hearings.panel_desk(seen_by(there), None) is None
    assert hearings.panel_desk(seen_by(clerk), None) is None, "a clerk does not moderate"
