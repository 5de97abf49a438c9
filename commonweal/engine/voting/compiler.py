"""Machine code for the inner loops, kept on disk where there is a place to keep it."""

from collections.abc import Callable
from typing import Any


def machine_code(function: Callable[..., Any], *, regroup: bool = False) -> Callable[..., Any]:
    """Return the function compiled by numba when it is first called. Importing this is quick.

    The machine code is kept beside the source, or in the person's cache folder; where neither can
    be written, each process compiles anew. If ``regroup``, sums may be added up in another order than
    they stand, so that several numbers go through at once: always the same order on one kind of
    processor, but perhaps another on another kind, where the last digits may differ.
    """
    from numba import njit  # takes a third of a second

    quick = {"reassoc", "contract", "nsz"} if regroup else False
    try:
        found: Callable[..., Any] = njit(cache=True, nogil=True, fastmath=quick)(function)
    except RuntimeError:  # there is no place to keep it
        found = njit(nogil=True, fastmath=quick)(function)
    return found
