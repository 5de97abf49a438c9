"""A statement that somebody has voted on keeps its words and its number; the database holds it."""

from django.db import migrations

# A rejected one is read by nobody: what it tells of a person may be taken out of it.
FREEZE = """
CREATE FUNCTION statement_stays_as_voted_on() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.text, NEW.number, NEW.conversation_id)
       IS DISTINCT FROM (OLD.text, OLD.number, OLD.conversation_id)
       AND NEW.state <> 'rejected'
       AND EXISTS (SELECT 1 FROM voices_showing
                    WHERE statement_id = OLD.id AND voted_at IS NOT NULL AND policy <> 'own') THEN
        RAISE EXCEPTION 'people have voted on statement %: its words stay', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'statement_stays_as_voted_on';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER statement_stays_as_voted_on BEFORE UPDATE OF text, number, conversation_id
    ON conversations_statement FOR EACH ROW EXECUTE FUNCTION statement_stays_as_voted_on();
"""
THAW = """
DROP TRIGGER statement_stays_as_voted_on ON conversations_statement;
DROP FUNCTION statement_stays_as_voted_on();
"""


class Migration(migrations.Migration):
    dependencies = [("conversations", "0003_setting_up")]
    operations = [migrations.RunSQL(FREEZE, THAW)]
