"""Offences: what the facts of one subject come to under the rulebook, as known before a moment.

``judge`` is the whole of it. It knows the rulebook only through a ``Basis``, and reads facts as plain dicts,
because a fold asks it twice of every case that a month touched.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID, uuid5

from shared.rulebook.basis import Basis, Price
from shared.rulebook.facts import Fact, History, is_known, moment, recency
from shared.rulebook.wording import say_due

OFFENCES = UUID("7b6a3f0e-6a1c-5d0e-9d58-1a8a4f6c2e10")
"""Namespace of the ids of offences and of what they cost."""


@dataclass(frozen=True, slots=True)
class Offence:
    """One thing that costs points, or brings them, with everything needed to follow it down.

    Attributes:
        id: The same for the same rule, subject and occurrence on every machine.
        key: The occurrence inside the subject, for example ``facts#1``.
        at: When it was complete. A deadline's own moment; the month's end where the month is judged.
        clauses: What makes it an offence, then what set the deadline.
        evidence: Ids of the events that show it, then what they name as evidence.
    """

    id: str
    rule: str
    subject: str
    key: str
    sheet: str
    item: str
    points: Decimal
    unit: str
    at: datetime
    clauses: tuple[str, ...]
    department: str
    person: str
    evidence: tuple[str, ...]
    explanation_zh: tuple[str, ...]
    explanation_en: tuple[str, ...]


class Fallen(NamedTuple):
    """Why an offence that its trigger finds does not stand."""

    zh: str
    en: str
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Judged:
    """What stands, and what does not although its trigger found it. Both by offence id."""

    standing: Mapping[str, Offence]
    fallen: Mapping[str, Fallen]


class _Ruling(NamedTuple):
    against: str
    at: datetime
    event: str


class _Found(NamedTuple):
    offence: Offence
    marks: tuple[str, ...]


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
    clause: str = ""
    evidence: tuple[str, ...] = ()


NOTHING = Judged({}, {})

_TRIGGERING = frozenset(
    {
        "deadline.missed.v1",
        "complaint.registered.v1",
        "step.completed.v1",
        "offence.found.v1",
        "callback.missed.v1",
        "praise.received.v1",
    }
)

_ENDS_A_CALLBACK = (
    "callback.completed.v1",
    "callback.attempted.v1",
    "callback.unreachable.v1",
    "callback.voided.v1",
)

_OPENING = frozenset({"complaint.registered.v1", "case.opened.v1"})
_CHANGING = frozenset({"finding.made.v1", "case.reclassified.v1", "settlement.proposed.v1"})
_MATCHED = ("kind", "class_", "validity", "item", "channel", "way", "liable")


def offences(history: History, before: datetime, basis: Basis) -> tuple[Offence, ...]:
    """Return the offences that stand, from what happened before ``before``, in order of their moments."""
    standing = judge(history, before, basis).standing.values()
    return tuple(sorted(standing, key=lambda offence: (offence.at, offence.rule, offence.id)))


def judge(history: History, before: datetime, basis: Basis) -> Judged:
    """Return what the facts of one subject come to.

    First every trigger is applied; then rulings take away, composed offences are added (JK-14 "neither"),
    and what an offence replaces falls. What a ruling took away comes back for nobody, but the offence that
    replaced another no longer does so once it is itself ruled away.
    """
    if _TRIGGERING.isdisjoint(history.by_type):
        return NOTHING
    found = [
        *_missed_deadlines(history, before, basis),
        *_incomplete_records(history, before, basis),
        *_missing_elements(history, before, basis),
        *_findings(history, before, basis),
        *_missed_callbacks(history, before, basis),
        *_praises(history, before, basis),
    ]
    if not found:
        return NOTHING
    rulings = _rulings(history, before)
    fallen: dict[str, Fallen] = {}
    standing = _without_overruled(found, rulings, fallen)
    standing |= _combined(history, standing, rulings, fallen, basis)
    for offence_id, reason in _replaced(standing, basis).items():
        fallen[offence_id] = reason
        del standing[offence_id]
    return Judged(standing, fallen)


def offence_id(rule: str, subject: str, key: str) -> str:
    """Return the id of an offence."""
    return str(uuid5(OFFENCES, f"{rule}|{subject}|{key}"))


def priced(sight: Sight, price: Price, basis: Basis) -> Offence:
    """Return the offence that something seen is, at the price of one rule."""
    department, person = sight.department, sight.person
    if price.personal:
        unit = basis.organisation.on(sight.unit, sight.day)
        department, person = department or sight.unit, person or (unit.lead if unit else "")
    clause = sight.clause
    return Offence(
        id=offence_id(price.rule, sight.subject, sight.key),
        rule=price.rule,
        subject=sight.subject,
        key=sight.key,
        sheet=price.sheet,
        item=price.item,
        points=price.points,
        unit=basis.organisation.scored_unit(sight.unit, price.unit_kinds, sight.day),
        at=sight.at,
        clauses=(*price.clauses, clause) if clause and clause not in price.clauses else price.clauses,
        department=department,
        person=person,
        evidence=sight.evidence,
        explanation_zh=sight.words.zh,
        explanation_en=sight.words.en,
    )


def _seen(
    fact: Fact,
    key: str,
    at: datetime,
    day: date,
    words: Words,
    *,
    clause: str = "",
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
        clause,
        (fact.id, *evidence),
    )


def _missed_deadlines(history: History, before: datetime, basis: Basis) -> Iterator[_Found]:
    for fact in standing_misses(history, before):
        data = fact.data
        due, clock = moment(data["due_before"]), data["clock"]
        round_ = f"{clock}#{data['occurrence']}"
        day = basis.closing_day(due)
        tariff = basis.tariffs.on(day)
        words = Words(tuple(data["explanation_zh"]), tuple(data["explanation_en"]))
        sight = _seen(fact, round_, due, day, words, clause=data["clause"])
        for price in tariff.missed_by(clock, data.get("step", "")):
            if price.when is None or price.when.holds(*_case_at(history, fact)):
                yield _Found(priced(sight, price, basis), (fact.id, clock, round_))
        report = data.get("report", "")
        if report in tariff.unsent:
            month_end = basis.month_end(due, closing=True)
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
                    yield _Found(priced(unsent, price, basis), (fact.id, clock, round_))


def standing_misses(history: History, before: datetime) -> list[Fact]:
    """Return the missed deadlines that stand: of each clock and round, the verdict that was told last."""
    missed = history.all("deadline.missed.v1")
    if not missed:
        return []
    told = [fact for fact in (*missed, *history.all("deadline.cleared.v1")) if is_known(fact, before)]
    latest: dict[tuple[str, int], Fact] = {}
    for fact in told if len(told) == 1 else sorted(told, key=recency):
        latest[fact.data["clock"], fact.data["occurrence"]] = fact
    return [fact for fact in latest.values() if fact.type == "deadline.missed.v1"]


def _was_sent(history: History, missed: Fact, month_end: datetime) -> bool:
    data = missed.data
    return any(
        done.data.get("report") == data["report"]
        and done.data["step"] == (data.get("step") or done.data["step"])
        and done.data["occurrence"] == data["occurrence"]
        and done.time < month_end
        for done in history.all("step.completed.v1")
    )


def _case_at(history: History, missed: Fact) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return what the case was when the deadline passed: field → value, and its flags.

    What it was registered and opened as holds from receipt, however late it was registered.
    """
    case: dict[str, str] = {}
    flags: tuple[str, ...] = ()
    for fact in history.facts:
        is_first = fact.type in _OPENING
        if not is_first and (fact.type not in _CHANGING or fact.time > missed.time):
            continue
        data = fact.data
        case |= {name.rstrip("_"): str(data[name]) for name in _MATCHED if data.get(name)}
        flags = tuple(data.get("flags", flags))
    case["procedure"] = missed.data["procedure"]
    return case, flags


