"""From what people said to an idea or a challenge, and the trace both ways."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connections, transaction
from django.test import Client

from commonweal.ground.challenges.models import Challenge, Stage
from commonweal.ground.journal.models import Entry
from commonweal.ground.people.models import Person
from commonweal.ground.places.models import Authority, Community, RoleKind
from commonweal.ground.places.rules import Viewer
from commonweal.listen.conversations.models import Conversation, Statement
from commonweal.listen.maps.models import Finding
from commonweal.propose.origins import actions, queries, tasks
from commonweal.propose.origins.models import Origin
from commonweal.propose.proposals import actions as proposals
from commonweal.propose.proposals.models import Proposal
from commonweal.spread.updates.models import Digest
from tests.factories import listen, world
from tests.ground.conftest import smtp as smtp
from tests.smtp import Mailbox
from tests.visit import Page, sign_in

pytestmark = pytest.mark.django_db
As = Callable[..., Viewer]
Visit = Callable[..., Page]
WORDS = "I walk home in the dark."


@pytest.fixture
def place(authority: Authority, challenge: Challenge, community: Community) -> Conversation:
    """Return an open conversation of a challenge that takes ideas now."""
    return listen.a_conversation(authority, challenge=challenge, community=community)


@pytest.fixture
def said(place: Conversation, neighbour: Person) -> Statement:
    """Return something that the neighbour said."""
    author = listen.a_participant(place, neighbour)
    return listen.a_statement(place, WORDS, author=author, is_first=False)


@pytest.fixture
def begun(said: Statement, resident: Person, seen_by: As) -> Proposal:
    """Return the draft that the resident began with it."""
    return actions.start_idea(
        viewer=seen_by(resident), statement_id=said.pk, standing="resident", better=WORDS
    )


@pytest.fixture
def idea(begun: Proposal, now: datetime) -> Proposal:
    """Return the same as a public idea."""
    Proposal.objects.filter(pk=begun.pk).update(
        status="published", published_at=now, title="Lamps on the path", for_whom="All",
        measure="Counted", change="Lamps.", takes_part="We",
    )  # fmt: skip
    return Proposal.objects.get(pk=begun.pk)


def page_of(said: Statement) -> str:
    return f"/listen/{said.conversation_id}/statements/{said.number}/"


# --- an idea


def test_an_idea_begins_with_the_words_and_keeps_where_they_come_from(
    begun: Proposal, said: Statement, challenge: Challenge
) -> None:
    assert (begun.better, begun.challenge, begun.status) == (WORDS, challenge, "draft")
    assert Proposal.objects.get().title == WORDS
    assert Origin.objects.get().statement == said
    assert Entry.objects.get(what="origin.idea_begun").facts == {
        "statement": said.number, "idea": begun.pk,
    }  # fmt: skip


def test_one_press_on_the_statements_page_leads_to_a_form_with_its_words(
    visit: Visit, said: Statement, resident: Person
) -> None:
    home = sign_in(Client(), resident)
    page = visit(page_of(said), client=home)
    assert "Make this an idea" in page.text
    address = f"{page_of(said)}idea/"
    assert address in page.links
    form = visit(address, client=home)
    assert WORDS in form.html and "It grows from what people said" in form.text
    told = visit(address, client=home, data={"better": f"{WORDS} No more."})
    assert "For whom" in told.text
    assert Proposal.objects.get().better == f"{WORDS} No more."


def test_who_is_not_signed_in_keeps_their_words(visit: Visit, said: Statement) -> None:
    client, address = Client(), f"{page_of(said)}idea/"
    answer = client.post(address, {"better": "My own words of it."})
    assert answer["Location"].startswith("/account/sign-in/")
    assert "My own words of it." in visit(address, client=client).html
    assert not Proposal.objects.exists() and not Origin.objects.exists()


def test_who_does_not_belong_is_told_how_to(
    visit: Visit, said: Statement, authority: Authority
) -> None:
    stranger = sign_in(Client(), world.a_person(world.a_community(authority)))
    page = visit(f"{page_of(said)}idea/", client=stranger)
    assert "Join Quayside first" in page.text


def test_a_long_statement_is_a_title_cut_at_a_word(
    place: Conversation, resident: Person, seen_by: As
) -> None:
    for text in ("light " * 46, "x" * 280, "👩‍👩‍👧" * 30):
        said = listen.a_statement(place, text.strip())
        begun = actions.start_idea(
            viewer=seen_by(resident), statement_id=said.pk, standing="resident", better=said.text
        )
        title = Proposal.objects.get(pk=begun.pk).title
        assert 60 < len(title) <= 120 and title.endswith("…")
        assert "ligh…" not in title


def test_nothing_is_made_of_what_does_not_stand_there(
    place: Conversation, said: Statement, resident: Person, seen_by: As, visit: Visit
) -> None:
    for state, given in (("waiting", {}), ("rejected", {"reason": "unkind"}), ("taken-back", {})):
        Statement.objects.filter(pk=said.pk).update(state=state, **given)
        with pytest.raises(actions.NoLongerStands):
            actions.start_idea(
                viewer=seen_by(resident), statement_id=said.pk, standing="resident", better=WORDS
            )
        visit(f"{page_of(said)}idea/", status=404)
    Statement.objects.filter(pk=said.pk).update(state="shown", reason="")
    Conversation.objects.filter(pk=place.pk).update(is_draft=True)
    visit(f"{page_of(said)}idea/", status=404)


def test_no_ideas_are_taken_before_or_after_their_time(
    authority: Authority, resident: Person, visit: Visit, seen_by: As
) -> None:
    closed = world.a_challenge(authority, stage=Stage.DECIDE)
    said = listen.a_statement(listen.a_conversation(authority, challenge=closed), WORDS)
    assert "takes no ideas just now" in visit(page_of(said)).text
    assert "No ideas are taken just now" in visit(f"{page_of(said)}idea/").text
    member = world.a_person(world.root(authority))
    with pytest.raises(proposals.IdeasClosed):
        actions.start_idea(
            viewer=seen_by(member), statement_id=said.pk, standing="resident", better=WORDS
        )
    assert not Origin.objects.exists()


# --- the trace


def test_the_page_of_the_idea_says_of_what_it_came_and_how_many_agreed(
    visit: Visit, idea: Proposal, said: Statement
) -> None:
    page = visit(idea.get_absolute_url())
    assert "It came from something people said" in page.text and WORDS in page.text
    assert page_of(said) in page.links
    Finding.objects.create(
        statement=said, shown=90, votes=[82], agree=[707], low=[600], high=[800], disagree=[200],
        passed=[93],
    )  # fmt: skip
    assert "82 people voted on it; 71 in 100 agreed." in visit(idea.get_absolute_url()).text
    Finding.objects.update(votes=[None], agree=[None], low=[None], high=[None])
    assert "in 100 agreed" not in visit(idea.get_absolute_url()).text, "fewer than five voted"


def test_the_page_of_the_statement_says_what_came_of_it_and_drafts_are_nobodys_business(
    visit: Visit, begun: Proposal, said: Statement, resident: Person
) -> None:
    for client in (Client(), sign_in(Client(), resident)):
        assert "What came of it" not in visit(page_of(said), client=client).text


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("published", "Idea"), ("in-ballot", "In the ballot"), ("funded", "Funded"),
        ("not-funded", "Not funded"),
    ],
)  # fmt: skip
def test_it_says_where_the_idea_stands(
    visit: Visit, idea: Proposal, said: Statement, status: str, words: str
) -> None:
    Proposal.objects.filter(pk=idea.pk).update(status=status)
    assert f"Lamps on the path {words}" in visit(page_of(said)).text
    told = (
        Client()
        .get(f"/api/conversations/{said.conversation_id}/statements/{said.number}/ideas")
        .json()
    )
    assert told["ideas"] == [
        {"idea": idea.pk, "title": "Lamps on the path", "status": status, "joined": None}
    ]


@pytest.mark.parametrize("status", ["hidden", "withdrawn"])
def test_what_is_hidden_or_taken_back_leaks_nowhere(
    visit: Visit, idea: Proposal, said: Statement, status: str
) -> None:
    Proposal.objects.filter(pk=idea.pk).update(status=status, hidden_reason="unkind")
    assert "Lamps" not in visit(page_of(said)).html
    told = (
        Client()
        .get(f"/api/conversations/{said.conversation_id}/statements/{said.number}/ideas")
        .json()
    )
    assert told == {"challenge": None, "ideas": []}


def test_a_statement_that_was_taken_away_leaks_nowhere(
    visit: Visit, idea: Proposal, said: Statement
) -> None:
    for given in ({"state": "rejected", "reason": "private"}, {"state": "taken-back"}):
        Statement.objects.filter(pk=said.pk).update(**given)
        assert "It came from" not in visit(idea.get_absolute_url()).text
        assert Client().get(f"/api/ideas/{idea.pk}/statements").json() == []
    Statement.objects.filter(pk=said.pk).update(state="shown")
    Conversation.objects.filter(pk=said.conversation_id).update(withdrawn_at=said.added_at)
    assert Client().get(f"/api/ideas/{idea.pk}/statements").json() == []


def test_a_statement_that_became_one_with_another_keeps_its_trace(
    visit: Visit, idea: Proposal, said: Statement, place: Conversation
) -> None:
    other = listen.a_statement(place, "The path is dark.")
    Statement.objects.filter(pk=said.pk).update(state="merged", same_as=other)
    assert WORDS in visit(idea.get_absolute_url()).text
    assert "Lamps on the path" in visit(page_of(other)).text


def test_ideas_that_become_one_keep_the_trace(
    visit: Visit, idea: Proposal, said: Statement, challenge: Challenge, resident: Person,
    neighbour: Person, seen_by: As,
) -> None:  # fmt: skip
    lead = world.a_proposal(challenge, author=neighbour, title="Light everywhere")
    merge = proposals.suggest_merge(
        viewer=seen_by(neighbour), lead_id=lead.pk, joining_id=idea.pk, why="Alike"
    )
    proposals.agree_to_merge(viewer=seen_by(resident), merge_id=merge.pk)
    assert WORDS in visit(lead.get_absolute_url()).text
    page = visit(page_of(said))
    assert "Light everywhere Idea Joined another idea" in page.text
    Proposal.objects.filter(pk=lead.pk).update(status="funded")
    assert "Light everywhere Funded" in visit(page_of(said)).text
    Proposal.objects.filter(pk=lead.pk).update(status="hidden", hidden_reason="unkind")
    page = visit(page_of(said))
    assert "Light everywhere" not in page.text
    assert f"/ideas/{idea.pk}/as-it-was/" in page.links, "its own words are still to be read"


def test_two_statements_can_be_behind_one_idea_and_each_once(
    idea: Proposal, said: Statement, place: Conversation, now: datetime
) -> None:
    other = listen.a_statement(place)
    Origin.objects.create(statement=other, proposal=idea, made_at=now)
    with pytest.raises(IntegrityError), transaction.atomic():
        Origin.objects.create(statement=said, proposal=idea, made_at=now)
    with pytest.raises(IntegrityError), transaction.atomic():
        Origin.objects.create(statement=said, made_at=now)
    with pytest.raises(IntegrityError), transaction.atomic():
        Origin.objects.create(statement=other, proposal=idea, challenge=idea.challenge, made_at=now)


# --- a challenge


@pytest.fixture
def alone(authority: Authority) -> Statement:
    """Return a statement of a conversation without a challenge."""
    return listen.a_statement(listen.a_conversation(authority), "Why is the path so dark?")


def basics(authority: Authority) -> dict[str, Any]:
    service = world.a_service(authority)
    return {
        "community": world.root(authority), "service": service, "owner": service.provider,
        "title": "A lit path", "question": "Why is the path so dark?", "background": "People said.",
        "who_is_concerned": "Walkers",
    }  # fmt: skip


def test_who_leads_makes_a_challenge_of_it_once(
    visit: Visit, alone: Statement, leader: Person, seen_by: As, authority: Authority
) -> None:
    desk = sign_in(Client(), leader, second_factor=True)
    assert f"{page_of(alone)}challenge/" in visit(page_of(alone), client=desk).links
    page = visit(f"{page_of(alone)}challenge/", client=desk)
    assert "Why is the path so dark?" in [c.get("value") for c in page.controls]
    given = basics(authority)
    sent = {**given, **{key: given[key].pk for key in ("community", "service", "owner")}}
    told = visit(f"{page_of(alone)}challenge/", client=desk, data=sent)
    made = Challenge.objects.get(slug="a-lit-path")
    assert f"/challenges/{made.slug}/" in told.html and made.published_at is None
    alone.refresh_from_db()
    assert alone.challenge == made
    with pytest.raises(actions.HasChallenge):
        actions.draft_challenge(viewer=seen_by(leader), statement_id=alone.pk, **given)
    assert "A lit path" not in visit(page_of(alone)).html, "nobody else sees a draft"


def test_a_challenge_says_of_what_it_came_and_takes_its_ideas(
    visit: Visit, alone: Statement, authority: Authority, now: datetime, resident: Person
) -> None:
    made = world.a_challenge(authority, title="A lit path")
    Origin.objects.create(statement=alone, challenge=made, made_at=now)
    Statement.objects.filter(pk=alone.pk).update(challenge=made)
    page = visit(made.get_absolute_url())
    assert "This question came from something people said" in page.text
    assert page_of(alone) in page.links
    page = visit(page_of(alone))
    assert "A lit path" in page.text and f"{page_of(alone)}idea/" in page.links


def test_only_who_leads_makes_a_challenge(
    alone: Statement, said: Statement, resident: Person, moderator: Person, elsewhere: Authority,
    leader: Person, seen_by: As, authority: Authority,
) -> None:  # fmt: skip
    given = basics(authority)
    for person in (resident, moderator):
        with pytest.raises(PermissionDenied):
            actions.draft_challenge(viewer=seen_by(person), statement_id=alone.pk, **given)
    foreign = world.a_person(world.root(elsewhere), role=RoleKind.ADMINISTRATOR)
    with pytest.raises(actions.NoLongerStands):
        actions.draft_challenge(
            viewer=seen_by(foreign, authority=elsewhere), statement_id=alone.pk, **given
        )
    with pytest.raises(PermissionDenied):
        actions.draft_challenge(viewer=seen_by(leader), statement_id=said.pk, **given)


def test_without_a_challenge_people_are_told_what_is_missing(
    visit: Visit, alone: Statement, resident: Person, leader: Person
) -> None:
    address = f"{page_of(alone)}idea/"
    assert "There is no challenge for it yet" in visit(address).text
    desk = sign_in(Client(), leader, second_factor=True)
    assert f"{page_of(alone)}challenge/" in visit(address, client=desk).links


# --- who said it hears of it


def look(at: datetime) -> None:
    for row in queries.to_tell():
        actions.tell(origin_id=row.pk, at=at)
    for row in queries.funded_to_tell():
        actions.tell_funded(origin_id=row.pk, at=at)


def test_whoever_said_it_hears_when_it_is_an_idea_and_when_it_is_funded_once(
    begun: Proposal, neighbour: Person, smtp: Mailbox, now: datetime
) -> None:
    look(now)
    assert smtp.messages == [], "a draft is its author's own"
    Proposal.objects.filter(pk=begun.pk).update(
        status="published", published_at=now, title="Lamps on the path", for_whom="All",
        measure="Counted", change="Lamps.", takes_part="We",
    )  # fmt: skip
    for _twice in range(2):
        look(now)
    (mail,) = smtp.messages
    assert mail["to"] == neighbour.email
    assert WORDS in smtp.text() and f"/ideas/{begun.pk}/" in smtp.text()
    Proposal.objects.filter(pk=begun.pk).update(status="funded")
    for _twice in range(2):
        look(now + timedelta(days=9))
    assert len(smtp.messages) == 2
    assert "there is money for it" in smtp.text()
    tasks.look(0)


def test_nobody_is_written_to_who_did_it_themselves_wants_no_mail_or_has_no_account(
    idea: Proposal, said: Statement, resident: Person, neighbour: Person, place: Conversation,
    smtp: Mailbox, now: datetime, challenge: Challenge,
) -> None:  # fmt: skip
    Digest.objects.create(person=neighbour, hears_of_votes=False)
    own = listen.a_statement(place, author=listen.a_participant(place, resident), is_first=False)
    guest = listen.a_statement(place, author=listen.a_participant(place), is_first=False)
    gone = listen.a_statement(
        place, author=listen.a_participant(place, world.a_person(challenge.community)),
        is_first=False, state="rejected", reason="unkind",
    )  # fmt: skip
    for row in (own, guest, gone):
        Origin.objects.create(statement=row, proposal=idea, made_at=now)
    look(now)
    assert smtp.messages == []


def test_an_idea_that_joined_a_funded_one_is_funded_too(
    idea: Proposal, neighbour: Person, resident: Person, challenge: Challenge, seen_by: As,
    smtp: Mailbox, now: datetime,
) -> None:  # fmt: skip
    lead = world.a_proposal(challenge, author=neighbour, title="Light everywhere")
    merge = proposals.suggest_merge(
        viewer=seen_by(neighbour), lead_id=lead.pk, joining_id=idea.pk, why="Alike"
    )
    proposals.agree_to_merge(viewer=seen_by(resident), merge_id=merge.pk)
    Origin.objects.update(told_at=now)
    look(now)
    assert len([m for m in smtp.messages if "money" in m["subject"]]) == 0
    Proposal.objects.filter(pk=lead.pk).update(status="funded")
    look(now)
    assert [m["to"] for m in smtp.messages if "money" in m["subject"]] == [neighbour.email]


# --- at the same moment


@pytest.mark.django_db(transaction=True)
def test_two_who_lead_make_one_challenge(
    alone: Statement, authority: Authority, seen_by: As
) -> None:
    viewers = [
        seen_by(world.a_person(world.root(authority), role=RoleKind.CLERK)) for _ in range(4)
    ]
    given, gate = basics(authority), Barrier(4)

    def work(viewer: Viewer) -> Any:
        gate.wait()
        try:
            return actions.draft_challenge(viewer=viewer, statement_id=alone.pk, **given)
        except actions.HasChallenge as has:
            return has.challenge
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        made = {one.pk for one in pool.map(work, viewers)}
    assert len(made) == Challenge.objects.count() == Origin.objects.count() == 1
