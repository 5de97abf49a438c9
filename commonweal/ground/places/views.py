"""Pages about communities, who belongs to them, and organisations."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import ObjectDoesNotExist, PermissionDenied
from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from commonweal.ground.places import actions, forms, queries, rules
from commonweal.ground.places.models import (
    Community,
    CommunityKind,
    Level,
    Organisation,
    OrganisationKind,
    RoleKind,
    StandingKind,
)
from commonweal.kit.composed import Rows
from commonweal.kit.doors import privileged, signed_in, the_one
from commonweal.kit.request import Request

ON_A_PAGE = 30
BIGGEST = 2**63 - 1


@require_safe
def community_list(request: Request) -> HttpResponse:
    """Show the tree from the top, a page of it at a time, or those with a name."""
    viewer = request.viewer
    words = _words(request)
    top = queries.root(viewer)
    found = queries.named(viewer, words) if words else queries.children(viewer, top)
    page = _page(request, found)
    inside = {} if words else queries.first_children(viewer, [row.pk for row in page])
    rows = [(row, inside.get(row.pk, [])) for row in page]
    return render(
        request,
        "places/list.html",
        {"page": page, "rows": rows, "q": words, "top": top, "form": forms.PostcodeForm()},
    )


@require_http_methods(["GET", "HEAD", "POST"])
def near(request: Request) -> HttpResponse:
    """Lead to the community that a postcode lies in. It comes by post, so that no log has it."""
    form = forms.PostcodeForm(request.POST if request.method == "POST" else None)
    unknown = False
    if form.is_valid():
        found = queries.nearest(request.viewer, form.cleaned_data["postcode"])
        if found is not None:
            return redirect(found)
        unknown = True
    return render(request, "places/near.html", {"form": form, "unknown": unknown})


@require_safe
def community(request: Request, slug: str) -> HttpResponse:
    """Show a community: what it is, what is open to you there, what lies inside it."""
    return _community_page(request, slug)


@require_POST
@signed_in
def join(request: Request, slug: str) -> HttpResponse:
    """Join, or give a postcode to those who joined without one."""
    here = _community(request, slug)
    form = forms.JoinForm(request.POST)
    if form.is_valid():
        given = form.cleaned_data["postcode"]
        try:
            member = actions.join_community(viewer=request.viewer, community=here, postcode=given)
        except actions.PostcodeElsewhere:
            form.add_error(
                "postcode",
                _("This postcode is not of %(place)s, as far as we know. Leave it out to join.")
                % {"place": here.name},
            )
        else:
            return _done(request, _joined_words(here, member.level), here)
    return _community_page(request, slug, join_form=form)


@require_POST
@signed_in
def leave(request: Request, slug: str) -> HttpResponse:
    """Leave a community."""
    here = _community(request, slug)
    actions.leave_community(viewer=request.viewer, community=here)
    return _done(request, _("You no longer belong to %(place)s.") % {"place": here.name}, here)


@require_POST
@signed_in
def declare(request: Request, slug: str) -> HttpResponse:
    """Say as what one speaks."""
    here = _community(request, slug)
    form = forms.StandingForm(request.POST, viewer=request.viewer)
    if not form.is_valid():
        return _community_page(request, slug, standing_form=form)
    standing = actions.declare_standing(
        viewer=request.viewer,
        community=here,
        kind=StandingKind(form.cleaned_data["kind"]),
        organisation=form.cleaned_data["organisation"],
    )
    words = (
        _("Noted. You may speak as this now.")
        if standing.counts
        else _("Noted. An administrator has to confirm it before it counts.")
    )
    return _done(request, words, here)


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
def add(request: Request, slug: str) -> HttpResponse:
    """Add a community inside this one."""
    here = _community(request, slug)
    _let_in(
        rules.may_administer(request.viewer, here), _("Only administrators may add communities.")
    )
    form = forms.CommunityForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        given = form.cleaned_data
        try:
            made = actions.add_community(
                viewer=request.viewer,
                parent=here,
                slug=queries.free_slug(queries.communities(request.viewer), given["name"]),
                **{**given, "kind": CommunityKind(given["kind"])},
            )
        except actions.SlugTaken:
            form.add_error("name", _("Someone just added one with this name. Look at it first."))
        else:
            return _done(request, _("Added."), made)
    return render(request, "places/community_form.html", {"form": form, "community": here})


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
def change(request: Request, slug: str) -> HttpResponse:
    """Change what a community says of itself, or where it stands."""
    here = _community(request, slug)
    viewer = request.viewer
    _let_in(rules.may_administer(viewer, here), _("Only administrators may change communities."))
    initial = {
        "name": here.name,
        "about": here.about,
        "postcodes": ", ".join(here.postcodes),
        "people_who_live_here": here.people_who_live_here,
        "parent": here.parent.slug if here.parent else None,
    }
    data = request.POST if request.method == "POST" else None
    form = forms.ChangeCommunityForm(data, initial=initial, viewer=viewer, community=here)
    if form.is_valid():
        given = dict(form.cleaned_data)
        parent = given.pop("parent", None)
        try:
            actions.change_community(viewer=viewer, community=here, parent=parent, **given)
        except actions.WouldBeACycle:
            form.add_error("parent", _("A community cannot stand inside itself"))
        else:
            return _done(request, _("Saved."), here)
    return render(
        request, "places/community_form.html", {"form": form, "community": here, "changes": True}
    )


@require_safe
@privileged
def people(request: Request, slug: str) -> HttpResponse:
    """Show who belongs here, how sure we are of them, and who has which right."""
    return _people_page(request, _community(request, slug))


@require_POST
@privileged
def verify(request: Request, slug: str, pk: int) -> HttpResponse:
    """Record how staff made sure of a member."""
    here = _community(request, slug)
    form = forms.VerifyForm(request.POST, viewer=request.viewer)
    if not form.is_valid():
        return _people_page(request, here, verify_form=form)
    try:
        actions.verify_membership(
            viewer=request.viewer,
            membership_id=_small(pk),
            level=form.cleaned_data["level"],
            expires_at=form.cleaned_data["expires_on"],
        )
    except ObjectDoesNotExist as error:
        raise Http404 from error
    messages.success(request, _("Noted."))
    return redirect("places:people", here.slug)


@require_POST
@privileged
def roles(request: Request, slug: str) -> HttpResponse:
    """Give someone a right here."""
    here = _community(request, slug)
    _let_in(rules.may_administer(request.viewer, here), _("Only administrators may grant roles."))
    form = forms.RoleForm(request.POST, viewer=request.viewer)
    if not form.is_valid():
        return _people_page(request, here, role_form=form)
    try:
        actions.grant_role(
            viewer=request.viewer,
            person=form.cleaned_data["email"],
            community=here,
            kind=RoleKind(form.cleaned_data["kind"]),
        )
    except actions.HasLeft:
        form.add_error("email", _("This person has just left"))
        return _people_page(request, here, role_form=form)
    messages.success(request, _("Granted. They need a second step at sign-in to use it."))
    return redirect("places:people", here.slug)


@require_POST
@privileged
def confirm(request: Request, pk: int) -> HttpResponse:
    """Give one's word for a standing."""
    try:
        standing = actions.confirm_standing(viewer=request.viewer, standing_id=_small(pk))
    except ObjectDoesNotExist as error:
        raise Http404 from error
    messages.success(request, _("Confirmed."))
    return _back(request, "places:people", standing.community.slug)


