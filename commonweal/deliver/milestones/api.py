"""What becomes of funded projects, for programs."""

from datetime import date, datetime
from typing import Any, cast

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Field, Router, Schema

from commonweal.deliver.milestones import queries
from commonweal.deliver.milestones.models import Delivery, Post
from commonweal.kit.api import PROBLEMS, Number, Page, Pages, page_of
from commonweal.kit.request import Request

router = Router(tags=["Delivery"])


class DeliveryRow(Schema):
    """Where a funded project stands; ``cost_pence`` is what the vote gave it."""

    project_id: int
    pot_id: int
    title: str
    run_by: str
    organisation: str | None
    status: str
    status_on: date
    due_on: date | None
    cost_pence: int
    spent_pence: int
    overspend: str
    promised: str
    spoken_at: datetime

    @staticmethod
    def resolve_pot_id(row: Delivery) -> int:
        """Return its pot."""
        return row.project.pot_id

    @staticmethod
    def resolve_title(row: Delivery) -> str:
        """Return the project's name."""
        return row.project.title

    @staticmethod
    def resolve_organisation(row: Delivery) -> str | None:
        """Return the slug of the organisation that runs it."""
        return row.organisation.slug if row.organisation else None

    @staticmethod
    def resolve_promised(row: Delivery) -> str:
        """Return what was promised, as everyone may read it."""
        return row.promised


class MilestoneRow(Schema):
    """A step that people can see; ``due_on`` is the last day of the planned month, now and at first."""

    id: int
    title: str
    seen: str
    due_on: date
    first_due_on: date | None
    done_on: date | None
    spent_pence: int | None
    evidence: str
    link: str
    is_dropped: bool


class PostRow(Schema):
    """One thing that was told. It never changes; ``corrects`` is the post that it puts right."""

    id: int
    at: datetime
    kind: str
    organisation: str | None
    words: str = Field(alias="shown.words")
    happened_on: date
    was: str
    status: str
    due_on: date | None
    milestone_id: int | None
    title: str = Field(alias="shown.title")
    seen: str = Field(alias="shown.seen")
    spent_pence: int | None
    overspend: str = Field(alias="shown.overspend")
    money: str = Field(alias="shown.money")
    measured: str = Field(alias="shown.measured")
    came: str
    link: str = Field(alias="shown.link")
    corrects: int | None
    is_hidden: bool

    @staticmethod
    def resolve_organisation(row: Post) -> str | None:
        """Return the slug of the organisation that told it; nothing where staff did."""
        return row.organisation.slug if row.organisation else None

    @staticmethod
    def resolve_corrects(row: Post) -> int | None:
        """Return the number of the post that it puts right."""
        return row.corrects_id


def _delivery(request: HttpRequest, project_id: int) -> Delivery:
    found = queries.public_deliveries(cast(Request, request).viewer)
    return get_object_or_404(found, project=project_id)


@router.get("/deliveries", response={200: Page[DeliveryRow], **PROBLEMS}, summary="List deliveries")
def list_deliveries(request: HttpRequest, paging: Pages) -> dict[str, Any]:
    """What became of everything that was funded, the latest news first."""
    return page_of(request, queries.public_deliveries(cast(Request, request).viewer), paging)


@router.get(
    "/deliveries/{project_id}", response={200: DeliveryRow, **PROBLEMS}, summary="Read a delivery"
)
def read_delivery(request: HttpRequest, project_id: int = Number) -> Delivery:
    """Who runs the project, where it stands and what is spent."""
    return _delivery(request, project_id)


@router.get(
    "/deliveries/{project_id}/milestones",
    response={200: Page[MilestoneRow], **PROBLEMS},
    summary="List a delivery's milestones",
)
def list_milestones(
    request: HttpRequest, paging: Pages, project_id: int = Number
) -> dict[str, Any]:
    """By their planned months."""
    found = _delivery(request, project_id)
    return page_of(request, queries.milestones(found), paging)


@router.get(
    "/deliveries/{project_id}/posts",
    response={200: Page[PostRow], **PROBLEMS},
    summary="List what was told of a delivery",
)
def list_posts(request: HttpRequest, paging: Pages, project_id: int = Number) -> dict[str, Any]:
    """The newest first; corrections stand beside what they correct."""
    return page_of(request, queries.posts(_delivery(request, project_id)), paging)
