"""A borough of 100,000 people, made in bulk: for measuring only."""

from datetime import datetime, timedelta

from django.db import connection

from commonweal.decide.budgets.models import Pot
from commonweal.decide.counts import actions as counts
from commonweal.ground.challenges.models import Challenge, Outcome, Stage, Step
from commonweal.ground.directory.models import Service
from commonweal.ground.people.models import Person
from commonweal.ground.places.models import Authority, Community, Organisation

PEOPLE, PROPOSALS, BALLOTS = 100_000, 2_000, 50_000
WARDS, QUARTERS, ORGANISATIONS, SERVICES, CHALLENGES, POTS, PROJECTS = 8, 5, 60, 120, 60, 24, 30
WORDS = "Help reaches the door on the first day and somebody stays until it feels like home again. "

# Statements for what there is much of. ``%(at)s`` is the moment of the measurement.
MUCH = (
    f"""INSERT INTO people_person (password, email, name, theme, is_active, joined_at)
    SELECT '!', 'person' || n || '@example.org', 'Person ' || n, '', true,
           %(at)s - n * interval '5 minutes' FROM generate_series(1, {PEOPLE}) n""",
    # Each lives in one neighbourhood; every tenth of them uses a service too.
    """INSERT INTO places_membership (person_id, community_id, level, joined_at, verified_at)
    SELECT p.id, q.ids[1 + p.id %% cardinality(q.ids)], 2, p.joined_at, p.joined_at
      FROM people_person p,
           (SELECT array_agg(id ORDER BY id) ids FROM places_community WHERE kind = 'neighbourhood') q""",
    """INSERT INTO places_standing (person_id, community_id, kind)
    SELECT person_id, community_id, 'resident' FROM places_membership
    UNION ALL
    SELECT person_id, community_id, 'service-user' FROM places_membership WHERE person_id %% 10 = 0""",
    # Half of the ideas belong to the first challenge: the page that hurts is the busy one.
    f"""INSERT INTO proposals_proposal (authority_id, community_id, challenge_id, author_id, standing,
           status, title, better, for_whom, measure, risks, change, takes_part, cost_pence, cost_note,
           created_at, changed_at, published_at, hidden_reason, status_before)
    SELECT c.authority_id, c.community_id, c.id, p.id, 'resident', 'published',
           'Idea ' || n || (ARRAY[' for the library', ' for the way home', ' for warm meals'])[1 + n %% 3],
           %(words)s, 'People who leave hospital', 'Asked on day three', %(words)s, repeat(%(words)s, 4),
           'Neighbours and nurses', 500000 + n * 1000, '',
           moment, moment, moment, '', ''
      FROM generate_series(1, {PROPOSALS}) n
      CROSS JOIN (SELECT array_agg(id ORDER BY id) ids FROM challenges_challenge) all_of_them
      JOIN challenges_challenge c
        ON c.id = ids[CASE WHEN n %% 2 = 0 THEN 1 ELSE 1 + n %% cardinality(ids) END]
      CROSS JOIN (SELECT min(id) first FROM people_person) people
      JOIN people_person p ON p.id = people.first + n * 31
      CROSS JOIN LATERAL (SELECT %(at)s - n * interval '20 minutes' moment) m""",
    """INSERT INTO proposals_signature (proposal_id, person_id, standing, signed_at)
    SELECT p.id, people.first + (p.id * 37 + k) %% 90000, (ARRAY['resident', 'service-user'])[1 + k %% 2],
           p.published_at
      FROM proposals_proposal p CROSS JOIN (SELECT min(id) first FROM people_person) people
      CROSS JOIN LATERAL generate_series(1, 10 + (p.id %% 80)::int) k""",
    """INSERT INTO proposals_comment (proposal_id, person_id, standing, body, written_at, hidden_reason)
    SELECT p.id, people.first + (p.id * 11 + k) %% 90000, 'resident', %(words)s,
           p.published_at + k * interval '1 minute', ''
      FROM proposals_proposal p CROSS JOIN (SELECT min(id) first FROM people_person) people
      CROSS JOIN LATERAL generate_series(1, 1 + (p.id %% 30)::int) k""",
    """INSERT INTO updates_follow (person_id, challenge_id, since)
    SELECT people.first + n, c.id, %(at)s FROM challenges_challenge c
      CROSS JOIN (SELECT min(id) first FROM people_person) people, generate_series(1, 500) n""",
    """INSERT INTO journal_entry
           (at, what, who_id, authority_id, community_id, challenge_id, about, about_id, is_public, facts)
    SELECT published_at, 'proposal.published', author_id, authority_id, community_id, challenge_id,
           'proposals.Proposal', id, true, '{}'::jsonb FROM proposals_proposal
    UNION ALL
    SELECT s.signed_at, 'proposal.signed', s.person_id, p.authority_id, p.community_id, p.challenge_id,
           'proposals.Proposal', p.id, false, '{}'::jsonb
      FROM proposals_signature s JOIN proposals_proposal p ON p.id = s.proposal_id
    UNION ALL
    SELECT c.published_at, 'challenge.published', created_by_id, authority_id, community_id, id,
           'challenges.Challenge', id, true, '{}'::jsonb FROM challenges_challenge c
    UNION ALL
    SELECT joined_at, 'membership.joined', person_id, c.authority_id, c.id, NULL,
           'places.Community', c.id, false, '{}'::jsonb
      FROM places_membership m JOIN places_community c ON c.id = m.community_id""",
    f"""INSERT INTO budgets_project
           (authority_id, pot_id, proposal_id, title, summary, "where", outcome, run_by, cost_note,
            cost_lines, exclusive, cost_pence)
    SELECT p.authority_id, p.id, i.id, coalesce(i.title, 'Project ' || k), %(words)s, 'Whole borough',
           %(words)s, 'Neighbours', 'As priced', '[]', '', 500000 + k * 100000
      FROM budgets_pot p CROSS JOIN generate_series(1, {PROJECTS}) k
      LEFT JOIN LATERAL (SELECT id, title FROM proposals_proposal WHERE challenge_id = p.challenge_id
                          ORDER BY id OFFSET k LIMIT 1) i ON true""",
    "UPDATE proposals_proposal SET status = 'in-ballot'"
    " WHERE id IN (SELECT proposal_id FROM budgets_project)",
    # Both the first pot, which is open, and the second, which is to be counted, have ballots.
    f"""INSERT INTO ballots_ballot (id, pot_id, envelope, receipt, projects, marks)
    SELECT p.id * 10000000 + n, p.id, sha256((p.id || ':' || n)::bytea),
           substr(sha256((p.id || 'r' || n)::bytea), 1, 10), chosen,
           array_fill(1, ARRAY[cardinality(chosen)])
      FROM (SELECT id FROM budgets_pot ORDER BY id LIMIT 2) p
      JOIN (SELECT pot_id, array_agg(id ORDER BY id) ids FROM budgets_project GROUP BY 1) j
        ON j.pot_id = p.id
      CROSS JOIN generate_series(1, {BALLOTS}) n
      CROSS JOIN LATERAL (
           SELECT array_agg(DISTINCT j.ids[1 + (n * 7 + k * 5 + (n / 30) %% 5) %% 30]) chosen
             FROM generate_series(1, 4) k) drawn""",
    f"""INSERT INTO ballots_roll (id, pot_id, person_id, channel)
    SELECT p.id * 10000000 + n, p.id, people.first + n, 'online'
      FROM (SELECT id FROM budgets_pot ORDER BY id LIMIT 2) p
      CROSS JOIN (SELECT min(id) first FROM people_person) people, generate_series(1, {BALLOTS}) n""",
)


