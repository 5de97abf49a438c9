"""Handing out what is in a conversation, and writing the words of its report."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils.translation import gettext as _

from commonweal.ground.journal.actions import record
from commonweal.ground.places.rules import Viewer
from commonweal.listen.conversations.models import Conversation
from commonweal.listen.reports import queries, rules
from commonweal.listen.reports.models import Report


@transaction.atomic
def hand_out(*, viewer: Viewer, conversation: Conversation) -> queries.Export:
    """Return the votes as they may be taken away, and note in the journal that somebody did."""
    if not rules.may_export(viewer, conversation):
        raise PermissionDenied(_("Only those who run this conversation may take its votes away."))
    export = queries.export_of(conversation)
    record(
        what="conversation.exported",
        who=viewer.person,
        about=conversation,
        at=viewer.at,
        public=True,
        facts={"votes": len(export.value)},
    )
    return export


class SaysNothing(Exception):
    """A report without words of its own is not made public."""


@transaction.atomic
def write_report(
    *, viewer: Viewer, conversation: Conversation, summary: str, advice: str, is_public: bool
) -> Report:
    """Keep the words of a report, and let everybody read it, or staff alone.

    Raises ``SaysNothing`` where a public one would have no words of its own.
    """
    if not rules.may_write(viewer, conversation) or viewer.person is None:
        raise PermissionDenied(_("Only those who run this conversation may write its report."))
    if is_public and not summary.strip():
        raise SaysNothing
    Report.objects.get_or_create(
        conversation=conversation,
        defaults={"written_at": viewer.at, "written_by": viewer.person},
    )
    report = Report.objects.select_for_update(of=("self",)).get(conversation=conversation)
    was_public = report.published_at is not None
    report.summary, report.advice = summary, advice
    report.written_at, report.written_by = viewer.at, viewer.person
    if is_public != was_public:
        report.published_at = viewer.at if is_public else None
    report.save()
    record(
        what=_WHAT[was_public, is_public],
        who=viewer.person,
        about=conversation,
        at=viewer.at,
        public=was_public or is_public,
    )
    return report


_WHAT = {
    (False, False): "report.written",
    (False, True): "report.published",
    (True, True): "report.changed",
    (True, False): "report.taken_back",
}
