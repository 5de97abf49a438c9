"""Everything that changes a proposal, its signatures and what people say about it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import ProtectedError, Q
from django.utils.translation import gettext as _

from commonweal.ground.challenges.models import Challenge
from commonweal.ground.journal import actions as journal
from commonweal.ground.people.models import Person
from commonweal.ground.places.models import Community, Organisation, StandingKind
from commonweal.ground.places.rules import Viewer
from commonweal.propose.proposals import queries, rules
from commonweal.propose.proposals.models import (
    Comment,
    HiddenReason,
    Part,
    Proposal,
    Signature,
    Status,
)

DRAFTS_AN_HOUR = 10
COMMENTS_AN_HOUR = 30
HOUR = timedelta(hours=1)


class IdeasClosed(Exception):
    """The challenge takes no new ideas at this moment."""


class TooManyIdeas(Exception):
    """This person began more ideas within an hour than anyone can mean."""


class TooManyComments(Exception):
    """This person wrote more comments within an hour than anyone can mean."""


class NotWhole(Exception):
    """Something is not said yet; ``missing`` names the fields."""

    def __init__(self, missing: list[str]) -> None:
        super().__init__(", ".join(missing))
        self.missing = missing


class ChangedMeanwhile(Exception):
    """The words were changed elsewhere since the form was opened; ``proposal`` holds the newer ones."""

    def __init__(self, proposal: Proposal) -> None:
        super().__init__(str(proposal.pk))
        self.proposal = proposal


class WordsStand(Exception):
    """The idea is in a ballot, decided, hidden or withdrawn: its words stay as they are."""


class NotTakingNames(Exception):
    """The idea takes no signatures at this moment."""


@transaction.atomic
def start_proposal(
    *,
    viewer: Viewer,
    challenge: Challenge,
    standing: str,
    organisation: Organisation | None = None,
    better: str = "",
) -> Proposal:
    """Begin a draft that only its author sees.

    Raises ``IdeasClosed``, ``TooManyIdeas``, or ``PermissionDenied`` for whoever does not belong.
    """
    person = _present(viewer)
    if challenge.authority_id != viewer.authority.pk:
        raise PermissionDenied(_("This challenge belongs to another authority."))
    kind = _voice(viewer, challenge.community, standing, organisation)
    if queries.open_step(viewer, challenge) is None:
        raise IdeasClosed(challenge.title)
    _hold_turn(person)
    begun = Proposal.objects.filter(author=person, created_at__gt=viewer.at - HOUR)
    if begun.filter(created_at__lte=viewer.at).count() >= DRAFTS_AN_HOUR:
        raise TooManyIdeas
    proposal = Proposal.objects.create(
        authority=viewer.authority,
        community=challenge.community,
        challenge=challenge,
        author=person,
        standing=kind,
        organisation=organisation,
        better=better,
        created_at=viewer.at,
        changed_at=viewer.at,
    )
    _record(viewer, "proposal.started", proposal)
    return proposal


@transaction.atomic
def save_part(
    *, viewer: Viewer, proposal_id: int, part: str, version: str | None = None, **fields: Any
) -> Proposal:
    """Save one part of a draft, whole or not.

    ``version`` is what ``Proposal.version`` said when the form was opened: newer words than those
    are never overwritten. Raises ``ChangedMeanwhile``, ``WordsStand``.
    """
    proposal = _written(viewer, proposal_id)
    if proposal.status != Status.DRAFT:
        raise WordsStand
    _write(proposal, Part(part), version, fields, viewer.at)
    return proposal


@transaction.atomic
def change_proposal(
    *, viewer: Viewer, proposal_id: int, part: str, version: str | None = None, **fields: Any
) -> Proposal:
    """Change one part of a public idea, before it is in a ballot; everyone can see that it changed.

    Raises ``ChangedMeanwhile``, ``WordsStand``, and ``NotWhole`` if something would be missing.
    """
    proposal = _written(viewer, proposal_id)
    if proposal.status != Status.PUBLISHED:
        raise WordsStand
    if _write(proposal, Part(part), version, fields, viewer.at):
        _record(viewer, "proposal.changed", proposal, public=True, part=part)
    return proposal


@transaction.atomic
def publish_proposal(*, viewer: Viewer, proposal_id: int) -> Proposal:
    """Make a whole draft public while its challenge takes ideas. Twice is as good as once.

    Raises ``NotWhole``, ``IdeasClosed``, ``WordsStand``.
    """
    proposal = _written(viewer, proposal_id)
    if proposal.status == Status.PUBLISHED:
        return proposal
    if proposal.status != Status.DRAFT:
        raise WordsStand
    if missing := proposal.missing():
        raise NotWhole(missing)
    if queries.open_step(viewer, proposal.challenge) is None:
        raise IdeasClosed(proposal.challenge.title)
    if not rules.may_take_part(viewer, proposal.community):
        raise PermissionDenied(_not_yours(proposal.community))
    proposal.status, proposal.published_at = Status.PUBLISHED, viewer.at
    proposal.changed_at = viewer.at
    proposal.save(update_fields=["status", "published_at", "changed_at"])
    _record(viewer, "proposal.published", proposal, public=True)
    return proposal


@transaction.atomic
def withdraw_proposal(*, viewer: Viewer, proposal_id: int) -> None:
    """Take one's own idea back: a draft is gone, a public one is no longer shown.

    Raises ``WordsStand`` once it is in a ballot or decided.
    """
    proposal = _written(viewer, proposal_id)
    if proposal.status == Status.WITHDRAWN:
        return
    if proposal.status == Status.DRAFT:
        _record(viewer, "proposal.discarded", proposal)
        proposal.delete()
        return
    if proposal.status != Status.PUBLISHED:
        raise WordsStand
    proposal.status = Status.WITHDRAWN
    proposal.save(update_fields=["status"])
    _record(viewer, "proposal.withdrawn", proposal, public=True)


def mark(*, proposal_ids: Iterable[int], status: str) -> None:
    """Tell proposals what became of them in a ballot; a hidden one remembers it for later.

    The ballot's own action has checked who may, and keeps the journal.
    """
    rows = Proposal.objects.filter(pk__in=list(proposal_ids))
    list(
        rows.select_for_update(no_key=True).order_by("pk").values_list("pk")
    )  # nobody hides it now
    rows.filter(status=Status.HIDDEN).update(status_before=status)
    rows.filter(status__in=Proposal.PUBLIC).update(status=status)


@transaction.atomic
def sign_proposal(*, viewer: Viewer, proposal_id: int, standing: str) -> Signature:
    """Put one's name to somebody else's idea; signing again only changes the standing.

    Raises ``NotTakingNames``, or ``PermissionDenied`` for the author and whoever does not belong.
    """
    person = _present(viewer)
    proposal = _held(viewer, proposal_id)
    if not proposal.can_be_signed:
        raise NotTakingNames
    if rules.is_author(viewer, proposal):
        raise PermissionDenied(_("This is your own idea: your name stands on it already."))
    kind = _voice(viewer, proposal.community, standing)
    signature, is_new = Signature.objects.get_or_create(
        proposal=proposal, person=person, defaults={"standing": kind, "signed_at": viewer.at}
    )
    if is_new:
        _record(viewer, "proposal.signed", proposal, standing=kind.value)
    elif signature.standing != kind:
        signature.standing = kind
        signature.save(update_fields=["standing"])
    return signature


@transaction.atomic
def unsign_proposal(*, viewer: Viewer, proposal_id: int) -> None:
    """Take one's name off an idea, which one may as long as names are taken."""
    person = _present(viewer)
    proposal = _held(viewer, proposal_id)
    if not proposal.can_be_signed:
        raise NotTakingNames
    gone, _kinds = Signature.objects.filter(proposal=proposal, person=person).delete()
    if gone:
        _record(viewer, "proposal.unsigned", proposal)


