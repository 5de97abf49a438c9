"""The front-end files hold nothing that is licensed for GOV.UK alone, and point nowhere else."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
_spec = importlib.util.spec_from_file_location("frontend", ROOT / "tools" / "frontend.py")
assert _spec is not None
assert _spec.loader is not None
frontend = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(frontend)

SHEET = """@charset "UTF-8";
/*! Copyright (c) 2011 by Somebody. All rights reserved. This cut is not commercially available. */
@font-face{font-family:GDS Transport;src:url(/a.woff2) format("woff2"),url(/b.woff) format("woff")}
@font-face { font-family: "GDS Transport"; font-weight: 700; src: url("/c.woff2") }
.a{font-family:GDS Transport,arial,sans-serif;color:red}
.b{font-family:"GDS Transport",arial}
.crest:before{content:"";background-image:url(/crest.svg);background-size:1px}
.mask{-webkit-mask-image:url(/crest.svg);mask-image:url('/crest.svg')}
.both{background:red url(data:image/svg+xml;base64,AAAA) no-repeat;margin:0}
@media (min-width:40em){.c{width:calc(100% - 1px);background:url(x.png)}}
/*# sourceMappingURL=sheet.css.map */
"""


def test_the_stripped_sheet_names_no_address_and_no_foreign_font() -> None:
    css = frontend.stripped_css(SHEET)
    for unwanted in ("url(", "GDS", "@font-face", "sourceMappingURL", "crest.svg", "Copyright"):
        assert unwanted not in css


def test_the_stripped_sheet_keeps_every_other_declaration() -> None:
    css = frontend.stripped_css(SHEET)
    for kept in (
        '@charset "UTF-8";',
        ".a{font-family:var(--sans,system-ui),arial,sans-serif;color:red}",
        ".b{font-family:var(--sans,system-ui),arial}",
        '.crest:before{content:"";background-size:1px}',
        ".mask{}",
        "margin:0}",
        "@media (min-width:40em){.c{width:calc(100% - 1px);}}",
    ):
        assert kept in css
    assert css.count("{") == css.count("}")


def test_an_ordinary_copyright_line_stays() -> None:
    css = "/*! Copyright (c) 2020 A. Free for all. */.a{color:red}"
    assert frontend.stripped_css(css) == css + "\n"


def test_a_script_loses_only_its_source_map() -> None:
    script = "export{a};//# sourceMappingURL=a.js.map\n"
    assert frontend.without_source_map(script) == "export{a};\n"


def test_a_missing_package_is_named(tmp_path: Path) -> None:
    with pytest.raises(frontend.SetupError, match=r"govuk-frontend\.min\.css"):
        frontend.build(tmp_path / "nothing", tmp_path / "out")


def test_a_sheet_with_an_address_left_is_refused_and_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "sheet.css"
    source.write_text(".a{src:url(x)}")
    files = {"govuk-frontend.css": ("sheet.css", str)}
    monkeypatch.setattr(frontend, "FILES", files)
    with pytest.raises(frontend.SetupError, match=r"url\("):
        frontend.build(tmp_path, tmp_path / "out")
    assert not (tmp_path / "out" / "govuk-frontend.css").exists()


def test_a_failing_npm_is_explained_without_a_traceback(tmp_path: Path) -> None:
    """A tree of its own, with an npm that fails, is set up as a person would."""
    for name in ("tools/frontend.py", "package-lock.json", "LICENSE"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    tools = tmp_path / "bin"
    tools.mkdir()
    for name, script in (("node", "echo v20.1.0"), ("npm", "echo no registry answers; exit 1")):
        (tools / name).write_text(f"#!/bin/sh\n{script}\n")
        (tools / name).chmod(0o755)
    path = f"{tools}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [sys.executable, tmp_path / "tools" / "frontend.py"],
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert "npm could not fetch the front-end packages" in done.stderr
    assert "no registry answers" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_built_files_are_whole_and_clean() -> None:
    """Set-up has run before any test does, so the files are there."""
    css = (frontend.VENDOR / "govuk-frontend.css").read_text(encoding="utf-8")
    assert ".govuk-button" in css
    for unwanted in ("url(", "GDS Transport", "@font-face", "sourceMappingURL"):
        assert unwanted not in css
    for name in frontend.FILES:
        path = frontend.VENDOR / name
        assert path.stat().st_size > 500, name
        if path.suffix == ".js":
            assert "sourceMappingURL" not in path.read_text(encoding="utf-8")
        if path.suffix == ".woff2":
            assert path.read_bytes()[:4] == b"wOF2"
