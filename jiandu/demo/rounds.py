"""What comes round at a unit of any group: duties, inspections, figures; and what inspectors find and customers praise."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

from jiandu.demo.group import Group
from jiandu.demo.habits import Fault, Manners
from jiandu.demo.people import name
from jiandu.demo.scenario import Call, Story
from services.scoring.domain.obligations import CUSTOMERS, Duty, instances
from shared.rulebook.schema import Text
from shared.rulebook.schema.obligations import FigureKind, InspectionItem
from shared.timekeeping.calendar import Month
from shared.timekeeping.periods import Period, periods_of_month

REPORTS, INSPECTS, FINDS, FIGURES, ASSESSES = (
    "reports.submit",
    "inspections.record",
    "findings.record",
    "figures.report",
    "assessments.record",
)
_AT_ONCE = 25
"""Customers that are filed in one story, one after the other."""

_FEW = 2
"""Marks of which tenths are given."""

_THANKS = "服务及时，态度好，特此感谢。"


def rounds_of(group: Group, unit: str) -> Story:
    """Tell what comes round at a unit, as far as somebody may enter it and in order of time."""
    rng = group.rng(f"rounds/{unit}")
    manners = group.manners.get(unit) or group.habits.units.get(unit, Manners())
    calls = [*_duties(group, unit, manners, rng), *_figures(group, unit, manners, rng)]
    calls += _assessments(group, unit, rng)
    if unit in group.manners:
        calls += [*_findings(group, unit, manners, rng), *_praises(group, unit, manners, rng)]
    known = sorted(
        (call for call in calls if call.account and call.at < group.before), key=lambda one: one.at
    )
    return Story(f"{unit}/rounds", group.site(unit), tuple(known))


def _call(
    group: Group, unit: str, path: str, at: datetime, account: str, body: Mapping[str, Any], key: str
) -> Call:
    is_intake = path in ("/v1/praises", "/v1/customers")
    given = body if is_intake else {"at": at, **body}
    return Call(
        at, "intake" if is_intake else "scoring", group.site(unit), account, path, given, f"{unit}/{key}"
    )


# --- duties


def _duties(group: Group, unit: str, manners: Manners, rng: Random) -> Iterator[Call]:
    for first in group.months:
        for duty in _owed(group, first):
            if duty.about == unit and duty.due_before <= group.before:
                said = manners.duties.get(duty.obligation, {})
                faults = said.get(duty.period, said.get(first.month, ()))
                yield from _deeds(group, duty, faults, manners, rng)


def _owed(group: Group, first: date) -> tuple[Duty, ...]:
    if first not in group.duties:
        group.duties[first] = instances(group.edition, group.tree, Month(first.year, first.month))
    return group.duties[first]


def _deeds(
    group: Group, duty: Duty, faults: Sequence[Fault], manners: Manners, rng: Random
) -> Iterator[Call]:
    """Do a duty as often as it is owed, some days before it is due."""
    if "missed" in faults:
        return
    rule = duty.rule
    window = min(duty.due_before - duty.begins, timedelta(days=4))
    for time in range(rule.times):
        at = (duty.due_before - window * rng.uniform(0.3, 0.9)).replace(microsecond=0)
        if "late" in faults:
            at = duty.due_before + timedelta(hours=rng.randint(9, 40))
        key = f"{duty.obligation}/{duty.period}/{time}"
        if rule.done_by == "inspection":
            yield from _inspections(group, duty, at, manners, key, rng)
        else:
            body: dict[str, Any] = {"obligation": duty.obligation, "unit": duty.unit, "period": duty.period}
            sections = list(rule.sections)[faults.count("gap") :]
            body |= {"sections": sections, "fields": _filled(rule.fields)}
            account = group.cast.enters(duty.unit, REPORTS, rule.right)
            yield _call(group, duty.unit, "/v1/duties", at, account, body, key)


def _inspections(
    group: Group, duty: Duty, at: datetime, manners: Manners, key: str, rng: Random
) -> Iterator[Call]:
    """Inspect the unit that the duty is about or, where the inspection is of others, each of those below it."""
    named = duty.rule.inspection
    kind = group.rules.obligations.inspections[named]
    units, day = group.cast.organisation.units, group.edition.calendar.local_day(at)
    below = group.tree.below(duty.about, day)
    places = (
        [duty.about]
        if units[duty.about].kind in kind.of
        else [one for one in below if units[one].kind in kind.of]
    )
    account = group.cast.enters(duty.unit, INSPECTS) or group.cast.enters(duty.about, INSPECTS)
    for place in places:
        body = {
            "unit": place,
            "kind": named,
            "fields": _filled(kind.fields),
            "failed_aspects": [one for one in manners.fails(named, duty.month.month) if one in kind.aspects],
            "observations": {item: _mark(manners, item, one, rng) for item, one in kind.items.items()},
            "evidence": [f"inspection:{named}"],
        }
        yield _call(group, duty.about, "/v1/inspections", at, account, body, f"{key}/{place}")


def _mark(manners: Manners, item: str, points: InspectionItem, rng: Random) -> str:
    """Return what an inspector gives: about what the habits say in half points, or in tenths where few are given."""
    most = float(points.most)
    if item not in manners.marks:
        return str(round(most * rng.uniform(0.7, 1)))
    steps = 10 if most < _FEW else 2
    seen = round((manners.marks[item] + rng.uniform(-0.2, 0.2) * min(most, 2)) * steps) / steps
    return str(max(0.0, min(most, seen)))


def _filled(fields: Mapping[str, Text]) -> dict[str, str]:
    return {key: f"{title.zh}：已完成" for key, title in fields.items()}


# --- figures, findings, praise


def _figures(group: Group, unit: str, manners: Manners, rng: Random) -> Iterator[Call]:
    kind = group.cast.organisation.units[unit].kind
    for key, rule in group.rules.obligations.figures.items():
        if rule.counted or kind not in rule.of or unit not in group.manners:
            continue
        for first in group.months:
            for period in periods_of_month(rule.every, Month(first.year, first.month)):
                at = group.at(period.last, 17)
                value = _number(rule, manners.figures.get(key, 0), rng)
                body = {"unit": unit, "figure": key, "period": str(period), "value": value}
                account = group.cast.enters(unit, FIGURES)
                yield _call(group, unit, "/v1/figures", at, account, body, f"{key}/{period}")


def _number(rule: FigureKind, about: int, rng: Random) -> str:
    match rule.measure:
        case "share":
            return str(round(rng.uniform(0.85, 0.99) if not about else about / 100, 2))
        case "count" | "score":
            return str(round((about or 50) * rng.uniform(0.95, 1.05)))
    return str(round((about or 1_000_000) * rng.uniform(0.9, 1.1), -3))


def _findings(group: Group, unit: str, manners: Manners, rng: Random) -> Iterator[Call]:
    """Let an inspector find what costs points and needs no matter that it is about."""
    rules, account = group.rules, group.cast.enters(unit, FINDS)
    costly = {getattr(one.trigger, "finding", "") for one in rules.scoring.offences.values()}
    kinds = [key for key, one in rules.obligations.findings.items() if key in costly and not one.about_case]
    hand = group.cast.hand(unit, "cases.handle")
    head = group.cast.organisation.units[unit].service_lead
    for number, (month, said) in enumerate(manners.findings.items() if kinds else ()):
        for first in (one for one in group.months if one.month == month):
            kind = rng.choice(kinds) if said == "any" else said
            body: dict[str, Any] = {"unit": unit, "kind": kind, "reason": "巡查时当场发现，已拍照取证"}
            offered = {
                "evidence": [f"photo:{unit}/{number}"],
                "department": unit,
                "person": hand.person,
                "superior": head,
                "norm": rng.choice(sorted(rules.obligations.norms)) if rules.obligations.norms else "",
            }
            body |= {name: offered[name] for name in rules.obligations.findings[kind].needs}
            at = group.at(first.replace(day=rng.randint(8, 26)), 10)
            yield _call(group, unit, "/v1/findings", at, account, body, f"finding/{number}")


def _praises(group: Group, unit: str, manners: Manners, rng: Random) -> Iterator[Call]:
    account = group.cast.importer(unit)
    for to, months in manners.praises.items():
        for number, month in enumerate(months):
            for first in (one for one in group.months if one.month == month):
                at = group.at(first.replace(day=rng.randint(5, 26)), 11)
                fields = {"name": name(rng), "words": _THANKS}
                body = {"unit": unit, "to": to, "fields": fields, "received_at": at}
                yield _call(group, unit, "/v1/praises", at, account, body, f"praise/{to}/{number}")


# --- what people do, as their superiors see it


def _assessments(group: Group, unit: str, rng: Random) -> Iterator[Call]:
    """Assess everybody at a unit whose month is assessed, part by part."""
    account = group.cast.enters(unit, ASSESSES)
    for key, scheme in group.rules.scoring.personal_results.items():
        for one in group.cast.at(unit):
            for first in group.months if one.role == scheme.role else ():
                month = Period.holding("month", first)
                for part in scheme.parts:
                    body = {"unit": unit, "person": one.person, "month": str(month)}
                    body |= {"scheme": key, "part": part, "score": str(rng.randint(72, 98))}
                    at = group.at(month.last, rng.uniform(16, 18))
                    yield _call(
                        group, unit, "/v1/assessments", at, account, body, f"{one.person}/{month}/{part}"
                    )


# --- customers on file


def filed(group: Group) -> Iterator[Story]:
    """File the customers whom each unit has before anything happens, where the rulebook counts them."""
    figures = group.rules.obligations.figures.values()
    kinds = {kind for one in figures if one.counted == CUSTOMERS for kind in one.of}
    for unit, manners in group.manners.items():
        if group.cast.organisation.units[unit].kind in kinds:
            for first in range(0, manners.customers, _AT_ONCE):
                numbers = range(first, min(first + _AT_ONCE, manners.customers))
                calls = tuple(_filed(group, unit, number) for number in numbers)
                yield Story(f"{unit}/customers/{first}", group.site(unit), calls)


def _filed(group: Group, unit: str, number: int) -> Call:
    rng = group.rng(f"customers/{unit}/{number}")
    place = f"{group.units.index(unit)}{number:07d}"
    body = {"unit": unit, "name": name(rng), "phone": f"100{place}", "opened_at": group.began}
    return _call(
        group, unit, "/v1/customers", group.began, group.cast.importer(unit), body, f"customer/{number}"
    )
