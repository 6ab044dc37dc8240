"""Whom to call back, when, what to ask: ``callback.yaml``."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal

from pydantic import Field

from shared.bounds import Number
from shared.rulebook.limits import Limit
from shared.rulebook.schema.base import ClockTime, Match, Part, Rule, Text


class Question(Part):
    """One question. ``satisfaction`` is on five levels, 5 the best."""

    title: Text
    kind: Literal["satisfaction", "yes-no", "choice", "text"]
    choices: Mapping[str, Text] = {}
    required: bool = True


class Questionnaire(Rule):
    """What is asked."""

    questions: Mapping[str, Question]


class CallbackPlan(Rule):
    """Which closed matters are called back, in what window, how often one tries.

    ``ratio`` is the share that must be called; 1 means all. ``reopen_at``: an answer at or below
    this level of satisfaction re-opens the case.
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


class CallingHours(Rule):
    """When customers may be called, local time, and how often."""

    opens: ClockTime = "08:00"
    closes: ClockTime = "21:00"
    per_day: int = Field(default=5, ge=1)
