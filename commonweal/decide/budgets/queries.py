"""Reading pots: for pages, for the engine, and for the moment of voting."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from math import ceil
from typing import Any, NamedTuple

import numpy as np
from django.db.models import Exists, F, Func, IntegerField, OuterRef, Q, QuerySet, Value
from numpy.typing import NDArray

from commonweal.decide.budgets.models import Approval, Ballot, Pot, Project, Roll, Rule
from commonweal.engine import voting
from commonweal.ground.challenges.models import Challenge
from commonweal.ground.challenges.queries import seats_of
from commonweal.ground.journal.models import Entry
from commonweal.ground.people.models import Person
from commonweal.ground.places.models import (
    Community,
    Membership,
)
from commonweal.ground.places.rules import Viewer, everyone, may_lead
from commonweal.kit.composed import composed
from commonweal.kit.copy import copy_out
from commonweal.propose.proposals.models import Proposal, Status

FEWEST = 5  # a smaller count of people is hidden
CARD = (
    "authority", "title", "pence", "opens_at", "closes_at", "counted_at", "community__name",
    "challenge__authority", "challenge__question", "challenge__published_at",
)  # fmt: skip

# Asked of every pot in a list: Django would take longer to compose these than PostgreSQL to answer.
_PLACE = """(SELECT CASE WHEN counted IS NOT NULL THEN 3 WHEN opens > at THEN 2
                         WHEN closes <= at THEN 1 ELSE 0 END
               FROM (SELECT %(expressions)s) AS pot (counted, opens, closes, at))"""
_PROJECTS = "(SELECT count(*) FROM budgets_project WHERE pot_id = %(expressions)s)"


# --- pots and projects for pages


def pots(viewer: Viewer) -> QuerySet[Pot]:
    """Return the pots this viewer may read: open first, then those to be counted, to come, counted."""
    moments = F("counted_at"), F("opens_at"), F("closes_at"), Value(viewer.at)
    return (
        Pot.objects.filter(Q(challenge__published_at__lte=viewer.at) | _led(viewer))
        .filter(authority=viewer.authority)
        .select_related("challenge__community", "community")
        .annotate(
            place=Func(*moments, template=_PLACE, output_field=IntegerField()),
            project_count=Func(F("pk"), template=_PROJECTS, output_field=IntegerField()),
        )
        .order_by("place", "closes_at", "pk")
    )


def numbered(viewer: Viewer, pk: int) -> list[Pot]:
    """Return the one pot with this number, if this viewer may read it."""
    if seats_of(viewer):
        return list(pots(viewer).filter(pk=pk))
    return _numbered(authority=viewer.authority.pk, at=viewer.at, pk=pk)


@composed
def _numbered(authority: Any, at: Any, pk: Any) -> QuerySet[Pot]:
    return pots(everyone(authority, at)).filter(pk=pk)


def as_cards(pots: QuerySet[Pot]) -> QuerySet[Pot]:
    """Read only what a pot's card shows, and never the key or the result."""
    return pots.select_related(None).select_related("challenge", "community").only(*CARD)


def _led(viewer: Viewer) -> Q:
    """Return which pots the viewer works on: those of the communities they lead, and below."""
    led = seats_of(viewer)
    if not led:
        return Q(pk__in=[])
    return Q(community_id__in=led) | Q(community__ancestors__overlap=led)


def pots_in_state(viewer: Viewer, state: str) -> QuerySet[Pot]:
    """Return the pots that are open, closed but not counted, coming or counted."""
    at = viewer.at
    in_state = {
        "open": Q(opens_at__lte=at, closes_at__gt=at, counted_at__isnull=True),
        "closed": Q(closes_at__lte=at, counted_at__isnull=True),
        "coming": Q(opens_at__gt=at, counted_at__isnull=True),
        "counted": Q(counted_at__isnull=False),
    }
    return pots(viewer).filter(in_state.get(state, Q()))


def open_pots(viewer: Viewer) -> QuerySet[Pot]:
    """Return the pots that take votes at this moment, soonest to close first."""
    return pots(viewer).filter(opens_at__lte=viewer.at, closes_at__gt=viewer.at)


def pots_led(viewer: Viewer) -> QuerySet[Pot]:
    """Return the pots this viewer sets up and counts."""
    return pots(viewer).filter(_led(viewer))


def pots_of(viewer: Viewer, challenge: Challenge) -> QuerySet[Pot]:
    """Return a challenge's pots."""
    return pots(viewer).filter(challenge=challenge)


