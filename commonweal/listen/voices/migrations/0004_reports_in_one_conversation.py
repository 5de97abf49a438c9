from django.db import migrations


def _stays(column: str, table: str) -> migrations.RunSQL:
    link = f"voices_report_{column}_stays"
    return migrations.RunSQL(
        sql=f"ALTER TABLE voices_report ADD CONSTRAINT {link}"
        f" FOREIGN KEY ({column}, conversation_id) REFERENCES {table} (id, conversation_id)"
        " DEFERRABLE INITIALLY DEFERRED",
        reverse_sql=f"ALTER TABLE voices_report DROP CONSTRAINT IF EXISTS {link}",
    )


class Migration(migrations.Migration):
    """A report, its participant and its statement are of one conversation."""

    dependencies = [
        ("voices", "0003_reports_and_brakes"),
        ("conversations", "0002_tenancy"),
    ]

    operations = [
        _stays("participant_id", "conversations_participant"),
        _stays("statement_id", "conversations_statement"),
    ]
