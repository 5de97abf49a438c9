"""Reading pots and their projects."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import (
    BigIntegerField,
    Case,
    Count,
    Exists,
    F,
    Func,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Value,
    When,
)
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from commonweal.decide.budgets.models import (
    Change,
    Picture,
    Pot,
    Project,
    Question,
    QuietPeriod,
    Round,
    Step,
    Withdrawal,
)
from commonweal.ground.challenges.models import Challenge
from commonweal.ground.challenges.queries import seats_of
from commonweal.ground.journal.models import Entry
from commonweal.ground.people.models import Person
from commonweal.ground.places.models import Community, CommunityKind, RoleKind
from commonweal.ground.places.rules import Viewer, everyone, may_lead
from commonweal.kit.composed import composed, rebuilt
from commonweal.kit.money import pounds
from commonweal.propose.appraisals import queries as appraisals
from commonweal.propose.appraisals.models import Appraisal, Each, State, Verdict
from commonweal.propose.proposals.models import Proposal, Status

MOST_LINES = 20  # of a cost, as a ballot shows it
FEWEST = 5  # a smaller count of people is hidden
CARD = (
    "authority", "title", "pence", "opens_at", "closes_at", "counted_at", "declared_at", "community__name",
    "is_draft", "withdrawn_at", "round__title",
    "challenge__authority", "challenge__question", "challenge__published_at",
)  # fmt: skip

# Asked of every pot in a list: Django would take longer to compose these than PostgreSQL to answer.
_PLACE = """(SELECT CASE WHEN withdrawn IS NOT NULL THEN 4 WHEN counted IS NOT NULL THEN 3
                         WHEN draft OR opens > at THEN 2 WHEN closes <= at THEN 1 ELSE 0 END
               FROM (SELECT %(expressions)s) AS pot (withdrawn, draft, counted, opens, closes, at))"""
_DISTRICTS = """(SELECT count(*) FROM budgets_pot other WHERE other.round_id = %(expressions)s
                  AND NOT other.is_draft AND other.withdrawn_at IS NULL)"""
_SIGNED = "(SELECT count(*) FROM proposals_signature WHERE proposal_id = %(expressions)s)"
_PROJECTS = "(SELECT count(*) FROM budgets_project WHERE pot_id = %(expressions)s)"


# --- pots and projects for pages


def pots(viewer: Viewer) -> QuerySet[Pot]:
    """Return the pots this viewer may read: open ones, then to be counted, to come, counted, withdrawn."""
    moments = (
        F("withdrawn_at"), F("is_draft"), F("declared_at"), F("opens_at"), F("closes_at"),
        Value(viewer.at),
    )  # fmt: skip
    return (
        Pot.objects.filter(_public(viewer.at) | _led(viewer))
        .filter(authority=viewer.authority)
        .select_related("challenge__community", "community")
        .annotate(
            place=Func(*moments, template=_PLACE, output_field=IntegerField()),
            project_count=Func(F("pk"), template=_PROJECTS, output_field=IntegerField()),
        )
        .order_by("place", "closes_at", "pk")
    )


def numbered(viewer: Viewer, pk: int) -> list[Pot]:
    """Return the one pot with this number, if this viewer may read it."""
    if seats_of(viewer):
        return list(pots(viewer).filter(pk=pk))
    return _numbered(authority=viewer.authority.pk, at=viewer.at, pk=pk)


@composed
def _numbered(authority: Any, at: Any, pk: Any) -> QuerySet[Pot]:
    return pots(everyone(authority, at)).filter(pk=pk)


def as_cards(pots: QuerySet[Pot]) -> QuerySet[Pot]:
    """Read only what a pot's card shows, and never the key or the result."""
    return pots.select_related(None).select_related("challenge", "community", "round").only(*CARD)


def _public(at: datetime) -> Q:
    """Return which pots everybody may read: whole, of a public challenge, and under no embargo."""
    free = Q(public_at__isnull=True) | Q(public_at__lte=at)
    return Q(challenge__published_at__lte=at, is_draft=False) & free


