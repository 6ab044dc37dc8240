"""What a month counts of one subject: matters, clocks, callbacks, answers … each once, in its own month.

Every thing has one moment, which decides the month, and states that an indicator may ask for
(``schema.scoring.Counted``).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from services.scoring.domain.facts import History, facts_at, is_known, overturned, standing_misses
from services.scoring.domain.month import MonthContext
from services.scoring.domain.rulings import rulings_known
from services.scoring.domain.triggers.matter import OF_FINDING
from shared.events import Event, views_of
from shared.events.callback import (
    CallbackAttempted,
    CallbackCompleted,
    CallbackDue,
    CallbackRecalled,
    CallbackVoided,
)
from shared.events.facts import Fact
from shared.events.handling import (
    AlertRaised,
    AppealDecided,
    CaseClosed,
    CaseEscalated,
    CaseReopened,
    CaseResolved,
    CaseTransferred,
    CaseWithdrawn,
    ClockChanged,
    DeadlineMissed,
    FindingMade,
    StepCompleted,
)
from shared.events.intake import (
    ComplaintRegistered,
    RecordAmended,
)
from shared.rulebook.formulas import Level
from shared.rulebook.schema.intake import RecordForm
from shared.rulebook.schema.scoring import Counted
from shared.rulebook.schema.triggers import ANY_STEP

PROMOTERS_FROM, DETRACTORS_TO = 9, 6
"""Recommendations of 0 to 10 that count as promoters and as detractors (Reichheld, HBR 2003)."""


class Count(NamedTuple):
    """What one subject adds to a tally.

    Attributes:
        tally: Place in the tallies of the day.
        excluded: It concerns a problem user.
    """

    tally: int
    unit: str
    amount: int
    excluded: bool


class _Item(NamedTuple):
    """One thing that is counted.

    Attributes:
        names: What ``of`` may call it.
        at: The moment at which the matter must have been like ``when``.
        states: What ``is`` may ask.
        amount: How many of it.
        was: The moment at which an earlier month counted it, if the matter was like ``when`` then.
    """

    unit: str
    at: datetime
    names: frozenset[str] = frozenset()
    states: frozenset[str] = frozenset()
    amount: int = 1
    excluded: bool = False
    was: datetime | None = None


_Items = Iterator[_Item]


@dataclass(frozen=True, slots=True)
class _Matter:
    """One subject in one month, as it is counted."""

    history: History
    context: MonthContext

    def in_month(self, at: datetime) -> bool:
        return self.context.start <= at < self.context.before

    def closed_in_month(self, due_before: datetime) -> bool:
        return self.context.start < due_before <= self.context.before

    def month_of(self, kind: type[Event]) -> Iterator[Fact]:
        return (fact for fact in self.history.all(kind) if self.in_month(fact.time))

    def record(self, registered: Fact) -> ComplaintRegistered | RecordAmended:
        """Return what told last of the record before the month's end."""
        amended = (one for one in self.history.all(RecordAmended) if one.time < self.context.before)
        last = max(amended, key=lambda fact: fact.time, default=registered)
        return _RECORDS[last.type](last.data)

    def calls(self, *kinds: type[CallbackAttempted] | type[CallbackCompleted]) -> dict[int, datetime]:
        """Return the first such call of each occurrence before the month's end."""
        found: dict[int, datetime] = {}
        for kind in kinds:
            for fact in self.history.all(kind):
                if fact.time < self.context.before:
                    occurrence = kind.view(fact.data).occurrence
                    found[occurrence] = min(fact.time, found.get(occurrence, fact.time))
        return found

    def last_answers(self) -> Iterable[Fact]:
        """Return the month's last answer of each occurrence; one that a ruling took away is none."""
        gone = overturned(self.history)
        given = (fact for fact in self.month_of(CallbackCompleted) if fact.id not in gone)
        return {CallbackCompleted.view(fact.data).occurrence: fact for fact in given}.values()

    def plan(self, occurrence: int) -> frozenset[str]:
        """Return under which plan an answer was asked for."""
        due = (CallbackDue.view(one.data) for one in self.history.all(CallbackDue))
        return frozenset(one.plan for one in due if one.occurrence == occurrence)

    def recommendations(self) -> Iterator[str]:
        """Return the questions that ask whether the customer would recommend the unit."""
        for questionnaire in self.context.rules.callback.questionnaires.values():
            yield from (key for key, one in questionnaire.questions.items() if one.kind == "recommendation")


_RECORDS = views_of(ComplaintRegistered, RecordAmended)


