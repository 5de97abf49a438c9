"""Reading proposals: lists, one page, what waits for whom."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.contrib.postgres.search import CombinedSearchQuery, SearchQuery, SearchRank
from django.db.models import (
    Count,
    Exists,
    F,
    Func,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    Window,
)
from django.db.models.functions import RowNumber

from commonweal.ground.challenges import queries as challenge_queries
from commonweal.ground.challenges.models import Challenge, Stage, Step
from commonweal.ground.people.models import Person
from commonweal.ground.places.models import Community, RoleKind, StandingKind
from commonweal.ground.places.rules import Viewer, everyone
from commonweal.kit.composed import Rows, composed, in_pages
from commonweal.kit.letters import plain
from commonweal.propose.proposals.models import (
    GIVES_IT,
    USES_IT,
    Comment,
    Part,
    Proposal,
    Signature,
    Status,
)

ORDERS = ("newest", "signed", "comments", "near")
CARD = (
    "authority", "status", "standing", "title", "better", "published_at",
    "challenge__authority", "challenge__title", "challenge__published_at",
)  # fmt: skip
SAID = (
    "standing", "body", "written_at", "hidden_at", "hidden_reason",
    "person__name", "person__erased_at",
)  # fmt: skip
NAMES = 8  # how many names stand under each standing before only the number is told
LIVELY = timedelta(days=30)


# Asked of every idea in a list: Django would take longer to compose these than PostgreSQL to answer
# them, and two joins would multiply each other.
_SIGNATURES = "(SELECT count(*) FROM proposals_signature WHERE proposal_id = %(expressions)s)"
_COMMENTS = """(SELECT count(*) FROM proposals_comment
 WHERE proposal_id = %(expressions)s AND hidden_at IS NULL)"""
_STIR = """(SELECT (SELECT count(*) FROM proposals_signature
          WHERE proposal_id = idea AND signed_at >= at - a_while)
      + (SELECT count(*) FROM proposals_comment
          WHERE proposal_id = idea AND written_at >= at - a_while AND hidden_at IS NULL)
   FROM (SELECT %(expressions)s) AS asked (idea, at, a_while))"""


def _count(template: str, *also: Value) -> Func:
    return Func(F("pk"), *also, template=template, output_field=IntegerField())


def _all(viewer: Viewer) -> QuerySet[Proposal]:
    return (
        Proposal.objects.filter(authority=viewer.authority)
        .select_related("challenge__community", "community", "author", "organisation")
        .annotate(signature_count=_count(_SIGNATURES), comment_count=_count(_COMMENTS))
        .defer("search")
    )


def as_cards(rows: QuerySet[Proposal]) -> QuerySet[Proposal]:
    """Read only what an idea's card shows."""
    return rows.select_related(None).select_related("challenge").only(*CARD)


def proposals(viewer: Viewer) -> QuerySet[Proposal]:
    """Return the ideas that everyone may read, the newest first."""
    return _all(viewer).filter(status__in=Proposal.PUBLIC).order_by("-published_at", "-pk")


def readable(viewer: Viewer) -> QuerySet[Proposal]:
    """Return what this viewer may open: public ideas, their own, and those they moderate."""
    return _readable_by(viewer, viewer.person, moderated(viewer))


def _readable_by(viewer: Viewer, person: Person | None, moderates: Q) -> QuerySet[Proposal]:
    may = Q(status__in=Proposal.PUBLIC)
    if person is not None:
        may |= Q(author=person) | Q(status=Status.HIDDEN) & moderates
    mine = Signature.objects.filter(proposal=OuterRef("pk"), person=person)
    return (
        _all(viewer)
        .filter(may)
        .prefetch_related("challenge__steps")
        .annotate(my_signature=Subquery(mine.values("standing")))
    )


def numbered(viewer: Viewer, pk: int) -> list[Proposal]:
    """Return the one idea with this number, if this viewer may open it."""
    if viewer.roles:
        return list(readable(viewer).filter(pk=pk))
    asked = {"authority": viewer.authority.pk, "at": viewer.at, "pk": pk}
    if viewer.person is None:
        found = _public_numbered(**asked)
    else:
        found = _numbered(**asked, person=viewer.person.pk)
    challenge_queries.hand_steps([idea.challenge for idea in found])
    return found


@composed
def _public_numbered(authority: Any, at: Any, pk: Any) -> QuerySet[Proposal]:
    return readable(everyone(authority, at)).prefetch_related(None).filter(pk=pk)


