"""The database refuses to change or remove what was told, and keeps authorities apart."""

from django.db import migrations

from commonweal.kit.tenancy import stays_in_authority

REFUSE = """
CREATE FUNCTION post_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what was told of a delivery stays: % refused', TG_OP
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER post_keeps_rows BEFORE UPDATE OR DELETE ON milestones_post
    FOR EACH ROW EXECUTE FUNCTION post_is_append_only();
CREATE TRIGGER post_keeps_all BEFORE TRUNCATE ON milestones_post
    FOR EACH STATEMENT EXECUTE FUNCTION post_is_append_only();
ALTER TABLE milestones_post ENABLE ALWAYS TRIGGER post_keeps_rows;
ALTER TABLE milestones_post ENABLE ALWAYS TRIGGER post_keeps_all;
"""
ALLOW = """
DROP TRIGGER post_keeps_all ON milestones_post;
DROP TRIGGER post_keeps_rows ON milestones_post;
DROP FUNCTION post_is_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [("milestones", "0001_initial"), ("budgets", "0002_tenancy")]
    operations = [
        migrations.RunSQL(REFUSE, ALLOW),
        stays_in_authority("milestones_delivery", "project_id", "budgets_project"),
        stays_in_authority("milestones_delivery", "organisation_id", "places_organisation"),
    ]
