"""The words that staff put before what a conversation found."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from commonweal.listen.conversations.models import Conversation


class Report(models.Model):
    """What staff say about a conversation to a committee and to everybody.

    The figures in a report are those of the map, always; only these words are written.
    """

    conversation = models.OneToOneField(Conversation, models.CASCADE, related_name="report")
    summary = models.TextField(max_length=5000, blank=True)
    advice = models.TextField(max_length=5000, blank=True)
    written_at = models.DateTimeField()
    written_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    published_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                name="report_says_something_before_it_is_public",
                condition=Q(published_at__isnull=True) | ~Q(summary=""),
            ),
        )

    def __str__(self) -> str:
        return f"report on {self.conversation_id}"

    @property
    def authority_id(self) -> int:
        """Return its conversation's authority, where the journal looks for it."""
        return self.conversation.authority_id

    @property
    def community_id(self) -> int:
        """Return its conversation's community, where the journal looks for it."""
        return self.conversation.community_id
