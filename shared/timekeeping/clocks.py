"""Clocks: what happened to a limit, and what follows from it.

A clock is a tuple of events and nothing else. ``evaluate`` replays them in the order in which they happened,
so a deed that is recorded late counts from when it was done. A deed is in time iff it comes before
``due_before``; what comes at or after it, pauses and extensions among them, cures nothing. Only an extension that
was asked for before it may be granted after it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from shared.errors import ConflictError
from shared.timekeeping.base_types import Exact, Instant, Line, Terse, within_time
from shared.timekeeping.calendar import WorkingCalendar
from shared.timekeeping.limits import Limit, Moment, calendar_facts, delay, due_before, say_limit, settle
from shared.timekeeping.wording import say_due, say_duration, say_moment

RECEIVED = Line(zh="收到", en="received")


class ClockOrderError(ConflictError):
    """The clock's other events leave no room for this one at its time."""

    code = "clock-order"


class Started(Terse):
    """The limit begins to run.

    Attributes:
        source: Catalogue id that sets the limit.
        label: What happened then, in words.
        moments: Moments of the case that the limit may run until.
    """

    kind: Literal["started"] = "started"
    at: Instant
    limit: Limit
    source: str
    label: Line = RECEIVED
    moments: tuple[Moment, ...] = Field(default=(), strict=False)


class Paused(Exact):
    """The clock stands still."""

    kind: Literal["paused"] = "paused"
    at: Instant
    reason: str


class Resumed(Exact):
    """The clock runs again."""

    kind: Literal["resumed"] = "resumed"
    at: Instant


class Retargeted(Exact):
    """Another limit holds, from the original start and through everything that happened since.

    Pauses, extensions and agreed dates keep their effect. Later occurrences take the new limit over.
    """

    kind: Literal["retargeted"] = "retargeted"
    at: Instant
    limit: Limit
    source: str
    moments: tuple[Moment, ...] = Field(default=(), strict=False)


class Extended(Terse):
    """More time was approved: ``by`` a limit counted from the present due moment, or ``until`` a moment.

    ``asked_at``: when it was asked for, where that is what must be in time.
    """

    kind: Literal["extended"] = "extended"
    at: Instant
    by: Limit | None = None
    until: Instant | None = None
    asked_at: Instant | None = None
    approval: str

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.by is None) == (self.until is None):
            raise ValueError("an extension is either 'by' a limit or 'until' a moment; give one of them")
        if self.by and (self.by.shorter_of or self.by.counts_from != "start"):
            raise ValueError(
                "an extension counts on from the due moment; give one plain limit, for example days: 15"
            )
        return self


class Agreed(Exact):
    """A date fixed with the customer replaces the limit (JK-12, LN-04)."""

    kind: Literal["agreed"] = "agreed"
    at: Instant
    due_before: Instant
    by: str


class Restarted(Exact):
    """The result was refused: the same limit starts again, as the next occurrence."""

    kind: Literal["restarted"] = "restarted"
    at: Instant


class Stopped(Exact):
    """The deed was done."""

    kind: Literal["stopped"] = "stopped"
    at: Instant


class Cancelled(Exact):
    """The deed is not owed any more. A miss that came before stands."""

    kind: Literal["cancelled"] = "cancelled"
    at: Instant


OccurrenceEvent = Paused | Resumed | Retargeted | Extended | Agreed | Stopped | Cancelled
"""What happens within an occurrence."""

ClockEvent = Annotated[Started | Restarted | OccurrenceEvent, Field(discriminator="kind")]


class Verdict(StrEnum):
    """What a clock says of its deed."""

    RUNNING = "running"
    MET = "met"
    MISSED = "missed"
    CANCELLED = "cancelled"


