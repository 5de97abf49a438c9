"""Two authorities, each with a row of every kind, and the people who knock at every door."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.test import Client
from django.utils import timezone

from commonweal.decide.ballots.models import Ballot
from commonweal.decide.budgets.models import (
    Change,
    Picture,
    Pot,
    Question,
    QuietPeriod,
    Round,
    Withdrawal,
)
from commonweal.decide.counts import actions as counts
from commonweal.decide.kiosks.models import Device
from commonweal.decide.paper.models import Batch, Keying, Paper
from commonweal.decide.registers.models import Code, CodeBatch, Entry, Mail, Register
from commonweal.deliver.milestones.models import Delivery, Milestone, Post
from commonweal.ground.challenges.models import Challenge, Stage
from commonweal.ground.people.models import Person
from commonweal.ground.places.models import (
    Authority,
    Community,
    Organisation,
    OrganisationMember,
    Role,
    RoleKind,
    Standing,
    StandingKind,
)
from commonweal.listen.conversations.models import Answer, Conversation
from commonweal.listen.maps.actions import refresh_map
from commonweal.listen.moderation.models import Alike, Appeal, Case, Decision, Suggestion
from commonweal.propose.appraisals.models import Appraisal, State
from commonweal.propose.origins.models import Origin
from commonweal.propose.proposals.models import Comment, Merge, Proposal
from tests.factories import hearings as heard
from tests.factories import listen, world
from tests.listen import surveys
from tests.visit import sign_in


@dataclass
class Things:
    """One authority and a row of every kind in it, all of them somebody's own."""

    authority: Authority
    owner: Person
    community: Any = None
    organisation: Any = None
    service: Any = None
    challenge: Any = None
    draft_challenge: Any = None
    conversation: Any = None
    decision: Any = None
    appeal: Any = None
    case: Any = None
    statement: Any = None
    first: Any = None
    hearing: Any = None
    said: Any = None
    heard: Any = None
    drafted: Any = None
    proposal: Any = None
    draft: Any = None
    comment: Any = None
    merge: Any = None
    appraisal: Any = None
    shown_appraisal: Any = None
    appealed: Any = None
    survey: Any = None
    draft_survey: Any = None
    told_survey: Any = None
    survey_item: Any = None
    asked_item: Any = None
    told_item: Any = None
    survey_entry: Any = None
    pot: Any = None
    counted: Any = None
    project: Any = None
    round: Any = None
    question: Any = None
    picture: Any = None
    quiet: Any = None
    funded: Any = None
    milestone: Any = None
    post: Any = None
    standing: Any = None
    role: Any = None
    organisation_member: Any = None
    membership: Any = None
    device: Any = None
    passkey: Any = None
    batch: Any = None
    differing: Any = None
    kiosk: Any = None
    register: Any = None
    entry: Any = None
    code_batch: Any = None


