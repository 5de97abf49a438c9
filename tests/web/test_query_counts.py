"""No page and no operation of the API asks more of the database when there is more to show."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from commonweal.ground.journal.actions import record
from commonweal.ground.places.models import Authority, Membership, RoleKind
from commonweal.listen.conversations.models import Statement
from commonweal.propose.appraisals.models import State
from commonweal.propose.origins.models import Origin
from commonweal.propose.proposals.models import Proposal, Signature
from commonweal.spread.updates.models import Follow
from tests.factories import hearings as heard
from tests.factories import listen, world
from tests.listen import surveys
from tests.visit import sign_in
from tests.web.doors import address_of, api_addresses, every_route
from tests.web.matrix_world import (
    Things,
    a_case,
    a_comment,
    a_counted_pot,
    a_merge,
    a_milestone,
    moderated,
    people,
    things,
)

pytestmark = pytest.mark.django_db
MOST = 12
CONTROL = ("SAVEPOINT", "RELEASE", "ROLLBACK", "BEGIN", "COMMIT")


def grow(own: Things, rows: int) -> None:
    """Put so many more rows into every list there is, the owner's own lists too."""
    at = timezone.now()
    root = world.root(own.authority)
    surveys.grow(own.community, own.owner, own, rows)
    for _ in range(rows):
        person = world.a_person(own.community, name="Pat", role=RoleKind.MODERATOR)
        place = world.a_community(own.authority, parent=own.community)
        Membership.objects.create(person=own.owner, community=place, level=1, joined_at=at)
        organisation = world.an_organisation(own.authority)
        world.a_service(own.authority, provider=organisation, community=place)
        world.a_service(own.authority, provider=own.organisation, community=own.community)
        challenge = world.a_challenge(own.authority, service=own.service, money_pence=90_000_00)
        world.a_challenge(own.authority, published=False, service=own.service)
        moderated(own.conversation, own.owner)
        a_case(own.conversation)
        Follow.objects.create(person=own.owner, challenge=challenge, since=at - timedelta(days=1))
        for about in (own.challenge, challenge):
            world.a_pot(about, community=root)
            a_milestone(a_counted_pot(about), own.organisation, own.owner)
            idea = world.a_proposal(about, author=person)
            mine = world.a_proposal(about, author=own.owner)
            world.a_proposal(about, author=own.owner, status="draft", published_at=None)
            for thing in (idea, mine, own.proposal):
                _speak(thing, person)
            for state in State:
                if state != State.REPLACED:
                    world.an_appraisal(world.a_proposal(about, author=own.owner), state=state)
            a_merge(mine, idea, person)
            said = listen.a_statement(own.conversation)
            for of, to in ((said, own.proposal), (own.statement, idea), (own.statement, mine)):
                Origin.objects.create(statement=of, proposal=to, made_at=at)
            Origin.objects.create(statement=said, challenge=about, made_at=at)
            for said in (own.hearing, heard.a_hearing(own.community, challenge=about)):
                top = heard.a_comment(said, person, wording="Eight trees")
                heard.a_comment(said, own.owner, parent=top, stance="neither")
                heard.a_comment(said, person, number=None, state="waiting")
                heard.a_comment(said, own.owner, number=4, state="hidden", reason="advert")
            record(what="proposal.published", who=person, about=idea, at=at, public=True)
            for is_open in (True, False):
                asked = listen.a_conversation(
                    own.authority, statements=2, open=is_open, challenge=about
                )
                who = listen.a_participant(asked, person)
                for where, author in ((asked, who), (own.conversation, None)):
                    _answer(listen.a_statement(where, author=author), own.owner)


def _speak(idea: Proposal, person: object) -> None:
    a_comment(idea, person)  # type: ignore[arg-type]
    Signature.objects.get_or_create(
        proposal=idea, person=person, defaults={"standing": "resident", "signed_at": timezone.now()}
    )


def _answer(said: Statement, by: Any) -> None:
    at = timezone.now()
    said.answers.create(heed="done", words="It is done.", answered_at=at, answered_by=by)
    for what, about in (("statement.answered", said), ("conversation.opened", said.conversation)):
        record(what=what, who=by, about=about, at=at, public=True)


def listed(clients: Iterable[Client]) -> None:
    """Put each session among its person's devices, where every real sign-in puts it."""
    for client in clients:
        whose = client.session.get("_auth_user_id")
        if whose is not None:
            UserSession.objects.create(
                session_key=client.session.session_key, user_id=whose, ip="127.0.0.1", user_agent=""
            )


def asked_of(client: Client, address: str) -> int:
    """Return how many statements a page costs, or nothing where there is no page."""
    cookies = client.cookies.copy()
    with transaction.atomic(), CaptureQueriesContext(connection) as seen:
        answer = client.get(address)
        if answer.streaming:
            list(answer.streaming_content)
        transaction.set_rollback(True)
    client.cookies = cookies
    statements = [q["sql"] for q in seen if not q["sql"].startswith(CONTROL)]
    return len(statements) if answer.status_code == 200 else 0


def test_every_page_costs_at_most_twelve_statements_however_much_there_is(
    authority: Authority, elsewhere: Authority
) -> None:
    own = things(authority)
    who = people(own, things(elsewhere))
    Authenticator.objects.all().delete()  # made-up ones, which no browser could use
    owner = sign_in(Client(), own.owner, second_factor=True)
    clients = {"nobody": who.anonymous, "the owner": owner, "an administrator": who.everything}
    listed(clients.values())
    addresses = {route.name: address_of(route, own) for route in every_route()}
    addresses |= {path: address for _method, path, address in api_addresses(own)}
    grow(own, 2)
    before = _costs(clients, addresses)
    grow(own, 12)
    after = _costs(clients, addresses)
    assert len([cost for cost in after.values() if cost]) > 100
    assert {at: (before[at], n) for at, n in after.items() if n > before[at]} == {}
    assert {at: n for at, n in after.items() if n > MOST} == {}


def _costs(clients: dict[str, Client], addresses: dict[str, str]) -> dict[tuple[str, str], int]:
    return {
        (name, who): asked_of(client, address)
        for name, address in addresses.items()
        for who, client in clients.items()
    }
