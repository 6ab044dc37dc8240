"""Office hours: when deeds are done, as far as their limits leave a choice."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from random import Random

from shared.timekeeping.calendar import WorkingCalendar

A_MOMENT = timedelta(minutes=20)
"""So long before a limit ends nobody begins anything."""


@dataclass(frozen=True, slots=True)
class Hours:
    """The hours between which people work, or call, and the chance by which a moment is chosen."""

    calendar: WorkingCalendar
    rng: Random
    opens: time = time(8, 30)
    closes: time = time(20, 30)

    def some(self, least_h: float, most_h: float) -> timedelta:
        """Return some hours."""
        return timedelta(minutes=round(self.rng.uniform(least_h, most_h) * 60))

    def within(self, moment: datetime) -> datetime:
        """Return the moment, or else one in the next morning."""
        local = moment.astimezone(self.calendar.zone)
        if self._is_open(moment):
            return moment
        day = local.date() if local.time() < self.opens else local.date() + timedelta(days=1)
        return self.calendar.at(day, self.opens) + self.some(0, 1.5)

    def between(self, start: datetime, due: datetime) -> datetime:
        """Choose a moment before ``due``, in office hours where there are any."""
        chosen = start + (due - start) * self.rng.uniform(0.1, 0.6)
        if self._is_open(chosen):
            return chosen
        for moment in (self.within(chosen), self._evening_before(chosen)):
            if start + A_MOMENT / 4 < moment < due - A_MOMENT:
                return moment
        return chosen

    def _is_open(self, moment: datetime) -> bool:
        return self.opens <= moment.astimezone(self.calendar.zone).time() <= self.closes

    def _evening_before(self, moment: datetime) -> datetime:
        local = moment.astimezone(self.calendar.zone)
        day = local.date() if local.time() > self.closes else local.date() - timedelta(days=1)
        return self.calendar.at(day, self.closes) - self.some(0, 1.5)
