"""Every public function of the engine explains itself, and its example runs as a test."""

import inspect
import re
from collections.abc import Callable
from typing import Any

import pytest

from tools.reference import engine_members, engine_modules

PUBLIC = [
    (f"{module.__name__}.{name}", thing)
    for module in engine_modules()
    for name, thing in engine_members(module)
]
FUNCTIONS = [(name, thing) for name, thing in PUBLIC if inspect.isfunction(thing)]


def test_there_are_functions_to_look_at() -> None:
    assert len(FUNCTIONS) >= 4


@pytest.mark.parametrize(("name", "function"), FUNCTIONS, ids=[name for name, _ in FUNCTIONS])
def test_a_function_tells_its_parameters_results_sources_and_an_example(
    name: str, function: Callable[..., Any]
) -> None:
    said = inspect.getdoc(function) or ""
    for section in ("Parameters", "Returns", "References", "Examples"):
        assert re.search(rf"^{section}\n-{{3,}}$", said, re.M), f"{name} has no {section}"
    assert ">>>" in said, name
    told = said.split("Parameters\n")[1].split("Returns\n")[0]
    for parameter in inspect.signature(function).parameters:
        assert re.search(rf"^.*\b{parameter}\b.* : ", told, re.M), f"{name}: {parameter} is untold"


@pytest.mark.parametrize(("name", "thing"), PUBLIC, ids=[name for name, _ in PUBLIC])
def test_everything_public_has_words_and_types(name: str, thing: Callable[..., Any]) -> None:
    said = inspect.getdoc(thing) or ""
    assert len(said) > 20 and not said.startswith(f"{thing.__name__}("), name
    if inspect.isfunction(thing):
        signature = inspect.signature(thing)
        assert signature.return_annotation is not inspect.Signature.empty
        assert all(p.annotation is not p.empty for p in signature.parameters.values())
