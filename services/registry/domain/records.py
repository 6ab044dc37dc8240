"""What a record of the register is, what it is called, and the refusals that all of them share."""

from collections.abc import Mapping
from typing import Any

from shared.errors import ConflictError, FieldProblem, InvalidInputError
from shared.events import Event
from shared.events.registry import (
    AccountGranted,
    AccountRevoked,
    DeputyNamed,
    EditionApproved,
    EditionEnacted,
    EditionFiled,
    EditionProposed,
    EditionRejected,
    OpinionRecorded,
    OverlayEnded,
    OverlayFiled,
    PersonAppointed,
    PersonLeft,
    RegisterFilled,
    RulingRecorded,
    TrainingRecorded,
    UnitClosed,
    UnitEstablished,
    UnitProposed,
)
from shared.rulebook.schema import Rules

State = dict[str, Any]

GROUP = "group"
"""Headquarters' site."""


class AlreadyRegisteredError(ConflictError):
    """The name is taken by something else."""

    code = "already-registered"


class OpinionMissingError(ConflictError):
    """The rulebook asks for the group centre's opinion before this role is given (JK-26)."""

    code = "opinion-missing"


_PROPOSAL = "proposal/{hash}"

_RECORDS: Mapping[type[Event], str] = {
    UnitEstablished: "unit/{unit}",
    UnitClosed: "unit/{unit}",
    UnitProposed: "proposed-unit/{unit}",
    PersonAppointed: "person/{person}",
    PersonLeft: "person/{person}",
    DeputyNamed: "person/{person}",
    TrainingRecorded: "person/{person}",
    AccountGranted: "account/{account}",
    AccountRevoked: "account/{account}",
    EditionProposed: _PROPOSAL,
    EditionApproved: _PROPOSAL,
    EditionRejected: _PROPOSAL,
    EditionFiled: _PROPOSAL,
    EditionEnacted: "edition/{hash}",
    OverlayFiled: "overlay/{overlay}",
    OverlayEnded: "overlay/{overlay}",
    RegisterFilled: "register/filled",
    OpinionRecorded: "opinion/{opinion}",
    RulingRecorded: "ruling/{ruling}",
}


def subject_of(event: Event) -> str:
    """Return the record that an event belongs to."""
    return _RECORDS[type(event)].format_map(vars(event))


def must_fit(role: str, unit: str, units: Mapping[str, State], rules: Rules, refusal: str) -> None:
    """Refuse a role that is unknown, or that does not exist at a unit of that kind.

    Raises:
        InvalidInputError: Names the field.
    """
    rule, where = rules.rights.roles.get(role), units.get(f"unit/{unit}")
    problems = []
    if rule is None:
        problems.append(FieldProblem("role", f"one of: {', '.join(sorted(rules.rights.roles))}"))
    if where is None:
        problems.append(FieldProblem("unit", "no such unit"))
    if rule and where and where["kind"] not in rule.at:
        problems.append(FieldProblem("role", f"exists only at units of kind: {', '.join(rule.at)}"))
    if problems:
        raise InvalidInputError(refusal, problems)
