"""An edition: the rules of every day, the calendar, and the hash that names them both."""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from shared.errors import RulebookGapError
from shared.rulebook.schema import Rules
from shared.timekeeping.calendar import WorkingCalendar


@dataclass(frozen=True, slots=True)
class Edition:
    """One rulebook as it was enacted. Immutable; its hash covers rules and calendar.

    Attributes:
        group: Group slug.
        name: Name of the edition.
        hash: SHA-256 over the canonical JSON of ``slices`` (without defaults) and the day tables, hex.
        slices: (first day, rules from that day on), in order.
        files: The YAML texts it was read from, by name.
    """

    group: str
    name: str
    hash: str
    slices: tuple[tuple[date, Rules], ...]
    calendar: WorkingCalendar
    files: Mapping[str, str]

    def on(self, day: date) -> Rules:
        """Return the rules in force on a local day.

        Raises:
            RulebookGapError: The edition begins later.
        """
        at = bisect_right(self.slices, day, key=lambda piece: piece[0])
        if at == 0:
            raise RulebookGapError(group=self.group, on=day.isoformat(), key="rulebook")
        return self.slices[at - 1][1]

    def at(self, moment: datetime) -> Rules:
        """Return the rules in force on the group's own date of ``moment``, not the UTC date."""
        return self.on(self.calendar.local_day(moment))
