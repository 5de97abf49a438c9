"""Write the pages of ``docs/reference`` that can be read off the code: commands, routes, engine.

python tools/reference.py            write them
python tools/reference.py --check    only say which are out of date, with exit code 1
"""

import argparse
import dataclasses
import inspect
import os
import re
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
PAGES = ROOT / "docs" / "reference"
MADE = "<!-- Made by tools/reference.py: change the code, then run it again. -->"


def page(title: str, lede: str, *parts: str) -> str:
    """Return a page with its title, a sentence about it, and its parts."""
    return "\n\n".join([f"# {title}", MADE, lede, *parts]) + "\n"


def table(heads: list[str], rows: list[list[str]]) -> str:
    """Return a Markdown table.

    >>> print(table(["a", "b"], [["1", "x|y"]]))
    | a | b |
    |---|---|
    | 1 | x\\|y |
    """
    lines = [heads, *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    written = [f"| {' | '.join(line)} |" for line in lines]
    return "\n".join([written[0], "|" + "---|" * len(heads), *written[1:]])


# Commands


def _options(parser: argparse.ArgumentParser) -> str:
    rows = []
    for action in parser._actions:
        if isinstance(action, (argparse._HelpAction, argparse._SubParsersAction)):
            continue
        words = action.option_strings or [str(action.metavar or action.dest).upper()]
        names = ", ".join(f"`{word}`" for word in words)
        choices = f"; one of {', '.join(map(str, action.choices))}" if action.choices else ""
        rows.append([names, (action.help or "") % vars(action) + choices])
    return table(["given", "meaning"], rows) if rows else ""


def _command(name: str, parser: argparse.ArgumentParser, level: int) -> Iterator[str]:
    yield f"{'#' * level} `commonweal {name}`"
    yield " ".join((parser.description or "").split())
    if options := _options(parser):
        yield options
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for child, below in action.choices.items():
                yield from _command(f"{name} {child}", below, level + 1)


def _managed() -> Iterator[str]:
    """Tell the commands of ours that ``commonweal manage`` runs beside Django's."""
    from django.core.management import BaseCommand, get_commands, load_command_class

    usual = {action.dest for action in BaseCommand().create_parser("", "")._actions}
    ours = {name: app for name, app in get_commands().items() if app.startswith("commonweal.")}
    for name, app in sorted(ours.items()):
        parser = load_command_class(app, name).create_parser("", name)
        parser._actions = [action for action in parser._actions if action.dest not in usual]
        yield from _command(f"manage {name}", parser, 3)


def commands() -> str:
    """Return the page of every command of ``commonweal``."""
    from commonweal.cli import main

    parts: list[str] = []
    for name in main.COMMANDS:
        children = next(
            action
            for action in main.parser(name)._actions
            if isinstance(action, argparse._SubParsersAction)
        )
        parts += _command(name, children.choices[name], 2)
        parts += _managed() if name == "manage" else []
    lede = (
        "`commonweal COMMAND --help` says the same. Exit codes: 0 all is well; 1 something failed;"
    )
    return page("Commands", f"{lede} 2 what was asked for needs mending.", *filter(None, parts))


# Routes


class Route(NamedTuple):
    """One address of the site."""

    address: str
    name: str
    view: Callable[..., Any]


def routes() -> list[Route]:
    """Return every route of the URL configuration, in its order."""
    from django.urls import URLPattern, URLResolver, get_resolver

    def walk(found: list[Any], before: str, space: str) -> Iterator[Route]:
        for item in found:
            address = before + str(item.pattern)
            if isinstance(item, URLResolver):
                deeper = f"{space}{item.namespace}:" if item.namespace else space
                yield from walk(item.url_patterns, address, deeper)
            elif isinstance(item, URLPattern):
                yield Route(plain(address), f"{space}{item.name or ''}", item.callback)

    return list(walk(get_resolver().url_patterns, "", ""))


def plain(address: str) -> str:
    """Return a route's pattern as people read addresses.

    >>> plain("money/<int:pot_id>/"), plain("account/^callback/(?P<key>[-:\\\\w]+)/$")
    ('/money/<pot_id>/', '/account/callback/<key>/')
    """
    address = re.sub(r"\(\?P(<\w+>)[^)]*\)", r"\1", address)
    return "/" + re.sub(r"<\w+:", "<", address).replace("^", "").replace("$", "").replace("\\", "")


def _said(view: Callable[..., Any]) -> str:
    shown = getattr(view, "view_class", view)
    if not shown.__module__.startswith("commonweal"):
        return ""
    return (inspect.getdoc(shown) or "").split("\n\n")[0].replace("\n", " ")


def route_pages() -> str:
    """Return the page of every address, and of every operation of the API."""
    ours = [r for r in routes() if not r.name.startswith(("api:", "kiosk_api:"))]
    pages = [[f"`{r.address}`", f"`{r.name}`", _said(r.view)] for r in ours]
    return page(
        "Routes",
        "Every address of the site, by the name that templates and tests use. The demo adds two.",
        "## Pages",
        table(["address", "name", "what it does"], pages),
        "## API",
        "All are open to everyone and only read.",
        _operations(api_operations()),
        "## API of kiosks",
        "For machines that staff approved; see [the kiosk](../do/run-a-kiosk.md).",
        _operations(kiosk_operations()),
    )


class ApiOperation(NamedTuple):
    """One operation of the API."""

    method: str
    path: str
    summary: str


def _operations(found: list[ApiOperation]) -> str:
    rows = [[f"`{o.method.upper()} {o.path}`", o.summary] for o in found]
    return table(["operation", "what it gives"], rows)


def api_operations() -> list[ApiOperation]:
    """Return every operation that the API describes."""
    from commonweal.web.api import api

    return _described(api, "/api/")


def kiosk_operations() -> list[ApiOperation]:
    """Return every operation that the API of kiosks describes."""
    from commonweal.web.api import kiosk_api

    return _described(kiosk_api, "/api/kiosk/")


def _described(api: Any, prefix: str) -> list[ApiOperation]:
    described = api.get_openapi_schema(path_prefix=prefix)["paths"]
    return [
        ApiOperation(method, path, what.get("summary", ""))
        for path, methods in described.items()
        for method, what in methods.items()
    ]


# Engine


def engine_modules() -> list[ModuleType]:
    """Return the engine's packages: each says what is public in its ``__all__``."""
    import importlib

    folders = sorted((ROOT / "commonweal" / "engine").glob("*/__init__.py"))
    return [importlib.import_module(f"commonweal.engine.{f.parent.name}") for f in folders]


def engine_members(module: ModuleType) -> list[tuple[str, Any]]:
    """Return the public functions and classes of an engine package."""
    named = [(name, getattr(module, name)) for name in module.__all__]
    return [(name, thing) for name, thing in named if callable(thing)]


def _signature(name: str, thing: Any) -> str:
    names = [
        f"{'*' if parameter.kind is parameter.VAR_POSITIONAL else ''}{parameter.name}"
        for parameter in inspect.signature(thing).parameters.values()
    ]
    return f"{name}({', '.join(names)})"


def _member(name: str, thing: Any) -> Iterator[str]:
    yield f"### `{_signature(name, thing)}`"
    yield _docstring(thing)
    if inspect.isclass(thing):
        for method, function in vars(thing).items():
            inner = getattr(function, "__func__", getattr(function, "fget", function))
            if method.startswith("_") or not inspect.isfunction(inner) or not inner.__doc__:
                continue
            yield f"#### `{name}.{method}`"
            yield _docstring(inner)


def _docstring(thing: Any) -> str:
    """Return a numpy docstring as Markdown: section titles bold, the rest as it stands."""
    said = inspect.getdoc(thing) or ""
    if dataclasses.is_dataclass(thing) and said.startswith(f"{getattr(thing, '__name__', '')}("):
        return ""
    opening, *sections = re.split(r"^(\w+)\n-{3,}\n", said, flags=re.MULTILINE)
    parts = [opening.strip()]
    for title, body in zip(sections[::2], sections[1::2], strict=True):
        parts += [f"**{title}**", f"```text\n{textwrap.dedent(body).rstrip()}\n```"]
    return "\n\n".join(filter(None, parts))


def engine() -> str:
    """Return the page of every public function of the engine."""
    parts: list[str] = []
    for module in engine_modules():
        parts += [f"## {module.__name__}", inspect.getdoc(module) or ""]
        for name, thing in engine_members(module):
            parts += _member(name, thing)
    lede = (
        "Numbers only: arrays in, arrays out, and no part of the site. The examples run as tests."
    )
    return page("Engine", lede, *filter(None, parts))


MAKERS = {"commands.md": commands, "routes.md": route_pages, "engine.md": engine}


def stale() -> dict[str, str]:
    """Return the pages that are not what the code says now, with what they should be."""
    made = {name: make() for name, make in MAKERS.items()}
    return {
        name: text
        for name, text in made.items()
        if not (PAGES / name).exists() or (PAGES / name).read_text(encoding="utf-8") != text
    }


def main(argv: list[str]) -> int:
    """Write the pages, or check them."""
    import django

    os.environ.setdefault("COMMONWEAL_MODE", "test")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "commonweal.web.settings")
    django.setup()
    PAGES.mkdir(parents=True, exist_ok=True)
    found = stale()
    for name, text in found.items():
        if "--check" not in argv:
            (PAGES / name).write_text(text, encoding="utf-8")
        print(f"{'out of date' if '--check' in argv else 'written'}: docs/reference/{name}")
    return 1 if found and "--check" in argv else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
