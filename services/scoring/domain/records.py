"""What people may record: inspections, findings, reports. Refused where the rulebook does not know it."""

from collections.abc import Sequence

from shared.errors import FieldProblem, InvalidInputError
from shared.events.scoring import DutyFulfilled, InspectionRecorded, OffenceFound
from shared.rulebook.schema import Rules


def check_inspection(event: InspectionRecorded, rules: Rules, unit_kind: str) -> None:
    """Refuse an inspection that the rulebook does not know or that lacks what it asks for.

    Raises:
        InvalidInputError: Names each field.
    """
    rule = rules.obligations.inspections.get(event.kind)
    if rule is None:
        raise _invalid("kind", f"one of: {', '.join(sorted(rules.obligations.inspections))}")
    problems = []
    if unit_kind != rule.of:
        problems.append(FieldProblem("unit", f"this inspection is of a unit of kind '{rule.of}'"))
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
    problems += [
        FieldProblem(f"fields.{key}", "required") for key in rule.fields if not event.fields.get(key)
    ]
    if rule.external and not event.assessor:
        problems.append(FieldProblem("assessor", "an external assessment names its assessor"))
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
    _refuse(problems)


def check_duty(event: DutyFulfilled, rules: Rules) -> None:
    """Refuse a report that the rulebook does not ask for. Raises ``InvalidInputError``.

    A missing section is not refused: it is counted (JK-15).
    """
    rule = rules.obligations.obligations.get(event.obligation)
    if rule is None:
        raise _invalid("obligation", f"one of: {', '.join(sorted(rules.obligations.obligations))}")
    problems = [
        FieldProblem("sections", f"'{key}' is not one of: {', '.join(sorted(rule.sections))}")
        for key in event.sections
        if key not in rule.sections
    ]
    problems += [
        FieldProblem(f"fields.{key}", "required") for key in rule.fields if not event.fields.get(key)
    ]
    if rule.done_by == "inspection":
        problems.append(FieldProblem("obligation", "an inspection fulfils it: POST /v1/inspections"))
    _refuse(problems)


def _invalid(field: str, reason: str) -> InvalidInputError:
    return InvalidInputError(
        "The record was not stored. Correct the fields and send it again.", [FieldProblem(field, reason)]
    )


def _refuse(problems: Sequence[FieldProblem]) -> None:
    if problems:
        raise InvalidInputError("The record was not stored. Correct the fields and send it again.", problems)