@require_POST
@signed_in
def withdraw(request: Request, pk: int) -> HttpResponse:
    """End a standing: one's own, or as an administrator."""
    viewer = request.viewer
    standing = queries.standing(viewer, _small(pk))
    if standing is None:
        return _back(request, "people:mine")  # a second click: it has ended already
    if not viewer.person or standing.person_id != viewer.person.pk:
        if not rules.may_administer(viewer, standing.community):
            raise Http404
        if not viewer.has_second_factor:
            return redirect("people:second_factor")
    actions.withdraw_standing(viewer=viewer, standing_id=standing.pk)
    messages.success(request, _("Ended."))
    return _back(request, "people:mine")


@require_POST
@privileged
def withdraw_role(request: Request, pk: int) -> HttpResponse:
    """Take a right back."""
    role = queries.role(request.viewer, _small(pk))
    if role is None:
        raise Http404
    try:
        actions.withdraw_role(viewer=request.viewer, role_id=role.pk)
    except actions.LastAdministrator:
        messages.error(request, _("Make someone else an administrator first: nobody else is one."))
    else:
        messages.success(request, _("Taken back."))
    if not rules.may_see_people(request.viewer, role.community):
        return redirect("people:mine")
    return redirect("places:people", role.community.slug)


@require_safe
def organisation_list(request: Request) -> HttpResponse:
    """Show the organisations that take part."""
    words = _words(request)
    page = _page(request, queries.organisations(request.viewer, words=words))
    may_add = rules.may_run_organisations(request.viewer)
    return render(
        request, "places/organisations.html", {"page": page, "q": words, "may_add": may_add}
    )


