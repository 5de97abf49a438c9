"""Registers of people, kept as hashes alone, and voting codes for people without an account."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from commonweal.decide.budgets.models import Pot
from commonweal.ground.places.models import Authority, Community
from commonweal.kit.addresses import address


class Part(models.TextChoices):
    """What a register knows people by, in the order in which it goes into the hash."""

    NUMBER = "number", _("A number, as on a poll card or a membership card")
    SURNAME = "surname", _("Surname")
    FIRST_NAME = "first_name", _("First name")
    POSTCODE = "postcode", _("Postcode")
    BORN = "born", _("Date of birth")


def new_sealed_key() -> bytes:
    """Return a fresh random key, sealed by the site's own: a copy of the database does not open it."""
    return _seal().encrypt(secrets.token_bytes(32))


def opened(sealed: bytes | memoryview[int]) -> bytes:
    """Return a key that was sealed with the site's key, or with an earlier one of it."""
    return _seal().decrypt(bytes(sealed))


def _seal() -> MultiFernet:
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    digests = [hashlib.sha256(f"registers:{key!s}".encode()).digest() for key in keys]
    return MultiFernet([Fernet(base64.urlsafe_b64encode(digest)) for digest in digests])


def digests_of(text: str) -> list[bytes]:
    """Return the hashes of a text under the site's key and each earlier one, the present first."""
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return [hmac.digest(f"registers:{key!s}".encode(), text.encode(), "sha256") for key in keys]


class Register(models.Model):
    """A list of the people of a community, uploaded by staff; of each only a keyed hash is kept."""

    authority = models.ForeignKey(Authority, models.PROTECT)
    community = models.ForeignKey(Community, models.PROTECT)
    title = models.CharField(max_length=120)
    parts = ArrayField(models.CharField(max_length=10, choices=Part.choices), default=list)
    key = models.BinaryField(null=True, default=new_sealed_key, editable=False)
    delete_on = models.DateField(null=True, blank=True)
    uploaded_at = models.DateTimeField()
    uploaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                name="register_deleted_has_no_key",
                condition=Q(deleted_at__isnull=True, key__isnull=False)
                | Q(deleted_at__isnull=False, key__isnull=True),
            ),
        )

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        """Return the page where people find themselves in it."""
        return address("registers:match", self.pk)


class Entry(models.Model):
    """One person of a register, as a keyed hash of what identifies them.

    An entry is never deleted: the roll of a pot may point at it. Forgotten, it has no hash.
    """

    register = models.ForeignKey(Register, models.CASCADE, related_name="entries")
    digest = models.BinaryField(max_length=32, null=True)
    place = models.ForeignKey(Community, models.PROTECT, null=True, blank=True, related_name="+")
    person = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    gone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("register", "digest"), name="register_has_a_digest_once"
            ),
            models.CheckConstraint(
                name="entry_that_is_gone_is_nobodys",
                condition=Q(gone_at__isnull=True) | Q(person__isnull=True),
            ),
        )

    def __str__(self) -> str:
        return f"entry {self.pk}"


class BatchKind(models.TextChoices):
    """How the codes of a batch reach people."""

    SHEETS = "sheets", _("Sheets to hand out, each with a code for nobody in particular")
    LETTERS = "letters", _("A letter to each person of a list")
    MAIL = "mail", _("An email to each address of a list")
    DESK = "desk", _("Handed out one by one at the desk")


class CodeBatch(models.Model):
    """Voting codes that were made together for one pot.

    The key from which the codes of a mail are worked out is kept, sealed, until all of it went out.
    """

    authority = models.ForeignKey(Authority, models.PROTECT)
    pot = models.ForeignKey(Pot, models.PROTECT, related_name="code_batches")
    register = models.ForeignKey(Register, models.PROTECT, null=True, blank=True, related_name="+")
    kind = models.CharField(max_length=8, choices=BatchKind.choices)
    key = models.BinaryField(null=True, editable=False)
    made_at = models.DateTimeField()
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    cancelled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                name="code_batch_kind_is_known", condition=Q(kind__in=BatchKind.values)
            ),
            models.CheckConstraint(
                name="code_batch_keeps_a_key_for_mail_alone",
                condition=Q(key__isnull=True) | Q(kind="mail"),
            ),
            models.UniqueConstraint(
                fields=("pot",), condition=Q(kind="desk"), name="pot_has_one_code_batch_of_its_desk"
            ),
        )

    def __str__(self) -> str:
        return f"batch {self.pk}"


class Code(models.Model):
    """A voting code for one pot, kept as a keyed hash; that it was used stands on the pot's roll.

    Its number stands on the letter, so that a lost one can be cancelled without knowing the code.
    """

    authority = models.ForeignKey(Authority, models.PROTECT)
    pot = models.ForeignKey(Pot, models.PROTECT, related_name="+")
    batch = models.ForeignKey(
        CodeBatch, models.PROTECT, null=True, blank=True, related_name="codes"
    )
    number = models.PositiveIntegerField(default=0)
    entry = models.ForeignKey(Entry, models.PROTECT, null=True, blank=True, related_name="+")
    digest = models.BinaryField(max_length=32, unique=True, null=True)
    cancelled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("pot", "entry"),
                condition=Q(cancelled_at__isnull=True, entry__isnull=False),
                name="entry_has_one_code_that_counts",
            ),
            models.UniqueConstraint(
                fields=("batch", "number"), name="code_batch_has_a_number_once"
            ),
        )

    def __str__(self) -> str:
        return f"code {self.pk}"


class Mail(models.Model):
    """A mail with a voting code: the address is forgotten once it went out, its hash stays.

    The hash keeps a second upload of the same list from writing to anybody twice.
    """

    batch = models.ForeignKey(CodeBatch, models.CASCADE, related_name="mails")
    pot = models.ForeignKey(Pot, models.PROTECT, related_name="+")
    number = models.PositiveIntegerField()
    address = models.EmailField(blank=True)
    digest = models.BinaryField(max_length=32)
    sent_at = models.DateTimeField(null=True, blank=True)
    refused_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("pot", "digest"), name="address_gets_one_code_a_pot"),
            models.UniqueConstraint(
                fields=("batch", "number"), name="mail_has_a_number_of_its_own"
            ),
            models.CheckConstraint(
                name="mail_that_went_out_forgets_its_address",
                condition=Q(sent_at__isnull=True) | Q(address=""),
            ),
        )
        indexes = (
            models.Index(
                fields=("batch", "number"),
                condition=Q(sent_at__isnull=True, refused_at__isnull=True),
                name="mail_to_send",
            ),
        )

    def __str__(self) -> str:
        return f"mail {self.pk}"
