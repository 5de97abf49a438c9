"""The site with the ground's own announcements and one sentence about ideas, for tests of stories."""

from collections.abc import Iterator

import pytest

from commonweal.ground.challenges.manifest import MANIFEST as CHALLENGES
from commonweal.ground.journal.manifest import MANIFEST as JOURNAL
from commonweal.kit import manifest
from commonweal.kit.manifest import Event, Manifest

IDEAS = Manifest(
    stage="propose",
    title="Ideas",
    start="proposals:list",
    journal=(
        Event("proposal.published", "A new idea: “%(title)s”", "proposals.Proposal", follow=True),
        Event("comment.written", "Someone spoke about “%(title)s”", "proposals.Comment"),
    ),
)


@pytest.fixture
def announced(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the site consist of these apps for one test."""
    listed = [CHALLENGES, JOURNAL, IDEAS]
    try:
        from commonweal.spread.updates.manifest import MANIFEST as UPDATES

        listed.append(UPDATES)
    except ImportError:
        pass
    manifest.events.cache_clear()
    monkeypatch.setattr(manifest, "manifests", lambda: tuple(listed))
    yield
    manifest.events.cache_clear()
