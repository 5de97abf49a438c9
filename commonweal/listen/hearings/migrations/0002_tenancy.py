"""The database keeps a hearing, its community and its challenge within one authority."""

from django.db import migrations

from commonweal.kit.tenancy import stays_in_authority


class Migration(migrations.Migration):
    dependencies = [
        ("hearings", "0001_initial"),
        ("challenges", "0002_tenancy"),
        ("places", "0002_tenancy"),
    ]
    operations = [
        stays_in_authority("hearings_hearing", "community_id", "places_community"),
        stays_in_authority("hearings_hearing", "challenge_id", "challenges_challenge"),
    ]
