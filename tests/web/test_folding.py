"""Templates are folded: what never changes is drawn once, and nothing else is."""

import pytest
from django.template import Context, engines
from django.template.base import TextNode
from django.urls import NoReverseMatch
from django.utils import translation

from commonweal.web.folding import Fixed, folded

TEXT = """{% load static %}<a href="{% url "challenges:list" %}">{% icon "people" %}{% translate "Yes" %}</a>
{% if n %}{% translate "No" %} {{ n }}{% else %}{% static "mark.svg" %}{% endif %}
{% for one in many %}{% translate "Yes" %}{{ one }}{% url "challenges:challenge" one %}{% endfor %}
{% translate "Yes" as said %}{{ said|upper }}{% blocktranslate %}No {{ n }}{% endblocktranslate %}"""


def _both(**known: object) -> tuple[str, str]:
    plain = engines["django"].from_string(TEXT).template
    laid = engines["django"].from_string(TEXT).template
    laid.nodelist = folded(laid.nodelist)
    return plain.render(Context(known)), laid.render(Context(known))


def test_a_folded_template_says_what_it_said():
    for known in ({}, {"n": 3}, {"many": ["a", "b"]}, {"n": "<b>", "many": ["c-1", 7]}):
        plain, laid = _both(**known)
        assert plain == laid


def test_an_address_that_no_page_has_is_refused_as_before():
    text = '{% url "challenges:challenge" one %}'
    laid = engines["django"].from_string(text).template
    laid.nodelist = folded(laid.nodelist)
    assert laid.render(Context({"one": "warm-homes"})) == "/challenges/warm-homes/"
    with pytest.raises(NoReverseMatch):
        laid.render(Context({"one": ""}))


def test_each_language_keeps_its_own_words():
    laid = engines["django"].from_string(TEXT).template
    laid.nodelist = folded(laid.nodelist)
    said = {}
    for language in ("en-gb", "cy", "de", "en-gb"):
        with translation.override(language):
            fresh = engines["django"].from_string(TEXT).template.render(Context({"many": ["a"]}))
            said[language] = laid.render(Context({"many": ["a"]}))
            assert said[language] == fresh
    assert len(set(said.values())) == 3


def test_what_depends_on_the_page_is_not_kept():
    pieces = folded(engines["django"].from_string(TEXT).template.nodelist)
    assert [type(piece).__name__ for piece in pieces] == [
        "Fixed", "IfNode", "TextNode", "ForNode", "TextNode", "TranslateNode", "VariableNode",
        "BlockTranslateNode",
    ]  # fmt: skip


def test_the_pages_of_the_site_are_folded():
    page = engines["django"].get_template("page.html").template
    assert any(isinstance(piece, Fixed) for piece in page.nodelist)
    assert not any(
        isinstance(before, TextNode) and isinstance(after, TextNode)
        for before, after in zip(page.nodelist, page.nodelist[1:], strict=False)
    )
