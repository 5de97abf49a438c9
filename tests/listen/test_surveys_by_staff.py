"""Setting surveys up, keying papers, choosing words and publishing what was found."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.utils import timezone

from commonweal.ground.journal.models import Entry
from commonweal.ground.people.models import Person
from commonweal.ground.places.models import Authority, Community
from commonweal.ground.places.rules import Viewer
from commonweal.listen.surveys import actions, queries, rules
from commonweal.listen.surveys.models import (
    Answer,
    Correction,
    Draft,
    Item,
    Kind,
    Response,
    Survey,
)
from tests import visit as visits
from tests.factories import world
from tests.listen.surveys import a_survey, a_whole_survey, answers, ask, choice

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(leader: Person) -> Client:
    return visits.sign_in(Client(), leader, second_factor=True)


@pytest.fixture
def viewer(authority: Authority, leader: Person) -> Viewer:
    return Viewer(authority, leader, timezone.now(), True)


@pytest.fixture
def draft(community: Community) -> Survey:
    return a_survey(community, is_draft=True)


def see(client: Client, address: str, **given: Any) -> visits.Page:
    return visits.visit(client, address, **given)


ABOUT = {
    "title": "Your bus to work",
    "why": "A new timetable.",
    "happens": "We read it.",
    "reach": "everyone",
    "level": "1",
    "is_anonymous": "yes",
    "may_change": "on",
    "opens_at": "2026-01-01T08:00",
    "closes_at": "2099-01-01T20:00",
}


def test_a_survey_is_set_up_from_nothing_to_open(desk: Client, community: Community) -> None:
    page = see(desk, "/desk/surveys/new/", data={**ABOUT, "community": str(community.pk)})
    survey = Survey.objects.get()
    at = f"/desk/surveys/{survey.pk}"
    assert "Ask at least one question." in page.text and "Make it public" not in page.text
    see(desk, f"{at}/add/one/", data={"words": "Do you ride?", "choices": "Yes\r\nNo\n\n"})
    see(desk, f"{at}/add/scale/", data={"words": "How happy?", "ends": "0 10"})
    see(desk, f"{at}/add/page/", data={"words": ""})
    see(desk, f"{at}/add/words/", data={"help": "Now about you."})
    see(desk, f"{at}/add/text/", data={"words": "Why?", "letters": "", "is_long": "on"})
    see(desk, f"{at}/add/number/", data={"words": "Age?", "lowest": "0", "highest": "120"})
    see(desk, f"{at}/add/place/", data={"words": "Where?", "spot": "postcode"})
    page = see(
        desk, f"{at}/add/several/",
        data={"words": "Which?", "choices": "A\nB\nC", "other": "Else", "most": "2"},
    )  # fmt: skip
    assert "About 2 minutes" not in page.text and "7 questions" not in page.text
    assert survey.items.count() == 8
    assert survey.items.get(kind="text").letters == 2000
    page = see(desk, f"{at}/publish/", data={})
    assert "It is open." in page.text
    survey.refresh_from_db()
    assert survey.is_open(timezone.now())
    assert {e.what for e in Entry.objects.all()} >= {"survey.opened", "survey.question_added"}
    assert Entry.objects.get(what="survey.opened").is_public
    assert not Entry.objects.get(what="survey.drafted").is_public
    page = see(Client(), "/surveys/")
    assert "Your bus to work" in page.text


@pytest.mark.parametrize(
    ("kind", "sent", "said"),
    [
        ("one", {"words": "A?", "choices": "Only one"}, "at least two choices"),
        ("one", {"words": "", "choices": "A\nB"}, "Write the question."),
        ("one", {"words": "A?", "choices": "\n".join(map(str, range(61)))}, "takes 60 choices"),
        ("several", {"words": "A?", "choices": "A\nB", "fewest": "2", "most": "1"}, "less than"),
        ("several", {"words": "A?", "choices": "A\nB", "most": "x"}, "whole number"),
        ("number", {"words": "A?", "lowest": "1e9"}, "number in digits"),
        ("number", {"words": "A?", "lowest": "5", "highest": "4"}, "less than"),
        ("scale", {"words": "A?", "ends": "1 99"}, "valid choice"),
        ("place", {"words": "A?", "spot": "map"}, "valid choice"),
        ("words", {}, "heading or some words"),
        ("text", {"words": "x" * 301}, "301 letters long"),
    ],
)
def test_a_question_that_cannot_be_asked_is_told_in_words(
    desk: Client, draft: Survey, kind: str, sent: dict[str, str], said: str
) -> None:
    page = see(desk, f"/desk/surveys/{draft.pk}/add/{kind}/", data=sent)
    assert said in page.text and page.title.startswith("Mistake:")
    assert not draft.items.exists()


def test_an_empty_survey_cannot_open(desk: Client, draft: Survey, viewer: Viewer) -> None:
    page = see(desk, f"/desk/surveys/{draft.pk}/publish/", data={})
    assert "Ask at least one question." in page.text
    ask(draft, Kind.WORDS, "Only words")
    with pytest.raises(actions.NotWhole):
        actions.publish_survey(viewer=viewer, survey_id=draft.pk)
    ask(draft, Kind.TEXT)
    Survey.objects.update(closes_at=timezone.now() - timedelta(hours=1))
    with pytest.raises(actions.NotWhole, match="later one"):
        actions.publish_survey(viewer=viewer, survey_id=draft.pk)


def test_a_condition_never_points_forward_or_at_what_is_gone(
    desk: Client, draft: Survey, viewer: Viewer
) -> None:
    ride = ask(draft, Kind.ONE, "Ride?", "Yes", "No", "Never")
    why = ask(draft, Kind.TEXT, "Why?")
    later = ask(draft, Kind.SCALE, "How?")
    at = f"/desk/surveys/items/{why.pk}/when/"
    page = see(desk, at)
    assert "Ride?" in page.text and "How?" not in page.text
    page = see(desk, f"{at}?source={ride.pk}")
    assert "Never" in page.text
    forward = {"source": str(later.pk), "said": "yes", "low": "1"}
    see(desk, at, data=forward)
    why.refresh_from_db()
    assert why.source is None
    said = {"source": str(ride.pk), "said": "yes"}
    page = see(desk, at, data=said)
    assert "Choose at least one answer." in page.text
    see(desk, at, data={**said, "options": choice(ride, "Yes")})
    why.refresh_from_db()
    assert why.source == ride
    page = see(desk, f"/desk/surveys/items/{why.pk}/move/", data={"do": "up"})
    assert "stays behind it" in page.text
    page = see(desk, f"/desk/surveys/items/{ride.pk}/move/", data={"do": "down"})
    assert "stays behind it" in page.text
    page = see(desk, f"/desk/surveys/items/{ride.pk}/remove/", data={})
    assert "Change that first." in page.text
    kept = {f"choice_{o.pk}": o.words for o in ride.options.all()}
    gone = {**kept, f"choice_{choice(ride, 'Yes')}": ""}
    page = see(desk, f"/desk/surveys/items/{ride.pk}/", data={"words": "Ride?", **gone})
    assert "took away" in page.text and ride.options.count() == 3
    never = {**kept, f"choice_{choice(ride, 'Never')}": ""}
    see(desk, f"/desk/surveys/items/{ride.pk}/", data={"words": "Ride now?", **never})
    assert ride.options.count() == 2
    with pytest.raises(actions.StillNeeded):
        actions.set_condition(
            viewer=viewer, item_id=why.pk, condition=actions.Condition(ride.pk, (999,))
        )
    see(desk, at, data={"do": "always"})
    see(desk, f"/desk/surveys/items/{ride.pk}/remove/", data={})
    assert not Item.objects.filter(pk=ride.pk).exists()


def test_questions_change_places_and_stay_in_order(desk: Client, draft: Survey) -> None:
    first, second = ask(draft, Kind.TEXT, "First"), ask(draft, Kind.TEXT, "Second")
    see(desk, f"/desk/surveys/items/{second.pk}/move/", data={"do": "up"})
    assert [i.words for i in queries.items_of(draft)] == ["Second", "First"]
    see(desk, f"/desk/surveys/items/{first.pk}/move/", data={"do": "down"})
    assert [i.words for i in queries.items_of(draft)] == ["Second", "First"]


def test_once_open_questions_are_frozen_and_a_slip_is_corrected_in_public(
    desk: Client, community: Community, viewer: Viewer
) -> None:
    survey = a_survey(community)
    item = ask(survey, Kind.TEXT, "What els?")
    for address in (
        f"/desk/surveys/{survey.pk}/about/",
        f"/desk/surveys/{survey.pk}/add/text/",
        f"/desk/surveys/items/{item.pk}/",
        f"/desk/surveys/items/{item.pk}/when/",
        f"/desk/surveys/items/{item.pk}/move/",
        f"/desk/surveys/items/{item.pk}/remove/",
    ):
        page = see(desk, address, data={"words": "Other"})
        assert "its questions stay as they are" in page.text, address
    with pytest.raises(actions.Frozen):
        actions.remove_item(viewer=viewer, item_id=item.pk)
    see(
        desk, f"/desk/surveys/items/{item.pk}/correct/words/",
        data={"became": "What else?", "why": "A letter was missing"},
    )  # fmt: skip
    item.refresh_from_db()
    assert item.words == "What else?"
    assert Correction.objects.get().was == "What els?"
    page = see(Client(), f"/surveys/{survey.pk}/")
    assert "A letter was missing" in page.text
    assert Entry.objects.get(what="survey.corrected").is_public


def test_an_open_survey_stays_open_longer_and_never_shorter(
    desk: Client, community: Community
) -> None:
    survey = a_survey(community)
    ask(survey, Kind.TEXT)
    at = f"/desk/surveys/{survey.pk}/extend/"
    page = see(desk, at, data={"until": "2020-01-01T08:00", "why": "Rain"})
    assert "later than the close" in page.text
    see(desk, at, data={"until": "2098-01-01T08:00", "why": "Post was late"})
    survey.refresh_from_db()
    assert survey.closes_at is not None and survey.closes_at.year == 2098
    assert "Post was late" in see(Client(), f"/surveys/{survey.pk}/").text


def test_a_withdrawn_survey_says_why_and_keeps_no_answers(
    desk: Client, community: Community
) -> None:
    survey = a_survey(community)
    answers(survey, 3, ask(survey, Kind.TEXT), words="Mine")
    see(desk, f"/desk/surveys/{survey.pk}/withdraw/", data={"why": "Asked too early"})
    assert not Response.objects.exists()
    assert "Asked too early" in see(Client(), f"/surveys/{survey.pk}/").text
    visits.visit(Client(), f"/surveys/{survey.pk}/begin/", data={}, status=409)


def test_a_copy_holds_all_but_dates_and_answers(desk: Client, community: Community) -> None:
    survey = a_whole_survey(community)
    answers(survey, 3, survey.items.get(kind="text"), words="Mine")
    page = see(desk, f"/desk/surveys/{survey.pk}/copy/", data={})
    assert "This is the copy." in page.text
    copy = Survey.objects.get(copied_from=survey)
    assert copy.is_draft and copy.opens_at is None
    old, new = queries.items_of(survey), queries.items_of(copy)
    assert [(i.kind, i.words) for i in old] == [(i.kind, i.words) for i in new]
    (skipped,) = (i for i in new if i.source_id)
    assert skipped.source in new
    assert rules.wrong_condition(skipped, new) == ""
    assert not {o.pk for i in old for o in i.options.all()} & {
        o.pk for i in new for o in i.options.all()
    }


def test_staff_see_it_as_people_will_and_nothing_is_sent(desk: Client, draft: Survey) -> None:
    ride = ask(draft, Kind.ONE, "Ride?", "Yes", "No", is_required=True)
    ask(draft, Kind.TEXT, "Why?", source=ride, depends_options=[int(choice(ride, "Yes"))])
    at = f"/desk/surveys/{draft.pk}/preview"
    page = see(desk, f"{at}/1/")
    assert "A preview" in page.text and "Why?" not in page.text
    page = see(desk, f"{at}/1/", data={"seen": str(ride.pk), "do": "next"})
    assert "One thing to mend" in page.text
    sent = {"seen": str(ride.pk), "do": "next", ride.name: choice(ride, "No")}
    page = see(desk, f"{at}/1/", data=sent)
    assert "A preview ends here." in page.text
    assert Draft.objects.get().is_preview and not Response.objects.exists()
    see(desk, f"{at}/again/", data={})
    assert not Draft.objects.exists()


def test_a_draft_can_be_thrown_away_and_a_coming_one_taken_back(
    desk: Client, draft: Survey, community: Community
) -> None:
    ride = ask(draft, Kind.ONE, "Ride?", "Yes", "No")
    ask(draft, Kind.TEXT, "Why?", source=ride, depends_options=[int(choice(ride, "Yes"))])
    see(desk, f"/desk/surveys/{draft.pk}/discard/", data={})
    assert not Survey.objects.exists()
    coming = a_survey(community, opens=2, closes=4)
    page = see(desk, f"/desk/surveys/{coming.pk}/discard/", data={})
    assert "It is public." in page.text
    see(desk, f"/desk/surveys/{coming.pk}/take-back/", data={})
    coming.refresh_from_db()
    assert coming.is_draft


def paper(survey: Survey, serial: str, **given: Any) -> dict[str, Any]:
    return {"channel": "paper", "batch": "Library", "serial": serial, **given}


def test_a_paper_is_keyed_once_and_can_be_corrected(
    desk: Client, community: Community, leader: Person
) -> None:
    survey = a_whole_survey(community)
    at = f"/desk/surveys/{survey.pk}/key/"
    rides = survey.items.get(words="Do you take the bus?")
    text = survey.items.get(kind="text")
    happy = survey.items.get(kind="scale")
    page = see(desk, at, data={"channel": "paper"})
    assert "from which batch" in page.text
    page = see(desk, at, data=paper(survey, "7", **{text.name: "Seats", rides.name: "x"}))
    assert "no longer here" in page.text
    said = {text.name: "Seats", rides.name: choice(rides, "No"), happy.name: "4"}
    page = see(desk, at, data=paper(survey, "7", **said))
    assert "Not everything here counts" in page.text and not Response.objects.exists()
    page = see(desk, at, data=paper(survey, "7", **said, drop="yes"))
    sent = Response.objects.get()
    assert sent.reference in page.text and 'value="8"' in page.html
    assert (sent.channel, sent.batch, sent.serial, sent.entered_by) == (
        "paper", "Library", 7, leader,
    )  # fmt: skip
    assert sent.answers.count() == 2
    page = see(desk, at, data=paper(survey, "7", batch="  LIBRARY "))
    assert "keyed already" in page.text and sent.reference in page.text
    page = see(desk, f"/desk/surveys/entered/{sent.pk}/")
    assert "Seats" in page.html
    see(desk, f"/desk/surveys/entered/{sent.pk}/", data=paper(survey, "7", **{text.name: "Beds"}))
    assert sent.answers.get().words == "Beds"
    see(desk, at, data={"channel": "telephone", text.name: "By phone"})
    assert Response.objects.filter(channel="telephone").count() == 1
    see(desk, f"/desk/surveys/entered/{sent.pk}/remove/", data={})
    assert Response.objects.count() == 1
    assert {"survey.response_entered", "survey.response_corrected", "survey.response_removed"} <= {
        e.what for e in Entry.objects.all()
    }


def test_papers_are_keyed_after_the_close_and_not_after_the_results(
    desk: Client, community: Community, viewer: Viewer
) -> None:
    survey = a_survey(community, opens=-3, closes=-1)
    text = ask(survey, Kind.TEXT)
    actions.close_survey(survey_id=survey.pk, at=timezone.now())
    see(desk, f"/desk/surveys/{survey.pk}/key/", data=paper(survey, "1", **{text.name: "Late"}))
    assert queries.result_of(survey, [])["count"] == 1
    actions.publish_results(viewer=viewer, survey_id=survey.pk, heard="Much.")
    page = see(desk, f"/desk/surveys/{survey.pk}/key/")
    assert "until the results are published" in page.text
    with pytest.raises(actions.TooEarly):
        actions.enter_response(
            viewer=viewer, survey_id=survey.pk, entry=actions.Entry("telephone"), typed={}
        )


def test_papers_are_printed_with_numbers_and_for_everybody_without(
    desk: Client, community: Community
) -> None:
    survey = a_whole_survey(community)
    Survey.objects.update(title="نعم 👍 “Bus”", why="A\nB")
    for client, address in (
        (Client(), "paper.pdf"),
        (Client(), "paper.pdf?large=yes"),
        (desk, "paper.pdf?first=3&number=4&batch=Library&large=on"),
    ):
        answer = client.get(f"/surveys/{survey.pk}/{address}")
        assert answer.content.startswith(b"%PDF"), address
    assert desk.get(f"/surveys/{survey.pk}/paper.pdf?first=x&number=4").status_code == 404
    Survey.objects.update(paper_to="")
    assert Client().get(f"/surveys/{survey.pk}/paper.pdf").status_code == 404


def test_words_are_chosen_or_hidden_with_a_reason_and_only_chosen_ones_are_read(
    desk: Client, community: Community, viewer: Viewer, moderator: Person, authority: Authority
) -> None:
    survey = a_survey(community, opens=-3, closes=-1)
    text = ask(survey, Kind.TEXT, "What else?")
    for n in range(8):
        answers(survey, 1, text, words=f"Words {n}")
    ids = dict(Answer.objects.values_list("words", "pk"))
    at = f"/desk/surveys/{survey.pk}/words/"
    page = see(desk, at, data={"verdict": "show"})
    assert "Tick the words first" in page.text
    page = see(desk, at, data={"verdict": "hide", "answers": str(ids["Words 1"])})
    assert "Choose why they are hidden." in page.text
    see(desk, at, data={"verdict": "show", "answers": [str(ids[f"Words {n}"]) for n in (0, 2)]})
    see(desk, at, data={"verdict": "hide", "reason": "names", "answers": str(ids["Words 1"])})
    page = see(desk, f"{at}?state=hidden")
    assert "Words 1" in page.text and "Names somebody" in page.text
    page = see(desk, f"{at}?q=words 5")
    assert "Words 5" in page.text and "Words 3" not in page.text
    guard = visits.sign_in(Client(), moderator, second_factor=True)
    see(guard, at, data={"verdict": "wait", "answers": str(ids["Words 2"])})
    actions.publish_results(viewer=viewer, survey_id=survey.pk, heard="Much.")
    page = see(Client(), f"/surveys/{survey.pk}/results/")
    assert "Words 0" in page.text and "Words 1" not in page.text and "Words 2" not in page.text
    page = see(Client(), f"/surveys/{survey.pk}/results/words/{text.pk}/?q=words")
    assert "Words 0" in page.text
    assert Entry.objects.get(what="survey.words_hidden").facts == {"number": 1, "reason": "names"}
    stranger = Viewer(authority, world.a_person(community), timezone.now())
    with pytest.raises(PermissionDenied):
        actions.judge_words(
            viewer=stranger, survey_id=survey.pk, answers=[ids["Words 0"]], verdict="hide",
            reason="names",
        )  # fmt: skip


def test_results_are_for_staff_until_they_are_published(desk: Client, community: Community) -> None:
    survey = a_whole_survey(community)
    rides = survey.items.get(words="Do you take the bus?")
    answers(survey, 9, rides, options=[int(choice(rides, "Yes"))])
    at = f"/surveys/{survey.pk}/results/"
    assert "not there yet" in see(Client(), at).text
    assert "Only staff see this" in see(desk, at).text
    assert desk.get(f"/desk/surveys/{survey.pk}/answers.csv").status_code == 403
    page = see(desk, f"/desk/surveys/{survey.pk}/tell/", data={"heard": "Much."})
    assert "published after the close" in page.text
    Survey.objects.update(closes_at=timezone.now() - timedelta(seconds=2))
    page = see(desk, f"/desk/surveys/{survey.pk}/tell/", data={"heard": "We heard: more buses."})
    assert "Published." in page.text
    page = see(Client(), at)
    assert "We heard: more buses." in page.text and "9 people have answered." in page.text
    answer = Client().get(f"/surveys/{survey.pk}/results.csv")
    assert "Yes,9,1.000" in answer.content.decode()
    told = Client().get(f"/surveys/{survey.pk}/results.json").json()
    assert told["people"] == 9 and told["questions"][0]["answers"][0]["people"] == 9
    told = Client().get(f"/api/surveys/{survey.pk}/results").json()
    assert told["heard"] == "We heard: more buses."
    assert Client().get(f"/api/surveys/{survey.pk}").json()["state"] == "published"
    assert Entry.objects.get(what="survey.results_published").is_public


def test_staff_download_one_row_a_response_with_formulas_made_harmless(
    desk: Client, community: Community
) -> None:
    survey = a_whole_survey(community, opens=-3, closes=-1)
    text = survey.items.get(kind="text")
    several = survey.items.get(kind="several")
    answers(survey, 1, text, words="=HYPERLINK(1)")
    chosen = [int(choice(several, "Time")), int(choice(several, "Something else"))]
    answers(survey, 1, several, options=chosen, words="+Wi-Fi")
    answer = desk.get(f"/desk/surveys/{survey.pk}/answers.csv")
    rows = list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode())))  # type: ignore[arg-type]
    assert len(rows) == 3 and len({len(row) for row in rows}) == 1
    cells = {cell for row in rows for cell in row}
    assert {"'=HYPERLINK(1)", "'+Wi-Fi"} <= cells
    answer = desk.get(f"/desk/surveys/{survey.pk}/answers.json")
    told = json.loads(b"".join(answer.streaming_content))  # type: ignore[arg-type]
    assert len(told) == 2
    assert Entry.objects.filter(what="survey.downloaded").count() == 2


def test_a_survey_is_run_by_those_who_lead_its_place_alone(
    desk: Client, elsewhere: Authority, community: Community, resident: Person
) -> None:
    theirs = a_whole_survey(world.root(elsewhere))
    assert desk.get(f"/desk/surveys/{theirs.pk}/").status_code == 404
    ours = a_whole_survey(community)
    neighbour = visits.sign_in(Client(), resident, second_factor=True)
    assert neighbour.get(f"/desk/surveys/{ours.pk}/").status_code in (302, 403)
    page = see(desk, "/desk/surveys/new/", data={**ABOUT, "community": str(theirs.community_id)})
    assert page.title.startswith("Mistake:")
