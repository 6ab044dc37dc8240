"""What callback tells: tasks, attempts, answers."""

from decimal import Decimal
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
    plan: str = ""


class CallbackRecalled(Event):
    """A call that was made was made again by somebody above (XA-10)."""

    TYPE: ClassVar[str] = "callback.recalled.v1"

    complaint_id: UUID
    occurrence: int
    plan: str
    satisfaction: int = Field(ge=1, le=5)
    satisfied: bool
    agrees: bool = Field(description="Satisfied both times, or neither time.")
    first_by: str
    by: str


class CallbackProblem(Event):
    """An answer asks for a matter of its own: intake registers it (XA-09, XA-11)."""

    TYPE: ClassVar[str] = "callback.problem.v1"

    complaint_id: UUID
    occurrence: int
    question: str
    answer: str = Field(default="", description="Choice that was given; words travel sealed.")
    kind: str = Field(description="Kind of matter to be registered.")
    unit: str
    by: str
    sealed: Sealed | None = None


class CampaignOpened(Event):
    """A survey was started: whom it could ask is fixed before the lot is drawn (ZY-10).

    Source: rulebook key ``callback.campaigns``.
    """

    TYPE: ClassVar[str] = "campaign.opened.v1"

    campaign: str
    rule: str
    frame_hash: str
    frame_size: int
    seed_hash: str = Field(description="Hash of the seed, which is told only with the draw.")
    size: int
    by: str


class CampaignDrawn(Event):
    """The lot was drawn. Anyone who has the frame can draw it again."""

    TYPE: ClassVar[str] = "campaign.drawn.v1"

    campaign: str
    seed: str
    sample_hash: str
    sizes: dict[str, int] = Field(default_factory=dict, description="Stratum → how many are asked.")


class CampaignClosed(Event):
    """A survey ended, with its estimate and how many answered."""

    TYPE: ClassVar[str] = "campaign.closed.v1"

    campaign: str
    asked: int
    answered: int
    estimate: Decimal | None = None
    low: Decimal | None = Field(default=None, description="95 % interval, `low` to `high`.")
    high: Decimal | None = None


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
