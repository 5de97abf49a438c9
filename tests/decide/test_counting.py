"""Counting a pot: the engine's own result, published once, and nobody findable after it."""

from __future__ import annotations

import json
import random
import zipfile
from datetime import timedelta
from hashlib import sha256
from io import BytesIO
from smtplib import SMTPRecipientsRefused

import numpy as np
import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction
from django.urls import reverse
from procrastinate.contrib.django.models import ProcrastinateJob

from commonweal.decide.ballots import actions as casting
from commonweal.decide.ballots.models import Ballot, Channel, Receipt, Roll
from commonweal.decide.ballots.rules import Choice
from commonweal.decide.budgets import tasks as opening
from commonweal.decide.budgets.models import WITHOUT_MARKS, BallotKind, Pot, Project, Rule
from commonweal.decide.counts import actions as counts
from commonweal.decide.counts import queries, tasks
from commonweal.decide.counts.models import Bundle, Count
from commonweal.engine import voting
from commonweal.engine.voting.reasons import with_ballots
from commonweal.ground.journal.models import Entry
from commonweal.ground.people.models import Person
from commonweal.propose.proposals.models import Status
from commonweal.spread.updates.models import Digest
from tests.decide.conftest import numbers
from tests.decide.crowd import vote_for
from tests.factories import world


@pytest.fixture
def closed(challenge, now) -> Pot:
    """Return a pot that has closed, with eight projects for more money than there is."""
    return world.a_pot(
        challenge,
        costs=tuple(10_000_00 * n for n in range(1, 9)),
        opens_at=now - timedelta(days=9),
        closes_at=now - timedelta(days=1),
    )


def by_hand(pot: Pot) -> voting.Profile:
    """Build the profile row by row, the slow way."""
    rows = pot.projects.order_by("pk")
    ticks = [(p, b.pk) for b in Ballot.objects.filter(pot=pot) for p in b.projects]
    return voting.Profile.from_pairs(
        np.array([row.pk for row in rows]),
        np.array([row.cost_pence for row in rows]),
        project=[tick[0] for tick in ticks],
        ballot=[tick[1] for tick in ticks],
        voters=Ballot.objects.filter(pot=pot).count(),
    )


@pytest.mark.parametrize("rule", Rule.values)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_result_is_the_engines_on_the_same_ballots(closed, community, rule, seed) -> None:
    Pot.objects.filter(pk=closed.pk).update(rule=rule)
    vote_for(closed, community, 200, seed=seed)
    vote_for(closed, community, 7, chosen=[])
    profile, ties = by_hand(closed), voting.TieRule(seed=closed.lot_seed)
    expected = {
        Rule.GREEDY: lambda: voting.greedy(profile, closed.pence, ties=ties),
        Rule.PHRAGMEN: lambda: voting.phragmen(profile, closed.pence, misfit="skip", ties=ties),
        Rule.EQUAL_SHARES: lambda: voting.equal_shares(
            profile, closed.pence, completion="add1-greedy", ties=ties
        ),
    }[Rule(rule)]()
    pot = counts.count_closed_pot(pot_id=closed.pk, at=closed.closes_at)
    funded = set(profile.ids[expected.funded].tolist())
    assert 0 < len(funded) < 8
    assert set(pot.projects.filter(is_funded=True).values_list("pk", flat=True)) == funded
    assert (
        set(pot.projects.filter(is_funded=False).values_list("pk", flat=True))
        == {*numbers(pot)} - funded
    )
    assert pot.result["spent_pence"] == expected.spent <= pot.pence
    assert pot.result["voters"] == 207
    lines = {line["id"]: line for line in pot.result["projects"]}
    assert [line["id"] for line in pot.result["projects"]][: len(funded)] == profile.ids[
        expected.order
    ].tolist()
    for place, number in enumerate(profile.ids.tolist()):
        assert lines[number]["votes"] == int(profile.votes[place])
        assert lines[number]["shortfall_pence"] == int(expected.shortfall[place])


