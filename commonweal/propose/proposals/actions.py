"""Everything that changes a proposal, its signatures and what people say about it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.db.models import ProtectedError, Q
from django.utils.translation import gettext as _

from commonweal.ground.challenges.models import Challenge
from commonweal.ground.journal import actions as journal
from commonweal.ground.people.models import Person
from commonweal.ground.places.models import Community, Organisation, StandingKind
from commonweal.ground.places.rules import Viewer
from commonweal.kit.jobs import later
from commonweal.kit.mail import letter
from commonweal.propose.proposals import queries, rules
from commonweal.propose.proposals.models import (
    Coauthor,
    Comment,
    Consent,
    HiddenReason,
    Merge,
    MergeState,
    Part,
    Proposal,
    Signature,
    Status,
)

DRAFTS_AN_HOUR = 10
COMMENTS_AN_HOUR = 30
SUGGESTIONS_AN_HOUR = 10
HOUR = timedelta(hours=1)
A_WHILE = timedelta(days=30)  # how long a no to a merge stands


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
    proposal = _held(viewer, proposal_id)
    if not rules.is_one_of_the_authors(viewer, proposal):
        raise PermissionDenied(_("Only the person who wrote this idea can change it."))
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

    Ideas that had joined it stand on their own again. Raises ``WordsStand`` once it is in a ballot
    or decided.
    """
    family = Merge.objects.filter(lead=proposal_id, state=MergeState.MERGED)
    _hold_in_order([proposal_id, *family.values_list("joining", flat=True)])
    proposal = _written(viewer, proposal_id)
    if proposal.status == Status.WITHDRAWN:
        return
    if proposal.status == Status.DRAFT:
        _record(viewer, "proposal.discarded", proposal)
        proposal.delete()
        return
    if proposal.status != Status.PUBLISHED:
        raise WordsStand
    _part_all(proposal, viewer.person, viewer.at)
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
    if rules.is_one_of_the_authors(viewer, proposal):
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
    """Take one's name off an idea, and off those that joined it, as long as names are taken."""
    person = _present(viewer)
    proposal = _held(viewer, proposal_id)
    if not proposal.can_be_signed:
        raise NotTakingNames
    joined = Proposal.objects.filter(joins__lead=proposal, joins__state=MergeState.MERGED)
    here = Q(proposal=proposal) | Q(proposal__in=joined)
    gone, _kinds = Signature.objects.filter(here, person=person).delete()
    if gone:
        _record(viewer, "proposal.unsigned", proposal)


@transaction.atomic
def write_comment(*, viewer: Viewer, proposal_id: int, standing: str, body: str) -> Comment:
    """Say something about a public idea.

    Raises ``TooManyComments``, or ``PermissionDenied`` for whoever does not belong.
    """
    person = _present(viewer)
    proposal = _held(viewer, proposal_id)
    if proposal.status == Status.MERGED:
        raise PermissionDenied(_("This idea joined another one: people talk about it there."))
    if not proposal.takes_comments:
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


# --- two ideas become one


class CannotBeOne(Exception):
    """These two ideas cannot become one now; the words say why, for the page."""


class Answered(Exception):
    """The suggestion is answered or taken back: nothing more can be said to it."""

    def __init__(self, merge: Merge) -> None:
        super().__init__(str(merge.pk))
        self.merge = merge


class TooManySuggestions(Exception):
    """This person suggested more within an hour than anyone can mean."""


