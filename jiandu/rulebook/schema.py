"""JSON Schemas of the files of a rulebook, for editors: one a topic, made from ``shared.rulebook.schema``.

They say what a file may look like. Whether its entries fit together says ``jiandu rulebook check``.
"""

import json
from typing import Any

from shared.rulebook.load.shape import dated_sections, topics

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schemas() -> dict[str, str]:
    """Return the schema of each topic as JSON text, by topic."""
    return {
        topic: json.dumps(schema_of(topic), ensure_ascii=False, indent=2, sort_keys=True) + "\n"
        for topic in topics()
    }


def schema_of(topic: str) -> dict[str, Any]:
    """Return the schema of one topic. An entry that holds from a day may be a list of its versions."""
    model = topics()[topic]
    schema = model.model_json_schema(by_alias=True)
    for section in dated_sections(model):
        entries = schema["properties"][section]
        one = entries["additionalProperties"]
        entries["additionalProperties"] = {"anyOf": [one, {"type": "array", "items": one, "minItems": 1}]}
    return {"$schema": _DIALECT, **schema}
