"""Pots and projects for programs."""

from datetime import datetime
from typing import Any, cast

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
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
    counted_at: datetime | None = Field(None, alias="declared_at")
    ballot_kind: str
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
