"""Keep the receipts in order, and the hashes above them, beside each archive."""

from base64 import b32decode
from typing import Any

from django.db import migrations, models

from commonweal.decide.ballots.models import readable
from commonweal.engine.voting.bundle_receipts import tree_of


def fill(apps: Any, _schema: Any) -> None:
    """Work them out for the archives that are there."""
    for bundle in apps.get_model("counts", "Bundle").objects.defer("content"):
        codes = apps.get_model("ballots", "Receipt").objects.filter(pot=bundle.pot_id)
        receipts = sorted(readable(code) for code in codes.values_list("code", flat=True))
        bundle.codes = b"".join(b32decode(text.replace("-", "")) for text in receipts)
        bundle.tree = tree_of(receipts)
        bundle.save(update_fields=["codes", "tree"])


class Migration(migrations.Migration):
    dependencies = [("counts", "0001_initial"), ("ballots", "0002_from_budgets")]

    operations = [
        migrations.AddField("bundle", "codes", models.BinaryField(default=b""), preserve_default=False),
        migrations.AddField("bundle", "tree", models.BinaryField(default=b""), preserve_default=False),
        # Not compressed: then a piece of it is read without all that stands before.
        migrations.RunSQL(
            "ALTER TABLE counts_bundle ALTER COLUMN tree SET STORAGE EXTERNAL",
            "ALTER TABLE counts_bundle ALTER COLUMN tree SET STORAGE EXTENDED",
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