def things(authority: Authority) -> Things:
    """Return a row of every kind in this authority."""
    mark = authority.slug
    community = world.a_community(authority, slug=f"{mark}-quarter")
    owner = world.a_person(community, name="Olive")
    organisation = world.an_organisation(authority, slug=f"{mark}-organisation")
    service = world.a_service(
        authority, slug=f"{mark}-service", provider=organisation, community=community
    )
    kinds: dict[str, Any] = {"service": service, "created_by": owner, "money_pence": 90_000_00}
    challenge = world.a_challenge(authority, stage=Stage.DECIDE, slug=f"{mark}-challenge", **kinds)
    unpublished = world.a_challenge(authority, published=False, slug=f"{mark}-unpublished", **kinds)
    proposal = world.a_proposal(challenge, author=owner)
    draft = world.a_proposal(challenge, author=owner, status="draft", published_at=None)
    pot = world.a_pot(challenge)
    now = timezone.now()
    counted = a_counted_pot(challenge)
    step = a_milestone(counted, organisation, owner)
    member = OrganisationMember.objects.create(organisation=organisation, person=owner)
    conversation = listen.a_conversation(authority, community=community, challenge=challenge)
    listen.a_detail(conversation)
    statement = listen.a_statement(
        conversation, author=listen.a_participant(conversation, owner), is_first=False
    )
    listen.a_report(listen.a_participant(conversation), statement)
    Answer.objects.create(
        statement=statement, heed="done", words="The board asked for it.", answered_at=now,
        answered_by=owner,
    )  # fmt: skip
    conversation.changes.create(
        part="background", was="A", became="B", why="A slip", changed_at=now, changed_by=owner
    )
    mapped(conversation)
    decision = moderated(conversation, owner)
    Origin.objects.create(statement=statement, proposal=proposal, made_at=now)
    return Things(
        authority=authority,
        owner=owner,
        decision=decision,
        appeal=decision.appeal,
        case=a_case(conversation),
        community=community,
        organisation=organisation,
        service=service,
        challenge=challenge,
        draft_challenge=unpublished,
        conversation=conversation,
        statement=statement,
        first=listen.a_statement(conversation),
        **heard.in_every_state(community, challenge, owner),
        proposal=proposal,
        draft=draft,
        comment=a_comment(proposal, owner),
        appraisal=appraised(proposal),
        shown_appraisal=world.an_appraisal(
            world.a_proposal(challenge, author=owner), state=State.SHOWN
        ),
        appealed=world.an_appraisal(
            world.a_proposal(challenge, author=owner), state=State.APPEALED
        ),
        merge=a_merge(proposal, world.a_proposal(challenge), owner),
        **surveys.one_of_each(community, owner),
        pot=pot,
        counted=counted,
        funded=step.delivery.project,
        milestone=step,
        post=step.delivery.posts.get(),
        project=pot.projects.first(),
        round=a_round(challenge),
        question=a_question(pot, owner),
        picture=a_picture(pot, owner),
        quiet=a_quiet_time(pot, owner),
        standing=Standing.objects.create(
            person=owner, community=community, kind=StandingKind.CHARITY, confirmed_at=None
        ),
        role=Role.objects.create(
            person=owner, community=community, kind=RoleKind.MODERATOR, granted_at=now
        ),
        organisation_member=member,
        membership=owner.membership_set.get(),
        batch=(batch := a_batch(pot, owner)),
        differing=batch.papers.get(),
        kiosk=a_kiosk(pot, owner),
        register=(register := a_register(community, owner)),
        entry=register.entries.get(),
        code_batch=a_code_batch(pot, owner),
        device=UserSession.objects.create(
            user=owner, session_key=f"{mark}-device", ip="127.0.0.1", user_agent="Telephone"
        ),
        passkey=Authenticator.objects.create(
            user=owner, type=Authenticator.Type.WEBAUTHN, data={"name": "Key"}
        ),
    )


def mapped(conversation: Conversation) -> None:
    """Let six people vote on two statements more, and work the map out."""
    for statement in (listen.a_statement(conversation), listen.a_statement(conversation)):
        for value in (1, 1, 1, 1, -1, 0):
            listen.a_vote(listen.a_participant(conversation), statement, value)
    assert refresh_map(conversation_id=conversation.pk, at=timezone.now())


def moderated(conversation: Conversation, owner: Person) -> Decision:
    """Return what was decided about a statement, to which its author objects; others wait."""
    at, moderator = timezone.now(), world.a_person()
    author = conversation.participants.get(person=owner)
    first, second = (
        listen.a_statement(conversation, author=author, is_first=False, state="waiting")
        for _n in range(2)
    )
    Suggestion.objects.create(
        statement=second, text="In other words.", suggested_at=at, suggested_by=moderator
    )
    Alike.objects.create(
        conversation=conversation, first=first, second=second, likeness_millionths=800_000
    )
    gone = listen.a_statement(
        conversation, author=author, is_first=False, state="rejected", reason="unclear"
    )
    made = Decision.objects.create(
        conversation=conversation, statement=gone, verdict="rejected", reason="unclear",
        words="Who is meant?", was="waiting", batch=uuid4(), decided_at=gone.decided_at,
        decided_by=moderator,
    )  # fmt: skip
    Appeal.objects.create(
        decision=made, statement=gone, words="It is plain.", answer="We look.", made_at=at
    )
    return made


