"""Belonging, speaking as, holding rights: who may, how surely, and what is kept."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from commonweal.ground.journal.models import Entry
from commonweal.ground.people.models import Person
from commonweal.ground.places import actions, queries, rules
from commonweal.ground.places.manifest import MANIFEST
from commonweal.ground.places.models import (
    Authority,
    Community,
    CommunityKind,
    Level,
    Membership,
    Organisation,
    OrganisationMember,
    Role,
    RoleKind,
    Standing,
    StandingKind,
)
from commonweal.ground.places.rules import Viewer
from commonweal.kit.postcode import area, areas, postcode
from tests.factories import world

LETTERS = "ABDEFGHJLNPQRSTUWXYZ"


@pytest.fixture
def runs(authority: Authority, administrator: Person, now: datetime) -> Viewer:
    return Viewer(authority, administrator, now, True)


@pytest.fixture
def newcomer(authority: Authority, now: datetime) -> Viewer:
    return Viewer(authority, world.a_person(), now)


@pytest.fixture
def quay(community: Community) -> Community:
    community.postcodes = ["LM1 1", "LM1 2"]
    community.save()
    return community


def _codes() -> list[str]:
    return list(Entry.objects.order_by("pk").values_list("what", flat=True))


# Postcodes


@given(st.sampled_from(["LM1", "LM11", "W1A", "EC1A", "M60"]), st.integers(0, 9), st.data())
def test_a_postcode_lies_in_its_own_areas_however_it_is_written(
    outward: str, sector: int, data: st.DataObject
) -> None:
    unit = "".join(data.draw(st.lists(st.sampled_from(LETTERS), min_size=2, max_size=2)))
    whole = f"{outward} {sector}{unit}"
    for written in (whole, whole.lower(), whole.replace(" ", ""), f"  {whole}  "):
        assert postcode(written) == whole
        assert areas(written)[-1] == whole
    assert all(area(one) == one for one in areas(whole))
    assert outward in areas(whole) and f"{outward} {sector}" in areas(whole)


@given(st.text(max_size=14))
def test_any_text_is_a_postcode_or_refused_in_one_way(text: str) -> None:
    try:
        assert postcode(postcode(text)) == postcode(text)
    except ValueError as error:
        assert "postcode" in str(error)


@pytest.mark.parametrize(
    "text",
    ["", "LM1", "LM1 4", "LM1 4A", "LM1 4AC", "Q1 1AA", "LM111 4AB", "LM1 4AB\x00", "x" * 99],
)
def test_what_is_no_whole_postcode_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="postcode"):
        postcode(text)


@pytest.mark.django_db
def test_the_most_exact_community_is_near_and_a_longer_number_is_elsewhere(runs: Viewer) -> None:
    wide = world.a_community(runs.authority, postcodes=["LM1"])
    exact = world.a_community(runs.authority, wide, postcodes=["LM1 4"])
    deeper = world.a_community(runs.authority, exact, postcodes=["LM1 4", "LM9"])
    assert queries.nearest(runs, "lm14ab") == deeper
    assert queries.nearest(runs, "LM1 5AB") == wide
    assert queries.nearest(runs, "LM11 2AA") is None
    assert not queries.is_in_area(wide, "LM11 2AA")
    assert queries.is_in_area(world.root(runs.authority), "LM9 1AA")


@pytest.mark.django_db
def test_nearest_never_looks_into_another_authority(runs: Viewer, elsewhere: Authority) -> None:
    world.a_community(elsewhere, postcodes=["NM1"])
    assert queries.nearest(runs, "NM1 1AA") is None


# Joining


@pytest.mark.django_db
def test_a_postcode_in_the_area_makes_us_surer_and_is_not_kept(
    newcomer: Viewer, quay: Community
) -> None:
    first = actions.join_community(viewer=newcomer, community=quay)
    assert (first.level, first.verified_at) == (Level.SELF_DECLARED, None)
    with pytest.raises(actions.PostcodeElsewhere):
        actions.join_community(viewer=newcomer, community=quay, postcode="LM11 2AA")
    with pytest.raises(ValueError, match="postcode"):
        actions.join_community(viewer=newcomer, community=quay, postcode="nonsense")
    surer = actions.join_community(viewer=newcomer, community=quay, postcode="lm1 2ab")
    assert (surer.pk, surer.level) == (first.pk, Level.POSTCODE)
    actions.join_community(viewer=newcomer, community=quay)
    assert Membership.objects.get(pk=first.pk).level == Level.POSTCODE
    assert _codes() == ["membership.joined", "membership.postcode_given"]
    assert "2AB" not in str([list(Entry.objects.values()), list(Membership.objects.values())])


@pytest.mark.django_db
@pytest.mark.parametrize("level", [Level.REGISTER, Level.CODE_BY_POST, Level.IN_PERSON])
def test_what_staff_checked_no_action_of_the_person_moves(
    runs: Viewer, newcomer: Viewer, quay: Community, level: Level
) -> None:
    joined = actions.join_community(viewer=newcomer, community=quay)
    ends = runs.at + timedelta(days=1)
    actions.verify_membership(viewer=runs, membership_id=joined.pk, level=level, expires_at=ends)
    for code in ("", "LM1 1AB"):
        actions.join_community(viewer=newcomer, community=quay, postcode=code)
    kept = Membership.objects.get(pk=joined.pk)
    assert (kept.level, kept.expires_at, kept.verified_by) == (level, ends, runs.person)


@pytest.mark.django_db
def test_a_check_needs_a_clerk_or_administrator_from_there_and_somebody_else(
    runs: Viewer, newcomer: Viewer, quay: Community, moderator: Person, elsewhere: Authority
) -> None:
    clerk = world.a_person(quay, role=RoleKind.CLERK)
    beside = world.a_person(world.a_community(runs.authority), role=RoleKind.CLERK)
    abroad = world.a_person(world.root(elsewhere), role=RoleKind.ADMINISTRATOR)
    joined = actions.join_community(viewer=newcomer, community=quay)
    for person in (newcomer.person, moderator, beside, abroad, None):
        with pytest.raises(PermissionDenied):
            actions.verify_membership(
                viewer=Viewer(runs.authority, person, runs.at, True),
                membership_id=joined.pk,
                level=Level.IN_PERSON,
            )
    own = clerk.membership_set.get()
    with pytest.raises(PermissionDenied):
        actions.verify_membership(
            viewer=Viewer(runs.authority, clerk, runs.at),
            membership_id=own.pk,
            level=Level.REGISTER,
        )
    with pytest.raises(Membership.DoesNotExist):
        actions.verify_membership(
            viewer=Viewer(elsewhere, abroad, runs.at), membership_id=joined.pk, level=Level.REGISTER
        )
    actions.verify_membership(
        viewer=Viewer(runs.authority, clerk, runs.at), membership_id=joined.pk, level=Level.REGISTER
    )
    assert Membership.objects.get(pk=joined.pk).level == Level.REGISTER


@pytest.mark.django_db
def test_staff_neither_declare_for_people_nor_check_into_the_past(
    runs: Viewer, newcomer: Viewer, quay: Community
) -> None:
    joined = actions.join_community(viewer=newcomer, community=quay)
    wrong: list[Any] = [Level.SELF_DECLARED, Level.POSTCODE, 0, 6]
    for level in wrong:
        with pytest.raises(actions.NotALevel):
            actions.verify_membership(viewer=runs, membership_id=joined.pk, level=level)
    with pytest.raises(actions.AlreadyOver):
        actions.verify_membership(
            viewer=runs, membership_id=joined.pk, level=Level.REGISTER, expires_at=runs.at
        )
    assert Membership.objects.get(pk=joined.pk).level == Level.SELF_DECLARED


@pytest.mark.django_db
def test_leaving_ends_belonging_and_speaking_there_but_no_right(
    newcomer: Viewer, quay: Community
) -> None:
    assert newcomer.person is not None
    actions.join_community(viewer=newcomer, community=quay)
    actions.declare_standing(viewer=newcomer, community=quay, kind=StandingKind.RESIDENT)
    Role.objects.create(
        person=newcomer.person, community=quay, kind="auditor", granted_at=newcomer.at
    )
    for _twice in range(2):
        actions.leave_community(viewer=newcomer, community=quay)
    assert (newcomer.memberships, newcomer.standings, len(newcomer.roles)) == ([], [], 1)
    assert _codes().count("membership.left") == 1


@pytest.mark.django_db
def test_nobody_joins_signed_out_erased_or_another_authoritys_place(
    authority: Authority, now: datetime, quay: Community, elsewhere: Authority
) -> None:
    gone = world.a_person(is_active=False)
    someone = world.a_person()
    for person, place in ((None, quay), (gone, quay), (someone, world.root(elsewhere))):
        viewer = Viewer(authority, person, now)
        for act in (actions.join_community, actions.leave_community):
            with pytest.raises(PermissionDenied):
                act(viewer=viewer, community=place)
        with pytest.raises(PermissionDenied):
            actions.declare_standing(viewer=viewer, community=place, kind=StandingKind.CARER)
    assert not Membership.objects.exists() and not Standing.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_eight_clicks_at_once_make_one_member_and_no_mistake(
    authority: Authority, community: Community, now: datetime
) -> None:
    person = world.a_person()
    failures: list[BaseException] = []
    together = threading.Barrier(8)

    def click() -> None:
        try:
            together.wait()
            viewer = Viewer(authority, person, now)
            actions.join_community(viewer=viewer, community=community)
        except BaseException as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=click) for _one in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert Membership.objects.filter(person=person, community=community).count() == 1
    assert Entry.objects.filter(what="membership.joined").count() == 1


# Rules fail closed


@pytest.mark.django_db
@pytest.mark.parametrize("held", list(Level))
def test_a_membership_reaches_its_level_until_it_runs_out_and_no_other_level(
    authority: Authority, community: Community, now: datetime, held: Level
) -> None:
    person = world.a_person(community, level=held)
    root = world.root(authority)
    for asked in range(-1, 9):
        may = 1 <= asked <= held
        assert Viewer(authority, person, now).belongs(community, asked) is may
        assert Viewer(authority, person, now).belongs(root, asked) is may
    assert not Viewer(authority, person, now).belongs(world.a_community(authority), 1)
    Membership.objects.filter(person=person).update(expires_at=now)
    assert not Viewer(authority, person, now).belongs(community, 1)
    assert Viewer(authority, person, now - timedelta(seconds=1)).belongs(community, 1)


@pytest.mark.django_db
@pytest.mark.parametrize("person", ["nobody", "erased", "elsewhere", "beside"])
def test_every_rule_says_no_to_those_it_does_not_know(
    authority: Authority, community: Community, elsewhere: Authority, now: datetime, person: str
) -> None:
    everything: dict[str, Any] = {
        "role": RoleKind.ADMINISTRATOR,
        "standing": StandingKind.SERVICE_LEADER,
        "level": Level.IN_PERSON,
    }
    people: dict[str, Callable[[], Person | None]] = {
        "nobody": lambda: None,
        "erased": lambda: world.a_person(world.root(authority), is_active=False, **everything),
        "elsewhere": lambda: world.a_person(world.root(elsewhere), **everything),
        "beside": lambda: world.a_person(world.a_community(authority), **everything),
    }
    viewer = Viewer(authority, people[person](), now, True)
    for rule in (
        rules.may_lead,
        rules.may_moderate,
        rules.may_administer,
        rules.may_audit,
        rules.may_see_people,
    ):
        assert not rule(viewer, community)
        assert not rule(viewer, world.root(elsewhere))
        assert not rule(viewer, Community(name="not saved", authority=authority))
    assert not viewer.belongs(community, Level.SELF_DECLARED)
    assert not rules.may_run_organisations(viewer)
    assert list(queries.members(viewer, community)) == []


@pytest.mark.django_db
def test_rights_reach_down_and_never_up(runs: Viewer, community: Community) -> None:
    ward = world.a_person(community, role=RoleKind.ADMINISTRATOR)
    viewer = Viewer(runs.authority, ward, runs.at)
    inner = world.a_community(runs.authority, community)
    assert rules.may_administer(viewer, inner)
    assert not rules.may_administer(viewer, world.root(runs.authority))
    assert rules.may_administer(runs, inner)


# Standings


@pytest.mark.django_db
@pytest.mark.parametrize("kind", list(StandingKind))
def test_some_standings_count_at_once_and_the_others_wait_for_a_word(
    runs: Viewer, newcomer: Viewer, community: Community, kind: StandingKind
) -> None:
    standing = actions.declare_standing(viewer=newcomer, community=community, kind=kind)
    at_once = kind in (StandingKind.RESIDENT, StandingKind.SERVICE_USER, StandingKind.CARER)
    assert newcomer.speaks_as(community, kind) is at_once
    assert queries.waiting_standings(runs).exists() is not at_once
    for _twice in range(2):
        actions.confirm_standing(viewer=runs, standing_id=standing.pk)
    newcomer.look_again()
    assert newcomer.speaks_as(community, kind)
    assert _codes().count("standing.confirmed") == 1
    assert not Entry.objects.filter(is_public=True).exists()


@pytest.mark.django_db
def test_nobody_confirms_themselves_and_another_organisation_needs_another_word(
    runs: Viewer, newcomer: Viewer, community: Community, moderator: Person, elsewhere: Authority
) -> None:
    first = world.an_organisation(runs.authority)
    other = world.an_organisation(runs.authority)
    kind = StandingKind.CHARITY
    given: dict[str, Any] = {"viewer": newcomer, "community": community, "kind": kind}
    mine = actions.declare_standing(**given, organisation=first)
    for person in (newcomer.person, moderator):
        with pytest.raises(PermissionDenied):
            actions.confirm_standing(
                viewer=Viewer(runs.authority, person, runs.at), standing_id=mine.pk
            )
    own = actions.declare_standing(viewer=runs, community=community, kind=kind)
    with pytest.raises(PermissionDenied):
        actions.confirm_standing(viewer=runs, standing_id=own.pk)
    actions.confirm_standing(viewer=runs, standing_id=mine.pk)
    assert actions.declare_standing(**given, organisation=first).counts
    assert not actions.declare_standing(**given, organisation=other).counts
    with pytest.raises(PermissionDenied):
        actions.declare_standing(**given, organisation=world.an_organisation(elsewhere))


@pytest.mark.django_db
def test_a_standing_is_ended_by_its_owner_or_an_administrator_alone(
    runs: Viewer, newcomer: Viewer, community: Community, resident: Person
) -> None:
    for who in (newcomer, runs):
        standing = actions.declare_standing(
            viewer=newcomer, community=community, kind=StandingKind.CARER
        )
        with pytest.raises(PermissionDenied):
            actions.withdraw_standing(
                viewer=Viewer(runs.authority, resident, runs.at), standing_id=standing.pk
            )
        actions.withdraw_standing(viewer=who, standing_id=standing.pk)
        assert not Standing.objects.filter(pk=standing.pk).exists()


# Roles


@pytest.mark.django_db
@pytest.mark.parametrize("kind", list(RoleKind))
def test_roles_are_granted_and_taken_back_in_public_and_by_reference(
    runs: Viewer, community: Community, resident: Person, kind: RoleKind
) -> None:
    given: dict[str, Any] = {"person": resident, "community": community, "kind": kind}
    with pytest.raises(PermissionDenied):
        actions.grant_role(viewer=Viewer(runs.authority, resident, runs.at), **given)
    for _twice in range(2):
        role = actions.grant_role(viewer=runs, **given)
    actions.withdraw_role(viewer=runs, role_id=role.pk)
    assert not resident.role_set.exists()
    told = Entry.objects.order_by("pk")
    assert [one.what for one in told] == [f"role.{kind}_granted", f"role.{kind}_withdrawn"]
    assert all(one.is_public and one.facts == {"person": resident.pk} for one in told)


@pytest.mark.django_db
def test_the_last_administrator_stays(
    runs: Viewer, administrator: Person, community: Community, resident: Person
) -> None:
    last = administrator.role_set.get()
    actions.grant_role(
        viewer=runs, person=resident, community=community, kind=RoleKind.ADMINISTRATOR
    )
    with pytest.raises(actions.LastAdministrator):
        actions.withdraw_role(viewer=runs, role_id=last.pk)
    second = world.a_person(world.root(runs.authority), role=RoleKind.ADMINISTRATOR)
    actions.withdraw_role(viewer=runs, role_id=last.pk)
    with pytest.raises(PermissionDenied):
        actions.withdraw_role(viewer=runs, role_id=second.role_set.get().pk)


@pytest.mark.django_db(transaction=True)
def test_two_administrators_who_dismiss_each_other_at_once_leave_one(
    authority: Authority, now: datetime
) -> None:
    pair = [world.a_person(world.root(authority), role=RoleKind.ADMINISTRATOR) for _one in range(2)]
    said: list[str] = []
    together = threading.Barrier(2)

    def dismiss(mine: Person, theirs: Person) -> None:
        try:
            viewer = Viewer(authority, mine, now)
            role = theirs.role_set.get()
            together.wait()
            actions.withdraw_role(viewer=viewer, role_id=role.pk)
        except Exception as error:
            said.append(type(error).__name__)
        finally:
            connection.close()

    threads = [threading.Thread(target=dismiss, args=(a, b)) for a, b in (pair, pair[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Role.objects.filter(kind="administrator").count() == 1
    assert said in (["LastAdministrator"], ["PermissionDenied"])


@pytest.mark.django_db
def test_no_role_goes_to_someone_who_has_left_nor_elsewhere(
    runs: Viewer, community: Community, elsewhere: Authority, resident: Person
) -> None:
    gone = world.a_person(is_active=False)
    with pytest.raises(actions.HasLeft):
        actions.grant_role(viewer=runs, person=gone, community=community, kind=RoleKind.CLERK)
    with pytest.raises(PermissionDenied):
        actions.grant_role(
            viewer=runs, person=resident, community=world.root(elsewhere), kind=RoleKind.CLERK
        )
    assert Role.objects.count() == 1


# Authorities and their first administrator


@pytest.mark.django_db
def test_the_first_administrator_is_made_from_the_command_line_and_only_the_first() -> None:
    said = StringIO()
    call_command("found_authority", "Fen District Council", "--slug=fen", stdout=said)
    grant = ["grant_administrator", " Ada@Example.org", "--authority"]
    for wanted, words in (("fen", "signed in"), ("nowhere", "no authority")):
        with pytest.raises(CommandError, match=words) as refused:
            call_command(*grant, wanted)
        assert refused.value.returncode == 2
    ada = world.a_person(email="ada@example.org")
    call_command(*grant, "fen", stdout=said)
    assert ada.role_set.get().community.slug == "whole"
    with pytest.raises(CommandError, match="has an administrator") as refused:
        call_command(*grant, "fen")
    assert refused.value.returncode == 2
    assert "grant_administrator EMAIL --authority fen" in said.getvalue()


@pytest.mark.django_db
def test_the_database_lets_nobody_speak_for_an_organisation_from_elsewhere(
    community: Community, elsewhere: Authority
) -> None:
    person, theirs = world.a_person(community), world.an_organisation(elsewhere)
    with pytest.raises(IntegrityError, match="another authority"), transaction.atomic():
        Standing.objects.filter(person=person).update(organisation=theirs)
    ours = world.an_organisation(community.authority)
    assert Standing.objects.filter(person=person).update(organisation=ours) == 1


@pytest.mark.django_db
def test_authorities_share_a_nation_that_gives_no_rights(visit: Any, now: datetime) -> None:
    for name in ("fen", "moor"):
        words = ["found_authority", name.title(), f"--slug={name}", f"--host={name}.localhost"]
        call_command(*words, "--nation=Old Anglia", stdout=StringIO())
    nation = Community.objects.get(kind=CommunityKind.NATION)
    fen, moor = Community.objects.filter(parent=nation).order_by("name")
    assert (nation.name, fen.branch(), moor.branch()) == ("Old Anglia", [fen.pk], [moor.pk])
    settled = world.a_community(fen.authority, parent=fen)
    ruler = Viewer(fen.authority, world.a_person(nation, role=RoleKind.ADMINISTRATOR), now)
    assert not rules.may_administer(ruler, fen)
    assert not rules.may_administer(ruler, nation)
    page = visit("/communities/whole/", HTTP_HOST="fen.localhost")
    assert "Authority in Old Anglia" in page.text
    assert "/communities/old-anglia/" not in page.html
    wrong = ((settled, nation), (fen, settled), (nation, fen), (fen, moor))
    for child, parent in wrong:
        with pytest.raises(IntegrityError), transaction.atomic():
            Community.objects.filter(pk=child.pk).update(parent=parent)
            with connection.cursor() as cursor:
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["Fen", "--slug=fen"], "--host"),
        (["Larkmere Borough Council", "--slug=b", "--host=b.example"], "already"),
        (["Fen", "--slug=larkmere", "--host=b.example"], "already"),
        (["Fen", "--slug=not a slug", "--host=b.example"], "no address"),
        (["  ", "--slug=fen", "--host=b.example"], "name"),
        (["Fen", "--slug=fen", "--host=b.example", "--nation=!"], "nation"),
        (["Fen", "--slug=fen", "--host=NORTHMOOR.localhost.:80"], "already"),
    ],
)
def test_an_authority_that_cannot_be_founded_is_refused_with_words_and_nothing_saved(
    authority: Authority, elsewhere: Authority, arguments: list[str], words: str
) -> None:
    with pytest.raises(CommandError, match=words) as refused:
        call_command("found_authority", *arguments)
    assert refused.value.returncode == 2
    assert Authority.objects.count() == Community.objects.count() == 2


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("host", "slug"),
    [
        ("north.example", "north"),
        ("NORTH.Example:8000", "north"),
        ("north.example.", "north"),
        ("north.example.:443", "north"),
        ("[::1]", "six"),
        ("[::1]:8000", "six"),
        ("unknown.example", None),
        ("example", None),
        ("[::2]:8000", None),
        ("", None),
    ],
)
def test_a_host_finds_its_own_authority_and_never_guesses_another(
    db: None, host: str, slug: str | None
) -> None:
    world.an_authority(slug="north", host="north.example")
    world.an_authority(slug="six", host="[::1]")
    found = queries.authority_at(host)
    assert (found.slug if found else None) == slug
    world.an_authority(slug="plain")
    assert queries.authority_at(host).slug == (slug or "plain")  # type: ignore[union-attr]


@pytest.mark.django_db
def test_a_single_authority_answers_everywhere() -> None:
    assert queries.authority_at("x.example") is None
    world.an_authority(slug="only", host="only.example")
    assert queries.authority_at("x.example").slug == "only"  # type: ignore[union-attr]


# Organisations


@pytest.mark.django_db
def test_those_who_run_an_organisation_say_who_is_in_it(
    runs: Viewer, resident: Person, moderator: Person, elsewhere: Authority
) -> None:
    given: dict[str, Any] = {"kind": "charity", "name": "Hub", "about": "", "website": ""}
    neighbour = Viewer(runs.authority, resident, runs.at)
    with pytest.raises(PermissionDenied):
        actions.add_organisation(viewer=neighbour, slug="hub", **given)
    hub = actions.add_organisation(viewer=runs, slug="hub", **given)
    with pytest.raises(actions.SlugTaken):
        actions.add_organisation(viewer=runs, slug="hub", **given)
    add = actions.add_organisation_member
    with pytest.raises(PermissionDenied):
        add(viewer=neighbour, organisation=hub, person=resident, is_manager=True)
    add(viewer=runs, organisation=hub, person=resident, is_manager=True)
    theirs = add(viewer=neighbour, organisation=hub, person=moderator, is_manager=False)
    actions.change_organisation(viewer=neighbour, organisation=hub, **{**given, "name": "The Hub"})
    with pytest.raises(PermissionDenied):
        actions.change_organisation(
            viewer=runs, organisation=world.an_organisation(elsewhere), **given
        )
    own = OrganisationMember.objects.get(person=resident)
    with pytest.raises(PermissionDenied):
        actions.remove_organisation_member(
            viewer=Viewer(runs.authority, moderator, runs.at), member_id=own.pk
        )
    for viewer, member in ((neighbour, theirs), (neighbour, own)):
        actions.remove_organisation_member(viewer=viewer, member_id=member.pk)
    assert not OrganisationMember.objects.exists()
    assert Organisation.objects.get(slug="hub").name == "The Hub"


# Leaving for good


@pytest.mark.django_db
def test_everything_places_keep_is_handed_over_and_let_go(
    runs: Viewer, resident: Person, community: Community
) -> None:
    hub = world.an_organisation(runs.authority, name="Hub")
    actions.add_organisation_member(viewer=runs, organisation=hub, person=resident, is_manager=True)
    actions.grant_role(viewer=runs, person=resident, community=community, kind=RoleKind.CLERK)
    held = MANIFEST.personal[0]
    told = list(held.export(resident))
    assert [one["what"] for one in told] == ["membership", "standing", "role", "organisation"]
    assert {one.get("community") or one["organisation"] for one in told} == {"Quayside", "Hub"}
    held.erase(resident, runs.at)
    assert list(held.export(resident)) == []
    assert runs.person is not None and list(held.export(runs.person)) != []


def test_every_event_that_is_recorded_has_words(
    db: None, journal_codes: Callable[[], set[str]]
) -> None:
    known = {event.what for event in MANIFEST.journal}
    assert journal_codes() <= known
    assert {
        f"role.{kind}_{done}" for kind in RoleKind for done in ("granted", "withdrawn")
    } <= known


@pytest.fixture
def journal_codes() -> Callable[[], set[str]]:
    """Return the codes that stand in the actions' own source."""
    import inspect
    import re

    source = inspect.getsource(actions)
    return lambda: set(re.findall(r'"([a-z]+\.[a-z_]+)"', source))
