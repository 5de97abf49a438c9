"""A real PostgreSQL for every run of the tests, started before anything reads the settings."""

import os
import tempfile
from contextlib import ExitStack

import pytest

from commonweal.kit.postgres import ephemeral
from tests.tables import DATABASE, tables

_running = ExitStack()

os.environ["COMMONWEAL_MODE"] = "test"
if "COMMONWEAL_TEST_SERVER" not in os.environ:  # a worker process finds its parent's server here
    with tables() as made:
        os.environ["DATABASE_URL"] = _running.enter_context(ephemeral(like=made)).url
        os.environ["COMMONWEAL_TEST_TEMPLATE"] = DATABASE if made else "template1"
    os.environ["COMMONWEAL_HOME"] = _running.enter_context(tempfile.TemporaryDirectory())
    os.environ["COMMONWEAL_STATIC"] = os.environ["COMMONWEAL_HOME"]
    os.environ["COMMONWEAL_TEST_SERVER"] = str(os.getpid())


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the server where it was started; nothing stays running."""
    _running.close()
