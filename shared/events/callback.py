"""What callback tells: tasks, attempts, answers."""

from typing import ClassVar
from uuid import UUID

from pydantic import AwareDatetime, Field

from shared.events.envelope import Event, Sealed


class CallbackDue(Event):
    """A customer is to be called back inside a window.

    Source: rulebook key ``callback.plans``.
    """

    TYPE: ClassVar[str] = "callback.due.v1"

    complaint_id: UUID
    occurrence: int
    plan: str
    earliest: AwareDatetime
    due_before: AwareDatetime


class CallbackAttempted(Event):
    """One call, whatever came of it."""

    TYPE: ClassVar[str] = "callback.attempted.v1"

    complaint_id: UUID
    occurrence: int
    attempt: int
    outcome: str = Field(description="completed | refused | unreachable | wrong-number | call-back-at.")
    by: str


class CallbackCompleted(Event):
    """The customer answered."""

    TYPE: ClassVar[str] = "callback.completed.v1"

    complaint_id: UUID
    occurrence: int
    satisfaction: int = Field(ge=1, le=5, description="1 very dissatisfied … 5 very satisfied.")
    satisfied: bool
    solved: bool | None = None
    answers: dict[str, str] = Field(default_factory=dict)
    reopen: bool = False
    problem_user: bool = False
    by: str
    sealed: Sealed | None = Field(default=None, description="Answers in the customer's own words.")


class CallbackMissed(Event):
    """The window closed without a completed call or the attempts that the plan asks for."""

    TYPE: ClassVar[str] = "callback.missed.v1"

    complaint_id: UUID
    occurrence: int
    due_before: AwareDatetime
    clause: str


class CallbackUnreachable(Event):
    """All attempts were made and the customer was not reached. Not an answer."""

    TYPE: ClassVar[str] = "callback.unreachable.v1"

    complaint_id: UUID
    occurrence: int
    attempts: int


class CallbackVoided(Event):
    """The case is closed no more, so the call is not owed any longer. A miss told before does not stand."""

    TYPE: ClassVar[str] = "callback.voided.v1"

    complaint_id: UUID
    occurrence: int
    reason: str = Field(description="reopened | withdrawn.")
