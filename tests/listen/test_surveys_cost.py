"""A survey of sixty questions on a page costs no more than one of three."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from commonweal.ground.people.models import Person
from commonweal.ground.places.models import Community, RoleKind
from commonweal.listen.surveys.models import Kind
from tests.factories import world
from tests.listen import surveys
from tests.visit import sign_in

pytestmark = pytest.mark.django_db
MOST = 12
CONTROL = ("SAVEPOINT", "RELEASE", "ROLLBACK", "BEGIN", "COMMIT")


def test_sixty_questions_and_every_page_of_staff_cost_at_most_twelve_statements(
    community: Community, resident: Person
) -> None:
    top = world.a_person(world.root(community.authority), role=RoleKind.ADMINISTRATOR, name="Ada")
    own = type("Own", (), surveys.one_of_each(community, top))
    own.challenge = world.a_challenge(community.authority)  # type: ignore[attr-defined]
    for n in range(60):
        for one in (own.survey, own.told_survey, own.draft_survey):  # type: ignore[attr-defined]
            kind = (Kind.ONE, Kind.TEXT, Kind.SCALE, Kind.PLACE)[n % 4]
            surveys.ask(one, kind, f"Question {n}?", *(("A", "B", "*C") if n % 4 == 0 else ()))
    surveys.grow(community, top, own, 6)
    open_, told, draft = own.survey.pk, own.told_survey.pk, own.draft_survey.pk  # type: ignore[attr-defined]
    staff = sign_in(Client(), top, second_factor=True)
    here = sign_in(Client(), resident)
    guest = Client()
    guest.post(f"/surveys/{open_}/begin/")
    rides = own.told_survey.items.get(words__startswith="Do you")  # type: ignore[attr-defined]
    lives = own.told_survey.items.get(words="Where do you live?")  # type: ignore[attr-defined]
    item, entry = own.survey_item.pk, own.survey_entry.pk  # type: ignore[attr-defined]
    costs = {}
    for name, client, address in (
        ("list", guest, "/surveys/"),
        ("start", guest, f"/surveys/{open_}/"),
        ("page", guest, f"/surveys/{open_}/page/2/"),
        ("page", here, f"/surveys/{open_}/page/2/"),
        ("page", staff, f"/surveys/{open_}/page/2/"),
        ("results", guest, f"/surveys/{told}/results/"),
        ("results", staff, f"/surveys/{open_}/results/"),
        ("by", guest, f"/surveys/{told}/results/by/?row={rides.pk}&column={lives.pk}"),
        ("by", staff, f"/surveys/{told}/results/by/?row={lives.pk}&column={rides.pk}"),
        ("run", staff, f"/desk/surveys/{open_}/"),
        ("run", staff, f"/desk/surveys/{draft}/"),
        ("preview", staff, f"/desk/surveys/{draft}/preview/2/"),
        ("item", staff, f"/desk/surveys/items/{item}/"),
        ("when", staff, f"/desk/surveys/items/{item}/when/"),
        ("key", staff, f"/desk/surveys/{open_}/key/"),
        ("entered", staff, f"/desk/surveys/{open_}/entered/"),
        ("correct", staff, f"/desk/surveys/entered/{entry}/"),
        ("judge", staff, f"/desk/surveys/{open_}/words/"),
        ("desk", staff, "/desk/surveys/"),
        ("pdf", guest, f"/surveys/{told}/results.pdf"),
        ("pdf", staff, f"/surveys/{open_}/results.pdf"),
        ("csv", guest, f"/surveys/{told}/results.csv"),
        ("api", guest, f"/api/surveys/{told}/results"),
        ("rows", staff, f"/desk/surveys/{told}/answers.csv"),
    ):
        with CaptureQueriesContext(connection) as seen:
            answer = client.get(address)
            if answer.streaming:
                list(answer.streaming_content)  # type: ignore[arg-type]
        assert answer.status_code == 200, address
        asked = [q["sql"] for q in seen if not q["sql"].startswith(CONTROL)]
        costs[f"{name} {address}"] = len(asked)
    assert {address: n for address, n in costs.items() if n > MOST} == {}
