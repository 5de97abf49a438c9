"""Addresses of pages about one thing, of which a list shows many."""

from functools import cache
from urllib.parse import quote

from django.urls import get_script_prefix, reverse

PLAIN = "!$&'()*+,;=/~:@"  # what an address may hold as it is, as Django has it
HERE = "4815162342"  # fits where a number or a short name does, and stands in no address of ours


def address(page: str, of: int | str) -> str:
    """Return the address of a page about one thing: where its number or name goes is looked up once."""
    before, after = _around(page, get_script_prefix())
    return f"{before}{quote(str(of), safe=PLAIN)}{after}"


@cache
def _around(page: str, _prefix: str) -> tuple[str, str]:
    before, _, after = reverse(page, args=[HERE]).partition(HERE)
    return before, after
