"""Who the group is and who may do what: ``rulebook.yaml`` and ``rights.yaml``."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, model_validator

from shared.rulebook.periods import PeriodDue
from shared.rulebook.schema.base import Keys, Part, Rule, Text


class Source(Part):
    """A document that the rules come from."""

    title: str
    issued_by: str = ""
    issued_on: date | None = None
    document: str


class CatalogueEntry(Text):
    """One rule of the catalogue in a line of each language, and how much of it the rulebook carries.

    Attributes:
        coverage: ``partly`` and ``not-computable`` say in ``why`` what is left to people.
    """

    coverage: Literal["modelled", "partly", "not-computable"] = "modelled"
    why: str = ""

    @model_validator(mode="after")
    def _a_gap_has_a_reason(self) -> "CatalogueEntry":
        if (self.coverage == "modelled") == bool(self.why):
            msg = "'why' belongs to 'coverage: partly' and 'coverage: not-computable', and only there."
            raise ValueError(msg)
        return self


class Approval(Rule):
    """The chain that an edition passes before it is in force (QS-11, ZY-13)."""

    drafts: str
    approves: tuple[str, ...] = Field(min_length=1)
    interprets: str = ""


class UnitKind(Rule):
    """A kind of unit: group centre, branch, sales desk, department …"""

    inside: Keys = ()
    ranked: bool = False
    duties: str = ""


class Role(Rule):
    """A role and the rights that it has at its unit and below.

    ``sees_all``: headquarters; every unit of the group.
    """

    at: Keys = Field(min_length=1, description="Kinds of unit where the role exists.")
    rights: Keys = Field(min_length=1)
    sees_all: bool = False


class Power(Rule):
    """One of the powers of a service body, with the condition that must be recorded first (JK-30)."""

    right: str
    condition: Text | None = None


class Appointment(Rule):
    """What must be on record before a role is given (JK-26)."""

    role: str
    needs: Literal["opinion", "training"]
    of: str = ""


class Publication(Rule):
    """When a closed month goes out, and to whom (JK-21).

    Attributes:
        to: Role that the month's sheets are for.
        due: By when, for the month that it answers for.
    """

    to: str
    due: PeriodDue
    sheets: Keys = ()


Weight = Annotated[int, Field(ge=0, le=1_000)]


class Ranking(Rule):
    """How units are put in order.

    ``by`` names a sheet or an indicator. Equal values share a rank and the next rank is skipped.
    A quarter weighs its months by ``weights``.
    """

    by: str
    every: Literal["month", "quarter", "year"]
    unit_kind: str
    order: Literal["high-first", "low-first"] = "high-first"
    weights: tuple[Weight, ...] = ()
    established: Literal["whole-period", "any-day"] = "whole-period"

    @model_validator(mode="after")
    def _weighs_something(self) -> "Ranking":
        if self.weights and not any(self.weights):
            msg = "All weights are 0. Give at least one month a weight."
            raise ValueError(msg)
        return self


class Award(Rule):
    """What the first of a ranking gets (JK-23)."""

    ranking: str
    rank: int = Field(default=1, ge=1)
    amount: int = Field(gt=0, le=1_000_000_000)
    currency: str = "CNY"
    paid_by: Text
    ties: Literal["each", "split"] = "each"


class Recommendation(Rule):
    """What headquarters advises after a run of months below a mark (JK-24)."""

    sheet: str
    below: int
    months_running: int = Field(ge=1, le=120)
    text: Text
