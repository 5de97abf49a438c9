"""The machine code is there before the first law is tried against the clock."""

import pytest

from commonweal.engine.opinion.warm import warm


@pytest.fixture(scope="session", autouse=True)
def compiled() -> None:
    warm()
