"""Who may take part in a conversation, and how much at once. Everything here fails closed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from commonweal.ground.places.models import Level
from commonweal.ground.places.rules import Viewer, may_lead, may_moderate
from commonweal.listen.conversations.models import (
    Conversation,
    Participant,
    Reach,
    State,
    Statement,
)
from commonweal.listen.voices import queries
from commonweal.listen.voices.models import Kind, Policy

MOST_A_MINUTE = 60  # answers of one person: nobody reads faster
MOST_ADDED_AN_HOUR, MOST_ADDED_A_DAY = 10, 30  # statements of one person


class WhyNot(NamedTuple):
    """Why somebody may not take part now, and the next step, which may be none."""

    code: str
    words: str
    link: str = ""
    href: str = ""


def may_take_part(viewer: Viewer, conversation: Conversation) -> bool:
    """Tell whether the viewer may vote and add statements at this moment."""
    return why_not(viewer, conversation) is None


def why_not(viewer: Viewer, conversation: Conversation) -> WhyNot | None:
    """Say why the viewer may not take part now; nothing if they may."""
    if conversation.authority_id != viewer.authority.pk:
        return WhyNot("elsewhere", _("This conversation belongs to another authority."))
    state = conversation.state(viewer.at)
    if state == "coming":
        return WhyNot(state, _("This conversation is not open yet."))
    if state == "withdrawn":
        return WhyNot(state, _("This conversation was withdrawn."))
    if state != "open":
        return WhyNot("closed", _("This conversation is closed."))
    return why_not_here(viewer, conversation)


def why_not_here(viewer: Viewer, conversation: Conversation) -> WhyNot | None:
    """Say why the viewer is not among those who are asked, whenever it is open."""
    if conversation.reach == Reach.EVERYONE:
        return None
    if viewer.person is None:
        return _sign_in(conversation)
    if conversation.reach == Reach.ACCOUNT:
        return None
    if conversation.reach == Reach.PLACE and viewer.belongs(
        conversation.community, conversation.level
    ):
        return None
    return _belong(viewer, conversation)


def _sign_in(conversation: Conversation) -> WhyNot:
    if conversation.reach == Reach.ACCOUNT:
        words = _(
            "Here each person answers once, so we need to know who comes back. We send a code to your"
            " email address; there is no password. Nobody sees what you answer. Reading needs no account."
        )
    else:
        words = _(
            "This question is for people who belong to %(place)s, so we need to know who you are. We"
            " send a code to your email address; there is no password. Nobody sees what you answer."
            " Reading needs no account."
        ) % {"place": conversation.community.name}
    onward = urlencode({"next": reverse("voices:vote", args=[conversation.pk])})
    href = f"{reverse('account_login')}?{onward}"
    return WhyNot("sign-in", words, _("Send me a code by email"), href)


def _belong(viewer: Viewer, conversation: Conversation) -> WhyNot:
    place = conversation.community
    if conversation.level not in Level.values:
        return WhyNot("closed", _("Nobody can take part here at the moment."))
    values = {"place": place.name, "level": Level(conversation.level).label}
    if viewer.belongs(place, Level.SELF_DECLARED):
        words = _("To take part here we have to be surer that you belong to %(place)s: %(level)s.")
        link = _("Show that you belong here")
        return WhyNot("verify", words % values, link, place.get_absolute_url())
    words = _("This question is for people who belong to %(place)s.") % values
    return WhyNot("join", words, _("Join %(place)s") % values, place.get_absolute_url())


def answers_first(viewer: Viewer, conversation: Conversation) -> bool:
    """Tell whether the viewer can still vote, so that pages fold away what others said until then.

    Somebody who only has to sign in first is one of them; those who run or moderate it are not.
    """
    refused = why_not(viewer, conversation)
    if refused is not None and refused.code != "sign-in":
        return False
    place = conversation.community
    return not (may_lead(viewer, place) or may_moderate(viewer, place))


def conversation_panel(viewer: Viewer, conversation: Conversation) -> Mapping[str, Any] | None:
    """Return what the viewer said so far, or what they need first, for the conversation's own page."""
    part = queries.part_of(viewer, conversation.pk)
    is_open = conversation.state(viewer.at) == "open"
    refused = why_not_here(viewer, conversation) if is_open else None
    if part.participant_id is None and refused is None:
        return None
    return {"answered": len(part.answered), "why_not": refused, "is_open": is_open}


def statement_panel(viewer: Viewer, statement: Statement) -> Mapping[str, Any] | None:
    """Return what the viewer said to a statement, for its own page, and whether they can change it."""
    if statement.state != State.SHOWN:
        return None
    part = queries.part_of(viewer, statement.conversation_id)
    said = next((one for one in part.said if one.statement == statement.pk), None)
    is_open = statement.conversation.state(viewer.at) == "open"
    if said is None and not is_open:
        return None
    return {
        "said": said.value if said else None,
        "own": said is not None and said.policy == Policy.OWN,
        "why_not": why_not(viewer, statement.conversation),
    }


def why_not_add(viewer: Viewer, conversation: Conversation) -> WhyNot | None:
    """Say why the viewer may not add a statement now; nothing if they may."""
    refused = why_not(viewer, conversation)
    if refused is None and not conversation.people_add:
        words = _("In this conversation people vote, but nobody adds statements of their own.")
        href = reverse("voices:vote", args=[conversation.pk])
        return WhyNot("no-adding", words, _("Vote on the statements"), href)
    return refused


def may_take_back(participant: Participant | None, statement: Statement, others: bool) -> bool:
    """Tell whether this is the author, and nobody else has voted on it yet."""
    if participant is None or statement.author_id != participant.pk or others:
        return False
    return statement.state in (State.WAITING, State.SHOWN)


def too_often(kind: Kind) -> str:
    """Say kindly that one network has done something very often within the hour."""
    if kind == Kind.GUEST:
        return _(
            "Very many people began here from your network within the hour, so we wait a little"
            " before more begin without an account. Try again in an hour, or sign in with your email"
            " address: then you can begin at once."
        )
    if kind == Kind.STATEMENT:
        return _(
            "Very many statements came from your network within the hour. Try again in an hour."
            " Your words are still here."
        )
    return _("Very many reports came from your network within the hour. Try again in an hour.")
