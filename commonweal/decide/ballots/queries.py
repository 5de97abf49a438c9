"""Reading ballots: a voter's own, the roll, and all that one vote has to know."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from commonweal.decide.ballots.models import Ballot, Channel, Roll
from commonweal.decide.budgets.models import Pot, Project, Reach
from commonweal.decide.budgets.queries import as_cards, pots
from commonweal.decide.registers.models import Code, Entry
from commonweal.ground.challenges.queries import seats_of
from commonweal.ground.people.models import Person
from commonweal.ground.places.models import Community, Level, Membership
from commonweal.ground.places.rules import Viewer, everyone
from commonweal.kit.composed import composed
from commonweal.kit.unwritten import unwritten_rows


class Voter(NamedTuple):
    """Who votes: a name for the envelope, and what stands on the roll; a guest stands on none."""

    name: str
    channel: Channel | None = Channel.ONLINE
    person_id: int | None = None
    entry_id: int | None = None
    code_id: int | None = None


class Listed(NamedTuple):
    """What a ballot has to know of a project."""

    cost_pence: int
    exclusive: str


def voter_of(person: Person, *, entry_id: int | None = None) -> Voter:
    """Return a person with an account as a voter."""
    return Voter(f"person:{person.pk}", Channel.ONLINE, person.pk, entry_id)


# --- one voter's part


def voted_by(viewer: Viewer, pot: Pot) -> Channel | None:
    """Return by what way this person has voted, if they are on the roll."""
    if viewer.person is None:
        return None
    mine = Roll.objects.filter(pot=pot, person=viewer.person)
    found = mine.values_list("channel", flat=True).first()
    return Channel(found) if found is not None else None


def district_voted_in(pot: Pot, voter: Voter) -> Pot | None:
    """Return the pot of another district of the same round in which this voter has voted."""
    if pot.round_id is None:
        return None
    if voter.code_id is not None:
        entry = Code.objects.filter(pk=voter.code_id).values_list("entry_id", flat=True).first()
        voter = voter._replace(entry_id=entry)
    lines = Roll.objects.filter(lines_of(voter), round=pot.round_id).exclude(pot=pot)
    found = lines.select_related("pot__community").first()
    return found.pot if found else None


def ballot_under(pot: Pot, name: str) -> Ballot | None:
    """Return the ballot of whoever votes under this name, while the pot's key can still find it."""
    if pot.key is None:
        return None
    return Ballot.objects.filter(pot=pot, envelope=pot.seal(name)).first()


def ballot_of(viewer: Viewer, pot: Pot) -> Ballot | None:
    """Return this person's own ballot while the pot's key can still find it."""
    return ballot_under(pot, voter_of(viewer.person).name) if viewer.person else None


def has_codes(pot: Pot) -> bool:
    """Tell whether voting codes were given out for this pot."""
    return Code.objects.filter(pot=pot, cancelled_at__isnull=True).exists()


def code_counts(pot: Pot, code_id: int) -> bool:
    """Tell whether a voting code is one of this pot and was not cancelled."""
    return Code.objects.filter(pot=pot, pk=code_id, cancelled_at__isnull=True).exists()


def register_to_be_found_in(viewer: Viewer, pot: Pot) -> int | None:
    """Return the register in which this person has to be found before they vote with an account."""
    if viewer.person is None or pot.reach != Reach.PLACE or pot.level < Level.REGISTER:
        return None
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {_UNFOUND} FROM budgets_pot pot {_OWN} WHERE pot.id = %s",  # noqa: S608 - ours
            [viewer.person.pk, pot.pk],
        )
        found: tuple[int | None] = cursor.fetchone()
    return found[0]


def side_by_side(pot: Pot, numbers: list[int]) -> list[Project]:
    """Return projects to compare, in the order given, with ``signatures`` of the ideas behind them."""
    found = (
        Project.objects.filter(pot=pot, pk__in=numbers)
        .select_related("proposal")
        .annotate(signatures=Count("proposal__signatures"))
    )
    return sorted(found, key=lambda project: numbers.index(project.pk))


