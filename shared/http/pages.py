"""Lists, a page at a time: the envelope that all of them share, and the cursor of the page that follows."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Generic, TypeVar
from uuid import UUID

from fastapi import Depends, Query, Request
from pydantic import BaseModel, Field, TypeAdapter

from shared import errors
from shared.values.bounds import Instant

T = TypeVar("T")
S = TypeVar("S")

Limit = Annotated[int, Query(ge=1, le=200, description="How many are on a page at most.")]
_PLACE: TypeAdapter[datetime] = TypeAdapter(Instant)


class Place(str):
    """After what a page of a list begins, by the name that the list gives it; empty: at its beginning."""

    __slots__ = ("_list",)
    _list: str

    @classmethod
    def of(cls, list_: str, name: str) -> "Place":
        """Return the place in a list, which is known by its path."""
        place = cls(name)
        place._list = list_
        return place

    def on(self, name: str | None) -> str | None:
        """Return the cursor of the page of the same list that begins after ``name``; None where none follows."""
        return None if name is None else urlsafe_b64encode(f"{self._list}\n{name}".encode()).decode()

    def moment(self) -> tuple[datetime, str] | None:
        """Return after which moment and which id a page begins, in a list whose names are of ``by_moment``.

        Raises:
            InvalidInputError: It is no cursor that the list gave.
        """
        if not self:
            return None
        at, _, name = self.partition("|")
        try:
            return _PLACE.validate_python(at), str(UUID(name))
        except ValueError as error:
            raise _unreadable() from error


def by_moment(at: datetime, name: UUID | str) -> str:
    """Name a place in a list that stands in order of moments."""
    return f"{at.isoformat()}|{name}"


async def place(
    request: Request,
    cursor: Annotated[
        str, Query(max_length=2000, description="`next` of the page before; empty: the first page.")
    ] = "",
) -> Place:
    """Read a cursor.

    Raises:
        InvalidInputError: It is no cursor that this list gave. One of another list would leave out rows in silence.
    """
    path = str(request.scope["path"])
    if not cursor:
        return Place.of(path, "")
    try:
        list_, _, name = urlsafe_b64decode(cursor.encode()).decode().partition("\n")
    except ValueError as error:
        raise _unreadable() from error
    if list_ != path:
        raise _unreadable()
    return Place.of(path, name)


def _unreadable() -> errors.InvalidInputError:
    msg = "The cursor cannot be read. Begin without one."
    return errors.InvalidInputError(msg, [errors.FieldProblem("cursor", "no cursor that this list gave")])


Cursor = Annotated[Place, Depends(place)]


class Page(BaseModel, Generic[T]):
    """A page of a list."""

    items: list[T]
    next: str | None = Field(description="Cursor of the page that follows; null: there is none.")


def page_of(
    found: Sequence[S], limit: int, show: Callable[[S], T], after: Place, name: Callable[[S], str]
) -> Page[T]:
    """Return a page of what a store found in the list's order. A full one may be the last; then an empty one follows."""
    last = name(found[-1]) if len(found) == limit else None
    return Page(items=[show(one) for one in found], next=after.on(last))


def page_from(places: Mapping[str, S], after: Place, limit: int, show: Callable[[S], T]) -> Page[T]:
    """Return a page of what is in memory anyway, in order of the places that it is found under."""
    names = sorted(places)
    rest = names[bisect_right(names, after) :]
    last = rest[limit - 1] if len(rest) > limit else None
    return Page(items=[show(places[name]) for name in rest[:limit]], next=after.on(last))