def public_pots(viewer: Viewer) -> QuerySet[Pot]:
    """Return the pots of published challenges, for open data."""
    return pots(viewer).filter(challenge__published_at__lte=viewer.at)


def projects(viewer: Viewer) -> QuerySet[Project]:
    """Return the projects of every pot this viewer may read."""
    readable = pots(viewer).order_by().values("pk")
    return (
        Project.objects.filter(pot__in=readable)
        .select_related("pot__challenge", "pot__community", "proposal__challenge")
        .order_by("pot_id", "pk")
    )


def public_projects(viewer: Viewer) -> QuerySet[Project]:
    """Return the projects of every public pot, for open data."""
    return projects(viewer).filter(pot__challenge__published_at__lte=viewer.at)


def projects_for(viewer: Viewer, pot: Pot) -> list[Project]:
    """Return a pot's projects in an order drawn for each person from the pot's published seed."""
    who = viewer.person.pk if viewer.person else "everyone"

    def lot(project: Project) -> str:
        return sha256(f"{pot.lot_seed}:{who}:{project.pk}".encode()).hexdigest()

    return sorted(_projects_in(pot=pot.pk), key=lot)


@composed
def _projects_in(pot: Any) -> QuerySet[Project]:
    """Return a pot's projects; of the ideas they come from only whether they are hidden."""
    rows = Project.objects.filter(pot=pot).select_related("proposal")
    return rows.only(*(field.attname for field in Project._meta.fields), "proposal__status")


def proposals_to_add(pot: Pot) -> QuerySet[Proposal]:
    """Return the costed, published proposals of the pot's challenge that no open pot holds yet."""
    return Proposal.objects.filter(
        challenge=pot.challenge_id,
        authority=pot.authority_id,
        status__in=(Status.PUBLISHED, Status.NOT_FUNDED),
        cost_pence__isnull=False,
        cost_pence__gt=0,
    ).order_by("-published_at", "-pk")


def projects_of(viewer: Viewer, proposal: Proposal) -> QuerySet[Project]:
    """Return where a proposal stands in ballots."""
    return projects(viewer).filter(proposal=proposal).order_by("-pot__closes_at", "-pk")


def turnout(pot: Pot) -> int:
    """Return how many people have voted."""
    return int(pot.result["voters"]) if pot.result else pot.ballots.count()


def money_in_pots(challenge: Challenge, *, but: int | None = None) -> int:
    """Return what the challenge's pots hold together, leaving one of them out if asked."""
    held = Pot.objects.filter(challenge=challenge)
    return sum((held if but is None else held.exclude(pk=but)).values_list("pence", flat=True))


def challenge_to_fund(viewer: Viewer, slug: str) -> Challenge | None:
    """Return a challenge of this authority, also one that is not published yet."""
    found = Challenge.objects.filter(authority=viewer.authority, slug=slug)
    return found.select_related("community").first()


def communities_to_ask(challenge: Challenge) -> list[Community]:
    """Return the challenge's community and those inside it."""
    inside = Q(pk=challenge.community_id) | Q(ancestors__contains=[challenge.community_id])
    return list(Community.objects.filter(inside, authority=challenge.authority_id).order_by("name"))


def may_publish_ballots(pot: Pot) -> bool:
    """Tell whether the ballots without names show nobody: no idea was chosen by one to four people."""
    if pot.result is None:
        return False
    votes = [line["votes"] for line in pot.result["projects"]]
    return pot.result["voters"] >= FEWEST and all(n == 0 or n >= FEWEST for n in votes)


def lines(pot: Pot) -> list[dict[str, Any]]:
    """Return each project's line of the result with the project, its place, and what may be shown."""
    assert pot.result is not None
    known = {project.pk: project for project in _projects_in(pot=pot.pk)}
    votes = sorted((line["votes"] for line in pot.result["projects"]), reverse=True)
    return [
        {
            **line,
            "project": known[line["id"]],
            "place": place,
            "by_votes": votes.index(line["votes"]) + 1,
            "is_small": 0 < line["votes"] < FEWEST,
            "is_explained": line.get("is_explained", True),
            "share": 1.0
            if line["is_funded"]
            else max(0.0, line["there_pence"] / line["cost_pence"]),
            "behind_short_pence": line["cost_pence"] - line["behind_pence"],
        }
        for place, line in enumerate(pot.result["projects"], start=1)
    ]


# --- panels on other apps' pages


def home_panel(viewer: Viewer, thing: None) -> Mapping[str, Any] | None:
    """Return the pots that are open now, for the front page."""
    if seats_of(viewer):
        found = list(as_cards(open_pots(viewer))[:3])
    else:
        found = _open_to_all(authority=viewer.authority.pk, at=viewer.at)
    return {"pots": found} if found else None


