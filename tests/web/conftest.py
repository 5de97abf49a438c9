"""Fixtures for the site's own pages."""

from tests.ground.conftest import smtp

__all__ = ["smtp"]
