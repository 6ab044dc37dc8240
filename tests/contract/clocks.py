"""A clock that a test sets."""

from dataclasses import dataclass
from datetime import datetime

from shared.runtime.clock import utc_now


@dataclass(slots=True)
class SetClock:
    """Says what the test set; until then, the present."""

    stands_at: datetime | None = None

    def __call__(self) -> datetime:
        return self.stands_at or utc_now()
