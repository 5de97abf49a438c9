from django.db import migrations


def _stays(table: str, column: str) -> migrations.RunSQL:
    link = f"{table}_{column}_stays"
    return migrations.RunSQL(
        sql=f"ALTER TABLE {table} ADD CONSTRAINT {link}"
        f" FOREIGN KEY ({column}, conversation_id)"
        " REFERENCES conversations_statement (id, conversation_id) DEFERRABLE INITIALLY DEFERRED",
        reverse_sql=f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {link}",
    )


class Migration(migrations.Migration):
    """What is decided about a statement, and what is like it, is of its own conversation."""

    dependencies = [("moderation", "0001_first"), ("conversations", "0002_tenancy")]

    operations = [
        _stays("moderation_decision", "statement_id"),
        _stays("moderation_decision", "same_as_id"),
        _stays("moderation_alike", "first_id"),
        _stays("moderation_alike", "second_id"),
    ]
