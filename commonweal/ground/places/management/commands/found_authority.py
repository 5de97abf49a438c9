"""Make an authority."""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_slug
from django.utils import timezone
from django.utils.text import slugify

from commonweal.ground.places import actions


class Command(BaseCommand):
    """Make an authority and the community that is the whole of it."""

    help = "Make an authority, such as a council or a health board. Its first administrator comes next."

    def add_arguments(self, parser: CommandParser) -> None:
        """Say what has to be given."""
        parser.add_argument("name", help="its whole name, such as Example Borough Council")
        parser.add_argument("--slug", required=True, help="a short address of letters and hyphens")
        parser.add_argument("--short-name", help="the name of the place (else its whole name)")
        parser.add_argument("--run-by", help="who answers for it (else its whole name)")
        parser.add_argument("--host", help="the host name it answers at, if there are several")
        parser.add_argument("--nation", default="", help="the nation it is in, such as Wales")
        parser.add_argument("--phone", default="", help="a number people may call")
        parser.add_argument("--email", default="", help="an address people may write to")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make it, or say what is in the way."""
        name = options["name"].strip()
        if not 0 < len(name) <= 120:
            raise CommandError("The name needs 1 to 120 characters.", returncode=2)
        if len(options["nation"]) > 80 or bool(options["nation"]) != bool(
            slugify(options["nation"])
        ):
            raise CommandError("The nation's name needs letters, 80 at most.", returncode=2)
        try:
            validate_slug(options["slug"])
        except ValidationError:
            raise CommandError(
                f"{options['slug']!r} is no address: use letters, figures and hyphens.",
                returncode=2,
            ) from None
        try:
            made = actions.found_authority(
                name=name,
                short_name=(options["short_name"] or name)[:40],
                slug=options["slug"][:60],
                run_by=options["run_by"] or name,
                phone=options["phone"],
                email=options["email"],
                host=options["host"],
                nation=options["nation"].strip(),
                at=timezone.now(),
            )
        except actions.AuthorityExists:
            raise CommandError(
                "An authority with this name, slug or host is here already.", returncode=2
            ) from None
        except actions.HostNeeded:
            raise CommandError(
                "An authority without a host name is here already: give this one its own with --host.",
                returncode=2,
            ) from None
        self.stdout.write(
            f"{made.name} is here. Next: commonweal manage grant_administrator EMAIL --authority {made.slug}"
        )
