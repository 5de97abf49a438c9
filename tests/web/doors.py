"""Knocks at every route of the URL configuration as each of the people of the matrix."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields

from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.web.matrix_world import Knocking, Things, arguments
from tools.reference import Route, api_operations, routes


def wanted(route: Route) -> list[str]:
    """Return the parts of a route's address that somebody has to fill in."""
    return re.findall(r"<(\w+)>", route.address)


def every_route() -> list[Route]:
    """Return every route, once by its name; the API's own are looked at by operation."""
    found = {route.name: route for route in routes() if not route.name.startswith("api:")}
    return list(found.values())


def address_of(route: Route, own: Things) -> str:
    """Return the address of a thing of this authority behind a route."""
    return reverse(route.name, kwargs=arguments(route.name, wanted(route), own))


def api_addresses(own: Things) -> Iterator[tuple[str, str, str]]:
    """Yield method, path and the address of one authority's thing, of every API operation."""
    for operation in api_operations():
        names = re.findall(r"\{(\w+)\}", operation.path)
        address = operation.path
        for name in names:
            address = address.replace(f"{{{name}}}", _api_value(operation.path, name, own))
        yield operation.method, operation.path, address


def _api_value(path: str, name: str, own: Things) -> str:
    kind = path.removeprefix("/api/").split("/")[0]
    if name == "number":
        return str(own.statement.number)
    if name == "receipt":
        return str(own.counted.receipts.order_by("code")[0])
    is_counted = re.search("/(result|bundle|receipts)", path)
    kinds = {
        "challenges": own.challenge,
        "conversations": own.conversation,
        "surveys": own.told_survey,
        "pots": own.counted if is_counted else own.pot,
        "hearings": own.hearing,
        "ideas": own.proposal,
        "communities": own.community,
        "services": own.service,
        "organisations": own.organisation,
        "projects": own.project,
        "rounds": own.round,
        "deliveries": own.funded,
    }
    return str(kinds[kind].slug if name == "slug" else kinds[kind].pk)


REFUSED = {"sign-in", "second-step", "400", "403", "404", "405"}
NO_MATTER = re.compile(r'"(django_session|site_cache|account_|usersessions_)')
CHANGE = re.compile(r"^(INSERT INTO|UPDATE|DELETE FROM) (\"\w+\")")


def knock(client: Client, method: str, address: str, *, changes: bool = True) -> str:
    """Ask, undo whatever it did, and return what was answered in a word.

    Whoever is refused has changed nothing; with ``changes`` off nobody may.
    """
    cookies = client.cookies.copy()
    with transaction.atomic(), CaptureQueriesContext(connection) as asked:
        word = _ask(client, method, address)
        transaction.set_rollback(True)
    client.cookies = cookies
    written = [found[2] for q in asked.captured_queries if (found := CHANGE.match(q["sql"]))]
    kept = [table for table in written if not NO_MATTER.match(table)]
    if kept and (word in REFUSED or not changes):
        return f"{word} BUT WROTE {' '.join(sorted(set(kept)))}"
    return word


def _ask(client: Client, method: str, address: str) -> str:
    answer = client.get(address) if method == "GET" else client.post(address, {})
    if answer.status_code not in {301, 302, 303}:
        return str(answer.status_code)
    where = answer["Location"]
    if where.startswith("/account/sign-in/"):
        return "sign-in"
    return "second-step" if where.startswith("/me/second-factor/") else "on"


COLUMNS = (*(column.name for column in fields(Knocking)), "row_elsewhere")


def answers(route: Route, method: str, own: Things, other: Things, who: Knocking) -> list[str]:
    """Return what each of the people is told at one door.

    The last is our administrator, who asks for the other authority's row.
    """
    address = address_of(route, own)
    told = [knock(getattr(who, column), method, address) for column in COLUMNS[:-1]]
    theirs = address_of(route, other)
    away = "-" if theirs == address else knock(who.everything, method, theirs, changes=False)
    return [*told, away]
