"""Time in: months are closed and published when the rulebook says (JK-21)."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog

from services.scoring.domain import NotCompleteError, Order, SetAsideError
from services.scoring.domain.facts import ORGANISATION_TYPES
from services.scoring.domain.month import later
from services.scoring.domain.obligations import publishing
from services.scoring.handlers import Disputes, Scoring

log = structlog.get_logger(__name__)


def jobs(use: Scoring, disputes: Disputes) -> list[tuple[str, Callable[[], Awaitable[None]]]]:
    """Return the named sweeps. Safe to repeat and to overlap: publishing the same again changes nothing."""

    async def publish() -> None:
        since = use.directory.enacted_since
        if since is None or not await use.store.facts_of_units(sorted(ORGANISATION_TYPES)):
            return
        now, edition = use.clock(), use.directory.edition
        published = await use.store.published()
        # A month that was over before the system began is published by hand, once its history is entered.
        month = edition.calendar.month_of(since)
        while month < edition.calendar.month_of(now):
            # On the day that the rulebook names, and not before: until then facts may still be entered.
            due = [one for one in publishing(edition, month) if one.due_before - timedelta(days=1) <= now]
            if due and str(month) not in published:
                try:
                    await use.close(str(month), Order("schedule", now, f"schedule-{month}", ""))
                except SetAsideError as error:
                    log.error("scoring.blocked", period=str(month), reason=str(error))  # noqa: TRY400  # expected
                    return
                except NotCompleteError as error:
                    log.info("scoring.waits", period=str(month), reason=str(error))
                    return
                log.info("scoring.published", period=str(month))
            month = later(month, 1)

    async def rework() -> None:
        await use.rework()

    return [
        ("publication", publish),
        ("rework", rework),
        ("disputes", disputes.sweep),
        ("restatement", disputes.restate),
    ]
