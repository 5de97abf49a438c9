"""Words meant to break a page, put wherever people write: they come out as words and nothing else."""

from __future__ import annotations

import csv
import io
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.apps import apps
from django.core.mail import get_connection
from django.db import connection, models, transaction
from django.test import Client, override_settings
from django.utils import timezone

from commonweal.decide.ballots.models import Ballot
from commonweal.decide.budgets.models import Pot
from commonweal.decide.counts.actions import count_closed_pot
from commonweal.ground.journal.actions import record
from commonweal.ground.places.models import Authority
from commonweal.ground.places.queries import forget_answers
from commonweal.ground.places.rules import Viewer
from commonweal.spread.updates import actions as updates
from tests.factories import world
from tests.smtp import mail_server
from tests.visit import Page, sign_in
from tests.web.doors import address_of, api_addresses, every_route
from tests.web.matrix_world import Knocking, Things, people, things

pytestmark = pytest.mark.django_db

PAYLOADS = {
    "a script": "\"><script>alert(1)</script>&<b onmouseover='alert(2)'>",
    "an attribute": '\' onmouseover=alert(2) " onfocus=alert(2) autofocus x="',
    "template code": "{{ 7777777|add:770077 }}{% debug %}",
    "a format": "%(title)s %s %d {title} {0} %",
    "a formula": '=HYPERLINK("http://x")',
    "a sum": "+1+cmd|' /C calc'!A0",
    "a minus": "-2+3",
    "an at": "@SUM(1)",
    "a statement": "'; DROP TABLE people_person; --",
    "odd letters": "\u202egnp.exe \u200b\u2066👩‍👩‍👧 \u0301",
    "no space": "x" * 2000,
    "ampersands": "&amp;&lt;script&gt;&#60;",
}

# Every place where a person's own words are kept ...
WRITTEN = {
    "people.Person": "name",
    "places.Authority": "name short_name run_by phone",
    "places.Community": "name about",
    "places.Organisation": "name about",
    "directory.Service": "name purpose for_whom where phone hours",
    "challenges.Challenge": "title question background who_is_concerned",
    "challenges.Outcome": "statement for_whom measure unit",
    "conversations.Conversation": "question background what_happens promised_by policy",
    "conversations.Change": "was became why",
    "conversations.Statement": "text",
    "conversations.Answer": "words",
    "voices.Report": "words",
    "conversations.Detail": "label",
    "conversations.DetailChoice": "label",
    "reports.Report": "summary advice",
    "moderation.Decision": "words",
    "moderation.Appeal": "words answer",
    "moderation.Suggestion": "text",
    "moderation.Case": "reason",
    "hearings.Hearing": "title about decides outcome withdrawn_why",
    "hearings.Version": "why file_name",
    "hearings.Passage": "label text",
    "hearings.Comment": "name body wording",
    "hearings.Report": "words",
    "hearings.Answer": "words",
    "proposals.Proposal": "title better for_whom measure risks change takes_part cost_note",
    "proposals.Comment": "body",
    "proposals.Merge": "why",
    "appraisals.Appraisal": "words changes decision_words",
    "appraisals.Line": "what source",
    "appraisals.Finding": "reason",
    "appraisals.Answer": "words",
    "surveys.Survey": "title why happens thanks paper_to withdrawn_why heard",
    "surveys.Item": "words help low_words high_words unit",
    "surveys.Option": "words",
    "surveys.Response": "batch",
    "surveys.Answer": "words",
    "surveys.Correction": "was became why",
    "budgets.Pot": "title about",
    "budgets.Project": "title summary where outcome run_by cost_note exclusive",
    "budgets.Round": "title",
    "budgets.Picture": "alt",
    "budgets.Question": "body answer",
    "budgets.Change": "was became why",
    "budgets.Withdrawal": "why",
    "budgets.QuietPeriod": "why",
    "counts.Bundle": "difference",
    "registers.Register": "title",
    "paper.Batch": "place taken_by missing_note lost_note",
    "kiosks.Device": "place",
    "milestones.Delivery": "run_by overspend",
    "milestones.Milestone": "title seen evidence",
    "milestones.Post": "words title seen overspend money measured",
}
APPEND_ONLY = {"milestones.Post"}
# ... and the text that no person writes, or that only a form of its own shape lets through.
NOT_WRITTEN = {
    "people.Person": "password email",
    "places.Authority": "slug host email",
    "places.Community": "slug",
    "places.Organisation": "slug website",
    "directory.Service": "slug email website",
    "challenges.Challenge": "slug",
    "journal.Entry": "what about",
    "registers.Mail": "address",
    "paper.Call": "wording",
    "paper.Keying": "wrong",
    "paper.Paper": "why",
    "milestones.Milestone": "link",
    "milestones.Post": "link",
    "surveys.Response": "reference",
    "surveys.Answer": "spot",
    "surveys.Tally": "value near",
    "budgets.Pot": "lot_seed preview",
    "conversations.Conversation": "preview",
    "counts.Bundle": "fingerprint root",
}


