"""What is rehearsed stays in one authority; the database holds to it."""

from django.db import migrations

from commonweal.kit.tenancy import stays_in_authority


class Migration(migrations.Migration):
    dependencies = [("rehearsals", "0001_initial"), ("budgets", "0011_held_after_opening")]
    operations = [
        stays_in_authority("rehearsals_rehearsal", "pot_id", "budgets_pot"),
        stays_in_authority("rehearsals_rehearsal", "past_id", "budgets_pot"),
    ]
