"""The read API: the same queries as the pages, described by OpenAPI 3.1."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.openapi.schema import OpenAPISchema

from commonweal.decide.budgets.api import router as budgets
from commonweal.decide.counts.api import router as counts
from commonweal.decide.kiosks.api import router as kiosks
from commonweal.deliver.milestones.api import router as milestones
from commonweal.ground.challenges.api import router as challenges
from commonweal.ground.directory.api import router as directory
from commonweal.ground.journal.api import router as journal
from commonweal.ground.places.api import router as places
from commonweal.kit.api import NotHere, Problem
from commonweal.listen.conversations.api import router as conversations
from commonweal.listen.hearings.api import router as hearings
from commonweal.listen.maps.api import router as maps
from commonweal.listen.surveys.api import router as surveys
from commonweal.propose.appraisals.api import router as appraisals
from commonweal.propose.origins.api import router as origins
from commonweal.propose.proposals.api import router as proposals


class SiteAPI(NinjaAPI):
    """Says every answer it can give, refusals too."""

    def get_openapi_schema(
        self, *, path_prefix: str | None = None, path_params: dict[str, Any] | None = None
    ) -> OpenAPISchema:
        """Return the description, with what a wrong method gets."""
        schema = super().get_openapi_schema(path_prefix=path_prefix, path_params=path_params)
        for operations in schema["paths"].values():
            operations.pop("head", None)  # the same without a body, as everywhere
            for operation in operations.values():
                operation["responses"][405] = {
                    "description": "Method not allowed",
                    "content": {"text/plain": {"schema": {"type": "string"}}},
                }
        return schema


api = SiteAPI(
    title="Commonweal",
    version="1",
    description="Read everything public: communities, services, challenges, conversations, ideas, money,"
    " results, deliveries and the journal. No key is needed.",
    urls_namespace="api",
    docs_url=None,
)


kiosk_api = SiteAPI(
    title="Commonweal kiosks",
    version="1",
    description="For machines that staff approved for people to vote at. Each request carries the secret that"
    " was shown when the machine was approved: Authorization: Bearer SECRET.",
    urls_namespace="kiosk_api",
    docs_url=None,
)
kiosk_api.add_router("", kiosks)


@api.exception_handler(Http404)
@kiosk_api.exception_handler(Http404)
def nothing_here(request: HttpRequest, exception: Http404) -> HttpResponse:
    """Say that nothing public is at this address, or why not."""
    problem = Problem(
        wrong=_("Nothing public is here."), mend=_("Take the address from one of the lists.")
    )
    if isinstance(exception, NotHere):
        problem = exception.problem
    return api.create_response(request, problem.model_dump(), status=404)


@api.exception_handler(ValidationError)
def not_understood(request: HttpRequest, exception: ValidationError) -> HttpResponse:
    """Say which parameter is wrong, and what it should be."""
    found = [f"{error['loc'][-1]}: {error['msg']}" for error in exception.errors]
    problem = Problem(
        wrong=_("We could not read part of the address: %(what)s") % {"what": "; ".join(found)},
        mend=_("Change it as the description at /api/ says."),
    )
    return api.create_response(request, problem.model_dump(), status=422)


@kiosk_api.exception_handler(ValidationError)
def not_a_ballot(request: HttpRequest, exception: ValidationError) -> HttpResponse:
    """Say which part of what a kiosk sent is wrong."""
    found = [f"{error['loc'][-1]}: {error['msg']}" for error in exception.errors]
    problem = Problem(
        wrong=_("We could not read this: %(what)s") % {"what": "; ".join(found)},
        mend=_("Change it as the description at /api/kiosk/openapi.json says."),
    )
    return kiosk_api.create_response(request, problem.model_dump(), status=422)


@kiosk_api.exception_handler(HttpError)
def not_json(request: HttpRequest, exception: HttpError) -> HttpResponse:
    """Say that what a kiosk sent is no JSON."""
    problem = Problem(
        wrong=_("We could not read this: %(what)s") % {"what": exception},
        mend=_("Change it as the description at /api/kiosk/openapi.json says."),
    )
    return kiosk_api.create_response(request, problem.model_dump(), status=exception.status_code)


@kiosk_api.exception_handler(AuthenticationError)
def no_kiosk(request: HttpRequest, exception: AuthenticationError) -> HttpResponse:
    """Say that this machine may not be voted at."""
    problem = Problem(
        wrong=_("No kiosk that works now has this secret."), mend=_("Staff can approve it again.")
    )
    return kiosk_api.create_response(request, problem.model_dump(), status=401)


for router in (
    places,
    directory,
    challenges,
    conversations,
    hearings,
    maps,
    surveys,
    proposals,
    origins,
    appraisals,
    budgets,
    counts,
    milestones,
    journal,
):
    for address in router.path_operations.values():
        for operation in address.operations:
            operation.methods = ["GET", "HEAD"]
    api.add_router("", router)
