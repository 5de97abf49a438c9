"""Two ideas become one with their authors' consent, and come apart again."""

from __future__ import annotations

import pytest
from django.core import mail
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commonweal.ground.journal.models import Entry
from commonweal.ground.people.models import Person
from commonweal.ground.places.models import StandingKind
from commonweal.propose.proposals import actions, queries
from commonweal.propose.proposals.manifest import MANIFEST
from commonweal.propose.proposals.models import (
    Coauthor,
    Comment,
    Consent,
    Merge,
    MergeState,
    Proposal,
    Signature,
    Status,
)
from tests import visit as visits
from tests.factories import world

WHY = "Both want a light that is on when somebody comes home."


@pytest.fixture
def other(challenge, neighbour):
    """Return a public idea of the neighbour's that wants the same."""
    return world.a_proposal(challenge, author=neighbour, title="A lit lamp by each bed")


@pytest.fixture
def staff(authority):
    return world.a_person(
        world.root(authority), standing=StandingKind.SERVICE_LEADER, role="clerk", name="Cleo"
    )


@pytest.fixture
def suggested(idea, other, staff, as_):
    return actions.suggest_merge(viewer=as_(staff), lead_id=idea.pk, joining_id=other.pk, why=WHY)


@pytest.fixture
def merged(suggested, resident, neighbour, as_):
    for person in (resident, neighbour):
        actions.agree_to_merge(viewer=as_(person), merge_id=suggested.pk)
    suggested.refresh_from_db()
    return suggested


def signers(idea):
    return set(Signature.objects.filter(proposal=idea).values_list("person", flat=True))


def sign(idea, person, as_):
    actions.sign_proposal(viewer=as_(person), proposal_id=idea.pk, standing="resident")


def test_nothing_happens_before_every_author_agrees(
    suggested, idea, other, resident, neighbour, as_
):
    actions.agree_to_merge(viewer=as_(resident), merge_id=suggested.pk)
    actions.agree_to_merge(viewer=as_(resident), merge_id=suggested.pk)
    other.refresh_from_db()
    assert other.status == Status.PUBLISHED and not Coauthor.objects.exists()
    assert Consent.objects.count() == 1
    actions.agree_to_merge(viewer=as_(neighbour), merge_id=suggested.pk)
    other.refresh_from_db()
    suggested.refresh_from_db()
    assert (other.status, suggested.state) == (Status.MERGED, MergeState.MERGED)
    assert [person.name for person in queries.authors_of(idea)] == ["Rosa", "Neville"]
    told = Entry.objects.get(what="proposal.merged")
    assert told.is_public and told.about_id == idea.pk
    assert told.facts == {"joining": other.pk, "signatures": 0}


def test_an_author_who_suggests_agrees_by_that(idea, other, resident, neighbour, as_):
    sides = {"lead_id": idea.pk, "joining_id": other.pk}
    made = actions.suggest_merge(viewer=as_(resident), why=WHY, **sides)
    again = actions.suggest_merge(
        viewer=as_(neighbour), why="The other way", lead_id=other.pk, joining_id=idea.pk
    )
    assert again == made and queries.who_agreed(made) == {resident.pk}
    actions.agree_to_merge(viewer=as_(neighbour), merge_id=made.pk)
    assert Proposal.objects.get(pk=other.pk).status == Status.MERGED


def test_ones_own_two_ideas_need_nobody_else(challenge, idea, resident, as_):
    mine = world.a_proposal(challenge, author=resident)
    actions.suggest_merge(viewer=as_(resident), lead_id=idea.pk, joining_id=mine.pk, why=WHY)
    assert Proposal.objects.get(pk=mine.pk).status == Status.MERGED
    assert not Coauthor.objects.exists()


