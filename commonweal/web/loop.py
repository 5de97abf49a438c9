"""The manifests of every app, in the order of the loop."""

from commonweal.decide.ballots import manifest as ballots
from commonweal.decide.budgets import manifest as budgets
from commonweal.decide.counts import manifest as counts
from commonweal.decide.kiosks import manifest as kiosks
from commonweal.decide.paper import manifest as paper
from commonweal.decide.registers import manifest as registers
from commonweal.decide.rehearsals import manifest as rehearsals
from commonweal.deliver.milestones import manifest as milestones
from commonweal.ground.challenges import manifest as challenges
from commonweal.ground.directory import manifest as directory
from commonweal.ground.journal import manifest as journal
from commonweal.ground.people import manifest as people
from commonweal.ground.places import manifest as places
from commonweal.kit.manifest import Manifest
from commonweal.listen.conversations import manifest as conversations
from commonweal.listen.hearings import manifest as hearings
from commonweal.listen.maps import manifest as maps
from commonweal.listen.moderation import manifest as moderation
from commonweal.listen.reports import manifest as reports
from commonweal.listen.surveys import manifest as surveys
from commonweal.listen.voices import manifest as voices
from commonweal.propose.appraisals import manifest as appraisals
from commonweal.propose.origins import manifest as origins
from commonweal.propose.proposals import manifest as proposals
from commonweal.spread.updates import manifest as updates

LOOP: tuple[Manifest, ...] = (
    people.MANIFEST,
    places.MANIFEST,
    directory.MANIFEST,
    challenges.MANIFEST,
    journal.MANIFEST,
    conversations.MANIFEST,
    surveys.MANIFEST,
    moderation.MANIFEST,  # before voices: it erases by whose statements they are
    voices.MANIFEST,
    maps.MANIFEST,
    reports.MANIFEST,
    hearings.MANIFEST,
    proposals.MANIFEST,
    appraisals.MANIFEST,
    origins.MANIFEST,
    budgets.MANIFEST,
    registers.MANIFEST,
    ballots.MANIFEST,
    counts.MANIFEST,
    rehearsals.MANIFEST,
    paper.MANIFEST,
    kiosks.MANIFEST,
    milestones.MANIFEST,
    updates.MANIFEST,
)
