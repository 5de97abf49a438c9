"""Pabulib files: what is read, and what is said about files that cannot be."""

import gzip
import tarfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonweal.engine.voting.content import content_of
from commonweal.engine.voting.pabulib import (
    VOTE_TYPES,
    Election,
    PabulibError,
    _quickly,
    parse_pabulib,
    read_pabulib,
    write_pabulib,
)

PACK = Path(__file__).resolve().parents[2].parent / "shared/data/pabulib"
GOOD = """META
key;value
description;A street; its trees
num_projects;3
num_votes;4
budget;1000,50
vote_type;approval
currency;EUR
PROJECTS
project_id;cost;votes;name
1;500;2;"Trees; many of them"
2/b;99.9;2;Benches
03;400.00;0;
VOTES
voter_id;vote;age
v1;1,2/b;30
v2;1;40
v3;2/b
v4;;50
"""


def parse(text: str) -> object:
    return parse_pabulib(text.encode())


def test_a_file_is_read_as_it_stands() -> None:
    election = parse_pabulib(GOOD.encode())
    profile = election.profile
    assert profile.ids.tolist() == ["1", "2/b", "03"]
    assert profile.cost.tolist() == [50000, 9990, 40000]
    assert (election.budget, election.currency, profile.voters) == (100050, "EUR", 4)
    assert profile.votes.tolist() == [2, 2, 0]
    assert election.names == ("Trees; many of them", "Benches", "03")
    assert election.meta["description"] == "A street; its trees"


@pytest.mark.parametrize("end", ["\r\n", "\r", "mixed"])
def test_line_ends_and_a_byte_order_mark_make_no_difference(end: str) -> None:
    text = GOOD.replace("\n", "\r\n", 7) if end == "mixed" else GOOD.replace("\n", end)
    election = parse_pabulib(b"\xef\xbb\xbf" + text.encode())
    assert election.profile.votes.tolist() == [2, 2, 0]


@pytest.mark.parametrize(
    ("vote_type", "points", "value"),
    [
        ("cumulative", "3,2", [300, 200]),
        ("scoring", "0.5,1", [50, 100]),
        ("ordinal", "9,9", [1, 2]),
        ("approval", "3,2", None),
        ("cumulative", None, None),
    ],
)
def test_points_and_places_are_kept(
    vote_type: str, points: str | None, value: list[int] | None
) -> None:
    head, _, _ = GOOD.partition("VOTES\n")
    column = "" if points is None else ";points"
    row = "" if points is None else f";{points}"
    text = f"{head}VOTES\nvoter_id;vote{column}\nv1;1,03{row}\n"
    text = text.replace("approval", vote_type).replace("num_votes;4", "num_votes;1")
    found = parse_pabulib(text.encode()).profile.value
    assert (None if found is None else found.tolist()) == value


