"""Files of every kind: what is read comes back equal, and rubbish gets a message."""

import gzip
import io
import json
import os
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commonweal.engine.voting.content import content_of
from commonweal.engine.voting.election import (
    VOTE_TYPES,
    Column,
    Election,
    ElectionError,
    by_project,
)
from commonweal.engine.voting.formats import (
    parse,
    read_election,
    read_elections,
    write_election,
)
from commonweal.engine.voting.packed import read_packed, write_packed
from commonweal.engine.voting.preflib import parse_preflib
from commonweal.engine.voting.profile import Profile
from commonweal.engine.voting.synthesise import synthesise
from commonweal.engine.voting.tables import parse_tables

PACK = Path(__file__).resolve().parents[2].parent / "shared/data/pabulib"
CORPUS = Path(__file__).parent / "corpus"
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=8).map(str.strip)


@st.composite
def elections(draw: st.DrawFn) -> Election:
    """Draw an election of any type, with columns."""
    ids = draw(
        st.lists(st.text("ab1/é", min_size=1, max_size=9), min_size=1, max_size=5, unique=True)
    )
    vote_type = draw(st.sampled_from(VOTE_TYPES))
    voters = draw(st.integers(1, 8))
    pairs = [
        (p, v)
        for v in range(voters)
        for p in draw(st.lists(st.integers(0, len(ids) - 1), unique=True))
    ]
    if vote_type == "choose-1":
        pairs = [pair for n, pair in enumerate(pairs) if n == 0 or pairs[n - 1][1] != pair[1]]
    value = None
    if vote_type == "ordinal":
        value = [1 + sum(v == w for _, w in pairs[:n]) for n, (_, v) in enumerate(pairs)]
    elif vote_type in ("cumulative", "scoring"):
        value = [draw(st.integers(0, 2000)) for _ in pairs]
    profile = Profile.from_indices(
        np.array(ids, dtype=object),
        np.array([draw(st.integers(0, 10**7)) for _ in ids]),
        project=np.array([p for p, _ in pairs], dtype=np.int64),
        voter=np.array([v for _, v in pairs], dtype=np.int64),
        voters=voters,
        value=None if value is None else np.array(value, dtype=np.int64),
    )
    return Election(
        profile,
        draw(st.integers(1, 10**9)),
        vote_type,
        draw(st.sampled_from(["", "EUR"])),
        tuple(draw(TEXT) or name for name in ids),
        {},
        {"age": Column.of([draw(TEXT) for _ in range(voters)])},
        {"category": tuple(draw(TEXT) for _ in ids)},
    )


def alike(one: Election, two: Election, *, projects: bool = True) -> None:
    """Check that two elections are equal; the order of marks and of projects may differ."""
    assert (one.budget, one.vote_type, one.currency) == (two.budget, two.vote_type, two.currency)
    assert one.profile.voters == two.profile.voters
    assert _by_name(one, projects) == _by_name(two, projects)
    assert {n: _texts(c) for n, c in one.voters.items()} == {
        n: _texts(c) for n, c in two.voters.items()
    }


def _texts(column: Column) -> list[str]:
    return [column.labels[code] for code in column.codes]


def _by_name(election: Election, projects: bool) -> dict[str, Any]:
    profile = election.profile
    found = {}
    for p, name in enumerate(profile.ids):
        a, b = profile.start[p], profile.start[p + 1]
        value = None if profile.value is None else profile.value[a:b].tolist()
        category = election.projects.get("category", ("",) * len(profile.ids))[p]
        known = category if projects else ""
        found[name] = (
            int(profile.cost[p]),
            election.names[p],
            profile.voter[a:b].tolist(),
            value,
            known,
        )
    return found


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(election=elections(), kind=st.sampled_from(["pb", "npz", "csv", "folder"]))
def test_what_is_written_reads_back_equal(
    tmp_path_factory: pytest.TempPathFactory, election: Election, kind: str
) -> None:
    path = tmp_path_factory.mktemp("written") / ("tables" if kind == "folder" else f"a.{kind}")
    write_election(election, path)
    alike(read_election(path), election, projects=kind != "csv")


