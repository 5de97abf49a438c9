"""Refuse also where a session was told to skip triggers, as the copying of a database may tell it."""

from django.db import migrations

ALWAYS = """
ALTER TABLE journal_entry ENABLE ALWAYS TRIGGER journal_keeps_rows;
ALTER TABLE journal_entry ENABLE ALWAYS TRIGGER journal_keeps_all;
"""
MOSTLY = """
ALTER TABLE journal_entry ENABLE TRIGGER journal_keeps_all;
ALTER TABLE journal_entry ENABLE TRIGGER journal_keeps_rows;
"""


class Migration(migrations.Migration):
    dependencies = [("journal", "0002_append_only")]
    operations = [migrations.RunSQL(ALWAYS, MOSTLY)]
