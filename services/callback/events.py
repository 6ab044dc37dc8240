"""The table of subscriptions: what callback follows, and what it does to a matter."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from services.callback import domain
from services.callback.domain import Matter, Task
from services.callback.domain.following import FOLLOWED
from services.callback.store import index_of
from shared.events import Envelope, Happened, iso
from shared.events.intake import ImportDeclared
from shared.inbox.applier import Decision, Subscription
from shared.inbox.deliveries import Record
from shared.rulebook.edition import Edition
from shared.storage.aggregates import Aggregates, Stamp, Stored


def subscriptions(
    matters: Aggregates[Matter],
    horizons: Aggregates[dict[str, Any]],
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

    def horizon_key(record: Record) -> str | None:
        return str(record["subject"]) if record["type"] == ImportDeclared.TYPE else None

    def declare(stored: Stored[dict[str, Any]], records: Sequence[Record]) -> Decision[dict[str, Any]]:
        moments = [iso(ImportDeclared.view(record["data"]).complete_up_to) for record in records]
        if stored.state:
            moments.append(stored.state["up_to"])
        return Decision({"up_to": max(moments, key=datetime.fromisoformat)})

    return [
        Subscription(matters, matter_key, follow, ordered=False),
        Subscription(horizons, horizon_key, declare, ordered=False),
    ]
