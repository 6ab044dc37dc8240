"""Clock events as the tests write them down."""

from shared.rulebook.clocks import (
    ClockEvent,
    Paused,
    Reading,
    Resumed,
    Started,
    Stopped,
    evaluate,
)
from shared.rulebook.limits import Limit
from tests.unit.rulebook.calendars import OFFICE, at


def a_start(limit: Limit, moment: str, source: str = "JK-02") -> Started:
    return Started(at=at(moment), limit=limit, source=source)


def paused(moment: str) -> Paused:
    return Paused(at=at(moment), reason="客户出差")


def resumed(moment: str) -> Resumed:
    return Resumed(at=at(moment))


def stopped(moment: str) -> Stopped:
    return Stopped(at=at(moment))


def read(*events: ClockEvent) -> Reading:
    return evaluate(events, OFFICE)
