"""Surveys for tests, each whole by default: say only what the test is about."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from commonweal.ground.places.models import Community
from commonweal.listen.surveys.models import Answer, Draft, Item, Kind, Option, Response, Survey
from commonweal.listen.surveys.queries import items_of, tally
from tests.factories import world


def a_survey(community: Community, *, opens: float = -1, closes: float = 1, **given: Any) -> Survey:
    """Return a public survey without questions, open from ``opens`` to ``closes`` days from now."""
    at = timezone.now()
    values: dict[str, Any] = {
        "authority": community.authority,
        "community": community,
        "title": "Your bus to work",
        "why": "The timetable is made anew in spring.",
        "happens": "The transport team reads all of it by May.",
        "thanks": "That helps us.",
        "paper_to": "Any library",
        "is_draft": False,
        "opens_at": at + timedelta(days=opens),
        "closes_at": at + timedelta(days=closes),
        "created_at": at - timedelta(days=9),
        "created_by": given.pop("created_by", None) or world.a_person(),
    }
    return Survey.objects.create(**{**values, **given})


def ask(survey: Survey, kind: str, words: str = "How often?", *options: str, **given: Any) -> Item:
    """Add an item at the end; a choice that begins with ``*`` asks for words too."""
    position = survey.items.count() + 1
    if kind == Kind.SCALE:
        given = {"lowest": 1, "highest": 5, **given}
    if kind == Kind.PLACE:
        given = {"spot": "area", **given}
    item = Item.objects.create(survey=survey, position=position, kind=kind, words=words, **given)
    for n, option in enumerate(options):
        Option.objects.create(
            item=item, position=n, words=option.removeprefix("*"), is_other=option[0] == "*"
        )
    return item


def choice(item: Item, words: str) -> str:
    """Return the value of a choice in a form."""
    return str(item.options.get(words=words).pk)


def a_whole_survey(community: Community, **given: Any) -> Survey:
    """Return a survey with a question of every kind, on two pages, and one that may be skipped."""
    survey = a_survey(community, **given)
    ask(survey, Kind.WORDS, "About your bus", help="Think of last week.")
    rides = ask(survey, Kind.ONE, "Do you take the bus?", "Yes", "No", is_required=True)
    ask(
        survey, Kind.SCALE, "How happy are you with it?", low_words="Not at all",
        high_words="Very", source=rides,
        depends_options=[rides.options.get(words="Yes").pk],
    )  # fmt: skip
    ask(
        survey,
        Kind.SEVERAL,
        "What matters most?",
        "Price",
        "Time",
        "Seats",
        "*Something else",
        most=2,
    )
    ask(survey, Kind.PAGE, "About you")
    ask(survey, Kind.TEXT, "What else should we know?", is_long=True, letters=500)
    ask(
        survey, Kind.NUMBER, "How many minutes does it take?", unit="minutes", lowest=0, highest=300
    )
    ask(survey, Kind.PLACE, "Where do you live?", spot="area", is_about_you=True)
    ask(survey, Kind.PLACE, "Where do you work?", spot="postcode")
    return survey


def answers(survey: Survey, many: int, item: Item, **given: Any) -> None:
    """Let so many people give this answer to one question, and no other."""
    at = timezone.now()
    for _n in range(many):
        said = Response.objects.create(survey=survey, sent_on=at.date(), person=None)
        Answer.objects.create(response=said, item=item, **given)


def one_of_each(community: Community, owner: Any) -> dict[str, Any]:
    """Return a survey in every state with somebody's answers: what the doors of the site lead to."""
    at = timezone.now()
    survey = a_whole_survey(community, created_by=owner)
    draft = a_whole_survey(community, created_by=owner, is_draft=True)
    told = a_whole_survey(community, created_by=owner, opens=-5, closes=-3)
    for one in (survey, told):
        rides, text = one.items.get(words__startswith="Do you take"), one.items.get(kind="text")
        answers(one, 7, rides, options=[rides.options.get(words="Yes").pk])
        answers(one, 2, text, words="Later buses")
        answers(one, 1, text, words="Seats", shown_at=at, decided_by=owner)
    entry = Response.objects.create(
        survey=survey, sent_on=at.date(), channel="paper", batch="library", serial=1,
        entered_at=at, entered_by=owner,
    )  # fmt: skip
    Answer.objects.create(response=entry, item=survey.items.get(kind="text"), words="On paper")
    Draft.objects.create(survey=survey, person=owner, saved_at=at)
    for one in (survey, told):
        one.corrections.create(
            was="A", became="B", why="A slip", corrected_at=at, corrected_by=owner
        )
    Survey.objects.filter(pk=told.pk).update(
        results_at=at, results_by=owner, result=tally(told, items_of(told)), heard="More buses."
    )
    return {
        "survey": survey,
        "draft_survey": draft,
        "told_survey": told,
        "survey_item": draft.items.get(kind="text"),
        "asked_item": survey.items.get(kind="text"),
        "told_item": told.items.get(kind="text"),
        "survey_entry": entry,
    }


TOLD = "results by words results_csv results_json results_pdf tell download_csv download_json"
SET_UP = "about add preview preview_check preview_again publish take_back discard copy"


def named(name: str) -> dict[str, str]:
    """Return which survey and which question a door leads to."""
    door = name.partition(":")[2]
    survey = "told_survey" if door in TOLD.split() else "survey"
    survey = "draft_survey" if door in SET_UP.split() else survey
    item = {"words": "told_item", "correct_item": "asked_item"}.get(door, "survey_item")
    return {"survey_id": survey, "item_id": item, "response_id": "survey_entry"}


def fixed(name: str) -> dict[str, Any]:
    """Return the other parts of a survey's address."""
    part = {"surveys:correct": "why", "surveys:correct_item": "words"}.get(name)
    return {"page": 1, "kind": "text", **({"part": part} if part else {})}


def grow(community: Community, owner: Any, own: Any, rows: int) -> None:
    """Put more surveys, questions, answers and drafts beside those of a test."""
    at = timezone.now()
    for n in range(rows):
        for one in (own.survey, own.draft_survey, own.told_survey):
            item = ask(one, Kind.ONE, f"More {n}?", "Yes", "No")
            text = ask(one, Kind.TEXT, f"Why {n}?")
            if one is not own.draft_survey:
                answers(one, 6, item, options=[item.options.all()[0].pk])
                answers(one, 6, text, words="Because", shown_at=at, decided_by=owner)
        Response.objects.create(
            survey=own.survey, sent_on=at.date(), channel="paper", batch=f"box {n} {rows}",
            serial=n, entered_at=at, entered_by=world.a_person(),
        )  # fmt: skip
        begun = a_whole_survey(community, challenge=own.challenge)
        Draft.objects.create(survey=begun, person=owner, saved_at=at)
        a_whole_survey(community, is_draft=True)
    told = own.told_survey
    Survey.objects.filter(pk=told.pk).update(result=tally(told, items_of(told)))
