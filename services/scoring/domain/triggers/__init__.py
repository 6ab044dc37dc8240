"""What facts show that a rule may put a price on: one module for each kind of trigger.

A kind is its class in ``shared.rulebook.schema.triggers`` and the module here that bears the name that a rulebook
writes, with a ``KIND`` that declares all that is special to it. They know the rulebook only through a
``MonthContext``, and read facts as they are, because a fold asks them twice of every case that a month touched.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from importlib import import_module

from services.scoring.domain.facts import History
from services.scoring.domain.month import MonthContext, Tariffs
from services.scoring.domain.obligations import Duty, UnitRecord
from services.scoring.domain.triggers.base import CaseKind, PricedOccurrence, UnitKind
from shared.rulebook.schema.triggers import TRIGGERS, Cause
from shared.timekeeping.calendar import Month

KINDS: Mapping[type[Cause], CaseKind | UnitKind] = {
    cause: import_module(f"{__name__}.{cause.name().replace('-', '_')}").KIND for cause in TRIGGERS
}
"""Every kind of trigger, in the order of the schema."""

CASE_KINDS: Mapping[type[Cause], CaseKind] = {
    cause: kind for cause, kind in KINDS.items() if isinstance(kind, CaseKind)
}
_UNIT_KINDS = tuple(kind for kind in KINDS.values() if isinstance(kind, UnitKind))

TRIGGERING = frozenset(type_ for kind in CASE_KINDS.values() for type_ in kind.types)
"""Without one of these facts a matter shows nothing."""


def priced_occurrences(
    history: History, before: datetime, context: MonthContext
) -> Iterator[PricedOccurrence]:
    """Yield what the facts of a matter show, from what happened before ``before``, once for each price."""
    priced, types = context.tariffs.triggers, history.by_type
    for cause, kind in CASE_KINDS.items():
        if cause in priced and not kind.types.isdisjoint(types):
            yield from kind.priced(history, before, context)


def priced_of_units(
    record: UnitRecord, duties: Sequence[Duty], context: MonthContext
) -> Iterator[PricedOccurrence]:
    """Yield what units did and owed in the month, once for each price."""
    for kind in _UNIT_KINDS:
        yield from kind.priced(record, duties, context)


def months_overdue(history: History, as_of: datetime, tariffs: Tariffs) -> set[Month]:
    """Return the months in which something costs points because it stays undone, the next one included."""
    calendar = tariffs.edition.calendar
    return {calendar.month_of(at, closing=True) for at in _again(history, as_of, tariffs)}


def next_overdue(history: History, now: datetime, tariffs: Tariffs) -> datetime | None:
    """Return when something next costs points because it stays undone."""
    return min((at for at in _again(history, now, tariffs) if at > now), default=None)


def _again(history: History, as_of: datetime, tariffs: Tariffs) -> Iterator[datetime]:
    if tariffs.counts_again:
        for kind in CASE_KINDS.values():
            yield from kind.again(history, as_of, tariffs)
