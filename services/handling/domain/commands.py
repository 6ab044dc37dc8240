"""What can be asked of a case. One model a command, told apart by ``do``; an unknown field is an error."""

from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BeforeValidator, ConfigDict, Field, StringConstraints, TypeAdapter, model_validator

from shared.values.bounds import Day, Instant
from shared.values.text import Written

Key = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]
OptionalKey = Annotated[str, StringConstraints(max_length=200, strip_whitespace=True)]
Words = Annotated[str, StringConstraints(max_length=4000, strip_whitespace=True)]
Reason = Annotated[str, StringConstraints(min_length=1, max_length=4000, strip_whitespace=True)]
Money = Annotated[Decimal, Field(ge=0, max_digits=14, decimal_places=2)]
Keys = Annotated[tuple[Key, ...], Field(max_length=100)]


def _as_list(value: object) -> object:
    return (value,) if isinstance(value, str) else value


References = Annotated[tuple[Key, ...], BeforeValidator(_as_list), Field(min_length=1, max_length=50)]
Papers = Annotated[dict[Key, References], Field(max_length=50)]
"""Kind → references: ``{"facts-sheet": ["file:1"]}``; signatures likewise, party → document or person."""


class ActingFor(Written):
    """Who did it, where an importer enters what others did."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    person: Key
    role: Key
    unit: OptionalKey = Field(default="", description="Their unit; left out: the importer's.")


class Command(Written):
    """Base of every command.

    Attributes:
        at: When it happened; now, where it is left out.
        acting_for: Needs the right to import.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    do: str
    at: Instant | None = None
    acting_for: ActingFor | None = None


class Deed(Command):
    """A command that may complete a step, with what the step needs."""

    evidence: Papers = Field(default={})
    signatures: Papers = Field(default={})
    department: OptionalKey = ""
    person: OptionalKey = Field(
        default="", description="Who did it or answers for it; else who is in charge."
    )
    reason: Words = ""


class CompleteStep(Deed):
    """Complete a step of the procedure."""

    do: Literal["complete-step"] = "complete-step"
    step: Key
    elements: Keys = ()
    outcome: Words = ""


class MakeFinding(Deed):
    """Find whether the complaint is valid, and what it is."""

    do: Literal["make-finding"] = "make-finding"
    validity: Key
    class_: OptionalKey = Field(default="", alias="class", description="Left out: as it is.")
    item: OptionalKey = ""
    liable: OptionalKey = ""
    grade: OptionalKey = Field(default="", description="Left out: as it is.")
    warranty_before: Instant | None = Field(default=None, description="End of the warranty for the item.")


class ConfirmFinding(Command):
    """Confirm, as the second person, what another proposed; or say what holds instead."""

    do: Literal["confirm-finding"] = "confirm-finding"
    agrees: bool
    validity: OptionalKey = Field(default="", description="Where it is found otherwise; likewise the grade.")
    grade: OptionalKey = ""
    reason: Words = Field(default="", description="Needed with a finding that differs.")

    @model_validator(mode="after")
    def _differs_or_agrees(self) -> "ConfirmFinding":
        if self.agrees == bool(self.validity or self.grade):
            msg = "State 'validity' or 'grade' where you do not agree, and only there."
            raise ValueError(msg)
        if not self.agrees and not self.reason:
            msg = "State the 'reason' why it is found otherwise."
            raise ValueError(msg)
        return self


class ProposeSettlement(Deed):
    """Record how the parties agreed to settle."""

    do: Literal["propose-settlement"] = "propose-settlement"
    way: Key
    amount: Money | None = None
    deposit: Money | None = Field(default=None, description="What is left of the contractor's deposit.")
    owner_consents: bool = False


class ApproveSettlement(Deed):
    """Sign the settlement as the next in its chain."""

    do: Literal["approve-settlement"] = "approve-settlement"
    deposit: Money | None = None


class StartWorks(Deed):
    """Record the actual start of the works."""

    do: Literal["start-works"] = "start-works"


class AcceptResult(Deed):
    """Record that the result meets the national standard and the owner accepts it."""

    do: Literal["accept-result"] = "accept-result"
    standard_met: bool
    outcome: Words = ""


class RefuseResult(Command):
    """Record that the standard or the owner refuses the result."""

    do: Literal["refuse-result"] = "refuse-result"
    reason: Reason


class _NewDate(Command):
    step: Key
    on: Day | None = Field(default=None, description="A day; the deadline is its end.")
    due_before: Instant | None = None

    @model_validator(mode="after")
    def _one_date(self) -> "_NewDate":
        if (self.on is None) == (self.due_before is None):
            msg = "Give either 'on' (a day) or 'due_before' (a moment)."
            raise ValueError(msg)
        return self


class AgreeDate(_NewDate):
    """Record a date fixed with the customer; it replaces the limit."""

    do: Literal["agree-date"] = "agree-date"
    evidence: Papers = Field(min_length=1)
    reason: Words = ""


class Extend(_NewDate):
    """Give a step more time. The caller approves it."""

    do: Literal["extend"] = "extend"
    reason: Reason
    asked_by: OptionalKey = ""


class AskExtension(Command):
    """Ask for more time for a step, before its deadline."""

    do: Literal["ask-extension"] = "ask-extension"
    step: Key
    reason: Reason


class ExceptReport(Command):
    """Except a special case from what its report will lack. The caller approves it."""

    do: Literal["except-report"] = "except-report"
    step: Key
    reason: Reason
    asked_by: OptionalKey = ""


