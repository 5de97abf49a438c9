"""``commonweal tally --many``: thousands of elections, whatever happens to the workers."""

import csv
import json
import os
import signal
import socket
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from pyarrow import parquet

from commonweal.cli.many import BATCH_BYTES, BATCH_FILES, Item, batches
from tests.cli.test_tally import OWN, tally

ELECTIONS = 40


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of elections that take a while, one of them bad."""
    import numpy as np

    from commonweal.engine.voting.formats import write_election
    from commonweal.engine.voting.synthesise import synthesise

    place = tmp_path_factory.mktemp("elections")
    for seed in range(ELECTIONS):
        election = synthesise(np.random.default_rng(seed), voters=400, projects=30, length=6)
        write_election(election, place / f"{seed:03}.pb")
    (place / "bad.pb").write_text(OWN.replace("num_votes;6", "num_votes;7"))
    return place


def counted(source: Path, out: Path, *words: str) -> list[dict[str, Any]]:
    done = tally(source, "--many", "--completion", "add1-greedy", "--out", out, *words)
    assert done.returncode == 0, done.stderr
    return read(out)


def read(out: Path) -> list[dict[str, Any]]:
    """Return the records without what differs from run to run."""
    records = [json.loads(line) for line in out.read_text().splitlines()]
    for record in records:
        record.pop("seconds", None)
    return records


@pytest.fixture(scope="module")
def plain(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    return counted(folder, tmp_path_factory.mktemp("plain") / "out.jsonl")


def test_a_bad_file_gets_an_error_and_the_others_their_results(
    folder: Path, plain: list[dict[str, Any]]
) -> None:
    assert [record["file"] for record in plain] == sorted(p.name for p in folder.iterdir())
    bad = [record for record in plain if "error" in record]
    assert [record["file"] for record in bad] == ["bad.pb"]
    assert "num_votes" in bad[0]["error"]
    one = json.loads(
        tally(folder / "007.pb", "--completion", "add1-greedy", "--format", "json").stdout
    )
    (same,) = (record for record in plain if record["file"] == "007.pb")
    assert same["selected"] == one["selected"]
    assert same["spent"] == one["spent"]


def test_processes_and_archives_give_the_same_results(
    folder: Path, plain: list[dict[str, Any]], tmp_path: Path
) -> None:
    assert counted(folder, tmp_path / "two.jsonl", "--jobs", "2") == plain
    pack = tmp_path / "all.tar.gz"
    with tarfile.open(pack, "w:gz") as archive:
        for path in sorted(folder.iterdir()):
            archive.add(path, path.name)
    assert counted(pack, tmp_path / "packed.jsonl") == plain


def test_tables_hold_one_row_an_election(
    folder: Path, plain: list[dict[str, Any]], tmp_path: Path
) -> None:
    words = ("--many", "--completion", "add1-greedy", "--out")
    assert tally(folder, *words, tmp_path / "out.csv").returncode == 0
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert tally(folder, *words, tmp_path / "out.parquet").returncode == 0
    columns = parquet.read_table(tmp_path / "out.parquet").to_pylist()
    for record, row, entry in zip(plain, rows, columns, strict=True):
        assert row["file"] == entry["file"] == record["file"]
        assert entry["selected"] == record.get("selected")
        assert (json.loads(row["selected"]) if row["selected"] else None) == entry["selected"]
        assert (row["error"] or None) == entry["error"] == record.get("error")


def test_batches_are_about_half_a_second_of_work() -> None:
    small = [Item(n, "x", b"x" * 10) for n in range(3 * BATCH_FILES)]
    assert [len(batch) for batch in batches(small)] == [BATCH_FILES] * 3
    large = [Item(n, "x", b"x" * BATCH_BYTES) for n in range(3)]
    assert [len(batch) for batch in batches(large)] == [1] * 3
    assert [item for batch in batches(small + large) for item in batch] == small + large


@contextmanager
def running(*words: str | Path) -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen(
        [sys.executable, "-m", *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def heavy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Elections that keep two workers busy for some seconds."""
    import numpy as np

    from commonweal.engine.voting.formats import write_election
    from commonweal.engine.voting.synthesise import synthesise

    place = tmp_path_factory.mktemp("heavy")
    for seed in range(6):
        election = synthesise(np.random.default_rng(seed), voters=30_000, projects=80, length=8)
        write_election(election, place / f"{seed:03}.pb")
    for copy in range(6, 48):
        os.link(place / f"{copy % 6:03}.pb", place / f"{copy:03}.pb")
    return place


def test_a_killed_process_loses_nothing(heavy: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    words = ("tally", heavy, "--many", "--completion", "add1", "--out", out, "--jobs", "2")
    with running("commonweal", *words) as process:
        workers: list[psutil.Process] = []
        deadline = time.monotonic() + 60
        while not workers and process.poll() is None and time.monotonic() < deadline:
            children = psutil.Process(process.pid).children()
            workers = [c for c in children if sum(c.cpu_times()[:2]) > 1.5]
            time.sleep(0.05)
        assert workers, "no worker was seen at work"
        os.kill(workers[0].pid, signal.SIGKILL)
        said, _ = process.communicate(timeout=200)
    assert process.returncode == 0, said
    same(read(out))


def same(records: list[dict[str, Any]]) -> None:
    """Check that all are there, in order, and that copies of one election agree."""
    assert [record["file"] for record in records] == [f"{n:03}.pb" for n in range(48)]
    for number, record in enumerate(records):
        assert record["selected"]
        assert record["selected"] == records[number % 6]["selected"]


def spent(process: "subprocess.Popen[str]") -> float:
    """Return the processor time of a process in seconds."""
    return sum(psutil.Process(process.pid).cpu_times()[:2])


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def test_a_dask_cluster_gives_the_same_results_though_a_worker_dies(
    heavy: Path, tmp_path: Path
) -> None:
    from distributed import Client

    address = f"tcp://127.0.0.1:{free_port()}"
    out = tmp_path / "out.jsonl"
    quiet = ("--no-dashboard",)
    scheduler = ("distributed.cli.dask_scheduler", "--host", address, *quiet)
    worker = ("distributed.cli.dask_worker", address, "--nthreads", "1", "--no-nanny", *quiet)
    with running(*scheduler), running(*worker) as one, running(*worker):
        with Client(address) as client:
            client.wait_for_workers(2, timeout=90)
        words = ("tally", heavy, "--many", "--completion", "add1", "--out", out, "--dask", address)
        begun = spent(one)
        with running("commonweal", *words) as process:
            deadline = time.monotonic() + 90
            while spent(one) < begun + 1:
                assert process.poll() is None, process.communicate()[0]
                assert time.monotonic() < deadline, "the worker was given nothing to do"
                time.sleep(0.05)
            one.kill()
            said, _ = process.communicate(timeout=200)
    assert process.returncode == 0, said
    same(read(out))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--many"], "--out"),
        (["--many", "--out", "x.txt"], ".jsonl"),
        (["--many", "--out", "no/such/folder/x.jsonl"], "folder"),
        (["--many", "--out", "x.jsonl", "--jobs", "0"], "--jobs"),
        (["--many", "--out", "x.jsonl", "--explain"], "--explain"),
        (["--out", "x.jsonl"], "--many"),
        (["--many", "--out", "x.jsonl", "--dask", "tcp://127.0.0.1:1"], "Dask"),
    ],
)
def test_what_cannot_be_done_is_said_with_its_mend(
    words: list[str], message: str, folder: Path, tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "commonweal", "tally", str(folder), *words],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=120,
    )
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())