@composed
def _numbered(authority: Any, at: Any, pk: Any, person: Any) -> QuerySet[Proposal]:
    found = _readable_by(everyone(authority, at), person, Q(pk__in=()))
    return found.prefetch_related(None).filter(pk=pk)


def own(viewer: Viewer) -> QuerySet[Proposal]:
    """Return this person's own ideas, the one they touched last first."""
    return _all(viewer).filter(author=viewer.person).order_by("-changed_at", "-pk")


def signed(viewer: Viewer) -> QuerySet[Proposal]:
    """Return the public ideas this person has put their name to."""
    mine = Signature.objects.filter(proposal=OuterRef("pk"), person=viewer.person)
    return proposals(viewer).filter(Exists(mine))


def moderated(viewer: Viewer, *, path: str = "") -> Q:
    """Return the condition that a proposal stands where this viewer moderates."""
    kinds = (RoleKind.MODERATOR, RoleKind.ADMINISTRATOR)
    places = [role.community_id for role in viewer.roles if role.kind in kinds]
    if not places:
        return Q(pk__in=())
    return Q(**{f"{path}community__in": places}) | Q(
        **{f"{path}community__ancestors__overlap": places}
    )


def matching(text: str) -> SearchQuery | CombinedSearchQuery | None:
    """Turn what somebody typed into a search; nothing when there is no word in it.

    The whole language of web searches is understood. Plain words also find the beginnings of
    words, because people look while they type.
    """
    text = plain(text)
    whole = SearchQuery(text, search_type="websearch", config="english")
    words = re.findall(r"\w+", text)
    if not words:
        return None
    if not re.fullmatch(r"[\w\s]+", text):
        return whole
    begun = " & ".join(f"{word}:*" for word in words)
    return whole | SearchQuery(begun, search_type="raw", config="english")


def found(
    viewer: Viewer,
    *,
    text: str = "",
    challenge: str = "",
    community: str = "",
    status: str = "",
    standing: str = "",
    order: str = "",
) -> QuerySet[Proposal]:
    """Return the public ideas that fit, in the order that was asked for."""
    rows = proposals(viewer)
    if challenge:
        rows = rows.filter(challenge__slug=challenge)
    if community:
        above = Community.objects.filter(authority=viewer.authority, slug=community).values_list(
            "pk"
        )
        places = list(above[:1])
        top = places[0][0] if places else 0
        rows = rows.filter(Q(community=top) | Q(community__ancestors__contains=[top]))
    if status:
        rows = rows.filter(status=status)
    if standing:
        rows = rows.filter(standing=standing)
    search = matching(text) if text else None
    if text:
        rows = rows.filter(search=search) if search is not None else rows.none()
    return _ordered(rows, order or ("near" if search is not None else "newest"), search)


def cards(viewer: Viewer, **asked: str) -> QuerySet[Proposal] | Rows[Proposal]:
    """Return the cards of public ideas: all of them, or those that fit."""
    if not any(asked.values()):
        return _cards(authority=viewer.authority.pk, at=viewer.at)
    return as_cards(found(viewer, **asked))


@in_pages
def _cards(authority: Any, at: Any) -> QuerySet[Proposal]:
    return as_cards(proposals(everyone(authority, at)))


def _ordered(
    rows: QuerySet[Proposal], order: str, search: SearchQuery | CombinedSearchQuery | None
) -> QuerySet[Proposal]:
    if order == "signed":
        return rows.order_by(F("signature_count").desc(), "-published_at", "-pk")
    if order == "comments":
        return rows.order_by(F("comment_count").desc(), "-published_at", "-pk")
    if order == "near" and search is not None:
        nearness = SearchRank(F("search"), search)
        return rows.annotate(nearness=nearness).order_by("-nearness", "-published_at", "-pk")
    return rows.order_by("-published_at", "-pk")


def challenges_with_ideas(viewer: Viewer) -> list[tuple[str, str]]:
    """Return address and title of the challenges to choose from in the list of ideas."""
    return [(row.slug, row.title) for row in _challenges_with(authority=viewer.authority.pk)]


@composed
def _challenges_with(authority: Any) -> QuerySet[Challenge]:
    some = Proposal.objects.filter(challenge=OuterRef("pk"), status__in=Proposal.PUBLIC)
    found = Challenge.objects.filter(Exists(some), authority=authority)
    return found.only("slug", "title").order_by("title")


def communities_with_ideas(viewer: Viewer) -> list[tuple[str, str]]:
    """Return address and name of the communities to choose from in the list of ideas."""
    return [(row.slug, row.name) for row in _communities_with(authority=viewer.authority.pk)]


