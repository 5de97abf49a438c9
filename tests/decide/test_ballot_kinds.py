"""Each kind of ballot, from the form to the box: what it takes, what it refuses, and in what words."""

from __future__ import annotations

import zipfile
from collections import Counter
from datetime import timedelta
from html.parser import HTMLParser
from io import BytesIO
from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from commonweal.decide.ballots import actions as voting
from commonweal.decide.ballots.forms import BallotForm, Sheet, Written
from commonweal.decide.ballots.models import Ballot, Roll
from commonweal.decide.ballots.queries import Listed
from commonweal.decide.ballots.rules import Choice, wrong_with
from commonweal.decide.budgets.models import BallotKind, Pot, Project
from commonweal.decide.counts import actions as counts
from commonweal.decide.counts import queries as counts_queries
from tests.decide.conftest import numbers
from tests.decide.test_pages import at
from tests.factories import world
from tests.visit import Page, sign_in

pytestmark = pytest.mark.django_db
COSTS = (30_000_00, 20_000_00, 60_000_00, 15_000_00)
FIELDS = {"ranked": "place", "points": "points", "scores": "score"}
KINDS = [kind.value for kind in BallotKind]


def a_pot(challenge: Any, kind: str, **given: Any) -> Pot:
    """Return an open pot of this kind; its first and last ideas exclude each other."""
    limits = {"most": 1} if kind == "choose-one" else {}
    pot = world.a_pot(challenge, ballot_kind=kind, costs=COSTS, **{**limits, **given})
    first, *_between, last = numbers(pot)
    pot.projects.filter(pk__in=(first, last)).update(exclusive="Playground")
    return pot


def posted(pot: Pot, marks: dict[int, Any]) -> dict[str, Any]:
    """Return what the form of this pot sends for these marks."""
    field = FIELDS.get(pot.ballot_kind)
    said: dict[str, Any] = {"kind": pot.ballot_kind}
    if field is None:
        return {**said, "projects": list(marks)}
    return {**said, **{f"{field}-{number}": mark for number, mark in marks.items()}}


@pytest.fixture
def kind_of_pot(challenge):
    return lambda kind, **given: a_pot(challenge, kind, **given)


@pytest.fixture
def voting_client(resident, signed_in) -> Client:
    return signed_in(resident)


# --- what each kind takes, and keeps


