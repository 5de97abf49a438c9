"""What may happen to an idea, and what may not."""

from __future__ import annotations

import json

import pytest
from django.core.exceptions import PermissionDenied

from commonweal.ground.challenges.models import Stage
from commonweal.ground.journal.models import Entry
from commonweal.ground.places.models import Membership, StandingKind
from commonweal.propose.proposals import actions, queries, rules
from commonweal.propose.proposals.manifest import MANIFEST
from commonweal.propose.proposals.models import Comment, Proposal, Signature, Status
from tests.factories import world
from tests.propose.conftest import WORDS


def test_a_whole_draft_becomes_public_and_the_journal_says_so(draft, resident, as_):
    viewer = as_(resident, later=60)
    assert not queries.proposals(viewer).exists()
    actions.publish_proposal(viewer=viewer, proposal_id=draft.pk)
    actions.publish_proposal(viewer=viewer, proposal_id=draft.pk)
    shown = queries.proposals(viewer).get()
    assert shown.status == Status.PUBLISHED and shown.published_at == viewer.at
    told = Entry.objects.filter(what="proposal.published")
    assert (
        told.count() == 1 and told.get().is_public and told.get().challenge_id == shown.challenge_id
    )
    assert not Signature.objects.exists()


@pytest.mark.parametrize("name", Proposal.NEEDED)
def test_a_draft_with_a_gap_is_refused_and_named(draft, resident, as_, name):
    Proposal.objects.filter(pk=draft.pk).update(**{name: "  "})
    with pytest.raises(actions.NotWhole) as refused:
        actions.publish_proposal(viewer=as_(resident), proposal_id=draft.pk)
    assert refused.value.missing == [name]
    assert Proposal.objects.get().status == Status.DRAFT


def test_only_those_who_belong_or_work_there_may_begin(
    authority, challenge, community, resident, as_
):
    stranger = world.a_person(world.a_community(authority), name="Sam")
    loose = world.a_person(community, name="Una")
    Membership.objects.filter(
        person=loose
    ).delete()  # a standing that anyone may claim is not enough
    for person in (None, stranger, loose):
        with pytest.raises(PermissionDenied):
            actions.start_proposal(viewer=as_(person), challenge=challenge, standing="resident")
    nurse = world.a_person(
        world.root(authority), standing=StandingKind.FRONT_LINE_STAFF, name="Gareth"
    )
    Membership.objects.filter(person=nurse).delete()
    actions.start_proposal(viewer=as_(nurse), challenge=challenge, standing="front-line-staff")
    actions.start_proposal(viewer=as_(resident), challenge=challenge, standing="resident")
    assert Proposal.objects.count() == 2


def test_nobody_speaks_as_what_they_are_not(challenge, resident, idea, neighbour, as_):
    with pytest.raises(PermissionDenied):
        actions.start_proposal(viewer=as_(resident), challenge=challenge, standing="service-leader")
    with pytest.raises(PermissionDenied):
        actions.sign_proposal(viewer=as_(neighbour), proposal_id=idea.pk, standing="charity")
    with pytest.raises(PermissionDenied):
        actions.write_comment(
            viewer=as_(neighbour), proposal_id=idea.pk, standing="carer", body="Hello"
        )


@pytest.mark.parametrize("stage", [Stage.LISTEN, Stage.DECIDE])
def test_no_idea_begins_or_comes_out_while_the_step_is_closed(
    authority, community, resident, as_, draft, stage
):
    closed = world.a_challenge(authority, community=community, stage=stage)
    with pytest.raises(actions.IdeasClosed):
        actions.start_proposal(viewer=as_(resident), challenge=closed, standing="resident")
    draft.challenge.steps.all().delete()
    with pytest.raises(actions.IdeasClosed):
        actions.publish_proposal(viewer=as_(resident), proposal_id=draft.pk)


