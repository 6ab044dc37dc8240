"""Whether kinds of unit, ways to settle and the organisation have the people that they need."""

from collections.abc import Iterator

from shared.rulebook.checks.references import Fault, Loc, unknown
from shared.rulebook.schema import Rules
from shared.rulebook.schema.group import UnitKind
from shared.rulebook.schema.organisation import Organisation, SeedUnit

APPROVING = "cases.approve"


def faults(rules: Rules) -> Iterator[Fault]:
    """Return what does not fit among units and roles."""
    kinds, roles = rules.rights.unit_kinds, rules.rights.roles
    roots = [key for key, kind in kinds.items() if not kind.inside]
    if len(roots) != 1:
        what = f"{len(roots)} kinds of unit lie inside no other ({', '.join(roots) or 'none'})."
        yield Fault(("rights", "unit_kinds"), what, "Exactly one kind is the root; give the others 'inside'.")
    for key, one in rules.rights.appointments.items():
        known, what = (roles, "role") if one.needs == "opinion" else (rules.rights.courses, "course")
        yield from unknown(("rights", "appointments", key, "of"), [one.of], known, what, f"rights.{what}s")
    for key, way in rules.procedures.ways.items():
        for role in way.approvals:
            if role in roles and APPROVING not in roles[role].rights:
                what = f"The role '{role}' approves the way '{key}', and lacks the right '{APPROVING}'."
                loc = ("procedures", "ways", key, "approvals")
                yield Fault(loc, what, "Give it the right in rights.yaml.")


def organisation_faults(organisation: Organisation, rules: Rules) -> Iterator[Fault]:
    """Return what an organisation asks of the rules and they do not give."""
    kinds = rules.rights.unit_kinds
    for key, unit in organisation.units.items():
        yield from unknown(("units", key, "kind"), [unit.kind], kinds, "kind of unit", "rights.unit_kinds")
        peers = kinds[unit.kind].peers if unit.kind in kinds else ()
        yield from unknown(("units", key, "peers"), [unit.peers], peers, "peer group", "rights.unit_kinds")
        above = organisation.units[unit.parent].kind if unit.parent else ""
        inside = kinds[unit.kind].inside if unit.kind in kinds else ()
        if inside and above not in inside:
            what = f"A unit of kind '{unit.kind}' lies in one of kind '{above}'."
            yield Fault(("units", key, "parent"), what, f"Let it lie in one of kind {' or '.join(inside)}.")
        if unit.kind in kinds:
            yield from _may_begin(("units", key), unit, organisation, kinds[unit.kind])
    asked = {
        role for one in rules.rights.appointments.values() if one.needs == "opinion" for role in one.role
    }
    gates = [one for one in rules.rights.appointments.values() if one.needs == "training"]
    for key, person in organisation.people.items():
        kind = organisation.units[person.unit].kind
        yield from _may_serve(("people", key), person.role, kind, rules)
        if person.role in asked and not person.opinion:
            what = f"A '{person.role}' is appointed after an opinion was asked, and none is recorded."
            yield Fault(("people", key), what, "Add 'opinion'.")
        for gate in gates:
            if person.role in gate.role and not (
                gate.of in person.passed and person.passed[gate.of] <= person.since
            ):
                what = f"A '{person.role}' passes the course '{gate.of}' first, and no pass is recorded."
                yield Fault(("people", key), what, f"Add 'passed: {{{gate.of}: <day>}}'.")
    for key in organisation.accounts:
        kind = organisation.units[organisation.unit_of(key)].kind
        yield from _may_serve(("accounts", key), organisation.role_of(key), kind, rules)


def _may_begin(loc: Loc, unit: SeedUnit, organisation: Organisation, kind: UnitKind) -> Iterator[Fault]:
    if kind.needs_lead and not unit.service_lead:
        yield Fault(loc, "Such a unit is active only once a person answers for it.", "Add 'service_lead'.")
    approved = organisation.people.get(unit.activated_by)
    if kind.activated_by and (approved is None or approved.role not in kind.activated_by):
        what = f"Such a unit is active only once a {' or a '.join(kind.activated_by)} approved it."
        yield Fault(loc, what, "Add 'activated_by', and name one.")


def _may_serve(loc: Loc, role: str, kind: str, rules: Rules) -> Iterator[Fault]:
    roles = rules.rights.roles
    yield from unknown((*loc, "role"), [role], roles, "role", "rights.roles")
    if role in roles and kind not in roles[role].at:
        what = f"The role '{role}' does not exist at a unit of kind '{kind}'."
        yield Fault((*loc, "unit"), what, f"It exists at: {', '.join(roles[role].at)}.")