@transaction.atomic
def suggest_merge(*, viewer: Viewer, lead_id: int, joining_id: int, why: str) -> Merge:
    """Suggest that one idea joins another; an author who suggests it agrees by that.

    The same suggestion made twice is one. Raises ``CannotBeOne``, ``TooManySuggestions``, or
    ``PermissionDenied`` for those who are neither an author nor staff.
    """
    person = _present(viewer)
    ideas = _hold_in_order([lead_id, joining_id], viewer.authority.pk)
    if len(ideas) != 2:
        raise CannotBeOne(_("Choose another idea of the same challenge."))
    lead, joining = ideas[lead_id], ideas[joining_id]
    if not any(rules.may_suggest_merge(viewer, idea) for idea in (lead, joining)):
        raise PermissionDenied(_("Only the authors of an idea and staff can suggest this."))
    _check_can_be_one(lead, joining)
    either = Q(lead=lead, joining=joining) | Q(lead=joining, joining=lead)
    known = Merge.objects.filter(either)
    if waiting := known.filter(state=MergeState.SUGGESTED).first():
        return waiting
    if known.filter(state=MergeState.REFUSED, settled_at__gt=viewer.at - A_WHILE).exists():
        raise CannotBeOne(_("An author said no to this within the last 30 days."))
    _hold_turn(person)
    lately = Merge.objects.filter(suggested_by=person, suggested_at__gt=viewer.at - HOUR)
    if lately.count() >= SUGGESTIONS_AN_HOUR:
        raise TooManySuggestions
    merge = Merge.objects.create(
        authority=viewer.authority, lead=lead, joining=joining, why=why,
        suggested_by=person, suggested_at=viewer.at,
    )  # fmt: skip
    _record(viewer, "proposal.merge_suggested", lead, joining=joining.pk)
    if any(rules.is_one_of_the_authors(viewer, idea) for idea in (lead, joining)):
        Consent.objects.create(merge=merge, person=person, given_at=viewer.at)
    if not _become_one(merge, lead, joining, viewer):
        _tell(merge, "suggested", but=person)
    return merge


@transaction.atomic
def agree_to_merge(*, viewer: Viewer, merge_id: int) -> Merge:
    """Agree that two ideas become one; with the last author's yes they are.

    Raises ``Answered``, ``CannotBeOne``, or ``PermissionDenied`` for those who wrote neither.
    """
    merge, lead, joining = _held_merge(viewer, merge_id)
    person = _author_of_either(viewer, lead, joining)
    if merge.state == MergeState.MERGED:
        return merge
    if merge.state != MergeState.SUGGESTED:
        raise Answered(merge)
    _check_can_be_one(lead, joining)
    _consent, is_new = Consent.objects.get_or_create(
        merge=merge, person=person, defaults={"given_at": viewer.at}
    )
    if is_new:
        _record(viewer, "proposal.merge_agreed", lead, joining=joining.pk)
    _become_one(merge, lead, joining, viewer)
    return merge


@transaction.atomic
def unsay_merge(*, viewer: Viewer, merge_id: int) -> Merge:
    """Take one's yes back while others have not answered yet. Raises ``Answered``."""
    merge, lead, joining = _held_merge(viewer, merge_id)
    person = _author_of_either(viewer, lead, joining)
    if merge.state != MergeState.SUGGESTED:
        raise Answered(merge)
    gone, _kinds = Consent.objects.filter(merge=merge, person=person).delete()
    if gone:
        _record(viewer, "proposal.merge_unsaid", lead, joining=joining.pk)
    return merge


@transaction.atomic
def refuse_merge(*, viewer: Viewer, merge_id: int) -> Merge:
    """Say no: both ideas stay what they are, and nobody has to give a reason. Raises ``Answered``."""
    merge, lead, joining = _held_merge(viewer, merge_id)
    _author_of_either(viewer, lead, joining)
    if merge.state == MergeState.REFUSED:
        return merge
    if merge.state != MergeState.SUGGESTED:
        raise Answered(merge)
    _settle(merge, MergeState.REFUSED, viewer.person, viewer.at)
    _record(viewer, "proposal.merge_refused", lead, joining=joining.pk)
    _tell(merge, "refused", but=viewer.person)
    return merge