def _incomplete_records(history: History, before: datetime, basis: Basis) -> Iterator[_Found]:
    registered = history.first("complaint.registered.v1")
    if registered is None:
        return
    amended = history.all("record.amended.v1")
    if registered.data["complete"] and not amended:
        return
    month_end = basis.month_end(registered.time)
    record = next((fact for fact in reversed(amended) if fact.time < month_end), registered)
    if month_end > before or record.data["complete"]:
        return
    day = basis.closing_day(month_end)
    tariff = basis.tariffs.on(day)
    if registered.data["kind"] in tariff.uncounted_kinds:
        return
    missing = ", ".join(record.data["missing"])
    words = Words((f"登记当月月末仍缺：{missing}",), (f"still missing when the month ended: {missing}",))
    more = () if record is registered else (record.id,)
    sight = _seen(registered, "record", month_end, day, words, evidence=more)
    for price in tariff.incomplete:
        yield _Found(priced(sight, price, basis), sight.evidence)


def _missing_elements(history: History, before: datetime, basis: Basis) -> Iterator[_Found]:
    for fact in history.all("step.completed.v1"):
        data = fact.data
        if not data.get("missing_elements") or data.get("exempt") or fact.time >= before:
            continue
        day = basis.edition.calendar.local_day(fact.time)
        report = data.get("report", "")
        for price in basis.tariffs.on(day).elements.get(report, ()):
            for element in data["missing_elements"]:
                key = f"{report}/{data['step']}#{data['occurrence']}/{element}"
                words = Words((f"报告缺少：{element}",), (f"the report lacks: {element}",))
                sight = _seen(fact, key, fact.time, day, words)
                yield _Found(priced(sight, price, basis), (fact.id,))


