"""A pot is money too: its challenge has an outcome, and keeps one."""

from django.db import migrations

HOLD = """
CREATE FUNCTION pot_comes_after_an_outcome() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM challenges_outcome WHERE challenge_id = NEW.challenge_id FOR KEY SHARE
    ) THEN
        RAISE EXCEPTION 'challenge % has no outcome yet, so no pot may be set up', NEW.challenge_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'pot_comes_after_an_outcome';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER pot_comes_after_an_outcome
    BEFORE INSERT OR UPDATE OF challenge_id ON budgets_pot
    FOR EACH ROW EXECUTE FUNCTION pot_comes_after_an_outcome();

CREATE FUNCTION challenge_with_a_pot_keeps_an_outcome() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM challenges_challenge WHERE id = OLD.challenge_id FOR UPDATE;
    IF EXISTS (SELECT 1 FROM budgets_pot WHERE challenge_id = OLD.challenge_id)
       AND NOT EXISTS (SELECT 1 FROM challenges_outcome WHERE challenge_id = OLD.challenge_id) THEN
        RAISE EXCEPTION 'challenge % has a pot, so its last outcome stays', OLD.challenge_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'challenge_with_a_pot_keeps_an_outcome';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER challenge_with_a_pot_keeps_an_outcome
    AFTER DELETE OR UPDATE OF challenge_id ON challenges_outcome
    FOR EACH ROW EXECUTE FUNCTION challenge_with_a_pot_keeps_an_outcome();
"""
LET_GO = """
DROP TRIGGER challenge_with_a_pot_keeps_an_outcome ON challenges_outcome;
DROP FUNCTION challenge_with_a_pot_keeps_an_outcome();
DROP TRIGGER pot_comes_after_an_outcome ON budgets_pot;
DROP FUNCTION pot_comes_after_an_outcome();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("budgets", "0003_one_pot"),
        ("challenges", "0003_outcome_before_money"),
    ]
    operations = [migrations.RunSQL(HOLD, LET_GO)]
