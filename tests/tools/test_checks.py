"""The one command that runs every check."""

import doctest

import pytest

from tools import frontend, reference, test

FAILED = test.Outcome("Types", 1, 2.0, "error: found one")
PASSED = test.Outcome("Tests", 0, 3.0, ".....\n5 passed, 1 warning in 2.90s\n")


def test_one_failure_among_successes_fails_the_whole(capsys: pytest.CaptureFixture[str]) -> None:
    assert test.summary([PASSED]) == 0
    assert test.summary([FAILED, PASSED]) == 1
    said = capsys.readouterr().out.splitlines()
    assert "FAILED Types" in said
    assert said[-1] == "Tests: 5 passed, 1 warning in 2.90s"


@pytest.mark.parametrize(("wish", "code"), [("none", 0), ("", 1)])
def test_journeys_that_are_left_out_are_named_loudly_and_fail_unless_asked_for(
    wish: str,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    listed = "tests/journeys/test_x.py::test_someone_votes\n\n1 test collected\n"
    monkeypatch.setattr(test, "run", lambda check: test.Outcome("", 0, 0, listed))
    monkeypatch.setattr(test, "install_browser", lambda: None)
    assert test.journeys(wish, find=lambda: None).code == code
    said = capsys.readouterr().out
    assert "1 JOURNEYS IN A BROWSER WERE NOT RUN" in said
    assert "test_x.py::test_someone_votes" in said
    assert ("BROWSER=none asked for that" in said) == (wish == "none")


def test_what_a_check_says_is_kept_with_its_exit_code() -> None:
    done = test.run(test.Check("Speak", ["python", "-c", "print('heard'); raise SystemExit(3)"]))
    assert (done.code, done.said) == (3, "heard\n")


def test_an_unknown_wish_is_answered_with_how_to_ask(capsys: pytest.CaptureFixture[str]) -> None:
    assert test.main(["everything"]) == 2
    assert "tools/test.py all" in capsys.readouterr().out


def test_the_examples_in_the_tools_hold() -> None:
    for module in (frontend, reference, test):
        found = doctest.testmod(module)
        assert found.attempted and not found.failed, module.__name__
