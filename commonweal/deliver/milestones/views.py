"""Pages of what becomes of funded projects, and the forms of those who tell of it."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast

from django.contrib import messages
from django.contrib.syndication.views import Feed
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.feedgenerator import Atom1Feed
from django.utils.html import escape
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from commonweal.decide.budgets.models import Pot
from commonweal.deliver.milestones import actions, forms, queries, rules
from commonweal.deliver.milestones.models import Came, Delivery, Kind, Milestone, Post, Status
from commonweal.kit.doors import privileged, signed_in, the_one
from commonweal.kit.money import pounds
from commonweal.kit.request import Request
from commonweal.propose.proposals.forms import HideForm

A_PAGE = 20
IN_A_FEED = 50
# XML cannot hold these even escaped, and people's words may.
UNWRITABLE = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
P = ParamSpec("P")


# --- for everybody


@require_safe
def delivery_list(request: Request) -> HttpResponse:
    """Show what became of everything that was funded, the latest news first."""
    status = request.GET.get("status", "")
    pot = _pot_asked_for(request)
    found = queries.in_status(queries.deliveries(request.viewer), status)
    if pot is not None:
        found = found.filter(project__pot=pot)
    page = Paginator(queries.as_cards(found), A_PAGE).get_page(request.GET.get("page"))
    context = {
        "nav": "money", "page": page, "status": status, "statuses": Status.choices, "pot": pot,
    }  # fmt: skip
    return render(request, "milestones/list.html", context)


def _pot_asked_for(request: Request) -> Pot | None:
    asked = request.GET.get("pot", "")
    if not re.fullmatch(r"[0-9]{1,18}", asked):
        return None
    return queries.pot_told(request.viewer, int(asked))


@require_safe
def delivery(request: Request, project_id: int) -> HttpResponse:
    """Show who runs a project, where it stands, its milestones, and all that was told of it."""
    found = _delivery(request, project_id)
    steps = queries.milestones_of(delivery=found.pk)
    page = Paginator(queries.posts(found), A_PAGE).get_page(request.GET.get("page"))
    context = {
        **_known(found),
        "milestones": steps,
        "next": queries.next_of(steps),
        "outcomes": queries.outcomes_of(delivery=found.pk),
        "reason": queries.reason(found),
        "page": page,
        "today": queries.day_of(request.viewer.at),
        "may_tell": rules.may_tell(request.viewer, found),
        "may_name": rules.may_name(request.viewer, found),
        "may_hide": rules.may_hide(request.viewer, found),
    }
    return render(request, "milestones/delivery.html", context)


# --- for those who tell

Telling = Callable[Concatenate[Request, P], HttpResponse]


def teller(view: Telling[P]) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """Let those in who run the project; people with a role here need their second step as well."""

    @require_http_methods(["GET", "HEAD", "POST"])
    @signed_in
    @wraps(view)
    def door(request: Request, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if request.viewer.is_privileged:
            return privileged(view)(request, *args, **kwargs)
        return view(request, *args, **kwargs)

    return door


@teller
def tell(request: Request, project_id: int) -> HttpResponse:
    """Say where it stands now, or how it goes."""
    found = _delivery_to_tell(request, project_id)
    today = queries.day_of(request.viewer.at)
    start = {"status": forms.STAYS, "happened_on": today, "due_on": found.due_on}
    form = forms.TellForm(request.POST or None, delivery=found, initial=start)
    if _is_done(
        request,
        form,
        lambda given: actions.tell(viewer=request.viewer, project_id=project_id, **given),
    ):
        return redirect(found)
    return _form(request, found, form, _("Say how it goes"), _("Tell everybody"))


@teller
def outcome(request: Request, project_id: int) -> HttpResponse:
    """Say what came of it, beside what was promised."""
    found = _delivery_to_tell(request, project_id)
    start = {"happened_on": queries.day_of(request.viewer.at)}
    form = forms.OutcomeForm(request.POST or None, initial=start)

    def say(given: dict[str, Any]) -> Post:
        came = Came(given.pop("came"))
        return actions.say_what_came(
            viewer=request.viewer, project_id=project_id, came=came, **given
        )

    if _is_done(request, form, say):
        return redirect(found)
    return _form(
        request, found, form, _("What came of it?"), _("Tell everybody"), shows_promise=True
    )


@teller
def who(request: Request, project_id: int) -> HttpResponse:
    """Write down who runs it."""
    found = _delivery(request, project_id)
    if not rules.may_name(request.viewer, found):
        raise PermissionDenied(_("Only those who run the pot say who runs a project of it."))
    start = {"organisation": found.organisation, "run_by": found.run_by}
    listed = queries.organisations(request.viewer)
    form = forms.WhoForm(request.POST or None, organisations=listed, initial=start)
    if _is_done(
        request,
        form,
        lambda given: actions.name_who_runs(viewer=request.viewer, project_id=project_id, **given),
    ):
        return redirect(found)
    return _form(request, found, form, _("Who runs it?"), _("Save"))


@teller
def plan(request: Request, project_id: int) -> HttpResponse:
    """Plan a milestone."""
    found = _delivery_to_tell(request, project_id)
    form = forms.MilestoneForm(request.POST or None)
    if _is_done(
        request,
        form,
        lambda given: actions.plan_milestone(viewer=request.viewer, project_id=project_id, **given),
    ):
        return redirect(found)
    return _form(request, found, form, _("Plan a milestone"), _("Save the milestone"))


@teller
def change(request: Request, milestone_id: int) -> HttpResponse:
    """Change what is planned."""
    found, step = _milestone_to_tell(request, milestone_id)
    form = forms.MilestoneForm(request.POST or None, instance=step)
    if _is_done(
        request,
        form,
        lambda given: actions.change_milestone(
            viewer=request.viewer, milestone_id=milestone_id, **given
        ),
    ):
        return redirect(found)
    return _form(request, found, form, _("Change a milestone"), _("Save the milestone"), step=step)


@teller
def reach(request: Request, milestone_id: int) -> HttpResponse:
    """Say that a milestone is reached."""
    found, step = _milestone_to_tell(request, milestone_id)
    start = {"done_on": queries.day_of(request.viewer.at)}
    form = forms.ReachForm(request.POST or None, initial=start)
    if _is_done(
        request,
        form,
        lambda given: actions.reach_milestone(
            viewer=request.viewer, milestone_id=milestone_id, **given
        ),
    ):
        return redirect(found)
    return _form(request, found, form, _("A milestone is reached"), _("Tell everybody"), step=step)


@teller
def drop(request: Request, milestone_id: int) -> HttpResponse:
    """Say that a milestone will not come."""
    found, step = _milestone_to_tell(request, milestone_id)
    form = forms.DropForm(request.POST or None)
    if _is_done(
        request,
        form,
        lambda given: actions.drop_milestone(
            viewer=request.viewer, milestone_id=milestone_id, **given
        ),
    ):
        return redirect(found)
    return _form(
        request, found, form, _("A milestone will not come"), _("Tell everybody"), step=step
    )


@teller
def correct(request: Request, post_id: int) -> HttpResponse:
    """Put right what an earlier post said."""
    post = queries.post(request.viewer, post_id)
    if post is None:
        raise Http404
    found = _delivery_to_tell(request, post.delivery.project_id)
    form = forms.CorrectForm(request.POST or None, post=post)
    if _is_done(
        request,
        form,
        lambda given: actions.correct(viewer=request.viewer, post_id=post_id, **given),
    ):
        return redirect(found)
    return _form(request, found, form, _("Put it right"), _("Tell everybody"), post=post)


# --- for moderators


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
def hide(request: Request, post_id: int) -> HttpResponse:
    """Hide what somebody told, and say why."""
    found, post = _post_to_hide(request, post_id)
    form = HideForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        actions.hide_post(viewer=request.viewer, post_id=post_id, **form.cleaned_data)
        messages.success(request, _("Hidden. The post stays there without its words."))
        return redirect(found)
    return _form(
        request, found, form, _("Hide what was told"), _("Hide these words"), post=post, hides=True
    )


@require_POST
@privileged
def show(request: Request, post_id: int) -> HttpResponse:
    """Show again what somebody told."""
    found, _post = _post_to_hide(request, post_id)
    actions.show_post_again(viewer=request.viewer, post_id=post_id)
    messages.success(request, _("Everyone can read this again."))
    return redirect(found)


def _post_to_hide(request: Request, post_id: int) -> tuple[Delivery, Post]:
    post = queries.post(request.viewer, post_id)
    if post is None:
        raise Http404
    found = _delivery(request, post.delivery.project_id)
    if not rules.may_hide(request.viewer, found):
        raise PermissionDenied(_("Only moderators hide what others wrote."))
    return found, post


# --- shared


def _delivery(request: Request, project_id: int) -> Delivery:
    return the_one(queries.numbered(request.viewer, project_id))


def _delivery_to_tell(request: Request, project_id: int) -> Delivery:
    found = _delivery(request, project_id)
    if not rules.may_tell(request.viewer, found):
        raise PermissionDenied(
            _("Only those who run this project, or the pot it comes from, say how it goes.")
        )
    return found


def _milestone_to_tell(request: Request, milestone_id: int) -> tuple[Delivery, Milestone]:
    step = queries.milestone(request.viewer, milestone_id)
    if step is None:
        raise Http404
    return _delivery_to_tell(request, step.delivery.project_id), step


def _known(found: Delivery) -> dict[str, Any]:
    project = found.project
    return {"nav": "money", "delivery": found, "project": project, "pot": project.pot}


def _is_done(request: Request, form: Any, action: Callable[[dict[str, Any]], Any]) -> bool:
    """Run the action of a form that is in order; put what it refuses into words beside the field."""
    if request.method != "POST" or not form.is_valid():
        return False
    try:
        action({**form.cleaned_data})
    except actions.NotThatWay:
        _refuse(
            form, "status", _("It does not go from where it stands to there. Look at it again.")
        )
    except actions.StillOpen as error:
        words = _("First say that these are reached, or drop them: %(titles)s")
        _refuse(form, "status", words % {"titles": ", ".join(error.titles)})
    except actions.NothingSaid:
        _refuse(form, "words", _("Say it in words: people want to know why"))
    except actions.NoSuchDay:
        words = _("Give a day between the opening of the vote and today")
        _refuse(form, "done_on" if "done_on" in form.fields else "happened_on", words)
    except actions.MoreThanItGot as error:
        words = _("This is %(over)s more than the vote gave. Say why, and who pays the rest.")
        _refuse(form, "overspend", words % {"over": pounds(error.pence)})
    except actions.ReachedAlready:
        _refuse(form, "", _("Somebody has said just now that it is reached. Look at it again."))
    except actions.NoLongerOpen:
        _refuse(form, "", _("It is reached, dropped or has ended: there is nothing more to plan."))
    else:
        messages.success(request, _("It stands there for everybody to read."))
        return True
    return False


def _refuse(form: Form, name: str, words: str) -> None:
    form.add_error(name if name in form.fields else None, words)


def _form(
    request: Request, found: Delivery, form: Any, heading: str, button: str, **more: Any
) -> HttpResponse:
    context = {**_known(found), "form": form, "heading": heading, "button": button, **more}
    return render(request, "milestones/form.html", context)


# --- feeds


class Atom(Atom1Feed):
    """An empty feed is as old as the hills, so that its answer stays the same."""

    def latest_post_date(self) -> datetime:
        """Return when the newest post was."""
        return super().latest_post_date() if self.items else datetime(2000, 1, 1, tzinfo=UTC)


class PotFeed(Feed):  # type: ignore[type-arg]
    """All that was told of what one pot funded, as an Atom feed."""

    feed_type = Atom

    def __call__(self, request: HttpRequest, *args: Any, **given: Any) -> HttpResponse:
        """Answer a reader's GET or HEAD alone."""
        return require_safe(super().__call__)(request, *args, **given)

    def get_object(self, request: HttpRequest, pot_id: int) -> tuple[Request, Pot]:
        """Return who asks, and about which pot."""
        asked = cast(Request, request)
        pot = queries.pot_told(asked.viewer, pot_id)
        if pot is None:
            raise Http404
        return asked, pot

    def title(self, obj: tuple[Request, Pot]) -> str:
        """Name the feed."""
        return _writable(_("What becomes of: %(pot)s") % {"pot": obj[1]})

    def link(self, obj: tuple[Request, Pot]) -> str:
        """Return the page that the feed goes with."""
        return obj[1].get_absolute_url()

    def author_name(self, obj: tuple[Request, Pot]) -> str:
        """Return who publishes it."""
        return _writable(obj[0].viewer.authority.run_by)

    def items(self, obj: tuple[Request, Pot]) -> list[Post]:
        """Return the newest posts."""
        return list(queries.posts_of_pot(obj[0].viewer, obj[1])[:IN_A_FEED])

    def item_title(self, item: Any) -> str:
        """Return what it tells of which project."""
        what = item.get_status_display() if item.kind == Kind.STATUS else item.get_kind_display()
        return _writable(f"{item.delivery}: {what}")

    def item_description(self, item: Any) -> str:
        """Return what was told; a summary is HTML."""
        return escape(_writable(item.shown["words"]))

    def item_guid(self, item: Any) -> str:
        """Return a name that the post keeps for ever, whatever the site's address."""
        return uuid.uuid5(uuid.NAMESPACE_URL, f"commonweal/delivery/post/{item.pk}").urn

    def item_pubdate(self, item: Any) -> datetime:
        """Return when it was told."""
        return cast(datetime, item.at)

    def item_updateddate(self, item: Any) -> datetime:
        """Return when it was told: posts never change."""
        return cast(datetime, item.at)


def _writable(words: str) -> str:
    return UNWRITABLE.sub("�", words)