def test_only_authors_and_staff_suggest_and_only_authors_answer(
    idea, other, suggested, community, moderator, staff, elsewhere, as_
):
    stranger = world.a_person(community)
    sides = {"lead_id": idea.pk, "joining_id": other.pk, "why": WHY}
    for viewer in (as_(None), as_(stranger), as_(moderator), as_(staff, where=elsewhere)):
        with pytest.raises((PermissionDenied, actions.CannotBeOne)):
            actions.suggest_merge(viewer=viewer, **sides)
    for person in (None, stranger, moderator, staff):
        for answer in (actions.agree_to_merge, actions.unsay_merge, actions.refuse_merge):
            with pytest.raises(PermissionDenied):
                answer(viewer=as_(person), merge_id=suggested.pk)
        with pytest.raises(PermissionDenied):
            actions.undo_merge(viewer=as_(person), merge_id=suggested.pk)
    for person in (stranger, moderator):
        with pytest.raises(PermissionDenied):
            actions.drop_merge(viewer=as_(person), merge_id=suggested.pk)
    assert Merge.objects.get().state == MergeState.SUGGESTED


def test_a_no_ends_it_and_stands_for_a_while(suggested, idea, other, neighbour, staff, as_):
    actions.refuse_merge(viewer=as_(neighbour), merge_id=suggested.pk)
    again = {"lead_id": other.pk, "joining_id": idea.pk, "why": WHY}
    with pytest.raises(actions.CannotBeOne, match="said no"):
        actions.suggest_merge(viewer=as_(staff, later=60), **again)
    for answer in (actions.agree_to_merge, actions.unsay_merge, actions.drop_merge):
        with pytest.raises((actions.Answered, PermissionDenied)):
            answer(viewer=as_(neighbour), merge_id=suggested.pk)
    later = as_(staff, later=31 * 24 * 3600)
    assert actions.suggest_merge(viewer=later, **again).state == MergeState.SUGGESTED


def test_a_yes_can_be_taken_back_until_the_last_is_given(suggested, resident, neighbour, as_):
    actions.agree_to_merge(viewer=as_(resident), merge_id=suggested.pk)
    actions.unsay_merge(viewer=as_(resident), merge_id=suggested.pk)
    actions.agree_to_merge(viewer=as_(neighbour), merge_id=suggested.pk)
    assert Merge.objects.get().state == MergeState.SUGGESTED
    actions.agree_to_merge(viewer=as_(resident), merge_id=suggested.pk)
    with pytest.raises(actions.Answered):
        actions.unsay_merge(viewer=as_(resident), merge_id=suggested.pk)
    assert Merge.objects.get().state == MergeState.MERGED


@pytest.mark.parametrize(
    "status", [Status.IN_BALLOT, Status.FUNDED, Status.WITHDRAWN, Status.HIDDEN]
)
def test_what_is_no_longer_open_does_not_become_one(suggested, idea, resident, as_, status):
    Proposal.objects.filter(pk=idea.pk).update(status=status, hidden_reason="advert")
    with pytest.raises(actions.CannotBeOne):
        actions.agree_to_merge(viewer=as_(resident), merge_id=suggested.pk)
    assert not Consent.objects.exists()


def test_ideas_of_two_challenges_stay_two(authority, community, idea, staff, as_):
    far = world.a_proposal(world.a_challenge(authority, community=community))
    with pytest.raises(actions.CannotBeOne, match="same challenge"):
        actions.suggest_merge(viewer=as_(staff), lead_id=idea.pk, joining_id=far.pk, why=WHY)
    with pytest.raises(actions.CannotBeOne):
        actions.suggest_merge(viewer=as_(staff), lead_id=idea.pk, joining_id=idea.pk, why=WHY)


def test_an_idea_that_others_joined_only_ever_leads(merged, challenge, idea, other, staff, as_):
    third = world.a_proposal(challenge)
    for joining in (idea, other):
        with pytest.raises(actions.CannotBeOne):
            actions.suggest_merge(
                viewer=as_(staff), lead_id=third.pk, joining_id=joining.pk, why=WHY
            )
    with pytest.raises(IntegrityError), transaction.atomic():
        Merge.objects.create(
            authority=idea.authority, lead=third, joining=other, state="merged",
            suggested_at=merged.suggested_at, settled_at=merged.settled_at, suggested_by=staff,
        )  # fmt: skip


