"""Reading batches and papers: what came back, what does not add up, and who voted how."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from commonweal.decide.ballots.models import Channel, Roll
from commonweal.decide.ballots.queries import Listed, Voter, lines_of, turnout
from commonweal.decide.ballots.rules import Choice, Wrong, wrong_with
from commonweal.decide.budgets.models import Pot, Project, Reach
from commonweal.decide.budgets.queries import pots_led
from commonweal.decide.budgets.rules import may_run
from commonweal.decide.counts.queries import by_channel
from commonweal.decide.paper.models import (
    MOST_SERIAL,
    UNOPENED,
    Aside,
    Batch,
    Keying,
    Outcome,
    Paper,
    Says,
    Why,
    check_letter,
)
from commonweal.decide.registers import queries as registers
from commonweal.decide.registers.models import Code, Entry, Part, opened
from commonweal.decide.registers.rules import Unreadable, WrongCode, digest, typed
from commonweal.ground.people.models import Person
from commonweal.ground.places.models import Level
from commonweal.ground.places.rules import Viewer

# --- what stands on the paper


def projects_in_print(pot: Pot) -> list[Project]:
    """Return a pot's projects in the order in which a paper numbers them, from 1."""
    return list(pot.projects.select_related("proposal").order_by("pk"))


def ballot_digest(pot: Pot) -> bytes:
    """Return a digest of all that a paper asks, so that a later change of the ballot shows."""
    asked = [
        [pot.pk, pot.ballot_kind, pot.fewest, pot.most, pot.points, pot.top_score, pot.pence],
        list(pot.projects.order_by("pk").values_list("pk", "title", "cost_pence", "exclusive")),
    ]
    return hashlib.sha256(json.dumps(asked).encode()).digest()


SERIAL = re.compile(r"\s*0*(\d{1,6})[\s-]*([A-Za-z])\s*")


class WrongSerial(ValueError):
    """What was typed is no serial number of this pot."""


def serial_in(pot_id: int, typed: str) -> int:
    """Read a serial number with its check letter, as printed on a paper of this pot."""
    found = SERIAL.fullmatch(typed) if typed.isascii() else None
    if found is None:
        raise WrongSerial(
            _("Type the number and the letter at the top of the paper, like 000123-K.")
        )
    serial, letter = int(found[1]), found[2].upper()
    if not 1 <= serial <= MOST_SERIAL or letter != check_letter(pot_id, serial):
        raise WrongSerial(
            _(
                "Number and letter do not belong together. Look again: one of them is mistyped, or"
                " the paper is of another ballot."
            )
        )
    return serial


# --- batches


def batches(viewer: Viewer) -> QuerySet[Batch]:
    """Return the batches of the pots that this viewer runs."""
    led = pots_led(viewer).order_by().values("pk")
    return (
        Batch.objects.filter(pot__in=led, authority=viewer.authority)
        .select_related("pot__challenge", "pot__community")
        .order_by("first")
    )


@dataclass(frozen=True)
class Line:
    """One line of the table that has to add up: what it counts, how many, and what is wrong."""

    words: str
    number: int | None
    is_sum: bool = False
    wrong: str = ""
    where: str = ""


