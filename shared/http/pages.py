"""Lists, a page at a time: the envelope that all of them share, and the cursor of the page that follows."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Generic, TypeVar
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, Field, TypeAdapter

from shared import errors
from shared.values.bounds import Instant

T = TypeVar("T")
S = TypeVar("S")

Limit = Annotated[int, Query(ge=1, le=200, description="How many are on a page at most.")]
Cursor = Annotated[
    str, Query(max_length=500, description="`next` of the page before; empty: the first page.")
]


class Page(BaseModel, Generic[T]):
    """A page of a list."""

    items: list[T]
    next: str | None = Field(description="Cursor of the page that follows; null: there is none.")


def page_of(found: Sequence[S], limit: int, show: Callable[[S], T], cursor: Callable[[S], str]) -> Page[T]:
    """Return a page of what a store found in the list's order. A full one may be the last; then an empty one follows."""
    return Page(items=[show(one) for one in found], next=cursor(found[-1]) if len(found) == limit else None)


def page_from(places: Mapping[str, S], cursor: str, limit: int, show: Callable[[S], T]) -> Page[T]:
    """Return a page of what is in memory anyway, in order of the places that it is found under."""
    names = sorted(places)
    rest = names[bisect_right(names, cursor) :]
    last = rest[limit - 1] if len(rest) > limit else None
    return Page(items=[show(places[name]) for name in rest[:limit]], next=last)


_PLACE: TypeAdapter[datetime] = TypeAdapter(Instant)


def cursor_of(at: datetime, name: UUID | str) -> str:
    """Return the cursor of the page that begins after what stands at a moment, under a name."""
    return cursor_after(f"{at.isoformat()}|{name}")


def cursor_after(name: str) -> str:
    """Return the cursor of the page that begins after a name, as an address may hold it."""
    return urlsafe_b64encode(name.encode()).decode()


def place_of(cursor: str) -> tuple[datetime, str]:
    """Return after which moment and which name a page begins.

    Raises:
        InvalidInputError: It is no cursor that a list gave.
    """
    at, _, name = name_of(cursor).partition("|")
    try:
        return _PLACE.validate_python(at), str(UUID(name))
    except ValueError as error:
        raise _unreadable() from error


def name_of(cursor: str) -> str:
    """Return after which name a page begins. Raises ``InvalidInputError`` where it is no cursor that a list gave."""
    try:
        return urlsafe_b64decode(cursor.encode()).decode()
    except ValueError as error:
        raise _unreadable() from error


def _unreadable() -> errors.InvalidInputError:
    msg = "The cursor cannot be read. Begin without one."
    return errors.InvalidInputError(msg, [errors.FieldProblem("cursor", "no cursor that a list gave")])
