"""The table of subscriptions: what callback follows, and what it does to a matter."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from services.callback import domain
from services.callback.domain import Matter, Task
from services.callback.domain.following import FOLLOWED
from services.callback.store import Matters, index_of
from shared.events import Envelope, Happened
from shared.inbox.applier import Decision, Subscription
from shared.inbox.deliveries import Record
from shared.rulebook.edition import Edition
from shared.service.horizons import Horizons
from shared.storage.aggregates import Stamp, Stored


def subscriptions(
    matters: Matters,
    horizons: Horizons,
    *,
    edition: Callable[[str], Edition],
    stamp: Callable[[Task, str, datetime], Stamp],
    clock: Callable[[], datetime],
) -> list[Subscription[Any]]:
    """Return the subscriptions. None depends on order: each effect is a fact put into a set.

    | event | from | effect |
    |---|---|---|
    | complaint.registered, record.amended | intake | keeps the sealed contact, unit and customer |
    | case.closed, case.resolved | handling | opens a task by the plan of its day |
    | case.reopened, case.withdrawn | handling | ends the task as void, unless its window had passed |
    | import.declared | intake | entered complaints of the unit are swept up to the moment |
    """

    def matter_key(record: Record) -> str | None:
        mine = record["type"] in FOLLOWED and "/" not in record["subject"]
        return str(record["subject"]) if mine else None

    def follow(stored: Stored[Matter], records: Sequence[Record]) -> Decision[Matter] | None:
        matter, happened = stored.state, list[Happened]()
        for record in records:
            matter, new = domain.follow(matter, Envelope.model_validate(record), edition)
            happened.extend(new)
        if matter is None:
            return None
        made = (
            stamp(matter.current, records[-1]["correlationid"], clock())
            if happened and matter.current
            else None
        )
        return Decision(matter, happened, made, index_of(matter))

    return [
        Subscription(matters, matter_key, follow, ordered=False),
        horizons.subscription(),
    ]