@composed
def _communities_with(authority: Any) -> QuerySet[Community]:
    some = Proposal.objects.filter(community=OuterRef("pk"), status__in=Proposal.PUBLIC)
    found = Community.objects.filter(Exists(some), authority=authority)
    return found.only("slug", "name").order_by("name")


def challenges(viewer: Viewer) -> QuerySet[Challenge]:
    """Return the published challenges with their steps, for the way in to a new idea."""
    return (
        Challenge.objects.filter(authority=viewer.authority, published_at__lte=viewer.at)
        .select_related("community", "service")
        .prefetch_related("steps")
    )


@dataclass
class Group:
    """Those who signed with one standing: how many, and the names of the first few."""

    kind: StandingKind
    count: int = 0
    people: list[Person] = field(default_factory=list)

    @property
    def more(self) -> int:
        """Return how many signed whose names do not stand here."""
        return self.count - len(self.people)


def signature_groups(proposal: Proposal) -> list[Group]:
    """Return who signed, by standing; one query however many they are."""
    groups = {kind: Group(kind) for kind in StandingKind}
    for signature in _first_signatures(proposal=proposal.pk):
        group = groups[StandingKind(signature.standing)]
        group.count = signature.of  # type: ignore[attr-defined]
        group.people.append(signature.person)
    return [group for group in groups.values() if group.count]


@composed
def _first_signatures(proposal: Any) -> QuerySet[Signature]:
    return (
        Signature.objects.filter(proposal=proposal)
        .select_related("person")
        .only("standing", "person__name", "person__erased_at")
        .annotate(
            number=Window(RowNumber(), order_by=("signed_at", "pk"), partition_by=F("standing")),
            of=Window(Count("pk"), partition_by=F("standing")),
        )
        .filter(number__lte=NAMES)
        .order_by("signed_at", "pk")
    )


def is_partnership(proposal: Proposal, groups: list[Group]) -> tuple[bool, bool]:
    """Tell whether one who uses the service stands for it, and one who gives it; the author counts."""
    kinds = {group.kind.value for group in groups} | {proposal.standing}
    return (
        any(kind.value in kinds for kind in USES_IT),
        any(kind.value in kinds for kind in GIVES_IT),
    )


def comments(viewer: Viewer, proposal: Proposal) -> QuerySet[Comment]:
    """Return what people said about an idea, the oldest first; hidden ones as a line without words."""
    return (
        Comment.objects.filter(proposal=proposal, proposal__authority=viewer.authority)
        .select_related("person")
        .only(*SAID)
        .order_by("written_at", "pk")
    )


def talk(proposal: Proposal) -> Rows[Comment]:
    """Return the same by the page, for an idea that this viewer may open."""
    return _talk(authority=proposal.authority_id, proposal=proposal.pk)


@in_pages
def _talk(authority: Any, proposal: Any) -> QuerySet[Comment]:
    return comments(everyone(authority, None), proposal)


def own_comments(viewer: Viewer) -> QuerySet[Comment]:
    """Return what this person said in public or had hidden."""
    return Comment.objects.filter(
        person=viewer.person, proposal__authority=viewer.authority
    ).select_related("proposal__community")


def moderated_comments(viewer: Viewer) -> QuerySet[Comment]:
    """Return what people said where this viewer moderates, the newest first."""
    return (
        Comment.objects.filter(proposal__authority=viewer.authority)
        .filter(moderated(viewer, path="proposal__"))
        .select_related("proposal__community", "person")
        .order_by("-written_at", "-pk")
    )


def moderated_proposals(viewer: Viewer) -> QuerySet[Proposal]:
    """Return the ideas where this viewer moderates, the newest first."""
    seen = (*Proposal.PUBLIC, Status.HIDDEN)
    return _all(viewer).filter(moderated(viewer), status__in=seen).order_by("-published_at", "-pk")


def lively(viewer: Viewer) -> QuerySet[Proposal]:
    """Return open ideas, those first that people signed and talked about this month."""
    return (
        proposals(viewer)
        .filter(
            challenge_queries.is_under_way("challenge", Stage.PROPOSE, viewer.at),
            status=Status.PUBLISHED,
        )
        .alias(stir=_count(_STIR, Value(viewer.at), Value(LIVELY)))
        .order_by("-stir", "-published_at", "-pk")
    )


def open_step(viewer: Viewer, challenge: Challenge) -> Step | None:
    """Return the Propose step if ideas are taken at this moment."""
    if challenge.published_at is None or challenge.published_at > viewer.at:
        return None
    for step in challenge.steps.all():
        if step.stage == Stage.PROPOSE and step.is_open(viewer.at):
            return step
    return None