def test_what_would_have_been_enough_is_enough_and_one_less_is_not(closed, community) -> None:
    vote_for(closed, community, 100)
    profile = by_hand(closed)
    pot = counts.count_closed_pot(pot_id=closed.pk, at=closed.closes_at)
    lost = [line for line in pot.result["projects"] if not line["is_funded"]]
    assert lost
    for line in lost:
        place = profile.ids.tolist().index(line["id"])
        for ballots, wins in ((line["needed_ballots"], True), (line["needed_ballots"] - 1, False)):
            again = queries.tally(pot, with_ballots(profile, place, ballots))
            assert bool(again.funded[place]) is wins


def test_in_a_large_pot_the_nearest_losers_are_explained(closed, community, monkeypatch) -> None:
    monkeypatch.setattr(queries, "MOST_TO_EXPLAIN", 2 * 8**2)
    Pot.objects.filter(pk=closed.pk).update(rule=Rule.PHRAGMEN)
    vote_for(closed, community, 100)
    pot = counts.count_closed_pot(pot_id=closed.pk, at=closed.closes_at)
    lost = [line for line in pot.result["projects"] if not line["is_funded"]]
    assert [line["is_explained"] for line in lost] == [place < 2 for place in range(len(lost))]
    assert len(lost) > 2
    assert lost[0]["shortfall_pence"] <= lost[-1]["shortfall_pence"]


@pytest.mark.parametrize("rule", [Rule.EQUAL_SHARES, Rule.PHRAGMEN])
def test_what_the_count_had_no_time_for_is_worked_out_after_it(
    challenge, community, now, monkeypatch, visit, client, rule
) -> None:
    past = {"opens_at": now - timedelta(days=9), "closes_at": now - timedelta(days=1)}
    costs = tuple(10_000_00 * n for n in range(1, 9))
    told = []
    for most, effort in ((queries.MOST_TO_EXPLAIN, queries.EFFORT), (0, 0)):
        monkeypatch.setattr(queries, "MOST_TO_EXPLAIN", most)
        monkeypatch.setattr(queries, "EFFORT", effort)
        pot = world.a_pot(challenge, costs=costs, lot_seed="same", rule=rule, **past)
        vote_for(pot, community, 100)
        pot = counts.count_closed_pot(pot_id=pot.pk, at=pot.closes_at)
        told.append([line["needed_cost_pence"] for line in pot.result["projects"]])
    assert told[0] != told[1] == [None] * 8
    waits = "What would have been enough is still being worked out"
    assert waits in visit(reverse("counts:result", args=[pot.pk])).text
    assert not client.get(f"/api/pots/{pot.pk}/result").json()["projects"][-1]["is_explained"]

    tasks.look(timestamp=0)
    tasks.look(timestamp=0)
    queued = ProcrastinateJob.objects.filter(task_name="counts.explain")
    assert [job.args for job in queued] == [{"pot_id": pot.pk}]
    for _project in costs:
        tasks.explain(pot_id=pot.pk)
    pot.refresh_from_db()
    assert [line["needed_cost_pence"] for line in pot.result["projects"]] == told[0]
    assert waits not in visit(reverse("counts:result", args=[pot.pk])).text
    assert not queries.due_to_explain(now).exists()


def test_how_many_had_nothing_is_counted_under_both_rules(challenge, community, now) -> None:
    pot = world.a_pot(challenge, costs=(90_000_00, 30_000_00), opens_at=now - timedelta(9),
                      closes_at=now - timedelta(1))  # fmt: skip
    dear, cheap = numbers(pot)
    vote_for(pot, community, 6, [dear])
    vote_for(pot, community, 4, [cheap])
    result = counts.count_closed_pot(pot_id=pot.pk, at=pot.closes_at).result
    assert result["chosen"] == {"mean": 0.4, "nothing": 6}
    assert result["chosen_by_votes"] == {"mean": 0.6, "nothing": 4}


@pytest.mark.parametrize("costs", [(), (5_00, 6_00)])
def test_a_pot_that_nobody_voted_in_is_counted_too(challenge, now, costs) -> None:
    pot = world.a_pot(challenge, costs=costs, opens_at=now - timedelta(9), closes_at=now)
    pot = counts.count_closed_pot(pot_id=pot.pk, at=now)
    assert pot.result["voters"] == pot.result["spent_pence"] == 0
    assert len(queries.lines(pot)) == len(costs)


