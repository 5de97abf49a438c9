"""What counts announce to the rest of the site."""

from django.utils.translation import gettext_lazy as _

from commonweal.kit.manifest import Event, Manifest

MANIFEST = Manifest(
    stage="decide",
    title=_("Results"),
    start="budgets:list",
    journal=(
        Event(
            "pot.sealed",
            _("Closed: “%(title)s”. The key that could join ballots to voters is destroyed"),
            "budgets.Pot",
        ),
        Event(
            "pot.counted",
            _("Votes counted: “%(title)s”. Ideas funded: %(funded)s of %(projects)s"),
            "budgets.Pot",
            follow=True,
        ),
        Event(
            "bundle.announced",
            _(
                "Anyone can count “%(title)s” again. The archive has the fingerprint %(fingerprint)s,"
                " and its receipts the root %(root)s"
            ),
            "budgets.Pot",
        ),
    ),
)
