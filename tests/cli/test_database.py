"""Backup and restore: what comes back is what was there, and a bad file changes nothing."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from commonweal.cli.main import main
from commonweal.kit.postgres import Server, ephemeral

Contents = dict[str, list[tuple[object, ...]]]

FILL = """
CREATE SCHEMA side;
CREATE TABLE journal (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, what text NOT NULL, about jsonb);
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'the journal only grows'; END $$;
CREATE TRIGGER keeps_rows BEFORE UPDATE OR DELETE ON journal FOR EACH ROW EXECUTE FUNCTION refuse();
CREATE TRIGGER keeps_all BEFORE TRUNCATE ON journal EXECUTE FUNCTION refuse();
INSERT INTO journal (what, about) SELECT 'pot.opened', jsonb_build_object('n', n)
    FROM generate_series(1, 300) n;
CREATE SEQUENCE side.tickets START 41 INCREMENT 3;
SELECT nextval('side.tickets'), nextval('side.tickets');
CREATE TYPE side.mood AS ENUM ('calm', 'cross');
CREATE TABLE side.things (
    id int PRIMARY KEY DEFAULT nextval('side.tickets'), story text, photo bytea, tags text[],
    grid int[][], pence bigint CHECK (pence >= 0), share numeric(20, 10), at timestamptz,
    mood side.mood, entry bigint REFERENCES journal,
    words tsvector GENERATED ALWAYS AS (to_tsvector('simple', coalesce(story, ''))) STORED
);
INSERT INTO side.things VALUES
    (1, repeat('Żółć, 𝄞 and "quotes"' || chr(9) || chr(10) || '\\N ', 60000), '\\x00ff0a5c'::bytea,
     ARRAY['a,b', '{}', NULL, ''], '{{1,2},{3,4}}', 9223372036854775807, 0.1234567891, '2026-03-29 01:30Z', 'cross', 7),
    (2, NULL, NULL, NULL, NULL, NULL, NULL, 'infinity', NULL, NULL),
    (3, '', ''::bytea, '{}', '{}', 0, 0, '-infinity', 'calm', 1);
CREATE VIEW side.calm AS SELECT id FROM side.things WHERE mood = 'calm';
CREATE INDEX ON side.things USING gin (words);
SELECT lo_from_bytea(4242, 'large object'::bytea);
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with ephemeral() as made:
        yield made