def a_case(conversation: Conversation) -> Case:
    """Return some accounts that were set aside, and why."""
    at = timezone.now()
    return Case.objects.create(
        conversation=conversation, sign="copies", participants=[1, 2, 3], raised_at=at, seen_at=at,
        state="set-aside", reason="One hand.", decided_at=at, decided_by=world.a_person(),
        facts={"votes": 30, "common": 10, "alike_percent": 100, "expected_percent": 60},
        effects=[{"list": "common_ground", "statement": 1, "now_percent": 60, "then_percent": 50,
                  "stands": False}],
    )  # fmt: skip


def a_batch(pot: Pot, owner: Person) -> Batch:
    """Return papers that are being keyed; of one of them two people read different things."""
    at = timezone.now()
    batch = Batch.objects.create(
        authority=pot.authority, pot=pot, place="Library", taken_by="Librarian", first=1, last=9,
        ballot_digest=b"-" * 32, issued_at=at, issued_by=owner, returned=5, unused=4, slips=5,
        opened_at=at,
    )  # fmt: skip
    paper = Paper.objects.create(batch=batch, serial=3, outcome="differs")
    for turn, says in ((1, "none"), (2, "unclear")):
        Keying.objects.create(paper=paper, turn=turn, keyed_by=world.a_person(), says=says)
    return batch


def a_kiosk(pot: Pot, owner: Person) -> Device:
    """Return a machine at which people may vote."""
    return Device.objects.create(
        authority=pot.authority, pot=pot, place="Library", digest=f"{pot.pk:032d}".encode(),
        made_at=pot.opens_at, made_by=owner, expires_at=pot.closes_at,
    )  # fmt: skip


def a_register(community: Community, owner: Person) -> Register:
    """Return a register in which the owner was found."""
    register = Register.objects.create(
        authority=community.authority, community=community, title="Electoral register",
        parts=["surname", "postcode"], uploaded_at=timezone.now(), uploaded_by=owner,
    )  # fmt: skip
    Entry.objects.create(register=register, digest=b"-" * 32, person=owner)
    return register


def a_code_batch(pot: Pot, owner: Person) -> CodeBatch:
    """Return voting codes of which one mail is still to go out."""
    batch = CodeBatch.objects.create(
        authority=pot.authority, pot=pot, kind="mail", made_at=timezone.now(), made_by=owner
    )
    said: dict[str, Any] = {"batch": batch, "pot": pot, "digest": f"{pot.pk:032d}".encode()}
    Code.objects.create(authority=pot.authority, number=1, **said)
    Mail.objects.create(number=2, address="rosa@example.org", **said)
    return batch


def a_comment(proposal: Proposal, person: Person) -> Comment:
    """Return something said about an idea."""
    return Comment.objects.create(
        proposal=proposal,
        person=person,
        standing=StandingKind.RESIDENT,
        body="It would have helped my mother.",
        written_at=timezone.now(),
    )


def appraised(proposal: Proposal) -> Appraisal:
    """Return a new draft about an idea of which an older appraisal is final."""
    world.an_appraisal(proposal)
    return world.an_appraisal(proposal, state=State.DRAFT)


def a_merge(lead: Proposal, joining: Proposal, person: Person) -> Merge:
    """Return the suggestion that one idea joins another, which waits for an answer."""
    return Merge.objects.create(
        authority=lead.authority,
        lead=lead,
        joining=joining,
        why="Both light the way home.",
        suggested_at=timezone.now(),
        suggested_by=person,
    )


def a_counted_pot(challenge: Challenge) -> Pot:
    """Return a pot that was counted yesterday."""

    now = timezone.now()
    pot = world.a_pot(
        challenge, opens_at=now - timedelta(days=9), closes_at=now - timedelta(days=1)
    )
    for _voter in range(6):
        Ballot.objects.create(pot=pot, envelope=secrets.token_bytes(32))
    counts.count_closed_pot(pot_id=pot.pk, at=now)
    return pot