class Reading(Terse):
    """What the events of a clock come to, in its newest occurrence.

    Attributes:
        occurrence: Its number, from 1; a refused result begins the next.
        due_before: The first moment that is too late. While the clock stands still: as it stood when it
            stopped running; it moves by the length of the pause.
        provisional: The due moment leans on a year whose holidays are not published yet.
        paused_since: When the present pause began.
        lines: The explanation.
        earlier: Those before this one.
    """

    occurrence: int
    started_at: Instant
    limit: Limit
    source: str
    due_before: Instant
    provisional: bool
    stopped_at: Instant | None = None
    cancelled_at: Instant | None = None
    paused_since: Instant | None = None
    lines: tuple[Line, ...] = Field(strict=False)
    earlier: tuple["Reading", ...] = Field(default=(), strict=False)

    @property
    def paused(self) -> bool:
        """Say whether the clock stands still."""
        return self.paused_since is not None

    @property
    def ended_at(self) -> datetime | None:
        """Return when the deed was done or fell away."""
        return self.stopped_at or self.cancelled_at

    @property
    def sweep_at(self) -> datetime | None:
        """Return the moment at which silence becomes a miss, or None where it cannot."""
        if self.ended_at or self.missed_at(self.due_before) is None:
            return None
        return self.due_before

    def missed_at(self, now: datetime) -> datetime | None:
        """Return the due moment if it passed unmet by ``now``, else None. A clock that stands still misses nothing."""
        known_until = min(moment for moment in (now, self.ended_at, self.paused_since) if moment is not None)
        return self.due_before if self.due_before <= known_until else None

    def verdict(self, upto: datetime) -> Verdict:
        """Return the verdict as of ``upto``, which is not before the newest event."""
        if self.missed_at(upto):
            return Verdict.MISSED
        if self.stopped_at and self.stopped_at <= upto:
            return Verdict.MET
        if self.cancelled_at and self.cancelled_at <= upto:
            return Verdict.CANCELLED
        return Verdict.RUNNING


@within_time
def evaluate(events: Sequence[ClockEvent], calendar: WorkingCalendar) -> Reading:
    """Replay a clock's events and return what they come to.

    Events count by when they happened; those of one moment keep the order in which they are given. Once the
    deed is done or cancelled, only ``Retargeted`` and ``Restarted`` change anything.

    Raises:
        ClockOrderError: The events contradict each other, for example two pauses at once.
        RulebookGapError: The calendar's tables do not reach far enough.
        MomentMissingError: The limit runs until a moment that the case does not state.
    """
    start, rest = _in_order(events)
    occurrences: list[list[OccurrenceEvent]] = [[]]
    openings: list[Started | Restarted] = [start]
    for event in rest:
        if isinstance(event, Restarted):
            occurrences.append([])
            openings.append(event)
        else:
            occurrences[-1].append(event)

    target: Started | Retargeted = start
    readings: list[Reading] = []
    for opening, happened in zip(openings, occurrences, strict=True):
        if readings and readings[-1].ended_at is None:
            raise ClockOrderError(
                f"The clock was started again at {opening.at.isoformat()}, but its deed was not done. "
                "Record the result that was refused first."
            )
        target = next((event for event in reversed(happened) if isinstance(event, Retargeted)), target)
        readings.append(_read_occurrence(opening, target, happened, tuple(readings), calendar))
    return readings[-1]


def explain(reading: Reading, language: Literal["zh", "en"]) -> str:
    """Return the explanation of a reading as one text."""
    if language == "zh":
        return "；".join(line.zh for line in reading.lines) + "。"
    text = "; ".join(line.en for line in reading.lines) + "."
    return text[0].upper() + text[1:]


def _in_order(events: Sequence[ClockEvent]) -> tuple[Started, list[Restarted | OccurrenceEvent]]:
    ordered = sorted(events, key=lambda event: event.at)
    starts = [event for event in ordered if isinstance(event, Started)]
    if len(starts) != 1 or ordered[0].at < starts[0].at:
        raise ClockOrderError(
            f"A clock starts once, before anything else happens to it; this one starts {len(starts)} times "
            "or late. Correct the time of the start or of the earlier event."
        )
    return starts[0], [event for event in ordered if not isinstance(event, Started)]