BAD = [
    ("", "the file is empty"),
    (" \n\n", "the file is empty"),
    ("hello\n", "line 1: the file does not begin with META"),
    (GOOD.partition("VOTES")[0], "VOTES is missing"),
    (GOOD.replace("PROJECTS\n", ""), "PROJECTS is missing"),
    (GOOD.replace("v4;;50\n", ""), "line 5: num_votes is 4 but the file has 3 ballots"),
    (GOOD.replace("num_projects;3", "num_projects;4"), "line 4: num_projects is 4"),
    (GOOD.replace("num_votes;4\n", ""), "META has no num_votes"),
    (GOOD.replace("budget;1000,50\n", ""), "META has no budget"),
    (GOOD.replace("1000,50", "0"), "line 6: the budget is 0"),
    (GOOD.replace("1000,50", "-3"), "line 6: the budget is negative"),
    (GOOD.replace("1000,50", "lots"), "line 6: the budget is not an amount"),
    (GOOD.replace("1000,50", "1,000"), "line 6: the budget has more than two decimals"),
    (GOOD.replace("1000,50", "9" * 30), "line 6: the budget is too large"),
    (GOOD.replace("1000,50", "١٢"), "line 6: the budget is not an amount"),
    (GOOD.replace("approval", "shouting"), "line 7: the vote_type shouting is not known"),
    (GOOD.replace("currency", "budget"), "line 8: META has budget twice"),
    (GOOD.replace(";cost", ";price"), "line 10: PROJECTS has no column cost"),
    (GOOD.replace("voter_id;vote;", "voter_id;choice;"), "line 15: VOTES has no column vote"),
    (GOOD.replace("99.9", "-99.9"), "line 12: the cost of project 2/b is negative"),
    (GOOD.replace("99.9", "cheap"), "line 12: the cost of project 2/b is not an amount"),
    (GOOD.replace("99.9", ""), "line 12: the cost of project 2/b is not an amount (nothing)"),
    (GOOD.replace("99.9", "99.999"), "line 12: the cost of project 2/b has more than two"),
    (GOOD.replace("99.9", "1e5"), "line 12: the cost of project 2/b is not an amount"),
    (GOOD.replace("03;400.00", "1;400.00"), "line 13: project 1 is listed twice"),
    (GOOD.replace("03;400.00", ";400.00"), "line 13: the project has no id"),
    (GOOD.replace("v2;1;", "v2;9;"), "line 17: the ballot names 9, which is not a project"),
    (GOOD.replace("v2;1;", "v2;1,,03;"), "line 17: the ballot names nothing between two commas"),
    (GOOD.replace("2/b;99.9", "2,b;99.9"), "line 12: the project's id 2,b has a comma"),
    (
        GOOD.replace("approval", "scoring")
        .replace(";vote;age", ";vote;points")
        .replace("v1;1,2/b;30", "v1;1,1;3,4"),
        "line 16: a project is on the ballot twice",
    ),
    (GOOD.replace("num_votes;4", "num_votes;four"), "line 5: num_votes is no number"),
    (
        GOOD.replace("PROJECTS", "X").replace("VOTES", "PROJECTS").replace("X", "VOTES"),
        "line 9: the section PROJECTS is missing before VOTES",
    ),
    (GOOD.replace("v2;1;", "v1;1;"), "line 17: voter v1 votes twice"),
    (GOOD.replace("v2;1;40", "v2;1;40;5"), "line 17: the row has 4 cells"),
    (GOOD.replace("v2;1;", 'v2;"1;'), "line 17: the quotes do not match"),
    (GOOD.replace("approval", "choose-1"), "line 16: the ballot names more than one project"),
    (GOOD.replace("Benches", "Ben\0ches"), "line 12: there is a NUL byte"),
    (GOOD.replace("Benches", "B" * 10_000_000), "line 12: the line has more than"),
    (GOOD + "VOTES\nvoter_id;vote\n", "line 20: the section VOTES begins again"),
    (GOOD.partition("voter_id")[0], "the section VOTES is empty"),
]


@pytest.mark.parametrize(("text", "message"), BAD, ids=[message for _, message in BAD])
def test_a_bad_file_is_refused_with_place_and_mend(text: str, message: str) -> None:
    with pytest.raises(PabulibError) as caught:
        parse(text)
    assert message in str(caught.value)
    assert ";" in str(caught.value)  # what is wrong; how to mend it


def test_points_must_match_the_ballot() -> None:
    text = GOOD.replace("approval", "cumulative").replace(";vote;age", ";vote;points")
    with pytest.raises(PabulibError, match="line 16: the ballot names 2 projects but gives 1"):
        parse(text)


def test_another_encoding_is_named_with_its_line() -> None:
    with pytest.raises(PabulibError, match="line 12: the text is not UTF-8"):
        parse_pabulib(GOOD.replace("Benches", "Bänke").encode("latin-1"))


def test_utf_16_is_named() -> None:
    with pytest.raises(PabulibError, match="line 1: the text is in UTF-16; save the file as UTF-8"):
        parse_pabulib(GOOD.encode("utf-16"))


def test_every_problem_is_told_the_first_line_first() -> None:
    text = GOOD.replace("99.9", "cheap").replace("v2;1;", "v1;9;").replace("v4;;50\n", "")
    with pytest.raises(PabulibError) as caught:
        parse(text)
    lines = [problem.partition(":")[0] for problem in caught.value.problems]
    assert lines == ["line 5", "line 12", "line 17", "line 17"]
    assert str(caught.value).endswith("or correct the number (and 3 more)")