def a_milestone(pot: Pot, organisation: Organisation, person: Person) -> Milestone:
    """Return a milestone of what a counted pot funded, under way as somebody told."""
    now = timezone.now()
    project = pot.projects.first()
    assert project is not None
    type(project).objects.filter(pk=project.pk).update(is_funded=True)
    delivery = Delivery.objects.create(
        authority=pot.authority,
        project=project,
        organisation=organisation,
        status="started",
        status_on=now.date(),
        cost_pence=project.cost_pence,
        created_at=now - timedelta(hours=1),
        spoken_at=now,
    )
    Post.objects.create(
        delivery=delivery,
        kind="status",
        at=now,
        who=person,
        organisation=organisation,
        words="The first lamps are ordered.",
        happened_on=now.date(),
        was="planned",
        status="started",
        money="Most of it is still there.",
    )
    return Milestone.objects.create(
        delivery=delivery, title="Six lamps", seen="Six lamps are lit.", due_on=now.date()
    )


def a_round(challenge: Challenge) -> Round:
    """Return a round with a pot in two districts."""
    person, at = world.a_person(), timezone.now()
    made = Round.objects.create(
        authority=challenge.authority,
        challenge=challenge,
        title="A pot for each district",
        created_at=at,
        created_by=person,
    )
    for _n in range(2):
        place = world.a_community(challenge.authority, parent=challenge.community)
        world.a_pot(challenge, community=place, round=made)
    return made


def a_question(pot: Pot, person: Person) -> Question:
    """Return a question about a project that staff answered."""
    return Question.objects.create(
        project=pot.projects.first(),
        person=person,
        body="Who waters the trees?",
        asked_at=timezone.now(),
        answer="The school.",
        answered_at=timezone.now(),
        answered_by=world.a_person(),
    )


def a_picture(pot: Pot, person: Person) -> Picture:
    """Return a picture of a project, and something that was corrected about it."""
    project = pot.projects.first()
    Change.objects.create(
        pot=pot, project=project, part="run_by", was="A", became="B", why="A slip",
        changed_at=timezone.now(), changed_by=person,
    )  # fmt: skip
    return Picture.objects.create(
        project=project, alt="A square with trees", width=4, height=3, large=b"large",
        small=b"small", added_at=timezone.now(), added_by=person,
    )  # fmt: skip


def a_quiet_time(pot: Pot, person: Person) -> QuietPeriod:
    """Return a quiet time next year, and a request to withdraw a pot."""
    Withdrawal.objects.create(
        pot=pot, why="A mistake", has_opened=True, asked_at=timezone.now(), asked_by=person
    )
    begins = timezone.now() + timedelta(days=300)
    return QuietPeriod.objects.create(
        authority=pot.authority, starts_at=begins, ends_at=begins + timedelta(days=30),
        why="The council is elected", created_at=timezone.now(), created_by=person,
    )  # fmt: skip


# Which thing stands for each part of an address, where it is not the same everywhere.
SLUGS = {"places": "community", "directory": "service"}
NAMED = {
    "places:organisation": {"slug": "organisation"},
    "places:change_organisation": {"slug": "organisation"},
    "places:members": {"slug": "organisation"},
    "places:verify": {"pk": "membership"},
    "people:end_device": {"pk": "device"},
    "mfa_remove_webauthn": {"pk": "passkey"},
    "mfa_edit_webauthn": {"pk": "passkey"},
    "places:withdraw_role": {"pk": "role"},
    "places:remove_member": {"pk": "organisation_member"},
    "updates:feed": {"slug": "community"},
    "appraisals:accept": {"appraisal_id": "shown_appraisal"},
    "appraisals:appeal": {"appraisal_id": "shown_appraisal"},
    "appraisals:take_back": {"appraisal_id": "shown_appraisal"},
    "appraisals:decide": {"appraisal_id": "appealed"},
    "proposals:check": {"proposal_id": "draft"},
    "proposals:publish": {"proposal_id": "draft"},
    "proposals:edit": {"proposal_id": "draft"},
    "hearings:answer_passage": {"passage_id": "heard"},
    "counts:result": {"pot_id": "counted"},
    "counts:check": {"pot_id": "counted"},
    "counts:bundle": {"pot_id": "counted"},
    "counts:ballots": {"pot_id": "counted"},
    "counts:table": {"pot_id": "counted"},
}
LISTEN = ("conversations", "voices", "moderation", "maps", "reports", "origins")
DESK = "challenges:check challenges:basics challenges:outcomes challenges:dates challenges:money"