def text_fields() -> Iterator[tuple[str, str]]:
    """Yield every free text field of our own models."""
    for model in apps.get_models():
        if model.__module__.startswith("commonweal."):
            for field in model._meta.fields:
                if isinstance(field, (models.CharField, models.TextField)) and not field.choices:
                    yield model._meta.label, field.name


def test_every_text_field_has_a_place_in_these_tests() -> None:
    listed = {
        (label, name)
        for places in (WRITTEN, NOT_WRITTEN)
        for label, names in places.items()
        for name in names.split()
    }
    assert set(text_fields()) == listed


# What was shown to people stays as it is: the database holds to that, here it must not.
STANDS = {
    "budgets_pot": "pot_stays_as_voted_on",
    "budgets_project": "project_stays_as_voted_on",
    "conversations_statement": "statement_stays_as_voted_on",
    "appraisals_appraisal": "appraisal_stands",
    "appraisals_line": "line_stands",
    "appraisals_finding": "finding_stands",
}


@contextmanager
def nothing_stands() -> Iterator[None]:
    """Let words be written over that nobody could change otherwise."""
    for word in ("DISABLE", "ENABLE"):
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            for table, trigger in STANDS.items():
                cursor.execute(f"ALTER TABLE {table} {word} TRIGGER {trigger}")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        if word == "DISABLE":
            yield


def write_everywhere(payload: str) -> None:
    """Put the payload into every field that people write, in every row there is."""
    with nothing_stands():
        _write_everywhere(payload)


def _write_everywhere(payload: str) -> None:
    for label, names in WRITTEN.items():
        model = apps.get_model(label)
        for row in model._default_manager.order_by("pk"):
            for name in names.split():
                field = model._meta.get_field(name)
                words = payload[: getattr(field, "max_length", None) or len(payload)]
                if field.unique:
                    words = f"{words[:100]} {row.pk}"
                setattr(row, name, words)
            if label in APPEND_ONLY:  # said once more, with the payload
                row.pk = None
                row.save(force_insert=True)
            else:
                row.save(update_fields=names.split())


def with_ballots(own: Things) -> Pot:
    """Return a counted pot whose ballots may be published."""
    at = timezone.now()
    pot = world.a_pot(
        own.challenge, opens_at=at - timedelta(days=9), closes_at=at - timedelta(days=1)
    )
    for _n in range(6):
        chosen = list(pot.projects.values_list("pk", flat=True))
        Ballot.objects.create(
            pot=pot, envelope=bytes([_n]) * 32, projects=chosen, marks=[1] * len(chosen)
        )
    return pot


