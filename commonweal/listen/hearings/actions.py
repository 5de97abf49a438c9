"""Everything that changes a hearing, its document, and what people say about it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.translation import gettext as _

from commonweal.ground.challenges.models import Challenge
from commonweal.ground.journal import actions as journal
from commonweal.ground.journal.models import Entry
from commonweal.ground.people.models import Person
from commonweal.ground.places import rules as places
from commonweal.ground.places.models import Community, Organisation
from commonweal.ground.places.rules import Viewer
from commonweal.kit import documents
from commonweal.kit.documents import Piece
from commonweal.kit.jobs import later
from commonweal.kit.mail import letter
from commonweal.listen.hearings import queries, rules
from commonweal.listen.hearings.models import (
    MOST_LETTERS,
    MOST_PASSAGES,
    Agreement,
    Answer,
    Channel,
    Comment,
    Hearing,
    Outcome,
    Passage,
    Reason,
    Report,
    Stance,
    State,
    Version,
)

COMMENTS_AN_HOUR = 60
REPORTS_AN_HOUR = 20
HOUR = timedelta(hours=1)


class NothingToRead(Exception):
    """There is no word in the document."""


class TooLong(Exception):
    """The document has more letters than anyone reads."""


class TooManyPassages(Exception):
    """The document falls into more passages than a hearing can hold; ``count`` says how many."""

    def __init__(self, count: int) -> None:
        super().__init__(str(count))
        self.count = count


class Frozen(Exception):
    """This version is public: its passages and their numbers stay."""


class NotYet(Exception):
    """Something else has to be done before this."""


class NoWay(Exception):
    """This person cannot comment here now; ``why`` is the code of the reason."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class TooMany(Exception):
    """This person wrote more within an hour than anyone can mean."""


class TooLate(Exception):
    """These words stand: an hour has passed, others answered them, or the hearing has closed."""


class SaidAlready(Exception):
    """The very same words of the same person stand there already."""


class NothingToAdopt(Exception):
    """Nobody said anything in this browser without an account."""


# --- setting up


@transaction.atomic
def set_up_hearing(
    *,
    viewer: Viewer,
    community: Community,
    challenge: Challenge | None = None,
    title: str,
    about: str,
    decides: str,
    opens_at: datetime,
    closes_at: datetime,
    reach: str,
    level: int = 1,
    checks_first: bool = False,
) -> Hearing:
    """Begin a hearing that only those who lead there see."""
    if not viewer.looks_at(community) or not places.may_lead(viewer, community):
        raise PermissionDenied(_("Only those who lead this community set up a hearing for it."))
    _check_challenge(viewer, community, challenge)
    hearing = Hearing.objects.create(
        authority=viewer.authority, community=community, challenge=challenge, title=title,
        about=about, decides=decides, opens_at=opens_at, closes_at=closes_at, reach=reach,
        level=level, checks_first=checks_first, created_at=viewer.at, created_by=_present(viewer),
    )  # fmt: skip
    _record(viewer, "hearing.drafted", hearing)
    return hearing


@transaction.atomic
def change_hearing(*, viewer: Viewer, hearing_id: int, **given: Any) -> Hearing:
    """Change what a hearing says about itself, its dates, and who may comment."""
    hearing = _led(viewer, hearing_id)
    given.pop("community", None)
    if "challenge" in given:
        _check_challenge(viewer, hearing.community, given["challenge"])
    different = {name for name, value in given.items() if getattr(hearing, name) != value}
    for name in different:
        setattr(hearing, name, given[name])
    if not different:
        return hearing
    hearing.save(update_fields=list(different))
    moved = bool(different & {"opens_at", "closes_at"})
    what = "hearing.dates_changed" if moved and hearing.is_public else "hearing.changed"
    _record(
        viewer, what, hearing, public=hearing.is_public,
        opens_at=hearing.opens_at.isoformat(), closes_at=hearing.closes_at.isoformat(),
    )  # fmt: skip
    return hearing


def _check_challenge(viewer: Viewer, community: Community, challenge: Challenge | None) -> None:
    if challenge is None:
        return
    if challenge.authority_id != viewer.authority.pk or not challenge.is_public:
        raise PermissionDenied(_("This challenge belongs to another authority, or is a draft."))
    if not places.may_lead(viewer, challenge.community):
        raise PermissionDenied(_("Only those who lead a challenge add a hearing to it."))


