"""What the matrix says, asked at the other authority's address, and of somebody else's things."""

import json
import re

import pytest
from django.test import Client
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from commonweal.decide.ballots import actions as voting
from commonweal.decide.ballots.rules import Choice
from commonweal.ground.people.models import Person
from commonweal.ground.places.models import Authority
from commonweal.ground.places.rules import Viewer
from commonweal.propose.proposals.models import Signature
from commonweal.spread.updates import actions as updates
from commonweal.spread.updates.models import Follow
from tests.factories import world
from tests.visit import sign_in
from tests.web.doors import COLUMNS, address_of, api_addresses, every_route, knock, wanted
from tests.web.matrix import DOORS
from tests.web.matrix_world import Things, people, things

pytestmark = pytest.mark.django_db
FOR_ALL_RIGHTS, FOR_A_STRANGE_ROW = COLUMNS.index("everything"), COLUMNS.index("row_elsewhere")


def _at(client: Client, authority: Authority) -> Client:
    assert authority.host, "it has an address of its own"
    client.defaults["HTTP_HOST"] = authority.host
    return client


def _names(own: Things) -> re.Pattern[str]:
    titled = (own.challenge, own.draft_challenge, own.proposal, own.draft, own.pot, own.counted)
    named = (own.community, own.organisation, own.service, own.project, own.authority)
    return re.compile("|".join(rf"\b{re.escape(str(thing))}\b" for thing in (*titled, *named)))


def test_at_another_authoritys_address_its_administrator_finds_their_rows_and_none_of_ours(
    authority: Authority, elsewhere: Authority
) -> None:
    own, other = things(authority), things(elsewhere)
    there = _at(people(own, other).foreigner, elsewhere)
    wrong, asked = [], 0
    for route in every_route():
        ours, theirs = address_of(route, own), address_of(route, other)
        for method, door in zip(("GET", "POST"), DOORS[route.name], strict=True):
            if ours == theirs:
                continue
            asked += 1
            found = knock(there, method, theirs), knock(there, method, ours, changes=False)
            told = door.split()
            expected = told[FOR_ALL_RIGHTS], told[FOR_A_STRANGE_ROW]
            if found != expected:
                wrong.append(f"{method} {route.name}: {found}, not {expected}")
    assert wrong == []
    assert asked > 100


def test_no_page_or_list_of_another_authority_names_anything_of_ours(
    authority: Authority, elsewhere: Authority
) -> None:
    own, other = things(authority), things(elsewhere)
    who, ours, theirs = people(own, other), _names(own), _names(other)
    named = 0
    for client in (_at(who.anonymous, elsewhere), _at(who.foreigner, elsewhere)):
        addresses = [reverse(r.name) for r in every_route() if not wanted(r)]
        addresses += [address for _, path, address in api_addresses(other) if "{" not in path]
        for address in addresses:
            text = client.get(address, follow=True).getvalue().decode()
            assert not (found := ours.search(text)), f"{address}: {found}"
            named += bool(theirs.search(text))
    assert named > 20, "the pages do name their own"


def test_somebody_elses_receipt_follow_signature_and_data_stay_theirs(
    authority: Authority, elsewhere: Authority
) -> None:
    own = things(authority)
    other_idea = world.a_proposal(own.challenge)
    neighbour = world.a_person(own.community, name="Nell")
    theirs = _busy(own, own.owner, other_idea.pk)
    client = sign_in(Client(), neighbour)

    receipt = client.get(reverse("ballots:receipt", args=[own.pot.pk])).content.decode()
    assert own.project.title not in receipt
    for address in (reverse("people:mine"), reverse("people:devices")):
        page = client.get(address).content.decode()
        assert own.draft.title not in page
        assert own.device.user_agent not in page
    data = json.dumps(client.post(reverse("people:download")).json())
    for words in (own.owner.name, own.owner.email, own.draft.title, own.comment.body):
        assert str(words) not in data

    client.post(reverse("updates:follow", args=[own.challenge.slug]), {"follow": "no"})
    client.post(reverse("proposals:unsign", args=[other_idea.pk]))
    assert Follow.objects.filter(person=own.owner).exists()
    assert Signature.objects.filter(person=own.owner).exists()

    mine = theirs.get(reverse("ballots:receipt", args=[own.pot.pk])).content.decode()
    assert own.project.title in mine
    assert own.draft.title in theirs.get(reverse("people:mine")).content.decode()
    assert own.comment.body in json.dumps(theirs.post(reverse("people:download")).json())


def _busy(own: Things, person: Person, idea_id: int) -> Client:
    """Let a person vote, follow and sign; return their browser."""
    viewer = Viewer(own.authority, person, timezone.now())
    voting.cast_ballot(viewer=viewer, pot_id=own.pot.pk, choice=Choice.of([own.project.pk]))
    updates.follow(viewer=viewer, challenge=own.challenge)
    Signature.objects.create(
        proposal_id=idea_id, person=person, standing="resident", signed_at=viewer.at
    )
    return sign_in(Client(), person)


def test_the_demos_own_addresses_are_not_there_outside_the_demo(authority: Authority) -> None:
    for name, given in (("demo:be", ["rosa"]), ("demo:mail", [])):
        with pytest.raises(NoReverseMatch):
            reverse(name, args=given)
    for address in ("/demo/be/rosa/", "/demo/mail/", "/demo/"):
        assert {knock(Client(), method, address) for method in ("GET", "POST")} == {"404"}
