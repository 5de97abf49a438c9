"""The manifests of every app, in the order of the loop."""

from commonweal.decide.budgets import manifest as budgets
from commonweal.ground.challenges import manifest as challenges
from commonweal.ground.directory import manifest as directory
from commonweal.ground.journal import manifest as journal
from commonweal.ground.people import manifest as people
from commonweal.ground.places import manifest as places
from commonweal.kit.manifest import Manifest
from commonweal.propose.proposals import manifest as proposals
from commonweal.spread.updates import manifest as updates

LOOP: tuple[Manifest, ...] = (
    people.MANIFEST,
    places.MANIFEST,
    directory.MANIFEST,
    challenges.MANIFEST,
    journal.MANIFEST,
    proposals.MANIFEST,
    budgets.MANIFEST,
    updates.MANIFEST,
)
