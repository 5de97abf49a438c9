"""Pages of hearings: reading, commenting with and without an account, staff and moderators."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from commonweal.ground.people.models import Person
from commonweal.ground.places.models import Community, RoleKind
from commonweal.listen.hearings import actions
from commonweal.listen.hearings.models import Answer, Comment, Hearing, Passage, Report, Version
from tests.factories import hearings as made
from tests.factories import world
from tests.visit import Page, sign_in

pytestmark = pytest.mark.django_db
Visit = Callable[..., Page]
HOSTILE = '"><script>alert(1)</script> {{ 7777777|add:770077 }} \u202egnp.exe =1+1 **x** [a](javascript:alert(1))'


@pytest.fixture(autouse=True)
def _nobody_tried() -> None:
    cache.clear()


@pytest.fixture
def hearing(community: Community) -> Hearing:
    return made.a_hearing(community)


@pytest.fixture
def clerk(community: Community) -> Client:
    """Return the browser of somebody who leads and moderates."""
    person = world.a_person(
        world.root(community.authority), role=RoleKind.ADMINISTRATOR, name="Ada"
    )  # type: ignore[arg-type]
    return sign_in(Client(), person, second_factor=True)


def passage_page(hearing: Hearing, number: int = 2, version: int = 1) -> str:
    return f"/hearings/{hearing.pk}/versions/{version}/passages/{number}/"


WORDS = {"stance": "change", "body": "Eight would be better.", "wording": "Eight trees"}


def test_everyone_reads_the_document_with_numbers_contents_and_counts(
    visit: Visit, hearing: Hearing, resident: Person
) -> None:
    made.a_comment(hearing, resident, number=3)
    page = visit(hearing.get_absolute_url())
    assert page.ids["passage-3"] == 1
    assert "Six trees are planted" in page.text
    assert "1 comment on passage 3" in page.text
    assert "#passage-1" in page.links, "the list of contents leads to the heading"
    assert passage_page(hearing, 3) in page.links
    assert "The cabinet, on 3 March." in page.text


def test_a_long_document_comes_in_parts_and_each_passage_has_its_address(
    visit: Visit, community: Community
) -> None:
    text = "\n\n".join(f"# Part {n}\n\nWords of {n}." for n in range(130))
    hearing = made.a_hearing(community, text=text)
    first = visit(hearing.get_absolute_url())
    assert (first.ids["passage-100"], first.ids["passage-101"]) == (1, 0)
    assert "?passage=201#passage-201" in first.links
    there = visit(f"{hearing.get_absolute_url()}?passage=201")
    assert there.ids["passage-201"] == 1
    assert visit(f"{hearing.get_absolute_url()}?part=99").ids["passage-260"] == 1
    for broken in ("0", "-1", "x", "9" * 30, "٣"):
        assert visit(f"{hearing.get_absolute_url()}?passage={broken}").ids["passage-1"] == 1


def test_headings_leave_no_step_out(visit: Visit, community: Community) -> None:
    hearing = made.a_hearing(
        community, text="### Deep\n\nA.\n\n# Top\n\nB.\n\n###### Deepest\n\nC."
    )
    page = visit(hearing.get_absolute_url())
    assert re.findall(r"<h(\d) dir", page.html) == ["3", "3", "4"]


def test_a_resident_comments_and_sees_it_stand(
    visit: Visit, signed_in: Callable[..., Client], hearing: Hearing, resident: Person
) -> None:
    signed_in(resident)
    page = visit(passage_page(hearing), data=WORDS)
    assert "Your words stand here now" in page.text
    assert "Eight would be better." in page.text
    said = Comment.objects.get()
    assert (said.stance, said.wording, said.standing) == ("change", "Eight trees", "resident")
    thread = visit(passage_page(hearing))
    assert "I would change it: 1" in thread.html
    again = visit(passage_page(hearing), data=WORDS)
    assert Comment.objects.count() == 1, "sent twice it is one"
    assert "Eight would be better." in again.text


def test_a_mistake_keeps_what_was_typed(
    visit: Visit, signed_in: Callable[..., Client], hearing: Hearing, resident: Person
) -> None:
    signed_in(resident)
    page = visit(passage_page(hearing), data={"body": "Only words"})
    assert "Choose how you stand to it" in page.text
    assert "Only words" in page.html
    blank = visit(passage_page(hearing), data={"stance": "support", "body": "\u200b \u2066"})
    assert "Write a few words" in blank.text
    long = visit(passage_page(hearing), data={"stance": "support", "body": "x" * 5001})
    assert "This is 5001 letters long. Keep it to 5000." in long.text
    assert not Comment.objects.exists()


def test_words_survive_the_sign_in(
    visit: Visit, client: Client, hearing: Hearing, resident: Person
) -> None:
    answer = client.post(passage_page(hearing), WORDS)
    assert answer["Location"].startswith("/account/sign-in/")
    sign_in(client, resident)
    page = visit(passage_page(hearing))
    assert "Eight would be better." in page.html
    assert re.search(r'value="change"[^>]* checked', page.html)
    visit(passage_page(hearing), data=WORDS)
    assert "Eight would be better.</textarea>" not in visit(passage_page(hearing)).html


def test_words_for_a_closed_hearing_are_kept_and_it_says_so(
    visit: Visit, signed_in: Callable[..., Client], hearing: Hearing, resident: Person
) -> None:
    signed_in(resident)
    Hearing.objects.update(closes_at=timezone.now() - timedelta(seconds=5))
    page = visit(passage_page(hearing), data=WORDS, status=409)
    assert "The hearing closed at" in page.text
    assert "Eight would be better.</textarea>" in page.html
    assert not Comment.objects.exists()
    assert "<textarea" not in visit(passage_page(hearing)).html


def test_words_for_an_older_version_are_kept_and_lead_to_the_newest(
    visit: Visit, signed_in: Callable[..., Client], hearing: Hearing, resident: Person
) -> None:
    made.a_version(hearing, made.TEXT, number=2, why="Trees.", published_at=timezone.now())
    signed_in(resident)
    page = visit(passage_page(hearing), data=WORDS, status=409)
    assert "This is an older version" in page.text
    assert "Eight would be better.</textarea>" in page.html
    assert hearing.get_absolute_url() in page.links
    assert not Comment.objects.exists()


def test_somebody_who_does_not_belong_is_told_how_and_keeps_their_words(
    visit: Visit, signed_in: Callable[..., Client], community: Community
) -> None:
    hearing = made.a_hearing(community, reach="place")
    signed_in(world.a_person())
    page = visit(passage_page(hearing), data=WORDS, status=409)
    assert "Join Quayside" in page.text
    assert "Eight would be better.</textarea>" in visit(passage_page(hearing)).html


def test_a_guest_comments_waits_and_can_take_it_back(
    visit: Visit, client: Client, clerk: Client, community: Community
) -> None:
    hearing = made.a_hearing(community, reach="everyone")
    page = visit(passage_page(hearing), data={**WORDS, "name": "Gwen"})
    assert "A moderator reads it first" in page.text
    said = Comment.objects.get()
    assert (said.state, said.name, said.person) == ("waiting", "Gwen", None)
    visit(said.get_absolute_url(), client=Client(), status=404)
    assert "Eight would be better." not in visit(passage_page(hearing), client=Client()).text
    assert "Eight would be better." in visit(passage_page(hearing)).text
    queue = visit(f"/hearings/{hearing.pk}/moderation/", client=clerk)
    assert "Eight would be better." in queue.text
    visit(
        f"/hearings/{hearing.pk}/moderation/",
        client=clerk,
        data={"comment": [said.pk], "do": "show"},
    )
    assert "Gwen" in visit(passage_page(hearing), client=Client()).text
    visit(f"{said.get_absolute_url()}remove/", data={}, client=Client(), status=403)
    visit(f"{said.get_absolute_url()}remove/", data={})
    assert not Comment.objects.exists()


def test_a_guest_who_signs_in_is_asked_and_puts_it_under_their_account(
    visit: Visit, client: Client, community: Community, resident: Person
) -> None:
    hearing = made.a_hearing(community, reach="everyone")
    visit(passage_page(hearing), data=WORDS)
    said = Comment.objects.get()
    sign_in(client, resident)
    came_back = visit(said.get_absolute_url())
    assert "in this browser before, without an account" in came_back.text
    assert f"/hearings/{hearing.pk}/adopt/" in [form.get("action") for form in came_back.forms]
    done = visit(f"/hearings/{hearing.pk}/adopt/", data={"do": "adopt"})
    assert "under your account now: 1" in done.text
    assert "in this browser before" not in visit(hearing.get_absolute_url()).text
    assert "Eight would be better." in visit(said.get_absolute_url()).text
    assert Comment.objects.get().person == resident
    again = visit(f"/hearings/{hearing.pk}/adopt/", data={"do": "adopt"})
    assert "Nothing was said in this browser" in again.text


def test_somebody_else_at_the_same_browser_leaves_what_the_guest_said(
    visit: Visit, client: Client, community: Community, resident: Person
) -> None:
    hearing = made.a_hearing(community, reach="everyone")
    visit(passage_page(hearing), data=WORDS)
    sign_in(client, resident)
    left = visit(f"/hearings/{hearing.pk}/adopt/", data={"do": "leave"})
    assert "This browser has forgotten it." in left.text
    assert "in this browser before" not in visit(hearing.get_absolute_url()).text
    assert Comment.objects.get().person is None


def test_a_network_without_an_account_is_slowed_down_and_keeps_its_words(
    visit: Visit, community: Community
) -> None:
    hearing = made.a_hearing(community, reach="everyone")
    for n in range(30):
        visit(
            passage_page(hearing), data={**WORDS, "body": f"Word {n}"}, client=Client(), check=False
        )
    page = visit(passage_page(hearing), data={**WORDS, "body": "One more"}, status=409)
    assert "Very much was said from your network" in page.text
    assert "One more</textarea>" in page.html
    assert Comment.objects.count() == 30


def test_replies_stand_under_the_comment(
    visit: Visit, signed_in: Callable[..., Client], hearing: Hearing, resident: Person
) -> None:
    said = made.a_comment(hearing, world.a_person(name="Neville"))
    signed_in(resident)
    page = visit(said.get_absolute_url(), data={"body": "Why is that?"})
    assert "Why is that?" in page.text
    reply = Comment.objects.get(parent=said)
    thread = visit(passage_page(hearing))
    assert thread.ids[f"comment-{reply.pk}"] == 1
    for n in range(5):
        made.a_comment(hearing, resident, parent=said, body=f"Reply {n}", stance="neither")
    assert "See all 6 replies" in visit(passage_page(hearing)).text


def test_people_agree_and_the_most_agreed_come_first(
    visit: Visit, signed_in: Callable[..., Client], hearing: Hearing, resident: Person
) -> None:
    liked = made.a_comment(
        hearing, world.a_person(), body="Liked", written_at=timezone.now() - timedelta(hours=1)
    )
    made.a_comment(hearing, world.a_person(), body="Newer")
    signed_in(resident)
    page = visit(f"{liked.get_absolute_url()}agree/", data={"back": "thread"})
    assert page.text.index("Liked") < page.text.index("Newer")
    assert "You agree" in page.text
    newest = visit(f"{passage_page(hearing)}?order=newest")
    assert newest.text.index("Newer") < newest.text.index("Liked")
    visit(f"{liked.get_absolute_url()}agree/", data={"do": "no"})
    assert not liked.agreements.exists()


def test_a_hidden_comment_says_so_and_why_at_its_place(
    visit: Visit,
    signed_in: Callable[..., Client],
    clerk: Client,
    hearing: Hearing,
    resident: Person,
) -> None:
    said = made.a_comment(hearing, resident, body="Buy my bricks.")
    visit(f"{said.get_absolute_url()}hide/", data={"reason": "advert"}, client=clerk)
    page = visit(passage_page(hearing))
    assert "A moderator hid this comment. The reason: It sells something." in page.text
    assert "Buy my bricks." not in page.text
    assert "Buy my bricks." not in visit(f"/hearings/{hearing.pk}/comments/").text
    signed_in(resident)
    assert "Buy my bricks." in visit(said.get_absolute_url()).text


def test_bulk_needs_a_tick_and_a_reason_and_keeps_both(
    visit: Visit, clerk: Client, community: Community, resident: Person
) -> None:
    hearing = made.a_hearing(community, checks_first=True)
    said = [made.a_comment(hearing, resident, body=f"Word {n}", state="waiting") for n in range(3)]
    place = f"/hearings/{hearing.pk}/moderation/"
    assert "Tick a comment first" in visit(place, data={"do": "show"}, client=clerk).text
    page = visit(place, data={"do": "hide", "comment": [said[0].pk]}, client=clerk)
    assert "Choose a reason" in page.text
    assert re.search(rf'id="pick-{said[0].pk}" checked', page.html)
    done = visit(
        place,
        data={"do": "hide", "comment": [s.pk for s in said], "reason": "unkind"},
        client=clerk,
    )
    assert "3 comments are hidden" in done.text
    log = clerk.get(f"{place}log/")
    rows = list(csv.DictReader(io.StringIO(b"".join(log.streaming_content).decode())))  # type: ignore[attr-defined]
    assert [(row["decision"], row["reason"], row["who"]) for row in rows] == [
        ("hidden", "unkind", "Ada")
    ] * 3


def test_anyone_reports_and_a_moderator_sees_it(
    visit: Visit, clerk: Client, hearing: Hearing, resident: Person
) -> None:
    said = made.a_comment(hearing, resident)
    visit(
        f"{said.get_absolute_url()}report/", data={"reason": "private", "words": "It names my son."}
    )
    assert Report.objects.count() == 1
    page = visit(f"/hearings/{hearing.pk}/moderation/", client=clerk)
    assert "Reported: It tells something private about a person" in page.text
    assert "It names my son." in page.text
    assert "1 comment waits for a moderator" in visit("/desk/", client=clerk).text


def test_own_words_are_put_right(
    visit: Visit, signed_in: Callable[..., Client], hearing: Hearing, resident: Person
) -> None:
    said = made.a_comment(hearing, resident)
    signed_in(resident)
    page = visit(
        f"{said.get_absolute_url()}change/", data={"stance": "oppose", "body": "No trees."}
    )
    assert "Your words are changed." in page.text
    Comment.objects.update(written_at=timezone.now() - timedelta(hours=2))
    late = visit(f"{said.get_absolute_url()}change/", data={"stance": "oppose", "body": "Some."})
    assert "It is too late" in late.text
    assert "Some.</textarea>" in late.html


def test_staff_set_up_a_hearing_from_a_text_in_three_steps(
    visit: Visit, clerk: Client, community: Community
) -> None:
    opens = timezone.localtime() - timedelta(hours=1)
    given = {
        "community": community.pk, "title": "Trees", "about": "Why", "decides": "The cabinet",
        "opens_at": f"{opens:%Y-%m-%dT%H:%M}", "closes_at": f"{opens + timedelta(days=9):%Y-%m-%dT%H:%M}",
        "reach": "everyone", "level": "1",
    }  # fmt: skip
    page = visit("/hearings/new/", data={**given, "closes_at": given["opens_at"]}, client=clerk)
    assert "It has to close after it opens" in page.text
    visit("/hearings/new/", data=given, client=clerk)
    hearing = Hearing.objects.get()
    page = visit(f"/hearings/{hearing.pk}/document/", data={"text": made.TEXT}, client=clerk)
    assert "The text fell into 6 passages" in page.text
    assert not visit("/hearings/", client=Client()).text.count("Trees")
    second = Passage.objects.get(number=2)
    parts = {"text": "One.\n\nTwo.", "kind": "paragraph", "level": "1", "label": ""}
    visit(f"/hearings/drafts/{second.pk}/", data=parts, client=clerk)
    visit(f"/hearings/drafts/{Passage.objects.get(number=3).pk}/join/", data={}, client=clerk)
    assert Passage.objects.get(number=2).text == "One. Two."
    page = visit(f"/hearings/{hearing.pk}/check/", data={}, client=clerk)
    assert "Everyone can read it now." in page.text
    assert "Trees" in visit("/hearings/", client=Client()).text
    assert "Trees" in visit("/", client=Client()).text


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (
            {"text_file": ("plan.txt", "# Plän\n\nWörter.".encode("cp1252"))},
            "The text fell into 2 passages",
        ),
        (
            {"text_file": ("plan.md", "\ufeff# Plan\n\nWords.".encode())},
            "The text fell into 2 passages",
        ),
        (
            {"text_file": ("plan.txt", "Plan\n\nWords.".encode("utf-16"))},
            "The text fell into 2 passages",
        ),
        ({"text_file": ("plan.docx", b"PK\x03\x04\x00\x00\xff")}, "This is not plain text"),
        ({"original": ("plan.pdf", b"MZ not a pdf")}, "This is not a PDF"),
        ({"original": ("plan.pdf", b"%PDF-1.7 " + b"x" * 10_000_001)}, "larger than 10 MB"),
        ({}, "Paste the text, or choose a file"),
        ({"text": "\u200b"}, "There is no word in this text"),
        ({"text": "Word.\n\n" * 10_000}, "This text falls into 10,000 passages"),
        ({"text": "A.", "text_file": ("a.txt", b"B.")}, "Paste a text or upload one, not both"),
    ],
)
def test_documents_of_every_sort_are_taken_or_refused_in_words(
    visit: Visit, clerk: Client, community: Community, files: dict[str, Any], words: str
) -> None:
    hearing = made.a_hearing(community, published_at=None, text="Old words.")
    sent = {
        name: SimpleUploadedFile(*given) if isinstance(given, tuple) else given
        for name, given in files.items()
    }
    page = visit(f"/hearings/{hearing.pk}/document/", data=sent, client=clerk)
    assert words in page.text


def test_the_original_is_handed_out_as_it_was_given(
    visit: Visit, clerk: Client, client: Client, community: Community
) -> None:
    hearing = made.a_hearing(community, published_at=None)
    content = b"%PDF-1.7\n1 0 obj\n%%EOF\n"
    pdf = SimpleUploadedFile('../../"plan\n.pdf', content)
    visit(f"/hearings/{hearing.pk}/document/", data={"original": pdf}, client=clerk)
    place = f"/hearings/{hearing.pk}/versions/1/original/"
    visit(place, client=client, status=404)
    visit(f"/hearings/{hearing.pk}/check/", data={}, client=clerk)
    answer = client.get(place)
    assert answer.content == content
    assert answer["Content-Type"] == "application/pdf"
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "Download the original" in visit(hearing.get_absolute_url()).text


def test_a_letter_is_entered_and_stands_with_the_others(
    visit: Visit, clerk: Client, hearing: Hearing
) -> None:
    today = timezone.localdate()
    given = {
        "channel": "letter", "received_on": f"{today}", "name": "Ida", "standing": "carer",
        "passage": "3", "stance": "oppose", "body": "No trees.", "wording": "",
    }  # fmt: skip
    place = f"/hearings/{hearing.pk}/enter/"
    assert (
        "still to come"
        in visit(
            place, data={**given, "received_on": f"{today + timedelta(days=1)}"}, client=clerk
        ).text
    )
    assert (
        "no passage with this number"
        in visit(place, data={**given, "passage": "99"}, client=clerk).text
    )
    assert (
        "no passage with this number"
        in visit(place, data={**given, "passage": "9" * 18}, client=clerk).text
    )
    page = visit(place, data=given, client=clerk)
    assert "By letter" in page.text
    assert "Ida" in visit(passage_page(hearing, 3)).text


def test_answers_results_and_downloads(
    visit: Visit, clerk: Client, client: Client, hearing: Hearing, resident: Person
) -> None:
    said = made.a_comment(
        hearing, resident, number=3, stance="change", wording="Eight trees", body="=1+1"
    )
    made.a_comment(hearing, None, number=None, channel="letter", received_on=timezone.localdate(),
                   entered_by=resident, stance="oppose")  # fmt: skip
    assert (
        "2 comments without an answer"
        in visit(f"/hearings/{hearing.pk}/answering/", client=clerk).text
    )
    visit(
        f"{said.get_absolute_url()}answer/",
        data={"status": "taken-up", "words": "Eight it is."},
        client=clerk,
    )
    one = hearing.versions.get().passages.get(number=4)
    visit(
        f"/hearings/passages/{one.pk}/answer/",
        data={"status": "not-taken-up", "words": "The law."},
        client=clerk,
    )
    assert Answer.objects.count() == 2
    assert "The answer: Taken up" in visit(said.get_absolute_url()).text
    assert "The answer: Not taken up" in visit(passage_page(hearing, 4)).text
    assert "Answered" in visit(hearing.get_absolute_url()).text
    early = visit(f"/hearings/{hearing.pk}/conclude/", data={"words": "Done."}, client=clerk)
    assert "still to close" in early.text and "Done.</textarea>" in early.html
    Hearing.objects.update(closes_at=timezone.now() - timedelta(hours=1))
    visit(f"/hearings/{hearing.pk}/conclude/", data={"words": "We heard you."}, client=clerk)
    page = visit(f"/hearings/{hearing.pk}/results/")
    assert "We heard you." in page.text
    assert "Eight trees" in page.text
    assert "By letter" in page.text
    table = client.get(f"/hearings/{hearing.pk}/results/comments/")
    rows = list(csv.DictReader(io.StringIO(b"".join(table.streaming_content).decode())))  # type: ignore[attr-defined]
    assert [(r["passage"], r["stance"], r["words"], r["answer"]) for r in rows] == [
        ("3", "change", "'=1+1", "taken-up"), ("", "oppose", "I walk there every day.", ""),
    ]  # fmt: skip
    counts = client.get(f"/hearings/{hearing.pk}/results/passages/")
    (row,) = csv.DictReader(io.StringIO(b"".join(counts.streaming_content).decode()))  # type: ignore[attr-defined]
    assert (row["passage"], row["change"], row["support"]) == ("3", "1", "0")
    whole = client.get(f"/hearings/{hearing.pk}/results/json/").json()
    assert [c["words"] for c in whole["comments"]] == ["=1+1", "I walk there every day."]
    pdf = client.get(f"/hearings/{hearing.pk}/results/print/")
    assert pdf.content.startswith(b"%PDF-")


def test_programs_read_it_too(client: Client, hearing: Hearing, resident: Person) -> None:
    made.a_comment(hearing, resident, number=3)
    made.a_comment(hearing, resident, number=3, state="hidden", reason="advert", body="Secret")
    made.a_comment(hearing, resident, number=3, state="waiting", body="Secret")
    base = f"/api/hearings/{hearing.pk}"
    assert client.get("/api/hearings").json()["items"][0]["comments"] == 1
    assert client.get(base).json()["decides"] == "The cabinet, on 3 March."
    rows = client.get(f"{base}/passages").json()["items"]
    assert [(r["number"], r["support"]) for r in rows][:3] == [(1, 0), (2, 0), (3, 1)]
    said = client.get(f"{base}/comments?passage=3&stance=support").json()
    assert [c["author"] for c in said["items"]] == ["Rosa"]
    assert "Secret" not in client.get(f"{base}/comments").content.decode()


def test_staff_withdraw_a_hearing_and_its_pages_say_why_and_whom_to_ask(
    visit: Visit, clerk: Client, hearing: Hearing, resident: Person
) -> None:
    hearing.authority.email = "listen@larkmere.example"
    hearing.authority.save(update_fields=["email"])
    said = made.a_comment(hearing, resident, body="Keep the limes.")
    address = f"/hearings/{hearing.pk}/withdraw/"
    asked = visit(address, client=clerk)
    assert "you can put it back" in asked.text
    nothing = visit(address, client=clerk, data={"reading": "read"})
    assert "Say why: people gave their time" in nothing.text
    done = visit(
        address,
        client=clerk,
        data={"why": f"Wrong draft. {HOSTILE}", "reading": "read"},
        check=False,
    )
    assert "Put it back" in done.text
    page = visit(hearing.get_absolute_url(), check=False)
    assert "This hearing was withdrawn on" in page.text
    assert "Wrong draft." in page.text
    assert "<script>alert" not in page.html
    assert "mailto:listen@larkmere.example" in page.links
    assert "Six trees are planted" in page.text
    thread = visit(passage_page(hearing))
    assert "takes no comments" in thread.text
    assert "Keep the limes." in thread.text
    assert "Withdrawn on" in visit("/hearings/").text
    assert "Withdrawn on" in visit(f"/hearings/{hearing.pk}/results/", check=False).text
    late = visit(passage_page(hearing), data=WORDS, client=sign_in(Client(), resident), status=409)
    assert "Eight would be better." in late.html, "words that come too late are kept"
    assert "takes no comments" in late.text
    back = visit(f"/hearings/{hearing.pk}/put-back/", client=clerk)
    assert "as it was" in back.text
    visit(f"/hearings/{hearing.pk}/put-back/", client=clerk, data={})
    assert "withdrawn" not in visit(hearing.get_absolute_url()).text
    assert "Keep the limes." in visit(said.get_absolute_url()).text


def test_what_is_withheld_is_for_staff_alone_and_people_read_their_own_words(
    visit: Visit, clerk: Client, hearing: Hearing, resident: Person
) -> None:
    said = made.a_comment(hearing, resident, body="Keep the limes.")
    made.a_comment(
        hearing,
        None,
        body="A private thing.",
        channel="letter",
        received_on=said.written_at.date(),
        entered_by=resident,
    )
    visit(
        f"/hearings/{hearing.pk}/withdraw/", client=clerk,
        data={"why": "It names somebody.", "reading": "withheld"},
    )  # fmt: skip
    within = (
        passage_page(hearing), f"/hearings/{hearing.pk}/comments/", said.get_absolute_url(),
        f"/hearings/{hearing.pk}/versions/1/", f"/hearings/{hearing.pk}/versions/1/whole/",
        f"/hearings/{hearing.pk}/results/", f"/hearings/{hearing.pk}/results/comments/",
        f"/hearings/{hearing.pk}/results/passages/", f"/hearings/{hearing.pk}/results/json/",
        f"/hearings/{hearing.pk}/results/print/", f"/hearings/{hearing.pk}/versions/1/original/",
        f"{said.get_absolute_url()}report/",
    )  # fmt: skip
    pages = [visit(hearing.get_absolute_url()), *(visit(one, status=410) for one in within)]
    for page in pages:
        assert "It names somebody." in page.text
        assert "Keep the limes." not in page.html
        assert "A private thing." not in page.html
        assert "Six trees" not in page.html
    mine = visit(said.get_absolute_url(), client=sign_in(Client(), resident), status=410)
    assert "Keep the limes." in mine.text
    assert "A private thing." not in mine.html
    for one in (hearing.get_absolute_url(), passage_page(hearing, 3), said.get_absolute_url()):
        assert (
            "Six trees" in visit(one, client=clerk).html
            or "Keep the limes." in visit(one, client=clerk).html
        )
    api = Client()
    assert api.get(f"/api/hearings/{hearing.pk}").json()["withdrawn_why"] == "It names somebody."
    assert api.get(f"/api/hearings/{hearing.pk}/comments").status_code == 404
    assert api.get(f"/api/hearings/{hearing.pk}/passages").status_code == 404


def test_a_revised_document_shows_what_changed_and_keeps_the_old(
    visit: Visit, clerk: Client, hearing: Hearing, resident: Person
) -> None:
    said = made.a_comment(hearing, resident, number=3, body="Nine, I say.")
    visit(
        f"{said.get_absolute_url()}answer/",
        data={"status": "taken-up", "words": "Nine it is."},
        client=clerk,
    )
    new = made.TEXT.replace("Six", "Nine")
    visit(f"/hearings/{hearing.pk}/document/", data={"text": new}, client=clerk)
    assert "Nine trees" not in visit(hearing.get_absolute_url()).text
    refused = visit(f"/hearings/{hearing.pk}/check/", data={"why": ""}, client=clerk)
    assert "Say in a few sentences what changed, and why" in refused.text
    visit(f"/hearings/{hearing.pk}/check/", data={"why": "You asked for more trees."}, client=clerk)
    page = visit(hearing.get_absolute_url())
    assert "Nine trees" in page.text and "You asked for more trees." in page.text
    changes = visit(f"/hearings/{hearing.pk}/versions/2/changes/")
    assert "Passage 3 changed" in changes.text
    assert "<del>" in changes.html and "<ins>" in changes.html
    assert "Nine it is." in changes.text
    old = visit(f"/hearings/{hearing.pk}/versions/1/")
    assert "Six trees" in old.text
    assert "Nine, I say." in visit(passage_page(hearing, 3)).text
    assert visit(f"/hearings/{hearing.pk}/versions/1/changes/").ids["passage-3"] == 1, (
        "nothing came before it"
    )
    visit(f"/hearings/{hearing.pk}/versions/3/", status=404)


def test_a_challenge_a_community_and_my_part_lead_to_it(
    visit: Visit, signed_in: Callable[..., Client], community: Community, resident: Person
) -> None:
    challenge = world.a_challenge(community.authority, community=community)  # type: ignore[arg-type]
    hearing = made.a_hearing(community, challenge=challenge)
    said = made.a_comment(hearing, resident)
    assert hearing.get_absolute_url() in visit(challenge.get_absolute_url()).links
    assert hearing.get_absolute_url() in visit(community.get_absolute_url()).links
    signed_in(resident)
    assert said.get_absolute_url() in visit("/me/").links


def test_what_people_write_is_only_ever_words(
    visit: Visit, signed_in: Callable[..., Client], community: Community, resident: Person
) -> None:
    hearing = made.a_hearing(
        community,
        title=HOSTILE[:120],
        text=f"# {HOSTILE}\n\n- {HOSTILE}\n\n| {HOSTILE} | b |\n|---|---|\n| c | {HOSTILE} |",
    )
    signed_in(resident)
    words = {"stance": "support", "body": HOSTILE, "wording": HOSTILE}
    visit(passage_page(hearing), data=words, check=False)
    for address in (
        hearing.get_absolute_url(), passage_page(hearing), f"/hearings/{hearing.pk}/results/",
        f"/hearings/{hearing.pk}/comments/?q=<script>", "/hearings/",
    ):  # fmt: skip
        page = visit(address, check=False)  # the left-over code in the words is theirs
        assert not [fault for fault in page.faults if "party" not in fault]
        assert "<script>alert" not in page.html
        assert "8547854" not in page.text
        assert "javascript:" not in " ".join(page.links)
    assert "<strong>x</strong>" in visit(hearing.get_absolute_url(), check=False).html


def test_a_document_of_500_passages_with_5000_comments_asks_little_and_stays_small(
    client: Client, community: Community, resident: Person
) -> None:
    text = "\n\n".join(
        f"# Part {n // 10}\n\nWords."
        if n % 10 == 0
        else f"{n}.1 A clause of the plan, with its words."
        for n in range(455)
    )
    hearing = made.a_hearing(community, text=text)
    version = Version.objects.get()
    passages = list(version.passages.order_by("number"))
    assert len(passages) >= 500
    Comment.objects.bulk_create(
        Comment(hearing=hearing, version=version, passage=passages[n % 500], person=resident,
                stance="support", body="I walk there.", state="shown", written_at=timezone.now())
        for n in range(5_000)
    )  # fmt: skip
    busy = passages[7]
    Comment.objects.filter(pk__in=list(Comment.objects.values_list("pk", flat=True)[:1500])).update(
        passage=busy
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE hearings_comment, hearings_passage")
    sign_in(client, resident)
    for address in (
        hearing.get_absolute_url(), f"{hearing.get_absolute_url()}?part=3", passage_page(hearing, busy.number),
        f"/hearings/{hearing.pk}/comments/", f"/hearings/{hearing.pk}/results/", "/hearings/",
    ):  # fmt: skip
        client.get(address)
        with CaptureQueriesContext(connection) as asked:
            answer = client.get(address)
        assert answer.status_code == 200
        assert len(asked) <= 12, [q["sql"][:200] for q in asked]
        assert len(answer.content) < 250_000, "parts and pages keep it readable on a phone"
    assert actions.note_moments(at=timezone.now()) == 1