@transaction.atomic
def discard_hearing(*, viewer: Viewer, hearing_id: int) -> None:
    """Throw a hearing away that never was public. Raises ``Frozen`` for any other."""
    hearing = _led(viewer, hearing_id)
    if hearing.is_public:
        raise Frozen
    _record(viewer, "hearing.discarded", hearing)
    Passage.objects.filter(version__hearing=hearing).update(before=None)
    hearing.delete()


@transaction.atomic
def put_document(*, viewer: Viewer, hearing_id: int, text: str) -> Version:
    """Cut a text into the passages of the version that is being prepared, in place of those it has.

    Raises ``NothingToRead``, ``TooLong``, ``TooManyPassages``.
    """
    hearing = _led(viewer, hearing_id)
    if len(text) > MOST_LETTERS:
        raise TooLong
    pieces = documents.cut(text)
    if not pieces:
        raise NothingToRead
    if len(pieces) > MOST_PASSAGES:
        raise TooManyPassages(len(pieces))
    version = _draft_of(viewer, hearing)
    version.passages.all().delete()
    Passage.objects.bulk_create(_passages(version, pieces, first=1))
    _record(viewer, "hearing.document_put", hearing, passages=len(pieces))
    return version


@transaction.atomic
def attach_file(*, viewer: Viewer, hearing_id: int, name: str, content: bytes) -> Version:
    """Put the original beside the version that is being prepared; no content takes it away."""
    hearing = _led(viewer, hearing_id)
    version = _draft_of(viewer, hearing)
    version.file = content or None
    version.file_name, version.file_size = (name[:200], len(content)) if content else ("", 0)
    version.save(update_fields=["file", "file_name", "file_size"])
    _record(viewer, "hearing.file_attached", hearing, bytes=len(content))
    return version


@transaction.atomic
def change_passage(
    *, viewer: Viewer, passage_id: int, kind: str, level: int, label: str, text: str
) -> Version:
    """Change a passage that is not public yet; an empty line splits it, and no words take it out.

    Raises ``Frozen``, ``TooManyPassages``.
    """
    passage, version = _draft_passage(viewer, passage_id)
    parts = [part.strip() for part in documents.clean(text).split("\n\n")]
    parts = [part for part in parts if documents.says_something(part)]
    count = version.passages.count()
    if count - 1 + len(parts) > MOST_PASSAGES:
        raise TooManyPassages(count - 1 + len(parts))
    if not parts and count == 1:
        raise NothingToRead
    later_ones = version.passages.filter(number__gt=passage.number)
    later_ones.update(number=F("number") + len(parts) - 1)
    pieces = [Piece(kind, level, label if n == 0 else "", part) for n, part in enumerate(parts)]
    first = passage.number
    passage.delete()
    Passage.objects.bulk_create(_passages(version, pieces, first=first))
    return version


@transaction.atomic
def join_passage(*, viewer: Viewer, passage_id: int) -> Version:
    """Join a passage that is not public yet to the one before it. Raises ``Frozen``."""
    passage, version = _draft_passage(viewer, passage_id)
    before = version.passages.filter(number=passage.number - 1).first()
    if before is None:
        return version
    words = f"{passage.label} {passage.text}".strip()
    joint = "\n" if "\n" in before.text else " "
    if len(before.text) + len(words) + 1 > documents.MOST_LETTERS:
        raise TooLong
    before.text = f"{before.text}{joint}{words}"
    before.save(update_fields=["text"])
    number = passage.number
    passage.delete()
    version.passages.filter(number__gt=number).update(number=F("number") - 1)
    return version


@transaction.atomic
def publish_version(*, viewer: Viewer, hearing_id: int, why: str = "") -> Version:
    """Make the version that is prepared public: the first with its hearing, a later one as revised.

    Raises ``NotYet`` where there is no document, or no word on why it changed.
    """
    hearing = _led(viewer, hearing_id)
    version = hearing.versions.filter(published_at__isnull=True).defer("file").first()
    if version is None or not version.passages.exists():
        raise NotYet
    is_first = version.number == 1
    if not is_first and not documents.says_something(why):
        raise NotYet
    if is_first and hearing.closes_at <= viewer.at:
        raise NotYet
    previous = (
        hearing.versions.filter(published_at__isnull=False)
        .defer("file")
        .order_by("-number")
        .first()
    )
    changed = _compare(previous, version) if previous is not None else 0
    version.why, version.published_at = "" if is_first else why, viewer.at
    version.save(update_fields=["why", "published_at"])
    if is_first:
        hearing.published_at = viewer.at
        hearing.save(update_fields=["published_at"])
        _record(
            viewer, "hearing.announced", hearing, public=True, opens_at=hearing.opens_at.isoformat()
        )
    else:
        _record(
            viewer,
            "hearing.revised",
            hearing,
            public=True,
            version=version.number,
            passages=changed,
        )
    return version


