"""Setting a conversation up, opening and closing it by the clock, changing it in public, answering."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction

from commonweal.ground.challenges.models import Challenge
from commonweal.ground.journal import queries as journal
from commonweal.ground.journal.models import Entry
from commonweal.ground.places.models import Authority, RoleKind, StandingKind
from commonweal.ground.places.rules import Viewer
from commonweal.listen.conversations import actions, queries, tasks
from commonweal.listen.conversations.models import (
    Answer,
    Change,
    Conversation,
    Part,
    State,
    Statement,
    Step,
)
from tests.factories import listen, world

pytestmark = pytest.mark.django_db
THINGS = ("bus", "tram", "train", "ferry", "lift", "queue")
TEXTS = ("I know whom to call.", "A nurse should ring me.", "Visits are too short.")


@pytest.fixture
def challenge(authority: Authority, community: Any) -> Challenge:
    """Return a challenge of the neighbourhood."""
    return world.a_challenge(authority, service=world.a_service(authority, community=community))


@pytest.fixture
def lead(leader, seen_by) -> Viewer:
    """Return somebody who leads the whole authority."""
    viewer: Viewer = seen_by(leader)
    return viewer


@pytest.fixture
def draft(lead: Viewer, community: Any, challenge: Challenge) -> Conversation:
    """Return a conversation of which the first step is done."""
    return actions.draft_conversation(
        viewer=lead, community=community, challenge=challenge, question="What would help?"
    )


@pytest.fixture
def running(authority: Authority, community: Any, challenge: Challenge) -> Conversation:
    """Return a conversation that is open, with three statements."""
    return listen.a_conversation(authority, statements=3, community=community, challenge=challenge)


def whole(lead: Viewer, draft: Conversation, **dates: Any) -> Conversation:
    """Go through all steps that are left."""
    asked: dict[str, Any] = {"viewer": lead, "conversation_id": draft.pk}
    actions.add_first(**asked, texts=TEXTS)
    actions.save_step(**asked, step=Step.PEOPLE, reach="everyone", level=1)
    rules = {"people_add": True, "moderation": "before", "policy": "Be kind.", "enough": 12}
    actions.save_step(**asked, step=Step.RULES, **rules)
    actions.save_details(**asked, details=[("How old?", [("Under 40", 480), ("Older", 520)])])
    opens = lead.at + timedelta(days=2)
    given = {
        "opens_at": opens, "closes_at": opens + timedelta(days=9), "minutes": 4,
        "what_happens": "The board answers.", "promised_by": "The board",
        "promised_on": (opens + timedelta(days=30)).date(),
    }  # fmt: skip
    return actions.save_step(**asked, step=Step.DATES, **{**given, **dates})


def told(what: str) -> list[Entry]:
    return list(Entry.objects.filter(what=what).order_by("pk"))


# --- setting up


def test_a_draft_is_seen_by_those_who_lead_and_by_nobody_else(
    draft: Conversation, lead: Viewer, resident, moderator, seen_by
) -> None:
    assert queries.numbered(lead, draft.pk) == [draft]
    for person in (None, resident, moderator):
        assert queries.numbered(seen_by(person), draft.pk) == []
    assert [entry.is_public for entry in told("conversation.drafted")] == [False]


def test_only_who_leads_the_community_asks_its_people(
    community: Any, resident, moderator, authority, elsewhere, seen_by
) -> None:
    beside = world.a_person(world.a_community(authority), role=RoleKind.CLERK)
    away = world.a_person(world.root(elsewhere), role=RoleKind.ADMINISTRATOR)
    for person in (resident, moderator, beside, away):
        with pytest.raises(PermissionDenied):
            actions.draft_conversation(viewer=seen_by(person), community=community, question="?")
    assert not Conversation.objects.exists()


def test_a_challenge_is_asked_about_in_its_own_place_only(
    lead: Viewer, authority, challenge: Challenge
) -> None:
    other = world.a_community(authority)
    with pytest.raises(actions.NotOfTheChallenge):
        actions.draft_conversation(
            viewer=lead, community=other, challenge=challenge, question="What would help?"
        )
    inside = world.a_community(authority, parent=challenge.community)
    made = actions.draft_conversation(
        viewer=lead, community=inside, challenge=challenge, question="What would help?"
    )
    assert made.challenge == challenge


def test_the_database_keeps_a_conversation_in_its_authority(elsewhere, running) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Conversation.objects.filter(pk=running.pk).update(authority=elsewhere)
        with transaction.get_connection().cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_what_is_missing_is_said_until_all_steps_are_done(
    draft: Conversation, lead: Viewer
) -> None:
    steps = [lack.step for lack in queries.missing(draft, lead.at)]
    assert steps == [Step.STATEMENTS, Step.PEOPLE, Step.RULES, Step.DATES]
    with pytest.raises(actions.NotReady):
        actions.make_public(viewer=lead, conversation_id=draft.pk)
    ready = whole(lead, draft)
    assert queries.missing(ready, lead.at) == []
    assert queries.missing(ready, ready.opens_at)[0].step == Step.DATES


def test_it_opens_in_the_future(draft: Conversation, lead: Viewer) -> None:
    with pytest.raises(actions.OpensTooSoon):
        whole(lead, draft, opens_at=lead.at)


def test_once_public_everybody_reads_it_and_the_journal_tells(
    draft: Conversation, lead: Viewer, seen_by
) -> None:
    whole(lead, draft)
    made = actions.make_public(viewer=lead, conversation_id=draft.pk)
    assert made.state(lead.at) == "coming"
    assert queries.numbered(seen_by(None), draft.pk) == [made]
    assert [entry.is_public for entry in told("conversation.created")] == [True]


def test_nobody_reads_what_a_draft_challenge_asks(
    draft: Conversation, lead: Viewer, seen_by, challenge: Challenge
) -> None:
    Challenge.objects.filter(pk=challenge.pk).update(published_at=None)
    whole(lead, draft)
    actions.make_public(viewer=lead, conversation_id=draft.pk)
    assert queries.numbered(seen_by(None), draft.pk) == []
    assert [entry.is_public for entry in told("conversation.created")] == [False]
    later = lead.at + timedelta(days=3)
    assert not queries.due_to_open(later).exists(), "nobody hears that it opened"


def test_first_statements_are_numbered_and_not_doubled(draft: Conversation, lead: Viewer) -> None:
    asked: dict[str, Any] = {"viewer": lead, "conversation_id": draft.pk}
    actions.add_first(**asked, texts=[TEXTS[0], TEXTS[0].upper(), TEXTS[1]])
    made = actions.add_first(**asked, texts=["i know  whom to call", TEXTS[2]])
    assert [row.text for row in made] == [TEXTS[2]]
    rows = draft.statements.order_by("number")
    assert list(rows.values_list("number", "is_first", "state")) == [
        (1, True, "shown"), (2, True, "shown"), (3, True, "shown"),
    ]  # fmt: skip


def test_a_first_statement_is_reworded_and_taken_away(draft: Conversation, lead: Viewer) -> None:
    asked: dict[str, Any] = {"viewer": lead, "conversation_id": draft.pk}
    actions.add_first(**asked, texts=TEXTS)
    actions.change_first(**asked, number=2, text="A nurse should ring on the day after.")
    with pytest.raises(actions.SaidAlready) as met:
        actions.change_first(**asked, number=2, text=TEXTS[0].upper())
    assert met.value.number == 1
    actions.remove_first(**asked, number=1)
    actions.remove_first(**asked, number=1)
    assert sorted(draft.statements.values_list("number", flat=True)) == [2, 3]


def test_a_conversation_holds_only_so_many_first_statements(
    draft: Conversation, lead: Viewer
) -> None:
    texts = [f"Statement number {n} is one." for n in range(actions.MOST_FIRST + 1)]
    with pytest.raises(actions.TooManyStatements):
        actions.add_first(viewer=lead, conversation_id=draft.pk, texts=texts)
    assert not draft.statements.exists()


def test_from_the_opening_on_its_frame_stays(running: Conversation, lead: Viewer) -> None:
    asked: dict[str, Any] = {"viewer": lead, "conversation_id": running.pk}
    number = running.statements.first().number
    for change in (
        lambda: actions.save_step(**asked, step=Step.PEOPLE, reach="account"),
        lambda: actions.save_step(**asked, step=Step.QUESTION, question="What else?"),
        lambda: actions.save_details(**asked, details=[]),
        lambda: actions.add_first(**asked, texts=["One more."]),
        lambda: actions.change_first(**asked, number=number, text="Other words."),
        lambda: actions.remove_first(**asked, number=number),
    ):
        with pytest.raises(actions.HasOpened):
            change()
    assert running.statements.count() == 3


def test_words_that_were_voted_on_stay_whoever_asks(running: Conversation) -> None:
    statement = running.statements.first()
    rows = Statement.objects.filter(pk=statement.pk)
    rows.update(text="Nobody has voted on this yet.")
    listen.a_vote(listen.a_participant(running), statement)
    for change in ({"text": "Something else."}, {"number": 77}):
        with pytest.raises(IntegrityError), transaction.atomic():
            rows.update(**change)
    rows.update(state=State.REJECTED, reason="private", text="Taken out.")
    rows.update(state=State.REJECTED, reason="unkind")


def test_a_copy_takes_the_settings_and_nothing_that_people_said(
    running: Conversation, lead: Viewer
) -> None:
    running.enough = 33
    running.save()
    listen.a_detail(running)
    author = listen.a_participant(running)
    listen.a_statement(running, "Somebody else said this.", author=author, is_first=False)
    copy = actions.copy_conversation(
        viewer=lead, conversation_id=running.pk, question="What would help now?"
    )
    assert copy.is_draft and copy.copied_from == running
    assert copy.enough == 33
    assert bytes(copy.key) != bytes(running.key) and copy.preview != running.preview
    assert copy.statements.count() == 3 and all(row.is_first for row in copy.statements.all())
    assert [len(detail.choices.all()) for detail in copy.details.all()] == [3]
    assert copy.participants.count() == 0
    assert Step.DATES not in copy.steps_done
    assert copy.opens_at > lead.at


def test_a_new_preview_link_ends_the_old_one(draft: Conversation, lead: Viewer, seen_by) -> None:
    old = draft.preview
    actions.renew_preview(viewer=lead, conversation_id=draft.pk)
    assert queries.previewed(seen_by(None), old) is None
    draft.refresh_from_db()
    assert queries.previewed(seen_by(None), draft.preview) == draft


# --- by the clock


def test_opening_and_close_are_told_once(draft: Conversation, lead: Viewer) -> None:
    ready = whole(lead, draft)
    actions.make_public(viewer=lead, conversation_id=draft.pk)
    for moment, opened, closed in (
        (ready.opens_at - timedelta(seconds=1), 0, 0),
        (ready.opens_at, 1, 0),
        (ready.closes_at - timedelta(seconds=1), 1, 0),
        (ready.closes_at, 1, 1),
        (ready.closes_at + timedelta(days=9), 1, 1),
    ):
        actions.tell_opening(conversation_id=draft.pk, at=moment)
        actions.tell_close(conversation_id=draft.pk, at=moment)
        assert len(told("conversation.opened")) == opened
        assert len(told("conversation.closed")) == closed
    assert all(entry.is_public and entry.challenge_id for entry in told("conversation.closed"))


def test_the_job_tells_what_is_due(authority: Authority) -> None:
    listen.a_conversation(authority)
    listen.a_conversation(authority, open=False)
    listen.a_conversation(authority, is_draft=True)
    for _twice in range(2):
        tasks.look(0)
    assert len(told("conversation.opened")) == 2
    assert len(told("conversation.closed")) == 1


# --- while it is open


def test_staff_add_a_statement_that_is_marked_as_theirs(
    running: Conversation, lead: Viewer
) -> None:
    made = actions.add_by_staff(
        viewer=lead, conversation_id=running.pk, text="Evening visits come too early."
    )
    assert made.is_first and made.state == State.SHOWN and made.number == 4
    assert made.added_at >= running.opens_at
    with pytest.raises(actions.SaidAlready):
        actions.add_by_staff(viewer=lead, conversation_id=running.pk, text=made.text.upper())
    entry = told("statement.staff_added")[0]
    assert entry.challenge_id == running.challenge_id, "it stands in the story of the challenge"


def test_the_close_is_put_off_in_public(running: Conversation, lead: Viewer, seen_by) -> None:
    later = running.closes_at + timedelta(days=3)
    with pytest.raises(actions.OnlyLater):
        actions.extend_close(
            viewer=lead, conversation_id=running.pk, closes_at=running.closes_at, why="Snow"
        )
    actions.extend_close(viewer=lead, conversation_id=running.pk, closes_at=later, why="Snow")
    change = Change.objects.get()
    assert (change.part, change.moment_after, change.why) == (Part.CLOSE, later, "Snow")
    (line,) = journal.lines(seen_by(None), told("conversation.extended"))
    assert running.question in line.words and f"{later:%Y}" in line.words


def test_it_is_closed_early_with_a_reason_and_told_once(
    running: Conversation, lead: Viewer
) -> None:
    closed = actions.close_early(viewer=lead, conversation_id=running.pk, why="Nobody comes")
    assert closed.state(lead.at) == "closed"
    assert len(told("conversation.closed_early")) == len(told("conversation.closed")) == 1
    assert not actions.tell_close(conversation_id=running.pk, at=lead.at + timedelta(days=20))
    with pytest.raises(actions.NotOpen):
        actions.close_early(viewer=lead, conversation_id=running.pk, why="Twice")
    with pytest.raises(actions.NotOpen):
        actions.extend_close(
            viewer=lead, conversation_id=running.pk, why="Again",
            closes_at=lead.at + timedelta(days=2),
        )  # fmt: skip
    with pytest.raises(actions.NotOpen):
        actions.add_by_staff(viewer=lead, conversation_id=running.pk, text="Too late for this.")


def test_what_is_corrected_stands_beside_what_it_was(running: Conversation, lead: Viewer) -> None:
    actions.correct(
        viewer=lead, conversation_id=running.pk, why="A slip", background="What is so today.",
        question=running.question, people_add=False, moderation="after",
    )  # fmt: skip
    parts = {change.part: change for change in Change.objects.all()}
    assert set(parts) == {Part.BACKGROUND, Part.PEOPLE_ADD, Part.MODERATION}
    assert parts[Part.BACKGROUND].was == running.background
    assert (parts[Part.PEOPLE_ADD].was, parts[Part.PEOPLE_ADD].became) == ("Yes", "No")
    running.refresh_from_db()
    assert running.background == "What is so today." and running.people_add is False


def test_a_draft_is_not_corrected_but_changed(draft: Conversation, lead: Viewer) -> None:
    with pytest.raises(actions.NotOpen):
        actions.correct(viewer=lead, conversation_id=draft.pk, why="A slip", background="New")


def test_a_withdrawn_conversation_ends_for_good(running: Conversation, lead: Viewer) -> None:
    for _twice in range(2):
        actions.withdraw(viewer=lead, conversation_id=running.pk, why="It named a person")
    running.refresh_from_db()
    assert running.state(lead.at) == "withdrawn" and running.key is None
    assert len(told("conversation.withdrawn")) == Change.objects.count() == 1
    with pytest.raises(actions.NotOpen):
        actions.add_by_staff(viewer=lead, conversation_id=running.pk, text="Too late for this.")
    assert not queries.due_to_close(lead.at + timedelta(days=99)).exists()


def test_those_who_took_part_with_an_account_hear_that_it_was_withdrawn(
    running: Conversation, lead: Viewer, resident, moderator, mailoutbox: list[Any], monkeypatch
) -> None:
    monkeypatch.setattr(queries, "AT_ONCE", 1)
    for person in (resident, moderator):
        listen.a_participant(running, person)
    listen.a_participant(running)
    at = lead.at
    assert actions.tell_withdrawn(conversation_id=running.pk, at=at) == 0, "it is not withdrawn"
    actions.withdraw(viewer=lead, conversation_id=running.pk, why="It named a person")
    after = 0
    for person in sorted((resident, moderator), key=lambda one: one.pk):
        assert actions.tell_withdrawn(conversation_id=running.pk, after=after, at=at) == 1
        after = person.pk
        assert mailoutbox[-1].to == [person.email]
        assert "It named a person" in mailoutbox[-1].body
    assert actions.tell_withdrawn(conversation_id=running.pk, after=after, at=at) == 0
    assert len(mailoutbox) == 2


def test_who_does_not_lead_changes_nothing(running: Conversation, moderator, seen_by) -> None:
    asked: dict[str, Any] = {"viewer": seen_by(moderator), "conversation_id": running.pk}
    number = running.statements.first().number
    for change in (
        lambda: actions.withdraw(**asked, why="No"),
        lambda: actions.close_early(**asked, why="No"),
        lambda: actions.correct(**asked, why="No", background="Other"),
        lambda: actions.renew_preview(**asked),
        lambda: actions.copy_conversation(**asked, question="Mine"),
        lambda: actions.add_by_staff(**asked, text="Other words here."),
        lambda: actions.answer_statement(**asked, number=number, heed="done", words="Done."),
    ):
        with pytest.raises(PermissionDenied):
            change()
    assert not Entry.objects.exists()


# --- you said, we did


def test_an_answer_is_public_and_earlier_ones_stay_beneath(
    running: Conversation, lead: Viewer, seen_by
) -> None:
    asked: dict[str, Any] = {"viewer": lead, "conversation_id": running.pk, "number": 1}
    actions.answer_statement(**asked, heed="looking", words="We will see.")
    actions.answer_statement(**asked, heed="looking", words="We will see.")  # sent twice
    later: Any = {**asked, "viewer": seen_by(lead.person, at=lead.at + timedelta(days=2))}
    actions.answer_statement(**later, heed="done", words="A nurse rings now.")
    (statement,) = queries.statement(running, 1)
    assert [answer.heed for answer in queries.answers(statement)] == ["done", "looking"]
    assert queries.answers(statement)[0].answered_at == later["viewer"].at
    (line, _earlier) = journal.lines(seen_by(None), reversed(told("statement.answered")))
    assert statement.text in line.words and line.href == statement.get_absolute_url()
    assert line.entry.challenge_id == running.challenge_id


def test_nobody_answers_what_nobody_votes_on(running: Conversation, lead: Viewer) -> None:
    hidden = listen.a_statement(running, state=State.REJECTED, reason="unkind")
    with pytest.raises(actions.NotShown):
        actions.answer_statement(
            viewer=lead, conversation_id=running.pk, number=hidden.number, heed="done", words="Done"
        )
    assert not Answer.objects.exists()


def test_a_hidden_statement_lends_the_journal_no_words(
    running: Conversation, lead: Viewer, seen_by
) -> None:
    statement = running.statements.get(number=1)
    actions.answer_statement(
        viewer=lead, conversation_id=running.pk, number=1, heed="done", words="Done."
    )
    Statement.objects.filter(pk=statement.pk).update(state=State.REJECTED, reason="private")
    (line,) = journal.lines(seen_by(None), told("statement.answered"))
    assert statement.text not in line.words and line.href == ""


def test_many_lines_about_statements_cost_no_more_than_one(
    running: Conversation, lead: Viewer, seen_by, django_assert_num_queries
) -> None:
    for number in (1, 2, 3):
        actions.answer_statement(
            viewer=lead, conversation_id=running.pk, number=number, heed="done", words="Done."
        )
    entries = list(Entry.objects.filter(what="statement.answered").select_related("challenge"))
    with django_assert_num_queries(1):
        assert len(journal.lines(seen_by(None), entries)) == 3


# --- advice on all first statements together


def test_advice_on_few_and_one_sided_statements() -> None:
    assert queries.advice_on([]) == []
    assert "2 so far" in queries.advice_on(["I like the bus.", "Trams are slow."])[0]
    complaints = [f"The {thing} is too slow." for thing in THINGS]
    assert any("complain" in words for words in queries.advice_on(complaints))
    praise = [f"The {thing} is good." for thing in THINGS]
    assert any("praise" in words for words in queries.advice_on(praise))
    wishes = [f"The {thing} should run at night." for thing in THINGS]
    assert any("ask for something" in words for words in queries.advice_on(wishes))


def test_a_mixed_dozen_needs_no_advice() -> None:
    mixed = [
        "The carers who come are kind.", "Visits are too short.", "I know whom to call.",
        "Evening visits are too early.", "Carers should plan their own week.",
        "I take my meals with others.", "The book at home helps my family.",
        "Weekends are as good as weekdays.", "I feel alone on most days.",
        "My mother likes her visits.",
    ]  # fmt: skip
    assert queries.advice_on(mixed) == []


def test_statements_that_may_say_the_same_are_shown_in_pairs(running: Conversation) -> None:
    first = listen.a_statement(running, "Buses should run all night.")
    listen.a_statement(running, "The library is too small.")
    second = listen.a_statement(running, "Buses should run all night long.")
    rows = list(running.statements.order_by("number"))
    assert (first, second) in queries.alike(rows)


# --- reading


def test_the_list_goes_from_open_to_withdrawn_and_is_narrowed(
    authority: Authority, community: Any, seen_by, now: datetime
) -> None:
    closed = listen.a_conversation(authority, open=False, question="Which café?")
    coming = listen.a_conversation(
        authority, opens_at=now + timedelta(days=1), closes_at=now + timedelta(days=2)
    )
    gone = listen.a_conversation(authority, withdrawn_at=now)
    endless = listen.a_conversation(authority, closes_at=None, community=community)
    is_open = listen.a_conversation(authority)
    viewer = seen_by(None)
    assert list(queries.cards(viewer)) == [is_open, endless, coming, closed, gone]
    assert list(queries.cards(viewer, words="CAFE")) == [closed]
    assert list(queries.cards(viewer, community=community)) == [endless]
    for state, found in (("open", [is_open, endless]), ("coming", [coming]), ("closed", [closed])):
        assert list(queries.cards(viewer, state=state)) == found


def test_people_are_counted_fresh_while_they_are_few(running: Conversation) -> None:
    assert queries.taken_part([running.pk]) == {running.pk: 0}
    listen.a_participant(running)
    assert queries.taken_part([running.pk]) == {running.pk: 1}


def test_a_large_count_of_people_is_kept_for_some_seconds(
    running: Conversation, monkeypatch, django_assert_num_queries
) -> None:
    monkeypatch.setattr(queries, "MANY", 2)
    monkeypatch.setattr(queries, "_counted", {})
    listen.a_participant(running)
    listen.a_participant(running)
    queries.taken_part([running.pk])
    with django_assert_num_queries(0):
        assert queries.taken_part([running.pk]) == {running.pk: 2}


def test_the_desk_reminds_of_a_promise(
    authority: Authority, lead: Viewer, seen_by, now: datetime
) -> None:
    late = listen.a_conversation(
        authority, open=False, promised_by="The board", promised_on=(now - timedelta(days=1)).date()
    )
    listen.a_statement(late, state=State.WAITING, is_first=False)
    panel = queries.desk_panel(lead, None)
    assert panel is not None
    (row,) = panel["conversations"]
    assert (row.waiting, row.answered_count) == (1, 0)
    (found,) = queries.numbered(lead, late.pk)
    assert "nothing is answered" in queries.reminders(found, now, now.date())[0]
    clerk_elsewhere = world.a_person(world.a_community(authority), role=RoleKind.CLERK)
    assert queries.desk_panel(seen_by(clerk_elsewhere), None) == {
        "conversations": [], "today": now.date(),
    }  # fmt: skip
    carer = world.a_person(world.root(authority), standing=StandingKind.CARER)
    assert queries.desk_panel(seen_by(carer), None) is None


def test_a_loop_without_listening_is_mentioned_before_the_opening(
    draft: Conversation, lead: Viewer
) -> None:
    assert draft.challenge is not None
    assert queries.reminders(draft, lead.at, lead.at.date()) == []
    draft.challenge.steps.filter(stage="listen").delete()
    assert "no dates for" in queries.reminders(draft, lead.at, lead.at.date())[0]
