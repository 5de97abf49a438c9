"""A day ends in _on; a source does not."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """The item on which another depends is its source."""

    dependencies = [("surveys", "0003_one_batch_however_written")]

    operations = [
        migrations.RemoveConstraint("item", "item_depends_on_an_answer"),
        migrations.RenameField("item", "depends_on", "source"),
        migrations.AddConstraint(
            "item",
            models.CheckConstraint(
                name="item_depends_on_an_answer",
                condition=models.Q(source__isnull=False)
                | models.Q(
                    depends_options=[], depends_low__isnull=True, depends_high__isnull=True
                ),
            ),
        ),
    ]