def _findings(history: History, before: datetime, basis: Basis) -> Iterator[_Found]:
    for fact in history.all("offence.found.v1"):
        if fact.time >= before:
            continue
        data = fact.data
        day = basis.edition.calendar.local_day(fact.time)
        words = Words((data["reason"],), (data["reason"],))
        key = f"finding/{data['finding']}"
        sight = _seen(fact, key, fact.time, day, words, evidence=data["evidence"])
        for price in basis.tariffs.on(day).found.get(data["kind"], ()):
            yield _Found(priced(sight, price, basis), (fact.id, data["finding"]))


def _missed_callbacks(history: History, before: datetime, basis: Basis) -> Iterator[_Found]:
    for fact in history.all("callback.missed.v1"):
        data = fact.data
        due = moment(data["due_before"])
        if not is_known(fact, before) or _was_over(history, data["occurrence"], due):
            continue
        day = basis.closing_day(due)
        said = say_due(due, basis.edition.calendar)
        words = Words((f"回访期限 {said.zh} 已过",), (f"not called back before {said.en}",))
        sight = _seen(fact, f"callback#{data['occurrence']}", due, day, words, clause=data["clause"])
        for price in basis.tariffs.on(day).callbacks:
            yield _Found(priced(sight, price, basis), (fact.id, sight.key))


def _was_over(history: History, occurrence: int, due: datetime) -> bool:
    # Known only after the sweep had spoken: calls that were made in time, or a case that was closed no more.
    return any(
        one.data["occurrence"] == occurrence and one.time < due
        for kind in _ENDS_A_CALLBACK
        for one in history.all(kind)
        if kind != "callback.attempted.v1" or one.data["outcome"] == "refused"
    )


def _praises(history: History, before: datetime, basis: Basis) -> Iterator[_Found]:
    for fact in history.all("praise.received.v1"):
        if fact.time >= before:
            continue
        to = fact.data["to"]
        day = basis.edition.calendar.local_day(fact.time)
        words = Words((f"受表扬（{to}）",), (f"praised to: {to}",))
        sight = _seen(fact, "praise", fact.time, day, words)
        for price in basis.tariffs.on(day).praise.get(to, ()):
            yield _Found(priced(sight, price, basis), (fact.id,))


