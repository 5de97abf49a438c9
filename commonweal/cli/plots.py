"""Pictures of a count: SVG files, and one page that shows each beside a table of its numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from gettext import gettext as _
from html import escape
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from commonweal.cli.record import Counted

WIDTH, HEIGHT = 720, 360
LEFT, RIGHT, TOP, BOTTOM = 64, 16, 16, 48
MOST_LINES = 6
# Text and shapes keep a contrast of 4.5 to 1 and more, on paper and in the dark.
STYLE = (
    "text{font:14px system-ui,sans-serif;fill:#1a1a1a}.paper{fill:#fff}.one{fill:#1d70b8}"
    ".two{fill:#b3480b}.axis{stroke:#505a5f}.line{fill:none;stroke:#1d70b8;stroke-width:2}"
    ".top{fill:none;stroke:#b3480b;stroke-width:3}"
    "@media(prefers-color-scheme:dark){text{fill:#f3f2f1}.paper{fill:#121212}.one{fill:#7cc0ff}"
    ".two{fill:#ffb27a}.axis{stroke:#b1b4b6}.line{stroke:#7cc0ff}.top{stroke:#ffb27a}}"
)
PAGE_STYLE = (
    ":root{color-scheme:light dark}body{font:1rem/1.5 system-ui,sans-serif;max-width:48rem;"
    "margin:auto;padding:1rem}svg,img{max-width:100%;height:auto}table{border-collapse:collapse}"
    "th,td{padding:.25rem .75rem;text-align:right;border-bottom:1px solid}"
    "th:first-child,td:first-child{text-align:left}.scroll{overflow-x:auto}"
)


@dataclass(frozen=True)
class Plot:
    """One picture: what it is called, what it shows, its shapes, and the same as a table."""

    file: str
    title: str
    says: str
    shapes: str
    heads: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]

    def svg(self) -> str:
        """Return the picture as the text of an SVG file."""
        name = self.file
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
            f'width="{WIDTH}" height="{HEIGHT}" role="img" '
            f'aria-labelledby="{name}-title {name}-desc">'
            f'<title id="{name}-title">{escape(self.title)}</title>'
            f'<desc id="{name}-desc">{escape(self.says)}</desc><style>{STYLE}</style>'
            f'<rect class="paper" width="{WIDTH}" height="{HEIGHT}"/>{self.shapes}</svg>\n'
        )

    def table(self) -> str:
        """Return the numbers as an HTML table."""
        heads = "".join(f'<th scope="col">{escape(head)}</th>' for head in self.heads)
        rows = "".join(
            f'<tr><th scope="row">{escape(row[0])}</th>'
            + "".join(f"<td>{escape(cell)}</td>" for cell in row[1:])
            + "</tr>"
            for row in self.rows
        )
        return (
            f'<div class="scroll" role="region" tabindex="0" aria-label="{escape(self.title)}">'
            f"<table><caption>{escape(self.title)}</caption><thead><tr>{heads}</tr></thead>"
            f"<tbody>{rows}</tbody></table></div>"
        )


def write(folder: Path, done: "Counted", found: dict[str, Any]) -> None:
    """Write the pictures and ``index.html`` into a folder. Raises ``OSError``."""
    folder.mkdir(parents=True, exist_ok=True)
    plots = plots_of(done, found)
    for plot in plots:
        (folder / f"{plot.file}.svg").write_text(plot.svg(), encoding="utf-8")
    title = done.election.meta.get("description") or done.file
    parts = "".join(
        f"<section><h2>{escape(plot.title)}</h2><p>{escape(plot.says)}</p>"
        f'<img src="{plot.file}.svg" alt="{escape(plot.title)}" width="{WIDTH}" height="{HEIGHT}">'
        f"{plot.table()}</section>"
        for plot in plots
    )
    page = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<style>{PAGE_STYLE}</style></head><body><main><h1>{escape(title)}</h1>{parts}"
        "</main></body></html>\n"
    )
    (folder / "index.html").write_text(page, encoding="utf-8")


def plots_of(done: "Counted", found: dict[str, Any]) -> list[Plot]:
    """Return every picture that this count allows."""
    groups = [_groups(name, rows) for name, rows in found["groups"].items()]
    rounds = _rounds(done)
    return [_funded(found["funded_approvals"]), *([rounds] if rounds else []), *groups]


def _funded(found: dict[str, list[int]]) -> Plot:
    here, there = found["outcome"], found["greedy"]
    rows = [
        (str(n), f"{one:,}", f"{two:,}")
        for n, (one, two) in enumerate(zip(here, there, strict=True))
    ]
    return Plot(
        "funded-approvals",
        _("Voters by number of funded projects on the ballot"),
        _("Blue bars are this count, orange bars what most votes first would have been."),
        _bars([row[0] for row in rows], [[float(n) for n in here], [float(n) for n in there]], "{:,.0f}")
        + _legend(_("this count"), _("most votes first")),
        (_("Funded projects"), _("Voters, this count"), _("Voters, most votes first")),
        rows,
    )  # fmt: skip


def _groups(name: str, groups: list[dict[str, Any]]) -> Plot:
    shown = [group for group in groups if group["voters"] is not None]
    rows = [
        (group["label"], _percent(group["share_of_voters"]), _percent(group["share_of_spend"]))
        for group in groups
    ]
    shares = [
        [100 * group[key] for group in shown] for key in ("share_of_voters", "share_of_spend")
    ]
    return Plot(
        f"spend-by-{name}",
        _("Spend by {name} against share of voters").format(name=name),
        _("Blue bars are shares of voters, orange bars shares of what was spent. Groups under five "
          "are hidden."),
        _bars([group["label"] for group in shown], shares, "{:,.0f} %")
        + _legend(_("share of voters"), _("share of spend")),
        (name.capitalize(), _("Share of voters"), _("Share of spend")),
        rows,
    )  # fmt: skip


def _rounds(done: "Counted") -> Plot | None:
    from commonweal.engine.voting.rounds_told import told

    outcome = done.outcome
    rounds = None if done.rule.counts_seats else told(outcome)
    if rounds is None or not len(rounds.bought):
        return None
    name = [str(one) for one in outcome.ids.tolist()]
    bought = [float(rounds.effective[p, r]) for r, p in enumerate(rounds.bought.tolist())]
    lost = [p for p, won in enumerate(outcome.funded.tolist()) if not won]
    lost = sorted(lost, key=lambda p: (-int(outcome.votes[p]), p))[:MOST_LINES]
    lines = {name[p]: rounds.effective[p, : len(bought)].tolist() for p in lost}
    rows = [
        (f"{r + 1}: {name[p]}", f"{bought[r]:,.1f}",
         *(_votes(line[r]) for line in lines.values()))
        for r, p in enumerate(rounds.bought.tolist())
    ]  # fmt: skip
    return Plot(
        "effective-votes",
        _("Effective votes by round"),
        _("The thick orange line is the project bought in each round; blue lines are the projects "
          "with most votes that were not funded. 0: its supporters could not pay."),
        _lines(bought, lines),
        (_("Round and project bought"), _("Its effective votes"), *lines),
        rows,
    )  # fmt: skip


def _votes(number: float) -> str:
    return "" if isnan(number) else f"{number:,.1f}"


def _percent(share: float | None) -> str:
    return _("hidden") if share is None else f"{100 * share:.1f} %"


# --- shapes


def _frame(most: float, form: str) -> str:
    """Return the axes, with three marks on the upright one."""
    high = HEIGHT - TOP - BOTTOM
    parts = [
        f'<line class="axis" x1="{LEFT}" y1="{HEIGHT - BOTTOM}" x2="{WIDTH - RIGHT}" '
        f'y2="{HEIGHT - BOTTOM}"/>'
    ]
    for part in (0.0, 0.5, 1.0):
        y = HEIGHT - BOTTOM - part * high
        parts.append(
            f'<text x="{LEFT - 6}" y="{y + 5:.1f}" text-anchor="end">{form.format(most * part)}'
            f'</text><line class="axis" x1="{LEFT - 4}" y1="{y:.1f}" x2="{LEFT}" y2="{y:.1f}"/>'
        )
    return "".join(parts)


def _bars(labels: list[str], series: list[list[float]], form: str) -> str:
    most = max((n for row in series for n in row), default=1.0) or 1.0
    wide, high = (WIDTH - LEFT - RIGHT) / max(1, len(labels)), HEIGHT - TOP - BOTTOM
    each = max(1, -(-len(labels) * 44 // (WIDTH - LEFT - RIGHT)))
    parts = [_frame(most, form)]
    for n, label in enumerate(labels):
        for place, (kind, row) in enumerate(zip(("one", "two"), series, strict=False)):
            tall = high * row[n] / most
            parts.append(
                f'<rect class="{kind}" x="{LEFT + wide * (n + 0.1 + 0.4 * place):.1f}" '
                f'y="{HEIGHT - BOTTOM - tall:.1f}" width="{0.38 * wide:.1f}" height="{tall:.1f}"/>'
            )
        if n % each == 0:
            short = label if len(label) < 12 else f"{label[:11]}…"
            parts.append(
                f'<text x="{LEFT + wide * (n + 0.5):.1f}" y="{HEIGHT - BOTTOM + 18}" '
                f'text-anchor="middle">{escape(short)}</text>'
            )
    return "".join(parts)


def _legend(one: str, two: str) -> str:
    y = HEIGHT - 10
    return (
        f'<rect class="one" x="{LEFT}" y="{y - 11}" width="12" height="12"/>'
        f'<text x="{LEFT + 18}" y="{y}">{escape(one)}</text>'
        f'<rect class="two" x="{LEFT + 240}" y="{y - 11}" width="12" height="12"/>'
        f'<text x="{LEFT + 258}" y="{y}">{escape(two)}</text>'
    )


def _lines(bought: list[float], lines: dict[str, list[float]]) -> str:
    everything = [*bought, *(n for line in lines.values() for n in line if not isnan(n))]
    most = max(everything, default=1.0) or 1.0
    room = WIDTH - LEFT - RIGHT - 100
    step, high = room / max(1, len(bought) - 1), HEIGHT - TOP - BOTTOM

    def path(line: list[float]) -> str:
        return " ".join(
            f"{LEFT + step * r:.1f},{HEIGHT - BOTTOM - high * n / most:.1f}"
            for r, n in enumerate(line)
            if not isnan(n)
        )

    parts = [_frame(most, "{:,.0f}")]
    for place, (label, line) in enumerate(lines.items()):
        dash = f"{2 + 3 * place} {3 if place else 0}"
        parts.append(
            f'<polyline class="line" stroke-dasharray="{dash}" points="{path(line)}"/>'
            f'<line class="line" stroke-dasharray="{dash}" x1="{WIDTH - RIGHT - 84}" '
            f'y1="{TOP + 11 + 18 * place}" x2="{WIDTH - RIGHT - 56}" y2="{TOP + 11 + 18 * place}"/>'
            f'<text x="{WIDTH - RIGHT - 50}" y="{TOP + 16 + 18 * place}">'
            f"{escape(label[:7])}</text>"
        )
    parts.append(f'<polyline class="top" points="{path(bought)}"/>')
    parts.append(
        f'<text x="{LEFT + room / 2:.0f}" y="{HEIGHT - 14}" text-anchor="middle">'
        f"{escape(_('Rounds, from the first to the last'))}</text>"
    )
    return "".join(parts)
