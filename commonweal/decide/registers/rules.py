"""How people are recognised whatever way they are written, and who may look after registers and codes."""

from __future__ import annotations

import hmac
import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import date, datetime

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from commonweal.decide.budgets.models import Pot
from commonweal.decide.registers.models import Part
from commonweal.ground.places.models import Community
from commonweal.ground.places.rules import Viewer, may_see_people
from commonweal.kit.postcode import postcode

# --- who may


def may_keep_registers(viewer: Viewer, community: Community) -> bool:
    """Tell whether the viewer may upload, renew and delete registers of this community."""
    return may_see_people(viewer, community)


def may_make_codes(viewer: Viewer, pot: Pot) -> bool:
    """Tell whether the viewer may make and cancel voting codes for this pot."""
    return pot.authority_id == viewer.authority.pk and may_see_people(viewer, pot.community)


# --- one form for what is written in many


MARKS = re.compile("[\u0300-\u036f]")  # accents, which one list has and the next leaves out
LETTERS = str.maketrans({"æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th"})
SEPARATOR = "\x1f"  # no part can hold it, so no two lists of parts read the same when joined
MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan january ionawr", "feb february chwefror", "mar march mawrth", "apr april ebrill",
            "may mai", "jun june mehefin", "jul july gorffennaf", "aug august awst",
            "sep sept september medi", "oct october hydref", "nov november tachwedd",
            "dec december rhagfyr",
        ),
        1,
    )
    for name in names.split()
}  # fmt: skip
DAY_FIRST = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?[\s./-]+(\d{1,2}|[a-z]+)[\s./,-]+(\d{4})")
YEAR_FIRST = re.compile(r"(\d{4})[./-](\d{1,2})[./-](\d{1,2})(?:[t ]00:00(?::00)?(?:\.0+)?z?)?")


class Unreadable(ValueError):
    """What was written cannot be read as this part of what identifies somebody."""


def plain(text: str) -> str:
    """Return a name or number as letters and digits alone: no case, accent, space, dash or quote.

    >>> plain("O’Brien-Siân"), plain("obrien sian"), plain(" O'BRIEN SIÂN ")
    ('obriensian', 'obriensian', 'obriensian')
    """
    folded = unicodedata.normalize("NFKD", text).casefold()
    bare = MARKS.sub("", unicodedata.normalize("NFKD", folded)).translate(LETTERS)
    return "".join(sign for sign in bare if sign.isalnum() or unicodedata.category(sign)[0] == "M")


def born(text: str) -> str:
    """Return a date of birth like ``1961-02-09``; the day stands before the month, as people write it.

    Raises ``Unreadable``.

    >>> born("9/2/1961"), born("9th February 1961"), born("1961-02-09 00:00:00")
    ('1961-02-09', '1961-02-09', '1961-02-09')
    """
    given = " ".join(text.casefold().split())
    if found := YEAR_FIRST.fullmatch(given):
        year, month, day = found.groups()
    elif found := DAY_FIRST.fullmatch(given):
        day, month, year = found.groups()
    else:
        raise Unreadable(_("Write the date of birth like 9/2/1961"))
    try:
        number = int(month) if month.isdigit() else MONTHS.get(month, 0)
        return date(int(year), number, int(day)).isoformat()
    except ValueError:
        raise Unreadable(_("There is no such day. Write the date of birth like 9/2/1961")) from None


def read(part: str, text: str) -> str:
    """Return one part of what identifies somebody, in the one form that is hashed.

    Raises ``Unreadable``, with words for whoever wrote it.
    """
    if part == Part.BORN:
        return born(text)
    if part == Part.POSTCODE:
        try:
            return postcode(text).replace(" ", "").lower()
        except ValueError:
            raise Unreadable(_("Write the whole postcode, like LM1 4AB")) from None
    found = plain(text)
    if not found:
        raise Unreadable(_("There is no letter or figure in it"))
    return found


def digest(key: bytes, parts: Sequence[str], given: Mapping[str, str]) -> bytes:
    """Return the keyed hash of somebody, from the parts that a register knows people by."""
    said = SEPARATOR.join(f"{part}={read(part, given[part])}" for part in parts)
    return hmac.digest(key, said.encode(), "sha256")


# --- voting codes

# No vowel, so no word; nothing that looks like another sign; a prime number of signs, so that the last
# one tells of any single wrong sign and of any two that changed places.
SIGNS = "34679BCDFGHJKMNPQRTVWXY"
LENGTH, GROUP = 14, 5  # fourteen drawn signs are 63 bits; with the check sign three groups of five


class WrongCode(ValueError):
    """What was typed is no voting code: too short, too long, a sign we never use, or a slip."""


def check_sign(signs: str) -> str:
    """Return the sign that stands last."""
    return SIGNS[sum(k * SIGNS.index(sign) for k, sign in enumerate(signs, 1)) % len(SIGNS)]


def code_from(key: bytes, number: int) -> str:
    """Return the voting code with this number of a batch: nobody without the batch's key can."""
    drawn = int.from_bytes(hmac.digest(key, f"code:{number}".encode(), "sha256"), "big")
    signs = ""
    for _place in range(LENGTH):
        drawn, sign = divmod(drawn, len(SIGNS))
        signs += SIGNS[sign]
    return signs + check_sign(signs)


def in_groups(code: str) -> str:
    """Return a code as it is printed.

    >>> in_groups("34679BCDFGHJKM3")
    '34679-BCDFG-HJKM3'
    """
    return "-".join(code[k : k + GROUP] for k in range(0, len(code), GROUP))


def moment(at: datetime) -> str:
    """Return a day and an hour as letters and mails say it."""
    return date_format(timezone.localtime(at), "l j F Y, H:i")


def typed(text: str) -> str:
    """Read a code as somebody typed it, whatever the case, spaces and dashes.

    Raises ``WrongCode`` with words that say what to look at.
    """
    bare = "".join(unicodedata.normalize("NFKC", text[:200]).upper().split())
    signs = re.sub(r"[-‐-―−_.·:]", "", bare).replace("8", "B")
    strange = sorted({sign for sign in signs if sign not in SIGNS})
    if strange:
        words = _("A code never has %(signs)s in it. Look at the letters and figures again.")
        raise WrongCode(words % {"signs": ", ".join(strange[:5])})
    if len(signs) != LENGTH + 1:
        words = _("A code has 15 letters and figures. You typed %(n)s.")
        raise WrongCode(words % {"n": len(signs)})
    if check_sign(signs[:-1]) != signs[-1]:
        raise WrongCode(_("One letter or figure is not right. Compare it with your letter."))
    return signs
