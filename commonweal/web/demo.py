"""Fill Larkmere, the example borough: through the same actions as its people, from one seed."""

import json
from calendar import monthrange
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from commonweal.decide.ballots import actions as voting
from commonweal.decide.ballots.rules import Choice
from commonweal.decide.budgets import actions as budgets
from commonweal.decide.budgets.models import Pot, Project, Rule
from commonweal.decide.counts import actions as counts
from commonweal.deliver.milestones import actions as deliveries
from commonweal.deliver.milestones.models import Came, Milestone
from commonweal.ground.challenges import actions as challenges
from commonweal.ground.challenges.models import Challenge, Stage
from commonweal.ground.directory import actions as directory
from commonweal.ground.directory.models import Service
from commonweal.ground.people import actions as people
from commonweal.ground.people.models import Person
from commonweal.ground.places import actions as places
from commonweal.ground.places.models import (
    Authority,
    Community,
    CommunityKind,
    Level,
    Organisation,
    OrganisationKind,
    RoleKind,
    StandingKind,
)
from commonweal.ground.places.rules import Viewer
from commonweal.kit.home import home
from commonweal.listen.conversations.models import Conversation
from commonweal.listen.hearings.models import Hearing
from commonweal.listen.surveys.models import Survey
from commonweal.propose.proposals import actions as proposals
from commonweal.propose.proposals.models import Proposal
from commonweal.spread.updates import actions as updates
from commonweal.web import (
    demo_appraisals,
    demo_codes,
    demo_conversations,
    demo_hearings,
    demo_papers,
    demo_pots,
    demo_surveys,
)
from commonweal.web.larkmere import challenges as asked
from commonweal.web.larkmere import deliveries as stories
from commonweal.web.larkmere import ideas
from commonweal.web.larkmere import people as cast
from commonweal.web.larkmere import places as map_of

PEOPLE = 2_000
VOTERS = 640
OPEN_POT_PENCE = 240_000_00
SPRING_POT_PENCE = 90_000_00
ON_THE_BALLOT = 14
IN_THE_SPRING_POT = 8
BY_STAFF = {"front-line-staff", "service-leader", "charity", "enterprise"}


@dataclass
class Borough:
    """What has been made so far, found by short names."""

    now: datetime
    lot: Random
    authority: Authority
    whole: Community
    neighbourhoods: dict[str, Community] = field(default_factory=dict)
    organisations: dict[str, Organisation] = field(default_factory=dict)
    services: dict[str, Service] = field(default_factory=dict)
    examples: dict[str, Person] = field(default_factory=dict)
    residents: dict[str, list[Person]] = field(default_factory=dict)
    speakers: dict[str, list[Person]] = field(default_factory=dict)

    def viewer(self, person: Person, days: float = 0.0) -> Viewer:
        """Return this person as a viewer, so many days from now (before it, when negative)."""
        return Viewer(self.authority, person, self.now + timedelta(days=days), True)

    @property
    def everyone(self) -> list[Person]:
        """Return all who live here."""
        return [person for street in self.residents.values() for person in street]


def fill() -> None:
    """Fill the borough once; a second call finds it there and changes nothing.

    One that was filled before there were pots of every kind, or conversations, gets them now, and
    keeps all it has.
    """
    authority = _as_it_stands().first()
    if authority is None:
        _fill_from_nothing()
        authority = _as_it_stands().get()
    if not authority.has_people:
        return
    if not authority.has_pots:
        demo_pots.fill(authority=authority, now=timezone.now())
        demo_codes.fill(authority=authority, now=timezone.now())
    if not authority.has_conversations:
        demo_conversations.fill(authority=authority, now=timezone.now())
    if not authority.has_hearings:
        demo_hearings.fill(authority=authority, now=timezone.now())
    if not authority.has_surveys:
        demo_surveys.fill(authority=authority, now=timezone.now())


def _as_it_stands() -> QuerySet[Any]:
    """Return the borough, if it is there, with what it holds: all in one look."""
    its_own = {"authority": OuterRef("pk")}
    return Authority.objects.filter(slug="larkmere").annotate(
        has_people=Exists(Person.objects.filter(email="omar@larkmere.example")),
        has_pots=Exists(Challenge.objects.filter(slug=demo_pots.SLUG, **its_own)),
        has_conversations=Exists(Conversation.objects.filter(**its_own)),
        has_hearings=Exists(Hearing.objects.filter(**its_own)),
        has_surveys=Exists(Survey.objects.filter(**its_own)),
    )


