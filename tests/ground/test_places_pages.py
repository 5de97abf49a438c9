"""The pages about communities and organisations, as people of every kind meet them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from commonweal.ground.people.models import Person
from commonweal.ground.places.models import (
    Authority,
    Community,
    Level,
    Membership,
    Organisation,
    OrganisationMember,
    Role,
    RoleKind,
    Standing,
    StandingKind,
)
from tests.factories import world
from tests.visit import Page

pytestmark = pytest.mark.django_db
Visit = Callable[..., Page]
SignIn = Callable[..., Client]
HUGE = 10**30


@pytest.fixture
def quay(community: Community) -> Community:
    community.postcodes, community.about = ["LM1 1"], "Old docks & <new> flats."
    community.save()
    return community


@pytest.fixture
def runs(administrator: Person, client: Client, signed_in: SignIn) -> Client:
    """Return a browser in which the administrator has used the second factor."""
    return signed_in(administrator, second_factor=True)


def test_a_passer_by_sees_the_tree_and_is_asked_to_sign_in_to_join(
    visit: Visit, quay: Community
) -> None:
    assert "Quayside" in visit("/communities/").text
    page = visit("/communities/quayside/")
    assert "Sign in to join" in page.text and "Old docks & <new> flats." in page.text
    assert f"{reverse('account_login')}?next=/communities/quayside/" in page.links
    assert visit("/communities/?q=QUAY").text.count("Quayside") == 1
    assert "No community here is called that" in visit("/communities/?q=%00atlantis").text


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("lm1 1ab", "Quayside"),
        ("LM111AB", "We do not know this postcode"),
        ("LM1", "Write the whole postcode"),
        ("", "Write the whole postcode"),
        ("LM1 1AB\x00", "not allowed"),
        ("x" * 500, "Write the whole postcode"),
    ],
)
def test_a_postcode_leads_to_the_community_or_to_words(
    visit: Visit, quay: Community, written: str, words: str
) -> None:
    page = visit("/communities/near/", data={"postcode": written})
    assert words in page.text
    assert "1AB" not in page.response.request["PATH_INFO"]  # type: ignore[attr-defined]
    assert not page.response.request["QUERY_STRING"]  # type: ignore[attr-defined]


def test_small_counts_are_not_shown(visit: Visit, quay: Community) -> None:
    for number in range(5):
        assert f"{number} people" not in visit("/communities/quayside/").text
        world.a_person(quay)
    assert "5 people" in visit("/communities/quayside/").text


def test_someone_joins_gives_a_postcode_speaks_and_leaves(
    visit: Visit, quay: Community, signed_in: SignIn
) -> None:
    person = world.a_person()
    signed_in(person)
    address = "/communities/quayside/"
    page = visit(f"{address}join/", data={"postcode": ""})
    assert "You belong to Quayside." in page.text and "Self-declared" in page.text
    page = visit(f"{address}join/", data={"postcode": "LM9 1AB"})
    assert page.title.startswith("Mistake:") and "not of Quayside" in page.text
    assert "surer" in visit(f"{address}join/", data={"postcode": "LM1 1AB"}).text
    assert person.membership_set.get().level == Level.POSTCODE
    assert "speak as this now" in visit(f"{address}standing/", data={"kind": "carer"}).text
    page = visit(f"{address}standing/", data={"kind": "charity"})
    assert "has to confirm" in page.text and "waits for a word" in page.text
    assert visit(f"{address}standing/", data={"kind": "king"}).title.startswith("Mistake:")
    mine = visit("/me/")
    assert "Quayside" in mine.text and "Postcode in the area" in mine.text
    for standing in person.standing_set.all():
        for _twice in range(2):
            visit(f"/standings/{standing.pk}/withdraw/", data={"next": address})
    assert not person.standing_set.exists()
    assert "no longer belong" in visit(f"{address}leave/", data={}).text
    assert not person.membership_set.exists()


@pytest.mark.parametrize("address", ["join", "leave", "standing", "people/roles", "people/1"])
def test_changing_anything_needs_a_form_and_a_signed_in_person(
    client: Client, quay: Community, address: str
) -> None:
    full = f"/communities/quayside/{address}/"
    assert client.get(full).status_code == 405
    answer = client.post(full, {"kind": "resident"})
    assert answer.status_code == 302 and reverse("account_login") in answer.headers["Location"]
    assert not Membership.objects.exists() and not Standing.objects.exists()


STAFF_PAGES = (
    "/communities/quayside/people/",
    "/communities/quayside/new/",
    "/communities/quayside/change/",
    "/organisations/new/",
)


@pytest.mark.parametrize("address", STAFF_PAGES)
def test_staff_pages_open_to_administrators_with_a_second_factor_alone(
    visit: Visit,
    client: Client,
    signed_in: SignIn,
    quay: Community,
    administrator: Person,
    moderator: Person,
    resident: Person,
    elsewhere: Authority,
    address: str,
) -> None:
    abroad = world.a_person(world.root(elsewhere), role=RoleKind.ADMINISTRATOR)
    assert reverse("account_login") in client.get(address).headers["Location"]
    for person in (resident, moderator, abroad):
        page = visit(address, client=signed_in(person, second_factor=True), status=403)
        assert "This is not open to you" in page.text
    assert "second-factor" in signed_in(administrator).get(address).headers["Location"]
    visit(address, client=signed_in(administrator, second_factor=True))


def test_a_clerk_checks_members_and_sees_no_addresses_nor_rights(
    visit: Visit, quay: Community, resident: Person, signed_in: SignIn
) -> None:
    clerk = world.a_person(quay, role=RoleKind.CLERK)
    signed_in(clerk, second_factor=True)
    page = visit("/communities/quayside/people/?q=Rosa")
    assert "Rosa" in page.text and "example.org" not in page.html
    assert "Who has which right" not in page.text
    assert "Nobody here has this name" in visit(f"{STAFF_PAGES[0]}?q={resident.email}").text
    member = resident.membership_set.get()
    check = f"/communities/quayside/people/{member.pk}/"
    for wrong in ({"level": "2"}, {"level": "5", "expires_on": "2001-01-01"}, {"level": "x"}, {}):
        assert visit(check, data=wrong).title.startswith("Mistake:")
    assert (
        "until 31 December 2099"
        in visit(check, data={"level": "5", "expires_on": "2099-12-31"}).text
    )
    member.refresh_from_db()
    assert (member.level, member.verified_by) == (Level.IN_PERSON, clerk)
    visit(f"/communities/quayside/people/{HUGE}/", data={"level": "5"}, status=404)
    own = clerk.membership_set.get().pk
    visit(f"/communities/quayside/people/{own}/", data={"level": "5"}, status=403)


def test_an_administrator_finds_by_address_confirms_and_grants(
    visit: Visit, runs: Client, quay: Community, resident: Person, administrator: Person
) -> None:
    standing = Standing.objects.create(person=resident, community=quay, kind="charity")
    assert "Rosa" in visit(f"{STAFF_PAGES[0]}?q={resident.email}").text
    assert "1 person waits for your word" in visit("/desk/").text
    page = visit(f"/standings/{standing.pk}/confirm/", data={"next": "https://evil.example/"})
    assert "Confirmed." in page.text and "Who belongs to Quayside" in page.title
    standing.refresh_from_db()
    assert standing.confirmed_by == administrator
    grant = "/communities/quayside/people/roles/"
    assert visit(grant, data={"email": "x@example.org", "kind": "clerk"}).title.startswith(
        "Mistake"
    )
    assert (
        "Granted"
        in visit(grant, data={"email": f"  {resident.email}".upper(), "kind": "clerk"}).text
    )
    role = resident.role_set.get()
    assert "Taken back" in visit(f"/roles/{role.pk}/withdraw/", data={}).text
    visit(f"/roles/{role.pk}/withdraw/", data={}, status=404)
    last = administrator.role_set.get()
    assert "nobody else is one" in visit(f"/roles/{last.pk}/withdraw/", data={}).text
    assert Role.objects.filter(pk=last.pk).exists()


@pytest.mark.parametrize(
    "address", ["/standings/{}/confirm/", "/roles/{}/withdraw/", "/organisation-members/{}/remove/"]
)
def test_rows_of_another_authority_and_numbers_out_of_reach_are_not_there(
    visit: Visit, runs: Client, elsewhere: Authority, address: str
) -> None:
    there = world.a_person(
        world.root(elsewhere), role=RoleKind.CLERK, standing=StandingKind.CHARITY
    )
    Standing.objects.update(confirmed_at=None)
    member = OrganisationMember.objects.create(
        organisation=world.an_organisation(elsewhere), person=there
    )
    rows: dict[str, Any] = {
        "standings": there.standing_set.get(),
        "roles": there.role_set.get(),
        "organisation-members": member,
    }
    row = rows[address.split("/")[1]]
    for number in (row.pk, HUGE, 2**63 - 1):
        visit(address.format(number), data={}, status=404)
    row.refresh_from_db()


def test_another_persons_standing_is_not_mine_to_end(
    visit: Visit, signed_in: SignIn, resident: Person
) -> None:
    signed_in(world.a_person())
    standing = resident.standing_set.get()
    visit(f"/standings/{standing.pk}/withdraw/", data={}, status=404)
    assert resident.standing_set.exists()


@pytest.mark.parametrize("address", ["/communities/moor/", "/organisations/guild/"])
def test_pages_of_another_authority_are_not_here(
    visit: Visit, runs: Client, elsewhere: Authority, address: str
) -> None:
    world.a_community(elsewhere, slug="moor")
    world.an_organisation(elsewhere, slug="guild")
    visit(address, status=404)
    visit(address, HTTP_HOST="northmoor.localhost")


def test_an_administrator_adds_changes_and_moves_communities(
    visit: Visit, runs: Client, quay: Community
) -> None:
    given = {"name": "Near", "kind": "neighbourhood", "postcodes": "lm7 1, LM8", "about": "A <b>"}
    page = visit("/communities/quayside/new/", data=given)
    made = Community.objects.get(name="Near")
    assert (made.slug, made.postcodes, made.parent) == ("near-2", ["LM7 1", "LM8"], quay)
    assert "<b>" in page.text
    for wrong in ({"postcodes": "LM7 1 2"}, {"name": ""}, {"kind": "nation"}, {"name": "a\x00"}):
        assert visit("/communities/quayside/new/", data=given | wrong).title.startswith("Mistake")
    change = {"name": "Quay", "about": "", "postcodes": "", "parent": "near"}
    page = visit("/communities/quayside/change/", data=change)
    assert "cannot stand inside itself" in page.text
    quay.refresh_from_db()
    assert quay.name == "Quayside"
    visit("/communities/near-2/change/", data={**change, "name": "Afar", "parent": "whole"})
    made.refresh_from_db()
    assert (made.name, made.slug) == ("Afar", "near-2") and made.parent != quay
    wrong_place = visit("/communities/near-2/change/", data={**change, "parent": "Atlantis"})
    assert "No community here is called this" in wrong_place.text


def test_an_organisation_is_entered_and_those_who_run_it_fill_it(
    visit: Visit, runs: Client, signed_in: SignIn, resident: Person, moderator: Person
) -> None:
    given = {"name": "Highfold Hub", "kind": "charity", "about": "", "website": "hub.example"}
    assert "Highfold Hub" in visit("/organisations/new/", data=given).title
    assert "website" not in visit("/organisations/").text
    for wrong in ({"website": "javascript:alert(1)"}, {"kind": "king"}, {"name": ""}):
        assert visit("/organisations/new/", data=given | wrong).title.startswith("Mistake")
    hub = Organisation.objects.get()
    assert hub.website == "https://hub.example"
    members = "/organisations/highfold-hub/members/"
    visit(members, data={"email": resident.email, "is_manager": "on"})
    signed_in(resident)
    page = visit("/organisations/highfold-hub/")
    assert "Rosa" in page.text and "runs it" in page.text
    assert visit(members, data={"email": "nobody@example.org"}).title.startswith("Mistake")
    assert "Mo" in visit(members, data={"email": moderator.email}).text
    visit("/organisations/highfold-hub/change/", data={**given, "about": "Since 1987."})
    signed_in(moderator)
    assert "Rosa" not in visit("/organisations/highfold-hub/").text
    for address, data in (
        (members, {"email": resident.email}),
        ("/organisations/highfold-hub/change/", given),
    ):
        visit(address, data=data, status=403)
    other = hub.members.get(person=resident)
    visit(f"/organisation-members/{other.pk}/remove/", data={}, status=404)
    own = hub.members.get(person=moderator)
    visit(f"/organisation-members/{own.pk}/remove/", data={})
    assert list(hub.members.all()) == [other]
