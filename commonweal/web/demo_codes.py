"""A register and voting codes for the example borough: one of its open pots takes them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

from commonweal.decide.ballots import actions as voting
from commonweal.decide.ballots.models import Channel
from commonweal.decide.ballots.queries import Voter
from commonweal.decide.ballots.rules import Choice
from commonweal.decide.budgets.models import Pot
from commonweal.decide.registers import actions, rules
from commonweal.decide.registers.actions import Listed
from commonweal.decide.registers.models import Part
from commonweal.ground.places.models import Authority
from commonweal.ground.places.rules import Viewer
from commonweal.kit.home import home
from commonweal.web.demo_pots import Place
from commonweal.web.larkmere import people as cast

DISTRICT = "quayside"
PARTS = (Part.SURNAME, Part.FIRST_NAME, Part.POSTCODE, Part.BORN)
ROSA = {"surname": "Hughes", "first_name": "Rosa", "postcode": "LM1 1AB", "born": "1961-02-09"}
SURNAMES = (
    "Ahmed",
    "Bevan",
    "Clarke",
    "Davies",
    "Evans",
    "Khan",
    "Lewis",
    "Nowak",
    "Price",
    "Singh",
)
LISTED, LETTERS, SHEETS = 60, 40, 30
FREE, USED = 3, 6  # sheets for whoever tries the demo, and sheets with which somebody has voted
# The codes of the example borough are printed for everybody who starts it; elsewhere keys are drawn.
LETTERS_KEY, SHEETS_KEY = b"larkmere letters".ljust(32), b"larkmere sheets".ljust(32)


def fill(*, authority: Authority, now: datetime) -> None:
    """Upload a made-up register, write letters to some of it, print sheets, and vote with a few."""
    place = Place(authority, now)
    clerk, district = place.be("delyth", -1), place.places[DISTRICT]
    pots = Pot.objects.filter(authority=authority, community=district, round__isnull=False)
    pot = pots.first()
    if pot is None:
        return
    register, _reading = actions.upload_register(
        viewer=clerk, community=district, title="Electoral register of Quayside (made up)",
        parts=PARTS, delete_on=(now + timedelta(days=180)).date(), people=_people(LISTED),
    )  # fmt: skip
    asked: dict[str, Any] = {"viewer": clerk, "pot_id": pot.pk}
    actions.make_letters(**asked, key=LETTERS_KEY, people=_people(LETTERS), register=register)
    batch = actions.make_sheets(**asked, key=SHEETS_KEY, count=SHEETS, replace=False)
    projects = list(pot.projects.order_by("cost_pence").values_list("pk", flat=True))
    for code in batch.codes.filter(number__gt=FREE, number__lte=FREE + USED):
        voter = Voter(f"code:{code.pk}:demo", Channel.CODE, code_id=code.pk)
        voting.cast_ballot(
            viewer=Viewer(authority, None, now), pot_id=pot.pk, voter=voter,
            choice=Choice.of([projects[code.number % 2]]),
        )  # fmt: skip
    _tell_codes(pot)


def _people(many: int) -> Iterator[Listed]:
    """Yield the first people of a list that is the same each time; Rosa stands first."""
    yield Listed(2, ROSA)
    lot = Random("larkmere register")  # noqa: S311 - nothing secret hangs on it
    for line in range(3, many + 2):
        born = date(1940, 1, 1) + timedelta(days=lot.randrange(24_000))
        yield Listed(
            line,
            {
                "surname": lot.choice(SURNAMES),
                "first_name": lot.choice(cast.FIRST_NAMES),
                "postcode": f"LM1 1{lot.choice('AB')}{lot.choice('BDEF')}",
                "born": born.isoformat(),
            },
        )


def _tell_codes(pot: Pot) -> None:
    """Leave the codes that nobody has used for the command that prints them."""
    codes = [rules.in_groups(rules.code_from(SHEETS_KEY, n)) for n in range(1, FREE + 1)]
    told = {"pot": pot.title, "codes": codes, "register": "Rosa Hughes, LM1 1AB, born 9/2/1961"}
    home().mkdir(parents=True, exist_ok=True)
    (home() / "demo-codes.json").write_text(json.dumps(told, indent=1), encoding="utf-8")