class PauseClocks(Command):
    """Let clocks stand still, for a reason that the rulebook knows. Where it needs approval, the caller gives it."""

    do: Literal["pause"] = "pause"
    reason: Key = Field(description="Key of the rulebook's pauses.")
    note: Words = ""
    asked_by: OptionalKey = ""


class ResumeClocks(Command):
    """Let paused clocks run again."""

    do: Literal["resume"] = "resume"
    note: Words = ""


class Assign(Command):
    """Name the department and person who answer for the case."""

    do: Literal["assign"] = "assign"
    department: Key
    person: Key


class Escalate(Command):
    """Take the case up a level; to the next one where none is named."""

    do: Literal["escalate"] = "escalate"
    level: int | None = Field(default=None, ge=1, le=99)
    reason: Reason


class UsePower(Command):
    """Use a power of the service body; its condition is recorded with it."""

    do: Literal["use-power"] = "use-power"
    power: Key
    condition: Words = ""
    detail: Reason


class Withdraw(Command):
    """Record that the customer withdrew."""

    do: Literal["withdraw"] = "withdraw"
    reason: Reason


class Reclassify(Command):
    """Correct class, item, service, flags or the date of handover."""

    do: Literal["reclassify"] = "reclassify"
    class_: OptionalKey = Field(default="", alias="class", description="Left out: as it is.")
    item: OptionalKey | None = None
    service: OptionalKey = ""
    flags: Keys | None = None
    handover_on: Instant | None = None
    reason: Reason


class Transfer(Command):
    """Hand the case to another unit. No clock stops."""

    do: Literal["transfer"] = "transfer"
    to_unit: Key
    department: OptionalKey = ""
    person: OptionalKey = ""
    reason: Reason


class Merge(Command):
    """Let the case go on inside another."""

    do: Literal["merge"] = "merge"
    into: UUID
    reason: Reason


class Part(Command):
    """Let a merged case stand alone again."""

    do: Literal["part"] = "part"
    reason: Reason


class Reopen(Command):
    """Go on with a case that had ended."""

    do: Literal["reopen"] = "reopen"
    reason: Reason


class Resolve(Command):
    """Say that the matter is solved, where no step of the procedure does."""

    do: Literal["resolve"] = "resolve"
    outcome: Reason


class Close(Command):
    """Close the complete file."""

    do: Literal["close"] = "close"
    outcome: Words = ""


class LodgeAppeal(Command):
    """Appeal against the finding or a missed deadline."""

    do: Literal["lodge-appeal"] = "lodge-appeal"
    against: Key = Field(
        description="'finding', 'grade', 'responsibility', or a clock: 'rectify#2' for its second run."
    )
    grounds: Reason


class AdviseAppeal(Command):
    """Advise on an appeal before it is decided, with reasons."""

    do: Literal["advise-appeal"] = "advise-appeal"
    appeal: Key
    uphold: bool
    reasons: Reason


class DecideAppeal(Command):
    """Decide an appeal, with reasons."""

    do: Literal["decide-appeal"] = "decide-appeal"
    appeal: Key
    upheld: bool
    reasons: Reason
    unit: OptionalKey = Field(
        default="",
        description="Who answers instead, where responsibility was contested; left out: the same unit.",
    )
    department: OptionalKey = ""
    answers: OptionalKey = Field(default="", description="Person who answers instead.")


AnyCommand = Annotated[
    CompleteStep
    | MakeFinding
    | ConfirmFinding
    | ProposeSettlement
    | ApproveSettlement
    | StartWorks
    | AcceptResult
    | RefuseResult
    | AgreeDate
    | AskExtension
    | Extend
    | ExceptReport
    | PauseClocks
    | ResumeClocks
    | Assign
    | Escalate
    | UsePower
    | Withdraw
    | Reclassify
    | Transfer
    | Merge
    | Part
    | Reopen
    | Resolve
    | Close
    | LodgeAppeal
    | AdviseAppeal
    | DecideAppeal,
    Field(discriminator="do"),
]

IMPORT = "complaints.import"
"""Right to enter what happened before, and what others did."""

READ, HANDLE, APPROVE = "cases.read", "cases.handle", "cases.approve"

RIGHTS: dict[str, str] = {
    "complete-step": HANDLE,
    "make-finding": "cases.find",
    "confirm-finding": "cases.find",
    "propose-settlement": HANDLE,
    "approve-settlement": APPROVE,
    "start-works": HANDLE,
    "accept-result": HANDLE,
    "refuse-result": HANDLE,
    "agree-date": HANDLE,
    "ask-extension": HANDLE,
    "extend": APPROVE,
    "except-report": APPROVE,
    # To approve or to handle, as the rulebook says of the reason.
    "pause": READ,
    "resume": HANDLE,
    "assign": HANDLE,
    "escalate": HANDLE,
    "use-power": "powers.use",
    "withdraw": HANDLE,
    "reclassify": "cases.find",
    "transfer": "cases.transfer",
    "merge": HANDLE,
    "part": HANDLE,
    "reopen": HANDLE,
    "resolve": HANDLE,
    "close": HANDLE,
    "lodge-appeal": "cases.appeal",
    "advise-appeal": "disputes.advise",
    # To rule on cases or on disputes, as the rulebook says of what is contested.
    "decide-appeal": READ,
}
"""The right that a caller needs for a command. The rulebook may ask for another besides."""

_ADAPTER: TypeAdapter[Command] = TypeAdapter(AnyCommand)


def parse_command(body: object) -> Command:
    """Read a command from parsed JSON.

    Raises:
        pydantic.ValidationError: A field is missing, unknown or ill-formed.

    Example:
        >>> parse_command({"do": "resume"}).do
        'resume'
    """
    return _ADAPTER.validate_python(body)
