"""Rows of different authorities stay apart; the database holds to it."""

from django.db import migrations

from commonweal.kit.tenancy import stays_in_authority


class Migration(migrations.Migration):
    dependencies = [("challenges", "0001_initial"), ("directory", "0002_tenancy")]
    operations = [
        stays_in_authority("challenges_challenge", "community_id", "places_community"),
        stays_in_authority("challenges_challenge", "service_id", "directory_service"),
        stays_in_authority("challenges_challenge", "owner_id", "places_organisation"),
    ]
