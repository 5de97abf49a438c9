"""The page of a project: what, where, who, the cost in plain terms, pictures, questions answered."""

from __future__ import annotations

from datetime import datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from PIL import Image

from commonweal.decide.budgets import actions, queries
from commonweal.decide.budgets.models import Change, Picture, Pot, Project, Question
from commonweal.ground.challenges.models import Challenge
from commonweal.ground.journal.models import Entry
from commonweal.ground.people import actions as people
from commonweal.ground.people.models import Person
from tests.factories import world
from tests.visit import sign_in

WORDS = {
    "title": "Benches by the dock",
    "summary": "I can rest twice on the way to the shop.",
    "outcome": "Six benches within four months",
    "where": "Dock Road",
    "run_by": "The parks team",
    "cost_note": "Oak, and two days of work.",
}


@pytest.fixture
def coming(challenge: Challenge, now: datetime) -> Pot:
    """Return a pot that opens tomorrow, with nothing in it."""
    opens = now + timedelta(days=1)
    return world.a_pot(challenge, costs=(), opens_at=opens, closes_at=opens + timedelta(days=7))


@pytest.fixture
def benches(coming: Pot, leader: Person, seen_by: Any) -> Project:
    """Return a project with everything that can be said about one."""
    lines = [
        {"what": "Six benches", "pence": 5_400_00},
        {"what": "Setting them", "pence": 2_100_00},
    ]
    return actions.add_project(
        viewer=seen_by(leader), pot_id=coming.pk, cost_pence=7_500_00, cost_lines=lines, **WORDS
    )


def an_image(size: tuple[int, int] = (900, 600), *, kind: str = "JPEG", **saved: Any) -> bytes:
    out = BytesIO()
    Image.new("RGB", size, "teal").save(out, kind, **saved)
    return out.getvalue()


def uploaded(content: bytes, name: str = "dock.jpg") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, content_type="image/jpeg")


def test_everything_about_a_project_stands_on_its_page(benches, visit) -> None:
    page = visit(benches.get_absolute_url())
    for words in (*WORDS.values(), "£7,500", "Six benches", "£5,400", "Setting them", "£2,100"):
        assert words in page.text, words
    assert page.text.index(WORDS["summary"]) < page.text.index(WORDS["outcome"])
    assert page.text.index(WORDS["outcome"]) < page.text.index("£7,500"), "the outcome comes first"
    assert "The whole pot holds £90,000." in page.text


def test_the_clerk_writes_it_in_a_form_that_says_what_does_not_add_up(
    coming, leader, visit, signed_in
) -> None:
    signed_in(leader, second_factor=True)
    add = reverse("budgets:add", args=[coming.pk])
    given = {**WORDS, "cost_pence": "7500", "exclusive": ""}
    wrong = {
        "Six benches: 5400": "These lines come to £5,400, and the idea costs £7,500",
        "Six benches": "This one is not: Six benches",
        "Six benches: none": "This one is not: Six benches: none",
        ": 7500": "This one is not: : 7500",
        "\n".join(f"Bench {n}: 1" for n in range(21)): "Twenty lines are enough",
    }
    for lines, words in wrong.items():
        page = visit(add, data={**given, "cost_lines": lines})
        assert page.title.startswith("Mistake:")
        assert words in page.text
    assert not Project.objects.exists()
    visit(add, data={**given, "cost_lines": "Six benches: £5,400\n\nSetting them: 2,100.00"})
    project = Project.objects.get()
    assert [line["pence"] for line in project.cost_lines] == [5_400_00, 2_100_00]
    page = visit(reverse("budgets:change_project", args=[project.pk]))
    assert "Six benches: £5,400" in page.text


def test_what_a_moderator_hid_is_told_nowhere_but_its_name_and_cost(
    coming, leader, seen_by, visit, client
) -> None:
    proposal = world.a_proposal(coming.challenge, cost_pence=7_500_00)
    project = actions.add_project(
        viewer=seen_by(leader), pot_id=coming.pk, proposal=proposal, cost_pence=7_500_00,
        cost_lines=[{"what": "Six benches", "pence": 7_500_00}], **WORDS,
    )  # fmt: skip
    type(proposal).objects.filter(pk=proposal.pk).update(status="hidden", hidden_reason="private")
    page = visit(project.get_absolute_url())
    told = client.get(f"/api/projects/{project.pk}").content.decode()
    assert WORDS["title"] in page.text
    assert "A moderator hid the words of this idea." in page.text
    for name in ("summary", "outcome", "run_by", "cost_note"):
        assert WORDS[name] not in page.text, name
        assert WORDS[name] not in told, name
    assert "Six benches" not in page.text + told