def test_a_thousand_problems_do_not_fill_the_memory() -> None:
    rows = "".join(f"w{n};nobody;\n" for n in range(5000))
    with pytest.raises(PabulibError) as caught:
        parse(GOOD + rows)
    assert len(caught.value.problems) == 100


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GOOD.replace("PROJECTS\n", "x;y\n" * 20 + "a;\n" * 1 + "PROJECTS\n"), "META has x twice"),
        (
            GOOD.replace("currency", "\n".join(f"k{n};v" for n in range(10_001)) + "\ncurrency"),
            "META has far too many rows",
        ),
        (
            GOOD.replace("1;500", "\n".join(f"p{n};5" for n in range(100_001)) + "\n1;500"),
            "PROJECTS has far too many rows",
        ),
        (GOOD.replace("vote;age", "vote" + ";age" * 100), "VOTES has more than 100 columns"),
        (GOOD.replace("votes;name", "name" + ";x" * 100), "PROJECTS has more than 100 columns"),
    ],
)
def test_far_too_much_of_anything_is_refused(text: str, message: str) -> None:
    for careful in (False, True):
        with pytest.raises(PabulibError, match=message):
            parse_pabulib(text.encode(), careful=careful)


def test_a_project_named_twice_on_an_approval_ballot_counts_once_and_is_told() -> None:
    election = parse_pabulib(GOOD.replace("v2;1;", "v2;1,1;").encode())
    assert election.profile.votes.tolist() == [2, 2, 0]
    assert election.warnings == ("line 17: a project is on the ballot twice; it is counted once",)
    ranked = GOOD.replace("approval", "ordinal").replace("v2;1;", "v2;03,1,03,2/b;")
    profile = parse_pabulib(ranked.encode()).profile
    assert profile.value is not None
    place = profile.value[profile.voter == 1]  # by project: 1, 2/b, 03
    assert place.tolist() == [2, 3, 1]


def test_what_is_known_of_voters_and_projects_is_kept() -> None:
    text = GOOD.replace("votes;name", "votes;name;category").replace(";Benches", ";Benches;Green")
    for careful in (False, True):
        election = parse_pabulib(text.encode(), careful=careful)
        assert election.projects == {"votes": ("2", "2", "0"), "category": ("", "Green", "")}
        age = election.voters["age"]
        assert [age.labels[code] for code in age.codes] == ["30", "40", "", "50"]
        assert age.labels == ("", "30", "40", "50")


def test_ballots_beyond_the_files_own_limits_are_counted_and_told() -> None:
    rules = "max_length;1\nmax_sum_cost;550\nmin_length;x\ncurrency"
    rules = "categories;a,b\nmax_sum_cost_per_category;450,90\n" + rules
    text = GOOD.replace("currency", rules, 1).replace("votes;name", "votes;name;category")
    text = text.replace('trees"', 'trees";a').replace("Benches", "Benches;b")
    text = text.replace('many of them"', 'many of them";a')
    election = parse_pabulib(text.encode())
    assert election.profile.voters == 4
    assert election.warnings == (
        "META's min_length is no number (x); it is not checked",
        "1 ballot names more projects than the max_length 1 (line 21); it is counted as it stands",
        "1 ballot costs more than the max_sum_cost 550 (line 21); it is counted as it stands",
        "3 ballots cost more than max_sum_cost_per_category (lines 21, 22, 23); "
        "they are counted as they stand",
    )


def test_other_votes_in_the_file_than_on_its_ballots_are_told() -> None:
    election = parse_pabulib(GOOD.replace("99.9;2;", "99.9;7;").encode())
    assert "2/b: 7 and 2" in election.warnings[0]


def test_a_gzipped_file_is_known_by_its_content(tmp_path: Path) -> None:
    for name in ("a.pb", "a.pb.gz"):
        (tmp_path / name).write_bytes(
            gzip.compress(GOOD[:100].encode()) + gzip.compress(GOOD[100:].encode())
        )
        assert read_pabulib(tmp_path / name).budget == 100050


