"""Reading registers, who was found in them, and voting codes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import (
    BooleanField,
    Count,
    Exists,
    F,
    Func,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
)

from commonweal.decide.budgets.models import Pot, Reach
from commonweal.decide.registers.models import (
    Code,
    CodeBatch,
    Entry,
    Mail,
    Register,
    digests_of,
)
from commonweal.ground.people.models import Person
from commonweal.ground.places.models import Community, Level, RoleKind
from commonweal.ground.places.rules import Viewer, may_see_people

KEPT = timedelta(days=30)  # how long codes, addresses and a register that is due stay after a count
FEWEST = 5  # a smaller count of people is hidden

# The roll stands in an app above; who has voted is asked of it as who belongs here is asked of places.
_VOTED = "EXISTS (SELECT 1 FROM ballots_roll WHERE {column} = %(expressions)s)"


_VOTED_AS = """EXISTS (SELECT 1 FROM ballots_roll roll, registers_entry entry
    WHERE (roll.entry_id = entry.id OR roll.person_id = entry.person_id)
      AND roll.pot_id = %(expressions)s)"""


def _on_roll(column: str, of: str = "pk") -> Func:
    return Func(F(of), template=_VOTED.format(column=column), output_field=BooleanField())


# --- registers


def registers(viewer: Viewer) -> QuerySet[Register]:
    """Return the registers of this authority that are in use."""
    return (
        Register.objects.filter(authority=viewer.authority, deleted_at__isnull=True)
        .select_related("community")
        .order_by("title", "pk")
    )


def registers_kept(viewer: Viewer) -> QuerySet[Register]:
    """Return the registers that this member of staff looks after."""
    return registers(viewer).filter(_at_desk(viewer, "community"))


def registers_for(viewer: Viewer, community: Community) -> QuerySet[Register]:
    """Return the registers that the people of a community stand in: its own, and those above it."""
    return registers(viewer).filter(community_id__in=community.branch())


def counts(register: Register) -> Mapping[str, int]:
    """Return how many stand in a register, how many found themselves, and how many are gone."""
    listed = Q(gone_at__isnull=True)
    return register.entries.aggregate(
        people=Count("pk", filter=listed),
        found=Count("pk", filter=listed & Q(person__isnull=False)),
        gone=Count("pk", filter=~listed),
    )


def entry_at_desk(viewer: Viewer, pk: int) -> Entry | None:
    """Return one entry of a register that this member of staff looks after."""
    found = Entry.objects.filter(pk=pk, register__in=registers_kept(viewer).order_by().values("pk"))
    return found.select_related("register__community", "place").first()


def entry_with(register: Register, digest: bytes) -> Entry | None:
    """Return the entry of a register that fits, taken or not: only the desk may know which."""
    found = register.entries.filter(digest=digest, gone_at__isnull=True)
    return found.select_related("place").first()


def communities_kept(viewer: Viewer) -> QuerySet[Community]:
    """Return the communities whose registers this viewer may look after."""
    seats = _seats(viewer)
    here = Q(pk__in=seats) | Q(ancestors__overlap=seats)
    return Community.objects.filter(here, authority=viewer.authority).order_by("name", "pk")


def pots_to_hand_out(viewer: Viewer, register: Register) -> QuerySet[Pot]:
    """Return the pots that are open or to come for the people of a register and take codes."""
    inside = Q(community=register.community_id) | Q(
        community__ancestors__contains=[register.community_id]
    )
    return Pot.objects.filter(
        inside, authority=viewer.authority, closes_at__gt=viewer.at, counted_at__isnull=True
    ).order_by("closes_at", "pk")[:10]


def own_entry(viewer: Viewer) -> Entry | None:
    """Return the entry in which this person found themselves."""
    if viewer.person is None:
        return None
    return Entry.objects.filter(person=viewer.person).select_related("register", "place").first()


def entry_has_voted(entry: Entry, pot: Pot) -> bool:
    """Tell whether somebody has voted in a pot, or in its round, as this entry or as its person."""
    pots = Pot.objects.filter(Q(pk=pot.pk) | Q(round__isnull=False, round=pot.round_id))
    return pots.filter(
        Func(
            F("pk"),
            entry.pk,
            template=_VOTED_AS,
            arg_joiner=" AND entry.id = ",
            output_field=BooleanField(),
        )
    ).exists()


def place_words(entry: Entry) -> Community:
    """Return the place to which an entry belongs: its district where the list says one."""
    return entry.place or entry.register.community


# --- codes


def batches(pot: Pot) -> QuerySet[CodeBatch]:
    """Return the batches of codes of a pot with how many were made, used and cancelled."""
    return (
        CodeBatch.objects.filter(pot=pot)
        .select_related("register")
        .annotate(**{name: _number(sql) for name, sql in _NUMBERS.items()})
        .order_by("-pk")
    )


_CODES = "SELECT count(*) FROM registers_code code WHERE code.batch_id = %(expressions)s"
_MAILS = "SELECT count(*) FROM registers_mail mail WHERE mail.batch_id = %(expressions)s"
_NUMBERS = {
    "made": f"({_CODES})",
    "used": f"({_CODES} AND EXISTS (SELECT 1 FROM ballots_roll WHERE voting_code_id = code.id))",  # noqa: S608 - ours
    "cancelled": f"({_CODES} AND code.cancelled_at IS NOT NULL)",
    "waiting": f"({_MAILS} AND mail.sent_at IS NULL AND mail.refused_at IS NULL)",
}


def _number(sql: str) -> Func:
    return Func(F("pk"), template=sql, output_field=IntegerField())


def waiting_mails(batch: CodeBatch) -> QuerySet[Mail]:
    """Return the mails of a batch that are still to go out."""
    found = Mail.objects.filter(batch=batch, sent_at__isnull=True, refused_at__isnull=True)
    return found.order_by("number")


def refused(pot: Pot) -> QuerySet[Mail]:
    """Return the mails whose address a server would not take."""
    return Mail.objects.filter(pot=pot, refused_at__isnull=False).order_by("pk")[:100]


def code_typed(viewer: Viewer, signs: str) -> Code | None:
    """Return the voting code of this authority that somebody typed, with whether it was used."""
    found = Code.objects.filter(authority=viewer.authority, digest__in=digests_of(f"code:{signs}"))
    return found.select_related("pot").annotate(used=_on_roll("voting_code_id")).first()


def code_numbered(batch: CodeBatch, number: int) -> Code | None:
    """Return a code by the number that stands on its letter."""
    found = Code.objects.filter(batch=batch, number=number)
    return found.annotate(used=_on_roll("voting_code_id")).first()


def unused(codes: QuerySet[Code]) -> QuerySet[Code]:
    """Keep the codes that nobody has voted with."""
    return codes.exclude(_on_roll("voting_code_id"))


# --- panels on other apps' pages


def pot_panel(viewer: Viewer, pot: Pot) -> Mapping[str, Any] | None:
    """Return something where a voting code opens the ballot."""
    if pot.state(viewer.at) not in ("open", "coming") or pot.reach == Reach.EVERYONE:
        return None
    if pot.reach == Reach.CODES or CodeBatch.objects.filter(pot=pot).exists():
        return {"state": pot.state(viewer.at)}
    return None


def pot_desk_panel(viewer: Viewer, pot: Pot) -> Mapping[str, Any] | None:
    """Return the way to a pot's codes and registers for those who look after them."""
    if not may_see_people(viewer, pot.community):
        return None
    waits = pot.state(viewer.at) in ("coming", "open")
    return {"twice": waits and pot.reach == Reach.PLACE}


