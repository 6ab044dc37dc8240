"""The table of subscriptions: every fact comes this way, scoring's own among them."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any

import structlog

from services.scoring import domain
from services.scoring.domain import Compact, Document, Subject
from services.scoring.domain.facts import COUNTED_TYPES, ORGANISATION_TYPES, UNIT_TYPES, fact_of, subject_of
from services.scoring.domain.month import Tariffs
from services.scoring.domain.organisation import Organisation
from services.scoring.store import FACT, RULING, Store, index_of
from shared.events import stream_of, views_of
from shared.events.handling import AppealDecided
from shared.events.scoring import DisputeRuled
from shared.inbox.applier import Decision, Subscription
from shared.inbox.deliveries import Record
from shared.storage.aggregates import Stamp, Stored

RULED = views_of(AppealDecided, DisputeRuled)

log = structlog.get_logger(__name__)


def subscriptions(
    store: Store,
    *,
    tariffs: Callable[[], Tariffs],
    organisation: Callable[[], Organisation],
    context: Callable[[], str],
    organisation_changed: Callable[[Sequence[str]], Awaitable[None]],
    stamp: Callable[[str, str, str, datetime], Stamp],
    clock: Callable[[], datetime],
) -> list[Subscription[Any]]:
    """Return the subscriptions.

    | event | effect |
    |---|---|
    | any counted fact about a matter | joins its subject, whose postings are worked out anew |
    | any counted fact about a unit | kept as it came |
    | a ruling over an appeal or a dispute | kept besides, for what it overturned and what it restates |
    """

    def is_of_a_unit(record: Record) -> bool:
        return (
            record["type"] in UNIT_TYPES
            or record["type"] in ORGANISATION_TYPES
            or (record["type"] in COUNTED_TYPES and subject_of(record).startswith("unit/"))
        )

    def unit_key(record: Record) -> str | None:
        return f"{FACT}{record['id']}" if is_of_a_unit(record) else None

    def keep(stored: Stored[Compact], records: Sequence[Record]) -> Decision[Compact]:
        record = records[0]
        # What no fold can read is set aside here, and not met when the month is closed.
        time = fact_of(record).time
        return Decision(
            domain.compact(record), index={"type": record["type"], "time": time, "unit": record["unit"]}
        )

    def subject_key(record: Record) -> str | None:
        mine = record["type"] in COUNTED_TYPES and not is_of_a_unit(record)
        return subject_of(record) if mine else None

    def gather(stored: Stored[Subject], records: Sequence[Record]) -> Decision[Subject]:
        now = clock()
        _say_early(records, tariffs())
        subject, happened, months = domain.gather(stored.state, records, tariffs(), organisation(), now)
        last = records[-1]
        return Decision(
            subject,
            happened,
            stamp(stream_of(last["source"]), last["unit"], last["correlationid"], now),
            index=index_of(subject, months, context(), domain.judged_again(subject, months, tariffs(), now)),
        )

    def ruling_key(record: Record) -> str | None:
        return f"{RULING}{record['id']}" if record["type"] in RULED else None

    def note(stored: Stored[Document], records: Sequence[Record]) -> Decision[Document]:
        ruling = stored.state or {**domain.compact(records[0]), "restated": False}
        told = RULED[ruling["type"]](ruling["data"])
        return Decision(ruling, index={"owed": told.upheld and told.restates and not ruling["restated"]})

    return [
        # Units first: in one batch a unit must be known before what it is charged with.
        Subscription(store.unit_facts, unit_key, keep, ordered=False, after=organisation_changed),
        Subscription(store.subjects, subject_key, gather, ordered=False),
        Subscription(store.rulings, ruling_key, note, ordered=False),
    ]


def _say_early(records: Sequence[Record], tariffs: Tariffs) -> None:
    """Name what lies before the rulebook: it costs nothing, so nobody would ever hear of it."""
    calendar, (first, _) = tariffs.edition.calendar, tariffs.slices[0]
    for record in records:
        if calendar.local_day(datetime.fromisoformat(record["time"])) < first:
            log.info(
                "scoring.before-the-rulebook",
                type=record["type"],
                subject=record["subject"],
                unit=record["unit"],
                time=record["time"],
            )
