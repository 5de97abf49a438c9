"""Reading proposals: lists, one page, what waits for whom."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from typing import Any

from django.contrib.postgres.search import CombinedSearchQuery, SearchQuery, SearchRank
from django.db import connection
from django.db.models import (
    Case,
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
    When,
    Window,
)
from django.db.models.functions import RowNumber

from commonweal.ground.challenges import queries as challenge_queries
from commonweal.ground.challenges.models import Challenge, Stage, Step
from commonweal.ground.people.models import Person
from commonweal.ground.places.models import Community, Organisation, RoleKind, StandingKind
from commonweal.ground.places.rules import Viewer, everyone
from commonweal.kit.composed import Rows, composed, in_pages, rebuilt
from commonweal.kit.letters import plain
from commonweal.propose.proposals.models import (
    GIVES_IT,
    USES_IT,
    Coauthor,
    Comment,
    Consent,
    Merge,
    MergeState,
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
_SAID = "(SELECT count(*) FROM proposals_comment WHERE proposal_id = %(expressions)s)"
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
    may = Q(status__in=Proposal.READABLE)
    if person is not None:
        may |= Q(author=person) | Q(status=Status.HIDDEN) & moderates
    mine = Signature.objects.filter(proposal=OuterRef("pk"), person=person)
    beside = Coauthor.objects.filter(proposal=OuterRef("pk"), person=person)
    return (
        _all(viewer)
        .filter(may)
        .prefetch_related("challenge__steps")
        .annotate(
            my_signature=Subquery(mine.values("standing")),
            is_beside=Exists(beside),
            said_count=_count(_SAID),
        )
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
    """Return this person's own ideas and those theirs joined, the one touched last first."""
    beside = Coauthor.objects.filter(person=viewer.person).values("proposal")
    mine = Q(author=viewer.person) | Q(pk__in=beside)
    return _all(viewer).filter(mine).order_by("-changed_at", "-pk")


def signed(viewer: Viewer) -> QuerySet[Proposal]:
    """Return the public ideas this person has put their name to."""
    mine = Signature.objects.filter(proposal=OuterRef("pk"), person=viewer.person)
    return proposals(viewer).filter(Exists(mine))


def readable_by_all(viewer: Viewer) -> QuerySet[Proposal]:
    """Return the ideas that everyone may read, those too that joined another one."""
    return _all(viewer).filter(status__in=Proposal.READABLE)


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
    found = _own_and_signed(**asked)
    signed = [idea for idea in found if vars(idea)["is_signed"] and idea.status in Proposal.PUBLIC]
    return {
        "ideas": [idea for idea in found if vars(idea)["is_own"]][:20],
        "signed": signed[:10],
        "waiting": waiting_merges(viewer),
    }


@composed
def _own_and_signed(authority: Any, at: Any, person: Any) -> QuerySet[Proposal]:
    beside = Coauthor.objects.filter(proposal=OuterRef("pk"), person=person)
    names = Signature.objects.filter(proposal=OuterRef("pk"), person=person)
    own = Case(When(author=person, then=Value(True)), default=Exists(beside))
    found = _all(Viewer(authority, person, at)).annotate(is_own=own, is_signed=Exists(names))
    mine = Q(is_own=True) | Q(is_signed=True, status__in=Proposal.PUBLIC)
    return found.filter(mine).select_related(None).order_by("-changed_at", "-pk")[:60]


def panel_desk(viewer: Viewer, thing: object) -> dict[str, Any] | None:
    """Return what a moderator may want to look at: the newest, and what is hidden."""
    kinds = (RoleKind.MODERATOR, RoleKind.ADMINISTRATOR)
    if not any(role.kind in kinds for role in viewer.roles):
        return None
    places = [role.community_id for role in viewer.roles if role.kind in kinds]
    found: dict[tuple[str, bool], list[Any]] = {
        (kind, is_out): [] for kind in ("idea", "comment") for is_out in (False, True)
    }
    seen = [str(status) for status in (*Proposal.PUBLIC, Status.HIDDEN)]
    asked: dict[str, Any] = {"authority": viewer.authority.pk, "seats": places, "seen": seen}
    with connection.cursor() as cursor:
        cursor.execute(_to_look_at(), asked)
        rows = cursor.fetchall()
    for kind, is_out, *told in rows:
        found[kind, is_out].append(_idea(*told) if kind == "idea" else _comment(*told))
    return {
        "ideas": found["idea", False][:5],
        "hidden_ideas": found["idea", True],
        "comments": found["comment", False],
        "hidden_comments": found["comment", True],
    }


