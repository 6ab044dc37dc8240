"""The case: one matter as handling knows it. Frozen, and stored as it is (``model_dump(mode="json")``).

Everything that later decisions need is here; what only people need later stands in the events.
"""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from shared.rulebook.schema.procedures import Contestable
from shared.values.idempotency import Remembered


class Status(StrEnum):
    """Where a case stands. ``merged`` goes on inside another case."""

    OPEN = "open"
    RESOLVED = "resolved"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"
    MERGED = "merged"


def _renamed(stored: object, before: str, now: str) -> object:
    if isinstance(stored, dict) and before in stored:
        return {now: stored[before], **stored}
    return stored


class Piece(BaseModel):
    """Part of a case. Unknown fields of a newer version are left alone."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Actor(Piece):
    """Who commands. Role and unit come from the credential.

    Attributes:
        stands_for: Absent people and their roles, in which this person approves.
    """

    person: str
    unit: str
    role: str
    rights: frozenset[str] = frozenset()
    sees_all: bool = False
    stands_for: tuple[tuple[str, str], ...] = ()


class Charge(Piece):
    """Who answers for the case from a moment on; ``by``: who gave it to them."""

    since: AwareDatetime
    unit: str
    department: str = ""
    person: str = ""
    by: str = ""
    by_unit: str = ""


class Adopted(Piece):
    """The procedure that is followed from a moment on, and the grade then; its limits still count from receipt."""

    since: AwareDatetime
    procedure: str
    grade: str = ""


class Confirmation(Piece):
    """A second person's word on a finding, for one of the rulebook's determinations."""

    determination: str
    at: AwareDatetime
    by: str


class Finding(Piece):
    """What was found: validity, class, item, who is liable.

    Attributes:
        unit: Unit of who found it.
        overturned: An appeal took it away; another person has to find anew.
        determinations: Those that it is subject to. Until each is confirmed it is provisional (XA-18).
    """

    at: AwareDatetime
    by: str
    validity: str
    liable: str = ""
    reason: str = ""
    unit: str = ""
    overturned: bool = False
    determinations: tuple[str, ...] = ()
    confirmations: tuple[Confirmation, ...] = ()

    @property
    def awaits(self) -> tuple[str, ...]:
        """Determinations that nobody confirmed yet."""
        confirmed = {one.determination for one in self.confirmations}
        return tuple(key for key in self.determinations if key not in confirmed)

    @property
    def made_at(self) -> datetime:
        """Since when it is no longer provisional, once it is not."""
        return max((self.at, *(one.at for one in self.confirmations)))


class OfStep(Piece):
    """What happened to a step, in one of its occurrences."""

    step: str
    occurrence: int
    at: AwareDatetime
    by: str

    @model_validator(mode="before")
    @classmethod
    def _of_before(cls, stored: object) -> object:
        return _renamed(stored, "run", "occurrence")


class Done(OfStep):
    """A step that was done."""

    evidence: tuple[str, ...] = ()
    signatures: tuple[str, ...] = ()
    outcome: str = ""


class Approval(Piece):
    """One signature in the chain of a settlement; ``for_person``: the absent holder for whom a deputy signed."""

    role: str
    by: str
    at: AwareDatetime
    for_person: str = ""


class Settlement(Piece):
    """How the matter is to be settled. ``approved_at`` is set by the last signature of the chain."""

    at: AwareDatetime
    by: str
    way: str
    amount: Decimal | None = None
    deposit: Decimal | None = None
    reason: str = ""
    owner_consents: bool = False
    occurrence: int = 1
    approvals: tuple[Approval, ...] = ()
    approved_at: AwareDatetime | None = None


class Repeat(Piece):
    """A moment from which steps begin again: a refused result, a re-opening, a way taken up again.

    Attributes:
        direct: Steps whose clock starts at ``at``.
        dependent: Steps that are owed again once what they follow is done again.
    """

    at: AwareDatetime
    cause: str
    direct: tuple[str, ...] = ()
    dependent: tuple[str, ...] = ()


class Agreement(OfStep):
    """A date fixed with the customer for a step (JK-12)."""

    due_before: AwareDatetime


class Asked(OfStep):
    """That more time was asked for; ``granted`` once it was."""

    granted: bool = False


class Excepted(OfStep):
    """That an occurrence of a step need not report everything, as a leader approved (JK-17)."""


class Pause(Piece):
    """A time in which clocks stand still. ``ends`` is set by the rulebook's longest, or by resuming."""

    at: AwareDatetime
    reason: str
    clocks: tuple[str, ...]
    ends: AwareDatetime | None = None

    def stands_at(self, moment: datetime) -> bool:
        """Say whether it goes on beyond a moment."""
        return self.ends is None or self.ends > moment


