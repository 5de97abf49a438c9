"""What hearings announce to the rest of the site."""

from django.utils.translation import gettext_lazy as _

from commonweal.kit.manifest import Event, Manifest, Panel, Personal, Table
from commonweal.listen.hearings import actions, queries

HEARING = "hearings.Hearing"

MANIFEST = Manifest(
    stage="listen",
    title=_("Comment on a document"),
    start="hearings:list",
    journal=(
        Event("hearing.drafted", _("A hearing is being prepared: “%(title)s”"), HEARING),
        Event("hearing.changed", _("What the hearing “%(title)s” says changed"), HEARING),
        Event("hearing.discarded", _("A hearing that was never public was thrown away"), HEARING),
        Event(
            "hearing.document_put",
            _("The document of “%(title)s” was put in, in %(passages)s passages"),
            HEARING,
        ),
        Event("hearing.document_discarded", _("A draft for “%(title)s” was thrown away"), HEARING),
        Event("hearing.file_attached", _("An original was put beside “%(title)s”"), HEARING),
        Event(
            "hearing.announced",
            _("A document to comment on: “%(title)s”. It opens on %(opens_at)s"),
            HEARING,
        ),
        Event(
            "hearing.dates_changed",
            _("The dates of the hearing “%(title)s” changed: it closes on %(closes_at)s"),
            HEARING,
            follow=True,
        ),
        Event("hearing.opened", _("Say what you think of “%(title)s”"), HEARING, follow=True),
        Event("hearing.closed", _("The hearing “%(title)s” has closed"), HEARING, follow=True),
        Event(
            "hearing.revised",
            _("“%(title)s” was revised: %(passages)s passages changed"),
            HEARING,
            follow=True,
        ),
        Event("hearing.answered", _("An official answer in the hearing “%(title)s”"), HEARING),
        Event("hearing.answer_changed", _("An answer in the hearing “%(title)s” changed"), HEARING),
        Event(
            "hearing.concluded",
            _("What came of the hearing “%(title)s”"),
            HEARING,
            follow=True,
        ),
        Event(
            "hearing.conclusion_changed",
            _("What is said to have come of “%(title)s” changed"),
            HEARING,
        ),
        Event(
            "hearing.withdrawn", _("The hearing “%(title)s” was withdrawn"), HEARING, follow=True
        ),
        Event(
            "hearing.withdrawal_changed",
            _("Why the hearing “%(title)s” is withdrawn, or what of it can be read, changed"),
            HEARING,
        ),
        Event("hearing.put_back", _("The hearing “%(title)s” was put back"), HEARING, follow=True),
        Event("hearing.comment_written", _("Somebody spoke in the hearing “%(title)s”"), HEARING),
        Event(
            "hearing.comment_entered",
            _("What came by another way was entered in the hearing “%(title)s”"),
            HEARING,
        ),
        Event("hearing.comment_changed", _("A comment on “%(title)s” was put right"), HEARING),
        Event(
            "hearing.comments_adopted",
            _("What a guest said in “%(title)s” came under their account"),
            HEARING,
        ),
        Event("hearing.comment_removed", _("A comment on “%(title)s” was taken back"), HEARING),
        Event(
            "hearing.comment_agreed", _("Somebody agreed with a comment on “%(title)s”"), HEARING
        ),
        Event(
            "hearing.comment_disagreed",
            _("Somebody no longer agrees with a comment on “%(title)s”"),
            HEARING,
        ),
        Event("hearing.comment_reported", _("A comment on “%(title)s” was reported"), HEARING),
        Event(
            "hearing.comment_shown", _("A moderator let a comment on “%(title)s” stand"), HEARING
        ),
        Event("hearing.comment_hidden", _("A moderator hid a comment on “%(title)s”"), HEARING),
    ),
    panels=(
        Panel("home", queries.panel_home, "hearings/panel_cards.html"),
        Panel("listen", queries.panel_listen, "hearings/panel_listen.html"),
        Panel("challenges.Challenge", queries.panel_challenge, "hearings/panel_cards.html"),
        Panel("places.Community", queries.panel_community, "hearings/panel_about.html"),
        Panel("desk", queries.panel_desk, "hearings/panel_desk.html"),
        Panel("mine", queries.panel_mine, "hearings/panel_mine.html"),
    ),
    personal=(
        Personal(
            _(
                "What you said in hearings, agreed with and reported: it is deleted. Where others"
                " replied, an empty place stays."
            ),
            export=queries.personal,
            erase=actions.let_go,
        ),
        Personal(
            _("Hearings you set up and answers you gave as staff: they stay, without your name."),
            export=queries.personal_work,
            erase=actions.let_stand,
        ),
    ),
    tables=(Table("hearings", read=queries.hearings),),
)
