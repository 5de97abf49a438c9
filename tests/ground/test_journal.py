"""The journal: it only grows, it tells in words, and it hides what is hidden."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client

from commonweal.ground.challenges.models import Challenge
from commonweal.ground.journal import queries
from commonweal.ground.journal.actions import record
from commonweal.ground.journal.models import Entry
from commonweal.ground.people.models import Person
from commonweal.ground.places.models import Authority, Community, RoleKind
from commonweal.ground.places.rules import Viewer
from commonweal.propose.proposals.models import Status
from tests.factories import world
from tests.spread.announced import announced as announced
from tests.visit import Page

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("announced")]
Visit = Callable[..., Page]
SignIn = Callable[..., Client]


@pytest.fixture
def challenge(authority: Authority) -> Challenge:
    return world.a_challenge(authority)


@pytest.fixture
def viewer(authority: Authority, now: datetime) -> Viewer:
    return Viewer(authority, None, now)


@pytest.fixture
def entry(challenge: Challenge, leader: Person, now: datetime) -> Entry:
    return record(what="challenge.changed", who=leader, about=challenge, at=now, public=True)


@pytest.fixture
def guarded(entry: Entry) -> Iterator[Entry]:
    """Guard the journal as in production: tests are otherwise allowed to empty it."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE journal_entry ENABLE ALWAYS TRIGGER journal_keeps_all")
    yield entry


@pytest.mark.parametrize(
    "attempt",
    [
        "UPDATE journal_entry SET what = 'a.b'",
        "DELETE FROM journal_entry",
        "TRUNCATE journal_entry CASCADE",
        "SET LOCAL session_replication_role = replica; UPDATE journal_entry SET what = 'a.b'",
        "SET LOCAL session_replication_role = replica; DELETE FROM journal_entry",
        "INSERT INTO journal_entry SELECT * FROM journal_entry ON CONFLICT (id) DO UPDATE SET what = 'a.b'",
    ],
)
def test_the_database_refuses_to_change_or_remove_an_entry(attempt: str, guarded: Entry) -> None:
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(attempt)
    assert Entry.objects.get().what == "challenge.changed"


@pytest.mark.parametrize(
    "attempt",
    [
        lambda entry: Entry.objects.update(what="a.b"),
        lambda entry: Entry.objects.all().delete(),
        lambda entry: entry.delete(),
        lambda entry: entry.save(),
        lambda entry: Entry.objects.bulk_create(
            [entry], update_conflicts=True, unique_fields=["id"], update_fields=["what"]
        ),
    ],
)
def test_so_it_does_when_our_own_code_asks(
    attempt: Callable[[Entry], object], guarded: Entry
) -> None:
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        attempt(guarded)
    assert Entry.objects.get().what == "challenge.changed"


def test_the_story_tells_public_entries_in_words_the_newest_first(
    viewer: Viewer, challenge: Challenge, entry: Entry
) -> None:
    later = viewer.at + timedelta(hours=1)
    facts = {"money_pence": 240_000_00}
    record(
        what="challenge.money_set", who=None, about=challenge, at=later, public=True, facts=facts
    )
    record(what="challenge.drafted", who=None, about=challenge, at=later, public=False)
    assert [(line.words, line.href) for line in queries.story(viewer)] == [
        (f"There is £240,000 for the challenge “{challenge}”", f"/challenges/{challenge.slug}/"),
        (f"The words of the challenge “{challenge}” changed", f"/challenges/{challenge.slug}/"),
    ]


def test_a_story_is_of_one_authority_one_challenge_or_one_community(
    authority: Authority, elsewhere: Authority, community: Community, viewer: Viewer, now: datetime
) -> None:
    here = world.a_challenge(authority, community=community)
    there = world.a_challenge(authority)
    abroad = world.a_challenge(elsewhere)
    for thing in (here, there, abroad):
        record(what="challenge.published", who=None, about=thing, at=now, public=True)

    def told(**kind: Any) -> set[int]:
        return {line.entry.about_id for line in queries.story(viewer, **kind)}

    assert told() == {here.pk, there.pk}
    assert told(challenge=here) == {here.pk}
    assert told(challenge=abroad) == set()
    assert told(community=community) == {here.pk}
    assert told(community=world.root(authority)) == {here.pk, there.pk}
    assert told(communities=[community.pk]) == {here.pk}


