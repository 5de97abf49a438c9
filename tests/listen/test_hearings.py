"""Hearings: setting one up, what people say, who moderates, what is answered."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction
from procrastinate.contrib.django.models import ProcrastinateJob

from commonweal.ground.journal.models import Entry
from commonweal.ground.people.actions import erase_person
from commonweal.ground.people.models import Person
from commonweal.ground.places.models import Authority, Community, StandingKind
from commonweal.ground.places.rules import Viewer
from commonweal.listen.hearings import actions, queries, rules
from commonweal.listen.hearings.models import (
    MOST_PASSAGES,
    Agreement,
    Answer,
    Comment,
    Hearing,
    Passage,
    Report,
    Version,
)
from tests.factories import hearings as made
from tests.factories import world

pytestmark = pytest.mark.django_db


@pytest.fixture
def as_(authority: Authority, now: datetime) -> Callable[..., Viewer]:
    """Return a function that makes a person a viewer, so many hours from now."""

    def viewer(person: Person | None, *, hours: float = 0) -> Viewer:
        return Viewer(authority, person, now + timedelta(hours=hours), has_second_factor=True)

    return viewer


@pytest.fixture
def hearing(community: Community) -> Hearing:
    return made.a_hearing(community)


@pytest.fixture
def neighbour(community: Community) -> Person:
    return world.a_person(community, name="Neville")


def version_of(hearing: Hearing, number: int = 1) -> Version:
    version = hearing.versions.get(number=number)
    version.hearing = hearing
    return version


def passage_of(hearing: Hearing, number: int = 2) -> Passage:
    return version_of(hearing).passages.get(number=number)


def say(viewer: Viewer, hearing: Hearing, **given: Any) -> Comment:
    values: dict[str, Any] = {
        "version": version_of(hearing), "passage": passage_of(hearing), "stance": "change",
        "body": "Eight would be better.", "standing": "resident" if viewer.person else "",
    }  # fmt: skip
    return actions.write_comment(viewer=viewer, **{**values, **given})


def basics(community: Community, now: datetime, **given: Any) -> dict[str, Any]:
    return {
        "community": community, "title": "Plan", "about": "About", "decides": "The cabinet",
        "opens_at": now + timedelta(days=1), "closes_at": now + timedelta(days=9),
        "reach": "account", **given,
    }  # fmt: skip


# --- setting up


def test_staff_set_a_hearing_up_and_everyone_reads_it_once_it_is_public(
    as_: Callable[..., Viewer],
    leader: Person,
    resident: Person,
    community: Community,
    now: datetime,
) -> None:
    staff = as_(leader)
    hearing = actions.set_up_hearing(viewer=staff, **basics(community, now))
    version = actions.put_document(viewer=staff, hearing_id=hearing.pk, text=made.TEXT)
    kinds = list(version.passages.order_by("number").values_list("number", "kind", "label"))
    assert kinds == [
        (1, "heading", ""), (2, "paragraph", ""), (3, "clause", "1.1"), (4, "clause", "1.2"),
        (5, "item", ""), (6, "table", ""),
    ]  # fmt: skip
    assert queries.numbered(as_(resident), hearing.pk) == []
    actions.publish_version(viewer=staff, hearing_id=hearing.pk)
    (found,) = queries.numbered(as_(resident), hearing.pk)
    assert found.state(now) == "coming"
    assert Entry.objects.filter(
        what="hearing.announced", is_public=True, about_id=hearing.pk
    ).exists()


def test_only_those_who_lead_set_up_and_change(
    as_: Callable[..., Viewer], resident: Person, moderator: Person, hearing: Hearing, now: datetime
) -> None:
    for person in (resident, moderator, None):
        viewer = as_(person)
        for act in (
            lambda v: actions.set_up_hearing(viewer=v, **basics(hearing.community, now)),
            lambda v: actions.change_hearing(viewer=v, hearing_id=hearing.pk, title="Mine"),
            lambda v: actions.put_document(viewer=v, hearing_id=hearing.pk, text="Mine"),
            lambda v: actions.publish_version(viewer=v, hearing_id=hearing.pk),
            lambda v: actions.conclude(viewer=v, hearing_id=hearing.pk, words="Mine"),
            lambda v: actions.answer(
                viewer=v, passage=passage_of(hearing), status="noted", words="Mine"
            ),
        ):
            with pytest.raises(PermissionDenied):
                act(viewer)


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ("", actions.NothingToRead),
        (" \n\t\n\u200b\ufeff", actions.NothingToRead),
        ("Word.\n\n" * (MOST_PASSAGES + 1), actions.TooManyPassages),
        ("x" * 1_000_001, actions.TooLong),
    ],
)
def test_a_document_without_words_or_with_too_many_is_refused(
    as_: Callable[..., Viewer], leader: Person, community: Community, now: datetime,
    text: str, refused: type[Exception],
) -> None:  # fmt: skip
    hearing = actions.set_up_hearing(viewer=as_(leader), **basics(community, now))
    with pytest.raises(refused):
        actions.put_document(viewer=as_(leader), hearing_id=hearing.pk, text=text)
    assert not Passage.objects.exists()


def test_ten_thousand_passages_are_counted_in_the_refusal(
    as_: Callable[..., Viewer], leader: Person, hearing: Hearing
) -> None:
    with pytest.raises(actions.TooManyPassages) as refused:
        actions.put_document(viewer=as_(leader), hearing_id=hearing.pk, text="A line.\n\n" * 10_000)
    assert refused.value.count == 10_000


def test_a_document_of_one_line_is_one_passage(
    as_: Callable[..., Viewer], leader: Person, community: Community, now: datetime
) -> None:
    hearing = actions.set_up_hearing(viewer=as_(leader), **basics(community, now))
    version = actions.put_document(viewer=as_(leader), hearing_id=hearing.pk, text="مرحبا 👩‍👩‍👧")
    assert [p.text for p in version.passages.all()] == ["مرحبا 👩‍👩‍👧"]


def test_draft_passages_can_be_split_joined_and_taken_out_and_keep_counting(
    as_: Callable[..., Viewer], leader: Person, community: Community, now: datetime
) -> None:
    staff = as_(leader)
    hearing = actions.set_up_hearing(viewer=staff, **basics(community, now))
    version = actions.put_document(
        viewer=staff, hearing_id=hearing.pk, text="A.\n\nB one. B two.\n\nC."
    )

    def stands() -> list[tuple[int, str]]:
        return list(version.passages.order_by("number").values_list("number", "text"))

    second = version.passages.get(number=2)
    same = {"kind": "clause", "level": 2, "label": "2.1"}
    actions.change_passage(viewer=staff, passage_id=second.pk, text="B one.\n\nB two.", **same)
    assert stands() == [(1, "A."), (2, "B one."), (3, "B two."), (4, "C.")]
    assert [p.label for p in version.passages.order_by("number")] == ["", "2.1", "", ""]
    actions.join_passage(viewer=staff, passage_id=version.passages.get(number=3).pk)
    assert stands() == [(1, "A."), (2, "B one. B two."), (3, "C.")]
    gone = version.passages.get(number=1)
    actions.change_passage(viewer=staff, passage_id=gone.pk, text=" ", **same)
    assert stands() == [(1, "B one. B two."), (2, "C.")]


def test_what_is_public_is_frozen(
    as_: Callable[..., Viewer], leader: Person, hearing: Hearing
) -> None:
    passage = passage_of(hearing)
    with pytest.raises(actions.Frozen):
        actions.change_passage(
            viewer=as_(leader), passage_id=passage.pk, text="New", kind="clause", level=1, label=""
        )
    with pytest.raises(actions.Frozen):
        actions.join_passage(viewer=as_(leader), passage_id=passage.pk)
    with pytest.raises(actions.Frozen):
        actions.discard_hearing(viewer=as_(leader), hearing_id=hearing.pk)
    before = list(version_of(hearing).passages.values_list("text", flat=True))
    actions.put_document(viewer=as_(leader), hearing_id=hearing.pk, text="Something else.")
    assert list(version_of(hearing).passages.values_list("text", flat=True)) == before


def test_a_hearing_without_a_document_or_after_its_close_does_not_become_public(
    as_: Callable[..., Viewer], leader: Person, community: Community, now: datetime
) -> None:
    hearing = actions.set_up_hearing(viewer=as_(leader), **basics(community, now))
    with pytest.raises(actions.NotYet):
        actions.publish_version(viewer=as_(leader), hearing_id=hearing.pk)
    actions.put_document(viewer=as_(leader), hearing_id=hearing.pk, text="Words.")
    with pytest.raises(actions.NotYet):
        actions.publish_version(viewer=as_(leader, hours=24 * 30), hearing_id=hearing.pk)


def test_a_draft_that_is_thrown_away_leaves_nothing(
    as_: Callable[..., Viewer], leader: Person, community: Community, now: datetime
) -> None:
    hearing = actions.set_up_hearing(viewer=as_(leader), **basics(community, now))
    actions.put_document(viewer=as_(leader), hearing_id=hearing.pk, text="Words.")
    actions.discard_hearing(viewer=as_(leader), hearing_id=hearing.pk)
    assert not Hearing.objects.exists()
    assert not Passage.objects.exists()


def test_a_challenge_of_another_authority_is_refused(
    as_: Callable[..., Viewer],
    leader: Person,
    community: Community,
    elsewhere: Authority,
    now: datetime,
) -> None:
    foreign = world.a_challenge(elsewhere)
    with pytest.raises(PermissionDenied):
        actions.set_up_hearing(viewer=as_(leader), challenge=foreign, **basics(community, now))
    row = made.a_hearing(community)
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        Hearing.objects.filter(pk=row.pk).update(challenge=foreign)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


# --- comments


def test_a_comment_stands_at_once_and_the_same_words_twice_are_one(
    as_: Callable[..., Viewer], resident: Person, hearing: Hearing
) -> None:
    first = say(as_(resident), hearing, wording="Eight trees")
    again = say(as_(resident, hours=0.1), hearing, wording="Eight trees")
    other = say(as_(resident), hearing, wording="Nine trees")
    assert first == again != other
    assert first.state == "shown"
    assert queries.stances(hearing, passage=first.passage).change == 2


def test_two_words_at_once_from_a_guest_are_one(
    hearing: Hearing, as_: Callable[..., Viewer]
) -> None:
    Hearing.objects.update(reach="everyone")
    hearing.refresh_from_db()
    first = say(as_(None), hearing, guest=b"g" * 32, name="Gwen")
    assert first == say(as_(None), hearing, guest=b"g" * 32, name="Gwen")
    assert first != say(as_(None), hearing, guest=b"h" * 32, name="Gwen")
    assert first.state == "waiting", "a moderator reads what comes without an account first"


@pytest.mark.parametrize(
    ("given", "hours", "why"),
    [
        ({}, 24 * 11, "closed"),
        ({}, -24 * 3 - 1, "coming"),
        ({"published_at": None}, 0, "draft"),
        ({"reach": "place"}, 0, "join"),
    ],
)
def test_whoever_cannot_comment_is_told_why(
    as_: Callable[..., Viewer], hearing: Hearing, given: dict[str, Any], hours: float, why: str
) -> None:
    Hearing.objects.update(**given)
    hearing.refresh_from_db()
    stranger = world.a_person()
    with pytest.raises(actions.NoWay) as no:
        say(as_(stranger, hours=hours), hearing, standing="")
    assert no.value.why == why
    assert not Comment.objects.exists()


def test_a_place_and_a_level_are_asked_for(
    as_: Callable[..., Viewer], resident: Person, community: Community
) -> None:
    hearing = made.a_hearing(community, reach="place", level=5)
    with pytest.raises(actions.NoWay) as no:
        say(as_(resident), hearing)
    assert no.value.why == "level"
    sure = world.a_person(community, level=5)  # type: ignore[arg-type]
    assert say(as_(sure), hearing).pk
    nurse = world.a_person(world.root(hearing.authority), standing=StandingKind.FRONT_LINE_STAFF)
    nurse.membership_set.all().delete()
    assert say(as_(nurse), hearing, standing="front-line-staff").standing == "front-line-staff"


def test_nobody_speaks_as_what_they_are_not(
    as_: Callable[..., Viewer], resident: Person, hearing: Hearing
) -> None:
    with pytest.raises(PermissionDenied):
        say(as_(resident), hearing, standing="front-line-staff")


def test_no_account_no_comment_unless_everyone_may(
    as_: Callable[..., Viewer], hearing: Hearing
) -> None:
    with pytest.raises(actions.NoWay) as no:
        say(as_(None), hearing, guest=b"g" * 32)
    assert no.value.why == "sign-in"


def test_comments_on_an_older_version_are_refused(
    as_: Callable[..., Viewer], resident: Person, leader: Person, hearing: Hearing
) -> None:
    actions.put_document(
        viewer=as_(leader), hearing_id=hearing.pk, text=made.TEXT.replace("Six", "Nine")
    )
    actions.publish_version(
        viewer=as_(leader), hearing_id=hearing.pk, why="You asked for more trees."
    )
    with pytest.raises(actions.NoWay) as no:
        say(as_(resident), hearing)
    assert no.value.why == "older"


def test_sixty_an_hour_are_enough(
    as_: Callable[..., Viewer], resident: Person, hearing: Hearing
) -> None:
    for n in range(actions.COMMENTS_AN_HOUR):
        say(as_(resident), hearing, body=f"Word {n}")
    with pytest.raises(actions.TooMany):
        say(as_(resident), hearing, body="One more")
    assert say(as_(resident, hours=1.1), hearing, body="One more")


def test_a_reply_to_a_reply_hangs_on_the_comment_and_takes_no_stance(
    as_: Callable[..., Viewer], resident: Person, neighbour: Person, hearing: Hearing
) -> None:
    top = say(as_(resident), hearing)
    reply = say(as_(neighbour), hearing, parent=top, body="Why?", wording="x", stance="oppose")
    deeper = say(as_(resident), hearing, parent=reply, body="Shade.")
    assert (reply.parent, deeper.parent) == (top, top)
    assert (reply.stance, reply.wording, reply.passage) == ("neither", "", top.passage)
    assert queries.stances(hearing).total == 1, "replies are not counted"


def test_nobody_replies_to_what_is_hidden(
    as_: Callable[..., Viewer],
    resident: Person,
    neighbour: Person,
    moderator: Person,
    hearing: Hearing,
) -> None:
    top = say(as_(resident), hearing)
    actions.hide_comments(viewer=as_(moderator), comment_ids=[top.pk], reason="unkind")
    with pytest.raises(actions.NoWay):
        say(as_(neighbour), hearing, parent=top)


def test_one_agrees_once_and_never_with_oneself(
    as_: Callable[..., Viewer], resident: Person, neighbour: Person, hearing: Hearing
) -> None:
    said = say(as_(resident), hearing)
    for _ in range(2):
        actions.agree(viewer=as_(neighbour), comment_id=said.pk)
    assert Agreement.objects.count() == 1
    with pytest.raises(actions.NoWay):
        actions.agree(viewer=as_(resident), comment_id=said.pk)
    with pytest.raises(actions.NoWay):
        actions.agree(viewer=as_(neighbour, hours=24 * 11), comment_id=said.pk)
    actions.agree_no_more(viewer=as_(neighbour), comment_id=said.pk)
    assert not Agreement.objects.exists()


def test_words_are_put_right_for_an_hour_and_not_once_somebody_agreed(
    as_: Callable[..., Viewer], resident: Person, neighbour: Person, hearing: Hearing
) -> None:
    said = say(as_(resident), hearing)
    new = {"comment_id": said.pk, "stance": "oppose", "body": "None at all."}
    changed = actions.change_comment(viewer=as_(resident, hours=0.9), **new)
    assert (changed.stance, changed.body, changed.changed_at is not None) == (
        "oppose",
        "None at all.",
        True,
    )
    with pytest.raises(PermissionDenied):
        actions.change_comment(viewer=as_(neighbour), **new)
    with pytest.raises(actions.TooLate):
        actions.change_comment(viewer=as_(resident, hours=1.1), **{**new, "body": "Later"})
    actions.agree(viewer=as_(neighbour), comment_id=said.pk)
    with pytest.raises(actions.TooLate):
        actions.change_comment(viewer=as_(resident, hours=0.5), **{**new, "body": "Else"})


def test_changed_words_are_checked_again_where_comments_are_checked_first(
    as_: Callable[..., Viewer], resident: Person, moderator: Person, community: Community
) -> None:
    hearing = made.a_hearing(community, checks_first=True)
    said = say(as_(resident), hearing)
    assert said.state == "waiting"
    actions.show_comments(viewer=as_(moderator), comment_ids=[said.pk])
    changed = actions.change_comment(
        viewer=as_(resident), comment_id=said.pk, stance="oppose", body="Rude words"
    )
    assert changed.state == "waiting"


def test_changing_words_into_the_same_as_another_of_ones_own_is_said(
    as_: Callable[..., Viewer], resident: Person, hearing: Hearing
) -> None:
    say(as_(resident), hearing, body="A")
    other = say(as_(resident), hearing, body="B")
    with pytest.raises(actions.SaidAlready):
        actions.change_comment(viewer=as_(resident), comment_id=other.pk, stance="change", body="A")


def test_words_are_taken_back_until_the_close_and_replies_keep_their_place(
    as_: Callable[..., Viewer], resident: Person, neighbour: Person, hearing: Hearing
) -> None:
    alone = say(as_(resident), hearing, body="Alone")
    actions.remove_comment(viewer=as_(resident), comment_id=alone.pk)
    assert not Comment.objects.filter(pk=alone.pk).exists()
    top = say(as_(resident), hearing)
    say(as_(neighbour), hearing, parent=top, body="Why?")
    actions.remove_comment(viewer=as_(resident), comment_id=top.pk)
    top.refresh_from_db()
    assert (top.state, top.body, top.replies.count()) == ("removed", "", 1)
    late = say(as_(resident), hearing, body="Late")
    with pytest.raises(actions.TooLate):
        actions.remove_comment(viewer=as_(resident, hours=24 * 11), comment_id=late.pk)


def test_a_guest_finds_their_own_words_by_their_browser_alone(
    as_: Callable[..., Viewer], community: Community
) -> None:
    hearing = made.a_hearing(community, reach="everyone")
    said = say(as_(None), hearing, guest=b"g" * 32)
    assert rules.wrote(as_(None), said, b"g" * 32)
    assert not rules.wrote(as_(None), said, None)
    assert not rules.wrote(as_(world.a_person()), said, b"h" * 32)
    with pytest.raises(PermissionDenied):
        actions.remove_comment(viewer=as_(None), comment_id=said.pk, guest=b"h" * 32)
    actions.remove_comment(viewer=as_(None), comment_id=said.pk, guest=b"g" * 32)
    assert not Comment.objects.exists()


def test_what_a_guest_said_comes_under_their_account(
    as_: Callable[..., Viewer], resident: Person, neighbour: Person, community: Community
) -> None:
    hearing = made.a_hearing(community, reach="everyone")
    other = say(as_(None), hearing, guest=b"h" * 32, body="Somebody else's.")
    mine = say(as_(None), hearing, guest=b"g" * 32, name="Gwen")
    twice = say(as_(None), hearing, guest=b"g" * 32, body="Said both ways.")
    kept = say(as_(resident), hearing, body="Said both ways.")
    liked = made.a_comment(hearing, None, guest=b"g" * 32)
    for person in (resident, neighbour):
        Agreement.objects.create(comment=liked, person=person, agreed_at=liked.written_at)
    done = actions.adopt_comments(viewer=as_(resident), hearing_id=hearing.pk, guest=b"g" * 32)
    assert done == 3
    mine.refresh_from_db()
    assert (mine.person, mine.guest, mine.name, mine.state) == (resident, None, "", "waiting")
    assert not Comment.objects.filter(pk=twice.pk).exists(), (
        "the same words of one person stand once"
    )
    assert Comment.objects.filter(pk=kept.pk).exists()
    assert [one.person for one in liked.agreements.all()] == [neighbour], (
        "nobody agrees with oneself"
    )
    assert Comment.objects.get(pk=other.pk).person is None
    assert rules.wrote(as_(resident), mine, None)
    assert say(as_(resident), hearing, standing="").pk == mine.pk, "sent once more it is the same"
    with pytest.raises(actions.NothingToAdopt):
        actions.adopt_comments(viewer=as_(resident), hearing_id=hearing.pk, guest=b"g" * 32)


def test_what_others_answered_stays_when_the_same_was_said_twice(
    as_: Callable[..., Viewer], resident: Person, neighbour: Person, community: Community
) -> None:
    hearing = made.a_hearing(community, reach="everyone")
    said = say(as_(None), hearing, guest=b"g" * 32)
    Comment.objects.filter(pk=said.pk).update(state="shown")
    say(as_(neighbour), hearing, parent=said, body="A reply")
    say(as_(resident), hearing)
    actions.adopt_comments(viewer=as_(resident), hearing_id=hearing.pk, guest=b"g" * 32)
    said.refresh_from_db()
    assert (said.person, said.replies.count()) == (resident, 1)


# --- moderators


def test_what_waits_is_seen_by_its_author_and_moderators_alone(
    as_: Callable[..., Viewer],
    resident: Person,
    neighbour: Person,
    moderator: Person,
    community: Community,
) -> None:
    hearing = made.a_hearing(community, checks_first=True)
    said = say(as_(resident), hearing)
    assert list(queries.comments(as_(neighbour), hearing)) == []
    assert queries.found_comment(as_(neighbour), said.pk, None) is None
    assert list(queries.comments(as_(resident), hearing)) == [said]
    assert list(queries.queue(as_(moderator), hearing)) == [said]
    assert list(queries.queue(as_(neighbour), hearing)) == []
    assert queries.stances(hearing).total == 0
    assert actions.show_comments(viewer=as_(moderator), comment_ids=[said.pk]) == 1
    assert list(queries.comments(as_(neighbour), hearing)) == [said]


def test_only_moderators_of_the_place_decide(
    as_: Callable[..., Viewer],
    resident: Person,
    leader: Person,
    hearing: Hearing,
    elsewhere: Authority,
) -> None:
    said = say(as_(resident), hearing)
    other = world.a_person(world.root(elsewhere), role="moderator")  # type: ignore[arg-type]
    foreign = Viewer(elsewhere, other, as_(None).at, has_second_factor=True)
    for viewer in (as_(resident), as_(leader), foreign):
        assert actions.hide_comments(viewer=viewer, comment_ids=[said.pk], reason="advert") == 0
    said.refresh_from_db()
    assert said.state == "shown"


def test_many_are_decided_at_once_the_log_keeps_the_reasons_and_authors_are_written_to(
    as_: Callable[..., Viewer],
    resident: Person,
    moderator: Person,
    hearing: Hearing,
    mailoutbox: list[Any],
) -> None:
    said = [say(as_(resident), hearing, body=f"Word {n}") for n in range(3)]
    ids = [one.pk for one in said]
    assert actions.hide_comments(viewer=as_(moderator), comment_ids=ids, reason="off-subject") == 3
    assert actions.hide_comments(viewer=as_(moderator), comment_ids=ids, reason="advert") == 0
    log = list(queries.moderation_log(hearing))
    assert [(e.who, e.facts["reason"]) for e in log] == [(moderator, "off-subject")] * 3
    assert actions.tell_author(comment_id=ids[0], what="hidden", at=as_(None).at)
    (mail,) = mailoutbox
    assert mail.to == [resident.email]
    assert "It is about something else" in mail.body
    assert actions.show_comments(viewer=as_(moderator), comment_ids=ids[:1]) == 1
    assert not actions.tell_author(comment_id=ids[0], what="hidden", at=as_(None).at), (
        "no longer so"
    )


def test_a_report_comes_before_a_moderator_once_for_each_person(
    as_: Callable[..., Viewer],
    resident: Person,
    neighbour: Person,
    moderator: Person,
    hearing: Hearing,
) -> None:
    said = say(as_(resident), hearing)
    for _ in range(2):
        actions.report_comment(
            viewer=as_(neighbour), comment_id=said.pk, reason="private", words="It names my son."
        )
        actions.report_comment(viewer=as_(None), comment_id=said.pk, reason="unkind", words="")
    assert Report.objects.count() == 2
    assert list(queries.queue(as_(moderator), hearing)) == [said]
    actions.show_comments(viewer=as_(moderator), comment_ids=[said.pk])
    assert list(queries.queue(as_(moderator), hearing)) == []


# --- letters, answers, conclusion


def test_a_letter_is_entered_once_and_says_how_and_when_it_came(
    as_: Callable[..., Viewer], leader: Person, resident: Person, hearing: Hearing, now: datetime
) -> None:
    letter: dict[str, Any] = {
        "version": version_of(hearing), "passage": passage_of(hearing), "channel": "letter",
        "received_on": now.date(), "name": "Quayside Residents", "stance": "oppose",
        "body": "No cars on Sundays.", "standing": "charity",
    }  # fmt: skip
    first = actions.enter_comment(viewer=as_(leader), **letter)
    assert first == actions.enter_comment(viewer=as_(leader, hours=1), **letter)
    assert (first.person, first.state, first.entered_by) == (None, "shown", leader)
    late = {**letter, "body": "After the close, but it came before."}
    assert actions.enter_comment(viewer=as_(leader, hours=24 * 12), **late).pk
    with pytest.raises(PermissionDenied):
        actions.enter_comment(viewer=as_(resident), **letter)


def test_an_answer_is_public_can_be_put_right_and_its_author_hears_of_it(
    as_: Callable[..., Viewer],
    leader: Person,
    resident: Person,
    hearing: Hearing,
    mailoutbox: list[Any],
) -> None:
    said = say(as_(resident), hearing)
    answer = actions.answer(
        viewer=as_(leader), comment=said, status="taken-up", words="Eight it is."
    )
    actions.answer(viewer=as_(leader, hours=1), comment=said, status="partly", words="Seven.")
    answer.refresh_from_db()
    assert (answer.status, answer.words, answer.changed_at is not None) == (
        "partly",
        "Seven.",
        True,
    )
    assert Answer.objects.count() == 1
    assert actions.tell_author(comment_id=said.pk, what="answered", at=as_(None).at)
    assert "Taken up in part" in mailoutbox[0].body
    actions.answer(
        viewer=as_(leader), passage=passage_of(hearing, 3), status="noted", words="We know."
    )
    assert list(queries.unanswered(hearing)) == []


def test_an_answer_to_a_passage_answers_what_was_said_about_it(
    as_: Callable[..., Viewer], leader: Person, resident: Person, hearing: Hearing
) -> None:
    say(as_(resident), hearing)
    whole = say(as_(resident), hearing, passage=None)
    actions.answer(viewer=as_(leader), passage=passage_of(hearing), status="taken-up", words="Yes.")
    assert list(queries.unanswered(hearing)) == [whole]


def test_a_hearing_is_concluded_after_its_close(
    as_: Callable[..., Viewer], leader: Person, hearing: Hearing
) -> None:
    with pytest.raises(actions.NotYet):
        actions.conclude(viewer=as_(leader), hearing_id=hearing.pk, words="We heard you.")
    after = as_(leader, hours=24 * 11)
    done = actions.conclude(viewer=after, hearing_id=hearing.pk, words="We heard you.")
    assert done.state(after.at) == "answered"
    assert Entry.objects.filter(what="hearing.concluded", is_public=True).count() == 1


# --- versions


def test_a_revised_document_keeps_the_old_with_its_comments_and_says_what_changed(
    as_: Callable[..., Viewer], leader: Person, resident: Person, hearing: Hearing
) -> None:
    said = say(as_(resident), hearing, passage=passage_of(hearing, 3))
    actions.answer(
        viewer=as_(leader), passage=passage_of(hearing, 3), status="taken-up", words="Nine."
    )
    text = made.TEXT.replace("Six trees", "Nine trees").replace(
        "1.2 Cars may cross on Sundays.\n\n", ""
    )
    new = text.replace(
        "- Benches have arms.", "- Benches have arms.\n\nA new closing sentence entirely."
    )
    actions.put_document(viewer=as_(leader), hearing_id=hearing.pk, text=new)
    with pytest.raises(actions.NotYet):
        actions.publish_version(viewer=as_(leader), hearing_id=hearing.pk, why=" ")
    second = actions.publish_version(
        viewer=as_(leader), hearing_id=hearing.pk, why="More trees, no cars: you asked for it."
    )
    newest, first = queries.versions(hearing)
    assert (newest.pk, first.number) == (second.pk, 1)
    steps = queries.steps(newest, first)
    assert [(s.what, s.number, s.old_number) for s in steps] == [
        ("changed", 3, 3), ("gone", 3, 4), ("new", 5, None),
    ]  # fmt: skip
    queries.fill_steps(steps, newest, first)
    assert steps[0].passage is not None
    assert steps[0].passage.difference[:2] == [["-", "Six"], ["+", "Nine"]]
    assert steps[0].answer is not None and steps[0].answer.words == "Nine."
    assert said in queries.comments(as_(resident), hearing)
    entry = Entry.objects.get(what="hearing.revised")
    assert entry.facts == {"version": 2, "passages": 3}


# --- by the clock, and people who leave


def test_a_hearing_is_withdrawn_with_a_reason_told_to_those_who_spoke_and_put_back(
    as_: Callable[..., Viewer],
    leader: Person,
    resident: Person,
    neighbour: Person,
    hearing: Hearing,
    mailoutbox: list[Any],
) -> None:
    staff, words = as_(leader), {"why": "The wrong draft.", "is_withheld": False}
    said = [say(as_(resident), hearing, body=f"Word {n}") for n in range(2)]
    taken_back = say(as_(neighbour), hearing)
    reply = say(as_(resident), hearing, parent=taken_back, body="A reply")
    actions.remove_comment(viewer=as_(neighbour), comment_id=taken_back.pk)
    with pytest.raises(PermissionDenied):
        actions.withdraw(viewer=as_(resident), hearing_id=hearing.pk, **words)
    held = actions.withdraw(viewer=staff, hearing_id=hearing.pk, **words)
    assert held.state(staff.at) == "withdrawn"
    with pytest.raises(actions.NoWay) as refused:
        say(as_(resident), held)
    assert refused.value.why == "withdrawn"
    with pytest.raises(actions.NoWay):
        actions.agree(viewer=as_(neighbour), comment_id=said[0].pk)
    with pytest.raises(actions.NotYet):
        actions.answer(viewer=staff, comment=said[0], status="noted", words="Heard.")
    jobs = ProcrastinateJob.objects.filter(task_name="hearings.tell_speakers")
    assert [job.args["what"] for job in jobs] == ["withdrawn"]
    assert actions.tell_speakers(hearing_id=hearing.pk, what="withdrawn") == 1, (
        "once for each person"
    )
    told = {"hearing_id": hearing.pk, "person_id": resident.pk, "at": staff.at}
    assert actions.tell_speaker(**told, what="withdrawn")
    (mail,) = mailoutbox
    assert mail.to == [resident.email]
    assert "The wrong draft." in mail.body
    actions.withdraw(viewer=staff, hearing_id=hearing.pk, why="Another", is_withheld=True)
    assert jobs.count() == 1, "a better reason is no second mail"
    actions.put_back(viewer=staff, hearing_id=hearing.pk)
    assert not actions.tell_speaker(**told, what="withdrawn"), "no longer so"
    assert actions.tell_speaker(**told, what="put-back")
    assert "is back" in mailoutbox[-1].body
    hearing.refresh_from_db()
    assert (hearing.state(staff.at), hearing.is_withheld) == ("open", False)
    assert set(hearing.comments.values_list("pk", flat=True)) == {
        *(one.pk for one in said), taken_back.pk, reply.pk,
    }  # fmt: skip
    public = Entry.objects.filter(about_id=hearing.pk, is_public=True, what__startswith="hearing.")
    assert list(public.order_by("pk").values_list("what", flat=True)) == [
        "hearing.withdrawn", "hearing.withdrawal_changed", "hearing.put_back",
    ]  # fmt: skip


def test_a_withdrawn_hearing_is_not_open_anywhere_and_its_clock_stands_still(
    as_: Callable[..., Viewer], leader: Person, resident: Person, hearing: Hearing
) -> None:
    viewer = as_(resident)
    assert queries.panel_home(viewer, None) is not None
    actions.withdraw(
        viewer=as_(leader), hearing_id=hearing.pk, why="By mistake.", is_withheld=False
    )
    assert queries.panel_home(as_(resident), None) is None
    assert queries.panel_community(as_(resident), hearing.community) is None
    assert list(queries.hearings(viewer)) == [hearing], "it is still there to be read"
    assert actions.note_moments(at=hearing.closes_at) == 0
    actions.put_back(viewer=as_(leader), hearing_id=hearing.pk)
    assert actions.note_moments(at=hearing.closes_at) == 2


def test_a_draft_is_thrown_away_and_not_withdrawn(
    as_: Callable[..., Viewer], leader: Person, community: Community, now: datetime
) -> None:
    draft = actions.set_up_hearing(viewer=as_(leader), **basics(community, now))
    with pytest.raises(actions.NotYet):
        actions.withdraw(viewer=as_(leader), hearing_id=draft.pk, why="No", is_withheld=False)


def test_opening_and_closing_are_told_once_by_the_clock(hearing: Hearing, now: datetime) -> None:
    assert actions.note_moments(at=now) == 1
    assert actions.note_moments(at=now + timedelta(minutes=1)) == 0
    assert actions.note_moments(at=now + timedelta(days=11)) == 1
    told = Entry.objects.filter(about_id=hearing.pk).order_by("at").values_list("what", "at")
    assert list(told) == [
        ("hearing.opened", hearing.opens_at),
        ("hearing.closed", hearing.closes_at),
    ]


def test_a_hearing_made_public_after_its_opening_opens_then(
    community: Community, now: datetime
) -> None:
    made.a_hearing(community, published_at=now - timedelta(minutes=5))
    actions.note_moments(at=now)
    assert Entry.objects.get(what="hearing.opened").at == now - timedelta(minutes=5)


def test_whoever_leaves_takes_their_words_along(
    as_: Callable[..., Viewer], resident: Person, neighbour: Person, hearing: Hearing, now: datetime
) -> None:
    top = say(as_(resident), hearing, wording="Eight trees")
    say(as_(neighbour), hearing, parent=top, body="Why?")
    say(as_(resident), hearing, body="Alone")
    actions.agree(viewer=as_(neighbour), comment_id=top.pk)
    handed = list(queries.personal(resident))
    assert {row["words"] for row in handed} == {"Eight would be better.", "Alone"}
    erase_person(viewer=as_(resident))
    top.refresh_from_db()
    assert (top.state, top.body, top.wording) == ("removed", "", "")
    assert Comment.objects.filter(person=resident).count() == 1
    assert queries.stances(hearing).total == 0


def test_the_database_holds_what_a_hearing_is(hearing: Hearing, resident: Person) -> None:
    for broken in (
        lambda: Hearing.objects.update(closes_at=hearing.opens_at),
        lambda: Hearing.objects.update(outcome="x"),
        lambda: made.a_comment(hearing, resident, state="hidden"),
        lambda: made.a_comment(hearing, resident, body=""),
        lambda: made.a_comment(hearing, None, channel="letter"),
        lambda: made.a_comment(hearing, resident, stance="maybe"),
        lambda: Passage.objects.update(text=""),
        lambda: Answer.objects.create(
            hearing=hearing,
            status="noted",
            words="x",
            answered_at=hearing.opens_at,
            answered_by=resident,
        ),
        lambda: made.a_version(hearing, "x", number=1),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            broken()
