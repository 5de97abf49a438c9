"""The pages of appraisals, as staff, authors and everybody meet them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from commonweal.propose.appraisals.models import Appraisal, Criterion, Meets, State
from tests import visit as visits
from tests.factories import world


@pytest.fixture
def desk(authority):
    """Return a browser in which a clerk sits at the desk."""
    person = world.a_person(world.root(authority), role="clerk", name="Cleo")
    return visits.sign_in(Client(), person, second_factor=True)


@pytest.fixture
def colleague(authority):
    person = world.a_person(world.root(authority), role="clerk", name="Carl")
    return visits.sign_in(Client(), person, second_factor=True)


@pytest.fixture
def author(resident):
    return visits.sign_in(Client(), resident)


def version(page):
    return page.html.split('name="version" value="')[1].split('"')[0]


def write(visit, desk, idea, *, meets="yes"):
    """Write a whole appraisal through the pages; return its last page."""
    page = visit(f"/desk/appraisals/ideas/{idea.pk}/begin/", client=desk, data={})
    pk = Appraisal.objects.latest("pk").pk
    at = f"/desk/appraisals/{pk}"
    lines = {"what_0": "Lamps", "each_0": "once", "pounds_0": "£4,000", "source_0": "Last year"}
    lines |= {"what_2": "Power", "each_2": "year", "pounds_2": "1000.50", "source_2": "A guess"}
    visit(f"{at}/costs/", client=desk, data={"version": version(page), "years": "2", **lines})
    found = {f"meets_{c}": "yes" for c in Criterion} | {
        f"reason_{c}": "Checked." for c in Criterion
    }
    found["meets_safe"] = meets
    visit(f"{at}/findings/", client=desk, data={"version": "1", **found})
    words = {"version": "2", "words": "It can be done <b>soon</b>.", "days": "7"}
    words["changes"] = "A quieter lamp." if meets == "with-changes" else ""
    return visit(f"{at}/words/", client=desk, data=words)


def test_staff_work_it_out_and_the_authors_see_it_first(visit, desk, author, idea):
    assert "Ideas to appraise" in visit("/desk/", client=desk).text
    assert idea.title in visit("/desk/appraisals/", client=desk).text
    page = write(visit, desk, idea)
    assert "£6,001" in page.text and "&lt;b&gt;soon" in page.html
    held = Appraisal.objects.get()
    assert visit(f"/ideas/{idea.pk}/appraisal/", status=404) and "Staff ask you" not in page.text
    page = visit(f"/desk/appraisals/{held.pk}/show/", client=desk, data={"version": version(page)})
    assert "The authors see it now" in page.text
    visit(f"/ideas/{idea.pk}/appraisal/", status=404)
    assert "Staff ask you" in visit(f"/ideas/{idea.pk}/", client=author).text
    assert "Your answer is asked until" in visit("/me/", client=author).text
    page = visit(f"/ideas/{idea.pk}/appraisal/", client=author)
    assert "Only the authors and staff see this yet" in page.text and "Accept it" in page.text
    page = visit(f"/appraisals/{held.pk}/accept/", client=author, data={})
    assert "your idea can be in a ballot" in page.text
    page = visit(f"/ideas/{idea.pk}/appraisal/")
    assert "It can be done" in page.title and "£6,001" in page.text and "Last year" in page.text
    page = visit(f"/ideas/{idea.pk}/")
    assert "What staff found" in page.text and f"/ideas/{idea.pk}/appraisal/" in page.links


def test_an_appeal_goes_to_somebody_else(visit, desk, colleague, author, idea):
    page = write(visit, desk, idea, meets="no")
    held = Appraisal.objects.get()
    visit(f"/desk/appraisals/{held.pk}/show/", client=desk, data={"version": version(page)})
    page = visit(f"/appraisals/{held.pk}/appeal/", client=author, data={"words": " "})
    assert "Mistake:" in page.title and "Say in your own words" in page.text
    page = visit(f"/appraisals/{held.pk}/appeal/", client=author, data={"words": "The depot!"})
    assert "Your appeal is in" in page.text
    assert "a colleague decides" in visit("/desk/appraisals/?state=appealed", client=desk).text
    refused = visit(f"/desk/appraisals/{held.pk}/decide/", client=desk, status=403)
    assert "somebody else decides" in refused.text
    page = visit(f"/desk/appraisals/{held.pk}/decide/", client=colleague)
    assert "The depot!" in page.text
    sent = {"decision": "with-changes", "words": "In the depot it can."}
    page = visit(f"/desk/appraisals/{held.pk}/decide/", client=colleague, data=sent)
    assert "Say what would have to change" in page.text
    sent["changes"] = "It moves to the depot."
    page = visit(f"/desk/appraisals/{held.pk}/decide/", client=colleague, data=sent)
    assert "It is final" in page.text
    page = visit(f"/ideas/{idea.pk}/appraisal/")
    for words in ("with changes", "The depot!", "In the depot it can.", "It moves to the depot."):
        assert words in page.text
    assert "It cannot be done" in page.text, "what the answer was before"
    page = visit(f"/ideas/{idea.pk}/appraisal/", client=author)
    assert "Do you agree to the changes?" in page.text
    page = visit(f"/appraisals/{held.pk}/accept/", client=author, data={})
    assert Appraisal.objects.get().passes


def test_a_line_that_is_half_written_is_told_by_its_number(visit, desk, idea):
    page = visit(f"/desk/appraisals/ideas/{idea.pk}/begin/", client=desk, data={})
    at = f"/desk/appraisals/{Appraisal.objects.get().pk}/costs/"
    sent = {"version": version(page), "years": "1", "what_0": "Lamps", "pounds_1": "12",
            "what_2": "Power", "pounds_2": "lots", "source_2": "A guess"}  # fmt: skip
    page = visit(at, client=desk, data=sent)
    for words in (
        "Line 1: write the cost", "Line 1: say where", "Line 2: say what", "in pounds, like 1200",
    ):  # fmt: skip
        assert words in page.text
    assert 'value="lots"' in page.html and not Appraisal.objects.get().lines.exists()
    sent = {"version": "0", "years": "1", "what_0": "Nothing", "pounds_0": "0", "source_0": "Free"}
    page = visit(at, client=desk, data={**sent, "more": "yes"})
    assert 'id="line-4"' in page.html and Appraisal.objects.get().lines.count() == 1


def test_an_old_window_keeps_its_words_and_says_so(visit, desk, colleague, idea):
    visit(f"/desk/appraisals/ideas/{idea.pk}/begin/", client=desk, data={})
    at = f"/desk/appraisals/{Appraisal.objects.get().pk}/words/"
    visit(at, client=colleague, data={"version": "0", "words": "Theirs", "days": "9"})
    page = visit(at, client=desk, data={"version": "0", "words": "Mine", "days": "9"})
    assert "A colleague saved this meanwhile" in page.text and "Mine" in page.html
    assert Appraisal.objects.get().words == "Theirs"
    visit(at, client=desk, data={"version": version(page), "words": "Mine", "days": "9"})
    assert Appraisal.objects.get().words == "Mine"


@pytest.mark.parametrize("typed", ["0", "2", "61", "-1", "x", "", "9" * 30])
def test_days_are_some_and_not_too_many(visit, desk, idea, typed):
    visit(f"/desk/appraisals/ideas/{idea.pk}/begin/", client=desk, data={})
    at = f"/desk/appraisals/{Appraisal.objects.get().pk}/words/"
    page = visit(at, client=desk, data={"version": "0", "words": "Mine", "days": typed})
    assert "Mistake:" in page.title and Appraisal.objects.get().days == 10


def test_what_is_missing_is_named_before_it_is_shown(visit, desk, idea):
    visit(f"/desk/appraisals/ideas/{idea.pk}/begin/", client=desk, data={})
    at = f"/desk/appraisals/{Appraisal.objects.get().pk}/"
    page = visit(at, client=desk)
    for words in ("Answer every criterion", "Say what it costs", "in plain words what you found"):
        assert words in page.text
    assert "Show it to the authors" not in page.text
    page = visit(f"{at}show/", client=desk, data={"version": "0"})
    assert "something is still missing" in page.text
    assert Appraisal.objects.get().state == State.DRAFT
    page = visit(f"{at}discard/", client=desk, data={})
    assert "The draft is gone" in page.text and not Appraisal.objects.exists()


@pytest.mark.parametrize("state", [State.DRAFT, State.SHOWN, State.APPEALED])
def test_nobody_else_reads_it_before_it_is_final(visit, idea, neighbour, author, desk, state):
    held = world.an_appraisal(idea, state=state)
    page = f"/ideas/{idea.pk}/appraisal/"
    for client in (Client(), visits.sign_in(Client(), neighbour)):
        visit(page, client=client, status=404)
        assert "What staff found" not in visit(f"/ideas/{idea.pk}/", client=client).text
        assert client.get(f"/api/ideas/{idea.pk}/appraisal").status_code == 404
    visit(page, client=author, status=404 if state == State.DRAFT else 200)
    visit(f"/desk/appraisals/{held.pk}/", client=desk)
    assert Client().get("/api/appraisals").json()["items"] == []


def test_a_hidden_idea_hides_what_was_found(visit, idea):
    world.an_appraisal(idea)
    assert "What staff found" in visit(f"/ideas/{idea.pk}/").text
    type(idea).objects.filter(pk=idea.pk).update(status="hidden", hidden_reason="unkind")
    visit(f"/ideas/{idea.pk}/appraisal/", status=404)
    assert Client().get("/api/appraisals").json()["items"] == []


def test_programs_read_what_is_final(client, idea):
    held = world.an_appraisal(idea, meets=Meets.WITH_CHANGES)
    told = client.get(f"/api/ideas/{idea.pk}/appraisal").json()
    assert (told["verdict"], told["total_pence"], told["may_be_in_ballot"]) == (
        "with-changes", 12_000_00, False,
    )  # fmt: skip
    assert [line["what"] for line in told["lines"]] == ["Lamps"]
    assert [row["criterion"] for row in told["findings"]] == list(Criterion.values)
    (row,) = client.get("/api/appraisals").json()["items"]
    assert row["idea"] == idea.pk and row["words"] == held.words


def test_a_late_answer_is_told_kindly(visit, author, idea, now):
    long_ago = now - timedelta(days=30)
    held = world.an_appraisal(idea, state=State.SHOWN, shown_at=long_ago)
    page = visit(f"/appraisals/{held.pk}/appeal/", client=author, data={"words": "Wait"})
    assert "The days to answer are over" in page.text
    page = visit(f"/appraisals/{held.pk}/accept/", client=author, data={})
    assert "can no longer be answered" in page.text


def test_a_row_of_another_authority_is_nowhere(visit, idea, elsewhere):
    held = world.an_appraisal(idea)
    person = world.a_person(world.root(elsewhere), role="clerk")
    client = visits.sign_in(Client(HTTP_HOST="northmoor.localhost"), person, second_factor=True)
    for place in (f"/desk/appraisals/{held.pk}/", f"/ideas/{idea.pk}/appraisal/"):
        visit(place, client=client, status=404)
    assert idea.title not in visit("/desk/appraisals/?state=final", client=client).text


@pytest.mark.parametrize("tab", ["waiting", "draft", "shown", "appealed", "final", "x"])
def test_the_desk_asks_no_more_however_much_waits(
    visit, desk, challenge, community, tab, django_assert_max_num_queries
):
    for n in range(12):
        person = world.a_person(community)
        for state in State:
            if state != State.REPLACED:
                world.an_appraisal(world.a_proposal(challenge, author=person), state=state)
        world.a_proposal(challenge, author=person, title=f"Waiting {n}")
    visit("/desk/", client=desk)
    with django_assert_max_num_queries(12):
        visit(f"/desk/appraisals/?state={tab}&page=1", client=desk)


def test_what_waits_longest_stands_first(visit, desk, challenge, community, now):
    for days, name in ((3, "Young"), (9, "Old"), (5, "Middle")):
        at = now - timedelta(days=days)
        made = world.a_proposal(challenge, title=name, published_at=at)
        for _ in range(days if name == "Middle" else 0):
            made.signatures.create(
                person=world.a_person(community), standing="resident", signed_at=now
            )
    page = visit("/desk/appraisals/?state=waiting", client=desk).text
    assert page.index("Old") < page.index("Middle") < page.index("Young")
    page = visit("/desk/appraisals/?state=waiting&order=signed", client=desk).text
    assert page.index("Middle") < page.index("Old") < page.index("Young")


def test_appeals_stand_in_the_order_they_came(visit, desk, challenge, now):
    for days, name in ((2, "Later"), (6, "Earlier")):
        held = world.an_appraisal(world.a_proposal(challenge, title=name), state=State.APPEALED)
        held.answers.update(answered_at=now - timedelta(days=days))
    page = visit("/desk/appraisals/?state=appealed", client=desk).text
    assert page.index("Earlier") < page.index("Later") and "Appealed on" in page


def test_an_idea_that_changed_after_it_was_final_asks_for_another_look(
    visit, desk, author, challenge, idea, now
):
    world.an_appraisal(idea, meets=Meets.NO)
    newer = world.a_proposal(challenge, title="Newer")
    world.an_appraisal(newer, final_at=now + timedelta(hours=1))
    for made in (idea, newer):
        type(idea).objects.filter(pk=made.pk).update(changed_at=now - timedelta(days=90))
    page = visit("/desk/appraisals/?state=final", client=desk).text
    assert page.index("Newer") < page.index(idea.title) and "changed since" not in page
    assert (
        "You can still change your idea"
        in visit(f"/ideas/{idea.pk}/appraisal/", client=author).text
    )
    assert "You can still change" not in visit(f"/ideas/{idea.pk}/appraisal/").text
    type(idea).objects.filter(pk=idea.pk).update(changed_at=now)
    page = visit("/desk/appraisals/?state=final", client=desk).text
    assert page.index(idea.title) < page.index("Newer") and "The idea changed since" in page


def test_what_stood_before_stays_to_be_read(visit, idea, author, now):
    long_ago = now - timedelta(days=40)
    staff = world.a_person()
    old = {"shown_at": long_ago, "answer_due_at": long_ago + timedelta(days=3)}
    world.an_appraisal(idea, pence=1_111_00, **old, final_at=long_ago + timedelta(days=4))
    Appraisal.objects.update(state=State.REPLACED)
    heard = world.an_appraisal(idea, state=State.APPEALED, meets=Meets.NO, pence=2_222_00)
    Appraisal.objects.filter(pk=heard.pk).update(
        state=State.REPLACED, decision="anew", decision_words="Nobody had asked the depot.",
        decided_at=now, decided_by=staff,
    )  # fmt: skip
    mended = world.an_appraisal(idea, state=State.SHOWN, pence=3_333_00)
    Appraisal.objects.filter(pk=mended.pk).update(state=State.REPLACED)
    world.an_appraisal(idea, pence=4_444_00)
    page = visit(f"/ideas/{idea.pk}/appraisal/").text
    assert "What stood here before" in page and "Nobody had asked the depot." in page
    assert page.index("£4,444") < page.index("£2,222") < page.index("£1,111")
    assert "£3,333" not in page, "what staff took back themselves was nobody else's to read"


def test_ideas_of_a_challenge_that_has_decided_wait_for_nobody(visit, desk, idea, now):
    idea.challenge.steps.all().delete()
    idea.challenge.steps.create(
        stage="decide", opens_at=now - timedelta(days=9), closes_at=now - timedelta(days=1)
    )
    page = visit("/desk/appraisals/?state=waiting", client=desk).text
    assert idea.title not in page and "To appraise: 0" in page
    assert "Work out what it costs" in visit(f"/ideas/{idea.pk}/", client=desk).text
    idea.challenge.steps.create(stage="propose", opens_at=now - timedelta(days=2))
    page = visit("/desk/appraisals/?state=waiting", client=desk).text
    assert idea.title in page and "To appraise: 1" in page
