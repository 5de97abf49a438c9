"""Rows of different authorities stay apart; the database holds to it."""

from django.db import migrations

from commonweal.kit.tenancy import stays_in_authority


class Migration(migrations.Migration):
    dependencies = [("directory", "0001_initial"), ("places", "0002_tenancy")]
    operations = [
        stays_in_authority("directory_service", "community_id", "places_community"),
        stays_in_authority("directory_service", "provider_id", "places_organisation"),
    ]
