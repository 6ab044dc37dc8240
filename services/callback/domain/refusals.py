"""Why callback refuses. Each message says what is so and what to do next."""

from shared.errors import ConflictError, NotFoundError, SupervisionError


class PlanUnclearError(SupervisionError):
    """The rulebook does not say which one plan holds for a closed matter. Its author must act."""

    code = "plan-unclear"


class QueueEmptyError(NotFoundError):
    """No task is free for this caller now."""

    code = "queue-empty"


class NotAskedError(ConflictError):
    """The rulebook asks for no call after this closing, or the sample left it out."""

    code = "not-asked"


class NotClosedThenError(ConflictError):
    """At the moment of the call the case had not been closed."""

    code = "not-closed-then"


class TaskDoneError(ConflictError):
    """The task has ended; no further call belongs to it."""

    code = "task-done"


class TaskClaimedError(ConflictError):
    """Another caller holds the task."""

    code = "task-claimed"


class OutsideHoursError(ConflictError):
    """Customers are not called at this time of day, or not before the window opens."""

    code = "outside-calling-hours"


class TooManyCallsError(ConflictError):
    """The customer was called as often as 24 hours, or a few minutes, allow."""

    code = "too-many-calls"


class NotYoursError(ConflictError):
    """The plan keeps this caller from this call."""

    code = "not-yours"


class FrameEmptyError(ConflictError):
    """Nobody fits a campaign's frame."""

    code = "frame-empty"


class CampaignOverError(ConflictError):
    """The campaign has ended."""

    code = "campaign-over"


class TooSoonError(ConflictError):
    """The attempt follows the last one too closely to count."""

    code = "too-soon"


class OutOfOrderError(ConflictError):
    """Attempts are entered in the order in which they were made."""

    code = "out-of-order"
