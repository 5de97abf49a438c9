"""What is frozen is frozen from the opening on, also before the first vote; the database holds it."""

from django.db import migrations

# The actions refuse from the second of opening, by the clock. A table cannot: its rows may be read
# back, copied or tried out under another time. But once the journal, in which nothing is changed or
# taken away, tells everybody that voting opened, or somebody has voted, there is nothing to argue.
FREEZE = """
CREATE FUNCTION pot_has_opened(pot bigint) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT 1 FROM ballots_ballot WHERE pot_id = pot)
        OR EXISTS (SELECT 1 FROM journal_entry
                    WHERE about = 'budgets.Pot' AND about_id = pot AND what = 'pot.opened')
$$;

CREATE OR REPLACE FUNCTION pot_stays_as_voted_on() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.withdrawn_at IS NOT NULL AND NEW.withdrawn_at IS DISTINCT FROM OLD.withdrawn_at THEN
        RAISE EXCEPTION 'pot % is withdrawn and stays so', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'pot_stays_withdrawn';
    END IF;
    IF (NEW.pence, NEW.rule, NEW.level, NEW.community_id, NEW.challenge_id, NEW.opens_at,
        NEW.lot_seed, NEW.round_id, NEW.ballot_kind, NEW.fewest, NEW.most, NEW.points,
        NEW.top_score, NEW.quorum, NEW.reach, NEW.paper_policy, NEW.order_is_fixed,
        NEW.result_at, NEW.is_draft)
       IS NOT DISTINCT FROM
       (OLD.pence, OLD.rule, OLD.level, OLD.community_id, OLD.challenge_id, OLD.opens_at,
        OLD.lot_seed, OLD.round_id, OLD.ballot_kind, OLD.fewest, OLD.most, OLD.points,
        OLD.top_score, OLD.quorum, OLD.reach, OLD.paper_policy, OLD.order_is_fixed,
        OLD.result_at, OLD.is_draft)
       AND (NEW.closes_at = OLD.closes_at
            OR (NEW.closes_at > OLD.closes_at AND clock_timestamp() < OLD.closes_at)) THEN
        RETURN NEW;
    END IF;
    IF pot_has_opened(OLD.id) THEN
        RAISE EXCEPTION 'voting has opened in pot %: its money, rule and dates stay', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'pot_stays_as_voted_on';
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION project_stays_as_voted_on() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    pot bigint := CASE TG_OP WHEN 'INSERT' THEN NEW.pot_id ELSE OLD.pot_id END;
BEGIN
    IF TG_OP = 'UPDATE' AND
       (NEW.pot_id, NEW.title, NEW.summary, NEW.cost_pence, NEW.proposal_id, NEW.exclusive,
        NEW.outcome)
       IS NOT DISTINCT FROM
       (OLD.pot_id, OLD.title, OLD.summary, OLD.cost_pence, OLD.proposal_id, OLD.exclusive,
        OLD.outcome)
    THEN
        RETURN NEW;
    END IF;
    IF pot_has_opened(pot) OR (TG_OP = 'UPDATE' AND pot_has_opened(NEW.pot_id)) THEN
        RAISE EXCEPTION 'voting has opened in pot %: its projects stay', pot
            USING ERRCODE = 'check_violation', CONSTRAINT = 'project_stays_as_voted_on';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;

CREATE OR REPLACE FUNCTION picture_stays_as_voted_on() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    project bigint := CASE TG_OP WHEN 'INSERT' THEN NEW.project_id ELSE OLD.project_id END;
BEGIN
    IF TG_OP = 'UPDATE' AND (NEW.project_id, NEW.alt, NEW.large, NEW.small, NEW.width, NEW.height)
       IS NOT DISTINCT FROM
       (OLD.project_id, OLD.alt, OLD.large, OLD.small, OLD.width, OLD.height)
       AND (OLD.hidden_at IS NULL OR NEW.hidden_at IS NOT DISTINCT FROM OLD.hidden_at) THEN
        RETURN NEW;
    END IF;
    IF (SELECT pot_has_opened(pot_id) FROM budgets_project WHERE id = project) THEN
        RAISE EXCEPTION 'voting has opened: the pictures of project % stay', project
            USING ERRCODE = 'check_violation', CONSTRAINT = 'picture_stays_as_voted_on';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("budgets", "0012_appraised_only"),
        ("journal", "0001_initial"),
        ("ballots", "0002_from_budgets"),
    ]
    operations = [migrations.RunSQL(FREEZE, migrations.RunSQL.noop)]