@composed
def _open_to_all(authority: Any, at: Any) -> QuerySet[Pot]:
    return as_cards(open_pots(everyone(authority, at)))[:3]


def challenge_panel(viewer: Viewer, challenge: Challenge) -> Mapping[str, Any] | None:
    """Return a challenge's pots that are open."""
    found = [pot for pot in _pots_on_page(viewer, challenge) if pot.is_open(viewer.at)]
    return {"pots": found} if found else None


def challenge_more_panel(viewer: Viewer, challenge: Challenge) -> Mapping[str, Any] | None:
    """Return all pots of a challenge, whatever their state, and whether one may be set up."""
    found = _pots_on_page(viewer, challenge)
    leads = may_lead(viewer, challenge.community)
    return {"pots": found, "leads": leads} if found or leads else None


def _pots_on_page(viewer: Viewer, challenge: Challenge) -> list[Pot]:
    def read() -> list[Pot]:
        if seats_of(viewer):
            return list(as_cards(pots_of(viewer, challenge)))
        return _of_challenge(authority=viewer.authority.pk, at=viewer.at, challenge=challenge.pk)

    return viewer.once(("pots", challenge.pk), read)


@composed
def _of_challenge(authority: Any, at: Any, challenge: Any) -> QuerySet[Pot]:
    return as_cards(pots(everyone(authority, at))).filter(challenge=challenge)


def proposal_panel(viewer: Viewer, proposal: Proposal) -> Mapping[str, Any] | None:
    """Return where a proposal stands in a ballot."""
    if seats_of(viewer):
        found = list(projects_of(viewer, proposal)[:3])
    else:
        asked = {"authority": viewer.authority.pk, "at": viewer.at}
        found = _public_projects_of(**asked, proposal=proposal.pk)
    return {"projects": found} if found else None


@composed
def _public_projects_of(authority: Any, at: Any, proposal: Any) -> QuerySet[Project]:
    return projects_of(everyone(authority, at), proposal)[:3]


def mine_panel(viewer: Viewer, thing: None) -> Mapping[str, Any] | None:
    """Return the pots a person voted in: that, not what."""
    if viewer.person is None or seats_of(viewer):
        found = list(as_cards(pots_voted_in(viewer))[:10])
    else:
        asked = {"authority": viewer.authority.pk, "at": viewer.at}
        found = _voted_in(**asked, person=viewer.person.pk)
    return {"pots": found} if found else None


@composed
def _voted_in(authority: Any, at: Any, person: Any) -> QuerySet[Pot]:
    mine = Roll.objects.filter(pot=OuterRef("pk"), person=person)
    return (
        as_cards(pots(everyone(authority, at)))
        .filter(Exists(mine))
        .order_by("-closes_at", "-pk")[:10]
    )


def desk_panel(viewer: Viewer, thing: None) -> Mapping[str, Any] | None:
    """Return the pots a member of staff runs that are not counted yet."""
    found = list(as_cards(pots_led(viewer)).filter(counted_at__isnull=True)[:20])
    return {"pots": found} if found else None


# --- one person's part


def has_voted(viewer: Viewer, pot: Pot) -> bool:
    """Tell whether this person is on the roll."""
    if viewer.person is None:
        return False
    return Roll.objects.filter(pot=pot, person=viewer.person).exists()


def ballot_of(viewer: Viewer, pot: Pot) -> Ballot | None:
    """Return this person's own ballot while the pot's key can still find it."""
    if viewer.person is None or pot.key is None:
        return None
    return Ballot.objects.filter(pot=pot, envelope=pot.envelope_of(viewer.person)).first()


def chosen_on(ballot: Ballot) -> list[int]:
    """Return the projects that a ballot approves."""
    return list(
        Approval.objects.filter(ballot=ballot)
        .order_by("project_id")
        .values_list("project_id", flat=True)
    )


def pots_voted_in(viewer: Viewer) -> QuerySet[Pot]:
    """Return the pots whose roll names this person: that they voted, never what."""
    mine = Roll.objects.filter(pot=OuterRef("pk"), person=viewer.person)
    return pots(viewer).filter(Exists(mine)).order_by("-closes_at", "-pk")


