"""The state: one complaint as callback knows it, with a task for each time that its case was closed.

Frozen, and stored as it is (``model_dump(mode="json")``). It is a set of facts whose order of arrival does
not matter; what follows from them is worked out anew each time.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict

from shared.events import Sealed


class Status(StrEnum):
    """Where a task stands. A missed one may still be called; an unreachable customer gave no answer."""

    OPEN = "open"
    MISSED = "missed"
    COMPLETED = "completed"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    VOID = "void"
    NOT_ASKED = "not-asked"


CALLABLE = frozenset({Status.OPEN, Status.MISSED})


class Outcome(StrEnum):
    """What came of one call."""

    COMPLETED = "completed"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    WRONG_NUMBER = "wrong-number"
    CALL_BACK_AT = "call-back-at"


CAMPAIGN = "campaign/"
"""What the plan of an interview begins with."""

NOT_REACHED = frozenset({Outcome.UNREACHABLE, Outcome.WRONG_NUMBER})


class Piece(BaseModel):
    """Part of the state. Unknown fields of a newer version are left alone."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Box(Piece):
    """Sealed personal data, and its place among what intake told: a later box overrides field by field."""

    epoch: int
    ordinal: int
    sealed: Sealed


class Ending(Piece):
    """A moment from which a closed case is closed no more."""

    at: AwareDatetime
    reason: str


class Claim(Piece):
    """A caller's lease on a task."""

    by: str
    until: AwareDatetime


class Attempt(Piece):
    """One call.

    Attributes:
        next_from: No sooner than this should the next call be made.
        status: Where the task stood after it: what the same key is answered again.
        sealed: Answers in the customer's own words.
    """

    number: int
    outcome: Outcome
    by: str
    at: AwareDatetime
    key: str
    digest: str
    status: Status
    satisfaction: int | None = None
    satisfied: bool | None = None
    solved: bool | None = None
    reopen: bool = False
    answers: dict[str, str] = {}
    sealed: Sealed | None = None
    next_from: AwareDatetime | None = None


class Task(Piece):
    """The callback after one closing. What the plan asked for is kept, so silence needs no rulebook to speak.

    Attributes:
        closed_at: What its window counts from: the closing, or the resolution, or the first call of a call again.
        unit: Unit that answered for the case when it was closed.
        stream: Site of the complaint's origin.
        edition_hash: Edition that the case was closed under; it decides everything about this task.
        plan: Empty where no plan asks for a call.
        due_before: First moment that is too late.
        month: Month that the window ends in, group time; midnight on the 1st closes the month before.
        wanted: Attempts after which a customer counts as unreachable.
        ended_at: When a call or an ending finished it.
        own_unit: Whether the unit itself may call.
        first_by: Who made the first call, where this one is made again; else empty.
        roles: Roles that make it again.
    """

    occurrence: int
    closed_at: AwareDatetime
    unit: str
    stream: str
    kind: str
    class_: str
    validity: str
    way: str
    procedure: str = ""
    channel: str = ""
    grade: str = ""
    tier: str = ""
    service: str = ""
    flags: tuple[str, ...] = ()
    customer: str
    problem_user: bool = False
    imported: bool = False
    edition: str = ""
    edition_hash: str = ""
    correlation: str
    plan: str = ""
    earliest: AwareDatetime
    due_before: AwareDatetime
    month: str
    clause: str = ""
    wanted: int = 1
    own_unit: bool = True
    first_by: str = ""
    roles: tuple[str, ...] = ()
    status: Status = Status.NOT_ASKED
    ended_at: AwareDatetime | None = None
    attempts: tuple[Attempt, ...] = ()
    claim: Claim | None = None

    @property
    def is_required(self) -> bool:
        """Say whether the rulebook asks for this call."""
        return self.status is not Status.NOT_ASKED

    @property
    def is_quiet(self) -> bool:
        """Say whether its calls are told to nobody and count in no month: a call made again, an interview."""
        return bool(self.first_by) or self.plan.startswith(CAMPAIGN)

    @property
    def answer(self) -> Attempt | None:
        """Return the completed call."""
        return next((one for one in self.attempts if one.outcome is Outcome.COMPLETED), None)

    @property
    def not_reached(self) -> int:
        """Return how many attempts reached nobody."""
        return sum(one.outcome in NOT_REACHED for one in self.attempts)

    @property
    def free_from(self) -> datetime:
        """Return from when the task may be given to a caller."""
        bounds = [self.earliest]
        if self.attempts and self.attempts[-1].next_from:
            bounds.append(self.attempts[-1].next_from)
        if self.claim:
            bounds.append(self.claim.until)
        return max(bounds)

    def held_by_another(self, account: str, now: datetime) -> bool:
        """Say whether someone else's lease runs."""
        return self.claim is not None and self.claim.by != account and now < self.claim.until


class Matter(Piece):
    """One complaint as callback knows it.

    Attributes:
        origin: Unit that registered it; empty until the registration arrives.
        boxes: Sealed contact data, in intake's order.
        endings: Re-openings and withdrawals, in order of time.
        tasks: In order of occurrence.
    """

    complaint_id: UUID
    site: str
    number: str = ""
    origin: str = ""
    customer: str = ""
    problem_user: bool = False
    imported: bool = False
    boxes: tuple[Box, ...] = ()
    endings: tuple[Ending, ...] = ()
    tasks: tuple[Task, ...] = ()

    @property
    def current(self) -> Task | None:
        """Return the task of the last closing."""
        return self.tasks[-1] if self.tasks else None

    @property
    def is_interview(self) -> bool:
        """Say whether this is no complaint but somebody whom a campaign asks."""
        return any(task.plan.startswith(CAMPAIGN) for task in self.tasks)

    def task_at(self, moment: datetime) -> Task | None:
        """Return the task that a call at ``moment`` belongs to: of the last closing up to then."""
        return next((task for task in reversed(self.tasks) if task.closed_at <= moment), None)

    def ending_of(self, task: Task) -> Ending | None:
        """Return what ended the closing that ``task`` is about."""
        return next((ending for ending in self.endings if ending.at >= task.closed_at), None)

    def awaits_ending(self, task: Task) -> bool:
        """Say whether a later closing proves that a re-opening is still on its way here."""
        later = next((one for one in self.tasks if one.occurrence > task.occurrence), None)
        if later is None:
            return False
        ending = self.ending_of(task)
        return ending is None or ending.at > later.closed_at

    def with_task(self, task: Task) -> "Matter":
        """Return the matter with ``task`` in its place."""
        others = [one for one in self.tasks if _which(one) != _which(task)]
        return self.model_copy(update={"tasks": tuple(sorted([*others, task], key=_which))})


def _which(task: Task) -> tuple[int, bool]:
    return task.occurrence, bool(task.first_by)


def in_order(boxes: Sequence[Box]) -> tuple[Box, ...]:
    """Return boxes in intake's order, each once."""
    return tuple({(box.epoch, box.ordinal): box for box in sorted(boxes, key=_place)}.values())


def _place(box: Box) -> tuple[int, int]:
    return box.epoch, box.ordinal
