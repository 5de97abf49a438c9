"""Answering surveys: page by page, kept, skipped, sent once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from commonweal.ground.people.models import Person
from commonweal.ground.places.models import Community
from commonweal.listen.surveys import actions, queries
from commonweal.listen.surveys.models import Answer, Draft, Item, Kind, Response, Survey
from tests import visit as visits
from tests.factories import world
from tests.listen.surveys import a_survey, a_whole_survey, ask, choice

pytestmark = pytest.mark.django_db
Visit = Callable[..., visits.Page]


@pytest.fixture
def survey(community: Community) -> Survey:
    return a_whole_survey(community)


def item(survey: Survey, words: str) -> Item:
    return survey.items.get(words__startswith=words)


def form(survey: Survey, number: int, client: Client) -> dict[str, Any]:
    """Return what a browser would send back from a page, as it stands."""
    page = visits.visit(client, f"/surveys/{survey.pk}/page/{number}/")
    hidden = page.html.split('name="seen" value="')[1].split('"')[0]
    return {"seen": hidden, "do": "next"}


def begin(client: Client, survey: Survey) -> None:
    client.post(f"/surveys/{survey.pk}/begin/")


def fill(client: Client, survey: Survey) -> None:
    """Answer all pages."""
    begin(client, survey)
    rides, matters = item(survey, "Do you take"), item(survey, "What matters")
    happy = item(survey, "How happy")
    at = f"/surveys/{survey.pk}/page/1/"
    sent = {rides.name: choice(rides, "Yes"), matters.name: [choice(matters, "Price")]}
    client.post(at, {**form(survey, 1, client), **sent})
    sent[happy.name] = "4"
    client.post(at, {**form(survey, 1, client), **sent})
    texts = {
        item(survey, "What else").name: "Later buses",
        item(survey, "How many").name: "1２",
        item(survey, "Where do you live").name: str(survey.community_id),
        item(survey, "Where do you work").name: "lm14ab",
    }
    client.post(f"/surveys/{survey.pk}/page/2/", {**form(survey, 2, client), **texts})


def test_a_guest_answers_page_by_page_and_gets_a_reference(
    client: Client, survey: Survey, visit: Visit
) -> None:
    page = visit(f"/surveys/{survey.pk}/")
    assert "About 3 minutes" in page.text and "no account" in page.text
    fill(client, survey)
    page = visit(f"/surveys/{survey.pk}/check/")
    assert "Later buses" in page.text and "1２ minutes" in page.text and "Quayside" in page.text
    page = visit(f"/surveys/{survey.pk}/check/", data={})
    sent = Response.objects.get()
    assert sent.reference in page.text
    assert "The transport team reads all of it by May." in page.text
    assert {a.item.words[:8]: (str(a.number), a.words, a.spot) for a in sent.answers.all()} == {
        "Do you t": ("None", "", ""),
        "How happ": ("4.000", "", ""),
        "What mat": ("None", "", ""),
        "What els": ("None", "Later buses", ""),
        "How many": ("12.000", "", ""),
        "Where do": ("None", "", "LM1 4"),
    }
    assert not Draft.objects.exists()
    assert sent.person_id is None and sent.envelope is not None


def test_a_question_that_an_answer_brings_is_asked_on_the_same_page(
    client: Client, survey: Survey
) -> None:
    begin(client, survey)
    rides = item(survey, "Do you take")
    sent = {**form(survey, 1, client), rides.name: choice(rides, "Yes")}
    assert "How happy" not in client.get(f"/surveys/{survey.pk}/page/1/").content.decode()
    page = visits.visit(client, f"/surveys/{survey.pk}/page/1/", data=sent)
    assert "brings one more question" in page.text and "How happy" in page.text
    sent = {**form(survey, 1, client), rides.name: choice(rides, "No")}
    page = visits.visit(client, f"/surveys/{survey.pk}/page/1/", data=sent)
    assert page.h1 == ["About you"]


def test_nothing_is_kept_of_what_is_not_shown(client: Client, survey: Survey) -> None:
    fill(client, survey)
    rides = item(survey, "Do you take")
    sent = {**form(survey, 1, client), rides.name: choice(rides, "No")}
    client.post(f"/surveys/{survey.pk}/page/1/", sent)
    client.post(f"/surveys/{survey.pk}/check/")
    assert not Answer.objects.filter(item=item(survey, "How happy")).exists()
    assert Answer.objects.filter(item=rides).count() == 1


def test_mistakes_stand_beside_the_field_and_above_and_nothing_typed_is_lost(
    client: Client, survey: Survey
) -> None:
    begin(client, survey)
    matters = item(survey, "What matters")
    chosen = [choice(matters, words) for words in ("Price", "Time", "Seats")]
    sent = {**form(survey, 1, client), matters.name: chosen}
    page = visits.visit(client, f"/surveys/{survey.pk}/page/1/", data=sent)
    assert page.title.startswith("Mistake:")
    assert "2 things to mend" in page.text
    assert "Choose at most 2: you chose 3." in page.text
    rides = item(survey, "Do you take")
    assert f"#id_{rides.name}" in page.links
    assert page.html.count(" checked") == 3
    page = visits.visit(client, f"/surveys/{survey.pk}/page/1/", data={**sent, "do": "back"})
    page = visits.visit(client, f"/surveys/{survey.pk}/page/1/")
    assert page.html.count(" checked") == 3
    assert "Mistake:" not in page.title


def test_a_page_that_was_jumped_over_is_asked_for_before_sending(
    client: Client, survey: Survey
) -> None:
    begin(client, survey)
    client.post(f"/surveys/{survey.pk}/page/2/", {**form(survey, 2, client)})
    page = visits.visit(client, f"/surveys/{survey.pk}/check/")
    assert "Something is still missing" in page.text
    answer = client.post(f"/surveys/{survey.pk}/check/")
    assert answer.status_code == 422
    assert not Response.objects.exists()


def test_sent_twice_is_one_response(client: Client, survey: Survey) -> None:
    fill(client, survey)
    first = client.post(f"/surveys/{survey.pk}/check/")
    second = client.post(f"/surveys/{survey.pk}/check/")
    assert first["Location"] == second["Location"] == f"/surveys/{survey.pk}/thanks/"
    assert Response.objects.count() == 1


def test_answers_can_be_changed_until_the_close(
    survey: Survey, resident: Person, signed_in: Callable[..., Client]
) -> None:
    client = signed_in(resident)
    fill(client, survey)
    client.post(f"/surveys/{survey.pk}/check/")
    before = Response.objects.get()
    page = visits.visit(client, f"/surveys/{survey.pk}/change/", data={})
    assert "Later buses" in page.text
    sent = {item(survey, "What else").name: "Earlier buses"}
    client.post(f"/surveys/{survey.pk}/page/2/", {**form(survey, 2, client), **sent})
    assert Answer.objects.filter(words="Later buses").exists()
    client.post(f"/surveys/{survey.pk}/check/")
    after = Response.objects.get()
    assert (after.pk, after.reference) == (before.pk, before.reference)
    assert Answer.objects.filter(words="Earlier buses").exists()
    assert not Answer.objects.filter(words="Later buses").exists()


def test_where_nothing_can_be_changed_a_second_answer_is_refused_kindly(
    survey: Survey, resident: Person, signed_in: Callable[..., Client]
) -> None:
    Survey.objects.update(may_change=False)
    client = signed_in(resident)
    fill(client, survey)
    client.post(f"/surveys/{survey.pk}/check/")
    page = visits.visit(client, f"/surveys/{survey.pk}/")
    assert "You have answered" in page.text
    page = visits.visit(client, f"/surveys/{survey.pk}/page/1/")
    assert "Thank you" in page.h1[0]
    page = visits.visit(client, f"/surveys/{survey.pk}/change/", data={})
    assert "cannot be changed" in page.text
    page = visits.visit(client, f"/surveys/{survey.pk}/page/1/", data={"do": "next", "seen": "1"})
    assert "Thank you" in page.h1[0]
    assert not Draft.objects.exists()


def test_a_draft_waits_and_goes_after_thirty_days(client: Client, survey: Survey) -> None:
    begin(client, survey)
    page = visits.visit(
        client, f"/surveys/{survey.pk}/page/1/", data={**form(survey, 1, client), "do": "save"}
    )
    assert page.h1 == ["Your answers are kept"]
    at = timezone.now()
    assert actions.delete_old_drafts(at=at + timedelta(days=29)) == 0
    assert actions.delete_old_drafts(at=at + timedelta(days=31)) == 1


def test_somebody_elses_browser_sees_nothing_of_a_draft(client: Client, survey: Survey) -> None:
    fill(client, survey)
    other = Client()
    begin(other, survey)
    assert "Later buses" not in other.get(f"/surveys/{survey.pk}/page/2/").content.decode()
    forged = Client()
    forged.cookies["surveys"] = client.cookies["surveys"].value[:-2]
    answer = forged.get(f"/surveys/{survey.pk}/page/2/")
    assert answer["Location"] == f"/surveys/{survey.pk}/"


def test_after_the_close_what_was_typed_is_shown_and_not_counted(
    client: Client, survey: Survey
) -> None:
    fill(client, survey)
    Survey.objects.update(closes_at=timezone.now() - timedelta(seconds=1))
    words = {item(survey, "How many").name: "77", item(survey, "What else").name: "At the last"}
    page = visits.visit(
        client, f"/surveys/{survey.pk}/page/2/", data={"do": "next", **words}, status=409
    )
    assert "At the last" in page.text and "77 minutes" in page.text and "Price" in page.text
    page = visits.visit(client, f"/surveys/{survey.pk}/check/", data={}, status=409)
    assert "Later buses" in page.text
    assert not Response.objects.exists()


def test_who_may_answer_is_asked_of_who_comes(
    survey: Survey, resident: Person, signed_in: Callable[..., Client], community: Community
) -> None:
    Survey.objects.update(reach="place", level=3)
    page = visits.visit(Client(), f"/surveys/{survey.pk}/")
    assert "you need an account" in page.text
    visits.visit(Client(), f"/surveys/{survey.pk}/begin/", data={}, status=403)
    client = signed_in(resident)
    page = visits.visit(client, f"/surveys/{survey.pk}/begin/", data={}, status=403)
    assert "surer that you belong" in page.text
    resident.membership_set.update(level=5)
    fill(client, survey)
    client.post(f"/surveys/{survey.pk}/check/")
    assert Response.objects.count() == 1
    stranger = signed_in(world.a_person())
    page = visits.visit(stranger, f"/surveys/{survey.pk}/page/1/", status=403)
    assert "belong to Quayside" in page.text


def test_what_a_guest_began_comes_along_into_the_account(
    client: Client, survey: Survey, resident: Person
) -> None:
    fill(client, survey)
    visits.sign_in(client, resident)
    page = visits.visit(client, f"/surveys/{survey.pk}/")
    assert "Was it you?" in page.text
    page = visits.visit(client, f"/surveys/{survey.pk}/adopt/", data={})
    assert "You have begun" in page.text
    assert Draft.objects.get().person == resident
    client.post(f"/surveys/{survey.pk}/check/")
    assert queries.responses_of(resident) == [Response.objects.get()]


def test_names_stand_only_where_a_survey_asks_for_them(
    survey: Survey, resident: Person, signed_in: Callable[..., Client]
) -> None:
    Survey.objects.update(is_anonymous=False)
    client = signed_in(resident)
    fill(client, survey)
    page = visits.visit(client, f"/surveys/{survey.pk}/check/")
    assert "Staff see that these answers come from your account." in page.text
    client.post(f"/surveys/{survey.pk}/check/")
    assert Response.objects.get().person == resident


def test_once_closed_nothing_leads_from_answers_to_people(
    survey: Survey, resident: Person, signed_in: Callable[..., Client]
) -> None:
    client = signed_in(resident)
    fill(client, survey)
    client.post(f"/surveys/{survey.pk}/check/")
    assert len(queries.responses_of(resident)) == 1
    after = timezone.now() + timedelta(days=2)
    assert not actions.close_survey(survey_id=survey.pk, at=timezone.now())
    assert queries.to_seal(after) == [survey.pk]
    assert actions.close_survey(survey_id=survey.pk, at=after)
    assert not actions.close_survey(survey_id=survey.pk, at=after)
    sent = Response.objects.get()
    assert sent.envelope is None and Survey.objects.get().key is None
    assert queries.responses_of(resident) == []
    assert Survey.objects.get().result["count"] == 1  # type: ignore[index]


def test_a_person_takes_their_answers_away_and_leaves(
    survey: Survey, resident: Person, signed_in: Callable[..., Client]
) -> None:
    client = signed_in(resident)
    fill(client, survey)
    client.post(f"/surveys/{survey.pk}/check/")
    begun = a_whole_survey(survey.community)
    begin(client, begun)
    client.post(f"/surveys/{begun.pk}/page/1/", form(begun, 1, client))
    told = list(queries.personal(resident))
    assert len(told) == 2
    assert {"question": "What else should we know?", "answer": "Later buses"} in told[0]["answers"]
    actions.forget_answers(resident, timezone.now())
    assert not Response.objects.exists() and not Draft.objects.exists()


def test_with_names_the_answers_of_who_left_stay_without_name_and_words(
    survey: Survey, resident: Person, signed_in: Callable[..., Client]
) -> None:
    Survey.objects.update(is_anonymous=False)
    client = signed_in(resident)
    fill(client, survey)
    client.post(f"/surveys/{survey.pk}/check/")
    after = timezone.now() + timedelta(days=2)
    actions.close_survey(survey_id=survey.pk, at=after)
    actions.forget_answers(resident, after)
    sent = Response.objects.get()
    assert sent.person is None
    assert not sent.answers.exclude(words="").exists()
    assert sent.answers.filter(item=item(survey, "How many")).exists()


def test_a_page_whose_condition_fails_is_left_out_of_the_count(
    client: Client, community: Community
) -> None:
    survey = a_survey(community)
    ride = ask(survey, Kind.ONE, "Do you ride?", "Yes", "No", is_required=True)
    yes = [ride.options.get(words="Yes").pk]
    ask(survey, Kind.PAGE, "Riders", source=ride, depends_options=yes)
    times = ask(survey, Kind.NUMBER, "How often a week?")
    ask(survey, Kind.PAGE, "Often", source=times, depends_low=5)
    ask(survey, Kind.TEXT, "Why so often?")
    ask(survey, Kind.PAGE, "You")
    ask(survey, Kind.TEXT, "Anything else?")
    begin(client, survey)
    page = visits.visit(
        client, f"/surveys/{survey.pk}/page/1/",
        data={**form(survey, 1, client), ride.name: choice(ride, "No")},
    )  # fmt: skip
    assert page.h1 == ["You"] and "Page 2 of 2" in page.text
    page = visits.visit(
        client, f"/surveys/{survey.pk}/page/1/",
        data={**form(survey, 1, client), ride.name: choice(ride, "Yes")},
    )  # fmt: skip
    assert page.h1 == ["Riders"] and "Page 2 of 3" in page.text
    page = visits.visit(
        client, f"/surveys/{survey.pk}/page/2/", data={**form(survey, 2, client), times.name: "6"}
    )
    assert page.h1 == ["Often"] and "Page 3 of 4" in page.text
    visits.visit(client, f"/surveys/{survey.pk}/page/9/")


@pytest.mark.parametrize(
    "value",
    ["", "0", "-1", "9" * 40, "٣", "x", "\x00", "1\ud800", "👩‍👩‍👧", "2,3", "=1+1"],
    ids=range(11),
)
def test_forged_fields_are_mistakes_and_no_errors(
    client: Client, survey: Survey, value: str
) -> None:
    begin(client, survey)
    names = [one.name for one in survey.items.all()]
    sent: dict[str, Any] = {"seen": value, "do": value, "page": value}
    for name in names:
        sent[name] = [value, "1"]
        sent[f"{name}_other"] = value
    raw = dict(sent)
    for number in (1, 2):
        answer = client.post(f"/surveys/{survey.pk}/page/{number}/", _bytes(raw), content_type=FORM)
        assert answer.status_code in (200, 302)
    answer = client.post(f"/surveys/{survey.pk}/check/")
    assert answer.status_code == 422
    assert not Response.objects.exists()


FORM = "application/x-www-form-urlencoded"


def _bytes(sent: dict[str, Any]) -> bytes:
    from urllib.parse import quote

    pairs = [(n, v) for n, vs in sent.items() for v in (vs if isinstance(vs, list) else [vs])]
    quoted = [f"{n}={quote(v.encode('utf-8', 'surrogatepass'))}" for n, v in pairs]
    return "&".join(quoted).encode()


def test_two_hundred_questions_and_strange_choices_are_answered(
    client: Client, community: Community
) -> None:
    survey = a_survey(community)
    for n in range(200):
        ask(survey, Kind.ONE, f"Question {n}?", "👍🏽", "نعم", "\u202eoN", "<b>No</b>")
    begin(client, survey)
    chosen = {
        one.name: str(one.options.all()[n % 4].pk) for n, one in enumerate(survey.items.all())
    }
    client.post(f"/surveys/{survey.pk}/page/1/", {**form(survey, 1, client), **chosen})
    page = visits.visit(client, f"/surveys/{survey.pk}/check/", data={})
    assert "Thank you" in page.h1[0]
    assert Answer.objects.count() == 200


def test_very_many_answers_from_one_network_wait(
    client: Client, survey: Survey, settings: Any
) -> None:
    settings.ACCOUNT_RATE_LIMITS = {**settings.ACCOUNT_RATE_LIMITS, "survey_send": "1/h/ip"}
    fill(client, survey)
    client.post(f"/surveys/{survey.pk}/check/")
    other = Client()
    fill(other, survey)
    page = visits.visit(other, f"/surveys/{survey.pk}/check/", data={}, status=429)
    assert "What you typed is kept" in page.text
    assert Response.objects.count() == 1