def _led(viewer: Viewer) -> Q:
    """Return which pots the viewer works on: those of the communities they lead, and below."""
    led = seats_of(viewer)
    if not led:
        return Q(pk__in=[])
    return Q(community_id__in=led) | Q(community__ancestors__overlap=led)


def pots_in_state(viewer: Viewer, state: str) -> QuerySet[Pot]:
    """Return the pots that are open, closed but not counted, coming or counted."""
    at = viewer.at
    stands = Q(is_draft=False, withdrawn_at__isnull=True)
    in_state = {
        "open": stands & Q(opens_at__lte=at, closes_at__gt=at, counted_at__isnull=True),
        "closed": stands & Q(closes_at__lte=at, declared_at__isnull=True),
        "coming": Q(withdrawn_at__isnull=True, counted_at__isnull=True)
        & (Q(is_draft=True) | Q(opens_at__gt=at)),
        "counted": Q(declared_at__isnull=False),
        "withdrawn": Q(withdrawn_at__isnull=False),
    }
    return pots(viewer).filter(in_state.get(state, Q()))


def open_pots(viewer: Viewer) -> QuerySet[Pot]:
    """Return the pots that take votes at this moment, soonest to close first."""
    stands = Q(is_draft=False, withdrawn_at__isnull=True)
    return pots(viewer).filter(stands, opens_at__lte=viewer.at, closes_at__gt=viewer.at)


def pots_led(viewer: Viewer) -> QuerySet[Pot]:
    """Return the pots this viewer sets up and counts."""
    return pots(viewer).filter(_led(viewer))


def pots_of(viewer: Viewer, challenge: Challenge) -> QuerySet[Pot]:
    """Return a challenge's pots."""
    return pots(viewer).filter(challenge=challenge)


def public_pots(viewer: Viewer) -> QuerySet[Pot]:
    """Return the pots of published challenges, for open data."""
    return pots(viewer).filter(_public(viewer.at))


def projects(viewer: Viewer) -> QuerySet[Project]:
    """Return the projects of every pot this viewer may read."""
    readable = pots(viewer).order_by().values("pk")
    return (
        Project.objects.filter(pot__in=readable)
        .select_related("pot__challenge", "pot__community", "proposal__challenge")
        .order_by("pot_id", "pk")
    )


def public_projects(viewer: Viewer) -> QuerySet[Project]:
    """Return the projects of every public pot, for open data."""
    return projects(viewer).filter(pot__in=public_pots(viewer).order_by().values("pk"))


def projects_for(viewer: Viewer, pot: Pot, *, holder: str = "") -> list[Project]:
    """Return a pot's projects in an order drawn for each person from the pot's published seed.

    Where the order is fixed, they stand for everybody as they were put on the ballot. ``holder`` is
    what a voter without an account is known by.
    """
    if pot.order_is_fixed:
        return sorted(projects_in(pot=pot.pk), key=lambda project: project.pk)
    who = holder or (viewer.person.pk if viewer.person else "everyone")

    def lot(project: Project) -> str:
        return sha256(f"{pot.lot_seed}:{who}:{project.pk}".encode()).hexdigest()

    return sorted(projects_in(pot=pot.pk), key=lot)


@composed
def projects_in(pot: Any) -> QuerySet[Project]:
    """Return a pot's projects; of the ideas they come from only whether they are hidden."""
    rows = Project.objects.filter(pot=pot).select_related("proposal")
    return rows.only(*(field.attname for field in Project._meta.fields), "proposal__status")


def proposals_to_add(pot: Pot) -> QuerySet[Any]:
    """Return the ideas of the pot's challenge that may be put on its ballot, each with its ``cost``.

    They have a cost, stand in no other ballot, enough people signed them, and nothing that staff
    found is in the way; where the pot asks for it, staff have found that they can be done.
    """
    ready = appraisals.may_be_in_ballot(appraised=pot.appraised_only)
    return _waiting(pot).filter(ready, cost__gt=0, support__gte=pot.supports_needed)


