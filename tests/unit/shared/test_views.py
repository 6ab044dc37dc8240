"""Typed views of events: what a reader of data as it travels is given."""

from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import BaseModel

from shared.events import EVENTS, Event
from shared.events.handling import CaseEvent, DeadlineMissed
from shared.events.views import Data, view_class

_SAMPLES: Mapping[str, object] = {
    "uuid": "6f0b4c1e-6c6f-4a86-9a31-7d5b6f1f0e11",
    "date-time": "2026-07-01T08:00:00.250000+08:00",
    "date": "2026-07-01",
    "integer": 3,
    "boolean": True,
}
"""JSON of a format or type; all else, decimals too, travels as text."""


def _sample(schema: Mapping[str, Any], defs: Mapping[str, Any], *, only_required: bool = False) -> object:
    """Return JSON that fits a schema of the catalogue."""
    if "$ref" in schema:
        return _sample(defs[schema["$ref"].rpartition("/")[2]], defs)
    if "anyOf" in schema:
        return _sample(schema["anyOf"][0], defs)
    if "properties" in schema:
        names = schema.get("required", ()) if only_required else schema["properties"]
        return {name: _sample(schema["properties"][name], defs) for name in names}
    if schema.get("type") == "object":
        extra = schema.get("additionalProperties")
        return {"one": _sample(extra if isinstance(extra, dict) else {}, defs)}
    if schema.get("type") == "array":
        return [_sample(schema["items"], defs)]
    return _SAMPLES.get(schema.get("format", schema.get("type", "")), "12.50")


@pytest.mark.parametrize("only_required", [False, True])
@pytest.mark.parametrize("kind", EVENTS)
def test_a_view_says_what_the_validated_event_says(kind: str, only_required: bool) -> None:
    """INVARIANT: whoever reads an event by its view reads what its publisher wrote.

    What breaks it: a field type that the view decodes otherwise than pydantic, or another default.
    """
    event = EVENTS[kind]
    schema = event.model_json_schema()
    data: Any = _sample(schema, schema.get("$defs", {}), only_required=only_required)
    model, view = event.model_validate(data), event.view(data)

    for name in event.model_fields:
        told, read = getattr(model, name), getattr(view, name)
        if isinstance(told, BaseModel):
            read = type(told)(**{field: getattr(read, field) for field in type(told).model_fields})
        assert (name, type(read), read) == (name, type(told), told)


def test_a_view_reads_nothing_that_it_is_not_asked_for() -> None:
    missed = DeadlineMissed.view({"clock": "archive", "occurrence": 2, "due_before": "not an instant"})

    assert (missed.TYPE, missed.clock, missed.occurrence) == ("deadline.missed.v1", "archive", 2)
    with pytest.raises(ValueError, match="not an instant"):
        _ = missed.due_before
    with pytest.raises(KeyError, match="clause"):
        _ = missed.clause


def test_null_stays_null() -> None:
    found = EVENTS["finding.made.v1"].view({"warranty_before": None})

    assert getattr(found, "warranty_before", "") is None


def test_a_view_has_the_fields_of_its_type_alone() -> None:
    case = CaseEvent.view({"department": "service", "due_before": "2026-07-01T00:00:00Z"})

    assert case.department == "service"
    assert not hasattr(case, "due_before")


def test_a_view_changes_nothing() -> None:
    missed = DeadlineMissed.view({"clock": "archive"})

    with pytest.raises(AttributeError, match="setter"):
        missed.clock = "report"  # type: ignore[misc]  # that is what is refused


def test_what_an_earlier_release_recorded_is_brought_up_to_date_first() -> None:
    class CaseSent(Event):
        to: str

        @classmethod
        def upcast(cls, data: Data) -> Data:
            return data if "to" in data else {**data, "to": data["towards"]}

    assert CaseSent.view({"towards": "group"}).to == "group"
    assert CaseSent.view({"to": "group"}).to == "group"


def test_a_type_that_no_view_decodes_is_refused_when_it_is_declared() -> None:
    class Odd(BaseModel):
        size: complex

    with pytest.raises(TypeError, match="complex"):
        view_class(Odd)