@dataclass(frozen=True)
class Sums:
    """All that a batch has to account for."""

    issued: int
    returned: int | None
    unused: int | None
    noted: bool
    slips: int
    unopened: int
    aside: int
    once: int
    differs: int
    agreed: int
    spoiled: int
    has_slips: bool
    is_open: bool

    @property
    def missing(self) -> int | None:
        """Return how many papers never came back."""
        if self.returned is None or self.unused is None:
            return None
        return self.issued - self.returned - self.unused

    @property
    def unkeyed(self) -> int:
        """Return how many papers were let in and are not on any list yet."""
        return self.slips - self.agreed - self.spoiled - self.aside - self.once - self.differs

    @property
    def unchecked(self) -> int:
        """Return how many envelopes came back whose slip nobody has looked at."""
        return (self.returned or 0) - self.slips - self.unopened

    @property
    def keyed(self) -> int:
        """Return how many papers are settled, to be counted or not."""
        return self.agreed + self.spoiled

    def lines(self) -> list[Line]:
        """Return the table: issued, returned, checked in, keyed, with what does not add up."""
        came_in = self._came_in() if self.returned is not None else []
        return [*self._went_out(), *came_in, *(self._were_keyed() if self.is_open else [])]

    def _went_out(self) -> list[Line]:
        if self.returned is None:
            words = _("Nobody has counted yet what came back.")
            wrong, where = words, _("Count the envelopes that came back and the unused papers.")
        elif (self.missing or 0) > 0 and not self.noted:
            wrong = _("Nobody has said why these did not come back.")
            where = _("Ask at the place they went to, then write down what you learned.")
        elif (self.missing or 0) < 0:
            wrong = _("More came back than went out.")
            where = _("Look for papers of another batch, and count both piles again.")
        else:
            wrong = where = ""
        return [
            Line(_("Issued"), self.issued, is_sum=True),
            Line(_("Returned"), self.returned),
            Line(_("Came back unused"), self.unused),
            Line(_("Did not come back"), self.missing, wrong=wrong, where=where),
        ]

    def _came_in(self) -> list[Line]:
        if not self.has_slips:
            return []
        wrong = where = ""
        if self.unchecked > 0:
            wrong = _("Some envelopes are not checked in yet.")
            where = _("Look in the pile of envelopes whose slip is still on.")
        elif self.returned is not None and self.unchecked < 0:
            wrong = _("More slips were checked in than envelopes came back.")
            where = _("Count the envelopes again, also those set aside.")
        return [
            Line(_("Returned"), self.returned, is_sum=True),
            Line(_("Identity slip checked in"), self.slips),
            Line(_("Set aside, not opened"), self.unopened),
            Line(_("Not checked in yet"), self.unchecked, wrong=wrong, where=where),
        ]

    def _were_keyed(self) -> list[Line]:
        first = _("Identity slip checked in") if self.has_slips else _("Returned")
        once = Line(
            _("Keyed by one person only"),
            self.once,
            wrong=_("Somebody else still has to key these.") if self.once else "",
            where=_("The list below says which.") if self.once else "",
        )
        differs = Line(
            _("Two readings that differ"),
            self.differs,
            wrong=_("A third person still has to look at these.") if self.differs else "",
            where=_("The list below says which.") if self.differs else "",
        )
        wrong = where = ""
        if self.unkeyed > 0:
            wrong = _("Some papers were let in and are not keyed.")
            where = _("Look in the pile that waits to be keyed, and in envelopes that seem empty.")
        elif self.unkeyed < 0:
            wrong = _("More papers are keyed than were let in.")
            where = _("Look for a paper without a slip, or for two in one envelope.")
        return [
            Line(first, self.slips, is_sum=True),
            Line(_("Agreed by two people, or by a third"), self.agreed),
            Line(_("Cannot be counted"), self.spoiled),
            Line(_("Opened and set aside"), self.aside),
            once,
            differs,
            Line(_("Not keyed yet"), self.unkeyed, wrong=wrong, where=where),
        ]

    @property
    def adds_up(self) -> bool:
        """Tell whether nothing is wrong."""
        return not any(line.wrong for line in self.lines())


def sums(batch: Batch) -> Sums:
    """Return what this batch has to account for."""
    return sums_of([batch])[batch.pk]