def _waiting(pot: Pot) -> QuerySet[Any]:
    """Return the ideas that no ballot holds; an appraised one costs what staff found."""
    rows = Proposal.objects.filter(
        challenge=pot.challenge_id,
        authority=pot.authority_id,
        status__in=(Status.PUBLISHED, Status.NOT_FUNDED),
    )
    cost = Coalesce(appraisals.appraised_pence(), F("cost_pence"), output_field=BigIntegerField())
    return (
        rows.defer("search")
        .annotate(support=Count("signatures"), cost=cost)
        .order_by("-published_at", "-pk")
    )


class NotReady(NamedTuple):
    """An idea that cannot be put on a ballot yet, and why, in words for the clerk."""

    proposal: Proposal
    why: list[str]


def proposals_not_ready(pot: Pot, most: int = 30) -> list[NotReady]:
    """Return the ideas that lack something, those that lack least first, the longest waiting first."""
    ready = proposals_to_add(pot).order_by().values("pk")
    rows = list(_waiting(pot).exclude(pk__in=ready).order_by("published_at", "pk")[:500])
    held = appraisals.states_of([row.pk for row in rows])
    found = [NotReady(row, _lacks(pot, row, held.get(row.pk))) for row in rows]
    return sorted(found, key=lambda one: len(one.why))[:most]


def _lacks(pot: Pot, idea: Any, held: Appraisal | None) -> list[str]:
    """Return in words what keeps an idea from a ballot; ``held`` is where its appraisal stands."""
    lacks = []
    if idea.support < pot.supports_needed:
        words = _("%(n)s of %(needed)s signatures")
        lacks.append(words % {"n": idea.support, "needed": pot.supports_needed})
    if held is None:
        if pot.appraised_only:
            lacks.append(_("nobody has begun to appraise it"))
    elif held.state != State.FINAL:
        lacks.append(
            {
                State.DRAFT: _("staff are working it out"),
                State.SHOWN: _("its authors have not answered yet"),
                State.APPEALED: _("an appeal waits to be decided"),
            }[State(held.state)]
        )
    elif held.verdict == Verdict.NOT_FEASIBLE:
        lacks.append(_("staff found that it cannot be done"))
    elif held.lacks_agreement:
        lacks.append(_("its authors have not agreed to the changes"))
    if not idea.cost:
        lacks.append(_("nobody has said what it costs"))
    return lacks


def lacks_of(pot: Pot, proposal: Proposal) -> list[str]:
    """Return in words what keeps one idea from a ballot; nothing if it could be there."""
    idea = _waiting(pot).get(pk=proposal.pk)
    return _lacks(pot, idea, appraisals.states_of([idea.pk]).get(idea.pk))


def ideas_to_tell_of(pot: Pot, after: int = 0) -> QuerySet[Proposal]:
    """Return the ideas whose authors hear of it when a pot opens: on its ballot, or left out.

    Of a round only its first pot tells those whose idea stands on no district's ballot.
    """
    told = Q(projects__pot=pot)
    siblings = Pot.objects.filter(round=pot.round_id, withdrawn_at__isnull=True, is_draft=False)
    if pot.round_id is None or siblings.order_by("opens_at", "pk").first() == pot:
        told |= Q(challenge=pot.challenge_id, status=Status.PUBLISHED)
    rows = Proposal.objects.filter(told, authority=pot.authority_id, pk__gt=after)
    return rows.filter(status__in=Proposal.PUBLIC).defer("search").distinct().order_by("pk")


def has_what_it_needs(pot: Pot) -> list[bool]:
    """Return of each project on the ballot whether it has what the pot asks of an idea by now."""
    fit = Q(appraisals.may_be_in_ballot(appraised=pot.appraised_only, of="proposal"))
    signed = Func(F("proposal"), template=_SIGNED, output_field=IntegerField())
    rows = pot.projects.alias(signed=signed).annotate(
        fits=Case(
            When(proposal__isnull=True, then=True),
            When(fit, signed__gte=pot.supports_needed, then=True),
            default=False,
        )
    )
    return list(rows.values_list("fits", flat=True))


def appraised(proposal: Proposal | None) -> Appraisal | None:
    """Return what staff found about an idea, once it is final."""
    return appraisals.final_of(proposal.pk) if proposal is not None else None


