"""``commonweal opinion``: what it says of conversations good, odd and broken, and what it writes."""

import csv
import gzip
import io
import json
import os
import re
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commonweal.cli.main import main
from commonweal.engine.opinion import adjusted_rand

LISTS = ("common_ground", "dividing", "group_statements", "uncertain", "short_list")


def opinion(*words: str | Path) -> int:
    """Run the command in this process and return its exit code."""
    return main(["opinion", *map(str, words)])


def put(folder: Path, rows: list[tuple[Any, ...]], name: str = "votes.csv", head: str = "") -> Path:
    path = folder / name
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow((head or "participant,statement,vote").split(","))
        writer.writerows(rows)
    return path


@pytest.fixture
def made(tmp_path: Path) -> tuple[Path, Path]:
    """Three groups far apart, and the truth about them."""
    votes, truth = tmp_path / "votes.csv", tmp_path / "truth.csv"
    words = ("--people", "300", "--statements", "120", "--groups", "3", "--answered", "0.6")
    more = ("--apart", "2.5", "--seed", "4", "--out", votes, "--truth", truth)
    assert opinion("simulate", *words, *more) == 0
    return votes, truth


def as_json(capsys: pytest.CaptureFixture[str], *words: str | Path) -> dict[str, Any]:
    capsys.readouterr()
    assert opinion(*words, "--format", "json") == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_planted_groups_are_mapped(
    made: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    votes, truth = made
    found = as_json(capsys, votes, "--seed", "1")
    groups = found["groups"]
    assert (groups["count"], groups["clear"]) == (3, True)
    assert groups["stability"] >= 0.9
    assert sum(groups["sizes"]) == found["people"] == len(found["membership"])
    rows = list(csv.DictReader(truth.open()))
    known = {row["participant"]: int(row["group"]) for row in rows}
    people = list(found["membership"])
    told = np.array([np.argmax(found["membership"][p]) for p in people])
    assert adjusted_rand(told, np.array([known[p] for p in people])) >= 0.9
    assert {len(p) for p in found["positions"].values()} == {found["dimensions"]}
    assert found["short_list_proportional"] is True
    for name in LISTS:
        assert found[name], name
        for entry in found[name]:
            assert entry["low"] <= entry["estimate"] <= entry["high"]
            assert entry["votes"] > 0
    assert opinion(votes) == 0
    assert "There are 3 clear groups, of " in capsys.readouterr().out


def test_the_same_votes_in_any_order_have_the_same_map(
    made: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = made[0].read_text().splitlines()
    mixed = np.random.default_rng(1).permutation(lines[1:]).tolist()
    other = tmp_path / "mixed.csv.gz"
    other.write_bytes(gzip.compress("\n".join([lines[0], *mixed]).encode()))
    one, two = as_json(capsys, made[0]), as_json(capsys, other)
    for told in (one, two):
        assert told.pop("seconds") > 0
    assert one == two
    assert as_json(capsys, "map", made[0])["positions"] == one["positions"]


def test_hidden_votes_are_predicted(made: tuple[Path, Path], tmp_path: Path) -> None:
    rows = [tuple(map(int, row)) for row in list(csv.reader(made[0].open()))[1:]]
    pairs = put(tmp_path, [(i, j) for i, j, _ in rows[:500]], "pairs.csv", "participant,statement")
    known = put(tmp_path, rows[500:], "known.csv")
    out = tmp_path / "p.csv"
    assert opinion("predict", known, pairs, "--out", out) == 0
    found = list(csv.DictReader(out.open()))
    assert list(found[0]) == ["participant", "statement", "p"]
    assert [(int(r["participant"]), int(r["statement"])) for r in found] == [
        (i, j) for i, j, _ in rows[:500]
    ]
    said = [(float(r["p"]), vote) for r, (_i, _j, vote) in zip(found, rows, strict=False) if vote]
    assert np.mean([(p > 0.5) == (vote > 0) for p, vote in said]) > 0.75


def test_a_prediction_keeps_what_else_stands_beside_a_pair(tmp_path: Path) -> None:
    votes = put(tmp_path, [(i, j, 1) for i in range(12) for j in range(3)])
    pairs = tmp_path / "pairs.csv"
    text = '\ufeffnote;comment-id;p;voter-id\r\n"a;b";2;9;7\r\nä;1.0;9;77\r\n'
    pairs.write_text(text, encoding="utf-8", newline="")
    out = tmp_path / "p.csv"
    assert opinion("predict", votes, pairs, "--out", out) == 0
    found = list(csv.reader(out.open(encoding="utf-8")))
    assert found[0] == ["note", "statement", "participant", "p"]
    assert [row[:3] for row in found[1:]] == [["a;b", "2", "7"], ["ä", "1.0", "77"]]
    assert all(0.8 < float(row[3]) < 1 for row in found[1:])


def test_strangers_and_new_statements_are_predicted_too(tmp_path: Path) -> None:
    votes = put(tmp_path, [(f"p{n}", "ä 🙂", 1) for n in range(30)])
    pairs = put(
        tmp_path,
        [("p0", "ä 🙂"), ("nobody", "ä 🙂"), ("p0", "new"), ("", "")][:3],
        "pairs.csv",
        "participant,statement",
    )
    out = tmp_path / "p.csv"
    assert opinion("predict", votes, pairs, "--out", out) == 0
    p = [float(row["p"]) for row in csv.DictReader(out.open())]
    assert p[0] > 0.85
    assert p[1] > 0.7
    assert 0.3 < p[2] < 0.9


ODD = {
    "nobody": [],
    "one vote": [(1, 1, 1)],
    "one voter": [(1, j, 1 if j % 2 else -1) for j in range(20)],
    "everybody passes": [(i, j, 0) for i in range(12) for j in range(5)],
    "all agree": [(i, j, 1) for i in range(12) for j in range(5)],
    "one statement": [(i, 7, (-1) ** i) for i in range(12)],
    "names of any kind": [(f"{i} 🙂", "مرحبا", 1) for i in range(12)],
    "many statements": [(i % 50, i, (-1) ** i) for i in range(10_000)],
}


def test_families_stay_together_and_an_empty_list_has_no_title(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    votes = put(tmp_path, [(i, 1, 1) for i in range(40)])
    statements = put(tmp_path, [(1, "👩‍👩‍👧 می‌خواهم")], "s.csv", "statement,text")
    assert opinion(votes, "--statements", statements) == 0
    said = capsys.readouterr().out
    assert "1: 👩‍👩‍👧 می‌خواهم" in said
    assert "More votes would tell most" not in said


@pytest.mark.parametrize("rows", ODD.values(), ids=ODD.keys())
def test_odd_conversations_have_a_sensible_map(
    rows: list[tuple[Any, ...]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    votes = put(tmp_path, rows)
    found = as_json(capsys, votes)
    assert found["votes"] == len(rows)
    assert (found["groups"]["count"], found["groups"]["clear"]) == (1, False)
    assert opinion(votes) == 0
    said = capsys.readouterr().out
    assert ("no clear groups" in said) == bool(rows)
    assert ("Nobody has voted yet" in said) == (not rows)


def test_rejected_statements_are_on_no_list_and_texts_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    votes = put(tmp_path, [(i, j, 1) for i in range(40) for j in (1, 2)])
    texts = put(
        tmp_path,
        [(1, 1, "Buses\x1b[31m at night"), (2, -1, "Rude"), (3, 1, "Nobody saw this")],
        "statements.csv",
        "statement,moderated,text",
    )
    found = as_json(capsys, votes, "--statements", texts)
    assert {entry["statement"] for name in LISTS for entry in found[name]} == {1}
    assert opinion(votes, "--statements", texts) == 0
    said = capsys.readouterr().out
    assert "1: Buses [31m at night" in said
    assert "\x1b" not in said
    assert "Rude" not in said


def test_people_are_weighted_to_those_who_live_here(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [(i, 1, 1 if i < 80 else -1, "young" if i < 80 else "Old") for i in range(100)]
    votes = put(tmp_path, rows, head="participant,statement,vote,age")
    margins = put(
        tmp_path, [("Age", "young", 50), ("age", "old", "50%")], "m.csv", "column,value,share"
    )
    plain, fair = as_json(capsys, votes), as_json(capsys, votes, "--population", margins)
    assert plain["by_statement"][0]["estimate"] == pytest.approx(0.8)
    assert fair["by_statement"][0]["estimate"] == pytest.approx(0.5)
    assert 50 < fair["effective_people"] < 80
    assert plain["effective_people"] is None


def test_polis_files_go_there_and_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    votes = put(tmp_path, [(i, j, (i + j) % 3 - 1) for i in range(9) for j in range(4)])
    texts = put(
        tmp_path, [(j, 1, f'"Say" {j}, please') for j in range(4)], "s.csv",
        "statement,moderated,text",
    )  # fmt: skip
    assert (
        opinion(
            "export", votes, "--statements", texts, "--format", "polis", "--out", tmp_path / "there"
        )
        == 0
    )
    head = (tmp_path / "there" / "comments.csv").read_text().splitlines()[0]
    assert head == "timestamp,datetime,comment-id,author-id,agrees,disagrees,moderated,comment-body"
    assert (
        opinion("import", tmp_path / "there", "--format", "polis", "--out", tmp_path / "back") == 0
    )
    again = as_json(
        capsys,
        tmp_path / "back" / "votes.csv",
        "--statements",
        tmp_path / "back" / "statements.csv",
    )
    first = as_json(capsys, votes, "--statements", texts)
    for told in (again, first):
        told.pop("seconds")
    assert again == first


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nothing.csv",), "There is no file nothing.csv; check the name and the folder."),
        (("bad.csv",), "^bad.csv, line 2: the vote is 'maybe', but a vote is 1 "),
        (("votes.csv", "--statements", "bad.csv", "--seed", "1"), "listed twice"),
        (("votes.csv", "--population", "votes.csv"), "has no column column"),
        (("votes.csv", "--population", "margins.csv"), "has no column age"),
        (("predict", "votes.csv", "nothing.csv", "--out", "p.csv"), "There is no file nothing.csv"),
        (("predict", "votes.csv", "votes.csv", "--out", "no/p.csv"), "There is no folder no."),
        (("predict", "votes.csv", "votes.csv", "--out", "."), ". is a folder."),
        (("simulate", "--people", "0", "--out", "v.csv"), "There must be people"),
        (("simulate", "--people", "3", "--groups", "4", "--out", "v.csv"), "more groups than people"),
        (("simulate", "--answered", "2", "--out", "v.csv"), "Answered must lie above 0"),
        (("simulate", "--people", "9999999999", "--statements", "99", "--out", "v.csv"), "pairs."),
        (("votes.csv", "--population", "alien.csv"), "Nobody in aged.csv has a value of age|has no column age"),
        (("aged.csv", "--population", "alien.csv"), "Nobody in aged.csv has a value of age that alien.csv knows: it has old, and"),
        (("aged.csv", "--population", "over.csv"), "The shares of age in over.csv come to 150 of 100"),
        (("aged.csv", "--population", "nothing.txt"), "nothing.txt is empty; it needs a first line with column, value, share"),
        (("long" * 500,), "cannot be read .File name too long"),
        (("a.pdf",), "a.pdf is no text; save it as CSV"),
        (("simulate", "--out", "v.csv", "--truth", "./v.csv"), "name the same file"),
        (("aged.csv", "--population", "twice.csv"), "line 3: Age OLD is there twice"),
        (("aged.csv", "--population", "minus.csv"), "the share is '-1', no number from 0 up"),
        (("votes.csv", "--people", "aged.csv"), "--people says who people are, but not who lives here"),
        (("similar", "votes.csv", "nothing.csv"), "There is no file nothing.csv"),
        (("guards", "bad.csv"), "^bad.csv, line 2"),
        (("empty-folder",), "There is no votes.csv in the folder “empty-folder”"),
        (("export", "votes.csv", "--out", "votes.csv/there"), "votes.csv/there cannot be made a folder"),
        (("import", ".", "--out", "there"), "has no column comment-id|There is no votes.csv|no column"),
    ],
)  # fmt: skip
def test_rubbish_is_refused_with_exit_code_2_and_clear_words(
    words: tuple[str, ...],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    put(tmp_path, [(1, 1, "maybe"), (2, 1, 1)], "bad.csv")
    put(tmp_path, [(1, 1, 1)])
    put(tmp_path, [("age", "old", 1)], "margins.csv", "column,value,share")
    put(tmp_path, [(1, 1, 1, "old")], "aged.csv", "participant,statement,vote,age")
    put(tmp_path, [("age", "ancient", 1)], "alien.csv", "column,value,share")
    put(tmp_path, [("age", "old", 1), ("Age", " OLD ", 1)], "twice.csv", "column,value,share")
    put(tmp_path, [("age", "old", -1)], "minus.csv", "column,value,share")
    put(tmp_path, [("age", "old", "90%"), ("age", "new", "60%")], "over.csv", "column,value,share")
    (tmp_path / "nothing.txt").touch()
    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n")
    (tmp_path / "empty-folder").mkdir()
    if words[0] == "import":
        put(tmp_path, [], "votes.csv", "a,b")
    elif "--statements" in words and words[0] == "votes.csv":
        put(tmp_path, [(1, 1, 1), (1, 1, 1)], "bad.csv")
    before = sorted(tmp_path.rglob("*"))
    assert opinion(*words) == 2
    told, out = capsys.readouterr().err, sorted(tmp_path.rglob("*"))
    assert out == before  # nothing is left half written
    assert re.search(said, told), told
    assert "Traceback" not in told


@pytest.mark.parametrize(
    "words",
    [(), ("votes.csv", "--format", "xml"), ("votes.csv", "--seed", "-1"), ("predict", "votes.csv")],
)
def test_what_the_command_line_does_not_know_is_exit_code_2(words: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as caught:
        opinion(*words)
    assert caught.value.code == 2


HEAD = "participant,statement,vote\n"


@given(st.binary(max_size=200), st.booleans())
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_at_all_are_mapped_or_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], rubbish: bytes, begins_well: bool
) -> None:
    path = tmp_path / "votes.csv"
    path.write_bytes(HEAD.encode() * begins_well + rubbish)
    capsys.readouterr()
    code = opinion(path, "--format", "json")
    told = capsys.readouterr()
    assert code in (0, 2)
    if code == 0:
        json.loads(told.out, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    else:
        assert told.out == ""
        assert told.err.strip()


def test_votes_come_through_the_standard_input_and_through_a_pipe(
    made: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    first = as_json(capsys, made[0])
    packed = gzip.compress(made[0].read_bytes())
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(packed)))
    second = as_json(capsys, "-")
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(made[0].read_bytes(),))
    writer.start()
    third = as_json(capsys, pipe)
    writer.join()
    for told in (first, second, third):
        told.pop("seconds")
    assert first == second == third


def test_a_folder_stands_for_the_files_in_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(tmp_path, [("", "", j, i, 1 if j else -1) for i in range(20) for j in (0, 1)],
        "votes.csv", "timestamp,datetime,comment-id,voter-id,vote")  # fmt: skip
    put(tmp_path, [("", "", 0, 5, 0, 20, 1, "Fewer buses"), ("", "", 1, 5, 20, 0, 1, "More buses"), ("", "", 2, 5, 0, 0, 1, "Trams")],
        "comments.csv", "timestamp,datetime,comment-id,author-id,agrees,disagrees,moderated,comment-body")  # fmt: skip
    found = as_json(capsys, tmp_path)
    told = {entry["text"]: entry["side"] for entry in found["common_ground"]}
    assert told == {"More buses": "agree", "Fewer buses": "disagree"}
    assert found["statements"] == 2
    assert found["statements_without_votes"] == [2]
    assert opinion(tmp_path) == 0
    said = capsys.readouterr()
    assert "Nobody has voted on 1 more statement." in said.out
    assert said.err == ""


def test_signs_the_wrong_way_round_are_noted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [(i, j, 1 if (i + j) % 4 else -1) for i in range(20) for j in range(12)]
    votes = put(tmp_path, rows)
    texts = put(tmp_path, [(j, 5, 15) for j in range(12)], "s.csv", "statement,agrees,disagrees")
    assert opinion(votes, "--statements", texts) == 0
    assert "1 must be agree" in capsys.readouterr().err
    other = put(
        tmp_path, [(f"x{j}", 1, 1) for j in range(12)], "o.csv", "statement,agrees,disagrees"
    )
    assert opinion(votes, "--statements", other) == 0
    assert "Is it of the same conversation?" in capsys.readouterr().err
    database = put(tmp_path, [(i, j, -x) for i, j, x in rows], "db.csv", "pid,tid,vote")
    assert opinion(database) == 0
    assert "-1 is read as agree" in capsys.readouterr().err
    one, two = as_json(capsys, votes), as_json(capsys, database)
    assert one["by_statement"] == two["by_statement"]


@pytest.mark.parametrize(
    ("head", "rows"),
    [
        ("column,value,share", [("age", "young", 30), ("age", "old", 70)]),
        ("Attribute;Category;Population", [("Age", "Young", "30 %"), ("Age", "Old", "70 %")]),
        ("age,share", [("young", 0.3), ("old", 0.7)]),
        ("age,count", [("young", "3,000"), ("old", "7,000")]),
        ("age;percent", [("young", "30,0"), ("old", "70,0")]),
    ],
)
def test_margins_may_be_written_in_several_ways(
    head: str,
    rows: list[tuple[Any, ...]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    votes = put(tmp_path, [(i, 1, 1 if i < 80 else -1) for i in range(100)])
    people = put(
        tmp_path,
        [(i, "young" if i < 80 else "OLD ") for i in range(100)],
        "p.csv",
        "participant,age",
    )
    margins = tmp_path / "margins.csv"
    mark = ";" if ";" in head else ","
    with margins.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=mark).writerows([head.split(mark), *rows])
    found = as_json(capsys, votes, "--population", margins, "--people", people)
    assert found["by_statement"][0]["estimate"] == pytest.approx(0.3)
    assert 30 < found["by_statement"][0]["effective_votes"] < 60
    assert found["population"]["nobody"] == []
    assert found["population"]["unknown"] == {"age": 0}


@pytest.mark.parametrize(
    ("shares", "said"),
    [
        (("50%", "20%"), "The shares of age in m.csv come to 70 of 100."),
        (("0.5", "0.2"), "The shares of age in m.csv come to 70 of 100."),
        (("50", "20"), ""),
        (("33.3%", "66.6%"), ""),
        (("1", "3"), ""),
    ],
)
def test_margins_that_leave_people_out_are_noted(
    shares: tuple[str, str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [(i, 1, 1, ("young", "old")[i % 2]) for i in range(20)]
    votes = put(tmp_path, rows, head="participant,statement,vote,age")
    margins = put(tmp_path, list(zip(("young", "old"), shares, strict=True)), "m.csv", "age,share")
    assert opinion(votes, "--population", margins) == 0
    told = capsys.readouterr().err
    assert said in told if said else told == ""


def test_who_lives_here_and_takes_no_part_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [(i, 1, 1, ("young", "old", "")[i % 3]) for i in range(60)]
    votes = put(tmp_path, rows, head="participant,statement,vote,age")
    margins = put(tmp_path, [("young", 40), ("old", 40), ("very old", 20)], "m.csv", "age,share")
    found = as_json(capsys, votes, "--population", margins)
    assert found["population"]["nobody"] == [{"column": "age", "value": "very old", "share": 0.2}]
    assert found["population"]["unknown"] == {"age": 20}
    assert opinion(votes, "--population", margins) == 0
    said = capsys.readouterr().out
    assert "Of 20 of 60 people the age is not known." in said
    assert "Nobody whose age is very old takes part, 20% of those who live here" in said


def test_crowds_are_raised_and_headlines_say_what_hangs_on_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(1)
    rows = [(i, j, int(rng.choice([-1, 1]))) for i in range(60) for j in range(30)]
    crowd = [(f"b{k}", j, 1 if j % 2 else -1) for k in range(40) for j in range(30)]
    votes = put(tmp_path, rows + crowd)
    found = as_json(capsys, votes)["guards"]
    (clique,) = found["cliques"]
    assert (clique["kind"], len(clique["people"])) == ("copies", 40)
    assert set(clique["people"]) == {f"b{k}" for k in range(40)}
    assert clique["alike"] == 1
    fallen = [each for each in found["headlines"] if not each["stands"]]
    assert fallen
    assert {each["without"] for each in fallen} == {0, "all"}
    assert opinion("guards", votes) == 0
    said = capsys.readouterr().out
    assert "40 accounts with the same votes to the last one" in said
    assert "What would not be listed without them" in said
    capsys.readouterr()
    assert as_json(capsys, "guards", votes)["cliques"] == found["cliques"]


def test_accounts_that_push_the_same_few_statements_are_told_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(1)
    rows = [(i, j, int(rng.choice([-1, 1]))) for i in range(60) for j in range(30)]
    crowd = [(f"b{k}", j, 1 if j % 2 else -1) for k in range(20) for j in range(5)]
    votes = put(tmp_path, rows + crowd)
    (clique,) = as_json(capsys, "guards", votes)["cliques"]
    assert clique["kind"] == "same-few"
    assert set(clique["people"]) == {f"b{k}" for k in range(20)}
    assert opinion("guards", votes) == 0
    assert "20 accounts that vote on hardly anything but the same few" in capsys.readouterr().out


def test_similar_statements_are_merged_only_where_votes_agree(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    votes = put(tmp_path, [(i, j, 1 if j < 2 else -1) for i in range(12) for j in range(3)])
    texts = put(
        tmp_path,
        [(0, 1, "More buses at night"), (1, 1, "More buses at night!"), (2, 1, "No more buses at night"), (3, 1, "Trees"), (4, -1, "More buses at night")],
        "s.csv", "statement,moderated,text",
    )  # fmt: skip
    found = as_json(capsys, "similar", votes, texts)["similar"]
    assert [(pair["statements"], pair["merge"]) for pair in found][0] == ([0, 1], True)
    assert all(not pair["merge"] for pair in found[1:])
    assert opinion("similar", votes, texts) == 0
    assert "Merge: texts are alike" in capsys.readouterr().out


def test_a_prediction_is_never_certain_and_never_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    votes = put(tmp_path, [(i, j, 1) for i in range(300) for j in range(60)])
    pairs = put(tmp_path, [(0, 1), (999, 1), (0, 999)], "pairs.csv", "participant,statement")
    out = tmp_path / "p.csv"
    assert opinion("predict", votes, pairs, "--out", out) == 0
    assert all(0 < float(row["p"]) < 1 for row in csv.DictReader(out.open()))
    first = out.read_text()
    out.chmod(0o640)
    assert opinion("predict", votes, pairs, "--out", out) == 0
    assert out.read_text() == first
    assert out.stat().st_mode & 0o777 == 0o640
    monkeypatch.setattr(Path, "replace", _full_disk)
    assert opinion("predict", votes, votes, "--out", out) == 2
    assert out.read_text() == first
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def _full_disk(_self: Path, _target: Path) -> Path:
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize(
    "verb", ["map", "predict", "similar", "guards", "simulate", "import", "export"]
)
def test_every_verb_has_help(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        opinion(verb, "--help")
    assert caught.value.code == 0
    assert "Examples" in capsys.readouterr().out