@pytest.mark.parametrize(
    "name", ["Poland_Katowice_2024_Zaleze", "Switzerland_Zurich_D10", "Switzerland_Zurich_S5R"]
)
def test_real_elections_survive_every_kind(name: str, tmp_path: Path) -> None:
    for path in PACK.glob(f"{name}.pb*"):
        one = read_election(path)
        for file in ("a.pb", "a.npz", "tables", "b.csv"):
            write_election(one, tmp_path / file)
            two = read_election(tmp_path / file)
            alike(one, two, projects=False)


# --- PrefLib

RANKED = """# FILE NAME: 00001-00000001.toc
# NUMBER ALTERNATIVES: 3
# NUMBER VOTERS: 6
# NUMBER UNIQUE ORDERS: 3
# ALTERNATIVE NAME 1: Alice
# ALTERNATIVE NAME 2: Bob: the builder
# ALTERNATIVE NAME 3: Eve
3: 1,2,3
2: 2,{1,3}
1: 3, 2, 1
"""


def test_ranked_ballots_keep_ties_and_weights() -> None:
    election = parse_preflib(RANKED.encode(), ".toc")
    profile = election.profile
    assert (profile.voters, election.vote_type) == (6, "ordinal")
    assert election.names == ("Alice", "Bob: the builder", "Eve")
    assert profile.value is not None
    assert profile.value.reshape(3, 6).tolist() == [
        [1, 1, 1, 2, 2, 3],
        [2, 2, 2, 1, 1, 2],
        [3, 3, 3, 2, 2, 1],
    ]
    assert profile.cost.tolist() == [100, 100, 100]


@pytest.mark.parametrize(
    ("text", "suffix", "message"),
    [
        (RANKED, ".soc", "line 9: there are ties in a .soc file"),
        (RANKED.replace("2,{1,3}", "2"), ".toc", "line 9: a .toc file ranks all alternatives"),
        (RANKED.replace("VOTERS: 6", "VOTERS: 7"), ".toc", "line 3: NUMBER VOTERS is 7"),
        (RANKED.replace("{1,3}", "{1,9}"), ".toc", "line 9: the order names 9"),
        (RANKED.replace("{1,3}", "{1,3"), ".toc", "line 9: the order cannot be read"),
        (RANKED.replace("{1,3}", "{1,,3}"), ".toc", "line 9: the order names nothing between"),
        (RANKED.replace("{1,3}", "{1,2}"), ".toi", "line 9: an alternative is in the order twice"),
        (RANKED.replace("2: 2,", "2 2,"), ".toc", "line 9: the line is no order"),
        (RANKED.replace("3: 1,2", "0: 1,2"), ".toc", "line 8: the line is no order"),
        (RANKED.replace("3: 1,2", "9999999999: 1,2"), ".toc", "line 8: with the order given 99999"),
        (RANKED.replace("NUMBER ALT", "ALT"), ".toc", "does not say NUMBER ALTERNATIVES"),
        (RANKED.replace("NAME 3", "NAME 4"), ".toc", "line 7: there is no alternative 4"),
        (RANKED.replace("Eve", "E\0"), ".toc", "line 7: there is a NUL byte"),
        ("", ".soi", "does not say NUMBER ALTERNATIVES"),
        ("3\n1,Alice\n2,Bob\n", ".soi", "older files must be fetched again"),
    ],
)
def test_a_bad_ranked_file_is_refused_with_its_line(text: str, suffix: str, message: str) -> None:
    with pytest.raises(ElectionError) as caught:
        parse_preflib(text.encode(), suffix)
    assert any(message in problem for problem in caught.value.problems)


# --- tables

PROJECTS = "project_id;cost;name;budget;category\nb;12,50;Benches;100;green\nt;30;Trees;100;green\n"
BALLOTS = "voter_id,project_id,points,age\nv,b,3,30\nv,t,2.5,30\nw,,,41\nx,t,1,52\n"


