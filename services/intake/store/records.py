"""Records as documents: the fields of a dataclass, moments and days as text."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import date, datetime
from typing import Any, TypeVar

from shared.events import Sealed

S = TypeVar("S")
State = dict[str, Any]

moment = datetime.fromisoformat
day = date.fromisoformat


def sealed(state: Mapping[str, str]) -> Sealed:
    """Read sealed values."""
    return Sealed(**state)


def dump(one: Any) -> State:  # noqa: ANN401  # any record
    """Return a record's fields as JSON."""
    return {field.name: _plain(getattr(one, field.name)) for field in fields(one)}


def _plain(value: Any) -> Any:  # noqa: ANN401  # any field
    if isinstance(value, date):  # a moment is one too
        return value.isoformat()
    if isinstance(value, Sealed):
        return value.model_dump()
    return list(value) if isinstance(value, tuple) else value


def loading(kind: Callable[..., S], **read: Callable[[Any], Any]) -> Callable[[Mapping[str, Any]], S]:
    """Return what reads back what :func:`dump` wrote. ``read`` names the fields that are no plain JSON."""

    def load(state: Mapping[str, Any]) -> S:
        found = dict(state)
        for name, turn in read.items():
            if found.get(name) is not None:
                found[name] = turn(found[name])
        return kind(**found)

    return load
