"""Results for programs. What people chose is not here before the count."""

from typing import Any, cast

from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from ninja import Field, Router, Schema

from commonweal.decide.budgets.models import Pot
from commonweal.decide.budgets.queries import FEWEST, public_pots
from commonweal.decide.counts import queries
from commonweal.kit.api import PROBLEMS, Number
from commonweal.kit.request import Request

router = Router(tags=["Money"])


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
    return get_object_or_404(public_pots(cast(Request, request).viewer), pk=pot_id)


@router.get("/pots/{pot_id}/result", response={200: Result, **PROBLEMS}, summary="Read a result")
def read_result(request: HttpRequest, pot_id: int = Number) -> dict[str, Any]:
    """Winners as they were bought, then the others by what they lacked. Nothing before the count."""
    pot = _pot(request, pot_id)
    if pot.result is None or pot.declared_at is None:
        raise Http404(_("This pot is not counted yet."))
    lines = [
        {**line, **dict.fromkeys(_TELLING)} if line["is_small"] else line
        for line in queries.lines(pot)
    ]
    voters = pot.result["voters"]
    return {
        **pot.result,
        "projects": lines,
        "voters": voters if voters == 0 or voters >= FEWEST else None,
    }
