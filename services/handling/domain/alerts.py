"""Alerts: what the system says by itself when something happens, and before and after a deadline.

An alert beside a deadline is raised once for each occurrence of a clock and each due moment, with its own moment as its
time, whenever somebody comes to look. What was held up is raised late and says so (FIELD, acceptance vector 4).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.handling.domain.case import Case, ClockState, Notice
from services.handling.domain.procedure import facts_of
from services.handling.domain.telling import event_of
from shared.events import Happened
from shared.events.handling import (
    AlertRaised,
    CaseClosed,
    CaseEscalated,
    CaseOpened,
    CaseReclassified,
    CaseReopened,
    CaseResolved,
    CaseTransferred,
    FindingMade,
    FindingProposed,
)
from shared.rulebook.schema.procedures import Alert
from shared.rulebook.steps import CaseRules
from shared.timekeeping.calendar import WorkingCalendar
from shared.timekeeping.limits import due_before, earlier

LATE = timedelta(minutes=5)
"""From when on an alert is marked late. Somebody looks every second, so more than this was held up."""

_MOMENTS: dict[type, tuple[str, ...]] = {
    CaseOpened: ("registered", "flagged"),
    CaseReclassified: ("flagged",),
    FindingProposed: ("found",),
    FindingMade: ("found",),
    CaseTransferred: ("transferred",),
    CaseResolved: ("resolved",),
    CaseClosed: ("closed",),
    CaseReopened: ("reopened",),
}
"""Event → what an alert may be on."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """A moment beside a deadline at which an alert is to be raised."""

    at: datetime
    name: str
    rule: Alert
    clock: ClockState

    @property
    def key(self) -> str:
        """Name it once for each occurrence of the clock."""
        return alert_key(self.name, self.clock.name, self.clock.occurrence)


def thresholds(case: Case, law: CaseRules) -> Iterator[Threshold]:
    """Yield every threshold that was not raised yet and that, as the case stands, will be."""
    rules = law.rules.procedures.alerts.items()
    facts, flags = facts_of(case, law), tuple(case.flags)
    for name, rule in rules:
        if rule.on != "deadline" or not rule.when.holds(facts, flags):
            continue
        for clock in case.clocks:
            if not _is_beside(rule, clock):
                continue
            one = Threshold(_moment(rule, clock, law.calendar), name, rule, clock)
            if case.alerted.get(one.key) != clock.due and clock.stands_until(one.at):
                yield one


def raised(case: Case, law: CaseRules, up_to: datetime) -> list[Happened]:
    """Return what is to be raised beside deadlines up to a moment, each once, in the order of their moments."""
    due = [one for one in thresholds(case, law) if one.at <= up_to]
    raising = _Raising(case, law)
    for one in sorted(due, key=lambda one: (one.at, one.key)):
        event = AlertRaised(
            complaint_id=case.complaint_id,
            alert=one.name,
            clock=one.clock.name,
            occurrence=one.clock.occurrence,
            due_before=one.clock.due,
            to=one.rule.to,
            clause=", ".join(one.rule.source),
            late=up_to - one.at > LATE,
        )
        raising.add(event, one.rule, one.at)
    return raising.told


def answering(case: Case, law: CaseRules, happened: Sequence[Happened]) -> list[Happened]:
    """Return what the rulebook wants said of what just happened."""
    raising = _Raising(case, law)
    for item in happened:
        for moment in _MOMENTS.get(type(item.event), ()):
            for name, rule in law.rules.procedures.alerts.items():
                if rule.on == moment and _is_meant(case, law, rule, item):
                    _say(raising, name, rule, item.time)
    return raising.told


def notices_for(case: Case, role: str, unit: str, *, sees: bool) -> list[Notice]:
    """Return what a role of a unit is told of a case, the newest first.

    Args:
        case: The case.
        role: The role; it is told where its unit sees the case.
        unit: The unit; it is told of what it passed on to another.
        sees: Whether it sees the case.
    """
    heard = [one for one in case.notices if (sees and role in one.roles) or one.unit == unit]
    return sorted(heard, key=lambda one: one.at, reverse=True)


def alert_key(alert: str, clock: str, occurrence: int) -> str:
    """Name an alert beside a deadline once for each occurrence of the clock."""
    return f"{alert}/{clock}#{occurrence}"


class _Raising:
    """Alerts as they are raised one after the other, each with the level that it takes the case up to."""

    def __init__(self, case: Case, law: CaseRules) -> None:
        self.case, self.law, self.told = case, law, list[Happened]()
        self._reached = max((one.level for one in case.escalations), default=0)

    def add(self, event: AlertRaised, rule: Alert, at: datetime) -> None:
        self.told.append(event_of(self.case, Happened(event, at)))
        level = self.law.rules.procedures.escalations[rule.escalates] if rule.escalates else None
        if level and level.level > self._reached:
            self._reached = level.level
            taken = CaseEscalated(
                complaint_id=self.case.complaint_id,
                level=level.level,
                to=level.to,
                reason=rule.title.zh,
                by=f"alert/{event.alert}",
                first_taker=self.case.first_taker,
            )
            self.told.append(event_of(self.case, Happened(taken, at)))


def _say(raising: _Raising, name: str, rule: Alert, at: datetime) -> None:
    case = raising.case
    # The unit to which the customer came, where the case is another's by now (LN-10).
    origin = case.taken_by or case.charges[0].unit
    to_unit = origin if rule.to_origin and origin != case.unit else ""
    if to_unit or rule.to or rule.escalates:
        event = AlertRaised(
            complaint_id=case.complaint_id,
            alert=name,
            occurrence=case.occurrence,
            to=rule.to,
            to_unit=to_unit,
            clause=", ".join(rule.source),
        )
        raising.add(event, rule, at)


def _is_meant(case: Case, law: CaseRules, rule: Alert, item: Happened) -> bool:
    if rule.on == "flagged":
        news = _newly_set(case, item)
        if not news or (rule.when.flag and news.isdisjoint(rule.when.flag)):
            return False
    if isinstance(item.event, FindingMade) and case.findings[-1].confirmations:
        return False  # it was said when it was proposed
    return rule.when.holds(facts_of(case, law), tuple(case.flags))


def _newly_set(case: Case, item: Happened) -> set[str]:
    if isinstance(item.event, CaseOpened):
        return set(case.flags)
    return {flag for flag, since in case.flags.items() if since == item.time}


def _is_beside(rule: Alert, clock: ClockState) -> bool:
    if clock.void or clock.occurrence in clock.excused:
        return False
    return clock.name in rule.clocks or ("steps" in rule.clocks and bool(clock.step))


def _moment(rule: Alert, clock: ClockState, calendar: WorkingCalendar) -> datetime:
    if rule.before:
        # A limit that is shorter than the warning is warned of at once.
        return max(clock.started_at, earlier(rule.before, clock.due, calendar))
    return due_before(rule.after, clock.due, calendar).due_before if rule.after else clock.due
