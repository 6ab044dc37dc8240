"""What units did and what is known of them: reports, inspections, figures, and rulings over them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import NamedTuple

from services.scoring.domain.organisation import Organisation
from services.scoring.domain.rankings import months_of
from services.scoring.domain.rulings import Ruling, rulings_of
from shared.events.facts import Fact
from shared.events.intake import CustomersCounted
from shared.events.scoring import DutyFulfilled, FigureReported, InspectionRecorded
from shared.timekeeping.calendar import Month, WorkingCalendar, add_months
from shared.values.canonical import exact_sum


class Amounts(NamedTuple):
    """A reported or counted number: without problem users, and with them."""

    normal: Decimal
    all: Decimal


CUSTOMERS = "customers"
"""What the system counts where a figure says so (``FigureKind.counted``)."""


@dataclass(frozen=True)
class UnitRecord:
    """What units did: reports, inspections and rulings over them. Looked up by what they answer for."""

    facts: tuple[Fact, ...]
    organisation: Organisation
    calendar: WorkingCalendar

    @cached_property
    def reports(self) -> Mapping[tuple[str, str, str], Sequence[Fact]]:
        """Return the submissions by obligation, unit and period."""
        found: dict[tuple[str, str, str], list[Fact]] = {}
        for fact in self.facts:
            if fact.type == DutyFulfilled.TYPE:
                report = DutyFulfilled.view(fact.data)
                found.setdefault((report.obligation, report.unit, report.period), []).append(fact)
        return found

    @cached_property
    def inspections(self) -> Mapping[str, Sequence[Fact]]:
        """Return the inspections by kind, in order, without those that a ruling took away."""
        overturned = {one.against for one in self.rulings if one.restates}
        found: dict[str, list[Fact]] = {}
        for fact in self.facts:
            if fact.type == InspectionRecorded.TYPE and fact.id not in overturned:
                found.setdefault(InspectionRecorded.view(fact.data).kind, []).append(fact)
        return found

    @cached_property
    def rulings(self) -> Sequence[Ruling]:
        """Return the upheld rulings over points of units."""
        return rulings_of(self.facts)

    @cached_property
    def told(self) -> Mapping[tuple[str, str], Mapping[Month, Amounts]]:
        """Return by figure and unit what was told last of each period, by the period's last month."""
        found: dict[tuple[str, str], dict[Month, Amounts]] = {}
        for fact in self.facts:
            if fact.type == FigureReported.TYPE:
                told = FigureReported.view(fact.data)
                amounts = Amounts(told.value, told.value)
                found.setdefault((told.figure, told.unit), {})[months_of(told.period)[-1]] = amounts
            elif fact.type == CustomersCounted.TYPE:
                counted = CustomersCounted.view(fact.data)
                amounts = Amounts(Decimal(counted.normal), Decimal(counted.all))
                found.setdefault((CUSTOMERS, counted.unit), {})[months_of(counted.month)[-1]] = amounts
        return found

    def figure(self, figure: str, unit: str, period: str) -> Amounts | None:
        """Return a figure of a month, or the last one before it; of a unit that has none, the sum of those below."""
        month = months_of(period)[-1]
        told = self.told.get((figure, unit), {})
        if known := [one for one in told if one <= month]:
            return told[max(known)]
        day = add_months(date(month.year, month.month, 1), 1) - timedelta(days=1)
        below = (self.figure(figure, one, period) for one in self.organisation.below(unit, day))
        found = [one for one in below if one is not None]
        if not found:
            return None
        return Amounts(exact_sum(one.normal for one in found), exact_sum(one.all for one in found))

    def inspected(self, kind: str, unit: str, start: datetime, before: datetime) -> list[Fact]:
        """Return the inspections of a kind in ``[start, before)`` at a unit or what it answers for."""
        return [
            fact
            for fact in self.inspections.get(kind, ())
            if start <= fact.time < before
            and self.organisation.answers_for(
                unit, InspectionRecorded.view(fact.data).unit, self.calendar.local_day(fact.time)
            )
        ]
