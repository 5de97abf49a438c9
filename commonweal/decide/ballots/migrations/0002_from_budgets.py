"""Ballots come over from the app of budgets, one row each; the database holds them to their pot."""

import hashlib
import hmac

from django.db import migrations
from django.db.models import F

# Projects of a pot stay as they are from its first ballot on, so that looking at them here is enough.
HOLD = """
CREATE FUNCTION ballot_names_projects_of_its_pot() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT count(DISTINCT p.id) FROM budgets_project p
         WHERE p.pot_id = NEW.pot_id AND p.id = ANY (NEW.projects))
       <> coalesce(cardinality(NEW.projects), 0) THEN
        RAISE EXCEPTION 'a ballot in pot % names a project twice, or one of another pot', NEW.pot_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ballot_names_projects_of_its_pot';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER ballot_names_projects_of_its_pot
    BEFORE INSERT OR UPDATE OF projects, pot_id ON ballots_ballot
    FOR EACH ROW EXECUTE FUNCTION ballot_names_projects_of_its_pot();
"""
LET_GO = """
DROP TRIGGER ballot_names_projects_of_its_pot ON ballots_ballot;
DROP FUNCTION ballot_names_projects_of_its_pot();
"""


def move(apps, schema_editor):
    """Copy each ballot with the receipt it had; where the pot is open, under its new envelope."""
    old = {name: apps.get_model("budgets", name) for name in ("Pot", "Ballot", "Approval", "Roll")}
    new = {name: apps.get_model("ballots", name) for name in ("Ballot", "Receipt", "Roll")}
    for pot in old["Pot"].objects.iterator():
        people = list(old["Roll"].objects.filter(pot=pot).values_list("person_id", flat=True))
        new["Roll"].objects.bulk_create(
            new["Roll"](pot_id=pot.pk, person_id=person, channel="online") for person in people
        )
        envelopes = _envelopes(pot, people)
        chosen: dict[int, list[int]] = {}
        ticks = old["Approval"].objects.filter(pot=pot).order_by("ballot_id", "project_id")
        for ballot, project in ticks.values_list("ballot_id", "project_id"):
            chosen.setdefault(ballot, []).append(project)
        receipts = []
        for ballot in old["Ballot"].objects.filter(pot=pot).order_by("pk"):
            was = bytes(ballot.envelope)
            receipt = hmac.digest(was, b"receipt", hashlib.sha256)[:10]
            counted = pot.counted_at is not None
            projects = chosen.get(ballot.pk, [])
            new["Ballot"].objects.create(
                id=ballot.pk,
                pot_id=pot.pk,
                envelope=None if counted else envelopes.get(was, was),
                receipt=None if counted else receipt,
                projects=projects,
                marks=[1] * len(projects),
            )
            if counted:
                receipts.append(new["Receipt"](pot_id=pot.pk, code=receipt))
        new["Receipt"].objects.bulk_create(sorted(receipts, key=lambda row: row.code))
    old["Pot"].objects.filter(counted_at__isnull=False).update(declared_at=F("counted_at"))


def _envelopes(pot, people):
    if pot.key is None:
        return {}
    key = bytes(pot.key)
    return {
        hmac.digest(key, str(who).encode(), hashlib.sha256): hmac.digest(
            key, f"person:{who}".encode(), hashlib.sha256
        )
        for who in people
    }


class Migration(migrations.Migration):
    dependencies = [("ballots", "0001_initial"), ("budgets", "0005_ballots_of_every_kind")]
    operations = [
        migrations.RunPython(move, migrations.RunPython.noop),
        migrations.RunSQL(HOLD, LET_GO),
    ]
