"""The database itself keeps rows of different authorities apart."""

from django.db.migrations import RunSQL


def stays_in_authority(child: str, column: str, parent: str) -> RunSQL:
    """Return a migration step: ``child.column`` may only point at a ``parent`` row of its own authority.

    Both tables hold ``authority_id``. The parent's ``(id, authority_id)`` is made unique, and the
    pair becomes a second foreign key; where ``column`` is empty it asks for nothing.
    """
    key = f"{parent}_tenant_uniq"
    link = f"{child}_{column}_tenant_fk"
    return RunSQL(
        sql=f"""
        DO $$ BEGIN
            IF NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conname = '{key}') THEN
                ALTER TABLE {parent} ADD CONSTRAINT {key} UNIQUE (id, authority_id);
            END IF;
        END $$;
        ALTER TABLE {child} ADD CONSTRAINT {link} FOREIGN KEY ({column}, authority_id)
            REFERENCES {parent} (id, authority_id) DEFERRABLE INITIALLY DEFERRED;
        """,  # noqa: S608 - names from our own migrations
        reverse_sql=f"ALTER TABLE {child} DROP CONSTRAINT IF EXISTS {link};",
    )