@transaction.atomic
def write_comment(*, viewer: Viewer, proposal_id: int, standing: str, body: str) -> Comment:
    """Say something about a public idea.

    Raises ``TooManyComments``, or ``PermissionDenied`` for whoever does not belong.
    """
    person = _present(viewer)
    proposal = _held(viewer, proposal_id)
    if not proposal.is_public:
        raise PermissionDenied(_("This idea is not public."))
    kind = _voice(viewer, proposal.community, standing)
    _hold_turn(person)
    lately = Comment.objects.filter(person=person, written_at__gt=viewer.at - HOUR)
    if lately.filter(written_at__lte=viewer.at).count() >= COMMENTS_AN_HOUR:
        raise TooManyComments
    comment = Comment.objects.create(
        proposal=proposal, person=person, standing=kind, body=body, written_at=viewer.at
    )
    _record(viewer, "proposal.comment_written", proposal, comment=comment.pk)
    return comment


@transaction.atomic
def remove_own_comment(*, viewer: Viewer, comment_id: int) -> Proposal:
    """Take back what one said oneself; nothing of it stays."""
    comment = _held_comment(viewer, comment_id)
    if not rules.wrote(viewer, comment):
        raise PermissionDenied(_("Only the person who wrote this can remove it."))
    comment.delete()
    _record(viewer, "proposal.comment_removed", comment.proposal, comment=comment_id)
    return comment.proposal