def test_two_tables_make_an_election(tmp_path: Path) -> None:
    (tmp_path / "projects.csv").write_text(PROJECTS)
    (tmp_path / "ballots.csv").write_text(BALLOTS)
    for path in (tmp_path, tmp_path / "ballots.csv", tmp_path / "projects.csv"):
        election = read_election(path)
        assert election.profile.cost.tolist() == [1250, 3000]
        assert election.profile.value is not None
        assert election.profile.value.tolist() == [300, 250, 100]
        assert (election.profile.voters, election.vote_type) == (3, "cumulative")
        assert _texts(election.voters["age"]) == ["30", "41", "52"]
        assert election.projects == {"category": ("green", "green")}


@pytest.mark.parametrize(
    ("projects", "ballots", "message"),
    [
        (
            PROJECTS.replace("12,50", "cheap"),
            BALLOTS,
            "projects.csv, line 2: the cost of project b",
        ),
        (PROJECTS.replace("t;30", "b;30"), BALLOTS, "projects.csv, line 3: project b is listed"),
        (PROJECTS.replace("Trees;100", "Trees;90"), BALLOTS, "line 3: budget is 90 here but 100"),
        (PROJECTS.replace(";100;", ";0;"), BALLOTS, "the budget is 0"),
        (PROJECTS.replace(";100;", ";;"), BALLOTS, "no row gives the budget"),
        (PROJECTS.replace(";cost", ";price"), BALLOTS, "there is no column cost"),
        (PROJECTS, BALLOTS.replace("x,t", "x,z"), "ballots.csv, line 5: the ballot names z"),
        (PROJECTS, BALLOTS.replace("x,t", "v,t"), "line 5: voter v marks project t twice"),
        (PROJECTS, BALLOTS.replace("2.5,30", "2.5,31"), "line 3: age is 31 here but 30 before"),
        (PROJECTS, BALLOTS.replace("1,52", "one,52"), "line 5: the number of points is not"),
        (PROJECTS, BALLOTS.replace("x,t,1,52", "x,t,1,52,9"), "line 5: the row has 5 cells"),
        (PROJECTS, BALLOTS.replace("x,t", ",,1,2"), "line 5"),
        (PROJECTS, BALLOTS + '"', "line 6: the quotes do not match"),
        (PROJECTS, "", "the table is empty"),
        (PROJECTS, BALLOTS.replace("points", "rank"), "line 3: the rank 2.5 is no place"),
        (None, "voter_id,project_id,cost,budget\nv,a,5,9\nw,a,6,9\n", "line 3: project a costs 6"),
    ],
)
def test_bad_tables_are_refused_with_file_and_line(
    projects: str | None, ballots: str, message: str
) -> None:
    with pytest.raises(ElectionError) as caught:
        parse_tables(None if projects is None else projects.encode(), ballots.encode())
    assert any(message in problem for problem in caught.value.problems)


def test_a_rank_with_a_tie_goes_into_tables_but_not_into_pabulib(tmp_path: Path) -> None:
    election = parse_preflib(RANKED.encode(), ".toc")
    with pytest.raises(ValueError, match="rank projects equally"):
        write_election(election, tmp_path / "a.pb")
    for file in ("a.csv", "a.npz"):
        write_election(election, tmp_path / file)
        alike(read_election(tmp_path / file), election)


# --- packed arrays


def small() -> Election:
    rng = np.random.Generator(np.random.PCG64(1))
    return synthesise(rng, voters=50, projects=9, length=3)


def test_a_packed_file_opens_in_numpy_and_holds_no_date(tmp_path: Path) -> None:
    for name in ("a.npz", "b.npz"):
        write_packed(small(), tmp_path / name)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    with np.load(tmp_path / "a.npz", allow_pickle=False) as pack:
        assert pack["voter"].tolist() == small().profile.voter.tolist()
        assert json.loads(pack["about"].tobytes())["budget"] == small().budget


def repacked(path: Path, *, compress: bool = False, **changes: Any) -> Path:
    """Write a small packed election with some arrays or texts changed; None drops an array."""
    write_packed(small(), path)
    with np.load(path) as pack:
        arrays = dict(pack)
    about = json.loads(arrays["about"].tobytes()) | changes.pop("text", {})
    arrays["about"] = np.frombuffer(json.dumps(about).encode(), dtype=np.uint8)
    arrays |= changes
    save = np.savez_compressed if compress else np.savez
    save(path, **{name: array for name, array in arrays.items() if array is not None})
    return path