def _fill_from_nothing() -> None:
    borough = _found(timezone.now())
    _map(borough)
    _cast(borough)
    _population(borough)
    made = {told["slug"]: _challenge(borough, told) for told in asked.CHALLENGES}
    hospital, care, evenings = (made[told["slug"]] for told in asked.CHALLENGES)
    written = _ideas(borough, hospital, ideas.HOSPITAL, (-100, -22))
    at_home = _ideas(borough, care, ideas.HOME_CARE, (-22, -1))
    in_spring = _ideas(borough, evenings, ideas.EVENINGS, (-280, -232))
    demo_appraisals.as_guessed(borough, written[:ON_THE_BALLOT])
    _open_pot(borough, hospital, written[:ON_THE_BALLOT])
    _spring_pot(borough, evenings, in_spring[:IN_THE_SPRING_POT])
    _deliver_the_spring_pot(borough)
    demo_appraisals.fill(borough, care, at_home)
    for key in ("rosa", "samina", "carys"):
        for challenge in (hospital, care):
            updates.follow(viewer=borough.viewer(borough.examples[key]), challenge=challenge)
    _tell_who_to_be()


def _found(now: datetime) -> Borough:
    authority = places.found_authority(
        name="Larkmere",
        short_name="Larkmere",
        slug="larkmere",
        run_by="Larkmere Borough Council and Vale Health Board",
        phone="0300 000 0100",
        email="hello@larkmere.example",
        at=now - timedelta(days=400),
    )
    whole = Community.objects.get(authority=authority, kind=CommunityKind.AUTHORITY)
    # The same seed gives the same borough on every machine; nothing secret hangs on it.
    return Borough(now, Random("larkmere"), authority, whole)  # noqa: S311


def _map(borough: Borough) -> None:
    ada = _join(borough, next(one for one in cast.EXAMPLES if one.key == "ada"))
    places.grant_first_role(
        person=ada, community=borough.whole, at=borough.now - timedelta(days=399)
    )
    admin = borough.viewer(ada, -398)
    for name, slug, postcodes, people_here, about in map_of.NEIGHBOURHOODS:
        borough.neighbourhoods[slug] = places.add_community(
            viewer=admin,
            parent=borough.whole,
            kind=CommunityKind.NEIGHBOURHOOD,
            name=name,
            slug=slug,
            about=about,
            postcodes=postcodes,
            people_who_live_here=people_here,
        )
    for kind, name, slug, about in map_of.ORGANISATIONS:
        borough.organisations[slug] = places.add_organisation(
            viewer=admin,
            kind=OrganisationKind(kind),
            name=name,
            slug=slug,
            about=about,
            website="",
        )
    for provider, name, slug, purpose, for_whom, where, hours in map_of.SERVICES:
        borough.services[slug] = directory.add_service(
            viewer=admin,
            community=borough.whole,
            provider=borough.organisations[provider],
            name=name,
            slug=slug,
            purpose=purpose,
            for_whom=for_whom,
            where=where,
            phone=borough.authority.phone,
            email="",
            website="",
            hours=hours,
        )


def _join(borough: Borough, example: cast.Example) -> Person:
    person = _arrive(borough, example.email, example.name, -399)
    borough.examples[example.key] = person
    return person


def _arrive(borough: Borough, email: str, name: str, days: float) -> Person:
    person = people.arrive(email=email, at=borough.now + timedelta(days=days))
    return people.change_profile(viewer=borough.viewer(person, days), name=name, theme="")


def _cast(borough: Borough) -> None:
    """Make the example people, and let the administrator confirm what needs a word."""
    admin, adas = borough.viewer(borough.examples["ada"], -396), 0
    for example in cast.EXAMPLES:
        person = borough.examples.get(example.key) or _join(borough, example)
        me = borough.viewer(person, -397)
        community = borough.neighbourhoods.get(example.place, borough.whole)
        membership = places.join_community(viewer=me, community=community)
        if example.key == "ada":  # nobody checks themselves: the clerk will
            adas = membership.pk
        else:
            places.verify_membership(
                viewer=admin, membership_id=membership.pk, level=Level.IN_PERSON
            )
        _speak(borough, person, community, StandingKind(example.standing))
        if example.role and example.key != "ada":
            places.grant_role(
                viewer=admin, person=person, community=borough.whole, kind=RoleKind(example.role)
            )
    clerk = borough.viewer(borough.examples["delyth"], -395)
    places.verify_membership(viewer=clerk, membership_id=adas, level=Level.IN_PERSON)
    places.add_organisation_member(
        viewer=admin,
        organisation=borough.organisations["tanners-row-residents"],
        person=borough.examples["carys"],
        is_manager=True,
    )