@dataclass(frozen=True, slots=True)
class _Track:
    """One simple limit on its way through an occurrence.

    Attributes:
        limit: The measure that pauses are counted in; None once a fixed date holds.
        end: The due moment, before it is moved off a day off.
        leans_until: Up to when the due moment leans on holidays.
        stands_since: From when the running pause has not been given back yet.
    """

    calendar: WorkingCalendar
    limit: Limit | None
    end: datetime
    leans_until: datetime | None = None
    paused_since: datetime | None = None
    stands_since: datetime | None = None
    resumed_at: datetime | None = None
    ended: Stopped | Cancelled | None = None
    lines: tuple[Line, ...] = ()

    @property
    def due(self) -> datetime:
        return settle(self.limit, self.end, self.calendar) if self.limit else self.end

    def moved(self, end: datetime, limit: Limit | None) -> "_Track":
        """Set a new end, reached in the measure of ``limit``; a fixed date leans on nothing."""
        after = replace(self, end=end, limit=limit)
        if limit is None:
            return replace(after, leans_until=None)
        return replace(after, leans_until=after.due) if limit.leans_on_calendar else after

    def caught_up(self, moment: datetime) -> "_Track":
        """Give back the paused time up to ``moment``; a pause that began too late gives nothing back."""
        if self.stands_since is None or self.stands_since >= self.due:
            return self
        end, _ = delay(self.limit, self.end, self.stands_since, moment, self.calendar)
        return replace(self.moved(end, self.limit), stands_since=moment)

    def said(self, event: OccurrenceEvent, zh: str, en: str) -> "_Track":
        moment = say_moment(event.at, self.calendar)
        return replace(self, lines=(*self.lines, Line(zh=f"{moment.zh} {zh}", en=f"{moment.en} {en}")))


def _read_occurrence(
    opening: Started | Restarted,
    target: Started | Retargeted,
    happened: Sequence[OccurrenceEvent],
    earlier: tuple[Reading, ...],
    calendar: WorkingCalendar,
) -> Reading:
    tracks: list[_Track] = []
    for part in target.limit.parts:
        end = due_before(part, opening.at, calendar, target.moments).due_before
        track = _Track(calendar, part, end, leans_until=end if part.leans_on_calendar else None)
        for event in happened:
            track = _apply(track, event)
        tracks.append(track)
    track = min(tracks, key=lambda track: track.due)

    facts: tuple[Line, ...] = ()
    provisional = False
    if track.leans_until:
        provisional, facts = calendar_facts(opening.at, track.leans_until, calendar)
    occurrence = len(earlier) + 1
    due = say_due(track.due, calendar)
    return Reading(
        occurrence=occurrence,
        started_at=opening.at,
        limit=target.limit,
        source=target.source,
        due_before=track.due,
        provisional=provisional,
        stopped_at=track.ended.at if isinstance(track.ended, Stopped) else None,
        cancelled_at=track.ended.at if isinstance(track.ended, Cancelled) else None,
        paused_since=track.paused_since,
        lines=(
            _say_opening(opening, occurrence, calendar),
            *say_limit(target.limit),
            *facts,
            *track.lines,
            Line(zh=f"应于 {due.zh} 前完成（{target.source}）", en=f"due before {due.en} ({target.source})"),
            *_say_outcome(track),
        ),
        earlier=earlier,
    )


def _apply(track: _Track, event: OccurrenceEvent) -> _Track:
    after = track
    match event:
        case Retargeted():
            after = track.said(
                event, f"改按 {event.source}，自原起点计算", f"{event.source} applies from the start"
            )
        case _ if track.ended:
            pass
        case Paused():
            after = _pause(track, event)
        case Resumed():
            after = _resume(track, event)
        case Extended():
            after = _extend(track, event)
        case Agreed():
            after = _agree(track, event)
        case _:
            after = replace(track.caught_up(event.at), ended=event, paused_since=None, stands_since=None)
    return after


