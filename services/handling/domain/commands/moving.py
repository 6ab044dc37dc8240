"""Moving a case: to other hands, to another unit, out of the way, and back."""

from typing import Literal
from uuid import UUID

from services.handling.domain.case import Case, Status
from services.handling.domain.context import (
    DecisionContext,
    must_be_live,
    must_follow_deeds,
    must_not_precede,
)
from services.handling.domain.kinds import HANDLE, Command, Key, Kind, Offer, OptionalKey, Reason
from services.handling.domain.refusals import (
    AlreadyDoneError,
    CannotMergeError,
    CaseNotOverError,
    UnknownKeyError,
)
from shared.errors import FieldProblem, NotYetHereError
from shared.events import Happened
from shared.events.handling import CaseAssigned, CaseMerged, CaseParted, CaseTransferred


class Assign(Command):
    """Name the department and person who answer for the case."""

    do: Literal["assign"] = "assign"
    department: Key
    person: Key


def assign(case: Case, command: Assign, context: DecisionContext) -> list[Happened]:
    """Name the department and person who answer for the case from now on."""
    must_be_live(case)
    _must_follow_hand_over(case, context)
    event = CaseAssigned(
        complaint_id=case.complaint_id,
        department=command.department,
        person=command.person,
        by=context.by.person,
        by_unit=context.by.unit,
    )
    return [context.tell(event)]


def _must_follow_hand_over(case: Case, context: DecisionContext) -> None:
    must_not_precede("at", context.at, case.charges[-1].since, "the hand-over before")


ASSIGN = Kind(Assign, HANDLE, assign, Offer(120, lambda case, _: case.is_live))


class Transfer(Command):
    """Hand the case to another unit. No clock stops."""

    do: Literal["transfer"] = "transfer"
    to_unit: Key
    department: OptionalKey = ""
    person: OptionalKey = ""
    reason: Reason


def transfer(case: Case, command: Transfer, context: DecisionContext) -> list[Happened]:
    """Hand the case to another unit. The customer's clocks do not stop, whoever answers."""
    must_be_live(case)
    if command.to_unit == case.unit:
        raise AlreadyDoneError(f"The case is with '{case.unit}' already. Assign it there instead.")
    _must_follow_hand_over(case, context)
    kind = context.law.rules.intake.kinds.get(case.kind)
    # Who took it first answers for it to the end, unless somebody else is named (LN-06).
    person = command.person or (case.person if kind and kind.first_contact else "")
    event = CaseTransferred(
        complaint_id=case.complaint_id,
        department=command.department,
        person=person,
        from_unit=case.unit,
        to_unit=command.to_unit,
        reason=command.reason,
        by=context.by.person,
        by_unit=context.by.unit,
    )
    return [context.tell(event)]


TRANSFER = Kind(
    Transfer, "cases.transfer", transfer, Offer(125, lambda case, _: case.is_live), hands_to="to_unit"
)


class Merge(Command):
    """Let the case go on inside another."""

    do: Literal["merge"] = "merge"
    into: UUID
    reason: Reason


def merge(case: Case, command: Merge, context: DecisionContext) -> list[Happened]:
    """Let the case go on inside another. It keeps its number, its past misses and its count."""
    must_be_live(case)
    must_follow_deeds(case, context)
    _must_go_on_inside(case, command, context.other)
    event = CaseMerged(
        complaint_id=case.complaint_id, into=command.into, reason=command.reason, by=context.by.person
    )
    return [context.tell(event)]


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


MERGE = Kind(Merge, HANDLE, merge, Offer(126, lambda case, _: case.is_live))


class Part(Command):
    """Let a merged case stand alone again."""

    do: Literal["part"] = "part"
    reason: Reason


def part(case: Case, command: Part, context: DecisionContext) -> list[Happened]:
    """Let a merged case stand alone again, with its clocks as if it had never been merged."""
    if case.status is not Status.MERGED or case.merged_into is None:
        raise CaseNotOverError(f"Case {case.number} is not merged. There is nothing to part it from.")
    must_not_precede("at", context.at, case.ended_at, "the merging")
    event = CaseParted(
        complaint_id=case.complaint_id,
        from_case=case.merged_into,
        reason=command.reason,
        by=context.by.person,
    )
    return [context.tell(event)]


PART = Kind(Part, HANDLE, part, Offer(130, lambda case, _: case.status is Status.MERGED))
