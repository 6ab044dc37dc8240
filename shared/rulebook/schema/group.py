"""Who the group is and who may do what: ``rulebook.yaml`` and ``rights.yaml``."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal

from pydantic import Field, model_validator

from shared.rulebook.schema.base import Keys, Part, Rule, Text
from shared.timekeeping.limits import Limit
from shared.timekeeping.periods import PeriodDue
from shared.values.bounds import Number


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
    """The chain that an edition, or one subsidiary's overlay, passes before it is in force (QS-11, XA-15, ZY-02).

    Attributes:
        of: What passes it.
        covers: Files (``callback``, ``limits`` …) whose change needs this chain; empty: every change that no other
            chain covers.
        carries_out: Role that carries the regulation out once it holds (ZY-13).
        files_with: Body that the approved text is filed with (XA-15); empty: nobody.
    """

    drafts: str
    approves: tuple[str, ...] = Field(min_length=1)
    interprets: str = ""
    of: Literal["edition", "overlay"] = "edition"
    covers: Keys = ()
    carries_out: str = ""
    files_with: str = ""


class UnitKind(Rule):
    """A kind of unit: group centre, branch, sales desk, department …

    Attributes:
        needs_lead: Such a unit is active only once a person answers for its service (ZY-03).
        activated_by: Roles of which one approves such a unit before it is active (LN-22).
        peers: Peer groups that such a unit may belong to.
    """

    inside: Keys = ()
    ranked: bool = False
    duties: str = ""
    needs_lead: bool = False
    activated_by: Keys = ()
    peers: Mapping[str, Text] = {}


class Role(Rule):
    """A role and the rights that it has at its unit and below.

    ``sees_all``: headquarters; every unit of the group. ``deputies``: roles that may stand in for an absent holder.
    """

    at: Keys = Field(min_length=1, description="Kinds of unit where the role exists.")
    rights: Keys = Field(min_length=1)
    sees_all: bool = False
    deputies: Keys = ()


class Power(Rule):
    """One of the powers of a service body, with the condition that must be recorded first (JK-30)."""

    right: str
    condition: Text | None = None


class Appointment(Rule):
    """What must be on record before a role is given: an opinion of a role (JK-26), a passed course (LN-22)."""

    role: Keys
    needs: Literal["opinion", "training"]
    of: str = ""


class Course(Rule):
    """A training course that ends with an examination (LN-22, LN-29).

    ``valid``: for how long a pass counts; none means for good.
    """

    valid: Limit | None = None


class Publication(Rule):
    """When a closed month goes out, and to whom (JK-21).

    Attributes:
        to: Role that the month's sheets are for.
        due: By when, for the month that it answers for.
    """

    to: str
    due: PeriodDue
    sheets: Keys = ()
    indicators: Keys = ()


Weight = Annotated[int, Field(ge=0, le=1_000)]


class Ranking(Rule):
    """How units are put in order.

    ``by`` names a sheet or an indicator. Equal values share a rank and the next rank is skipped.
    A quarter weighs its months by ``weights``. ``per_peers`` ranks each peer group for itself; ``nil`` says where a
    unit stands that had nothing to count and said so (nil return).
    """

    by: str
    every: Literal["month", "quarter", "year"]
    unit_kind: Keys = Field(min_length=1)
    order: Literal["high-first", "low-first"] = "high-first"
    weights: tuple[Weight, ...] = ()
    established: Literal["whole-period", "any-day"] = "whole-period"
    per_peers: bool = False
    nil: Literal["not-rated", "best"] = "not-rated"

    @model_validator(mode="after")
    def _weighs_something(self) -> "Ranking":
        if self.weights and not any(self.weights):
            msg = "All weights are 0. Give at least one month a weight."
            raise ValueError(msg)
        return self


class Award(Rule):
    """What units get for their place or value in a ranking (JK-23), or the list that they come on.

    Attributes:
        rank: One place. Instead of it ``first`` or ``last`` so many places, ``at_least`` or ``below`` a value.
    """

    ranking: str
    what: Literal["award", "penalty", "red-list", "black-list"] = "award"
    rank: int = Field(default=1, ge=1)
    first: int | None = Field(default=None, ge=1)
    last: int | None = Field(default=None, ge=1)
    at_least: Number | None = None
    below: Number | None = None
    amount: int = Field(default=0, ge=0, le=1_000_000_000)
    currency: str = "CNY"
    paid_by: Text | None = None
    ties: Literal["each", "split"] = "each"

    @model_validator(mode="after")
    def _one_choice(self) -> "Award":
        given = [one for one in (self.first, self.last, self.at_least, self.below) if one is not None]
        if len(given) > 1:
            msg = "Give at most one of 'first', 'last', 'at_least' and 'below'."
            raise ValueError(msg)
        if bool(self.amount) != (self.paid_by is not None):
            msg = "'amount' and 'paid_by' belong together."
            raise ValueError(msg)
        return self


class Recommendation(Rule):
    """What headquarters advises after a run of months below a mark (JK-24)."""

    sheet: str
    below: int
    months_running: int = Field(ge=1, le=120)
    text: Text