def test_what_is_hidden_gone_or_private_lends_no_words_and_no_link(
    viewer: Viewer, challenge: Challenge, elsewhere: Authority, now: datetime
) -> None:
    secret = "Unkind words"
    idea = world.a_proposal(challenge, title=secret)
    about = {"what": "proposal.published", "who": None, "at": now, "public": True}
    record(about=idea, **about)
    assert secret in queries.story(viewer)[0].words
    for hidden in (
        {"status": Status.HIDDEN, "hidden_reason": "Unkind"},
        {"status": Status.WITHDRAWN},
        {"status": Status.PUBLISHED, "authority": elsewhere},
    ):
        with transaction.atomic():
            type(idea).objects.filter(pk=idea.pk).update(**hidden)
            line = queries.story(viewer)[0]
            assert (line.words, line.href) == ("A new idea: “no longer shown”", "")
            transaction.set_rollback(True)
    idea.delete()
    assert queries.story(viewer)[0].words == "A new idea: “no longer shown”"


def test_what_was_said_about_a_hidden_idea_is_hidden_with_it(
    viewer: Viewer, challenge: Challenge, now: datetime
) -> None:
    idea = world.a_proposal(challenge)
    comment = idea.comments.create(
        person=idea.author, standing="resident", body="Yes!", written_at=now
    )
    Entry.objects.create(
        at=now,
        what="comment.written",
        about="proposals.Comment",
        about_id=comment.pk,
        authority=viewer.authority,
        is_public=True,
    )
    assert queries.story(viewer)[0].href.startswith(idea.get_absolute_url())
    type(idea).objects.filter(pk=idea.pk).update(status=Status.HIDDEN, hidden_reason="Unkind")
    assert queries.story(viewer)[0].href == ""


def test_an_entry_of_an_app_that_is_gone_is_still_told(
    viewer: Viewer, challenge: Challenge, now: datetime
) -> None:
    Entry.objects.create(
        at=now,
        what="old.thing",
        about="gone.Thing",
        about_id=1,
        authority=viewer.authority,
        is_public=True,
    )
    assert queries.story(viewer)[0].words == "Something happened"


