"""Time in: statuses end by themselves, other processes decide, callbacks bring matters up."""

from collections.abc import Awaitable, Callable, Sequence

from services.intake.handlers import Intake


def sweeps(use: Intake) -> Sequence[tuple[str, Callable[[], Awaitable[None]]]]:
    """Return the service's sweeps by name."""
    return [
        ("problem-users", use.people.refresh),
        ("end-flags", use.people.lapse_due),
        ("follow-up", use.follow_ups.register_all),
        ("census", use.census.count_now_and_then),
    ]
