"""People speak in a community only for an organisation of the same authority."""

from django.db import migrations

HOLD = """
CREATE FUNCTION standing_stays_in_authority() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.organisation_id IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM places_organisation o JOIN places_community c USING (authority_id)
        WHERE o.id = NEW.organisation_id AND c.id = NEW.community_id
    ) THEN
        RAISE EXCEPTION 'standing % names an organisation of another authority', NEW.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'standing_stays_in_authority';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER standing_stays_in_authority
    BEFORE INSERT OR UPDATE OF organisation_id, community_id ON places_standing
    FOR EACH ROW EXECUTE FUNCTION standing_stays_in_authority();
"""
LET_GO = """
DROP TRIGGER standing_stays_in_authority ON places_standing;
DROP FUNCTION standing_stays_in_authority();
"""


class Migration(migrations.Migration):
    dependencies = [("places", "0003_nations")]
    operations = [migrations.RunSQL(HOLD, LET_GO)]
