"""What ``commonweal opinion`` says of a map, in sentences."""

import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from gettext import gettext as _
from gettext import ngettext
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from commonweal.cli.opinion_json import Told
    from commonweal.engine.opinion import Clique, Listed, Overview, Similar, Votes
    from commonweal.engine.opinion.residents import Residents

_MOST_LETTERS = 90
_MOST_NAMES = 8
_FEW_VOTES = 5
JOINS = "\u200c\u200d"  # between letters of Persian, and inside a picture of a family


def plain(text: str) -> str:
    """Leave out what could steer a terminal, and what it cannot show."""
    shown = "".join(c if c.isprintable() or c in JOINS else " " for c in text)
    encoding = sys.stdout.encoding or "ascii"
    return shown.encode(encoding, errors="replace").decode(encoding)


def in_words(told: "Told") -> Iterator[str]:
    """Yield the map line by line."""
    found, texts = told.found, told.texts
    yield _counts(found.votes)
    if told.silent:
        yield ngettext(
            "Nobody has voted on {count:,} more statement.",
            "Nobody has voted on {count:,} more statements.",
            len(told.silent),
        ).format(count=len(told.silent))
    if not len(found.votes):
        yield _("Nobody has voted yet, so there is nothing to say.")
        return
    if told.residents is not None:
        yield from _residents(found.votes, told.residents)
    yield from _how_sure(found)
    yield from _groups(found)
    yield ""
    clear = found.groups.count > 1
    yield from _list(
        _("Common ground: what most of every group agree on")
        if clear
        else _("Common ground: what most people agree on"),
        found,
        texts,
        found.common_ground,
        _("No statement is surely common ground yet."),
    )
    yield from _dividing(found, texts)
    for g in range(found.groups.count if clear else 0):
        own = [entry for entry in found.group_statements if entry.group == g]
        title = _("What is special to group {number}: how many more of them than of others").format(
            number=g + 1
        )
        yield from _list(title, found, texts, own, _("Nothing surely."))
    yield from _short_list(found, texts)
    if found.unsure:
        yield _("More votes would tell most about")
    for entry in found.unsure[:5]:
        yield "  " + ngettext(
            "{votes:,.0f} vote so far  {said}",
            "{votes:,.0f} votes so far  {said}",
            round(entry.votes),
        ).format(votes=entry.votes, said=_said(found.votes, texts, entry.statement))
    if found.unsure:
        yield ""
    yield from guards_in_words(told, everybody=False)


def _counts(votes: "Votes") -> str:
    people = ngettext("{count:,} person", "{count:,} people", len(votes.people))
    statements = ngettext("{count:,} statement", "{count:,} statements", len(votes.statements))
    cast = ngettext("{count:,} vote", "{count:,} votes", len(votes))
    return ", ".join(
        (
            people.format(count=len(votes.people)),
            statements.format(count=len(votes.statements)),
            cast.format(count=len(votes)),
        )
    )


def _residents(votes: "Votes", residents: "Residents") -> Iterator[str]:
    yield _("Weighted to those who live here, they count as {count:,.0f} people.").format(
        count=residents.effective
    )
    for column, unknown in residents.unknown.items():
        if unknown:
            yield _("Of {count:,} of {whole:,} people the {column} is not known.").format(
                count=unknown, whole=len(votes.people), column=column
            )
    for column, value, share in residents.nobody:
        yield _(
            "Nobody whose {column} is {value} takes part, {share:.0%} of those who live here: no "
            "weight makes up for them."
        ).format(column=column, value=value, share=share)
    if residents.apart > 0.005:
        yield _("Weights are held back at five times the usual; up to {apart:.0%} is left.").format(
            apart=residents.apart
        )


def _how_sure(found: "Overview") -> Iterator[str]:
    """Say it where few votes can tell little."""
    told = found.votes.tallies.sum(axis=1)
    few = int((told < _FEW_VOTES).sum())
    if few == len(told):
        yield _("No statement has five votes yet: too few to say what people think.")
    elif 2 * few > len(told):
        yield _("Most statements have fewer than five votes: of those nothing can be said.")


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
    kept = groups.stability or 0.0
    if groups.clear:
        said = _(
            "There are {count} clear groups, of {sizes} people (stability {kept:.2f} of 1 when a "
            "fifth of the votes is hidden)."
        )
    else:
        said = _(
            "There are signs of {count} groups, of {sizes} people, but they are not clear "
            "(stability {kept:.2f} of 1 when a fifth of the votes is hidden)."
        )
    yield said.format(count=groups.count, sizes=sizes, kept=kept)


def _dividing(found: "Overview", texts: dict[str, str]) -> Iterator[str]:
    nothing = _("Nothing surely divides people yet.")
    if found.groups.count == 1:
        title = _("What divides: how many are on the smaller side")
        yield from _list(title, found, texts, found.dividing, nothing)
        return
    yield _("What divides: how many more of one group agree than of another")
    for entry in found.dividing:
        agree = found.by_group.estimate[entry.statement, 2]
        shares = ", ".join(
            _("group {number} {share:.0%}").format(number=g + 1, share=share)
            for g, share in enumerate(agree.tolist())
        )
        yield "  " + _("{gap:>4.0%} ({low:.0%} to {high:.0%})  {said}").format(
            gap=entry.estimate,
            low=entry.low,
            high=entry.high,
            said=_said(found.votes, texts, entry.statement),
        )
        yield "       " + _("Agree: {shares}").format(shares=shares)
    if not found.dividing:
        yield f"  {nothing}"
    yield ""


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
            said=_said(found.votes, texts, entry.statement),
        )
    if not entries:
        yield f"  {nothing}"
    yield ""


