"""Pots, projects and results for programs. What people chose is not here before the count."""

from datetime import datetime
from typing import Any, cast

from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from ninja import Field, Router, Schema

from commonweal.decide.budgets import queries
from commonweal.decide.budgets.models import Pot, Project
from commonweal.kit.api import PROBLEMS, Number, Page, Pages, page_of
from commonweal.kit.request import Request

router = Router(tags=["Money"])


class PotRow(Schema):
    """A pot: money that people share out."""

    id: int
    title: str
    challenge: str
    community: str
    pence: int
    rule: str
    level: int
    opens_at: datetime
    closes_at: datetime
    counted_at: datetime | None
    project_count: int

    @staticmethod
    def resolve_challenge(pot: Pot) -> str:
        """Return the challenge's slug."""
        return pot.challenge.slug

    @staticmethod
    def resolve_community(pot: Pot) -> str:
        """Return the community's slug."""
        return pot.community.slug


class ProjectRow(Schema):
    """A costed project in a pot."""

    id: int
    pot_id: int
    proposal_id: int | None
    title: str
    summary: str
    where: str
    cost_pence: int
    is_funded: bool | None

    @staticmethod
    def resolve_proposal_id(project: Project) -> int | None:
        """Return the idea it comes from, if that can be read."""
        return None if project.is_hidden else project.proposal_id

    @staticmethod
    def resolve_summary(project: Project) -> str:
        """Return the words that everyone may read."""
        return project.words


class Line(Schema):
    """How one project fared, and what would have been enough."""

    id: int
    votes: int | None
    cost_pence: int
    is_funded: bool
    why: str
    payment_pence: int | None
    shortfall_pence: int | None
    needed_ballots: int | None
    needed_cost_pence: int | None
    is_explained: bool = Field(description="False while what was needed is still worked out.")


class Result(Schema):
    """The outcome of a count; a number of voters under five is hidden as null."""

    rule: str
    completion: str
    seed: str
    budget_pence: int
    spent_pence: int
    voters: int | None
    projects: list[Line]


# What would tell how many people chose an idea that fewer than five did.
_TELLING = ("votes", "payment_pence", "shortfall_pence", "needed_ballots", "needed_cost_pence")


def _pot(request: HttpRequest, pot_id: int) -> Pot:
    return get_object_or_404(queries.public_pots(cast(Request, request).viewer), pk=pot_id)


@router.get("/pots", response={200: Page[PotRow], **PROBLEMS}, summary="List the pots")
def list_pots(request: HttpRequest, paging: Pages) -> dict[str, Any]:
    """Open ones first, then those to be counted, to come, and counted."""
    return page_of(request, queries.public_pots(cast(Request, request).viewer), paging)


@router.get("/pots/{pot_id}", response={200: PotRow, **PROBLEMS}, summary="Read one pot")
def read_pot(request: HttpRequest, pot_id: int = Number) -> Pot:
    """The money, the rule, who may vote and when."""
    return _pot(request, pot_id)


@router.get(
    "/pots/{pot_id}/projects",
    response={200: Page[ProjectRow], **PROBLEMS},
    summary="List a pot's projects",
)
def list_projects(request: HttpRequest, paging: Pages, pot_id: int = Number) -> dict[str, Any]:
    """By number; votes are in the result, once counted."""
    pot = _pot(request, pot_id)
    found = queries.public_projects(cast(Request, request).viewer).filter(pot=pot)
    return page_of(request, found, paging)


@router.get("/pots/{pot_id}/result", response={200: Result, **PROBLEMS}, summary="Read a result")
def read_result(request: HttpRequest, pot_id: int = Number) -> dict[str, Any]:
    """Winners as they were bought, then the others by what they lacked. Nothing before the count."""
    pot = _pot(request, pot_id)
    if pot.result is None:
        raise Http404(_("This pot is not counted yet."))
    lines = [
        {**line, **dict.fromkeys(_TELLING)} if line["is_small"] else line
        for line in queries.lines(pot)
    ]
    voters = pot.result["voters"]
    return {
        **pot.result,
        "projects": lines,
        "voters": voters if voters == 0 or voters >= queries.FEWEST else None,
    }
