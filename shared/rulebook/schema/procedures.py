"""How matters are handled: ``procedures.yaml`` and ``limits.yaml``.

A procedure is a set of steps. A step's clock starts when one of its ``after`` moments is recorded:
``receipt``, ``registration``, ``graded`` (since when it has its grade), ``finding``, ``flagged``, ``closing``, or the
name of another step.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from shared.rulebook.schema.base import Keys, Match, OneOrMore, Part, Rule, Sources, Text
from shared.timekeeping.limits import Limit

MOMENTS = (
    "receipt",
    "registration",
    "graded",
    "finding",
    "flagged",
    "works-start",
    "settlement",
    "approval",
    "closing",
)
"""Moments other than steps that a clock may start from."""


class Validity(Rule):
    """What a finding may say of a complaint (JK-29). ``presumed``: it is taken for that until something is found."""

    needs_reason: bool = True
    presumed: bool = False


class Party(Rule):
    """Who may be liable, sign or pay: owner, developer, contractor, property company …"""


class Paper(Rule):
    """A kind of evidence that a step may need: facts sheet, agreement, photographs …"""


class TableUse(Part):
    """The limit stands in a table. Where several are named, the row that ends first holds (XA-13).

    ``outer``: a moment of the case that the limit never outlasts, where the case states it (JK-11).
    """

    table: Keys = Field(min_length=1)
    outer: Literal["", "warranty"] = ""


class TableRow(Part):
    """One row: its limit, and from what moment it counts."""

    title: Text
    limit: Limit
    counts_from: str


class Table(Rule):
    """A table of limits (JK-11). Rows are exclusive: the more specific one is named.

    ``by``: what of the case names the row. The rows of a table by grade are called like the grades.
    """

    by: Literal["item", "grade", "tier", "service"] = "item"
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
        again_within: The limit of later occurrences, where it is another one (re-handling after a callback).
        by: Roles of which one must do it; an importer does it for them.
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
    again_within: Limit | None = None
    by: Keys = ()
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
    stops_at: Literal[
        "registration", "first-step", "resolution", "closing", "first-answer", "record-complete"
    ]


class Way(Rule):
    """A way to settle (JK-09): what it needs, who approves, who pays.

    ``up_to``: role → amount up to which its signature ends the chain; beyond it the next role signs too (LN-08, XA-12).
    """

    needs_reason: bool = False
    needs_consent: bool = False
    has_amount: bool = False
    approvals: Keys = ()
    up_to: Mapping[str, Decimal] = {}
    payer: Literal["", "contractor", "contractor-deposit", "company", "maker"] = ""


class Escalation(Rule):
    """A level that a case can be taken up to."""

    level: int = Field(ge=1)
    to: str


class Alert(Rule):
    """What the system says by itself when something happens (LN-05, LN-10, LN-11). Its title is what it says.

    Reminder, pressing (督办) and criticism (通报) are three alerts at three moments beside the same deadline.

    Attributes:
        on: What happens. ``deadline`` goes with ``clocks``.
        when: Only for such cases.
        clocks: ``steps``, or names of steps and watches.
        before: So long before the deadline; ``after``: so long after it, while the deed is still owed.
        to: Roles that are told, at the case's unit or the nearest unit above that has them.
        to_origin: The unit that passed the case on is told (LN-10).
        escalates: The case goes up to this level of ``procedures.escalations`` as well.
    """

    on: Literal["registered", "flagged", "found", "transferred", "resolved", "closed", "reopened", "deadline"]
    when: Match = Match()
    clocks: Keys = ()
    before: Limit | None = None
    after: Limit | None = None
    to: Keys = ()
    to_origin: bool = False
    escalates: str = ""

    @model_validator(mode="after")
    def _has_a_moment_and_somebody_to_tell(self) -> "Alert":
        if (self.on == "deadline") != bool(self.clocks):
            msg = "'clocks' goes with 'on: deadline', and only with it."
            raise ValueError(msg)
        if (self.before or self.after) and (self.on != "deadline" or (self.before and self.after)):
            msg = "'before' or 'after', one of them, may stand with 'on: deadline'."
            raise ValueError(msg)
        if self.before and self.before.measure in ("until", "shorter_of"):
            msg = "'before' says how long before, for example hours: 4."
            raise ValueError(msg)
        if not (self.to or self.to_origin or self.escalates):
            msg = "An alert needs 'to', 'to_origin' or 'escalates'."
            raise ValueError(msg)
        return self


class Determination(Rule):
    """Two persons for what is found: one proposes, another confirms (XA-18). Until then it is provisional."""

    of: Literal["validity", "grade"]
    proposes: Keys = Field(min_length=1)
    confirms: Keys = Field(min_length=1)
    within: Limit | None = None


class PauseReason(Rule):
    """Why a clock may stand still.

    ``needs_approval``: who pauses has the right ``cases.approve``; otherwise ``cases.handle`` is enough.
    """

    needs_approval: bool = True
    longest: Limit | None = None
    steps: Keys = ()


class Extension(Rule):
    """A special case: which steps may get more time, how often, by whose approval (JK-03).

    Attributes:
        longest: The longest that the first, the second … extension gives; empty: any length.
        asked_in_time: It is asked for before the deadline, and may be granted after it.
    """

    steps: Keys
    right: str
    times: int = 1
    longest: tuple[Limit, ...] = ()
    asked_in_time: bool = False

    @model_validator(mode="after")
    def _each_has_a_length(self) -> "Extension":
        if self.longest and len(self.longest) != self.times:
            msg = f"'times' is {self.times} and 'longest' gives {len(self.longest)} lengths. Give one for each time."
            raise ValueError(msg)
        return self


Contestable = Literal[
    "validity",
    "grade",
    "responsibility",
    "clock",
    "callback",
    "posting",
    "inspection",
    "management",
    "service-quality",
]
Standing = Literal["charged-unit", "charged-person", "supervising-office", "other-side"]


class Appeals(Rule):
    """Who may contest what, within what time, who decides within what time, and with what effect.

    Attributes:
        against: What may be contested; empty: whatever costs points.
        standing: Who may: the unit or the person that is charged, the office that supervises, the customer's side.
        advises: Role that first gives advice with reasons (ZY-04); the decision accepts it or says why not.
        advised_within: Limit of the advice.
        decides: Roles of which one decides; empty: whoever has ``right``.
        next_tier: Somebody of a unit above the one that made what is contested decides (XA-05, LN-21).
        restates: An upheld one restates the month itself. Else it is reversed in the month of the ruling.
    """

    within: Limit
    decided_within: Limit
    right: str
    against: OneOrMore[Contestable] = ()
    standing: OneOrMore[Standing] = ("charged-unit",)
    advises: str = ""
    advised_within: Limit | None = None
    decides: Keys = ()
    next_tier: bool = False
    restates: bool = False

    @model_validator(mode="after")
    def _advice_has_an_author(self) -> "Appeals":
        if self.advised_within is not None and not self.advises:
            msg = "'advised_within' goes with 'advises'."
            raise ValueError(msg)
        return self
