"""What happens to hearings by the clock, and mail about what people said."""

from django.utils import timezone

from commonweal.kit.jobs import job, periodic
from commonweal.listen.hearings import actions


@periodic("hearings.note_moments", cron="* * * * *")
def note_moments(timestamp: int) -> None:
    """Journal the hearings that have opened or closed since the last look."""
    actions.note_moments(at=timezone.now())


@job("hearings.tell_author")
def tell_author(comment_id: int, what: str) -> None:
    """Write to one person what became of their comment."""
    actions.tell_author(comment_id=comment_id, what=what, at=timezone.now())


@job("hearings.tell_speakers")
def tell_speakers(hearing_id: int, what: str) -> None:
    """Have everybody who spoke in a hearing told that it was withdrawn or put back."""
    actions.tell_speakers(hearing_id=hearing_id, what=what)


@job("hearings.tell_speaker")
def tell_speaker(hearing_id: int, person_id: int, what: str) -> None:
    """Write to one person that a hearing they spoke in was withdrawn or put back."""
    actions.tell_speaker(hearing_id=hearing_id, person_id=person_id, what=what, at=timezone.now())
