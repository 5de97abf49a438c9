"""Following, being told by mail, stopping it, and what changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.core.mail import get_connection
from django.test import Client

from commonweal.ground.challenges.models import Challenge
from commonweal.ground.journal.actions import record
from commonweal.ground.people.models import Person
from commonweal.ground.places.models import Authority, Community
from commonweal.ground.places.rules import Viewer
from commonweal.propose.proposals.models import Status
from commonweal.spread.updates import actions, queries, tasks
from commonweal.spread.updates.models import Digest, Follow, Notice, Pace
from tests.factories import world
from tests.smtp import Mailbox, mail_server
from tests.spread.announced import announced as announced
from tests.visit import Page

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("announced")]
Visit = Callable[..., Page]
SignIn = Callable[..., Client]


@pytest.fixture
def challenge(authority: Authority) -> Challenge:
    return world.a_challenge(authority, title="Getting home well")


@pytest.fixture
def follower(authority: Authority, challenge: Challenge, resident: Person, now: datetime) -> Person:
    viewer = Viewer(authority, resident, now - timedelta(days=2))
    actions.follow(viewer=viewer, challenge=challenge)
    return resident


@pytest.fixture
def post(settings: Any) -> Iterator[Mailbox]:
    """Send real mail to a real server."""
    with mail_server() as box:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", box.port
        yield box


def _news(challenge: Challenge, at: datetime, *, what: str = "challenge.dates_changed") -> None:
    record(what=what, who=None, about=challenge, at=at, public=True)


def _tell(person: Person, at: datetime) -> bool:
    actions.note_news(at=at)
    return actions.tell(person_id=person.pk, at=at)


def test_following_twice_is_as_once_and_ends_when_asked(
    authority: Authority, challenge: Challenge, resident: Person, now: datetime
) -> None:
    viewer = Viewer(authority, resident, now)
    for _twice in range(2):
        actions.follow(viewer=viewer, challenge=challenge)
    assert queries.followed(viewer).get().challenge == challenge
    for _twice in range(2):
        actions.unfollow(viewer=viewer, challenge=challenge)
    assert not Follow.objects.exists()


def test_only_public_challenges_from_here_are_followed_and_only_by_someone(
    authority: Authority,
    elsewhere: Authority,
    challenge: Challenge,
    resident: Person,
    now: datetime,
) -> None:
    draft = world.a_challenge(authority, published=False)
    for person, thing in (
        (None, challenge),
        (resident, draft),
        (resident, world.a_challenge(elsewhere)),
    ):
        with pytest.raises(PermissionDenied):
            actions.follow(viewer=Viewer(authority, person, now), challenge=thing)


def test_a_follower_gets_one_mail_when_the_challenge_moves_on(
    challenge: Challenge, follower: Person, now: datetime, post: Mailbox
) -> None:
    _news(challenge, now)
    assert [_tell(follower, now) for _twice in range(3)] == [True, False, False]
    assert len(post.messages) == 1
    mail = post.messages[0]
    assert mail["to"] == follower.email
    assert mail["subject"] == "Getting home well: one thing that is new"
    for kind in ("plain", "html"):
        text = post.text(kind)
        assert "The dates of the challenge “Getting home well” changed" in text
        assert f"http://localhost:8000/challenges/{challenge.slug}/" in text
        assert "We do not track whether you open it." in text
        assert "<img" not in text
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["List-Unsubscribe"].strip(" <>") in post.text("plain")


def test_at_most_one_mail_a_day_and_three_things_in_it(
    challenge: Challenge, follower: Person, now: datetime, post: Mailbox
) -> None:
    _news(challenge, now)
    assert _tell(follower, now)
    for _n in range(5):
        _news(challenge, now + timedelta(hours=1))
    assert not _tell(follower, now + timedelta(hours=23))
    assert _tell(follower, now + timedelta(hours=24))
    assert len(post.messages) == 2
    assert "3. The dates" in post.text()
    assert "4. The dates" not in post.text()
    assert "2 more things happened" in post.text()
    assert not Notice.objects.filter(sent_at__isnull=True).exists()


def test_a_slower_pace_is_kept(
    authority: Authority, challenge: Challenge, follower: Person, now: datetime, post: Mailbox
) -> None:
    actions.change_pace(viewer=Viewer(authority, follower, now), pace=Pace.WEEK)
    _news(challenge, now)
    assert _tell(follower, now)
    _news(challenge, now + timedelta(hours=1))
    assert not _tell(follower, now + timedelta(days=6))
    assert _tell(follower, now + timedelta(days=7))


def test_what_is_old_private_minor_or_ones_own_makes_no_mail(
    challenge: Challenge, follower: Person, now: datetime, post: Mailbox
) -> None:
    _news(challenge, now - timedelta(days=3))
    _news(challenge, now, what="challenge.changed")
    _news(world.a_challenge(challenge.authority), now)
    what = "challenge.dates_changed"
    record(what=what, who=None, about=challenge, at=now, public=False)
    record(what=what, who=follower, about=challenge, at=now, public=True)
    assert not _tell(follower, now)
    assert not Notice.objects.exists()


def test_an_entry_that_was_committed_late_is_not_missed(
    challenge: Challenge, follower: Person, now: datetime, post: Mailbox
) -> None:
    _news(challenge, now)
    assert actions.note_news(at=now) == 1
    _news(challenge, now - timedelta(hours=5))
    assert [actions.note_news(at=now) for _twice in range(2)] == [1, 0]


def test_what_was_hidden_in_the_meantime_is_not_mailed(
    challenge: Challenge, follower: Person, now: datetime, post: Mailbox
) -> None:
    idea = world.a_proposal(challenge, title="Unkind words")
    record(what="proposal.published", who=None, about=idea, at=now, public=True)
    actions.note_news(at=now)
    type(idea).objects.filter(pk=idea.pk).update(status=Status.HIDDEN, hidden_reason="Unkind")
    assert not _tell(follower, now)
    assert post.messages == []
    assert not Notice.objects.filter(sent_at__isnull=True).exists()
    assert Digest.objects.get().last_sent_at is None


def test_a_mail_that_fails_is_tried_again_and_nothing_is_lost(
    challenge: Challenge, follower: Person, now: datetime, settings: Any
) -> None:
    _news(challenge, now)
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    with pytest.raises(OSError):
        _tell(follower, now)
    assert Notice.objects.get().sent_at is None
    with mail_server() as box:
        settings.EMAIL_PORT = box.port
        assert _tell(follower, now)
    assert len(box.messages) == 1


def test_a_person_of_two_authorities_gets_a_mail_from_each(
    challenge: Challenge, follower: Person, elsewhere: Authority, now: datetime, post: Mailbox
) -> None:
    theirs = world.a_challenge(elsewhere, title="Northern nights")
    actions.follow(viewer=Viewer(elsewhere, follower, now - timedelta(days=2)), challenge=theirs)
    _news(challenge, now - timedelta(hours=1))
    _news(theirs, now)
    assert _tell(follower, now)
    assert "Getting home well" not in post.text()
    assert "http://northmoor.localhost:8000/" in post.text()
    assert _tell(follower, now + timedelta(days=1))
    assert "Getting home well" in post.text()


def test_a_hostile_title_stays_words_in_subject_and_mail(
    authority: Authority, resident: Person, now: datetime, post: Mailbox
) -> None:
    challenge = world.a_challenge(authority, title="<b>x</b>\r\nBcc: a@evil.example {{ 7 }}")
    actions.follow(viewer=Viewer(authority, resident, now), challenge=challenge)
    _news(challenge, now)
    assert _tell(resident, now)
    assert post.messages[0]["bcc"] is None
    assert "<b>x</b>" not in post.text("html")
    assert "&lt;b&gt;x" in post.text("html")


def test_one_press_in_a_mail_program_stops_the_mail(
    challenge: Challenge, follower: Person, now: datetime, post: Mailbox
) -> None:
    _news(challenge, now)
    _tell(follower, now)
    address = post.messages[0]["List-Unsubscribe"].strip(" <>").replace("http://localhost:8000", "")
    stranger = Client(enforce_csrf_checks=True)
    answer = stranger.get(address)
    assert answer.status_code == 200
    assert follower.name.encode() not in answer.content
    assert Follow.objects.exists()
    for _twice in range(2):
        body = {"List-Unsubscribe": "One-Click"}
        assert stranger.post(address, body).status_code == 200
    assert not Follow.objects.exists()
    assert Person.objects.get(pk=follower.pk).is_active


def test_the_link_in_a_mail_slows_it_down_and_answers_nonsense(
    follower: Person, visit: Visit, client: Client
) -> None:
    address = f"/mail/{actions.token_for(person=follower)}/"
    visit(address)
    assert "as you chose" in visit(address, data={"pace": "30"}).text
    assert Digest.objects.get().pace == Pace.MONTH
    assert visit(address, data={"pace": "2"}, status=400).title.startswith("Mistake:")
    for token in ("x", f"{actions.token_for(person=follower)}x", "%00"):
        visit(f"/mail/{token}/", status=404)
    assert client.delete(address).status_code == 405


def test_someone_erased_is_forgotten_and_never_told(
    challenge: Challenge, follower: Person, now: datetime, post: Mailbox
) -> None:
    _news(challenge, now)
    actions.note_news(at=now)
    assert [sorted(row) for row in queries.personal(follower)] == [["follows", "since"]]
    token = actions.token_for(person=follower)
    actions.forget(follower, now)
    Person.objects.filter(pk=follower.pk).update(
        email=None, name="", is_active=False, erased_at=now
    )
    assert not _tell(follower, now)
    with pytest.raises(actions.StrangeToken):
        actions.stop(token=token)
    assert not Notice.objects.exists()


def test_the_follow_button_works_with_and_without_script(
    challenge: Challenge,
    elsewhere: Authority,
    resident: Person,
    client: Client,
    signed_in: SignIn,
    visit: Visit,
) -> None:
    address = f"/challenges/{challenge.slug}/follow/"
    assert client.post(address)["Location"].startswith("/account/")
    assert client.get(address).status_code == 405
    signed_in(resident)
    assert (
        "We tell you when this challenge moves on." in visit(address, data={"follow": "yes"}).text
    )
    assert "Stop following" in visit(f"/challenges/{challenge.slug}/").text
    part = client.post(address, {"follow": "no"}, headers={"HX-Request": "true"})
    assert b"<html" not in part.content
    assert b"Follow by email" in part.content
    assert not Follow.objects.exists()
    theirs = world.a_challenge(elsewhere)
    assert client.post(f"/challenges/{theirs.slug}/follow/").status_code == 404


def test_my_part_lists_what_i_follow(
    authority: Authority,
    challenge: Challenge,
    follower: Person,
    signed_in: SignIn,
    client: Client,
    now: datetime,
) -> None:
    mine = queries.my_follows(Viewer(authority, follower, now), None)
    assert mine is not None
    assert [follow.challenge for follow in mine["follows"]] == [challenge]
    assert queries.my_follows(Viewer(authority, None, now), None) is None
    signed_in(follower)
    client.post("/me/mail/", {"pace": "7"})
    assert Digest.objects.get(person=follower).pace == Pace.WEEK
    client.post("/me/mail/", {"pace": "8"})
    assert Digest.objects.get(person=follower).pace == Pace.WEEK


def test_what_changed_is_round_me_when_signed_in_and_everywhere_when_not(
    authority: Authority,
    elsewhere: Authority,
    community: Community,
    resident: Person,
    visit: Visit,
    signed_in: SignIn,
    now: datetime,
) -> None:
    other = world.a_community(authority, name="Old Town", slug="old-town")
    for place, title in (
        (community, "Here"),
        (world.root(authority), "Whole"),
        (other, "Far"),
    ):
        _news(world.a_challenge(authority, community=place, title=title), now)
    _news(world.a_challenge(elsewhere, title="Abroad"), now)

    def told(query: str = "") -> list[str]:
        text = visit(f"/what-changed/{query}").text
        return [title for title in ("“Here”", "“Whole”", "“Far”", "“Abroad”") if title in text]

    assert told() == ["“Here”", "“Whole”", "“Far”"]
    assert told("?where=old-town") == ["“Far”"]
    signed_in(resident)
    assert told() == ["“Here”", "“Whole”"]
    assert told("?where=everywhere") == ["“Here”", "“Whole”", "“Far”"]
    assert told("?where=quayside") == ["“Here”"]
    for nonsense in ("?where=%00", "?before=x", "?before=-1", "?challenge=%00", "?before=99999999"):
        told(nonsense)


def test_what_changed_in_one_challenge_goes_on_page_by_page(
    challenge: Challenge, now: datetime, visit: Visit
) -> None:
    for n in range(35):
        _news(challenge, now - timedelta(hours=n))
    _news(world.a_challenge(challenge.authority, title="Another"), now)
    first = visit(f"/what-changed/?challenge={challenge.slug}")
    assert first.h1 == ["What changed in Getting home well"]
    assert "Another" not in first.text
    older = next(link for link in first.links if "before=" in link)
    assert visit(f"/what-changed/{older}").html.count("<time") == 5


@pytest.mark.parametrize("rows", [3, 30])
def test_what_changed_costs_as_few_questions_for_many_rows(
    rows: int,
    authority: Authority,
    resident: Person,
    signed_in: SignIn,
    visit: Visit,
    now: datetime,
    django_assert_max_num_queries: Callable[[int], Any],
) -> None:
    for _row in range(rows):
        challenge = world.a_challenge(authority)
        record(
            what="proposal.published",
            who=None,
            about=world.a_proposal(challenge),
            at=now,
            public=True,
        )
        _news(challenge, now)
    signed_in(resident)
    with django_assert_max_num_queries(12):
        visit("/what-changed/")


def test_the_job_finds_the_news_and_sets_off_who_writes_the_mails(
    challenge: Challenge,
    follower: Person,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
    post: Mailbox,
) -> None:
    queued: list[tuple[int, int]] = []
    monkeypatch.setattr(
        tasks, "later", lambda name, lock, once, lane, after: queued.append((lane, after))
    )
    _news(challenge, now - timedelta(minutes=1))
    tasks.look_for_news(timestamp=0)
    assert queued == [(follower.pk % queries.LANES, 0)]
    lane, after = queued.pop()
    tasks.tell_some(lane=lane, after=after)
    assert len(post.messages) == 1
    tasks.look_for_news(timestamp=0)
    assert queued == []


def test_mail_goes_by_smtp_in_every_mode(settings: Any) -> None:
    connection = get_connection("django.core.mail.backends.smtp.EmailBackend")
    assert (connection.host, connection.port) == (settings.EMAIL_HOST, settings.EMAIL_PORT)
