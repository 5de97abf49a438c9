"""What the directory announces to the rest of the site."""

from django.utils.translation import gettext_lazy as _

from commonweal.ground.directory import queries
from commonweal.kit.manifest import Event, Manifest, Panel, Table

MANIFEST = Manifest(
    stage="ground",
    title=_("Services"),
    start="directory:list",
    journal=(
        Event("service.added", _("A service was entered: “%(title)s”"), "directory.Service"),
        Event("service.changed", _("What is said about “%(title)s” changed"), "directory.Service"),
    ),
    panels=(
        Panel("places.Community", queries.in_community, "directory/panel_services.html"),
        Panel("places.Organisation", queries.of_provider, "directory/panel_services.html"),
    ),
    tables=(Table("services", queries.services),),
)