def test_a_pot_is_not_counted_before_the_very_moment_it_closes(pot, administrator, seen_by) -> None:
    with pytest.raises(counts.NotYetClosed):
        counts.count_closed_pot(pot_id=pot.pk, at=pot.closes_at - timedelta(microseconds=1))
    with pytest.raises(counts.NotYetClosed):
        counts.count_pot(viewer=seen_by(administrator), pot_id=pot.pk)
    assert Pot.objects.get().counted_at is None
    counts.count_pot(viewer=seen_by(administrator, at=pot.closes_at), pot_id=pot.pk)
    assert Pot.objects.get().counted_by == administrator


def test_only_those_who_run_a_pot_count_it(closed, resident, moderator, seen_by, elsewhere) -> None:
    for person in (resident, moderator, None):
        with pytest.raises(PermissionDenied):
            counts.count_pot(viewer=seen_by(person), pot_id=closed.pk)
    with pytest.raises(Pot.DoesNotExist):
        counts.count_pot(viewer=seen_by(resident, authority=elsewhere), pot_id=closed.pk)
    assert Pot.objects.get().counted_at is None


def test_a_second_count_changes_nothing(closed, community, administrator, seen_by) -> None:
    vote_for(closed, community, 30)
    first = counts.count_closed_pot(pot_id=closed.pk, at=closed.closes_at)
    counts.count_pot(viewer=seen_by(administrator), pot_id=closed.pk)
    again = Pot.objects.get()
    assert (again.result, again.counted_at, again.counted_by) == (
        first.result, first.counted_at, None,
    )  # fmt: skip
    assert Entry.objects.filter(what="pot.counted").count() == 1


def test_the_journal_tells_who_counted_or_that_nobody_had_to(
    closed, challenge, now, administrator, seen_by
) -> None:
    other = world.a_pot(challenge, opens_at=now - timedelta(9), closes_at=now - timedelta(1))
    counts.count_closed_pot(pot_id=closed.pk, at=now)
    counts.count_pot(viewer=seen_by(administrator), pot_id=other.pk)
    told = Entry.objects.filter(what="pot.counted").order_by("pk")
    assert [(entry.who, entry.facts["automatic"], entry.is_public) for entry in told] == [
        (None, True, True),
        (administrator, False, True),
    ]
    assert {entry.challenge_id for entry in told} == {challenge.pk}


def test_proposals_learn_how_it_ended(closed, challenge, community) -> None:
    proposals = [world.a_proposal(challenge, status=Status.IN_BALLOT) for _ in range(8)]
    for project, proposal in zip(closed.projects.order_by("pk"), proposals, strict=True):
        Project.objects.filter(pk=project.pk).update(proposal=proposal)
    vote_for(closed, community, 50)
    counts.count_closed_pot(pot_id=closed.pk, at=closed.closes_at)
    for project in closed.projects.select_related("proposal"):
        wanted = Status.FUNDED if project.is_funded else Status.NOT_FUNDED
        assert project.proposal.status == wanted


def test_the_count_destroys_the_key_and_draws_new_numbers(closed, community) -> None:
    vote_for(closed, community, 40)
    key = bytes(closed.key)
    were = set(Ballot.objects.values_list("pk", flat=True))
    ticks = by_hand(closed).votes.tolist()
    codes = {bytes(code) for code in Ballot.objects.values_list("receipt", flat=True)}
    pot = counts.count_closed_pot(pot_id=closed.pk, at=closed.closes_at)
    assert Pot.objects.get().key is None
    assert not were & set(Ballot.objects.values_list("pk", flat=True))
    assert by_hand(pot).votes.tolist() == ticks
    assert not Ballot.objects.exclude(envelope=None, receipt=None).exists()
    assert {bytes(code) for code in Receipt.objects.values_list("code", flat=True)} == codes
    assert Roll.objects.count() == 40
    with pytest.raises(ValueError, match="destroyed"):
        pot.envelope_of(Roll.objects.first().person)
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_jsonb(p)::text FROM budgets_pot p")
        assert key.hex() not in cursor.fetchone()[0]