def appraisal_panel(viewer: Viewer, project: Project) -> Mapping[str, Any] | None:
    """Return what staff found about the idea that a project comes from, as everyone may read it."""
    if project.proposal is None or not project.proposal.is_public:
        return None
    found = appraised(project.proposal)
    return {"appraisal": found} if found else None


def as_appraised(proposal: Proposal) -> dict[str, Any]:
    """Return the cost and its lines as staff found them, to begin a project with; nothing without."""
    found = appraised(proposal)
    if found is None:
        return {}
    lines = []
    for line in appraisals.lines(found):
        often = found.years if line.each == Each.YEAR else 1
        what = line.what
        if often > 1:
            what = _("%(what)s, %(n)s years") % {"what": line.what, "n": often}
        if line.pence:
            lines.append({"what": " ".join(what.split()), "pence": line.pence * often})
    return {
        "cost_pence": found.total_pence,
        "cost_lines": lines if len(lines) <= MOST_LINES else [],
    }


def projects_of(viewer: Viewer, proposal: Proposal) -> QuerySet[Project]:
    """Return where a proposal stands in ballots."""
    return projects(viewer).filter(proposal=proposal).order_by("-pot__closes_at", "-pk")


def money_in_pots(challenge: Challenge, *, but: int | None = None) -> int:
    """Return what the challenge's pots hold together, leaving one of them out if asked.

    A pot that was withdrawn holds nothing any more.
    """
    held = Pot.objects.filter(challenge=challenge, withdrawn_at__isnull=True)
    return sum((held if but is None else held.exclude(pk=but)).values_list("pence", flat=True))


def challenge_to_fund(viewer: Viewer, slug: str) -> Challenge | None:
    """Return a challenge of this authority, also one that is not published yet."""
    found = Challenge.objects.filter(authority=viewer.authority, slug=slug)
    return found.select_related("community").first()


def communities_to_ask(challenge: Challenge) -> list[Community]:
    """Return the challenge's community and those inside it."""
    inside = Q(pk=challenge.community_id) | Q(ancestors__contains=[challenge.community_id])
    return list(Community.objects.filter(inside, authority=challenge.authority_id).order_by("name"))


# --- rounds: a pot for each district


def rounds(viewer: Viewer) -> QuerySet[Round]:
    """Return the rounds of which this viewer may read a pot, the newest first."""
    readable = pots(viewer).filter(round=OuterRef("pk")).order_by().values("pk")
    return (
        Round.objects.filter(Exists(readable), authority=viewer.authority)
        .select_related("challenge__community")
        .order_by("-created_at", "-pk")
    )


def public_rounds(viewer: Viewer) -> QuerySet[Round]:
    """Return the rounds of which everybody may read a pot, for open data."""
    readable = public_pots(viewer).filter(round=OuterRef("pk")).order_by().values("pk")
    return rounds(viewer).filter(Exists(readable))


def pots_of_round(viewer: Viewer, round_id: int) -> list[Pot]:
    """Return the pots of a round that this viewer may read, by district."""
    found = as_cards(pots(viewer).filter(round=round_id))
    return list(found.order_by("community__name", "pk"))


def own_district(viewer: Viewer, found: Iterable[Pot]) -> Pot | None:
    """Return the pot of the district where the viewer belongs, the most exact one."""
    branches = [member.community.branch() for member in viewer.memberships]
    mine = [
        (branch.index(pot.community_id), pot)
        for pot in found
        for branch in branches
        if pot.community_id in branch
    ]
    return max(mine, key=lambda found: (found[0], -found[1].pk))[1] if mine else None


def in_a_list(viewer: Viewer, found: QuerySet[Pot]) -> QuerySet[Pot]:
    """Let one pot stand for all of its round: the list names the round once."""
    first = pots(viewer).filter(round__isnull=False).order_by("round", "pk").distinct("round")
    districts = Func(F("round"), template=_DISTRICTS, output_field=IntegerField())
    once = found.filter(Q(round__isnull=True) | Q(pk__in=first.values("pk")))
    return once.annotate(district_count=districts)


# --- setting up


