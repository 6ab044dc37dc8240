"""What people may record: inspections, findings, reports. Refused where the rulebook does not know it."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from services.scoring.domain.obligations import KINDS, is_report
from shared.errors import FieldProblem, ForbiddenError, InvalidInputError, NotYetHereError, RulebookGapError
from shared.events.scoring import (
    AssessmentRecorded,
    DutyFulfilled,
    FigureReported,
    InspectionRecorded,
    OffenceFound,
    ShiftRostered,
)
from shared.rulebook.edition import Edition
from shared.rulebook.schema import Rules
from shared.timekeeping.periods import Every, Period

_PERIOD = re.compile(r"(?P<year>[0-9]{4})(-W(?P<week>[0-9]{2})|-Q(?P<quarter>[1-4])|-(?P<month>[0-9]{2}))?")


def rules_of(edition: Edition, at: datetime) -> Rules:
    """Return the rules in force when something happened.

    Raises:
        InvalidInputError: That was before the rulebook.
    """
    try:
        return edition.at(at)
    except RulebookGapError as error:
        raise _invalid("at", "before the rulebook came into force") from error


def check_inspector(kind: str, rules: Rules, role: str, *, is_own_unit: bool, sees_all: bool) -> None:
    """Refuse an inspection of one's own unit, or one that another role makes.

    Args:
        is_own_unit: The inspector belongs to the inspected unit or lies below it.
        sees_all: The role sees every unit; then it may stand in for another.

    Raises:
        ForbiddenError: It is refused.
    """
    rule = rules.obligations.inspections.get(kind)
    if is_own_unit:
        msg = "Nobody inspects their own unit. Ask the unit above."
        raise ForbiddenError(msg)
    if rule is not None and rule.by and role != rule.by and not sees_all:
        msg = f"This inspection is made by a '{rule.by}' ({', '.join(rule.source)}); you are a '{role}'."
        raise ForbiddenError(msg)


def check_about(sites: Sequence[str], site: str, *, is_seen: bool) -> None:
    """Refuse a finding about a complaint that is not here, not the finder's to see, or of another site.

    Args:
        sites: Sites of the units that had the complaint; empty where it is not known.

    Raises:
        NotYetHereError: Not here, or not to be seen: both look the same.
        InvalidInputError: The unit to be charged belongs to another site.
    """
    if not sites or not is_seen:
        msg = "This complaint is not here. If it was just registered it is still on its way: try again in a second."
        raise NotYetHereError(msg)
    if site not in sites:
        raise _invalid("unit", "the complaint is a matter of another subsidiary")


def period_called(name: str) -> Period | None:
    """Return the week, month, quarter or year of a name; None where there is no such period.

    Example:
        >>> period_called("2026-Q3").first.isoformat()
        '2026-07-01'
    """
    found = _PERIOD.fullmatch(name)
    try:
        if found is None:
            return None
        year = int(found["year"])
        if found["week"]:
            return Period.holding("week", date.fromisocalendar(year, int(found["week"]), 1))
        if found["quarter"]:
            return Period.holding("quarter", date(year, 3 * int(found["quarter"]), 1))
        every: Every = "month" if found["month"] else "year"
        return Period.holding(every, date(year, int(found["month"] or 1), 1))
    except ValueError:
        return None


def check_begun(field: str, name: str, edition: Edition, at: datetime) -> None:
    """Refuse what answers for a period that has not begun, or that was over before the rulebook.

    Raises:
        InvalidInputError: It is refused.
    """
    period = period_called(name)
    if period is None:
        raise _invalid(field, "no such period")
    if period.first > edition.calendar.local_day(at):
        raise _invalid(field, f"{name} begins on {period.first}. Hand it in from that day on")
    if period.last < edition.slices[0][0]:
        raise _invalid(field, f"{name} was over before the rulebook came into force")


def check_assessment(event: AssessmentRecorded, rules: Rules) -> None:
    """Refuse a result that no scheme asks for. Raises ``InvalidInputError``."""
    schemes = rules.scoring.personal_results
    scheme = schemes.get(event.scheme)
    if scheme is None:
        raise _invalid("scheme", f"one of: {', '.join(sorted(schemes))}")
    if event.part not in scheme.parts:
        raise _invalid("part", f"one of: {', '.join(sorted(scheme.parts))}")


def check_assessed(event: AssessmentRecorded, person: Mapping[str, Any] | None, rules: Rules) -> None:
    """Refuse a result of who is not on record in the scheme's role at the unit, by the end of the month.

    Raises:
        InvalidInputError: It is refused.
    """
    month = period_called(event.month)
    role = rules.scoring.personal_results[event.scheme].role
    held = [
        one
        for one in (person or {}).get("appointments", ())
        if (one["unit"], one["role"]) == (event.unit, role)
        and month is not None
        and date.fromisoformat(one["since"]) <= month.last
    ]
    if not held:
        raise _invalid("person", f"no '{role}' of {event.unit} in {event.month} is on record by this name")


def check_assessor(event: AssessmentRecorded, rules: Rules, role: str, *, is_import: bool) -> None:
    """Refuse who assesses himself, or gives a part that is another role's.

    Args:
        is_import: It is entered late, by who may enter for others.

    Raises:
        ForbiddenError: It is refused.
    """
    scheme = rules.scoring.personal_results[event.scheme]
    if event.person == event.by:
        msg = f"Nobody assesses himself ({', '.join(scheme.source)}). Ask the unit above."
        raise ForbiddenError(msg)
    by = scheme.by.get(event.part, ())
    if by and role not in by and not is_import:
        msg = f"The part '{event.part}' is given by: {', '.join(by)} ({', '.join(scheme.source)}); you are a '{role}'."
        raise ForbiddenError(msg)


def check_inspection(event: InspectionRecorded, rules: Rules, unit_kind: str) -> None:
    """Refuse an inspection that the rulebook does not know or that lacks what it asks for.

    Raises:
        InvalidInputError: Names each field.
    """
    rule = rules.obligations.inspections.get(event.kind)
    if rule is None:
        raise _invalid("kind", f"one of: {', '.join(sorted(rules.obligations.inspections))}")
    problems = []
    if unit_kind not in rule.of:
        problems.append(FieldProblem("unit", f"this inspection is of a unit of kind {_either(rule.of)}"))
    for key, points in event.observations.items():
        item = rule.items.get(key)
        if item is None:
            problems.append(FieldProblem(f"observations.{key}", f"one of: {', '.join(sorted(rule.items))}"))
        elif not 0 <= points <= item.most:
            problems.append(FieldProblem(f"observations.{key}", f"from 0 to {item.most}"))
    problems += [
        FieldProblem(f"observations.{key}", "required") for key in rule.items if key not in event.observations
    ]
    problems += [
        FieldProblem("failed_aspects", f"'{key}' is not one of: {', '.join(sorted(rule.aspects))}")
        for key in event.failed_aspects
        if key not in rule.aspects
    ]
    problems += _fields(event.fields, rule.fields)
    if rule.about_case != bool(event.complaint_id):
        said = "this inspection names the complaint" if rule.about_case else "it is not about a complaint"
        problems.append(FieldProblem("complaint_id", said))
    if rule.external and not event.assessor:
        problems.append(FieldProblem("assessor", "an external assessment names its assessor"))
    if event.assessor and not rule.external:
        problems.append(FieldProblem("assessor", "only an external assessment has one"))
    _refuse(problems)


def check_finding(event: OffenceFound, rules: Rules) -> None:
    """Refuse a finding of an unknown kind, or without what its kind needs. Raises ``InvalidInputError``."""
    rule = rules.obligations.findings.get(event.kind)
    if rule is None:
        raise _invalid("kind", f"one of: {', '.join(sorted(rules.obligations.findings))}")
    problems = [
        FieldProblem(name, "this kind of finding needs it")
        for name in rule.needs
        if not getattr(event, name, None)
    ]
    if rule.about_case and not event.complaint_id:
        problems.append(FieldProblem("complaint_id", "this kind of finding is about a complaint"))
    norms = rules.obligations.norms
    if event.norm and event.norm not in norms:
        problems.append(FieldProblem("norm", f"one of: {', '.join(sorted(norms)) or 'none'}"))
    if event.superior and event.superior in (event.person, event.by):
        problems.append(FieldProblem("superior", "somebody above the person, and not who found it"))
    _refuse(problems)


def check_duty(event: DutyFulfilled, rules: Rules, unit_kind: str) -> None:
    """Refuse a report that the rulebook does not ask of this unit. Raises ``InvalidInputError``.

    A missing section is not refused: it is counted (JK-15). A report without any is refused.
    """
    rule = rules.obligations.obligations.get(event.obligation)
    if rule is None:
        raise _invalid("obligation", f"one of: {', '.join(sorted(rules.obligations.obligations))}")
    problems = [
        FieldProblem("sections", f"'{key}' is not one of: {', '.join(sorted(rule.sections))}")
        for key in event.sections
        if key not in rule.sections
    ]
    if event.nil:
        if not rule.nil:
            problems.append(FieldProblem("nil", "this duty knows no nil return"))
        elif event.sections or event.fields:
            problems.append(FieldProblem("nil", "who has nothing to report gives no sections and no fields"))
    else:
        if not is_report(rule, event.sections, nil=False):
            problems.append(FieldProblem("sections", f"at least one of: {', '.join(sorted(rule.sections))}"))
        problems += _fields(event.fields, rule.fields)
    if unit_kind not in rule.owed_by:
        problems.append(FieldProblem("unit", f"a unit of kind {_either(rule.owed_by)} owes it"))
    period = period_called(event.period)
    if period is None or period.every != rule.every:
        problems.append(FieldProblem("period", f"it answers for a {rule.every}"))
    if elsewhere := KINDS[rule.done_by].not_reported:
        problems.append(FieldProblem("obligation", elsewhere))
    _refuse(problems)


def check_figure(event: FigureReported, rules: Rules, unit_kind: str) -> None:
    """Refuse a figure that the rulebook does not ask of this unit, or that is no such number.

    Raises:
        InvalidInputError: Names each field.
    """
    rule = rules.obligations.figures.get(event.figure)
    if rule is None:
        raise _invalid("figure", f"one of: {', '.join(sorted(rules.obligations.figures)) or 'none'}")
    problems = []
    if rule.counted:
        problems.append(FieldProblem("figure", "the system counts it; nobody reports it"))
    if unit_kind not in rule.of:
        problems.append(FieldProblem("unit", f"it is reported of a unit of kind {_either(rule.of)}"))
    period = period_called(event.period)
    if period is None or period.every != rule.every:
        problems.append(FieldProblem("period", f"it is reported for a {rule.every}"))
    value, wants = event.value, _MEASURED[rule.measure]
    if not wants.holds(value):
        problems.append(FieldProblem("value", wants.says))
    _refuse(problems)


def check_reporter(event: FigureReported, rules: Rules, role: str, *, is_import: bool) -> None:
    """Refuse a figure from a role that does not report it. Raises ``ForbiddenError``."""
    rule = rules.obligations.figures[event.figure]
    if role not in rule.by and not is_import:
        msg = f"This figure is reported by: {', '.join(rule.by)} ({', '.join(rule.source)}); you are a '{role}'."
        raise ForbiddenError(msg)


def check_shift(
    event: ShiftRostered, rules: Rules, unit_kind: str, person: Mapping[str, Any] | None, edition: Edition
) -> None:
    """Refuse a shift of an unknown roster or person, of a time that runs backwards or for more than a month.

    Args:
        event: The shift. One that ends as it begins takes the person off.
        rules: The rules of the day.
        unit_kind: What the unit is.
        person: What the directory knows of the person.
        edition: The edition, for its zone.

    Raises:
        InvalidInputError: Names each field.
    """
    rule = rules.obligations.rosters.get(event.roster)
    if rule is None:
        raise _invalid("roster", f"one of: {', '.join(sorted(rules.obligations.rosters)) or 'none'}")
    problems = []
    if unit_kind not in rule.of:
        problems.append(FieldProblem("unit", f"this roster is of a unit of kind {_either(rule.of)}"))
    if not timedelta() <= event.end - event.start <= LONGEST_SHIFT:
        problems.append(FieldProblem("end", f"from the begin on, at most {LONGEST_SHIFT.days} days later"))
    day = edition.calendar.local_day(event.start)
    held = (date.fromisoformat(one["since"]) for one in (person or {}).get("appointments", ()))
    if not any(since <= day for since in held):
        problems.append(FieldProblem("person", f"nobody by this name is on record on {day}"))
    _refuse(problems)


LONGEST_SHIFT = timedelta(days=31)
"""A roster says who is there when, so a shift is a stretch of days at most, and no appointment."""


class _Measure(NamedTuple):
    holds: Callable[[Decimal], bool]
    says: str


_MEASURED: Mapping[str, _Measure] = {
    "count": _Measure(
        lambda value: value >= 0 and value == value.to_integral_value(), "a whole number from 0"
    ),
    "share": _Measure(lambda value: 0 <= value <= 1, "a share from 0 to 1"),
    "money": _Measure(lambda _: True, "an amount"),
    "score": _Measure(lambda value: value >= 0, "a score from 0"),
}
"""Unit of measure → what a number of it is."""


def _either(kinds: Sequence[str]) -> str:
    return " or ".join(f"'{kind}'" for kind in kinds)


def _fields(given: Mapping[str, str], asked: Mapping[str, Any]) -> list[FieldProblem]:
    strange = [key for key in given if key not in asked]
    return [
        *(FieldProblem(f"fields.{key}", "required") for key in asked if not given.get(key)),
        *(FieldProblem(f"fields.{key}", f"one of: {', '.join(sorted(asked))}") for key in strange),
    ]


def _invalid(field: str, reason: str) -> InvalidInputError:
    return InvalidInputError(
        "The record was not stored. Correct the fields and send it again.", [FieldProblem(field, reason)]
    )


def _refuse(problems: Sequence[FieldProblem]) -> None:
    if problems:
        raise InvalidInputError("The record was not stored. Correct the fields and send it again.", problems)