@cache
def _to_look_at() -> str:
    """Return the question for the ten newest ideas and comments that are shown, and the hidden ones."""
    inside = "(p.community_id = ANY (%(seats)s) OR c.ancestors && %(seats)s::bigint[])"
    newest = "row_number() OVER (PARTITION BY {out} ORDER BY {moment} DESC NULLS FIRST, {pk} DESC)"
    ideas = f"""
        SELECT p.*, c.id AS place, p.status = 'hidden' AS is_out,
               {newest.format(out="p.status = 'hidden'", moment="p.published_at", pk="p.id")} AS nth
          FROM proposals_proposal p JOIN places_community c ON c.id = p.community_id
         WHERE p.authority_id = %(authority)s AND p.status = ANY (%(seen)s) AND {inside}"""  # noqa: S608 - our own tables
    said = f"""
        SELECT s.*, s.hidden_at IS NOT NULL AS is_out,
               {newest.format(out="s.hidden_at IS NOT NULL", moment="s.written_at", pk="s.id")} AS nth
          FROM proposals_comment s JOIN proposals_proposal p ON p.id = s.proposal_id
          JOIN places_community c ON c.id = p.community_id
         WHERE p.authority_id = %(authority)s AND {inside}"""  # noqa: S608 - our own tables
    told = {
        "i": "id title standing status hidden_reason author_id organisation_id",
        "s": "id body standing hidden_at hidden_reason proposal_id person_id",
        "w": "id name erased_at",
        "o": "id name",
    }
    idea, comment, person, organisation = (
        f"jsonb_build_object({', '.join(_pair(row, name) for name in names.split())})::text"
        for row, names in told.items()
    )
    return f"""
        SELECT 'idea' AS kind, i.is_out, {idea}, {person},
               CASE WHEN o.id IS NOT NULL THEN {organisation} END, i.nth
          FROM ({ideas}) i JOIN people_person w ON w.id = i.author_id
          LEFT JOIN places_organisation o ON o.id = i.organisation_id WHERE i.nth <= 10
        UNION ALL
        SELECT 'comment', s.is_out, {comment}, {person}, {idea}, s.nth
          FROM ({said}) s JOIN people_person w ON w.id = s.person_id
          JOIN proposals_proposal i ON i.id = s.proposal_id WHERE s.nth <= 10
        ORDER BY kind, nth"""  # noqa: S608 - our own tables


def _pair(row: str, name: str) -> str:
    return f"'{name}', {row}.{name}"


def _idea(told: str, author: str, organisation: str | None, _nth: int) -> Any:
    idea: Any = rebuilt(Proposal, told)
    idea.author = rebuilt(Person, author)
    idea.organisation = rebuilt(Organisation, organisation)
    return idea


def _comment(told: str, person: str, about: str, _nth: int) -> Any:
    said: Any = rebuilt(Comment, told)
    said.person, said.proposal = rebuilt(Person, person), rebuilt(Proposal, about)
    return said


# --- ideas that become one

SIMILAR = 6
# Every word (as PostgreSQL takes it, without its ending) weighs the more the fewer ideas have it.
# Two ideas are like each other by the cosine between their words: 0 nothing in common, 1 the same.
_LIKENESS = """
WITH word AS (
    SELECT id, unnest(tsvector_to_array(search)) AS word FROM proposals_proposal
     WHERE challenge_id = %(challenge)s AND (status = 'published' OR id = %(idea)s)
), weight AS (
    SELECT word, ln(1 + (SELECT count(DISTINCT id) FROM word)::float / count(*)) AS weight
      FROM word GROUP BY word
), size AS (
    SELECT id, sqrt(sum(weight * weight)) AS size FROM word JOIN weight USING (word) GROUP BY id
), shared AS (
    SELECT theirs.id, sum(weight * weight) AS shared
      FROM word mine JOIN word theirs USING (word) JOIN weight USING (word)
     WHERE mine.id = %(idea)s AND theirs.id <> %(idea)s GROUP BY theirs.id
)
SELECT shared.id, shared / (mine.size * theirs.size)
  FROM shared JOIN size theirs ON theirs.id = shared.id JOIN size mine ON mine.id = %(idea)s
 ORDER BY 2 DESC, 1 LIMIT %(most)s
"""


def likeness(proposal: Proposal, most: int = SIMILAR) -> list[tuple[int, float]]:
    """Return the public ideas of the same challenge nearest in words, and how near, 0 to 1."""
    asked = {"challenge": proposal.challenge_id, "idea": proposal.pk, "most": most}
    with connection.cursor() as cursor:
        cursor.execute(_LIKENESS, asked)
        return [(int(pk), float(near)) for pk, near in cursor.fetchall()]


def similar(viewer: Viewer, proposal: Proposal) -> list[Proposal]:
    """Return the ideas a person may think of joining, the most alike first; each knows how ``near``."""
    near = dict(likeness(proposal))
    found = proposals(viewer).filter(status=Status.PUBLISHED).in_bulk(list(near))
    for idea in found.values():
        idea.near = near[idea.pk]  # type: ignore[attr-defined]
    return [found[pk] for pk in near if pk in found]