def test_a_stale_form_never_overwrites_newer_words(draft, resident, as_):
    seen = draft.version(actions.Part.BETTER)
    save = {"viewer": as_(resident), "proposal_id": draft.pk, "part": "better", "version": seen}
    actions.save_part(**save, better="The newer words")
    with pytest.raises(actions.ChangedMeanwhile) as refused:
        actions.save_part(**save, better="Words from an old window")
    assert refused.value.proposal.better == "The newer words" == Proposal.objects.get().better
    actions.save_part(**save, better="The newer words")  # the same twice is no quarrel


def test_nobody_else_writes_in_my_idea(draft, neighbour, moderator, as_):
    for person in (None, neighbour, moderator):
        with pytest.raises(PermissionDenied):
            actions.save_part(
                viewer=as_(person), proposal_id=draft.pk, part="better", better="Mine"
            )
        with pytest.raises(PermissionDenied):
            actions.publish_proposal(viewer=as_(person), proposal_id=draft.pk)
        with pytest.raises(PermissionDenied):
            actions.withdraw_proposal(viewer=as_(person), proposal_id=draft.pk)
    assert Proposal.objects.get().better == WORDS["better"]["better"]


def test_a_public_idea_changes_in_the_open_until_it_is_in_a_ballot(idea, resident, as_):
    change = {"viewer": as_(resident, later=60), "proposal_id": idea.pk, "part": "whom"}
    actions.change_proposal(**change, for_whom="Everyone who comes home")
    told = Entry.objects.get(what="proposal.changed")
    assert told.is_public and told.facts == {"part": "whom"}
    assert Proposal.objects.get().was_changed
    with pytest.raises(actions.NotWhole):
        actions.change_proposal(**change, for_whom="")
    actions.mark(proposal_ids=[idea.pk], status=Status.IN_BALLOT)
    with pytest.raises(actions.WordsStand):
        actions.change_proposal(**change, for_whom="Only me")
    with pytest.raises(actions.WordsStand):
        actions.withdraw_proposal(viewer=as_(resident), proposal_id=idea.pk)
    assert Proposal.objects.get().for_whom == "Everyone who comes home"


def test_a_draft_thrown_away_is_gone_and_a_public_idea_is_only_hidden(draft, idea, resident, as_):
    for mine in (draft, idea):
        actions.withdraw_proposal(viewer=as_(resident), proposal_id=mine.pk)
    assert list(Proposal.objects.values_list("pk", "status")) == [(idea.pk, Status.WITHDRAWN)]
    assert not queries.proposals(as_(resident)).exists()


def test_signing_twice_counts_once_and_may_change_the_standing(idea, community, as_):
    carer = world.a_person(community, standing=StandingKind.CARER, name="Cora")
    world.Standing.objects.create(person=carer, community=community, kind="resident")
    for standing in ("carer", "resident", "resident"):
        actions.sign_proposal(viewer=as_(carer), proposal_id=idea.pk, standing=standing)
    assert Signature.objects.get().standing == "resident"
    assert Entry.objects.filter(what="proposal.signed").count() == 1
    actions.unsign_proposal(viewer=as_(carer), proposal_id=idea.pk)
    actions.unsign_proposal(viewer=as_(carer), proposal_id=idea.pk)
    assert not Signature.objects.exists()
    assert Entry.objects.filter(what="proposal.unsigned").count() == 1


def test_authors_cannot_sign_their_own_idea(idea, resident, as_):
    with pytest.raises(PermissionDenied):
        actions.sign_proposal(viewer=as_(resident), proposal_id=idea.pk, standing="resident")


@pytest.mark.parametrize(
    "status", [Status.DRAFT, Status.WITHDRAWN, Status.FUNDED, Status.NOT_FUNDED]
)
def test_what_is_not_open_takes_no_names(idea, neighbour, as_, status):
    Proposal.objects.filter(pk=idea.pk).update(status=status)
    for act, more in (
        (actions.sign_proposal, {"standing": "resident"}),
        (actions.unsign_proposal, {}),
    ):
        with pytest.raises(actions.NotTakingNames):
            act(viewer=as_(neighbour), proposal_id=idea.pk, **more)


