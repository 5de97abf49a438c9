"""COPY into arrays."""

import numpy as np
import pytest

from commonweal.kit.copy import copy_grouped, copy_out


@pytest.mark.django_db
def test_rows_arrive_as_whole_numbers_in_order() -> None:
    rows = copy_out(
        "SELECT n::bigint, (n * -1000000000000)::bigint FROM generate_series(1, %s) n", [5]
    )
    assert rows.dtype == np.int64
    assert rows.tolist() == [[n, -n * 10**12] for n in range(1, 6)]


@pytest.mark.django_db
def test_no_rows_are_an_empty_table() -> None:
    assert copy_out("SELECT 1::bigint, 2::bigint WHERE %s > 1", [0]).shape == (0, 2)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "sql", ["SELECT 1::bigint, NULL::bigint", "SELECT 1::int, 2::bigint", "SELECT 1::bigint"]
)
def test_anything_but_whole_bigints_is_refused(sql: str) -> None:
    with pytest.raises(ValueError, match="bigints"):
        copy_out(sql, [])


@pytest.mark.django_db
def test_rows_in_groups_arrive_as_the_same_table() -> None:
    rows = copy_grouped(
        "SELECT (n %% 3)::bigint, array_agg(n::bigint), array_agg((-n * 10)::bigint)"
        " FROM generate_series(1, %s) n GROUP BY 1",
        [7],
        columns=3,
    )
    assert rows.dtype == np.int64
    assert sorted(rows.tolist()) == sorted([n % 3, n, -10 * n] for n in range(1, 8))


@pytest.mark.django_db
def test_no_groups_are_an_empty_table() -> None:
    found = copy_grouped(
        "SELECT 1::bigint, array_agg(1::bigint) WHERE %s > 1 GROUP BY 1", [0], columns=2
    )
    assert found.shape == (0, 2)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1::bigint, 2::bigint",
        "SELECT 1::int, array[2::bigint]",
        "SELECT 1::bigint, array[2::int]",
        "SELECT 1::bigint, array[2::bigint, NULL]",
        "SELECT 1::bigint, NULL::bigint[]",
        "SELECT 1::bigint, array[2::bigint], array[3::bigint]",
    ],
)
def test_anything_but_arrays_of_bigints_is_refused(sql: str) -> None:
    with pytest.raises(ValueError, match="bigint"):
        copy_grouped(sql, [], columns=2)
