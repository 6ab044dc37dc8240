"""The worked examples: where they lie, and which rulebook they are about.

Examples of a group lie in ``tests/cases/<group>``; those of a rulebook of the field, which is a test's own, in
``tests/cases/field/<group>/examples``.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from ruamel.yaml import YAML

from services.registry.domain.units import seeded
from shared.rulebook.edition import Edition
from shared.rulebook.load import load_edition, load_organisation
from shared.rulebook.schema.organisation import Organisation
from shared.timekeeping.limits import Limit
from tests.builders_facts import Told
from tests.builders_rules import RULEBOOKS

CASES = Path(__file__).parents[2] / "cases"
FIELD = CASES / "field"

FIELDS = tuple(sorted(path.parent.name for path in FIELD.glob("*/rulebook.yaml")))

Case = dict[str, Any]


def folder_of(group: str) -> Path:
    """Return the folder of a group's rulebook."""
    return FIELD / group if group in FIELDS else RULEBOOKS / group


@cache
def edition_of(group: str) -> Edition:
    """Return the edition of a group, or of a rulebook of the field."""
    return load_edition(folder_of(group), RULEBOOKS / "calendars")


@cache
def organisation_of(group: str) -> Organisation:
    """Return the units and people that a group is seeded with."""
    return load_organisation(folder_of(group) / "organisation.yaml")


def told_of(group: str) -> Told:
    """Begin with the units of a group's organisation."""
    told = Told()
    organisation = organisation_of(group)
    for key in organisation.units:
        told.tell("registry", f"unit/{key}", key, "2026-01-01", seeded(key, organisation))
    return told


@cache
def examples(group: str, topic: str) -> Sequence[Case]:
    """Return every example of one file; none where there is no such file."""
    path = (FIELD / group / "examples" if group in FIELDS else CASES / group) / f"{topic}.yaml"
    return tuple(YAML(typ="safe", pure=True).load(path.read_text("utf-8"))) if path.exists() else ()


def params(groups: Sequence[str], topic: str) -> list[Any]:
    """Return ``(group, example)`` as test parameters, each named by its claim."""
    return [
        pytest.param(group, case, id=f"{group}: {case['name']}")
        for group in groups
        for case in examples(group, topic)
    ]


def limits_in(part: object, path: str = "") -> Iterator[tuple[str, Limit]]:
    """Yield every limit of a rulebook with its place: ``procedures.appeals.complaint.within``."""
    inside: Iterator[tuple[object, object]] = iter(())
    if isinstance(part, Limit):
        yield path, part
    elif isinstance(part, BaseModel):
        inside = ((name, getattr(part, name)) for name in type(part).model_fields)
    elif isinstance(part, dict):
        inside = iter(part.items())
    elif isinstance(part, tuple):
        inside = enumerate(part)
    for key, value in inside:
        yield from limits_in(value, f"{path}.{key}" if path else str(key))
