"""Letters without their marks: who types “cafe” or “ty” finds “café” and “tŷ”."""

import re
import unicodedata

from django.db.models import Func

MARKS = r"[\u0300-\u036f]"


class Plain(Func):
    """Text in the database without accents; the same on every machine, so a column may hold it."""

    template = f"regexp_replace(normalize(%(expressions)s, NFD), '{MARKS}', '', 'g')"


def plain(text: str) -> str:
    """Return text without accents, however they were typed."""
    return re.sub(MARKS, "", unicodedata.normalize("NFD", text))
