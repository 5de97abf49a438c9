"""A ballot approves projects of its own pot only, and what is voted on stays as it was."""

from django.db import migrations

PAIR = """
ALTER TABLE budgets_approval ADD CONSTRAINT approval_ballot_of_the_pot
    FOREIGN KEY (ballot_id, pot_id) REFERENCES budgets_ballot (id, pot_id)
    DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE budgets_approval ADD CONSTRAINT approval_project_of_the_pot
    FOREIGN KEY (project_id, pot_id) REFERENCES budgets_project (id, pot_id)
    DEFERRABLE INITIALLY DEFERRED;
"""
UNPAIR = """
ALTER TABLE budgets_approval DROP CONSTRAINT approval_ballot_of_the_pot;
ALTER TABLE budgets_approval DROP CONSTRAINT approval_project_of_the_pot;
"""
# The actions refuse changes from the moment of opening; this holds from the first ballot on,
# whoever asks, since the clock of a session can be set and a ballot cannot be argued with.
FREEZE = """
CREATE FUNCTION pot_stays_as_voted_on() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.pence, NEW.rule, NEW.level, NEW.community_id, NEW.opens_at, NEW.closes_at, NEW.lot_seed)
       IS DISTINCT FROM
       (OLD.pence, OLD.rule, OLD.level, OLD.community_id, OLD.opens_at, OLD.closes_at, OLD.lot_seed)
       AND EXISTS (SELECT 1 FROM budgets_ballot WHERE pot_id = OLD.id) THEN
        RAISE EXCEPTION 'people have voted in pot %: its money, rule and dates stay', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'pot_stays_as_voted_on';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER pot_stays_as_voted_on BEFORE UPDATE ON budgets_pot
    FOR EACH ROW EXECUTE FUNCTION pot_stays_as_voted_on();

CREATE FUNCTION project_stays_as_voted_on() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    pot bigint := CASE TG_OP WHEN 'INSERT' THEN NEW.pot_id ELSE OLD.pot_id END;
BEGIN
    IF TG_OP = 'UPDATE' AND (NEW.pot_id, NEW.title, NEW.summary, NEW.cost_pence, NEW.proposal_id)
       IS NOT DISTINCT FROM (OLD.pot_id, OLD.title, OLD.summary, OLD.cost_pence, OLD.proposal_id)
    THEN
        RETURN NEW;
    END IF;
    IF EXISTS (SELECT 1 FROM budgets_ballot WHERE pot_id = pot) THEN
        RAISE EXCEPTION 'people have voted in pot %: its projects stay', pot
            USING ERRCODE = 'check_violation', CONSTRAINT = 'project_stays_as_voted_on';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER project_stays_as_voted_on BEFORE INSERT OR UPDATE OR DELETE ON budgets_project
    FOR EACH ROW EXECUTE FUNCTION project_stays_as_voted_on();
"""
THAW = """
DROP TRIGGER project_stays_as_voted_on ON budgets_project;
DROP FUNCTION project_stays_as_voted_on();
DROP TRIGGER pot_stays_as_voted_on ON budgets_pot;
DROP FUNCTION pot_stays_as_voted_on();
"""


class Migration(migrations.Migration):
    dependencies = [("budgets", "0002_tenancy")]
    operations = [migrations.RunSQL(PAIR, UNPAIR), migrations.RunSQL(FREEZE, THAW)]
