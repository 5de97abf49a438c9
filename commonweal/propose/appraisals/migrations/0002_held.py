"""What was shown to the authors stays as it is; rows stay in their authority."""

from django.db import migrations

from commonweal.kit.tenancy import stays_in_authority

STAND = """
CREATE FUNCTION appraisals_stand() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.shown_at IS NOT NULL AND
       (NEW.proposal_id, NEW.words, NEW.years, NEW.days, NEW.hands, NEW.one_off_pence,
        NEW.yearly_pence, NEW.shown_at, NEW.shown_by_id, NEW.answer_due_at)
       IS DISTINCT FROM
       (OLD.proposal_id, OLD.words, OLD.years, OLD.days, OLD.hands, OLD.one_off_pence,
        OLD.yearly_pence, OLD.shown_at, OLD.shown_by_id, OLD.answer_due_at) THEN
        RAISE EXCEPTION 'what was shown to the authors stays as it is'
            USING ERRCODE = 'check_violation';
    END IF;
    IF OLD.shown_at IS NOT NULL AND NOT (OLD.state = 'appealed' AND NEW.decision = 'changed') AND
       (NEW.verdict, NEW.changes) IS DISTINCT FROM (OLD.verdict, OLD.changes) THEN
        RAISE EXCEPTION 'only an appeal changes what was shown' USING ERRCODE = 'check_violation';
    END IF;
    IF OLD.state = 'replaced' AND NEW.state <> 'replaced'
       OR OLD.state = 'final' AND NEW.state NOT IN ('final', 'replaced')
       OR OLD.state <> 'appealed' AND OLD.decision <> NEW.decision
       OR OLD.state = 'appealed' AND NEW.state = 'final' AND NEW.decision = ''
          AND EXISTS (SELECT 1 FROM appraisals_answer
                       WHERE appraisal_id = NEW.id AND kind = 'appeal') THEN
        RAISE EXCEPTION 'an appraisal does not go this way' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.settled_by = 'accepted' AND OLD.settled_by = '' AND
       (NOT EXISTS (SELECT 1 FROM appraisals_answer
                     WHERE appraisal_id = NEW.id AND kind = 'accepted')
        OR EXISTS (SELECT 1 FROM appraisals_answer
                    WHERE appraisal_id = NEW.id AND kind = 'appeal')) THEN
        RAISE EXCEPTION 'nobody accepted it' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER appraisal_stands BEFORE UPDATE ON appraisals_appraisal
    FOR EACH ROW EXECUTE FUNCTION appraisals_stand();

CREATE FUNCTION appraisals_part_stands() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM appraisals_appraisal
                WHERE id = NEW.appraisal_id AND shown_at IS NOT NULL) THEN
        RAISE EXCEPTION 'what was shown to the authors stays as it is'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER line_stands BEFORE INSERT OR UPDATE ON appraisals_line
    FOR EACH ROW EXECUTE FUNCTION appraisals_part_stands();
CREATE TRIGGER finding_stands BEFORE INSERT OR UPDATE ON appraisals_finding
    FOR EACH ROW EXECUTE FUNCTION appraisals_part_stands();
"""
LET_GO = """
DROP TRIGGER finding_stands ON appraisals_finding;
DROP TRIGGER line_stands ON appraisals_line;
DROP FUNCTION appraisals_part_stands();
DROP TRIGGER appraisal_stands ON appraisals_appraisal;
DROP FUNCTION appraisals_stand();
"""


class Migration(migrations.Migration):
    dependencies = [("appraisals", "0001_initial")]
    operations = [
        stays_in_authority("appraisals_appraisal", "community_id", "places_community"),
        stays_in_authority("appraisals_appraisal", "challenge_id", "challenges_challenge"),
        stays_in_authority("appraisals_appraisal", "proposal_id", "proposals_proposal"),
        migrations.RunSQL(sql=STAND, reverse_sql=LET_GO),
    ]
