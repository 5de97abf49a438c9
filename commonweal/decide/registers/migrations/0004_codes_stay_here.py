"""Batches of codes, and what they point at, stay in one authority; the database holds to it."""

from django.db import migrations

from commonweal.kit.tenancy import stays_in_authority


class Migration(migrations.Migration):
    dependencies = [("registers", "0003_hashes_and_batches")]
    operations = [
        stays_in_authority("registers_codebatch", "pot_id", "budgets_pot"),
        stays_in_authority("registers_codebatch", "register_id", "registers_register"),
        stays_in_authority("registers_code", "batch_id", "registers_codebatch"),
    ]
