"""What sets off a price: the kinds of trigger that an offence of ``scoring.yaml`` may have.

What the engine finds for each is the module of its name in ``services/scoring/domain/triggers``.
"""

from typing import Annotated, Literal, Self, get_args

from pydantic import Field, model_validator

from shared.rulebook.schema.base import Keys, Match, Part
from shared.timekeeping.limits import Limit

ANY_STEP = "steps"
"""What a rulebook writes for every step of a procedure.

Clocks that an indicator counts without a name are those, too: what stops a watch in time tells nobody, so it has no
share.
"""

_WHOLE_OR_PART = ({"missing-section", "incomplete"}, {"late", "not-done"})
"""Faults of a duty of which the second is there whenever the first may be."""


class Cause(Part):
    """What sets off a price. What a kind says of itself beside its fields is all that checks and engine ask."""

    @classmethod
    def name(cls) -> str:
        """Return what a rulebook calls the kind."""
        return str(get_args(cls.model_fields["on"].annotation)[0])

    @property
    def about(self) -> Keys:
        """Return the names by which the engine finds the price again."""
        return ("",)

    @property
    def counts_again(self) -> bool:
        """Say whether it costs again and again while nothing happens."""
        return False

    def meets(self, other: Self) -> bool:
        """Say whether the same thing may set off both."""
        return self == other


class MissedDeadline(Cause):
    """A deadline passed. ``clocks``: ``steps`` for every step, or names of steps and watches.

    ``per``: the points are taken for every such time that the deed stays undone (deductions per overdue day), at most
    ``most`` times.
    """

    on: Literal["missed-deadline"]
    clocks: Keys
    when: Match = Match()
    per: Limit | None = None
    most: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _a_bound_has_a_unit(self) -> "MissedDeadline":
        if self.most is not None and self.per is None:
            msg = "'most' goes with 'per'."
            raise ValueError(msg)
        return self

    @property
    def about(self) -> Keys:
        """Return the clocks."""
        return self.clocks

    @property
    def counts_again(self) -> bool:
        """Say whether it is taken per time."""
        return self.per is not None

    def meets(self, other: Self) -> bool:
        """Say whether one deadline may set off both. A charge for each overdue day stands beside the miss itself."""
        same = ANY_STEP in (*self.clocks, *other.clocks) or not {*self.clocks}.isdisjoint(other.clocks)
        return same and self.counts_again == other.counts_again and self.when.meets(other.when)


class ReportNotSent(Cause):
    """A report of a case fell due and was not sent when the month ended."""

    on: Literal["report-not-sent"]
    report: str

    @property
    def about(self) -> Keys:
        """Return the report."""
        return (self.report,)


class OfMatter(Cause):
    """A matter of such a kind was registered, found or re-opened; it costs or brings points by itself.

    For complaints to a body above (LN-18) and for valid complaints by grade (XA-06). A later finding takes the
    difference.
    """

    on: Literal["matter"]
    moment: Literal["registered", "found", "reopened"]
    when: Match

    @property
    def about(self) -> Keys:
        """Return the moment."""
        return (self.moment,)

    def meets(self, other: Self) -> bool:
        """Say whether one matter may set off both."""
        return self.moment == other.moment and self.when.meets(other.when)


class IncompleteRecord(Cause):
    """A complaint's record still lacks a field when the month of its registration ends."""

    on: Literal["incomplete-record"]


class MissingElement(Cause):
    """A report was sent without a required element; each missing one counts."""

    on: Literal["missing-element"]
    report: str

    @property
    def about(self) -> Keys:
        """Return the report."""
        return (self.report,)


class Found(Cause):
    """An inspector found an offence of this kind."""

    on: Literal["finding"]
    finding: str

    @property
    def about(self) -> Keys:
        """Return the kind of finding."""
        return (self.finding,)


class CallbackFault(Cause):
    """A callback was not made inside its window. ``plans``: of these plans only."""

    on: Literal["missed-callback"]
    plans: Keys = ()

    def meets(self, other: Self) -> bool:
        """Say whether one callback may set off both."""
        return not self.plans or not other.plans or not {*self.plans}.isdisjoint(other.plans)


class Praise(Cause):
    """A customer praised the unit to somebody."""

    on: Literal["praise"]
    to: str

    @property
    def about(self) -> Keys:
        """Return to whom."""
        return (self.to,)


class FailedAspect(Cause):
    """An aspect failed in an inspection of the month; each aspect counts once a month."""

    on: Literal["failed-aspect"]
    inspection: str

    @property
    def about(self) -> Keys:
        """Return the kind of inspection."""
        return (self.inspection,)


class ObligationFault(Cause):
    """A periodic duty was late, lacked a section (each counts), or was not done when the month ended."""

    on: Literal["obligation"]
    obligation: str
    fault: Literal["late", "missing-section", "incomplete", "not-done"]

    @property
    def about(self) -> Keys:
        """Return the duty."""
        return (self.obligation,)

    def meets(self, other: Self) -> bool:
        """Say whether one duty may set off both."""
        both = {self.fault, other.fault}
        return self.obligation == other.obligation and (len(both) == 1 or both in _WHOLE_OR_PART)


Trigger = Annotated[
    MissedDeadline
    | ReportNotSent
    | OfMatter
    | IncompleteRecord
    | MissingElement
    | Found
    | CallbackFault
    | Praise
    | FailedAspect
    | ObligationFault,
    Field(discriminator="on"),
]
"""What sets off a price, told apart by what ``on`` says."""

TRIGGERS: tuple[type[Cause], ...] = get_args(get_args(Trigger)[0])
"""Every kind of trigger, in the order in which the engine asks them."""
