"""Pure: what lies in a partner's outbox until somebody, or its machine, has passed it on (XA-04)."""

from dataclasses import dataclass
from datetime import datetime

WORDS = {
    "accepted": ("已受理", "accepted"),
    "extended": ("已延期", "extended"),
    "resolved": ("已解决", "resolved"),
    "closed": ("已办结", "closed"),
    "withdrawn": ("已撤回", "withdrawn"),
}
"""What is told → in both languages."""


@dataclass(frozen=True, slots=True)
class Message:
    """One thing that a partner is to hear.

    Attributes:
        id: The event that told it.
        number: The partner's own number.
        at: When it happened.
        sequence: Place in the log that told it: what happened at one moment has an order too.
        taken_at, taken_by: When and by whom it was passed on.
    """

    id: str
    channel: str
    number: str
    complaint: str
    what: str
    at: datetime
    sequence: int = 0
    taken_at: datetime | None = None
    taken_by: str = ""
