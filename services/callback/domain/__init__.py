"""Pure: which closed matters are called back, what a call may be, what silence means."""

from services.callback.domain.answers import Call, Checked, Opens, check, field_of
from services.callback.domain.callers import DAY, Dialler, barred
from services.callback.domain.calling import (
    answered,
    attempt,
    check_hours,
    claim,
    questionnaire_of,
    release,
)
from services.callback.domain.drawing import is_sampled
from services.callback.domain.following import EditionOf, follow, plan_for
from services.callback.domain.refusals import (
    NotAskedError,
    NotClosedThenError,
    NotYoursError,
    OutOfOrderError,
    OutsideHoursError,
    PlanUnclearError,
    QueueEmptyError,
    TaskClaimedError,
    TaskDoneError,
    TooManyCallsError,
    TooSoonError,
)
from services.callback.domain.settling import next_due, settle
from services.callback.domain.summary import Row, Summary, Tally, rows_of, summarise
from services.callback.domain.task import Attempt, Box, Claim, Ending, Matter, Outcome, Status, Task

__all__ = [
    "DAY",
    "Attempt",
    "Box",
    "Call",
    "Checked",
    "Claim",
    "Dialler",
    "EditionOf",
    "Ending",
    "Matter",
    "NotAskedError",
    "NotClosedThenError",
    "NotYoursError",
    "Opens",
    "OutOfOrderError",
    "Outcome",
    "OutsideHoursError",
    "PlanUnclearError",
    "QueueEmptyError",
    "Row",
    "Status",
    "Summary",
    "Tally",
    "Task",
    "TaskClaimedError",
    "TaskDoneError",
    "TooManyCallsError",
    "TooSoonError",
    "answered",
    "attempt",
    "barred",
    "check",
    "check_hours",
    "claim",
    "field_of",
    "follow",
    "is_sampled",
    "next_due",
    "plan_for",
    "questionnaire_of",
    "release",
    "rows_of",
    "settle",
    "summarise",
]