class Missing(NamedTuple):
    """What a pot lacks before people may see it, and in which step that is mended."""

    step: Step
    words: str


def missing(pot: Pot, at: datetime) -> list[Missing]:
    """Return what a draft still lacks; with nothing missing it can be made public."""
    lacks = {
        Step.VOTERS: _("Say who may vote."),
        Step.BALLOT: _("Say what a ballot asks."),
        Step.COUNTING: _("Say how the votes are counted."),
        Step.DATES: _("Say when voting opens and closes."),
    }
    found = [Missing(step, words) for step, words in lacks.items() if step not in pot.steps_done]
    fits = has_what_it_needs(pot)
    listed = len(fits)
    if listed == 0:
        found.append(Missing(Step.IDEAS, _("Put at least one idea on the ballot.")))
    elif listed < pot.fewest:
        words = _("A ballot asks for at least %(n)s ideas, and there are only %(listed)s.")
        found.append(Missing(Step.IDEAS, words % {"n": pot.fewest, "listed": listed}))
    elif (short := fits.count(False)) > 0:
        words = ngettext(
            "%(n)s idea on the ballot lacks signatures or a finished appraisal.",
            "%(n)s ideas on the ballot lack signatures or a finished appraisal.",
            short,
        )
        found.append(Missing(Step.IDEAS, words % {"n": short}))
    if Step.DATES in pot.steps_done:
        if pot.opens_at <= at:
            found.append(
                Missing(Step.DATES, _("The day of the opening has passed. Choose another."))
            )
        elif disturbed_by(pot) is not None:
            words = _("It would open, close or be declared in a quiet time. Choose other dates.")
            found.append(Missing(Step.DATES, words))
    return found


def alone(listed: Iterable[Project]) -> list[Project]:
    """Return the ideas that should exclude others and stand alone: perhaps a word was mistyped."""
    found = list(listed)
    words = Counter(project.exclusive for project in found)
    return [project for project in found if project.exclusive and words[project.exclusive] == 1]


def disturbed_by(pot: Pot) -> QuietPeriod | None:
    """Return the quiet time in which the pot would open, close or declare its result."""
    moments = [at for at in (pot.opens_at, pot.closes_at, pot.result_at) if at is not None]
    within = Q(pk__in=[])
    for moment in moments:
        within |= Q(starts_at__lte=moment, ends_at__gt=moment)
    return QuietPeriod.objects.filter(within, authority=pot.authority_id).first()


def pots_to_copy(viewer: Viewer) -> QuerySet[Pot]:
    """Return the earlier pots that this viewer runs and may begin from, the newest first."""
    return as_cards(pots_led(viewer)).filter(is_draft=False).order_by("-closes_at", "-pk")


def previewed(viewer: Viewer, token: str) -> Pot | None:
    """Return the pot that a preview link shows to whoever holds it, public or not."""
    here = Pot.objects.filter(authority=viewer.authority, withdrawn_at__isnull=True)
    return here.select_related("challenge__community", "community").filter(preview=token).first()


def due_to_be_told(at: datetime) -> QuerySet[Pot]:
    """Return the pots that an embargo hid and that are public now, of which nobody told yet."""
    told = Entry.objects.filter(
        what="pot.created", about="budgets.Pot", about_id=OuterRef("pk"), is_public=True
    )
    due = Pot.objects.filter(_public(at), public_at__isnull=False, withdrawn_at__isnull=True)
    return due.exclude(Exists(told)).order_by("public_at", "pk")


# --- after the opening, and on a project's page


def withdrawal_of(pot: Pot) -> Withdrawal | None:
    """Return that somebody asked to withdraw a pot, or did."""
    found = Withdrawal.objects.filter(pot=pot).select_related("asked_by", "agreed_by").first()
    if found is not None:
        found.pot = pot
    return found


def in_lines(lines: Iterable[Mapping[str, Any]]) -> list[str]:
    """Write the lines of a cost as people read and write them: what, and how much."""
    return [f"{line['what']}: {pounds(line['pence'])}" for line in lines]