@require_safe
def organisation(request: Request, slug: str) -> HttpResponse:
    """Show an organisation; those who run it also see who is in it."""
    return _organisation_page(request, slug)


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
def add_organisation(request: Request) -> HttpResponse:
    """Enter an organisation."""
    viewer = request.viewer
    _let_in(
        rules.may_run_organisations(viewer),
        _("Only an administrator of the authority may add organisations."),
    )
    form = forms.OrganisationForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        given = form.cleaned_data
        slug = queries.free_slug(queries.organisations(viewer), given["name"])
        try:
            made = actions.add_organisation(
                viewer=viewer, slug=slug, **{**given, "kind": OrganisationKind(given["kind"])}
            )
        except actions.SlugTaken:
            form.add_error("name", _("Someone just added one with this name. Look at it first."))
        else:
            return _done(request, _("Added."), made)
    return render(request, "places/organisation_form.html", {"form": form})


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def change_organisation(request: Request, slug: str) -> HttpResponse:
    """Change what an organisation says of itself."""
    found = get_object_or_404(queries.organisations(request.viewer), slug=slug)
    _let_in(
        rules.may_manage(request.viewer, found),
        _("Only those who run this organisation, or an administrator, may change it."),
    )
    if rules.may_run_organisations(request.viewer) and not request.viewer.has_second_factor:
        return redirect("people:second_factor")
    initial = {name: getattr(found, name) for name in ("name", "kind", "about", "website")}
    data = request.POST if request.method == "POST" else None
    form = forms.OrganisationForm(data, initial=initial)
    if form.is_valid():
        given = form.cleaned_data
        actions.change_organisation(
            viewer=request.viewer,
            organisation=found,
            **{**given, "kind": OrganisationKind(given["kind"])},
        )
        return _done(request, _("Saved."), found)
    return render(request, "places/organisation_form.html", {"form": form, "organisation": found})


@require_POST
@signed_in
def members(request: Request, slug: str) -> HttpResponse:
    """Say that someone belongs to an organisation."""
    found = get_object_or_404(queries.organisations(request.viewer), slug=slug)
    _let_in(
        rules.may_manage(request.viewer, found),
        _("Only those who run this organisation, or an administrator, may change it."),
    )
    if rules.may_run_organisations(request.viewer) and not request.viewer.has_second_factor:
        return redirect("people:second_factor")
    form = forms.MemberForm(request.POST, viewer=request.viewer)
    if not form.is_valid():
        return _organisation_page(request, slug, form=form)
    try:
        actions.add_organisation_member(
            viewer=request.viewer,
            organisation=found,
            person=form.cleaned_data["email"],
            is_manager=form.cleaned_data["is_manager"],
        )
    except actions.HasLeft:
        form.add_error("email", _("This person has just left"))
        return _organisation_page(request, slug, form=form)
    return _done(request, _("Added."), found)


@require_POST
@signed_in
def remove_member(request: Request, pk: int) -> HttpResponse:
    """Let someone go from an organisation, or leave it."""
    member = queries.organisation_member(request.viewer, _small(pk))
    if member is None:
        raise Http404
    is_self = request.viewer.person is not None and member.person_id == request.viewer.person.pk
    if not is_self and not rules.may_manage(request.viewer, member.organisation):
        raise Http404
    if not is_self and request.viewer.is_privileged and not request.viewer.has_second_factor:
        return redirect("people:second_factor")
    actions.remove_organisation_member(viewer=request.viewer, member_id=member.pk)
    return _done(request, _("They no longer belong to it."), member.organisation)


def _community(request: Request, slug: str) -> Community:
    found: Community = get_object_or_404(queries.communities(request.viewer), slug=slug)
    return found


