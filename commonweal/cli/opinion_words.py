"""What ``commonweal opinion`` says of a map, in sentences."""

import sys
from collections.abc import Iterator, Sequence
from gettext import gettext as _
from gettext import ngettext
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from commonweal.engine.opinion import Listed
    from commonweal.engine.opinion.overview import Overview

_MOST_LETTERS = 90


def plain(text: str) -> str:
    """Leave out what could steer a terminal, and what it cannot show."""
    shown = "".join(c if c.isprintable() else " " for c in text)
    encoding = sys.stdout.encoding or "ascii"
    return shown.encode(encoding, errors="replace").decode(encoding)


def in_words(found: "Overview", texts: dict[str, str], effective: float | None) -> Iterator[str]:
    """Yield the map line by line."""
    people, votes = len(found.votes.people), len(found.votes)
    yield _("{people:,} people, {statements:,} statements, {votes:,} votes").format(
        people=people, statements=len(found.votes.statements), votes=votes
    )
    if not votes:
        yield _("Nobody has voted yet, so there is nothing to say.")
        return
    if effective is not None:
        yield _("Weighted to those who live here, they count as {count:,.0f} people.").format(
            count=effective
        )
    yield from _groups(found)
    yield ""
    yield from _list(
        _("Common ground: what most people agree on, whatever group"),
        found,
        texts,
        found.common_ground,
        _("No statement is surely common ground yet."),
    )
    yield from _list(
        _("What divides"), found, texts, found.dividing, _("Nothing surely divides people yet.")
    )
    for g in range(found.groups.count if found.groups.count > 1 else 0):
        own = [entry for entry in found.group_statements if entry.group == g]
        title = _("What is special to group {number}").format(number=g + 1)
        yield from _list(title, found, texts, own, _("Nothing surely."))
    yield from _short_list(found, texts)
    yield from _list(
        _("More votes would tell most about"), found, texts, found.unsure[:5], _("Nothing.")
    )


def _groups(found: "Overview") -> Iterator[str]:
    groups, dimensions = found.groups, found.model.dimensions
    if dimensions == 0:
        yield _("Where people stand on one statement says nothing about the others.")
    else:
        yield ngettext(
            "People differ along {count} line that tells hidden votes.",
            "People differ along {count} lines that tell hidden votes.",
            dimensions,
        ).format(count=dimensions)
    if groups.count == 1:
        yield _("There are no clear groups: people differ by degree, or not at all.")
        return
    sizes = ", ".join(f"{size:,}" for size in found.sizes.tolist())
    if groups.clear:
        said = _("There are {count} clear groups, of {sizes} people")
    else:
        said = _("There are signs of {count} groups, of {sizes} people, but they are not clear")
    kept = groups.stability or 0.0
    yield said.format(count=groups.count, sizes=sizes) + _(
        " (stability {kept:.2f} of 1 when a fifth of the votes is hidden)."
    ).format(kept=kept)


def _list(
    title: str,
    found: "Overview",
    texts: dict[str, str],
    entries: "Sequence[Listed]",
    nothing: str,
) -> Iterator[str]:
    yield title
    for entry in entries:
        side = _("agree") if entry.side == "agree" else _("disagree")
        yield "  " + _(
            "{share:>4.0%} {side} ({low:.0%} to {high:.0%}, {votes:,.0f} votes)  {said}"
        ).format(
            share=entry.estimate,
            side=side,
            low=entry.low,
            high=entry.high,
            votes=entry.votes,
            said=_said(found, texts, entry.statement),
        )
    if not entries:
        yield f"  {nothing}"
    yield ""


def _said(found: "Overview", texts: dict[str, str], statement: int) -> str:
    name = str(found.votes.statements[statement])
    text = " ".join(texts.get(name, "").split())
    short = text if len(text) <= _MOST_LETTERS else text[: _MOST_LETTERS - 1].rstrip() + "…"
    return f"{name}: {short}" if short else name


def _short_list(found: "Overview", texts: dict[str, str]) -> Iterator[str]:
    chosen = found.short_list
    yield _("Short list, in proportion to who agrees")
    for j in chosen.statements.tolist():
        share = float(found.overall.estimate[j, 2, 0])
        yield f"  {share:>4.0%} {_said(found, texts, j)}"
    if chosen.reached:
        yield "  " + _("{share:.0%} of people agree with at least one of them.").format(
            share=chosen.reached[0]
        )
    else:
        yield "  " + _("Nobody agrees with anything yet.")
    yield ""
