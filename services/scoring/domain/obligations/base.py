"""What a duty is, how it stands, and what a kind of duty declares."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from services.scoring.domain.obligations.record import UnitRecord
from shared.rulebook.schema.obligations import Obligation
from shared.timekeeping.base_types import Line
from shared.timekeeping.calendar import Month


class Status(StrEnum):
    """How a duty stands at a moment."""

    OPEN = "open"
    OVERDUE = "overdue"
    DONE = "done"
    DONE_LATE = "done-late"


@dataclass(frozen=True, slots=True)
class Duty:
    """One duty of one unit for one period.

    Attributes:
        unit: Who owes it.
        about: The unit that it is about; the same unit where nobody else is.
        period: The period that it answers for: ``2026-06``, ``2026-Q3``, ``2026-W31``.
        begins: First instant of the period; ``ends``: first instant after it.
        month: The month that it counts in.
        judged_at: When it is settled whether it was done at all.
        provisional: The due day leans on a year whose holidays are not published yet.
    """

    obligation: str
    unit: str
    about: str
    period: str
    begins: datetime
    ends: datetime
    month: Month
    due_before: datetime
    judged_at: datetime
    provisional: bool
    lines: tuple[Line, ...]
    rule: Obligation


@dataclass(frozen=True, slots=True)
class Fulfilment:
    """What was done for a duty by a moment.

    Attributes:
        done_at: When it was done, for the last of the times that it is owed; None if it was not.
        times: How often it was done.
        missing: Required sections that are in none of the submissions.
        nil: There was nothing to report, and every submission says so.
    """

    done_at: datetime | None
    times: int
    missing: tuple[str, ...]
    evidence: tuple[str, ...]
    by: str
    nil: bool = False


class Done(NamedTuple):
    """One time that a duty was done, by an event.

    Attributes:
        sections: What it holds of the sections that are asked.
        nil: It says that there was nothing to report.
    """

    event: str
    at: datetime
    by: str
    sections: tuple[str, ...] = ()
    nil: bool = False


class DutyKind(NamedTuple):
    """A way in which duties are done.

    Attributes:
        done: The times that a duty was done before a moment, in order.
        not_reported: Why nobody hands in a report for it; empty where a report is what does it.
    """

    done: Callable[[UnitRecord, Duty, datetime], Iterable[Done]]
    not_reported: str = ""
