"""The pages about ideas, as people meet them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from commonweal.ground.places.models import Standing, StandingKind
from commonweal.kit import manifest
from commonweal.propose.proposals import actions
from commonweal.propose.proposals.manifest import MANIFEST
from commonweal.propose.proposals.models import Comment, Part, Proposal, Signature, Status
from tests import visit as visits
from tests.factories import world
from tests.propose.conftest import WORDS

LOOP = (MANIFEST,)
TYPED = {**WORDS, "cost": {"cost_pence": "£30,000", "cost_note": "Fares and key safes"}}


@pytest.fixture
def announced(settings):
    """Let the site know of ideas alone, whatever else is listed."""
    settings.COMMONWEAL_LOOP = "tests.propose.test_pages.LOOP"
    caches = (manifest.manifests, manifest.events)
    for cached in caches:
        cached.cache_clear()
    yield
    for cached in caches:
        cached.cache_clear()


def version(page):
    return page.html.split('name="version" value="')[1].split('"')[0]


def test_an_idea_is_written_in_six_steps_and_made_public(visit, signed_in, resident, challenge):
    signed_in(resident)
    page = visit(f"/challenges/{challenge.slug}/ideas/new/", data=WORDS["better"])
    for n, part in enumerate(list(Part)[1:], start=2):
        assert f"Step {n} of 6" in page.text
        assert page.response.redirect_chain[-1][0].endswith(f"/edit/{part}/")
        page = visit(
            page.response.redirect_chain[-1][0], data={**TYPED[part], "version": version(page)}
        )
    assert "£30,000" in page.text and "Still missing" not in page.text
    idea = Proposal.objects.get()
    page = visit(f"/ideas/{idea.pk}/publish/", data={})
    assert "Your idea is public" in page.text and "Rosa, resident" in page.text
    outcome, works, cost = (
        page.text.index(words) for words in ("1. What", "2. How", "3. What it may")
    )
    assert outcome < works < cost
    assert Proposal.objects.get().cost_pence == 30_000_00


def test_someone_without_an_account_keeps_their_words_while_they_sign_in(
    visit, client, signed_in, resident, challenge
):
    place = f"/challenges/{challenge.slug}/ideas/new/"
    visit(place)
    answer = client.post(place, {"better": "A lamp is lit when I come home"})
    assert answer.status_code == 302 and answer.url.startswith("/account/") and place in answer.url
    client.force_login(resident)
    assert "A lamp is lit when I come home" in visit(place).html
    assert not Proposal.objects.exists()


def test_someone_who_does_not_belong_is_told_how_to_join_and_keeps_their_words(
    visit, signed_in, authority, challenge
):
    signed_in(world.a_person(world.a_community(authority), name="Sam"))
    page = visit(f"/challenges/{challenge.slug}/ideas/new/", data={"better": "A lamp is lit"})
    assert "Join Quayside first" in page.text and "A lamp is lit" in page.html
    assert challenge.community.get_absolute_url() in page.links
    assert not Proposal.objects.exists()


def test_a_closed_challenge_says_so_kindly(visit, signed_in, resident, challenge):
    challenge.steps.all().delete()
    signed_in(resident)
    assert "No ideas are taken just now" in visit(f"/challenges/{challenge.slug}/ideas/new/").text
    visit(f"/challenges/{challenge.slug}/ideas/new/", data={"better": "Late"})
    assert not Proposal.objects.exists()


def test_people_with_several_standings_choose_one(visit, signed_in, resident, community, challenge):
    Standing.objects.create(person=resident, community=community, kind=StandingKind.CARER)
    signed_in(resident)
    place = f"/challenges/{challenge.slug}/ideas/new/"
    assert "Choose as what you speak" in visit(place, data={"better": "A lamp"}).text
    visit(place, data={"better": "A lamp", "standing": "carer"})
    assert Proposal.objects.get().standing == "carer"


def test_a_draft_saves_itself_while_somebody_writes(client, visit, signed_in, resident, draft):
    signed_in(resident)
    place = f"/ideas/{draft.pk}/edit/works/"
    seen = version(visit(place))
    quiet = {"headers": {"HX-Request": "true"}}
    answer = client.post(place, {"change": "Half a thought", "title": "", "version": seen}, **quiet)
    assert answer.status_code == 200 and "Saved at" in answer.content.decode()
    assert "<html" not in answer.content.decode()
    assert Proposal.objects.get().change == "Half a thought"
    again = {"change": "A whole thought", "version": version(visits.Page(answer.content.decode()))}
    client.post(place, again, **quiet)
    assert Proposal.objects.get().change == "A whole thought"
    answer = client.post(place, {"change": "x" * 5001, "version": seen}, **quiet)
    assert "Not saved yet:" in answer.content.decode()
    assert Proposal.objects.get().change == "A whole thought"


def test_without_script_a_mistake_in_one_answer_does_not_lose_the_others(
    client, visit, signed_in, resident, draft
):
    signed_in(resident)
    place = f"/ideas/{draft.pk}/edit/works/"
    typed = {"change": "Half a thought", "takes_part": "x" * 501, "title": ""}
    page = visit(place, data={**typed, "version": version(visit(place))})
    assert page.title.startswith("Mistake:") and "Give your idea a short name" in page.text
    assert "Everything else is saved in your draft" in page.text
    draft.refresh_from_db()
    assert (draft.change, draft.takes_part, draft.title) == (
        "Half a thought", WORDS["works"]["takes_part"], WORDS["works"]["title"],
    )  # fmt: skip
    whole = {"change": "A whole thought", "takes_part": "Nurses", "title": "A lamp"}
    visit(place, data={**whole, "version": version(page)})
    draft.refresh_from_db()
    assert (draft.change, draft.title) == ("A whole thought", "A lamp")
    page = visit(place, data={**typed, "version": version(page)})
    assert "saved in your draft" not in page.text, "an old window overwrites nothing"
    draft.refresh_from_db()
    assert draft.change == "A whole thought"


def test_a_mistake_in_a_public_idea_changes_nothing(visit, signed_in, resident, idea):
    signed_in(resident)
    page = visit(f"/ideas/{idea.pk}/edit/works/", data={"change": "Other", "title": ""})
    assert page.title.startswith("Mistake:")
    before = idea.change
    idea.refresh_from_db()
    assert idea.change == before


def test_an_old_window_shows_both_words_and_asks(visit, signed_in, resident, draft):
    signed_in(resident)
    place = f"/ideas/{draft.pk}/edit/cost/"
    seen = version(visit(place))
    visit(place, data={"cost_pence": "1200", "version": seen})
    page = visit(place, data={"cost_pence": "£999", "version": seen})
    assert "changed in another window" in page.text
    assert "£1,200" in page.text and "£999" in page.html
    assert Proposal.objects.get().cost_pence == 1200_00
    visit(place, data={"cost_pence": "£999", "version": version(page)})
    assert Proposal.objects.get().cost_pence == 999_00


@pytest.mark.parametrize("typed", ["lots", "12.5", "-5", "1" * 30, "£2,000,000,000", "1e9"])
def test_an_amount_that_is_none_is_refused_in_words(visit, signed_in, resident, draft, typed):
    signed_in(resident)
    page = visit(f"/ideas/{draft.pk}/edit/cost/", data={"cost_pence": typed})
    assert "Mistake:" in page.title and typed in page.html
    assert Proposal.objects.get().cost_pence == WORDS["cost"]["cost_pence"]


def test_a_whole_part_is_asked_for_when_somebody_goes_on(visit, signed_in, resident, draft):
    signed_in(resident)
    for part in ("better", "whom", "measure", "works"):
        page = visit(f"/ideas/{draft.pk}/edit/{part}/", data=dict.fromkeys(WORDS[part], " "))
        assert "Mistake:" in page.title and "saved in your draft" not in page.text
    page = visit(f"/ideas/{draft.pk}/edit/better/", data={"better": "nul\x00byte"})
    assert "Mistake:" in page.title
    assert Proposal.objects.get().better == WORDS["better"]["better"]


def test_the_check_page_names_what_is_missing(visit, signed_in, resident, draft):
    Proposal.objects.filter(pk=draft.pk).update(measure="", title="")
    signed_in(resident)
    page = visit(f"/ideas/{draft.pk}/check/")
    assert "Say how we will know" in page.text and "Give your idea a short name" in page.text
    page = visit(f"/ideas/{draft.pk}/publish/", data={})
    assert "something is still missing" in page.text
    assert Proposal.objects.get().status == Status.DRAFT


@pytest.mark.parametrize("tail", ["", "check/", "edit/better/", "withdraw/"])
def test_a_draft_is_for_its_author_alone(
    visit, signed_in, resident, neighbour, moderator, draft, tail
):
    place = f"/ideas/{draft.pk}/{tail}"
    for person in (neighbour, moderator):
        visit(place, status=404, client=visits.sign_in(Client(), person, second_factor=True))
    visit(place, client=visits.sign_in(Client(), resident))
    if not tail:
        visit(place, status=404)


@pytest.mark.parametrize("tail", ["edit/better/", "publish/", "withdraw/", "sign/", "unsign/"])
def test_what_needs_a_person_asks_for_a_sign_in(client, idea, tail):
    answer = client.post(f"/ideas/{idea.pk}/{tail}", {})
    assert answer.status_code == 302 and answer.url.startswith("/account/")


@pytest.mark.parametrize("tail", ["edit/better/", "check/", "withdraw/"])
def test_a_public_idea_of_somebody_else_is_refused_in_words(
    visit, signed_in, neighbour, idea, tail
):
    signed_in(neighbour)
    assert "Only the person who wrote" in visit(f"/ideas/{idea.pk}/{tail}", status=403).text


def test_rows_of_another_authority_are_nowhere(visit, signed_in, neighbour, idea, elsewhere):
    said = Comment.objects.create(
        proposal=idea, person=neighbour, standing="resident", body="x", written_at=idea.created_at
    )
    person = world.a_person(world.root(elsewhere), role="moderator")
    client = visits.sign_in(Client(HTTP_HOST="northmoor.localhost"), person, second_factor=True)
    for place in (f"ideas/{idea.pk}/", f"challenges/{idea.challenge.slug}/ideas/new/",
                  f"ideas/{idea.pk}/hide/", f"comments/{said.pk}/hide/"):  # fmt: skip
        visit(f"/{place}", status=404, client=client)
    for place in (f"ideas/{idea.pk}/sign/", f"ideas/{idea.pk}/comments/", f"comments/{said.pk}/remove/",
                  f"comments/{said.pk}/show/", f"ideas/{idea.pk}/show/"):  # fmt: skip
        visit(f"/{place}", data={}, status=404, client=client)
    assert idea.title not in visit("/ideas/", client=client).text


def test_a_public_idea_is_changed_in_the_open(visit, signed_in, resident, idea):
    signed_in(resident)
    page = visit(f"/ideas/{idea.pk}/edit/whom/")
    assert "hx-post" not in page.html
    page = visit(f"/ideas/{idea.pk}/edit/whom/", data={"for_whom": "All", "version": version(page)})
    assert "Last changed" in page.text


def test_a_neighbour_signs_and_takes_their_name_off(visit, signed_in, neighbour, idea):
    signed_in(neighbour)
    assert "Sign this idea" in visit(f"/ideas/{idea.pk}/").text
    page = visit(f"/ideas/{idea.pk}/sign/", data={})
    assert "Your name stands here" in page.text and "Resident: 1" in page.text
    assert "Neville" in page.text
    page = visit(f"/ideas/{idea.pk}/unsign/", data={})
    assert "Resident: 1" not in page.text
    assert not Signature.objects.exists()


def test_comments_are_said_kept_and_removed(visit, client, signed_in, neighbour, idea):
    place = f"/ideas/{idea.pk}/comments/"
    answer = client.post(place, {"comment-body": "Who comes at weekends?"})
    assert answer.status_code == 302 and answer.url.startswith("/account/")
    client.force_login(neighbour)
    assert "Who comes at weekends?" in visit(f"/ideas/{idea.pk}/").html
    assert "Mistake:" in visit(place, data={"comment-body": " "}).title
    page = visit(place, data={"comment-body": "Who <b>comes</b> at weekends?"})
    assert "Neville" in page.text and "&lt;b&gt;comes" in page.html
    page = visit(f"/comments/{Comment.objects.get().pk}/remove/", data={})
    assert "comes" not in page.text and not Comment.objects.exists()


def test_somebody_elses_comment_cannot_be_removed(visit, signed_in, resident, neighbour, idea, as_):
    said = actions.write_comment(
        viewer=as_(neighbour), proposal_id=idea.pk, standing="resident", body="Mine"
    )
    signed_in(resident)
    visit(f"/comments/{said.pk}/remove/", data={}, status=404)
    assert Comment.objects.exists()


def test_a_moderator_hides_and_shows_with_a_second_factor_only(
    visit, signed_in, moderator, neighbour, resident, idea, as_
):
    said = actions.write_comment(
        viewer=as_(neighbour), proposal_id=idea.pk, standing="resident", body="Buy my stairlift"
    )
    for person, status in ((neighbour, 403), (resident, 403)):
        client = visits.sign_in(Client(), person, second_factor=True)
        visit(f"/ideas/{idea.pk}/hide/", data={"reason": "unkind"}, status=status, client=client)
        visit(f"/comments/{said.pk}/hide/", data={"reason": "advert"}, status=status, client=client)
    weak = visits.sign_in(Client(), moderator)
    assert "second-factor" in weak.post(f"/ideas/{idea.pk}/hide/", {"reason": "unkind"}).url
    signed_in(moderator, second_factor=True)
    assert "Mistake:" in visit(f"/comments/{said.pk}/hide/", data={}).title
    visit(f"/comments/{said.pk}/hide/", data={"reason": "advert"})
    shown = visit(f"/ideas/{idea.pk}/", client=Client())
    assert "It sells something" in shown.text and "stairlift" not in shown.text
    assert (
        "stairlift" in visit(f"/ideas/{idea.pk}/", client=visits.sign_in(Client(), neighbour)).text
    )
    visit(f"/comments/{said.pk}/show/", data={})
    visit(f"/ideas/{idea.pk}/hide/", data={"reason": "double"})
    visit(f"/ideas/{idea.pk}/", client=Client(), status=404)
    mine = visit(f"/ideas/{idea.pk}/", client=visits.sign_in(Client(), resident))
    assert "The same stands here already" in mine.text
    visit(f"/ideas/{idea.pk}/show/", data={})
    assert "stairlift" in visit(f"/ideas/{idea.pk}/", client=Client()).text


def test_an_author_who_left_is_told_as_someone_who_has_left(visit, idea, resident, now):
    resident.erased_at, resident.email, resident.name, resident.is_active = now, None, "", False
    resident.save()
    assert "Someone who has left, resident" in visit(f"/ideas/{idea.pk}/").text


def test_the_list_finds_narrows_and_orders(visit, challenge, authority, neighbour, as_):
    other = world.a_challenge(authority, title="Home care", slug="care")
    lamp = world.a_proposal(challenge, title="A lamp by the bed", standing="carer")
    meal = world.a_proposal(other, title="Cook and carry", better="There is a hot meal.")
    world.a_proposal(challenge, title="Still secret", status=Status.DRAFT, published_at=None)
    actions.sign_proposal(viewer=as_(neighbour), proposal_id=lamp.pk, standing="resident")
    found = {
        "": {lamp, meal}, "q=lamps": {lamp}, "q=la": {lamp}, "q=hot+meals": {meal}, "q=hot+-meal": set(),
        "challenge=care": {meal}, "community=quayside": {lamp}, "community=whole": {lamp, meal},
        "standing=carer": {lamp}, "status=funded": set(), "q=secret": set(), "q=...": set(),
        "status=draft": {lamp, meal}, "challenge=nowhere": {lamp, meal}, "page=999": {lamp, meal},
        "page=x": {lamp, meal}, "q=lamp&order=near": {lamp}, "order=comments": {lamp, meal},
    }  # fmt: skip
    for query, ideas in found.items():
        page = visit(f"/ideas/?{query}")
        shown = {idea for idea in (lamp, meal) if f'href="{idea.get_absolute_url()}"' in page.html}
        assert shown == ideas, query
        assert "Still secret" not in page.text
    html = visit("/ideas/?order=signed").html
    assert html.index(lamp.title) < html.index(meal.title)
    html = visit("/ideas/").html
    assert html.index(meal.title) < html.index(lamp.title)


@pytest.mark.parametrize(
    "text",
    [
        "'",
        '"',
        "a & | ! b",
        "((",
        "<->",
        "foo:*",
        "\\",
        "_",
        "%",
        "-",
        "' OR 1=1 --",
        "é" * 200,
        "or",
        "the",
    ],
)
def test_no_search_text_is_a_failure_of_ours(visit, client, idea, text):
    assert client.get("/ideas/", {"q": text}).status_code == 200


def test_a_search_that_is_no_text_is_told(visit, client, idea):
    for text in ("x" * 201, "nul\x00byte"):
        answer = client.get("/ideas/", {"q": text})
        assert answer.status_code == 200 and "Mistake:" in answer.content.decode()


@pytest.mark.parametrize(
    "typed", ["café", "cafe", "CAFÉ", "cafe\u0301", "caf", "tŷ", "ty", "ty\u0302", '"tŷ cymunedol"']
)
def test_accents_are_found_however_they_are_typed(client, challenge, typed):
    idea = world.a_proposal(challenge, title="A café in the Tŷ Cymunedol")
    world.a_proposal(challenge, title="A lamp by the bed")
    page = client.get("/ideas/", {"q": typed}).content.decode()
    assert idea.title in page and "A lamp by the bed" not in page


def test_words_are_found_in_every_form_of_theirs(client, challenge):
    idea = world.a_proposal(challenge, title="Neighbours visiting carers")
    for typed in (
        "neighbour",
        "visits",
        "carer's",
        "carer’s",
        "visited neighbours",
        "NEIGHBOURING",
    ):
        assert idea.title in client.get("/ideas/", {"q": typed}).content.decode(), typed


@pytest.mark.parametrize("many", [3, 30])
def test_a_list_and_an_idea_ask_no_more_however_many_there_are(
    visit, signed_in, resident, challenge, community, django_assert_max_num_queries, many, now
):
    people = [world.a_person(community) for _ in range(many)]
    ideas = [world.a_proposal(challenge, author=person) for person in people]
    for person in people:
        Signature.objects.create(
            proposal=ideas[0], person=person, standing="resident", signed_at=now
        )
        Comment.objects.create(
            proposal=ideas[0], person=person, standing="resident", body="Yes", written_at=now
        )
    signed_in(resident)
    visit("/ideas/")
    with django_assert_max_num_queries(12):
        visit("/ideas/?community=quayside&q=idea&order=signed")
    with django_assert_max_num_queries(12):
        page = visit(f"/ideas/{ideas[0].pk}/")
    assert f"{many} signatures" in page.text and f"{many} comments" in page.text


def test_the_panels_say_what_is_open_mine_and_to_look_at(
    announced, rf, challenge, idea, draft, resident, neighbour, moderator, as_
):
    actions.write_comment(
        viewer=as_(neighbour), proposal_id=idea.pk, standing="resident", body="Count the fares"
    )
    actions.sign_proposal(viewer=as_(neighbour), proposal_id=idea.pk, standing="resident")
    from django.template import engines

    def shown(on, person, thing=None):
        request = rf.get("/")
        request.viewer = as_(person)
        source = "{% panels on thing %}"
        return engines["django"].from_string(source).render({"on": on, "thing": thing}, request)

    assert idea.title in shown("home", None)
    card = shown("challenges.Challenge", None, challenge)
    assert f"/challenges/{challenge.slug}/ideas/new/" in card and "1 idea is looking" in card
    assert idea.title in shown("challenges.Challenge.more", None, challenge)
    assert draft.title in shown("mine", resident) and "Only you see it" in shown("mine", resident)
    assert idea.title in shown("mine", neighbour) and shown("mine", None) == ""
    desk = shown("desk", moderator)
    assert "Count the fares" in desk and idea.title in desk and draft.title not in desk
    assert shown("desk", resident) == ""
    challenge.steps.update(closes_at=as_(None).at - timedelta(minutes=1))
    challenge.refresh_from_db()
    assert shown("challenges.Challenge", None, challenge) == "" == shown("home", None)


def test_huge_numbers_and_wrong_methods_are_answered_kindly(
    visit, client, signed_in, resident, idea
):
    signed_in(resident)
    visit(f"/ideas/{10**30}/", status=404)
    visit(f"/comments/{10**30}/remove/", data={}, status=404)
    visit(f"/ideas/{idea.pk}/edit/price/", status=404)
    assert client.get(f"/ideas/{idea.pk}/publish/").status_code == 405
    assert client.post("/ideas/").status_code == 405
    assert "Take this idea back?" in visit(f"/ideas/{idea.pk}/withdraw/").text
