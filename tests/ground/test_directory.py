"""The directory of services: found by what people need, changed by those who lead."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.urls import reverse

from commonweal.ground.directory import actions, queries
from commonweal.ground.directory.models import Service
from commonweal.ground.journal.models import Entry
from commonweal.ground.people.models import Person
from commonweal.ground.places.models import Authority, Community, Organisation, RoleKind
from commonweal.ground.places.rules import Viewer
from tests.factories import world
from tests.visit import Page

pytestmark = pytest.mark.django_db
Visit = Callable[..., Page]
SignIn = Callable[..., Client]
WORDS = {
    "name": "Home care",
    "purpose": "Helps people live as they like at home.",
    "for_whom": "Adults who need help",
    "where": "At home",
    "phone": "0300 000 0100",
    "email": "",
    "website": "",
    "hours": "Every day",
}


@pytest.fixture
def leads(authority: Authority, leader: Person, now: datetime) -> Viewer:
    return Viewer(authority, leader, now, True)


@pytest.fixture
def council(authority: Authority) -> Organisation:
    return world.an_organisation(authority, name="Larkmere Council", slug="council")


def test_a_leader_enters_and_changes_a_service_and_the_journal_tells(
    leads: Viewer, council: Organisation, community: Community
) -> None:
    given: dict[str, Any] = {"viewer": leads, "provider": council, **WORDS}
    care = actions.add_service(community=community, slug="home-care", **given)
    for taken in ("home-care", "new"):
        with pytest.raises(actions.SlugTaken):
            actions.add_service(community=community, slug=taken, **given)
    changed = actions.change_service(
        community=community, service_id=care.pk, **{**given, "name": "Care at home"}
    )
    assert (changed.name, changed.slug) == ("Care at home", "home-care")
    entries = Entry.objects.order_by("pk").values_list("what", "is_public")
    assert list(entries) == [("service.added", True), ("service.changed", True)]


def test_nobody_enters_services_without_the_right_or_across_authorities(
    leads: Viewer,
    council: Organisation,
    community: Community,
    resident: Person,
    elsewhere: Authority,
) -> None:
    clerk = world.a_person(community, role=RoleKind.CLERK)
    beside = world.a_community(leads.authority)
    theirs = world.an_organisation(elsewhere)
    root = world.root(elsewhere)
    refused = (
        (resident, community, council),
        (None, community, council),
        (clerk, beside, council),
        (clerk, community, theirs),
        (leads.person, root, council),
    )
    kept = world.a_service(leads.authority, community=community, provider=council)
    for person, place, provider in refused:
        viewer = Viewer(leads.authority, person, leads.at, True)
        given: dict[str, Any] = {"community": place, "provider": provider, **WORDS}
        with pytest.raises(PermissionDenied):
            actions.add_service(viewer=viewer, slug="care", **given)
        with pytest.raises(PermissionDenied):
            actions.change_service(viewer=viewer, service_id=kept.pk, **given)
    abroad = world.a_service(elsewhere)
    with pytest.raises(Service.DoesNotExist):
        actions.change_service(
            viewer=leads, service_id=abroad.pk, community=community, provider=council, **WORDS
        )
    kept.refresh_from_db()
    assert kept.name != "Home care" and not Service.objects.filter(slug="care").exists()


def test_a_service_is_found_by_its_meaning_its_provider_and_its_place(
    leads: Viewer, council: Organisation, community: Community, elsewhere: Authority
) -> None:
    beside = world.a_community(leads.authority)
    care = world.a_service(
        leads.authority, provider=council, name="Home care", purpose="Helping you wash"
    )
    near = world.a_service(leads.authority, community=community, name="Hall")
    far = world.a_service(leads.authority, community=beside, name="Pool")
    world.a_service(elsewhere, name="Home care")
    every = queries.services(leads)

    def found(**given: Any) -> set[Service]:
        return set(queries.search(every, **given))

    assert found() == {care, near, far}
    assert found(words="helps washing") == found(words="larkmere") == {care}
    assert found(community=community) == {care, near}
    assert found(words="pool", community=community) == set()
    assert found(words='"unclosed OR -(') == set()


def test_the_list_searches_pages_and_bears_any_address(visit: Visit, authority: Authority) -> None:
    assert "No services are entered yet" in visit("/services/").text
    for _one in range(25):
        world.a_service(authority, name="Bus to town")
    assert "25 services" in visit("/services/?q=bus").text
    assert "Page 2 of 2" in visit("/services/?q=bus&page=2").text
    assert "No service has these words" in visit("/services/?q=%00zeppelin").text
    visit("/services/?page=x&community=nowhere&q=" + "%27%22%3C" * 100)


def test_a_page_says_what_it_is_for_first_and_escapes_what_people_wrote(
    visit: Visit, authority: Authority, elsewhere: Authority
) -> None:
    world.a_service(authority, slug="care", purpose="Live <script>x</script> well", hours="<b>")
    page = visit("/services/care/")
    assert page.text.index("Live <script>") < page.text.index("At home")
    assert "<script>x" not in page.html
    world.a_service(elsewhere, slug="abroad")
    visit("/services/abroad/", status=404)


def test_a_service_is_shown_where_it_is_given_and_by_whom(
    visit: Visit, community: Community, council: Organisation
) -> None:
    world.a_service(community.authority, community=community, provider=council, name="Hall hire")  # type: ignore[arg-type]
    for address in ("/communities/quayside/", "/organisations/council/"):
        assert "Hall hire" in visit(address).text


def test_staff_enter_and_change_a_service_in_the_browser(
    visit: Visit, signed_in: SignIn, leader: Person, council: Organisation, community: Community
) -> None:
    signed_in(leader, second_factor=True)
    given = {**WORDS, "community": "quayside", "provider": council.pk}
    assert "Home care" in visit("/services/new/", data=given).title
    visit("/services/new/", data={**given, "community": "QUAYSIDE"})
    assert set(Service.objects.values_list("slug", flat=True)) == {"home-care", "home-care-2"}
    for wrong in (
        {"purpose": ""},
        {"website": "javascript:x"},
        {"provider": "10" * 30},
        {"community": "Atlantis"},
        {"name": "\x00"},
    ):
        assert visit("/services/new/", data=given | wrong).title.startswith("Mistake")
    page = visit("/services/home-care/change/", data={**given, "name": "Care at home"})
    assert "Saved." in page.text and "Care at home" in page.title
    assert Service.objects.count() == 2


@pytest.mark.parametrize("address", ["/services/new/", "/services/care/change/"])
def test_the_forms_are_for_those_who_lead_there(
    visit: Visit,
    client: Client,
    signed_in: SignIn,
    community: Community,
    resident: Person,
    moderator: Person,
    leader: Person,
    address: str,
) -> None:
    world.a_service(community.authority, slug="care")  # type: ignore[arg-type]
    assert reverse("account_login") in client.get(address).headers["Location"]
    for person in (resident, moderator):
        visit(address, client=signed_in(person, second_factor=True), status=403)
    assert "second-factor" in signed_in(leader).get(address).headers["Location"]
    visit(address, client=signed_in(leader, second_factor=True))


def test_a_clerk_of_one_place_is_told_kindly_that_another_is_not_theirs(
    visit: Visit, signed_in: SignIn, community: Community, council: Organisation
) -> None:
    signed_in(world.a_person(community, role=RoleKind.CLERK), second_factor=True)
    page = visit("/services/new/", data={**WORDS, "community": "whole", "provider": council.pk})
    assert page.title.startswith("Mistake") and "lead this community" in page.text
    assert not Service.objects.exists()


def test_the_pages_ask_no_more_for_thirty_services_than_for_three(
    visit: Visit,
    signed_in: SignIn,
    administrator: Person,
    authority: Authority,
    django_assert_max_num_queries: Any,
) -> None:
    signed_in(administrator, second_factor=True)
    world.a_service(authority, slug="care")
    for count in (2, 27):
        for _one in range(count):
            world.a_service(authority)
        for address in ("/services/?q=help", "/services/", "/services/care/", "/organisations/"):
            with django_assert_max_num_queries(12):
                visit(address)
