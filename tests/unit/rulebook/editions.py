"""The edition of jinke as texts, to be spoilt one passage at a time."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest

from shared.errors import RulebookProblem, RulebookRefusedError
from shared.rulebook.load import (
    edition_from_files,
    load_edition,
)

RULEBOOKS = Path(__file__).parents[3] / "rulebooks"


@cache
def jinke() -> Mapping[str, str]:
    return load_edition(RULEBOOKS / "jinke", RULEBOOKS / "calendars").files


def changed(file: str, old: str, new: str) -> dict[str, str]:
    """Return jinke's files with one passage replaced; it must stand there exactly once."""
    text = jinke()[file]
    assert text.count(old) == 1
    return {**jinke(), file: text.replace(old, new)}


def refused(files: Mapping[str, str]) -> tuple[RulebookProblem, ...]:
    with pytest.raises(RulebookRefusedError) as caught:
        edition_from_files(files)
    return caught.value.problems


def line_of(file: str, passage: str) -> int:
    return jinke()[file][: jinke()[file].index(passage)].count("\n") + 1
