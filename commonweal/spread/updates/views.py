"""What changed, following, the links in our mails, and feeds."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime
from typing import Any, cast

from django.contrib import messages
from django.contrib.syndication.views import Feed
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.feedgenerator import Atom1Feed
from django.utils.html import escape
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from commonweal.ground.challenges.models import Challenge
from commonweal.ground.journal import queries as journal
from commonweal.ground.journal.queries import Line
from commonweal.ground.places.models import Community
from commonweal.kit.doors import signed_in
from commonweal.kit.request import Request
from commonweal.spread.updates import actions, forms, queries
from commonweal.spread.updates.models import Pace

A_PAGE = 30
IN_A_FEED = 50
# XML cannot hold these even escaped, and people's words may.
UNWRITABLE = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@require_safe
def changes(request: Request) -> HttpResponse:
    """Tell what happened round this person, day by day, or in one community or challenge."""
    viewer = request.viewer
    form = forms.StoryForm(request.GET, viewer=viewer)
    choice = form.choices()
    slug = request.GET.get("challenge", "").replace("\x00", "")
    challenge = queries.challenges_to_follow(viewer).filter(slug=slug).first() if slug else None
    around = queries.round_me(viewer) if choice.get("is_mine") and challenge is None else None
    before = request.GET.get("before", "")
    lines = journal.story(
        viewer,
        challenge=challenge,
        community=choice.get("community") if challenge is None else None,
        communities=around,
        before=int(before) if re.fullmatch(r"[0-9]{1,18}", before) else None,
        limit=A_PAGE + 1,
    )
    query = request.GET.copy()
    if len(lines) > A_PAGE:
        query["before"] = str(lines[A_PAGE - 1].entry.pk)
    context = {
        "nav": "changes",
        "form": form,
        "challenge": challenge,
        "community": choice.get("community"),
        "days": queries.by_day(lines[:A_PAGE]),
        "more": query.urlencode() if len(lines) > A_PAGE else "",
    }
    return render(request, "updates/changes.html", context)


@require_POST
@signed_in
def follow(request: Request, slug: str) -> HttpResponse:
    """Follow a challenge or stop following it, as the button that was pressed says."""
    challenge = get_object_or_404(queries.challenges_to_follow(request.viewer), slug=slug)
    follows = request.POST.get("follow") == "yes"
    if follows:
        actions.follow(viewer=request.viewer, challenge=challenge)
    else:
        actions.unfollow(viewer=request.viewer, challenge=challenge)
    if request.htmx:
        context = {"thing": challenge, "follows": follows, "viewer": request.viewer, "told": True}
        return render(request, "updates/follow.html", context)
    messages.success(
        request,
        _("We tell you when this challenge moves on.")
        if follows
        else _("You no longer follow this challenge."),
    )
    return redirect("people:mine" if request.POST.get("back") == "mine" else challenge)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def pace(request: Request) -> HttpResponse:
    """Choose how often we write, and see about what: the one place for it."""
    held = queries.digest_of(request.viewer)
    data = request.POST if request.method == "POST" else None
    form = forms.PaceForm(data, initial={"pace": held.pace})
    if form.is_valid():
        actions.change_pace(viewer=request.viewer, pace=Pace(form.cleaned_data["pace"]))
        messages.success(request, _("Saved."))
        return redirect("updates:pace")
    context = {"nav": "mine", "form": form, "hears": held.hears_of_votes}
    return render(request, "updates/settings.html", context)


@require_POST
@signed_in
def votes(request: Request) -> HttpResponse:
    """Choose whether we tell what becomes of pots one voted in and ideas one signed."""
    actions.hear_of_votes(viewer=request.viewer, hears=request.POST.get("hears") == "yes")
    messages.success(request, _("Saved."))
    return redirect("updates:pace")


@csrf_exempt  # mail programs post here by themselves (RFC 8058); the signed link is the proof
@require_http_methods(["GET", "HEAD", "POST"])
def mail(request: Request, token: str) -> HttpResponse:
    """Write less often, or stop, by the link in a mail: no sign-in, one press."""
    try:
        actions.holder(token=token)
        if request.method != "POST":
            context = {"form": forms.PaceForm(), "token": token}
            return render(request, "updates/mail_choices.html", context)
        form = forms.PaceForm(request.POST)
        if "stop" in request.POST or "List-Unsubscribe" in request.POST:
            actions.stop(token=token)
            words = _("You get no more news by mail. In “My part” you can ask for it again.")
        elif form.is_valid():
            actions.slow_down(token=token, pace=Pace(form.cleaned_data["pace"]))
            words = _("We write to you as you chose from now on.")
        else:
            return render(
                request, "updates/mail_choices.html", {"form": form, "token": token}, status=400
            )
    except actions.StrangeToken:
        words = _("Use the link in the newest mail we sent you, or sign in and open “My part”.")
        context = {"title": _("This link does not work any more"), "words": words}
        return render(request, "cw/message.html", context, status=404)
    return render(request, "cw/message.html", {"title": _("It is done"), "words": words})


class Atom(Atom1Feed):
    """An empty feed is as old as the hills, so that its answer stays the same."""

    def latest_post_date(self) -> datetime:
        """Return when the newest entry was."""
        return super().latest_post_date() if self.items else datetime(2000, 1, 1, tzinfo=UTC)


class StoryFeed(Feed):  # type: ignore[type-arg]
    """What happened in a community or a challenge, as an Atom feed."""

    feed_type = Atom

    def __call__(self, request: HttpRequest, *args: Any, **given: Any) -> HttpResponse:
        """Answer a reader's GET or HEAD alone."""
        return require_safe(super().__call__)(request, *args, **given)

    def get_object(self, request: HttpRequest, slug: str) -> tuple[Request, Community | Challenge]:
        """Return who asks, and about what."""
        asked = cast(Request, request)
        return asked, self.thing(asked, slug)

    def thing(self, request: Request, slug: str) -> Community | Challenge:
        """Return the community."""
        return get_object_or_404(queries.communities(request.viewer), slug=slug)

    def title(self, obj: tuple[Request, Community | Challenge]) -> str:
        """Name the feed."""
        return _writable(_("What changed: %(place)s") % {"place": obj[1]})

    def link(self, obj: tuple[Request, Community | Challenge]) -> str:
        """Return the page that the feed goes with."""
        return obj[1].get_absolute_url()

    def author_name(self, obj: tuple[Request, Community | Challenge]) -> str:
        """Return who publishes it."""
        return _writable(obj[0].viewer.authority.run_by)

    def items(self, obj: tuple[Request, Community | Challenge]) -> list[tuple[str, Line]]:
        """Return the newest lines, with whose they are."""
        request, thing = obj
        if isinstance(thing, Challenge):
            lines = journal.story(request.viewer, challenge=thing, limit=IN_A_FEED)
        else:
            lines = journal.story(request.viewer, community=thing, limit=IN_A_FEED)
        return [(request.viewer.authority.slug, line) for line in lines]

    def item_title(self, item: Any) -> str:
        """Return the line's words."""
        return _writable(item[1].words)

    def item_description(self, item: Any) -> str:
        """Return the line's words, for a summary is HTML: there is no more to say."""
        return escape(_writable(item[1].words))

    def item_link(self, item: Any) -> str:
        """Return where to read more."""
        return item[1].href or "/what-changed/"

    def item_guid(self, item: Any) -> str:
        """Return a name that the entry keeps for ever, whatever the site's address."""
        name = f"commonweal/{item[0]}/entry/{item[1].entry.pk}"
        return uuid.uuid5(uuid.NAMESPACE_URL, name).urn

    def item_pubdate(self, item: Any) -> datetime:
        """Return when it happened."""
        return cast(datetime, item[1].at)

    def item_updateddate(self, item: Any) -> datetime:
        """Return when it happened: entries never change."""
        return cast(datetime, item[1].at)


class ChallengeFeed(StoryFeed):
    """What happened in a challenge."""

    def thing(self, request: Request, slug: str) -> Community | Challenge:
        """Return the challenge."""
        return get_object_or_404(queries.challenges_to_follow(request.viewer), slug=slug)


def _writable(words: str) -> str:
    return UNWRITABLE.sub("�", words)
