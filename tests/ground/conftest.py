"""Fixtures of the ground that everything stands on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.smtp import Mailbox, mail_server


@pytest.fixture
def smtp(settings: Any) -> Iterator[Mailbox]:
    """Send the site's mail to a real server of this test."""
    with mail_server() as mailbox:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", mailbox.port
        settings.EMAIL_USE_TLS = False
        yield mailbox
