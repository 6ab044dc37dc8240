"""What the facts of one subject show that a rule may put a price on: one generator for each kind of trigger.

It knows the rulebook only through a ``MonthContext``, and reads facts as plain dicts, because a fold asks it twice of
every case that a month touched.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from itertools import count
from typing import NamedTuple

from services.scoring.domain.facts import History, facts_at, is_known, standing_misses
from services.scoring.domain.month import MonthContext, Price, Tariffs
from shared.events.facts import Fact, moment
from shared.rulebook.schema.procedures import Watch
from shared.timekeeping.calendar import Month, WorkingCalendar
from shared.timekeeping.limits import due_before
from shared.timekeeping.wording import say_due


class Words(NamedTuple):
    """What an explanation says, line by line."""

    zh: tuple[str, ...]
    en: tuple[str, ...]


class Sight(NamedTuple):
    """Something seen in the facts that a rule may put a price on.

    Attributes:
        unit: The unit that the facts are about; the sheet's kind decides who is charged.
        day: The local day whose rules hold.
    """

    subject: str
    unit: str
    key: str
    at: datetime
    day: date
    words: Words
    department: str = ""
    person: str = ""
    clauses: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()


class PricedOccurrence(NamedTuple):
    """A sight and one rule's price for it.

    Attributes:
        marks: What an appeal may name, beside the offence itself: events, a clock, its round.
        since: When what an appeal is about was complete; the sight's own moment where None.
    """

    sight: Sight
    price: Price
    marks: tuple[str, ...]
    since: datetime | None = None


TRIGGERING = frozenset(
    {
        "deadline.missed.v1",
        "complaint.registered.v1",
        "finding.made.v1",
        "case.reopened.v1",
        "step.completed.v1",
        "offence.found.v1",
        "callback.missed.v1",
        "praise.received.v1",
    }
)
"""Without one of these facts a subject shows nothing."""

MATTER_FOUND = "matter/found"
"""Key of what a matter costs by what was found of it."""

OF_FINDING = ("finding", "grade")
"""What an appeal names that takes a finding away."""

_ENDS_A_CALLBACK = (
    "callback.completed.v1",
    "callback.attempted.v1",
    "callback.unreachable.v1",
    "callback.voided.v1",
)


def priced_occurrences(
    history: History, before: datetime, context: MonthContext
) -> Iterator[PricedOccurrence]:
    """Yield what the facts show, from what happened before ``before``, once for each price."""
    yield from _missed_deadlines(history, before, context)
    if context.tariffs.counts_time:
        yield from _times_undone(history, before, context)
    yield from _matters(history, before, context)
    yield from _incomplete_records(history, before, context)
    yield from _missing_elements(history, before, context)
    yield from _findings(history, before, context)
    yield from _missed_callbacks(history, before, context)
    yield from _praises(history, before, context)


def is_for(sight: Sight, price: Price, context: MonthContext) -> bool:
    """Say whether the price stands on a sheet of the unit that would be charged: some are of certain peers only."""
    if not price.peers:
        return True
    organisation = context.organisation
    charged = organisation.on(organisation.scored_unit(sight.unit, price.unit_kinds, sight.day), sight.day)
    return charged is None or charged.peers in price.peers


def _seen(
    fact: Fact,
    key: str,
    at: datetime,
    day: date,
    words: Words,
    *,
    clauses: tuple[str, ...] = (),
    evidence: Sequence[str] = (),
) -> Sight:
    data = fact.data
    return Sight(
        fact.subject,
        fact.unit,
        key,
        at,
        day,
        words,
        data.get("department", ""),
        data.get("person", ""),
        clauses,
        (fact.id, *evidence),
    )


def _missed_deadlines(
    history: History, before: datetime, context: MonthContext
) -> Iterator[PricedOccurrence]:
    for fact in standing_misses(history, before):
        data = fact.data
        due, clock = moment(data["due_before"]), data["clock"]
        round_ = f"{clock}#{data['occurrence']}"
        day = context.closing_day(due)
        tariff = context.tariffs.on(day)
        words = Words(tuple(data["explanation_zh"]), tuple(data["explanation_en"]))
        sight = _seen(fact, round_, due, day, words, clauses=(data["clause"],))
        for price in tariff.missed_by(clock, data.get("step", "")):
            if price.per is None and _holds(price, history, fact):
                yield PricedOccurrence(sight, price, (fact.id, clock, round_))
        report = data.get("report", "")
        if report in tariff.unsent:
            month_end = context.month_end(due, closing=True)
            if month_end <= before and not _was_sent(history, fact, month_end):
                unsent = sight._replace(
                    key=f"{report}/{round_}",
                    at=month_end,
                    words=Words(
                        (*words.zh, f"月末仍未报送（{report}）"),
                        (*words.en, f"not sent when the month ended ({report})"),
                    ),
                )
                for price in tariff.unsent[report]:
                    yield PricedOccurrence(unsent, price, (fact.id, clock, round_))


def _holds(price: Price, history: History, missed: Fact) -> bool:
    """Say whether a price's condition holds for the case as it was when the deadline passed."""
    if price.when is None:
        return True
    known, flags = facts_at(history, missed.time)
    return price.when.holds({**known, "procedure": missed.data["procedure"]}, flags)


