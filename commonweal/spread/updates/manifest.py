"""What updates announce to the rest of the site."""

from django.utils.translation import gettext_lazy as _

from commonweal.kit.manifest import Manifest, Panel, Personal
from commonweal.spread.updates import actions, queries

MANIFEST = Manifest(
    stage="spread",
    title=_("What changed"),
    start="updates:changes",
    silent=queries.hear_of_no_votes,
    panels=(
        Panel("challenges.Challenge.aside", queries.follow_card, "updates/follow.html"),
        Panel("challenges.Challenge.head", queries.feed_link, "updates/challenge_head.html"),
        Panel("places.Community.head", queries.feed_link, "updates/community_head.html"),
        Panel("mine", queries.my_follows, "updates/panel_mine.html"),
    ),
    personal=(
        Personal(
            title=_("What you follow, and how often we write to you: it goes"),
            export=queries.personal,
            erase=actions.forget,
        ),
    ),
)