# --- ideas that exclude each other, and their order


def test_ideas_of_which_one_can_win_say_so_wherever_they_stand(
    coming, leader, seen_by, visit
) -> None:
    for name in ("A café", "A tool library"):
        actions.add_project(
            viewer=seen_by(leader), pot_id=coming.pk, title=name, summary="In the old kiosk.",
            cost_pence=10_000_00, exclusive="The old kiosk",
        )  # fmt: skip
    first = coming.projects.first()
    assert first is not None
    preview = reverse("budgets:preview", args=[coming.preview])
    for address in (coming.get_absolute_url(), first.get_absolute_url(), preview):
        assert "At most one wins of: The old kiosk" in visit(address).text, address


def test_a_slip_in_the_word_parts_no_ideas_and_one_that_stands_alone_is_told(
    coming, leader, seen_by, visit, signed_in
) -> None:
    made = [
        actions.add_project(
            viewer=seen_by(leader), pot_id=coming.pk, title=f"Idea {word}", summary="In the kiosk.",
            cost_pence=10_000_00, exclusive=word,
        )
        for word in ("The old kiosk", " the  OLD kiosk ", "The old kiosque", "")
    ]  # fmt: skip
    words = ["The old kiosk", "The old kiosk", "The old kiosque", ""]
    assert list(coming.projects.order_by("pk").values_list("exclusive", flat=True)) == words
    signed_in(leader, second_factor=True)
    check = reverse("budgets:check", args=[coming.pk])
    page = visit(check)
    assert "“Idea The old kiosque” excludes no other idea" in page.text
    assert page.text.count("excludes no other idea") == 1
    actions.change_project(
        viewer=seen_by(leader),
        project_id=made[2].pk,
        cost_pence=10_000_00,
        exclusive="the old KIOSK",
    )
    assert "excludes no other idea" not in visit(check).text
    assert coming.projects.filter(exclusive="The old kiosk").count() == 3


def test_a_fixed_order_is_the_same_for_everybody_and_is_said(
    challenge, community, seen_by, visit
) -> None:
    pot = world.a_pot(challenge, costs=tuple(range(1_00, 9_00, 1_00)), order_is_fixed=True)
    fixed = list(pot.projects.order_by("pk"))
    for _n in range(5):
        person = world.a_person(community)
        assert queries.projects_for(seen_by(person), pot) == fixed
    assert "The order is the same for everybody." in visit(pot.get_absolute_url()).text
    Pot.objects.filter(pk=pot.pk).update(order_is_fixed=False)
    assert "The order is drawn by lot for each person." in visit(pot.get_absolute_url()).text


# --- pictures


def test_a_picture_is_drawn_anew_and_says_what_it_shows(
    benches, leader, visit, signed_in, client
) -> None:
    signed_in(leader, second_factor=True)
    add = reverse("budgets:add_picture", args=[benches.pk])
    exif = Image.Exif()
    exif[0x010E] = "Taken at Omar’s house"
    image = an_image((2400, 1600), exif=exif, comment=b"secret comment")
    page = visit(add, data={"file": uploaded(image), "alt": ""})
    assert page.title.startswith("Mistake:")
    visit(add, data={"file": uploaded(image), "alt": "Two benches in the sun"})
    picture = Picture.objects.get()
    assert (picture.width, picture.height) == (1200, 800)
    everybody = Client()
    address = reverse("budgets:picture", args=[picture.pk])
    for size in ("", "?size=small"):
        answer = everybody.get(f"{address}{size}")
        assert answer["Content-Type"] == "image/jpeg"
        content = answer.content
        for trace in (b"Omar", b"secret", b"Exif"):
            assert trace not in content
        with Image.open(BytesIO(content)) as drawn:
            assert max(drawn.size) == (480 if size else 1200)
    page = visit(benches.get_absolute_url(), client=everybody)
    assert 'alt="Two benches in the sun"' in page.html
    assert f"{address}?size=small 480w" in page.html
    told = everybody.get(f"/api/projects/{benches.pk}").json()
    assert [one["alt"] for one in told["pictures"]] == ["Two benches in the sun"]


