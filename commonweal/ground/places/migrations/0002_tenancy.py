"""Rows of different authorities stay apart; the database holds to it."""

from django.db import migrations

from commonweal.kit.tenancy import stays_in_authority


class Migration(migrations.Migration):
    dependencies = [("places", "0001_initial")]
    operations = [
        stays_in_authority("places_community", "parent_id", "places_community"),
    ]