@transaction.atomic
def drop_merge(*, viewer: Viewer, merge_id: int) -> Merge:
    """Take a suggestion back: whoever made it, and staff. Raises ``Answered``."""
    merge, lead, joining = _held_merge(viewer, merge_id)
    if not rules.may_drop(viewer, merge, lead):
        raise PermissionDenied(_("Only the person who suggested this and staff can take it back."))
    if merge.state == MergeState.DROPPED:
        return merge
    if merge.state != MergeState.SUGGESTED:
        raise Answered(merge)
    _settle(merge, MergeState.DROPPED, viewer.person, viewer.at)
    _record(viewer, "proposal.merge_dropped", lead, joining=joining.pk)
    return merge


@transaction.atomic
def undo_merge(*, viewer: Viewer, merge_id: int) -> Merge:
    """Let two ideas stand on their own again: any of their authors may, until the ballot is fixed.

    Raises ``Answered`` if they are not one, ``WordsStand`` once the idea is in a ballot or decided.
    """
    merge, lead, joining = _held_merge(viewer, merge_id)
    _author_of_either(viewer, lead, joining)
    if merge.state == MergeState.UNDONE:
        return merge
    if merge.state != MergeState.MERGED:
        raise Answered(merge)
    if not rules.may_come_apart(lead):
        raise WordsStand
    _part(merge, lead, viewer.person, viewer.at)
    return merge


def tell_of_merge(*, merge_id: int, person_id: int, what: str, at: datetime) -> bool:
    """Write to one person about a suggestion; nothing where it has been answered meanwhile."""
    merge = Merge.objects.select_related("authority", "lead", "joining").filter(pk=merge_id).first()
    person = Person.objects.filter(pk=person_id, is_active=True).first()
    if merge is None or person is None or not person.email or merge.state != what:
        return False
    told = _letters_of(merge)[what]
    letter(
        person=person,
        authority=merge.authority,
        at=at,
        href=merge.get_absolute_url(),
        why=_("You get this because you wrote one of the two ideas, or suggested it."),
        key=f"merge-{merge.pk}-{what}",
        **told,
    ).send()
    return True


def _letters_of(merge: Merge) -> dict[str, dict[str, Any]]:
    """Return the words of each mail about a suggestion."""
    titles = {"lead": merge.lead.title, "joining": merge.joining.title}
    both = _("“%(joining)s” and “%(lead)s”") % titles
    return {
        MergeState.SUGGESTED: {
            "subject": _("Should your idea and another become one?"),
            "lines": [
                _("Somebody thinks that these two ideas want the same: %(both)s.") % {"both": both},
                _(
                    "Nothing happens unless every author agrees. Your name, the signatures and what"
                    " people said are kept, and you can part again until the ballot is fixed."
                ),
            ],
            "link": _("Read both, and say yes or no"),
        },
        MergeState.MERGED: {
            "subject": _("Two ideas are one now"),
            "lines": [
                _("Every author agreed: “%(joining)s” joined “%(lead)s”.") % titles,
                _(
                    "You are all named as its authors. You can part again until the ballot is fixed."
                ),
            ],
            "link": _("See how they became one"),
        },
        MergeState.REFUSED: {
            "subject": _("Two ideas stay two"),
            "lines": [
                _("An author said no. %(both)s stay as they are.") % {"both": both},
                _("Nobody has to give a reason for that."),
            ],
            "link": _("See what was suggested"),
        },
        MergeState.UNDONE: {
            "subject": _("Two ideas stand on their own again"),
            "lines": [
                _("%(both)s are no longer one idea.") % {"both": both},
                _("Each has its own signatures again."),
            ],
            "link": _("See both ideas"),
        },
    }


def _hold_in_order(ids: Iterable[int], authority: int | None = None) -> dict[int, Proposal]:
    """Hold ideas, always the lowest number first, so that two merges never wait for each other."""
    rows = Proposal.objects.filter(pk__in=set(ids))
    if authority is not None:
        rows = rows.filter(authority=authority)
    held = rows.select_for_update(no_key=True, of=("self",)).select_related(
        "challenge", "community"
    )
    return {idea.pk: idea for idea in held.defer("search").order_by("pk")}


