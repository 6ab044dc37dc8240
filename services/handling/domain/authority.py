"""Who may do what: the one place that lets a command pass, before its case is looked at and then as whose deed.

What the rulebook asks of a case besides stands with each command's decision.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Protocol

from services.handling.domain.case import Actor
from services.handling.domain.commands import KINDS
from services.handling.domain.context import must_know
from services.handling.domain.kinds import Command, Kind
from shared.errors import FieldProblem, ForbiddenError, InvalidInputError
from shared.rulebook.disputes import Within
from shared.rulebook.edition import Edition
from shared.rulebook.late_entry import IMPORT, must_import
from shared.rulebook.steps import CaseRules


class Organisation(Protocol):
    """What the registry tells of units and people."""

    @property
    def units(self) -> Mapping[str, Any]:
        """Every unit by name, with the site of its subsidiary."""

    @property
    def people(self) -> Mapping[str, Mapping[str, Any]]:
        """Every person on record by name, with their appointments."""

    @property
    def edition(self) -> Edition:
        """The edition in force."""

    def within(self, unit: str, top: str) -> bool:
        """Say whether a unit is another one or lies below it."""

    def may_be_given_work(self, person: str, day: date) -> bool:
        """Say whether somebody may answer for a matter on a day."""


def authorise(command: Command, by: Actor, known: Organisation, now: datetime) -> None:
    """Refuse what a caller may not command at all, or not in this form, whatever the case is.

    Raises:
        ForbiddenError: The role lacks the right, or the unit is not theirs to command.
        InvalidInputError: A unit or a person is not on record as the command says.
    """
    kind = KINDS[command.do]
    if kind.right not in by.rights:
        msg = f"Role '{by.role}' lacks the right '{kind.right}'. Ask headquarters who has it."
        raise ForbiddenError(msg)
    _may_enter_late(command, kind, by, known)
    _may_be_given(command, known, now)
    if kind.hands_to and (unit := getattr(command, kind.hands_to)):
        _may_hand_to(unit, kind.hands_to, by, known)


def _may_hand_to(unit: str, field: str, by: Actor, known: Organisation) -> None:
    """Refuse a unit that does not exist, or that is another subsidiary's and not the caller's to command.

    The deadlines that pass from then on are the receiving unit's. So nobody hands them to another subsidiary but
    who stands above both: the caller sees the case already, so it remains to see the unit.
    """
    if unit not in known.units:
        raise InvalidInputError(
            "The case was not transferred.", [FieldProblem(field, "no such unit; GET /v1/units lists them")]
        )
    own = known.units.get(by.unit)
    is_theirs = by.sees_all or known.within(unit, by.unit)
    if not is_theirs and (own is None or own.site != known.units[unit].site):
        msg = (
            f"'{unit}' belongs to another subsidiary, and with the case go its deadlines. Ask headquarters to "
            "transfer it."
        )
        raise ForbiddenError(msg)


def _may_be_given(command: Command, known: Organisation, now: datetime) -> None:
    """Refuse to give a matter to somebody who has left, or who may not serve without a course (LN-22)."""
    person = getattr(command, "person", "")
    day = known.edition.calendar.local_day(command.at or now)
    if person and not known.may_be_given_work(person, day):
        raise InvalidInputError(
            "Nothing was recorded. Name somebody who serves on that day.",
            [FieldProblem("person", f"has left by {day}, or has no pass that counts in any of their roles")],
        )


def _may_enter_late(command: Command, kind: Kind, by: Actor, known: Organisation) -> None:
    if command.at is not None or command.acting_for is not None:
        must_import(by.rights)
    if command.acting_for is None:
        return
    person = known.people.get(command.acting_for.person, {"appointments": ()})
    role, unit = command.acting_for.role, command.acting_for.unit
    if kind.is_ruling:
        unit = unit or by.unit  # whose ruling it is decides who may enter it
    if not any(one["role"] == role and unit in ("", one["unit"]) for one in person["appointments"]):
        as_ = f"'{role}' of '{unit}'" if unit else f"'{role}'"
        raise InvalidInputError(
            "Nothing was entered. Name somebody whom the registry knows in that role, or appoint them first.",
            [FieldProblem("acting_for.person", f"is not on record as {as_}")],
        )


def actor_of(command: Command, kind: Kind, by: Actor, law: CaseRules, within: Within) -> Actor:
    """Return whose deed it is, with that person's rights: who enters it lends none of their own.

    Raises:
        ForbiddenError: Who enters it may not enter others' deeds, or not this one.
        InvalidInputError: The rulebook knows no such role.
    """
    if kind.is_ruling:
        _may_rule(command, by, within)
    if command.acting_for is None:
        return by
    if IMPORT not in by.rights:
        raise ForbiddenError(f"Entering what others did needs the right '{IMPORT}'. Leave 'acting_for' out.")
    other, roles = command.acting_for, law.rules.rights.roles
    must_know("acting_for.role", other.role, roles)
    role = roles[other.role]
    return Actor(
        person=other.person,
        role=other.role,
        unit=other.unit or by.unit,
        rights=frozenset(role.rights),
        sees_all=role.sees_all,
    )


def _may_rule(command: Command, by: Actor, within: Within) -> None:
    """Let whoever enters what others did enter no ruling of their own, and none of a unit outside their own line."""
    if IMPORT not in by.rights:
        return
    if command.acting_for is None:
        if not by.sees_all:
            msg = "Who enters what others did rules on nothing. Say in 'acting_for' whose ruling it is."
            raise ForbiddenError(msg)
    elif not within(command.acting_for.unit or by.unit, by.unit):
        msg = (
            f"Unit '{command.acting_for.unit}' lies outside '{by.unit}', where you enter what others did. "
            "Have its ruling entered there."
        )
        raise ForbiddenError(msg)
