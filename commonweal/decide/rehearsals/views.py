"""The door at which a comparison of rules is asked for; it stands in a step of setting up a pot."""

from __future__ import annotations

from dataclasses import replace

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from commonweal.decide.budgets import rules
from commonweal.decide.budgets.actions import PotHasOpened
from commonweal.decide.budgets.models import Step
from commonweal.decide.budgets.queries import numbered
from commonweal.decide.rehearsals import actions
from commonweal.decide.rehearsals.forms import VotesForm
from commonweal.kit.clock import database_now
from commonweal.kit.doors import privileged, the_one
from commonweal.kit.request import Request


@require_POST
@privileged
def ask(request: Request, pot_id: int) -> HttpResponse:
    """Ask what each rule would do, and lead back to where one is chosen."""
    pot = the_one(numbered(request.viewer, pot_id))
    if not rules.may_run(request.viewer, pot):
        raise PermissionDenied(_("Only those who run this pot may do this."))
    form = VotesForm(request.POST)
    viewer = replace(request.viewer, at=database_now())
    try:
        if not form.is_valid():
            raise actions.NoSuchVotes
        actions.ask(viewer=viewer, pot_id=pot_id, past_id=form.cleaned_data["votes"])
    except actions.NoSuchVotes:
        messages.error(request, _("With these votes nothing can be compared. Choose others."))
    except PotHasOpened:
        messages.error(request, _("Voting has opened. From now on the pot stays as it is."))
        return redirect("budgets:check", pot_id)
    return redirect(f"{reverse('budgets:step', args=[pot_id, Step.COUNTING])}#rehearsal")
