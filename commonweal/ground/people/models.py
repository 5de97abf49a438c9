"""People with an account."""

from datetime import datetime
from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils.translation import gettext_lazy as _


class PersonManager(BaseUserManager["Person"]):
    """Finds people by email whatever its capitals."""

    def get_by_natural_key(self, username: str | None) -> "Person":
        """Return the person with this email."""
        return self.get(email=(username or "").lower())


class Theme(models.TextChoices):
    """Which colours a person reads best."""

    DEVICE = "", _("As on my device")
    LIGHT = "light", _("Light")
    DARK = "dark", _("Dark")


class Person(AbstractBaseUser):
    """Someone with an account. Erased, only an anonymous stub stays for the records that need one."""

    email = models.EmailField(_("Email address"), unique=True, null=True, blank=True)
    name = models.CharField(_("Name that others see"), max_length=60, blank=True)
    theme = models.CharField(_("Colours"), max_length=5, choices=Theme.choices, blank=True)
    is_active = models.BooleanField(default=True)
    joined_at = models.DateTimeField(auto_now_add=True)
    erased_at = models.DateTimeField(null=True, blank=True)

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects: ClassVar[PersonManager] = PersonManager()

    class Meta:
        constraints = (
            models.CheckConstraint(
                name="person_email_is_lower_case", condition=Q(email=Lower(F("email")))
            ),
            models.CheckConstraint(
                name="person_erased_keeps_nothing",
                condition=Q(erased_at__isnull=True)
                | Q(email__isnull=True, name="", is_active=False),
            ),
            models.CheckConstraint(
                name="person_has_an_email_until_erased",
                condition=Q(erased_at__isnull=False) | Q(email__isnull=False),
            ),
        )

    def __str__(self) -> str:
        """Return the name that others see, which may be none."""
        if self.erased_at:
            return str(_("Someone who has left"))
        return self.name or str(_("Someone"))

    def get_absolute_url(self) -> str:
        """Return the page where people see their own part."""
        return reverse("people:mine")

    def has_usable_password(self) -> bool:
        """Tell the account library that nobody here has a password, so that it never asks for one."""
        return False

    def is_erased(self, at: datetime) -> bool:
        """Tell whether this person had left by then."""
        return self.erased_at is not None and self.erased_at <= at
