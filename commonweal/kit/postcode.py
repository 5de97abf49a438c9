"""Postcodes of the United Kingdom: how they are written, and which areas one lies in."""

import re

_OUTWARD = r"(?:GIR|[A-PR-UWYZ](?:[0-9]{1,2}|[A-HK-Y][0-9]{1,2}|[0-9][A-HJKPSTUW]|[A-HK-Y][0-9][ABEHMNPRVWXY]))"
_INWARD = r"[0-9][ABD-HJLNP-UW-Z]{2}"
_FULL = re.compile(rf"({_OUTWARD}) ?({_INWARD})")
_AREA = re.compile(
    rf"[A-PR-UWYZ][A-HK-Y]?|{_OUTWARD}(?: [0-9][ABD-HJLNP-UW-Z]?)?|{_OUTWARD} {_INWARD}"
)
_LONGEST = 12


def postcode(text: str) -> str:
    """Read a whole postcode, with or without its space and capitals.

    Raises ``ValueError`` for anything else.

    >>> postcode(" lm14ab ")
    'LM1 4AB'
    """
    found = _FULL.fullmatch(_plain(text).replace(" ", ""))
    if found is None:
        raise ValueError("not a whole postcode of the United Kingdom")
    return f"{found[1]} {found[2]}"


def area(text: str) -> str:
    """Read the beginning of a postcode that stands for an area: ``LM``, ``LM1``, ``LM1 4``.

    Where the space stands matters: ``LM1 1`` is a part of ``LM1``, and ``LM11`` is elsewhere.

    >>> area("lm1  4")
    'LM1 4'
    """
    plain = _plain(text)
    if _AREA.fullmatch(plain) is None:
        raise ValueError(f"{text!r} is not the beginning of a postcode")
    return plain


def areas(whole: str) -> list[str]:
    """Return every area that a whole postcode lies in, the widest first.

    >>> areas("LM1 4AB")
    ['LM', 'LM1', 'LM1 4', 'LM1 4A', 'LM1 4AB']
    >>> areas("EC1A 1BB")[:3]
    ['EC', 'EC1', 'EC1A']
    """
    whole = postcode(whole)
    outward, _, inward = whole.partition(" ")
    letters = re.match(r"[A-Z]+", outward)
    assert letters is not None
    found = [letters[0]]
    if outward[-1].isalpha() and outward != letters[0]:
        found.append(outward[:-1])  # a district of a large city that was divided by letters
    if outward != letters[0]:
        found.append(outward)
    return found + [f"{outward} {inward[:length]}" for length in (1, 2, 3)]


def _plain(text: str) -> str:
    """Return capitals with single spaces; what is far too long is not worth a look."""
    return " ".join(text.upper().split()) if len(text) <= 3 * _LONGEST else ""
