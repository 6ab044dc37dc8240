"""Moving a case: to other hands, to another unit, out of the way, and back."""

from services.handling.domain.case import Case, Charge, Status
from services.handling.domain.commands import Assign, Merge, Part, Transfer, Withdraw
from services.handling.domain.deadlines import sync
from services.handling.domain.refusals import (
    AlreadyDoneError,
    CannotMergeError,
    CaseNotOverError,
    UnknownKeyError,
)
from services.handling.domain.scene import Scene, must_be_live, must_not_precede, told
from shared.errors import FieldProblem, NotYetHereError
from shared.events import Happened
from shared.events.handling import CaseAssigned, CaseMerged, CaseParted, CaseTransferred, CaseWithdrawn


def assign(case: Case, command: Assign, scene: Scene) -> tuple[Case, list[Happened]]:
    """Name the department and person who answer for the case from now on."""
    must_be_live(case)
    case = _handed_over(case, case.unit, command.department, command.person, scene)
    event = CaseAssigned(complaint_id=case.complaint_id, by=scene.by.person)
    return case, [told(case, event, scene.at)]


def transfer(case: Case, command: Transfer, scene: Scene) -> tuple[Case, list[Happened]]:
    """Hand the case to another unit. The customer's clocks do not stop, whoever answers."""
    must_be_live(case)
    if command.to_unit == case.unit:
        raise AlreadyDoneError(f"The case is with '{case.unit}' already. Assign it there instead.")
    event = CaseTransferred(
        complaint_id=case.complaint_id,
        from_unit=case.unit,
        to_unit=command.to_unit,
        reason=command.reason,
        by=scene.by.person,
    )
    kind = scene.law.rules.intake.kinds.get(case.kind)
    # Who took it first answers for it to the end, unless somebody else is named (LN-06).
    person = command.person or (case.person if kind and kind.first_contact else "")
    case = _handed_over(case, command.to_unit, command.department, person, scene)
    return case, [told(case, event, scene.at)]


def _handed_over(case: Case, unit: str, department: str, person: str, scene: Scene) -> Case:
    must_not_precede("at", scene.at, case.charges[-1].since, "the hand-over before")
    charge = Charge(
        since=scene.at,
        unit=unit,
        department=department,
        person=person,
        by=scene.by.person,
        by_unit=scene.by.unit,
    )
    return case.with_(charges=(*case.charges, charge))


def withdraw(case: Case, command: Withdraw, scene: Scene) -> tuple[Case, list[Happened]]:
    """End a case that the customer withdrew. Deadlines that had passed stay missed; the others fall away."""
    must_be_live(case)
    must_follow_deeds(case, scene)
    case = sync(case.with_(status=Status.WITHDRAWN, ended_at=scene.at), scene.law)
    event = CaseWithdrawn(complaint_id=case.complaint_id, reason=command.reason, by=scene.by.person)
    return case, [told(case, event, scene.at)]


def merge(case: Case, command: Merge, scene: Scene) -> tuple[Case, list[Happened]]:
    """Let the case go on inside another. It keeps its number, its past misses and its count."""
    must_be_live(case)
    must_follow_deeds(case, scene)
    _must_go_on_inside(case, command, scene.other)
    merged = case.with_(status=Status.MERGED, ended_at=scene.at, merged_into=command.into)
    case = sync(merged, scene.law)
    event = CaseMerged(
        complaint_id=case.complaint_id, into=command.into, reason=command.reason, by=scene.by.person
    )
    return case, [told(case, event, scene.at)]


def _must_go_on_inside(case: Case, command: Merge, other: Case | None) -> None:
    """Refuse another case in which the customer's matter would not be handled on, by the same unit and in its time.

    A case goes on only inside one that was received before it. So its clocks do not begin anew, and no circle of
    cases can close, whoever merges at the same time. Should the other one end meanwhile, that is as if it had
    ended a moment later.
    """
    if command.into == case.complaint_id:
        raise UnknownKeyError(
            "A case cannot go on inside itself. Name the other case.", [FieldProblem("into", "is this case")]
        )
    if other is None:
        raise NotYetHereError(
            "The other case is not here. Name one that GET /v1/cases lists. If it was just registered it is still on "
            "its way: try again in a second."
        )
    if other.unit != case.unit:
        raise CannotMergeError(
            f"Case {other.number} is with '{other.unit}', this one with '{case.unit}', and one unit answers for both. "
            "Transfer one of them first."
        )
    if other.kind != case.kind:
        raise CannotMergeError(
            f"Case {other.number} is a matter of kind '{other.kind}', this one of '{case.kind}', which is handled "
            "otherwise. Go on with each."
        )
    if other.status is not Status.OPEN:
        raise CannotMergeError(
            f"Case {other.number} is {other.status}, so nothing would go on inside it. Name an open one, or re-open it."
        )
    if (other.received_at, other.complaint_id) > (case.received_at, case.complaint_id):
        raise CannotMergeError(
            f"Case {other.number} was received after this one, whose deadlines hold. Merge that one into this."
        )


def part(case: Case, command: Part, scene: Scene) -> tuple[Case, list[Happened]]:
    """Let a merged case stand alone again, with its clocks as if it had never been merged."""
    if case.status is not Status.MERGED or case.merged_into is None:
        raise CaseNotOverError(f"Case {case.number} is not merged. There is nothing to part it from.")
    must_not_precede("at", scene.at, case.ended_at, "the merging")
    event = CaseParted(
        complaint_id=case.complaint_id, from_case=case.merged_into, reason=command.reason, by=scene.by.person
    )
    status = Status.RESOLVED if case.resolved_at else Status.OPEN
    case = sync(case.with_(status=status, ended_at=None, merged_into=None), scene.law)
    return case, [told(case, event, scene.at)]


def must_follow_deeds(case: Case, scene: Scene) -> None:
    """Refuse an end before something that was done."""
    deeds = [
        *(one.at for one in case.done),
        *(one.at for one in case.findings),
        *(one.at for one in case.rounds),
    ]
    must_not_precede("at", scene.at, max(deeds, default=None), "the last deed on the case")