def _times_undone(history: History, before: datetime, context: MonthContext) -> Iterator[PricedOccurrence]:
    for fact, price, number, at in overdue_times(history, before, context.tariffs):
        if at > before:
            continue
        data = fact.data
        due, round_ = moment(data["due_before"]), f"{data['clock']}#{data['occurrence']}"
        said = say_due(at, context.edition.calendar)
        words = Words(
            (*data["explanation_zh"], f"至 {said.zh} 仍未完成（第 {number} 次）"),
            (*data["explanation_en"], f"still undone at {said.en} ({number})"),
        )
        day = context.closing_day(due)
        sight = _seen(fact, f"{round_}/time-{number}", at, day, words, clauses=(data["clause"],))
        yield PricedOccurrence(sight, price, (fact.id, data["clock"], round_), due)


def overdue_times(
    history: History, before: datetime, tariffs: Tariffs
) -> Iterator[tuple[Fact, Price, int, datetime]]:
    """Yield each further time that a missed deed counts while it stays undone: miss, price, number, moment.

    The moment itself is too late for the deed, as a deadline is. Of each miss the first time after ``before``
    comes last, so that who asks learns when the next one is.
    """
    if not tariffs.counts_time:
        return
    calendar = tariffs.edition.calendar
    for fact in standing_misses(history, before):
        due, clock = moment(fact.data["due_before"]), fact.data["clock"]
        tariff = tariffs.on(calendar.closing_day(due))
        watch = tariff.rules.procedures.watches.get(clock)
        for price in tariff.missed_by(clock, fact.data.get("step", "")):
            if price.per is None or not _holds(price, history, fact):
                continue
            until, at = _undone_until(history, fact, watch), due
            for number in count(1):
                at = due_before(price.per, at, calendar).due_before
                if (until is not None and at > until) or (price.most is not None and number > price.most):
                    break
                yield fact, price, number, at
                if at > before:
                    break


def months_overdue(history: History, as_of: datetime, tariffs: Tariffs) -> set[Month]:
    """Return the months in which something costs points because it stays undone, the next one included."""
    calendar: WorkingCalendar = tariffs.edition.calendar
    return {calendar.month_of(at, closing=True) for _, _, _, at in overdue_times(history, as_of, tariffs)}


def next_overdue(history: History, now: datetime, tariffs: Tariffs) -> datetime | None:
    """Return when something next costs points because it stays undone."""
    return min((at for _, _, _, at in overdue_times(history, now, tariffs) if at > now), default=None)


