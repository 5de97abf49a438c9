"""Reading the trace both ways: of what an idea came, and what came of a statement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import F, OuterRef, Q, QuerySet, Subquery

from commonweal.ground.challenges import queries as challenge_queries
from commonweal.ground.challenges.models import Challenge, Stage
from commonweal.ground.places.rules import Viewer, may_lead
from commonweal.kit.composed import composed
from commonweal.listen.conversations import queries as conversations
from commonweal.listen.conversations.models import Conversation, State, Statement
from commonweal.propose.origins.models import Origin
from commonweal.propose.proposals.models import Merge, MergeState, Proposal, Status

MOST = 20  # of one kind on a page


# --- of what it came


def _said(at: Any, path: str = "statement__") -> Q:
    """Return the condition that everybody may read a statement: it stands, and so does all above it."""
    of = f"{path}conversation__"
    is_public = Q(**{f"{of}challenge__isnull": True}) | Q(
        **{f"{of}challenge__published_at__lte": at}
    )
    return is_public & Q(
        **{
            f"{path}state__in": (State.SHOWN, State.MERGED),
            f"{of}is_draft": False,
            f"{of}withdrawn_at__isnull": True,
            f"{of}opens_at__lte": at,
        }
    )


@dataclass
class Source:
    """A statement of which something came, and how people voted on it when that may be told."""

    statement: Statement
    votes: int | None
    agree_in_100: int | None


def _source(row: Origin) -> Source:
    statement = row.statement
    finding = getattr(statement, "finding", None)
    votes = finding.votes[0] if finding else None
    agree = finding.agree[0] if finding else None
    if votes is None or agree is None:
        return Source(statement, None, None)
    return Source(statement, votes, round(agree / 10))


def sources_of_idea(viewer: Viewer, proposal: Proposal) -> list[Source]:
    """Return the statements of which an idea came, and those of the ideas that joined it."""
    rows = _of_idea(authority=viewer.authority.pk, at=viewer.at, idea=proposal.pk)
    return _once(rows)


@composed
def _of_idea(authority: Any, at: Any, idea: Any) -> QuerySet[Origin]:
    joined = Merge.objects.filter(lead=idea, state=MergeState.MERGED).values("joining")
    return _sources(authority, at).filter(Q(proposal=idea) | Q(proposal__in=joined))[:MOST]


def sources_of_challenge(viewer: Viewer, challenge: Challenge) -> list[Source]:
    """Return the statements of which a challenge came."""
    rows = _of_challenge(authority=viewer.authority.pk, at=viewer.at, challenge=challenge.pk)
    return _once(rows)


@composed
def _of_challenge(authority: Any, at: Any, challenge: Any) -> QuerySet[Origin]:
    return _sources(authority, at).filter(challenge=challenge)[:MOST]


def _sources(authority: Any, at: Any) -> QuerySet[Origin]:
    return (
        Origin.objects.filter(_said(at), statement__conversation__authority=authority)
        .select_related("statement__conversation", "statement__finding")
        .defer("statement__conversation__key")
        .order_by("made_at", "pk")
    )


def _once(rows: list[Origin]) -> list[Source]:
    """Two ideas that became one may have come of the same statement."""
    found = {row.statement_id: _source(row) for row in rows}
    return list(found.values())


def panel_idea(viewer: Viewer, proposal: Proposal) -> Mapping[str, Any] | None:
    """Return of what an idea came, for its page."""
    found = sources_of_idea(viewer, proposal)
    return {"sources": found} if found else None


def panel_challenge(viewer: Viewer, challenge: Challenge) -> Mapping[str, Any] | None:
    """Return of what a challenge came, for its page."""
    found = sources_of_challenge(viewer, challenge)
    return {"sources": found} if found else None


# --- what came of it


@dataclass
class Outcome:
    """An idea that came of a statement, and the one it joined, where that can be read."""

    idea: Proposal
    lead: Proposal | None

    @property
    def shown(self) -> Proposal:
        """Return the one whose fate it shares."""
        return self.lead or self.idea


def outcomes(viewer: Viewer, statement: Statement) -> list[Outcome]:
    """Return the ideas that came of a statement, or of one that it took in; drafts and hidden ones not."""
    rows: list[Any] = list(
        _came_of(authority=viewer.authority.pk, at=viewer.at, statement=statement.pk)
    )
    wanted = {row.lead for row in rows if row.lead is not None}
    leads = (
        Proposal.objects.filter(pk__in=wanted, status__in=Proposal.PUBLIC)
        .only("authority", "title", "status", "published_at", "changed_at")
        .in_bulk()
        if wanted
        else {}
    )
    found: dict[int, Outcome] = {}
    for row in rows:
        outcome = Outcome(row.proposal, leads.get(row.lead))
        found.setdefault(outcome.shown.pk, outcome)
    return list(found.values())


@composed
def _came_of(authority: Any, at: Any, statement: Any) -> QuerySet[Origin]:
    merged = Merge.objects.filter(joining=OuterRef("proposal"), state=MergeState.MERGED)
    of = Q(statement=statement) | Q(statement__same_as=statement)
    return (
        Origin.objects.filter(of, proposal__authority=authority)
        .filter(proposal__status__in=Proposal.READABLE)
        .filter(proposal__challenge__published_at__lte=at)
        .annotate(lead=Subquery(merged.values("lead")[:1]))
        .select_related("proposal")
        .only(
            "statement", "proposal__authority", "proposal__title", "proposal__status",
            "proposal__published_at", "proposal__changed_at",
        )
        .order_by("proposal__published_at", "pk")[:MOST]
    )  # fmt: skip


@dataclass
class Target:
    """The challenge to which an idea of a statement would go, and whether it takes ideas now."""

    challenge: Challenge
    takes_ideas: bool


def target(viewer: Viewer, statement: Statement, conversation: Conversation) -> Target | None:
    """Return where an idea of this statement would go: to its own challenge, or the conversation's."""
    number = statement.challenge_id or conversation.challenge_id
    if number is None:
        return None
    found: list[Any] = _to(authority=viewer.authority.pk, at=viewer.at, challenge=number)
    return Target(found[0], found[0].takes_ideas) if found else None


