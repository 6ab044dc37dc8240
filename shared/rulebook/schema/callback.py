"""Whom to call back, when, what to ask: ``callback.yaml``."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal

from pydantic import Field, model_validator

from shared.rulebook.schema.base import ClockTime, Keys, Match, OneOrMore, Part, Rule, Text
from shared.timekeeping.limits import Limit
from shared.values.bounds import Number


class Question(Part):
    """One question. ``satisfaction`` is on five levels, 5 the best; ``recommendation`` goes from 0 to 10.

    Attributes:
        asked_if: Question → answers of it under which this one is asked (XA-09).
        opens: Kind of matter that is opened by one of the answers ``opens_on``; a text opens it by being given.
    """

    title: Text
    kind: Literal["satisfaction", "recommendation", "yes-no", "choice", "text"]
    choices: Mapping[str, Text] = {}
    required: bool = True
    asked_if: Mapping[str, Keys] = {}
    opens: str = ""
    opens_on: Keys = ()


class Questionnaire(Rule):
    """What is asked."""

    questions: Mapping[str, Question]


class Recall(Part):
    """A share of the calls is made again by somebody above the unit that made them (XA-10)."""

    ratio: Decimal
    by: Keys = Field(min_length=1)
    within: Limit


class CallbackPlan(Rule):
    """Which closed matters are called back, in what window, how often one tries.

    ``ratio`` is the share that must be called; 1 means all. ``reopen_at``: an answer at or below
    this level of satisfaction re-opens the case. The window counts from ``after``; ``own_unit: false`` keeps the unit
    complained about from calling.
    """

    applies: Match
    earliest: Limit | None = None
    latest: Limit
    ratio: Number = Decimal(1)
    attempts: int = Field(default=3, ge=1)
    apart: Limit | None = None
    questionnaire: str
    satisfied_from: int = Field(default=4, ge=1, le=5)
    reopen_at: int = Field(default=0, ge=0, le=5)
    after: Literal["closing", "resolution"] = "closing"
    own_unit: bool = True
    recall: Recall | None = None


class Sample(Part):
    """How many of a frame are asked: a share (1: all), a number, or as many as a margin of error asks for."""

    share: Decimal | None = Field(default=None, gt=0, le=1)
    number: int | None = Field(default=None, ge=1)
    margin: Decimal | None = Field(default=None, gt=0, lt=1)

    @model_validator(mode="after")
    def _one_size(self) -> "Sample":
        if [self.share, self.number, self.margin].count(None) != len(("share", "number", "margin")) - 1:
            msg = "Give exactly one of 'share', 'number' and 'margin'."
            raise ValueError(msg)
        return self


class Campaign(Rule):
    """A survey that is started on purpose (ZY-10): whom, how many, what is asked, in what time.

    Attributes:
        of: ``customers`` who registered a matter, each once, or ``matters`` closed in the period before.
        frame: Which of them.
        strata: The sample is drawn within each of these.
        by: Roles that start it.
    """

    of: Literal["customers", "matters"]
    frame: Match = Match()
    sample: Sample
    strata: OneOrMore[Literal["unit", "service"]] = ()
    questionnaire: str
    within: Limit
    by: Keys = Field(min_length=1)


class Burst(Part):
    """At most so many calls to one customer within a short time."""

    calls: int = Field(ge=1)
    within: Limit


class CallingHours(Rule):
    """When customers may be called, local time, and how often."""

    opens: ClockTime = "08:00"
    closes: ClockTime = "21:00"
    per_day: int = Field(default=5, ge=1)
    burst: Burst | None = None