def counts(history: History, context: MonthContext) -> tuple[Count, ...]:
    """Return what the facts of one subject add to the tallies of the month."""
    matter = _Matter(history, context)
    registered = history.first(ComplaintRegistered)
    is_problem = registered is not None and ComplaintRegistered.view(registered.data).problem_user
    seen: dict[str, tuple[_Item, ...]] = {}
    found = []
    for place, asked in enumerate(context.tariff.tallies):
        if isinstance(asked, Level):
            found += [
                one._replace(excluded=one.excluded or is_problem) for one in _levels(matter, place, asked)
            ]
            continue
        if asked.count not in seen:
            seen[asked.count] = tuple(COUNTING[asked.count](matter))
        found += [
            Count(place, item.unit, item.amount, item.excluded or is_problem)
            for item in seen[asked.count]
            if _is_asked(item, asked, history)
        ]
    return tuple(found)


def _is_asked(item: _Item, asked: Counted, history: History) -> bool:
    if asked.of and item.names.isdisjoint(asked.of):
        return False
    if asked.is_ and item.states.isdisjoint(asked.is_):
        return False
    again = asked.once and item.was is not None and _is_like(asked, history, item.was)
    return not again and _is_like(asked, history, item.at)


def _is_like(asked: Counted, history: History, at: datetime) -> bool:
    return asked.when.is_empty or asked.when.holds(*facts_at(history, at))


def _matters(matter: _Matter) -> _Items:
    """Matters registered in the month; complete: nothing is missing when the month ends.

    One that goes on inside another keeps its count.
    """
    registered = matter.history.first(ComplaintRegistered)
    if registered is not None and matter.in_month(registered.time):
        states = frozenset({"complete"}) if matter.record(registered).complete else frozenset[str]()
        yield _Item(registered.unit, registered.time, states=states)


def _record_fields(matter: _Matter) -> _Items:
    """Required fields of the records of the month; filled: not missing when the month ends."""
    registered = matter.history.first(ComplaintRegistered)
    if registered is None or not matter.in_month(registered.time):
        return
    forms = matter.context.rules.intake.forms.values()
    kind = ComplaintRegistered.view(registered.data).kind
    form = next((one for one in forms if kind in one.kinds), None)
    required = _required(form) if form else 0
    missing = min(len(matter.record(registered).missing), required)
    item = _Item(registered.unit, registered.time, amount=missing)
    yield item
    yield item._replace(amount=required - missing, states=frozenset({"filled"}))


def _required(form: RecordForm) -> int:
    return sum(wanted.need != "may" for wanted in form.fields.values())


def _findings(matter: _Matter) -> _Items:
    """The finding that stands, in the month in which it was made. One that a ruling took away is none (XA-06, ZY-04)."""
    rulings = rulings_known(matter.history, matter.context.before)
    made = [
        one
        for one in matter.history.all(FindingMade)
        if one.time < matter.context.before
        and not any(
            ruling.against == one.id or (ruling.against in OF_FINDING and one.time <= ruling.at)
            for ruling in rulings
        )
    ]
    if made and matter.in_month(made[-1].time):
        earlier = [one.time for one in made if one.time < matter.context.start]
        yield _Item(made[-1].unit, made[-1].time, was=earlier[-1] if earlier else None)


def _clocks(matter: _Matter) -> _Items:
    """Clocks stopped in time, or missed; an open overdue one counts.

    A clock that was missed in one month and stopped in a later one counts once, when it was missed. A miss that a
    ruling excused counts as neither.
    """
    missed = {}
    for fact in standing_misses(matter.history, matter.context.before):
        miss = DeadlineMissed.view(fact.data)
        missed[miss.clock, miss.occurrence] = fact, miss
    rulings = rulings_known(matter.history, matter.context.before)
    for (clock, occurrence), (fact, miss) in missed.items():
        due, marks = miss.due_before, (fact.id, clock, f"{clock}#{occurrence}")
        is_excused = any(ruling.against in marks and due <= ruling.at for ruling in rulings)
        if matter.closed_in_month(due) and not is_excused:
            yield _clock(fact, miss, "missed")
    for fact in matter.history.all(StepCompleted):
        if not matter.in_month(fact.time):
            continue
        done = StepCompleted.view(fact.data)
        if done.in_time and (clock := done.clock) and (clock, done.occurrence) not in missed:
            yield _clock(fact, done, "in-time")


def _clock(fact: Fact, told: DeadlineMissed | StepCompleted, state: str) -> _Item:
    clock, step = told.clock, told.step
    # Without a name the clocks of steps are counted, see ``schema.triggers.ANY_STEP``; a watch only by its own.
    names = frozenset({step, clock, ANY_STEP}) if step else frozenset({clock})
    return _Item(fact.unit, fact.time, names, frozenset({state}))