@pytest.mark.parametrize(
    "content",
    [b"", b"GIF89a", b"<svg onload=alert(1)>", an_image()[:200], an_image(kind="GIF"), b"\0" * 5000],
)  # fmt: skip
def test_what_is_no_picture_is_refused_with_words(
    benches, leader, visit, signed_in, content
) -> None:
    signed_in(leader, second_factor=True)
    add = reverse("budgets:add_picture", args=[benches.pk])
    page = visit(add, data={"file": uploaded(content), "alt": "Nothing"})
    assert page.title.startswith("Mistake:")
    assert not Picture.objects.exists()


def test_five_pictures_are_enough(benches, leader, visit, signed_in) -> None:
    signed_in(leader, second_factor=True)
    add = reverse("budgets:add_picture", args=[benches.pk])
    for number in range(5):
        visit(add, data={"file": uploaded(an_image()), "alt": f"Bench {number}"})
    page = visit(add, data={"file": uploaded(an_image()), "alt": "One more"})
    assert "Five pictures are enough" in page.text
    assert Picture.objects.count() == 5


def test_a_picture_of_what_is_not_public_is_shown_to_nobody_but_with_the_link(
    benches, leader, seen_by, client, elsewhere
) -> None:
    Pot.objects.update(is_draft=True)
    picture = a_picture(benches, leader)
    address = reverse("budgets:picture", args=[picture.pk])
    assert client.get(address).status_code == 404
    for token in ("", "x", "%00", benches.pot.preview[:-1]):
        assert client.get(f"{address}?preview={token}").status_code == 404
    assert client.get(f"{address}?preview={benches.pot.preview}").status_code == 200
    assert sign_in(client, leader).get(address).status_code == 200
    Pot.objects.update(is_draft=False)
    assert Client().get(address).status_code == 200
    assert Client().get(address, headers={"host": "northmoor.localhost"}).status_code == 404


def a_picture(project: Project, person: Person, **given: Any) -> Picture:
    made: dict[str, Any] = {
        "alt": "A bench", "width": 4, "height": 3, "large": b"large", "small": b"small",
        "added_at": project.pot.created_at, "added_by": person,
    }  # fmt: skip
    return Picture.objects.create(project=project, **{**made, **given})


def test_a_picture_is_taken_down_in_public_once_voting_is_open(
    pot, leader, visit, signed_in, client
) -> None:
    project = pot.projects.first()
    picture = a_picture(project, leader)
    address = reverse("budgets:picture", args=[picture.pk])
    seen = Client()
    signed_in(leader, second_factor=True)
    remove = reverse("budgets:remove_picture", args=[picture.pk])
    add = reverse("budgets:add_picture", args=[project.pk])
    visit(add, data={"file": uploaded(an_image()), "alt": "New"}, status=409)
    page = visit(remove, data={"why": ""})
    assert page.title.startswith("Mistake:")
    assert seen.get(address).status_code == 200
    visit(remove, data={"why": "It shows a neighbour’s child."})
    assert seen.get(address).status_code == 404
    assert client.get(address).status_code == 200, "who runs the pot still sees what it was"
    page = visit(pot.get_absolute_url(), client=seen)
    assert "It showed: A bench" in page.text
    assert "It shows a neighbour’s child." in page.text
    assert Entry.objects.filter(what="project.corrected", is_public=True).count() == 1
    visit(remove, data={"why": "Twice."})
    assert Change.objects.count() == 1


# --- questions


def test_a_question_is_asked_answered_and_read_by_everybody(
    benches, resident, leader, visit, signed_in, client
) -> None:
    signed_in(resident)
    ask = reverse("budgets:ask", args=[benches.pk])
    page = visit(ask, data={"body": ""})
    assert page.title.startswith("Mistake:")
    visit(ask, data={"body": "Do they have backs?"})
    question = Question.objects.get()
    everybody = Client()
    page = visit(benches.get_absolute_url(), client=everybody)
    assert "Rosa asks" in page.text
    assert "Not answered yet." in page.text
    signed_in(leader, second_factor=True)
    assert "Do they have backs?" in visit("/desk/").text
    answer = reverse("budgets:answer", args=[question.pk])
    visit(answer, data={"answer": "All six."})
    page = visit(benches.get_absolute_url(), client=everybody)
    assert "All six." in page.text
    assert "Do they have backs?" not in visit("/desk/").text
    told = everybody.get(f"/api/projects/{benches.pk}").json()["questions"]
    assert (told[0]["body"], told[0]["answer"]) == ("Do they have backs?", "All six.")
    public = Entry.objects.filter(is_public=True, what__startswith="project.question")
    assert list(public.values_list("what", flat=True)) == ["project.question_answered"]


