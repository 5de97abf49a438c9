"""Rows of different authorities stay apart; the database holds to it."""

from django.db import migrations

from commonweal.kit.tenancy import stays_in_authority


class Migration(migrations.Migration):
    dependencies = [("proposals", "0001_initial"), ("challenges", "0002_tenancy")]
    operations = [
        stays_in_authority("proposals_proposal", "community_id", "places_community"),
        stays_in_authority("proposals_proposal", "challenge_id", "challenges_challenge"),
        stays_in_authority("proposals_proposal", "organisation_id", "places_organisation"),
    ]
