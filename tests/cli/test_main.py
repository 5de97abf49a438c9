"""The command line: how it answers to people, whatever they type and wherever they stand."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from unittest.mock import Mock

import pytest

from commonweal import __version__
from commonweal.cli import site
from commonweal.cli.main import COMMANDS, main
from commonweal.kit.complaint import Complaint
from commonweal.kit.home import home
from commonweal.kit.postgres import Server

COMMONWEAL = Path(sys.prefix) / "bin" / "commonweal"


def run(*words: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    """Run the command as people do, from a folder that has nothing to do with it."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if name != "DATABASE_URL" and not name.startswith(("COMMONWEAL_", "DJANGO_"))
    }
    return subprocess.run(
        [str(COMMONWEAL), *words],
        capture_output=True,
        text=True,
        cwd="/",
        env=environment | settings,
    )


@pytest.mark.parametrize("words", [[name] for name in COMMANDS] + [["db", "restore"]])
def test_every_command_explains_itself(words: list[str]) -> None:
    done = run(*words, "--help")
    assert done.returncode == 0, done.stderr
    assert f"usage: commonweal {' '.join(words)}" in done.stdout
    explanation = done.stdout.split("\n\n")[1]
    assert len(explanation.split()) > 4, explanation


def test_the_help_names_every_command_with_an_example() -> None:
    done = run("--help")
    assert done.returncode == 0
    for name in COMMANDS:
        assert f"\n  {name} " in done.stdout
    assert "commonweal demo --port 9000" in done.stdout


def test_no_command_at_all_shows_the_help_as_a_mistake() -> None:
    done = run()
    assert done.returncode == 2
    assert done.stdout == ""
    assert "usage: commonweal COMMAND" in done.stderr


