"""Surveys of the example borough: published, open, closed, coming and being set up."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from commonweal.ground.challenges.models import Challenge
from commonweal.ground.places.models import Authority
from commonweal.listen.surveys import actions, queries, rules
from commonweal.listen.surveys.actions import About, Condition, Entry, Words
from commonweal.listen.surveys.models import Answer, Item, Option, Response, Survey
from commonweal.listen.surveys.rules import Typed
from commonweal.web.demo_pots import Place
from commonweal.web.larkmere import surveys as told

# In how many of a hundred responses a question that may stay empty is answered.
ANSWERED, WROTE = 91, 16
SECTORS = ("LM1 1", "LM1 2", "LM1 3", "LM1 4", "LM2 1", "LM2 3", "LM3 3", "LM4 1", "LM9 9")


def fill(*, authority: Authority, now: datetime) -> None:
    """Ask what Larkmere asks, and answer it."""
    place = Place(authority, now)
    place.lot = Random("larkmere surveys")  # noqa: S311
    for said in told.SURVEYS:
        made = _set_up(place, said)
        if said.state == "draft":
            continue
        actions.publish_survey(viewer=place.be("omar", min(said.opens - 2, -1)), survey_id=made.pk)
        if said.people:
            _answer(place, made, said)
            _on_paper(place, made, said)
        if said.closes < 0:
            _close(place, made, said)


def _set_up(place: Place, said: told.Told) -> Survey:
    lead = place.be("omar", min(said.opens - 12, -2))
    challenge = Challenge.objects.filter(authority=place.authority, slug=said.challenge).first()
    settings = {"paper_to": "", "reach": "everyone", **said.says}
    about = About(
        community=place.places[said.place], challenge=challenge, title=said.title[:120], why=said.why,
        happens=said.happens, thanks=said.thanks, level=1, is_anonymous=True, may_change=True,
        opens_at=place.at(said.opens, 9), closes_at=place.at(said.closes, 20), **settings,
    )  # fmt: skip
    survey = actions.begin_survey(viewer=lead, about=about)
    made: list[Item] = []
    for asked in said.items:
        item = actions.add_item(viewer=lead, survey_id=survey.pk, words=_words(asked))
        made.append(item)
        if asked.when is not None:
            source, wanted = made[asked.when[0]], asked.when[1]
            chosen = source.options.filter(words__in=wanted).values_list("pk", flat=True)
            condition = Condition(source.pk, tuple(chosen))
            actions.set_condition(viewer=lead, item_id=item.pk, condition=condition)
    return survey


def _words(asked: told.Q) -> Words:
    fields = {"words": asked.words, "help": "", **asked.says}
    for name in ("lowest", "highest"):
        if name in fields:
            fields[name] = Decimal(fields[name])
    here = fields.pop("here", ())
    fields.pop("leans", None)
    options: list[tuple[int | None, str, int | None]] = [
        (None, words, here[n] if n < len(here) else None)
        for n, (words, _often) in enumerate(asked.choices)
    ]
    return Words(asked.kind, fields, options, asked.other)


# --- what people answer: written at once, as the pages would have written it


def _answer(place: Place, survey: Survey, said: told.Told) -> None:
    items = queries.items_of(survey)
    areas = queries.areas_of(survey, items)
    begins, until = said.opens, min(said.closes, 0)
    responses, answers = [], []
    left = {item.pk: list(asked.texts) for item, asked in zip(items, said.items, strict=True)}
    for _n in range(said.people):
        typed: dict[int, Typed] = {}
        for item, asked in zip(items, said.items, strict=True):
            if item.asks:
                typed[item.pk] = _typed(place.lot, item, asked, list(areas), left[item.pk])
        sheet = rules.Sheet(survey, items, typed, areas)
        moment = place.now + timedelta(days=begins + (until - begins) * place.lot.random() ** 1.4)
        response = Response(survey=survey, sent_on=moment.date())
        responses.append(response)
        for pk, given in sheet.given.items():
            area = queries.area_of(survey, given.code) if given.code else given.area
            answers.append(
                Answer(
                    response=response,
                    item_id=pk,
                    options=list(given.options),
                    number=given.number,
                    words=given.words,
                    spot=given.spot,
                    area_id=area,
                )
            )
    Response.objects.bulk_create(responses, batch_size=1000)
    Answer.objects.bulk_create(answers, batch_size=1000)


def _typed(lot: Random, item: Item, asked: told.Q, areas: list[int], left: list[str]) -> Typed:
    """Return what one person answers; words that somebody wrote nobody writes again."""
    if not item.is_required and lot.randrange(100) >= (WROTE if asked.texts else ANSWERED):
        return Typed()
    if item.kind == "text":
        return Typed((left.pop(),) if left else ())
    if item.has_options:
        return _chosen(lot, item, asked)
    leans: Any = asked.says.get("leans", (1,))
    if item.kind == "scale":
        first = int(asked.says["lowest"])
        return Typed((str(lot.choices(range(first, first + len(leans)), leans)[0]),))
    if item.kind == "number":
        return Typed((str(lot.choice(leans)),))
    if item.spot == "postcode":
        return Typed((lot.choice(SECTORS),))
    return Typed((str(lot.choice(areas)) if lot.random() > 0.04 else rules.ELSEWHERE,))


def _chosen(lot: Random, item: Item, asked: told.Q) -> Typed:
    plain: list[Option] = [option for option in item.options.all() if not option.is_other]
    often = [weight for _words, weight in asked.choices]
    if item.kind == "one":
        return Typed((str(lot.choices(plain, often)[0].pk),))
    picks = [o for o, weight in zip(plain, often, strict=True) if lot.randrange(100) < weight]
    lot.shuffle(picks)
    return Typed(tuple(str(option.pk) for option in picks[: item.most or len(picks)]))


def _on_paper(place: Place, survey: Survey, said: told.Told) -> None:
    """Let the clerk key some papers, and take a call."""
    viewer = place.be("delyth", min(said.closes, 0) - 1)
    items = queries.items_of(survey)
    areas = list(queries.areas_of(survey, items))
    for serial in range(1, 14):
        typed = {
            item.pk: _typed(place.lot, item, asked, areas, [])
            for item, asked in zip(items, said.items, strict=True)
            if item.asks
        }
        entry = Entry("telephone") if serial > 8 else Entry("paper", "Library, box 1", serial)
        actions.enter_response(viewer=viewer, survey_id=survey.pk, entry=entry, typed=typed)


def _close(place: Place, survey: Survey, said: told.Told) -> None:
    actions.close_survey(survey_id=survey.pk, at=place.at(said.closes, 20) + timedelta(minutes=1))
    if not said.heard:
        return
    viewer = place.be("omar", said.closes + 20)
    wrote = list(queries.texts(survey).values_list("pk", flat=True))
    actions.judge_words(viewer=viewer, survey_id=survey.pk, answers=wrote, verdict="show")
    actions.publish_results(viewer=viewer, survey_id=survey.pk, heard=said.heard)
