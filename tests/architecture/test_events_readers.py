"""Who reads events reads them by the catalogue: no name of a type, and no field, as a literal of one's own."""

import ast
from collections.abc import Iterator

from shared.events import EVENTS
from tests.architecture.tree import modules, shown

_PRODUCT = ("jiandu/", "services/", "shared/")
_CATALOGUE = "shared/events/"


def _is_data(node: ast.expr) -> bool:
    """Say whether an expression names an event's data: ``data``, ``….data`` or ``…["data"]``."""
    match node:
        case (
            ast.Name(id="data") | ast.Attribute(attr="data") | ast.Subscript(slice=ast.Constant(value="data"))
        ):
            return True
    return False


def _literals(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str() as text) if text in EVENTS:
                yield f"{node.lineno}: '{text}' is the TYPE of {EVENTS[text].__name__}"
            case ast.Subscript(value=read, slice=ast.Constant(value=str() as field)) if _is_data(read):
                yield f'{node.lineno}: data["{field}"]'
            case ast.Call(
                func=ast.Attribute(value=read, attr="get"), args=[ast.Constant(value=str() as field), *_]
            ) if _is_data(read):
                yield f'{node.lineno}: data.get("{field}")'
            case ast.Call(func=ast.Attribute(attr="model_validate"), args=[read, *_]) if _is_data(read):
                yield f"{node.lineno}: model_validate(data), past what an earlier release recorded"


def _found() -> dict[str, list[str]]:
    found = {
        shown(path): list(_literals(tree))
        for path, tree in modules().items()
        if shown(path).startswith(_PRODUCT) and not shown(path).startswith(_CATALOGUE)
    }
    return {name: lines for name, lines in found.items() if lines}


def test_events_are_read_by_their_types() -> None:
    """INVARIANT: mypy sees every use of an event's field, and a rename reaches it.

    What breaks it: ``fact.data["due_before"]``, ``"deadline.missed.v1"`` or ``DeadlineMissed.model_validate(fact.data)``.
    Write ``DeadlineMissed.view(fact.data).due_before``, ``DeadlineMissed.TYPE`` and ``DeadlineMissed.of(fact.data)``.
    """
    assert _found() == {}


def test_each_way_to_read_by_literal_is_found() -> None:
    told = """
fact.data["clock"]
record["data"]["clock"]
data.get("clock", "")
kind = "deadline.missed.v1"
DeadlineMissed.view(fact.data).clock
records["clock"]
DeadlineMissed.model_validate(fact.data)
DeadlineMissed.of(fact.data)
"""

    assert [line.split(":")[0] for line in _literals(ast.parse(told))] == ["2", "3", "4", "5", "8"]
