"""Surveys for programs: what is asked, and what was found once it is published."""

from datetime import datetime
from typing import Any, cast

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Router, Schema

from commonweal.kit.api import PROBLEMS, NotHere, Number, Page, Pages, page_of
from commonweal.kit.request import Request
from commonweal.listen.surveys import queries
from commonweal.listen.surveys.models import Item, Survey

router = Router(tags=["Surveys"])


class SurveyRow(Schema):
    """A survey in short; ``state`` is coming, open, closed, published or withdrawn."""

    id: int
    title: str
    community: str
    challenge: str | None
    state: str
    reach: str
    is_anonymous: bool
    opens_at: datetime
    closes_at: datetime
    results_at: datetime | None

    @staticmethod
    def resolve_community(row: Survey) -> str:
        """Return the short name of the community that is asked."""
        return row.community.slug

    @staticmethod
    def resolve_challenge(row: Survey) -> str | None:
        """Return the short name of its challenge."""
        return row.challenge.slug if row.challenge else None

    @staticmethod
    def resolve_state(row: Survey, context: Any) -> str:
        """Return where it stands now."""
        return row.state(context["request"].viewer.at)


class QuestionRow(Schema):
    """One question: its kind, its words, and the choices where it has some."""

    number: int
    kind: str
    words: str
    help: str
    is_required: bool
    choices: list[str]


class SurveyWhole(SurveyRow):
    """A survey with why it is asked, what happens with the answers, and its questions."""

    why: str
    happens: str
    questions: list[QuestionRow]

    @staticmethod
    def resolve_questions(row: Survey) -> list[dict[str, Any]]:
        """Return its questions in their order."""
        return [
            _question(number, item)
            for number, item in enumerate(queries.asked(queries.items_of(row)), 1)
        ]


def _question(number: int, item: Item) -> dict[str, Any]:
    return {
        "number": number,
        "kind": item.kind,
        "words": item.words,
        "help": item.help,
        "is_required": item.is_required,
        "choices": [option.words for option in item.options.all()],
    }


class AnswerRow(Schema):
    """How many gave one answer; ``null`` where fewer than five did, or a sum would tell it."""

    answer: str
    people: int | None
    share: float | None


class FoundRow(Schema):
    """What was found of one question; ``mean`` and ``median`` of scales and numbers."""

    question: str
    kind: str
    people: int | None
    mean: str | None
    median: str | None
    answers: list[AnswerRow]


class Found(Schema):
    """What a survey found: how many answered, what staff heard, and each question."""

    survey: int
    people: int | None
    heard: str
    questions: list[FoundRow]


@router.get("/surveys", response={200: Page[SurveyRow], **PROBLEMS}, summary="List the surveys")
def list_surveys(request: HttpRequest, paging: Pages) -> dict[str, Any]:
    """Every public survey, the open ones first."""
    return page_of(request, queries.public_surveys(cast(Request, request).viewer), paging)


@router.get(
    "/surveys/{survey_id}", response={200: SurveyWhole, **PROBLEMS}, summary="Read a survey"
)
def read_survey(request: HttpRequest, survey_id: int = Number) -> Survey:
    """Why it is asked, what happens with the answers, and its questions."""
    return _survey(request, survey_id)


@router.get(
    "/surveys/{survey_id}/results",
    response={200: Found, **PROBLEMS},
    summary="Read what a survey found",
)
def read_results(request: HttpRequest, survey_id: int = Number) -> dict[str, Any]:
    """What was found, once it is published; small counts are hidden."""
    survey = _survey(request, survey_id)
    if survey.results_at is None or survey.withdrawn_at is not None:
        raise NotHere("This survey has no published results yet.", "Look at its dates.")
    items = queries.items_of(survey)
    whole = queries.result_of(survey, items)
    return {
        "survey": survey.pk,
        "people": queries.spoken_count(whole["count"]),
        "heard": survey.heard,
        "questions": [queries.as_data(line) for line in queries.told(survey, items, whole)],
    }


def _survey(request: HttpRequest, survey_id: int) -> Survey:
    return get_object_or_404(queries.public_surveys(cast(Request, request).viewer), pk=survey_id)
