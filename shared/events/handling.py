"""What handling tells of a case: steps, findings, deadlines, settlements, escalations, its end."""

from decimal import Decimal
from typing import ClassVar
from uuid import UUID

from pydantic import AwareDatetime, Field

from shared.events.envelope import Event
from shared.events.views import Data


class CaseEvent(Event):
    """Base of everything about one case.

    ``department`` and ``person`` are who was responsible at that moment, for penalties (JK-14).
    """

    complaint_id: UUID
    department: str = ""
    person: str = ""


class CaseOpened(CaseEvent):
    """A registered complaint became a case under a provisional procedure.

    Source: rulebook key ``procedures``.
    """

    TYPE: ClassVar[str] = "case.opened.v1"

    number: str
    kind: str
    class_: str
    procedure: str
    channel: str
    received_at: AwareDatetime
    next_due: AwareDatetime | None
    grade: str = ""
    tier: str = ""
    service: str = ""


class CaseAssigned(CaseEvent):
    """A department and a named person now answer for the case."""

    TYPE: ClassVar[str] = "case.assigned.v1"

    by: str
    by_unit: str = Field(default="", description="Unit of who did it.")


class StepCompleted(CaseEvent):
    """A step of the procedure was done, with its evidence."""

    TYPE: ClassVar[str] = "step.completed.v1"

    step: str
    occurrence: int
    by: str
    clock: str = Field(default="", description="Clock that it stopped, empty where the step has none.")
    due_before: AwareDatetime | None = None
    in_time: bool | None = None
    evidence: tuple[str, ...] = ()
    signatures: tuple[str, ...] = ()
    report: str = Field(
        default="", description="Kind of report that the step sends, for example major-complaint."
    )
    elements: tuple[str, ...] = ()
    missing_elements: tuple[str, ...] = ()
    exempt: bool = Field(default=False, description="A special case: its report was excepted before.")
    outcome: str = ""
    next_due: AwareDatetime | None = None


class WorksStarted(CaseEvent):
    """The works began, where no step of the procedure tells it; limits count from it (JK-11)."""

    TYPE: ClassVar[str] = "works.started.v1"

    by: str


class _Finding(CaseEvent):
    """What was found of a matter, or is proposed to be found."""

    validity: str = Field(description="valid | invalid.")
    class_: str
    item: str = ""
    liable: str = ""
    procedure: str
    reason: str
    evidence: tuple[str, ...] = ()
    by: str
    grade: str = ""
    warranty_before: AwareDatetime | None = Field(
        default=None, description="End of the warranty that the finding states (JK-11)."
    )
    by_unit: str = Field(default="", description="Unit of who found it.")
    stated_grade: str = Field(
        default="",
        description="Grade that was stated, by whomever; empty where it only follows from the matter.",
    )

    @classmethod
    def upcast(cls, data: Data) -> Data:
        """Read what was recorded before grades were stated: nobody can tell whether it was, but it held."""
        return data if "stated_grade" in data else {**data, "stated_grade": data.get("grade", "")}


class FindingMade(_Finding):
    """Whether the complaint is valid was found, with reason and author."""

    TYPE: ClassVar[str] = "finding.made.v1"

    confirmed_by: tuple[str, ...] = Field(
        default=(), description="Who confirmed it, where it takes two (XA-18)."
    )
    tier: str = ""
    service: str = ""


class FindingProposed(_Finding):
    """What a complaint is was proposed by one and is still to be confirmed by another (XA-18).

    Until then its limits hold as proposed. Source: rulebook key ``procedures.determinations``.
    """

    TYPE: ClassVar[str] = "finding.proposed.v1"

    confirm_before: AwareDatetime | None = None
    answers: tuple[str, ...] = Field(
        default=(), description="Determinations of the proposal before, which this one answers otherwise."
    )


class FindingConfirmed(CaseEvent):
    """One of several second persons confirmed a proposed finding; another determination still awaits its own."""

    TYPE: ClassVar[str] = "finding.confirmed.v1"

    determinations: tuple[str, ...]
    by: str


class DeadlineMissed(CaseEvent):
    """A deadline passed. The event's time is the deadline itself."""

    TYPE: ClassVar[str] = "deadline.missed.v1"

    clock: str
    step: str = ""
    occurrence: int
    procedure: str
    due_before: AwareDatetime
    clause: str
    explanation_zh: tuple[str, ...]
    explanation_en: tuple[str, ...]
    report: str = ""


