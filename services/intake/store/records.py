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

NOT_RENAMED: Mapping[str, str] = {}


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


def loading(
    kind: type[S], stored_as: Mapping[str, str] = NOT_RENAMED, **read: Callable[[Any], Any]
) -> Callable[[Mapping[str, Any]], S]:
    """Return what reads back what :func:`dump` wrote; unknown fields of a newer version are left alone.

    Args:
        stored_as: Names under which fields are stored that Python calls otherwise.
        read: Reads the fields that are no plain JSON, by name.
    """
    names = {field.name: field.name for field in fields(kind)} | dict(stored_as)  # type: ignore[arg-type]  # a TypeVar cannot ask for a dataclass
    parts = [(name, key, read.get(name)) for name, key in names.items()]

    def load(state: Mapping[str, Any]) -> S:
        found = {}
        for name, key, turn in parts:
            if key in state:
                value = state[key]
                found[name] = turn(value) if turn and value is not None else value
        return kind(**found)

    return load
