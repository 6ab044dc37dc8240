"""What the schema says of a place in a file: which keys it knows, which values, which entries are dated."""

import types
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from shared.rulebook.schema import Rules
from shared.rulebook.schema.base import Rule

Loc = Sequence[str | int]


def topics() -> dict[str, type[BaseModel]]:
    """Return the model of each topic; the topic's name is its file's."""
    return {
        name: model for name, field in Rules.model_fields.items() for model in _models([field.annotation])
    }


def required_topics() -> list[str]:
    """Return the topics that every rulebook has a file for."""
    return [name for name, field in Rules.model_fields.items() if field.is_required()]


def dated_sections(topic: type[BaseModel]) -> list[str]:
    """Return the sections whose entries hold from a day on."""
    return [
        name
        for name, field in topic.model_fields.items()
        if any(issubclass(model, Rule) for model in _models(_values(_members(field.annotation))))
    ]


def types_at(model: type[BaseModel], loc: Loc) -> list[Any]:
    """Return the types that ``model`` allows at a place. Parts that only name a choice are passed over."""
    found: list[Any] = [model]
    for part in loc:
        inside = list(_step(found, part))
        found = inside or found
    return found


def keys_at(model: type[BaseModel], loc: Loc) -> list[str]:
    """Return the keys that ``model`` knows at a place."""
    return sorted(
        {_name(inside, key) for inside in _models(types_at(model, loc)) for key in inside.model_fields}
    )


def means_number(model: type[BaseModel], loc: Loc) -> bool:
    """Say whether a number, and neither true nor false, is meant at a place."""
    kinds = types_at(model, loc)
    return any(kind in {int, Decimal} for kind in kinds) and bool not in kinds


def _name(model: type[BaseModel], key: str) -> str:
    return model.model_fields[key].alias or key


def _is_model(kind: Any) -> bool:  # noqa: ANN401  # any annotation
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _models(kinds: Iterable[Any]) -> list[type[BaseModel]]:
    return [kind for kind in kinds if _is_model(kind)]


def _members(kind: Any) -> list[Any]:  # noqa: ANN401  # any annotation
    """Take unions and annotations apart."""
    if get_origin(kind) is Annotated:
        return _members(get_args(kind)[0])
    if get_origin(kind) in {Union, types.UnionType}:
        return [member for inside in get_args(kind) for member in _members(inside)]
    return [kind]


def _values(kinds: Iterable[Any]) -> list[Any]:
    """Return what the mappings among ``kinds`` hold."""
    return [member for kind in kinds if get_origin(kind) is Mapping for member in _members(get_args(kind)[1])]


def _step(kinds: list[Any], part: str | int) -> Iterable[Any]:
    for kind in kinds:
        if _is_model(kind):
            for key, field in kind.model_fields.items():
                if part in {key, field.alias}:
                    yield from _members(field.annotation)
        elif get_origin(kind) is Mapping and isinstance(part, str):
            yield from _values([kind])
        elif get_origin(kind) is tuple and isinstance(part, int):
            yield from _members(get_args(kind)[0])
