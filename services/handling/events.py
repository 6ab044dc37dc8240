"""The table of subscriptions: what handling follows, and what it does to a case."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from services.handling import domain
from services.handling.domain import Case
from services.handling.store import Cases, index_of
from shared.events import Envelope, Happened
from shared.events.intake import ComplaintRegistered
from shared.inbox.applier import Decision, Subscription
from shared.inbox.deliveries import Record
from shared.rulebook.edition import Edition
from shared.service.horizons import Horizons
from shared.storage.aggregates import Stamp, Stored

_FOLLOWED = ("jiandu/intake/", "jiandu/callback/")


def subscriptions(
    cases: Cases,
    horizons: Horizons,
    *,
    current: Callable[[], Edition],
    edition: Callable[[str], Edition],
    stamp: Callable[[Case, str, str | None, datetime], Stamp],
    clock: Callable[[], datetime],
) -> list[Subscription[Any]]:
    """Return the subscriptions.

    | event | from | effect |
    |---|---|---|
    | complaint.registered | intake | opens the case |
    | callback.completed | callback | a dissatisfied answer re-opens it |
    | record.amended | intake | stops the watches of a record that is complete now |
    | import.declared | intake | entered cases of the unit are swept up to the moment |
    | anything else about a complaint | intake, callback | keeps its place in the order |
    """

    def case_key(record: Record) -> str | None:
        mine = record["source"].startswith(_FOLLOWED) and "/" not in record["subject"]
        return str(record["subject"]) if mine else None

    def follow(stored: Stored[Case], records: Sequence[Record]) -> Decision[Case] | None:
        case, happened = stored.state, list[Happened]()
        for record in records:
            if case is None:
                if record["type"] != ComplaintRegistered.TYPE:
                    return None
                told = Envelope.model_validate(record)
                # What the registration was examined under: the unit's own norms, where it filed some.
                begun = edition(told.editionhash) if told.editionhash else current()
                case, new = domain.open_case(told, begun)
            else:
                case, new = domain.follow(case, Envelope.model_validate(record), edition(case.edition_hash))
            happened.extend(new)
        if case is None:
            return None
        last = records[-1]
        return Decision(
            case,
            happened,
            stamp(case, last["correlationid"], last["id"], clock()),
            index_of(case, domain.wakes_at(case, edition(case.edition_hash))),
        )

    return [
        Subscription(cases, case_key, follow),
        horizons.subscription(),
    ]
