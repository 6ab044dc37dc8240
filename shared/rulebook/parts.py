"""What the types of the time core are made of: exact models, instants, explained results."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

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
    AfterValidator(lambda moment: moment.astimezone(UTC)),
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
