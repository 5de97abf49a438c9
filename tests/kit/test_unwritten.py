"""Statements whose values are sent apart from them can still be counted by whoever looks."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from commonweal.kit.unwritten import unwritten


@pytest.mark.django_db
def test_a_statement_that_was_prepared_is_still_told_to_whoever_counts() -> None:
    sql = "SELECT %s::bigint + 1"
    with CaptureQueriesContext(connection) as asked:
        for n in range(12):  # from the sixth time on the database has it ready
            with unwritten() as cursor:
                cursor.execute(sql, [n])
                assert cursor.fetchone() == (n + 1,)
    told = [query["sql"] for query in asked.captured_queries]
    assert len(told) == 12
    assert all(text is not None and "bigint + 1" in text for text in told)