@pytest.fixture
def borough(authority: Authority, elsewhere: Authority) -> tuple[Things, Knocking]:
    own = things(authority)
    return own, people(own, things(elsewhere))


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)
def test_hostile_words_are_only_ever_words(
    payload: str, borough: tuple[Things, Knocking], caplog: pytest.LogCaptureFixture
) -> None:
    own, who = borough
    write_everywhere(payload)
    pot = with_titles(own, payload)
    faults = []
    for route in every_route():
        for client in (who.anonymous, who.everything):
            answer = _undone(client.get, address_of(route, own))
            faults += [f"{route.name}: {fault}" for fault in broken(answer)]
    for _method, path, address in api_addresses(own):
        answer = who.anonymous.get(address)
        assert answer.status_code == 200, path
        assert answer.headers["Content-Type"].startswith("application/json")
        answer.json()
    owner = Client()
    owner.force_login(own.owner)
    answer = owner.post("/me/data/download/")
    assert answer.headers["Content-Type"].startswith("application/json")
    assert any(payload[:60] in words for words in words_in(answer.json()))
    ballots = who.anonymous.get(f"/money/{pot.pk}/ballots.pb")
    assert ballots.status_code == 200
    assert _votes_in(ballots.content.decode()) == 6
    assert faults == []
    assert payload not in caplog.text


