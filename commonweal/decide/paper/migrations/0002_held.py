"""Rows stay in their authority, and a paper's serial number in its batch; the database holds to it."""

from django.db import migrations

from commonweal.kit.tenancy import stays_in_authority

HOLD = """
CREATE FUNCTION paper_serial_is_of_its_batch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM paper_batch b WHERE b.id = NEW.batch_id
                      AND NEW.serial BETWEEN b.first AND b.last) THEN
        RAISE EXCEPTION 'serial % is not of batch %', NEW.serial, NEW.batch_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'paper_serial_is_of_its_batch';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER paper_serial_is_of_its_batch BEFORE INSERT OR UPDATE OF serial, batch_id ON paper_paper
    FOR EACH ROW EXECUTE FUNCTION paper_serial_is_of_its_batch();
"""
LET_GO = """
DROP TRIGGER paper_serial_is_of_its_batch ON paper_paper;
DROP FUNCTION paper_serial_is_of_its_batch();
"""


class Migration(migrations.Migration):
    dependencies = [("paper", "0001_initial"), ("budgets", "0002_tenancy")]
    operations = [
        migrations.RunSQL(HOLD, LET_GO),
        *(
            stays_in_authority(f"paper_{table}", "pot_id", "budgets_pot")
            for table in ("batch", "call", "device", "ticket")
        ),
    ]
