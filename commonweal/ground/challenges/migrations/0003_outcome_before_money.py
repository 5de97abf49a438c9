"""Money may be entered only where an outcome is; the last outcome of a funded challenge stays."""

from django.db import migrations

HOLD = """
CREATE FUNCTION challenge_outcome_before_money() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.money_pence IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM challenges_outcome WHERE challenge_id = NEW.id FOR KEY SHARE
    ) THEN
        RAISE EXCEPTION 'challenge % has no outcome yet, so no money may be entered', NEW.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'challenge_outcome_before_money';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER challenge_outcome_before_money
    BEFORE INSERT OR UPDATE OF money_pence ON challenges_challenge
    FOR EACH ROW EXECUTE FUNCTION challenge_outcome_before_money();

CREATE FUNCTION challenge_keeps_an_outcome() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM challenges_challenge WHERE id = OLD.challenge_id FOR UPDATE;
    IF EXISTS (SELECT 1 FROM challenges_challenge
               WHERE id = OLD.challenge_id AND money_pence IS NOT NULL)
       AND NOT EXISTS (SELECT 1 FROM challenges_outcome WHERE challenge_id = OLD.challenge_id) THEN
        RAISE EXCEPTION 'challenge % holds money, so its last outcome stays', OLD.challenge_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'challenge_keeps_an_outcome';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER challenge_keeps_an_outcome
    AFTER DELETE OR UPDATE OF challenge_id ON challenges_outcome
    FOR EACH ROW EXECUTE FUNCTION challenge_keeps_an_outcome();
"""
LET_GO = """
DROP TRIGGER challenge_keeps_an_outcome ON challenges_outcome;
DROP FUNCTION challenge_keeps_an_outcome();
DROP TRIGGER challenge_outcome_before_money ON challenges_challenge;
DROP FUNCTION challenge_outcome_before_money();
"""


class Migration(migrations.Migration):
    dependencies = [("challenges", "0002_tenancy")]
    operations = [migrations.RunSQL(HOLD, LET_GO)]