def test_one_who_uses_and_one_who_gives_make_a_partnership(authority, challenge, community, as_):
    patient = world.a_person(community, standing=StandingKind.SERVICE_USER)
    idea = world.a_proposal(challenge, author=patient, standing="service-user")
    assert queries.is_partnership(idea, queries.signature_groups(idea)) == (True, False)
    nurse = world.a_person(community, standing=StandingKind.FRONT_LINE_STAFF)
    actions.sign_proposal(viewer=as_(nurse), proposal_id=idea.pk, standing="front-line-staff")
    groups = queries.signature_groups(idea)
    assert queries.is_partnership(idea, groups) == (True, True)
    assert [(group.kind, group.count, group.people) for group in groups] == [
        (StandingKind.FRONT_LINE_STAFF, 1, [nurse])
    ]


def test_many_signatures_are_counted_and_only_some_named(idea, community, as_):
    for _ in range(queries.NAMES + 3):
        person = world.a_person(community)
        actions.sign_proposal(viewer=as_(person), proposal_id=idea.pk, standing="resident")
    (group,) = queries.signature_groups(idea)
    assert (group.count, len(group.people), group.more) == (queries.NAMES + 3, queries.NAMES, 3)


def test_a_moderator_hides_an_idea_with_a_reason_and_can_show_it_again(
    idea, moderator, neighbour, as_
):
    with pytest.raises(PermissionDenied):
        actions.hide_proposal(viewer=as_(neighbour), proposal_id=idea.pk, reason="unkind")
    with pytest.raises(ValueError, match="because"):
        actions.hide_proposal(viewer=as_(moderator), proposal_id=idea.pk, reason="because")
    actions.hide_proposal(viewer=as_(moderator), proposal_id=idea.pk, reason="unkind")
    assert Entry.objects.get(what="proposal.hidden").facts == {"reason": "unkind"}
    assert not queries.readable(as_(neighbour)).exists()
    actions.mark(proposal_ids=[idea.pk], status=Status.FUNDED)  # counted while it was hidden
    assert Proposal.objects.get().status == Status.HIDDEN
    actions.show_again(viewer=as_(moderator), proposal_id=idea.pk)
    shown = Proposal.objects.get()
    assert (shown.status, shown.hidden_reason, shown.status_before) == (Status.FUNDED, "", "")


def test_the_author_and_the_moderator_still_see_a_hidden_idea(
    idea, resident, moderator, elsewhere, as_
):
    actions.hide_proposal(viewer=as_(moderator), proposal_id=idea.pk, reason="advert")
    seen = [
        queries.readable(viewer).filter(pk=idea.pk).exists()
        for viewer in (as_(resident), as_(moderator), as_(None), as_(resident, where=elsewhere))
    ]
    assert seen == [True, True, False, False]


def test_a_moderator_elsewhere_may_not_hide_here(idea, elsewhere, as_):
    other = world.a_person(world.root(elsewhere), role="moderator")
    for viewer in (as_(other), as_(other, where=elsewhere)):
        with pytest.raises(PermissionDenied):
            actions.hide_proposal(viewer=viewer, proposal_id=idea.pk, reason="unkind")


def test_a_comment_is_hidden_shown_again_and_removed_by_its_author_alone(
    idea, neighbour, moderator, resident, as_
):
    said = actions.write_comment(
        viewer=as_(neighbour), proposal_id=idea.pk, standing="resident", body="Count the fares"
    )
    with pytest.raises(PermissionDenied):
        actions.hide_comment(viewer=as_(resident), comment_id=said.pk, reason="unkind")
    actions.hide_comment(viewer=as_(moderator), comment_id=said.pk, reason="private")
    assert Entry.objects.get(what="proposal.comment_hidden").facts == {
        "comment": said.pk,
        "reason": "private",
    }
    actions.show_comment_again(viewer=as_(moderator), comment_id=said.pk)
    assert Comment.objects.get().is_public
    with pytest.raises(PermissionDenied):
        actions.remove_own_comment(viewer=as_(moderator), comment_id=said.pk)
    actions.remove_own_comment(viewer=as_(neighbour), comment_id=said.pk)
    assert not Comment.objects.exists()


