"""How passages, stances and differences are drawn."""

from __future__ import annotations

import re
from collections.abc import Iterable

from django import template
from django.utils.html import conditional_escape, escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from commonweal.listen.hearings.models import Channel, Comment, Kind, Passage
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


@register.simple_tag
def passage_body(passage: Passage, deep: int = 3) -> SafeString:
    """Draw the words of a passage as what they are."""
    words = prose(passage.text)
    label = _label(passage)
    if passage.kind == Kind.HEADING:
        return format_html('<h{} dir="auto">{}{}</h{}>', deep, label, words, deep)
    if passage.kind == Kind.TABLE:
        return _table(passage.text)
    if passage.kind == Kind.ITEM:
        return format_html('<p class="cw-in{} cw-bullet" dir="auto">{}</p>', passage.level, words)
    if passage.kind == Kind.CLAUSE:
        return format_html('<p class="cw-in{}" dir="auto">{}{}</p>', passage.level, label, words)
    return format_html('<p dir="auto">{}</p>', words)


def _label(passage: Passage) -> SafeString:
    return (
        format_html('<b class="cw-num">{}</b> ', passage.label) if passage.label else SafeString("")
    )


def _table(text: str) -> SafeString:
    head, *rows = [row.split(" | ") for row in text.split("\n")]
    width = len(head)
    top = format_html_join("", '<th scope="col">{}</th>', ((prose(cell),) for cell in head))
    body = format_html_join(
        "", "<tr>{}</tr>",
        ((format_html_join("", "<td>{}</td>", ((prose(cell),) for cell in _filled(row, width))),) for row in rows),
    )  # fmt: skip
    return format_html(
        '<div class="cw-scroll" tabindex="0" role="region" aria-label="{}" dir="auto">'
        '<table class="govuk-table"><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>',
        _("A table of the document"), top, body,
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


@register.simple_tag
def stance_bar(counts: Stances) -> SafeString:
    """Draw how people stand as one bar; the words say the same."""
    x, drawn = 0.0, []
    for stance, count, share in counts.rows:
        if count:
            width = share * 100
            drawn.append((COLOURS[stance.value], f"{x:.2f}", f"{width:.2f}"))
            x += width
    told = ", ".join(f"{stance.label}: {count}" for stance, count, _share in counts.rows)
    bars = format_html_join("", '<rect class="{}" x="{}" width="{}" height="8"/>', drawn)
    return format_html(
        '<svg class="cw-bar cw-bar--line" viewBox="0 0 100 8" preserveAspectRatio="none" role="img"'
        ' aria-label="{}"><rect class="bg" width="100" height="8"/>{}</svg>',
        told, bars,
    )  # fmt: skip


@register.filter
def stance_colour(code: str) -> str:
    """Return the colour class of a stance."""
    return COLOURS.get(code, "c")


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
def how_many(count: int) -> str:
    """Return how many comments there are, in words."""
    return ngettext("%(n)s comment", "%(n)s comments", count) % {"n": f"{count:,}"}
