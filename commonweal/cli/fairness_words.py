"""What ``commonweal tally --fairness`` says of a count to people."""

from collections.abc import Iterator
from gettext import gettext as _
from gettext import ngettext
from typing import Any

BAR = 24


def as_lines(found: dict[str, Any]) -> Iterator[str]:
    """Yield the lines that tell people how fair a count was."""
    rival = found["against_greedy"]
    yield ""
    yield _("Who got what")
    yield _proportional(found["ejr_plus"])
    yield from _paid(found["priceability"])
    yield ""
    yield _(
        "Voters by number of funded projects on the ballot\n(in brackets: if the most votes had gone first)"
    )
    yield from _histogram(found["funded_approvals"])
    yield ""
    yield _("{here:,} voters got nothing; under most votes first, {there:,} would have.").format(
        here=found["voters_with_nothing"], there=rival["voters_with_nothing"]
    )
    yield _(
        "{more:,} voters have more funded projects here, {less:,} fewer, {same:,} as many."
    ).format(
        more=rival["more_funded_here"], less=rival["more_funded_by_greedy"], same=rival["as_many"]
    )
    yield _(
        "The funded projects on a ballot cost {here} on average;\n"
        "under most votes first it would be {there}."
    ).format(here=_money(found["average_pence"]), there=_money(rival["average_pence"]))
    yield _("Gini coefficient of that: {here:.2f}, against {there:.2f}.").format(
        here=found["gini"], there=rival["gini"]
    )
    for name, groups in found["groups"].items():
        yield ""
        yield from _group_table(name, groups)


def _proportional(ejr: dict[str, Any]) -> str:
    group = ejr["group"]
    if group is None:
        return _("No group was left out: EJR+ up to one holds.")
    return _(
        "A group was left out: {voters:,} voters for {project}, whose part of the money was {part},\n"
        "but it costs {cost} and none of them got more than {most}. EJR+ up to one is broken."
    ).format(
        voters=group["voters"],
        project="".join(c for c in group["project"] if c.isprintable()),
        part=_money(group["part_pence"]),
        cost=_money(group["cost_pence"]),
        most=_money(group["most_funded"]) if ejr["measure"] == "cost" else group["most_funded"],
    )


def _paid(found: dict[str, Any] | None) -> Iterator[str]:
    if found is None:
        return
    projects = len(found["payments"])
    said = (
        ngettext(
            "The payments for {count} project add up, to the last fraction of a penny.",
            "The payments for {count} projects add up, to the last fraction of a penny.",
            projects,
        )
        if found["holds"]
        else _("The payments for {count} projects do not pass every check: see --format json.")
    )
    yield said.format(count=projects)


def _histogram(found: dict[str, list[int]]) -> Iterator[str]:
    most = max(*found["outcome"], *found["greedy"], 1)
    for number, (here, there) in enumerate(zip(found["outcome"], found["greedy"], strict=True)):
        bar = "#" * round(BAR * here / most)
        yield f"  {number:>3}  {here:>10,}  ({there:,})".ljust(34) + f"  {bar}".rstrip()


def _group_table(name: str, groups: list[dict[str, Any]]) -> Iterator[str]:
    heads = (name.capitalize(), _("Voters"), _("Share of voters"), _("Share of spend"))
    rows = [
        (
            "".join(c for c in group["label"] if c.isprintable())[:24],
            _("hidden") if group["voters"] is None else f"{group['voters']:,}",
            _percent(group["share_of_voters"]),
            _percent(group["share_of_spend"]),
        )
        for group in groups
    ]
    for row in (heads, *rows):
        yield f"  {row[0]:<24}  {row[1]:>10}  {row[2]:>15}  {row[3]:>14}".rstrip()


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.1f} %"


def _money(pence: float) -> str:
    return f"{pence / 100:,.2f}".removesuffix(".00")
