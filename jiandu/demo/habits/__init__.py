"""What the units of a group are like in its demo, what its customers come with, and which stories are told.

A group has one YAML file, or a folder of them that are read as one. Everything may be left out. What no file says
is drawn, so a group without a file has a demo too.
"""

from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from ruamel.yaml import YAML

from jiandu.demo.habits.stories import Told

FOLDER = Path(__file__).parent

Weights = Mapping[str, int]
"""What is drawn → how often, against the others."""

Fault = Literal["late", "missed", "gap"]
"""What goes wrong with a duty: it is done late, not at all, or a section is missing."""


def _as_list(value: object) -> object:
    return value if isinstance(value, list | tuple) else (value,)


Faults = Annotated[tuple[Fault, ...], BeforeValidator(_as_list)]
"""One fault or several; each ``gap`` is a section more that is missing."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Span(_Part):
    """Whole numbers from one to another, both included."""

    first: int = Field(alias="from")
    last: int = Field(alias="to")


Offer = Span | tuple[str, ...]
"""What one is drawn from. A text may name what was drawn before it: ``{building}栋``."""


class Lapses(_Part):
    """How many ordinary matters of a month go wrong, however many there are.

    Attributes:
        late: A step is late.
        unhandled: Nothing is ever done.
        incomplete: The record lacks a field.
        registered_late: More than a day passes before the registration.
    """

    late: int = 0
    unhandled: int = 0
    incomplete: int = 0
    registered_late: int = 0


class Manners(_Part):
    """What a unit is like.

    Attributes:
        share: How many matters it has, against the others.
        late: Matters with a step that is late, in percent.
        incomplete: Records that lack a field, in percent.
        lapses: Month → what goes wrong besides, in numbers.
        uncalled: Callbacks that nobody makes, in percent.
        unreached: Customers who cannot be reached at all, ``refusing``: who do not want to be asked, and
            ``second``: who are reached the second time; in percent.
        answers: Weights of the answers 1 to 5 at callbacks.
        duties: Duty → month that it counts in, or its own period → what goes wrong with it.
        findings: Month → what an inspector finds; ``any`` leaves it to chance.
        praises: Whom customers praise it to → months.
        outside: Channel that reaches another unit first → months in which customers use it.
        figures: Figure that is reported → about how much.
        marks: Item that inspections give marks for → about how many.
        failed: Inspection → aspects that fail, always or by month.
        customers: Customers on file before anything happens; they count where the rulebook counts them.
        slots: What stays with a customer of the unit, for texts.
    """

    share: int = 10
    late: int = 8
    incomplete: int = 5
    lapses: Mapping[int, Lapses] = {}
    uncalled: int = 2
    unreached: int = 3
    refusing: int = 2
    second: int = 6
    answers: tuple[int, int, int, int, int] = (0, 2, 12, 45, 41)
    duties: Mapping[str, Mapping[int | str, Faults]] = {}
    findings: Mapping[int, str] = {}
    praises: Mapping[str, tuple[int, ...]] = {}
    outside: Mapping[str, tuple[int, ...]] = {}
    figures: Weights = {}
    marks: Mapping[str, float] = {}
    failed: Mapping[str, tuple[str, ...] | Mapping[int, tuple[str, ...]]] = {}
    customers: int = 0
    slots: Mapping[str, Offer] = {}

    def fails(self, inspection: str, month: int) -> tuple[str, ...]:
        """Return the aspects of an inspection that fail in a month."""
        found = self.failed.get(inspection, ())
        return found.get(month, ()) if isinstance(found, Mapping) else found


class Going(_Part):
    """How a class of matter comes and goes. What is not weighted is drawn evenly, or is the rulebook's presumption.

    Attributes:
        words: What customers say, where no family of words fits.
        flags: Flag → percent of the matters.
        items: Row of a table of limits that it is about.
        instead: Steps that are taken though they make another one void.
        refused: Results that are refused at first, in percent.
        registered: Further fields of the registration.
    """

    words: tuple[str, ...] = ()
    services: Weights = {}
    flags: Weights = {}
    channels: Weights = {}
    items: Weights = {}
    validities: Weights = {}
    grades: Weights = {}
    liable: Weights = {}
    ways: Weights = {}
    instead: tuple[str, ...] = ()
    refused: int = 0
    registered: Mapping[str, str] = {}


class Coming(Going):
    """How customers come with one kind of matter.

    Attributes:
        of_class: Class → what is different about it.
    """

    weight: int = 10
    classes: Weights = {}
    of_class: Mapping[str, Going] = {}


class Topic(_Part):
    """One kind of trouble in customers' words: what is wrong, what comes of it, what is asked for."""

    symptoms: tuple[str, ...]
    effects: tuple[str, ...]
    demands: tuple[str, ...]


