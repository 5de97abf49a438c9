"""What people announce to the rest of the site."""

from django.utils.translation import gettext_lazy as _

from commonweal.ground.people import actions, queries
from commonweal.kit.manifest import Event, Manifest, Personal

MANIFEST = Manifest(
    stage="ground",
    title=_("My part"),
    start="people:mine",
    journal=(
        Event("person.joined", _("Someone joined"), "people.Person"),
        Event("person.erased", _("Someone left, and took their data with them"), "people.Person"),
        Event("person.signed_out_everywhere", _("Someone signed out everywhere"), "people.Person"),
    ),
    personal=(
        Personal(
            _(
                "Your email address, name, signed-in devices, passkeys and single sign-on: all erased"
            ),
            queries.account,
            actions.close_account,
        ),
    ),
)
