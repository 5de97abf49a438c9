"""Who may set up, read, comment on and moderate a hearing. Everything here fails closed."""

from __future__ import annotations

from commonweal.ground.places import rules as places
from commonweal.ground.places.models import Standing
from commonweal.ground.places.rules import Viewer, Voice, voices
from commonweal.listen.hearings import queries
from commonweal.listen.hearings.models import (
    CHANGEABLE,
    Comment,
    Hearing,
    Reach,
    State,
    Version,
)


def may_set_up(viewer: Viewer) -> bool:
    """Tell whether the viewer leads anywhere here, and so may set up a hearing."""
    return bool(queries.seats_of(viewer))


def may_lead(viewer: Viewer, hearing: Hearing) -> bool:
    """Tell whether the viewer may set up and answer this hearing."""
    return hearing.authority_id == viewer.authority.pk and places.may_lead(
        viewer, hearing.community
    )


def may_moderate(viewer: Viewer, hearing: Hearing) -> bool:
    """Tell whether the viewer may show and hide what people say in it."""
    return hearing.authority_id == viewer.authority.pk and places.may_moderate(
        viewer, hearing.community
    )


def may_read(viewer: Viewer, hearing: Hearing) -> bool:
    """Tell whether the viewer may read the document and what people said, were it withdrawn."""
    if not hearing.is_withheld:
        return True
    return may_lead(viewer, hearing) or may_moderate(viewer, hearing)


def why_not(viewer: Viewer, hearing: Hearing, version: Version | None, latest: int) -> str:
    """Return why this viewer cannot comment now, as a code; nothing if they may.

    ``latest`` is the number of the newest public version: only that one takes comments.
    """
    if hearing.authority_id != viewer.authority.pk:
        return "draft"
    state = hearing.state(viewer.at)
    if state in ("draft", "withdrawn", "coming"):
        return state
    if state != "open":
        return "closed"
    if version is None or version.number != latest:
        return "older"
    return _why_not_this_person(viewer, hearing)


def _why_not_this_person(viewer: Viewer, hearing: Hearing) -> str:
    if hearing.reach == Reach.EVERYONE:
        return ""
    if viewer.person is None:
        return "sign-in"
    if hearing.reach == Reach.ACCOUNT:
        return ""
    if viewer.belongs(hearing.community, hearing.level):
        return ""
    confirmed = [v for v in speaks_as(viewer, hearing) if v.kind not in Standing.SELF_DECLARED]
    if confirmed:
        return ""
    return "level" if viewer.belongs(hearing.community, 1) else "join"


def speaks_as(viewer: Viewer, hearing: Hearing) -> list[Voice]:
    """Return as what this person may speak in it; none for somebody who does not belong there."""
    return voices(viewer, hearing.community)


def wrote(viewer: Viewer, comment: Comment, guest: bytes | None) -> bool:
    """Tell whether this person, or the guest in this browser, wrote it."""
    if comment.person_id is not None:
        return viewer.person is not None and comment.person_id == viewer.person.pk
    return comment.guest is not None and guest is not None and bytes(comment.guest) == guest


def may_change(viewer: Viewer, comment: Comment, guest: bytes | None) -> bool:
    """Tell whether it is still time to put one's own words right: an hour, and while it is open.

    What others have agreed with or replied to stays as they read it.
    """
    return (
        wrote(viewer, comment, guest)
        and comment.state in (State.WAITING, State.SHOWN)
        and comment.hearing.state(viewer.at) == "open"
        and viewer.at < comment.written_at + CHANGEABLE
    )


def may_remove(viewer: Viewer, comment: Comment, guest: bytes | None) -> bool:
    """Tell whether one may take one's own words back: until the hearing closes."""
    return (
        wrote(viewer, comment, guest)
        and comment.state != State.REMOVED
        and comment.hearing.state(viewer.at) == "open"
    )


def may_agree(viewer: Viewer, comment: Comment) -> bool:
    """Tell whether this person may agree with somebody else's comment, while the hearing is open."""
    return (
        viewer.person is not None
        and comment.is_public
        and comment.person_id != viewer.person.pk
        and comment.hearing.state(viewer.at) == "open"
        and not _why_not_this_person(viewer, comment.hearing)
    )
