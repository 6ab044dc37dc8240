"""What the units of a group are like in its demo, and what its customers come with: one YAML file a group.

Everything may be left out. What no file says is drawn, so a group without a file has a demo too.
"""

from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Literal

from pydantic import BaseModel, ConfigDict
from ruamel.yaml import YAML

FOLDER = Path(__file__).parent

Weights = Mapping[str, int]
"""What is drawn → how often, against the others."""

Fault = Literal["late", "missed", "gap"]
"""What goes wrong with a duty: it is done late, not at all, or a section is missing."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Manners(_Part):
    """What a unit is like.

    Attributes:
        share: How many matters it has, against the others.
        late: Matters with a step that is late, in percent.
        incomplete: Records that lack a field, in percent.
        uncalled: Callbacks that nobody makes, in percent.
        answers: Weights of the answers 1 to 5 at callbacks.
        duties: Duty → month that it counts in → what goes wrong with it.
        findings: Months in which an inspector finds something.
        praises: Whom customers praise it to → months.
        outside: Channel that reaches another unit first → months in which customers use it.
        figures: Figure that is reported → about how much.
        failed: Inspection → aspects that fail.
        customers: Customers on file before anything happens; they count where the rulebook counts them.
    """

    share: int = 10
    late: int = 8
    incomplete: int = 5
    uncalled: int = 2
    answers: tuple[int, int, int, int, int] = (0, 2, 12, 45, 41)
    duties: Mapping[str, Mapping[int, Fault]] = {}
    findings: tuple[int, ...] = ()
    praises: Mapping[str, tuple[int, ...]] = {}
    outside: Mapping[str, tuple[int, ...]] = {}
    figures: Weights = {}
    failed: Mapping[str, tuple[str, ...]] = {}
    customers: int = 0


class Coming(_Part):
    """How customers come with one kind of matter. What is not weighted is drawn evenly.

    Attributes:
        words: What they say.
        flags: Flag → percent of the matters.
        validities, grades, liable, ways: How it goes; the rulebook's own presumption where nothing is weighted.
    """

    weight: int = 10
    words: tuple[str, ...] = ()
    classes: Weights = {}
    services: Weights = {}
    flags: Weights = {}
    validities: Weights = {}
    grades: Weights = {}
    liable: Weights = {}
    ways: Weights = {}


class Habits(_Part):
    """The demo of a group.

    Attributes:
        channels: Ways in; all that any unit may take in where none is weighted.
        fields: Field of a form → values.
    """

    units: Mapping[str, Manners] = {}
    kinds: Mapping[str, Coming] = {}
    channels: Weights = {}
    fields: Mapping[str, tuple[str, ...]] = {}

    def of(self, unit: str, rng: Random) -> Manners:
        """Return what a unit is like; drawn where nothing is said of it."""
        if unit in self.units:
            return self.units[unit]
        good = rng.randint(25, 55)
        return Manners(
            share=rng.randint(8, 14),
            late=rng.randint(2, 20),
            incomplete=rng.randint(0, 15),
            uncalled=rng.randint(0, 8),
            answers=(0, 2, rng.randint(4, 30), 45, good),
        )


def habits_of(group: str) -> Habits:
    """Return the habits of a group; empty ones where it has no file."""
    path = FOLDER / f"{group}.yaml"
    if not path.exists():
        return Habits()
    return Habits.model_validate(YAML(typ="safe", pure=True).load(path.read_text("utf-8")))


def drawn(weights: Weights, rng: Random, default: str = "") -> str:
    """Draw one by its weight."""
    if not weights:
        return default
    return rng.choices(list(weights), list(weights.values()))[0]
