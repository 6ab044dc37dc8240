"""What the types of the time core are made of: exact models, instants, explained results."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import Annotated, Any, ParamSpec, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
)

from shared.errors import InvalidInputError
from shared.values.bounds import in_utc

_P = ParamSpec("_P")
_R = TypeVar("_R")


class BeyondTimeError(InvalidInputError):
    """A sum of dates leaves the years that there are."""

    code = "beyond-time"


def within_time(reckon: Callable[_P, _R]) -> Callable[_P, _R]:
    """Let ``reckon`` raise ``BeyondTimeError`` where its dates leave the years 1 to 9999."""

    @wraps(reckon)
    def refusing(*given: _P.args, **named: _P.kwargs) -> _R:
        try:
            return reckon(*given, **named)
        except OverflowError as error:
            msg = "This leads outside the years 1 to 9999. Correct the date that it is reckoned from."
            raise BeyondTimeError(msg) from error

    return refusing


class Exact(BaseModel):
    """A frozen model that converts nothing by itself and knows every key."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Terse(Exact):
    """An exact model that is stored without the fields that are not set."""

    @model_serializer(mode="wrap")
    def _without_blanks(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: value for name, value in handler(self).items() if value is not None}


def _text_or_moment(value: object) -> object:
    if isinstance(value, str | datetime):
        return value
    raise ValueError("a moment is meant; write it as 2026-02-13T16:10:00+08:00")


Instant = Annotated[
    AwareDatetime,
    Field(strict=False),
    BeforeValidator(_text_or_moment),
    AfterValidator(in_utc),
]
"""An aware moment, kept in UTC. Text is read, a number is refused."""


class Line(Exact):
    """One step of an explanation, in both languages of the product."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Due:
    """The first moment that is too late.

    Attributes:
        provisional: It leans on a year whose holidays are not published yet.
        lines: How it came about.
    """

    due_before: datetime
    provisional: bool
    lines: tuple[Line, ...]