def _held_merge(viewer: Viewer, merge_id: int) -> tuple[Merge, Proposal, Proposal]:
    """Hold both ideas and then the suggestion; all is looked at again once they are held."""
    found = Merge.objects.filter(authority=viewer.authority, pk=merge_id).first()
    if found is None:
        raise PermissionDenied(_("This suggestion is no longer here."))
    ideas = _hold_in_order([found.lead_id, found.joining_id])
    merge = Merge.objects.select_for_update().get(pk=merge_id)
    return merge, ideas[merge.lead_id], ideas[merge.joining_id]


def _author_of_either(viewer: Viewer, lead: Proposal, joining: Proposal) -> Person:
    person = _present(viewer)
    if not any(rules.is_one_of_the_authors(viewer, idea) for idea in (lead, joining)):
        raise PermissionDenied(_("Only the authors of these two ideas can answer."))
    return person


def _check_can_be_one(lead: Proposal, joining: Proposal) -> None:
    if lead.challenge_id != joining.challenge_id:
        raise CannotBeOne(_("Only ideas of the same challenge can become one."))
    if any(idea.status != Status.PUBLISHED for idea in (lead, joining)):
        raise CannotBeOne(
            _("One of the two is no longer open: it is in a ballot, taken back or joined already.")
        )
    if Merge.objects.filter(lead=joining, state=MergeState.MERGED).exists():
        raise CannotBeOne(
            _("Other ideas have joined “%(title)s”. It can only be the one that stays.")
            % {"title": joining.title}
        )
    if not all(queries.authors_of(idea) for idea in (lead, joining)):
        raise CannotBeOne(_("The author of one of them has left, so nobody can agree for it."))


def _become_one(merge: Merge, lead: Proposal, joining: Proposal, viewer: Viewer) -> bool:
    """Let one idea join the other if every author agreed; tell whether it did."""
    authors = {person.pk for idea in (lead, joining) for person in queries.authors_of(idea)}
    if not authors <= queries.who_agreed(merge):
        return False
    _settle(merge, MergeState.MERGED, viewer.person, viewer.at)
    _name_beside(merge, lead, joining)
    carried = _carry_over(merge)
    joining.status = Status.MERGED
    joining.save(update_fields=["status"])
    others = Merge.objects.filter(Q(lead=joining) | Q(joining=joining), state=MergeState.SUGGESTED)
    for other in others.order_by("pk"):
        _settle(other, MergeState.DROPPED, viewer.person, viewer.at)
    _record(viewer, "proposal.merged", lead, public=True, joining=joining.pk, signatures=carried)
    _tell(merge, "merged", but=None)
    return True


def _name_beside(merge: Merge, lead: Proposal, joining: Proposal) -> None:
    """Name the joining idea's author beside the first one; authors do not sign their own idea."""
    if joining.author_id == lead.author_id:
        return
    signed = Signature.objects.filter(proposal=lead, person=joining.author_id).first()
    Coauthor.objects.create(
        proposal=lead,
        merge=merge,
        person_id=joining.author_id,
        standing=joining.standing,
        organisation=joining.organisation,
        signed_as=signed.standing if signed and signed.merge_id is None else "",
        signed_at=signed.signed_at if signed and signed.merge_id is None else None,
    )
    if signed:
        signed.delete()


# Nobody counts twice: neither who signed both, nor an author of the idea that stays.
_CARRY_OVER = """
INSERT INTO proposals_signature (proposal_id, person_id, standing, signed_at, merge_id)
SELECT m.lead_id, s.person_id, s.standing, s.signed_at, m.id
  FROM proposals_merge m
  JOIN proposals_signature s ON s.proposal_id = m.joining_id
  JOIN proposals_proposal lead ON lead.id = m.lead_id
 WHERE m.id = %s AND s.person_id <> lead.author_id
   AND NOT EXISTS (SELECT 1 FROM proposals_coauthor c
                    WHERE c.proposal_id = m.lead_id AND c.person_id = s.person_id)
 ORDER BY s.id
ON CONFLICT DO NOTHING
"""