def test_a_story_is_read_page_by_page_without_gaps_or_repeats(
    viewer: Viewer, challenge: Challenge
) -> None:
    for n in range(25):
        at = viewer.at + timedelta(minutes=n // 10)
        record(what="challenge.changed", who=None, about=challenge, at=at, public=True)
    seen: list[int] = []
    before = None
    while page := queries.story(viewer, before=before, limit=7):
        seen += [line.entry.pk for line in page]
        before = seen[-1]
    assert len(seen) == len(set(seen)) == 25
    assert seen == list(Entry.objects.order_by("-at", "-pk").values_list("pk", flat=True))
    assert queries.story(viewer, before=10**15) == []


@pytest.mark.parametrize("rows", [3, 30])
def test_a_longer_story_costs_no_more_questions(
    rows: int,
    viewer: Viewer,
    challenge: Challenge,
    django_assert_max_num_queries: Callable[[int], Any],
) -> None:
    for _row in range(rows):
        other = world.a_challenge(viewer.authority)
        outcome = other.outcomes.get()
        for what, about in (("challenge.changed", other), ("outcome.added", outcome)):
            record(what=what, who=None, about=about, at=viewer.at, public=True)
    with django_assert_max_num_queries(2):
        assert len(queries.story(viewer, limit=90)) == 2 * rows


def test_records_show_an_auditor_all_inside_their_community(
    authority: Authority, elsewhere: Authority, community: Community, now: datetime
) -> None:
    things = {
        "here": world.a_challenge(authority, community=community, published=False),
        "above": world.a_challenge(authority),
        "abroad": world.a_challenge(elsewhere),
    }
    for thing in things.values():
        record(what="challenge.drafted", who=None, about=thing, at=now, public=False)

    def seen(person: Person) -> set[int]:
        found = queries.records(Viewer(authority, person, now))
        return set(found.values_list("about_id", flat=True))

    local = world.a_person(community, role=RoleKind.AUDITOR)
    whole = world.a_person(world.root(authority), role=RoleKind.AUDITOR)
    moderator = world.a_person(world.root(authority), role=RoleKind.MODERATOR)
    assert seen(local) == {things["here"].pk}
    assert seen(whole) == {things["here"].pk, things["above"].pk}
    assert seen(moderator) == set()


def test_records_are_for_those_who_audit(
    entry: Entry,
    resident: Person,
    moderator: Person,
    administrator: Person,
    client: Client,
    signed_in: SignIn,
    visit: Visit,
) -> None:
    for address in ("/records/", "/records/download/"):
        client.logout()
        assert client.get(address).status_code == 302
        signed_in(resident)
        assert client.get(address).status_code == 403
        signed_in(moderator, second_factor=True)
        assert client.get(address).status_code == 403
        signed_in(administrator)
        assert client.get(address)["Location"].startswith("/me/second-factor/")
        assert client.post(address).status_code == 405
    signed_in(administrator, second_factor=True)
    assert "challenge.changed" in visit("/records/").text


def test_records_are_narrowed_and_survive_nonsense(
    entry: Entry, challenge: Challenge, administrator: Person, signed_in: SignIn, visit: Visit
) -> None:
    signed_in(administrator, second_factor=True)
    day = entry.at.date()
    thing = f"challenges.Challenge:{challenge.pk}"
    for kept in ("what=challenge.changed", f"since={day}", f"until={day}", f"about={thing}"):
        assert str(challenge) in visit(f"/records/?{kept}").text
    for left_out in ("what=outcome.added", "since=2090-01-01", "until=2001-01-01", "about=a.B:1"):
        assert "No entry like that" in visit(f"/records/?{left_out}").text
    for nonsense in (
        "since=0001-01-01",
        "until=9999-12-31",
        "before=-1",
        "before=1e9",
        "about=%00",
    ):
        visit(f"/records/?{nonsense}")


def test_long_records_go_on_with_older_entries(
    challenge: Challenge,
    now: datetime,
    administrator: Person,
    signed_in: SignIn,
    visit: Visit,
    django_assert_max_num_queries: Callable[[int], Any],
) -> None:
    for _row in range(60):
        record(what="challenge.changed", who=administrator, about=challenge, at=now, public=True)
    signed_in(administrator, second_factor=True)
    with django_assert_max_num_queries(12):
        first = visit("/records/?what=challenge.changed")
    address = next(link for link in first.links if "before=" in link)
    second = visit(f"/records/{address}")
    assert "Older entries" not in second.text
    assert second.html.count("<time") == 10


def test_a_downloaded_record_holds_no_formula_and_no_name(
    authority: Authority, administrator: Person, now: datetime, client: Client, signed_in: SignIn
) -> None:
    challenge = world.a_challenge(authority, title='=HYPERLINK("http://evil")')
    entry = record(
        what="old.kind", who=administrator, about=challenge, at=now, public=True, facts={"n": 1}
    )
    signed_in(administrator, second_factor=True)
    answer = client.get("/records/download/")
    text = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["entry"] for row in rows] == [str(entry.pk)]
    assert rows[0]["who"] == str(administrator.pk)
    assert administrator.name not in text
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in rows[0].values())


@pytest.mark.parametrize("cell", ["=1", "+1", "-1", "@a", "\t=1", "\r=1", "\n=1"])
def test_no_cell_begins_like_a_formula(cell: str) -> None:
    assert queries.harmless(cell) == f"'{cell}"
    assert queries.harmless("A good idea") == "A good idea"


def test_a_person_is_handed_what_the_journal_has_of_them(
    entry: Entry, leader: Person, resident: Person
) -> None:
    assert [row["what"] for row in queries.personal(leader)] == ["challenge.changed"]
    assert list(queries.personal(resident)) == []
