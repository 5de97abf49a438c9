"""Machine code for the inner loops, kept on disk where there is a place to keep it."""

from collections.abc import Callable
from typing import Any


def machine_code(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function compiled by numba when it is first called. Importing this is quick.

    The machine code is kept beside the source, or in the person's cache folder; where neither can
    be written, each process compiles anew.
    """
    from numba import njit  # takes a third of a second

    try:
        found: Callable[..., Any] = njit(cache=True, nogil=True)(function)
    except RuntimeError:  # there is no place to keep it
        found = njit(nogil=True)(function)
    return found
