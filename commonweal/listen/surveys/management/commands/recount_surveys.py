"""Draw up the figures of surveys anew."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from commonweal.listen.surveys import actions
from commonweal.listen.surveys.models import Survey


class Command(BaseCommand):
    """Count every answer to surveys again, whatever the site has kept of the figures."""

    help = (
        "Count every answer to surveys anew. Meanwhile nobody can send answers to the one counted."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Say what has to be given."""
        parser.add_argument("survey", nargs="*", type=int, help="numbers of surveys (else all)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Count, and say how many responses there are."""
        found = Survey.objects.filter(is_draft=False, withdrawn_at__isnull=True).order_by("pk")
        if options["survey"]:
            found = found.filter(pk__in=options["survey"])
            if found.count() != len(set(options["survey"])):
                raise CommandError("There is no such survey that takes answers.", returncode=2)
        for survey in found.only("title"):
            number = actions.recount_survey(survey_id=survey.pk)
            noun = "response" if number == 1 else "responses"
            self.stdout.write(f"{survey.pk}: {number} {noun}")