def _rulings(history: History, before: datetime) -> list[_Ruling]:
    return [
        _Ruling(fact.data[field], fact.time, fact.id)
        for kind, field in (("appeal.decided.v1", "against"), ("dispute.ruled.v1", "offence"))
        for fact in history.all(kind)
        if fact.time < before and fact.data["upheld"]
    ]


def overruled(
    offence: Offence, marks: Sequence[str], rulings: Sequence[tuple[str, datetime, str]]
) -> Fallen | None:
    """Return why a ruling takes the offence away, or None.

    A ruling names an offence, an event, or a clock. A clock's name reaches only what had happened by then:
    the clock may be missed again in a later round.
    """
    for against, at, event in rulings:
        if against == offence.id or (against in marks and offence.at <= at):
            return Fallen("申诉或争议裁定成立", "an appeal or dispute was upheld", (event,))
    return None


def _without_overruled(
    found: Sequence[_Found], rulings: Sequence[_Ruling], fallen: dict[str, Fallen]
) -> dict[str, Offence]:
    standing: dict[str, Offence] = {}
    for offence, marks in found:
        reason = overruled(offence, marks, rulings) if rulings else None
        if reason is None:
            standing[offence.id] = offence
        else:
            fallen[offence.id] = reason
    return standing


def _combined(
    history: History,
    standing: dict[str, Offence],
    rulings: Sequence[_Ruling],
    fallen: dict[str, Fallen],
    basis: Basis,
) -> dict[str, Offence]:
    """Return the offences that exist because all of their parts do, from the moment of the last part.

    One that is ruled away takes its parts along: there is nothing in it but them.
    """
    combined: dict[str, Offence] = {}
    in_time = sorted(standing.values(), key=lambda offence: (offence.at, offence.rule, offence.id))
    for index, last in enumerate(in_time):
        for price in basis.tariffs.on(basis.closing_day(last.at)).combined:
            parts = [offence for offence in in_time[: index + 1] if offence.rule in price.with_all]
            composed_id = offence_id(price.rule, history.subject, "all")
            is_new = composed_id not in combined and composed_id not in fallen
            if not is_new or last.rule not in price.with_all or {p.rule for p in parts} != price.with_all:
                continue
            offence = _composed(composed_id, price, parts, basis)
            reason = overruled(offence, (), rulings)
            if reason is None:
                combined[composed_id] = offence
            else:
                fallen |= dict.fromkeys((composed_id, *(part.id for part in parts)), reason)
    for offence_ in [offence_ for offence_ in standing if offence_ in fallen]:
        del standing[offence_]
    return combined


def _composed(composed_id: str, price: Price, parts: Sequence[Offence], basis: Basis) -> Offence:
    last = parts[-1]
    day = basis.closing_day(last.at)
    clauses = dict.fromkeys((*price.clauses, *(clause for part in parts for clause in part.clauses)))
    return Offence(
        id=composed_id,
        rule=price.rule,
        subject=last.subject,
        key="all",
        sheet=price.sheet,
        item=price.item,
        points=price.points,
        unit=basis.organisation.scored_unit(last.unit, price.unit_kinds, day),
        at=last.at,
        clauses=tuple(clauses),
        department=last.department,
        person=last.person,
        evidence=tuple(dict.fromkeys(name for part in parts for name in part.evidence)),
        explanation_zh=tuple(line for part in parts for line in part.explanation_zh),
        explanation_en=tuple(line for part in parts for line in part.explanation_en),
    )


def _replaced(standing: Mapping[str, Offence], basis: Basis) -> dict[str, Fallen]:
    """Return the offences that another stands in place of: those complete at or before it."""
    fallen: dict[str, Fallen] = {}
    for offence in standing.values():
        replaces = basis.tariffs.on(basis.closing_day(offence.at)).replacing.get(offence.rule)
        if not replaces:
            continue
        for other in standing.values():
            if other.rule in replaces and other.at <= offence.at and other is not offence:
                fallen[other.id] = Fallen(
                    f"由 {offence.rule} 取代", f"replaced by {offence.rule}", offence.evidence
                )
    return fallen
