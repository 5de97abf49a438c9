"""Whatever people wrote can be printed."""

from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from commonweal.kit.printing import as_pdf, is_printable, printable

PAGE = """#let given = json(bytes(sys.inputs.given))
#set document(title: given.title, author: "Larkmere")
#set text(font: "Source Sans Pro", lang: "en")
#heading(level: 1, given.title)
#for line in given.lines { par(line) }
"""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found: Path = tmp_path_factory.mktemp("printing") / "page.typ"
    found.write_text(PAGE)
    return found


@settings(max_examples=60, deadline=None)
@given(words=st.text(max_size=12))
@example(words="👩‍👩‍👧 for all")
@example(words="你好")
@example(words="\u202egnp.exe \u200b\u2066 \u0301")
@example(words="a\x00b\x07\ufffe")
@example(words="#emph[x] \\ $y$ <z> @w")
@example(words="मस्ते\u0301क\u0341א\u0300م\u0301")
def test_no_word_is_too_strange_to_print(template: Path, words: str) -> None:
    pdf = as_pdf(template, {"title": words.strip() or "-", "lines": [words, "Plain"]})
    assert pdf.startswith(b"%PDF-") and b"/StructTreeRoot" in pdf


@given(words=st.text(alphabet=st.characters(min_codepoint=0x20, max_codepoint=0x17F)))
def test_latin_letters_stay_as_they_are(words: str) -> None:
    signs = [sign for sign in words if not 0x7F <= ord(sign) < 0xA0]  # the others steer
    if not "".join(signs).strip():
        assert printable(words).strip() == ("?" if words.strip() else "")
        return
    assert all(sign in printable(words) for sign in signs)


def test_what_no_font_holds_is_left_out_and_a_letter_becomes_a_question_mark() -> None:
    assert printable("Swings 👩‍👩‍👧 here") == "Swings  here"
    assert printable(["你好, Tŷ Ŵyn", {"to": "👩"}]) == ["??, Tŷ Ŵyn", {"to": "?"}]
    assert printable("Київ, Ελλάδα, שלום") == "Київ, Ελλάδα, שלום"
    assert printable({"square": [0, 255], "none": None}) == {"square": [0, 255], "none": None}


@pytest.mark.parametrize("sign", ["\u202e", "\u2066", "\x07", "\ue000", "你", "👩"])
def test_a_sign_that_turns_lines_around_or_has_no_picture_is_not_printed(sign: str) -> None:
    assert not is_printable(sign)
