"""A month in numbers. Attempted, completed and in time are three numbers; an unreachable customer gave no answer."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from decimal import Decimal
from fractions import Fraction
from typing import Any

from services.callback.domain.task import Matter, Status
from shared.values.canonical import half_up
from shared.values.intervals import Interval, wilson

PLACES = 4


@dataclass(frozen=True, slots=True)
class Row:
    """What one required task adds to the month that its window ends in."""

    month: str
    unit: str
    status: str
    attempted: bool
    in_time: bool
    satisfaction: int
    satisfied: bool
    problem_user: bool

    @classmethod
    def load(cls, stored: Mapping[str, Any]) -> "Row":
        """Read what was stored beside the document."""
        return cls(**{one.name: stored[one.name] for one in fields(cls)})


@dataclass(slots=True)
class Tally:
    """Counts. ``answers`` and ``satisfied`` leave problem users out; the other two hold everybody."""

    required: int = 0
    attempted: int = 0
    completed: int = 0
    in_time: int = 0
    refused: int = 0
    unreachable: int = 0
    missed: int = 0
    open: int = 0
    answers: int = 0
    satisfied: int = 0
    satisfied_of_all: int = 0
    levels: dict[int, int] = field(default_factory=lambda: dict.fromkeys(range(1, 6), 0))

    def add(self, row: Row) -> None:
        """Count one task."""
        self.required += 1
        self.attempted += row.attempted
        self.in_time += row.in_time
        self.refused += row.status == Status.REFUSED
        self.unreachable += row.status == Status.UNREACHABLE
        self.missed += row.status == Status.MISSED
        self.open += row.status == Status.OPEN
        if row.status == Status.COMPLETED:
            self.completed += 1
            self.levels[row.satisfaction] += 1
            self.satisfied_of_all += row.satisfied
            if not row.problem_user:
                self.answers += 1
                self.satisfied += row.satisfied


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts and shares; a share of nothing is None.

    Attributes:
        coverage: Attempted ÷ required.
        completion: Completed ÷ required.
        timeliness: Completed within the window ÷ required.
        satisfaction: Satisfied ÷ answers, without problem users, with its Wilson 95 % interval.
        satisfaction_of_all: The same with them.
    """

    unit: str
    counts: Tally
    coverage: Decimal | None
    completion: Decimal | None
    timeliness: Decimal | None
    satisfaction: Decimal | None
    satisfaction_interval: Interval | None
    satisfaction_of_all: Decimal | None


def rows_of(matter: Matter) -> list[Row]:
    """Return what a matter adds to its months. Void tasks were not required in the end, nor are calls made again or interviews."""
    return [
        Row(
            month=task.month,
            unit=task.unit,
            status=str(task.status),
            attempted=bool(task.attempts),
            in_time=task.answer is not None and task.answer.at < task.due_before,
            satisfaction=(task.answer.satisfaction or 0) if task.answer else 0,
            satisfied=bool(task.answer and task.answer.satisfied),
            problem_user=task.problem_user,
        )
        for task in matter.tasks
        if task.is_required and task.status is not Status.VOID and not task.is_quiet
    ]


def summarise(rows: Iterable[Row]) -> tuple[Summary, list[Summary]]:
    """Return the figures of all rows together, and those of each unit in order of name."""
    total, units = Tally(), dict[str, Tally]()
    for row in rows:
        total.add(row)
        units.setdefault(row.unit, Tally()).add(row)
    return _summary("", total), [_summary(unit, units[unit]) for unit in sorted(units)]


def _summary(unit: str, counts: Tally) -> Summary:
    return Summary(
        unit=unit,
        counts=counts,
        coverage=_share(counts.attempted, counts.required),
        completion=_share(counts.completed, counts.required),
        timeliness=_share(counts.in_time, counts.required),
        satisfaction=_share(counts.satisfied, counts.answers),
        satisfaction_interval=wilson(counts.satisfied, counts.answers) if counts.answers else None,
        satisfaction_of_all=_share(counts.satisfied_of_all, counts.completed),
    )


def _share(hits: int, of: int) -> Decimal | None:
    return half_up(Fraction(hits, of), PLACES) if of else None