def test_no_order_leads_from_the_roll_or_a_receipt_to_a_ballot(closed, community) -> None:
    """Join them by every order a copy of the database has; chance finds about one pair in all."""
    shapes = [[p for n, p in enumerate(numbers(closed)) if k >> n & 1] for k in range(1, 256)]
    for shape in shapes:  # every ballot says something else, so that each could be known again
        vote_for(closed, community, 1, chosen=shape)
    truth = {
        line.person_id: bytes(closed.envelope_of(line.person))
        for line in Roll.objects.select_related("person")
    }
    chose = {bytes(b.envelope): tuple(b.projects) for b in Ballot.objects.all()}
    receipt = {bytes(b.receipt): tuple(b.projects) for b in Ballot.objects.all()}
    counts.count_closed_pot(pot_id=closed.pk, at=closed.closes_at)
    with connection.cursor() as cursor:

        def read(what: str, table: str, order: str) -> list:
            cursor.execute(f"SELECT {what} FROM {table} ORDER BY {order}")
            return [row[0] for row in cursor.fetchall()]

        for ballots in ("ctid", "id", "xmin::text::bigint, id", "projects"):
            found = [tuple(p) for p in read("projects", "ballots_ballot", ballots)]
            for order in ("ctid", "id", "person_id", "xmin::text::bigint, ctid"):
                people = read("person_id", "ballots_roll", order)
                hits = sum(chose[truth[p]] == b for p, b in zip(people, found, strict=True))
                assert hits <= 9, (order, ballots, hits)  # one expected; ten or more: 1e-7
            for order in ("ctid", "id", "code", "xmin::text::bigint, ctid"):
                codes = read("code", "ballots_receipt", order)
                hits = sum(receipt[bytes(c)] == b for c, b in zip(codes, found, strict=True))
                assert hits <= 9, (order, ballots, hits)
        for table in ("ballots_ballot", "ballots_roll", "ballots_receipt"):
            assert len(set(read("xmin::text", table, "1"))) == 1


def test_paper_lines_of_the_roll_keep_no_order_either(closed) -> None:
    """Lines without a name come as the papers lay in their pile; afterwards they lie otherwise."""
    before = [Roll.objects.create(pot=closed, channel=Channel.PAPER).pk for _n in range(60)]
    counts.seal_pot(pot_id=closed.pk, at=closed.closes_at)
    counts.part_ballots(pot_id=closed.pk)
    after = list(Roll.objects.filter(pot=closed).values_list("pk", flat=True))
    assert len(after) == 60
    assert not set(before) & set(after)
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM ballots_roll ORDER BY ctid")
        assert [row[0] for row in cursor.fetchall()] == sorted(after)


# --- each step again, and what lies between


STEPS = ("profile", "tally", "explained", "result", "receipts_of")


