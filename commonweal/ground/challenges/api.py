"""Challenges for programs: the published ones."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any, cast

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Router, Schema

from commonweal.ground.challenges import queries
from commonweal.ground.challenges.models import Challenge
from commonweal.kit.api import PROBLEMS, Page, Pages, Slug, page_of
from commonweal.kit.request import Request

router = Router(tags=["Challenges"])


class OutcomeRow(Schema):
    """What should get better, and its measure."""

    statement: str
    for_whom: str
    measure: str
    unit: str
    up_is_better: bool
    baseline: Decimal | None
    baseline_on: date | None
    now: Decimal | None
    now_on: date | None
    aim: Decimal | None


class StepRow(Schema):
    """When a challenge is in one stage."""

    stage: str
    opens_at: datetime
    closes_at: datetime | None


class ChallengeRow(Schema):
    """A challenge in a list."""

    slug: str
    title: str
    question: str
    stage: str | None
    is_open: bool
    community: str
    service: str
    owner: str
    money_pence: int | None
    published_at: datetime

    @staticmethod
    def resolve_community(challenge: Challenge) -> str:
        """Return the community's slug."""
        return challenge.community.slug

    @staticmethod
    def resolve_service(challenge: Challenge) -> str:
        """Return the service's slug."""
        return challenge.service.slug

    @staticmethod
    def resolve_owner(challenge: Challenge) -> str:
        """Return the organisation's slug."""
        return challenge.owner.slug


class ChallengeWhole(ChallengeRow):
    """A challenge with everything public about it."""

    background: str
    who_is_concerned: str
    outcomes: list[OutcomeRow]
    steps: list[StepRow]


@router.get(
    "/challenges", response={200: Page[ChallengeRow], **PROBLEMS}, summary="List the challenges"
)
def list_challenges(request: HttpRequest, paging: Pages) -> dict[str, Any]:
    """Open ones first, then the newest."""
    return page_of(request, queries.published(cast(Request, request).viewer), paging)


@router.get(
    "/challenges/{slug}", response={200: ChallengeWhole, **PROBLEMS}, summary="Read one challenge"
)
def read_challenge(request: HttpRequest, slug: str = Slug) -> Challenge:
    """With its outcomes and the dates of its stages."""
    return get_object_or_404(queries.published(cast(Request, request).viewer), slug=slug)