def panel_home(viewer: Viewer, thing: object) -> dict[str, Any] | None:
    """Return the two liveliest ideas for the front page."""
    ideas = _liveliest(authority=viewer.authority.pk, at=viewer.at)
    return {"ideas": ideas} if ideas else None


@composed
def _liveliest(authority: Any, at: Any) -> QuerySet[Proposal]:
    return as_cards(lively(everyone(authority, at)))[:2]


def panel_challenge(viewer: Viewer, challenge: Challenge) -> dict[str, Any] | None:
    """Return what can be done about ideas on a challenge's page while it takes them."""
    step = open_step(viewer, challenge)
    if step is None:
        return None
    newest = _newest(viewer, challenge)
    return {"step": step, "count": newest[0].of_all if newest else 0}


def panel_more(viewer: Viewer, challenge: Challenge) -> dict[str, Any] | None:
    """Return the newest ideas of a challenge."""
    newest = _newest(viewer, challenge)
    return {"ideas": newest[:5], "has_more": len(newest) > 5} if newest else None


def _newest(viewer: Viewer, challenge: Challenge) -> list[Any]:
    """Return a challenge's six newest ideas; each knows how many there are ``of_all``."""
    asked = {"authority": viewer.authority.pk, "at": viewer.at, "challenge": challenge.pk}
    return viewer.once(("newest ideas", challenge.pk), lambda: _newest_of(**asked))


@composed
def _newest_of(authority: Any, at: Any, challenge: Any) -> QuerySet[Proposal]:
    rows = as_cards(proposals(everyone(authority, at))).filter(challenge=challenge)
    return rows.annotate(of_all=Window(Count("pk")))[:6]


def panel_mine(viewer: Viewer, thing: object) -> dict[str, Any] | None:
    """Return this person's drafts and ideas, and those they signed."""
    if viewer.person is None:
        return None
    asked = {"authority": viewer.authority.pk, "at": viewer.at, "person": viewer.person.pk}
    return {"ideas": _own(**asked), "signed": _signed(**asked)}


@composed
def _own(authority: Any, at: Any, person: Any) -> QuerySet[Proposal]:
    return own(Viewer(authority, person, at)).select_related(None)[:20]


@composed
def _signed(authority: Any, at: Any, person: Any) -> QuerySet[Proposal]:
    return as_cards(signed(Viewer(authority, person, at)))[:10]


def panel_desk(viewer: Viewer, thing: object) -> dict[str, Any] | None:
    """Return what a moderator may want to look at: the newest, and what is hidden."""
    kinds = (RoleKind.MODERATOR, RoleKind.ADMINISTRATOR)
    if not any(role.kind in kinds for role in viewer.roles):
        return None
    ideas, said = moderated_proposals(viewer), moderated_comments(viewer)
    return {
        "ideas": list(ideas.exclude(status=Status.HIDDEN)[:5]),
        "comments": list(said.filter(hidden_at__isnull=True)[:10]),
        "hidden_ideas": list(ideas.filter(status=Status.HIDDEN)[:10]),
        "hidden_comments": list(said.filter(hidden_at__isnull=False)[:10]),
    }


def personal_proposals(person: Person) -> Iterator[dict[str, Any]]:
    """Hand over every idea a person wrote, drafts and hidden ones too."""
    rows = Proposal.objects.filter(author=person).select_related("challenge").defer("search")
    for row in rows.order_by("pk"):
        words = {name: getattr(row, name) for part in Part for name in part.fields}
        yield {
            "idea": row.pk,
            "challenge": row.challenge.title,
            "standing": row.standing,
            "status": row.status,
            "begun": row.created_at.isoformat(),
            "published": row.published_at.isoformat() if row.published_at else "",
            "hidden_because": row.hidden_reason,
            **words,
        }


def personal_signatures(person: Person) -> Iterator[dict[str, Any]]:
    """Hand over what a person signed."""
    rows = Signature.objects.filter(person=person).select_related("proposal")
    for row in rows.order_by("pk"):
        yield {
            "idea": row.proposal_id,
            "title": row.proposal.title if row.proposal.is_public else "",
            "standing": row.standing,
            "signed": row.signed_at.isoformat(),
        }


def personal_comments(person: Person) -> Iterator[dict[str, Any]]:
    """Hand over what a person said about ideas."""
    for row in Comment.objects.filter(person=person).order_by("pk"):
        yield {
            "idea": row.proposal_id,
            "standing": row.standing,
            "words": row.body,
            "written": row.written_at.isoformat(),
            "hidden_because": row.hidden_reason,
        }
