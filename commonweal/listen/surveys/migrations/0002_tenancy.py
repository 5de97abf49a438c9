"""Surveys stay in their authority."""

from django.db import migrations

from commonweal.kit.tenancy import stays_in_authority


class Migration(migrations.Migration):
    """A survey asks about things of its own authority."""

    dependencies = [("surveys", "0001_initial")]

    operations = [
        stays_in_authority("surveys_survey", "community_id", "places_community"),
        stays_in_authority("surveys_survey", "challenge_id", "challenges_challenge"),
        stays_in_authority("surveys_survey", "copied_from_id", "surveys_survey"),
    ]