def test_signatures_come_along_once_each_and_authors_sign_nothing(
    suggested, idea, other, community, resident, neighbour, as_
):
    both, only_this, only_other = (world.a_person(community) for _ in range(3))
    for person in (both, only_this, neighbour):
        sign(idea, person, as_)
    for person in (both, only_other, resident):
        sign(other, person, as_)
    for person in (resident, neighbour):
        actions.agree_to_merge(viewer=as_(person), merge_id=suggested.pk)
    assert signers(idea) == {both.pk, only_this.pk, only_other.pk}
    assert Entry.objects.get(what="proposal.merged").facts["signatures"] == 1
    with pytest.raises(PermissionDenied, match="your own idea"):
        sign(idea, neighbour, as_)
    with pytest.raises(actions.NotTakingNames):
        sign(other, only_this, as_)
    actions.undo_merge(viewer=as_(neighbour), merge_id=suggested.pk)
    assert signers(idea) == {both.pk, only_this.pk, neighbour.pk}
    assert signers(other) == {both.pk, only_other.pk, resident.pk}
    assert Signature.objects.get(proposal=idea, person=neighbour).standing == "resident"
    other.refresh_from_db()
    assert other.status == Status.PUBLISHED and queries.authors_of(idea) == [resident]


def test_who_takes_their_name_off_is_off_everywhere(
    suggested, idea, other, community, resident, neighbour, as_
):
    person = world.a_person(community)
    sign(other, person, as_)
    for author in (resident, neighbour):
        actions.agree_to_merge(viewer=as_(author), merge_id=suggested.pk)
    actions.unsign_proposal(viewer=as_(person), proposal_id=idea.pk)
    actions.undo_merge(viewer=as_(resident), merge_id=suggested.pk)
    assert not Signature.objects.exists()


PEOPLE = 5
MOVES = st.lists(
    st.tuples(st.sampled_from(["sign", "unsign", "join", "part"]), st.integers(0, 2), st.integers(0, PEOPLE - 1)),
    max_size=14,
)  # fmt: skip


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(moves=MOVES)
def test_the_idea_that_leads_always_counts_everybody_once(moves, db, authority, as_):
    """Its names are those given to it and to all that joined it, without any of its authors."""
    with transaction.atomic():
        place = world.a_community(authority)
        challenge = world.a_challenge(authority, community=place)
        people = [world.a_person(place) for _ in range(PEOPLE)]
        ideas = [world.a_proposal(challenge, author=people[n]) for n in range(3)]
        given_to = [set(), set(), set()]  # in the slow, obvious model: who stands for what
        merges: dict[int, Merge] = {}
        for move, where, who in moves:
            person, idea = people[who], ideas[where]
            if move == "join" and where and where not in merges:
                made = actions.suggest_merge(
                    viewer=as_(people[0], later=3600 * len(Merge.objects.all())),
                    lead_id=ideas[0].pk, joining_id=idea.pk, why=WHY,
                )  # fmt: skip
                for author in (*(people[n] for n in merges), idea.author):
                    actions.agree_to_merge(viewer=as_(author), merge_id=made.pk)
                merges[where] = made
            elif move == "part" and where in merges:
                actions.undo_merge(viewer=as_(people[0]), merge_id=merges.pop(where).pk)
            elif move in ("sign", "unsign") and where not in merges:
                act = getattr(actions, f"{move}_proposal")
                more = {"standing": "resident"} if move == "sign" else {}
                authors = {0, *merges} if where == 0 else {where}
                try:
                    act(viewer=as_(person), proposal_id=idea.pk, **more)
                except PermissionDenied:
                    assert move == "sign" and who in authors
                    continue
                if move == "sign":
                    already = where == 0 and any(who in given_to[n] for n in merges)
                    given_to[where] |= set() if already else {who}
                else:
                    for n in {where, *(merges if where == 0 else ())}:
                        if not (n == 0 and who in authors):
                            given_to[n] -= {who}
            expected = set(given_to[0]).union(*(given_to[n] for n in merges)) - {0, *merges}
            assert signers(ideas[0]) == {people[n].pk for n in expected}
        transaction.set_rollback(True)


def test_a_lead_that_is_taken_back_sets_the_others_free(merged, idea, other, resident, as_):
    actions.withdraw_proposal(viewer=as_(resident), proposal_id=idea.pk)
    other.refresh_from_db()
    assert other.status == Status.PUBLISHED and Merge.objects.get().state == MergeState.UNDONE