def _compare(previous: Version, version: Version) -> int:
    """Write down from which passage each new one comes, and what is different; return how many are."""
    old, new = (list(v.passages.order_by("number")) for v in (previous, version))
    came = documents.pairs(_pieces(old), _pieces(new))
    changed = 0
    for passage, place in zip(new, came, strict=True):
        if place is None:
            changed += 1
            continue
        before = old[place]
        passage.before = before
        if passage.text != before.text:
            passage.difference = documents.difference(before.text, passage.text)
            changed += 1
    Passage.objects.bulk_update(new, ["before", "difference"], batch_size=200)
    return changed + len(old) - len([place for place in came if place is not None])


def _pieces(passages: Sequence[Passage]) -> list[Piece]:
    return [Piece(p.kind, p.level, p.label, p.text) for p in passages]


@transaction.atomic
def discard_draft(*, viewer: Viewer, hearing_id: int) -> None:
    """Throw away the version that is being prepared; what is public stays."""
    hearing = _led(viewer, hearing_id)
    gone, _kinds = hearing.versions.filter(published_at__isnull=True).delete()
    if gone:
        _record(viewer, "hearing.document_discarded", hearing)


def _draft_of(viewer: Viewer, hearing: Hearing) -> Version:
    found = hearing.versions.filter(published_at__isnull=True).defer("file").first()
    if found is not None:
        return found
    last = hearing.versions.order_by("-number").values_list("number", flat=True).first() or 0
    return Version.objects.create(
        hearing=hearing, number=last + 1, created_at=viewer.at, created_by=_present(viewer)
    )


def _passages(version: Version, pieces: Sequence[Piece], *, first: int) -> list[Passage]:
    return [
        Passage(
            version=version, number=first + place, kind=piece.kind,
            level=max(1, min(6, piece.level)), label=piece.label[:40], text=piece.text,
        )
        for place, piece in enumerate(pieces)
    ]  # fmt: skip


def _draft_passage(viewer: Viewer, passage_id: int) -> tuple[Passage, Version]:
    """Hold the hearing, so that two who cut the same document wait for each other."""
    found = queries.any_passage(viewer, passage_id)
    if found is None:
        raise Frozen
    _led(viewer, found.version.hearing_id)
    passage = (
        Passage.objects.select_related("version")
        .defer("version__file")
        .filter(pk=passage_id)
        .first()
    )
    if passage is None or passage.version.published_at is not None:
        raise Frozen
    return passage, passage.version


# --- what people say


@transaction.atomic
def write_comment(
    *,
    viewer: Viewer,
    version: Version,
    passage: Passage | None = None,
    parent: Comment | None = None,
    stance: str,
    body: str,
    wording: str = "",
    standing: str = "",
    organisation: Organisation | None = None,
    guest: bytes | None = None,
    name: str = "",
) -> Comment:
    """Say something about a passage or the whole document, or reply to what somebody said.

    The same words sent twice are one comment. Raises ``NoWay`` with the reason, ``TooMany``.
    """
    hearing = version.hearing
    latest = _latest(hearing)
    if why := rules.why_not(viewer, hearing, version, latest):
        raise NoWay(why)
    if viewer.person is None and guest is None:
        raise NoWay("sign-in")
    if parent is not None:
        parent = _held_parent(parent)
        passage = parent.passage
    person = viewer.person
    kind, speaks_for = _voice(viewer, hearing, standing, organisation)
    is_checked = hearing.checks_first or person is None
    if person is not None:
        guest, name = None, ""
        Person.objects.select_for_update(no_key=True).get(pk=person.pk)
    values: dict[str, Any] = {
        "stance": Stance.NEITHER if parent else Stance(stance),
        "body": body,
        "wording": "" if parent else wording,
    }
    who = f"person:{person.pk}" if person else f"guest:{(guest or b'').hex()}"
    digest = _digest(who, version, passage, parent, **values)
    if known := Comment.objects.filter(hearing=hearing, digest=digest).first():
        return known
    if person is not None:
        lately = Comment.objects.filter(person=person, written_at__gt=viewer.at - HOUR)
        if lately.filter(written_at__lte=viewer.at).count() >= COMMENTS_AN_HOUR:
            raise TooMany
    try:
        with transaction.atomic():
            comment = Comment.objects.create(
                hearing=hearing, version=version, passage=passage, parent=parent, person=person,
                guest=guest, name=name, standing=kind, organisation=speaks_for,
                state=State.WAITING if is_checked else State.SHOWN, written_at=viewer.at,
                digest=digest, **values,
            )  # fmt: skip
    except IntegrityError:  # a guest's double click: the other one was quicker
        return Comment.objects.get(hearing=hearing, digest=digest)
    _record(viewer, "hearing.comment_written", hearing, comment=comment.pk)
    return comment


