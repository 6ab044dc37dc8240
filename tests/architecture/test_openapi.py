"""What each service says of its routes is written down, and says of every answer what is in it."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts
from httpx2 import ASGITransport, AsyncClient

from jiandu.documents import openapi
from shared.http.parameters import parameters_of
from shared.identity.access import Caller
from shared.rulebook.schema.rights_list import RIGHTS
from tests.architecture.route_walk import SERVICES, call_of, routes

Schema = Mapping[str, Any]

OPEN = {
    "Entry.data": "an event of the log, of whichever type: docs/events.md names its fields",
    "ParkedView.body": "an event that could not be applied, of whichever type",
}
"""What is open by nature: model and field, with the reason."""

OPEN_SCHEMA = "JsonValue"
JSON, HTML, LINES = "application/json", "text/html", "application/jsonl"
FILES = {"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "text/csv; charset=utf-8"}


@pytest.fixture(scope="module", params=SERVICES)
def described(request: pytest.FixtureRequest) -> Schema:
    return openapi.described(request.param)


def operations(described: Schema) -> Iterator[tuple[str, Schema]]:
    for path, methods in described["paths"].items():
        yield from ((f"{method.upper()} {path}", one) for method, one in methods.items())


def answers(described: Schema) -> Iterator[tuple[str, str, Schema]]:
    """Yield the route, media type and schema of every answer, problems too."""
    for name, operation in operations(described):
        for answer in operation["responses"].values():
            yield from ((name, kind, one.get("schema", {})) for kind, one in answer["content"].items())


def untyped(schema: Schema, where: str, known: Schema, seen: set[str]) -> Iterator[str]:
    """Yield the places of a schema that say nothing of what is there."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        if name == OPEN_SCHEMA:
            yield where
        elif name not in seen:
            seen.add(name)
            yield from untyped(known[name], name, known, seen)
        return
    parts = [*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())]
    for part in parts:
        yield from untyped(part, where, known, seen)
    for name, part in schema.get("properties", {}).items():
        yield from untyped(part, f"{where}.{name}", known, seen)
    for part in (schema.get("items"), *schema.get("prefixItems", ())):
        if isinstance(part, dict):
            yield from untyped(part, where, known, seen)
    more = schema.get("additionalProperties")
    if isinstance(more, dict):
        yield from untyped(more, where, known, seen)
    says = {"type", "const", "enum"} & schema.keys() or parts
    is_bare = schema.get("type") == "object" and not (schema.get("properties") or isinstance(more, dict))
    is_bare |= schema.get("type") == "array" and not ({"items", "prefixItems"} & schema.keys())
    if not says or is_bare or more is True:
        yield where


@pytest.mark.parametrize("service", SERVICES)
def test_the_description_of_a_service_is_current(service: str) -> None:
    assert openapi.file_of(service).read_text("utf-8") == openapi.page(service), "Run `make docs`."


def test_no_answer_is_untyped(described: Schema) -> None:
    """INVARIANT: who reads the description knows every field of every answer.

    What breaks it: a route that returns ``dict[str, Any]``, or a ``Response`` without ``responses=``.
    """
    known, seen = described["components"]["schemas"], set[str]()
    found = [
        place
        for name, kind, schema in answers(described)
        if kind == JSON
        for place in untyped(schema, name, known, seen)
    ]

    assert set(found) - OPEN.keys() == set()


def test_every_route_has_an_answer_with_content(described: Schema) -> None:
    kinds = {name: set[str]() for name, _ in operations(described)}
    for name, kind, schema in answers(described):
        assert schema, (name, kind)
        kinds[name].add(kind)

    other = {name: found for name, found in kinds.items() if found != {JSON}}
    assert {kind for found in other.values() for kind in found} <= {JSON, HTML, LINES} | FILES
    assert all(other.values())


def test_lists_have_one_envelope(described: Schema) -> None:
    """INVARIANT: a list is ``{items, next}``.

    What breaks it: an answer that is an array, or a page model of a route's own.
    """
    known = described["components"]["schemas"]
    bare = [name for name, _, schema in answers(described) if schema.get("type") == "array"]
    paged = {name for name, one in known.items() if "next" in one.get("properties", {})}

    assert bare == []
    assert {name for name in paged if not name.startswith("Page_")} == set()
    assert {frozenset(known[name]["required"]) for name in paged} <= {frozenset({"items", "next"})}


def test_operations_are_told_apart_and_have_a_summary_of_their_own(described: Schema) -> None:
    found = list(operations(described))
    ids = [one["operationId"] for _, one in found]

    assert len(set(ids)) == len(ids)
    assert [
        name
        for name, one in found
        if not re.match(r"[A-Z][a-z]+ ", one["summary"]) and one["summary"] != "Sign in"
    ] == []


# --- unknown parameters


def own_routes(app: FastAPI) -> dict[str, APIRoute]:
    """Return method and path → route."""
    return {
        f"{method} {found.path}": found.original_route
        for found in iter_route_contexts(app.routes)
        if isinstance(found.original_route, APIRoute)
        for method in found.methods or ()
    }


@pytest.mark.parametrize("service", SERVICES)
def test_a_route_knows_the_parameters_that_its_description_names(service: str) -> None:
    app = import_module(f"services.{service}.app").create_app()
    told = {
        name: {one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"}
        for name, operation in operations(app.openapi())
    }
    known = {name: parameters_of(route) for name, route in own_routes(app).items() if name in told}

    assert known == told


class _Everybody:
    """Knows whoever calls, with every right."""

    def __init__(self) -> None:
        self.access = self

    def clock(self) -> datetime:
        return datetime(2026, 7, 1, tzinfo=UTC)

    def recognise(self, token: str, now: datetime) -> Caller:
        del token, now
        return Caller("anna", "anna", "group", "director", frozenset(RIGHTS), sees_all=True)


@pytest.mark.parametrize("service", SERVICES)
async def test_no_route_passes_over_a_parameter_that_it_does_not_know(service: str) -> None:
    """INVARIANT: a parameter that is unknown is refused on every route, and nothing is done.

    What breaks it: a router that ``service_app`` includes without the dependency, a route that solves its own
    dependencies and forgets it.
    """
    app = import_module(f"services.{service}.app").create_app()
    app.state.context, app.state.use = _Everybody(), None
    things = dict.fromkeys(_THINGS, "00000000-0000-4000-8000-000000000000") | {"period": "2026-07"}
    wanted = [one for one in routes() if one.service == service and one.path != "/openapi.json"]
    refused = {}
    async with AsyncClient(transport=ASGITransport(app=app), base_url="http://service") as client:
        for route in wanted:
            call = call_of(route, things)
            headers = {"Authorization": "Bearer x", "Idempotency-Key": call.key}
            query = {**call.query, "surprise": "1"}
            answer = await client.request(
                route.method, call.path, params=query, json=call.body, headers=headers
            )
            told = answer.json() if "json" in answer.headers["content-type"] else {}
            named = [one["field"] for one in told.get("problems", ())]
            refused[route.name] = (answer.status_code, told.get("code"), named)

    assert refused == dict.fromkeys(refused, (422, "unknown-parameter", ["surprise"]))
    assert len(refused) == len(wanted) > 8


_THINGS = {name for route in routes() for name in re.findall(r"{(\w+)}", route.path)}
