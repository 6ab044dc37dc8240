"""Time in: problem-user statuses end by themselves, and what other processes decided is taken note of."""

from collections.abc import Awaitable, Callable, Sequence

from services.intake.handlers import Intake


def sweeps(use: Intake) -> Sequence[tuple[str, Callable[[], Awaitable[None]]]]:
    """Return the service's sweeps by name."""
    return [("problem-users", use.people.refresh), ("end-flags", use.people.end_due)]