def found_as(entry_id: int | None) -> int | None:
    """Return the person who found themselves in this entry of a register."""
    if entry_id is None:
        return None
    return Entry.objects.filter(pk=entry_id).values_list("person_id", flat=True).first()


def lines_of(voter: Voter) -> Q:
    """Return which lines of a roll speak of this voter: also those of whom their entry belongs to."""
    said = Q(pk__in=[])
    for name in ("person_id", "entry_id"):
        if getattr(voter, name) is not None:
            said |= Q(**{name: getattr(voter, name)})
    if voter.person_id is None and voter.entry_id is not None:
        found = Entry.objects.filter(pk=voter.entry_id, person__isnull=False)
        said |= Q(person__in=found.values("person"))
    return said if voter.code_id is None else said | Q(voting_code_id=voter.code_id)


def turnout(pot: Pot) -> int:
    """Return how many have voted."""
    return int(pot.result["voters"]) if pot.result else pot.ballots.count()


def pots_voted_in(viewer: Viewer) -> QuerySet[Pot]:
    """Return the pots whose roll names this person: that they voted, never what."""
    mine = Roll.objects.filter(pot=OuterRef("pk"), person=viewer.person)
    return pots(viewer).filter(Exists(mine)).order_by("-closes_at", "-pk")


def glance_panel(viewer: Viewer, pot: Pot) -> Mapping[str, Any] | None:
    """Return how many have voted so far."""
    return None if pot.state(viewer.at) == "coming" else {"turnout": turnout(pot)}


def mine_panel(viewer: Viewer, thing: None) -> Mapping[str, Any] | None:
    """Return the pots a person voted in: that, not what."""
    if viewer.person is None or seats_of(viewer):
        found = list(as_cards(pots_voted_in(viewer))[:10])
    else:
        asked = {"authority": viewer.authority.pk, "at": viewer.at}
        found = _voted_in(**asked, person=viewer.person.pk)
    return {"pots": found} if found else None


@composed
def _voted_in(authority: Any, at: Any, person: Any) -> QuerySet[Pot]:
    mine = Roll.objects.filter(pot=OuterRef("pk"), person=person)
    return (
        as_cards(pots(everyone(authority, at)))
        .filter(Exists(mine))
        .order_by("-closes_at", "-pk")[:10]
    )


def personal(person: Person) -> Iterable[Mapping[str, Any]]:
    """Return what is kept about a person: where they voted, and what as long as that can be found."""
    for voted in Roll.objects.filter(person=person).select_related("pot").order_by("pot_id"):
        row: dict[str, Any] = {"pot": voted.pot.title, "voted": True, "by": voted.channel}
        mine = ballot_under(voted.pot, voter_of(person).name)
        if mine is not None:
            titles = dict(Project.objects.filter(pk__in=mine.projects).values_list("pk", "title"))
            row["chosen"] = [
                {"project": titles[number], "mark": mark}
                for number, mark in zip(mine.projects, mine.marks, strict=True)
            ]
        yield row


# --- the moment of voting

