"""What surveys announce to the rest of the site."""

from django.utils.translation import gettext_lazy as _

from commonweal.kit.manifest import Event, Manifest, Panel, Personal, Table
from commonweal.listen.surveys import actions, queries

SURVEY = "surveys.Survey"

MANIFEST = Manifest(
    stage="listen",
    title=_("Surveys"),
    start="surveys:list",
    journal=(
        Event("survey.drafted", _("Somebody began to set up a survey: “%(title)s”"), SURVEY),
        Event("survey.copied", _("A survey was copied: “%(title)s”"), SURVEY),
        Event("survey.changed", _("What is said about the survey “%(title)s” changed"), SURVEY),
        Event("survey.question_added", _("A question was added to “%(title)s”"), SURVEY),
        Event("survey.question_changed", _("A question of “%(title)s” was changed"), SURVEY),
        Event("survey.question_moved", _("A question of “%(title)s” was moved"), SURVEY),
        Event("survey.question_removed", _("A question of “%(title)s” was taken out"), SURVEY),
        Event("survey.discarded", _("A draft survey was thrown away"), SURVEY),
        Event("survey.opened", _("A survey asks: “%(title)s”"), SURVEY, follow=True),
        Event("survey.taken_back", _("A survey was taken back before it opened"), SURVEY),
        Event(
            "survey.extended",
            _("The survey “%(title)s” stays open longer, until %(until_at)s"),
            SURVEY,
            follow=True,
        ),
        Event("survey.corrected", _("Words of the survey “%(title)s” were corrected"), SURVEY),
        Event("survey.withdrawn", _("The survey “%(title)s” was withdrawn"), SURVEY, follow=True),
        Event("survey.closed", _("The survey “%(title)s” closed"), SURVEY),
        Event("survey.response_entered", _("Staff entered an answer to “%(title)s”"), SURVEY),
        Event(
            "survey.response_corrected",
            _("Staff corrected an answer they had entered to “%(title)s”"),
            SURVEY,
        ),
        Event(
            "survey.response_removed",
            _("Staff took out an answer they had entered to “%(title)s”"),
            SURVEY,
        ),
        Event("survey.words_shown", _("Staff chose words from “%(title)s” to be shown"), SURVEY),
        Event(
            "survey.words_hidden", _("Staff hid words that somebody wrote in “%(title)s”"), SURVEY
        ),
        Event("survey.words_put_back", _("Staff put words of “%(title)s” back to be read"), SURVEY),
        Event("survey.downloaded", _("Staff took all answers to “%(title)s” away"), SURVEY),
        Event(
            "survey.results_published", _("What the survey “%(title)s” found"), SURVEY, follow=True
        ),
        Event("survey.results_told", _("What was heard in “%(title)s” was written anew"), SURVEY),
    ),
    panels=(
        Panel("home", queries.card_panel, "surveys/panel_cards.html"),
        Panel("listen", queries.listen_panel, "surveys/panel_listen.html"),
        Panel("challenges.Challenge", queries.challenge_panel, "surveys/panel_cards.html"),
        Panel(
            "challenges.Challenge.more",
            queries.challenge_more_panel,
            "surveys/panel_challenge_more.html",
        ),
        Panel("mine", queries.mine_panel, "surveys/panel_mine.html"),
        Panel("desk", queries.desk_panel, "surveys/panel_desk.html"),
    ),
    personal=(
        Personal(
            _(
                "Your answers to surveys: deleted while the survey is open, and so is what you began."
                " Once it has closed your answers stay in the sums, without your name and without"
                " your own words."
            ),
            queries.personal,
            actions.forget_answers,
        ),
    ),
    tables=(Table("surveys", read=queries.public_surveys),),
)