def fill(at: datetime) -> None:
    """Make the borough, count its second pot, and let the database learn the sizes."""
    authority = Authority.objects.create(
        name="Bench Borough Council",
        short_name="Bench",
        slug="bench",
        run_by="Bench Borough Council",
    )
    root = _communities(authority)
    founder = Person.objects.create(email="founder@example.org", name="Founder")
    challenges = _challenges(authority, root, founder, at)
    _pots(challenges, founder, at)
    with connection.cursor() as cursor:
        for statement in MUCH:
            cursor.execute(statement, {"at": at, "words": WORDS})
    counts.count_closed_pot(pot_id=Pot.objects.order_by("pk")[1].pk, at=at)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def _communities(authority: Authority) -> Community:
    root = Community.objects.create(
        authority=authority,
        kind="authority",
        name="Bench",
        slug="bench",
        people_who_live_here=PEOPLE,
    )
    for w in range(WARDS):
        ward = Community.objects.create(
            authority=authority, parent=root, ancestors=root.branch(), kind="ward",
            name=f"Ward {w}", slug=f"ward-{w}", about=WORDS,
        )  # fmt: skip
        Community.objects.bulk_create(
            Community(
                authority=authority, parent=ward, ancestors=ward.branch(), kind="neighbourhood",
                name=f"Quarter {w}-{q}", slug=f"quarter-{w}-{q}", about=WORDS,
            )
            for q in range(QUARTERS)
        )  # fmt: skip
    return root


