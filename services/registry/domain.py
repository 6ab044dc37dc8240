"""Pure: what may be written into the group's register, and the event that tells it."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from shared.errors import (
    ConflictError,
    FieldProblem,
    ForbiddenError,
    InvalidInputError,
    KeyReusedError,
    NotFoundError,
)
from shared.events import Event
from shared.events.registry import (
    AccountGranted,
    AccountRevoked,
    EditionEnacted,
    OpinionRecorded,
    PersonAppointed,
    RegisterFilled,
    RulingRecorded,
    UnitClosed,
    UnitEstablished,
)
from shared.rulebook.edition import Edition
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


class ApprovalError(ConflictError):
    """The edition is not at the point where this approval can be given."""

    code = "approval-out-of-order"


def establish(unit: UnitEstablished, units: Mapping[str, State], rules: Rules) -> Event:
    """Return the event that a unit was formally established.

    Raises:
        InvalidInputError: Unknown kind, or a parent or a site that it cannot have.
        AlreadyRegisteredError: The name is taken.
    """
    kind = rules.rights.unit_kinds.get(unit.kind)
    if kind is None:
        known = ", ".join(sorted(rules.rights.unit_kinds))
        raise InvalidInputError("Unknown kind of unit.", [FieldProblem("kind", f"one of: {known}")])
    parent = units.get(f"unit/{unit.parent}") if unit.parent else None
    if unit.parent and parent is None:
        raise InvalidInputError("The parent does not fit.", [FieldProblem("parent", "no such unit")])
    above = parent["site"] if parent else unit.site
    if above not in {unit.site, GROUP}:
        raise InvalidInputError(
            "The site does not fit. Only a unit directly below headquarters has a site of its own.",
            [FieldProblem("site", f"its parent's: {above}")],
        )
    if kind.inside and (parent is None or parent["kind"] not in kind.inside):
        reason = f"a unit of kind '{unit.kind}' lies inside: {', '.join(kind.inside)}"
        raise InvalidInputError("The parent does not fit.", [FieldProblem("parent", reason)])
    if f"unit/{unit.unit}" in units:
        msg = f"There is a unit '{unit.unit}' already. Choose another name, or close that one first."
        raise AlreadyRegisteredError(msg)
    return unit


def close_unit(unit: str, closes_on: date, state: State | None) -> Event | None:
    """Return the event that a unit ceases; None where that is recorded already.

    Raises:
        NotFoundError: No such unit.
        InvalidInputError: It would close before it was established.
        ConflictError: It closes on another day already.
    """
    if state is None:
        msg = f"There is no unit '{unit}'."
        raise NotFoundError(msg)
    if closes := state.get("closes_on"):
        if closes == closes_on.isoformat():
            return None
        msg = f"Unit '{unit}' closes on {closes} already."
        raise ConflictError(msg)
    if closes_on.isoformat() <= state["established_on"]:
        reason = f"after the day on which it was established, {state['established_on']}"
        raise InvalidInputError("The unit was not closed.", [FieldProblem("closes_on", reason)])
    return UnitClosed(unit=unit, closes_on=closes_on)


def appoint(
    person: PersonAppointed,
    known: State | None,
    opinion: State | None,
    units: Mapping[str, State],
    rules: Rules,
) -> Event | None:
    """Return the event that a person holds a role; None where that is recorded already.

    Raises:
        InvalidInputError: The role or the unit is unknown, or they do not fit.
        KeyReusedError: The same appointment is recorded under another name.
        OpinionMissingError: The role needs a recorded opinion on this person. Consent is not needed.
    """
    _must_fit(person.role, person.unit, units, rules, "The person cannot be appointed.")
    held = {"unit": person.unit, "role": person.role, "since": person.since.isoformat()}
    if known is not None and held in known["appointments"]:
        if known["name"] == person.name:
            return None
        msg = f"'{person.person}' is recorded as {known['name']}. Choose another id."
        raise KeyReusedError(msg)
    for rule in rules.rights.appointments.values():
        if person.role not in rule.role or rule.needs != "opinion":
            continue
        wanted = (person.person, person.role, person.unit)
        fits = opinion is not None and (opinion["person"], opinion["role"], opinion["unit"]) == wanted
        if not fits:
            msg = (
                f"A '{person.role}' is appointed after the group centre gave its opinion "
                f"({', '.join(rule.source)}). Record it first: POST /v1/opinions."
            )
            raise OpinionMissingError(msg)
    return person


def give_opinion(opinion: OpinionRecorded, role: str, rules: Rules) -> Event:
    """Return the event that an opinion was given.

    Raises:
        ForbiddenError: The rulebook names another role for opinions on this appointment.
    """
    asked = [one for one in rules.rights.appointments.values() if opinion.role in one.role and one.of]
    if asked and role not in {one.of for one in asked}:
        msg = (
            f"The opinion is a '{asked[0].of}''s to give ({', '.join(asked[0].source)}); you are a '{role}'."
        )
        raise ForbiddenError(msg)
    return opinion


def grant(
    account: AccountGranted,
    known: State | None,
    person: State | None,
    units: Mapping[str, State],
    rules: Rules,
) -> Event:
    """Return the event that an account can sign in.

    Args:
        person: What is recorded of whose account it is.

    Raises:
        OpinionMissingError: The role is given only by an appointment, and the person holds none such at the unit.
        InvalidInputError: The role is unknown, or does not exist at a unit of that kind.
        AlreadyRegisteredError: The name is or was another account's. A name is never given twice, so that a
            late repetition cannot give a revoked account its rights back.
    """
    if known is not None:
        msg = f"There is or was an account '{account.account}'. Choose another name."
        raise AlreadyRegisteredError(msg)
    _must_fit(account.role, account.unit, units, rules, "The account cannot be granted.")
    held = {(one["role"], one["unit"]) for one in (person or {}).get("appointments", ())}
    asked = [rule for rule in rules.rights.appointments.values() if account.role in rule.role]
    if asked and (account.role, account.unit) not in held:
        msg = (
            f"'{account.person}' is not on record as '{account.role}' of '{account.unit}', and that role comes with "
            f"an appointment only ({', '.join(asked[0].source)}). Record it first: POST /v1/appointments."
        )
        raise OpinionMissingError(msg)
    return account


def _must_fit(role: str, unit: str, units: Mapping[str, State], rules: Rules, refusal: str) -> None:
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


def revoke(account: str, reason: str, state: State | None) -> Event | None:
    """Return the event that an account cannot sign in any more; None where it cannot already.

    Raises:
        NotFoundError: No such account.
    """
    if state is None:
        msg = f"There is no account '{account}'."
        raise NotFoundError(msg)
    return None if state["revoked"] else AccountRevoked(account=account, reason=reason)


def check_interpreter(role: str, edition: Edition, now: datetime) -> None:
    """Refuse a ruling by another than the interpreting role. Raises ``ForbiddenError`` (QS-12)."""
    interpret = [rule.interprets for rule in edition.at(now).rulebook.approval.values() if rule.interprets]
    if interpret and role not in interpret:
        msg = f"How a clause is read is ruled by a '{interpret[0]}'; you are a '{role}'."
        raise ForbiddenError(msg)


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
        ApprovalError: It is another role's turn, the proposer approves, one person does twice, or it is in force.
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
    if person in proposal["approved_by"]:
        msg = "You approved this edition already. Its next approval is another person's."
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


_RECORDS: Mapping[type[Event], str] = {
    UnitEstablished: "unit/{unit}",
    UnitClosed: "unit/{unit}",
    PersonAppointed: "person/{person}",
    AccountGranted: "account/{account}",
    AccountRevoked: "account/{account}",
    EditionEnacted: "edition/{hash}",
    RegisterFilled: "register/filled",
    OpinionRecorded: "opinion/{opinion}",
    RulingRecorded: "ruling/{ruling}",
}


def subject_of(event: Event) -> str:
    """Return the record that an event belongs to."""
    return _RECORDS[type(event)].format_map(vars(event))
