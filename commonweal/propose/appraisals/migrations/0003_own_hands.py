"""The same rule in words that Django can compare: nobody decides an appeal against their own work."""

from django.db import migrations, models
from django.db.models import F, Q

NAME = "appraisal_is_not_decided_by_its_own_hands"


class Migration(migrations.Migration):
    """Say the constraint anew; what it lets through stays the same."""

    dependencies = [("appraisals", "0002_held")]

    operations = [
        migrations.RemoveConstraint(model_name="appraisal", name=NAME),
        migrations.AddConstraint(
            model_name="appraisal",
            constraint=models.CheckConstraint(
                name=NAME,
                condition=Q(decided_by__isnull=True) | ~Q(hands__contains=[F("decided_by")]),
            ),
        ),
    ]
