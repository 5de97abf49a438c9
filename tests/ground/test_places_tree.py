"""The tree of communities: it stays a tree, and a branch is one indexed question."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commonweal.ground.journal.models import Entry
from commonweal.ground.people.models import Person
from commonweal.ground.places import actions, queries
from commonweal.ground.places.models import Authority, Community, CommunityKind
from commonweal.ground.places.rules import Viewer
from tests.factories import world
from tests.visit import Page

pytestmark = pytest.mark.django_db
WARD = CommunityKind.WARD


@pytest.fixture
def runs(authority: Authority, administrator: Person, now: Any) -> Viewer:
    return Viewer(authority, administrator, now, True)


def _chain(community: Community) -> list[int]:
    """Return what ``ancestors`` has to be, from one parent to the next."""
    above: list[int] = []
    while community.parent is not None:
        community = community.parent
        above.insert(0, community.pk)
    return above


def _a_thousand(authority: Authority, wards: int, each: int) -> None:
    """Make a flat tree fast: so many wards with so many neighbourhoods each."""
    root = world.root(authority)
    rows = Community.objects.bulk_create(
        Community(
            authority=authority, parent=root, ancestors=[root.pk], kind="ward",
            name=f"Ward {n:04}", slug=f"ward-{n}",
        )
        for n in range(wards)
    )  # fmt: skip
    Community.objects.bulk_create(
        Community(
            authority=authority, parent=ward, ancestors=[root.pk, ward.pk], kind="neighbourhood",
            name=f"{ward.name} part {n}", slug=f"{ward.slug}-{n}", postcodes=[f"LM{ward.pk % 90 + 1} {n % 10}"],
        )
        for ward in rows
        for n in range(each)
    )  # fmt: skip


@given(
    steps=st.lists(st.tuples(st.booleans(), st.integers(0, 99), st.integers(0, 99)), max_size=12)
)
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_after_any_adds_and_moves_the_ancestors_are_the_chain_of_parents(
    runs: Viewer, steps: list[tuple[bool, int, int]]
) -> None:
    with transaction.atomic():  # undone after each example
        for number, (adds, which, where) in enumerate(steps):
            here = list(Community.objects.filter(authority=runs.authority).order_by("pk"))
            one, parent = here[which % len(here)], here[where % len(here)]
            if adds:
                slug = f"made-{number}"
                actions.add_community(viewer=runs, parent=parent, kind=WARD, name=slug, slug=slug)
                continue
            try:
                actions.move_community(viewer=runs, community=one, parent=parent)
            except actions.WouldBeACycle:
                assert one.pk in parent.branch()
            except actions.NotAPlaceInside:
                assert one.kind == CommunityKind.AUTHORITY
        for community in Community.objects.filter(authority=runs.authority):
            assert community.ancestors == _chain(community)
        transaction.set_rollback(True)


def test_a_branch_moves_whole_and_refuses_to_stand_in_itself(runs: Viewer) -> None:
    root = queries.root(runs)
    north, south = (world.a_community(runs.authority, name=name) for name in ("North", "South"))
    inner = world.a_community(runs.authority, north)
    leaf = world.a_community(runs.authority, inner)
    for below in (north, inner, leaf):
        with pytest.raises(actions.WouldBeACycle):
            actions.move_community(viewer=runs, community=north, parent=below)
    with pytest.raises(actions.NotAPlaceInside):
        actions.move_community(viewer=runs, community=root, parent=south)
    actions.move_community(viewer=runs, community=inner, parent=south)
    leaf.refresh_from_db()
    assert leaf.ancestors == [root.pk, south.pk, inner.pk]
    assert list(queries.descendants(runs, north)) == []
    assert Entry.objects.filter(what="community.moved", is_public=True).count() == 1


def test_nobody_moves_or_adds_across_authorities_or_without_the_right(
    runs: Viewer, elsewhere: Authority, resident: Person
) -> None:
    theirs, ours = world.root(elsewhere), queries.root(runs)
    ward = world.a_community(runs.authority)
    neighbour = Viewer(runs.authority, resident, runs.at, True)
    for viewer, parent in ((runs, theirs), (neighbour, ours)):
        with pytest.raises(PermissionDenied):
            actions.move_community(viewer=viewer, community=ward, parent=parent)
        with pytest.raises(PermissionDenied):
            actions.add_community(viewer=viewer, parent=parent, kind=WARD, name="X", slug="x")
    assert not Community.objects.filter(slug="x").exists()


@pytest.mark.parametrize("slug", ["quayside", "new", "near"])
def test_an_address_that_is_taken_or_ours_is_refused_and_nothing_is_saved(
    runs: Viewer, community: Community, slug: str
) -> None:
    before = Community.objects.count()
    with pytest.raises(actions.SlugTaken):
        actions.add_community(viewer=runs, parent=community, kind=WARD, name="Another", slug=slug)
    assert Community.objects.count() == before


def test_a_branch_and_a_postcode_are_found_by_index_among_three_thousand(
    runs: Viewer, authority: Authority
) -> None:
    _a_thousand(authority, wards=100, each=29)
    ward = Community.objects.filter(kind="ward").first()
    assert ward is not None
    assert queries.descendants(runs, ward).count() == 29
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE places_community")
    # The authority's own few columns must not lure the planner away: it looks at the tree alone.
    below = Community.objects.filter(ancestors__contains=[ward.pk]).explain()
    assert "community_by_ancestor" in below and "Seq Scan" not in below
    assert "Seq Scan" not in queries.descendants(runs, ward).explain()
    near = Community.objects.filter(postcodes__overlap=["LM7", "LM7 1"]).explain()
    assert "community_by_postcode" in near and "Seq Scan" not in near


def test_pages_of_three_thousand_communities_ask_no_more_than_pages_of_three(
    authority: Authority,
    resident: Person,
    administrator: Person,
    visit: Callable[..., Page],
    signed_in: Callable[..., Client],
    django_assert_max_num_queries: Any,
) -> None:
    client = signed_in(administrator, second_factor=True)

    def look() -> None:
        for address in ("", "?q=a&page=2", "whole/", "quayside/", "quayside/people/"):
            with django_assert_max_num_queries(12):
                visit(f"/communities/{address}", client=client)

    look()
    _a_thousand(authority, wards=100, each=29)
    for _one in range(30):
        person = world.a_person(resident.membership_set.get().community)
        actions.declare_standing(
            viewer=Viewer(authority, person, administrator.joined_at),
            community=world.root(authority),
            kind="charity",  # type: ignore[arg-type]
        )
    look()
    page = visit("/communities/?page=99999999999999999999")
    assert "Ward 0099" in page.text and "All communities in Ward 0099" in page.text