def _community_page(
    request: Request,
    slug: str,
    *,
    join_form: forms.JoinForm | None = None,
    standing_form: forms.StandingForm | None = None,
) -> HttpResponse:
    viewer = request.viewer
    here: Any = the_one(queries.at_address(viewer, slug))
    context: dict[str, Any] = {
        "community": here,
        "above": queries.ancestors(viewer, here),
        "page": (
            _page(request, queries.children(viewer, here), here.child_count)
            if here.child_count
            else None
        ),
        "form": join_form if join_form is not None else standing_form,
        "join_form": join_form or forms.JoinForm(),
        "may_administer": rules.may_administer(viewer, here),
        "may_see_people": rules.may_see_people(viewer, here),
    }
    if viewer.person is not None:
        mine = [row for row in viewer.memberships if row.community_id == here.pk]
        context["membership"] = mine[0] if mine else None
        context["holds_now"] = bool(mine) and mine[0].holds(Level.SELF_DECLARED, viewer.at)
        context["standings"] = [row for row in viewer.declared if row.community_id == here.pk]
        if standing_form is None:
            standing_form = forms.StandingForm(viewer=viewer)
        context["standing_form"] = standing_form
    return render(request, "places/community.html", context)


def _people_page(
    request: Request,
    here: Community,
    *,
    verify_form: forms.VerifyForm | None = None,
    role_form: forms.RoleForm | None = None,
) -> HttpResponse:
    viewer = request.viewer
    _let_in(
        rules.may_see_people(viewer, here),
        _("Only clerks and administrators of this community see who belongs to it."),
    )
    words = _words(request)
    page = _page(request, queries.members(viewer, here, words=words))
    standings = queries.standings_of(viewer, here, [row.person_id for row in page])
    is_administrator = rules.may_administer(viewer, here)
    context = {
        "community": here,
        "page": page,
        "q": words,
        "rows": [(row, standings.get(row.person_id, [])) for row in page],
        "form": verify_form if verify_form is not None else role_form,
        "verify_form": verify_form or forms.VerifyForm(viewer=viewer),
        "is_administrator": is_administrator,
    }
    if is_administrator:
        context["role_form"] = role_form or forms.RoleForm(viewer=viewer, auto_id="role_%s")
        context["roles"] = queries.roles_in(viewer, here)
    return render(request, "places/people.html", context)


def _organisation_page(
    request: Request, slug: str, *, form: forms.MemberForm | None = None
) -> HttpResponse:
    viewer = request.viewer
    found = get_object_or_404(queries.organisations(viewer), slug=slug)
    may_manage = rules.may_manage(viewer, found)
    context: dict[str, Any] = {"organisation": found, "may_manage": may_manage}
    if may_manage:
        context["form"] = form or forms.MemberForm(viewer=viewer)
        context["page"] = _page(request, queries.organisation_members(found))
    return render(request, "places/organisation.html", context)


def _joined_words(here: Community, level: int) -> str:
    if level == Level.SELF_DECLARED:
        return _("You belong to %(place)s.") % {"place": here.name}
    return _("You belong to %(place)s, and we are surer of it now.") % {"place": here.name}


def _words(request: Request) -> str:
    return request.GET.get("q", "").replace("\x00", "").strip()[:100]


def _page(request: Request, rows: QuerySet[Any] | Rows[Any], count: int | None = None) -> Page[Any]:
    pages = Paginator(rows, ON_A_PAGE)
    if count is not None:  # known already: one question less
        pages.count = count
    return pages.get_page(request.GET.get("page"))


def _let_in(may: bool, words: str) -> None:
    if not may:
        raise PermissionDenied(words)


def _small(pk: int) -> int:
    """Return a number that a row could have: an address may hold any."""
    if pk > BIGGEST:
        raise Http404
    return pk


def _done(request: Request, words: str, where: Community | Organisation) -> HttpResponse:
    messages.success(request, words)
    return redirect(where)


def _back(request: Request, otherwise: str, *arguments: str) -> HttpResponse:
    """Return to the page the form stood on, if it is one of ours."""
    wanted = request.POST.get("next", "")
    if wanted.startswith("/") and url_has_allowed_host_and_scheme(wanted, None):
        return redirect(wanted)
    return redirect(otherwise, *arguments)
