"""What people and staff see of conversations: every state, every step, few queries, kind words."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from commonweal.ground.places.models import Authority, RoleKind
from commonweal.listen.conversations import actions
from commonweal.listen.conversations.forms import DetailsForm, StatementsForm
from commonweal.listen.conversations.models import Conversation, State, Statement, Step
from commonweal.spread.updates import actions as updates
from commonweal.spread.updates.models import Because, Notice
from tests.factories import listen, world
from tests.visit import Page, sign_in
from tests.web.test_query_counts import asked_of

pytestmark = pytest.mark.django_db
Visit = Callable[..., Page]
STRANGE = "\u202eمرحبا 👩‍👩‍👧 <b>&amp;</b>"


@pytest.fixture
def running(authority: Authority) -> Conversation:
    """Return a conversation that is open, with a promise and three statements."""
    return listen.a_conversation(
        authority, statements=3, promised_by="The board", promised_on=timezone.localdate(),
        policy="Be kind.", challenge=world.a_challenge(authority),
    )  # fmt: skip


@pytest.fixture
def desk(leader) -> Client:
    """Return the browser of somebody who leads the whole authority."""
    return sign_in(Client(), leader, second_factor=True)


def moment(at: datetime) -> str:
    """Return a moment as a form takes it."""
    return f"{timezone.localtime(at):%Y-%m-%dT%H:%M}"


# --- for everybody


def test_the_list_says_kindly_that_there_is_nothing(visit: Visit, authority: Authority) -> None:
    assert "No conversation yet" in visit("/listen/").text
    assert "No conversation is like that" in visit("/listen/?q=swing").text


def test_the_list_is_grouped_and_paged(visit: Visit, authority: Authority, now: datetime) -> None:
    for _n in range(21):
        listen.a_conversation(authority)
    listen.a_conversation(authority, open=False)
    first, second = visit("/listen/"), visit("/listen/?page=2")
    assert "Open now" in first.text and "Page 1 of 2" in first.text
    assert "Closed" in second.text
    assert "Nobody has taken part yet" in first.text


def test_a_conversation_says_what_is_asked_and_what_happens(
    visit: Visit, running: Conversation
) -> None:
    page = visit(running.get_absolute_url())
    for words in (
        running.question, running.background, running.what_happens, "it takes about 5 minutes",
        "The board answers in public by", "Everyone, without an account", "Take part",
        "Be kind.", "Nobody has taken part yet",
    ):  # fmt: skip
        assert words in page.text, words
    assert f"{running.get_absolute_url()}vote/" in page.links
    assert f"{running.get_absolute_url()}map/" in page.links


def test_few_people_are_not_counted_out(visit: Visit, running: Conversation) -> None:
    for n, words in ((3, "Fewer than 5 people so far"), (5, "5 people have taken part")):
        while running.participants.count() < n:
            listen.a_participant(running)
        assert words in visit(running.get_absolute_url()).text


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"opens_at": 1, "closes_at": 9}, "Not open yet"),
        ({"closes_at": -1}, "This conversation is closed"),
        ({"closes_at": None}, "Listen: open"),
        ({"withdrawn_at": 0}, "This conversation was withdrawn"),
    ],
)
def test_each_state_has_its_words(
    visit: Visit, authority: Authority, now: datetime, given: dict[str, Any], words: str
) -> None:
    moments = {
        name: None if days is None else now + timedelta(days=days) for name, days in given.items()
    }
    found = listen.a_conversation(authority, statements=1, **moments)
    page = visit(found.get_absolute_url())
    assert words in page.text
    takes_part = f"{found.get_absolute_url()}vote/" in page.links
    assert takes_part == (given.get("closes_at", 0) is None)


def test_what_came_of_it_stands_first_once_it_is_answered(
    visit: Visit, running: Conversation, leader
) -> None:
    running.closes_at = timezone.now() - timedelta(days=1)
    running.save()
    page = visit(running.get_absolute_url())
    assert "The board has promised an answer by" in page.text
    assert "Nothing is answered yet" in visit(f"{running.get_absolute_url()}answers/").text
    for row in running.statements.all():
        row.answers.create(
            heed="doing", words=f"About {row.number}.", answered_at=timezone.now(),
            answered_by=leader,
        )  # fmt: skip
    page = visit(running.get_absolute_url())
    assert "3 statements have an answer" in page.text and "We are doing this" in page.text
    whole = visit(f"{running.get_absolute_url()}answers/?heed=doing")
    assert "About 1." in whole.text and "You said:" in whole.text
    assert (
        "No answer is of this kind" in visit(f"{running.get_absolute_url()}answers/?heed=done").text
    )
    visit(f"{running.get_absolute_url()}answers/?heed=nonsense")


def test_an_empty_conversation_is_a_page_like_any(visit: Visit, authority: Authority) -> None:
    bare = listen.a_conversation(authority, background="", what_happens="")
    visit(bare.get_absolute_url())
    visit(f"{bare.get_absolute_url()}answers/")
    assert "There is no statement yet" in visit(f"{bare.get_absolute_url()}statements/").text


def test_statements_are_found_sorted_and_paged(visit: Visit, running: Conversation) -> None:
    here = f"{running.get_absolute_url()}statements/"
    listen.a_statement(running, "Pwy sy’n dod i’r tŷ?", votes=9)
    for n in range(40):
        listen.a_statement(running, f"A {n} bus should come.")
    assert "44 statements" in visit(here).text and "Page 1 of 2" in visit(here).text
    visit(f"{here}?page=2")
    found = visit(f"{here}?q=TY")
    assert "1 statement found" in found.text and "9 people voted on it" in found.text
    assert "Nobody has said this yet" in visit(f"{here}?q=zzz").text
    most = visit(f"{here}?sort=votes").text
    assert most.index("Pwy") < most.index("bus")
    visit(f"{here}?sort=nonsense&q=%00&page=99")


def test_few_votes_on_a_statement_are_not_counted_out(visit: Visit, running: Conversation) -> None:
    Statement.objects.filter(conversation=running).update(votes=4)
    assert "voted on it" not in visit(f"{running.get_absolute_url()}statements/").text
    assert "voted on it" not in visit(running.statements.first().get_absolute_url()).text


def test_a_statement_tells_from_whom_it_is(visit: Visit, running: Conversation) -> None:
    first = running.statements.first()
    assert "From those who ask" in visit(first.get_absolute_url()).text
    author = listen.a_participant(running, standing="carer")
    said = listen.a_statement(running, STRANGE, author=author, is_first=False)
    page = visit(said.get_absolute_url())
    assert "Said as: Carer" in page.text and "مرحبا" in page.text
    assert "<b>" not in page.html.partition("<main")[2]


def test_a_merged_statement_leads_to_the_other(client: Client, running: Conversation) -> None:
    one, other = running.statements.order_by("number")[:2]
    Statement.objects.filter(pk=one.pk).update(state=State.MERGED, same_as=other)
    answer = client.get(one.get_absolute_url())
    assert (answer.status_code, answer["Location"]) == (302, other.get_absolute_url())


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (State.WAITING, "waits for a moderator"),
        (State.REJECTED, "did not let statement"),
        (State.TAKEN_BACK, "has taken it back"),
    ],
)
def test_what_is_not_shown_is_read_by_moderators_and_its_author_only(
    visit: Visit, running: Conversation, resident, moderator, leader, state: State, words: str
) -> None:
    author = listen.a_participant(running, resident)
    reason = "unkind" if state == State.REJECTED else ""
    said = listen.a_statement(
        running, "My neighbour is a fool.", author=author, is_first=False, state=state,
        reason=reason,
    )  # fmt: skip
    unproven = sign_in(Client(), moderator)
    for client in (Client(), sign_in(Client(), leader, second_factor=True), unproven):
        page = visit(said.get_absolute_url(), client=client, status=410)
        assert words in page.text and "fool" not in page.text
    for client in (
        sign_in(Client(), resident),
        sign_in(Client(), moderator, second_factor=True),
    ):
        page = visit(said.get_absolute_url(), client=client)
        assert "fool" in page.text
        assert ("It attacks somebody" in page.text) == (state == State.REJECTED)
    for address in (f"{running.get_absolute_url()}statements/", running.get_absolute_url()):
        assert "fool" not in visit(address).text
    assert "fool" not in visit(f"/api/conversations/{running.pk}/statements").html


def test_a_poster_holds_the_address_and_its_square(visit: Visit, running: Conversation) -> None:
    page = visit(f"{running.get_absolute_url()}poster/")
    assert f"testserver/listen/{running.pk}" in page.text
    assert "h1v1h-1z" in page.html


def test_the_challenge_and_the_front_page_name_it(visit: Visit, running: Conversation) -> None:
    for address in (
        running.challenge.get_absolute_url(),
        "/",
        running.community.get_absolute_url(),
    ):
        assert running.question in visit(address).text, address


# --- programs


def test_programs_read_what_is_public(client: Client, running: Conversation, leader) -> None:
    running.statements.get(number=2).answers.create(
        heed="done", words="Done.", answered_at=timezone.now(), answered_by=leader
    )
    listen.a_conversation(running.authority, is_draft=True)
    (row,) = client.get("/api/conversations").json()["items"]
    assert (row["question"], row["state"], row["people"]) == (running.question, "open", None)
    whole = client.get(f"/api/conversations/{running.pk}").json()
    assert whole["promised_by"] == "The board" and whole["statements"] == 3
    said = client.get(f"/api/conversations/{running.pk}/statements?size=2").json()
    assert said["count"] == 3 and [one["number"] for one in said["items"]] == [1, 2]
    assert said["items"][1]["answers"][0]["heed"] == "done"
    assert "author" not in said["items"][0]


# --- few queries, however much there is


def test_ten_thousand_statements_cost_no_more(running: Conversation, desk: Client, leader) -> None:
    addresses = [
        "/listen/", running.get_absolute_url(), f"{running.get_absolute_url()}statements/",
        f"{running.get_absolute_url()}statements/?q=bus&sort=votes",
        f"{running.get_absolute_url()}statements/?page=2&sort=votes",
        f"{running.get_absolute_url()}answers/", f"{running.get_absolute_url()}statements/1/",
        f"{running.get_absolute_url()}poster/", f"{running.get_absolute_url()}set-up/",
        f"/api/conversations/{running.pk}/statements",
    ]  # fmt: skip
    for number in (1, 2, 3):
        running.statements.get(number=number).answers.create(
            heed="done", words="Done.", answered_at=timezone.now(), answered_by=leader
        )
    before = [asked_of(desk, address) for address in addresses]
    Statement.objects.bulk_create(
        Statement(
            conversation=running, number=n, text=f"Bus {n} should come.", state=State.SHOWN,
            added_at=running.opens_at,
        )
        for n in range(4, 10_001)
    )  # fmt: skip
    after = [asked_of(desk, address) for address in addresses]
    assert [n for n in after if not 0 < n <= 12] == []
    # answers are there now, and take a query of their own where they are shown
    assert [
        late - early for early, late in zip(before, after, strict=True) if late > early + 1
    ] == []


# --- setting up


def test_a_leader_goes_through_all_steps_to_a_public_page(
    visit: Visit, desk: Client, authority: Authority, now: datetime
) -> None:
    challenge = world.a_challenge(authority)
    page = visit(f"/listen/new/?challenge={challenge.slug}", client=desk)
    assert challenge.title in page.text
    page = visit(
        "/listen/new/", client=desk,
        data={"question": "What would help?", "background": "Why.", "community": world.root(authority).pk,
              "challenge": challenge.pk},
    )  # fmt: skip
    assert page.h1 == ["First statements"]
    made = Conversation.objects.get()
    setting_up = f"{made.get_absolute_url()}set-up/"
    lines = "Buses should run later and be cheaper.\n\n  The night bus  is safe. \n"
    page = visit(f"{setting_up}statements/", client=desk, data={"texts": lines})
    assert "It may say two things" in page.text and "The night bus is safe." in page.text
    assert "2 so far" in page.text and "It knows English only" in page.text
    page = visit(f"{setting_up}statements/1/", client=desk)
    assert "It may say two things" in page.text
    visit(f"{setting_up}statements/1/", client=desk, data={"text": "Buses should run later."})
    page = visit(f"{setting_up}", client=desk)
    assert "Say who may take part." in page.text and "Make it public" not in page.text
    page = visit(f"{setting_up}people/", client=desk, data={"reach": "place", "level": "2"})
    assert page.h1 == ["How it is kept fair"]
    assert "A statement is not shown if it attacks somebody" in page.html
    rules = {"people_add": "no", "moderation": "before", "policy": "Be kind.", "enough": "12"}
    assert visit(f"{setting_up}rules/", client=desk, data=rules).h1 == ["About the people"]
    ready = visit(f"{setting_up}details/", client=desk, data={"ready": "age"})
    assert "How old are you?" in ready.html and not made.details.exists()
    details = {"label_0": "How old are you?", "choices_0": "Under 25: 28%\nOlder: 720"}
    page = visit(f"{setting_up}details/", client=desk, data=details)
    assert page.h1 == ["Dates, and what is promised"]
    dates = {
        "opens_at": moment(now + timedelta(days=3)), "closes_at": moment(now + timedelta(days=9)),
        "minutes": "4", "what_happens": "The board answers.", "promised_by": "The board",
        "promised_on": f"{now + timedelta(days=30):%Y-%m-%d}",
    }  # fmt: skip
    page = visit(f"{setting_up}dates/", client=desk, data=dates)
    assert "Nothing is missing" in page.text
    assert page.text.count("Under 25") == 1 and "(280)" in page.text
    made.refresh_from_db()
    preview = visit(f"/listen/preview/{made.preview}/")
    assert "nobody can take part here" in preview.text and "The night bus is safe." in preview.text
    assert visit(made.get_absolute_url(), status=404)
    page = visit(f"{setting_up}public/", client=desk, data={})
    assert "It opens and closes by itself" in page.text
    assert "Not open yet" in visit(made.get_absolute_url()).text
    assert made.get_absolute_url() in visit("/listen/").links


def test_each_step_says_kindly_what_is_wrong(
    visit: Visit, desk: Client, authority: Authority, now: datetime
) -> None:
    made = listen.a_conversation(authority, is_draft=True, steps_done=["question"])
    setting_up = f"{made.get_absolute_url()}set-up/"
    wrong: list[tuple[str, dict[str, Any], str]] = [
        ("question", {"question": ""}, "Fill in: What do you ask?"),
        ("statements", {"texts": "  "}, "Write at least one statement"),
        ("statements", {"texts": "x" * 281}, "more than 280 letters"),
        ("people", {"reach": "nobody", "level": "1"}, "Select a valid choice"),
        ("rules", {"enough": "0"}, "greater than or equal to 1"),
        ("details", {"label_0": "How old?"}, "between two and twenty choices"),
        ("details", {"choices_0": "A\nB"}, "Write the question for these choices"),
        ("details", {"label_0": "How old?", "choices_0": "A: 300\nB: 300"}, "add up to 600 of 1,000"),
        ("details", {"label_0": "How old?", "choices_0": "A: 300\nB"}, "or of none"),
        ("details", {"label_0": "How old?", "choices_0": "A\na"}, "are the same"),
        ("dates", {"minutes": "4"}, "Fill in: Who answers?"),
        ("dates", {"opens_at": "2020-01-01T09:00", "closes_at": "2019-01-01T09:00"}, "has to close"),
    ]  # fmt: skip
    for step, data, words in wrong:
        page = visit(f"{setting_up}{step}/", client=desk, data=data)
        assert words in page.text, (step, words)
        assert page.title.startswith("Mistake:") or "Mistake:" in page.title
    dates = {
        "opens_at": moment(now - timedelta(days=3)), "closes_at": "", "minutes": "4",
        "what_happens": "The board answers.", "promised_by": "The board",
        "promised_on": f"{now + timedelta(days=30):%Y-%m-%d}",
    }  # fmt: skip
    assert "Open it later than now" in visit(f"{setting_up}dates/", client=desk, data=dates).text
    made.refresh_from_db()
    assert made.steps_done == ["question"]
    visit(f"{setting_up}nonsense/", client=desk, status=404)


def test_a_table_of_statements_is_read_by_its_column(
    visit: Visit, desk: Client, authority: Authority
) -> None:
    made = listen.a_conversation(authority, is_draft=True)
    table = 'id,Statement\n1,"The hall, as it is, should stay."\n2,\n3,Cafés are welcome.\n'
    file = SimpleUploadedFile("statements.csv", table.encode("utf-8-sig"))
    page = visit(f"{made.get_absolute_url()}set-up/statements/", client=desk, data={"file": file})
    assert "The hall, as it is, should stay." in page.text and "2 statements so far" in page.text
    old = SimpleUploadedFile(
        "old.csv", "The café is too small.\nOne a line is enough.".encode("cp1252")
    )
    page = visit(f"{made.get_absolute_url()}set-up/statements/", client=desk, data={"file": old})
    assert "The café is too small." in page.text and "4 statements so far" in page.text


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\0\1\2binary", "not a table"),
        (b"x" * 1_000_001, "too big"),
        (b"", "This file is empty"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n", "not a table"),
        (b"\x1f\x8b\x08\x11gzipped", "not a table"),
        (b"statement\n", "at least one"),
        (("y" * 300).encode(), "more than 280 letters"),
    ],
)
def test_a_broken_table_is_refused_in_words(content: bytes, words: str) -> None:
    form = StatementsForm({}, {"file": SimpleUploadedFile("file.csv", content)})
    assert not form.is_valid()
    assert words in str(form.errors)


@pytest.mark.parametrize(
    "table",
    [
        "statement;note\r\nThe hall, as it is, should stay.;1\r\nCafés; too.;\r\n",
        "note\tstatement\n1\tThe hall, as it is, should stay.\n2\tCafés\n",
        "statement,author,moderated,text\n"
        '0,1,1,"The hall, as it is, should stay."\n1,1,-1,Rude.\n2,1,0,Cafés\n',
        "comment-id,moderated,comment-body\n"
        '0,1,"The hall, as it is, should stay."\n1,-1,Rude.\n2,0,Cafés\n',
        '\ufeff"The hall, as it is, should stay."\nCafés\n',
    ],
)
def test_tables_of_many_kinds_are_read(table: str) -> None:
    form = StatementsForm({}, {"file": SimpleUploadedFile("file.csv", table.encode())})
    assert form.is_valid(), form.errors
    assert form.cleaned_data["found"] == ["The hall, as it is, should stay.", "Cafés"]


def test_the_whole_place_is_asked_unless_somebody_chooses(
    visit: Visit, desk: Client, authority: Authority
) -> None:
    root = world.root(authority)
    world.a_community(authority, name="Abbey")
    page = visit("/listen/new/", client=desk)
    assert f'<option value="{root.pk}" selected>' in page.html


def test_what_cannot_be_seen_is_no_statement() -> None:
    form = StatementsForm({"texts": "\u200b\u2066\n👍\n \u00a0 \n"})
    assert form.is_valid()
    assert form.cleaned_data["found"] == ["👍"]


def test_ready_made_questions_go_into_free_places(authority: Authority) -> None:
    made = listen.a_conversation(authority, is_draft=True)
    for n in range(3):
        world.a_community(authority, name=f"Street {n}")
    typed = {"label_0": "My own question", "choices_0": "Yes\nNo"}
    given = DetailsForm.with_ready(typed, "place", made)
    assert given["label_0"] == "My own question"
    assert given["choices_1"].splitlines() == ["Street 0", "Street 1", "Street 2", "Somewhere else"]
    assert DetailsForm.with_ready(given, "nonsense", made) == {
        **dict.fromkeys(given, ""), **{k: v for k, v in given.items() if v},
    }  # fmt: skip
    full = {f"label_{n}": "Asked" for n in range(6)}
    assert DetailsForm.with_ready(full, "age", made)["label_5"] == "Asked"


def test_a_leader_of_another_place_sets_nothing_up_here(
    visit: Visit, authority: Authority, running: Conversation
) -> None:
    beside = world.a_person(world.a_community(authority), role=RoleKind.CLERK)
    client = sign_in(Client(), beside, second_factor=True)
    visit("/listen/new/", client=client)
    visit(f"{running.get_absolute_url()}set-up/", client=client, status=403)
    data = {"question": "Mine?", "community": running.community_id}
    assert "Select a valid choice" in visit("/listen/new/", client=client, data=data).text


# --- running it


def test_what_is_frozen_says_so(visit: Visit, desk: Client, running: Conversation) -> None:
    for step in Step:
        address = f"{running.get_absolute_url()}set-up/{step}/"
        assert visit(address, client=desk).h1 == ["It has opened"]
        visit(address, client=desk, data={"question": "Other?"}, status=409)
    running.refresh_from_db()
    assert running.question != "Other?"


def test_staff_run_an_open_conversation(
    visit: Visit, desk: Client, running: Conversation, now: datetime
) -> None:
    here = f"{running.get_absolute_url()}set-up/"
    listen.a_statement(running, state=State.WAITING, is_first=False)
    page = visit(here, client=desk)
    assert "1 statement waits to be read" in page.text and "It is open until" in page.text
    text = "Buses should not stop and be cheaper."
    page = visit(f"{here}add/", client=desk, data={"text": text})
    assert "Before you add it" in page.text and running.statements.count() == 4
    visit(f"{here}add/", client=desk, data={"text": text, "sure": "yes"})
    assert running.statements.filter(text=text, is_first=True).exists()
    assert (
        "stands here already"
        in visit(f"{here}add/", client=desk, data={"text": text, "sure": "yes"}).text
    )
    later = {"closes_at": moment(now + timedelta(days=20)), "why": "Snow"}
    visit(f"{here}extend/", client=desk, data=later)
    assert "Why: Snow" in visit(running.get_absolute_url()).text
    sooner = {"closes_at": moment(now + timedelta(days=1)), "why": "Haste"}
    assert "can be put off" in visit(f"{here}extend/", client=desk, data=sooner).text
    corrected = {
        "question": "What helps?", "background": STRANGE, "people_add": "yes",
        "moderation": "after", "minutes": "5", "why": "A slip", "policy": "Be kind.",
    }  # fmt: skip
    visit(f"{here}correct/", client=desk, data=corrected)
    page = visit(running.get_absolute_url())
    assert page.h1 == ["What helps?"] and "What it was, and what it is now" in page.text
    page = visit(f"{here}close/", client=desk, data={"why": "Nobody comes"})
    assert "Choose what to answer" in page.text
    assert "It is not open" in visit(f"{here}close/", client=desk, data={"why": "Twice"}).text
    assert "Nobody comes" in visit(running.get_absolute_url()).text
    visit(f"{here}withdraw/", client=desk, data={"why": "It named a person"})
    page = visit(running.get_absolute_url())
    assert "This conversation was withdrawn" in page.text and "It named a person" in page.text


def test_staff_answer_a_statement_and_everybody_reads_it(
    visit: Visit, desk: Client, running: Conversation
) -> None:
    here = running.statements.get(number=1).get_absolute_url()
    assert "Answer it in public" in visit(here, client=desk).text
    assert "Answer it in public" not in visit(here).text
    assert (
        "Fill in: In plain words"
        in visit(f"{here}answer/", client=desk, data={"heed": "done"}).text
    )
    visit(f"{here}answer/", client=desk, data={"heed": "looking", "words": "We look."})
    page = visit(f"{here}answer/", client=desk)
    assert "We look." in page.html
    page = visit(f"{here}answer/", client=desk, data={"heed": "done", "words": STRANGE})
    assert "1 earlier answer" in page.text and "We did this" in page.text
    hidden = listen.a_statement(running, state=State.WAITING, is_first=False)
    visit(f"{hidden.get_absolute_url()}answer/", client=desk, status=404)


def test_a_copy_begins_at_its_dates(visit: Visit, desk: Client, running: Conversation) -> None:
    assert running.question in visit("/listen/new/", client=desk).text
    page = visit(
        f"{running.get_absolute_url()}copy/", client=desk, data={"question": "And next year?"}
    )
    assert page.h1 == ["Dates, and what is promised"]
    assert "Copied" in page.text


def test_a_preview_link_is_no_way_in_and_ends_with_the_opening(
    visit: Visit, client: Client, authority: Authority, running: Conversation
) -> None:
    answer = client.get(f"/listen/preview/{running.preview}/")
    assert (answer.status_code, answer["Location"]) == (302, running.get_absolute_url())
    draft = listen.a_conversation(authority, is_draft=True, statements=1)
    answer = client.get(f"/listen/preview/{draft.preview}/")
    assert answer["X-Robots-Tag"] == "noindex, nofollow"
    visit(f"/listen/preview/{draft.preview}/")
    visit(f"/listen/preview/{'ø' * 5}/", status=404)
    visit(f"{draft.get_absolute_url()}vote/", status=404)


def test_the_desk_shows_state_and_what_waits(
    visit: Visit, desk: Client, running: Conversation, authority: Authority
) -> None:
    listen.a_statement(running, state=State.WAITING, is_first=False)
    listen.a_conversation(authority, is_draft=True)
    page = visit("/desk/", client=desk)
    assert "Conversations you run" in page.text
    assert "1 statement waits to be read" in page.text and "Being set up: go on" in page.text


# --- those who took part hear of it


def test_whoever_took_part_or_follows_hears_of_an_answer_and_nobody_else(
    running: Conversation, community: Any, leader, seen_by, now: datetime, mailoutbox: list[Any]
) -> None:
    spoke, follower, both, stranger, silent = (world.a_person(community) for _n in range(5))
    for person in (spoke, both, silent):
        listen.a_participant(running, person)
    listen.a_participant(running)
    for person in (follower, both):
        viewer = seen_by(person, at=now - timedelta(days=2))
        updates.follow(viewer=viewer, challenge=running.challenge)
    updates.hear_of_votes(viewer=seen_by(silent), hears=False)
    actions.answer_statement(
        viewer=seen_by(leader), conversation_id=running.pk, number=1, heed="done", words="Done."
    )
    updates.note_news(at=now + timedelta(minutes=1))
    updates.note_news(at=now + timedelta(minutes=2))
    assert {row.person_id: row.because for row in Notice.objects.all()} == {
        spoke.pk: Because.TOOK_PART, follower.pk: Because.FOLLOWS, both.pk: Because.FOLLOWS,
    }  # fmt: skip
    assert not updates.tell(person_id=stranger.pk, at=now + timedelta(minutes=3))
    assert updates.tell(person_id=spoke.pk, at=now + timedelta(minutes=3))
    (mail,) = mailoutbox
    assert mail.to == [spoke.email]
    assert running.question in mail.subject
    assert f"because you took part in “{running.question}”" in " ".join(mail.body.split())
    assert running.statements.get(number=1).text in mail.body
    assert running.statements.get(number=1).get_absolute_url() in mail.body


def test_a_conversation_without_a_challenge_is_named_in_the_mail(
    authority: Authority, community: Any, leader, seen_by, now: datetime, mailoutbox: list[Any]
) -> None:
    alone = listen.a_conversation(authority, statements=1)
    spoke = world.a_person(community)
    listen.a_participant(alone, spoke)
    actions.close_early(viewer=seen_by(leader), conversation_id=alone.pk, why="Enough")
    updates.note_news(at=now + timedelta(minutes=1))
    assert updates.tell(person_id=spoke.pk, at=now + timedelta(minutes=3))
    (mail,) = mailoutbox
    assert "None" not in mail.subject + mail.body
    assert alone.question in mail.subject
