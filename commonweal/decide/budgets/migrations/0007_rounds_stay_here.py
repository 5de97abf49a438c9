"""Rounds of different authorities stay apart; the database holds to it."""

from django.db import migrations

from commonweal.kit.tenancy import stays_in_authority


class Migration(migrations.Migration):
    dependencies = [("budgets", "0006_ballots_moved")]
    operations = [
        stays_in_authority("budgets_round", "challenge_id", "challenges_challenge"),
        stays_in_authority("budgets_pot", "round_id", "budgets_round"),
        stays_in_authority("budgets_pot", "copied_from_id", "budgets_pot"),
    ]
