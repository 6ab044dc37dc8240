"""The table of subscriptions: every fact comes this way, scoring's own among them."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any

import structlog

from services.scoring import domain
from services.scoring.domain import Compact, Subject
from services.scoring.store import FACT, index_of
from shared.events import stream_of
from shared.messaging import Decision, Following, Record
from shared.rulebook.basis import Tariffs
from shared.rulebook.facts import COUNTED_TYPES, ORGANISATION_TYPES, UNIT_TYPES, fact_of, subject_of
from shared.rulebook.organisation import Organisation
from shared.storage import Aggregates, Stamp, Stored

log = structlog.get_logger(__name__)


def followings(
    subjects: Aggregates[Subject],
    unit_facts: Aggregates[Compact],
    *,
    tariffs: Callable[[], Tariffs],
    organisation: Callable[[], Organisation],
    basis: Callable[[], str],
    organisation_changed: Callable[[Sequence[str]], Awaitable[None]],
    stamp: Callable[[str, str, str, datetime], Stamp],
    clock: Callable[[], datetime],
) -> list[Following[Any]]:
    """Return the subscriptions.

    | event | effect |
    |---|---|
    | any counted fact about a matter | joins its subject, whose postings are worked out anew |
    | any counted fact about a unit | kept as it came |
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
            index=index_of(subject, months, basis(), domain.judged_again(subject, months, tariffs(), now)),
        )

    return [
        # Units first: in one batch a unit must be known before what it is charged with.
        Following(unit_facts, unit_key, keep, ordered=False, after=organisation_changed),
        Following(subjects, subject_key, gather, ordered=False),
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