@transaction.atomic
def enter_comment(
    *,
    viewer: Viewer,
    version: Version,
    passage: Passage | None,
    channel: str,
    received_on: date,
    name: str,
    stance: str,
    body: str,
    wording: str = "",
    standing: str = "",
) -> Comment:
    """Enter what came by letter, mail or telephone, or was said at a meeting: once, and in public.

    It may be entered after the close, if it came before. Raises ``NoWay``.
    """
    hearing = version.hearing
    person = _present(viewer)
    if not rules.may_lead(viewer, hearing):
        raise PermissionDenied(_("Only those who run this hearing enter what came by post."))
    if version.published_at is None or not hearing.is_public:
        raise NoWay("draft")
    if hearing.withdrawn_at is not None:
        raise NoWay("withdrawn")
    said: dict[str, Any] = {"stance": Stance(stance), "body": body, "wording": wording}
    who = f"entered:{Channel(channel)}:{received_on}:{name}"
    digest = _digest(who, version, passage, None, **said)
    if known := Comment.objects.filter(hearing=hearing, digest=digest).first():
        return known
    comment = Comment.objects.create(
        hearing=hearing, version=version, passage=passage, entered_by=person, name=name,
        standing=standing, channel=channel, received_on=received_on, state=State.SHOWN,
        written_at=viewer.at, digest=digest, **said,
    )  # fmt: skip
    _record(viewer, "hearing.comment_entered", hearing, comment=comment.pk, channel=channel)
    return comment


@transaction.atomic
def change_comment(
    *,
    viewer: Viewer,
    comment_id: int,
    guest: bytes | None = None,
    stance: str,
    body: str,
    wording: str = "",
) -> Comment:
    """Put one's own words right, within an hour and before others answered them.

    Where comments are checked first, they are checked again. Raises ``TooLate``, ``SaidAlready``.
    """
    comment = _held_comment(viewer, comment_id)
    _is_own(viewer, comment, guest)
    if not rules.may_change(viewer, comment, guest) or _is_answered(comment):
        raise TooLate
    said: dict[str, Any] = {
        "stance": comment.stance if comment.parent_id else Stance(stance),
        "body": body,
        "wording": "" if comment.parent_id else wording,
    }
    if all(getattr(comment, name) == value for name, value in said.items()):
        return comment
    who = f"person:{comment.person_id}" if comment.person_id else f"guest:{(guest or b'').hex()}"
    digest = _digest(who, comment.version, comment.passage, comment.parent, **said)
    same = Comment.objects.filter(hearing=comment.hearing_id, digest=digest)
    if same.exclude(pk=comment.pk).exists():
        raise SaidAlready
    for name, value in said.items():
        setattr(comment, name, value)
    comment.digest, comment.changed_at = digest, viewer.at
    if comment.hearing.checks_first or comment.person_id is None:
        comment.state = State.WAITING
    comment.save(update_fields=[*said, "digest", "changed_at", "state"])
    _record(viewer, "hearing.comment_changed", comment.hearing, comment=comment.pk)
    return comment


@transaction.atomic
def remove_comment(*, viewer: Viewer, comment_id: int, guest: bytes | None = None) -> Comment:
    """Take one's own words back while the hearing is open; replies keep their place. Raises ``TooLate``."""
    comment = _held_comment(viewer, comment_id)
    _is_own(viewer, comment, guest)
    if comment.state == State.REMOVED:
        return comment
    if not rules.may_remove(viewer, comment, guest):
        raise TooLate
    _take_away(comment)
    _record(viewer, "hearing.comment_removed", comment.hearing, comment=comment_id)
    return comment


def _take_away(comment: Comment) -> None:
    """Delete a comment; where others replied or staff answered, an empty place stays."""
    has_more = comment.replies.exists() or Answer.objects.filter(comment=comment).exists()
    if not has_more:
        comment.delete()
        return
    comment.agreements.all().delete()
    comment.body = comment.wording = comment.name = ""
    comment.state, comment.digest, comment.guest = State.REMOVED, None, None
    comment.save(update_fields=["body", "wording", "name", "state", "digest", "guest"])