def personal(person: Person) -> Iterable[Mapping[str, Any]]:
    """Return what is kept about a person: where they voted, and what as long as that can be found."""
    for voted in Roll.objects.filter(person=person).select_related("pot").order_by("pot_id"):
        row: dict[str, Any] = {"pot": voted.pot.title, "voted": True}
        if voted.pot.key is not None:
            sealed = voted.pot.envelope_of(person)
            row["chosen"] = list(
                Project.objects.filter(
                    pk__in=Approval.objects.filter(
                        ballot__pot=voted.pot, ballot__envelope=sealed
                    ).values("project_id")
                )
                .order_by("pk")
                .values_list("title", flat=True)
            )
        yield row


# --- the moment of voting

# A vote may cost three statements after session, person and authority are known. So this one
# brings the pot, the numbers of its projects and where the voter belongs. The lock is shared: many
# vote at once, and nobody while the pot is counted.
_HELD = """
SELECT pot.*,
       ARRAY(SELECT id FROM budgets_project WHERE pot_id = pot.id) AS project_ids,
       jsonb_build_array(place.id, place.name, place.slug, place.ancestors) AS place,
       (SELECT jsonb_agg(jsonb_build_array(m.level, m.expires_at, c.id, c.name, c.slug, c.ancestors))
          FROM places_membership m JOIN places_community c ON c.id = m.community_id
         WHERE m.person_id = %s AND c.authority_id = pot.authority_id) AS belongs
  FROM budgets_pot pot
  JOIN challenges_challenge challenge ON challenge.id = pot.challenge_id
  JOIN places_community place ON place.id = pot.community_id
 WHERE pot.id = %s AND pot.authority_id = %s AND challenge.published_at <= %s
   FOR KEY SHARE OF pot
"""


class Held(NamedTuple):
    """A pot under a shared lock, and the numbers of its projects."""

    pot: Pot
    project_ids: list[int]


def pot_held_open(viewer: Viewer, pot_id: int) -> Held | None:
    """Return a pot under a shared lock, and tell the viewer where they belong on the way."""
    if viewer.person is None:
        return None
    values = [viewer.person.pk, pot_id, viewer.authority.pk, viewer.at]
    for pot in Pot.objects.raw(_HELD, values):
        more = vars(pot)
        pot.community = _community(viewer, *json.loads(more["place"]))
        viewer.memberships = [
            Membership(
                person=viewer.person,
                level=level,
                expires_at=datetime.fromisoformat(expires_at) if expires_at else None,
                community=_community(viewer, *place),
            )
            for level, expires_at, *place in json.loads(more["belongs"] or "[]")
        ]
        return Held(pot, more["project_ids"])
    return None


def _community(viewer: Viewer, pk: int, name: str, slug: str, ancestors: list[int]) -> Community:
    return Community(pk=pk, name=name, slug=slug, ancestors=ancestors, authority=viewer.authority)


# --- for the engine


def approvals(pot: Pot) -> voting.Profile:
    """Return the pot's projects and who approves what, as the engine reads it."""
    costs = pot.projects.order_by("pk").values_list("pk", "cost_pence")
    ids, cost = np.array(list(costs), dtype=np.int64).reshape(-1, 2).T
    ticks = copy_out(
        "SELECT project_id, ballot_id FROM budgets_approval WHERE pot_id = %s", [pot.pk]
    )
    return voting.Profile.from_pairs(
        ids, cost, project=ticks[:, 0], ballot=ticks[:, 1], voters=pot.ballots.count()
    )


def tally(pot: Pot, profile: voting.Profile) -> voting.Outcome:
    """Count ballots by the pot's own rule."""
    ties = voting.TieRule(seed=pot.lot_seed)
    if pot.rule == Rule.GREEDY:
        return voting.greedy(profile, pot.pence, ties=ties)
    return voting.equal_shares(profile, pot.pence, completion="add1-greedy", ties=ties)


# To say what would have been enough takes some forty counts for each project that lost, and a
# count grows with the square of the projects. So the nearest losers are explained within the count,
# a few seconds in all, and the others one by one after it.
MOST_TO_EXPLAIN = 10_000
MOST_TICKS_TO_EXPLAIN = 5_000_000


