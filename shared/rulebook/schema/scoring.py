"""How facts become points: ``scoring.yaml``.

An *offence* is what a trigger finds in the facts. Each costs its points once, on one item of one sheet.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, model_validator

from shared.bounds import Number
from shared.rulebook.schema.base import Keys, Match, Part, Rule, Sources, Text

ALL_PERCENT = 100

Decimals = Annotated[int, Field(ge=0, le=6)]
"""Places that a value is rounded to."""


class MissedDeadline(Part):
    """A deadline passed. ``clocks``: ``steps`` for every step, or names of steps and watches."""

    on: Literal["missed-deadline"]
    clocks: Keys
    when: Match = Match()


class IncompleteRecord(Part):
    """A complaint's record still lacks a field when the month of its registration ends."""

    on: Literal["incomplete-record"]


class Found(Part):
    """An inspector found an offence of this kind."""

    on: Literal["finding"]
    finding: str


class FailedAspect(Part):
    """An aspect failed in an inspection of the month; each aspect counts once a month."""

    on: Literal["failed-aspect"]
    inspection: str


class MissingElement(Part):
    """A report was sent without a required element; each missing one counts."""

    on: Literal["missing-element"]
    report: str


class ReportNotSent(Part):
    """A report of a case fell due and was not sent when the month ended."""

    on: Literal["report-not-sent"]
    report: str


class ObligationFault(Part):
    """A periodic duty was late, lacked a section (each counts), or was not done when the month ended."""

    on: Literal["obligation"]
    obligation: str
    fault: Literal["late", "missing-section", "not-done"]


class CallbackFault(Part):
    """A callback was not made inside its window."""

    on: Literal["missed-callback"]


class Praise(Part):
    """A customer praised the unit to somebody."""

    on: Literal["praise"]
    to: str


Trigger = Annotated[
    MissedDeadline
    | IncompleteRecord
    | Found
    | FailedAspect
    | MissingElement
    | ReportNotSent
    | ObligationFault
    | CallbackFault
    | Praise,
    Field(discriminator="on"),
]


class Offence(Rule):
    """What costs points (or brings them, where ``points`` is positive).

    Attributes:
        sheet: The sheet, and ``item`` of it, that it counts on.
        points: Exact; ``forfeits`` instead takes the whole item.
        replaces: Offences of the same subject that this one stands in place of, once it exists.
        with_all: This offence exists only where all of these exist for the subject (JK-14 "neither").
        against: Whom it is charged to.
    """

    sheet: str
    item: str = ""
    points: Number = Decimal(0)
    forfeits: bool = False
    trigger: Trigger | None = None
    with_all: Keys = ()
    replaces: Keys = ()
    against: Literal["unit", "department-and-person"] = "unit"

    @model_validator(mode="after")
    def _one_cause_and_one_effect(self) -> "Offence":
        if (self.trigger is None) == (not self.with_all):
            msg = "An offence needs either 'trigger' or 'with_all'."
            raise ValueError(msg)
        if self.forfeits == bool(self.points):
            msg = "An offence needs either 'points' (not 0) or 'forfeits: true'."
            raise ValueError(msg)
        return self


class Deduct(Part):
    """Full marks, less what offences cost."""

    method: Literal["deduct"]


class ObservedMean(Part):
    """Mean of the month's inspections on the item; none: full marks, marked "not inspected"."""

    method: Literal["observed-mean"]
    inspection: str
    observed: str
    decimals: Decimals = 1


class DoneShare(Part):
    """Full marks × duties done ÷ duties of the month (weeks inspected ÷ weeks)."""

    method: Literal["done-share"]
    obligation: str
    decimals: Decimals = 1


Method = Annotated[Deduct | ObservedMean | DoneShare, Field(discriminator="method")]


class Item(Part):
    """One line of a sheet: full marks, how it is found, and its bounds."""

    title: Text
    weight: Number
    how: Method
    floor: Number = Decimal(0)
    cap: Number | None = None
    source: Sources = Field(min_length=1)


class Section(Part):
    """A heading of a sheet with the sum of its items' full marks."""

    title: Text
    weight: Number
    items: Mapping[str, Item]


class Sheet(Rule):
    """A sheet that a unit is scored on every month.

    ``kind``: ``scorecard`` counts down from full marks; ``penalties`` lists what was taken.
    """

    unit_kind: str
    kind: Literal["scorecard", "penalties"]
    full_marks: Number = Decimal(0)
    sections: Mapping[str, Section] = {}
    cap: Number | None = None

    @model_validator(mode="after")
    def _weights_add_up(self) -> "Sheet":
        for key, section in self.sections.items():
            inside = sum((item.weight for item in section.items.values()), Decimal(0))
            if inside != section.weight:
                msg = f"Items of section '{key}' add up to {inside}, not to its weight {section.weight}."
                raise ValueError(msg)
        total = sum((section.weight for section in self.sections.values()), Decimal(0))
        if self.kind == "scorecard" and total != self.full_marks:
            msg = f"Sections add up to {total}, not to full_marks {self.full_marks}."
            raise ValueError(msg)
        return self


class Indicator(Rule):
    """A share or count with its target; below (or above) it is a breach (QS-02).

    ``measure`` names a formula of ``shared.rulebook.indicators``.
    """

    measure: Literal[
        "satisfaction",
        "record-completeness",
        "on-time",
        "complaint-count",
        "callback-coverage",
        "first-response",
    ]
    target: Number | None = None
    better: Literal["high", "low"] = "high"
    minimum_n: int = Field(default=1, ge=1)


class PersonalResult(Rule):
    """A person's monthly result, weighted from parts in percent (JK-25).

    Attributes:
        role: Whose result it is.
        by: Part → the roles that give it. A part that is not named is given by whoever has the right.
    """

    role: str
    parts: Mapping[str, Annotated[int, Field(ge=0, le=ALL_PERCENT)]]

    by: Mapping[str, Keys] = {}

    @model_validator(mode="after")
    def _parts_make_a_hundred(self) -> "PersonalResult":
        if sum(self.parts.values()) != ALL_PERCENT:
            msg = f"Parts add up to {sum(self.parts.values())} percent, not to 100."
            raise ValueError(msg)
        if strange := sorted(self.by.keys() - self.parts.keys()):
            msg = f"'by' names {', '.join(strange)}, which is none of the parts: {', '.join(self.parts)}."
            raise ValueError(msg)
        return self