def _undone_until(history: History, missed: Fact, watch: Watch | None) -> datetime | None:
    """Return when the deed of a miss was done, or was owed no more; None while it is owed."""
    due, data = moment(missed.data["due_before"]), missed.data
    ends = [fact.time for kind in ("case.closed.v1", "case.withdrawn.v1") for fact in history.all(kind)]
    if watch is None:
        ends += [
            done.time
            for done in history.all("step.completed.v1")
            if done.data["step"] == (data.get("step") or data["clock"])
            and done.data["occurrence"] == data["occurrence"]
        ]
    else:
        ends += [
            done.time
            for kind, is_it in _STOPS[watch.stops_at]
            for done in history.all(kind)
            if is_it(done.data)
        ]
    return min((end for end in ends if end >= due), default=None)


_Stops = tuple[tuple[str, Callable[[Mapping[str, object]], bool]], ...]

_STOPS: Mapping[str, _Stops] = {
    "registration": (("complaint.registered.v1", lambda _: True),),
    "first-step": (("step.completed.v1", lambda _: True),),
    "first-answer": (("step.completed.v1", lambda _: True),),
    "resolution": (("case.resolved.v1", lambda _: True),),
    "closing": (),
    "record-complete": (("record.amended.v1", lambda data: bool(data["complete"])),),
}
"""What stops a watch → the facts that tell it. Every case's end stops them all."""


def _was_sent(history: History, missed: Fact, month_end: datetime) -> bool:
    data = missed.data
    return any(
        done.data.get("report") == data["report"]
        and done.data["step"] == (data.get("step") or done.data["step"])
        and done.data["occurrence"] == data["occurrence"]
        and done.time < month_end
        for done in history.all("step.completed.v1")
    )


def _matters(history: History, before: datetime, context: MonthContext) -> Iterator[PricedOccurrence]:
    """Yield what a matter costs by itself; of its findings the one that stands, as corrected since."""
    registered = history.first("complaint.registered.v1")
    if registered is not None and registered.time < before:
        words = Words(("已登记",), ("registered",))
        yield from _of_matter(
            history, registered, "registered", "matter/registered", registered, words, context
        )
    found = [fact for fact in history.all("finding.made.v1") if fact.time < before]
    if found:
        later = [fact for fact in history.all("case.reclassified.v1") if found[-1].time <= fact.time < before]
        reason = found[-1].data["reason"]
        words = Words((f"认定：{reason}",), (f"found: {reason}",))
        yield from _of_matter(history, found[-1], "found", MATTER_FOUND, [*found, *later][-1], words, context)
    for fact in history.all("case.reopened.v1"):
        if fact.time < before:
            key = f"matter/reopened#{fact.data['occurrence']}"
            words = Words(("已重新办理",), ("re-opened",))
            yield from _of_matter(history, fact, "reopened", key, fact, words, context)


def _of_matter(
    history: History,
    fact: Fact,
    moment_: str,
    key: str,
    as_known_by: Fact,
    words: Words,
    context: MonthContext,
) -> Iterator[PricedOccurrence]:
    day = context.edition.calendar.local_day(fact.time)
    prices = context.tariffs.on(day).matters.get(moment_, ())
    if not prices:
        return
    known = facts_at(history, as_known_by.time)
    more = () if as_known_by is fact else (as_known_by.id,)
    sight = _seen(fact, key, fact.time, day, words, evidence=more)
    marks = (fact.id, *OF_FINDING) if key == MATTER_FOUND else (fact.id,)
    for price in prices:
        if price.holds(known):
            yield PricedOccurrence(sight, price, marks)


def _incomplete_records(
    history: History, before: datetime, context: MonthContext
) -> Iterator[PricedOccurrence]:
    registered = history.first("complaint.registered.v1")
    if registered is None:
        return
    amended = history.all("record.amended.v1")
    if registered.data["complete"] and not amended:
        return
    month_end = context.month_end(registered.time)
    record = next((fact for fact in reversed(amended) if fact.time < month_end), registered)
    if month_end > before or record.data["complete"]:
        return
    day = context.closing_day(month_end)
    tariff = context.tariffs.on(day)
    if registered.data["kind"] in tariff.uncounted_kinds:
        return
    missing = ", ".join(record.data["missing"])
    words = Words((f"登记当月月末仍缺：{missing}",), (f"still missing when the month ended: {missing}",))
    more = () if record is registered else (record.id,)
    sight = _seen(registered, "record", month_end, day, words, evidence=more)
    for price in tariff.incomplete:
        yield PricedOccurrence(sight, price, sight.evidence)