GOOD = {
    "approval": {0: 1, 2: 1},
    "choose-one": {1: 1},
    "basket": {0: 1, 2: 1},
    "ranked": {2: 1, 0: 2, 1: 3},
    "points": {0: 7, 3: 3},
    "scores": {0: 5, 1: 1},
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_ballot_is_checked_cast_shown_and_changed(
    kind, kind_of_pot, voting_client, visit
) -> None:
    pot = kind_of_pot(kind)
    ids = numbers(pot)
    marks = {ids[k]: mark for k, mark in GOOD[kind].items()}
    page = visit(at("vote", pot), data={**posted(pot, marks), "do": "check"})
    assert "Check your vote" in page.text
    assert not Ballot.objects.exists()
    again = controls(page.html)
    page = visit(at("vote", pot), data={**again, "do": "cast"})
    assert page.response.redirect_chain == [(at("receipt", pot), 302)]
    ballot = Ballot.objects.get()
    assert dict(zip(ballot.projects, ballot.marks, strict=True)) == marks
    assert ballot.projects == sorted(ballot.projects), "the order on the page is the voter's own"
    assert ballot.code in page.text
    for project in pot.projects.filter(pk__in=marks):
        assert project.title in page.text
    said = {"points": "7 points", "scores": "5 of 5", "ranked": "1."}.get(kind, "£")
    assert said in page.text
    visit(at("vote", pot), data={"kind": kind, "nothing": "on", "do": "cast"})
    changed = Ballot.objects.get()
    assert (changed.pk, changed.receipt, changed.projects) == (ballot.pk, ballot.receipt, [])


@pytest.mark.parametrize("kind", KINDS)
def test_the_form_of_a_cast_ballot_says_what_was_cast(
    kind, kind_of_pot, voting_client, visit
) -> None:
    pot = kind_of_pot(kind)
    ids = numbers(pot)
    for marks in ({ids[k]: mark for k, mark in GOOD[kind].items()}, {}):
        nothing = {} if marks else {"nothing": "on"}
        visit(at("vote", pot), data={**posted(pot, marks), **nothing, "do": "cast"})
        before = (Ballot.objects.get().projects, Ballot.objects.get().marks)
        data = controls(visit(at("vote", pot)).html)
        visit(at("vote", pot), data={**data, "do": "cast"})
        assert (Ballot.objects.get().projects, Ballot.objects.get().marks) == before


# --- what each kind refuses, in words

WRONG = [
    ("choose-one", {0: 1, 1: 1}, "Choose at most 1 idea. You have chosen 2: take some out."),
    ("basket", {0: 1, 1: 1, 2: 1}, "Your basket costs £20,000 more than the pot holds."),
    ("basket", {0: 1, 3: 1}, "Only one of these can win"),
    ("ranked", {0: 1, 1: 1}, "Give each idea a place of its own"),
    ("ranked", {0: 0}, "Write the place as a number, like 1."),
    ("ranked", {0: "first"}, "Write the place as a number, like 1."),
    ("ranked", {0: "1.5"}, "Write the place as a number, like 1."),
    ("points", {0: 8, 1: 3}, "You have 10 points to give and gave 11: take some back."),
    ("points", {0: -1}, "Write the points as a whole number, like 3."),
    ("points", {0: "9" * 30}, "Write the points as a whole number, like 3."),
    ("points", {0: "٣"}, "Write the points as a whole number, like 3."),
    ("points", {0: "1\x00"}, "Write the points as a whole number, like 3."),
    ("points", {0: 0, 1: ""}, "Give at least one idea a point"),
    ("scores", {0: 6}, "Give scores from 0 to 5."),
    ("scores", {0: "-2"}, "Choose one of the scores."),
    ("scores", {0: 0}, "Give at least one idea a score above 0"),
    ("approval", {}, "Tick at least one idea"),
    ("ranked", {}, "Give at least one idea a place"),
]


@pytest.mark.parametrize(("kind", "marks", "words"), WRONG)
def test_a_mistake_is_told_beside_what_was_chosen_and_nothing_is_saved(
    kind, marks, words, kind_of_pot, voting_client, visit
) -> None:
    pot = kind_of_pot(kind)
    ids = numbers(pot)
    given = {ids[k]: mark for k, mark in marks.items()}
    for do in ("check", "cast"):
        page = visit(at("vote", pot), data={**posted(pot, given), "do": do})
        assert page.title.startswith("Mistake:"), page.text
        assert page.text.count(words) >= 2, "above, and beside the ideas"
        assert "nothing you chose is lost" in page.text
        kept = controls(page.html)
        for name, said in posted(pot, given).items():
            clean = str(said)[:20].replace("\x00", "\N{REPLACEMENT CHARACTER}")
            if isinstance(said, list):
                fits = [str(one) for one in said][-1:] if kind == "choose-one" else map(str, said)
                assert set(kept.get(name, [])) <= set(map(str, said))
                assert kind == "choose-one" or set(kept.get(name, [])) == set(fits)
            elif kind != "scores" or clean in "012345":
                assert kept[name] == clean or {clean, kept[name]} <= {"", "0"}
    assert not Ballot.objects.exists()
    assert not Roll.objects.exists()


@pytest.mark.parametrize("kind", KINDS)
def test_an_idea_of_another_pot_is_refused_and_the_rest_is_kept(
    kind, kind_of_pot, voting_client, visit
) -> None:
    pot, other = kind_of_pot(kind), kind_of_pot(kind)
    known, stranger = numbers(pot)[1], numbers(other)[1]
    marks = {known: 1, stranger: 2}
    for do in ("check", "cast"):
        page = visit(at("vote", pot), data={**posted(pot, marks), "do": do})
        assert "is not on this ballot" in page.text
        if kind != "choose-one":
            kept = controls(page.html)
            assert str(known) in kept.get("projects", []) or kept[f"{FIELDS[kind]}-{known}"] == "1"
    assert not Ballot.objects.exists()


def test_fewest_and_most_are_said_before_and_asked_after(kind_of_pot, voting_client, visit) -> None:
    pot = kind_of_pot("approval", fewest=2, most=3)
    ids = numbers(pot)
    assert "Choose 2 to 3 ideas, or none." in visit(at("vote", pot)).text
    for marks, words in (
        (ids[:1], "Choose at least 2 ideas, or say that you would fund none of these."),
        (ids, "Choose at most 3 ideas. You have chosen 4: take some out."),
    ):
        page = visit(at("vote", pot), data={"projects": marks, "do": "cast"})
        assert words in page.text
        assert controls(page.html)["projects"].sort() == [str(n) for n in marks].sort()
    assert not Ballot.objects.exists()
    for marks in (ids[:2], ids[:3]):
        visit(at("vote", pot), data={"projects": marks, "do": "cast"})
        assert Ballot.objects.get().projects == marks
    visit(at("vote", pot), data={"nothing": "on", "do": "cast"})
    assert Ballot.objects.get().projects == [], "none of these is always allowed"


def test_gaps_between_places_close_since_the_order_is_the_same(
    kind_of_pot, voting_client, visit
) -> None:
    pot = kind_of_pot("ranked")
    first, second, third, _fourth = numbers(pot)
    visit(at("vote", pot), data={**posted(pot, {first: 90, second: 7, third: 8}), "do": "cast"})
    assert Ballot.objects.get().marks == [3, 1, 2]


def test_thousands_of_fields_are_refused(kind_of_pot, voting_client, visit) -> None:
    pot = kind_of_pot("points")
    page = visit(
        at("vote", pot), data={**posted(pot, dict.fromkeys(range(1, 1500), 1)), "do": "cast"}
    )
    assert "Something in this form was broken" in page.text
    visit(
        at("vote", pot),
        data={**posted(pot, dict.fromkeys(range(1, 2500), 1)), "do": "cast"},
        status=400,
    )
    assert not Ballot.objects.exists()


@pytest.mark.parametrize("name", ["place-07", "place-", "place--1", "place-x", f"place-{10**30}"])
def test_a_field_no_page_of_ours_has_is_refused(name, kind_of_pot, voting_client, visit) -> None:
    pot = kind_of_pot("ranked")
    data = {**posted(pot, {numbers(pot)[0]: 1}), name: "2", "do": "cast"}
    assert "Something in this form was broken" in visit(at("vote", pot), data=data).text
    assert not Ballot.objects.exists()


@pytest.mark.parametrize("kind", ["basket", "ranked", "points", "scores", "choose-one"])
def test_a_form_that_came_after_the_close_was_not_counted(
    kind, kind_of_pot, voting_client, visit, now
) -> None:
    pot = kind_of_pot(kind)
    Pot.objects.filter(pk=pot.pk).update(closes_at=now)
    marks = {numbers(pot)[k]: mark for k, mark in GOOD[kind].items()}
    for do in ("cast", "check", "total", f"up-{numbers(pot)[0]}"):
        page = visit(at("vote", pot), data={**posted(pot, marks), "do": do}, status=409)
        assert "What you sent now was not counted" in page.text
    assert not Ballot.objects.exists()


def test_a_form_from_before_an_idea_was_taken_off_keeps_the_others(
    kind_of_pot, voting_client, visit
) -> None:
    pot = kind_of_pot("basket")
    first, second, *_others = numbers(pot)
    stale = controls(
        visit(
            at("vote", pot), data={"do": f"add-{first}", "kind": "basket", "projects": second}
        ).html
    )
    assert sorted(stale["projects"]) == sorted([str(first), str(second)])
    Project.objects.filter(pk=first).delete()
    page = visit(at("vote", pot), data={**stale, "do": "cast"})
    assert "is not on this ballot" in page.text
    assert controls(page.html)["projects"] == [str(second)]


# --- buttons, without script


def press(visit: Any, pot: Pot, page: Any, do: str) -> Page:
    """Press a button of the ballot's page, as a browser without script does."""
    found: Page = visit(at("vote", pot), data={**controls(page.html), "do": do})
    return found


def test_an_order_is_made_with_buttons_alone(kind_of_pot, voting_client, visit) -> None:
    pot = kind_of_pot("ranked")
    first, second, third, fourth = numbers(pot)
    page = visit(at("vote", pot))
    for do in (
        f"next-{first}", f"next-{second}", f"next-{third}", f"up-{third}", f"up-{third}",
        f"up-{third}", f"down-{first}", f"down-{first}", f"next-{fourth}", f"out-{fourth}", f"next-{third}",
    ):  # fmt: skip
        page = press(visit, pot, page, do)
    assert order(page, pot) == [third, second, first]
    press(visit, pot, page, "cast")
    assert Ballot.objects.get().marks == [3, 2, 1]


def order(page: Page, pot: Pot) -> list[int]:
    kept = {name: word for name, word in controls(page.html).items() if name.startswith("place-")}
    places = {int(name.removeprefix("place-")): int(word) for name, word in kept.items() if word}
    return sorted(places, key=lambda number: places[number])


def test_a_basket_says_what_is_left_and_what_no_longer_fits(
    kind_of_pot, voting_client, visit
) -> None:
    pot = kind_of_pot("basket")
    first, second, third, fourth = numbers(pot)
    page = press(visit, pot, visit(at("vote", pot)), f"add-{third}")
    assert page.text.count("£30,000 left") == 2, "in the basket, and in the bar of a phone"
    page = press(visit, pot, page, f"add-{first}")
    assert "£0 left" in page.text
    assert "£20,000 more than you have left. Take something out to add it." in page.text
    assert f'value="add-{second}"' not in page.html
    page = press(visit, pot, page, f"add-{second}")
    assert sorted(controls(page.html)["projects"]) == sorted([str(first), str(third)])
    page = press(visit, pot, page, f"out-{third}")
    assert "£60,000 left" in page.text
    title = pot.projects.get(pk=first).title
    assert f"Only one of these can win. Take “{title}” out to add this." in page.text
    page = press(visit, pot, page, f"add-{fourth}")
    assert controls(page.html)["projects"] == [str(first)]
    press(visit, pot, page, "cast")
    assert Ballot.objects.get().projects == [first]


def test_points_are_given_and_taken_back_one_by_one(kind_of_pot, voting_client, visit) -> None:
    pot = kind_of_pot("points", points=2)
    first, second, *_others = numbers(pot)
    page = visit(at("vote", pot))
    for do, left in (
        (f"more-{first}", "1 point left"), (f"more-{second}", "0 points left"),
        (f"more-{second}", "0 points left"), (f"less-{first}", "1 point left"),
        (f"less-{first}", "1 point left"), (f"more-{second}", "0 points left"),
    ):  # fmt: skip
        page = press(visit, pot, page, do)
        assert page.text.count(left) == 2, (do, page.text)
    press(visit, pot, page, "cast")
    assert (Ballot.objects.get().projects, Ballot.objects.get().marks) == ([second], [2])


def test_a_press_keeps_what_cannot_be_read(kind_of_pot, voting_client, visit) -> None:
    pot = kind_of_pot("ranked")
    first, second, *_others = numbers(pot)
    data = {**posted(pot, {first: "best"}), "do": f"next-{second}"}
    kept = controls(visit(at("vote", pot), data=data).html)
    assert (kept[f"place-{first}"], kept[f"place-{second}"]) == ("best", "1")


def test_ideas_that_exclude_each_other_stand_under_one_heading(
    kind_of_pot, voting_client, visit
) -> None:
    for kind in KINDS:
        page = visit(at("vote", kind_of_pot(kind)))
        assert page.text.count("Only one of these can win: Playground") == 1
    alone = kind_of_pot("approval")
    alone.projects.filter(pk=numbers(alone)[0]).update(exclusive="")
    assert "Only one of these" not in visit(at("vote", alone)).text


def test_a_fixed_order_is_the_same_for_everybody(kind_of_pot, community, visit) -> None:
    pot = kind_of_pot("approval", order_is_fixed=True)
    pot.projects.update(exclusive="")
    for _ in range(3):
        client = sign_in(Client(), world.a_person(community))
        page = visit(at("vote", pot), client=client)
        assert [int(c["value"]) for c in page.controls if c.get("name") == "projects"] == numbers(
            pot
        )
        assert "The order is the same for everybody." in page.text


# --- laws

WORDS = st.one_of(
    st.integers(-3, 14).map(str), st.sampled_from(["", " ", "x", "1\x00", "9" * 40, "٣", "0", "00"]),
)  # fmt: skip


@st.composite
def forms(draw: Any) -> tuple[dict[str, Any], list[tuple[int, str]]]:
    """Return anything that could be posted: ideas by their place in the pot, 4 and on are strangers."""
    lines = draw(st.lists(st.tuples(st.integers(0, 5), WORDS), max_size=6))
    extra = draw(
        st.dictionaries(
            st.sampled_from(["nothing", "kind", "projects", "place-x", "points-3", "score"]),
            st.sampled_from(["on", "", "none", "points", "ranked", "7", "\x00"]),
            max_size=2,
        )
    )
    return extra, lines


def law_of(pot: Pot, ballot: Ballot) -> bool:
    """Tell slowly and plainly whether a stored ballot is one that this pot may hold."""
    costs = dict(pot.projects.values_list("pk", "cost_pence"))
    groups = dict(pot.projects.values_list("pk", "exclusive"))
    chosen, marks = ballot.projects, ballot.marks
    if not chosen:
        return not marks
    named = len(set(chosen)) == len(chosen) == len(marks) and set(chosen) <= set(costs)
    many = pot.fewest <= len(chosen) <= (pot.most or len(costs))
    crowd = Counter(groups[number] for number in chosen if groups[number])
    return (
        named
        and many
        and {
            "approval": set(marks) == {1},
            "choose-one": marks == [1],
            "basket": set(marks) == {1}
            and sum(costs[n] for n in chosen) <= pot.pence
            and all(n == 1 for n in crowd.values()),
            "ranked": sorted(marks) == list(range(1, len(marks) + 1)),
            "points": min(marks) > 0 and sum(marks) <= pot.points,
            "scores": all(1 <= mark <= pot.top_score for mark in marks),
        }[pot.ballot_kind]
    )


SLOW = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.mark.parametrize("kind", KINDS)
@SLOW
@given(form=forms(), do=st.sampled_from(["cast", "cast", "check", "total"]))
def test_whatever_is_posted_a_lawful_ballot_is_stored_or_nothing_and_words(
    kind: str, challenge: Any, voting_client: Client, form: Any, do: str
) -> None:
    pot = Pot.objects.filter(challenge=challenge, ballot_kind=kind).first() or a_pot(
        challenge, kind, fewest=1 if kind == "choose-one" else 2
    )
    Ballot.objects.all().delete()
    Roll.objects.all().delete()
    extra, lines = form
    ids = [*numbers(pot), 10**9, 10**9 + 1]
    data = {**posted(pot, {ids[k]: word for k, word in lines}), **extra, "do": do}
    answer = voting_client.post(at("vote", pot), data)
    page = Page(answer.content.decode())
    assert not page.broken_rules() or answer.status_code == 302
    if answer.status_code == 302:
        assert do == "cast"
        assert law_of(pot, Ballot.objects.get())
        assert Roll.objects.count() == 1
    else:
        assert answer.status_code == 200
        assert not Ballot.objects.exists()
        assert not Roll.objects.exists()
        assert do != "cast" or page.title.startswith("Mistake:")


@st.composite
def choices(draw: Any) -> tuple[BallotKind, Choice]:
    kind = draw(st.sampled_from(list(BallotKind)))
    ids = draw(st.lists(st.integers(1, 10**9), unique=True, max_size=8))
    if kind == BallotKind.RANKED:
        marks = draw(st.permutations(range(1, len(ids) + 1)))
    elif kind in (BallotKind.POINTS, BallotKind.SCORES):
        marks = draw(st.lists(st.integers(1, 999), min_size=len(ids), max_size=len(ids)))
    else:
        marks = [1] * len(ids)
    return kind, Choice.marked(dict(zip(ids, marks, strict=True)))


@given(choices())
def test_a_choice_comes_back_from_its_form_as_it_was(chosen: tuple[BallotKind, Choice]) -> None:
    kind, choice = chosen
    data = QueryDict(mutable=True)
    data["kind"] = kind
    for name, word in Written.saying(choice).fields(kind):
        data.appendlist(name, word)
    if not choice.projects:
        data["nothing"] = "on"
    form = BallotForm(data)
    assert form.is_valid(), form.errors
    assert form.cleaned_data["marks"] == choice


STEPS = st.lists(
    st.tuples(st.sampled_from(["up", "down", "next", "out", "add", "more", "less"]), st.integers(0, 3)),
    max_size=25,
)  # fmt: skip


@given(kind=st.sampled_from(["basket", "ranked", "points"]), steps=STEPS)
def test_whatever_is_pressed_the_form_says_a_lawful_ballot(kind: str, steps: Any) -> None:
    pot = Pot(ballot_kind=kind, pence=90_000_00, points=3, fewest=1, most=3)
    groups = ("A", "", "", "A")
    projects = [
        Project(pk=k + 1, title=f"Idea {k}", cost_pence=COSTS[k], exclusive=groups[k])
        for k in range(4)
    ]
    written = Written({})
    for step, k in steps:
        before = Sheet(pot, projects, written)
        if not before.refuses(step, k + 1):
            written = written.moved(BallotKind(kind), step, k + 1)
        marks = Sheet(pot, projects, written).marks
        if kind == "ranked":
            assert list(marks.values()) == list(range(1, len(marks) + 1))
        if kind == "points":
            assert sum(marks.values()) <= 3 and all(mark > 0 for mark in marks.values())
        else:
            assert len(marks) <= 3
        if kind == "basket":
            assert sum(COSTS[number - 1] for number in marks) <= pot.pence
            assert not {1, 4} <= set(marks)


# --- what a browser would send


@st.composite
def sayings(draw: Any, kind: str) -> dict[int, int]:
    """Return what somebody may say on this kind of ballot: marks by the idea's place in the pot."""
    most = 1 if kind == "choose-one" else 4
    chosen = draw(st.lists(st.integers(0, 3), unique=True, max_size=most))
    if kind == "ranked":
        return {k: place for place, k in enumerate(chosen, start=1)}
    top = {"points": 10 // max(1, len(chosen)), "scores": 5}.get(kind, 1)
    return {k: draw(st.integers(1, top)) for k in chosen}


def in_the_bundle(pot: Pot) -> Counter[tuple[tuple[int, int], ...]]:
    """Read the ballots of a published archive as its page in the docs describes them."""
    with zipfile.ZipFile(BytesIO(counts_queries.content_of(pot))) as pack:
        content = pack.read(f"pot-{pot.pk}/ballots.pb").decode()
    told = dict(line.split(";") for line in content.partition("\nPROJECTS")[0].splitlines()[2:])
    found: Counter[tuple[tuple[int, int], ...]] = Counter()
    for row in content.partition("\nVOTES\n")[2].splitlines()[1:]:
        _voter, vote, *points = row.split(";")
        named = [int(number) for number in vote.split(",") if number]
        marks = [1] * len(named)
        if told["vote_type"] == "ordinal":
            marks = list(range(1, len(named) + 1))
        elif points and points[0]:
            marks = [int(mark) for mark in points[0].split(",")]
        found[tuple(sorted(zip(named, marks, strict=True)))] += 1
    return found


@pytest.mark.parametrize("kind", KINDS)
@settings(SLOW, max_examples=6)
@given(data=st.data())
def test_what_is_said_in_the_form_is_in_the_published_count(
    kind: str, challenge: Any, now: Any, data: Any
) -> None:
    """From form to choice to row to archive; five say each, since what fewer say is withheld."""
    pot = a_pot(challenge, kind, opens_at=now - timedelta(9), closes_at=now - timedelta(1))
    facts = pot.projects.values_list("pk", "cost_pence", "exclusive")
    listed = {number: Listed(cost, group) for number, cost, group in facts}
    ids, choices = numbers(pot), {}
    for said in data.draw(st.lists(sayings(kind), max_size=3)):
        form = QueryDict(mutable=True)
        for name, value in posted(pot, {ids[k]: mark for k, mark in said.items()}).items():
            form.setlist(
                name, [str(one) for one in (value if isinstance(value, list) else [value])]
            )
        if not said:
            form["nothing"] = "on"
        read = BallotForm(form)
        assert read.is_valid(), read.errors
        choice = read.cleaned_data["marks"]
        assume(wrong_with(pot, listed, choice) is None)
        choices |= {f"{len(choices)}:{n}": choice for n in range(5)}
    voting.put_in_the_box(pot_id=pot.pk, choices=choices, at=now)
    pot = counts.count_closed_pot(pot_id=pot.pk, at=now)
    said_by = Counter(tuple(sorted(zip(*choice, strict=True))) for choice in choices.values())
    assert pot.result["voters"] == len(choices)
    if choices:  # of a pot without a ballot there is nothing to publish
        assert in_the_bundle(pot) == said_by
        assert counts.verify_published(pot_id=pot.pk, at=now)


class Controls(HTMLParser):
    """The fields of the ballot's form, as a browser collects them."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, Any] = {}
        self.inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        if tag == "form":
            self.inside = "/vote/" in (told.get("action") or "")
        name, kind = told.get("name"), told.get("type")
        if not self.inside or tag != "input" or not name or name == "csrfmiddlewaretoken":
            return
        if kind in ("checkbox", "radio") and "checked" not in told:
            return
        word = told.get("value") or ("on" if kind == "checkbox" else "")
        if name == "projects":
            self.found.setdefault(name, []).append(word)
        else:
            self.found[name] = word

    def handle_endtag(self, tag: str) -> None:
        self.inside = self.inside and tag != "form"


def controls(html: str) -> dict[str, Any]:
    """Return what the browser would send with the ballot's form."""
    parser = Controls()
    parser.feed(html)
    return parser.found