class ClockState(Piece):
    """A clock with what its events came to when they last changed, and what was told of it.

    Attributes:
        step: Step that it belongs to; empty for a watch or an appeal.
        events: As ``shared.timekeeping.clocks`` writes them; read only where the clock changes or explains.
        seal: What it was last brought up to; the same again changes nothing.
        occurrence: Number of the present one, from 1.
        due: First moment that is too late, in the present occurrence.
        told: Occurrence → due moment under which it was told missed.
        revoked: Occurrence → due moment of a miss that turned out not to stand when the next one began.
        excused: Occurrences whose miss an appeal took away; nothing more is told of them.
        extended: Extensions in the present occurrence.
        void: Not owed by the procedure that turned out to hold; goes once that is told.
    """

    name: str
    step: str = ""
    procedure: str = ""
    report: str = ""
    events: tuple[dict[str, Any], ...] = ()
    seal: str = ""
    occurrence: int = 1
    started_at: AwareDatetime
    due: AwareDatetime
    provisional: bool = False
    ended_at: AwareDatetime | None = None
    paused_since: AwareDatetime | None = None
    told: dict[int, AwareDatetime] = {}
    revoked: dict[int, AwareDatetime] = {}
    excused: tuple[int, ...] = ()
    extended: int = 0
    void: bool = False

    def missed_by(self, moment: datetime) -> bool:
        """Say whether the present occurrence's deadline had passed unmet by ``moment``."""
        return self.due <= moment and self.stands_until(self.due)

    def stands_until(self, moment: datetime) -> bool:
        """Say whether the deed is still owed at ``moment``, and no pause that goes on moves what comes then."""
        return all(bound is None or moment <= bound for bound in (self.ended_at, self.paused_since))

    @property
    def runs(self) -> bool:
        """Say whether the deed is still owed and time runs or stands still for it."""
        return self.ended_at is None and not self.void


class Escalated(Piece):
    """A time that the case was taken up."""

    at: AwareDatetime
    level: int
    by: str


class PowerUse(Piece):
    """A power that was used."""

    at: AwareDatetime
    power: str
    by: str


class Notice(Piece):
    """What the system told roles, or a unit, of the case."""

    alert: str
    at: AwareDatetime
    roles: tuple[str, ...] = ()
    unit: str = ""
    clock: str = ""
    due_before: AwareDatetime | None = None
    late: bool = False


class Appeal(Piece):
    """An appeal, with what it is against as that was when it was lodged.

    Attributes:
        what: Kind of thing that is contested; ``since`` when it stands.
        hands: Who had a hand in it; ``made_in``: their unit.
    """

    id: str
    at: AwareDatetime
    against: str
    by: str
    unit: str
    rule: str
    what: Contestable = "validity"
    since: AwareDatetime = Field(default_factory=lambda stated: stated["at"])
    charged_unit: str = ""
    charged_person: str = ""
    made_in: str = ""
    hands: tuple[str, ...] = ()
    advise_before: AwareDatetime | None = None
    advised_at: AwareDatetime | None = None
    advised_by: str = ""
    decided_at: AwareDatetime | None = None
    upheld: bool | None = None