VOTER = small().profile.voter
BAD_PACKS: list[tuple[dict[str, Any], str]] = [
    ({"voter": VOTER.astype(float)}, "voter is float64"),
    ({"voter": VOTER.reshape(-1, 1)}, "not one row"),
    ({"voter": VOTER.astype(">i4").byteswap().astype("U4")}, "voter is <U4"),
    ({"voter": VOTER[:-1]}, "start does not rise"),
    ({"voter": VOTER - 1}, "a mark has a voter that is none"),
    ({"voter": VOTER + 1}, "a mark has a voter that is none"),
    ({"voter": np.sort(VOTER)}, "marks a project twice"),
    ({"voter": np.concatenate([VOTER[1::-1], VOTER[2:]])}, "do not rise"),
    ({"start": small().profile.start - 1}, "start does not rise"),
    ({"start": small().profile.start[::-1]}, "start does not rise"),
    ({"cost": -small().profile.cost}, "a cost is negative"),
    ({"cost": small().profile.cost[1:]}, "not as many as the projects"),
    ({"cost": np.full(9, 2**62)}, "more than can be counted"),
    ({"cost": None}, "cost is missing"),
    ({"value": VOTER}, "approval ballots have no values"),
    ({"column_0": VOTER}, "a column is not as it should be"),
    ({"column_0": np.full(50, 7, dtype=np.int32)}, "have no label"),
    ({"pickle": VOTER}, "its arrays have other names"),
    ({"text": {"voters": 2**50}}, "it must have 0 to"),
    ({"text": {"voters": "50"}}, "voters is missing or not"),
    ({"text": {"budget": 0}}, "the budget is 0"),
    ({"text": {"vote_type": "secret"}}, "the vote type secret is not known"),
    ({"text": {"vote_type": "choose-1"}}, "names more than one project"),
    ({"text": {"vote_type": "ordinal"}}, "need places"),
    ({"text": {"ids": ["a"] * 9}}, "no id, or one that another has"),
    ({"text": {"names": []}}, "not as many as the projects"),
    ({"text": {"format": "x"}}, "another program wrote it"),
    ({"text": {"columns": [7]}}, "a column is not as it should be"),
]


@pytest.mark.parametrize(("changes", "message"), BAD_PACKS, ids=[m for _, m in BAD_PACKS])
def test_a_bad_packed_file_is_refused(
    changes: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(ElectionError) as caught:
        read_packed(repacked(tmp_path / "a.npz", **changes))
    assert message in str(caught.value)


def test_a_compressed_packed_file_is_read(tmp_path: Path) -> None:
    alike(read_packed(repacked(tmp_path / "a.npz", compress=True)), small())


def test_a_bomb_of_zeros_takes_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "bomb.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as pack:
        for name in ("about", "cost", "voter"):
            pack.writestr(f"{name}.npy", b"\0" * 2**22)
    with pytest.raises(ElectionError, match="unpacks to more than"):
        read_packed(path, most_bytes=2**23)
    with pytest.raises(ElectionError, match="begins strangely"):
        read_packed(path)
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<i8", "fortran_order": False, "shape": (2**40,)}
    )
    with zipfile.ZipFile(path, "w") as pack:
        pack.writestr("cost.npy", header.getvalue())
    with pytest.raises(ElectionError, match="cost is cut short"):
        read_packed(path)


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_damage_to_a_packed_file_is_an_election_or_a_message(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.getbasetemp()
    write_packed(small(), folder / "damaged.npz")
    content = bytearray((folder / "damaged.npz").read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(content)))
        content[place : place + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=4))
    (folder / "damaged.npz").write_bytes(content)
    try:
        read_packed(folder / "damaged.npz")
    except ElectionError as error:
        assert str(error)


# --- many files, and what is no file