def result(pot: Pot, profile: voting.Profile, outcome: voting.Outcome) -> dict[str, Any]:
    """Return what is kept of a count, in plain numbers.

    ``rule completion seed budget_pence spent_pence voters share_pence`` (what each ballot began
    with in the deciding run, rounded down), ``projects`` (winners as bought, then losers by what
    they lacked): ``id votes cost_pence is_funded why payment_pence`` (rounded up)
    ``behind_pence there_pence shortfall_pence needed_ballots needed_cost_pence is_explained`` (the
    two before it are worked out, where there is anything to work out); ``ties``:
    ``projects chosen by``; ``chosen`` and ``chosen_by_votes``: under this count and under most
    votes first, ``mean`` funded projects a ballot had chosen, ``nothing`` ballots with none.
    """
    losers = np.flatnonzero(~outcome.funded)
    by_want = losers[np.lexsort((losers, outcome.shortfall[losers]))]
    explained = min(
        MOST_TO_EXPLAIN // max(1, len(profile.ids) ** 2),
        MOST_TICKS_TO_EXPLAIN // max(1, len(profile.voter)),
    )
    near = set(by_want[:explained].tolist())
    why = voting.reasons(outcome)
    plain = voting.greedy(profile, pot.pence, ties=voting.TieRule(seed=pot.lot_seed))
    return {
        "rule": outcome.rule,
        "completion": outcome.completion,
        "seed": pot.lot_seed,
        "budget_pence": outcome.budget,
        "spent_pence": outcome.spent,
        "voters": outcome.voters,
        "share_pence": int(outcome.start),
        "projects": [
            _line(pot, profile, outcome, why[p], p, p in near)
            for p in [*outcome.order.tolist(), *by_want.tolist()]
        ],
        "ties": [
            {
                "projects": profile.ids[list(t.projects)].tolist(),
                "chosen": int(profile.ids[t.chosen]),
                "by": t.by,
            }
            for t in outcome.ties
        ],
        "chosen": _chosen(profile, outcome.funded),
        "chosen_by_votes": _chosen(profile, plain.funded),
    }


def _line(
    pot: Pot,
    profile: voting.Profile,
    outcome: voting.Outcome,
    why: voting.Reason,
    p: int,
    explains: bool,
) -> dict[str, Any]:
    enough = _enough(pot, profile, outcome, p) if explains else voting.Needed(None, None)
    return {
        "id": int(profile.ids[p]),
        "votes": why.votes,
        "cost_pence": why.cost,
        "is_funded": bool(outcome.funded[p]),
        "why": str(why.why),
        "payment_pence": None if why.payment is None else ceil(why.payment),
        "behind_pence": int(outcome.behind[p]),
        "there_pence": why.there,
        "shortfall_pence": why.shortfall,
        "needed_ballots": enough.ballots,
        "needed_cost_pence": enough.cost,
        "is_explained": explains or bool(outcome.funded[p]),
    }


def _enough(pot: Pot, profile: voting.Profile, outcome: voting.Outcome, p: int) -> voting.Needed:
    return voting.needed(profile, p, outcome, lambda changed: tally(pot, changed))


def unexplained(pot: Pot) -> list[int]:
    """Return the projects that lost of which the result does not say yet what would have been enough."""
    known = pot.result["projects"] if pot.result else []
    return [line["id"] for line in known if not line.get("is_explained", True)]


def explanation(pot: Pot, project_id: int) -> dict[str, Any]:
    """Work out what the line of a project that lost still lacks: the same counts, once more."""
    profile = approvals(pot)
    place = profile.ids.tolist().index(project_id)
    enough = _enough(pot, profile, tally(pot, profile), place)
    return {
        "needed_ballots": enough.ballots,
        "needed_cost_pence": enough.cost,
        "is_explained": True,
    }


def _chosen(profile: voting.Profile, funded: NDArray[np.bool_]) -> dict[str, float]:
    """Return how many funded projects a ballot had chosen: the mean, and how many had none."""
    marks = profile.voter[np.repeat(funded, profile.votes)]
    each = np.bincount(marks, minlength=profile.voters)
    mean = float(each.mean()) if profile.voters else 0.0
    return {"mean": round(mean, 2), "nothing": int(np.count_nonzero(each == 0))}


def due_to_open(at: datetime) -> QuerySet[Pot]:
    """Return the pots of all authorities that have opened and whose opening nobody told yet."""
    told = Entry.objects.filter(what="pot.opened", about="budgets.Pot", about_id=OuterRef("pk"))
    return (
        Pot.objects.filter(opens_at__lte=at, counted_at__isnull=True)
        .filter(challenge__published_at__lte=at)
        .exclude(Exists(told))
        .order_by("opens_at", "pk")
    )


def due_to_count(at: datetime) -> QuerySet[Pot]:
    """Return the pots of all authorities that are closed and not counted."""
    return Pot.objects.filter(closes_at__lte=at, counted_at__isnull=True).order_by(
        "closes_at", "pk"
    )


def due_to_explain(at: datetime) -> QuerySet[Pot]:
    """Return the pots counted this week of which something is still to be worked out."""
    lately = Pot.objects.filter(counted_at__gt=at - timedelta(days=7))
    return lately.filter(result__contains={"projects": [{"is_explained": False}]}).order_by("pk")