@pytest.fixture
def url(server: Server, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the address of a fresh, empty database, which the commands act on."""
    with psycopg.connect(server.url_of("postgres"), autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS borough WITH (FORCE)")
        connection.execute("CREATE DATABASE borough")
    made = server.url_of("borough")
    monkeypatch.setenv("DATABASE_URL", made)
    return made


def fill(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(FILL.encode())


def contents(url: str) -> Contents:
    """Return every row of every table, and every sequence, view, trigger and constraint."""
    with psycopg.connect(url) as connection:
        found: Contents = {}
        names = connection.execute(
            "SELECT table_schema, table_name FROM information_schema.tables"
            " WHERE table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, 2"
        ).fetchall()
        for name in names:
            query = sql.SQL("SELECT t.id, t::text FROM {} t ORDER BY id").format(
                sql.Identifier(*name)
            )
            found[".".join(name)] = connection.execute(query).fetchall()
        for title, query_text in {
            "sequences": "SELECT schemaname, sequencename, last_value, increment_by FROM pg_sequences",
            "triggers": "SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
            "constraints": "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE connamespace::regnamespace::text IN ('public', 'side')",
            "large objects": "SELECT oid::text, encode(lo_get(oid), 'hex') FROM pg_largeobject_metadata",
        }.items():
            found[title] = connection.execute(f"{query_text} ORDER BY 1, 2".encode()).fetchall()
        return found


def databases(server: Server) -> set[str]:
    with psycopg.connect(server.url_of("postgres")) as connection:
        return {name for (name,) in connection.execute("SELECT datname FROM pg_database")}


def test_every_table_row_and_sequence_comes_back(url: str, server: Server, tmp_path: Path) -> None:
    fill(url)
    before = contents(url)
    assert len(before["public.journal"]) == 300
    assert before["sequences"]
    assert main(["db", "backup", str(tmp_path / "b")]) == 0
    assert (tmp_path / "b").stat().st_mode & 0o777 == 0o600
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "DROP TABLE side.things CASCADE; INSERT INTO journal (what) VALUES ('later')"
        )
    assert contents(url) != before
    assert main(["db", "restore", "--replace", str(tmp_path / "b")]) == 0
    assert contents(url) == before
    assert databases(server) == {"postgres", "template0", "template1", "commonweal", "borough"}


def test_the_restored_journal_still_only_grows(url: str, tmp_path: Path) -> None:
    fill(url)
    assert main(["db", "backup", str(tmp_path / "b")]) == 0
    assert main(["db", "restore", "--replace", str(tmp_path / "b")]) == 0
    with psycopg.connect(url, autocommit=True) as connection:
        for forbidden in (
            "DELETE FROM journal",
            "UPDATE journal SET what = ''",
            "TRUNCATE journal CASCADE",
        ):
            with pytest.raises(psycopg.errors.RaiseException, match="only grows"):
                connection.execute(forbidden.encode())
        row = connection.execute("INSERT INTO journal (what) VALUES ('x') RETURNING id").fetchone()
        assert row == (301,)


def test_an_empty_database_is_restored_without_asking(url: str, tmp_path: Path) -> None:
    fill(url)
    before = contents(url)
    assert main(["db", "backup", str(tmp_path / "b")]) == 0
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA side CASCADE; DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    assert main(["db", "restore", str(tmp_path / "b")]) == 0
    assert contents(url) == before


def test_a_full_database_is_not_replaced_unasked(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(url)
    assert main(["db", "backup", str(tmp_path / "b")]) == 0
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("INSERT INTO journal (what) VALUES ('later')")
    before = contents(url)
    assert main(["db", "restore", str(tmp_path / "b")]) == 2
    assert "--replace" in capsys.readouterr().err
    assert contents(url) == before


@pytest.mark.parametrize("damage", ["truncated", "not a backup", "garbage inside"])
def test_a_damaged_file_leaves_the_database_as_it_was(
    damage: str, url: str, server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(url)
    before = contents(url)
    file = tmp_path / "b"
    assert main(["db", "backup", str(file)]) == 0
    whole = file.read_bytes()
    file.write_bytes(
        {
            "truncated": whole[: len(whole) * 2 // 3],
            "not a backup": b"Dear council, ",
            "garbage inside": whole[:5] + b"\xff" * 300 + whole[305:],
        }[damage]
    )
    assert main(["db", "restore", "--replace", str(file)]) == 2
    said = capsys.readouterr().err
    assert str(file) in said
    assert "Traceback" not in said
    assert contents(url) == before
    assert len(databases(server)) == 5
    with psycopg.connect(url):
        pass  # the doors are open again


def test_a_site_that_is_still_connected_is_shown_out(url: str, tmp_path: Path) -> None:
    fill(url)
    assert main(["db", "backup", str(tmp_path / "b")]) == 0
    with psycopg.connect(url) as busy:
        busy.execute("SELECT 1")
        assert main(["db", "restore", "--replace", str(tmp_path / "b")]) == 0
        with pytest.raises(psycopg.OperationalError):
            busy.execute("SELECT 1")


def test_a_backup_overwrites_only_when_told(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "b").write_text("precious")
    assert main(["db", "backup", str(tmp_path / "b")]) == 2
    assert "already" in capsys.readouterr().err
    assert (tmp_path / "b").read_text() == "precious"
    assert main(["db", "backup", "--replace", str(tmp_path / "b")]) == 0
    assert (tmp_path / "b").read_bytes().startswith(b"PGDMP")


def test_a_folder_is_no_backup(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder in (str(tmp_path), "", "/"):
        assert main(["db", "backup", "--replace", folder]) == 2
        assert "is a folder" in capsys.readouterr().err
    assert list(tmp_path.parent.glob("*.part")) == []


def test_a_backup_that_fails_leaves_no_file(
    url: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert main(["db", "backup", str(tmp_path / "no" / "b")]) == 2
    assert "Cannot write" in capsys.readouterr().err
    monkeypatch.setenv("DATABASE_URL", "postgresql:///borough?host=/nowhere")
    assert main(["db", "backup", str(tmp_path / "b")]) == 2
    assert "does not answer" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_missing_file_is_named(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["db", "restore", str(tmp_path / "gone")]) == 2
    assert f"There is no file {tmp_path / 'gone'}" in capsys.readouterr().err


def test_the_status_of_a_named_database_hides_its_password(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"{url}&password=hunter2")
    assert main(["db", "status"]) == 0
    said = capsys.readouterr().out
    assert "The database answers: PostgreSQL" in said
    assert "hunter2" not in said


def test_a_named_database_is_not_ours_to_start_or_stop(
    url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for verb in ("start", "stop"):
        assert main(["db", verb]) == 2
        assert f"which Commonweal does not {verb}" in capsys.readouterr().err


def test_our_own_database_starts_stays_and_stops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("COMMONWEAL_HOME", str(tmp_path))
    assert main(["db", "status"]) == 3
    assert main(["db", "start"]) == 0
    try:
        assert main(["db", "backup", str(tmp_path / "b")]) == 0  # and does not stop it
        assert main(["db", "status"]) == 0
        with Server.at_home().in_use():
            assert main(["db", "stop"]) == 2
            assert "in use" in capsys.readouterr().err
    finally:
        assert main(["db", "stop"]) == 0
    assert main(["db", "status"]) == 3
