"""What places announce to the rest of the site."""

from django.utils.translation import gettext_lazy as _

from commonweal.ground.places import actions, queries
from commonweal.kit.manifest import Event, Manifest, Panel, Personal, Table

COMMUNITY = "places.Community"
ORGANISATION = "places.Organisation"

MANIFEST = Manifest(
    stage="ground",
    title=_("Communities"),
    start="places:list",
    journal=(
        Event("authority.founded", _("%(title)s opened its doors here"), COMMUNITY),
        Event("community.added", _("A new community: “%(title)s”"), COMMUNITY),
        Event("community.changed", _("What is said about “%(title)s” changed"), COMMUNITY),
        Event("community.moved", _("“%(title)s” now stands elsewhere in the tree"), COMMUNITY),
        Event("membership.joined", _("Someone joined “%(title)s”"), COMMUNITY),
        Event("membership.left", _("Someone left “%(title)s”"), COMMUNITY),
        Event("membership.postcode_given", _("Someone gave a postcode in “%(title)s”"), COMMUNITY),
        Event("membership.verified", _("A member of “%(title)s” was checked"), COMMUNITY),
        Event("standing.declared", _("Someone said as what they speak in “%(title)s”"), COMMUNITY),
        Event("standing.confirmed", _("A standing in “%(title)s” was confirmed"), COMMUNITY),
        Event("standing.withdrawn", _("A standing in “%(title)s” was withdrawn"), COMMUNITY),
        Event("role.moderator_granted", _("“%(title)s” has a new moderator"), COMMUNITY),
        Event("role.clerk_granted", _("“%(title)s” has a new clerk"), COMMUNITY),
        Event("role.administrator_granted", _("“%(title)s” has a new administrator"), COMMUNITY),
        Event("role.auditor_granted", _("“%(title)s” has a new auditor"), COMMUNITY),
        Event("role.moderator_withdrawn", _("“%(title)s” has one moderator less"), COMMUNITY),
        Event("role.clerk_withdrawn", _("“%(title)s” has one clerk less"), COMMUNITY),
        Event(
            "role.administrator_withdrawn", _("“%(title)s” has one administrator less"), COMMUNITY
        ),
        Event("role.auditor_withdrawn", _("“%(title)s” has one auditor less"), COMMUNITY),
        Event("organisation.added", _("A new organisation: “%(title)s”"), ORGANISATION),
        Event("organisation.changed", _("What is said about “%(title)s” changed"), ORGANISATION),
        Event("organisation.member_added", _("Someone joined “%(title)s”"), ORGANISATION),
        Event("organisation.member_removed", _("Someone left “%(title)s”"), ORGANISATION),
    ),
    panels=(
        Panel("mine", queries.mine, "places/panel_mine.html"),
        Panel("desk", queries.waiting, "places/panel_desk.html"),
    ),
    personal=(
        Personal(
            _("Your communities, what you speak as, your roles and organisations: all erased"),
            queries.memberships_kept,
            actions.let_go,
        ),
    ),
    tables=(
        Table("communities", queries.communities),
        Table("organisations", queries.organisations),
    ),
)