def _speak(borough: Borough, person: Person, community: Community, kind: StandingKind) -> None:
    declared = places.declare_standing(
        viewer=borough.viewer(person, -396), community=community, kind=kind
    )
    if kind in BY_STAFF:
        admin = borough.viewer(borough.examples["ada"], -395)
        places.confirm_standing(viewer=admin, standing_id=declared.pk)
    borough.speakers.setdefault(kind, []).append(person)


def _population(borough: Borough) -> None:
    """Settle the residents by the size of the neighbourhoods; a few of them speak as more."""
    slugs = list(borough.neighbourhoods)
    sizes = [borough.neighbourhoods[slug].people_who_live_here or 1 for slug in slugs]
    kinds = ("service-user", "carer", "front-line-staff", "charity", "enterprise")
    for number in range(PEOPLE - len(cast.EXAMPLES)):
        name = borough.lot.choice(cast.FIRST_NAMES)
        email = f"{name.lower()}.{number}@larkmere.example"
        person = _arrive(borough, email, name, borough.lot.uniform(-390, -301))
        slug = borough.lot.choices(slugs, sizes)[0]
        community = borough.neighbourhoods[slug]
        postcode = f"{borough.lot.choice(community.postcodes)}AB"  # a whole one, in the area
        places.join_community(
            viewer=borough.viewer(person, -300), community=community, postcode=postcode
        )
        borough.residents.setdefault(slug, []).append(person)
        _speak(borough, person, community, StandingKind.RESIDENT)
        if number % 40 < len(kinds):
            _speak(borough, person, borough.whole, StandingKind(kinds[number % 40]))


def _challenge(borough: Borough, told: dict[str, object]) -> Challenge:
    omar = borough.examples["omar"]
    stages: dict[str, tuple[float, float | None]] = told["stages"]  # type: ignore[assignment]
    begun = min(opens for opens, _closes in stages.values())
    lead = borough.viewer(omar, begun - 9)
    made = challenges.draft_challenge(
        viewer=lead,
        community=borough.whole,
        service=borough.services[str(told["service"])],
        owner=borough.organisations[str(told["owner"])],
        title=str(told["title"]),
        slug=str(told["slug"]),
        question=str(told["question"]),
        background=str(told["background"]),
        who_is_concerned=str(told["who_is_concerned"]),
    )
    for statement, for_whom, measure, unit, was, now, aim in told["outcomes"]:  # type: ignore[attr-defined]
        challenges.add_outcome(
            viewer=lead,
            challenge_id=made.pk,
            statement=statement,
            for_whom=for_whom,
            measure=measure,
            unit=unit,
            up_is_better=aim > was,
            baseline=was,
            baseline_on=(borough.now + timedelta(days=begun - 30)).date(),
            now=now,
            now_on=(borough.now - timedelta(days=14)).date(),
            aim=aim,
        )
    dates = [
        challenges.Dates(
            Stage(stage), _at(borough, opens), None if closes is None else _at(borough, closes)
        )
        for stage, (opens, closes) in stages.items()
    ]
    challenges.plan_steps(viewer=lead, challenge_id=made.pk, dates=dates)
    challenges.set_money(viewer=lead, challenge_id=made.pk, pence=int(str(told["money_pence"])))
    return challenges.publish_challenge(
        viewer=borough.viewer(omar, begun - 7), challenge_id=made.pk
    )


def _at(borough: Borough, days: float) -> datetime:
    """Return a moment so many days from now, at eight in the evening, as people set closes."""
    local = timezone.localtime(borough.now + timedelta(days=days))
    return local.replace(hour=20, minute=0, second=0, microsecond=0)


