"""Whole pence to words and back. Money is formatted here and nowhere else."""

import re

_POUNDS = re.compile(r"^(\d{1,3}(?:,\d{3})+|\d+)(?:\.(\d{2}))?$")


def pounds(pence: int) -> str:
    """Write pence as people write pounds: whole pounds without the pence.

    >>> pounds(24000000), pounds(1250), pounds(-5)
    ('£240,000', '£12.50', '-£0.05')
    """
    sign, whole, rest = "-" if pence < 0 else "", *divmod(abs(pence), 100)
    return f"{sign}£{whole:,}.{rest:02}" if rest else f"{sign}£{whole:,}"


def to_pence(text: str) -> int:
    """Read an amount that a person wrote: ``1200``, ``£1,200`` or ``1200.00``.

    Raises ``ValueError`` for anything else; never rounds.

    >>> to_pence("£1,200"), to_pence(" 1200.05 ")
    (120000, 120005)
    """
    found = _POUNDS.match(text.strip().removeprefix("£").strip())
    if not found or len(found[1]) > 18:
        raise ValueError(f"{text!r} is not an amount in pounds")
    return int(found[1].replace(",", "")) * 100 + int(found[2] or 0)