@pytest.mark.parametrize("dies_in", [*STEPS, "_bundle", "_publish", "_declare", "_shuffle"])
def test_a_count_that_is_killed_anywhere_and_begun_again_gives_the_same_once(
    closed, challenge, community, monkeypatch, dies_in
) -> None:
    other = world.a_pot(
        challenge,
        costs=tuple(10_000_00 * n for n in range(1, 9)),
        opens_at=closed.opens_at,
        closes_at=closed.closes_at,
    )
    for pot in (closed, other):
        vote_for(pot, community, 50)
    straight = counts.count_closed_pot(pot_id=other.pk, at=other.closes_at)
    where = queries if dies_in in STEPS else counts

    def die(*_given: object, **_named: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(where, dies_in, die)
        for _try in range(2):
            with pytest.raises(KeyboardInterrupt):
                counts.count_closed_pot(pot_id=closed.pk, at=closed.closes_at)
            half = Pot.objects.get(pk=closed.pk)
            assert half.counted_at is None and half.declared_at is None
            assert half.key is None, "what is sealed stays sealed"
            assert not Bundle.objects.filter(pot=closed).exists()
    pot = counts.count_closed_pot(pot_id=closed.pk, at=closed.closes_at)
    places = [{n: k for k, n in enumerate(numbers(p))} for p in (pot, straight)]

    def told(pot: Pot, place: dict[int, int]) -> list:
        return [(place[line["id"]], line["votes"], line["why"]) for line in pot.result["projects"]]

    assert told(pot, places[0]) == told(straight, places[1])
    assert Bundle.objects.filter(pot=closed).count() == 1
    assert Ballot.objects.filter(pot=closed).count() == 50 == pot.result["voters"]
    for what in ("pot.sealed", "pot.counted"):
        assert Entry.objects.filter(what=what, about_id=closed.pk).count() == 1


def test_between_seal_and_result_nobody_votes_and_the_stage_is_told(
    closed, resident, community, seen_by, visit
) -> None:
    vote_for(closed, community, 9)
    late = seen_by(resident, at=closed.closes_at - timedelta(seconds=1))
    counts.seal_pot(pot_id=closed.pk, at=closed.closes_at)
    with pytest.raises(casting.PotClosed):
        casting.cast_ballot(viewer=late, pot_id=closed.pk, choice=Choice.of([]))
    page = visit(reverse("counts:result", args=[closed.pk]))
    assert "Taking the ballots apart from who cast them" in page.text
    Count.objects.update(stage="explaining")
    page = visit(reverse("counts:result", args=[closed.pk]))
    assert "Working out why each idea won or lost" in page.text
    assert Ballot.objects.filter(pot=closed).count() == 9


def test_a_pot_that_waits_for_paper_keeps_its_key(closed, administrator, seen_by, visit) -> None:
    Pot.objects.update(waits_for_paper=True)
    with pytest.raises(counts.PaperIsMissing):
        counts.count_pot(viewer=seen_by(administrator), pot_id=closed.pk)
    with pytest.raises(counts.PaperIsMissing):
        counts.seal_pot(pot_id=closed.pk, at=closed.closes_at)
    assert Pot.objects.get().key is not None
    assert "waits for paper" in visit(reverse("counts:result", args=[closed.pk])).text


def test_a_pot_that_is_withdrawn_is_counted_by_nobody(
    closed, community, administrator, seen_by, visit, now
) -> None:
    vote_for(closed, community, 9)
    counts.seal_pot(pot_id=closed.pk, at=closed.closes_at)
    Pot.objects.filter(pk=closed.pk).update(withdrawn_at=now)
    assert not queries.due_to_count(now).exists()
    with pytest.raises(counts.NotThere):
        counts.count_pot(viewer=seen_by(administrator), pot_id=closed.pk)
    pot = counts.count_sealed_pot(pot_id=closed.pk, at=now)
    assert pot.counted_at is None and not Bundle.objects.exists()
    assert "This pot was withdrawn" in visit(reverse("counts:result", args=[closed.pk])).text


# --- terms of the pot


KINDS = [
    (kind, rule)
    for kind in BallotKind.values
    for rule in Rule.values
    if rule != Rule.PHRAGMEN or kind in WITHOUT_MARKS
]


@pytest.mark.parametrize(("kind", "rule"), KINDS)
@pytest.mark.parametrize("exclusive", ["", "pool"])
def test_every_kind_of_ballot_is_counted_and_its_bundle_verifies(
    challenge, now, kind, rule, exclusive
) -> None:
    """Each by its own measure: votes, points, or places; and an excluded idea never wins beside its rival."""
    most = {"fewest": 1, "most": 1} if kind == BallotKind.CHOOSE_ONE else {}
    pot = world.a_pot(
        challenge,
        costs=(10_000_00, 20_000_00, 30_000_00, 40_000_00),
        opens_at=now - timedelta(9),
        closes_at=now - timedelta(1),
        ballot_kind=kind,
        rule=rule,
        **most,
    )
    ids = numbers(pot)
    pot.projects.filter(pk__in=ids[:2]).update(exclusive=exclusive)
    draw = random.Random(7)
    for n in range(60):
        chosen = draw.sample(ids, 1 if kind == BallotKind.CHOOSE_ONE else draw.randint(1, 4))
        marks = {
            BallotKind.RANKED: list(range(1, len(chosen) + 1)),
            BallotKind.POINTS: [draw.randint(1, 3) for _ in chosen],
            BallotKind.SCORES: [draw.randint(1, 5) for _ in chosen],
        }.get(BallotKind(kind), [1] * len(chosen))
        Ballot.objects.create(pot=pot, envelope=bytes([n]) * 32, projects=chosen, marks=marks)
    Ballot.objects.create(pot=pot, envelope=b"b" * 32)  # none of these
    pot = counts.count_closed_pot(pot_id=pot.pk, at=now)
    won = set(pot.projects.filter(is_funded=True).values_list("pk", flat=True))
    assert won
    assert not (exclusive and set(ids[:2]) <= won)
    assert pot.result["voters"] == 61
    assert counts.verify_published(pot_id=pot.pk, at=now)
    with zipfile.ZipFile(BytesIO(queries.content_of(pot))) as pack:
        rule_said = json.loads(pack.read(f"pot-{pot.pk}/rule.json"))["rule"]
        result = json.loads(pack.read(f"pot-{pot.pk}/result.json"))
    assert {int(name) for name in result["winners"]} == won
    wanted = {
        BallotKind.RANKED: "borda-all",
        BallotKind.POINTS: "points",
        BallotKind.SCORES: "points",
    }
    if rule != Rule.PHRAGMEN and kind in wanted:
        assert rule_said["satisfaction"] == wanted[BallotKind(kind)]


def test_points_and_places_weigh_and_not_ticks_alone(challenge, now) -> None:
    """Most have ticked the second; but those who like the first like it far more."""
    for kind, marks in (
        (BallotKind.POINTS, ([9, 1], [1])),
        (BallotKind.SCORES, ([5, 1], [1])),
    ):
        pot = world.a_pot(
            challenge,
            pence=10_000_00,
            costs=(10_000_00, 10_000_00),
            opens_at=now - timedelta(9),
            closes_at=now - timedelta(1),
            ballot_kind=kind,
            rule=Rule.GREEDY,
        )
        first, second = numbers(pot)
        for n in range(6):
            Ballot.objects.create(
                pot=pot, envelope=bytes([n]) * 32, projects=[first, second], marks=marks[0]
            )
            Ballot.objects.create(
                pot=pot, envelope=bytes([9 + n]) * 32, projects=[second], marks=marks[1]
            )
        counts.count_closed_pot(pot_id=pot.pk, at=now)
        assert Project.objects.get(pk=first).is_funded is True
        assert Project.objects.get(pk=second).is_funded is False


@pytest.mark.parametrize(("voters", "reached"), [(29, False), (30, True)])
def test_below_the_quorum_nothing_is_funded_and_it_is_said(
    challenge, community, now, visit, voters, reached
) -> None:
    pot = world.a_pot(
        challenge, opens_at=now - timedelta(9), closes_at=now - timedelta(1), quorum=30
    )
    vote_for(pot, community, voters, chosen=numbers(pot))
    pot = counts.count_closed_pot(pot_id=pot.pk, at=pot.closes_at)
    assert pot.projects.filter(is_funded=True).exists() is reached
    assert (pot.result["spent_pence"] > 0) is reached
    page = visit(reverse("counts:result", args=[pot.pk]))
    said = "29 people voted, and 30 were needed. So nothing is funded."
    assert (said in page.text) is not reached
    assert not queries.unexplained(pot)
    assert counts.verify_published(pot_id=pot.pk, at=now)


def test_a_result_under_embargo_is_counted_and_told_nobody_before(
    challenge, community, now, visit, client, signed_in, administrator
) -> None:
    pot = world.a_pot(
        challenge,
        opens_at=now - timedelta(9),
        closes_at=now - timedelta(1),
        result_at=now + timedelta(hours=1),
    )
    vote_for(pot, community, 20)
    pot = counts.count_closed_pot(pot_id=pot.pk, at=now)
    assert pot.counted_at is not None and pot.declared_at is None
    result, check = (reverse(f"counts:{name}", args=[pot.pk]) for name in ("result", "check"))
    page = visit(result)
    assert "supporters" not in page.text and "short" not in page.text
    assert "The result is told at" in page.text
    assert "The result is told at" in visit(check).text
    for address in (
        reverse("counts:bundle", args=[pot.pk]),
        reverse("counts:ballots", args=[pot.pk]),
    ):
        assert client.get(address).status_code == 404
    for part in ("result", "receipts", "bundle"):
        assert client.get(f"/api/pots/{pot.pk}/{part}").status_code == 404
    assert not Entry.objects.filter(what="pot.counted").exists()
    assert not queries.due_to_tell(now).exists()
    assert not counts.declare_result(pot_id=pot.pk, at=now)
    assert counts.declare_result(pot_id=pot.pk, at=now + timedelta(hours=1))
    assert not counts.declare_result(pot_id=pot.pk, at=now + timedelta(hours=1))
    assert "Why it won" in visit(result).text
    assert Entry.objects.filter(what="pot.counted").count() == 1


def test_a_tie_goes_by_the_lot_that_anyone_draws_again(challenge, community, now) -> None:
    for seed in ("spring", "summer", "autumn"):
        pot = world.a_pot(
            challenge,
            pence=10_000_00,
            costs=(10_000_00, 10_000_00, 10_000_00),
            opens_at=now - timedelta(9),
            closes_at=now - timedelta(1),
            lot_seed=seed,
            rule=Rule.GREEDY,
        )
        vote_for(pot, community, 7, chosen=numbers(pot))
        pot = counts.count_closed_pot(pot_id=pot.pk, at=now)
        lots = {sha256(f"{seed}:{n}".encode()).hexdigest(): n for n in numbers(pot)}
        assert pot.projects.get(is_funded=True).pk == lots[min(lots)]
        assert pot.result["ties"][0]["by"] == "lot"


# --- who took part


def test_turnout_is_told_by_channel_and_by_part_and_small_cells_are_not_even_kept(
    challenge, authority, community, now
) -> None:
    north, south, east = (world.a_community(authority, community) for _n in range(3))
    north.people_who_live_here = 400
    north.save()
    pot = world.a_pot(challenge, opens_at=now - timedelta(9), closes_at=now - timedelta(1))
    ways = [(north, Channel.ONLINE, 30), (south, Channel.PAPER, 12), (east, Channel.KIOSK, 3)]
    for part, channel, n in ways:
        for _voter in range(n):
            person = world.a_person(part)
            Roll.objects.create(pot=pot, person=person, channel=channel)
            Ballot.objects.create(pot=pot, envelope=pot.envelope_of(person))
    Ballot.objects.bulk_create(Ballot(pot=pot, envelope=bytes([n]) * 32) for n in range(8))
    told = counts.count_closed_pot(pot_id=pot.pk, at=now).result["turnout"]
    channels = {row["channel"]: row["voters"] for row in told["channels"]}
    assert channels == {"online": 30, "paper": 12, "kiosk": None, "guest": None}, (
        "from the sum a single hidden one could be worked out"
    )
    parts = {row["part"]: (row["voters"], row["lives"]) for row in told["parts"]}
    assert parts == {
        north.pk: (30, 400),
        south.pk: (12, None),
        east.pk: (None, None),
        None: (None, None),
    }


# --- everybody who voted is told


def test_everybody_who_voted_is_told_once_and_nothing_of_what_they_chose(
    closed, community, mailoutbox, now
) -> None:
    vote_for(closed, community, 12)
    gone = Roll.objects.order_by("person_id")[3].person
    Person.objects.filter(pk=gone.pk).update(is_active=False)
    Roll.objects.create(pot=closed, channel=Channel.PAPER)
    codes = [b.code for b in Ballot.objects.all()]
    pot = counts.count_closed_pot(pot_id=closed.pk, at=now)
    tasks.look(timestamp=0)
    queued = ProcrastinateJob.objects.filter(task_name="counts.tell")
    assert [job.args for job in queued] == [{"pot_id": pot.pk}]
    for _ in range(3):
        tasks.tell(pot_id=pot.pk)
    assert len(mailoutbox) == 11
    assert len({mail.to[0] for mail in mailoutbox}) == 11
    assert gone.email not in {mail.to[0] for mail in mailoutbox}
    funded = pot.projects.filter(is_funded=True).count()
    for mail in mailoutbox:
        said = mail.body + str(mail.alternatives[0][0])
        assert f"{funded} ideas of 8 are funded" in said
        assert reverse("counts:result", args=[pot.pk]) in said
        assert not any(project.title in said for project in pot.projects.all())
        assert not any(code in said for code in codes)
    assert not queries.due_to_tell(now + timedelta(hours=1)).exists()


def test_who_wants_no_mail_about_votes_gets_none(closed, community, mailoutbox, now) -> None:
    vote_for(closed, community, 6)
    quiet = Roll.objects.order_by("person_id")[2].person
    Digest.objects.create(person=quiet, hears_of_votes=False)
    counts.count_closed_pot(pot_id=closed.pk, at=now)
    tasks.tell(pot_id=closed.pk)
    assert len(mailoutbox) == 5
    assert quiet.email not in {mail.to[0] for mail in mailoutbox}


def test_a_crash_among_the_letters_writes_to_nobody_twice(
    closed, community, mailoutbox, monkeypatch, now
) -> None:
    vote_for(closed, community, 9)
    counts.count_closed_pot(pot_id=closed.pk, at=now)
    real, calls = counts._letter, []

    def dies_at_the_fifth(*given: object) -> None:
        calls.append(given)
        if len(calls) == 5:
            raise OSError("the mail server is away")
        real(*given)

    monkeypatch.setattr(counts, "_letter", dies_at_the_fifth)
    with pytest.raises(OSError, match="away"):
        tasks.tell(pot_id=closed.pk)
    assert len(mailoutbox) == 4
    tasks.tell(pot_id=closed.pk)
    assert len(mailoutbox) == 9 == len({mail.to[0] for mail in mailoutbox})
    assert len({mail.extra_headers["Message-ID"] for mail in mailoutbox}) == 9


def test_a_refused_address_keeps_nobody_else_waiting(
    closed, community, mailoutbox, monkeypatch, now
) -> None:
    vote_for(closed, community, 6)
    counts.count_closed_pot(pot_id=closed.pk, at=now)
    real = counts._letter
    bad = Roll.objects.order_by("person_id").first().person_id

    def refused(pot: Pot, person: Person, at: object) -> None:
        if person.pk == bad:
            raise SMTPRecipientsRefused({})
        real(pot, person, at)

    monkeypatch.setattr(counts, "_letter", refused)
    tasks.tell(pot_id=closed.pk)
    assert len(mailoutbox) == 5


def test_what_was_voted_on_stays_whoever_asks(pot, resident, seen_by) -> None:
    casting.cast_ballot(viewer=seen_by(resident), pot_id=pot.pk, choice=Choice.of(numbers(pot)))
    project = Project.objects.filter(pot=pot)
    for change in (
        lambda: project.update(cost_pence=1),
        lambda: project.update(title="Something else"),
        lambda: Project.objects.create(
            authority=pot.authority, pot=pot, title="Late", summary="x", cost_pence=1
        ),
        lambda: Pot.objects.update(pence=1),
        lambda: Pot.objects.update(rule="greedy"),
        lambda: Pot.objects.update(closes_at=pot.closes_at - timedelta(hours=1)),
    ):
        with pytest.raises(IntegrityError, match="voting has opened"), transaction.atomic():
            change()


def test_the_clock_opens_and_counts_pots_once(challenge, closed, community, now) -> None:
    opened = world.a_pot(challenge)
    coming = world.a_pot(challenge, opens_at=now + timedelta(1), closes_at=now + timedelta(2))
    hidden = world.a_pot(world.a_challenge(challenge.authority, published=False))
    vote_for(closed, community, 20)
    for _ in range(2):
        opening.look(timestamp=0)
        tasks.look(timestamp=0)
    queued = ProcrastinateJob.objects.filter(task_name="counts.count")
    assert [job.args for job in queued] == [{"pot_id": closed.pk, "who": None}]
    for _ in range(2):
        tasks.count(pot_id=closed.pk)
    told = Entry.objects.filter(what="pot.opened").values_list("about_id", flat=True)
    assert sorted(told) == sorted([opened.pk, closed.pk])
    assert Pot.objects.get(pk=closed.pk).counted_at is not None
    for pot in (opened, coming, hidden):
        assert Pot.objects.get(pk=pot.pk).counted_at is None
