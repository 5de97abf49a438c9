"""The tables of a test begin empty, quickly, and keep what they refuse."""

import pytest
from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.db import IntegrityError, connection
from django.utils import timezone

from commonweal.ground.journal.actions import record
from commonweal.ground.journal.models import Entry
from commonweal.ground.places.models import Authority, Community
from tests.factories import world
from tests.tables import EMPTY

pytestmark = pytest.mark.django_db(transaction=True)
STAY = {"auth_permission", "django_content_type"}


def test_after_a_test_every_table_is_empty(authority: Authority, community: Community) -> None:
    world.a_person(community)
    record(what="proposal.published", who=None, about=authority, at=timezone.now(), public=True)
    with connection.cursor() as cursor:
        cursor.execute(EMPTY)
    kinds = {kind for kind in apps.get_models() if kind._meta.db_table not in STAY}
    assert not {kind for kind in kinds if kind._meta.managed and kind._base_manager.exists()}
    assert ContentType.objects.exists()


def test_emptying_leaves_the_record_as_stubborn_as_it_was(authority: Authority) -> None:
    with connection.cursor() as cursor:
        cursor.execute(EMPTY)
    made = world.an_authority()
    record(what="proposal.published", who=None, about=made, at=timezone.now(), public=True)
    with pytest.raises(IntegrityError, match="append-only"):
        Entry.objects.update(what="proposal.hidden")
    with pytest.raises(IntegrityError):
        Community.objects.filter(authority=made).update(authority=0)
