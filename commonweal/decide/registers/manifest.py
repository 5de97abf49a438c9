"""What registers and voting codes announce to the rest of the site."""

from django.utils.translation import gettext_lazy as _

from commonweal.kit.manifest import Manifest

MANIFEST = Manifest(stage="decide", title=_("Voting codes"), start="budgets:list")