def test_a_folder_and_an_archive_give_every_election_or_its_error(tmp_path: Path) -> None:
    folder = tmp_path / "many"
    (folder / "deep").mkdir(parents=True)
    write_election(small(), folder / "deep/b.pb")
    write_election(small(), folder / "a.npz")
    write_election(small(), folder / "tables")
    (folder / "c.soc").write_text("rubbish")
    (folder / "notes.txt").write_text("nothing")
    (folder / "d.pb.gz").write_bytes(gzip.compress((folder / "deep/b.pb").read_bytes()))
    found = dict(read_elections(folder))
    assert list(found) == ["a.npz", "c.soc", "d.pb.gz", "deep/b.pb", "tables"]
    assert [name for name, e in found.items() if isinstance(e, ElectionError)] == ["c.soc"]
    for archive, mode in (("x.tar.gz", "w:gz"), ("x.tar", "w")):
        with tarfile.open(tmp_path / archive, mode) as pack:  # type: ignore[call-overload]
            pack.add(folder / "deep/b.pb", "../../b.pb")
            pack.add(folder / "c.soc", "c.soc")
            pack.add(folder / "notes.txt", "notes.txt")
        again = dict(read_elections(tmp_path / archive))
        assert list(again) == ["b.pb", "c.soc"]
        assert isinstance(again["b.pb"], Election)
    whole = (tmp_path / "x.tar.gz").read_bytes()
    (tmp_path / "cut.tar.gz").write_bytes(whole[: len(whole) // 2])
    assert any(isinstance(e, ElectionError) for _, e in read_elections(tmp_path / "cut.tar.gz"))


def test_a_place_without_elections_is_told(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.tar.gz"):
        with pytest.raises(ElectionError, match="there is no"):
            list(read_elections(path))
    ((_, error),) = read_elections(tmp_path / "none.pb")
    assert "there is no file" in str(error)


def test_what_is_no_plain_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.pb")
    for path in (tmp_path / "pipe.pb", Path("/dev/zero"), Path("/dev/null")):
        with pytest.raises(ElectionError, match="is not a plain file"):
            read_election(path)
    for path in (tmp_path, tmp_path / "a.tar.gz", Path("nul\0byte.pb"), Path("x" * 5000)):
        with pytest.raises(ElectionError):
            read_election(path)


@pytest.mark.parametrize("path", sorted(CORPUS.iterdir()), ids=lambda path: path.name)
def test_a_file_of_the_corpus_is_an_election_or_a_message(path: Path) -> None:
    good = path.name.startswith("good")
    try:
        election = read_election(path)
    except ElectionError as error:
        assert not good
        assert all(error.problems)
    else:
        assert good
        assert election.budget > 0


@settings(max_examples=300, deadline=None)
@given(
    path=st.sampled_from(sorted(p for p in CORPUS.iterdir() if p.suffix not in (".gz", ".npz"))),
    data=st.data(),
)
def test_damage_to_any_text_is_an_election_or_a_message(path: Path, data: st.DataObject) -> None:
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content)))
        content[place : place + data.draw(st.integers(0, 8))] = data.draw(st.binary(max_size=5))
    try:
        election = parse(bytes(content), path.name)
    except ElectionError as error:
        assert str(error)
    else:
        profile = election.profile
        assert election.budget > 0
        assert profile.start[-1] == len(profile.voter)


# --- made-up elections


def test_a_made_up_election_is_the_same_for_a_seed_and_marks_different_projects() -> None:
    for projects, length in ((40, 4), (10, 9), (10, 10), (1, 1), (300, 3)):
        made = [
            synthesise(
                np.random.Generator(np.random.PCG64(seed)),
                voters=2000,
                projects=projects,
                length=length,
            )
            for seed in (5, 5, 6)
        ]
        profile = made[0].profile
        assert (np.bincount(profile.voter, minlength=2000) == length).all()
        assert profile.voter.tolist() == made[1].profile.voter.tolist()
        pairs = np.repeat(np.arange(projects), profile.votes) * 2000 + profile.voter
        assert len(np.unique(pairs)) == len(pairs)
        assert made[0].budget <= profile.cost.sum() / 3 + 100
        if projects > length:
            assert profile.voter.tolist() != made[2].profile.voter.tolist()


