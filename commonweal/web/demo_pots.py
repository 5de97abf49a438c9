"""Pots of every kind and state for the example borough, also for one that was filled before them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from io import BytesIO
from random import Random
from typing import Any

from django.utils import timezone
from PIL import Image, ImageDraw

from commonweal.decide.ballots import actions as voting
from commonweal.decide.ballots.rules import Choice
from commonweal.decide.budgets import actions as budgets
from commonweal.decide.budgets.models import Pot, Project, Step
from commonweal.decide.counts import actions as counts
from commonweal.ground.challenges import actions as challenges
from commonweal.ground.challenges.models import Challenge, Stage
from commonweal.ground.directory.models import Service
from commonweal.ground.people.models import Person
from commonweal.ground.places.models import Authority, Community, CommunityKind, Level, Membership
from commonweal.ground.places.rules import Viewer
from commonweal.kit.pictures import redraw
from commonweal.web.larkmere import pots as told

SLUG = str(told.CHALLENGE["slug"])


class Place:
    """The borough as it stands in the database, and a moment in it."""

    def __init__(self, authority: Authority, now: datetime) -> None:
        self.authority, self.now = authority, now
        # The same seed gives the same pots on every machine; nothing secret hangs on it.
        self.lot = Random("larkmere pots")  # noqa: S311
        kinds = (CommunityKind.AUTHORITY, CommunityKind.NEIGHBOURHOOD)
        found = Community.objects.filter(authority=authority, kind__in=kinds)
        self.places = {"" if one.parent_id is None else one.slug: one for one in found}

    def be(self, key: str, days: float = 0.0) -> Viewer:
        """Return one of the example people as a viewer, so many days from now."""
        person = Person.objects.get(email=f"{key}@larkmere.example")
        return Viewer(self.authority, person, self.now + timedelta(days=days), True)

    def at(self, days: int, hour: int) -> datetime:
        """Return an hour of the day so many days from now."""
        local = timezone.localtime(self.now + timedelta(days=days))
        return local.replace(hour=hour, minute=0, second=0, microsecond=0)

    def residents(self, slug: str, most: int) -> list[Person]:
        """Return some of those who belong to a neighbourhood, or to any."""
        rows = Membership.objects.filter(
            community__authority=self.authority, person__email__contains="."
        ).exclude(person__email__in=[f"{key}@larkmere.example" for key in ("rosa", "ada")])
        rows = rows.filter(community=self.places[slug]) if slug else rows
        numbers = sorted(set(rows.values_list("person_id", flat=True)))
        chosen = self.lot.sample(numbers, min(most, len(numbers)))
        return list(Person.objects.filter(pk__in=chosen).order_by("pk"))


def fill(*, authority: Authority, now: datetime) -> None:
    """Add the pots to the borough: a challenge of their own, a round, and one for each state."""
    place = Place(authority, now)
    challenge = _challenge(place)
    _round(place, challenge)
    for pot in told.POTS:
        _pot(place, challenge, pot)
    _withdrawn(place, challenge)
    _draft(place, challenge)
    _questions(place)


def _challenge(place: Place) -> Challenge:
    said = told.CHALLENGE
    lead = place.be("omar", -210)
    meeting = Service.objects.get(authority=place.authority, slug="places-to-meet")
    made = challenges.draft_challenge(
        viewer=lead, community=place.places[""], service=meeting, owner=meeting.provider,
        title=said["title"], slug=SLUG, question=said["question"],
        background=said["background"], who_is_concerned=said["who_is_concerned"],
    )  # fmt: skip
    statement, for_whom, measure, unit, was, reached, aim = said["outcome"]
    challenges.add_outcome(
        viewer=lead, challenge_id=made.pk, statement=statement, for_whom=for_whom, measure=measure,
        unit=unit, up_is_better=True, baseline=was, baseline_on=place.at(-220, 9).date(),
        now=reached, now_on=place.at(-70, 9).date(), aim=aim,
    )  # fmt: skip
    stages: dict[str, tuple[int, int]] = said["stages"]
    dates = [
        challenges.Dates(Stage(stage), place.at(opens, 20), place.at(closes, 20))
        for stage, (opens, closes) in stages.items()
    ]
    challenges.plan_steps(viewer=lead, challenge_id=made.pk, dates=dates)
    challenges.set_money(viewer=lead, challenge_id=made.pk, pence=said["pounds"] * 100)
    return challenges.publish_challenge(viewer=place.be("omar", -205), challenge_id=made.pk)


def _round(place: Place, challenge: Challenge) -> None:
    said = told.ROUND
    lead = place.be("omar", said.opens - 20)
    made = budgets.draft_round(
        viewer=lead, challenge=challenge, title=said.title, about=said.about,
        pence=said.pounds * 100, communities=[place.places[slug] for slug in told.DISTRICTS],
    )  # fmt: skip
    pots = {pot.community.slug: pot for pot in made.pots.select_related("community")}
    first = next(iter(pots.values()))
    steps: dict[Step, dict[str, Any]] = {
        Step.VOTERS: {"level": Level.POSTCODE},
        Step.BALLOT: {"ballot_kind": said.kind},
        Step.IDEAS: {"appraised_only": False},
        Step.COUNTING: {"rule": said.rule},
        Step.DATES: {"opens_at": place.at(said.opens, 9), "closes_at": place.at(said.closes, 20)},
    }
    for step, values in steps.items():
        budgets.save_step(viewer=lead, pot_id=first.pk, step=step, whole_round=True, **values)
    for slug, ideas in told.DISTRICTS.items():
        _put_on_ballot(lead, pots[slug], ideas)
        pot = budgets.make_public(viewer=lead, pot_id=pots[slug].pk)
        budgets.tell_opening(pot_id=pot.pk, at=pot.opens_at)
        _vote(place, pot, ideas, place.residents(slug, said.voters), (said.opens, -0.2))


def _pot(place: Place, challenge: Challenge, said: told.Pot) -> Pot:
    lead = place.be("omar", min(said.opens, 0) - 20)
    pot = budgets.create_pot(
        viewer=lead, challenge=challenge, community=place.places[said.place], title=said.title,
        about=said.about, pence=said.pounds * 100, rule=said.rule, level=Level.POSTCODE,
        opens_at=place.at(said.opens, 9), closes_at=place.at(said.closes, 20),
        ballot_kind=said.kind, lot_seed=f"{SLUG} {said.kind}",
        result_at=None if said.result_in is None else place.at(said.result_in, 12),
        **said.settings,
    )  # fmt: skip
    _put_on_ballot(lead, pot, said.ideas)
    if said.opens < 0:
        budgets.tell_opening(pot_id=pot.pk, at=pot.opens_at)
        until = min(said.closes, 0) - 0.2
        _vote(place, pot, said.ideas, place.residents(said.place, said.voters), (said.opens, until))
    if said.closes < 0:
        counts.count_pot(viewer=place.be("delyth", said.closes + 1), pot_id=pot.pk)
    return pot


def _put_on_ballot(lead: Viewer, pot: Pot, ideas: tuple[told.Idea, ...]) -> None:
    pictures = {title: (alt, name) for title, alt, name in told.PICTURED}
    for idea in ideas:
        project = budgets.add_project(
            viewer=lead, pot_id=pot.pk, title=idea.title, summary=idea.better, where=idea.where,
            run_by=idea.run_by, outcome=idea.promise, cost_pence=idea.pounds * 100,
            cost_note=idea.note, exclusive=idea.exclusive,
            cost_lines=[{"what": what, "pence": pounds * 100} for what, pounds in idea.pays_for],
        )  # fmt: skip
        if idea.title in pictures:
            _show(lead, project, *pictures[idea.title])


def _withdrawn(place: Place, challenge: Challenge) -> None:
    pot = _pot(place, challenge, told.WITHDRAWN)
    budgets.withdraw_pot(viewer=place.be("omar", -2), pot_id=pot.pk, why=told.WHY_WITHDRAWN)


def _draft(place: Place, challenge: Challenge) -> None:
    """Leave a pot half set up, for a visitor who wants to go on as the clerk."""
    said, clerk = told.DRAFT, place.be("delyth", -1)
    pot = budgets.draft_pot(
        viewer=clerk, challenge=challenge, community=place.places[""], title=said.title,
        about=said.about, pence=said.pounds * 100,
    )  # fmt: skip
    steps: dict[Step, dict[str, Any]] = {
        Step.VOTERS: {"level": Level.POSTCODE},
        Step.BALLOT: {"ballot_kind": said.kind},
        Step.IDEAS: {"appraised_only": False},
    }
    for step, values in steps.items():
        budgets.save_step(viewer=clerk, pot_id=pot.pk, step=step, **values)
    _put_on_ballot(clerk, pot, said.ideas)


# --- votes


def _vote(
    place: Place,
    pot: Pot,
    ideas: tuple[told.Idea, ...],
    voters: list[Person],
    days: tuple[float, float],
) -> None:
    """Let people vote: what is liked by many is marked by many."""
    numbers = dict(pot.projects.values_list("title", "pk"))
    for person in voters:
        liked = [idea for idea in ideas if place.lot.random() * 100 < idea.liked]
        place.lot.shuffle(liked)
        marks = _marks(place, pot, liked or [place.lot.choice(ideas)])
        at = place.now + timedelta(days=place.lot.uniform(days[0] + 0.7, days[1]))
        voting.cast_ballot(
            viewer=Viewer(place.authority, person, at, True),
            pot_id=pot.pk,
            choice=Choice.marked({numbers[idea.title]: mark for idea, mark in marks}),
        )


def _marks(place: Place, pot: Pot, liked: list[told.Idea]) -> list[tuple[told.Idea, int]]:
    """Return what a ballot of this kind says of the ideas somebody likes, the best first."""
    if pot.ballot_kind == "choose-one":
        return [(liked[0], 1)]
    if pot.ballot_kind == "ranked":
        return [(idea, number) for number, idea in enumerate(liked, start=1)]
    if pot.ballot_kind == "points":
        some = liked[: pot.points]
        each, rest = divmod(pot.points, len(some))
        return [(idea, each + (rest if number == 0 else 0)) for number, idea in enumerate(some)]
    left, taken, excluded = pot.pence, [], set[str]()
    for idea in liked:
        if idea.pounds * 100 <= left and idea.exclusive not in excluded:
            left -= idea.pounds * 100
            excluded |= {idea.exclusive} - {""}
            taken.append((idea, 1))
    return taken


# --- what stands on their pages


def _questions(place: Place) -> None:
    for title, idea, who, asked, answered in told.QUESTIONS:
        project = Project.objects.get(pot__authority=place.authority, pot__title=title, title=idea)
        question = budgets.ask_question(viewer=place.be(who, -4), project_id=project.pk, body=asked)
        if answered:
            budgets.answer_question(
                viewer=place.be("delyth", -3), question_id=question.pk, answer=answered
            )


def _show(viewer: Viewer, project: Project, alt: str, name: str) -> None:
    """Draw a picture for the page of an idea, and add it as an upload."""
    file = BytesIO()
    DRAWN[name]().save(file, "PNG")
    size = file.tell()
    file.seek(0)
    budgets.add_picture(viewer=viewer, project_id=project.pk, drawn=redraw(file, size), alt=alt)


def _canvas(colour: str) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    image = Image.new("RGB", (960, 640), colour)
    return image, ImageDraw.Draw(image)


def _benches() -> Image.Image:
    image, pen = _canvas("#cfe6ee")
    pen.rectangle((0, 400, 960, 640), fill="#e7dfc8")
    pen.rectangle((0, 330, 960, 400), fill="#5d93a8")
    for x in (150, 720):
        pen.rectangle((x - 14, 210, x + 14, 430), fill="#6b4b33")
        pen.ellipse((x - 120, 60, x + 120, 270), fill="#4d7a4a")
    for x in (300, 540):
        pen.rectangle((x, 430, x + 170, 446), fill="#8a5a34")
        pen.rectangle((x, 370, x + 170, 384), fill="#8a5a34")
        for leg in (x + 14, x + 144):
            pen.rectangle((leg, 370, leg + 12, 510), fill="#3c3c3c")
    return image


def _bus() -> Image.Image:
    image, pen = _canvas("#18233d")
    pen.polygon([(0, 520), (420, 380), (960, 470), (960, 640), (0, 640)], fill="#24402f")
    pen.polygon([(0, 600), (960, 500), (960, 560), (0, 640)], fill="#3a3a44")
    pen.rounded_rectangle((240, 330, 700, 540), 26, fill="#a8502f")
    for x in range(270, 660, 78):
        pen.rectangle((x, 362, x + 58, 432), fill="#ffe7a3")
    for x in (340, 600):
        pen.ellipse((x - 40, 500, x + 40, 580), fill="#15151a")
    pen.ellipse((780, 70, 870, 160), fill="#f3efd8")
    return image


def _stars() -> Image.Image:
    image, pen = _canvas("#1d2a4a")
    lot = Random("stars")  # noqa: S311 - where stars are drawn
    for _star in range(90):
        x, y, r = lot.randrange(960), lot.randrange(430), lot.choice((1, 2, 2, 3))
        pen.ellipse((x - r, y - r, x + r, y + r), fill="#f6f0d0")
    pen.polygon([(0, 640), (0, 470), (160, 400), (320, 480), (520, 410), (760, 500), (960, 430),
                 (960, 640)], fill="#3b2f36")  # fmt: skip
    pen.line((430, 430, 650, 250), fill="#d9a441", width=46)
    pen.line((520, 370, 470, 560), fill="#a9b4c4", width=12)
    pen.line((520, 370, 580, 560), fill="#a9b4c4", width=12)
    return image


DRAWN: dict[str, Callable[[], Image.Image]] = {"benches": _benches, "bus": _bus, "stars": _stars}
