"""Conversations of the example borough: open, closed and answered, coming, small, being set up."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from hashlib import sha256
from math import exp
from random import Random
from typing import Any

from commonweal.ground.challenges.models import Challenge
from commonweal.ground.people.models import Person
from commonweal.ground.places.models import Authority, StandingKind
from commonweal.listen.conversations import actions
from commonweal.listen.conversations.models import (
    Conversation,
    Participant,
    State,
    Statement,
    Step,
)
from commonweal.listen.maps import actions as maps
from commonweal.listen.reports import actions as reports
from commonweal.listen.voices import actions as voices
from commonweal.listen.voices.models import CERTAIN, DetailAnswer, Kind, Policy, Showing, Value
from commonweal.web.demo_pots import Place
from commonweal.web.larkmere import conversations as told

# Of a hundred people: how far they would have the public hand do it, and how many of them do the work.
CAMPS = ((52, 1.6, -0.4), (33, -1.7, -0.4), (15, 0.2, 2.2))
PASSES = 0.09
WITHOUT_ACCOUNT = 0.4
READS = timedelta(seconds=14)


def fill(*, authority: Authority, now: datetime) -> None:
    """Hold the conversations: set up by their makers, and spoken in by people of the borough."""
    place = Place(authority, now)
    place.lot = Random("larkmere conversations")  # noqa: S311
    for said in told.CONVERSATIONS:
        made = _set_up(place, said)
        if said.people:
            _speak(place, made, said)
        for answer in said.told:
            actions.answer_statement(
                viewer=place.be("omar", answer.days), conversation_id=made.pk,
                number=answer.number, heed=answer.heed, words=answer.words,
            )  # fmt: skip
        if said.people:
            maps.refresh_map(conversation_id=made.pk, at=now)
        if said.report and said.closes:
            summary, advice = said.report
            reports.write_report(
                viewer=place.be("omar", said.closes + 20), conversation=made, summary=summary,
                advice=advice, is_public=True,
            )  # fmt: skip
    _wait(place)


def _set_up(place: Place, said: told.Conversation) -> Conversation:
    """Let a leader go through all steps, or through those before one that is still to be done."""
    lead = place.be("omar", said.opens - 30)
    challenge = Challenge.objects.filter(authority=place.authority, slug=said.challenge).first()
    made = actions.draft_conversation(
        viewer=lead, community=place.places[said.place], challenge=challenge,
        question=said.question, background=said.background,
    )  # fmt: skip
    first = [row.text for row in said.said if not row.said_as]
    actions.add_first(viewer=lead, conversation_id=made.pk, texts=first)
    for step, given in _steps(place, said).items():
        if step == said.step:
            return made
        if step == Step.DETAILS:
            actions.save_details(viewer=lead, conversation_id=made.pk, details=said.details)
        else:
            actions.save_step(viewer=lead, conversation_id=made.pk, step=step, **given)
    actions.make_public(viewer=place.be("omar", said.opens - 14), conversation_id=made.pk)
    _tell(place, made, said)
    return Conversation.objects.get(pk=made.pk)


def _steps(place: Place, said: told.Conversation) -> dict[Step, dict[str, Any]]:
    from commonweal.listen.conversations.forms import POLICY  # what its form begins with

    given = {"reach": "everyone", "level": 1, "minutes": 5, "enough": 20, **said.settings}
    rules = {"people_add": True, "moderation": given.get("moderation", "before")}
    return {
        Step.PEOPLE: {"reach": given["reach"], "level": given["level"]},
        Step.RULES: {**rules, "policy": str(POLICY), "enough": given["enough"]},
        Step.DETAILS: {},
        Step.DATES: {
            "opens_at": place.at(said.opens, 9),
            "closes_at": None if said.closes is None else place.at(said.closes, 20),
            "minutes": given["minutes"],
            "what_happens": said.what_happens,
            "promised_by": said.promised_by,
            "promised_on": place.at(said.promised_in, 12).date(),
        },
    }


def _tell(place: Place, made: Conversation, said: told.Conversation) -> None:
    """Write into the journal that it opened and closed, at the moments when it did."""
    if said.opens < 0:
        actions.tell_opening(conversation_id=made.pk, at=place.at(said.opens, 9))
    if said.closes is not None and said.closes < 0:
        actions.tell_close(conversation_id=made.pk, at=place.at(said.closes, 20))


# --- what people say. Thousands of votes would take minutes one by one: they are written at once, as
# the pages would have written them. Each statement came by lot from those not seen yet.


def _speak(place: Place, made: Conversation, said: told.Conversation) -> None:
    crowd = _crowd(place, made, said)
    statements = _statements(place, made, said, [who for who, _where in crowd])
    showings = [
        showing
        for who, where in crowd
        for showing in _votes(place, who, where, statements, said.settings.get("enough", 20))
    ]
    Showing.objects.bulk_create(showings, batch_size=2000)
    _details(place, made, said, crowd)


Where = tuple[float, float]


def _crowd(
    place: Place, made: Conversation, said: told.Conversation
) -> list[tuple[Participant, Where]]:
    """Return who takes part, the first who came first, each with where they stand."""
    lot, people = place.lot, place.residents(said.place, said.people)
    begins = made.opens_at
    until = min(place.now, made.closes_at or place.now) - timedelta(minutes=20)
    moments = sorted(begins + (until - begins) * lot.random() ** 1.3 for _n in range(said.people))
    rows, stands = [], []
    for n, moment in enumerate(moments):
        has_account = n < len(people) and lot.random() > WITHOUT_ACCOUNT
        mark = sha256(f"{made.question}:{n}:{secrets.token_hex(8)}".encode()).digest()
        rows.append(
            Participant(
                conversation=made,
                person=people[n] if has_account else None,
                holder=None if has_account else mark,
                joined_at=moment,
            )
        )
        stands.append(_stand(lot))
    return list(zip(Participant.objects.bulk_create(rows), stands, strict=True))


def _stand(lot: Random) -> Where:
    (_share, public, inside) = lot.choices(CAMPS, weights=[camp[0] for camp in CAMPS])[0]
    return public + lot.gauss(0, 0.2), inside + lot.gauss(0, 0.2)


def _statements(
    place: Place, made: Conversation, said: told.Conversation, people: list[Participant]
) -> list[tuple[Statement, told.Said]]:
    """Return all statements, those of people too: each by somebody who had come before it."""
    by_text = {row.text: row for row in said.said}
    own = [row for row in said.said if row.said_as]
    mo = Person.objects.get(email="mo@larkmere.example")
    last = len(said.said) - len(own)
    rows = []
    for n, row in enumerate(own):
        author = people[(n + 1) * len(people) // (2 * len(own) + 2)]
        author.standing = row.said_as
        added = author.joined_at + timedelta(minutes=6)
        rows.append(
            Statement(
                conversation=made, number=last + n + 1, text=row.text, author=author,
                standing=row.said_as, state=State.SHOWN, added_at=added,
                decided_at=added + timedelta(hours=5), decided_by=mo,
            )
        )  # fmt: skip
    Participant.objects.bulk_update([row.author for row in rows if row.author], ["standing"])
    Statement.objects.bulk_create(rows)
    found = made.statements.select_related("author").order_by("number")
    return [(row, by_text[row.text]) for row in found]


def _votes(
    place: Place,
    who: Participant,
    where: Where,
    statements: list[tuple[Statement, told.Said]],
    enough: int,
) -> list[Showing]:
    """Return what somebody saw and said: by lot among those not seen yet, as many as they liked."""
    lot, at = place.lot, who.joined_at
    rows = [
        Showing(
            conversation_id=who.conversation_id, participant=who, statement=statement,
            policy=Policy.OWN, out_of=1, shown_at=statement.added_at, value=Value.AGREE,
            voted_at=statement.added_at,
        )
        for statement, _said in statements
        if statement.author_id == who.pk
    ]  # fmt: skip
    there = [
        pair
        for pair in statements
        if pair[0].author_id != who.pk and (pair[0].decided_at or pair[0].added_at) < at
    ]
    many = min(len(there), max(3, round(enough * lot.uniform(0.4, 1.7))))
    lot.shuffle(there)
    for n, (statement, said) in enumerate(there[:many]):
        left = len(there) - n
        at += READS * lot.uniform(0.4, 1.8)
        rows.append(
            Showing(
                conversation_id=who.conversation_id, participant=who, statement=statement,
                policy=Policy.MIXTURE, out_of=left, chance_millionths=max(1, CERTAIN // left),
                shown_at=at - READS / 3, value=_value(lot, said, where), voted_at=at,
            )
        )  # fmt: skip
    return rows


def _value(lot: Random, said: told.Said, where: Where) -> Value:
    if lot.random() < PASSES:
        return Value.PASS
    warm = said.liked + said.public * where[0] + said.inside * where[1]
    return Value.AGREE if lot.random() < 1 / (1 + exp(-1.6 * warm)) else Value.DISAGREE


def _details(
    place: Place,
    made: Conversation,
    said: told.Conversation,
    crowd: list[tuple[Participant, Where]],
) -> None:
    """Let most people say who they are: older ones come more often than they live here."""
    lot, rows = place.lot, []
    for detail in made.details.prefetch_related("choices"):
        choices = list(detail.choices.all())
        weights = [(choice.residents_in_1000 or 1) + 60 for choice in choices]
        weights[-1] *= 2 if detail.position == 0 else 1
        for who, _where in crowd:
            if lot.random() < 0.7:
                choice = lot.choices(choices, weights=weights)[0]
                rows.append(
                    DetailAnswer(
                        conversation=made, envelope=made.seal(who.pk), detail=detail, choice=choice
                    )
                )
    DetailAnswer.objects.bulk_create(rows, batch_size=2000)


def _wait(place: Place) -> None:
    """Let people add statements just now, so that something waits for the moderators."""
    made = Conversation.objects.get(
        authority=place.authority, question=told.HOME_CARE.question, withdrawn_at__isnull=True
    )
    for key, standing, text in told.WAITING:
        voices.add_statement(
            viewer=place.be(key), conversation_id=made.pk, text=text,
            standing=StandingKind(standing),
            network=voices.Network(sha256(key.encode()).digest(), dict.fromkeys(Kind, 1000)),
        )  # fmt: skip
