"""How passages, stances and differences are drawn."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from django import template
from django.utils.html import conditional_escape, escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from commonweal.listen.hearings.models import Channel, Comment, Kind, Passage, Stance
from commonweal.listen.hearings.queries import Stances

register = template.Library()
STRONG = re.compile(r"\*\*(?=\S)([^*\n]{1,2000}?)(?<=\S)\*\*")
EMPHASIS = re.compile(r"(?<![\w*])\*(?=[^\s*])([^*\n]{1,2000}?)(?<=[^\s*])\*(?![\w*])")
LINK = re.compile(r"\[([^\[\]\n]{1,500})\]\((https?://[^\s()<>\"']{1,500})\)")
COLOURS = {"support": "a", "change": "d", "oppose": "b", "neither": "c"}


@register.filter
def prose(text: str) -> SafeString:
    """Write words with their few marks: **strong**, *emphasis*, links to the web; nothing else."""
    said = str(escape(text))
    if "*" in said:
        said = EMPHASIS.sub(r"<em>\1</em>", STRONG.sub(r"<strong>\1</strong>", said))
    if "](" in said:
        said = LINK.sub(r'<a href="\2" rel="nofollow noopener">\1</a>', said)
    return mark_safe(said.replace("\n", "<br>"))  # noqa: S308 - escaped before our marks go in


# A document has hundreds of passages: the pieces that are the same for all are worked out once a page.


@register.simple_tag
def passage_rows(
    passages: Iterable[tuple[Passage, int]],
    address: str,
    takes_comments: bool,
    bubble: str,
    tick: str,
) -> SafeString:
    """Draw the passages of a document: number, words, how many comments, and whether one is answered."""
    alone = _('Look at it alone<span class="cw-hide">: passage %(n)s</span>')
    said = {
        0: _('Comment<span class="cw-hide"> on passage %(n)s</span>') if takes_comments else alone
    }
    number = _('<span class="cw-hide">Passage </span>%(n)s')
    answered, rows = _("Answered"), []
    for one, deep in passages:
        count: int = one.comment_count  # type: ignore[attr-defined]
        words = said.get(count) or said.setdefault(count, _said_on(count))
        done = one.answered  # type: ignore[attr-defined]
        tail = f'<span class="cw-passage__answer">{tick}{answered}</span>' if done else ""
        n = {"n": one.number}
        rows.append(
            f'<div class="cw-passage" id="passage-{one.number}"><a class="cw-passage__no"'
            f' href="#passage-{one.number}">{number % n}</a><div class="cw-passage__body">'
            f'{passage_body(one, deep)}<p class="cw-passage__say">'
            f'<a href="{address}passages/{one.number}/">{bubble}<span>{words % n}</span></a>{tail}'
            "</p></div></div>"
        )
    return mark_safe("".join(rows))  # noqa: S308 - numbers, our own words, and passages drawn below


def _said_on(count: int) -> str:
    words = ngettext(
        '%(count)s comment<span class="cw-hide"> on passage %(n)s</span>',
        '%(count)s comments<span class="cw-hide"> on passage %(n)s</span>',
        count,
    )
    return words % {"count": f"{count:,}", "n": "%(n)s"}


@register.simple_tag
def content_rows(contents: Iterable[tuple[Passage, str]]) -> SafeString:
    """Draw the list of contents."""
    rows = (
        f'<li class="cw-in{row.level}"><a href="{href}">{_label(row)}<bdi>{escape(row.text)}</bdi></a></li>'
        for row, href in contents
    )
    return mark_safe("".join(rows))  # noqa: S308 - every word is escaped


@register.simple_tag
def passage_body(passage: Passage, deep: int = 3) -> SafeString:
    """Draw the words of a passage as what they are."""
    words = prose(passage.text)
    label = _label(passage)
    if passage.kind == Kind.HEADING:
        return format_html('<h{} dir="auto">{}{}</h{}>', deep, label, words, deep)
    if passage.kind == Kind.TABLE:
        return _table(passage)
    if passage.kind == Kind.ITEM:
        return format_html('<p class="cw-in{} cw-bullet" dir="auto">{}</p>', passage.level, words)
    if passage.kind == Kind.CLAUSE:
        return format_html('<p class="cw-in{}" dir="auto">{}{}</p>', passage.level, label, words)
    return format_html('<p dir="auto">{}</p>', words)


def _label(passage: Passage) -> SafeString:
    return (
        format_html('<b class="cw-num">{}</b> ', passage.label) if passage.label else SafeString("")
    )


def _table(passage: Passage) -> SafeString:
    head, *rows = [row.split(" | ") for row in passage.text.split("\n")]
    width = len(head)
    top = format_html_join("", '<th scope="col">{}</th>', ((prose(cell),) for cell in head))
    body = format_html_join(
        "", "<tr>{}</tr>",
        ((format_html_join("", "<td>{}</td>", ((prose(cell),) for cell in _filled(row, width))),) for row in rows),
    )  # fmt: skip
    return format_html(
        '<div class="cw-scroll" tabindex="0" role="region" aria-label="{}" dir="auto">'
        '<table class="govuk-table"><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>',
        _("The table of passage %(n)s") % {"n": passage.number}, top, body,
    )  # fmt: skip


def _filled(row: list[str], width: int) -> list[str]:
    return [*row[:width], *[""] * (width - len(row))]


@register.simple_tag
def first_words(passage: Passage) -> str:
    """Return what to call a passage in a list: its number in the document and its first words."""
    words = " ".join(passage.text.replace(" | ", " ").replace("**", "").split())
    short = words if len(words) <= 90 else words[:90].rsplit(" ", 1)[0] + "…"
    return f"{passage.label} {short}".strip()


@register.simple_tag
def marked(difference: Iterable[tuple[str, str]]) -> SafeString:
    """Draw what became of words: taken out struck through, put in underlined, and both said aloud."""
    ways = {
        "=": "{}",
        "-": '<del><span class="cw-hide">' + escape(_("taken out:")) + " </span>{}</del>",
        "+": '<ins><span class="cw-hide">' + escape(_("put in:")) + " </span>{}</ins>",
    }
    parts = [
        ways[sign].format(conditional_escape(words)) for sign, words in difference if sign in ways
    ]
    return mark_safe("".join(parts).replace("\n", "<br>"))  # noqa: S308 - each part is escaped


@lru_cache
def _stance_names(language: str | None) -> dict[str, str]:
    return {stance: str(stance.label) for stance in Stance}


@register.simple_tag
def stance_bar(counts: Stances) -> SafeString:
    """Draw how people stand as one bar; the words say the same."""
    x, bars = 0.0, ""
    for stance, count, share in counts.rows:
        if count:
            width = share * 100
            bars += f'<rect class="{COLOURS[stance.value]}" x="{x:.2f}" width="{width:.2f}" height="8"/>'
            x += width
    names = _stance_names(get_language())
    told = ", ".join(f"{names[stance]}: {count:,}" for stance, count, _share in counts.rows)
    return format_html(
        '<svg class="cw-bar cw-bar--line" viewBox="0 0 100 8" preserveAspectRatio="none" role="img"'
        ' aria-label="{}"><rect class="bg" width="100" height="8"/>{}</svg>',
        told, SafeString(bars),
    )  # fmt: skip


@register.simple_tag
def name_of(said: Comment) -> str:
    """Return what others call whoever said it."""
    if said.person_id is not None:
        return str(said.person)
    if said.name:
        return said.name
    if said.channel != Channel.ONLINE:
        return (
            _("Somebody who wrote to us") if said.channel in ("letter", "mail") else _("Somebody")
        )
    return _("Somebody without an account")


@register.simple_tag
def agree_count(count: int) -> str:
    """Return how many agree, in words; nothing where nobody does yet."""
    if not count:
        return ""
    return ngettext("%(n)s agrees", "%(n)s agree", count) % {"n": f"{count:,}"}


@register.simple_tag
def reply_count(count: int) -> str:
    """Return how many replies there are, in words."""
    return ngettext("%(n)s reply", "%(n)s replies", count) % {"n": f"{count:,}"}


@register.simple_tag
def on_passage(passage: Passage) -> str:
    """Return which passage something is about, in words."""
    return _("Passage %(n)s") % {"n": passage.number}


@register.simple_tag
def stance_cells(counts: Stances) -> SafeString:
    """Draw the cells of a table that say how many took which stance."""
    cells = (f'<td class="n">{count:,}</td>' for _stance, count, _share in counts.rows)
    return mark_safe("".join(cells))  # noqa: S308 - numbers


@register.simple_tag
def how_many(count: int) -> str:
    """Return how many comments there are, in words."""
    return ngettext("%(n)s comment", "%(n)s comments", count) % {"n": f"{count:,}"}
