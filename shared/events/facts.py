"""A fact: what is kept of an envelope by those who fold or replay many."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple


class Fact(NamedTuple):
    """One fact. A named tuple, because a year's fold makes millions of them.

    Attributes:
        subject: What its consequences are worked out for; see ``subject_of``.
        time: When it happened.
        data: The event's data as it travels: decimals and moments are strings.
    """

    id: str
    source: str
    sequence: int
    type: str
    subject: str
    unit: str
    time: datetime
    edition: str
    data: Mapping[str, Any]


def recency(fact: Fact) -> tuple[int, int]:
    """Return what orders two facts of one case by when they were told, not by when they happened."""
    epoch = fact.source.rpartition("/")[2]
    return int(epoch) if epoch.isdecimal() else 0, fact.sequence


def moment(value: str | datetime) -> datetime:
    """Read an instant of a fact's data."""
    return value if isinstance(value, datetime) else datetime.fromisoformat(value)
