"""How many tries failed lately: by network and by person, under a hash, and on the whole site.

Only what failed is counted, so that a hall full of people with good codes waits for nobody. Where very
many fail on the whole site, from however many networks, each is left few; nobody is left none, or
whoever tries many could keep all others out.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import time
from typing import TYPE_CHECKING

from allauth.core.internal import ratelimit
from django.conf import settings
from django.core.cache import cache

if TYPE_CHECKING:
    from commonweal.kit.request import Request

LIBRARY = "allauth.account"  # its settings hold how many tries there are
MANY = 1_000  # failures on the whole site, in the time for which each network's are counted
FEW = 5  # tries that each network, and each person, has left meanwhile
PARTS = 4  # the time is counted in so many pieces, so that it runs out gradually


def may_try(request: Request, action: str) -> bool:
    """Look how many tries failed lately, without a lock."""
    (rate,) = ratelimit.get_rates(app=LIBRARY, action=action)
    asked = {"app": LIBRARY, "action": action, "rate": rate}
    keys = [ratelimit.get_cache_key(request, key=who, **asked) for who in _counted(request)]
    pieces = _pieces(action)
    found = cache.get_many([*keys, *pieces])
    many = sum(found.get(piece, 0) for piece in pieces) >= MANY
    since, left = time.time() - rate.duration, min(rate.amount, FEW) if many else rate.amount
    return all(sum(at > since for at in found.get(key, ())) < left for key in keys)


def note_failure(request: Request, action: str) -> None:
    """Keep that a try failed; and tell whoever runs the site, once, when very many do."""
    for who in _counted(request):
        ratelimit.consume(request, app=LIBRARY, action=action, key=who)
    (rate,) = ratelimit.get_rates(app=LIBRARY, action=action)
    newest = _pieces(action)[0]
    cache.add(newest, 0, rate.duration + 60)
    if cache.incr(newest) == MANY // PARTS:
        logging.getLogger(__name__).warning("Very many tries fail: %s", action)


def very_many_fail(action: str) -> bool:
    """Tell whether so many tries fail on the whole site that somebody must be guessing."""
    return bool(sum(cache.get_many(_pieces(action)).values()) >= MANY)


def _pieces(action: str) -> list[str]:
    (rate,) = ratelimit.get_rates(app=LIBRARY, action=action)
    now = int(time.time() // (rate.duration / PARTS))
    return [f"failed:{action}:{now - ago}" for ago in range(PARTS)]


def _counted(request: Request) -> list[str]:
    secret = f"registers:{settings.SECRET_KEY}".encode()
    network = hmac.digest(secret, ratelimit.get_ip(request).encode(), hashlib.sha256).hex()
    person = request.viewer.person
    return [network] if person is None else [network, f"person:{person.pk}"]