def _ideas(
    borough: Borough,
    challenge: Challenge,
    told: Iterable[ideas.Idea],
    days: tuple[float, float],
) -> list[Proposal]:
    """Write each idea in the voice of someone with its standing; others sign and comment."""
    made = []
    for idea in told:
        author = borough.lot.choice(borough.speakers[idea.by])
        author = demo_appraisals.author_of(borough, idea.title) or author
        day = borough.lot.uniform(days[0], days[1] - 1)
        day = demo_appraisals.early(idea.title, day, days[0])
        me = borough.viewer(author, day)
        draft = proposals.start_proposal(
            viewer=me, challenge=challenge, standing=StandingKind(idea.by)
        )
        parts: dict[str, dict[str, Any]] = {
            "better": {"better": idea.better},
            "whom": {"for_whom": idea.for_whom},
            "measure": {"measure": idea.measure},
            "risks": {"risks": idea.risks},
            "works": {
                "title": idea.title,
                "change": idea.change,
                "takes_part": idea.takes_part,
            },
            "cost": {"cost_pence": idea.pounds * 100, "cost_note": ""},
        }
        for part, words in parts.items():
            proposals.save_part(viewer=me, proposal_id=draft.pk, part=part, **words)
        proposal = proposals.publish_proposal(viewer=me, proposal_id=draft.pk)
        _support(borough, proposal, author, day, days[1])
        made.append(proposal)
    return made


def _support(
    borough: Borough, proposal: Proposal, author: Person, after: float, until: float
) -> None:
    everyone = borough.everyone
    signing = borough.lot.sample(everyone, borough.lot.choice((3, 5, 8, 12, 17, 26, 41)))
    for kind in (StandingKind.SERVICE_USER, StandingKind.FRONT_LINE_STAFF):
        if borough.lot.random() < 0.6:
            signing.append(borough.lot.choice(borough.speakers[kind]))
    for person in dict.fromkeys(signing):
        if person == author:
            continue
        viewer = borough.viewer(person, borough.lot.uniform(after, until))
        standing = max((one.kind for one in viewer.standings), key=lambda kind: kind != "resident")
        proposals.sign_proposal(
            viewer=viewer, proposal_id=proposal.pk, standing=StandingKind(standing)
        )
    for words in borough.lot.sample(cast.COMMENTS, borough.lot.choice((0, 0, 1, 2, 3))):
        person = borough.lot.choice(everyone)
        proposals.write_comment(
            viewer=borough.viewer(person, borough.lot.uniform(after, until)),
            proposal_id=proposal.pk,
            standing=StandingKind.RESIDENT,
            body=words,
        )


def _pot(
    borough: Borough,
    challenge: Challenge,
    title: str,
    about: str,
    pence: int,
    days: tuple[float, float],
    listed: list[Proposal],
) -> Pot:
    lead = borough.viewer(borough.examples["omar"], days[0] - 5)
    pot = budgets.create_pot(
        viewer=lead,
        challenge=challenge,
        community=borough.whole,
        title=title,
        about=about,
        pence=pence,
        rule=Rule.EQUAL_SHARES,
        level=Level.POSTCODE,
        opens_at=_at(borough, days[0]),
        closes_at=_at(borough, days[1]),
        lot_seed=challenge.slug,
        appraised_only=days[1] > 0,
    )
    where = {idea.title: idea.where for idea in (*ideas.HOSPITAL, *ideas.EVENINGS)}
    for proposal in listed:
        budgets.add_project(
            viewer=lead,
            pot_id=pot.pk,
            proposal=proposal,
            title=proposal.title,
            summary=proposal.better,
            where=where[proposal.title],
            cost_pence=proposal.cost_pence or 0,
        )
    return pot


def _open_pot(borough: Borough, challenge: Challenge, listed: list[Proposal]) -> None:
    about = "Fourteen ideas that staff have costed. Tick every one that you would fund."
    title = "Share out £240,000 to help people get home well"
    pot = _pot(borough, challenge, title, about, OPEN_POT_PENCE, (-12, 20), listed)
    budgets.tell_opening(pot_id=pot.pk, at=pot.opens_at)
    likes = {idea.title: idea.theme for idea in ideas.HOSPITAL}
    _vote(borough, pot, likes, borough.lot.sample(borough.everyone, VOTERS), (-11, -0.1))
    demo_papers.fill(borough, pot)


def _spring_pot(borough: Borough, challenge: Challenge, listed: list[Proposal]) -> None:
    about = "£90,000 for evenings out in Quayside, Old Town and Tanners Row."
    pot = _pot(borough, challenge, "The spring pot", about, SPRING_POT_PENCE, (-215, -190), listed)
    budgets.tell_opening(pot_id=pot.pk, at=pot.opens_at)
    near = ("quayside", "old-town", "tanners-row")
    voters = [person for slug in near for person in borough.residents[slug]]
    likes = {idea.title: idea.where for idea in ideas.EVENINGS}
    _vote(borough, pot, likes, voters, (-214, -191))
    counts.count_pot(viewer=borough.viewer(borough.examples["delyth"], -189), pot_id=pot.pk)


