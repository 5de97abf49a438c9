"""The whole of an authority may stand in a nation, which is of no authority; nothing else may."""

from django.db import migrations

# A nation has no authority, so the link that keeps authorities apart looks past it, and at it alone.
STAND = """
ALTER TABLE places_community DROP CONSTRAINT places_community_parent_id_tenant_fk;
ALTER TABLE places_community ADD COLUMN inside_id bigint
    GENERATED ALWAYS AS (CASE WHEN kind NOT IN ('nation', 'authority') THEN parent_id END) STORED;
ALTER TABLE places_community ADD CONSTRAINT places_community_parent_id_tenant_fk
    FOREIGN KEY (inside_id, authority_id) REFERENCES places_community (id, authority_id)
    DEFERRABLE INITIALLY DEFERRED;

CREATE FUNCTION community_at_the_top_stands_in_a_nation() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.parent_id IS NOT NULL AND NEW.kind IN ('nation', 'authority') AND NOT EXISTS (
        SELECT 1 FROM places_community WHERE id = NEW.parent_id AND kind = 'nation' FOR KEY SHARE
    ) THEN
        RAISE EXCEPTION 'community % can only stand in a nation', NEW.id
            USING ERRCODE = 'check_violation',
                CONSTRAINT = 'community_at_the_top_stands_in_a_nation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER community_at_the_top_stands_in_a_nation
    BEFORE INSERT OR UPDATE OF parent_id, kind ON places_community
    FOR EACH ROW EXECUTE FUNCTION community_at_the_top_stands_in_a_nation();
"""
FALL = """
DROP TRIGGER community_at_the_top_stands_in_a_nation ON places_community;
DROP FUNCTION community_at_the_top_stands_in_a_nation();
ALTER TABLE places_community DROP CONSTRAINT places_community_parent_id_tenant_fk;
ALTER TABLE places_community DROP COLUMN inside_id;
ALTER TABLE places_community ADD CONSTRAINT places_community_parent_id_tenant_fk
    FOREIGN KEY (parent_id, authority_id) REFERENCES places_community (id, authority_id)
    DEFERRABLE INITIALLY DEFERRED;
"""


class Migration(migrations.Migration):
    dependencies = [("places", "0002_tenancy")]
    operations = [migrations.RunSQL(STAND, FALL)]
