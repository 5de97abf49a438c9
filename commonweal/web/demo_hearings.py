"""Hearings of the example borough: one open, one closed, answered and revised, one to come."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from random import Random
from typing import Any

from commonweal.ground.challenges.models import Challenge
from commonweal.ground.people.models import Person
from commonweal.ground.places.models import Authority, Standing
from commonweal.ground.places.rules import Viewer
from commonweal.listen.hearings import actions
from commonweal.listen.hearings.models import Comment, Hearing, Passage, Version
from commonweal.listen.hearings.rules import speaks_as
from commonweal.web.demo_pots import Place
from commonweal.web.larkmere import hearings as told
from commonweal.web.larkmere.people import EXAMPLES

KEYS = {one.key for one in EXAMPLES}


def fill(*, authority: Authority, now: datetime) -> None:
    """Hold the hearings: set up by a leader, spoken in by people of the borough, answered."""
    place = Place(authority, now)
    place.lot = Random("larkmere hearings")  # noqa: S311
    for said in told.HEARINGS:
        _hold(place, said)
    actions.note_moments(at=now)


def _hold(place: Place, said: told.Told) -> None:
    opens, closes = said.days
    lead = place.be("omar", min(opens - 10, -2))
    challenge = Challenge.objects.filter(authority=place.authority, slug=said.challenge).first()
    hearing = actions.set_up_hearing(
        viewer=lead, community=place.places[""], challenge=challenge, title=said.title,
        about=said.about, decides=said.decides, opens_at=place.at(opens, 9),
        closes_at=place.at(closes, 20), reach=said.reach,
    )  # fmt: skip
    actions.put_document(viewer=lead, hearing_id=hearing.pk, text=said.text)
    version = actions.publish_version(
        viewer=place.be("omar", min(opens - 3, -1)), hearing_id=hearing.pk
    )
    hearing.refresh_from_db()
    version.hearing = hearing
    made = [(row, _say(place, version, row, said.days)) for row in said.said]
    _moderate(place, made)
    for row, comment in made:
        _agree(place, comment, row.agreed, said.days)
    if said.outcome:
        _answer(place, hearing, said, made)


def _say(place: Place, version: Version, row: told.Said, days: tuple[int, int]) -> Comment:
    passages = {one.number: one for one in version.passages.all()}
    about = passages.get(row.passage)
    given: dict[str, Any] = {"stance": row.stance, "body": row.words, "wording": row.wording}
    day = place.lot.uniform(days[0] + 0.5, min(days[1], 0) - 1)
    if row.channel:
        staff = place.be("delyth", day)
        return actions.enter_comment(
            viewer=staff, version=version, passage=about, channel=row.channel,
            received_on=staff.at.date(), name=row.who, **given,
        )  # fmt: skip
    if row.who.startswith("guest:"):
        name = row.who.partition(":")[2]
        nobody = Viewer(place.authority, None, place.be("mo", day).at)
        guest = sha256(row.words.encode()).digest()
        return actions.write_comment(
            viewer=nobody, version=version, passage=about, guest=guest, name=name, **given
        )
    viewer = _speaker(place, row.who, day)
    comment = actions.write_comment(
        viewer=viewer,
        version=version,
        passage=about,
        standing=_standing(viewer, version, row.who),
        **given,
    )
    for who, words in row.replies:
        other = _speaker(place, who, min(day + 0.8, -0.2))
        actions.write_comment(
            viewer=other, version=version, parent=comment, stance="neither", body=words,
            standing=_standing(other, version, who),
        )  # fmt: skip
    return comment


def _speaker(place: Place, who: str, day: float) -> Viewer:
    """Return an example person, or somebody with this standing, as a viewer of that day."""
    if who in KEYS:
        return place.be(who, day)
    rows = Standing.objects.filter(
        kind=who, community__authority=place.authority, person__email__contains="."
    ).exclude(person__email__in=[f"{key}@larkmere.example" for key in KEYS])
    numbers = sorted(set(rows.values_list("person_id", flat=True)))
    person = Person.objects.get(pk=place.lot.choice(numbers))
    return Viewer(place.authority, person, place.be("mo", day).at)


def _standing(viewer: Viewer, version: Version, who: str) -> str:
    kinds = [voice.kind.value for voice in speaks_as(viewer, version.hearing)]
    return who if who in kinds else kinds[-1] if kinds else ""


def _moderate(place: Place, made: list[tuple[told.Said, Comment]]) -> None:
    """Let a moderator show what came without an account, but for the newest: somebody may try it."""
    waiting = [comment.pk for _row, comment in made if comment.state == "waiting"]
    actions.show_comments(viewer=place.be("mo", -0.5), comment_ids=waiting)


def _agree(place: Place, comment: Comment, count: int, days: tuple[int, int]) -> None:
    comment.refresh_from_db()
    for person in place.residents("", count):
        if person.pk != comment.person_id:
            day = place.lot.uniform(min(days[1], 0) - 0.9, min(days[1], 0) - 0.1)
            viewer = Viewer(place.authority, person, place.be("mo", day).at)
            actions.agree(viewer=viewer, comment_id=comment.pk)


def _answer(
    place: Place, hearing: Hearing, said: told.Told, made: list[tuple[told.Said, Comment]]
) -> None:
    """Answer what was said, revise the document, and say what came of it."""
    after = said.days[1]
    for row, comment in made:
        if row.answer[0]:
            actions.answer(
                viewer=place.be("omar", after + 6), comment=comment, status=row.answer[0],
                words=row.answer[1],
            )  # fmt: skip
    for number, status, words in said.answers:
        passage = Passage.objects.select_related("version__hearing").get(
            version__hearing=hearing, version__number=1, number=number
        )
        lead = place.be("omar", after + 7)
        actions.answer(viewer=lead, passage=passage, status=status, words=words)
    if said.revised:
        lead = place.be("omar", after + 15)
        actions.put_document(viewer=lead, hearing_id=hearing.pk, text=said.revised)
        actions.publish_version(viewer=lead, hearing_id=hearing.pk, why=said.why)
    actions.conclude(viewer=place.be("omar", after + 16), hearing_id=hearing.pk, words=said.outcome)