def test_who_has_to_sign_in_first_keeps_their_words(benches, resident, visit, client) -> None:
    ask = reverse("budgets:ask", args=[benches.pk])
    answer = client.post(ask, {"body": "Do they have backs?"})
    assert answer.status_code == 302
    assert "sign-in" in answer["Location"] or "login" in answer["Location"]
    assert not Question.objects.exists()
    page = visit(benches.get_absolute_url())
    assert "Do they have backs?" in page.text
    sign_in(client, resident)


def test_nobody_asks_once_voting_has_closed_nor_ten_times_an_hour(
    benches, resident, seen_by, visit, signed_in, now
) -> None:
    pot = benches.pot
    late = seen_by(resident, at=pot.closes_at)
    with pytest.raises(PermissionDenied):
        actions.ask_question(viewer=late, project_id=benches.pk, body="Still there?")
    with pytest.raises(PermissionDenied):
        actions.ask_question(viewer=seen_by(None), project_id=benches.pk, body="Who am I?")
    for number in range(10):
        actions.ask_question(viewer=seen_by(resident), project_id=benches.pk, body=f"{number}?")
    signed_in(resident)
    page = visit(reverse("budgets:ask", args=[benches.pk]), data={"body": "Eleven?"})
    assert "You asked ten questions in an hour" in page.text
    assert Question.objects.count() == 10
    later = seen_by(resident, at=now + timedelta(hours=1, seconds=1))
    actions.ask_question(viewer=later, project_id=benches.pk, body="Now?")


def test_a_moderator_hides_a_question_and_who_asked_sees_why(
    benches, resident, moderator, leader, seen_by, visit, signed_in, client
) -> None:
    asked = actions.ask_question(
        viewer=seen_by(resident), project_id=benches.pk, body="My neighbour at 4 is a thief."
    )
    with pytest.raises(PermissionDenied):
        actions.hide_question(viewer=seen_by(resident), question_id=asked.pk, reason="private")
    signed_in(moderator, second_factor=True)
    hide = reverse("budgets:hide_question", args=[asked.pk])
    page = visit(hide, data={"reason": ""})
    assert "Choose a reason" in page.text
    visit(hide, data={"reason": "private"})
    for person, sees in ((None, False), (leader, False), (resident, True), (moderator, True)):
        seen = Client() if person is None else sign_in(Client(), person, second_factor=True)
        page = visit(benches.get_absolute_url(), client=seen)
        assert "A moderator hid this question." in page.text
        assert ("is a thief" in page.text) == sees, person
    assert "thief" not in Client().get(f"/api/projects/{benches.pk}").content.decode()
    assert Entry.objects.filter(what="project.question_hidden", who=moderator).exists()
    visit(reverse("budgets:show_question", args=[asked.pk]), data={})
    assert "is a thief" in visit(benches.get_absolute_url(), client=Client()).text


def test_who_asked_takes_their_question_back_and_nobody_else_does(
    benches, resident, leader, seen_by, visit, signed_in
) -> None:
    asked = actions.ask_question(viewer=seen_by(resident), project_id=benches.pk, body="Backs?")
    for person in (leader, None):
        with pytest.raises(PermissionDenied):
            actions.remove_own_question(viewer=seen_by(person), question_id=asked.pk)
    signed_in(resident)
    assert "Take my question back" in visit(benches.get_absolute_url()).text
    visit(reverse("budgets:remove_question", args=[asked.pk]), data={})
    assert not Question.objects.exists()


def test_who_is_erased_takes_unanswered_questions_along_and_leaves_answered_ones_nameless(
    benches, resident, leader, seen_by, visit, now
) -> None:
    viewer = seen_by(resident)
    for body in ("Do they have backs?", "Who oils them?"):
        asked = actions.ask_question(viewer=viewer, project_id=benches.pk, body=body)
    actions.answer_question(viewer=seen_by(leader), question_id=asked.pk, answer="We do.")
    people.erase_person(viewer=viewer)
    page = visit(benches.get_absolute_url())
    assert "Who oils them?" in page.text
    assert "Do they have backs?" not in page.text
    assert "Rosa" not in page.text


@pytest.mark.parametrize("name", ["project", "ask", "picture", "answer", "hide_question"])
def test_numbers_that_nothing_has_are_not_found(leader, visit, signed_in, name) -> None:
    signed_in(leader, second_factor=True)
    data = {"body": "?"} if name == "ask" else None
    visit(reverse(f"budgets:{name}", args=[2**62]), data=data, status=404)