def sums_of(found: list[Batch]) -> dict[int, Sums]:
    """Return what each of these batches has to account for, in two questions."""
    numbers = [batch.pk for batch in found]
    of_outcome: dict[int, dict[str, int]] = {number: {} for number in numbers}
    counted = Paper.objects.filter(batch__in=numbers).values_list("batch", "outcome")
    for number, outcome, count in counted.annotate(count=Count("pk")).order_by():
        of_outcome[number][outcome] = count
    unopened, aside = dict.fromkeys(numbers, 0), dict.fromkeys(numbers, 0)
    for number, why, count in Aside.objects.filter(batch__in=numbers).values_list(
        "batch", "why", "number"
    ):
        (unopened if why in UNOPENED else aside)[number] += count
    return {
        batch.pk: Sums(
            issued=batch.issued,
            returned=batch.returned,
            unused=batch.unused,
            noted=bool(batch.missing_note),
            slips=batch.slips,
            unopened=unopened[batch.pk],
            aside=aside[batch.pk],
            once=of_outcome[batch.pk].get(Outcome.ONCE, 0),
            differs=of_outcome[batch.pk].get(Outcome.DIFFERS, 0),
            agreed=of_outcome[batch.pk].get(Outcome.AGREED, 0),
            spoiled=of_outcome[batch.pk].get(Outcome.SPOILED, 0),
            has_slips=batch.pot.reach != Reach.EVERYONE,
            is_open=batch.opened_at is not None,
        )
        for batch in found
    }


def asides_by_reason(batch: Batch) -> list[dict[str, Any]]:
    """Return each reason to set something aside, with how many there are."""
    held = dict(batch.asides.values_list("why", "number"))
    return [
        {
            "why": why.value,
            "words": why.label,
            "number": held.get(why.value, 0),
            "is_unopened": why in UNOPENED,
        }
        for why in Why
    ]


def readings(paper: Paper) -> list[Keying]:
    """Return what was read on a paper, in turn."""
    return list(paper.keyings.order_by("turn"))


def final_readings(batch: Batch) -> dict[int, Keying]:
    """Return the reading that stands of each paper that is agreed, by serial number."""
    found = Keying.objects.filter(paper__batch=batch, paper__outcome=Outcome.AGREED)
    return {
        keying.paper.serial: keying for keying in found.select_related("paper").order_by("turn")
    }


def as_read(keying: Keying, projects: list[Project], pot: Pot) -> dict[str, Any]:
    """Return one reading by the numbers in print, as it would be typed."""
    number = {project.pk: n for n, project in enumerate(projects, start=1)}
    title = {project.pk: project.title for project in projects}
    said = sorted(
        (mark, number[pk], title[pk])
        if pot.ballot_kind == "ranked"
        else (number[pk], mark, title[pk])
        for pk, mark in zip(keying.projects, keying.marks, strict=True)
    )
    with_marks = pot.ballot_kind in ("points", "scores")
    lines = [(b, a, c) if pot.ballot_kind == "ranked" else (a, b, c) for a, b, c in said]
    return {
        "lines": [(n, mark if with_marks else None, words) for n, mark, words in lines],
        "says": Says(keying.says).label if keying.says != Says.MARKED else "",
    }


def waiting_papers(viewer: Viewer, batch: Batch, outcome: Outcome) -> QuerySet[Paper]:
    """Return the papers in this state, and how many of their readings are the viewer's own."""
    mine = Count("keyings", filter=Q(keyings__keyed_by=viewer.person))
    return Paper.objects.filter(batch=batch, outcome=outcome).annotate(mine=mine).order_by("serial")


def paper_pending(pot: Pot) -> QuerySet[Batch]:
    """Return the batches of a pot for which its count waits."""
    return Batch.objects.filter(pot=pot, accepted_at__isnull=True, lost_at__isnull=True)


# --- who somebody is


@dataclass(frozen=True)
class Somebody:
    """Whom a slip names, or who stands at the desk or calls: one of these, or a name alone."""

    person: Person | None = None
    entry_id: int | None = None
    code_id: int | None = None
    name: str = ""

    def as_voter(self, name: str, channel: Channel) -> Voter:
        """Return them as a voter by this channel, whose ballot lies under this name."""
        number = self.person.pk if self.person else None
        return Voter(name, channel, number, self.entry_id, self.code_id)

    @property
    def facts(self) -> dict[str, int | None]:
        """Return them as plain numbers, to be signed or kept in a session for minutes."""
        number = self.person.pk if self.person else None
        return {"person": number, "entry": self.entry_id, "code": self.code_id}