class DeadlineCleared(CaseEvent):
    """A miss told earlier does not stand: a deed that happened in time was entered later."""

    TYPE: ClassVar[str] = "deadline.cleared.v1"

    clock: str
    occurrence: int
    due_before: AwareDatetime
    reason: str


class ClockChanged(CaseEvent):
    """A clock was paused, resumed, extended, or got a date agreed with the customer."""

    TYPE: ClassVar[str] = "clock.changed.v1"

    clock: str
    change: str = Field(description="paused | resumed | extended | agreed.")
    reason: str
    by: str
    approved_by: str = ""
    due_before: AwareDatetime | None = None
    ends: AwareDatetime | None = Field(
        default=None,
        description="Until when an extension or an agreed date reaches, or a pause at the longest.",
    )
    asked_at: AwareDatetime | None = Field(default=None, description="When the extension was asked for.")


class ExtensionAsked(CaseEvent):
    """More time was asked for before a deadline; it may be granted after it, and counts as of this moment."""

    TYPE: ClassVar[str] = "extension.asked.v1"

    step: str
    occurrence: int
    reason: str
    by: str


class AlertRaised(CaseEvent):
    """The system itself told somebody of something. The event's time is the moment of which it tells.

    Source: rulebook key ``procedures.alerts``.
    """

    TYPE: ClassVar[str] = "alert.raised.v1"

    alert: str
    clock: str = ""
    occurrence: int = 1
    due_before: AwareDatetime | None = None
    to: tuple[str, ...] = Field(default=(), description="Roles that are told.")
    to_unit: str = Field(
        default="", description="Unit that is told besides, for it passed the case on (LN-10)."
    )
    clause: str = ""
    late: bool = Field(default=False, description="It was held up: nobody looked at its moment.")


class PartnerTold(CaseEvent):
    """What a partner is to hear of a matter that it sent (XA-04). It lies in the partner's outbox."""

    TYPE: ClassVar[str] = "partner.told.v1"

    channel: str
    number: str = Field(description="The partner's own number.")
    what: str = Field(description="accepted | extended | resolved | closed | withdrawn.")


class ReportExcepted(CaseEvent):
    """A leader excepted a special case from what its report will lack (JK-17)."""

    TYPE: ClassVar[str] = "report.excepted.v1"

    step: str
    occurrence: int
    reason: str
    by: str = Field(description="Who asked for it.")
    approved_by: str


class SettlementProposed(CaseEvent):
    """The parties agreed how the matter is settled; the leader's approval is still to come."""

    TYPE: ClassVar[str] = "settlement.proposed.v1"

    way: str
    amount: Decimal | None = None
    payer: str = ""
    reason: str = ""
    owner_consents: bool = False
    by: str
    deposit: Decimal | None = Field(
        default=None, description="What is left of the contractor's deposit, where stated."
    )


class SettlementSigned(CaseEvent):
    """One of the chain signed the settlement; others are still to sign."""

    TYPE: ClassVar[str] = "settlement.signed.v1"

    way: str
    role: str
    by: str
    still_to_sign: tuple[str, ...]
    for_person: str = Field(default="", description="Absent holder of the role for whom a deputy signed.")
    deposit: Decimal | None = Field(
        default=None, description="What is left of the contractor's deposit, where stated."
    )


class SettlementApproved(CaseEvent):
    """The chain approved the settlement."""

    TYPE: ClassVar[str] = "settlement.approved.v1"

    way: str
    amount: Decimal | None = None
    payer: str = ""
    from_deposit: Decimal | None = None
    paid_directly: Decimal | None = None
    approvals: tuple[str, ...] = ()
    role: str = Field(default="", description="Role of the last signature; empty where nobody had to sign.")
    by: str = Field(default="", description="Who signed last.")
    for_person: str = Field(default="", description="Absent holder of the role for whom a deputy signed.")
    deposit: Decimal | None = Field(
        default=None, description="What is left of the contractor's deposit, where stated."
    )

    @classmethod
    def upcast(cls, data: Data) -> Data:
        """Read the last signature out of the approvals, where an earlier release recorded them alone."""
        if "role" in data or not data.get("approvals"):
            return data
        role, _, signed = str(data["approvals"][-1]).partition(":")
        by, _, absent = signed.partition(" for ")
        return {**data, "role": role, "by": by, "for_person": absent}


class ResultAccepted(CaseEvent):
    """The owner accepted the result."""

    TYPE: ClassVar[str] = "result.accepted.v1"

    occurrence: int
    evidence: tuple[str, ...] = ()


class ResultRefused(CaseEvent):
    """The owner, or the national standard, refused the result; the same limit starts again."""

    TYPE: ClassVar[str] = "result.refused.v1"

    occurrence: int
    reason: str