def loose_codes_used(pot: Pot) -> int:
    """Return how many voted with a code that nothing tells from an account which voted too."""
    if pot.reach != Reach.PLACE:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(_LOOSE, [pot.pk, pot.level < Level.REGISTER])
        found: int = cursor.fetchone()[0]
    return found


_LOOSE = """
SELECT count(*) FROM ballots_roll roll
 WHERE roll.pot_id = %s AND roll.voting_code_id IS NOT NULL AND roll.person_id IS NULL
   AND (roll.entry_id IS NULL OR %s)
"""


def result_panel(viewer: Viewer, pot: Pot) -> Mapping[str, Any] | None:
    """Return how many could have voted twice, where a pot was open to accounts and to loose codes."""
    loose = loose_codes_used(pot)
    return {"loose": loose, "is_few": loose < FEWEST} if loose else None


def community_panel(viewer: Viewer, community: Community) -> Mapping[str, Any] | None:
    """Return the registers in which somebody could find themselves, to be surer of them here."""
    if viewer.person is None or viewer.belongs(community, Level.REGISTER):
        return None
    found = list(registers_for(viewer, community))
    return {"registers": found} if found else None


def desk_panel(viewer: Viewer, thing: None) -> Mapping[str, Any] | None:
    """Return the way to the registers for those who look after them."""
    return {} if _seats(viewer) else None


# --- by the clock


def over(at: datetime) -> Q:
    """Return which pots were counted long enough ago for their codes to be forgotten."""
    return Q(counted_at__lte=at - KEPT)


def registers_due(at: datetime) -> QuerySet[Register]:
    """Return the registers whose day has come and that no running ballot needs."""
    due = Register.objects.filter(deleted_at__isnull=True, delete_on__lt=at.date())
    return due.exclude(Exists(pots_that_need(OuterRef("community_id"), at))).order_by("pk")


def pots_that_need(community: Any, at: datetime) -> QuerySet[Pot]:
    """Return the pots of a community, and those inside it, that have opened and are not counted."""
    inside = Func(
        F("community__ancestors"),
        community,
        template="%(expressions)s]::bigint[]",
        arg_joiner=" @> ARRAY[",
        output_field=BooleanField(),
    )
    here = Q(community_id=community) | Q(inside)
    return Pot.objects.filter(here, opens_at__lte=at, counted_at__isnull=True)


# --- what is kept about a person


def personal(person: Person) -> Iterator[Mapping[str, Any]]:
    """Return in which register a person found themselves; what the entry says nobody can read."""
    for entry in Entry.objects.filter(person=person).select_related("register", "place"):
        yield {"register": entry.register.title, "place": place_words(entry).name}


def _seats(viewer: Viewer) -> list[int]:
    wanted = (RoleKind.ADMINISTRATOR, RoleKind.CLERK)
    return [role.community_id for role in viewer.roles if role.kind in wanted]


def _at_desk(viewer: Viewer, path: str) -> Q:
    """Return which rows lie where this viewer may see people, by the path to their community."""
    seats = _seats(viewer)
    if not seats:
        return Q(pk__in=[])
    return Q(**{f"{path}_id__in": seats}) | Q(**{f"{path}__ancestors__overlap": seats})
