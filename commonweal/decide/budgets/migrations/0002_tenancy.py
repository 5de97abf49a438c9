"""Rows of different authorities stay apart; the database holds to it."""

from django.db import migrations

from commonweal.kit.tenancy import stays_in_authority


class Migration(migrations.Migration):
    dependencies = [("budgets", "0001_initial"), ("proposals", "0002_tenancy")]
    operations = [
        stays_in_authority("budgets_pot", "community_id", "places_community"),
        stays_in_authority("budgets_pot", "challenge_id", "challenges_challenge"),
        stays_in_authority("budgets_project", "pot_id", "budgets_pot"),
        stays_in_authority("budgets_project", "proposal_id", "proposals_proposal"),
    ]
