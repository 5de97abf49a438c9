"""Entering a service, and keeping what is said about it right."""

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from commonweal.ground.directory import rules
from commonweal.ground.directory.models import Service
from commonweal.ground.journal import actions as journal
from commonweal.ground.places import rules as places
from commonweal.ground.places.models import Community, Organisation
from commonweal.ground.places.rules import Viewer


class SlugTaken(Exception):
    """Another service here already has this address."""


@transaction.atomic
def add_service(
    *,
    viewer: Viewer,
    community: Community,
    provider: Organisation,
    name: str,
    slug: str,
    purpose: str,
    for_whom: str,
    where: str,
    phone: str,
    email: str,
    website: str,
    hours: str,
) -> Service:
    """Enter a service that an organisation gives to a community. Raises ``SlugTaken``."""
    _may_offer(viewer, community, provider)
    if slug == "new":
        raise SlugTaken
    try:
        with transaction.atomic():
            service = Service.objects.create(
                authority=viewer.authority,
                community=community,
                provider=provider,
                name=name,
                slug=slug,
                purpose=purpose,
                for_whom=for_whom,
                where=where,
                phone=phone,
                email=email,
                website=website,
                hours=hours,
            )
    except IntegrityError as error:
        if "service_slug_is_unique" not in str(error):
            raise
        raise SlugTaken from error
    _record(viewer, "service.added", service)
    return service


@transaction.atomic
def change_service(
    *,
    viewer: Viewer,
    service_id: int,
    community: Community,
    provider: Organisation,
    name: str,
    purpose: str,
    for_whom: str,
    where: str,
    phone: str,
    email: str,
    website: str,
    hours: str,
) -> Service:
    """Change what is said about a service; its address stays, so that links do."""
    service = (
        Service.objects.select_for_update(of=("self",), no_key=True)
        .select_related("community")
        .get(pk=service_id, authority=viewer.authority)
    )
    if not rules.may_change(viewer, service):
        raise PermissionDenied(_("Only those who lead this community may change its services."))
    _may_offer(viewer, community, provider)
    service.community, service.provider = community, provider
    service.name, service.purpose, service.for_whom, service.where = name, purpose, for_whom, where
    service.phone, service.email, service.website, service.hours = phone, email, website, hours
    service.save()
    _record(viewer, "service.changed", service)
    return service


def _may_offer(viewer: Viewer, community: Community, provider: Organisation) -> None:
    if not places.may_lead(viewer, community):
        raise PermissionDenied(_("Only those who lead this community may enter services in it."))
    if provider.authority_id != viewer.authority.pk:
        raise PermissionDenied(_("This organisation belongs to another authority."))


def _record(viewer: Viewer, what: str, service: Service) -> None:
    journal.record(what=what, who=viewer.person, about=service, at=viewer.at, public=True)
