"""Surveys for tests, each whole by default: say only what the test is about."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from commonweal.ground.places.models import Community
from commonweal.listen.surveys.models import Answer, Item, Kind, Option, Response, Survey
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
        high_words="Very", depends_on=rides,
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


def answers(survey: Survey, number: int, item: Item, **given: Any) -> None:
    """Let so many people give this answer to one question, and no other."""
    at = timezone.now()
    for _n in range(number):
        said = Response.objects.create(survey=survey, sent_on=at.date(), person=None)
        Answer.objects.create(response=said, item=item, **given)
