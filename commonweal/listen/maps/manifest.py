"""What maps announce to the rest of the site."""

from django.utils.translation import gettext_lazy as _

from commonweal.kit.manifest import Manifest

MANIFEST = Manifest(stage="listen", title=_("The map of opinion"), start="conversations:list")