class Family(_Part):
    """Words about one sort of matter.

    Attributes:
        about: What the matter must be: ``kind``, ``class``, ``validity``.
        by_item: Its subjects are the items of the matters.
        openings: Name of the list of sentences that it begins with; ``histories``: that it goes on with.
    """

    about: Mapping[str, str] = {}
    by_item: bool = False
    openings: str = ""
    histories: str = ""
    subjects: Mapping[str, tuple[Topic, ...]]


class Customers(_Part):
    """Attributes.

    Attributes:
        again: Matters of somebody who has come before, in percent.
        slots: What stays with a customer, for texts.
    """

    again: int = 0
    slots: Mapping[str, Offer] = {}


class Habits(_Part):
    """The demo of a group.

    Attributes:
        complaints: How many, where nobody says.
        ask: ``procedure.step`` whose deadline is asked about at the end.
        channels: Ways in; all that any unit may take in where none is weighted.
        fields: Field of a form → values.
        slots: What is drawn anew for each matter, for texts.
        openings, histories: Name → sentences.
        families: Words. The first one that fits a matter is taken.
        stories: Name → story that is always told.
    """

    complaints: int = 400
    ask: str = ""
    units: Mapping[str, Manners] = {}
    kinds: Mapping[str, Coming] = {}
    channels: Weights = {}
    fields: Mapping[str, tuple[str, ...]] = {}
    customers: Customers = Customers()
    slots: Mapping[str, Offer] = {}
    openings: Mapping[str, tuple[str, ...]] = {}
    histories: Mapping[str, tuple[str, ...]] = {}
    families: Mapping[str, Family] = {}
    stories: Mapping[str, Told] = {}

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

    def going(self, kind: str, class_: str) -> Going:
        """Return how a class of matter comes and goes."""
        coming = self.kinds.get(kind) or Coming()
        special = coming.of_class.get(class_)
        if special is None:
            return coming
        return coming.model_copy(update={key: getattr(special, key) for key in special.model_fields_set})


class HabitsError(ValueError):
    """A file of habits does not say what it should. The text names file and place."""


def habits_of(group: str, folder: Path = FOLDER) -> Habits:
    """Return the habits of a group; empty ones where it has no file.

    Raises:
        HabitsError: A file is wrong.
    """
    read: dict[str, Any] = {}
    for path in [folder / f"{group}.yaml", *sorted((folder / group).glob("*.yaml"))]:
        if path.exists():
            said = YAML(typ="safe", pure=True).load(path.read_text("utf-8"))
            _add(read, said or {}, path)
    try:
        return Habits.model_validate(read)
    except ValidationError as error:
        lines = (f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise HabitsError(f"The habits of '{group}' are wrong.\n" + "\n".join(lines)) from error


def _add(read: dict[str, Any], said: Mapping[str, Any], path: Path) -> None:
    for key, value in said.items():
        if isinstance(read.get(key), dict) and isinstance(value, dict):
            _add(read[key], value, path)
        elif key in read:
            raise HabitsError(f"{path.name} says '{key}', and another file of the group has said it before.")
        else:
            read[key] = value


def drawn(weights: Weights, rng: Random, default: str = "") -> str:
    """Draw one by its weight."""
    if not weights:
        return default
    return rng.choices(list(weights), list(weights.values()))[0]


def filled(offered: Mapping[str, Offer], rng: Random, known: Mapping[str, str]) -> dict[str, str]:
    """Draw one of each offer; what is drawn may name what is known or was drawn before it."""
    found = dict(known)
    for key, offer in offered.items():
        if isinstance(offer, Span):
            found[key] = str(rng.randint(offer.first, offer.last))
        else:
            found[key] = rng.choice(offer).format_map(found)
    return found