def test_a_made_up_election_is_the_same_on_every_machine() -> None:
    rng = np.random.Generator(np.random.PCG64(2027))
    election = synthesise(rng, voters=20_000, projects=60, length=5)
    votes = election.profile.votes.tolist()
    assert votes[:8] == FIRST_VOTES
    assert election.budget == FIRST_BUDGET


FIRST_VOTES = [88, 2573, 1692, 443, 5793, 1839, 3232, 2971]
FIRST_BUDGET = 104536600


def test_made_up_voters_prefer_their_own_district_and_a_few_projects() -> None:
    rng = np.random.Generator(np.random.PCG64(1))
    election = synthesise(rng, voters=20_000, projects=100, length=5)
    profile = election.profile
    home = np.array(_texts(election.voters["district"]))[profile.voter]
    there = np.repeat(np.array(election.projects["district"]), profile.votes)
    assert 0.3 < (home == there).mean() < 0.8
    votes = np.sort(profile.votes)
    assert votes[-10:].sum() > votes[:50].sum()


@pytest.mark.parametrize(
    ("voters", "projects", "length", "message"),
    [
        (0, 5, 1, "voters must be 1 or more"),
        (5, 5, 6, "cannot mark 6 of 5 projects"),
        (10**9, 2000, 8, "too large"),
        (10**6, 60_000, 30_000, "too large"),
        (10**7, 2000, 501, "too large|too much time"),
    ],
)
def test_an_election_too_large_to_make_up_is_refused_at_once(
    voters: int, projects: int, length: int, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        synthesise(
            np.random.Generator(np.random.PCG64(1)),
            voters=voters,
            projects=projects,
            length=length,
        )


@settings(max_examples=100, deadline=None)
@given(data=st.data(), at_once=st.integers(1, 9))
def test_marks_are_turned_round_as_sorting_does(data: st.DataObject, at_once: int) -> None:
    ballots = data.draw(st.lists(st.lists(st.integers(0, 4), unique=True), max_size=9))
    project = np.array([p for ballot in ballots for p in ballot], dtype=np.int64)
    length = np.array([len(ballot) for ballot in ballots], dtype=np.int64)
    value = np.arange(len(project))
    start, voter, worth = by_project(project, length, 5, value, at_once=at_once)
    owner = np.repeat(np.arange(len(ballots)), length)
    order = np.lexsort((owner, project))
    assert voter.tolist() == owner[order].tolist()
    assert worth is not None
    assert worth.tolist() == value[order].tolist()
    assert np.diff(start).tolist() == np.bincount(project, minlength=5).tolist()


def test_an_unknown_ending_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"end the name in .pb, .npz or .csv"):
        write_election(small(), tmp_path / "a.xls")
    with pytest.raises(ValueError, match="its id must have no comma"):
        profile = replace(small().profile, ids=np.array(["a,b", *"cdefghij"], dtype=object))
        write_election(replace(small(), profile=profile), tmp_path / "a.pb")


@pytest.mark.parametrize("name", ["a\nb", "a\rb", " a", "", "a\x1bb"])
@pytest.mark.parametrize("file", ["a.pb", "a.csv", "tables"])
def test_an_id_that_would_not_come_back_cannot_be_written(
    name: str, file: str, tmp_path: Path
) -> None:
    profile = replace(small().profile, ids=np.array([name, *"bcdefghij"][:9], dtype=object))
    with pytest.raises(ValueError, match="cannot be written"):
        write_election(replace(small(), profile=profile), tmp_path / file)


def test_columns_that_mean_something_else_are_not_written(tmp_path: Path) -> None:
    column = Column.of(["7"] * 50)
    odd = replace(small(), vote_type="cumulative", voters={"points": column, "vote": column})
    for file in ("a.pb", "a.csv", "tables"):
        write_election(odd, tmp_path / file)
        again = read_election(tmp_path / file)
        assert again.profile.value is None
        assert sorted(again.profile.voter.tolist()) == sorted(odd.profile.voter.tolist())


def test_content_keeps_its_limit(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 100)
    assert len(content_of(tmp_path / "a", 100)) == 100
    with pytest.raises(ElectionError, match="too much to read safely"):
        content_of(tmp_path / "a", 99)