def test_once_in_a_ballot_one_idea_stays_one(merged, idea, neighbour, as_):
    actions.mark(proposal_ids=[idea.pk], status=Status.IN_BALLOT)
    with pytest.raises(actions.WordsStand):
        actions.undo_merge(viewer=as_(neighbour), merge_id=merged.pk)
    actions.mark(proposal_ids=[idea.pk], status=Status.PUBLISHED)
    actions.undo_merge(viewer=as_(neighbour), merge_id=merged.pk)
    actions.undo_merge(viewer=as_(neighbour), merge_id=merged.pk)
    assert Entry.objects.filter(what="proposal.merge_undone").count() == 1


def test_a_co_author_may_change_the_words_but_not_take_the_idea_back(merged, idea, neighbour, as_):
    actions.change_proposal(
        viewer=as_(neighbour, later=60), proposal_id=idea.pk, part="whom", for_whom="Everyone"
    )
    with pytest.raises(PermissionDenied):
        actions.withdraw_proposal(viewer=as_(neighbour), proposal_id=idea.pk)


def test_who_leaves_is_no_longer_asked_and_what_is_one_stays_one(
    merged, idea, other, neighbour, staff, resident, now, as_
):
    assert list(queries.personal_merges(neighbour))[0]["should_join"] == idea.pk
    assert any(row.get("why") == WHY for row in queries.personal_merges(staff))
    for person in (neighbour, staff):
        for held in MANIFEST.personal:
            list(held.export(person))
            held.erase(person, now)
    assert Proposal.objects.get(pk=other.pk).status == Status.MERGED
    assert not Consent.objects.filter(person=neighbour).exists()
    assert Merge.objects.get().why == ""


def test_nobody_can_agree_for_an_author_who_left(suggested, neighbour, resident, as_):
    Person.objects.filter(pk=neighbour.pk).update(
        is_active=False, email=None, name="", erased_at=suggested.suggested_at
    )
    with pytest.raises(actions.CannotBeOne, match="has left"):
        actions.agree_to_merge(viewer=as_(resident), merge_id=suggested.pk)


def test_each_author_is_written_to_once_and_only_while_it_matters(
    suggested, resident, neighbour, now, as_
):
    titled = "New\nline <b>title</b>"
    Proposal.objects.filter(pk=suggested.lead_id).update(title=titled)
    assert actions.tell_of_merge(
        merge_id=suggested.pk, person_id=neighbour.pk, what="suggested", at=now
    )
    (sent,) = mail.outbox
    assert sent.to == [neighbour.email] and "\n" not in sent.subject
    assert f"/ideas/joining/{suggested.pk}/" in sent.body
    assert "<b>" not in sent.alternatives[0][0] and "<b>title" in sent.body
    actions.refuse_merge(viewer=as_(resident), merge_id=suggested.pk)
    assert not actions.tell_of_merge(
        merge_id=suggested.pk, person_id=neighbour.pk, what="suggested", at=now
    )
    assert len(mail.outbox) == 1


def test_ideas_are_found_alike_by_their_rare_words(challenge, idea, as_):
    for n in range(6):
        world.a_proposal(
            challenge, title=f"Something number{n}", better=f"Quite different{n} words{n}"
        )
    twin = world.a_proposal(challenge, title=idea.title, better=idea.better)
    near = dict(queries.likeness(idea))
    assert max(near, key=near.get) == twin.pk and near[twin.pk] == pytest.approx(1)
    assert all(0 < value <= 1 + 1e-9 for value in near.values())
    assert dict(queries.likeness(twin))[idea.pk] == pytest.approx(near[twin.pk])
    assert queries.similar(as_(None), idea)[0] == twin


# --- the pages