def test_what_cannot_be_opened_or_unpacked_is_refused(tmp_path: Path) -> None:
    packed = gzip.compress(GOOD.encode())
    cases = {
        "not.pb.gz": (GOOD.encode(), "not gzipped"),
        "cut.pb.gz": (packed[:-30], "ends too early"),
        "bent.pb.gz": (packed[:40] + b"\xff" * 20 + packed[60:], "damaged"),
        "bomb.pb.gz": (gzip.compress(b"a\n" * 4_000_000), "more than 4 MiB"),
        "big.pb": (b"a\n" * 4_000_000, "more than 4 MiB"),
    }
    for name, (content, message) in cases.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(PabulibError, match=message):
            read_pabulib(tmp_path / name, most_bytes=4 * 2**20)
    with pytest.raises(PabulibError, match="there is no file"):
        read_pabulib(tmp_path / "none.pb")
    with pytest.raises(PabulibError, match="is a folder"):
        read_pabulib(tmp_path)


@pytest.mark.parametrize("vote_type", ["approval", "cumulative", "ordinal"])
def test_what_is_written_reads_back_equal(tmp_path: Path, vote_type: str) -> None:
    text = GOOD.replace("approval", vote_type)
    if vote_type == "cumulative":
        text = text.replace(";vote;age", ";vote;points").replace(";30\n", ";3.5,1\n")
        text = text.replace("v3;2/b\n", "v3;2/b;1\n")
    one = parse_pabulib(text.encode())
    write_pabulib(one, tmp_path / "a.pb")
    two = read_pabulib(tmp_path / "a.pb")
    assert (two.budget, two.names, two.vote_type) == (one.budget, one.names, vote_type)
    for field in ("ids", "cost", "start", "voter"):
        assert getattr(two.profile, field).tolist() == getattr(one.profile, field).tolist()
    assert (one.profile.value is None) == (two.profile.value is None)
    if one.profile.value is not None and two.profile.value is not None:
        assert two.profile.value.tolist() == one.profile.value.tolist()


def test_gzip_in_endless_tiny_members_is_refused(tmp_path: Path) -> None:
    (tmp_path / "many.pb.gz").write_bytes(gzip.compress(b"") * 100_001)
    with pytest.raises(PabulibError, match="more than 100,000 pieces"):
        read_pabulib(tmp_path / "many.pb.gz")


def same(one: Election, two: Election) -> None:
    """Check that two elections are equal in everything."""
    for field in ("ids", "cost", "start", "voter", "value"):
        a, b = getattr(one.profile, field), getattr(two.profile, field)
        assert (a is None) == (b is None)
        assert a is None or (a.dtype == b.dtype and a.tolist() == b.tolist())
    for field in ("budget", "vote_type", "currency", "names", "meta", "projects", "warnings"):
        assert getattr(one, field) == getattr(two, field)
    assert one.profile.voters == two.profile.voters
    assert list(one.voters) == list(two.voters)
    for name, column in one.voters.items():
        assert column.labels == two.voters[name].labels
        assert column.codes.tolist() == two.voters[name].codes.tolist()


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """Draw a file that is well formed, mostly, with ids of many shapes."""
    alphabet = draw(st.sampled_from(["01", "abé-/.", "αβγδ0123456789"]))
    names = st.text(alphabet, min_size=1, max_size=draw(st.sampled_from([2, 9, 40])))
    ids = draw(st.lists(names, min_size=1, max_size=6, unique=True))
    vote_type = draw(st.sampled_from(VOTE_TYPES))
    most = 1 if vote_type == "choose-1" else len(ids)
    ballots = draw(
        st.lists(st.lists(st.sampled_from(ids), max_size=most, unique=True), min_size=1, max_size=8)
    )
    voters = draw(
        st.lists(
            st.text("0aZ9 é", min_size=1, max_size=draw(st.sampled_from([3, 8, 20]))),
            min_size=len(ballots),
            max_size=len(ballots),
            unique=True,
        )
    )
    more = draw(st.lists(st.sampled_from(["age", "sex"]), unique=True))
    points = vote_type in ("cumulative", "scoring") and draw(st.booleans())
    columns = ["voter_id", "vote", *(["points"] if points else []), *more]
    rows = []
    for voter, ballot in zip(voters, ballots, strict=True):
        given_points = [str(draw(st.sampled_from([0, 1, 7, 12, "0.5", 123456]))) for _ in ballot]
        cells = [voter, ",".join(ballot), *([",".join(given_points)] if points else [])]
        rows.append(
            ";".join([*cells, *(draw(st.sampled_from(["", "7", "ü", "a,b"])) for _ in more)])
        )
    head = ["META", "key;value", f"num_projects;{len(ids)}", f"num_votes;{len(ballots)}"]
    head += ["budget;9", f"vote_type;{vote_type}", "PROJECTS", "project_id;cost"]
    head += [f"{name};{draw(st.integers(0, 9))}" for name in ids]
    lines = [*head, "VOTES", ";".join(columns), *rows]
    end = draw(st.sampled_from(["\n", "\r\n"]))
    return (end.join(lines) + end * draw(st.integers(0, 2))).encode()


