"""Pots and projects for programs."""

from datetime import datetime
from typing import Any, cast

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Field, Router, Schema

from commonweal.decide.budgets import queries
from commonweal.decide.budgets.models import Picture, Pot, Project, Question, Round
from commonweal.kit.api import PROBLEMS, Number, Page, Pages, page_of
from commonweal.kit.request import Request

router = Router(tags=["Money"])


class PotRow(Schema):
    """A pot: money that people share out."""

    id: int
    title: str
    challenge: str
    community: str
    about: str
    pence: int
    round_id: int | None
    ballot_kind: str
    fewest: int
    most: int | None
    points: int
    top_score: int
    order_is_fixed: bool
    rule: str
    quorum: int
    supports_needed: int
    appraised_only: bool
    lot_seed: str
    reach: str
    level: int
    paper_policy: str
    opens_at: datetime
    closes_at: datetime
    result_at: datetime | None
    withdrawn_at: datetime | None
    counted_at: datetime | None = Field(None, alias="declared_at")
    project_count: int

    @staticmethod
    def resolve_challenge(pot: Pot) -> str:
        """Return the challenge's slug."""
        return pot.challenge.slug

    @staticmethod
    def resolve_community(pot: Pot) -> str:
        """Return the community's slug."""
        return pot.community.slug


class CostLine(Schema):
    """One line of what a project costs."""

    what: str
    pence: int


class ProjectRow(Schema):
    """A costed project in a pot."""

    id: int
    pot_id: int
    proposal_id: int | None
    title: str
    summary: str
    outcome: str
    where: str
    run_by: str
    cost_pence: int
    cost_note: str
    cost_lines: list[CostLine]
    exclusive: str
    is_funded: bool | None

    @staticmethod
    def resolve_proposal_id(project: Project) -> int | None:
        """Return the idea it comes from, if that can be read."""
        return None if project.is_hidden else project.proposal_id

    @staticmethod
    def resolve_summary(project: Project) -> str:
        """Return the words that everyone may read."""
        return project.words

    @staticmethod
    def resolve_outcome(project: Project) -> str:
        """Return what is promised, if it is not hidden."""
        return "" if project.is_hidden else project.outcome

    @staticmethod
    def resolve_run_by(project: Project) -> str:
        """Return who will run it, if it is not hidden."""
        return "" if project.is_hidden else project.run_by

    @staticmethod
    def resolve_cost_note(project: Project) -> str:
        """Return what the money pays for, if it is not hidden."""
        return "" if project.is_hidden else project.cost_note

    @staticmethod
    def resolve_cost_lines(project: Project) -> list[dict[str, Any]]:
        """Return the lines of the cost, if they are not hidden."""
        return [] if project.is_hidden else project.cost_lines


class PictureRow(Schema):
    """A picture of a project: where it is, and what it shows."""

    address: str
    alt: str
    width: int
    height: int

    @staticmethod
    def resolve_address(picture: Picture) -> str:
        """Return where the picture itself is."""
        return picture.get_absolute_url()


class QuestionRow(Schema):
    """What was asked about a project, and what staff answered; never who asked."""

    id: int
    body: str
    asked_at: datetime
    answer: str
    answered_at: datetime | None


class ProjectPage(ProjectRow):
    """A project with its pictures, questions and answers."""

    pictures: list[PictureRow]
    questions: list[QuestionRow]

    @staticmethod
    def resolve_pictures(project: Project) -> list[Picture]:
        """Return the pictures that everybody may see."""
        return [] if project.is_hidden else list(queries.pictures_of([project]))

    @staticmethod
    def resolve_questions(project: Project) -> list[Question]:
        """Return the questions that everybody may read."""
        return list(queries.questions_of(project).filter(hidden_at__isnull=True))


class RoundRow(Schema):
    """Pots for several districts, of which a person may vote in one."""

    id: int
    title: str
    challenge: str

    @staticmethod
    def resolve_challenge(round: Round) -> str:
        """Return the challenge's slug."""
        return round.challenge.slug


class RoundPage(Schema):
    """A round with the numbers of its pots."""

    id: int
    title: str
    challenge: str
    pots: list[int]


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


@router.get(
    "/projects/{project_id}",
    response={200: ProjectPage, **PROBLEMS},
    summary="Read one project",
)
def read_project(request: HttpRequest, project_id: int = Number) -> Project:
    """What it promises, where, who runs it, what it costs, pictures, questions and answers."""
    found = queries.public_projects(cast(Request, request).viewer)
    return get_object_or_404(found, pk=project_id)


@router.get("/rounds", response={200: Page[RoundRow], **PROBLEMS}, summary="List the rounds")
def list_rounds(request: HttpRequest, paging: Pages) -> dict[str, Any]:
    """Rounds of pots for several districts, the newest first."""
    return page_of(request, queries.public_rounds(cast(Request, request).viewer), paging)


@router.get("/rounds/{round_id}", response={200: RoundPage, **PROBLEMS}, summary="Read one round")
def read_round(request: HttpRequest, round_id: int = Number) -> dict[str, Any]:
    """The round and the numbers of its districts' pots."""
    viewer = cast(Request, request).viewer
    found = get_object_or_404(queries.public_rounds(viewer), pk=round_id)
    pots = queries.public_pots(viewer).filter(round=found).order_by("pk")
    return {
        "id": found.pk,
        "title": found.title,
        "challenge": found.challenge.slug,
        "pots": list(pots.values_list("pk", flat=True)),
    }