@transaction.atomic
def adopt_comments(*, viewer: Viewer, hearing_id: int, guest: bytes) -> int:
    """Put what was said in this browser without an account under that of whoever has signed in.

    Their name stands with it from now on, and nobody agrees with their own words. What they have
    said with the account in the very same words stays once, unless others answered it. What waits
    for a moderator still does. Returns how many comments came over. Raises ``NothingToAdopt``.
    """
    person = _present(viewer)
    Person.objects.select_for_update(no_key=True).get(pk=person.pk)
    rows = Comment.objects.select_for_update(no_key=True, of=("self",)).filter(
        hearing=hearing_id, hearing__authority=viewer.authority, guest=guest, person__isnull=True
    )
    found = list(rows.select_related("hearing", "version", "passage", "parent").order_by("pk"))
    if not found:
        raise NothingToAdopt
    Agreement.objects.filter(comment__in=found, person=person).delete()
    for comment in found:
        _become_ones_own(comment, person)
    _record(viewer, "hearing.comments_adopted", found[0].hearing, comments=len(found))
    return len(found)


def _become_ones_own(comment: Comment, person: Person) -> None:
    said = {name: getattr(comment, name) for name in ("stance", "body", "wording")}
    digest = _digest(
        f"person:{person.pk}", comment.version, comment.passage, comment.parent, **said
    )
    is_twice = Comment.objects.filter(hearing=comment.hearing_id, digest=digest).exists()
    if is_twice and not _is_answered(comment):
        comment.delete()
        return
    comment.person, comment.guest, comment.name = person, None, ""
    if comment.digest is not None:
        comment.digest = None if is_twice else digest
    comment.save(update_fields=["person", "guest", "name", "digest"])


@transaction.atomic
def agree(*, viewer: Viewer, comment_id: int) -> Comment:
    """Agree with somebody else's comment; twice is as once. Raises ``NoWay``."""
    comment = _held_comment(viewer, comment_id)
    person = _present(viewer)
    if not rules.may_agree(viewer, comment):
        raise NoWay("agree")
    _made, is_new = Agreement.objects.get_or_create(
        comment=comment, person=person, defaults={"agreed_at": viewer.at}
    )
    if is_new:
        _record(viewer, "hearing.comment_agreed", comment.hearing, comment=comment.pk)
    return comment


@transaction.atomic
def agree_no_more(*, viewer: Viewer, comment_id: int) -> Comment:
    """Take an agreement back while the hearing is open. Raises ``NoWay``."""
    comment = _held_comment(viewer, comment_id)
    person = _present(viewer)
    if comment.hearing.state(viewer.at) != "open":
        raise NoWay("closed")
    gone, _kinds = Agreement.objects.filter(comment=comment, person=person).delete()
    if gone:
        _record(viewer, "hearing.comment_disagreed", comment.hearing, comment=comment.pk)
    return comment


@transaction.atomic
def report_comment(*, viewer: Viewer, comment_id: int, reason: str, words: str) -> Comment:
    """Tell the moderators that a comment breaks the rules. Raises ``TooMany``."""
    comment = _held_comment(viewer, comment_id)
    if not comment.is_public:
        return comment
    person = viewer.person
    if person is not None:
        lately = Report.objects.filter(person=person, reported_at__gt=viewer.at - HOUR)
        if lately.count() >= REPORTS_AN_HOUR:
            raise TooMany
        if Report.objects.filter(comment=comment, person=person).exists():
            return comment
    elif Report.objects.filter(
        comment=comment, person__isnull=True, settled_at__isnull=True
    ).exists():
        return comment
    Report.objects.create(
        comment=comment,
        person=person,
        reason=Reason(reason).value,
        words=words,
        reported_at=viewer.at,
    )
    _record(viewer, "hearing.comment_reported", comment.hearing, comment=comment.pk, reason=reason)
    return comment


# --- for moderators


@transaction.atomic
def show_comments(*, viewer: Viewer, comment_ids: Iterable[int]) -> int:
    """Let everyone read comments that waited, were hidden or were reported; return how many."""
    done = 0
    for comment in queries.held_comments(viewer, comment_ids):
        settled = comment.reports.filter(settled_at__isnull=True).update(settled_at=viewer.at)
        if comment.state in (State.WAITING, State.HIDDEN):
            comment.state, comment.reason, comment.decided_at = State.SHOWN, "", viewer.at
            comment.save(update_fields=["state", "reason", "decided_at"])
            _tell_author(comment, "shown")
        elif not settled:
            continue
        _record(viewer, "hearing.comment_shown", comment.hearing, comment=comment.pk)
        done += 1
    return done