def somebody_from(viewer: Viewer, facts: Mapping[str, Any]) -> Somebody:
    """Return somebody from the plain numbers they were kept as."""
    number = facts.get("person")
    found = Person.objects.filter(pk=number, is_active=True).first() if number else None
    return Somebody(person=found, entry_id=facts.get("entry"), code_id=facts.get("code"))


def voted_already(pot: Pot, somebody: Somebody) -> Channel | None:
    """Return by what way somebody has voted in a pot, if they have."""
    same = lines_of(somebody.as_voter("", Channel.PAPER))
    found = Roll.objects.filter(same, pot=pot).values_list("channel", flat=True).first()
    return Channel(found) if found is not None else None


def wrong_with_choice(pot: Pot, choice: Choice) -> Wrong | None:
    """Say what the pot's ballot cannot take in a choice; nothing if it can take it."""
    known = pot.projects.values_list("pk", "cost_pence", "exclusive")
    listed = {number: Listed(cost, group) for number, cost, group in known}
    return wrong_with(pot, listed, choice)


class NobodyFound(Exception):
    """Nobody is known by what was typed; ``field`` says where, the words what to do."""

    def __init__(self, field: str, words: str) -> None:
        super().__init__(words)
        self.field = field


def parts_asked(viewer: Viewer, pot: Pot) -> list[str]:
    """Return what a slip has to say for somebody to be found on a register, in its order."""
    found = registers.registers_for(viewer, pot.community)
    known = {part for register in found for part in register.parts}
    return [part for part in Part.values if part in known]


def takes_a_name(viewer: Viewer, pot: Pot) -> bool:
    """Tell whether a name alone is enough on a slip: where no register could know better."""
    sure_enough = pot.level <= Level.POSTCODE and pot.reach == Reach.PLACE
    return sure_enough and not parts_asked(viewer, pot)


def somebody(viewer: Viewer, pot: Pot, given: Mapping[str, str]) -> Somebody:
    """Return whom staff mean, by one of: an email, a voting code, a register, or a name alone.

    Raises ``NobodyFound``.
    """
    if given.get("email"):
        return Somebody(person=_with_email(given["email"]))
    if given.get("code"):
        code = code_typed(viewer, pot, given["code"])
        return Somebody(code_id=code.pk, entry_id=code.entry_id)
    if given.get("name"):
        return Somebody(name=" ".join(given["name"].casefold().split()))
    return Somebody(entry_id=_on_register(viewer, pot, given).pk)


def _with_email(email: str) -> Person:
    found = Person.objects.filter(email=email.strip().lower(), is_active=True).first()
    if found is None:
        raise NobodyFound("email", _("Nobody has an account with this address."))
    return found


def _on_register(viewer: Viewer, pot: Pot, given: Mapping[str, str]) -> Entry:
    for register in registers.registers_for(viewer, pot.community):
        if not all(given.get(part) for part in register.parts) or register.key is None:
            continue
        try:
            known = digest(opened(register.key), register.parts, given)
        except Unreadable as wrong:
            raise NobodyFound(register.parts[0], str(wrong)) from None
        found = Entry.objects.filter(register=register, digest=known, gone_at__isnull=True)
        entry = found.select_related("place", "register__community").first()
        if entry and pot.community_id in registers.place_words(entry).branch():
            return entry
    words = _("Nobody of this place is on the register like this. Compare it with the slip.")
    raise NobodyFound(next(iter(parts_asked(viewer, pot)), "email"), words)


def code_typed(viewer: Viewer, pot: Pot, text: str) -> Code:
    """Return the voting code that was typed, if it counts for this pot; raise ``NobodyFound``."""
    try:
        signs = typed(text)
    except WrongCode as wrong:
        raise NobodyFound("code", str(wrong)) from None
    found = registers.code_typed(viewer, signs)
    if found is None or found.pot_id != pot.pk or found.cancelled_at is not None:
        raise NobodyFound("code", _("This code is not one of this ballot, or it was cancelled."))
    return found