def _pause(track: _Track, event: Paused) -> _Track:
    if track.paused_since is not None:
        raise ClockOrderError(
            f"The clock stands still since {track.paused_since.isoformat()} and cannot be paused again at "
            f"{event.at.isoformat()}. Resume it first."
        )
    # Two pauses without time between them are one: only a clock that ran in between keeps the day that
    # its end was moved to.
    end = track.end if event.at == track.resumed_at else track.due
    track = replace(track, end=end, paused_since=event.at, stands_since=event.at)
    return track.said(event, f"暂停：{event.reason}", f"paused: {event.reason}")


def _resume(track: _Track, event: Resumed) -> _Track:
    if track.paused_since is None:
        raise ClockOrderError(
            f"The clock is not paused, so it cannot be resumed at {event.at.isoformat()}. "
            "Record the pause first, or leave this out."
        )
    after = track.caught_up(event.at)
    paused = say_duration(event.at - track.paused_since)
    if after.stands_since == event.at:
        due = say_due(after.due, track.calendar)
        after = after.said(
            event,
            f"恢复，暂停 {paused.zh}，期限移至 {due.zh}",
            f"resumed after {paused.en}, due moves to {due.en}",
        )
    else:
        after = after.said(
            event,
            f"恢复，暂停 {paused.zh}，始于期满之后，不顺延",
            f"resumed after {paused.en}, a pause that began too late to count",
        )
    return replace(after, paused_since=None, stands_since=None, resumed_at=event.at)


def _extend(track: _Track, event: Extended) -> _Track:
    track = track.caught_up(event.at)
    if (event.asked_at or event.at) >= track.due:
        return track.said(
            event, "批准延期，但期限已过，不生效", "extension approved after the due moment, without effect"
        )
    if event.by:
        track = track.moved(due_before(event.by, track.due, track.calendar).due_before, event.by)
    if event.until:
        track = track.moved(event.until, None)
    due = say_due(track.due, track.calendar)
    return track.said(
        event, f"批准延期至 {due.zh}（{event.approval}）", f"extended to {due.en} ({event.approval})"
    )


def _agree(track: _Track, event: Agreed) -> _Track:
    track = track.caught_up(event.at)
    if event.at >= track.due:
        return track.said(
            event, "约定日期，但期限已过，不生效", "date agreed after the due moment, without effect"
        )
    track = track.moved(event.due_before, None)
    due = say_due(track.due, track.calendar)
    return track.said(
        event, f"与客户约定至 {due.zh}（{event.by}）", f"agreed with the customer: {due.en} ({event.by})"
    )


def _say_opening(opening: Started | Restarted, occurrence: int, calendar: WorkingCalendar) -> Line:
    moment = say_moment(opening.at, calendar)
    if isinstance(opening, Started):
        return Line(zh=f"{moment.zh} {opening.label.zh}", en=f"{opening.label.en} {moment.en}")
    return Line(
        zh=f"{moment.zh} 结果未被接受，第 {occurrence} 次计时",
        en=f"refused {moment.en}, the limit runs for the {occurrence}. time",
    )


def _say_outcome(track: _Track) -> tuple[Line, ...]:
    if track.paused_since:
        since = say_moment(track.paused_since, track.calendar)
        return (Line(zh=f"自 {since.zh} 起暂停中", en=f"paused since {since.en}"),)
    if track.ended is None:
        return ()
    moment = say_moment(track.ended.at, track.calendar)
    in_time = track.ended.at < track.due
    if isinstance(track.ended, Cancelled):
        zh, en = ("取消", "cancelled") if in_time else ("取消，此前已逾期", "cancelled, after it was missed")
    else:
        zh, en = ("完成，按时", "done, in time") if in_time else ("完成，逾期", "done, too late")
    return (Line(zh=f"{moment.zh} {zh}", en=f"{moment.en} {en}"),)
