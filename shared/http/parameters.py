"""What a request may say: of bodies and queries alike, what is unknown is refused and never lost in silence."""

from collections.abc import Iterator

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict
from starlette.datastructures import QueryParams

from shared.errors import FieldProblem, InvalidInputError
from shared.values.text import Written


class Body(Written):
    """Base of request bodies: an unknown field is an error, not a silent loss."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class UnknownParameterError(InvalidInputError):
    """The query has a parameter that the route does not know; a list would be filtered by less than was asked."""

    code = "unknown-parameter"


def parameters_of(route: APIRoute) -> frozenset[str]:
    """Return the names of the query parameters that a route knows."""
    return frozenset(_names(route.dependant))


def _names(dependant: Dependant) -> Iterator[str]:
    for one in dependant.query_params:
        model = one.field_info.annotation
        if isinstance(model, type) and issubclass(model, BaseModel):
            yield from (field.alias or name for name, field in model.model_fields.items())
        else:
            yield one.alias
    for inner in dependant.dependencies:
        yield from _names(inner)


def refuse_unknown(query: bytes, route: APIRoute) -> None:
    """Refuse a query with a parameter that the route does not know.

    Raises:
        UnknownParameterError: Names each, and those that are known.
    """
    if not query:
        return
    known = parameters_of(route)
    unknown = [name for name in dict.fromkeys(QueryParams(query)) if name not in known]
    if unknown:
        listed = ", ".join(sorted(known))
        reason = f"unknown; known are: {listed}" if listed else "unknown; the route takes no parameters"
        msg = "The request was not carried out. Leave out what the route does not know."
        raise UnknownParameterError(msg, [FieldProblem(name, reason) for name in unknown])


async def only_known_parameters(request: Request) -> None:
    """Refuse unknown parameters on a route that asks for no session; on the others ``caller`` does."""
    refuse_unknown(request.scope["query_string"], request.scope["route"])