class CaseEscalated(CaseEvent):
    """The case went up to a higher level."""

    TYPE: ClassVar[str] = "case.escalated.v1"

    level: int
    to: str
    reason: str
    by: str
    first_taker: str = ""


class PowerUsed(CaseEvent):
    """One of the six powers was used, its condition recorded before (JK-01, JK-30)."""

    TYPE: ClassVar[str] = "power.used.v1"

    power: str
    condition: str = ""
    detail: str
    by: str


class CaseResolved(CaseEvent):
    """The matter was solved in substance."""

    TYPE: ClassVar[str] = "case.resolved.v1"

    way: str = ""
    occurrence: int = 1
    kind: str = ""
    class_: str = ""
    validity: str = ""
    outcome: str = ""
    procedure: str = ""
    channel: str = ""
    grade: str = ""
    tier: str = ""
    service: str = ""
    flags: tuple[str, ...] = ()
    customer: str = ""
    problem_user: bool = False
    imported: bool = False


class CaseClosed(CaseEvent):
    """The file is complete and closed. Callback takes over."""

    TYPE: ClassVar[str] = "case.closed.v1"

    occurrence: int
    kind: str
    class_: str
    validity: str
    way: str
    outcome: str
    customer: str
    problem_user: bool
    imported: bool
    procedure: str = ""
    channel: str = ""
    grade: str = ""
    tier: str = ""
    service: str = ""
    flags: tuple[str, ...] = ()


class CaseReopened(CaseEvent):
    """A closed case goes on, for example after a dissatisfied callback."""

    TYPE: ClassVar[str] = "case.reopened.v1"

    occurrence: int
    reason: str
    by: str


class CaseWithdrawn(CaseEvent):
    """The customer withdrew the complaint."""

    TYPE: ClassVar[str] = "case.withdrawn.v1"

    reason: str
    by: str


class CaseReclassified(CaseEvent):
    """Class, item or flags were corrected, and with them the procedure."""

    TYPE: ClassVar[str] = "case.reclassified.v1"

    class_: str
    item: str = ""
    flags: tuple[str, ...] = ()
    procedure: str
    reason: str
    by: str
    grade: str = ""
    tier: str = ""
    service: str = ""
    handover_on: AwareDatetime | None = Field(default=None, description="Handover date, corrected (JK-34).")


class CaseTransferred(CaseEvent):
    """Another unit answers for the case now. The customer's clocks do not stop."""

    TYPE: ClassVar[str] = "case.transferred.v1"

    from_unit: str
    to_unit: str
    reason: str
    by: str
    by_unit: str = Field(default="", description="Unit of who did it.")


class CaseMerged(CaseEvent):
    """The case goes on inside another. Neither loses its count."""

    TYPE: ClassVar[str] = "case.merged.v1"

    into: UUID
    reason: str
    by: str


class CaseParted(CaseEvent):
    """A merged case stands alone again."""

    TYPE: ClassVar[str] = "case.parted.v1"

    from_case: UUID
    reason: str
    by: str


class AppealLodged(CaseEvent):
    """A unit appeals against a finding, a missed deadline or another point of the case."""

    TYPE: ClassVar[str] = "appeal.lodged.v1"

    appeal: str
    against: str = Field(description="Event id or clock that the appeal is about.")
    grounds: str
    by: str
    entered_by: str = Field(default="", description="Who entered it, where it is another's deed.")
    by_unit: str = Field(default="", description="Unit of who lodged it.")


class AppealAdvised(CaseEvent):
    """Advice on an appeal, with reasons, before it is decided (ZY-04)."""

    TYPE: ClassVar[str] = "appeal.advised.v1"

    appeal: str
    uphold: bool
    reasons: str
    by: str
    entered_by: str = Field(default="", description="Who entered it, where it is another's deed.")


class AppealDecided(CaseEvent):
    """An appeal was decided, with reasons. Upheld: what it was about no longer costs points."""

    TYPE: ClassVar[str] = "appeal.decided.v1"

    appeal: str
    against: str
    upheld: bool
    reasons: str
    by: str
    restates: bool = Field(default=False, description="Upheld, it restates the month that was published.")
    answers_unit: str = Field(
        default="",
        description="Unit that answers instead, from the beginning of the charge in question; likewise the person.",
    )
    answers_person: str = ""
    answers_department: str = ""
    entered_by: str = Field(default="", description="Who entered it, where it is another's deed.")
    by_unit: str = Field(default="", description="Unit of who decided it.")