def _missing_elements(
    history: History, before: datetime, context: MonthContext
) -> Iterator[PricedOccurrence]:
    for fact in history.all("step.completed.v1"):
        data = fact.data
        if not data.get("missing_elements") or data.get("exempt") or fact.time >= before:
            continue
        day = context.edition.calendar.local_day(fact.time)
        report = data.get("report", "")
        for price in context.tariffs.on(day).elements.get(report, ()):
            for element in data["missing_elements"]:
                key = f"{report}/{data['step']}#{data['occurrence']}/{element}"
                words = Words((f"报告缺少：{element}",), (f"the report lacks: {element}",))
                sight = _seen(fact, key, fact.time, day, words)
                yield PricedOccurrence(sight, price, (fact.id,))


def _findings(history: History, before: datetime, context: MonthContext) -> Iterator[PricedOccurrence]:
    for fact in history.all("offence.found.v1"):
        if fact.time >= before:
            continue
        data = fact.data
        day = context.edition.calendar.local_day(fact.time)
        tariff = context.tariffs.on(day)
        prices = tariff.found.get(data["kind"], ())
        if not prices:
            continue
        words = Words((data["reason"],), (data["reason"],))
        clauses: tuple[str, ...] = ()
        if norm := tariff.rules.obligations.norms.get(data.get("norm", "")):
            zh, en = f"违反规范：{norm.title.zh}", f"norm not followed: {norm.title.en}"
            words, clauses = Words((*words.zh, zh), (*words.en, en)), norm.source
        key = f"finding/{data['finding']}"
        sight = _seen(fact, key, fact.time, day, words, clauses=clauses, evidence=data["evidence"])
        for price in prices:
            yield PricedOccurrence(sight, price, (fact.id, data["finding"]))


def _missed_callbacks(
    history: History, before: datetime, context: MonthContext
) -> Iterator[PricedOccurrence]:
    for fact in history.all("callback.missed.v1"):
        data = fact.data
        due = moment(data["due_before"])
        if not is_known(fact, before) or _was_over(history, data["occurrence"], due):
            continue
        day = context.closing_day(due)
        said = say_due(due, context.edition.calendar)
        words = Words((f"回访期限 {said.zh} 已过",), (f"not called back before {said.en}",))
        sight = _seen(fact, f"callback#{data['occurrence']}", due, day, words, clauses=(data["clause"],))
        plan = data.get("plan") or _plan_of(history, data["occurrence"])
        for price in context.tariffs.on(day).callbacks:
            if price.plans and plan not in price.plans:
                continue
            yield PricedOccurrence(sight, price, (fact.id, sight.key))


def _plan_of(history: History, occurrence: int) -> str:
    due = (fact.data for fact in history.all("callback.due.v1") if fact.data["occurrence"] == occurrence)
    return next((str(data["plan"]) for data in due), "")


def _was_over(history: History, occurrence: int, due: datetime) -> bool:
    # Known only after the sweep had spoken: calls that were made in time, or a case that was closed no more.
    return any(
        one.data["occurrence"] == occurrence and one.time < due
        for kind in _ENDS_A_CALLBACK
        for one in history.all(kind)
        if kind != "callback.attempted.v1" or one.data["outcome"] == "refused"
    )


def _praises(history: History, before: datetime, context: MonthContext) -> Iterator[PricedOccurrence]:
    for fact in history.all("praise.received.v1"):
        if fact.time >= before:
            continue
        to = fact.data["to"]
        day = context.edition.calendar.local_day(fact.time)
        words = Words((f"受表扬（{to}）",), (f"praised to: {to}",))
        sight = _seen(fact, "praise", fact.time, day, words)
        for price in context.tariffs.on(day).praise.get(to, ()):
            yield PricedOccurrence(sight, price, (fact.id,))