def _carry_over(merge: Merge) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_CARRY_OVER, [merge.pk])
        carried: int = cursor.rowcount
    return carried


def _part_all(lead: Proposal, who: Person | None, at: datetime) -> None:
    for merge in Merge.objects.filter(lead=lead, state=MergeState.MERGED).order_by("pk"):
        _part(merge, lead, who, at)


def _part(merge: Merge, lead: Proposal, who: Person | None, at: datetime) -> None:
    """Give each idea back what it had; who signed another idea that is still joined stays counted."""
    _settle(merge, MergeState.UNDONE, who, at)
    Signature.objects.filter(merge=merge).delete()
    for row in merge.coauthors.all():
        _no_longer_beside(row)
    for other in Merge.objects.filter(lead=lead, state=MergeState.MERGED).order_by("pk"):
        _carry_over(other)
    Proposal.objects.filter(pk=merge.joining_id, status=Status.MERGED).update(
        status=Status.PUBLISHED
    )
    Proposal.objects.filter(pk=merge.joining_id, status_before=Status.MERGED).update(
        status_before=Status.PUBLISHED
    )
    journal.record(
        what="proposal.merge_undone", who=who, about=lead, at=at, public=True,
        facts={"joining": merge.joining_id},
    )  # fmt: skip
    _tell(merge, "undone", but=who)


def _no_longer_beside(row: Coauthor) -> None:
    """Take a co-author's name off; their own signature of before stands again."""
    row.delete()
    if row.signed_at is None:
        return
    still = Coauthor.objects.filter(proposal=row.proposal_id, person=row.person_id)
    if still.exists():
        still.filter(pk=still.order_by("pk").values("pk")[:1]).update(
            signed_as=row.signed_as, signed_at=row.signed_at
        )
        return
    Signature.objects.get_or_create(
        proposal_id=row.proposal_id,
        person_id=row.person_id,
        defaults={"standing": row.signed_as, "signed_at": row.signed_at},
    )


def _settle(merge: Merge, state: MergeState, who: Person | None, at: datetime) -> None:
    merge.state, merge.settled_at, merge.settled_by = state, at, who
    merge.save(update_fields=["state", "settled_at", "settled_by"])


def _tell(merge: Merge, what: str, *, but: Person | None) -> None:
    """Queue a mail to every author of either idea, and to whoever suggested it, but to one."""
    people = {person.pk for person in queries.authors_of(merge.lead)}
    people |= {merge.joining.author_id}
    if what != "suggested":
        people |= {merge.suggested_by_id}
    for number in sorted(people - {but.pk if but else 0}):
        later("proposals.tell_of_merge", merge_id=merge.pk, person_id=number, what=what)


# --- people who leave


@transaction.atomic
def let_go_of_proposals(person: Person, at: datetime) -> None:
    """Erase what a person never made public or took back; public ideas stay without their name."""
    private = Q(author=person) & ~Q(status__in=Proposal.READABLE)
    for proposal in Proposal.objects.filter(private):
        _part_all(proposal, None, at)
        try:
            proposal.delete()
        except ProtectedError:  # hidden while it stood in a ballot: the count needs the row
            continue


def let_go_of_merges(person: Person, at: datetime) -> None:
    """Erase what a person agreed to and why they suggested it; what became one idea stays one."""
    Consent.objects.filter(person=person).delete()
    suggested = Merge.objects.filter(suggested_by=person)
    suggested.exclude(why="").update(why="")
    waiting = suggested.filter(state=MergeState.SUGGESTED)
    waiting.update(state=MergeState.DROPPED, settled_at=at, settled_by=person)


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
