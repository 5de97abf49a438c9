"""Appraisals for programs: those that are final."""

from datetime import datetime
from typing import Any, cast

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Router, Schema

from commonweal.kit.api import PROBLEMS, Number, Page, Pages, page_of
from commonweal.kit.request import Request
from commonweal.propose.appraisals import queries
from commonweal.propose.appraisals.models import Appraisal

router = Router(tags=["Ideas"])


class AppraisalRow(Schema):
    """What staff found about an idea, in short."""

    idea: int
    verdict: str
    one_off_pence: int
    yearly_pence: int
    years: int
    total_pence: int
    words: str
    changes: str
    settled_by: str
    final_at: datetime
    agreed_at: datetime | None
    may_be_in_ballot: bool

    @staticmethod
    def resolve_idea(row: Appraisal) -> int:
        """Return the idea's number."""
        return row.proposal_id

    @staticmethod
    def resolve_may_be_in_ballot(row: Appraisal) -> bool:
        """Tell whether it lets the idea into a ballot."""
        return row.passes


class CostRow(Schema):
    """One line of the costing; ``each`` is once or year."""

    what: str
    each: str
    pence: int
    source: str


class FindingRow(Schema):
    """What one criterion says, and why."""

    criterion: str
    meets: str
    reason: str


class AppealRow(Schema):
    """What an author said in an appeal; empty once they left."""

    words: str
    at: datetime


class AppraisalWhole(AppraisalRow):
    """What staff found, with costs, reasons, appeals and the decision about them."""

    lines: list[CostRow]
    findings: list[FindingRow]
    appeals: list[AppealRow]
    decision: str
    decision_words: str
    verdict_before: str

    @staticmethod
    def resolve_lines(row: Appraisal) -> list[Any]:
        """Return the costing."""
        return queries.lines(row)

    @staticmethod
    def resolve_findings(row: Appraisal) -> list[Any]:
        """Return the criteria in their order."""
        return queries.findings(row)

    @staticmethod
    def resolve_appeals(row: Appraisal) -> list[dict[str, Any]]:
        """Return what authors said."""
        return [
            {"words": said.words, "at": said.answered_at}
            for said in queries.heard(queries.answers(row))
        ]


@router.get(
    "/appraisals", response={200: Page[AppraisalRow], **PROBLEMS}, summary="List the appraisals"
)
def list_appraisals(request: HttpRequest, paging: Pages) -> dict[str, Any]:
    """What staff found about each idea, the newest first; only what is final."""
    return page_of(request, queries.public(cast(Request, request).viewer), paging)


@router.get(
    "/ideas/{idea_id}/appraisal",
    response={200: AppraisalWhole, **PROBLEMS},
    summary="Read what staff found about an idea",
)
def read_appraisal(request: HttpRequest, idea_id: int = Number) -> Appraisal:
    """Costs and criteria with their reasons, once it is final."""
    return get_object_or_404(queries.public(cast(Request, request).viewer), proposal=idea_id)
