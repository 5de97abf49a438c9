"""What a survey found, on paper for a committee: who may have it, and what stands in it."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from commonweal.ground.people.models import Person
from commonweal.ground.places.models import Community
from commonweal.listen.surveys import queries, views
from commonweal.listen.surveys.models import Kind, Option, Survey
from tests.listen.surveys import a_survey, a_whole_survey, answers, ask, choice
from tests.visit import sign_in

pytestmark = pytest.mark.django_db
HOSTILE = "\u202e<b>*_#\"' $x$ \\ 👩‍👩‍👧 مرحبا"


def published(survey: Survey, by: Person, heard: str = "More buses.") -> Survey:
    """Return the survey closed, with its results public."""
    at = timezone.now()
    Survey.objects.filter(pk=survey.pk).update(
        opens_at=at - timedelta(days=5), closes_at=at - timedelta(days=1), heard=heard,
        results_at=at, results_by=by, result=queries.tally(survey, queries.items_of(survey)),
    )  # fmt: skip
    return Survey.objects.get(pk=survey.pk)


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Return what the template for paper was given, a report each."""
    seen: list[dict[str, Any]] = []
    set_as_pdf = views.as_pdf

    def as_pdf(template: Any, words: dict[str, Any]) -> bytes:
        seen.append(json.loads(json.dumps(words)))
        return set_as_pdf(template, words)

    monkeypatch.setattr(views, "as_pdf", as_pdf)
    return seen


def test_the_paper_is_for_staff_until_the_results_are_public(
    community: Community, leader: Person, resident: Person, given: list[dict[str, Any]]
) -> None:
    survey = a_whole_survey(community, closes=1)
    rides = survey.items.get(words="Do you take the bus?")
    answers(survey, 9, rides, options=[int(choice(rides, "Yes"))])
    at = f"/surveys/{survey.pk}/results.pdf"
    staff = sign_in(Client(), leader, second_factor=True)
    for reader in (Client(), sign_in(Client(), resident)):
        assert reader.get(at).status_code == 404
    answer = staff.get(at)
    assert answer["Content-Type"] == "application/pdf" and answer.content.startswith(b"%PDF-")
    assert "staff alone" in given[-1]["figures"] and "More buses." not in json.dumps(given[-1])
    published(survey, leader)
    assert Client().get(at).status_code == 200
    assert given[-1]["figures"] == "" and "More buses." in json.dumps(given[-1])
    assert at in Client().get(f"/surveys/{survey.pk}/results/").content.decode()
    Survey.objects.filter(pk=survey.pk).update(withdrawn_at=timezone.now(), withdrawn_why="A slip")
    assert staff.get(at).status_code == 404


def test_the_paper_says_what_the_page_says_and_hides_what_it_hides(
    community: Community, leader: Person, given: list[dict[str, Any]]
) -> None:
    survey = a_survey(community)
    ride = ask(survey, Kind.ONE, "Ride?", "Often", "Seldom", "Never")
    happy = ask(survey, Kind.SCALE, "Happy?", low_words="Not at all", high_words="Very")
    why, age = ask(survey, Kind.TEXT, "Why?"), ask(survey, Kind.ONE, "Age?", "Young", "Old")
    Option.objects.filter(words="Young").update(people_here=100)
    Option.objects.filter(words="Old").update(people_here=300)
    for words, many in (("Often", 30), ("Seldom", 9), ("Never", 3)):
        answers(survey, many, ride, options=[int(choice(ride, words))])
    answers(survey, 120, happy, number=4)
    answers(survey, 6, age, options=[int(choice(age, "Young"))])
    answers(survey, 3, why, words="Nobody chose this", shown_at=None)
    answers(survey, 1, why, words="Later buses", shown_at=timezone.now(), decided_by=leader)
    published(survey, leader)
    Client().get(f"/surveys/{survey.pk}/results.pdf")
    (report,) = given
    tables = {table["title"]: table for table in report["tables"]}
    assert report["headline"] == "172 people answered."
    assert tables["How people answered"]["rows"] == [["On-line", "172"]]
    assert tables["1. Ride?"]["rows"] == [
        ["Often", "30", "71"], ["Seldom", "hidden", ""], ["Never", "hidden", ""],
    ]  # fmt: skip
    assert tables["1. Ride?"]["words"] == "71 of 100 said “Often”. 42 people answered."
    assert tables["2. Happy?"]["words"] == (
        "On average 4. Half of them said 4 or less. 120 people answered."
        " 1 means “Not at all”, 5 means “Very”."
    )
    assert tables["3. Why?"] == {
        "title": "3. Why?", "words": "Fewer than 5 people answered this.", "rows": [],
        "columns": ["Answer", "People", "Of 100"],
    }  # fmt: skip
    assert tables["3, in people’s own words"]["rows"] == [["Later buses"]]
    assert tables["4. Age?"]["rows"] == [["Young", "6", "100", "25"], ["Old", "0", "0", "75"]]
    whole = json.dumps(report, ensure_ascii=False)
    assert "Nobody chose this" not in whole
    assert "nothing is weighted" in whole and "far apart" in whole


def test_many_chosen_words_are_told_to_stand_on_the_site(
    community: Community, leader: Person, given: list[dict[str, Any]]
) -> None:
    survey = a_survey(community)
    why = ask(survey, Kind.TEXT, "Why?")
    answers(survey, 53, why, words="Later", shown_at=timezone.now(), decided_by=leader)
    published(survey, leader)
    Client().get(f"/surveys/{survey.pk}/results.pdf")
    table = given[0]["tables"][-1]
    assert len(table["rows"]) == 50 and table["words"] == "3 more stand on the site."


@pytest.mark.parametrize("many", [0, 1, 30])
def test_the_paper_bears_anything(community: Community, leader: Person, many: int) -> None:
    survey = a_survey(community, title=f"Your {HOSTILE}", why=HOSTILE)
    for kind in Kind.values:
        options = (f"A {HOSTILE}", f"B {HOSTILE}" * 5, "*C") if kind in ("one", "several") else ()
        item = ask(survey, kind, f"{kind} {HOSTILE}", *options, unit=HOSTILE[:30])
        said: dict[str, Any] = {"words": HOSTILE, "shown_at": timezone.now(), "decided_by": leader}
        if options:
            said["options"] = [item.options.all()[0].pk]
        elif kind in ("scale", "number"):
            said["number"] = 3
        elif kind == "place":
            said["area"] = community
        if item.asks:
            answers(survey, many, item, **said)
    survey.corrections.create(
        was=HOSTILE, became="B" * 300, why=HOSTILE, corrected_at=timezone.now(), corrected_by=leader
    )
    published(survey, leader, heard=HOSTILE)
    answer = Client().get(f"/surveys/{survey.pk}/results.pdf")
    assert answer.status_code == 200 and answer.content.startswith(b"%PDF-")
    assert int(re.findall(rb"/Count (\d+)", answer.content)[0]) < 12
