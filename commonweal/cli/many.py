"""``commonweal tally --many``: count thousands of elections, on one machine or on several."""

import argparse
import csv
import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from gettext import gettext as _
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from commonweal.kit.complaint import Complaint

if TYPE_CHECKING:
    from commonweal.engine.voting import Rule

# About half a second of work: less, and handing it round costs more than doing it.
BATCH_BYTES = 2_000_000
BATCH_FILES = 64
# A worker that dies takes its batch with it; the batch is done again, but not for ever.
TRIES = 3
ENDINGS = (".jsonl", ".csv", ".parquet")

Record = dict[str, Any]


@dataclass(frozen=True)
class Item:
    """One election to count: its name, where it is or what it holds, or what is wrong with it."""

    place: int
    name: str
    source: "Path | bytes | str"
    is_error: bool = False

    @property
    def size(self) -> int:
        """Return about how many bytes there are to read."""
        if isinstance(self.source, Path):
            try:
                return self.source.stat().st_size * (6 if self.source.suffix == ".gz" else 1)
            except OSError:
                return 0
        return len(self.source)


class Crew(Protocol):
    """Somebody who does batches of work and hands back their results in any order."""

    def results(self, batches: Iterable[list[Item]], rule: "Rule") -> Iterator[list[Record]]:
        """Yield the records of each batch as it is done."""


def tally_many(args: argparse.Namespace, rule: "Rule") -> int:
    """Count all, write the records in the order of the files, and say how it went."""
    if not args.out:
        raise Complaint(
            _("--many needs a file for its results."), _("Add --out results.jsonl (or .csv).")
        )
    for given, name in (
        (args.explain, "--explain"),
        (args.fairness, "--fairness"),
        (args.bundle, "--bundle"),
    ):
        if given:
            raise Complaint(
                _("{name} is for one election.").format(name=name), _("Leave out --many.")
            )
    out = Path(args.out)
    if out.suffix not in ENDINGS:
        raise Complaint(
            _("--out {out} should end in .jsonl, .csv or .parquet.").format(out=out),
            _("Give the file one of these endings."),
        )
    if not out.parent.is_dir():
        raise Complaint(
            _("There is no folder {folder}.").format(folder=out.parent), _("Make it first.")
        )
    began = time.monotonic()
    items = list(_items(args.files))
    crew: Crew = _Dask(args.dask) if args.dask else _Pool(args.jobs)
    records: dict[int, Record] = {}
    progress = _Progress(len(items))
    for done in crew.results(batches(items), rule):
        for record in done:
            records[record.pop("place")] = record
        progress.tell(len(records))
    progress.end()
    ordered = [records[item.place] for item in items]
    try:
        _WRITERS[out.suffix](ordered, out)
    except OSError as error:
        raise Complaint(
            _("{out} cannot be written: {why}.").format(out=out, why=error.strerror),
            _("Choose another place."),
        ) from None
    bad = [record for record in ordered if "error" in record]
    print(
        _("{good} counted, {bad} could not be, in {seconds:.1f} s: {out}").format(
            good=len(ordered) - len(bad), bad=len(bad), seconds=time.monotonic() - began, out=out
        )
    )
    for record in bad[:10]:
        print(f"  {record['file']}: {record['error']}", file=sys.stderr)
    return 0


def _items(paths: list[str]) -> Iterator[Item]:
    from commonweal.engine.voting.election import ElectionError  # numpy takes a moment
    from commonweal.engine.voting.formats import unread_elections

    place = 0
    for path in paths:
        if not Path(path).exists():
            raise Complaint(
                _("There is no file or folder {path}.").format(path=path), _("Check the name.")
            )
        try:
            for name, source in unread_elections(path):
                wrong = isinstance(source, ElectionError)
                held: Path | bytes | str = (
                    str(source) if isinstance(source, ElectionError) else source
                )
                yield Item(place, name, held, wrong)
                place += 1
        except ElectionError as error:
            raise Complaint(str(error)) from None


def batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Put elections together until there is about half a second of work."""
    batch: list[Item] = []
    size = 0
    for item in items:
        batch.append(item)
        size += item.size
        if size >= BATCH_BYTES or len(batch) >= BATCH_FILES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def count_batch(batch: list[Item], rule_as_data: Record) -> list[Record]:
    """Count each election of a batch; a bad one gets an error instead of a result."""
    from commonweal.engine.voting import Rule  # runs in a worker

    rule = Rule.from_json(rule_as_data)
    return [{"place": item.place, **_count(item, rule)} for item in batch]


def _count(item: Item, rule: "Rule") -> Record:
    from commonweal.cli.record import as_record, count
    from commonweal.engine.voting.formats import parse, read_election

    began = time.perf_counter()
    if item.is_error:
        return {"file": item.name, "error": str(item.source)}
    try:
        source = item.source
        election = parse(source, item.name) if isinstance(source, bytes) else read_election(source)
        return as_record(count(item.name, election, rule, began))
    except ValueError as error:
        return {"file": item.name, "error": str(error)}


class _Pool:
    """A pool of processes on this machine."""

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs

    def results(self, batches: Iterable[list[Item]], rule: "Rule") -> Iterator[list[Record]]:
        """Yield the records of each batch as it is done; a batch whose process died is redone."""
        data = rule.to_json()
        if self._jobs == 1:
            for batch in batches:
                yield count_batch(batch, data)
            return
        left = dict(enumerate(batches))
        for _try in range(TRIES):
            with ProcessPoolExecutor(self._jobs, mp_context=get_context("spawn")) as pool:
                waiting: dict[Future[list[Record]], int] = {
                    pool.submit(count_batch, batch, data): number for number, batch in left.items()
                }
                try:
                    while waiting:
                        done, _rest = wait(waiting, return_when=FIRST_COMPLETED)
                        for future in done:
                            records = future.result()
                            left.pop(waiting.pop(future))
                            yield records
                except BrokenProcessPool:
                    continue
            return
        raise Complaint(
            _("A worker process died {tries} times.").format(tries=TRIES),
            _("There may be too little memory: use fewer --jobs."),
        )


class _Dask:
    """Workers of a Dask cluster, perhaps on other machines."""

    def __init__(self, address: str) -> None:
        try:
            from distributed import Client  # an extra; not needed on one machine
        except ImportError:
            raise Complaint(
                _("Dask is not installed here."), _("Install commonweal with the extra 'many'.")
            ) from None
        try:
            self._client = Client(address, timeout=10)  # type: ignore[no-untyped-call]
        except (OSError, ValueError) as error:
            raise Complaint(
                _("There is no Dask scheduler at {address}: {why}").format(
                    address=address, why=str(error).splitlines()[0]
                ),
                _("Start one with `dask scheduler`, and workers with `dask worker ADDRESS`."),
            ) from None

    def results(self, batches: Iterable[list[Item]], rule: "Rule") -> Iterator[list[Record]]:
        """Yield the records of each batch as it is done; Dask redoes what a dead worker had."""
        from distributed import as_completed

        data = rule.to_json()
        with self._client as client:
            # What is in files that only this machine has is sent along.
            futures = [
                client.submit(count_batch, _with_content(batch), data, retries=TRIES, pure=False)
                for batch in batches
            ]
            for _future, records in as_completed(futures, with_results=True):  # type: ignore[no-untyped-call]
                yield records


def _with_content(batch: list[Item]) -> list[Item]:
    """Return the batch with the bytes of its text files in it, for a machine without them."""
    from commonweal.engine.voting.content import MOST_BYTES, content_of
    from commonweal.engine.voting.election import ElectionError
    from commonweal.engine.voting.formats import kind_of

    sent = []
    for item in batch:
        source = item.source
        if isinstance(source, Path) and source.is_file() and kind_of(source.name) != ".npz":
            try:
                item = Item(item.place, item.name, content_of(source, MOST_BYTES))
            except ElectionError as error:
                item = Item(item.place, item.name, str(error), is_error=True)
        sent.append(item)
    return sent


class _Progress:
    """One line on the terminal that counts up; nothing where nobody watches."""

    def __init__(self, whole: int) -> None:
        self._whole, self._shown = whole, sys.stderr.isatty()

    def tell(self, done: int) -> None:
        if self._shown:
            said = _("{done} of {whole} elections").format(done=done, whole=self._whole)
            print(f"\r{said}", end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        if self._shown:
            print(file=sys.stderr)


def _write_jsonl(records: list[Record], out: Path) -> None:
    with out.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


_COLUMNS = (
    "file",
    "rule",
    "satisfaction",
    "completion",
    "stop",
    "ties",
    "vote_type",
    "currency",
    "budget",
    "voters",
    "projects",
    "selected",
    "spent",
    "start",
    "runs",
    "distinct_outcomes",
    "tie_events",
    "certificate",
    "gap",
    "load_seconds",
    "count_seconds",
    "error",
)


def _flat(record: Record) -> Record:
    """Return a record as one row of a table: lists in one cell, times in columns of their own."""
    row = {name: record.get(name) for name in _COLUMNS}
    row["selected"] = None if "error" in record else json.dumps(record["selected"])
    row["load_seconds"] = record.get("seconds", {}).get("load")
    row["count_seconds"] = record.get("seconds", {}).get("count")
    return row


def _write_csv(records: list[Record], out: Path) -> None:
    with out.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, _COLUMNS)
        table.writeheader()
        for record in records:
            row = _flat(record)
            table.writerow({name: _harmless(cell) for name, cell in row.items()})


def _harmless(cell: object) -> object:
    """Keep a spreadsheet from taking a name for a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@") else cell


def _write_parquet(records: list[Record], out: Path) -> None:
    try:
        import pyarrow  # an extra
        from pyarrow import parquet
    except ImportError:
        raise Complaint(
            _("Parquet files need the package pyarrow."),
            _("Install commonweal with the extra 'many', or write .jsonl."),
        ) from None
    whole = ("voters", "projects", "runs", "distinct_outcomes", "tie_events")
    real = ("gap", "load_seconds", "count_seconds")
    fields = [
        (
            name,
            pyarrow.int64()
            if name in whole
            else pyarrow.float64()
            if name in real
            else pyarrow.list_(pyarrow.string())
            if name == "selected"
            else pyarrow.string(),
        )
        for name in _COLUMNS
    ]
    rows = [{**_flat(record), "selected": record.get("selected")} for record in records]
    parquet.write_table(pyarrow.Table.from_pylist(rows, pyarrow.schema(fields)), out)


_WRITERS: dict[str, Callable[[list[Record], Path], None]] = {
    ".jsonl": _write_jsonl,
    ".csv": _write_csv,
    ".parquet": _write_parquet,
}
