"""The administrators' page of background jobs: what waits, what runs, what failed, try again."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Count, Max, Q
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe
from procrastinate.contrib.django.models import ProcrastinateJob

from commonweal.ground.places.models import Community, RoleKind
from commonweal.kit import jobs
from commonweal.kit.doors import privileged
from commonweal.kit.request import Request

A_PAGE = 30
SHOWN = ("failed", "doing", "todo")


@require_safe
@privileged
def page(request: Request) -> HttpResponse:
    """Show every queue, and the jobs in it that failed, run or wait."""
    _administers(request)
    rows = ProcrastinateJob.objects.filter(status__in=SHOWN)
    queues = (
        rows.values("queue_name")
        .annotate(**{state: Count("pk", filter=Q(status=state)) for state in SHOWN})
        .order_by("queue_name")
    )
    state = request.GET.get("state", "failed")
    if state not in SHOWN:
        state = "failed"
    listed = rows.filter(status=state).annotate(last_at=Max("procrastinateevent__at"))
    found = Paginator(listed.order_by("-pk"), A_PAGE).get_page(request.GET.get("page"))
    listed_now = list(found.object_list)
    states = (
        ("failed", _("Failed")),
        ("doing", _("Running")),
        ("todo", _("Waiting")),
    )
    context = {
        "nav": "desk",
        "queues": list(queues),
        "page": found,
        "jobs": list(zip(listed_now, jobs.troubles(listed_now), strict=True)),
        "state": state,
        "states": states,
    }
    return render(request, "web/jobs.html", context)


@require_POST
@privileged
def retry(request: Request, number: int) -> HttpResponse:
    """Queue a failed job once more; one that has not failed is left alone."""
    _administers(request)
    if number < 2**63 and jobs.retry(number):
        messages.success(request, _("The job is queued again."))
    else:
        messages.error(request, _("That job has not failed, or the same one waits already."))
    return redirect("web:jobs")


def _administers(request: Request) -> None:
    """Jobs are the whole site's: they are for those who administer a whole authority."""
    seats = [r.community_id for r in request.viewer.roles if r.kind == RoleKind.ADMINISTRATOR]
    if not Community.objects.filter(pk__in=seats, kind="authority").exists():
        raise PermissionDenied(_("Background jobs are for administrators of the whole authority."))
