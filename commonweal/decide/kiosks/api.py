"""The API of kiosks: a machine that staff approved asks for its ballot, and casts what people choose."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import datetime
from typing import Any, cast

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Field, Router, Schema
from ninja.responses import Status
from ninja.security import HttpBearer

from commonweal.decide.ballots import actions as voting
from commonweal.decide.ballots.rules import Choice
from commonweal.decide.budgets.models import Reach
from commonweal.decide.budgets.queries import projects_for
from commonweal.decide.kiosks import actions, queries
from commonweal.decide.kiosks.models import Device
from commonweal.decide.paper.queries import NobodyFound
from commonweal.decide.paper.rules import how_to_fill
from commonweal.ground.places.rules import Viewer
from commonweal.kit.api import Problem
from commonweal.kit.clock import database_now
from commonweal.kit.request import Request


class Secret(HttpBearer):
    """The secret that was shown once when staff approved the machine."""

    def authenticate(self, request: HttpRequest, token: str) -> Device | None:
        """Return the kiosk that knows this secret and may be voted at now."""
        viewer = cast(Request, request).viewer
        return queries.device_with(viewer, token, database_now())


router = Router(tags=["Kiosks"], auth=Secret())
BIGGEST = 2**63 - 1


class Idea(Schema):
    """One idea on the ballot."""

    id: int
    title: str
    summary: str
    cost_pence: int
    exclusive: str = Field(description="Of all ideas with the same words here only one can win.")


class Ballot(Schema):
    """What a kiosk shows: what is asked, by which rules, and the ideas in the order to show them."""

    pot_id: int
    title: str
    about: str
    place: str
    pence: int
    ballot_kind: str
    fewest: int
    most: int | None
    points: int
    top_score: int
    how: list[str] = Field(description="How the ballot is filled in, in words to show.")
    asks_for_code: bool = Field(description="False where everyone may vote.")
    is_open: bool
    opens_at: datetime
    closes_at: datetime
    ideas: list[Idea] = Field(
        description="In an order of chance, drawn anew each time it is asked for, unless the order is fixed."
    )


class Mark(Schema):
    """What one idea got: 1 for a tick, else its place, its points or its score."""

    idea: int = Field(ge=1, le=BIGGEST)
    mark: int = Field(1, ge=1, le=9_999)


class Vote(Schema):
    """What one person chose. No marks at all says that they would fund none of these."""

    turn: str = Field(
        pattern=r"^[0-9a-f]{32}$",
        description="Sixteen random bytes, drawn for this person alone: sent again, it is the same ballot."
        " Forget them with the person.",
    )
    code: str = Field("", max_length=60, description="Their voting code, or the one from the desk.")
    marks: list[Mark] = Field(max_length=1_000)


class Cast(Schema):
    """That the ballot is in the box; the receipt shows nobody what is in it."""

    receipt: str


REFUSALS = {401: Problem, 403: Problem, 409: Problem, 422: Problem, 429: Problem}


@router.get("ballot", response={200: Ballot, 401: Problem}, summary="What this kiosk votes on")
def ballot(request: HttpRequest) -> dict[str, Any]:
    """Return the ballot of the pot for which staff approved this machine."""
    device, viewer = _who_asks(request)
    pot = device.pot
    return {
        **{
            name: getattr(pot, name)
            for name in (
                "title", "about", "pence", "ballot_kind", "fewest", "most", "points", "top_score",
                "opens_at", "closes_at",
            )
        },
        "pot_id": pot.pk,
        "place": pot.community.name,
        "how": how_to_fill(pot),
        "asks_for_code": pot.reach != Reach.EVERYONE,
        "is_open": pot.is_open(viewer.at),
        "ideas": [
            {
                "id": project.pk,
                "title": project.title,
                "summary": project.words,
                "cost_pence": project.cost_pence,
                "exclusive": project.exclusive,
            }
            for project in projects_for(viewer, pot, holder=secrets.token_hex(8))
        ],
    }  # fmt: skip


@router.post("ballots", response={201: Cast, **REFUSALS}, summary="Cast a ballot at this kiosk")
def cast_one(request: HttpRequest, vote: Vote) -> Any:
    """Cast what one person chose at this machine; sent again with the same turn it is one ballot."""
    device, viewer = _who_asks(request)
    if vote.code and queries.is_tried_too_often(device):
        words = _("Too many codes were mistyped at this kiosk.")
        return _refused(429, words, _("Wait ten minutes, or ask at the desk."))
    choice = Choice(
        tuple(said.idea for said in vote.marks), tuple(said.mark for said in vote.marks)
    )
    try:
        cast_ballot = actions.cast_from_afar(
            viewer=viewer, device=device, turn=vote.turn, code=vote.code, choice=choice
        )
    except NobodyFound as nobody:
        actions.count_try(device=device)
        return _refused(
            403, str(nobody), _("Compare the code with the letter, or ask at the desk.")
        )
    except PermissionDenied as denied:
        return _refused(403, str(denied), _("Ask at the desk."))
    except voting.VotedAlready as voted:
        return _refused(409, str(voted), _("One person votes once. Nothing was saved now."))
    except actions.TurnIsOver:
        words = _("In this turn another ballot was cast.")
        return _refused(409, words, _("Draw a new turn for each person."))
    except voting.PotClosed:
        return _refused(409, _("Voting is not open."), _("Nothing was saved now."))
    except voting.WrongBallot as wrong:
        return _refused(422, str(wrong), _("Change the ballot, then send it again."))
    return Status(201, {"receipt": cast_ballot.code})


def _who_asks(request: HttpRequest) -> tuple[Device, Viewer]:
    """Return the machine, and a viewer who is nobody: whoever is signed in there is not asked for."""
    asked = cast(Any, request)
    return asked.auth, replace(asked.viewer, person=None, at=database_now())


def _refused(status: int, wrong: str, mend: str) -> Any:
    return Status(status, {"wrong": wrong, "mend": mend})
