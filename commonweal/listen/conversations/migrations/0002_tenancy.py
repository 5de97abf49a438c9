from django.db import migrations

from commonweal.kit.tenancy import stays_in_authority


class Migration(migrations.Migration):
    dependencies = [("conversations", "0001_first"), ("challenges", "0002_tenancy")]

    operations = [
        stays_in_authority("conversations_conversation", "community_id", "places_community"),
        stays_in_authority("conversations_conversation", "challenge_id", "challenges_challenge"),
        stays_in_authority(
            "conversations_conversation", "copied_from_id", "conversations_conversation"
        ),
        migrations.RunSQL(
            sql="ALTER TABLE conversations_statement ADD CONSTRAINT statement_same_as_stays"
            " FOREIGN KEY (same_as_id, conversation_id)"
            " REFERENCES conversations_statement (id, conversation_id) DEFERRABLE INITIALLY DEFERRED",
            reverse_sql="ALTER TABLE conversations_statement"
            " DROP CONSTRAINT IF EXISTS statement_same_as_stays",
        ),
    ]
