"""What challenges announce to the rest of the site."""

from django.utils.translation import gettext_lazy as _

from commonweal.ground.challenges import actions, queries
from commonweal.kit.manifest import Event, Manifest, Panel, Personal, Table

CHALLENGE = "challenges.Challenge"
OUTCOME = "challenges.Outcome"


MANIFEST = Manifest(
    stage="listen",
    title=_("Challenges"),
    start="challenges:list",
    journal=(
        Event("challenge.drafted", _("A challenge is being written: “%(title)s”"), CHALLENGE),
        Event("challenge.published", _("A new challenge: “%(title)s”"), CHALLENGE),
        Event("challenge.changed", _("The words of the challenge “%(title)s” changed"), CHALLENGE),
        Event(
            "challenge.dates_changed",
            _("The dates of the challenge “%(title)s” changed"),
            CHALLENGE,
            follow=True,
        ),
        Event(
            "challenge.money_set",
            _("There is %(money_pence)s for the challenge “%(title)s”"),
            CHALLENGE,
            follow=True,
        ),
        Event(
            "challenge.money_withdrawn",
            _("The money for the challenge “%(title)s” was withdrawn"),
            CHALLENGE,
            follow=True,
        ),
        Event(
            "challenge.listen_opened",
            _("We are listening: say what matters in “%(title)s”"),
            CHALLENGE,
            follow=True,
        ),
        Event(
            "challenge.propose_opened",
            _("You can put forward ideas for “%(title)s”"),
            CHALLENGE,
            follow=True,
        ),
        Event(
            "challenge.decide_opened",
            _("It is time to decide in “%(title)s”"),
            CHALLENGE,
            follow=True,
        ),
        Event(
            "challenge.trial_opened",
            _("Trials begin in “%(title)s”"),
            CHALLENGE,
            follow=True,
        ),
        Event(
            "challenge.deliver_opened",
            _("The work begins in “%(title)s”"),
            CHALLENGE,
            follow=True,
        ),
        Event(
            "challenge.account_opened",
            _("We check what got better in “%(title)s”"),
            CHALLENGE,
            follow=True,
        ),
        Event(
            "challenge.spread_opened",
            _("What worked in “%(title)s” is being passed on"),
            CHALLENGE,
            follow=True,
        ),
        Event("outcome.added", _("Something else should get better: “%(title)s”"), OUTCOME),
        Event(
            "outcome.changed", _("What “%(title)s” means, or how it is measured, changed"), OUTCOME
        ),
        Event(
            "outcome.measured",
            _("A new reading of “%(title)s”: it was %(was)s and is now %(now)s"),
            OUTCOME,
            follow=True,
        ),
        Event(
            "outcome.first_measured",
            _("A first reading of “%(title)s”: %(now)s"),
            OUTCOME,
            follow=True,
        ),
        Event("outcome.removed", _("An outcome was taken away: “%(title)s”"), OUTCOME),
    ),
    panels=(
        Panel("home", queries.open_for_ideas, "challenges/panel_home.html"),
        Panel("desk", queries.waiting, "challenges/panel_desk.html"),
        Panel("directory.Service", queries.about_service, "challenges/panel_about.html"),
        Panel("places.Community", queries.in_community, "challenges/panel_about.html"),
    ),
    personal=(
        Personal(
            title=_("Challenges you set up: they stay with the authority, without your name"),
            export=queries.personal,
            erase=actions.let_stand,
        ),
    ),
    tables=(Table("challenges", queries.published),),
)
