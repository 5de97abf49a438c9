"""Make the first administrator of an authority."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from commonweal.ground.people.models import Person
from commonweal.ground.places import actions
from commonweal.ground.places.models import Community, CommunityKind


class Command(BaseCommand):
    """Make the first administrator of an authority."""

    help = "Make someone the first administrator of an authority. Further ones are granted in the browser."

    def add_arguments(self, parser: CommandParser) -> None:
        """Say what has to be given."""
        parser.add_argument("email", help="the address they signed in with")
        parser.add_argument("--authority", required=True, help="the authority's slug")

    def handle(self, *args: Any, **options: Any) -> None:
        """Grant it, or say what is in the way."""
        slug, email = options["authority"], options["email"].strip().lower()
        whole = Community.objects.filter(authority__slug=slug, kind=CommunityKind.AUTHORITY).first()
        if whole is None:
            raise CommandError(
                f"There is no authority {slug!r}. Make it: commonweal manage found_authority NAME --slug {slug}",
                returncode=2,
            )
        person = Person.objects.filter(email=email, is_active=True).first()
        if person is None:
            raise CommandError(
                f"Nobody has signed in as {email} yet. Sign in once in the browser, then try again.",
                returncode=2,
            )
        try:
            actions.grant_first_role(person=person, community=whole, at=timezone.now())
        except actions.AdministratorExists:
            raise CommandError(
                "This authority has an administrator, who grants further roles in the browser.",
                returncode=2,
            ) from None
        self.stdout.write(f"{email} is the administrator of {whole.name}.")
