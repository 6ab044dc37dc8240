"""How matters are handled: ``procedures.yaml`` and ``limits.yaml``.

A procedure is a set of steps. A step's clock starts when one of its ``after`` moments is recorded:
``receipt``, ``registration``, ``finding``, ``flagged``, ``closing``, or the name of another step.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from shared.rulebook.limits import Limit
from shared.rulebook.schema.base import Keys, Match, Part, Rule, Sources, Text

MOMENTS = (
    "receipt",
    "registration",
    "finding",
    "flagged",
    "works-start",
    "settlement",
    "approval",
    "closing",
)
"""Moments other than steps that a clock may start from."""


class Validity(Rule):
    """What a finding may say of a complaint (JK-29)."""

    needs_reason: bool = True


class Party(Rule):
    """Who may be liable, sign or pay: owner, developer, contractor, property company …"""


class Paper(Rule):
    """A kind of evidence that a step may need: facts sheet, agreement, photographs …"""


class TableUse(Part):
    """The limit stands in a table; the case's item names the row.

    ``outer``: a moment of the case that the limit never outlasts, where the case states it (JK-11).
    """

    table: str
    outer: Literal["", "warranty"] = ""


class TableRow(Part):
    """One row: its limit, and from what moment it counts."""

    title: Text
    limit: Limit
    counts_from: str


class Table(Rule):
    """A table of limits by item (JK-11). Rows are exclusive: the more specific one is named."""

    rows: Mapping[str, TableRow]


class Element(Part):
    """One part that a report must hold, for example cause or progress."""

    title: Text


class ReportKind(Rule):
    """A report that a step sends, and the elements that it must hold (JK-17)."""

    elements: Mapping[str, Element]
    to: Keys


class Needs(Part):
    """What must be recorded with a step before it counts as done.

    ``item``: the case names a row of the table, or a date is agreed, so that what follows has a limit.
    """

    evidence: Keys = ()
    signatures: Keys = ()
    person: bool = False
    reason: bool = False
    item: bool = False


def _limit_or_table(value: object) -> str:
    in_table = "table" in value if isinstance(value, dict) else isinstance(value, TableUse)
    return "table" if in_table else "limit"


Within = Annotated[
    Annotated[Limit, Tag("limit")] | Annotated[TableUse, Tag("table")], Discriminator(_limit_or_table)
]


class Step(Part):
    """One step of a procedure.

    Attributes:
        after: Moments that start its clock; empty means it has no clock of its own.
        within: Its limit, or the table that holds it; none means that only its order is ruled.
        agreed: A date fixed with the customer may replace the limit (JK-12).
        needs: Evidence, signatures, persons.
        when: The step exists only where this holds.
        unless: Completing one of these steps makes the duty void (its clock is cancelled).
        requires: Steps that must be done before.
        again_on_refusal: A refused result starts this step, and its limit, again.
        report: Kind of report that the step sends.
        right: Right that the caller needs besides ``cases.handle``.
        resolves: Completing the step resolves the case.
        done_by: The act that completes the step, where it is not completed by its own name.
        answers: Completing the step answers the customer (watches that stop at ``first-answer``).
        source: Catalogue ids where they differ from the procedure's.
    """

    title: Text
    after: Keys = ()
    within: Within | None = None
    agreed: bool = False
    needs: Needs = Needs()
    when: Match = Match()
    unless: Keys = ()
    requires: Keys = ()
    again_on_refusal: bool = False
    report: str = ""
    right: str = ""
    resolves: bool = False
    done_by: Literal["", "finding", "settlement", "approval", "works-start", "acceptance"] = ""
    answers: bool = False
    source: Sources = ()

    @model_validator(mode="after")
    def _a_limit_has_a_start(self) -> "Step":
        if isinstance(self.within, Limit) and not self.after:
            msg = "A step with a limit needs 'after': the moment from which the limit counts."
            raise ValueError(msg)
        return self


class Procedure(Rule):
    """A procedure: when it applies and its steps, in their order.

    ``overlay``: its steps are added to whatever procedure the case follows (JK-07).
    ``rank`` settles which of two matching procedures is meant: the higher one.
    """

    applies: Match
    overlay: bool = False
    rank: int = 0
    steps: Mapping[str, Step]


class Watch(Rule):
    """A clock on the whole case rather than on a step: recorded in time, handled at all (JK-14)."""

    applies: Match = Match()
    after: Literal["receipt", "registration"] = "receipt"
    within: Limit
    stops_at: Literal["registration", "first-step", "resolution", "closing", "first-answer"]


class Way(Rule):
    """A way to settle (JK-09): what it needs, who approves, who pays."""

    needs_reason: bool = False
    needs_consent: bool = False
    has_amount: bool = False
    approvals: Keys = ()
    payer: Literal["", "contractor", "contractor-deposit", "company"] = ""


class Escalation(Rule):
    """A level that a case can be taken up to."""

    level: int = Field(ge=1)
    to: str


class PauseReason(Rule):
    """Why a clock may stand still.

    ``needs_approval``: who pauses has the right ``cases.approve``; otherwise ``cases.handle`` is enough.
    """

    needs_approval: bool = True
    longest: Limit | None = None
    steps: Keys = ()


class Extension(Rule):
    """A special case: which steps may get more time, by whose approval (JK-03)."""

    steps: Keys
    right: str
    times: int = 1


class Appeals(Rule):
    """Who may appeal within what time, who decides within what time (XA-05)."""

    within: Limit
    decided_within: Limit
    right: str
