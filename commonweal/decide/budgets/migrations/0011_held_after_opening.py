"""What is frozen once people vote, what may still change, and quiet times: the database holds it."""

from django.db import migrations

PAIR = """
ALTER TABLE budgets_change ADD CONSTRAINT change_project_of_the_pot
    FOREIGN KEY (project_id, pot_id) REFERENCES budgets_project (id, pot_id)
    DEFERRABLE INITIALLY DEFERRED;
"""
UNPAIR = "ALTER TABLE budgets_change DROP CONSTRAINT change_project_of_the_pot;"

# A close may be put off while it has not passed, by the clock on the wall: never brought forward.
FREEZE = """
CREATE OR REPLACE FUNCTION pot_stays_as_voted_on() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.withdrawn_at IS NOT NULL AND NEW.withdrawn_at IS DISTINCT FROM OLD.withdrawn_at THEN
        RAISE EXCEPTION 'pot % is withdrawn and stays so', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'pot_stays_withdrawn';
    END IF;
    IF (NEW.pence, NEW.rule, NEW.level, NEW.community_id, NEW.opens_at, NEW.lot_seed,
        NEW.round_id, NEW.ballot_kind, NEW.fewest, NEW.most, NEW.points, NEW.top_score, NEW.quorum,
        NEW.reach, NEW.paper_policy, NEW.order_is_fixed, NEW.result_at, NEW.is_draft)
       IS NOT DISTINCT FROM
       (OLD.pence, OLD.rule, OLD.level, OLD.community_id, OLD.opens_at, OLD.lot_seed,
        OLD.round_id, OLD.ballot_kind, OLD.fewest, OLD.most, OLD.points, OLD.top_score, OLD.quorum,
        OLD.reach, OLD.paper_policy, OLD.order_is_fixed, OLD.result_at, OLD.is_draft)
       AND (NEW.closes_at = OLD.closes_at
            OR (NEW.closes_at > OLD.closes_at AND clock_timestamp() < OLD.closes_at)) THEN
        RETURN NEW;
    END IF;
    IF EXISTS (SELECT 1 FROM ballots_ballot WHERE pot_id = OLD.id) THEN
        RAISE EXCEPTION 'people have voted in pot %: its money, rule and dates stay', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'pot_stays_as_voted_on';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION picture_stays_as_voted_on() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    project bigint := CASE TG_OP WHEN 'INSERT' THEN NEW.project_id ELSE OLD.project_id END;
BEGIN
    IF TG_OP = 'UPDATE' AND (NEW.project_id, NEW.alt, NEW.large, NEW.small, NEW.width, NEW.height)
       IS NOT DISTINCT FROM
       (OLD.project_id, OLD.alt, OLD.large, OLD.small, OLD.width, OLD.height)
       AND (OLD.hidden_at IS NULL OR NEW.hidden_at IS NOT DISTINCT FROM OLD.hidden_at) THEN
        RETURN NEW;
    END IF;
    IF EXISTS (SELECT 1 FROM ballots_ballot b JOIN budgets_project p ON p.pot_id = b.pot_id
                WHERE p.id = project) THEN
        RAISE EXCEPTION 'people have voted: the pictures of project % stay', project
            USING ERRCODE = 'check_violation', CONSTRAINT = 'picture_stays_as_voted_on';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER picture_stays_as_voted_on BEFORE INSERT OR UPDATE OR DELETE ON budgets_picture
    FOR EACH ROW EXECUTE FUNCTION picture_stays_as_voted_on();
"""
THAW = """
DROP TRIGGER picture_stays_as_voted_on ON budgets_picture;
DROP FUNCTION picture_stays_as_voted_on();
"""

