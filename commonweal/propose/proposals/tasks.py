"""Background jobs about ideas."""

from django.utils import timezone

from commonweal.kit.jobs import job
from commonweal.propose.proposals import actions


@job("proposals.tell_of_merge")
def tell_of_merge(merge_id: int, person_id: int, what: str) -> None:
    """Write to one person that two ideas are to become one, or what became of it."""
    actions.tell_of_merge(merge_id=merge_id, person_id=person_id, what=what, at=timezone.now())