def agree(content: bytes) -> bool:
    """Check both ways through a file against each other; say whether the quick one was taken."""
    quick = _quickly(content)
    if quick is None:
        return False
    same(quick, parse_pabulib(content, careful=True))
    return True


@settings(max_examples=400, deadline=None)
@given(files())
def test_the_quick_way_reads_what_the_careful_way_reads(content: bytes) -> None:
    agree(content)


@settings(max_examples=400, deadline=None)
@given(files(), st.data())
def test_the_quick_way_never_takes_what_the_careful_way_refuses(
    content: bytes, data: st.DataObject
) -> None:
    damaged = bytearray(content)
    ballots = content.find(b"\nVOTES")
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(data.draw(st.sampled_from([0, ballots])), len(content)))
        length = data.draw(st.integers(0, 3))
        new = data.draw(st.sampled_from(DAMAGE) | st.binary(max_size=4))
        damaged[place : place + length] = new
    agree(bytes(damaged))


DAMAGE = [b"", b";", b",", b"\n", b"\r", b"\r\n", b'"', b" ", b"\t", b"0", b"-", b"\0", b"VOTES\n"]
DAMAGE += [b"\nMETA;\n", b"\xc2\xa0", b"\xff", b"\xef\xbb\xbf", b"\x1c", b"\x85", b";;;", b"9" * 12]


def test_the_quick_way_is_taken_for_ordinary_files() -> None:
    rows = "".join(f"{n};1,2/b;{20 + n % 7}\n" for n in range(70_000))
    head = GOOD.partition("v1;")[0].replace("num_votes;4", "num_votes;70000")
    for text in (GOOD.replace("v3;2/b\n", "v3;2/b;\n"), head + rows):
        assert agree(text.encode())
        assert agree(text.replace("\n", "\r\n").encode())


@pytest.mark.parametrize("path", sorted(PACK.glob("*.pb*")), ids=lambda path: path.name)
def test_real_files_are_read_alike_both_ways(path: Path) -> None:
    assert agree(content_of(path))


def test_the_batch_of_real_files_can_be_read() -> None:
    if not (PACK / "batch-dev.tar.gz").exists():
        return
    with tarfile.open(PACK / "batch-dev.tar.gz") as pack:
        members = [member for member in pack if member.isfile()]
        for member in members:
            file = pack.extractfile(member)
            assert file is not None
            assert parse_pabulib(file.read()).profile.voters > 0
    assert len(members) == 539


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_damage_anywhere_is_an_election_or_a_message(data: st.DataObject) -> None:
    content = bytearray(GOOD.encode())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content) - 1))
        length = data.draw(st.integers(0, 20))
        content[place : place + length] = data.draw(st.binary(max_size=6))
    try:
        election = parse_pabulib(bytes(content))
    except PabulibError as error:
        assert str(error)
    else:
        assert election.budget > 0
