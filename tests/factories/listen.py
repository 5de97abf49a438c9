"""Conversations for tests, each whole by default: say only what the test is about."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import timedelta
from itertools import count
from typing import Any

from django.utils import timezone

from commonweal.ground.people.models import Person
from commonweal.ground.places.models import Authority, StandingKind
from commonweal.listen.conversations.models import (
    Conversation,
    Detail,
    DetailChoice,
    Participant,
    Reason,
    State,
    Statement,
    Step,
)
from commonweal.listen.voices.models import CERTAIN, Policy, Report, Showing, Value
from tests.factories import world

_number = count(1)


def a_conversation(
    authority: Authority, *, statements: int = 0, open: bool = True, **given: Any
) -> Conversation:
    """Return a conversation of the whole place that is open now, or closed since yesterday.

    It has so many first statements.
    """
    at = timezone.now()
    values: dict[str, Any] = {
        "community": given.pop("community", None) or world.root(authority),
        "question": f"What would help people get home, {next(_number)}?",
        "background": "Many wait in hospital for care at home.",
        "what_happens": "The board answers each thing that most people agree with.",
        "opens_at": at - timedelta(days=10),
        "closes_at": at + timedelta(days=10) if open else at - timedelta(days=1),
        "is_draft": False,
        "steps_done": Step.values,
        "created_at": at - timedelta(days=20),
        "created_by": given.pop("created_by", None) or world.a_person(),
    }
    made = Conversation.objects.create(authority=authority, **{**values, **given})
    for _ in range(statements):
        a_statement(made)
    return made


def a_statement(conversation: Conversation, text: str = "", **given: Any) -> Statement:
    """Return a statement that people vote on; the next number is its own."""
    number = given.pop("number", None) or _next_number_in(conversation)
    author = given.pop("author", None)
    values: dict[str, Any] = {
        "text": text or f"One person I know should ring me, {next(_number)}.",
        "author": author,
        "standing": author.standing if author else "",
        "is_first": author is None,
        "state": State.SHOWN,
        "added_at": timezone.now() - timedelta(days=9),
    }
    if given.get("state", State.SHOWN) not in (State.WAITING, State.TAKEN_BACK):
        values["decided_at"] = values["added_at"]
    return Statement.objects.create(conversation=conversation, number=number, **{**values, **given})


def _next_number_in(conversation: Conversation) -> int:
    last = conversation.statements.order_by("-number").values_list("number", flat=True).first()
    return (last or 0) + 1


def a_participant(
    conversation: Conversation, person: Person | None = None, **given: Any
) -> Participant:
    """Return somebody who takes part with this account, or by the mark of a browser."""
    values: dict[str, Any] = {
        "person": person,
        "holder": None if person else secrets.token_bytes(32),
        "standing": StandingKind.RESIDENT if person else "",
        "joined_at": timezone.now() - timedelta(days=8),
    }
    return Participant.objects.create(conversation=conversation, **{**values, **given})


def a_vote(
    participant: Participant,
    statement: Statement,
    value: Value | int | None = Value.AGREE,
    **given: Any,
) -> Showing:
    """Return what somebody said to a statement; with the value ``None`` it was only shown to them."""
    at = timezone.now() - timedelta(days=1)
    values: dict[str, Any] = {
        "policy": Policy.MIXTURE,
        "out_of": 1,
        "chance_millionths": CERTAIN if given.get("policy", "mixture") == "mixture" else None,
        "shown_at": at,
        "value": value,
        "voted_at": None if value is None else at,
    }
    return Showing.objects.create(
        conversation_id=participant.conversation_id,
        participant=participant,
        statement=statement,
        **{**values, **given},
    )


def many_votes(
    conversation: Conversation, table: Iterable[Iterable[int | None]]
) -> list[Participant]:
    """Return as many participants as rows, who said to the statements what stands in their row.

    Columns are the statements in the order of their numbers; ``None`` is one not seen.
    """
    statements = list(conversation.statements.order_by("number"))
    rows, at = [list(row) for row in table], timezone.now() - timedelta(days=1)
    people = Participant.objects.bulk_create(
        Participant(conversation=conversation, holder=secrets.token_bytes(32), joined_at=at)
        for _row in rows
    )
    Showing.objects.bulk_create(
        Showing(
            conversation=conversation, participant=who, statement=what, policy=Policy.MIXTURE,
            out_of=len(statements), chance_millionths=CERTAIN, shown_at=at, value=value, voted_at=at,
        )
        for who, row in zip(people, rows, strict=True)
        for what, value in zip(statements, row, strict=False)
        if value is not None
    )  # fmt: skip
    return people


def a_detail(
    conversation: Conversation, label: str = "How old are you?", choices: Iterable[str] = ()
) -> Detail:
    """Return something people may say of themselves, with these choices."""
    place = conversation.details.count()
    made = Detail.objects.create(conversation=conversation, label=label, position=place)
    for position, choice in enumerate(choices or ("Under 40", "40 to 64", "65 or over")):
        DetailChoice.objects.create(detail=made, label=choice, position=position)
    return made


def a_report(participant: Participant, statement: Statement, **given: Any) -> Report:
    """Return a report that no moderator has settled."""
    values: dict[str, Any] = {
        "reason": Reason.UNKIND,
        "words": "It is about my neighbour.",
        "reported_at": timezone.now() - timedelta(hours=1),
    }
    return Report.objects.create(
        conversation_id=participant.conversation_id,
        participant=participant,
        statement=statement,
        **{**values, **given},
    )
