"""The pages on which people share out money."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from procrastinate.contrib.django.models import ProcrastinateJob

from commonweal.decide.ballots import actions as voting
from commonweal.decide.ballots.models import Ballot
from commonweal.decide.ballots.rules import Choice
from commonweal.decide.budgets import manifest, queries
from commonweal.decide.budgets.models import Pot, Rule
from commonweal.decide.counts import actions as counts
from commonweal.decide.counts import tasks
from commonweal.engine.voting.pabulib import parse_pabulib
from commonweal.propose.proposals.models import Proposal, Status
from tests.decide.conftest import numbers
from tests.decide.crowd import vote_for
from tests.factories import world

pytestmark = pytest.mark.django_db


def at(name: str, pot: Pot) -> str:
    app = {
        "vote": "ballots", "receipt": "ballots", "guest": "ballots", "adopt": "ballots",
        "compare": "ballots", "shortlist": "ballots",
        "result": "counts", "ballots": "counts", "count": "counts",
    }  # fmt: skip
    return reverse(f"{app.get(name, 'budgets')}:{name}", args=[pot.pk])


def counted(pot: Pot, community, ballots: int = 40) -> Pot:
    """Let people vote, and count once the pot has closed."""
    vote_for(pot, community, ballots)
    return counts.count_closed_pot(pot_id=pot.pk, at=pot.closes_at)


@pytest.fixture
def closed(challenge, now) -> Pot:
    """Return a pot that has closed and is not counted."""
    return world.a_pot(
        challenge, opens_at=now - timedelta(days=9), closes_at=now - timedelta(days=1)
    )


def test_a_resident_chooses_checks_casts_and_changes_their_mind_without_script(
    pot, resident, visit, signed_in
) -> None:
    signed_in(resident)
    first, second, third = numbers(pot)
    assert "Choose and vote" in visit(at("pot", pot)).text
    page = visit(at("vote", pot), data={"projects": [first, second], "do": "total"})
    assert "£50,000 of £90,000 chosen" in page.text
    assert page.html.count(" checked") == 2
    assert not Ballot.objects.exists()
    page = visit(at("vote", pot), data={"projects": [first, second], "do": "check"})
    assert "Check your vote" in page.text
    assert not Ballot.objects.exists()
    page = visit(at("vote", pot), data={"projects": [first, second], "do": "cast"})
    assert "Your vote is in" in page.text
    assert Ballot.objects.get().code in page.text
    assert visit(at("vote", pot)).html.count(" checked") == 2
    visit(at("vote", pot), data={"projects": [third], "do": "cast"})
    assert Ballot.objects.get().projects == [third]


def test_choosing_more_than_the_pot_holds_is_allowed_and_said(
    pot, resident, visit, signed_in
) -> None:
    signed_in(resident)
    page = visit(at("vote", pot), data={"projects": numbers(pot), "do": "total"})
    assert "£20,000 more than the pot" in page.text
    assert "ticking is not spending" in page.text
    assert (
        "Your vote is in"
        in visit(at("vote", pot), data={"projects": numbers(pot), "do": "cast"}).text
    )


def test_an_empty_ballot_has_to_be_said_aloud(pot, resident, visit, signed_in) -> None:
    signed_in(resident)
    for do in ("check", "cast"):
        page = visit(at("vote", pot), data={"do": do})
        assert page.title.startswith("Mistake:")
        assert "Tick at least one idea" in page.text
    both = visit(at("vote", pot), data={"do": "cast", "nothing": "on", "projects": numbers(pot)})
    assert "Take one of the two out" in both.text
    assert both.html.count('name="projects"') == both.html.count(" checked") - 1 == 3
    assert not Ballot.objects.exists()
    assert "none of these" in visit(at("vote", pot), data={"do": "check", "nothing": "on"}).text
    page = visit(at("vote", pot), data={"do": "cast", "nothing": "on"})
    assert "Your vote is in" in page.text
    assert "You would fund no idea here" in page.text
    assert Ballot.objects.count() == 1


@pytest.mark.parametrize("forged", ["0", "abc", "-1", "9" * 30, "٣", "1\x00", "999999999", ""])
def test_a_forged_project_is_refused_with_words(pot, resident, visit, signed_in, forged) -> None:
    signed_in(resident)
    for do in ("check", "cast"):
        page = visit(at("vote", pot), data={"projects": [numbers(pot)[0], forged], "do": do})
        assert page.title.startswith("Mistake:")
        assert page.html.count(" checked") == 1
    assert not Ballot.objects.exists()


def test_ten_thousand_ticks_are_refused_kindly(pot, resident, visit, signed_in) -> None:
    signed_in(resident)
    page = visit(at("vote", pot), data={"projects": list(range(1_500)), "do": "cast"})
    assert "broken" in page.text


def test_a_form_sent_after_the_close_says_that_it_was_not_counted(
    closed, resident, visit, signed_in
) -> None:
    signed_in(resident)
    for do in ("cast", "check", "total"):
        page = visit(at("vote", closed), data={"projects": numbers(closed), "do": do}, status=409)
        assert "This ballot is closed" in page.text
        assert "What you sent now was not counted" in page.text
    page = visit(at("vote", closed))
    assert "This ballot is closed" in page.text
    assert "What you sent" not in page.text, "nothing was sent"
    assert not Ballot.objects.exists()


def test_htmx_gets_the_basket_and_the_bar_only(pot, resident, visit, signed_in) -> None:
    signed_in(resident)
    data = {"projects": numbers(pot)[:1]}
    page = visit(at("vote", pot), data=data, check=False, headers={"HX-Request": "true"})
    assert "<html" not in page.html
    assert page.ids == {"basket": 1, "basket-bar": 1}
    assert page.html.count('hx-swap-oob="outerMorph"') == 2
    assert "£60,000 left" in page.text


def test_who_may_not_vote_is_told_why_and_what_to_do(
    pot, authority, elsewhere, visit, signed_in
) -> None:
    page = visit(at("pot", pot))
    assert "Send me a code by email" in page.text
    answer = Client().get(at("vote", pot))
    assert answer.status_code == 302
    assert "next=" in answer.headers["Location"]
    signed_in(world.a_person(world.a_community(authority)))
    assert "Join Quayside" in visit(at("pot", pot)).text
    page = visit(at("vote", pot), status=403)
    assert "Join Quayside" in page.text
    page = visit(at("vote", pot), data={"projects": numbers(pot), "do": "cast"}, status=403)
    assert "Join Quayside" in page.text
    assert not Ballot.objects.exists()


def test_who_moves_out_after_voting_keeps_their_vote_and_cannot_change_it(
    pot, resident, visit, signed_in
) -> None:
    signed_in(resident)
    visit(at("vote", pot), data={"projects": numbers(pot)[:1], "do": "cast"})
    resident.membership_set.all().delete()
    page = visit(at("pot", pot))
    assert "Your vote is in, and stays in" in page.text
    assert "Join Quayside" in page.text
    page = visit(at("receipt", pot))
    assert "Your vote is in the box, and stays there" in page.text
    assert "Change my vote" not in page.text and "You can change it" not in page.text
    visit(at("vote", pot), data={"projects": numbers(pot), "do": "cast"}, status=403)
    assert len(Ballot.objects.get().projects) == 1


def test_pots_never_show_at_another_authority(pot, closed, community, elsewhere, visit) -> None:
    counted(closed, community)
    there = {"headers": {"host": "northmoor.localhost"}}
    project = reverse("budgets:project", args=[numbers(pot)[0]])
    for address in (at("pot", pot), at("result", closed), at("ballots", closed), project):
        visit(address)
        visit(address, status=404, **there)
    assert pot.title not in visit("/money/", **there).text
    assert pot.title in visit("/money/").text


def test_a_pot_of_an_unpublished_challenge_shows_to_those_who_lead_it_only(
    authority, resident, leader, visit, signed_in
) -> None:
    pot = world.a_pot(world.a_challenge(authority, published=False))
    signed_in(resident)
    visit(at("pot", pot), status=404)
    assert pot.title not in visit("/money/").text
    signed_in(leader, second_factor=True)
    visit(at("pot", pot))
    assert pot.title in visit("/money/").text


def test_nothing_of_the_result_shows_before_the_count(pot, community, visit) -> None:
    vote_for(pot, community, 30)
    for address in (at("pot", pot), at("result", pot), "/money/"):
        page = visit(address)
        assert "supporter" not in page.text
    assert "30 people have voted" in visit(at("pot", pot)).text
    assert "Nobody sees a result before voting closes" in visit(at("result", pot)).text
    visit(at("ballots", pot), status=404)


def test_a_handful_of_voters_is_not_counted_out(pot, community, visit) -> None:
    vote_for(pot, community, 4)
    assert "Fewer than 5 people have voted" in visit(at("pot", pot)).text


def test_between_close_and_count_the_page_says_that_we_count(closed, visit) -> None:
    page = visit(at("result", closed))
    assert "We are counting" in page.text
    assert 'hx-trigger="every 4s"' in page.html
    assert "Closing the box" in page.text
    assert at("result", closed) in page.links, "without script one looks again oneself"


def test_the_result_says_of_every_project_why(closed, community, visit) -> None:
    pot = counted(closed, community)
    page = visit(at("result", pot))
    for project in pot.projects.all():
        assert page.text.count(project.title) >= 2
    assert f"{pot.result['spent_pence'] // 100:,} spent" in page.text
    assert "short" in page.text
    assert "would have been enough" in page.text


def test_the_result_tells_what_gets_better_before_what_it_costs(closed, community, visit) -> None:
    first = closed.projects.order_by("pk").first()
    closed.projects.filter(pk=first.pk).update(
        outcome="Nobody comes home to a cold house", where="Quay"
    )
    vote_for(closed, community, 20, chosen=[first.pk])
    pot = counts.count_closed_pot(pot_id=closed.pk, at=closed.closes_at)
    text = visit(at("result", pot)).text
    assert text.index("What was funded") < text.index("Nobody comes home") < text.index("The money")
    assert "£30,000 of £90,000 is spent. £60,000 is left." in text
    assert text.index("The money") < text.index("Why it won, why it did not")


def test_ideas_and_money_are_told_by_area(closed, community, visit) -> None:
    first, second, third = closed.projects.order_by("pk")
    closed.projects.filter(pk__in=[first.pk, third.pk]).update(where="Old Town")
    closed.projects.filter(pk=second.pk).update(where="Highfold")
    vote_for(closed, community, 20, chosen=[first.pk, second.pk])
    pot = counts.count_closed_pot(pot_id=closed.pk, at=closed.closes_at)
    text = visit(at("result", pot)).text
    assert "£30,000 of £90,000 asked for" in text, "Old Town"
    assert "£20,000 of £20,000 asked for" in text, "Highfold"


def test_who_took_part_stands_beside_who_lives_here(closed, community, visit) -> None:
    closed.community.people_who_live_here = 1_600
    closed.community.save()
    pot = counted(closed, community, 40)
    assert "40 people voted. 1,600 people live here: 2.5 in 100." in visit(at("result", pot)).text


def test_what_most_votes_would_have_funded_is_named(challenge, community, now, visit) -> None:
    past = {"opens_at": now - timedelta(days=9), "closes_at": now - timedelta(days=1)}
    pot = world.a_pot(challenge, costs=(90_000_00, 40_000_00, 30_000_00), **past)
    dear, other, cheap = numbers(pot)
    vote_for(pot, community, 12, [dear])
    vote_for(pot, community, 10, [other, cheap])
    pot = counts.count_closed_pot(pot_id=pot.pk, at=now)
    assert not pot.projects.get(pk=dear).is_funded
    text = visit(at("result", pot)).text
    here, there = (pot.projects.get(pk=n).title for n in (other, dear))
    section = text.partition("If the highest totals had simply won")[2]
    assert section.index("Funded only by this count") < section.index(here)
    assert section.index("Funded only by most votes") < section.rindex(there)


def test_an_idea_that_excludes_another_is_named_as_the_reason(
    challenge, community, now, visit
) -> None:
    past = {"opens_at": now - timedelta(days=9), "closes_at": now - timedelta(days=1)}
    pot = world.a_pot(challenge, costs=(10_000_00, 20_000_00, 10_000_00), **past)
    first, second, third = numbers(pot)
    pot.projects.filter(pk__in=[first, second]).update(exclusive="The old baths")
    vote_for(pot, community, 12, [first, second, third])
    vote_for(pot, community, 9, [first])
    pot = counts.count_closed_pot(pot_id=pot.pk, at=now)
    title = pot.projects.get(pk=first).title
    assert not pot.projects.get(pk=second).is_funded
    text = visit(at("result", pot)).text
    assert f"12 people chose it. Only one of these can be done, and “{title}” won." in text
    assert "One group came away with less" not in text


@pytest.mark.parametrize("rule", Rule.values)
def test_every_rule_says_how_it_chose(closed, community, visit, rule) -> None:
    Pot.objects.filter(pk=closed.pk).update(rule=rule)
    pot = counted(closed, community)
    text = visit(at("result", pot)).text
    said = {
        Rule.EQUAL_SHARES: "starts with an equal share",
        Rule.GREEDY: "with most votes gets its money first",
        Rule.PHRAGMEN: "earns money at the same pace",
    }[Rule(rule)]
    assert said in text


def test_a_clerk_asks_for_the_count_and_watches_it(
    closed, community, administrator, visit, signed_in
) -> None:
    vote_for(closed, community, 8)
    signed_in(administrator, second_factor=True)
    page = visit(reverse("counts:count", args=[closed.pk]), data={})
    assert "We are counting" in page.text
    job = ProcrastinateJob.objects.get(task_name="counts.count")
    assert job.args == {"pot_id": closed.pk, "who": administrator.pk}
    tasks.count(**job.args)
    pot = Pot.objects.get(pk=closed.pk)
    assert pot.counted_by == administrator
    assert "Why it won" in visit(at("result", pot)).text
    visit(reverse("counts:count", args=[closed.pk]), data={})
    assert ProcrastinateJob.objects.filter(task_name="counts.count").count() == 1


def test_a_share_that_was_raised_on_paper_is_told_beside_what_the_pot_gives(
    challenge, community, now, visit
) -> None:
    past = {"opens_at": now - timedelta(days=9), "closes_at": now - timedelta(days=1)}
    pot = world.a_pot(challenge, pence=90_000_00, costs=(50_000_00, 60_000_00), **past)
    first, second = numbers(pot)
    vote_for(pot, community, 10, [first])
    vote_for(pot, community, 10, [second])
    pot = counts.count_closed_pot(pot_id=pot.pk, at=pot.closes_at)
    page = visit(at("result", pot))
    assert pot.result["share_pence"] == 5_000_00, "ten of them could then pay for the first"
    assert "£5,000" in page.text
    assert "£4,500 of the pot, raised on paper as long as the pot can pay" in page.text
    assert "every share is raised a little on paper" in visit(at("pot", pot)).text


def test_few_supporters_are_hidden_and_then_no_ballots_are_handed_out(
    closed, community, visit
) -> None:
    first, second, _third = numbers(closed)
    vote_for(closed, community, 20, [first])
    vote_for(closed, community, 3, [first, second])
    pot = counts.count_closed_pot(pot_id=closed.pk, at=closed.closes_at)
    page = visit(at("result", pot))
    assert "Fewer than 5 people chose it" in page.text
    assert "hidden" in page.text
    assert " 3 supporters" not in page.text
    assert "not published" in page.text
    visit(at("ballots", pot), status=404)


def test_no_average_gives_away_what_is_hidden(challenge, community, now, visit) -> None:
    """Votes are shown but for one idea: the mean of all times the voters would tell that one."""
    past = {"opens_at": now - timedelta(days=9), "closes_at": now - timedelta(days=1)}
    for few, told in ((3, False), (5, True)):
        pot = world.a_pot(challenge, costs=(60_000_00, 1_000_00), **past)
        first, second = numbers(pot)
        vote_for(pot, community, 20, [first])
        vote_for(pot, community, few, [first, second])
        pot = counts.count_closed_pot(pot_id=pot.pk, at=pot.closes_at)
        assert pot.projects.filter(is_funded=True).count() == 2
        page = visit(at("result", pot))
        assert (str(pot.result["chosen"]["mean"]) in page.text) is told
        assert ("so we show no averages" in page.text) is not told


def test_anyone_can_count_the_ballots_again(closed, community, visit, client) -> None:
    pot = counted(closed, community)
    content = client.get(at("ballots", pot)).content
    election = parse_pabulib(content)
    assert election.budget == pot.pence
    assert election.profile.voters == 40
    votes = {line["id"]: line["votes"] for line in pot.result["projects"]}
    assert dict(zip(map(int, election.profile.ids), election.profile.votes, strict=True)) == votes


def test_the_receipt_shows_the_choice_to_its_owner_and_only_until_the_count(
    closed, resident, community, seen_by, visit, signed_in
) -> None:
    voted = seen_by(resident, at=closed.closes_at - timedelta(hours=1))
    voting.cast_ballot(viewer=voted, pot_id=closed.pk, choice=Choice.of(numbers(closed)[:1]))
    chosen = closed.projects.get(pk=numbers(closed)[0]).title
    assert chosen in visit(at("receipt", closed), client=signed_in(resident)).text
    counts.count_closed_pot(pot_id=closed.pk, at=closed.closes_at)
    page = visit(at("receipt", closed))
    assert chosen not in page.text
    assert "the key is destroyed" in page.text
    signed_in(world.a_person(community))
    assert "You have not voted here" in visit(at("receipt", closed)).text


def test_what_a_moderator_hid_stands_on_no_ballot(
    pot, challenge, resident, visit, signed_in, client
) -> None:
    idea = world.a_proposal(challenge, status=Status.IN_BALLOT)
    project = pot.projects.order_by("pk")[0]
    pot.projects.filter(pk=project.pk).update(proposal=idea, summary="My neighbour Zebedee drinks")
    signed_in(resident)
    pages = (at("pot", pot), at("vote", pot), project.get_absolute_url())
    for hidden in (False, True):
        if hidden:
            Proposal.objects.filter(pk=idea.pk).update(
                status=Status.HIDDEN, hidden_reason="private", status_before=Status.IN_BALLOT
            )
        for address in pages:
            page = visit(address)
            assert ("Zebedee" in page.html) is not hidden, address
            assert ("A moderator hid the words of this idea" in page.text) is hidden, address
            assert project.title in page.text
        told = client.get(f"/api/pots/{pot.pk}/projects").json()["items"][0]
        assert ("Zebedee" in told["summary"]) is not hidden
        assert told["proposal_id"] == (None if hidden else idea.pk)


def test_the_order_of_projects_is_drawn_for_each_person(challenge, community, seen_by) -> None:
    pot = world.a_pot(challenge, costs=(100_00,) * 12)
    people = [seen_by(world.a_person(community)) for _ in range(3)]
    orders = [[p.pk for p in queries.projects_for(viewer, pot)] for viewer in people]
    assert orders[0] != orders[1] != orders[2]
    assert [p.pk for p in queries.projects_for(people[0], pot)] == orders[0]
    assert sorted(orders[0]) == sorted(orders[1]) == numbers(pot)


@pytest.mark.parametrize(
    "query",
    ["?page=0", "?page=x", "?page=99999", "?state=x", "?q=%00%27%22--", "?q=%25&state=open"],
)
def test_hostile_filters_never_fail(pot, visit, query) -> None:
    visit(f"/money/{query}")


def test_filters_find_pots_by_state_and_name(pot, closed, visit) -> None:
    assert closed.title not in visit("/money/?state=open").text
    assert pot.title in visit("/money/?state=open").text
    assert closed.title in visit("/money/?state=closed").text
    assert "No pot is like that" in visit("/money/?q=gibberish").text


@pytest.mark.parametrize("name", ["pot", "vote", "receipt", "result"])
def test_numbers_that_no_pot_has_are_not_found(resident, visit, signed_in, name) -> None:
    signed_in(resident)
    for number in (0, 2**62, 2**80):
        visit(f"/money/{number}/{'' if name == 'pot' else name + '/'}", status=404)


def test_wrong_methods_are_refused(pot, leader, signed_in) -> None:
    client = signed_in(leader, second_factor=True)
    for name in ("pot", "receipt", "result", "ballots", "check", "compare"):
        assert client.post(at(name, pot)).status_code == 405
    assert client.put(at("vote", pot)).status_code == 405
    for name in ("count", "guest", "adopt", "shortlist"):
        assert client.get(at(name, pot)).status_code == 405


def statements(client: Client, address: str, data: dict | None = None) -> list[str]:
    cache.clear()
    with CaptureQueriesContext(connection) as seen:
        answer = client.get(address) if data is None else client.post(address, data)
    assert answer.status_code in (200, 302), answer.status_code
    control = ("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT")
    return [q["sql"] for q in seen if not q["sql"].startswith(control)]


def test_a_vote_costs_six_statements_however_big_the_pot(
    challenge, community, resident, signed_in
) -> None:
    client = signed_in(resident)
    for projects, ballots in ((3, 5), (60, 500)):
        pot = world.a_pot(challenge, costs=(500_00,) * projects)
        vote_for(pot, community, ballots)
        choice = {"projects": numbers(pot), "do": "cast"}
        for _ in range(2):  # a first vote, and a change of it
            asked = statements(client, at("vote", pot), choice)
            assert len(asked) <= 6, "\n".join(asked)
    assert Ballot.objects.count() == 505 + 2


def test_pages_cost_at_most_twelve_statements_however_big_the_pot(
    challenge, community, resident, now, signed_in
) -> None:
    client = signed_in(resident)
    small = world.a_pot(challenge)
    large = world.a_pot(challenge, costs=(500_00,) * 60)
    for pot, ballots in ((small, 5), (large, 500)):
        vote_for(pot, community, ballots)
        client.post(at("vote", pot), {"projects": numbers(pot)[:2], "do": "cast"})
    open_costs = [
        [len(statements(client, at(name, pot))) for name in ("pot", "vote", "receipt")]
        for pot in (small, large)
    ]
    assert open_costs[0] == open_costs[1]
    assert max(open_costs[0]) <= 12
    past = [
        world.a_pot(
            challenge,
            costs=(500_00,) * n,
            opens_at=now - timedelta(9),
            closes_at=now - timedelta(1),
        )
        for n in (3, 60)
    ]
    for pot, ballots in zip(past, (5, 500), strict=True):
        vote_for(pot, community, ballots)
        counts.count_closed_pot(pot_id=pot.pk, at=pot.closes_at)
    for name in ("pot", "result", "receipt"):
        costs = [len(statements(client, at(name, pot))) for pot in past]
        assert costs[0] == costs[1] <= 12
    few = len(statements(client, "/money/"))
    for _ in range(15):
        world.a_pot(challenge)
    assert len(statements(client, "/money/")) == few <= 12


def test_panels_show_pots_where_they_belong(
    pot, challenge, closed, resident, leader, seen_by, rf, visit, signed_in
) -> None:
    from django.template.loader import render_to_string

    proposal = world.a_proposal(challenge, status="in-ballot")
    pot.projects.update(proposal=None)
    first = pot.projects.first()
    first.proposal = proposal
    first.save()
    viewer = seen_by(resident)
    voting.cast_ballot(viewer=viewer, pot_id=pot.pk, choice=Choice.of([]))
    things = {"proposals.Proposal": proposal, "budgets.Project": first}
    shown = {}
    for panel in manifest.MANIFEST.panels:
        who = seen_by(leader) if panel.on == "desk" else viewer
        found = panel.read(who, things.get(panel.on, challenge))
        if found is None:
            continue
        values = {**found, "viewer": who, "thing": challenge}
        shown[panel.on] = render_to_string(panel.template, values)
    everywhere = {"home", "challenges.Challenge", "challenges.Challenge.more", "proposals.Proposal"}
    assert everywhere | {"desk"} <= shown.keys()
    for on, html in shown.items():
        assert pot.title in html, on
    assert "Closed: count it" in shown["desk"]
    assert closed.title not in shown["home"]


def test_who_leads_a_challenge_finds_there_how_to_set_up_a_pot(
    authority, leader, resident, seen_by
) -> None:
    challenge = world.a_challenge(authority)
    found = queries.challenge_more_panel(seen_by(leader), challenge)
    assert found == {"pots": [], "leads": True}
    assert queries.challenge_more_panel(seen_by(resident), challenge) is None


def test_hostile_words_are_shown_as_words(challenge, community, now, visit) -> None:
    nasty = "<script>alert(1)</script>{{ 7|add:7 }}=cmd"
    pot = world.a_pot(
        challenge,
        title=nasty,
        about=nasty,
        opens_at=now - timedelta(9),
        closes_at=now - timedelta(1),
        costs=(),
    )
    from commonweal.decide.budgets.models import Project

    project = Project.objects.create(
        authority=pot.authority, pot=pot, title=nasty, summary=nasty, where=nasty, cost_pence=5
    )
    counted(pot, community, 6)
    for address in (at("pot", pot), at("result", pot), "/money/", project.get_absolute_url()):
        page = visit(address, check=False)
        assert "<script>alert" not in page.html
        assert "alert(1)" in page.text