@composed
def _to(authority: Any, at: Any, challenge: Any) -> QuerySet[Challenge]:
    under_way = challenge_queries.is_under_way("pk", Stage.PROPOSE, at)
    rows = Challenge.objects.filter(pk=challenge, authority=authority, published_at__lte=at)
    return rows.annotate(takes_ideas=under_way)


def could_become_challenge(statement: Statement, conversation: Conversation) -> bool:
    """Tell whether there is no challenge yet to which an idea of this statement could go."""
    return conversation.challenge_id is None and statement.challenge_id is None


def panel_statement(viewer: Viewer, statement: Statement) -> Mapping[str, Any] | None:
    """Return what came of a statement, and whether something can be made of it now."""
    conversation = statement.conversation
    goes_to = target(viewer, statement, conversation) if statement.state == State.SHOWN else None
    found = {
        "outcomes": outcomes(viewer, statement),
        "target": goes_to,
        "may_make_challenge": viewer.has_second_factor
        and could_become_challenge(statement, conversation)
        and may_lead(viewer, conversation.community),
    }
    return found if any(found.values()) else None


# --- for making one


def statement_here(viewer: Viewer, conversation_id: int, number: int) -> Statement | None:
    """Return a statement that people vote on, of a conversation that has opened."""
    for conversation in conversations.numbered(viewer, conversation_id):
        if conversation.withdrawn_at is not None or not conversation.has_opened(viewer.at):
            return None
        rows = Statement.objects.filter(conversation=conversation, number=number)
        found = rows.filter(state=State.SHOWN).select_related("challenge").first()
        if found is not None:
            found.conversation = conversation
        return found
    return None


def challenge_with_steps(viewer: Viewer, pk: int) -> Challenge | None:
    """Return a published challenge as the pages of ideas need it."""
    rows = Challenge.objects.filter(authority=viewer.authority, published_at__lte=viewer.at)
    found = rows.select_related("community", "service").prefetch_related("steps")
    return found.filter(pk=pk).first()


# --- for the mails


def to_tell() -> QuerySet[Origin]:
    """Return what came of a statement and its author, who has an account, has not heard."""
    is_public = Q(proposal__status__in=Proposal.READABLE) | Q(challenge__published_at__isnull=False)
    return _reached().filter(is_public, told_at__isnull=True)


def funded_to_tell() -> QuerySet[Origin]:
    """Return which ideas, or those they joined, were funded, and the statement's author has not heard."""
    leads = Merge.objects.filter(lead__status=Status.FUNDED, state=MergeState.MERGED)
    is_funded = Q(proposal__status=Status.FUNDED) | Q(
        proposal__status=Status.MERGED, proposal__in=leads.values("joining")
    )
    return _reached().filter(is_funded, funded_told_at__isnull=True)


def _reached() -> QuerySet[Origin]:
    return (
        Origin.objects.filter(
            statement__state__in=(State.SHOWN, State.MERGED),
            statement__author__person__is_active=True,
            statement__author__person__email__isnull=False,
        )
        .exclude(proposal__author=F("statement__author__person"))
        .order_by("pk")
    )


def with_all(pk: int) -> QuerySet[Origin]:
    """Return one origin, held, with what a mail about it tells."""
    return (
        Origin.objects.select_for_update(of=("self",), skip_locked=True)
        .select_related(
            "statement__conversation__authority",
            "statement__author__person",
            "proposal",
            "challenge",
        )
        .filter(pk=pk)
    )
