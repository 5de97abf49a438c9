"""Pabulib files: what is read, and what is said about files that cannot be."""

import gzip
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonweal.engine.voting.pabulib import (
    PabulibError,
    parse_pabulib,
    read_pabulib,
    write_pabulib,
)

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
    (GOOD.replace("v2;1;", "v2;1,1;"), "line 17: a project is on the ballot twice"),
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
