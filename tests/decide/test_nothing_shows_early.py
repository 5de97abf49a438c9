"""Before its time no page, feed, file or answer depends on what people chose.

The same votes are cast twice, once all for one idea and once all for another, and every address of
the site is asked each time: whoever asks gets the very same bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from django.core.cache import cache
from django.db import transaction
from django.test import Client

from commonweal.decide.ballots.models import Ballot, Roll
from commonweal.decide.budgets.models import Pot
from commonweal.decide.counts import actions as counts
from commonweal.ground.journal.models import Entry
from commonweal.ground.people.models import Person
from commonweal.ground.places.models import Authority
from tests.decide.conftest import numbers
from tests.web.doors import address_of, api_addresses, every_route
from tests.web.matrix_world import Knocking, Things, people, things

pytestmark = pytest.mark.django_db

# What differs from one answer to the next whatever people chose.
CHANCE = re.compile(
    rb'csrfmiddlewaretoken" value="[^"]*"|nonce="[^"]*"|nonce-[-\w]+|"X-CSRFToken": ?"[^"]*"'
)
# Secrets that are made anew for each look, the hour of the last sign-in, and sheets with the hour of
# their printing; none of them reads a ballot.
EACH_TIME_ANOTHER = re.compile(
    r"/second-step/|/me/devices/|\.pdf$|/results/print/$|/listen/\d+/vote/$"  # a lot is drawn anew
)
# Who asks. Under an embargo those who run the pot may see what was counted.
ASKING = {
    "open": ("anonymous", "resident", "everything"),
    "closed": ("everything",),
    "under embargo": ("anonymous", "moderator"),
}


def addresses(own: Things) -> Iterator[str]:
    """Yield every address that can be read, the pot and its ideas first."""
    yield from (address_of(route, own) for route in every_route())
    for name in ("pot", "result", "check", "bundle.zip", "ballots.pb", "result.csv", "vote"):
        yield f"/money/{own.pot.pk}/{'' if name == 'pot' else name + ('' if '.' in name else '/')}"
    for method, _path, address in api_addresses(own):
        if method == "GET":
            yield address.replace(f"/pots/{own.counted.pk}/", f"/pots/{own.pot.pk}/")


def said(client: Client, address: str) -> tuple[int, bytes]:
    cookies = client.cookies.copy()
    with transaction.atomic():
        answer = client.get(address)
        content = b"".join(answer.streaming_content) if answer.streaming else answer.content  # type: ignore[arg-type]
        transaction.set_rollback(True)
    client.cookies = cookies
    return answer.status_code, CHANCE.sub(b"", content)


def everything_said(
    own: Things, who: Knocking, by: tuple[str, ...]
) -> dict[str, tuple[int, bytes]]:
    cache.clear()
    return {
        f"{name}: {address}": said(getattr(who, name), address)
        for name in by
        for address in sorted(set(addresses(own)))
        if not EACH_TIME_ANOTHER.search(address)
    }


def a_box(own: Things, voters: list[Person], *, opens: datetime, closes: datetime) -> None:
    """Let the pot of the matrix take votes between these times, and let everybody vote."""
    Pot.objects.filter(pk=own.pot.pk).update(
        opens_at=opens,
        closes_at=closes,
        result_at=closes + timedelta(days=5),
        waits_for_paper=False,
    )
    own.pot.refresh_from_db()
    for n, person in enumerate(voters):
        Ballot.objects.create(
            id=1_000 + n, pot=own.pot, envelope=bytes([n]) * 32, receipt=bytes([n]) * 10
        )
        Roll.objects.create(id=1_000 + n, pot=own.pot, person=person)


@pytest.fixture
def voters() -> list[Person]:
    return Person.objects.bulk_create(Person(email=f"v{n}@example.org") for n in range(20))


@pytest.mark.parametrize("state", list(ASKING))
def test_what_people_chose_changes_nothing_that_anybody_can_read(
    authority: Authority,
    elsewhere: Authority,
    voters: list[Person],
    now: datetime,
    state: str,
) -> None:
    own = things(authority)
    who = people(own, things(elsewhere))
    closes = now + timedelta(days=1) if state == "open" else now - timedelta(days=1)
    a_box(own, voters, opens=now - timedelta(days=9), closes=closes)
    told = []
    for chosen in numbers(own.pot)[:2]:
        if state == "under embargo":
            _counted_as_if(own.pot, chosen, now)
        else:
            Ballot.objects.filter(pot=own.pot).update(projects=[chosen], marks=[1])
        told.append(everything_said(own, who, ASKING[state]))
    first, second = told
    assert len([code for code, _content in first.values() if code == 200]) > 100
    assert {place for place in first if first[place] != second[place]} == set()
    entries = Entry.objects.filter(about="budgets.Pot", about_id=own.pot.pk)
    assert not entries.filter(what__in=("pot.counted", "bundle.announced")).exists()


def _counted_as_if(pot: Pot, chosen: int, now: datetime) -> None:
    """Count the pot once, and the second time as if the others had been chosen."""
    if Pot.objects.get(pk=pot.pk).counted_at is None:
        Ballot.objects.filter(pot=pot).update(projects=[chosen], marks=[1])
        assert counts.count_closed_pot(pot_id=pot.pk, at=now).declared_at is None
        return
    Ballot.objects.filter(pot=pot).update(projects=[chosen], marks=[1])
    was = Pot.objects.get(pk=pot.pk)
    assert was.result is not None
    for line in was.result["projects"]:
        line["is_funded"] = line["id"] == chosen
        line["votes"] = 20 if line["id"] == chosen else 0
    was.save(update_fields=["result"])