@transaction.atomic
def hide_comments(*, viewer: Viewer, comment_ids: Iterable[int], reason: str) -> int:
    """Hide comments that break the rules; their place says why. Return how many."""
    code, done = Reason(reason).value, 0
    for comment in queries.held_comments(viewer, comment_ids):
        if comment.state not in (State.WAITING, State.SHOWN):
            continue
        comment.reports.filter(settled_at__isnull=True).update(settled_at=viewer.at)
        comment.state, comment.reason, comment.decided_at = State.HIDDEN, code, viewer.at
        comment.save(update_fields=["state", "reason", "decided_at"])
        _record(viewer, "hearing.comment_hidden", comment.hearing, comment=comment.pk, reason=code)
        _tell_author(comment, "hidden")
        done += 1
    return done


# --- answers


@transaction.atomic
def answer(
    *,
    viewer: Viewer,
    status: str,
    words: str,
    passage: Passage | None = None,
    comment: Comment | None = None,
) -> Answer:
    """Say in public what becomes of a comment, or of all that was said about a passage."""
    hearing = comment.hearing if comment else passage.version.hearing if passage else None
    if hearing is None or (passage is not None and comment is not None):
        raise ValueError("an answer is to one passage or to one comment")
    hearing = _led(viewer, hearing.pk)
    if not hearing.is_public or hearing.withdrawn_at is not None:
        raise NotYet
    if comment is not None:
        comment = _held_comment(viewer, comment.pk)
        if not comment.is_public or comment.parent_id is not None:
            raise NotYet
    about: dict[str, Any] = {"passage": passage} if passage else {"comment": comment}
    made, is_new = Answer.objects.get_or_create(
        **about,
        defaults={
            "hearing": hearing, "status": Outcome(status), "words": words,
            "answered_at": viewer.at, "answered_by": _present(viewer),
        },
    )  # fmt: skip
    if not is_new:
        if (made.status, made.words) == (status, words):
            return made
        made.status, made.words, made.changed_at = Outcome(status), words, viewer.at
        made.save(update_fields=["status", "words", "changed_at"])
    facts = {
        "status": status,
        "passage": passage.number if passage else 0,
        "comment": comment.pk if comment else 0,
    }
    _record(
        viewer,
        "hearing.answered" if is_new else "hearing.answer_changed",
        hearing,
        public=True,
        **facts,
    )
    if comment is not None and is_new:
        _tell_author(comment, "answered")
    return made


@transaction.atomic
def conclude(*, viewer: Viewer, hearing_id: int, words: str) -> Hearing:
    """Say in public, after the close, what came of the hearing as a whole. Raises ``NotYet``."""
    hearing = _led(viewer, hearing_id)
    if hearing.state(viewer.at) not in ("closed", "answered"):
        raise NotYet
    if hearing.outcome == words:
        return hearing
    what = "hearing.conclusion_changed" if hearing.outcome else "hearing.concluded"
    hearing.outcome, hearing.outcome_at = words, viewer.at
    hearing.save(update_fields=["outcome", "outcome_at"])
    _record(viewer, what, hearing, public=True)
    return hearing


# --- taken back, and put back


@transaction.atomic
def withdraw(*, viewer: Viewer, hearing_id: int, why: str, is_withheld: bool) -> Hearing:
    """Take a public hearing back, with a reason that everybody reads; nothing of it is lost.

    Nobody comments in it any more. With ``is_withheld`` its document and comments are for staff
    alone. Whoever spoke in it is told. Done again it changes the reason, or what can be read, and
    tells nobody. Raises ``NotYet`` for a draft.
    """
    hearing = _led(viewer, hearing_id)
    if not hearing.is_public:
        raise NotYet
    is_new = hearing.withdrawn_at is None
    if not is_new and (hearing.withdrawn_why, hearing.is_withheld) == (why, is_withheld):
        return hearing
    hearing.withdrawn_at = hearing.withdrawn_at or viewer.at
    hearing.withdrawn_why, hearing.is_withheld = why, is_withheld
    hearing.save(update_fields=["withdrawn_at", "withdrawn_why", "is_withheld"])
    what = "hearing.withdrawn" if is_new else "hearing.withdrawal_changed"
    _record(viewer, what, hearing, public=True, can_be_read=not is_withheld)
    if is_new:
        later("hearings.tell_speakers", hearing_id=hearing.pk, what="withdrawn")
    return hearing


