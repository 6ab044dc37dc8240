"""The only reader of the wall clock.

A process may run on a machine whose clock is wrong. ``discipline`` learns the distance to the
database's time, and every later reading is corrected by it.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], datetime]
"""Returns the present moment, aware, in UTC."""

_distance = timedelta(0)


def utc_now() -> datetime:
    """Return the present moment in UTC, corrected to the database's time."""
    return datetime.now(UTC) + _distance


def discipline(reference: datetime) -> timedelta:
    """Take ``reference`` as the true present moment. Returns the correction now in force."""
    global _distance  # noqa: PLW0603  # the process has one wall clock, and this is its one correction
    _distance = reference - datetime.now(UTC)
    return _distance
