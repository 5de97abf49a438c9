"""Where ideas and challenges come from: the statements that people agreed with."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from commonweal.ground.challenges.models import Challenge
from commonweal.listen.conversations.models import Statement
from commonweal.propose.proposals.models import Proposal


class Origin(models.Model):
    """An idea, or a challenge, came of a statement.

    ``told_at`` and ``funded_told_at``: when the statement's author heard of it.
    """

    statement = models.ForeignKey(Statement, models.CASCADE, related_name="origins")
    proposal = models.ForeignKey(
        Proposal, models.CASCADE, null=True, blank=True, related_name="origins"
    )
    challenge = models.ForeignKey(
        Challenge, models.CASCADE, null=True, blank=True, related_name="origins"
    )
    made_at = models.DateTimeField()
    told_at = models.DateTimeField(null=True, blank=True)
    funded_told_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                name="origin_is_of_an_idea_or_a_challenge",
                condition=Q(proposal__isnull=True) ^ Q(challenge__isnull=True),
            ),
            models.UniqueConstraint(
                fields=("proposal", "statement"), name="idea_comes_of_a_statement_once"
            ),
            models.UniqueConstraint(
                fields=("challenge", "statement"), name="challenge_comes_of_a_statement_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.proposal_id or self.challenge_id} of statement {self.statement_id}"
