"""Public services that people use."""

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db import models
from django.db.models import F

from commonweal.ground.places.models import Authority, Community, Organisation
from commonweal.kit.addresses import address


class Service(models.Model):
    """Something public that people use: what it is for, who gives it, for whom, where, how to reach it."""

    authority = models.ForeignKey(Authority, models.PROTECT)
    community = models.ForeignKey(Community, models.PROTECT)
    provider = models.ForeignKey(Organisation, models.PROTECT, related_name="services")
    name = models.CharField(max_length=120)
    slug = models.SlugField(max_length=80)
    purpose = models.TextField(max_length=2000)
    for_whom = models.CharField(max_length=300)
    where = models.CharField(max_length=300)
    phone = models.CharField(max_length=30, blank=True)
    email = models.EmailField(blank=True)
    website = models.URLField(blank=True)
    hours = models.CharField(max_length=200, blank=True)
    search = models.GeneratedField(
        expression=SearchVector(F("name"), weight="A", config="english")
        + SearchVector(F("purpose"), weight="B", config="english")
        + SearchVector(F("for_whom"), weight="C", config="english"),
        output_field=SearchVectorField(),
        db_persist=True,
    )

    class Meta:
        indexes = (GinIndex(fields=("search",), name="service_search"),)
        constraints = (
            models.UniqueConstraint(fields=("authority", "slug"), name="service_slug_is_unique"),
            models.CheckConstraint(
                name="service_says_what_it_is_for", condition=~models.Q(purpose="")
            ),
        )

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """Return the service's own page."""
        return address("directory:service", self.slug)