def test_the_version_is_told() -> None:
    done = run("--version")
    assert (done.returncode, done.stdout.strip()) == (0, f"Commonweal {__version__}")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["tali", "x.pb"], "Did you mean: commonweal tally"),
        (["qqq"], "`commonweal --help` lists the commands."),
        (["db"], "VERB"),
        (["db", "explode"], "invalid choice: 'explode'"),
        (["demo", "--port", "http"], "'http' is not a port"),
        (["demo", "--port", "70000"], "'70000' is not a port"),
        (["serve", "--workers", "0"], "'0' is not a number of at least 1"),
        (["demo", "--colour", "red"], "unrecognized arguments: --colour red"),
        (["--colour"], "unrecognized arguments: --colour"),
    ],
)
def test_a_mistake_is_explained_with_exit_code_2(words: list[str], said: str) -> None:
    done = run(*words)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_in_use_is_named_before_anything_is_made(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        state = tmp_path / "state"
        for command, mend in (("demo", "make demo PORT="), ("serve", "commonweal serve --port ")):
            done = run(command, "--port", str(port), COMMONWEAL_HOME=str(state))
            assert done.returncode == 2
            assert f"Port {port} is in use" in done.stderr
            assert mend in done.stderr
            assert "Traceback" not in done.stderr
        assert not state.exists()


def test_a_state_folder_that_cannot_be_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    done = run("db", "start", COMMONWEAL_HOME=str(tmp_path / "file" / "state"))
    assert done.returncode == 2
    assert "Cannot write in the folder" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_state_folder_of_somebody_else_is_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root may look everywhere, so the refusal is acted."""
    monkeypatch.setenv("COMMONWEAL_HOME", str(tmp_path / "theirs"))
    monkeypatch.setattr(Path, "exists", Mock(side_effect=PermissionError(13, "Permission denied")))
    with pytest.raises(Complaint, match="theirs: Permission denied"):
        Server.at_home()


def test_another_program_that_stops_reading_is_no_trouble() -> None:
    done = subprocess.run(
        f"{COMMONWEAL} --help | head -1", shell=True, capture_output=True, text=True
    )
    assert done.stdout.startswith("usage: commonweal")
    assert done.stderr == ""


def test_an_answer_that_finds_no_room_is_explained() -> None:
    made = f"{COMMONWEAL} opinion simulate --people 5 --out - >/dev/full"
    done = subprocess.run(made, shell=True, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.endswith(
        "This cannot be written (No space left on device).\nMake room for it.\n"
    )


@pytest.mark.parametrize(
    ("raised", "code"), [(Complaint("Wrong.", "Mend."), 2), (KeyboardInterrupt(), 130)]
)
def test_trouble_inside_a_command_becomes_an_exit_code(
    raised: BaseException,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(args: object) -> int:
        raise raised

    monkeypatch.setattr(site, "run_check", fail)
    assert main(["check"]) == code
    assert capsys.readouterr().err == ("Wrong.\nMend.\n" if code == 2 else "")


def test_counting_an_election_loads_neither_django_nor_a_database_driver() -> None:
    script = (
        "import sys; from commonweal.cli.main import main\n"
        "try: main(['tally', '/no/such/file.pb'])\n"
        "except SystemExit: pass\n"
        "print(sorted({name.partition('.')[0] for name in sys.modules} & {'django', 'psycopg'}))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.strip().endswith("[]"), done.stdout + done.stderr


def test_the_state_folder_is_the_named_one_or_beside_the_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMMONWEAL_HOME", str(tmp_path / "here"))
    assert home() == tmp_path / "here"
    monkeypatch.delenv("COMMONWEAL_HOME")
    assert home() == Path(__file__).resolve().parents[2] / "var"
    monkeypatch.setattr("commonweal.kit.home.ROOT", tmp_path)  # installed, not a source tree
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert home() == tmp_path / "data" / "commonweal"


def test_django_commands_run_over_our_own_database_which_then_stops(tmp_path: Path) -> None:
    script = "from django.db import connection as c; c.ensure_connection(); print(c.vendor)"
    done = run("manage", "shell", "--no-imports", "-c", script, COMMONWEAL_HOME=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "postgresql"
    assert run("db", "status", COMMONWEAL_HOME=str(tmp_path)).returncode == 3


def test_the_exit_code_of_a_django_command_is_handed_on(tmp_path: Path) -> None:
    script = "raise SystemExit(7)"
    done = run("manage", "shell", "--no-imports", "-c", script, COMMONWEAL_HOME=str(tmp_path))
    assert done.returncode == 7


def test_a_django_command_that_is_none_is_explained(tmp_path: Path) -> None:
    done = run("manage", "no_such_command", COMMONWEAL_HOME=str(tmp_path))
    assert done.returncode == 2
    assert done.stderr == (
        "There is no command 'no_such_command'.\n`commonweal manage help` lists the commands.\n"
    )


DEPLOYED = {
    "DATABASE_URL": "postgresql:///nothing?host=/nowhere",
    "COMMONWEAL_SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyz" * 2,
    "COMMONWEAL_HOSTS": "larkmere.example",
    "COMMONWEAL_SMTP": "mail.example:25",
    "COMMONWEAL_FROM": "hello@larkmere.example",
}
SITE_COMMANDS = (["serve", "--port", "48123"], ["worker"], ["check"], ["manage", "migrate"])


WRONG = (
    ({"COMMONWEAL_SECRET_KEY": ""}, "COMMONWEAL_SECRET_KEY is not set"),
    ({"COMMONWEAL_MODE": "staging"}, "use demo, test or production"),
    ({"DATABASE_URL": "mysql://db.example/site"}, "DATABASE_URL is no address of a PostgreSQL"),
    ({"COMMONWEAL_SMTP": "mail.example"}, "COMMONWEAL_SMTP, as host:port, needs a number"),
    ({"COMMONWEAL_PROXIES": "many"}, "COMMONWEAL_PROXIES needs a number"),
)


@pytest.mark.parametrize(
    ("words", "wrong", "said"),
    [(words, *WRONG[0]) for words in SITE_COMMANDS] + [(["check"], *one) for one in WRONG[1:]],
)
def test_wrong_settings_are_told_in_words(
    words: list[str], wrong: dict[str, str], said: str
) -> None:
    done = run(*words, **(DEPLOYED | wrong))
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "words",
    [*(words for words in SITE_COMMANDS if words != ["check"]), ["db", "shell"]],
    ids=" ".join,
)
def test_a_database_that_is_away_is_told_in_words(words: list[str]) -> None:
    done = run(*words, **DEPLOYED)
    assert done.returncode == 2, done.stderr
    assert "The database does not answer" in done.stderr
    assert "/nowhere" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("words", [["serve", "--port", "48123"], ["worker"]], ids=" ".join)
def test_a_site_without_its_tables_says_how_to_make_them(words: list[str], tmp_path: Path) -> None:
    done = run(*words, COMMONWEAL_HOME=str(tmp_path))
    assert done.returncode == 2, done.stderr
    assert done.stderr == (
        "The database lacks the newest tables.\nRun: commonweal manage migrate\n"
    )


def test_a_site_says_step_by_step_what_it_still_lacks(tmp_path: Path) -> None:
    settings = {"COMMONWEAL_HOME": str(tmp_path)}
    assert run("manage", "migrate", **settings).returncode == 0
    assert "commonweal manage createcachetable" in run("worker", **settings).stderr
    assert run("manage", "createcachetable", **settings).returncode == 0
    assert "commonweal manage collectstatic" in run("serve", "--port", "48123", **settings).stderr


@pytest.mark.parametrize("host", ["", "300.1.1.1"])
def test_an_address_of_no_machine_is_refused(host: str) -> None:
    done = run("serve", "--host", host)
    assert done.returncode == 2
    assert "commonweal serve --host 127.0.0.1" in done.stderr


def test_a_polite_signal_ends_the_command_its_child_and_the_database(tmp_path: Path) -> None:
    script = "import time; print('up', flush=True); time.sleep(60)"
    environment = {k: v for k, v in os.environ.items() if k != "DATABASE_URL"}
    environment |= {"COMMONWEAL_HOME": str(tmp_path), "COMMONWEAL_MODE": "demo"}
    with subprocess.Popen(
        [str(COMMONWEAL), "manage", "shell", "--no-imports", "-c", script],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "up"
        begun = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 128 + signal.SIGTERM
        assert time.monotonic() - begun < 20
    assert not (tmp_path / "postgres-18" / "postmaster.pid").exists()
    assert run("db", "status", COMMONWEAL_HOME=str(tmp_path)).returncode == 3


def test_a_deployment_without_settings_is_told_each_of_them() -> None:
    done = run("check", "--deploy")
    assert done.returncode == 2
    for name in site.NEEDED:
        assert f"To mend: {name} is not set:" in done.stdout


def test_a_deployment_with_weak_settings_is_told_which() -> None:
    settings = dict.fromkeys(site.NEEDED, "x") | {
        "COMMONWEAL_HOSTS": "*",
        "COMMONWEAL_MODE": "demo",
    }
    done = run("check", "--deploy", **settings)
    assert done.returncode == 2
    for name in ("COMMONWEAL_SECRET_KEY is too easy", "COMMONWEAL_MODE is demo", "(*)"):
        assert name in done.stdout
    assert "is not set" not in done.stdout


def test_a_deployment_whose_database_is_away_is_told_without_a_traceback() -> None:
    done = run("check", "--deploy", **DEPLOYED)
    assert done.returncode == 2
    assert "Settings: in order" in done.stdout
    assert "Database: to mend" in done.stdout
    assert "/nowhere" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
