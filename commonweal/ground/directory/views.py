"""Pages about public services."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from commonweal.ground.directory import actions, forms, queries, rules
from commonweal.ground.directory.models import Service
from commonweal.ground.places import queries as places
from commonweal.kit.doors import privileged
from commonweal.kit.request import Request

ON_A_PAGE = 20
FIELDS = ("name", "purpose", "for_whom", "where", "hours", "phone", "email", "website")


@require_safe
def service_list(request: Request) -> HttpResponse:
    """Show the services, those with certain words or near a community."""
    viewer = request.viewer
    words = request.GET.get("q", "").replace("\x00", "").strip()[:100]
    slug = request.GET.get("community", "").replace("\x00", "")[:80]
    chosen = places.communities(viewer).filter(slug=slug).first() if slug else None
    found = queries.search(queries.services(viewer), words=words, community=chosen)
    page = Paginator(found, ON_A_PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "q": words,
        "chosen": chosen,
        "communities": queries.communities(viewer),
        "may_add": rules.may_add_somewhere(viewer),
    }
    return render(request, "directory/list.html", context)


@require_safe
def service(request: Request, slug: str) -> HttpResponse:
    """Show a service: what it is for, for whom, where, and how to reach it."""
    found = get_object_or_404(queries.services(request.viewer), slug=slug)
    may_change = rules.may_change(request.viewer, found)
    return render(request, "directory/service.html", {"service": found, "may_change": may_change})


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
def add(request: Request) -> HttpResponse:
    """Enter a service."""
    viewer = request.viewer
    if not rules.may_add_somewhere(viewer):
        raise PermissionDenied(_("Only those who lead a community may enter services."))
    form = forms.ServiceForm(request.POST if request.method == "POST" else None, viewer=viewer)
    if form.is_valid():
        given = form.cleaned_data
        slug = places.free_slug(queries.services(viewer), given["name"])
        try:
            made = actions.add_service(viewer=viewer, slug=slug, **given)
        except actions.SlugTaken:
            form.add_error("name", _("Someone just added one with this name. Look at it first."))
        except PermissionDenied as refusal:
            form.add_error("community", str(refusal))
        else:
            return _done(request, _("Added."), made)
    return render(request, "directory/form.html", {"form": form})


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
def change(request: Request, slug: str) -> HttpResponse:
    """Change what is said about a service."""
    viewer = request.viewer
    found = get_object_or_404(queries.services(viewer), slug=slug)
    if not rules.may_change(viewer, found):
        raise PermissionDenied(_("Only those who lead this community may change its services."))
    initial: dict[str, Any] = {name: getattr(found, name) for name in FIELDS}
    initial |= {"community": found.community.slug, "provider": found.provider_id}
    data = request.POST if request.method == "POST" else None
    form = forms.ServiceForm(data, initial=initial, viewer=viewer)
    if form.is_valid():
        try:
            saved = actions.change_service(viewer=viewer, service_id=found.pk, **form.cleaned_data)
        except PermissionDenied as refusal:
            form.add_error("community", str(refusal))
        else:
            return _done(request, _("Saved."), saved)
    return render(request, "directory/form.html", {"form": form, "service": found})


def _done(request: Request, words: str, service: Service) -> HttpResponse:
    messages.success(request, words)
    return redirect(service)