def _challenges(
    authority: Authority, root: Community, founder: Person, at: datetime
) -> list[Challenge]:
    organisations = Organisation.objects.bulk_create(
        Organisation(
            authority=authority, kind="charity", name=f"Help {n}", slug=f"help-{n}", about=WORDS
        )
        for n in range(ORGANISATIONS)
    )
    services = Service.objects.bulk_create(
        Service(
            authority=authority, community=root, provider=organisations[n % ORGANISATIONS],
            name=f"Service {n}", slug=f"service-{n}", purpose=WORDS, for_whom="Everyone", where="At home",
        )
        for n in range(SERVICES)
    )  # fmt: skip
    published = at - timedelta(days=40)
    challenges = Challenge.objects.bulk_create(
        Challenge(
            authority=authority, community=root, service=services[n], owner=organisations[n],
            title=f"Challenge {n}", slug=f"challenge-{n}", question=f"How can service {n} be better?",
            background=WORDS * 5, who_is_concerned=WORDS, created_by=founder,
            created_at=published, published_at=published + timedelta(hours=n),
        )
        for n in range(CHALLENGES)
    )  # fmt: skip
    Outcome.objects.bulk_create(
        Outcome(
            challenge=challenge, statement="I feel safe at home", for_whom="People who get care",
            measure="Asked by phone", unit="people in 100", baseline=58, now=66, aim=75, position=k,
        )
        for challenge in challenges
        for k in range(3)
    )  # fmt: skip
    Step.objects.bulk_create(
        Step(
            challenge=challenge, stage=stage,
            opens_at=at - timedelta(days=30 - k), closes_at=at + timedelta(days=30 + k),
        )
        for challenge in challenges
        for k, stage in enumerate((Stage.PROPOSE, Stage.DECIDE))
    )  # fmt: skip
    return challenges


def _pots(challenges: list[Challenge], founder: Person, at: datetime) -> None:
    """Make an open pot, one that is closed, and many that are open too."""
    for n in range(POTS):
        closes = at - timedelta(hours=1) if n == 1 else at + timedelta(days=5 + n)
        challenge = challenges[0 if n < 2 else n]
        Pot.objects.create(
            authority=challenge.authority, community=challenge.community, challenge=challenge,
            title=f"Pot {n}", about=WORDS, pence=20_000_000, opens_at=at - timedelta(days=9),
            closes_at=closes, created_at=at - timedelta(days=20), created_by=founder,
        )  # fmt: skip
