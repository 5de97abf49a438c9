"""Ideas are found with and without accents; the column of words is made anew."""

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db import migrations, models

from commonweal.kit.letters import Plain


class Migration(migrations.Migration):
    dependencies = [("proposals", "0002_tenancy")]
    operations = [
        migrations.RemoveIndex("proposal", "proposal_search"),
        migrations.RemoveField("proposal", "search"),
        migrations.AddField(
            "proposal",
            "search",
            models.GeneratedField(
                expression=SearchVector(Plain("title"), weight="A", config="english")
                + SearchVector(Plain("better"), weight="B", config="english")
                + SearchVector(Plain("change"), weight="C", config="english")
                + SearchVector(Plain("for_whom"), weight="C", config="english"),
                output_field=SearchVectorField(),
                db_persist=True,
            ),
        ),
        migrations.AddIndex("proposal", GinIndex(fields=("search",), name="proposal_search")),
    ]