def _callbacks(matter: _Matter) -> _Items:
    """Callbacks whose window ended in the month while the case was closed.

    Attempted: called at least once. Completed: the customer answered; in time: inside the window. Unreachable:
    called, and no answer.
    """
    owed = [one for one in matter.history.all(CallbackDue) if is_known(one, matter.context.before)]
    if not owed:
        return
    called, answered = matter.calls(CallbackAttempted, CallbackCompleted), matter.calls(CallbackCompleted)
    voided = {
        CallbackVoided.view(fact.data).occurrence: fact.time for fact in matter.history.all(CallbackVoided)
    }
    for fact in owed:
        told = CallbackDue.view(fact.data)
        number, due = told.occurrence, told.due_before
        ended = voided.get(number)
        if ended is not None and ended < due:
            continue
        if matter.closed_in_month(due):
            states = {
                "attempted": number in called,
                "completed": number in answered,
                "in-time": number in answered and answered[number] < due,
                "unreachable": number in called and number not in answered,
            }
            held = frozenset(state for state, holds in states.items() if holds)
            yield _Item(fact.unit, fact.time, frozenset({told.plan}), held)


def _answers(matter: _Matter) -> _Items:
    """Answers of the month, of each callback the last. A customer who was not reached gave none."""
    for fact in matter.last_answers():
        answer = CallbackCompleted.view(fact.data)
        asked = {"satisfied": answer.satisfied, "solved": answer.solved}
        states = frozenset(state for state, holds in asked.items() if holds)
        yield _Item(
            fact.unit, fact.time, matter.plan(answer.occurrence), states, excluded=answer.problem_user
        )


def _recalls(matter: _Matter) -> _Items:
    """Second calls of the month; agreeing: the customer says again what the first call reported."""
    for fact in matter.month_of(CallbackRecalled):
        recalled = CallbackRecalled.view(fact.data)
        states = frozenset({"agreeing"}) if recalled.agrees else frozenset[str]()
        yield _Item(fact.unit, fact.time, frozenset({recalled.plan}), states)


def _appeals(matter: _Matter) -> _Items:
    """Appeals decided in the month."""
    for fact in matter.month_of(AppealDecided):
        states = frozenset({"upheld"}) if AppealDecided.view(fact.data).upheld else frozenset[str]()
        yield _Item(fact.unit, fact.time, states=states)


def _transfers(matter: _Matter) -> _Items:
    """Matters handed on in the month, of the unit that handed them on."""
    for fact in matter.month_of(CaseTransferred):
        yield _Item(CaseTransferred.view(fact.data).from_unit, fact.time)


def _extensions(matter: _Matter) -> _Items:
    """Extensions granted in the month, by clock."""
    for fact in matter.month_of(ClockChanged):
        changed = ClockChanged.view(fact.data)
        if changed.change == "extended":
            yield _Item(fact.unit, fact.time, frozenset({changed.clock, ANY_STEP}))


def _alerts(matter: _Matter) -> _Items:
    """Alerts raised in the month, by name."""
    for fact in matter.month_of(AlertRaised):
        yield _Item(fact.unit, fact.time, frozenset({AlertRaised.view(fact.data).alert}))


def _each(kind: type[Event]) -> Callable[[_Matter], _Items]:
    """Count every fact of a type in the month in which it happened."""

    def items(matter: _Matter) -> _Items:
        return (_Item(fact.unit, fact.time) for fact in matter.month_of(kind))

    return items


COUNTING: Mapping[str, Callable[[_Matter], _Items]] = {
    "matters": _matters,
    "record-fields": _record_fields,
    "findings": _findings,
    "clocks": _clocks,
    "resolutions": _each(CaseResolved),
    "closings": _each(CaseClosed),
    "reopenings": _each(CaseReopened),
    "transfers": _transfers,
    "withdrawals": _each(CaseWithdrawn),
    "escalations": _each(CaseEscalated),
    "extensions": _extensions,
    "callbacks": _callbacks,
    "answers": _answers,
    "recalls": _recalls,
    "appeals": _appeals,
    "alerts": _alerts,
    # Of units as a whole, and not of a matter: see ``indicators``.
    "duties": lambda _: iter(()),
}
"""How each thing is found that an indicator may count."""


def _levels(matter: _Matter, place: int, asked: Level) -> Iterator[Count]:
    for fact in matter.last_answers():
        answer = CallbackCompleted.view(fact.data)
        value = _level(answer, asked.mean, matter)
        if value is not None:
            yield Count(place, fact.unit, value**asked.power, answer.problem_user)


def _level(answer: CallbackCompleted, mean: str, matter: _Matter) -> int | None:
    """Return what an answer adds to a mean: its level; or 1 for a promoter, −1 for a detractor."""
    if mean == "satisfaction":
        return answer.satisfaction
    given = answer.answers
    score = next((int(given[name]) for name in matter.recommendations() if given.get(name)), None)
    return None if score is None else int(score >= PROMOTERS_FROM) - int(score <= DETRACTORS_TO)