@transaction.atomic
def put_back(*, viewer: Viewer, hearing_id: int) -> Hearing:
    """Put a hearing back as it was, with its dates and all that was said; whoever spoke is told."""
    hearing = _led(viewer, hearing_id)
    if hearing.withdrawn_at is None:
        return hearing
    hearing.withdrawn_at, hearing.withdrawn_why, hearing.is_withheld = None, "", False
    hearing.save(update_fields=["withdrawn_at", "withdrawn_why", "is_withheld"])
    _record(viewer, "hearing.put_back", hearing, public=True)
    later("hearings.tell_speakers", hearing_id=hearing.pk, what="put-back")
    return hearing


@transaction.atomic
def tell_speakers(*, hearing_id: int, what: str) -> int:
    """Have a mail written to each person who spoke in a hearing; return to how many."""
    hearing = Hearing.objects.filter(pk=hearing_id).first()
    people = queries.speakers(hearing) if hearing else []
    for person in people:
        later("hearings.tell_speaker", hearing_id=hearing_id, person_id=person, what=what)
    return len(people)


def tell_speaker(*, hearing_id: int, person_id: int, what: str, at: datetime) -> bool:
    """Write to one person that a hearing was withdrawn or put back; nothing if that is no longer so."""
    hearing = Hearing.objects.select_related("authority").filter(pk=hearing_id).first()
    person = Person.objects.filter(pk=person_id, is_active=True).first()
    if hearing is None or person is None or not person.email:
        return False
    is_withdrawn = hearing.withdrawn_at is not None
    if is_withdrawn != (what == "withdrawn"):
        return False
    moment = int(hearing.withdrawn_at.timestamp()) if hearing.withdrawn_at else f"{at:%Y%m%d}"
    letter(
        person=person,
        authority=hearing.authority,
        at=at,
        href=hearing.get_absolute_url(),
        why=_("You get this because you said something in a hearing."),
        key=f"hearing-{hearing.pk}-{what}-{moment}",
        **_letter_to_speaker(hearing),
    ).send()
    return True


def _letter_to_speaker(hearing: Hearing) -> dict[str, Any]:
    title = {"title": hearing.title}
    if hearing.withdrawn_at is None:
        return {
            "subject": _("A hearing you spoke in is back"),
            "lines": [
                _("“%(title)s” was withdrawn, and is back. What you said stands there as before.")
                % title
            ],
            "link": _("Go to the hearing"),
        }
    kept = _("What you said is kept, and everybody can still read it.")
    if hearing.is_withheld:
        kept = _("What you said is kept. Only you and staff can read it meanwhile.")
    return {
        "subject": _("A hearing you spoke in was withdrawn"),
        "lines": [
            _("“%(title)s” was withdrawn. It takes no comments any more.") % title,
            _("The reason: %(reason)s") % {"reason": hearing.withdrawn_why},
            kept,
            _("If you have a question, reply to this mail."),
        ],
        "link": _("Read it on its page"),
    }


# --- by the clock


@transaction.atomic
def note_moments(*, at: datetime) -> int:
    """Journal the hearings that have opened or closed since the last look; return how many."""
    told = 0
    for hearing, what, moment in queries.moments_to_tell(at):
        held = Hearing.objects.select_for_update(no_key=True).get(pk=hearing.pk)
        known = Entry.objects.filter(about=queries.ABOUT, about_id=held.pk, what=what)
        if not known.exists():
            assert held.published_at is not None
            when = max(moment, held.published_at)
            journal.record(what=what, who=None, about=held, at=when, public=True)
            told += 1
    return told


def tell_author(*, comment_id: int, what: str, at: datetime) -> bool:
    """Write to who wrote a comment what became of it; nothing where that has changed meanwhile."""
    comment = (
        Comment.objects.select_related("hearing__authority", "person", "answer")
        .filter(pk=comment_id, person__isnull=False)
        .first()
    )
    if comment is None or comment.person is None or not comment.person.email:
        return False
    expected = {"shown": State.SHOWN, "hidden": State.HIDDEN, "answered": State.SHOWN}
    if comment.state != expected[what] or not comment.person.is_active:
        return False
    letter(
        person=comment.person,
        authority=comment.hearing.authority,
        at=at,
        href=comment.get_absolute_url(),
        why=_("You get this because you said something in a hearing."),
        key=f"hearing-{comment.pk}-{what}-{int(comment.decided_at.timestamp()) if comment.decided_at else 0}",
        **_letter_about(comment, what),
    ).send()
    return True


