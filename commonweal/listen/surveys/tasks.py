"""Surveys close by the clock, their figures are drawn up, and drafts do not stay for ever."""

from datetime import UTC, datetime

from commonweal.kit import jobs
from commonweal.kit.clock import database_now
from commonweal.listen.surveys import actions, queries


@jobs.periodic("surveys.close", cron="* * * * *")
def close_surveys(timestamp: int) -> None:
    """Every minute, let go of what leads from answers to people where a survey has closed."""
    at = database_now()
    for survey_id in queries.to_seal(at):
        actions.close_survey(survey_id=survey_id, at=at)


@jobs.periodic("surveys.fold_tallies", cron="* * * * *")
def fold_tallies(timestamp: int) -> None:
    """Every minute, draw up what has come in, so that nobody who reads the figures counts it all."""
    actions.fold_tallies()


@jobs.periodic("surveys.delete_old_drafts", cron="17 4 * * *")
def delete_old_drafts(timestamp: int) -> None:
    """Every night, delete answers that were begun thirty days ago and never sent."""
    actions.delete_old_drafts(at=datetime.fromtimestamp(timestamp, tz=UTC))