def _number(name: str, own: Things) -> int:
    if name.partition(":")[0] not in LISTEN:
        return int(own.draft_challenge.outcomes.get().pk)
    return int((own.first if name.endswith("_first") else own.statement).number)


def arguments(name: str, wanted: list[str], own: Things) -> dict[str, Any]:
    """Return what an address needs, taken from the things of one authority."""
    space = name.partition(":")[0]
    slug = SLUGS.get(space, "draft_challenge" if name in DESK.split() else "challenge")
    kinds = {
        "slug": slug,
        "pk": "standing",
        "proposal_id": "proposal",
        "comment_id": "comment",
        "merge_id": "merge",
        "appraisal_id": "appraisal",
        "pot_id": "pot",
        "project_id": "project",
        "batch_id": "code_batch" if space == "registers" else "batch",
        "register_id": "register",
        "entry_id": "entry",
        "paper_id": "differing",
        "device_id": "kiosk",
        "round_id": "round",
        "question_id": "question",
        "picture_id": "picture",
        "period_id": "quiet",
        "milestone_id": "milestone",
        "post_id": "post",
        "conversation_id": "conversation",
        "appeal_id": "appeal",
        "case_id": "case",
        "hearing_id": "hearing",
        "passage_id": "drafted",
        **({"comment_id": "said"} if space == "hearings" else {}),
        **({"project_id": "funded", "pot_id": "counted"} if space == "milestones" else {}),
        **(surveys.named(name) if space == "surveys" else {}),
        **NAMED.get(name, {}),
    }
    fixed = {
        "part": "better",
        "step": "people" if space == "conversations" else "voters",
        "number": _number(name, own),
        "batch": own.decision.batch,
        "version": 2,
        "passage": 2,
        "provider_id": "nobody",
        "token": "no-such-token",
        **(surveys.fixed(name) if space == "surveys" else {}),
        "name": "votes.csv",
    }
    if "number" in wanted:
        kinds["slug"] = "draft_challenge"
    found = {key: getattr(own, kind) for key, kind in kinds.items()}
    given = {key: thing.slug if key == "slug" else thing.pk for key, thing in found.items()}
    return {key: {**given, **fixed}[key] for key in wanted}


@dataclass
class Knocking:
    """The people at the doors: each column of the matrix."""

    anonymous: Client
    resident: Client
    moderator: Client
    foreigner: Client
    unproven: Client
    everything: Client


def people(own: Things, other: Things) -> Knocking:
    """Return browsers in which the people of the matrix are signed in."""
    here, there = world.root(own.authority), world.root(other.authority)
    neighbour = world.a_person(own.community, name="Nell")
    moderator = world.a_person(here, role=RoleKind.MODERATOR, name="Mo")
    foreigner = world.a_person(
        there, role=RoleKind.ADMINISTRATOR, standing=StandingKind.SERVICE_LEADER, name="Fay"
    )
    all_rights: dict[str, Any] = {
        "standing": StandingKind.SERVICE_LEADER,
        "role": RoleKind.ADMINISTRATOR,
    }
    leader = world.a_person(here, name="Lee", **all_rights)
    top = world.a_person(here, name="Ada", **all_rights)
    proved = {"second_factor": True}
    return Knocking(
        anonymous=Client(),
        resident=sign_in(Client(), neighbour),
        moderator=sign_in(Client(), moderator, **proved),
        foreigner=sign_in(Client(), foreigner, **proved),
        unproven=sign_in(Client(), leader),
        everything=sign_in(Client(), top, **proved),
    )
