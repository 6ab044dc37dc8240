"""What an appeal inside a case is against, as the case stands: a finding, its grade, who answers, or a miss."""

from collections.abc import Mapping
from datetime import datetime

from services.handling.domain.case import Case
from shared.rulebook.disputes import Contested
from shared.rulebook.schema.procedures import Contestable

FINDING, GRADE, RESPONSIBILITY = "finding", "grade", "responsibility"

_KINDS: Mapping[str, Contestable] = {FINDING: "validity", GRADE: "grade", RESPONSIBILITY: "responsibility"}


def kind_of(against: str) -> Contestable:
    """Return what kind of thing an appeal is against, from how it names it."""
    return _KINDS.get(against, "clock")


def contested(case: Case, against: str) -> Contested | None:
    """Return what is contested, or None where the case has no such thing that stands."""
    charge = case.charges[-1]
    # Who took the matter speaks for the customer, and the unit, where the matter is about another.
    side = frozenset({case.first_taker, case.taken_by} - {""})
    if against in (FINDING, GRADE):
        finding = case.finding
        if finding is None or finding.awaits:
            return None
        makers = [who for one in case.findings for who in (one.by, *(two.by for two in one.confirmations))]
        return Contested(
            what=kind_of(against),
            key=against,
            at=finding.made_at,
            unit=charge.unit,
            person=charge.person,
            made_in=finding.unit,
            hands=frozenset(makers),
            other_side=side,
        )
    if against == RESPONSIBILITY:
        return Contested(
            what=kind_of(against),
            key=against,
            at=max(charge.since, case.registered_at),
            unit=charge.unit,
            person=charge.person,
            made_in=charge.by_unit,
            hands=frozenset({charge.by} - {""}),
            other_side=side,
        )
    if (missed := _missed(case, against)) is None:
        return None
    name, due = missed
    then = case.charge_at(due)
    return Contested(
        what=kind_of(name),
        key=name,
        at=due,
        unit=then.unit,
        person=then.person,
        hands=frozenset({then.person, charge.person} - {""}),
        other_side=side,
    )


def _missed(case: Case, against: str) -> tuple[str, datetime] | None:
    name, _, occurrence = against.partition("#")
    clock = case.clock(name)
    wanted = (
        int(occurrence) if occurrence.isdecimal() else clock.occurrence if clock and not occurrence else 0
    )
    due = clock.told.get(wanted) if clock else None
    return (f"{name}#{wanted}", due) if due else None
