"""Names of fields say their kind; the database holds what it can hold."""

from collections.abc import Iterator

from django.apps import apps
from django.db import models

OURS = [m for m in apps.get_models() if m.__module__.startswith("commonweal.")]


def _fields() -> Iterator[tuple[str, models.Field]]:  # type: ignore[type-arg]
    for model in OURS:
        for field in model._meta.local_fields:
            yield f"{model._meta.label}.{field.name}", field


FIELDS = list(_fields())


def test_there_are_models_to_look_at() -> None:
    assert len(OURS) > 15


def test_money_is_whole_pence_in_64_bits() -> None:
    for label, field in FIELDS:
        if field.name.endswith("pence"):
            assert isinstance(field, models.BigIntegerField | models.PositiveBigIntegerField), label
        assert not isinstance(field, models.FloatField), f"{label} is a float"
        said = any(word in field.name for word in ("cost", "price", "money", "budget", "amount"))
        number = isinstance(field, models.IntegerField | models.DecimalField)
        assert not (said and number and not field.name.endswith("pence")), (
            f"{label} is not in pence"
        )


def test_moments_end_in_at_and_days_in_on() -> None:
    for label, field in FIELDS:
        is_moment = isinstance(field, models.DateTimeField)
        is_day = isinstance(field, models.DateField) and not is_moment
        short = field.name
        if short.endswith("_at") or short == "at":
            assert is_moment, f"{label} is no moment"
        if short.endswith("_on"):
            assert is_day, f"{label} is no day"
        if is_moment:
            known = short.endswith("_at") or short in {"at", "since", "last_login"}
            assert known, f"{label} is a moment"
        if is_day:
            assert short.endswith("_on"), f"{label} is a day"


def test_every_text_that_people_write_has_an_end() -> None:
    for label, field in FIELDS:
        if isinstance(field, models.TextField | models.CharField):
            assert field.max_length or field.choices, f"{label} may be of any length"


def test_every_choice_that_is_stored_is_held_by_the_database() -> None:
    for model in OURS:
        held = " ".join(
            str(c.condition) for c in model._meta.constraints if hasattr(c, "condition")
        )
        for field in model._meta.local_fields:
            if field.choices and not field.blank:
                assert f"'{field.name}__in'" in held or f"'{field.name}'" in held, (
                    f"{model._meta.label}.{field.name} may hold what is no choice"
                )


def test_every_row_that_belongs_to_an_authority_says_so_in_the_database() -> None:
    """A row that names an authority names only things of the same one: a second key holds it."""
    from django.db.migrations.loader import MigrationLoader

    sql = " ".join(
        str(operation.sql)
        for migration in MigrationLoader(None).disk_migrations.values()
        for operation in migration.operations
        if hasattr(operation, "sql")
    )
    with_authority = {m for m in OURS if any(f.name == "authority" for f in m._meta.local_fields)}
    append_only = {"journal.Entry"}  # it takes its authority from the thing it is about
    for model in with_authority:
        for field in model._meta.local_fields:
            target = field.related_model
            if target in with_authority and model._meta.label not in append_only:
                link = f"{model._meta.db_table}_{field.column}_tenant_fk"
                assert link in sql, f"{model._meta.label}.{field.name} may cross authorities"


def test_every_model_says_in_words_what_it_is() -> None:
    for model in OURS:
        assert model.__str__ is not models.Model.__str__, model._meta.label
        assert model.__doc__ and not model.__doc__.startswith(f"{model.__name__}("), (
            model._meta.label
        )