def authors_of(proposal: Proposal) -> list[Person]:
    """Return who wrote an idea and is still here: its first author, then those who joined."""
    beside = Coauthor.objects.filter(proposal=proposal).values("person")
    people = Person.objects.filter(Q(pk=proposal.author_id) | Q(pk__in=beside), is_active=True)
    return sorted(people, key=lambda person: (person.pk != proposal.author_id, person.pk))


def is_beside(person: Person | None, proposal: Proposal) -> bool:
    """Tell whether a person is named beside the first author; a page knows it already."""
    if person is None:
        return False
    known: bool | None = getattr(proposal, "is_beside", None)
    if known is not None:
        return known
    return Coauthor.objects.filter(proposal=proposal, person=person).exists()


@dataclass
class Ties:
    """How an idea hangs together with others."""

    joined: list[Merge]  # what joined it
    way_on: Merge | None  # how it joined another
    waiting: list[Merge]  # what is suggested


def ties(proposal: Proposal) -> Ties:
    """Return what joined an idea, where it went, and what is suggested: one query for all of it."""
    found = _ties(idea=proposal.pk)
    merged = [merge for merge in found if merge.state == MergeState.MERGED]
    gone = [merge for merge in merged if merge.joining_id == proposal.pk]
    return Ties(
        joined=[merge for merge in merged if merge.lead_id == proposal.pk],
        way_on=gone[0] if gone else None,
        waiting=[merge for merge in found if merge.state == MergeState.SUGGESTED],
    )


@composed
def _ties(idea: Any) -> QuerySet[Merge]:
    return (
        Merge.objects.filter(
            Q(lead=idea) | Q(joining=idea), state__in=(MergeState.MERGED, MergeState.SUGGESTED)
        )
        .select_related("lead", "joining__author", "joining__organisation")
        .defer("lead__search", "joining__search")
        .annotate(comment_count=_count_of("joining", _COMMENTS))
        .order_by("settled_at", "pk")
    )


def _count_of(name: str, template: str) -> Func:
    return Func(F(name), template=template, output_field=IntegerField())


def merges(viewer: Viewer) -> QuerySet[Merge]:
    """Return the suggestions this person may read: as an author of either idea, or as staff."""
    concerned = Q(suggested_by=viewer.person)
    beside = Coauthor.objects.filter(person=viewer.person).values("proposal")
    for side in ("lead", "joining"):
        concerned |= Q(**{f"{side}__author": viewer.person}) | Q(**{f"{side}__in": beside})
    led = challenge_queries.seats_of(viewer) if viewer.has_second_factor else []
    if led:
        concerned |= Q(lead__community__in=led) | Q(lead__community__ancestors__overlap=led)
    ideas = [f"{side}__{name}" for side in ("lead", "joining") for name in JOINED_ROWS]
    return (
        Merge.objects.filter(concerned, authority=viewer.authority)
        .select_related("suggested_by", "settled_by", *ideas)
        .defer("lead__search", "joining__search")
        .order_by("-suggested_at", "-pk")
    )


JOINED_ROWS = ("author", "organisation", "community", "challenge")


def who_agreed(merge: Merge) -> set[int]:
    """Return the numbers of those who agreed."""
    return set(Consent.objects.filter(merge=merge).values_list("person", flat=True))


def waiting_merges(viewer: Viewer) -> list[Merge]:
    """Return what waits for this author's own yes or no."""
    if viewer.person is None:
        return []
    return _waiting(authority=viewer.authority.pk, person=viewer.person.pk)


@composed
def _waiting(authority: Any, person: Any) -> QuerySet[Merge]:
    beside = Coauthor.objects.filter(person=person).values("proposal")
    mine = Q(lead__author=person) | Q(joining__author=person) | Q(lead__in=beside)
    said = Consent.objects.filter(merge=OuterRef("pk"), person=person)
    return (
        Merge.objects.filter(mine, ~Exists(said), authority=authority, state=MergeState.SUGGESTED)
        .select_related("lead", "joining")
        .only("lead__title", "joining__title")
        .order_by("pk")[:20]
    )


def personal_merges(person: Person) -> Iterator[dict[str, Any]]:
    """Hand over what a person suggested and agreed to, and where they stand as a co-author."""
    for merge in Merge.objects.filter(suggested_by=person).order_by("pk"):
        yield {
            "idea": merge.joining_id,
            "should_join": merge.lead_id,
            "why": merge.why,
            "suggested": merge.suggested_at.isoformat(),
            "became": merge.state,
        }
    for consent in Consent.objects.filter(person=person).select_related("merge").order_by("pk"):
        yield {
            "idea": consent.merge.joining_id,
            "should_join": consent.merge.lead_id,
            "you_agreed": consent.given_at.isoformat(),
        }
    for row in Coauthor.objects.filter(person=person).order_by("pk"):
        yield {"co_author_of": row.proposal_id, "standing": row.standing}


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
