"""Ballots and rolls have an app of their own; what is voted on stays as it was."""

from django.db import migrations

# The actions refuse changes from the moment of opening; this holds from the first ballot on,
# whoever asks, since the clock of a session can be set and a ballot cannot be argued with.
FREEZE = """
CREATE OR REPLACE FUNCTION pot_stays_as_voted_on() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.pence, NEW.rule, NEW.level, NEW.community_id, NEW.opens_at, NEW.closes_at, NEW.lot_seed,
        NEW.round_id, NEW.ballot_kind, NEW.fewest, NEW.most, NEW.points, NEW.top_score, NEW.quorum,
        NEW.reach, NEW.paper_policy, NEW.order_is_fixed)
       IS DISTINCT FROM
       (OLD.pence, OLD.rule, OLD.level, OLD.community_id, OLD.opens_at, OLD.closes_at, OLD.lot_seed,
        OLD.round_id, OLD.ballot_kind, OLD.fewest, OLD.most, OLD.points, OLD.top_score, OLD.quorum,
        OLD.reach, OLD.paper_policy, OLD.order_is_fixed)
       AND EXISTS (SELECT 1 FROM ballots_ballot WHERE pot_id = OLD.id) THEN
        RAISE EXCEPTION 'people have voted in pot %: its money, rule and dates stay', OLD.id
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
    IF EXISTS (SELECT 1 FROM ballots_ballot WHERE pot_id = pot) THEN
        RAISE EXCEPTION 'people have voted in pot %: its projects stay', pot
            USING ERRCODE = 'check_violation', CONSTRAINT = 'project_stays_as_voted_on';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("budgets", "0005_ballots_of_every_kind"),
        ("ballots", "0002_from_budgets"),
        ("challenges", "0003_outcome_before_money"),
    ]
    operations = [
        migrations.RunSQL(FREEZE, migrations.RunSQL.noop),
        migrations.DeleteModel(name="Approval"),
        migrations.DeleteModel(name="Ballot"),
        migrations.DeleteModel(name="Roll"),
    ]
