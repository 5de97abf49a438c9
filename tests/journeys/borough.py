"""A small borough in which something stands on every page, and the way through it by its links."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urljoin, urlsplit

from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from allauth.usersessions.models import UserSession
from django.test import Client
from django.urls import Resolver404, resolve, reverse
from django.utils import timezone

from commonweal.decide.ballots import actions as voting
from commonweal.decide.ballots.rules import Choice
from commonweal.decide.budgets.models import Pot
from commonweal.decide.counts import actions as counts
from commonweal.ground.challenges.models import Challenge, Stage
from commonweal.ground.people.models import Person
from commonweal.ground.places.models import (
    Authority,
    Community,
    OrganisationMember,
    Role,
    RoleKind,
    Standing,
    StandingKind,
)
from commonweal.ground.places.rules import Viewer
from commonweal.listen.conversations.models import Conversation, State
from commonweal.listen.maps.actions import refresh_map
from commonweal.listen.reports.models import Report
from commonweal.propose.proposals import actions as proposals
from commonweal.propose.proposals.models import Proposal
from commonweal.spread.updates import actions as updates
from tests.factories import hearings, listen, world
from tests.listen import surveys
from tests.visit import Page
from tests.web.matrix_world import a_case, moderated

OF_A_KIND = 2  # how many pages of one kind are looked at, for instance an open and a counted pot
BESIDE = ("/no-such-page/", "/goodbye/", "/account/sign-on-stopped/", "/account/sign-on-failed/")


@dataclass
class Borough:
    """What the journeys name: places, people, and what they do."""

    authority: Authority
    community: Community
    resident: Person
    staff: Person
    gathering: Challenge  # takes ideas now
    deciding: Challenge  # shares out money now
    pot: Pot
    idea: Proposal  # of somebody else, open to signatures
    draft: Proposal  # of the resident


def a_borough() -> Borough:
    """Return an authority with rows of every kind, and more than one page of the longest lists."""
    authority = world.an_authority(
        name="Larkmere Borough Council",
        short_name="Larkmere",
        slug="larkmere",
        phone="01632 960 000",
    )
    community = world.a_community(authority, name="Quayside", slug="quayside")
    for _ in range(3):
        world.a_community(authority, community)
    at = timezone.now()
    resident = world.a_person(community, name="Rosa Almeida")
    resident.joined_at = at - timedelta(days=90)  # so nobody asks any more for a name
    resident.save(update_fields=["joined_at"])
    staff = _staff(authority)
    seen = Viewer(authority, resident, at)
    by_staff = Viewer(authority, staff, at, has_second_factor=True)

    council = world.an_organisation(authority, name="Larkmere Borough Council", slug="council")
    OrganisationMember.objects.create(organisation=council, person=staff)
    care = world.a_service(authority, name="Home care", slug="home-care", provider=council)
    same = {"service": care, "created_by": staff, "money_pence": 200_000_00}
    gathering = world.a_challenge(
        authority, title="Better home care", slug="better-home-care", stage=Stage.PROPOSE, **same
    )
    deciding = world.a_challenge(
        authority, title="Safer streets", slug="safer-streets", stage=Stage.DECIDE, **same
    )
    world.a_challenge(authority, title="Not public yet", slug="draft", published=False, **same)

    writer = world.a_person(community, name="Olive Byrne")
    ideas = [world.a_proposal(gathering, author=writer) for _ in range(22)]
    for number in range(3):
        words = f"It would have helped my mother, {number} times over."
        proposals.write_comment(
            viewer=seen, proposal_id=ideas[-1].pk, standing="resident", body=words
        )
    proposals.hide_proposal(viewer=by_staff, proposal_id=ideas[0].pk, reason="advert")
    draft = proposals.start_proposal(
        viewer=seen, challenge=gathering, standing="resident", better="I walk in and it is warm."
    )
    updates.follow(viewer=seen, challenge=gathering)
    pot = world.a_pot(deciding, title="The summer pot", created_by=staff)
    _a_counted_pot(deciding, by_staff, at)
    _conversations(gathering, resident, staff)
    UserSession.objects.create(
        user=resident, session_key="telephone", ip="127.0.0.1", user_agent="Telephone"
    )
    return Borough(
        authority, community, resident, staff, gathering, deciding, pot, ideas[-1], draft
    )


def _conversations(challenge: Challenge, resident: Person, staff: Person) -> None:
    """Let people be asked: now, before and soon; something is answered, and something waits."""
    same = {"challenge": challenge, "community": challenge.community, "created_by": staff}
    promise = {
        "promised_by": "The board",
        "promised_on": timezone.localdate(),
        "policy": "Be kind.",
    }
    for is_open in (True, False):
        asked = listen.a_conversation(
            challenge.authority, statements=4, open=is_open, **same, **promise
        )
        who = listen.a_participant(asked, resident)
        listen.a_statement(asked, "The evening visit comes too early.", author=who, is_first=False)
        listen.a_statement(asked, state=State.WAITING, is_first=False)
        listen.a_detail(asked)
        said = asked.statements.get(number=1)
        for heed in ("looking", "done"):
            said.answers.create(
                heed=heed, words="A nurse rings on the day after.", answered_at=timezone.now(),
                answered_by=staff,
            )  # fmt: skip
        asked.changes.create(
            part="background", was="A", became="B", why="A slip", changed_at=timezone.now(),
            changed_by=staff,
        )  # fmt: skip
    soon = timezone.now() + timedelta(days=3)
    listen.a_conversation(
        challenge.authority, statements=2, is_draft=True, opens_at=soon,
        closes_at=soon + timedelta(days=9), **same,
    )  # fmt: skip


def have_listened(borough: Borough) -> list[str]:
    """Let many have answered, and all be there that comes of it; return what no link leads to."""
    asked = Conversation.objects.filter(is_draft=False).order_by("pk")
    for conversation in asked:
        _two_camps(conversation)
        Report.objects.create(
            conversation=conversation, summary="Most want one person they know.",
            advice="Let one nurse ring.", written_at=timezone.now(), written_by=borough.staff,
            published_at=timezone.now(),
        )  # fmt: skip
        moderated(conversation, borough.resident)
        a_case(conversation)
    surveys.one_of_each(borough.community, borough.staff)
    surveys.a_whole_survey(borough.community, opens=2, closes=9, challenge=borough.gathering)
    hearings.in_every_state(borough.community, borough.gathering, borough.staff)
    return [reverse("reports:embed", args=[conversation.pk]) for conversation in asked]


def _two_camps(conversation: Conversation) -> None:
    """Let people of two minds vote, and make the map; a few did not see every statement."""
    statements = conversation.statements.filter(state=State.SHOWN).count()
    for _more in range(12 - statements):
        listen.a_statement(conversation)
    table: list[list[int | None]] = [
        [
            None
            if (who + n) % 9 == 0
            else 1
            if n % 4 == 0 or (n % 2 == who % 2) != ((who * 5 + n) % 11 == 0)
            else -1
            for n in range(12)
        ]
        for who in range(60)
    ]
    listen.many_votes(conversation, table)
    assert refresh_map(conversation_id=conversation.pk, at=timezone.now())


def _staff(authority: Authority) -> Person:
    """Return somebody who may do everything that staff may."""
    everywhere = world.root(authority)
    staff = world.a_person(
        everywhere, name="Omar Said", role=RoleKind.CLERK, standing=StandingKind.SERVICE_LEADER
    )
    for kind in (RoleKind.MODERATOR, RoleKind.ADMINISTRATOR, RoleKind.AUDITOR):
        Role.objects.create(
            person=staff, community=everywhere, kind=kind, granted_at=timezone.now()
        )
    TOTP.activate(staff, generate_totp_secret())
    waiting = world.a_person(everywhere, name="Wanda Waits")
    Standing.objects.create(person=waiting, community=everywhere, kind=StandingKind.CHARITY)
    return staff


def _a_counted_pot(challenge: Challenge, by_staff: Viewer, at: datetime) -> Pot:
    then = {"opens_at": at - timedelta(days=9), "closes_at": at - timedelta(days=2)}
    pot = world.a_pot(challenge, title="The spring pot", pence=50_000_00, **then)
    projects = list(pot.projects.order_by("pk").values_list("pk", flat=True))
    for number in range(8):
        voter = world.a_person(world.root(by_staff.authority))
        while_open = Viewer(by_staff.authority, voter, at - timedelta(days=3))
        voting.cast_ballot(
            viewer=while_open, pot_id=pot.pk, choice=Choice.of(projects[: 1 + number % 2])
        )
    counts.count_pot(viewer=by_staff, pot_id=pot.pk)
    return pot


@dataclass
class Walk:
    """A walk along every link, from the front page on, that takes a few pages of each kind."""

    client: Client
    seen: set[str] = field(default_factory=set)
    kinds: Counter[str] = field(default_factory=Counter)
    pages: list[str] = field(default_factory=list)
    kind_of: dict[str, str] = field(default_factory=dict)

    def from_page(self, *addresses: str) -> list[str]:
        """Return the addresses of every page that can be come to from here."""
        waiting = list(addresses)
        while waiting:
            address = waiting.pop(0)
            if self._is_new(address):
                waiting += self._links(address)
        return self.pages

    def _is_new(self, address: str) -> bool:
        bare = address.partition("#")[0]
        if bare in self.seen:
            return False
        self.seen.add(bare)
        try:
            kind = resolve(urlsplit(bare).path).view_name
        except Resolver404:
            kind = "nowhere"
        self.kinds[kind] += 1
        self.kind_of[address] = kind
        return self.kinds[kind] <= OF_A_KIND

    def _links(self, address: str) -> list[str]:
        answer = self.client.get(address, follow=True)
        assert answer.status_code < 500, address
        if answer.status_code == 405 or not answer.headers["Content-Type"].startswith("text/html"):
            return []
        self.pages.append(address)
        return [
            urljoin(answer.request["PATH_INFO"], link)
            for link in Page(answer.content.decode()).links
            if not urlsplit(link).scheme and not urlsplit(link).netloc
        ]
