"""Who may make a call, and how often one customer is called."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.callback.domain.refusals import NotYoursError, TooManyCallsError
from services.callback.domain.task import Matter, Task
from shared.rulebook.schema import Rules
from shared.rulebook.schema.callback import Burst
from shared.timekeeping.calendar import WorkingCalendar
from shared.timekeeping.limits import due_before

DAY = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Dialler:
    """Who calls.

    Attributes:
        account: Credential that claims and enters.
        units: The caller's unit and those above it.
    """

    person: str
    account: str
    role: str = ""
    units: frozenset[str] = frozenset()


def barred(task: Task, who: Dialler) -> str:
    """Say why somebody may not make this call; empty where nothing bars them."""
    if not task.own_unit and task.unit in who.units:
        return f"the unit complained about, '{task.unit}', does not call itself"
    if task.first_by == who.person and task.first_by:
        return "who made the first call does not make it again"
    if task.roles and who.role not in task.roles:
        return f"it is made again by {' or '.join(task.roles)}"
    return ""


def must_be_free_for(task: Task, who: Dialler) -> None:
    """Refuse a caller whom the plan bars. Raises ``NotYoursError``."""
    reason = barred(task, who)
    if reason:
        msg = f"This call is not yours: {reason} ({task.clause}). Take another: POST /v1/tasks/claim."
        raise NotYoursError(msg)


def check_caps(
    matter: Matter, elsewhere: Sequence[datetime], at: datetime, rules: Rules, calendar: WorkingCalendar
) -> None:
    """Refuse to call a customer more often than the rulebook allows, whatever the calls were about.

    Args:
        elsewhere: Earlier calls to the same customer about other matters.

    Raises:
        TooManyCallsError: Names the cap.
    """
    made = [*(one.at for task in matter.tasks for one in task.attempts), *elsewhere]
    earlier = [moment for moment in made if moment <= at]
    today = sum(at - moment < DAY for moment in earlier)
    for hours in rules.callback.hours.values():
        if today >= hours.per_day:
            msg = (
                f"This customer was called {today} times within 24 hours, the most that is allowed. "
                "Call again tomorrow."
            )
            raise TooManyCallsError(msg)
        if hours.burst:
            _check_burst(earlier, at, hours.burst, calendar)


def _check_burst(earlier: Sequence[datetime], at: datetime, burst: Burst, calendar: WorkingCalendar) -> None:
    lately = [moment for moment in earlier if due_before(burst.within, moment, calendar).due_before > at]
    if len(lately) >= burst.calls:
        msg = (
            f"This customer was called {len(lately)} times within a few minutes, the most that is allowed. "
            "Call again later."
        )
        raise TooManyCallsError(msg)
