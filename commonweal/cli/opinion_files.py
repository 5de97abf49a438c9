"""Files that ``commonweal opinion`` is given and writes: pipes and folders too, and never half a file."""

import contextlib
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from gettext import gettext as _
from pathlib import Path
from typing import TYPE_CHECKING, Any

from commonweal.cli.opinion_words import plain
from commonweal.kit.complaint import Complaint

if TYPE_CHECKING:
    from commonweal.engine.opinion.files import Statements

MOST_PIPED = 4 * 2**30
_VOTES = ("votes.csv", "participants-votes.csv", "participant-votes.csv")
STANDARD = ("-", "/dev/stdout")
_TEXTS = ("statements.csv", "comments.csv")


class Given:
    """The files a command reads; what comes through a pipe is kept beside until it is over."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def file(self, name: str) -> Path:
        """Return a path that can be read more than once; ``-`` is the standard input."""
        if name == "-":
            if sys.stdin.isatty():
                raise Complaint(
                    _("Nothing comes through the standard input."),
                    _("Send a file into it, or name one."),
                )
            return self._kept("stdin", sys.stdin.buffer)
        path = Path(name)
        try:
            piped = stat.S_ISFIFO(path.stat().st_mode)
        except (OSError, ValueError):
            return path  # whoever reads it says what is wrong
        if not piped:
            return path
        with path.open("rb") as source:
            return self._kept(path.name, source)

    def votes(self, name: str) -> tuple[Path, Path | None]:
        """Return the file of votes, and that of statements if both lie in the folder that is named."""
        path = self.file(name)
        try:
            is_folder = path.is_dir()
        except OSError:  # a name too long, for one: whoever reads it says so
            is_folder = False
        if not is_folder:
            return path, None
        found = _first(path, _VOTES)
        if found is None:
            raise Complaint(
                _("There is no votes.csv in the folder “{folder}”.").format(
                    folder=plain(str(path))
                ),
                _("Name the file, or the folder it is in."),
            )
        return found, _first(path, _TEXTS)

    def _kept(self, name: str, source: Any) -> Path:
        kept = self.folder / name
        with kept.open("wb") as out:
            while piece := source.read(2**20):
                out.write(piece)
                if out.tell() > MOST_PIPED:
                    raise Complaint(
                        _("More than 4 GiB came through {name}.").format(name=name),
                        _("Save it to a file and name that."),
                    )
        return kept


def _first(folder: Path, names: Sequence[str]) -> Path | None:
    there = [folder / name for stem in names for name in (stem, f"{stem}.gz")]
    return next((path for path in there if path.is_file()), None)


@contextmanager
def given() -> Iterator[Given]:
    """Read files; what is wrong with one is a complaint."""
    from commonweal.engine.opinion.tables import OpinionError  # it needs numpy

    with tempfile.TemporaryDirectory(prefix="commonweal-") as folder:
        try:
            yield Given(Path(folder))
        except OpinionError as error:
            raise complaint(error) from None


def complaint(error: ValueError) -> Complaint:
    """Return what is wrong with a file as a complaint, five problems of it at most."""
    said = [plain(problem) for problem in getattr(error, "problems", ()) or (str(error),)]
    more = _("… and {count} more").format(count=len(said) - 5) if len(said) > 5 else ""
    begins_with_file = "." in said[0].split(" ")[0]
    first = said[0] if begins_with_file else said[0][:1].upper() + said[0][1:]
    return Complaint(first + ".", "\n".join([*said[1:5], *([more] if more else [])]))


def texts_of(known: "Statements | None") -> dict[str, str]:
    """Return what each statement says, by its name."""
    if known is None:
        return {}
    return dict(zip(map(str, known.names.tolist()), known.text, strict=True))


def note(said: str) -> None:
    """Say something beside the answer."""
    print(plain(said), file=sys.stderr)


# --- writing


def writable(name: str) -> Path:
    """Return the path of a file that can be written, as far as one can see before the work is done."""
    out = Path(name)
    if name in STANDARD:
        return out
    try:
        there, folder = out.parent.is_dir(), out.is_dir()
    except (OSError, ValueError):
        there, folder = False, False
    if not there:
        raise Complaint(
            _("There is no folder {folder}.").format(folder=plain(str(out.parent))),
            _("Make it first."),
        )
    if folder:
        raise Complaint(
            _("{out} is a folder.").format(out=plain(str(out))), _("Name a file in it.")
        )
    return out


def written(out: Path, pieces: Iterable[str]) -> None:
    """Write a file whole or not at all: under another name first, which it takes over at the end."""
    if str(out) in STANDARD:
        sys.stdout.writelines(pieces)
        return
    try:
        if out.exists() and not out.is_file():  # a device or a pipe has no other name
            with out.open("w", encoding="utf-8", newline="") as file:
                file.writelines(pieces)
            return
        target = out.resolve()
        handle, name = tempfile.mkstemp(prefix=f".{target.name[:100]}.", dir=target.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
                file.writelines(pieces)
            if target.exists():
                shutil.copymode(target, name)
            else:
                mask = os.umask(0)
                os.umask(mask)
                Path(name).chmod(0o666 & ~mask)
            Path(name).replace(target)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(name).unlink()
            raise
    except OSError as error:
        raise Complaint(
            _("{out} cannot be written ({why}).").format(
                out=plain(str(out)), why=error.strerror or error
            ),
            _("Check the folder, its permissions and the room on the disk."),
        ) from None


def as_csv(titles: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """Yield a table as CSV, some thousand rows at a time."""
    import csv  # a command that only maps needs no writer
    import io

    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerow(titles)
    for count, row in enumerate(rows):
        writer.writerow(row)
        if count % 10_000 == 9_999:
            yield lines.getvalue()
            lines.seek(0)
            lines.truncate()
    yield lines.getvalue()
