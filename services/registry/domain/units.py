"""Pure: which units there are, from when, and in which state."""

from collections.abc import Mapping
from datetime import date

from services.registry.domain.records import GROUP, AlreadyRegisteredError, State
from shared.errors import ConflictError, FieldProblem, InvalidInputError, NotFoundError
from shared.events import Event
from shared.events.registry import UnitClosed, UnitEstablished
from shared.rulebook.schema import Rules


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
    if unit.peers and unit.peers not in kind.peers:
        reason = f"one of: {', '.join(sorted(kind.peers))}" if kind.peers else "units of this kind have none"
        raise InvalidInputError("The peer group does not fit.", [FieldProblem("peers", reason)])
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
