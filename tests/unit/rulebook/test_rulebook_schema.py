"""The JSON Schemas that editors use accept what the loader accepts, and mark what it does not know."""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner

from jiandu.rulebook.cli import app
from jiandu.rulebook.schema import schema_of
from jiandu.rulebook.start import TEMPLATE
from shared.rulebook.load.shape import topics
from tests.builders_rules import RULEBOOKS

SCHEMAS = {topic: schema_of(topic) for topic in topics()}
FIELD = Path(__file__).parents[2] / "cases" / "field"
FILES = [
    path
    for folder in (*sorted(RULEBOOKS.iterdir()), *sorted(FIELD.iterdir()), TEMPLATE)
    for path in sorted(folder.glob("*.yaml"))
    if path.stem in SCHEMAS
]
TYPES = {
    "object": dict,
    "array": list,
    "string": str | date,
    "integer": int,
    "number": int | float,
    "boolean": bool,
    "null": type(None),
}


def faults(value: Any, schema: dict[str, Any], root: dict[str, Any], at: str = "") -> Iterator[str]:  # noqa: ANN401  # any JSON
    """Yield what a schema has against a value, as far as our schemas use the language."""
    if "$ref" in schema:
        yield from faults(value, root["$defs"][schema["$ref"].rpartition("/")[2]], root, at)
        return
    choices = schema.get("anyOf") or schema.get("oneOf") or []
    if choices and all(next(faults(value, one, root, at), None) for one in choices):
        yield f"{at}: none of {len(choices)}"
    if value not in schema.get("enum", [schema.get("const", value)]):
        yield f"{at}: another word is meant"
    if "type" in schema and not isinstance(value, TYPES[schema["type"]]):
        yield f"{at}: no {schema['type']}"
        return
    if isinstance(value, list) and "items" in schema:
        for number, one in enumerate(value):
            yield from faults(one, schema["items"], root, f"{at}[{number}]")
    if isinstance(value, dict) and not choices:
        yield from _inside(value, schema, root, at)


def _inside(value: dict[str, Any], schema: dict[str, Any], root: dict[str, Any], at: str) -> Iterator[str]:
    known, others = schema.get("properties", {}), schema.get("additionalProperties", False)
    yield from (f"{at}: lacks {key}" for key in schema.get("required", ()) if key not in value)
    for key, one in value.items():
        if key not in known and not others:
            yield f"{at}: does not know {key}"
        else:
            yield from faults(one, known.get(key, others), root, f"{at}.{key}")


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_file_of_a_rulebook_fits_the_schema_of_its_topic(path: Path) -> None:
    schema = SCHEMAS[path.stem]

    assert list(faults(YAML(typ="safe").load(path), schema, schema)) == []


def test_the_checker_of_these_tests_finds_a_key_that_nobody_knows() -> None:
    schema = SCHEMAS["limits"]
    table = {"from": date(2026, 1, 1), "source": "JK-11", "title": {"zh": "一", "en": "one"}, "rowz": {}}

    assert list(faults({"tables": {"t": table}}, schema, schema)) == [".tables.t: none of 2"]


def test_one_entry_may_be_a_list_of_its_versions() -> None:
    schema = SCHEMAS["intake"]
    flag = {"from": date(2026, 1, 1), "source": "JK-11", "title": {"zh": "一", "en": "one"}}
    files = {"kinds": {}, "channels": {}, "forms": {}, "flags": {"f": [flag, flag]}}

    assert list(faults(files, schema, schema)) == []


def test_the_command_writes_a_schema_for_each_topic(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["schema", str(tmp_path / "schemas")])

    written = {path.stem: json.loads(path.read_text("utf-8")) for path in (tmp_path / "schemas").iterdir()}
    assert done.exit_code == 0
    assert written == SCHEMAS