def words_in(value: Any) -> Iterator[str]:
    """Yield every string inside a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from words_in(inner)


def with_titles(own: Things, payload: str) -> Pot:
    """Return a counted pot that people voted in, with the payload for its own title too."""
    pot = with_ballots(own)
    pot.title = payload[:120]
    pot.save(update_fields=["title"])
    count_closed_pot(pot_id=pot.pk, at=timezone.now())
    return pot


def broken(answer: Any) -> list[str]:
    """Return what a hostile word did to an answer."""
    kind = answer.headers.get("Content-Type", "")
    if answer.status_code >= 500:
        return [f"answered {answer.status_code}"]
    if not any(word in kind for word in ("text/", "xml", "json")):
        return []  # an archive or a drawing, which no browser reads as a page
    if answer.streaming:
        text = b"".join(answer.streaming_content).decode()
    else:
        text = answer.content.decode()
    if kind.startswith("text/csv"):
        cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
        return [f"a live cell {cell!r}" for cell in cells if cell[:1] in tuple("=+-@\t\r")]
    if "xml" in kind:
        markup = [e.text or "" for e in ET.fromstring(text).iter() if e.get("type") == "html"]
        return [f"live markup in a feed {words!r}" for words in markup if "<" in words]
    if not kind.startswith("text/html"):
        return []
    faults = [fault for fault in Page(text).faults if "third party" not in fault]
    faults += ["a live script"] if "<script>alert" in text else []
    faults += ["template code was run"] if "8547854" in text else []
    return faults


def _votes_in(text: str) -> int:
    """Return how many ballots a Pabulib file says it has and really holds."""
    said = re.search(r"^num_votes;(\d+)$", text, re.MULTILINE)
    rows = text.split("\nVOTES\n")[1].strip().splitlines()
    assert said is not None
    assert int(said[1]) == len(rows) - 1
    return int(said[1])


def _undone(ask: Callable[..., Any], *given: Any, **named: Any) -> Any:
    with transaction.atomic():
        answer = ask(*given, **named)
        if answer.streaming:
            answer.streaming_content = list(answer.streaming_content)
        transaction.set_rollback(True)
    return answer


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)
def test_a_mail_holds_hostile_words_as_words(
    payload: str, borough: tuple[Things, Knocking]
) -> None:
    own, _who = borough
    at = timezone.now()
    follower = world.a_person(own.community)
    updates.follow(
        viewer=Viewer(own.authority, follower, at - timedelta(days=2)), challenge=own.challenge
    )
    write_everywhere(payload)
    own.proposal.refresh_from_db()
    record(what="proposal.published", who=None, about=own.proposal, at=at, public=True)
    updates.note_news(at=at)
    with (
        mail_server() as post,
        override_settings(
            EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend", EMAIL_PORT=post.port
        ),
    ):
        get_connection().close()
        assert updates.tell(person_id=follower.pk, at=at)
    (mail,) = post.messages
    assert mail["to"] == follower.email
    assert "\n" not in mail["subject"]
    page = post.text("html")
    assert "<script" not in page
    assert "8547854" not in page
    assert not [fault for fault in Page(page).faults if "handler" in fault]
    assert payload[:60].split()[0][:20] in post.text("plain")


ALL_IN_ONE = " ".join([PAYLOADS["a script"], PAYLOADS["an attribute"], PAYLOADS["template code"]])
CHOSEN = {"radio", "checkbox", "file"}


@pytest.mark.parametrize("choosing", [False, True], ids=["refused", "taken"])
def test_a_form_that_comes_back_holds_hostile_words_as_words(
    choosing: bool, borough: tuple[Things, Knocking]
) -> None:
    """Whatever a form says back: what was typed, what is wrong with it, that it is done."""
    own, who = borough
    Authenticator.objects.all().delete()  # a made-up one, which no browser could use
    faults, echoed = [], 0
    owner = sign_in(Client(), own.owner, second_factor=True)
    for route in every_route():
        address = address_of(route, own)
        for client in (who.everything, owner):
            form = _undone(client.get, address)
            if not form.headers.get("Content-Type", "").startswith("text/html"):
                continue
            typed = {
                control["name"]: control.get("value", "on")
                if choosing and control.get("type") in CHOSEN
                else ALL_IN_ONE
                for control in Page(form.content.decode()).controls
                if control.get("name")
            }
            for asked in ({}, {"headers": {"HX-Request": "true"}}):
                cookies: Any = client.cookies.copy()
                answer = _undone(client.post, address, {**typed, "q": ALL_IN_ONE}, **asked)
                client.cookies = cookies
                echoed += "&lt;script&gt;alert(1)" in _text(answer)
                faults += [f"{route.name}: {fault}" for fault in broken(answer)]
    assert faults == []
    assert echoed > 20, "forms do say back what was typed"


def _text(answer: Any) -> str:
    return "" if answer.streaming else answer.content.decode(errors="replace")


def test_the_mail_with_a_code_holds_hostile_words_as_words(
    authority: Authority, mailoutbox: list[Any]
) -> None:
    for payload in PAYLOADS.values():
        authority.short_name = payload[: Authority._meta.get_field("short_name").max_length]
        authority.name = payload[: Authority._meta.get_field("name").max_length]
        authority.save()
        forget_answers()
        mailoutbox.clear()
        Client().post("/account/sign-in/", {"email": f"rosa{len(payload)}@example.org"})
        (mail,) = mailoutbox
        assert "\n" not in mail.subject
        for text, _kind in mail.alternatives:
            assert "<script" not in text and "8547854" not in text
            assert not [fault for fault in Page(text).faults if "handler" in fault]
        assert "8547854" not in mail.body and "&lt;" not in mail.body.replace(payload, "")


BROKEN = {
    "a NUL": "%00",
    "a lone surrogate": "%ED%A0%80",
    "both, and no text at all": "x%00%ED%BF%BF%FF%FE",
    "ten megabytes": "a" * 10_000_000,
}
NAMES = (
    "q title body name kind level standing reason postcode email code next projects do date pace"
)


@pytest.mark.parametrize("value", BROKEN.values(), ids=BROKEN)
def test_broken_bytes_in_any_form_are_refused_kindly(
    value: str, borough: tuple[Things, Knocking], settings: Any
) -> None:
    own, who = borough
    who.everything.raise_request_exception = False
    failed = []
    for route in every_route():
        address = address_of(route, own)
        page = _undone(who.everything.get, address)
        names = set(NAMES.split())
        if page.headers.get("Content-Type", "").startswith("text/html"):
            names |= {c["name"] for c in Page(page.content.decode()).controls if c.get("name")}
        body = "&".join(f"{name}={value}" for name in sorted(names)[: 1 if len(value) > 99 else 99])
        cookies: Any = who.everything.cookies.copy()
        answer = _undone(
            who.everything.post, address, body, content_type="application/x-www-form-urlencoded"
        )
        who.everything.cookies = cookies
        if answer.status_code >= 500:
            failed.append(f"{route.name}: {answer.status_code}")
    assert failed == []
