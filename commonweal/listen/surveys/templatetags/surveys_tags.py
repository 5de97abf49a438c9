"""What a page of sixty questions says so often that a template would be slow."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from django import template
from django.utils.formats import number_format
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, gettext_noop
from django.utils.translation import gettext as _

from commonweal.listen.surveys.queries import Told, in_words, who_said

register = template.Library()

BAR = (
    '<svg class="cw-bar cw-bar--line" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">'
    '<rect class="bg" width="100" height="8"/><rect class="a" width="{:.2f}" height="8"/></svg>'
)


HEADS = (gettext_noop("People"), gettext_noop("Of 100"))
HIDDEN = '<span class="cw-hidden-cell">{}</span>'


@register.simple_tag
def told(line: Told) -> SafeString:
    """Write what was found of one question: in sentences, and as a table with bars."""
    found = " ".join(in_words(line, _strong, _own))
    if not line.answered:
        before = f"{HIDDEN.format(escape(_('hidden')))} " if line.is_small else ""
        return mark_safe(f"<p>{before}{found}</p>")  # noqa: S308 - ours
    who = f'<span class="cw-soft">{" ".join(who_said(line, _own))}</span>'
    table = _table(line) if line.bars else ""
    return mark_safe(f"<p>{found} {who}</p>{table}")  # noqa: S308 - what others wrote is escaped


def _strong(said: object) -> str:
    return f"<strong>{said}</strong>"


def _own(said: str) -> str:
    return f"<bdi>{escape(said)}</bdi>"


class Words(NamedTuple):
    """What every table says, in one language: looked up once, not for each of a thousand cells."""

    answer: str
    people: str
    here: str
    hidden: str
    between: str  # thousands


@lru_cache(maxsize=50)
def _words_in(language: str | None) -> Words:
    numbers = "".join(f'<th scope="col" class="n">{escape(_(head))}</th>' for head in HEADS)
    return Words(
        f'<th scope="col">{escape(_("Answer"))}</th>',
        numbers,
        f'<th scope="col" class="n">{escape(_("Of 100 who live here"))}</th>',
        f'<td class="n">{HIDDEN.format(escape(_("hidden")))}</td><td class="n"></td>',
        number_format(1_000, force_grouping=True)[1:-3],
    )


def _table(line: Told) -> str:
    words, question = _words_in(get_language()), escape(line.item.words)
    head = words.answer + words.people + (words.here if line.is_compared else "")
    return (
        f'<div class="cw-scroll" role="region" tabindex="0" aria-label="{question}"><table class="govuk-table">'
        f'<caption class="cw-hide">{question}</caption><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(_rows(line, words))}</tbody></table></div>"
    )


def _rows(line: Told, words: Words) -> Iterator[str]:
    is_compared = line.is_compared
    for bar in line.bars:
        drawn, people, here = "", words.hidden, ""
        if bar.count is not None and bar.share is not None:
            drawn = BAR.format(100 * bar.share)
            count = f"{bar.count:,}".replace(",", words.between)
            people = f'<td class="n">{count}</td><td class="n">{bar.percent}</td>'
        if is_compared:
            here = f'<td class="n">{"" if bar.percent_here is None else bar.percent_here}</td>'
        said = f'<span class="cw-block" dir="auto">{escape(bar.words)}</span>'
        yield f'<tr><th scope="row">{said}{drawn}</th>{people}{here}</tr>'