class Case(Piece):
    """One matter.

    Attributes:
        tier: Tier of service, and ``grade``, both as they hold by the rulebook (see ``procedure.described``).
        stated_grade: Grade that was registered or found; empty where nobody stated one.
        flags: Flag → since when it is set.
        record_complete_at: When every field of its record was first filled in.
        taken_by: Unit that took the matter, where it is about another.
        external_number: Number of the partner that sent it.
        edition_hash: Edition under which the case began.
        charges: Who answered for it, in order of time.
        accepted_at: When the owner accepted the present result.
        occurrence: Number of the present opening; a re-opening adds one.
        ended_at: When it was closed, withdrawn or merged.
        alerted: Alert beside the occurrence of a clock → due moment under which it was raised.
        settled_up_to: Silence has been judged up to here.
        commands: What was answered, with the keys of those commands.
    """

    complaint_id: UUID
    number: str
    site: str
    kind: str
    class_: str
    item: str = ""
    service: str = ""
    tier: str = ""
    grade: str = ""
    stated_grade: str = ""
    flags: dict[str, AwareDatetime] = {}
    channel: str
    product: str = ""
    received_at: AwareDatetime
    registered_at: AwareDatetime
    handover_on: AwareDatetime | None = None
    warranty_before: AwareDatetime | None = None
    imported: bool = False
    customer: str
    problem_user: bool = False
    first_taker: str = ""
    taken_by: str = ""
    external_number: str = ""
    record_complete_at: AwareDatetime | None = None
    edition: str = ""
    edition_hash: str = ""
    status: Status = Status.OPEN
    occurrence: int = 1
    charges: tuple[Charge, ...]
    procedures: tuple[Adopted, ...] = ()
    findings: tuple[Finding, ...] = ()
    done: tuple[Done, ...] = ()
    works: tuple[AwareDatetime, ...] = ()
    settlements: tuple[Settlement, ...] = ()
    accepted_at: AwareDatetime | None = None
    repeats: tuple[Repeat, ...] = ()
    agreements: tuple[Agreement, ...] = ()
    asked: tuple[Asked, ...] = ()
    excepted: tuple[Excepted, ...] = ()
    pauses: tuple[Pause, ...] = ()
    clocks: tuple[ClockState, ...] = ()
    escalations: tuple[Escalated, ...] = ()
    alerted: dict[str, AwareDatetime] = {}
    notices: tuple[Notice, ...] = ()
    powers: tuple[PowerUse, ...] = ()
    appeals: tuple[Appeal, ...] = ()
    resolved_at: AwareDatetime | None = None
    ended_at: AwareDatetime | None = None
    reopened_at: AwareDatetime | None = None
    outcome: str = ""
    merged_into: UUID | None = None
    settled_up_to: AwareDatetime
    commands: Remembered = ()

    @model_validator(mode="before")
    @classmethod
    def _of_before(cls, stored: object) -> object:
        return _renamed(stored, "rounds", "repeats")

    @property
    def unit(self) -> str:
        """Unit that answers for the case."""
        return self.charges[-1].unit

    @property
    def department(self) -> str:
        """Department that answers for the case."""
        return self.charges[-1].department

    @property
    def person(self) -> str:
        """Person who answers for the case."""
        return self.charges[-1].person

    @property
    def procedure(self) -> str:
        """Procedure that is followed now."""
        return self.procedures[-1].procedure

    @property
    def finding(self) -> Finding | None:
        """The finding that stands, if any."""
        return self.findings[-1] if self.findings and not self.findings[-1].overturned else None

    @property
    def validity(self) -> str:
        """``valid``, ``invalid``, or empty while nothing is found."""
        return self.finding.validity if self.finding else ""

    @property
    def settlement(self) -> Settlement | None:
        """The newest settlement, approved or not."""
        return self.settlements[-1] if self.settlements else None

    @property
    def way(self) -> str:
        """The way that holds: the approved one, or the first proposed while none is approved."""
        approved = [one for one in self.settlements if one.approved_at]
        newest = approved[-1] if approved else self.settlement
        return newest.way if newest else ""

    @property
    def is_live(self) -> bool:
        """Say whether the case is still being handled."""
        return self.status in (Status.OPEN, Status.RESOLVED)

    def charge_at(self, moment: datetime) -> Charge:
        """Return who answered for the case at a moment."""
        earlier = [charge for charge in self.charges if charge.since <= moment]
        return earlier[-1] if earlier else self.charges[0]

    def occurrence_of(self, step: str) -> int:
        """Return the number of the present occurrence of a step."""
        return 1 + sum(step in one.direct or step in one.dependent for one in self.repeats)

    def done_now(self, step: str) -> Done | None:
        """Return how a step was done in its present occurrence, or None."""
        occurrence = self.occurrence_of(step)
        return next(
            (one for one in reversed(self.done) if one.step == step and one.occurrence == occurrence), None
        )

    def excepted_now(self, step: str) -> Excepted | None:
        """Return who excepted the report of a step in its present occurrence, or None."""
        occurrence = self.occurrence_of(step)
        return next((one for one in self.excepted if (one.step, one.occurrence) == (step, occurrence)), None)

    def clock(self, name: str) -> ClockState | None:
        """Return a clock by name, or None."""
        return next((clock for clock in self.clocks if clock.name == name), None)

    def with_(self, **changes: object) -> "Case":
        """Return the case with some fields changed."""
        return self.model_copy(update=changes)

    def with_clock(self, clock: ClockState) -> "Case":
        """Return the case with one clock changed."""
        return self.with_(clocks=tuple(clock if one.name == clock.name else one for one in self.clocks))
