"""Kiosks come over from the app of papers; the database keeps each in its authority."""

from django.db import migrations

from commonweal.kit.tenancy import stays_in_authority

MOVE = """
INSERT INTO kiosks_device (id, authority_id, pot_id, place, digest, made_at, made_by_id, expires_at, revoked_at)
    SELECT id, authority_id, pot_id, place, digest, made_at, made_by_id, expires_at, revoked_at FROM paper_device;
SELECT setval(pg_get_serial_sequence('kiosks_device', 'id'), coalesce(max(id), 0) + 1, false) FROM kiosks_device;
"""


class Migration(migrations.Migration):
    dependencies = [("kiosks", "0001_initial"), ("paper", "0002_held")]
    operations = [
        stays_in_authority("kiosks_device", "pot_id", "budgets_pot"),
        stays_in_authority("kiosks_ticket", "pot_id", "budgets_pot"),
        stays_in_authority("kiosks_ticket", "code_id", "registers_code"),
        migrations.RunSQL(MOVE, migrations.RunSQL.noop),
    ]
