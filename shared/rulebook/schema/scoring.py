"""How facts become points: ``scoring.yaml``.

An *offence* is what a trigger finds in the facts. Each costs its points once, on one item of one sheet.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from shared.rulebook.schema.base import Keys, Match, Part, Rule, Sources, Text
from shared.rulebook.schema.triggers import Trigger
from shared.values.bounds import Number

ALL_PERCENT = 100

Decimals = Annotated[int, Field(ge=0, le=6)]
"""Places that a value is rounded to."""


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


class Band(Part):
    """From this value on, so many marks."""

    at_least: Number
    marks: Number


class ByIndicator(Part):
    """Full marks × the indicator's value, or the marks of its band (三率 with weights).

    ``none``: nothing was counted: full marks, or the item is left out and the others weigh more.
    """

    method: Literal["indicator"]
    indicator: str
    bands: tuple[Band, ...] = ()
    none: Literal["full", "left-out"] = "full"
    decimals: Decimals = 1


Method = Annotated[Deduct | ObservedMean | DoneShare | ByIndicator, Field(discriminator="method")]


class Item(Part):
    """One line of a sheet: full marks, how it is found, and its bounds."""

    title: Text
    weight: Number
    how: Method
    floor: Number = Decimal(0)
    cap: Number | None = None
    source: Sources = Field(min_length=1)


class Section(Part):
    """A heading of a sheet with the sum of its items' full marks, and bounds of its own (LN-18, LN-19)."""

    title: Text
    weight: Number
    items: Mapping[str, Item]
    floor: Number | None = None
    cap: Number | None = None


class Sheet(Rule):
    """A sheet that a unit is scored on every month.

    ``kind``: ``scorecard`` counts down from full marks; ``penalties`` lists what was taken. ``peers``: only for units
    of these peer groups, which so have full marks of their own.
    """

    unit_kind: Keys = Field(min_length=1)
    peers: Keys = ()
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


STATES: Mapping[str, frozenset[str]] = {
    "matters": frozenset({"complete"}),
    "record-fields": frozenset({"filled"}),
    "clocks": frozenset({"in-time", "missed"}),
    "callbacks": frozenset({"attempted", "completed", "unreachable", "in-time"}),
    "answers": frozenset({"satisfied", "solved"}),
    "recalls": frozenset({"agreeing"}),
    "appeals": frozenset({"upheld"}),
    "duties": frozenset({"in-time", "done", "nil"}),
}
"""What is counted → the states that it can be counted in."""


class Counted(Part):
    """How many of something a unit had in a month. Each thing has one moment, which decides the month.

    | ``count`` | moment | ``is`` |
    |---|---|---|
    | matters | registration | complete |
    | record-fields | end of the month of registration | filled |
    | findings | the finding that stands; none that a ruling took away | |
    | clocks | stopped, or missed | in-time, missed |
    | resolutions, closings, reopenings, transfers, withdrawals, escalations, extensions | themselves | |
    | callbacks | end of the window | attempted, completed, unreachable, in-time |
    | answers | the call | satisfied, solved |
    | recalls | the second call | agreeing |
    | appeals | the decision | upheld |
    | duties | due day | in-time, done, nil |
    | alerts | themselves | |

    Attributes:
        when: Only matters like this, as they were known at the moment.
        is_: In this state.
        of: Names of clocks, plans, obligations, alerts; empty: all.
        once: Of findings: what an earlier month counted counts no second time when it is found again (ZY-08).
    """

    count: Literal[
        "matters",
        "record-fields",
        "findings",
        "clocks",
        "resolutions",
        "closings",
        "reopenings",
        "transfers",
        "withdrawals",
        "escalations",
        "extensions",
        "callbacks",
        "answers",
        "recalls",
        "appeals",
        "duties",
        "alerts",
    ]
    when: Match = Match()
    is_: Keys = Field(default=(), alias="is")
    of: Keys = ()
    once: bool = False

    @model_validator(mode="after")
    def _such_things_have_such_states(self) -> "Counted":
        if self.once and self.count != "findings":
            msg = "'once' goes with 'count: findings'; other things happen once."
            raise ValueError(msg)
        states = STATES.get(self.count, frozenset())
        for state in self.is_:
            if state not in states:
                known = ", ".join(sorted(states)) or "none"
                msg = f"'{self.count}' are never '{state}'; 'is' may be: {known}."
                raise ValueError(msg)
        return self


class Reported(Part):
    """A figure of ``obligations.figures``, of the same month or the last one before it."""

    figure: str


def _counted_or_reported(value: object) -> str:
    is_reported = "figure" in value if isinstance(value, dict) else isinstance(value, Reported)
    return "figure" if is_reported else "count"


Amount = Annotated[
    Annotated[Counted, Tag("count")] | Annotated[Reported, Tag("figure")], Discriminator(_counted_or_reported)
]


class Indicator(Rule):
    """A share, rate, mean or count with its target; below (or above) it is a breach (QS-02).

    Exactly one of ``measure``, ``numerator`` and ``mean``.

    Attributes:
        measure: One of the formulas that every rulebook has (``shared.rulebook.formulas.MEASURES``).
        numerator: What is counted; over ``denominator`` where there is one, times ``per``.
        mean: Mean of the answers' satisfaction, or their net promoter score.
        counts_problem_users: They are in both numbers. As a rule they are in neither (ZY-06), and the figure with
            them stands beside.
    """

    measure: (
        Literal[
            "satisfaction",
            "record-completeness",
            "on-time",
            "complaint-count",
            "callback-coverage",
            "first-response",
        ]
        | None
    ) = None
    numerator: Amount | None = None
    denominator: Amount | None = None
    per: int = Field(default=1, ge=1)
    mean: Literal["satisfaction", "promoters"] | None = None
    target: Number | None = None
    better: Literal["high", "low"] = "high"
    minimum_n: int = Field(default=1, ge=1)
    counts_problem_users: bool = False

    @model_validator(mode="after")
    def _one_formula(self) -> "Indicator":
        given = [one for one in (self.measure, self.numerator, self.mean) if one is not None]
        if len(given) != 1:
            msg = "An indicator has exactly one of 'measure', 'numerator' and 'mean'."
            raise ValueError(msg)
        if self.numerator is None and (self.denominator is not None or self.per != 1):
            msg = "'denominator' and 'per' go with 'numerator'."
            raise ValueError(msg)
        return self


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