def test_an_author_asks_another_answers_and_both_are_named(visit, idea, other, resident, neighbour):
    Comment.objects.create(
        proposal=other, person=resident, standing="resident", body="Mind the cable",
        written_at=idea.created_at,
    )  # fmt: skip
    rosa, neville = (visits.sign_in(Client(), person) for person in (resident, neighbour))
    page = visit(f"/ideas/{idea.pk}/", client=rosa)
    assert f"/ideas/{idea.pk}/join/" in page.links
    page = visit(f"/ideas/{idea.pk}/join/", client=rosa)
    assert other.title in page.text
    page = visit(
        f"/ideas/{idea.pk}/join/", client=rosa, data={"idea": other.pk, "keep": "", "why": ""}
    )
    assert "Choose which of the two stays" in page.text and "Mistake:" in page.title
    sent = {"idea": other.pk, "keep": "this", "why": WHY}
    page = visit(f"/ideas/{idea.pk}/join/", client=rosa, data=sent)
    assert "You said yes" in page.text and "has not answered yet" in page.text
    merge = Merge.objects.get()
    assert "Should two ideas become one?" in visit("/me/", client=neville).text
    assert "Read both and answer" in visit(f"/ideas/{other.pk}/", client=neville).text
    page = visit(f"/ideas/joining/{merge.pk}/agree/", client=neville, data={})
    assert "They are one idea now" in page.text
    page = visit(f"/ideas/{other.pk}/")
    assert "You looked for" in page.text and "Together with Neville, resident" in page.text
    assert f"/ideas/{other.pk}/as-it-was/" in page.links
    page = visit(f"/ideas/{other.pk}/as-it-was/")
    assert "Mind the cable" in page.text and "This idea joined another one" in page.text
    assert "Sign this idea" not in page.text and 'id="say"' not in page.html
    listed = visit("/ideas/")
    assert idea.title in listed.text and other.title not in listed.text
    page = visit(f"/ideas/joining/{merge.pk}/undo/", client=neville, data={})
    assert "stand on their own again" in page.text
    assert other.title in visit("/ideas/").text


@pytest.mark.parametrize(
    "typed", ["99999999", "x", "-1", "1 OR 1=1", "9" * 19, "<script>", "", "/ideas/0/", "\x00"]
)
def test_a_number_of_no_idea_is_told_in_words(visit, signed_in, resident, idea, typed):
    signed_in(resident)
    page = visit(f"/ideas/{idea.pk}/join/", data={"number": typed, "keep": "this", "why": WHY})
    assert "Mistake:" in page.title and not Merge.objects.exists()


def test_an_address_names_an_idea_as_well(visit, signed_in, resident, idea, other):
    signed_in(resident)
    for typed in (
        f"http://testserver/ideas/{other.pk}/?page=2",
        f"/ideas/{other.pk}/",
        f" {other.pk}",
    ):
        visit(f"/ideas/{idea.pk}/join/", data={"number": typed, "keep": "other", "why": WHY})
    assert (Merge.objects.get().lead, Merge.objects.get().joining) == (other, idea)


def test_a_hidden_idea_that_joined_shows_no_words(visit, merged, other, moderator, as_):
    actions.hide_proposal(viewer=as_(moderator), proposal_id=other.pk, reason="unkind")
    page = visit(f"/ideas/{merged.lead_id}/")
    assert other.title not in page.text and "An idea that a moderator hid" in page.text
    visit(f"/ideas/{other.pk}/as-it-was/", status=404)
    actions.show_again(viewer=as_(moderator), proposal_id=other.pk)
    assert Proposal.objects.get(pk=other.pk).status == Status.MERGED


def test_programs_read_where_an_idea_went(client, merged, idea, other):
    whole = client.get(f"/api/ideas/{idea.pk}").json()
    assert [(row["id"], row["author"]) for row in whole["joined_by"]] == [(other.pk, "Neville")]
    gone = client.get(f"/api/ideas/{other.pk}").json()
    assert (gone["status"], gone["joined"]) == ("merged", idea.pk)
    listed = [row["id"] for row in client.get("/api/ideas").json()["items"]]
    assert listed == [idea.pk]
    assert client.get(f"/api/ideas/{other.pk}/comments").status_code == 200


def test_pages_of_merges_ask_no_more_when_there_are_more(
    visit, signed_in, challenge, idea, resident, as_, django_assert_max_num_queries
):
    signed_in(resident)
    for n in range(8):
        joining = world.a_proposal(challenge)
        made = actions.suggest_merge(
            viewer=as_(resident, later=n * 3600), lead_id=idea.pk, joining_id=joining.pk, why=WHY
        )
        if n % 2:
            actions.agree_to_merge(viewer=as_(joining.author), merge_id=made.pk)
    visit("/me/")
    for place in (f"/ideas/{idea.pk}/", f"/ideas/joining/{made.pk}/", f"/ideas/{idea.pk}/join/"):
        with django_assert_max_num_queries(14):
            visit(place)
