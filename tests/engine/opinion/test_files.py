"""Files of votes: our columns, those of Polis, and plain words for what is neither."""

import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonweal.engine.opinion import Votes
from commonweal.engine.opinion.files import (
    from_database,
    read_statements,
    read_votes,
    turned_round,
    votes_as_csv,
)
from commonweal.engine.opinion.tables import OpinionError
from tests.engine.opinion.conversations import Entry, as_pairs, entries, same, votes_of

OURS = "participant,statement,vote\n1,5,1\n2,5,-1\n1,6,0\n1,5,-1\n"
PAIRS = {(1, 5): -1, (2, 5): -1, (1, 6): 0}


def put(folder: Path, text: str | bytes, name: str = "votes.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_our_columns_are_read_and_the_last_vote_counts(tmp_path: Path) -> None:
    assert as_pairs(read_votes(put(tmp_path, OURS))) == PAIRS


@pytest.mark.parametrize(
    "text",
    [
        OURS.removesuffix("\n"),
        OURS.replace("\n", "\r\n"),
        "\ufeff" + OURS,
        OURS.replace(",", ";"),
        OURS.replace(",", "\t"),
        OURS.replace("participant", "  Participant "),
        OURS.replace("1,5,1\n", '"1",5, 1\n\n'),
        OURS.replace("1,6,0", "1,6,0.0"),
        OURS.replace("\n", "\r"),
        OURS.replace(",", "|"),
        "sep=;\r\n" + OURS.replace(",", ";"),
        "\n\n" + OURS,
        "participant,statement,vote\n1.0,5.0,1e0\n2.0,5.0,-1.0\n1.0,6.0,+0\n1.0,5.0,-1\n",
        OURS.replace("participant,statement", "Voter-ID,Comment ID"),
        OURS.replace("participant,statement,vote", "participant_id,statement_id,value"),
        OURS.replace("participant", '"the one who\nvoted",participant')
        .replace("\n1,", "\nx,1,")
        .replace("\n2,", "\nx,2,"),
        ("timestamp_ms," + OURS).replace("\n1,", "\n,1,").replace("\n2,", "\n,2,"),
        "note,participant,statement,vote\n" + "".join(f"x y,{row}\n" for row in OURS.split()[1:]),
    ],
)
def test_how_it_is_written_makes_no_difference(tmp_path: Path, text: str) -> None:
    assert as_pairs(read_votes(put(tmp_path, text))) == PAIRS
    packed = put(tmp_path, gzip.compress(text.encode(), mtime=0), "votes.csv.gz")
    assert as_pairs(read_votes(packed)) == PAIRS


def test_times_decide_which_vote_is_last(tmp_path: Path) -> None:
    text = "timestamp_ms,participant,statement,vote\n90,1,5,1\n80,1,5,-1\n"
    assert as_pairs(read_votes(put(tmp_path, text))) == {(1, 5): 1}


@pytest.mark.parametrize(
    "times",
    [
        ("1500000002000", "1500000001000"),
        ("1500000002", "1500000001"),
        ("1500000002.0", "1.500000001e9"),
        ("2017-07-14T02:40:02Z", "2017-07-14 02:40:01"),
        ("2017-07-14T04:40:02+02:00", "2017-07-14T02:40:01.000+00:00"),
    ],
)
def test_times_are_milliseconds_seconds_or_dates(tmp_path: Path, times: tuple[str, str]) -> None:
    text = f"timestamp,participant,statement,vote\n{times[0]},1,5,1\n{times[1]},1,5,-1\n{times[1]},1,6,0\n"
    votes = read_votes(put(tmp_path, text))
    assert as_pairs(votes) == {(1, 5): 1, (1, 6): 0}
    assert votes.moment is not None
    assert votes.moment.tolist() == [1_500_000_002_000, 1_500_000_001_000]


def test_in_the_columns_of_the_database_of_polis_minus_one_is_agree(tmp_path: Path) -> None:
    text = "zid,pid,tid,vote,weight_x_32767,created\n1,3,7,-1,0,1500000002000\n1,3,8,1,0,1500000002000\n"
    path = put(tmp_path, text)
    assert as_pairs(read_votes(path)) == {(3, 7): 1, (3, 8): -1}
    assert from_database(path)
    assert not from_database(put(tmp_path, OURS))


def test_statements_that_were_counted_the_other_way_are_noticed(tmp_path: Path) -> None:
    votes = Votes.from_log(
        [i for i in range(9) for _j in range(12)], list(range(12)) * 9,
        [1 if (i + j) % 3 else -1 for i in range(9) for j in range(12)],
    )  # fmt: skip
    rows = [(j, a, d) for j, (d, _p, a) in enumerate(votes.tallies.tolist())]
    head = "comment-id,agrees,disagrees,moderated,comment-body\n"
    right = "".join(f"{j},{a},{d},1,x\n" for j, a, d in rows)
    wrong = "".join(f"{j},{d},{a},1,x\n" for j, a, d in rows)
    assert not turned_round(read_statements(put(tmp_path, head + right)), votes)
    assert turned_round(read_statements(put(tmp_path, head + wrong)), votes)
    assert not turned_round(read_statements(put(tmp_path, "statement\n5\n")), votes)


def test_the_log_that_polis_exports(tmp_path: Path) -> None:
    text = (
        "timestamp,datetime,comment-id,voter-id,vote\n"
        "1500000002,Fri Jul 14 2017 02:40:02 GMT+0000 (UTC),7,3,-1\n"
        "1500000001,Fri Jul 14 2017 02:40:01 GMT+0000 (UTC),7,3,1\n"
        '1500000001,"Fri, Jul 14 2017",8,3,0\n'
    )
    assert as_pairs(read_votes(put(tmp_path, text))) == {(3, 7): -1, (3, 8): 0}


def test_the_matrix_that_polis_exports(tmp_path: Path) -> None:
    text = (
        "participant,group-id,n-comments,n-votes,n-agree,n-disagree,0,1,7\n"
        "0,1,2,2,1,1,1,,-1\n4,,0,1,0,0,,0.0,\n9,,0,0,0,0,,,\n"
    )
    votes = read_votes(put(tmp_path, text))
    assert as_pairs(votes) == {(0, 0): 1, (0, 7): -1, (4, 1): 0}
    assert votes.people.tolist() == [0, 4, 9]
    with pytest.raises(OpinionError, match="line 2: the vote on 1 is '3', but a vote is 1 "):
        read_votes(put(tmp_path, text.replace("1,,-1", "1,3,-1")))


def test_columns_that_nobody_asked_for_may_be_empty(tmp_path: Path) -> None:
    text = "a,b,c,d,participant,statement,vote\n" + "".join(f",,,,{i},1,1\n" for i in range(9))
    assert len(read_votes(put(tmp_path, text))) == 9


def test_names_that_look_like_numbers_but_are_not_stay_text(tmp_path: Path) -> None:
    votes = read_votes(put(tmp_path, OURS.replace("2,5", "007,5")))
    assert votes.people.tolist() == ["007", "1"]
    assert votes.statements.tolist() == [5, 6]


def test_a_file_longer_than_a_block_is_read_whole(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    person, statement = rng.permutation(200_000), rng.integers(0, 300, 200_000)
    value = rng.integers(-1, 2, 200_000)
    table = zip(person.tolist(), statement.tolist(), value.tolist(), strict=True)
    note = "x" * 80
    lines = "\n".join(f"{note},{i},{j},{x}" for i, j, x in table)
    path = put(tmp_path, "note,participant,statement,vote\n" + lines)
    assert path.stat().st_size > 2**24
    assert same(read_votes(path), Votes.from_log(person, statement, value))


@given(st.lists(entries, min_size=1, max_size=30), st.booleans(), st.booleans())
def test_what_is_written_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, log: list[Entry], timed: bool, polis: bool
) -> None:
    late = [entry._replace(moment=entry.moment + 1_500_000_000_000) for entry in log]
    votes = votes_of(late, timed=timed)
    path = put(tmp_path_factory.mktemp("again"), "".join(votes_as_csv(votes, polis=polis)))
    again = read_votes(path)
    assert as_pairs(again) == as_pairs(votes)
    if timed:
        assert again.moment is not None
        assert votes.moment is not None
        assert again.moment.tolist() == votes.moment.tolist()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "votes.csv is empty; it needs a first line with participant, statement, vote"),
        ("\n\n", "votes.csv is empty"),
        ("a,b\n1,2\n", "votes.csv has no column participant; its first line is 'a,b'"),
        ("participant,statement\n1,2\n", "votes.csv has no column vote"),
        (OURS + "1,5,2\n", "votes.csv, line 6: the vote is '2', but a vote is 1 "),
        (
            OURS + "1,5,yes\n1,5,\n",
            r"line 6: the vote is 'yes', but a vote is 1 \(agree\).* \(and 1 more\)",
        ),
        (OURS + "1,5\n", "line 6: 2 cells where the first line names 3"),
        (OURS + ",5,1\n", "line 6: the participant is '', but nothing may be left empty here"),
        (OURS + "x" * 201 + ",5,1\n", "line 6: the participant is 'x+', longer than 200 letters"),
        (OURS + '"1,5,1\n', "the quoting is broken"),
        (b"PK\x03\x04 a workbook", "votes.csv is no text; save it as CSV"),
        ("participant,vote,statement,vote\n1,1,5,1\n", "votes.csv has two columns vote"),
        (
            "timestamp_ms," + OURS.replace("\n1,5,1", "\n9,1,5,1\n,1,9,1"),
            "line 3: the timestamp_ms is empty|cells",
        ),
        (OURS.encode("utf-16"), "votes.csv is no text"),
        (OURS.encode() + b"\xff\xfe,5,1\n", "votes.csv is not in UTF-8"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "votes.csv is not in UTF-8|votes.csv is no text"),
        (b"\x1f\x8b damaged", "the gzip data of votes.csv is damaged"),
        (gzip.compress(OURS.encode(), mtime=0)[:-12], "the gzip data of votes.csv is damaged"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_line(
    tmp_path: Path, text: str | bytes, said: str
) -> None:
    with pytest.raises(OpinionError, match=said):
        read_votes(put(tmp_path, text))


def test_what_is_no_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(OpinionError, match="is a folder; name one file in it"):
        read_votes(tmp_path)
    with pytest.raises(OpinionError, match="there is no file"):
        read_votes(tmp_path / "nothing.csv")
    with pytest.raises(OpinionError, match="is not gzipped though its name says so"):
        read_votes(put(tmp_path, OURS, "votes.csv.gz"))


def test_problems_are_told_together_but_not_without_end(tmp_path: Path) -> None:
    with pytest.raises(OpinionError) as caught:
        read_votes(put(tmp_path, OURS + "1,5,9\n" * 50))
    assert len(caught.value.problems) == 20
    assert caught.value.problems[1] == (
        "votes.csv, line 7: the vote is '9', but a vote is 1 (agree), 0 (pass) or -1 (disagree)"
    )


def test_statements_of_both_kinds(tmp_path: Path) -> None:
    ours = 'statement,author,moderated,text\n5,1,1,Buses\n9,1,-1,"Rude, ""very"""\n7,,0,مرحبا 🙂\n'
    polis = (
        "timestamp,datetime,comment-id,author-id,agrees,disagrees,moderated,comment-body\n"
        '1,x,5,1,0,0,1,Buses\n2,x,9,1,0,0,-1,"Rude, ""very"""\n3,x,7,1,0,0,0,مرحبا 🙂\n'
    )
    for text in (ours, polis):
        found = read_statements(put(tmp_path, text, "statements.csv"))
        assert found.names.tolist() == [5, 9, 7]
        assert found.text == ("Buses", 'Rude, "very"', "مرحبا 🙂")
        assert found.rejected.tolist() == [9]
    with pytest.raises(OpinionError, match="line 3: statement 5 is listed twice"):
        read_statements(put(tmp_path, "statement\n5\n5\n"))
    with pytest.raises(OpinionError, match=r"line 2: moderated is 'no', but it is 1 \(accepted\)"):
        read_statements(put(tmp_path, "statement,moderated\n5,no\n"))
