"""Rows of different authorities stay apart; the database holds to it."""

from django.db import migrations

from commonweal.kit.tenancy import stays_in_authority


class Migration(migrations.Migration):
    dependencies = [("registers", "0001_initial"), ("budgets", "0002_tenancy")]
    operations = [
        stays_in_authority("registers_register", "community_id", "places_community"),
        stays_in_authority("registers_code", "pot_id", "budgets_pot"),
    ]
