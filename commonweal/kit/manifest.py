"""What an app announces to the rest of the site, and the one list of it all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.utils.module_loading import import_string

if TYPE_CHECKING:
    from django.db.models import Model, QuerySet
    from django.utils.functional import _StrOrPromise

    from commonweal.ground.people.models import Person
    from commonweal.ground.places.rules import Viewer

STAGES = ("listen", "propose", "decide", "trial", "deliver", "account", "spread")


@dataclass(frozen=True)
class Event:
    """A kind of journal entry and the sentence that tells it.

    ``words`` is one whole translatable sentence; ``%(title)s`` stands for the thing it is about,
    and the entry's own facts stand by their names.
    """

    what: str
    words: _StrOrPromise
    about: str
    follow: bool = False


@dataclass(frozen=True)
class Panel:
    """A piece that an app shows on a page that another app owns.

    ``on`` names the page (``home``, ``challenges.Challenge``, ``mine``); ``read`` gives the
    template's context, or nothing when there is nothing to show to this viewer.
    """

    on: str
    read: Callable[[Viewer, Any], Mapping[str, Any] | None]
    template: str


@dataclass(frozen=True)
class Personal:
    """What an app keeps about a person: how to hand it over, and how to let go of it."""

    title: _StrOrPromise
    export: Callable[[Person], Iterable[Mapping[str, Any]]]
    erase: Callable[[Person, datetime], None]


@dataclass(frozen=True)
class Table:
    """A public table of open data: a name, and the rows that this viewer may read."""

    name: str
    read: Callable[[Viewer], QuerySet[Model]]


@dataclass(frozen=True)
class Manifest:
    """Everything one app announces.

    ``silent`` tells which of some people want no mail about what they voted on: whoever keeps that
    choice answers for all who write.
    """

    stage: str
    title: _StrOrPromise
    start: str
    journal: tuple[Event, ...] = ()
    panels: tuple[Panel, ...] = ()
    personal: tuple[Personal, ...] = ()
    tables: tuple[Table, ...] = ()
    silent: Callable[[Sequence[int]], Iterable[int]] | None = None


@cache
def manifests() -> tuple[Manifest, ...]:
    """Return every manifest in the order of the loop."""
    listed: tuple[Manifest, ...] = import_string(settings.COMMONWEAL_LOOP)
    return listed


@cache
def events() -> dict[str, Event]:
    """Return every kind of journal entry by its code."""
    return {event.what: event for manifest in manifests() for event in manifest.journal}


def panels(on: str) -> list[Panel]:
    """Return what the apps show on one page, in the order of the loop."""
    return [panel for manifest in manifests() for panel in manifest.panels if panel.on == on]


def personal() -> list[Personal]:
    """Return what every app keeps about a person."""
    return [held for manifest in manifests() for held in manifest.personal]


def silent(people: Sequence[int]) -> set[int]:
    """Return which of these people want no mail about what they voted on."""
    asked = [manifest.silent for manifest in manifests() if manifest.silent is not None]
    return {number for said in asked for number in said(people)}
