"""The table of subscriptions: what the registry follows."""

import re
from collections.abc import Sequence
from datetime import date
from typing import Any

from services.registry.domain.records import State
from services.registry.store import PUBLISHED
from shared.events.scoring import PeriodClosed
from shared.inbox.applier import Decision, Subscription
from shared.inbox.deliveries import Record
from shared.storage.aggregates import Aggregates, Stored

_MONTH = re.compile(r"(\d{4})-(\d{2})")


def subscriptions(published: Aggregates[State]) -> list[Subscription[Any]]:
    """Return the subscriptions.

    | event | from | effect |
    |---|---|---|
    | period.closed | scoring | a draft that changes the month's rules must say that it restates it |
    """

    def key(record: Record) -> str | None:
        closed = record["type"] == PeriodClosed.TYPE
        return PUBLISHED if closed and _MONTH.fullmatch(PeriodClosed.view(record["data"]).period) else None

    def follow(stored: Stored[State], records: Sequence[Record]) -> Decision[State]:
        before = {_next_month(PeriodClosed.view(record["data"]).period) for record in records}
        known = {str(stored.state["before"])} if stored.state else set()
        return Decision({"before": max(before | known)})

    return [Subscription(published, key, follow, ordered=False)]


def _next_month(month: str) -> str:
    year, number = (int(part) for part in month.split("-"))
    return date(year + number // 12, number % 12 + 1, 1).isoformat()