# --- how people voted


def turnout_by_channel(pot: Pot) -> list[dict[str, Any]]:
    """Return how many are on the roll by each way of voting, hidden as the result will hide it."""
    counted = {row["channel"]: row["voters"] for row in by_channel(pot, turnout(pot))}
    rows = [
        {"words": channel.label, "number": counted.get(channel.value, 0)} for channel in Channel
    ]
    return [{**row, "is_hidden": row["number"] is None} for row in rows]


# --- what a paper's own voter may know


def fate(pot: Pot, serial: int) -> tuple[str, str]:
    """Return what became of the paper with this serial number: a code, and words for its voter."""
    batch = Batch.objects.filter(pot=pot, first__lte=serial, last__gte=serial).first()
    if batch is None:
        return "unknown", _("No paper with this number was given out for this ballot.")
    if batch.lost_at is not None:
        words = _("Its batch was declared lost, so it is not counted. The reason given: %(note)s")
        return "lost", words % {"note": batch.lost_note}
    paper = Paper.objects.filter(batch=batch, serial=serial).first()
    if paper is None:
        return ("apart", _not_opened(batch)) if batch.accepted_at else ("not-yet", _not_yet())
    if paper.outcome == Outcome.SPOILED:
        return "spoiled", _("It came back and cannot be counted: %(why)s") % {
            "why": words_of_spoiled(paper.why)
        }
    if batch.accepted_at is None:
        return "keying", _("It came back and is being keyed. It is not in the box yet.")
    if pot.counted_at is None:
        return "in-the-box", _("It came back and is in the box. It is counted with all the others.")
    return "counted", _("It came back and was counted.")


def _not_yet() -> str:
    return _(
        "It is not in the box yet. It has not come back, or it came back and nobody has keyed it."
    )


def _not_opened(batch: Batch) -> str:
    unopened = batch.asides.filter(why__in=UNOPENED).aggregate(n=Sum("number"))["n"] or 0
    if not unopened:
        return _("It did not come back with the others of its batch, so it is not counted.")
    return _(
        "It is not among the papers that were opened. It did not come back, or its envelope was set"
        " aside unopened, for one of these reasons: its voter had voted in another way; the name on"
        " the slip may not vote here; or the slip was missing. Nobody knows which paper is in an"
        " envelope that was not opened."
    )


def words_of_spoiled(why: str) -> str:
    """Say why a paper cannot be counted."""
    return {
        "empty": _("nothing is marked on it."),
        "unclear": _("it cannot be read for certain, or shows who wrote it."),
        "too-few": _("it marks fewer ideas than this ballot asks for."),
        "too-many": _("it marks more ideas than this ballot takes."),
        "over": _("the ideas it marks cost more than the pot holds."),
        "exclusive": _("it marks two ideas that exclude each other."),
        "points": _("it gives more points than there are to give."),
        "scores": _("it gives a score that this ballot does not have."),
    }.get(why, _("it marks what this ballot cannot say."))


# --- panels


def desk_panel(viewer: Viewer, pot: Pot) -> Mapping[str, Any] | None:
    """Return what a pot's desk page says of paper: what is out, and whether the count waits."""
    if not may_run(viewer, pot):
        return None
    waiting = list(paper_pending(pot).order_by("first")[:20])
    return {"waiting": waiting, "waits": _waits(len(waiting)) if waiting else ""}


def _waits(number: int) -> str:
    words = ngettext(
        "%(n)s batch of papers is not in the box yet. The count waits for it.",
        "%(n)s batches of papers are not in the box yet. The count waits for them.",
        number,
    )
    return words % {"n": number}


def pot_panel(viewer: Viewer, pot: Pot) -> Mapping[str, Any] | None:
    """Return whether a pot has papers, so that their voters can look them up."""
    return {} if Batch.objects.filter(pot=pot).exists() else None