def changes_of(pot: Pot) -> QuerySet[Change]:
    """Return what was changed after the pot had opened, the newest first."""
    return pot.changes.select_related("project", "changed_by").order_by("-changed_at", "-pk")


def pictures_of(projects: Iterable[Project], *, hidden: bool = False) -> QuerySet[Picture]:
    """Return pictures of projects without their bytes, in the order they were added."""
    found = Picture.objects.filter(project__in=[project.pk for project in projects])
    found = found if hidden else found.filter(hidden_at__isnull=True)
    return found.defer("large", "small").order_by("project_id", "pk")


def picture(viewer: Viewer, pk: int, token: str) -> Picture | None:
    """Return one picture that this viewer may see, or whoever holds the pot's preview link."""
    found = Picture.objects.filter(pk=pk, project__authority=viewer.authority)
    row = found.select_related("project__pot").first()
    if row is None:
        return None
    pot = row.project.pot
    if token and token == pot.preview and row.hidden_at is None:
        return row
    if not numbered(viewer, pot.pk):
        return None
    led = pots_led(viewer).filter(pk=pot.pk)
    return row if row.hidden_at is None or led.exists() else None


def picture_to_run(viewer: Viewer, pk: int) -> Picture | None:
    """Return one picture of this authority with its project and pot."""
    found = Picture.objects.filter(pk=pk, project__authority=viewer.authority)
    return found.defer("large", "small").select_related("project__pot__challenge").first()


def questions_of(project: Project) -> QuerySet[Question]:
    """Return what was asked about a project: what is answered first, then the newest."""
    return project.questions.select_related("person").order_by(
        F("answered_at").desc(nulls_last=True), "-asked_at", "-pk"
    )


def question(viewer: Viewer, pk: int) -> Question | None:
    """Return one question about a project of a pot that this viewer may read."""
    found = Question.objects.filter(pk=pk, project__pot__in=pots(viewer).order_by().values("pk"))
    return found.select_related("project__pot__challenge", "project__pot__community").first()


def questions_panel(viewer: Viewer, thing: None) -> Mapping[str, Any] | None:
    """Return the questions that wait for an answer on the desk."""
    found = [row for row in _at_desk(viewer) if isinstance(row, Question)]
    return {"questions": found} if found else None


def personal_questions(person: Person) -> Iterable[Mapping[str, Any]]:
    """Hand over what a person asked about projects."""
    for row in Question.objects.filter(person=person).select_related("project").order_by("pk"):
        yield {
            "project": row.project.title,
            "question": row.body,
            "asked": row.asked_at.isoformat(),
            "answer": row.answer,
            "hidden_because": row.hidden_reason,
        }


# --- panels on other apps' pages


def home_panel(viewer: Viewer, thing: None) -> Mapping[str, Any] | None:
    """Return the pots that are open now, for the front page."""
    if seats_of(viewer):
        found = list(as_cards(open_pots(viewer))[:3])
    else:
        found = _open_to_all(authority=viewer.authority.pk, at=viewer.at)
    return {"pots": found} if found else None


@composed
def _open_to_all(authority: Any, at: Any) -> QuerySet[Pot]:
    return as_cards(open_pots(everyone(authority, at)))[:3]


def challenge_panel(viewer: Viewer, challenge: Challenge) -> Mapping[str, Any] | None:
    """Return a challenge's pots that are open."""
    found = [pot for pot in _pots_on_page(viewer, challenge) if pot.is_open(viewer.at)]
    return {"pots": found} if found else None


def challenge_more_panel(viewer: Viewer, challenge: Challenge) -> Mapping[str, Any] | None:
    """Return all pots of a challenge, whatever their state, and whether one may be set up."""
    found = _pots_on_page(viewer, challenge)
    leads = may_lead(viewer, challenge.community)
    return {"pots": found, "leads": leads} if found or leads else None


def _pots_on_page(viewer: Viewer, challenge: Challenge) -> list[Pot]:
    def read() -> list[Pot]:
        if seats_of(viewer):
            return list(as_cards(pots_of(viewer, challenge)))
        return _of_challenge(authority=viewer.authority.pk, at=viewer.at, challenge=challenge.pk)

    return viewer.once(("pots", challenge.pk), read)


