"""All tables, made once for many runs: a run begins with a copy of the kept data folder.

Applying every migration takes twenty seconds of processor, copying a second. What is kept is made
anew when anything changed that the tables follow from; only the newest few are kept.
``python -m tests.tables`` makes them ahead of the tests.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from commonweal.kit.postgres import ephemeral
from commonweal.kit.programs import find_binaries

ROOT = Path(__file__).resolve().parents[1]
KEPT = ROOT / ".pytest_cache" / "tables"
FEW = 3
DATABASE = "tables"  # its name in the kept folder, beside the empty one that every server has
FOLLOW_FROM = ("*/migrations/*.py", "*/models.py", "kit/*.py", "engine/voting/bundle_receipts.py")
BESIDE = ("requirements.lock", "commonweal/web/settings.py", "tests/tables.py")
# Most tables are empty after most tests, and a few rows are deleted a hundred times sooner than
# the files of every table are made anew. No trigger is asked, except by tables that keep all rows.
EMPTY = """
DO $$
DECLARE one record; has_rows boolean;
BEGIN
    SET LOCAL session_replication_role = replica;
    FOR one IN
        SELECT oid::regclass AS name, pg_relation_size(oid) > 1000000 OR EXISTS (
            SELECT FROM pg_trigger WHERE tgrelid = pg_class.oid AND tgenabled = 'A'
        ) AS by_file
        FROM pg_class
        WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
        AND relname NOT IN ('django_migrations', 'django_content_type', 'auth_permission')
    LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM %s)', one.name) INTO has_rows;
        IF has_rows AND one.by_file THEN
            EXECUTE format('TRUNCATE %s CASCADE', one.name);
        ELSIF has_rows THEN
            EXECUTE format('DELETE FROM %s', one.name);
        END IF;
    END LOOP;
END $$
"""


@contextmanager
def tables() -> Iterator[Path | None]:
    """Return a data folder with all tables, which stays for the length of the block.

    Nothing, when a migration cannot be applied: whoever needs a table then hears why.
    """
    KEPT.mkdir(parents=True, exist_ok=True)
    with (KEPT / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        folder = KEPT / _mark()
        if not folder.exists():
            _make(folder)
        yield folder if folder.exists() else None


def _mark() -> str:
    """Return a mark of everything that the tables follow from."""
    digest = hashlib.sha256(repr(find_binaries()).encode())
    package = ROOT / "commonweal"
    sources = {path for pattern in FOLLOW_FROM for path in package.rglob(pattern)}
    for path in sorted({*sources, *(ROOT / name for name in BESIDE)}):
        digest.update(f"{path.relative_to(ROOT)}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _make(folder: Path) -> None:
    """Apply every migration to a new server, stop it and keep its folder, whole or not at all."""
    with ephemeral() as server, tempfile.TemporaryDirectory() as home:
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {DATABASE}")
        surroundings = {
            "COMMONWEAL_MODE": "test",
            "COMMONWEAL_HOME": home,
            "DATABASE_URL": server.url_of(DATABASE),
            "DJANGO_SETTINGS_MODULE": "commonweal.web.settings",
        }
        command = [sys.executable, "-m", "django", "migrate", "--verbosity", "0"]
        done = subprocess.run(
            command, cwd=ROOT, env={**os.environ, **surroundings}, capture_output=True
        )
        server.stop()
        if done.returncode == 0:
            half_made = folder.with_suffix(".new")
            shutil.rmtree(half_made, ignore_errors=True)
            shutil.copytree(server.data, half_made)
            half_made.rename(folder)
    for old in sorted(KEPT.iterdir(), key=lambda path: path.stat().st_mtime)[:-FEW]:
        shutil.rmtree(old, ignore_errors=True)


if __name__ == "__main__":
    with tables() as made:
        sys.exit(made is None)
