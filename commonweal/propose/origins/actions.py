"""Making an idea or a challenge of a statement, and telling whoever said it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from commonweal.ground.challenges import actions as challenges
from commonweal.ground.challenges.models import Challenge
from commonweal.ground.journal import actions as journal
from commonweal.ground.people.models import Person
from commonweal.ground.places.models import Organisation
from commonweal.ground.places.rules import Viewer
from commonweal.kit.mail import letter
from commonweal.kit.manifest import silent
from commonweal.listen.conversations.models import State, Statement
from commonweal.propose.origins import queries, rules
from commonweal.propose.origins.models import Origin
from commonweal.propose.proposals import actions as proposals
from commonweal.propose.proposals.models import Part, Proposal

LONGEST_TITLE = 120


class NoLongerStands(Exception):
    """Nobody votes on the statement any more, so nothing new is made of it."""


class HasChallenge(Exception):
    """A challenge came of this statement already; ``challenge`` is it."""

    def __init__(self, challenge: Challenge) -> None:
        super().__init__(str(challenge.pk))
        self.challenge = challenge


@transaction.atomic
def start_idea(
    *,
    viewer: Viewer,
    statement_id: int,
    standing: str,
    organisation: Organisation | None = None,
    better: str,
) -> Proposal:
    """Begin an idea with what a statement says, and keep from where it came.

    Raises ``NoLongerStands``, and as ``start_proposal``.
    """
    statement = _held(viewer, statement_id)
    goes_to = queries.target(viewer, statement, statement.conversation)
    if goes_to is None:
        raise NoLongerStands
    challenge = queries.challenge_with_steps(viewer, goes_to.challenge.pk)
    if challenge is None:
        raise NoLongerStands
    begun = proposals.start_proposal(
        viewer=viewer,
        challenge=challenge,
        standing=standing,
        organisation=organisation,
        better=better,
    )
    proposals.save_part(
        viewer=viewer, proposal_id=begun.pk, part=Part.WORKS, title=short(text=statement.text)
    )
    Origin.objects.create(statement=statement, proposal=begun, made_at=viewer.at)
    _record(viewer, "origin.idea_begun", statement, idea=begun.pk)
    return begun


@transaction.atomic
def draft_challenge(*, viewer: Viewer, statement_id: int, **basics: Any) -> Challenge:
    """Begin a challenge with what a statement says, and keep from where it came.

    Nobody else sees it until it is published. Raises ``NoLongerStands`` and ``HasChallenge``.
    """
    statement = _held(viewer, statement_id)
    if statement.challenge_id is not None:
        raise HasChallenge(Challenge.objects.get(pk=statement.challenge_id))
    if not rules.may_make_challenge(viewer, statement, statement.conversation):
        raise PermissionDenied(_("Only those who lead this place make a challenge of it."))
    made = challenges.draft_challenge(viewer=viewer, **basics)
    statement.challenge = made
    statement.save(update_fields=["challenge"])
    Origin.objects.create(statement=statement, challenge=made, made_at=viewer.at)
    _record(viewer, "origin.challenge_begun", statement, challenge=made.pk)
    return made


def short(*, text: str) -> str:
    """Return a statement as a title: cut at a word where it is longer."""
    if len(text) <= LONGEST_TITLE:
        return text
    cut = text[:LONGEST_TITLE].rpartition(" ")[0]
    return f"{cut}…" if len(cut) > LONGEST_TITLE // 2 else Truncator(text).chars(LONGEST_TITLE)


def _held(viewer: Viewer, statement_id: int) -> Statement:
    """Hold a statement, so that only one challenge comes of it.

    What it points to is read afterwards: a join would be of before the lock.
    """
    found = (
        Statement.objects.select_for_update(of=("self",), no_key=True)
        .select_related("conversation__community")
        .filter(pk=statement_id, conversation__authority=viewer.authority)
        .first()
    )
    if found is None or found.state != State.SHOWN or not found.conversation.has_opened(viewer.at):
        raise NoLongerStands
    return found


def _record(viewer: Viewer, what: str, statement: Statement, **facts: Any) -> None:
    journal.record(
        what=what,
        who=viewer.person,
        about=statement.conversation,
        at=viewer.at,
        public=False,
        facts={"statement": statement.number, **facts},
    )


# --- telling whoever said it


@transaction.atomic
def tell(*, origin_id: int, at: datetime) -> bool:
    """Write to the statement's author that something came of it, once; tell whether a mail went out."""
    held = queries.with_all(origin_id).filter(told_at__isnull=True).first()
    if held is None or not queries.to_tell().filter(pk=origin_id).exists():
        return False
    person = _wants_mail(held)
    if person is not None:
        _letter(held, person, at, funded=False).send()
    held.told_at = at
    held.save(update_fields=["told_at"])
    return person is not None


@transaction.atomic
def tell_funded(*, origin_id: int, at: datetime) -> bool:
    """Write to the statement's author that an idea that came of it gets its money, once."""
    held = queries.with_all(origin_id).filter(funded_told_at__isnull=True).first()
    if held is None or not queries.funded_to_tell().filter(pk=origin_id).exists():
        return False
    person = _wants_mail(held)
    if person is not None:
        _letter(held, person, at, funded=True).send()
    held.funded_told_at = at
    held.save(update_fields=["funded_told_at"])
    return person is not None


def _wants_mail(held: Origin) -> Person | None:
    """Return who said it, unless they want no mail about what becomes of what they said."""
    author = held.statement.author
    person = author.person if author is not None else None
    if person is None or not person.email or silent([person.pk]):
        return None
    return person


def _letter(held: Origin, person: Person, at: datetime, *, funded: bool) -> Any:
    words = {"text": held.statement.text, "title": str(held.proposal or held.challenge)}
    if funded:
        subject = _("What you said gets its money")
        lines = [
            _("You said: “%(text)s”") % words,
            _("The idea that came of it was chosen, and there is money for it: “%(title)s”.")
            % words,
        ]
    elif held.proposal is not None:
        subject = _("What you said became an idea")
        lines = [
            _("You said: “%(text)s”") % words,
            _("Somebody made an idea of it: “%(title)s”. Read it, sign it, or say what is missing.")
            % words,
        ]
    else:
        subject = _("What you said became a challenge")
        lines = [
            _("You said: “%(text)s”") % words,
            _("It is an open question for everybody now: “%(title)s”.") % words,
        ]
    about = held.proposal or held.challenge
    assert about is not None, "the database holds to one of the two"
    return letter(
        person=person,
        authority=held.statement.conversation.authority,
        at=at,
        subject=subject,
        lines=lines,
        href=about.get_absolute_url(),
        link=_("See what came of it"),
        why=_("You get this because you said it in a conversation. Nobody else learns that."),
        key=f"origin-{held.pk}-{'funded' if funded else 'made'}",
    )
