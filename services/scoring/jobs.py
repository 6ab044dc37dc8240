"""Time in: months are closed and published when the rulebook says (JK-21)."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog

from services.scoring.domain import NotCompleteError
from services.scoring.handlers import Scoring
from shared.rulebook.basis import later, window
from shared.rulebook.duties import publishing
from shared.rulebook.facts import ORGANISATION_TYPES

log = structlog.get_logger(__name__)


def jobs(use: Scoring) -> list[tuple[str, Callable[[], Awaitable[None]]]]:
    """Return the named sweeps. Safe to repeat and to overlap: publishing the same again changes nothing."""

    async def publish() -> None:
        if not use.directory.enacted or not await use.store.facts_of_units(sorted(ORGANISATION_TYPES)):
            return
        now, edition = use.clock(), use.directory.edition
        month = later(edition.calendar.month_of(now), -1)
        _, end = window(edition, month)
        # A month that was over before the system began is published by hand, once its history is entered.
        if use.directory.enacted_since is None or use.directory.enacted_since >= end:
            return
        # On the day that the rulebook names, and not before: until then facts may still be entered.
        due = [one for one in publishing(edition, month) if one.due_before - timedelta(days=1) <= now]
        if not due or (await use.store.period(str(month))).state is not None:
            return
        try:
            await use.close(str(month), now, "schedule", f"schedule-{month}")
        except NotCompleteError as error:
            log.info("scoring.waits", period=str(month), reason=str(error))
            return
        log.info("scoring.published", period=str(month))

    return [("publication", publish)]