def _said(votes: "Votes", texts: dict[str, str], statement: int) -> str:
    name = str(votes.statements[statement])
    text = " ".join(texts.get(name, "").split())
    short = text if len(text) <= _MOST_LETTERS else text[: _MOST_LETTERS - 1].rstrip() + "…"
    return f"{name}: {short}" if short else name


def _short_list(found: "Overview", texts: dict[str, str]) -> Iterator[str]:
    chosen = found.short_list
    yield _("Short list, in proportion to who agrees")
    for j in chosen.statements.tolist():
        yield "  " + _("{share:>4.0%} agree ({low:.0%} to {high:.0%})  {said}").format(
            share=float(found.overall.estimate[j, 2, 0]),
            low=float(found.overall.low[j, 2, 0]),
            high=float(found.overall.high[j, 2, 0]),
            said=_said(found.votes, texts, j),
        )
    if chosen.reached:
        yield "  " + _(
            "As far as votes and the map tell, {share:.0%} of people agree with at least one of them."
        ).format(share=chosen.reached[0])
    else:
        yield "  " + _("No statement has enough votes and agreement yet.")
    yield ""


# --- guards


def guards_in_words(told: "Told", *, everybody: bool) -> Iterator[str]:
    """Yield who was raised, with every name if ``everybody``, and what hangs on them."""
    cliques = told.cliques
    votes = told.found.votes
    if not cliques:
        yield _("No accounts look as if one hand moved them.")
        return
    yield _("Accounts for a moderator to look at; all their votes are counted above")
    for clique in cliques:
        yield f"  {_clique(clique)}"
        names = [str(votes.people[i]) for i in clique.people]
        shown = names if everybody else names[:_MOST_NAMES]
        more = "" if len(shown) == len(names) else _(" and {count:,} more")
        yield "    " + ", ".join(shown) + more.format(count=len(names) - len(shown))
    fallen = [
        each
        for each in told.hangs
        if not each.stands and (each.clique < 0 or len(told.cliques) > 1)
    ]
    if len(told.cliques) > 1:
        alone = {(each.headline, each.statement) for each in fallen if each.clique >= 0}
        fallen = [
            each
            for each in fallen
            if each.clique >= 0 or (each.headline, each.statement) not in alone
        ]
    if not told.hangs or not fallen:
        yield "  " + _("Without them, everything listed as common ground or as dividing stands.")
        return
    yield "  " + _("What would not be listed without them")
    for each in fallen:
        lists = {"common_ground": _("common ground"), "dividing": _("dividing")}
        who = (
            _("without all of them")
            if each.clique < 0
            else _("without the {count:,} accounts of crowd {number}").format(
                count=len(cliques[each.clique].people), number=each.clique + 1
            )
        )
        yield "    " + _("{kind}, {share:.0%} ({low:.0%} to {high:.0%}) {who}: {said}").format(
            kind=lists[each.headline],
            share=each.estimate,
            low=each.low,
            high=each.high,
            who=who,
            said=_said(votes, told.texts, each.statement),
        )


def _clique(clique: "Clique") -> str:
    """Say of a crowd why it was raised."""
    count, common = len(clique.people), clique.common
    if clique.kind == "burst":
        return _(
            "{count:,} accounts that came within {minutes:.0f} minutes, from {day}: {alike:.0%} of "
            "their votes are on one side each, where even people of one mind have {expected:.0%}."
        ).format(
            count=count,
            minutes=max(1.0, ((clique.ended or 0) - (clique.begun or 0)) / 60_000),
            day=_day(clique.begun),
            alike=clique.alike,
            expected=clique.expected,
        )
    if clique.kind == "same-few":
        said = _(
            "{count:,} accounts that vote on hardly anything but the same few statements, and are at "
            "one on {alike:.1%} of those two of them share; by themselves they would be on {expected:.0%}."
        )
    elif clique.kind == "copies":
        said = _(
            "{count:,} accounts with the same votes to the last one, on {common:.0f} statements; "
            "people who think like them are at one on {expected:.0%}."
        )
    else:
        said = _(
            "{count:,} accounts that are at one on {alike:.1%} of the {common:.0f} statements two "
            "of them share; people who think like them are on {expected:.0%}."
        )
    return said.format(count=count, common=common, alike=clique.alike, expected=clique.expected)


def _day(moment: int | None) -> str:
    try:
        return f"{datetime.fromtimestamp((moment or 0) / 1000, UTC):%Y-%m-%d %H:%M} UTC"
    except (OverflowError, OSError, ValueError):
        return str(moment)


# --- similar statements


def similar_in_words(
    votes: "Votes", pairs: "Sequence[Similar]", texts: dict[str, str]
) -> Iterator[str]:
    """Yield the pairs of similar statements, those to merge first."""
    if not pairs:
        yield _("No two statements are much alike.")
        return
    merge = [pair for pair in pairs if pair.merge]
    yield _("Merge: texts are alike, and who voted on both mostly said the same")
    yield from _pairs(votes, merge, texts)
    yield ""
    yield _("A person decides: texts are alike, but too few voted on both, or not alike")
    yield from _pairs(votes, [pair for pair in pairs if not pair.merge], texts)


def _pairs(votes: "Votes", pairs: "Sequence[Similar]", texts: dict[str, str]) -> Iterator[str]:
    for pair in pairs:
        if pair.same is None:
            said = _("{likeness:.0%} alike, nobody agreed or disagreed with both")
        else:
            said = _("{likeness:.0%} alike, {same:.0%} of {voters:,} said the same on both")
        yield "  " + said.format(likeness=pair.likeness, same=pair.same or 0, voters=pair.voters)
        yield f"    {_said(votes, texts, pair.first)}"
        yield f"    {_said(votes, texts, pair.second)}"
    if not pairs:
        yield "  " + _("None.")
