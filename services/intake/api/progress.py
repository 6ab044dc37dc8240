"""What handling and callback told of a complaint, as readers see it. What was not told is left out."""

from pydantic import BaseModel, Field

from services.intake.domain.progress import Progress, dump
from shared.http.answers import ExactText, InstantText


class MissedView(BaseModel):
    """A deadline that was missed, and why it was due then."""

    event: str
    clock: str
    step: str
    occurrence: int
    due_before: InstantText
    clause: str
    zh: list[str]
    en: list[str]


class SettlementView(BaseModel):
    """How a matter is settled."""

    way: str
    amount: ExactText | None
    payer: str
    approved_at: InstantText | None = Field(description="When the last of the chain signed.")


class CallbackView(BaseModel):
    """Window, attempts and answer of the latest callback."""

    occurrence: int = 1
    earliest: InstantText = ""
    due_before: InstantText = ""
    attempts: int = 0
    result: str = Field(default="", description="due, completed, missed or unreachable.")
    at: InstantText = ""
    satisfaction: int | None = None
    satisfied: bool | None = None
    solved: bool | None = None
    again: int | None = Field(
        default=None, description="Satisfaction as somebody above heard it, calling again."
    )
    agrees: bool | None = None
    clause: str = Field(default="", description="By which it had to be made.")


class ProgressView(BaseModel):
    """Procedure, validity, next due moment, missed deadlines, settlement, closing, callback: as far as they are known."""

    procedure: str = ""
    unit: str = Field(default="", description="Unit that answers for it now, where it was transferred.")
    department: str = ""
    person: str = ""
    validity: str = ""
    class_: str = Field(default="", alias="class")
    item: str = ""
    grade: str = ""
    tier: str = ""
    service: str = ""
    step: str = Field(default="", description="The last that was completed.")
    step_at: InstantText = ""
    next_due: InstantText = ""
    missed: list[MissedView] = []
    settlement: SettlementView | None = None
    accepted: bool = Field(default=False, description="The customer accepted the result.")
    escalated: int = Field(default=0, description="Level up to which it was escalated.")
    resolved_at: InstantText = ""
    closed_at: InstantText = ""
    way: str = ""
    outcome: str = ""
    reopened: int = Field(default=0, description="How often.")
    into: str = Field(default="", description="Complaint that it was merged into.")
    callback: CallbackView | None = None

    @classmethod
    def of(cls, told: Progress) -> "ProgressView":
        """Show what was told."""
        known = dump(told)
        if "class_" in known:
            known["class"] = known.pop("class_")
        return cls.model_validate(known)