# Votes of a pot that is taken back are counted by nobody, so nobody keeps them.
FORGET = """
CREATE FUNCTION pot_withdrawn_keeps_no_votes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM ballots_ballot WHERE pot_id = NEW.id;
    DELETE FROM ballots_receipt WHERE pot_id = NEW.id;
    DELETE FROM ballots_roll WHERE pot_id = NEW.id;
    RETURN NULL;
END $$;
CREATE TRIGGER pot_withdrawn_keeps_no_votes AFTER UPDATE OF withdrawn_at ON budgets_pot
    FOR EACH ROW WHEN (NEW.withdrawn_at IS NOT NULL AND OLD.withdrawn_at IS NULL)
    EXECUTE FUNCTION pot_withdrawn_keeps_no_votes();
"""
REMEMBER = """
DROP TRIGGER pot_withdrawn_keeps_no_votes ON budgets_pot;
DROP FUNCTION pot_withdrawn_keeps_no_votes();
"""

# Who sets a date and who sets a quiet time meet at the authority's row, so neither misses the other.
QUIET = """
CREATE FUNCTION pot_keeps_quiet() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    fresh boolean := TG_OP = 'INSERT';
    moments timestamptz[] := '{}';
BEGIN
    IF NEW.is_draft OR NEW.withdrawn_at IS NOT NULL THEN
        RETURN NEW;
    END IF;
    IF NOT fresh THEN
        fresh := OLD.is_draft;
    END IF;
    IF fresh OR NEW.opens_at <> OLD.opens_at THEN
        moments := moments || NEW.opens_at;
    END IF;
    IF fresh OR NEW.closes_at <> OLD.closes_at THEN
        moments := moments || NEW.closes_at;
    END IF;
    IF NEW.result_at IS NOT NULL AND (fresh OR NEW.result_at IS DISTINCT FROM OLD.result_at) THEN
        moments := moments || NEW.result_at;
    END IF;
    IF NEW.declared_at IS NOT NULL AND TG_OP = 'UPDATE' THEN
        IF OLD.declared_at IS NULL THEN
            moments := moments || NEW.declared_at;
        END IF;
    END IF;
    IF cardinality(moments) = 0 THEN
        RETURN NEW;
    END IF;
    PERFORM 1 FROM places_authority WHERE id = NEW.authority_id FOR NO KEY UPDATE;
    IF EXISTS (
        SELECT 1 FROM budgets_quietperiod q, unnest(moments) AS moment
         WHERE q.authority_id = NEW.authority_id AND q.starts_at <= moment AND moment < q.ends_at
    ) THEN
        RAISE EXCEPTION 'pot % would open, close or be declared in a quiet time', NEW.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'pot_keeps_quiet';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER pot_keeps_quiet
    BEFORE INSERT OR UPDATE OF opens_at, closes_at, result_at, declared_at, is_draft ON budgets_pot
    FOR EACH ROW EXECUTE FUNCTION pot_keeps_quiet();

CREATE FUNCTION quiet_period_disturbs_no_pot() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM places_authority WHERE id = NEW.authority_id FOR NO KEY UPDATE;
    IF EXISTS (
        SELECT 1 FROM budgets_pot
         WHERE authority_id = NEW.authority_id AND NOT is_draft AND withdrawn_at IS NULL
           AND (opens_at >= NEW.starts_at AND opens_at < NEW.ends_at
                OR closes_at >= NEW.starts_at AND closes_at < NEW.ends_at)
    ) THEN
        RAISE EXCEPTION 'a pot opens or closes in this time'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'quiet_period_disturbs_no_pot';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER quiet_period_disturbs_no_pot BEFORE INSERT OR UPDATE ON budgets_quietperiod
    FOR EACH ROW EXECUTE FUNCTION quiet_period_disturbs_no_pot();
"""
LOUD = """
DROP TRIGGER quiet_period_disturbs_no_pot ON budgets_quietperiod;
DROP FUNCTION quiet_period_disturbs_no_pot();
DROP TRIGGER pot_keeps_quiet ON budgets_pot;
DROP FUNCTION pot_keeps_quiet();
"""


class Migration(migrations.Migration):
    dependencies = [("budgets", "0010_setting_up"), ("ballots", "0002_from_budgets")]
    operations = [
        migrations.RunSQL(PAIR, UNPAIR),
        migrations.RunSQL(FREEZE, THAW),
        migrations.RunSQL(FORGET, REMEMBER),
        migrations.RunSQL(QUIET, LOUD),
    ]
