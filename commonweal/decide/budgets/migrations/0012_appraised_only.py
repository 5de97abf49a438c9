"""A pot may ask that staff have appraised an idea before it stands on the ballot."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Add the choice; the pots there are keep what they had."""

    dependencies = [("budgets", "0011_held_after_opening")]

    operations = [
        migrations.AddField(
            model_name="pot", name="appraised_only", field=models.BooleanField(default=False)
        ),
    ]