@composed
def _of_challenge(authority: Any, at: Any, challenge: Any) -> QuerySet[Pot]:
    return as_cards(pots(everyone(authority, at))).filter(challenge=challenge)


def proposal_panel(viewer: Viewer, proposal: Proposal) -> Mapping[str, Any] | None:
    """Return where a proposal stands in a ballot, or what it still needs for one that is coming."""
    found: list[Project] = []
    ways: list[Way] = []
    if proposal.status != Status.PUBLISHED:
        found = _projects_on_page(viewer, proposal)
    if proposal.status in (Status.PUBLISHED, Status.NOT_FUNDED):
        ways = ways_to_a_ballot(viewer, proposal)
    return {"projects": found, "ways": ways} if found or ways else None


def _projects_on_page(viewer: Viewer, proposal: Proposal) -> list[Project]:
    if seats_of(viewer):
        return list(projects_of(viewer, proposal)[:3])
    asked = {"authority": viewer.authority.pk, "at": viewer.at}
    return _public_projects_of(**asked, proposal=proposal.pk)


@composed
def _public_projects_of(authority: Any, at: Any, proposal: Any) -> QuerySet[Project]:
    return projects_of(everyone(authority, at), proposal)[:3]


@dataclass
class Way:
    """What an idea needs to get on the ballot of a pot that opens later, and how far it is."""

    pot: Pot
    signatures: int
    is_appraised: bool | None  # nothing where the pot does not ask for it
    cannot: bool  # staff found that it cannot be done, or its authors have not agreed

    @property
    def still(self) -> int:
        """Return how many signatures are missing."""
        return max(0, self.pot.supports_needed - self.signatures)

    @property
    def share(self) -> int:
        """Return how much of the way the signatures are, in hundredths."""
        needed = self.pot.supports_needed
        return min(100, self.signatures * 100 // needed) if needed else 100


def ways_to_a_ballot(viewer: Viewer, proposal: Proposal) -> list[Way]:
    """Return the ballots of its challenge that an idea may still get on; it knows who signed it."""
    asked = {"authority": viewer.authority.pk, "at": viewer.at, "challenge": proposal.challenge_id}
    coming = _coming(**asked)
    if not coming:
        return []
    held = appraisals.on_page(viewer, proposal)
    final = next((row for row in held if row.state == State.FINAL), None)
    is_done = final is not None and not any(row.state != State.FINAL for row in held)
    signed: int = getattr(proposal, "signature_count", 0)
    cannot = final is not None and is_done and not final.passes
    return [Way(pot, signed, is_done if pot.appraised_only else None, cannot) for pot in coming]


@composed
def _coming(authority: Any, at: Any, challenge: Any) -> QuerySet[Pot]:
    later = Pot.objects.filter(_public(at), authority=authority, challenge=challenge)
    rows = later.filter(opens_at__gt=at, withdrawn_at__isnull=True).order_by("opens_at", "pk")
    return rows.only("authority", "title", "opens_at", "supports_needed", "appraised_only")[:3]


def desk_panel(viewer: Viewer, thing: None) -> Mapping[str, Any] | None:
    """Return the pots a member of staff runs that are not counted yet."""
    found = [row for row in _at_desk(viewer) if isinstance(row, Pot)]
    return {"pots": found} if found else None


# Pots that are not counted, and questions without an answer in any pot: two panels, one question.
_AT_DESK = f"""
WITH mine AS (
    SELECT p.*, {_PLACE % {"expressions": "p.withdrawn_at, p.is_draft, p.declared_at, p.opens_at, p.closes_at, asked.at"}} AS place
      FROM budgets_pot p JOIN places_community c ON c.id = p.community_id,
           (SELECT %s::timestamptz, %s::bigint[]) AS asked (at, seats)
     WHERE p.authority_id = %s AND (p.community_id = ANY (asked.seats) OR c.ancestors && asked.seats)
)
(SELECT 'pot', jsonb_build_object('id', id, 'title', title, 'is_draft', is_draft, 'opens_at', opens_at,
                                  'closes_at', closes_at)::text,
        place, {_PROJECTS % {"expressions": "mine.id"}}, NULL
   FROM mine WHERE counted_at IS NULL AND withdrawn_at IS NULL ORDER BY place, closes_at, id LIMIT 20)
UNION ALL
(SELECT 'question', jsonb_build_object('id', q.id, 'body', q.body, 'project_id', r.id)::text, 0, 0,
        jsonb_build_object('id', r.id, 'title', r.title)::text
   FROM mine JOIN budgets_project r ON r.pot_id = mine.id
        JOIN budgets_question q ON q.project_id = r.id AND q.answer = '' AND q.hidden_at IS NULL
  ORDER BY q.asked_at, q.id LIMIT 10)"""  # noqa: S608 - our own tables


def _at_desk(viewer: Viewer) -> list[Pot | Question]:
    """Return the pots that are not counted yet and the questions that wait, where this viewer leads."""
    seats = seats_of(viewer)
    return viewer.once("pots at the desk", lambda: _read_desk(viewer, seats)) if seats else []


def _read_desk(viewer: Viewer, seats: list[int]) -> list[Pot | Question]:
    with connection.cursor() as cursor:
        cursor.execute(_AT_DESK, [viewer.at, seats, viewer.authority.pk])
        rows = cursor.fetchall()
    found: list[Pot | Question] = []
    for kind, told, place, projects_in, project in rows:
        if kind == "pot":
            pot: Any = rebuilt(Pot, told)
            pot.place, pot.project_count = place, projects_in
            found.append(pot)
        else:
            question: Any = rebuilt(Question, told)
            question.project = rebuilt(Project, project)
            found.append(question)
    return found


def quiet_panel(viewer: Viewer, thing: None) -> Mapping[str, Any] | None:
    """Return something for those who set quiet times, and nothing for others."""
    may = any(
        role.kind == RoleKind.ADMINISTRATOR and role.community.kind == CommunityKind.AUTHORITY
        for role in viewer.roles
    )
    return {} if may else None


def due_to_open(at: datetime) -> QuerySet[Pot]:
    """Return the pots of all authorities that have opened and whose opening nobody told yet."""
    told = Entry.objects.filter(what="pot.opened", about="budgets.Pot", about_id=OuterRef("pk"))
    return (
        Pot.objects.filter(_public(at), opens_at__lte=at, counted_at__isnull=True)
        .filter(withdrawn_at__isnull=True)
        .exclude(Exists(told))
        .order_by("opens_at", "pk")
    )


# --- quiet times before an election


def quiet_period_at(authority: Any, at: datetime) -> QuietPeriod | None:
    """Return the quiet time of an authority that holds at that moment."""
    return QuietPeriod.objects.filter(
        authority=authority, starts_at__lte=at, ends_at__gt=at
    ).first()


def quiet_periods(viewer: Viewer) -> QuerySet[QuietPeriod]:
    """Return the quiet times of this authority, also those that are over."""
    return QuietPeriod.objects.filter(authority=viewer.authority).order_by("-starts_at", "-pk")


def disturbing_pots(authority: Any, starts_at: datetime, ends_at: datetime) -> QuerySet[Pot]:
    """Return the pots that open or close in a time that is to be quiet."""
    opens = Q(opens_at__gte=starts_at, opens_at__lt=ends_at)
    closes = Q(closes_at__gte=starts_at, closes_at__lt=ends_at)
    there = Pot.objects.filter(authority=authority, is_draft=False, withdrawn_at__isnull=True)
    return there.filter(opens | closes).order_by("opens_at", "pk")


def in_quiet_period(authority: Any, at: datetime) -> bool:
    """Tell whether it is quiet there at that moment: nothing opens, closes or is declared."""
    return quiet_period_at(authority, at) is not None


def where_it_is_not_quiet(found: QuerySet[Pot], at: datetime) -> QuerySet[Pot]:
    """Keep the pots of authorities where it is not quiet at that moment."""
    quiet = QuietPeriod.objects.filter(
        authority=OuterRef("authority"), starts_at__lte=at, ends_at__gt=at
    )
    return found.exclude(Exists(quiet))