def _vote(
    borough: Borough,
    pot: Pot,
    likes: dict[str, str],
    voters: list[Person],
    days: tuple[float, float],
) -> None:
    """Let people vote: most like one or two themes much, and a little of the rest."""
    projects = list(pot.projects.order_by("pk"))
    themes = sorted({likes[project.title] for project in projects})
    weight = [1 + 3 * borough.lot.random() for _theme in themes]
    for person in voters:
        mine = set(borough.lot.choices(themes, weight, k=2))
        chosen = [
            project.pk
            for project in projects
            if borough.lot.random() < (0.72 if likes[project.title] in mine else 0.16)
        ]
        voting.cast_ballot(
            viewer=borough.viewer(person, borough.lot.uniform(*days)),
            pot_id=pot.pk,
            choice=Choice.of(chosen or [borough.lot.choice(projects).pk]),
        )


def _deliver_the_spring_pot(borough: Borough) -> None:
    """Tell what became of each project that the spring pot funded."""
    deliveries.start_records(at=borough.now - timedelta(days=188))
    funded = Project.objects.filter(authority=borough.authority, is_funded=True)
    numbers = dict(funded.values_list("title", "pk"))
    for story in stories.STORIES:
        if story.title in numbers:
            _deliver(borough, story, numbers[story.title])


def _deliver(borough: Borough, story: stories.Story, number: int) -> None:
    deliveries.name_who_runs(
        viewer=borough.viewer(borough.examples["delyth"], -187),
        project_id=number,
        organisation=borough.organisations.get(story.organisation),
        run_by=story.run_by,
        words="Agreed with them after the vote.",
    )
    steps: dict[str, Milestone] = {}
    last: int | None = None
    for what, day, says in story.told:
        me = borough.viewer(borough.examples[story.teller], day)
        spent = {"spent_pence": says["pounds"] * 100} if "pounds" in says else {}
        if what in ("plan", "move", "reach"):
            last = _tell_of_step(borough, me, number, steps, what, says, spent) or last
        elif what == "correct":
            assert last is not None
            deliveries.correct(viewer=me, post_id=last, words=says["words"], **spent)
        elif what == "outcome":
            deliveries.say_what_came(
                viewer=me,
                project_id=number,
                came=Came(says["came"]),
                measured=says["measured"],
                words=says["words"],
                happened_on=me.at.date(),
            )
        else:
            deliveries.tell(
                viewer=me,
                project_id=number,
                status="" if what == "told" else what,
                words=says["words"],
                happened_on=me.at.date(),
                due_on=_end_of_month(borough, says["due"]) if "due" in says else None,
                money=says.get("money", ""),
                **spent,
            )


def _tell_of_step(
    borough: Borough,
    me: Viewer,
    number: int,
    steps: dict[str, Milestone],
    what: str,
    says: dict[str, Any],
    spent: dict[str, Any],
) -> int | None:
    """Plan, move or reach a milestone; return the number of the post that says it is reached."""
    words = says["words"]
    if what == "reach":
        step, on = steps[says["step"]], me.at.date()
        post = deliveries.reach_milestone(
            viewer=me, milestone_id=step.pk, done_on=on, evidence=words, **spent
        )
        return post.pk
    due_on = _end_of_month(borough, says["due"])
    if what == "move":
        step = steps[says["step"]]
        moved = {"title": step.title, "seen": step.seen, "due_on": due_on, "words": words}
        deliveries.change_milestone(viewer=me, milestone_id=step.pk, **moved)
        return None
    planned = {"title": says["title"], "seen": says["seen"], "due_on": due_on, "words": words}
    steps[says["title"]] = deliveries.plan_milestone(viewer=me, project_id=number, **planned)
    return None


def _end_of_month(borough: Borough, days: int) -> date:
    """Return the last day of the month that is so many days from now."""
    day = (borough.now + timedelta(days=days)).date()
    return day.replace(day=monthrange(day.year, day.month)[1])


def _tell_who_to_be() -> None:
    """Leave the list of example people for the command that prints it."""
    listed = [
        {"name": one.name, "standing": one.words, "email": one.email} for one in cast.EXAMPLES
    ]
    home().mkdir(parents=True, exist_ok=True)
    (home() / "demo-people.json").write_text(json.dumps(listed, indent=1), encoding="utf-8")