_OWN = """
  LEFT JOIN LATERAL (
       SELECT e.id, e.register_id FROM registers_entry e
         JOIN registers_register r ON r.id = e.register_id
        WHERE e.person_id = %s AND r.authority_id = pot.authority_id LIMIT 1) own ON true
"""
# Where codes went out to the people of a register, and a pot asks to be that sure, an account votes as
# the entry its person was found in: without one, nothing would show that they have a code as well.
_UNFOUND = """
       CASE WHEN pot.reach = 'place' AND pot.level >= 3 THEN coalesce(
            (SELECT batch.register_id FROM registers_codebatch batch
              WHERE batch.pot_id = pot.id AND batch.register_id IS NOT NULL
                AND batch.register_id IS DISTINCT FROM own.register_id
                AND (batch.cancelled_at IS NULL OR EXISTS (
                     SELECT 1 FROM registers_code WHERE batch_id = batch.id AND cancelled_at IS NULL))
              LIMIT 1),
            (SELECT entry.register_id FROM registers_code code
               JOIN registers_entry entry ON entry.id = code.entry_id
              WHERE own.id IS NULL AND code.pot_id = pot.id AND code.cancelled_at IS NULL LIMIT 1))
       END
"""
# A vote may cost three statements after session, person and authority are known. So this one
# brings the pot, its projects, where the voter belongs and which entry of a register is theirs. The
# lock is shared: many vote at once, and nobody while the pot is counted. Its columns are named, so that
# a connection that has planned this outlives a new column.
_POT = ", ".join(f'pot."{field.column}"' for field in Pot._meta.concrete_fields)
_HELD = f"""
SELECT {_POT},
       (SELECT jsonb_agg(jsonb_build_array(id, cost_pence, exclusive))
          FROM budgets_project WHERE pot_id = pot.id) AS listed,
       jsonb_build_array(place.id, place.name, place.slug, place.ancestors) AS place,
       (SELECT jsonb_agg(jsonb_build_array(m.level, m.expires_at, c.id, c.name, c.slug, c.ancestors))
          FROM places_membership m JOIN places_community c ON c.id = m.community_id
         WHERE m.person_id = %s AND c.authority_id = pot.authority_id) AS belongs,
       own.id AS own_entry,
       {_UNFOUND} AS unfound_in,
       (SELECT jsonb_build_array(code.entry_id) FROM registers_code code
         WHERE code.id = %s AND code.pot_id = pot.id AND code.cancelled_at IS NULL) AS code
  FROM budgets_pot pot
  JOIN challenges_challenge challenge ON challenge.id = pot.challenge_id
  JOIN places_community place ON place.id = pot.community_id
  {_OWN}
 WHERE pot.id = %s AND pot.authority_id = %s AND challenge.published_at <= %s
   FOR KEY SHARE OF pot
"""  # noqa: S608 - ours


class Held(NamedTuple):
    """A pot under a shared lock, its projects by number, and the voter's entry of a register.

    ``code_counts`` tells whether the voting code asked for is one of this pot and was not cancelled,
    ``unfound_in`` in which register somebody with an account has to be found first.
    """

    pot: Pot
    listed: dict[int, Listed]
    entry_id: int | None
    code_counts: bool = False
    code_entry_id: int | None = None
    unfound_in: int | None = None


def pot_held_open(viewer: Viewer, pot_id: int, code_id: int | None = None) -> Held | None:
    """Return a pot under a shared lock, and tell the viewer where they belong on the way."""
    who = viewer.person.pk if viewer.person else None
    values = [who, code_id, who, pot_id, viewer.authority.pk, viewer.at]
    for pot in unwritten_rows(Pot, _HELD, values):
        more = vars(pot)
        pot.community = _community(viewer, *json.loads(more["place"]))
        if viewer.person is not None:
            viewer.memberships = [
                Membership(
                    person=viewer.person,
                    level=level,
                    expires_at=datetime.fromisoformat(expires_at) if expires_at else None,
                    community=_community(viewer, *place),
                )
                for level, expires_at, *place in json.loads(more["belongs"] or "[]")
            ]
        listed = {number: Listed(*facts) for number, *facts in json.loads(more["listed"] or "[]")}
        code = json.loads(more["code"]) if more["code"] else None
        return Held(
            pot,
            listed,
            more["own_entry"],
            code is not None,
            code[0] if code else None,
            more["unfound_in"],
        )
    return None


def _community(viewer: Viewer, pk: int, name: str, slug: str, ancestors: list[int]) -> Community:
    return Community(pk=pk, name=name, slug=slug, ancestors=ancestors, authority=viewer.authority)
