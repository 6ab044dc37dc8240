"""The one way a case changes: an event, and what the case is after it.

``evolve`` judges nothing and refuses nothing; what a command may do is decided before (``commands``). It works out
anew what follows from the rulebook: procedure, grade, repeats. So the same events under another edition's rules are
the case as it would have been (``replay``). Clocks follow from the whole of a decision: ``fold`` brings them up.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC

from services.handling.domain.case import Case, Charge
from services.handling.domain.deadlines import sync
from services.handling.domain.procedure import described
from services.handling.domain.transitions import Transition, appeals, clocks, deeds, matter
from shared.events import Event, Happened, handling
from shared.events.intake import ComplaintRegistered
from shared.rulebook.edition import Edition
from shared.rulebook.steps import CaseRules

EVOLVE: Mapping[type[Event], Transition] = {
    **matter.TRANSITIONS,
    **deeds.TRANSITIONS,
    **clocks.TRANSITIONS,
    **appeals.TRANSITIONS,
}
"""Every event that handling tells, and the one of another service that changes a case by itself."""

_STILL = frozenset(
    {
        handling.CaseAssigned,
        handling.CaseTransferred,
        handling.CaseEscalated,
        handling.PowerUsed,
        handling.ReportExcepted,
        handling.SettlementSigned,
        handling.DeadlineMissed,
        handling.DeadlineCleared,
        handling.ExtensionAsked,
        handling.AlertRaised,
        handling.PartnerTold,
    }
)
"""Events that no clock hangs on."""


def begun(told: ComplaintRegistered, edition: Edition, law: CaseRules) -> Case:
    """Return the case of a registered matter, from nothing; that it was opened gives it its procedure."""
    received_at = told.received_at.astimezone(UTC)
    unit, kind = told.about_unit or told.unit, law.rules.intake.kinds.get(told.kind)
    case = Case(
        complaint_id=told.complaint_id,
        number=told.number,
        site=told.site,
        kind=told.kind,
        class_=told.class_,
        item=told.item,
        service=told.service,
        flags=dict.fromkeys(told.flags, received_at),
        channel=told.channel,
        product=told.product,
        received_at=received_at,
        registered_at=told.registered_at.astimezone(UTC),
        handover_on=told.handover_on.astimezone(UTC) if told.handover_on else None,
        imported=told.imported,
        customer=told.customer,
        problem_user=told.problem_user,
        first_taker=told.registered_by,
        record_complete_at=told.registered_at.astimezone(UTC) if told.complete else None,
        taken_by=told.unit if told.about_unit else "",
        external_number=told.external_number,
        edition=edition.name,
        edition_hash=edition.hash,
        # Who takes it first answers for it to the end, where the kind has a first contact (LN-06).
        charges=(
            Charge(
                since=received_at, unit=unit, person=told.registered_by if kind and kind.first_contact else ""
            ),
        ),
        settled_up_to=received_at,
    )
    # What intake worked out by the rulebook is worked out here again, and falls with the flag that it came from.
    is_stated = told.grade != described(case, law).grade
    return case.with_(stated_grade=told.grade) if is_stated else case


def fold(case: Case, told: Iterable[Happened], law: CaseRules) -> Case:
    """Return the case after what one decision told, its clocks brought up to it."""
    moved = False
    for one in told:
        if moved and isinstance(one.event, handling.DeadlineMissed | handling.DeadlineCleared):
            case, moved = sync(case, law), False
        case = evolve(case, one, law)
        moved = moved or type(one.event) not in _STILL
    return sync(case, law) if moved else case


def ahead(case: Case, told: Iterable[Happened], law: CaseRules) -> Case:
    """Return the case as a decision that goes on looks ahead to it: after these events, its clocks as they were."""
    for one in told:
        case = evolve(case, one, law)
    return case


def evolve(case: Case, told: Happened, law: CaseRules) -> Case:
    """Return the case after an event; its clocks follow with the decision that the event is part of."""
    return EVOLVE[type(told.event)](case, told.event, told.time, law)
