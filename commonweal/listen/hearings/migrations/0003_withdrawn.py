"""A public hearing can be withdrawn with a reason, and put back."""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("hearings", "0002_tenancy")]
    operations = [
        migrations.AddField("hearing", "is_withheld", models.BooleanField(default=False)),
        migrations.AddField(
            "hearing", "withdrawn_at", models.DateTimeField(blank=True, null=True)
        ),
        migrations.AddField(
            "hearing", "withdrawn_why", models.CharField(blank=True, max_length=1000)
        ),
        migrations.AddConstraint(
            "hearing",
            models.CheckConstraint(
                name="hearing_is_withdrawn_for_a_reason",
                condition=Q(withdrawn_at__isnull=True, is_withheld=False)
                | (Q(withdrawn_at__isnull=False) & ~Q(withdrawn_why="")),
            ),
        ),
    ]
