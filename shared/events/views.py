"""Typed views of data as it travels: lazy, read-only, one class for each event type.

Decimals, instants, dates and UUIDs travel as strings. A view decodes a field when it is read and checks nothing, so
that a reader of millions of facts pays only for what it reads.
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin
from uuid import UUID

from pydantic import AwareDatetime, BaseModel
from pydantic.fields import FieldInfo

Data = Mapping[str, Any]
Decoder = Callable[[Any], Any]


def _decimal(value: object) -> Decimal:
    try:
        return Decimal(str(value))
    except InvalidOperation:
        msg = f"This is no number that can be counted with: '{value}'."
        raise ValueError(msg) from None


_AS_IT_IS = frozenset({str, int, bool, object})
_DECODERS: Mapping[Any, Decoder] = {
    AwareDatetime: datetime.fromisoformat,
    datetime: datetime.fromisoformat,
    date: date.fromisoformat,
    Decimal: _decimal,
    UUID: UUID,
}


class View:
    """Base of all views. A field that the data lacks has its default; one that has none is a ``KeyError``."""

    __slots__ = ("_data",)

    def __init__(self, data: Data) -> None:
        """View ``data`` as it stands; nothing is copied."""
        self._data = data


def view_class(model: type[BaseModel], upcast: Callable[[Data], Data] | None = None) -> type[View]:
    """Make the class of the views of a model's data: one property for each field, and the model's constants.

    Args:
        model: The model whose fields are read.
        upcast: What brings data of an earlier release up to date first, where there may be any.

    Raises:
        TypeError: A field is of a type that no view decodes.
    """
    names: dict[str, Any] = {
        name: property(_getter(field.alias or name, field), doc=field.description)
        for name, field in model.model_fields.items()
    }
    constants = {name: getattr(model, name, None) for name in model.__class_vars__}
    names |= {name: value for name, value in constants.items() if isinstance(value, str)}
    if upcast is not None:
        names["__init__"] = lambda view, data: View.__init__(view, upcast(data))
    return type(f"{model.__name__}View", (View,), {"__slots__": (), **names})


def _getter(key: str, field: FieldInfo) -> Callable[[Any], Any]:
    decode = _decoder(field.annotation)
    if field.is_required():
        if decode is None:
            return lambda view: view._data[key]
        return lambda view: decode(view._data[key])
    default = field.get_default(call_default_factory=True)
    if decode is None:
        return lambda view: view._data.get(key, default)
    return lambda view: decode(view._data[key]) if key in view._data else default


def _decoder(annotation: Any) -> Decoder | None:  # noqa: ANN401  # a type, or a special form
    """Return what decodes a value of a type; None where it travels as it is."""
    if annotation is Any or annotation in _AS_IT_IS:
        return None
    if annotation in _DECODERS:
        return _DECODERS[annotation]
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return view_class(annotation)
    origin, of = get_origin(annotation), get_args(annotation)
    if origin in {Union, UnionType} and len(of) == 2 and NoneType in of:  # noqa: PLR2004  # a type or None
        return _optional(_decoder(of[0] if of[1] is NoneType else of[1]))
    if origin is tuple and of[1:] == (...,):
        return _each(_decoder(of[0]))
    if origin is dict and of[0] is str:
        return _each_value(_decoder(of[1]))
    msg = f"No view decodes {annotation!r}."
    raise TypeError(msg)


def _optional(decode: Decoder | None) -> Decoder | None:
    return decode and (lambda value: None if value is None else decode(value))


def _each(decode: Decoder | None) -> Decoder:
    return tuple if decode is None else lambda values: tuple(map(decode, values))


def _each_value(decode: Decoder | None) -> Decoder | None:
    return decode and (lambda values: {key: decode(value) for key, value in values.items()})
