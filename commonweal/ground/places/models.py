"""Authorities, the tree of communities, who belongs to them, and organisations."""

from datetime import datetime

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from commonweal.kit.addresses import address


class OrganisationKind(models.TextChoices):
    """What sort of organisation."""

    COUNCIL = "council", _("Council")
    HEALTH_BOARD = "health-board", _("Health board")
    CHARITY = "charity", _("Charity")
    VOLUNTARY_GROUP = "voluntary-group", _("Voluntary group")
    ENTERPRISE = "enterprise", _("Enterprise")


class Authority(models.Model):
    """The public body that runs an installation's part. Rows never cross authorities."""

    name = models.CharField(max_length=120, unique=True)
    short_name = models.CharField(max_length=40)
    slug = models.SlugField(max_length=60, unique=True)
    host = models.CharField(max_length=253, unique=True, null=True, blank=True)
    run_by = models.CharField(max_length=200)
    phone = models.CharField(max_length=30, blank=True)
    email = models.EmailField(blank=True)

    class Meta:
        verbose_name_plural = "authorities"

    def __str__(self) -> str:
        return self.name


class CommunityKind(models.TextChoices):
    """What sort of community."""

    NATION = "nation", _("Nation")
    AUTHORITY = "authority", _("Authority")
    WARD = "ward", _("Ward")
    NEIGHBOURHOOD = "neighbourhood", _("Neighbourhood")
    INTEREST = "interest", _("Community of interest")


class Community(models.Model):
    """A place or an interest that people share; communities form a tree.

    ``ancestors`` lists the communities above it, the topmost first, so that a whole branch is one
    indexed question. It ends at the authority: a nation above that is shared, and gives no rights.
    """

    authority = models.ForeignKey(Authority, models.PROTECT, null=True, blank=True)
    parent = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="children"
    )
    ancestors = ArrayField(models.BigIntegerField(), default=list, blank=True)
    kind = models.CharField(max_length=20, choices=CommunityKind.choices)
    name = models.CharField(max_length=120)
    slug = models.SlugField(max_length=80)
    about = models.TextField(max_length=2000, blank=True)
    postcodes = ArrayField(models.CharField(max_length=8), default=list, blank=True)
    people_who_live_here = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "communities"
        indexes = (
            GinIndex(fields=("ancestors",), name="community_by_ancestor"),
            GinIndex(fields=("postcodes",), name="community_by_postcode"),
        )
        constraints = (
            models.UniqueConstraint(
                fields=("authority", "slug"), nulls_distinct=False, name="community_slug_is_unique"
            ),
            models.UniqueConstraint(
                fields=("authority",),
                condition=Q(kind="authority"),
                name="authority_has_one_root_community",
            ),
            models.CheckConstraint(
                name="community_has_an_authority_unless_a_nation",
                condition=Q(kind="nation", authority__isnull=True)
                | (~Q(kind="nation") & Q(authority__isnull=False)),
            ),
            models.CheckConstraint(
                name="community_has_a_parent_unless_at_the_top",
                condition=Q(kind__in=("nation", "authority")) | Q(parent__isnull=False),
            ),
            models.CheckConstraint(
                name="community_kind_is_known", condition=Q(kind__in=CommunityKind.values)
            ),
        )

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """Return the community's own page."""
        return address("places:community", self.slug)

    def get_kind_display(self) -> str:  # type: ignore[no-redef]
        """Return the kind's word (Django's own way reads every word each time)."""
        return str(CommunityKind(self.kind).label)

    @property
    def community_id(self) -> int:
        """Return itself, so that the journal finds the community of everything in one way."""
        return self.pk

    def branch(self) -> list[int]:
        """Return the community and all above it, the topmost first."""
        return [*self.ancestors, self.pk]


class Level(models.IntegerChoices):
    """How sure we are that a person belongs: the verification level."""

    SELF_DECLARED = 1, _("Self-declared")
    POSTCODE = 2, _("Postcode in the area")
    REGISTER = 3, _("Matched to a register")
    CODE_BY_POST = 4, _("Code sent by post")
    IN_PERSON = 5, _("Checked in person")