def _letter_about(comment: Comment, what: str) -> dict[str, Any]:
    title = {"title": comment.hearing.title}
    if what == "shown":
        return {
            "subject": _("Everyone can read what you said"),
            "lines": [
                _("A moderator has read what you said about “%(title)s”. Everyone can read it now.")
                % title
            ],
            "link": _("See it"),
        }
    if what == "hidden":
        reason = Reason(comment.reason).label
        return {
            "subject": _("What you said is not shown"),
            "lines": [
                _("A moderator hid what you said about “%(title)s”.") % title,
                _("The reason: %(reason)s.") % {"reason": reason},
                _(
                    "You still see your words. You can say it again in another way, or reply to this mail."
                ),
            ],
            "link": _("See your words"),
        }
    made = comment.answer
    return {
        "subject": _("What you said has an answer"),
        "lines": [
            _("Those who decide have answered what you said about “%(title)s”.") % title,
            _("%(status)s. The reasons stand beside your words.")
            % {"status": made.get_status_display()},
        ],
        "link": _("Read the answer"),
    }


def _tell_author(comment: Comment, what: str) -> None:
    if comment.person_id is not None:
        later("hearings.tell_author", comment_id=comment.pk, what=what)


# --- people who leave


@transaction.atomic
def let_go(person: Person, at: datetime) -> None:
    """Erase what a person said, agreed with and reported; where others replied, an empty place stays."""
    Agreement.objects.filter(person=person).delete()
    Report.objects.filter(person=person).delete()
    for comment in (
        Comment.objects.select_for_update(no_key=True).filter(person=person).order_by("pk")
    ):
        _take_away(comment)


def let_stand(person: Person, at: datetime) -> None:
    """Leave what a person did as staff: it is the authority's, and its maker becomes nobody."""


# --- shared


def _present(viewer: Viewer) -> Person:
    if viewer.person is None:
        raise PermissionDenied(_("Sign in first: it takes a code by email, and no password."))
    return viewer.person


def _led(viewer: Viewer, hearing_id: int) -> Hearing:
    """Return a hearing, locked, if this viewer may run it."""
    hearing = (
        Hearing.objects.select_for_update(no_key=True, of=("self",))
        .select_related("community")
        .filter(authority=viewer.authority, pk=hearing_id)
        .first()
    )
    if hearing is None or not rules.may_lead(viewer, hearing):
        raise PermissionDenied(_("Only those who run this hearing may do this."))
    return hearing


def _latest(hearing: Hearing) -> int:
    public = hearing.versions.filter(published_at__isnull=False)
    return public.order_by("-number").values_list("number", flat=True).first() or 0


def _held_comment(viewer: Viewer, comment_id: int) -> Comment:
    found = (
        Comment.objects.select_for_update(no_key=True, of=("self",))
        .select_related("hearing__community", "version", "passage", "parent")
        .defer("version__file")
        .filter(hearing__authority=viewer.authority, pk=comment_id)
        .first()
    )
    if found is None:
        raise PermissionDenied(_("This comment is no longer here."))
    return found


def _held_parent(parent: Comment) -> Comment:
    """Hold what is replied to; a reply to a reply is a reply to what that one answers."""
    top = parent.parent_id or parent.pk
    held = (
        Comment.objects.select_for_update(no_key=True, of=("self",))
        .select_related("passage")
        .filter(pk=top)
        .first()
    )
    if held is None or not held.is_public:
        raise NoWay("gone")
    return held


def _is_own(viewer: Viewer, comment: Comment, guest: bytes | None) -> None:
    if not rules.wrote(viewer, comment, guest):
        raise PermissionDenied(_("Only the person who wrote this can change it."))


def _is_answered(comment: Comment) -> bool:
    return (
        comment.agreements.exists()
        or comment.replies.exists()
        or Answer.objects.filter(comment=comment).exists()
    )


def _voice(
    viewer: Viewer, hearing: Hearing, standing: str, organisation: Organisation | None
) -> tuple[str, Organisation | None]:
    """Return as what a person speaks; somebody who does not belong there speaks as nobody special."""
    if not standing:
        return "", None
    for voice in rules.speaks_as(viewer, hearing):
        if voice.kind == standing and organisation in (None, voice.organisation):
            return voice.kind.value, organisation
    raise PermissionDenied(_("You cannot speak as this here. Choose another standing."))


def _digest(
    who: str, version: Version, passage: Passage | None, parent: Comment | None, **said: str
) -> bytes:
    parts = (
        who,
        version.pk,
        passage.pk if passage else 0,
        parent.pk if parent else 0,
        *said.values(),
    )
    return sha256("\x00".join(str(part) for part in parts).encode()).digest()


def _record(
    viewer: Viewer, what: str, hearing: Hearing, *, public: bool = False, **facts: Any
) -> None:
    journal.record(
        what=what, who=viewer.person, about=hearing, at=viewer.at, public=public, facts=facts
    )
