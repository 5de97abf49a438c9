"""The demo's pieces: processes side by side, the mail server, the words it greets with."""

import json
import os
import signal
import smtplib
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from email import message_from_bytes
from functools import partial
from pathlib import Path

import pytest

from commonweal.cli import demo
from commonweal.cli.children import ChildDied, Children
from commonweal.kit.complaint import Complaint

SLEEP = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)"]


@pytest.fixture
def children(tmp_path: Path) -> Iterator[Children]:
    made = Children(tmp_path / "log")
    try:
        yield made
    finally:
        made.stop()


def eventually(true: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 20
    while not true() and time.monotonic() < deadline:
        time.sleep(0.05)
    return true()


def is_up(children: Children, name: str) -> bool:
    return "up" in children.last_words(name)


def is_alive(pid: int) -> bool:
    try:
        told = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return told.rpartition(")")[2].split()[0] != "Z"


def test_children_that_live_are_nothing_to_report(children: Children) -> None:
    children.start("one", SLEEP, os.environ)
    children.start("two", SLEEP, os.environ)
    children.check()
    pids = [process.pid for process in children.running.values()]
    children.stop()
    assert not any(is_alive(pid) for pid in pids)


def test_a_child_that_dies_is_reported_with_its_last_words(children: Children) -> None:
    children.start("steady", SLEEP, os.environ)
    children.start("job worker", ["/bin/sh", "-c", "echo out of oil; exit 7"], os.environ)
    children.running["job worker"].wait()
    with pytest.raises(ChildDied, match=r"The job worker stopped by itself \(code 7\)") as died:
        children.check()
    assert "out of oil" in str(died.value)
    assert "job-worker.log" in str(died.value)


def test_the_last_to_start_is_the_first_to_stop(children: Children, tmp_path: Path) -> None:
    order = tmp_path / "order"
    for name in ("first", "second"):
        script = (
            f"trap 'echo {name} >> {order}; exit 0' TERM; echo up; while :; do sleep 0.05; done"
        )
        children.start(name, ["/bin/sh", "-c", script], os.environ)
        assert eventually(partial(is_up, children, name))
    children.stop()
    assert order.read_text().split() == ["second", "first"]


def test_what_a_child_started_goes_with_it(children: Children, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    children.start("parent", ["/bin/sh", "-c", f"sleep 60 & echo $! > {note}; wait"], os.environ)
    assert eventually(lambda: note.exists() and note.read_text().strip() != "")
    grandchild = int(note.read_text())
    assert is_alive(grandchild)
    children.stop()
    assert eventually(lambda: not is_alive(grandchild))


def test_a_stubborn_child_is_killed(children: Children, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("commonweal.cli.children.PATIENCE", 0.3)
    children.start("stubborn", ["/bin/sh", "-c", "trap '' TERM; echo up; sleep 60"], os.environ)
    assert eventually(lambda: "up" in children.last_words("stubborn"))
    pid = children.running["stubborn"].pid
    children.stop()
    assert not is_alive(pid)


def test_children_do_not_outlive_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    script = """
        import os, sys, time; from pathlib import Path; from commonweal.cli.children import Children
        children = Children(Path(sys.argv[1]))
        children.start("one", ["sleep", "60"], os.environ)
        print(children.running["one"].pid, flush=True); time.sleep(60)
    """
    command = [sys.executable, "-c", textwrap.dedent(script), str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as supervisor:
        assert supervisor.stdout is not None
        pid = int(supervisor.stdout.readline())
        assert is_alive(pid)
        supervisor.kill()
        supervisor.wait()
        assert eventually(lambda: not is_alive(pid))


def test_a_program_that_is_not_there_is_a_complaint(children: Children) -> None:
    with pytest.raises(Complaint, match="Cannot start the web server"):
        children.start("web server", ["/no/such/program"], os.environ)


def test_the_mail_server_keeps_each_mail_as_a_file(children: Children, tmp_path: Path) -> None:
    port = demo.free_port()
    command = [sys.executable, "-m", "commonweal.cli.mailbox", str(port), str(tmp_path / "mail")]
    children.start("mail server", command, os.environ)
    assert eventually(lambda: "Taking mail" in children.last_words("mail server"))
    with smtplib.SMTP("127.0.0.1", port) as client:
        for code in ("ÄQ7", "B24"):
            text = f"Subject: Code\r\nTo: rosa@larkmere.example\r\n\r\nYour code: {code}\r\n."
            client.sendmail("a@larkmere.example", ["rosa@larkmere.example"], text.encode())
    files = sorted((tmp_path / "mail" / "new").glob("*.eml"))
    bodies = [message_from_bytes(file.read_bytes()).get_payload(decode=True) for file in files]
    assert [b"\xc3\x84Q7" in bytes(body) for body in bodies] == [True, False]
    assert not list((tmp_path / "mail" / "tmp").iterdir())
    children.running["mail server"].send_signal(signal.SIGTERM)
    assert children.running["mail server"].wait(10) == 0


def test_a_free_port_is_free() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", demo.free_port()))


def test_the_greeting_lists_everyone_with_their_standing(tmp_path: Path) -> None:
    listed = [
        {"name": "Rosa Ek", "standing": "resident", "email": "rosa@larkmere.example"},
        {"name": "Bo", "standing": "nurse", "email": "bo@larkmere.example"},
    ]
    (tmp_path / "people.json").write_text(json.dumps(listed))
    words = demo.welcome("http://localhost:9000/", demo.people(tmp_path / "people.json"))
    assert "http://localhost:9000/demo/mail/" in words
    assert "  Rosa Ek  resident  rosa@larkmere.example\n" in words
    assert "  Bo       nurse     bo@larkmere.example\n" in words
    assert "Ctrl-C" in words


def test_the_greeting_manages_without_a_list(tmp_path: Path) -> None:
    words = demo.welcome("http://localhost:9000/", demo.people(tmp_path / "nothing.json"))
    assert "http://localhost:9000/" in words
    assert demo.codes(tmp_path / "nothing.json") == {} and "without an account" not in words


def test_the_greeting_hands_out_voting_codes(tmp_path: Path) -> None:
    told = {"pot": "A pot", "codes": ["AAAAA-BBBBB-CCCCC"], "register": "Rosa Hughes"}
    (tmp_path / "codes.json").write_text(json.dumps(told))
    words = demo.welcome("http://localhost:9000/", [], demo.codes(tmp_path / "codes.json"))
    assert "http://localhost:9000/v/" in words and "  AAAAA-BBBBB-CCCCC\n" in words


def test_the_first_polite_signal_is_enough() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(demo.Stopped), demo.stopping_politely():
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(5)
        finally:
            os.kill(os.getpid(), signal.SIGINT)  # impatience must not cut the clearing up short
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_second_demo_over_the_same_state_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMMONWEAL_HOME", str(tmp_path))
    refusal = pytest.raises(Complaint, match="A demo is running already")
    with demo.one_demo_at_a_time(), refusal, demo.one_demo_at_a_time():
        raise AssertionError("the second demo was let in")
    with demo.one_demo_at_a_time():
        assert (tmp_path).is_dir()


def test_waiting_for_a_page_ends_when_a_child_dies(children: Children) -> None:
    children.start("web server", ["/bin/sh", "-c", "echo no such module; exit 3"], os.environ)
    with pytest.raises(ChildDied, match="no such module"):
        demo.await_page(f"http://127.0.0.1:{demo.free_port()}/", children)
