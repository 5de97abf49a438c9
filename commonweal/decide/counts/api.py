"""Results for programs. What people chose is not here before the count."""

from typing import Any, cast

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from ninja import Field, Router, Schema
from ninja.params import functions

from commonweal.decide.budgets.models import Pot
from commonweal.decide.budgets.queries import FEWEST, public_pots
from commonweal.decide.counts import queries
from commonweal.decide.counts.models import Bundle
from commonweal.kit.api import PROBLEMS, NotHere, Number, Page, Pages, page_of
from commonweal.kit.request import Request

router = Router(tags=["Money"])
Receipt: str = functions.Path(..., pattern=r"^[A-Z2-7]{4}(-[A-Z2-7]{4}){3}$")


class Line(Schema):
    """How one project fared, and what would have been enough."""

    id: int
    votes: int | None
    score: int | None = Field(
        None, description="Points of all ballots together; null where ballots only say yes."
    )
    cost_pence: int
    is_funded: bool
    why: str
    payment_pence: int | None
    effective_votes: int | None = Field(None, description="Cost over the largest single payment.")
    shortfall_pence: int | None
    needed_ballots: int | None
    needed_approvals: int | None = None
    needed_cost_pence: int | None
    is_explained: bool = Field(description="False while what was needed is still worked out.")
    is_exact: bool = Field(True, description="False where what was needed may be slightly off.")


class Way(Schema):
    """How many voted by one way; null where it is hidden."""

    channel: str
    voters: int | None


class Part(Schema):
    """How many voted of one part of the place; null where it is hidden."""

    community: str | None = Field(description="Null: elsewhere, or not known.")
    voters: int | None
    people_who_live_here: int | None


class TieRow(Schema):
    """Projects that were exactly level, which one went first, and by what."""

    projects: list[int]
    chosen: int
    by: str = Field(description="``cheapest``, ``most-votes``, ``lot``, or at last ``id-text``.")


class Result(Schema):
    """The outcome of a count; a number of voters under five is hidden as null."""

    rule: str
    completion: str
    seed: str
    budget_pence: int
    spent_pence: int
    voters: int | None
    quorum: int = Field(0, description="How many had to vote, or nothing is funded; 0 for none.")
    people_who_live_here: int | None = None
    projects: list[Line]
    ties: list[TieRow] = []
    by_channel: list[Way] = []
    by_part: list[Part] = []


class BundleRow(Schema):
    """Where everything is that anyone needs to count again, and how to know it."""

    href: str
    fingerprint: str = Field(description="SHA-256 of the archive's manifest.json.")
    root: str = Field(description="Merkle root of all receipts, as in RFC 6962.")
    receipts: int
    has_ballots: bool = Field(description="False where so few chose an idea that they stay out.")


class ReceiptRow(Schema):
    """A receipt of a ballot that was counted; nothing says of which."""

    receipt: str = Field(alias="readable")


class Proof(Schema):
    """The hashes that lead from one receipt to the root."""

    receipt: str
    place: int
    of: int
    path: list[str]
    root: str


def _pot(request: HttpRequest, pot_id: int) -> Pot:
    pot = get_object_or_404(public_pots(cast(Request, request).viewer), pk=pot_id)
    if pot.result is None or pot.declared_at is None:
        raise NotHere(
            _("There is no result of this pot to read."),
            _("Look at the pot itself: it says when voting closes and when the result is told."),
        )
    return pot


def _bundle(request: HttpRequest, pot_id: int) -> Bundle:
    found = queries.bundle_of(_pot(request, pot_id))
    if found is None:
        raise NotHere(
            _("Fewer than five people voted, so nothing more is published."),
            _("Look a receipt up on the page that checks the count."),
        )
    return found


@router.get(
    "/pots/{pot_id}/result",
    response={200: Result, **PROBLEMS},
    summary="Read a result",
    url_name="read_result",
)
def read_result(request: HttpRequest, pot_id: int = Number) -> dict[str, Any]:
    """Winners as they were bought, then the others by what they lacked. Nothing before the count."""
    pot = _pot(request, pot_id)
    assert pot.result is not None
    voters = pot.result["voters"]
    return {
        **pot.result,
        **queries.turnout_rows(pot),
        "projects": queries.told_lines(pot),
        "ties": queries.tie_rows(pot),
        "voters": voters if voters == 0 or voters >= FEWEST else None,
    }


@router.get(
    "/pots/{pot_id}/bundle", response={200: BundleRow, **PROBLEMS}, summary="Find a count bundle"
)
def read_bundle(request: HttpRequest, pot_id: int = Number) -> dict[str, Any]:
    """Where the archive is, its fingerprint, and the root of its receipts."""
    found = _bundle(request, pot_id)
    return {
        "href": request.build_absolute_uri(reverse("counts:bundle", args=[pot_id])),
        "fingerprint": found.fingerprint,
        "root": found.root,
        "receipts": found.receipts,
        "has_ballots": found.is_whole,
    }


@router.get(
    "/pots/{pot_id}/receipts",
    response={200: Page[ReceiptRow], **PROBLEMS},
    summary="List the receipts of counted ballots",
)
def list_receipts(request: HttpRequest, pages: Pages, pot_id: int = Number) -> dict[str, Any]:
    """Page through all of them, or better take the archive: then nobody learns which you look for."""
    _bundle(request, pot_id)
    return page_of(request, queries.receipts_in_order(pot_id), pages)


@router.get(
    "/pots/{pot_id}/receipts/{receipt}",
    response={200: Proof, **PROBLEMS},
    summary="Prove that a receipt was counted",
)
def read_receipt(
    request: HttpRequest, pot_id: int = Number, receipt: str = Receipt
) -> dict[str, Any]:
    """Return the hashes that lead from a receipt to the root; not found if it was not counted."""
    _bundle(request, pot_id)
    pot = _pot(request, pot_id)
    if not queries.found_among(pot, [queries.code_of(receipt)]):
        raise NotHere(
            _("No such receipt was counted in this pot."),
            _("Compare it letter by letter, and look whether it is of this vote."),
        )
    return queries.proof(pot, receipt)
