"""Receipts of a count under one root: anyone finds theirs, and proves that it stands there."""

import re
from collections.abc import Sequence
from hashlib import sha256
from itertools import islice, product
from typing import Any

RECEIPTS = "receipts.txt"
# What people take for another letter; 0, 1, 8 and 9 stand in no receipt.
ALIKE = {"0": "O", "1": "IL", "8": "B", "9": "G", "I": "IL", "L": "LI", "S": "S5", "5": "5S",
         "Z": "Z2", "2": "2Z", "G": "G6", "6": "6G"}  # fmt: skip
LENGTH = 16
MOST_READINGS = 1_024
READABLE = re.compile(r"[A-Z2-7]{4}(?:-[A-Z2-7]{4}){3}")


def leaf(receipt: str) -> bytes:
    """Return the hash of one receipt, which no hash of two others can be.

    >>> leaf("ABCD-EFGH-2345-6723").hex()[:8]
    'cc9479fd'
    """
    return sha256(b"\x00" + receipt.encode()).digest()


def _both(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def root_of(receipts: Sequence[str]) -> str:
    """Return the Merkle root of receipts in their order, as hexadecimal digits.

    Parameters
    ----------
    receipts : sequence of str
        Sorted, none twice.

    Returns
    -------
    str
        Sixty-four digits; of no receipt at all, the hash of nothing.

    Raises
    ------
    Nothing.

    Notes
    -----
    Time and memory O(receipts): a layer of hashes at a time.

    References
    ----------
    Laurie, Langley and Kasper (2013), RFC 6962, "Certificate Transparency", section 2.1.

    Examples
    --------
    >>> root_of([]) == sha256(b"").hexdigest(), root_of(["A"]) == leaf("A").hex()
    (True, True)
    """
    layer = [leaf(receipt) for receipt in receipts]
    while len(layer) > 1:
        layer = _above(layer)
    return (layer[0] if layer else sha256(b"").digest()).hex()


def _above(layer: list[bytes]) -> list[bytes]:
    """Return the layer above: pairs together, and one without a neighbour as it is."""
    pairs = [_both(left, right) for left, right in zip(layer[::2], layer[1::2], strict=False)]
    return pairs + layer[len(layer) & ~1 :]


def tree_of(receipts: Sequence[str]) -> bytes:
    """Return all hashes above the leaves, so that no proof has to work them out again.

    Parameters
    ----------
    receipts : sequence of str
        As :func:`root_of` takes them.

    Returns
    -------
    bytes
        Thirty-two for each hash, layer after layer, the root last; nothing above one receipt.

    Raises
    ------
    Nothing.

    Notes
    -----
    Time and memory O(receipts). :func:`beside` tells which of them make a proof.

    References
    ----------
    RFC 6962, section 2.1.

    Examples
    --------
    >>> tree_of(["A", "B", "C"])[-32:].hex() == root_of(["A", "B", "C"])
    True
    """
    layer = [leaf(receipt) for receipt in receipts]
    hashes: list[bytes] = []
    while len(layer) > 1:
        layer = _above(layer)
        hashes += layer
    return b"".join(hashes)


def beside(place: int, of: int) -> tuple[list[int], list[int]]:
    """Return what a proof is made of: the receipt beside this one, and the hashes of the tree.

    >>> beside(2, 5)  # the receipt at place 3, then the first hash and the fifth
    ([3], [0, 4])
    >>> beside(4, 5)  # the last has no neighbour until the top
    ([], [3])
    """
    hashes, start = [], 0
    receipts = [place ^ 1] if place ^ 1 < of else []
    place, of = place >> 1, (of + 1) >> 1
    while of > 1:
        if place ^ 1 < of:
            hashes.append(start + (place ^ 1))
        start += of
        place, of = place >> 1, (of + 1) >> 1
    return receipts, hashes


def proof_of(receipts: Sequence[str], place: int) -> list[str]:
    """Return the hashes that lead from a receipt to the root.

    Parameters
    ----------
    receipts : sequence of str
        As :func:`root_of` takes them.
    place : int
        Where the receipt stands among them, counted from 0.

    Returns
    -------
    list of str
        From the bottom to the top, about log2 of the number of receipts.

    Raises
    ------
    IndexError
        If there is no such place.

    Notes
    -----
    Time and memory O(receipts).

    References
    ----------
    RFC 6962, section 2.1.1.

    Examples
    --------
    >>> len(proof_of(["A", "B", "C"], 2)), len(proof_of(["A", "B", "C"], 0))
    (1, 2)
    """
    if not 0 <= place < len(receipts):
        raise IndexError(f"there is no receipt at place {place}")
    layer, path = [leaf(receipt) for receipt in receipts], []
    while len(layer) > 1:
        beside = place ^ 1
        if beside < len(layer):
            path.append(layer[beside].hex())
        layer, place = _above(layer), place >> 1
    return path


def leads_to(receipt: str, place: int, of: int, path: Sequence[str]) -> str:
    """Return the root to which a proof leads; compare it with the one that was published.

    Parameters
    ----------
    receipt : str
        As people read it, with dashes.
    place, of : int
        Where it stands, counted from 0, and how many receipts there are.
    path : sequence of str
        What :func:`proof_of` gave.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If the path is not as long as it has to be, or no hexadecimal digits.

    Notes
    -----
    Time O(length of the path).

    References
    ----------
    RFC 6962, section 2.1.1.

    Examples
    --------
    >>> found = ["A", "B", "C"]
    >>> [leads_to(r, n, 3, proof_of(found, n)) == root_of(found) for n, r in enumerate(found)]
    [True, True, True]
    """
    if not 0 <= place < of:
        raise ValueError(f"place {place} is not among {of}")
    here, rest = leaf(receipt), [bytes.fromhex(text) for text in path]
    while of > 1:
        if place ^ 1 < of:
            if not rest:
                raise ValueError("the path is too short")
            beside = rest.pop(0)
            here = _both(beside, here) if place & 1 else _both(here, beside)
        place, of = place >> 1, (of + 1) >> 1
    if rest:
        raise ValueError("the path is too long")
    return here.hex()


def as_text(receipts: Sequence[str]) -> bytes:
    """Write receipts one a line, as a bundle has them. Raises ``ValueError`` for anything else.

    >>> as_text(["ABCD-EFGH-2345-6723"])
    b'ABCD-EFGH-2345-6723\\n'
    """
    wrong = wrong_with(receipts)
    if wrong:
        raise ValueError(wrong)
    return "".join(f"{receipt}\n" for receipt in receipts).encode()


def from_text(content: bytes) -> list[str]:
    """Read the lines back, whatever they hold.

    >>> from_text(b"A\\nB\\n")
    ['A', 'B']
    """
    return (
        content.decode("utf-8", errors="replace").removesuffix("\n").split("\n") if content else []
    )


def wrong_with(receipts: Sequence[str]) -> str:
    """Say what is wrong with a list of receipts; nothing if it is as it should be.

    >>> wrong_with(["B", "A"])
    'line 1 is no receipt'
    >>> wrong_with(["ABCD-EFGH-2345-6723"] * 2)
    'line 2 does not come after line 1'
    """
    for number, receipt in enumerate(receipts, 1):
        if not READABLE.fullmatch(receipt):
            return f"line {number} is no receipt"
    for number in range(1, len(receipts)):
        if receipts[number - 1] >= receipts[number]:
            return f"line {number + 1} does not come after line {number}"
    return ""


def summary(receipts: Sequence[str]) -> dict[str, Any]:
    """Return what a manifest says of receipts: how many, and their root.

    >>> summary(["ABCD-EFGH-2345-6723"])["count"]
    1
    """
    return {"count": len(receipts), "root": root_of(receipts)}


def readings(typed: str) -> list[str]:
    """Return what receipts somebody may have meant, the likeliest first; none if it is no receipt.

    Capitals, dashes and blanks do not matter, nor do letters that look like others.

    >>> readings("abcd efgh-2345 6723")[0]
    'ABCD-EFGH-2345-6723'
    >>> readings("0BCD EF1H 8888 AAAA")
    ['OBCD-EFIH-BBBB-AAAA', 'OBCD-EFLH-BBBB-AAAA']
    >>> readings("ABCD")
    []
    """
    code = re.sub(r"[^A-Z0-9]", "", typed[:200].upper())
    if len(code) != LENGTH:
        return []
    ways = product(*(ALIKE.get(letter, letter) for letter in code))
    return [
        "-".join("".join(way[k : k + 4]) for k in range(0, LENGTH, 4))
        for way in islice(ways, MOST_READINGS)
    ]