class Membership(models.Model):
    """A person belongs to a community, and this sure we are of it."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE)
    community = models.ForeignKey(Community, models.CASCADE)
    level = models.PositiveSmallIntegerField(choices=Level.choices, default=Level.SELF_DECLARED)
    joined_at = models.DateTimeField()
    verified_at = models.DateTimeField(null=True, blank=True)
    verified_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    expires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("person", "community"), name="person_joins_a_community_once"
            ),
            models.CheckConstraint(
                name="membership_level_is_known", condition=Q(level__in=Level.values)
            ),
            models.CheckConstraint(
                name="membership_above_self_declared_was_verified",
                condition=Q(level=Level.SELF_DECLARED) | Q(verified_at__isnull=False),
            ),
        )

    def __str__(self) -> str:
        return f"{self.person_id} in {self.community_id}"

    def holds(self, level: int, at: datetime) -> bool:
        """Tell whether this membership is at least that sure, and has not run out."""
        return self.level >= level and (self.expires_at is None or at < self.expires_at)


class StandingKind(models.TextChoices):
    """As what a person speaks."""

    RESIDENT = "resident", _("Resident")
    SERVICE_USER = "service-user", _("Uses the service")
    CARER = "carer", _("Carer")
    FRONT_LINE_STAFF = "front-line-staff", _("Front-line staff")
    SERVICE_LEADER = "service-leader", _("Service leader")
    CHARITY = "charity", _("Charity")
    ENTERPRISE = "enterprise", _("Enterprise")


class Organisation(models.Model):
    """A council, health board, charity, voluntary group or enterprise."""

    authority = models.ForeignKey(Authority, models.PROTECT)
    kind = models.CharField(max_length=20, choices=OrganisationKind.choices)
    name = models.CharField(max_length=120)
    slug = models.SlugField(max_length=80)
    about = models.TextField(max_length=2000, blank=True)
    website = models.URLField(blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("authority", "slug"), name="organisation_slug_is_unique"
            ),
            models.CheckConstraint(
                name="organisation_kind_is_known", condition=Q(kind__in=OrganisationKind.values)
            ),
        )

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """Return the organisation's own page."""
        return address("places:organisation", self.slug)


class OrganisationMember(models.Model):
    """A person speaks or works for an organisation."""

    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="members")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE)
    is_manager = models.BooleanField(default=False)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("organisation", "person"), name="person_joins_an_organisation_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.person_id} in {self.organisation_id}"


class Standing(models.Model):
    """As what a person speaks in a community: a person can be several things.

    What people say of themselves (resident, service user, carer) needs nobody's word; the others
    are confirmed by someone with the right to.
    """

    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE)
    community = models.ForeignKey(Community, models.CASCADE)
    kind = models.CharField(max_length=20, choices=StandingKind.choices)
    organisation = models.ForeignKey(Organisation, models.CASCADE, null=True, blank=True)
    confirmed_at = models.DateTimeField(null=True, blank=True)
    confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )

    SELF_DECLARED = (StandingKind.RESIDENT, StandingKind.SERVICE_USER, StandingKind.CARER)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("person", "community", "kind"), name="person_has_a_standing_once"
            ),
            models.CheckConstraint(
                name="standing_kind_is_known", condition=Q(kind__in=StandingKind.values)
            ),
        )

    def __str__(self) -> str:
        return self.kind

    @property
    def counts(self) -> bool:
        """Tell whether the person may speak as this now."""
        return self.kind in self.SELF_DECLARED or self.confirmed_at is not None


class RoleKind(models.TextChoices):
    """Rights in a community and everything below it."""

    MODERATOR = "moderator", _("Moderator")
    CLERK = "clerk", _("Clerk")
    ADMINISTRATOR = "administrator", _("Administrator")
    AUDITOR = "auditor", _("Auditor")


class Role(models.Model):
    """A person holds a right in a community and everything below it."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE)
    community = models.ForeignKey(Community, models.CASCADE)
    kind = models.CharField(max_length=20, choices=RoleKind.choices)
    granted_at = models.DateTimeField()
    granted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("person", "community", "kind"), name="person_holds_a_role_once"
            ),
            models.CheckConstraint(
                name="role_kind_is_known", condition=Q(kind__in=RoleKind.values)
            ),
        )

    def __str__(self) -> str:
        return self.kind