@transaction.atomic
def hide_comment(*, viewer: Viewer, comment_id: int, reason: str) -> Comment:
    """Hide a comment that breaks the rules; its author still sees it, and why."""
    comment = _held_comment(viewer, comment_id)
    _moderates(viewer, comment.proposal)
    if comment.hidden_at is None:
        comment.hidden_at, comment.hidden_reason = viewer.at, HiddenReason(reason).value
        comment.save(update_fields=["hidden_at", "hidden_reason"])
        _record(
            viewer,
            "proposal.comment_hidden",
            comment.proposal,
            comment=comment.pk,
            reason=comment.hidden_reason,
        )
    return comment


@transaction.atomic
def show_comment_again(*, viewer: Viewer, comment_id: int) -> Comment:
    """Show a hidden comment again."""
    comment = _held_comment(viewer, comment_id)
    _moderates(viewer, comment.proposal)
    if comment.hidden_at is not None:
        comment.hidden_at, comment.hidden_reason = None, ""
        comment.save(update_fields=["hidden_at", "hidden_reason"])
        _record(viewer, "proposal.comment_shown", comment.proposal, comment=comment.pk)
    return comment


@transaction.atomic
def hide_proposal(*, viewer: Viewer, proposal_id: int, reason: str) -> Proposal:
    """Hide an idea that breaks the rules; its author still sees it, and why."""
    proposal = _held(viewer, proposal_id)
    _moderates(viewer, proposal)
    if proposal.is_public:
        proposal.status_before, proposal.status = proposal.status, Status.HIDDEN
        proposal.hidden_reason = HiddenReason(reason).value
        proposal.save(update_fields=["status", "status_before", "hidden_reason"])
        _record(viewer, "proposal.hidden", proposal, public=True, reason=proposal.hidden_reason)
    return proposal


@transaction.atomic
def show_again(*, viewer: Viewer, proposal_id: int) -> Proposal:
    """Show a hidden idea again, as what it was or has become in a ballot meanwhile."""
    proposal = _held(viewer, proposal_id)
    _moderates(viewer, proposal)
    if proposal.status == Status.HIDDEN:
        proposal.status = proposal.status_before or Status.PUBLISHED
        proposal.status_before = proposal.hidden_reason = ""
        proposal.save(update_fields=["status", "status_before", "hidden_reason"])
        _record(viewer, "proposal.shown", proposal, public=True)
    return proposal