def test_there_is_a_limit_an_hour_on_ideas_and_comments(challenge, idea, neighbour, as_):
    for n in range(actions.DRAFTS_AN_HOUR):
        actions.start_proposal(
            viewer=as_(neighbour, later=n), challenge=challenge, standing="resident"
        )
    begin = {"challenge": challenge, "standing": "resident"}
    with pytest.raises(actions.TooManyIdeas):
        actions.start_proposal(viewer=as_(neighbour, later=60), **begin)
    actions.start_proposal(viewer=as_(neighbour, later=3700), **begin)
    say = {"proposal_id": idea.pk, "standing": "resident", "body": "Again"}
    for n in range(actions.COMMENTS_AN_HOUR):
        actions.write_comment(viewer=as_(neighbour, later=n), **say)
    with pytest.raises(actions.TooManyComments):
        actions.write_comment(viewer=as_(neighbour, later=60), **say)
    actions.write_comment(viewer=as_(neighbour, later=3700), **say)


def test_no_journal_entry_of_ours_holds_words_of_people(draft, resident, neighbour, as_):
    actions.publish_proposal(viewer=as_(resident), proposal_id=draft.pk)
    actions.sign_proposal(viewer=as_(neighbour), proposal_id=draft.pk, standing="resident")
    actions.write_comment(
        viewer=as_(neighbour), proposal_id=draft.pk, standing="resident", body="Count the fares"
    )
    facts = json.dumps(list(Entry.objects.values_list("facts", flat=True)))
    assert Entry.objects.count() == 4
    for words in ("Count", "Neville", "warm house", "neighbour"):
        assert words not in facts


def test_erasing_a_person_takes_what_is_theirs_and_leaves_what_others_signed(
    draft, idea, resident, neighbour, now, as_
):
    actions.sign_proposal(viewer=as_(neighbour), proposal_id=idea.pk, standing="resident")
    actions.write_comment(
        viewer=as_(resident), proposal_id=idea.pk, standing="resident", body="My own words"
    )
    other = world.a_proposal(idea.challenge, author=neighbour)
    actions.sign_proposal(viewer=as_(resident), proposal_id=other.pk, standing="resident")
    gone = world.a_proposal(idea.challenge, author=resident, status=Status.WITHDRAWN)
    handed = [row for held in MANIFEST.personal for row in held.export(resident)]
    assert "My own words" in json.dumps(handed) and draft.title in json.dumps(handed)
    for held in MANIFEST.personal:
        held.erase(resident, now)
    assert set(Proposal.objects.values_list("pk", flat=True)) == {idea.pk, other.pk}
    assert not Proposal.objects.filter(pk=gone.pk).exists()
    assert Signature.objects.get().person == neighbour
    assert not Comment.objects.exists()


def test_standings_are_spoken_for_an_organisation_where_one_has_it(
    authority, community, challenge, as_
):
    hub = world.an_organisation(authority, name="Highfold Hub", kind="charity")
    carys = world.a_person(community, standing=None, name="Carys")
    world.Standing.objects.create(
        person=carys,
        community=community,
        kind="charity",
        organisation=hub,
        confirmed_at=as_(None).at,
    )
    (voice,) = rules.voices(as_(carys), community)
    assert voice.words == "Charity, for Highfold Hub"
    other = world.an_organisation(authority)
    with pytest.raises(PermissionDenied):
        actions.start_proposal(
            viewer=as_(carys), challenge=challenge, standing="charity", organisation=other
        )


def test_the_data_of_who_signed_an_idea_holds_none_of_its_words_once_it_is_hidden(
    idea, neighbour, moderator, as_
):
    actions.sign_proposal(viewer=as_(neighbour), proposal_id=idea.pk, standing="resident")
    (row,) = queries.personal_signatures(neighbour)
    assert row["title"] == idea.title
    actions.hide_proposal(viewer=as_(moderator), proposal_id=idea.pk, reason="private")
    (row,) = queries.personal_signatures(neighbour)
    assert (row["idea"], row["title"]) == (idea.pk, "")
