"""Writing an election as a Pabulib file."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from commonweal.engine.voting.ballot_limits import decimal

if TYPE_CHECKING:
    from commonweal.engine.voting.election import Election

_AT_ONCE = 100_000
_COLUMNS = ("voter_id", "vote", "points")


def write_pabulib(election: "Election", path: str | Path) -> None:
    """Write an election as a plain ``.pb`` file, ballots numbered from 1.

    Counts, budget and type in META are written anew; its other entries are kept, and so are the
    further columns of projects and voters.

    Parameters
    ----------
    election : Election
        What to write.
    path : path
        Where; a file that is there is replaced.

    Raises
    ------
    ValueError
        If the format cannot hold it: ranks with ties, or a project's id with a comma or blanks
        around it.
    OSError
        If the file cannot be written.

    Notes
    -----
    Time and the size of the file are O(marks); memory is that of 100,000 ballots beside the
    election.

    References
    ----------
    Faliszewski et al. (2023), "Participatory Budgeting: Data, Tools, and Analysis", appendix.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from commonweal.engine.voting.pabulib import Election, Profile
    >>> profile = Profile.from_pairs(["a", "b"], [500, 300], project=["a", "b"], ballot=[1, 1])
    >>> election = Election(profile, 600, "approval", "EUR", ("Trees", "Benches"), {})
    >>> with TemporaryDirectory() as folder:
    ...     write_pabulib(election, f"{folder}/street.pb")
    ...     Path(f"{folder}/street.pb").read_text().splitlines()[-2:]
    ['voter_id;vote', '1;a,b']
    """
    _refuse(election)
    profile = election.profile
    meta = election.meta | {
        "num_projects": str(len(profile.ids)),
        "num_votes": str(profile.voters),
        "budget": decimal(election.budget),
        "vote_type": election.vote_type,
        "currency": election.currency,
    }
    with Path(path).open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, delimiter=";", lineterminator="\n")
        out.writerows([["META"], ["key", "value"]])
        out.writerows([clean(key), clean(text)] for key, text in meta.items() if text)
        ours = ("project_id", "cost", "votes", "name")
        others = {name: texts for name, texts in election.projects.items() if name not in ours}
        out.writerows([["PROJECTS"], [*ours, *map(clean, others)]])
        for p, name in enumerate(election.names):
            known = [profile.ids[p], decimal(int(profile.cost[p])), int(profile.votes[p])]
            out.writerow([*known, clean(name), *(clean(texts[p]) for texts in others.values())])
        out.writerow(["VOTES"])
        out.writerows(_ballot_rows(election))


def clean(text: str) -> str:
    """Leave out what would break a row: NUL bytes, and carriage returns without a line feed."""
    return text.replace("\0", "").replace("\r\n", "\n").replace("\r", "\n")


def ordered_marks(
    election: "Election",
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int64] | None]:
    """Return where each ballot begins, and project and value of every mark, ballot after ballot.

    Ranked ballots come best place first, all others in the order of the projects.
    """
    profile = election.profile
    if election.vote_type == "ordinal" and profile.value is not None:
        order = np.lexsort((profile.value, profile.voter))
    else:
        order = np.argsort(profile.voter, kind="stable")
    project = np.repeat(np.arange(len(profile.ids), dtype=np.int32), profile.votes)[order]
    length = np.bincount(profile.voter, minlength=profile.voters)
    first = np.concatenate(([0], np.cumsum(length)))
    return first, project, None if profile.value is None else profile.value[order]


def refuse_ids(election: "Election", without: str = "") -> None:
    """Raise ``ValueError`` if a project's id would not come back from a text file as it is."""
    for name in map(str, election.profile.ids):
        if not name.isprintable() or name != name.strip() or not name:
            raise ValueError(f"project {name!r} cannot be written; give it an id of plain letters")
        if without and without in name:
            raise ValueError(f"project {name!r} cannot be written; its id must have no comma")


def _refuse(election: "Election") -> None:
    refuse_ids(election, without=",")
    if election.vote_type != "ordinal" or election.profile.value is None:
        return
    first, _, value = ordered_marks(election)
    assert value is not None  # said above
    expected = np.arange(len(value)) - np.repeat(first[:-1], np.diff(first)) + 1
    if (value != expected).any():
        raise ValueError(
            "some ballots rank projects equally or leave places out, which a .pb file cannot say; "
            "write a .npz or .csv file"
        )


def _ballot_rows(election: "Election") -> Iterator[list[str]]:
    profile = election.profile
    ids = [str(name) for name in profile.ids]
    first, project, value = ordered_marks(election)
    points = value is not None and election.vote_type != "ordinal"
    others = {n: c for n, c in election.voters.items() if n not in ("", *_COLUMNS)}
    columns = [(column.codes, column.labels) for column in others.values()]
    yield [*_COLUMNS[:2], *_COLUMNS[2 : 2 + points], *map(clean, others)]
    for at in range(0, profile.voters, _AT_ONCE):
        stop = min(at + _AT_ONCE, profile.voters)
        base = int(first[at])
        names = [ids[p] for p in project[base : first[stop]].tolist()]
        given = (
            [decimal(v) for v in value[base : first[stop]].tolist()]
            if points and value is not None
            else []
        )
        known = [[labels[c] for c in codes[at:stop].tolist()] for codes, labels in columns]
        edges = (first[at : stop + 1] - base).tolist()
        for i in range(stop - at):
            a, b = edges[i], edges[i + 1]
            row = [str(at + i + 1), ",".join(names[a:b])]
            if points:
                row.append(",".join(given[a:b]))
            row.extend(clean(texts[i]) for texts in known)
            yield row
