"""The clock of the database, the one by which every process opens and closes things."""

from datetime import datetime

from django.db import connection


def database_now() -> datetime:
    """Return what the database's clock says now, whenever the transaction around began."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
    return now
