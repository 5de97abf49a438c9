"""What may happen to an appraisal, and what may not."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.core import mail
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from commonweal.ground.journal.models import Entry
from commonweal.ground.people.models import Person
from commonweal.ground.places.models import StandingKind
from commonweal.propose.appraisals import actions, queries
from commonweal.propose.appraisals.actions import Cost
from commonweal.propose.appraisals.manifest import MANIFEST
from commonweal.propose.appraisals.models import (
    Answer,
    Appraisal,
    Criterion,
    Decision,
    Each,
    Finding,
    Line,
    Meets,
    Settled,
    State,
    Verdict,
    verdict_of,
)
from commonweal.propose.proposals import actions as ideas
from commonweal.propose.proposals.models import Proposal, Status
from tests.factories import world

DAY = 24 * 3600
COSTS = (
    Cost("Lamps", Each.ONCE, 4_000_00, "Last year’s order"),
    Cost("Power", Each.YEAR, 1_000_00, "We assume 20 lamps"),
)
YES = {criterion.value: ("yes", "Checked with the team.") for criterion in Criterion}


@pytest.fixture
def clerk(authority):
    return world.a_person(world.root(authority), role="clerk", name="Cleo")


def test_the_days_of_an_appraisal_run_and_then_it_stands(draft_of, idea, clerk, as_, now):
    draft = draft_of(clerk)
    shown = actions.show_to_authors(viewer=as_(clerk), appraisal_id=draft.pk, version=draft.version)
    assert (shown.state, shown.verdict) == (State.SHOWN, Verdict.FEASIBLE)
    assert (shown.one_off_pence, shown.yearly_pence, shown.total_pence) == (400000, 100000, 600000)
    due = shown.answer_due_at
    assert due == now + timedelta(days=10)
    assert queries.due(due - timedelta(seconds=1)) == []
    assert not actions.settle_when_due(appraisal_id=shown.pk, at=due - timedelta(seconds=1))
    assert queries.due(due) == [shown.pk]
    assert actions.settle_when_due(appraisal_id=shown.pk, at=due)
    assert not actions.settle_when_due(appraisal_id=shown.pk, at=due)
    shown.refresh_from_db()
    assert (shown.state, shown.settled_by, shown.passes) == (State.FINAL, Settled.DAYS, True)
    told = Entry.objects.get(what="appraisal.found_feasible")
    assert told.is_public and told.facts == {"total_pence": 600000, "settled": "days"}
    assert told.about_id == idea.pk and told.challenge_id == idea.challenge_id


@pytest.mark.parametrize("status", [Status.MERGED, Status.HIDDEN, Status.WITHDRAWN])
def test_nothing_is_settled_while_the_idea_itself_is_away(shown, idea, status):
    due = shown.answer_due_at
    Proposal.objects.filter(pk=idea.pk).update(status=status, hidden_reason="advert")
    assert queries.due(due) == [] and not actions.settle_when_due(appraisal_id=shown.pk, at=due)
    assert not Entry.objects.filter(what__startswith="appraisal.found").exists()
    Proposal.objects.filter(pk=idea.pk).update(status=Status.PUBLISHED)
    assert queries.due(due) == [shown.pk] and actions.settle_when_due(appraisal_id=shown.pk, at=due)


@pytest.fixture
def draft_of(idea, as_):
    """Return a function that has somebody write a whole draft about the idea."""

    def write(person, *, about=None, found=None, changes="", later=0.0, years=2):
        viewer = as_(person, later=later)
        made = actions.begin_appraisal(viewer=viewer, proposal_id=(about or idea).pk)
        kept = {"viewer": viewer, "appraisal_id": made.pk}
        made = actions.save_costs(**kept, version=made.version, years=years, costs=COSTS)
        made = actions.save_findings(**kept, version=made.version, found=found or YES)
        return actions.save_words(
            **kept, version=made.version, words="It can be done.", changes=changes, days=10
        )

    return write


@pytest.fixture
def shown(draft_of, clerk, as_):
    draft = draft_of(clerk)
    return actions.show_to_authors(viewer=as_(clerk), appraisal_id=draft.pk, version=draft.version)


def no_to(criterion, meets="no"):
    return {**YES, criterion: (meets, "There is no space for it.")}


@pytest.mark.parametrize("lack", ["lines", "findings", "words", "changes"])
def test_what_is_not_whole_is_not_shown_and_named(draft_of, clerk, as_, lack):
    draft = draft_of(clerk, found=no_to("safe", "with-changes"), changes="Quieter")
    if lack == "lines":
        draft.lines.all().delete()
    elif lack == "findings":
        draft.findings.filter(criterion="place").delete()
    else:
        Appraisal.objects.filter(pk=draft.pk).update(**{lack: "  "})
    with pytest.raises(actions.NotWhole) as refused:
        actions.show_to_authors(viewer=as_(clerk), appraisal_id=draft.pk, version=draft.version)
    assert refused.value.missing == [lack]
    assert not Entry.objects.filter(what="appraisal.shown").exists()


@given(st.lists(st.sampled_from(list(Meets)), max_size=8), st.randoms())
def test_the_verdict_is_the_worst_finding_in_any_order(found, chance):
    verdict = verdict_of(found)
    mixed = chance.sample(found, len(found))
    assert verdict_of(mixed) == verdict
    for more in Meets:
        assert verdict_of([*found, more]).rank <= verdict.rank
    assert verdict_of([*found, Meets.NOT_ASKED]) == verdict
    if Meets.NO in found:
        assert verdict == Verdict.NOT_FEASIBLE


@given(
    st.lists(st.tuples(st.sampled_from(list(Each)), st.integers(0, 10**11)), max_size=12),
    st.integers(1, 10),
)
def test_the_total_is_the_sum_of_every_year(costs, years):
    rows = [Line(each=each, pence=pence) for each, pence in costs]
    total = queries.sum_of(rows)
    slow = sum(pence * (years if each == Each.YEAR else 1) for each, pence in costs)
    assert total.one_off_pence + total.yearly_pence * years == slow


def test_only_staff_of_the_place_appraise_and_never_their_own_idea(
    idea, challenge, resident, moderator, elsewhere, authority, clerk, as_
):
    foreign = world.a_person(world.root(elsewhere), role="administrator")
    strange = (as_(None), as_(resident), as_(moderator), as_(foreign), as_(clerk, where=elsewhere))
    for viewer in strange:
        with pytest.raises(PermissionDenied):
            actions.begin_appraisal(viewer=viewer, proposal_id=idea.pk)
    own = world.a_proposal(challenge, author=clerk)
    with pytest.raises(PermissionDenied, match="author"):
        actions.begin_appraisal(viewer=as_(clerk), proposal_id=own.pk)
    leader = world.a_person(world.root(authority), standing=StandingKind.SERVICE_LEADER)
    actions.begin_appraisal(viewer=as_(leader), proposal_id=own.pk)
    assert Appraisal.objects.count() == 1


@pytest.mark.parametrize(
    "status", [Status.DRAFT, Status.IN_BALLOT, Status.FUNDED, Status.WITHDRAWN, Status.MERGED]
)
def test_what_cannot_come_into_a_ballot_is_not_appraised(idea, clerk, as_, status):
    Proposal.objects.filter(pk=idea.pk).update(status=status)
    with pytest.raises(actions.NotToAppraise):
        actions.begin_appraisal(viewer=as_(clerk), proposal_id=idea.pk)


def test_an_old_form_never_overwrites_a_colleagues_work(draft_of, clerk, leader, as_):
    draft = draft_of(clerk)
    save = {"appraisal_id": draft.pk, "version": draft.version, "changes": "", "days": 10}
    newer = actions.save_words(viewer=as_(leader), words="Newer", **save)
    with pytest.raises(actions.ChangedMeanwhile):
        actions.save_words(viewer=as_(clerk), words="Older", **save)
    with pytest.raises(actions.ChangedMeanwhile):
        actions.show_to_authors(viewer=as_(clerk), appraisal_id=draft.pk, version=draft.version)
    assert Appraisal.objects.get().words == "Newer"
    assert newer.hands == [clerk.pk, leader.pk]


def test_what_was_shown_stays_whoever_writes_to_the_database(shown, clerk, leader, as_):
    line, finding = shown.lines.first(), shown.findings.first()
    with pytest.raises(actions.OthersTurn):
        actions.save_costs(
            viewer=as_(clerk), appraisal_id=shown.pk, version=shown.version, years=1, costs=()
        )
    for change in (
        {"words": "Other"}, {"hands": [leader.pk]}, {"verdict": "not-feasible"}, {"years": 3},
        {"answer_due_at": None}, {"one_off_pence": 1}, {"changes": "More"}, {"shown_at": shown.answer_due_at},
    ):  # fmt: skip
        with pytest.raises(IntegrityError), transaction.atomic():
            Appraisal.objects.filter(pk=shown.pk).update(**change)
    with pytest.raises(IntegrityError), transaction.atomic():
        Line.objects.filter(pk=line.pk).update(pence=1)
    with pytest.raises(IntegrityError), transaction.atomic():
        Finding.objects.filter(pk=finding.pk).update(meets="no")
    with pytest.raises(IntegrityError), transaction.atomic():
        Line.objects.create(appraisal=shown, what="x", each="once", pence=1, source="y")


def test_nothing_is_final_before_the_days_are_over_or_all_answered(
    shown, clerk, resident, as_, now
):
    early = {"state": "final", "final_at": shown.answer_due_at - timedelta(seconds=1)}
    for settled in ("", "days", "accepted", "appeal"):
        with pytest.raises(IntegrityError), transaction.atomic():
            Appraisal.objects.filter(pk=shown.pk).update(**early, settled_by=settled)
    actions.appeal_appraisal(viewer=as_(resident), appraisal_id=shown.pk, words="No")
    with pytest.raises(IntegrityError), transaction.atomic():
        Appraisal.objects.filter(pk=shown.pk).update(
            state="final", final_at=shown.answer_due_at, settled_by="days"
        )
    assert not actions.settle_when_due(appraisal_id=shown.pk, at=now + timedelta(days=99))


def test_with_every_authors_yes_it_is_final_at_once(shown, challenge, resident, neighbour, as_):
    other = world.a_proposal(challenge, author=neighbour)
    merge = ideas.suggest_merge(
        viewer=as_(resident), lead_id=shown.proposal_id, joining_id=other.pk, why="Alike"
    )
    ideas.agree_to_merge(viewer=as_(neighbour), merge_id=merge.pk)
    actions.accept_appraisal(viewer=as_(resident, later=60), appraisal_id=shown.pk)
    shown.refresh_from_db()
    assert shown.state == State.SHOWN
    actions.accept_appraisal(viewer=as_(neighbour, later=120), appraisal_id=shown.pk)
    shown.refresh_from_db()
    assert (shown.state, shown.settled_by) == (State.FINAL, Settled.ACCEPTED)
    actions.accept_appraisal(viewer=as_(neighbour, later=180), appraisal_id=shown.pk)
    assert Entry.objects.filter(what="appraisal.found_feasible").count() == 1


def test_only_authors_answer_and_only_in_time(shown, neighbour, clerk, moderator, resident, as_):
    for person in (None, neighbour, clerk, moderator):
        for answer, more in (
            (actions.accept_appraisal, {}),
            (actions.appeal_appraisal, {"words": "No"}),
        ):
            with pytest.raises(PermissionDenied):
                answer(viewer=as_(person), appraisal_id=shown.pk, **more)
    late = as_(resident, later=10 * DAY)
    with pytest.raises(actions.NotNow):
        actions.appeal_appraisal(viewer=late, appraisal_id=shown.pk, words="Late")
    with pytest.raises(actions.NotNow):
        actions.accept_appraisal(viewer=late, appraisal_id=shown.pk)
    assert not Answer.objects.exists()


def test_who_appealed_may_take_it_back_and_accept(shown, resident, as_):
    actions.appeal_appraisal(viewer=as_(resident), appraisal_id=shown.pk, words="Half the price")
    assert Appraisal.objects.get().state == State.APPEALED
    actions.accept_appraisal(viewer=as_(resident), appraisal_id=shown.pk)
    held = Appraisal.objects.get()
    assert (held.state, held.settled_by) == (State.FINAL, Settled.ACCEPTED)
    assert Answer.objects.get().words == ""


@pytest.fixture
def appealed(draft_of, clerk, resident, as_):
    draft = draft_of(clerk, found=no_to("place"))
    shown = actions.show_to_authors(viewer=as_(clerk), appraisal_id=draft.pk, version=draft.version)
    return actions.appeal_appraisal(
        viewer=as_(resident, later=60), appraisal_id=shown.pk, words="There is the old depot."
    )


def decide(appealed, person, as_, decision="stands", **more):
    return actions.decide_appeal(
        viewer=as_(person, later=3600), appraisal_id=appealed.pk, decision=decision,
        words="We looked at the depot.", **more,
    )  # fmt: skip


def test_nobody_decides_an_appeal_about_their_own_work(
    appealed, clerk, leader, resident, moderator, as_
):
    for person in (clerk, resident, moderator, None):
        with pytest.raises(PermissionDenied):
            decide(appealed, person, as_)
    with pytest.raises(IntegrityError, match="own_hands"), transaction.atomic():
        Appraisal.objects.filter(pk=appealed.pk).update(
            decision="stands", decision_words="Mine", decided_by=clerk, decided_at=appealed.begun_at
        )
    done = decide(appealed, leader, as_)
    assert (done.state, done.settled_by, done.decided_by) == (State.FINAL, "appeal", leader)
    assert done.verdict == Verdict.NOT_FEASIBLE and not done.passes
    assert Entry.objects.get(what="appraisal.found_not_feasible").is_public


def test_whoever_only_mended_a_word_has_a_hand_in_it_too(draft_of, clerk, leader, resident, as_):
    draft = draft_of(clerk)
    draft = actions.save_words(
        viewer=as_(leader), appraisal_id=draft.pk, version=draft.version, words="So it is.",
        changes="", days=5,
    )  # fmt: skip
    shown = actions.show_to_authors(viewer=as_(clerk), appraisal_id=draft.pk, version=draft.version)
    actions.appeal_appraisal(viewer=as_(resident), appraisal_id=shown.pk, words="No")
    with pytest.raises(PermissionDenied, match="somebody else"):
        decide(shown, leader, as_)


@pytest.mark.parametrize("now_is", list(Verdict))
@pytest.mark.parametrize("becomes", list(Verdict))
def test_an_appeal_never_makes_it_worse(idea, leader, as_, now_is, becomes):
    meets = {"feasible": "yes", "with-changes": "with-changes", "not-feasible": "no"}[now_is]
    held = world.an_appraisal(idea, state=State.APPEALED, meets=Meets(meets))
    more = {"decision": "changed", "verdict": becomes, "changes": "A quieter lamp"}
    if becomes.rank > now_is.rank:
        assert decide(held, leader, as_, **more).verdict == becomes
        assert Appraisal.objects.get().verdict_before == now_is
    else:
        with pytest.raises(actions.NoBetter):
            decide(held, leader, as_, **more)
        assert Appraisal.objects.get().state == State.APPEALED


def test_the_authors_agree_to_changes_that_an_appeal_found(appealed, leader, resident, as_):
    done = decide(
        appealed, leader, as_, decision="changed", verdict="with-changes", changes="In the depot"
    )
    assert done.lacks_agreement and not done.passes
    actions.accept_appraisal(viewer=as_(resident, later=30 * DAY), appraisal_id=appealed.pk)
    done.refresh_from_db()
    assert done.passes and Answer.objects.get().words == "There is the old depot."
    assert Entry.objects.get(what="appraisal.agreed").is_public


def test_decided_anew_it_is_worked_out_by_other_hands_and_shown_again(
    appealed, leader, clerk, resident, as_
):
    draft = decide(appealed, leader, as_, decision="anew")
    appealed.refresh_from_db()
    assert (appealed.state, appealed.decision) == (State.REPLACED, Decision.ANEW)
    assert (draft.state, draft.hands) == (State.DRAFT, [leader.pk])
    assert draft.lines.count() == 2 and draft.findings.count() == len(Criterion)
    again = actions.show_to_authors(viewer=as_(leader), appraisal_id=draft.pk, version=0)
    actions.appeal_appraisal(viewer=as_(resident), appraisal_id=again.pk, words="Still no")
    assert decide(again, clerk, as_).state == State.FINAL


def test_taken_back_to_mend_it_the_authors_have_their_full_days_again(shown, clerk, resident, as_):
    draft = actions.take_back(viewer=as_(clerk, later=DAY), appraisal_id=shown.pk)
    with pytest.raises(actions.NotNow):
        actions.accept_appraisal(viewer=as_(resident, later=DAY), appraisal_id=shown.pk)
    again = actions.show_to_authors(
        viewer=as_(clerk, later=2 * DAY), appraisal_id=draft.pk, version=draft.version
    )
    assert again.answer_due_at == shown.answer_due_at + timedelta(days=2)
    actions.appeal_appraisal(
        viewer=as_(resident, later=11 * DAY), appraisal_id=again.pk, words="In time"
    )
    with pytest.raises(actions.NotNow):
        actions.take_back(viewer=as_(clerk, later=11 * DAY), appraisal_id=again.pk)


def test_a_final_one_stands_until_the_new_one_is_final(idea, clerk, resident, draft_of, as_):
    old = world.an_appraisal(idea)
    draft = draft_of(clerk, years=1)
    assert queries.final_of(idea.pk) == old
    assert not Proposal.objects.filter(queries.may_be_in_ballot(), pk=idea.pk).exists()
    actions.show_to_authors(viewer=as_(clerk), appraisal_id=draft.pk, version=draft.version)
    actions.accept_appraisal(viewer=as_(resident), appraisal_id=draft.pk)
    old.refresh_from_db()
    assert old.state == State.REPLACED and queries.final_of(idea.pk) == draft
    assert Proposal.objects.filter(queries.may_be_in_ballot(), pk=idea.pk).exists()


@pytest.mark.parametrize(
    ("state", "meets", "more", "may"),
    [
        (None, None, {}, True),
        (State.DRAFT, Meets.YES, {}, False),
        (State.SHOWN, Meets.YES, {}, False),
        (State.APPEALED, Meets.YES, {}, False),
        (State.FINAL, Meets.YES, {}, True),
        (State.FINAL, Meets.WITH_CHANGES, {}, False),
        (State.FINAL, Meets.WITH_CHANGES, {"agreed": True}, True),
        (State.FINAL, Meets.NO, {}, False),
    ],
)
def test_only_what_may_be_done_comes_into_a_ballot(idea, now, state, meets, more, may):
    if state is not None:
        agreed = {"agreed_at": now} if more else {}
        held = world.an_appraisal(idea, state=state, meets=meets, pence=7_00, **agreed)
        if state == State.FINAL:
            assert held.passes == may
    rows = Proposal.objects.filter(queries.may_be_in_ballot())
    assert rows.filter(pk=idea.pk).exists() == may
    cost = Proposal.objects.annotate(found=queries.appraised_pence()).get().found
    assert cost == (7_00 if state == State.FINAL else None)


def test_an_idea_taken_back_takes_its_appraisal_with_its_author(shown, resident, now, as_):
    ideas.withdraw_proposal(viewer=as_(resident), proposal_id=shown.proposal_id)
    ideas.let_go_of_proposals(resident, now)
    assert not Appraisal.objects.exists() and not Line.objects.exists()


def test_the_words_of_who_leaves_are_gone_and_the_decision_stays(appealed, resident, clerk, now):
    told = [row for held in MANIFEST.personal for row in held.export(resident)]
    assert told[0]["words"] == "There is the old depot."
    assert any("you_worked_on" in key for row in queries.personal(clerk) for key in row)
    for held in MANIFEST.personal:
        held.erase(resident, now)
    said = Answer.objects.get()
    assert (said.words, said.kind) == ("", "appeal") and said.forgotten_at == now


def test_no_journal_entry_holds_words_of_people(appealed, leader, as_):
    decide(appealed, leader, as_)
    facts = str(list(Entry.objects.filter(what__startswith="appraisal.").values_list("facts")))
    for words in ("depot", "It can be done", "Lamps", "space"):
        assert words not in facts


# --- mail


def jobs(name):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT args FROM procrastinate_jobs WHERE task_name = %s ORDER BY id", [name]
        )
        return [json.loads(row[0]) for row in cursor.fetchall()]


def test_authors_are_written_to_when_something_is_asked_of_them(shown, resident, idea, now):
    (asked,) = jobs("appraisals.tell")
    assert asked == {"appraisal_id": shown.pk, "person_id": resident.pk, "what": "shown"}
    Proposal.objects.filter(pk=idea.pk).update(title="A lamp\n<b>by</b> the bed")
    assert actions.tell(**asked, at=now)
    (sent,) = mail.outbox
    assert sent.to == [resident.email] and "\n" not in sent.subject
    assert f"/ideas/{idea.pk}/appraisal/" in sent.body
    assert "<b>by" not in sent.alternatives[0][0]
    actions.settle_when_due(appraisal_id=shown.pk, at=now + timedelta(days=10))
    assert not actions.tell(**asked, at=now), "what is no longer asked is not written"
    assert actions.tell(**{**asked, "what": "final"}, at=now)
    assert "It can be done" in mail.outbox[1].body


def test_who_has_not_answered_is_reminded_once(shown, resident, now):
    soon = shown.answer_due_at - timedelta(days=1)
    assert queries.to_remind(now) == [] and queries.to_remind(soon) == [shown.pk]
    assert actions.remind(appraisal_id=shown.pk, at=soon)
    assert not actions.remind(appraisal_id=shown.pk, at=soon)
    assert [job["what"] for job in jobs("appraisals.tell")] == ["shown", "soon"]


def test_a_person_who_left_gets_no_mail(shown, resident, now):
    Person.objects.filter(pk=resident.pk).update(
        is_active=False, email=None, name="", erased_at=now
    )
    assert not actions.tell(appraisal_id=shown.pk, person_id=resident.pk, what="shown", at=now)
