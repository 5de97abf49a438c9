"""Templates: they compile, hold no inline code, and every word can be translated."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.template import engines
from django.template.base import Lexer, TokenType

from tests.house.source import PRODUCT, TEMPLATES, files, name

SPOKEN = {"aria-label", "aria-description", "title", "alt", "placeholder", "summary", "label"}
QUIET = {"script", "style", "code"}
OURS = {"Commonweal"}  # the product's name stays as it is in every language
LETTERS = re.compile(r"[^\W\d_]{2,}")


class Words(HTMLParser):
    """Collects the words of a page's source that no translator would see."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.found: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in QUIET:
            self.open.append(tag)
        given = {key: value or "" for key, value in attrs}
        pressed = tag in {"button", "input"} and given.get("type") in {"submit", "button", "reset"}
        for key, value in given.items():
            if key in SPOKEN or (key == "value" and pressed and tag == "input"):
                self._look(value)

    def handle_endtag(self, tag: str) -> None:
        if tag in self.open:
            self.open.remove(tag)

    def handle_data(self, data: str) -> None:
        if not self.open:
            self._look(data)

    def _look(self, text: str) -> None:
        left = LETTERS.findall(text)
        if set(left) - OURS:
            self.found.append(" ".join(text.split())[:80])


def bare(source: str) -> str:
    """Return a template without its tags, and without the text that translation tags hold."""
    kept, inside = [], ""
    for token in Lexer(source).tokenize():
        first = token.contents.split()[0] if token.contents.split() else ""
        if token.token_type == TokenType.BLOCK:
            if first in {"blocktranslate", "blocktrans", "comment"}:
                inside = f"end{first}"
            elif first == inside:
                inside = ""
        elif token.token_type == TokenType.TEXT and not inside:
            kept.append(token.contents)
    return "".join(kept)


# A mail brings its own style: no style sheet reaches it.
PAGES = [p for p in TEMPLATES if "email" not in p.parts and p.stem != "mail"]


def test_the_scan_sees_words_that_no_translator_would() -> None:
    source = (
        '<p aria-label="Spoken">{% translate "Fine" %} Not fine {{ n }}</p>'
        "<a title=\"{% translate 'Fine' %}\">{% blocktranslate %}Fine{% endblocktranslate %}</a>"
        '<input type="submit" value="Send"><script>let x = 1</script>'
    )
    assert Words(bare(source)).found == ["Spoken", "Not fine", "Send"]


@pytest.mark.parametrize("path", TEMPLATES, ids=name)
def test_every_word_of_a_template_can_be_translated(path: Path) -> None:
    assert Words(bare(path.read_text(encoding="utf-8"))).found == []


MAILS = sorted(PRODUCT.rglob("templates/**/*.txt"))


@pytest.mark.parametrize("path", MAILS, ids=name)
def test_every_word_of_a_mail_can_be_translated(path: Path) -> None:
    left = LETTERS.findall(bare(path.read_text(encoding="utf-8")))
    assert set(left) - OURS == set()


@pytest.mark.parametrize("path", [*TEMPLATES, *MAILS], ids=name)
def test_a_template_compiles_and_loads_only_what_there_is(path: Path) -> None:
    engines["django"].from_string(path.read_text(encoding="utf-8"))


FORBIDDEN = {
    "an inline style": re.compile(r"<[^>]*\sstyle\s*=|<style\b", re.I),
    "an inline handler": re.compile(r"<[^>]*\son[a-z]+\s*=", re.I),
    "a javascript address": re.compile(r"javascript:", re.I),
    "an inline script": re.compile(
        r"<script(?![^>]*\b(src|type=\"application/json\"))[^>]*>", re.I
    ),
    "a script without a nonce": re.compile(r"<script(?![^>]*\bnonce=)(?![^>]*json)[^>]*>", re.I),
    "the safe filter": re.compile(r"\|\s*safe(seq)?\b|\{%\s*autoescape\s+off"),
    "an address of another host": re.compile(r"(src|action|<link[^>]*href)=\"(https?:)?//"),
    "Django's own untranslated words": re.compile(r"\{%\s*lorem"),
}


def test_no_template_holds_code_of_its_own() -> None:
    found = []
    for path in PAGES:
        source = re.sub(r"\{\{.*?\}\}|\{%.*?%\}", lambda m: m[0].replace(">", ""), path.read_text())
        found += [
            f"{name(path)}: {what}" for what, sign in FORBIDDEN.items() if sign.search(source)
        ]
    assert found == []


def test_no_style_sheet_or_script_asks_another_host() -> None:
    sheets = list(files(".css", ".js", ".svg", under=PRODUCT / "web" / "static"))
    assert sheets
    away = re.compile(r"(?<!w3\.org)(https?:)?//(?!www\.w3\.org)[a-z0-9-]+\.[a-z]", re.I)
    for path in sheets:
        text = re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.S)
        text = re.sub(r"^\s*//.*$", "", text, flags=re.M)
        assert not away.search(text), name(path)


def test_a_sentence_is_never_built_from_translated_pieces() -> None:
    glued = re.compile(r"\{%\s*translate [^%]*%\}[ ,]*\{\{[^}]*\}\}\s*\{%\s*translate ")
    assert [name(p) for p in TEMPLATES if glued.search(p.read_text())] == []
