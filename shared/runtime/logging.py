"""Structured logging: one JSON line an event. Personal data is never passed to it."""

import logging
import sys

import structlog
from structlog.typing import EventDict

FORMERLY = {
    "consumer.after-failed": "follower.after-failed",
    "consumer.database-lost": "follower.database-lost",
    "consumer.failed": "follower.failed",
    "consumer.gap": "follower.hole",
    "consumer.gap-unheard": "follower.hole-unheard",
    "consumer.parked": "follower.parked",
    "handling.not-reassigned": "handling.not-rehomed",
}
"""Event → its name in earlier releases, by which an operator's dashboard may still look for it."""


def with_former_name(_logger: object, _method: str, line: EventDict) -> EventDict:
    """Add ``formerly`` to a line whose event had another name."""
    if before := FORMERLY.get(line["event"]):
        line["formerly"] = before
    return line


def configure(level: str, service: str, site: str) -> None:
    """Write JSON lines to standard error, each with service and site."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            with_former_name,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service, site=site)