@transaction.atomic
def let_go_of_proposals(person: Person, at: datetime) -> None:
    """Erase what a person never made public or took back; public ideas stay without their name."""
    private = Q(author=person) & ~Q(status__in=Proposal.PUBLIC)
    for proposal in Proposal.objects.filter(private):
        try:
            proposal.delete()
        except ProtectedError:  # hidden while it stood in a ballot: the count needs the row
            continue


def let_go_of_signatures(person: Person, at: datetime) -> None:
    """Erase a person's signatures."""
    Signature.objects.filter(person=person).delete()


def let_go_of_comments(person: Person, at: datetime) -> None:
    """Erase everything a person said about ideas."""
    Comment.objects.filter(person=person).delete()


def _present(viewer: Viewer) -> Person:
    if viewer.person is None:
        raise PermissionDenied(_("Sign in first: it takes a code by email, and no password."))
    return viewer.person


def _hold_turn(person: Person) -> None:
    """Let the same person's next request wait, so that a limit an hour cannot be run past."""
    Person.objects.select_for_update(no_key=True).get(pk=person.pk)


def _held(viewer: Viewer, proposal_id: int) -> Proposal:
    found = (
        Proposal.objects.select_for_update(no_key=True, of=("self",))
        .select_related("challenge", "community")
        .defer("search")
        .filter(authority=viewer.authority, pk=proposal_id)
        .first()
    )
    if found is None:
        raise PermissionDenied(_("This idea is no longer here."))
    return found


def _held_comment(viewer: Viewer, comment_id: int) -> Comment:
    found = (
        Comment.objects.select_for_update(no_key=True, of=("self",))
        .select_related("proposal__community")
        .filter(proposal__authority=viewer.authority, pk=comment_id)
        .first()
    )
    if found is None:
        raise PermissionDenied(_("This comment is no longer here."))
    return found


def _written(viewer: Viewer, proposal_id: int) -> Proposal:
    proposal = _held(viewer, proposal_id)
    if not rules.is_author(viewer, proposal):
        raise PermissionDenied(_("Only the person who wrote this idea can change it."))
    return proposal


def _write(
    proposal: Proposal, part: Part, version: str | None, fields: dict[str, Any], at: datetime
) -> bool:
    """Put new words into a part; tell whether anything is different."""
    if unknown := set(fields) - set(part.fields):
        raise ValueError(f"{sorted(unknown)} do not belong to the part {part.value}")
    different = {name for name, value in fields.items() if getattr(proposal, name) != value}
    if not different:
        return False  # the same words twice, as after a double click, are no quarrel
    if version is not None and version != proposal.version(part):
        raise ChangedMeanwhile(proposal)
    for name in different:
        setattr(proposal, name, fields[name])
    if proposal.published_at is not None and (missing := proposal.missing()):
        raise NotWhole(missing)
    proposal.changed_at = at
    proposal.save(update_fields=[*different, "changed_at"])
    return True


def _voice(
    viewer: Viewer, community: Community, standing: str, organisation: Organisation | None = None
) -> StandingKind:
    """Return the standing if this person may speak as it there."""
    for voice in rules.voices(viewer, community):
        if voice.kind == standing and organisation in (None, voice.organisation):
            return voice.kind
    if rules.may_take_part(viewer, community):
        raise PermissionDenied(_("You cannot speak as this here. Choose another standing."))
    raise PermissionDenied(_not_yours(community))


def _not_yours(community: Community) -> str:
    words = _("This is for people who belong to %(place)s. Anyone who does can join in a minute.")
    return words % {"place": community.name}


def _moderates(viewer: Viewer, proposal: Proposal) -> None:
    if not rules.may_moderate(viewer, proposal):
        raise PermissionDenied(_("Only a moderator of this place can hide or show this."))


def _record(
    viewer: Viewer, what: str, proposal: Proposal, *, public: bool = False, **facts: Any
) -> None:
    journal.record(
        what=what, who=viewer.person, about=proposal, at=viewer.at, public=public, facts=facts
    )
