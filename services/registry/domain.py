"""Pure: what may be written into the group's register, and the event that tells it."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from shared.errors import ConflictError, FieldProblem, InvalidInputError, NotFoundError
from shared.events import Event
from shared.events.registry import (
    AccountGranted,
    AccountRevoked,
    EditionEnacted,
    OpinionRecorded,
    PersonAppointed,
    RulingRecorded,
    UnitClosed,
    UnitEstablished,
)
from shared.rulebook.edition import Edition
from shared.rulebook.schema import Rules

State = dict[str, Any]


class AlreadyRegisteredError(ConflictError):
    """The name is taken by something else."""

    code = "already-registered"


class OpinionMissingError(ConflictError):
    """The rulebook asks for the group centre's opinion before this role is given (JK-26)."""

    code = "opinion-missing"


class ApprovalError(ConflictError):
    """The edition is not at the point where this approval can be given."""

    code = "approval-out-of-order"


def establish(unit: UnitEstablished, units: Mapping[str, State], rules: Rules) -> Event:
    """Return the event that a unit was formally established.

    Raises:
        InvalidInputError: Unknown kind, or a parent of a kind that this kind cannot lie in.
        AlreadyRegisteredError: The name is taken.
    """
    kind = rules.rights.unit_kinds.get(unit.kind)
    if kind is None:
        known = ", ".join(sorted(rules.rights.unit_kinds))
        raise InvalidInputError("Unknown kind of unit.", [FieldProblem("kind", f"one of: {known}")])
    parent = units.get(f"unit/{unit.parent}") if unit.parent else None
    if kind.inside and (parent is None or parent["kind"] not in kind.inside):
        reason = f"a unit of kind '{unit.kind}' lies inside: {', '.join(kind.inside)}"
        raise InvalidInputError("The parent does not fit.", [FieldProblem("parent", reason)])
    if f"unit/{unit.unit}" in units:
        msg = f"There is a unit '{unit.unit}' already. Choose another name, or close that one first."
        raise AlreadyRegisteredError(msg)
    return unit


def close_unit(unit: str, closes_on: date, state: State | None) -> Event:
    """Return the event that a unit ceases. Raises ``NotFoundError`` or ``ConflictError``."""
    if state is None:
        msg = f"There is no unit '{unit}'."
        raise NotFoundError(msg)
    if state.get("closes_on"):
        msg = f"Unit '{unit}' closes on {state['closes_on']} already."
        raise ConflictError(msg)
    return UnitClosed(unit=unit, closes_on=closes_on)


def appoint(person: PersonAppointed, opinion: State | None, rules: Rules) -> Event:
    """Return the event that a person holds a role, once what the rulebook asks for is on record.

    Raises:
        OpinionMissingError: The role needs a recorded opinion on this person. Consent is not needed.
    """
    for rule in rules.rights.appointments.values():
        if rule.role != person.role or rule.needs != "opinion":
            continue
        fits = opinion is not None and (opinion["person"], opinion["role"]) == (person.person, person.role)
        if not fits:
            msg = (
                f"A '{person.role}' is appointed after the group centre gave its opinion "
                f"({', '.join(rule.source)}). Record it first: POST /v1/opinions."
            )
            raise OpinionMissingError(msg)
    return person


def grant(account: AccountGranted, units: Mapping[str, State], rules: Rules) -> Event:
    """Return the event that an account can sign in.

    Raises:
        InvalidInputError: The role is unknown, or does not exist at a unit of that kind.
    """
    role = rules.rights.roles.get(account.role)
    unit = units.get(f"unit/{account.unit}")
    problems = []
    if role is None:
        problems.append(FieldProblem("role", f"one of: {', '.join(sorted(rules.rights.roles))}"))
    if unit is None:
        problems.append(FieldProblem("unit", "no such unit"))
    if role and unit and unit["kind"] not in role.at:
        problems.append(FieldProblem("role", f"exists only at units of kind: {', '.join(role.at)}"))
    if problems:
        raise InvalidInputError("The account cannot be granted.", problems)
    return account


def revoke(account: str, reason: str, state: State | None) -> Event:
    """Return the event that an account cannot sign in any more. Raises ``NotFoundError``."""
    if state is None:
        msg = f"There is no account '{account}'."
        raise NotFoundError(msg)
    return AccountRevoked(account=account, reason=reason)


def chain(edition: Edition, now: datetime) -> tuple[str, ...]:
    """Return the roles that must approve a new edition, in order; empty: the proposer's right suffices."""
    rules = edition.at(now)
    return tuple(role for rule in rules.rulebook.approval.values() for role in rule.approves)


def propose(edition: Edition, bundle: str, by: str, now: datetime, roles: tuple[str, ...]) -> State:
    """Return a proposal that waits for its approvals."""
    return {
        "name": edition.name,
        "hash": edition.hash,
        "bundle": bundle,
        "proposed_by": by,
        "proposed_at": now.isoformat(),
        "waits_for": list(roles),
        "approved_by": [],
    }


def approve(proposal: State, person: str, role: str, now: datetime) -> tuple[State, list[Event]]:
    """Record one approval; the last one enacts the edition.

    Raises:
        ApprovalError: It is another role's turn, the proposer approves, or it is in force already.
    """
    waits_for = proposal["waits_for"]
    if not waits_for:
        msg = f"Edition '{proposal['name']}' is in force already."
        raise ApprovalError(msg)
    if role != waits_for[0]:
        msg = (
            f"Edition '{proposal['name']}' waits for the approval of a '{waits_for[0]}'; you are a '{role}'."
        )
        raise ApprovalError(msg)
    if person == proposal["proposed_by"]:
        msg = "Who proposes an edition does not approve it. Ask another holder of the role."
        raise ApprovalError(msg)
    approved = {**proposal, "waits_for": waits_for[1:], "approved_by": [*proposal["approved_by"], person]}
    return approved, [] if approved["waits_for"] else [enacted(approved, now)]


def enacted(proposal: State, now: datetime) -> EditionEnacted:
    """Return the event that puts an edition into force, carrying the edition itself."""
    return EditionEnacted(
        name=proposal["name"],
        hash=proposal["hash"],
        enacted_at=now,
        approved_by=tuple(proposal["approved_by"]),
        bundle=proposal["bundle"],
    )


def subject_of(event: Event) -> str:
    """Return the record that an event belongs to."""
    match event:
        case UnitEstablished() | UnitClosed():
            return f"unit/{event.unit}"
        case PersonAppointed():
            return f"person/{event.person}"
        case AccountGranted() | AccountRevoked():
            return f"account/{event.account}"
        case EditionEnacted():
            return f"edition/{event.hash}"
        case OpinionRecorded():
            return f"opinion/{event.opinion}"
        case RulingRecorded():
            return f"ruling/{event.ruling}"
    msg = f"No record for {type(event).__name__}."
    raise TypeError(msg)
