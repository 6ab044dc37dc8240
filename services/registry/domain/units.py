"""Pure: which units there are, from when, what they lack to begin, and where they go."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from services.registry.domain.records import GROUP, AlreadyRegisteredError, State
from shared.errors import ConflictError, FieldProblem, ForbiddenError, InvalidInputError, NotFoundError
from shared.events import Event
from shared.events.registry import UnitClosed, UnitEstablished, UnitProposed
from shared.rulebook.schema import Rules
from shared.rulebook.schema.organisation import Organisation


class NotActiveError(ConflictError):
    """The unit lacks what the regulation asks for before it begins its work (ZY-03, LN-22)."""

    code = "unit-not-active"


def seeded(unit: str, organisation: Organisation) -> UnitEstablished:
    """Return the event that a unit of an organisation that is written down was established."""
    one = organisation.units[unit]
    return UnitEstablished(
        unit=unit,
        kind=one.kind,
        parent=one.parent,
        site=one.site,
        name_zh=one.name.zh,
        name_en=one.name.en,
        established_on=one.established_on,
        service_lead=one.service_lead,
        peers=one.peers,
        activated_by=one.activated_by,
    )


def establish(unit: UnitEstablished, units: Mapping[str, State], rules: Rules) -> UnitEstablished:
    """Return the event that a unit was formally established.

    Raises:
        InvalidInputError: Unknown kind, or a parent or a site that it cannot have.
        AlreadyRegisteredError: The name is taken.
    """
    must_lie_well(unit, units, rules)
    if f"unit/{unit.unit}" in units:
        msg = f"There is a unit '{unit.unit}' already. Choose another name, or close that one first."
        raise AlreadyRegisteredError(msg)
    return unit


def must_lie_well(unit: UnitEstablished, units: Mapping[str, State], rules: Rules) -> None:
    """Refuse an unknown kind, and a parent, a site or a peer group that the kind cannot have."""
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


def missing(unit: UnitEstablished, rules: Rules) -> tuple[str, ...]:
    """Return what a unit lacks before it is active: an approval (LN-22), a person who answers for it (ZY-03)."""
    kind = rules.rights.unit_kinds[unit.kind]
    lacks = {
        "approval": bool(kind.activated_by) and not unit.activated_by,
        "service-lead": kind.needs_lead and not unit.service_lead,
    }
    return tuple(what for what, lacking in lacks.items() if lacking)


def propose(unit: UnitEstablished, by: str, lacks: tuple[str, ...]) -> tuple[State, UnitProposed]:
    """Return the proposal of a unit that is not active yet, and the event that tells it."""
    event = UnitProposed(
        unit=unit.unit,
        kind=unit.kind,
        parent=unit.parent or "",
        site=unit.site,
        name_zh=unit.name_zh,
        name_en=unit.name_en,
        by=by,
        missing=lacks,
    )
    return {**unit.model_dump(mode="json"), "by": by, "missing": list(lacks), "active": False}, event


def activate(
    proposal: State, person: str, role: str, lead: str, begins: date | None, rules: Rules
) -> UnitEstablished:
    """Return the event that a proposed unit begins its work.

    Args:
        lead: Person who answers for its service, where the proposal names nobody.
        begins: Day from which it works; the proposal's, where none is given.

    Raises:
        ForbiddenError: The regulation names another role that approves such a unit.
        NotActiveError: Who proposed it approves it, or nobody answers for its service.
    """
    fields: dict[str, Any] = {key: proposal[key] for key in UnitEstablished.model_fields}
    kind = rules.rights.unit_kinds[proposal["kind"]]
    if kind.activated_by:
        if role not in kind.activated_by:
            named = "' or a '".join(kind.activated_by)
            msg = f"Such a unit is approved by a '{named}' ({', '.join(kind.source)}); you are a '{role}'."
            raise ForbiddenError(msg)
        if person == proposal["by"]:
            msg = "Who proposes a unit does not approve it. Ask another holder of the role."
            raise NotActiveError(msg)
        fields["activated_by"] = person
    fields["service_lead"] = lead or fields["service_lead"]
    fields["established_on"] = begins or fields["established_on"]
    unit = UnitEstablished(**fields)
    if lacks := missing(unit, rules):
        msg = (
            f"Unit '{unit.unit}' cannot begin: {', '.join(lacks)} is missing ({', '.join(kind.source)}). "
            "Name the person who answers for its service."
        )
        raise NotActiveError(msg)
    return unit


def set_anew(
    unit: str, changes: Mapping[str, Any], since: date, units: Mapping[str, State], rules: Rules
) -> UnitEstablished | None:
    """Return the event that a unit is another from a day on: elsewhere in the tree, of another kind, led by another.

    None where that is recorded already.

    Raises:
        NotFoundError: No such unit.
        ConflictError: It is closed by then.
        InvalidInputError: It cannot be so, or a later record stands already.
    """
    state = units.get(f"unit/{unit}")
    if state is None:
        msg = f"There is no unit '{unit}'."
        raise NotFoundError(msg)
    data: dict[str, Any] = {key: state[key] for key in UnitEstablished.model_fields if key in state}
    anew = UnitEstablished(**{**data, **changes, "established_on": since})
    if anew.model_dump(mode="json") == {**anew.model_dump(mode="json"), **data}:
        return None
    if since.isoformat() < state["established_on"]:
        reason = f"not before {state['established_on']}, from which its last record holds"
        raise InvalidInputError("The unit was not changed.", [FieldProblem("since", reason)])
    if (closes := state.get("closes_on")) and since.isoformat() >= closes:
        msg = f"Unit '{unit}' is closed from {closes} on. Establish another."
        raise ConflictError(msg)
    must_lie_well(anew, units, rules)
    above: str | None = anew.parent
    while above is not None:
        if above == unit:
            problem = FieldProblem("parent", "lies inside this unit itself")
            raise InvalidInputError("The parent does not fit.", [problem])
        above = units[f"unit/{above}"]["parent"]
    return anew


def close_unit(unit: str, closes_on: date, units: Mapping[str, State], successor: str = "") -> Event | None:
    """Return the event that a unit ceases; None where that is recorded already.

    Args:
        successor: Unit that its open matters go to; the one above it, where none is named.

    Raises:
        NotFoundError: No such unit.
        InvalidInputError: It would close before it was established, or nobody could follow it.
        ConflictError: It closes otherwise already.
    """
    state = units.get(f"unit/{unit}")
    if state is None:
        msg = f"There is no unit '{unit}'."
        raise NotFoundError(msg)
    if closes := state.get("closes_on"):
        if (closes, state.get("successor", "")) == (closes_on.isoformat(), successor):
            return None
        msg = f"Unit '{unit}' closes on {closes} already."
        raise ConflictError(msg)
    if closes_on.isoformat() <= state["established_on"]:
        reason = f"after the day on which it was established, {state['established_on']}"
        raise InvalidInputError("The unit was not closed.", [FieldProblem("closes_on", reason)])
    if successor:
        _must_follow(successor, unit, closes_on, units)
    return UnitClosed(unit=unit, closes_on=closes_on, successor=successor)


def _must_follow(successor: str, unit: str, day: date, units: Mapping[str, State]) -> None:
    known = units.get(f"unit/{successor}")
    reason = ""
    if known is None:
        reason = "no such unit"
    elif successor == unit:
        reason = "is the unit itself"
    elif known["established_on"] > day.isoformat() or known.get("closes_on", "9999") <= day.isoformat():
        reason = f"does not exist on {day}"
    elif known["site"] != units[f"unit/{unit}"]["site"] and known["site"] != GROUP:
        reason = "is another subsidiary's, which would answer for deadlines that are not its own"
    if reason:
        raise InvalidInputError("The unit was not closed.", [FieldProblem("successor", reason)])
