"""Settlements: how the matter is settled, who consents, who signs, who pays (JK-09, JK-10, JK-13)."""

from decimal import Decimal
from typing import Literal

from pydantic import Field

from services.handling.domain.case import Actor, Approval, Case, Settlement, Status
from services.handling.domain.context import (
    DecisionContext,
    must_be_open,
    must_have_right,
    must_know,
    must_not_precede,
)
from services.handling.domain.doing import do_act
from services.handling.domain.evolve import ahead
from services.handling.domain.kinds import APPROVE, HANDLE, Key, Kind, Money, Offer, StepCommand
from services.handling.domain.procedure import duties
from services.handling.domain.refusals import (
    AlreadyDoneError,
    ConsentMissingError,
    MissingPartsError,
    NotInProcedureError,
    NotTheirTurnError,
    SamePersonError,
    StepOrderError,
)
from shared.errors import FieldProblem
from shared.events import Happened
from shared.events.handling import SettlementApproved, SettlementProposed, SettlementSigned
from shared.rulebook.schema.procedures import Way
from shared.rulebook.steps import CaseRules


class ProposeSettlement(StepCommand):
    """Record how the parties agreed to settle."""

    ACT = "settlement"

    do: Literal["propose-settlement"] = "propose-settlement"
    way: Key
    amount: Money | None = None
    deposit: Money | None = Field(default=None, description="What is left of the contractor's deposit.")
    owner_consents: bool = False


def propose_settlement(case: Case, command: ProposeSettlement, context: DecisionContext) -> list[Happened]:
    """Record what the parties agreed. Where nobody has to sign, it holds at once."""
    must_be_open(case)
    known = duties(case, context.law).values()
    if not any(duty.step.done_by in ("settlement", "approval") or duty.step.when.way for duty in known):
        raise NotInProcedureError(
            f"The procedure '{case.procedure}' settles nothing by agreement. Go on with its next step, "
            "or make a new finding."
        )
    must_know("way", command.way, context.law.rules.procedures.ways)
    way = context.law.rules.procedures.ways[command.way]
    _check(command, way)
    must_not_precede(
        "at", context.at, case.settlement.at if case.settlement else None, "the settlement before,"
    )
    proposed = context.tell(
        SettlementProposed(
            complaint_id=case.complaint_id,
            department=command.department,
            person=command.person,
            way=command.way,
            amount=command.amount,
            payer=way.payer,
            reason=command.reason,
            owner_consents=command.owner_consents,
            by=context.by.person,
            deposit=command.deposit,
        )
    )
    case = ahead(case, [proposed], context.law)
    case, done = do_act(case, "settlement", command, context)
    newest = case.settlements[-1]
    if way.up_to and context.by.role in way.approvals:
        # Who proposes within the chain has signed in his own place of it (LN-08, XA-12).
        signature = _signed(case, newest, context.by.role, context)
        if isinstance(signature.event, SettlementApproved):
            case = ahead(case, [signature], context.law)
            _, more = do_act(case, "approval", command, context, has_right=True)
            done += more
        return [proposed, signature, *done]
    if not way.approvals and not _must_be_signed(case, context):
        return [proposed, _held(case, newest, context), *done]
    return [proposed, *done]


def _check(command: ProposeSettlement, way: Way) -> None:
    problems = []
    if way.needs_reason and not command.reason:
        problems.append(FieldProblem("reason", "is missing; this way needs one on record"))
    if way.has_amount and not command.amount:
        problems.append(FieldProblem("amount", "is missing, or nothing"))
    if not way.has_amount and command.amount is not None:
        problems.append(FieldProblem("amount", "this way has none; leave it out"))
    if command.deposit is not None and way.payer != "contractor-deposit":
        problems.append(FieldProblem("deposit", "this way takes nothing off a deposit; leave it out"))
    if problems:
        raise MissingPartsError(
            f"A settlement by '{command.way}' cannot be recorded so: "
            + "; ".join(f"{one.field} {one.reason}" for one in problems)
            + ". Send it again with these mended.",
            problems,
        )
    if way.needs_consent and not command.owner_consents:
        raise ConsentMissingError(
            f"A settlement by '{command.way}' needs the owner's consent. Record it with 'owner_consents', "
            "or choose another way."
        )


def _must_be_signed(case: Case, context: DecisionContext) -> bool:
    # Asked with the new way in mind: a step that another way asks for signs nothing here.
    newest = case.settlements[-1].way
    return any(
        duty.step.done_by == "approval" and (not duty.step.when.way or newest in duty.step.when.way)
        for duty in duties(case, context.law).values()
    )


def _is_settled_by_agreement(case: Case, law: CaseRules) -> bool:
    known = duties(case, law).values()
    return case.status is Status.OPEN and any(duty.step.done_by == "settlement" for duty in known)


PROPOSE_SETTLEMENT = Kind(ProposeSettlement, HANDLE, propose_settlement, Offer(10, _is_settled_by_agreement))


class ApproveSettlement(StepCommand):
    """Sign the settlement as the next in its chain."""

    ACT = "approval"

    do: Literal["approve-settlement"] = "approve-settlement"
    deposit: Money | None = None


def approve_settlement(case: Case, command: ApproveSettlement, context: DecisionContext) -> list[Happened]:
    """Sign as the next of the chain; the last signature makes the settlement hold."""
    must_be_open(case)
    settlement = case.settlement
    if settlement is None or settlement.occurrence != case.occurrence:
        raise StepOrderError("There is no settlement to approve. Send 'propose-settlement' first.")
    if settlement.approved_at:
        raise AlreadyDoneError("The settlement is approved already. Go on with the next step.")
    way = context.law.rules.procedures.ways[settlement.way]
    places = _places(settlement, way) or (context.by.role,)
    role, absent = next(
        ((one, stood) for one in places if (stood := _stood_for(one, context.by)) is not None), ("", "")
    )
    if not role:
        awaited = "' or '".join(places)
        raise NotTheirTurnError(
            f"The next signature on a settlement by '{settlement.way}' is that of '{awaited}', not of "
            f"'{context.by.role}'. Ask them to approve it."
        )
    hands = {settlement.by, *(name for one in settlement.approvals for name in (one.by, one.for_person))}
    if not hands.isdisjoint({context.by.person, absent} - {""}):
        raise SamePersonError(
            "Who proposed or signed a settlement cannot sign it as somebody else. Ask another person to approve it."
        )
    must_not_precede("at", context.at, settlement.at, "the proposal")
    if command.deposit is not None:
        settlement = settlement.model_copy(update={"deposit": command.deposit})
    signature = _signed(case, settlement, role, context, absent, command.deposit)
    if isinstance(signature.event, SettlementSigned):
        return [signature]
    for duty in duties(case, context.law).values():
        if duty.step.done_by == "approval":
            must_have_right(context, duty.step.right)
    case = ahead(case, [signature], context.law)
    _, done = do_act(case, "approval", command, context)
    return [signature, *done]


APPROVE_SETTLEMENT = Kind(ApproveSettlement, APPROVE, approve_settlement)


def chain(way: Way, amount: Decimal | None) -> tuple[str, ...]:
    """Return the roles that sign an amount, in order: up to the first whose authority covers it."""
    for at, role in enumerate(way.approvals):
        if amount is not None and role in way.up_to and amount <= way.up_to[role]:
            return way.approvals[: at + 1]
    return way.approvals


def to_sign(settlement: Settlement, way: Way) -> tuple[str, ...]:
    """Return the roles that still have to sign. Nobody below who signed, or beside, is asked any more."""
    roles, signed = chain(way, settlement.amount), settlement.approvals
    if signed and way.up_to:
        last = signed[-1].role
        above = roles[way.approvals.index(last) + 1 :]
        return tuple(role for role in above if way.up_to.get(role, Decimal("inf")) > way.up_to.get(last, 0))
    return roles[len(signed) :]


def _places(settlement: Settlement, way: Way) -> tuple[str, ...]:
    """Return the roles of which one signs next: the next of the chain or, where authority has limits, one above.

    A unit need not have every role of the chain; what the lower could sign, the higher can too (LN-08, XA-12).
    """
    left = to_sign(settlement, way)
    return way.approvals[way.approvals.index(left[0]) :] if left and way.up_to else left[:1]


def _stood_for(role: str, by: Actor) -> str | None:
    """Return for whom somebody signs in a role: for nobody else, empty; None where they may not sign in it."""
    if role in (by.role, *by.rights):
        return ""
    return next((person for person, stood in by.stands_for if stood == role), None)


def _signed(
    case: Case,
    settlement: Settlement,
    role: str,
    context: DecisionContext,
    absent: str = "",
    deposit: Decimal | None = None,
) -> Happened:
    """Tell of one more signature; the last one makes the settlement hold."""
    approval = Approval(role=role, by=context.by.person, at=context.at, for_person=absent)
    settlement = settlement.model_copy(update={"approvals": (*settlement.approvals, approval)})
    left = to_sign(settlement, context.law.rules.procedures.ways[settlement.way])
    if not left:
        return _held(case, settlement, context, approval, deposit)
    event = SettlementSigned(
        complaint_id=case.complaint_id,
        way=settlement.way,
        role=role,
        by=context.by.person,
        still_to_sign=left,
        for_person=absent,
        deposit=deposit,
    )
    return context.tell(event)


def _held(
    case: Case,
    settlement: Settlement,
    context: DecisionContext,
    last: Approval | None = None,
    deposit: Decimal | None = None,
) -> Happened:
    """Tell that a settlement holds, with all signatures on it."""
    way = context.law.rules.procedures.ways[settlement.way]
    from_deposit, directly = shares(settlement, way)
    event = SettlementApproved(
        complaint_id=case.complaint_id,
        way=settlement.way,
        amount=settlement.amount,
        payer=way.payer,
        from_deposit=from_deposit,
        paid_directly=directly,
        approvals=tuple(_said(one) for one in settlement.approvals),
        role=last.role if last else "",
        by=last.by if last else "",
        for_person=last.for_person if last else "",
        deposit=deposit,
    )
    return context.tell(event)


def _said(one: Approval) -> str:
    return f"{one.role}:{one.by}" + (f" for {one.for_person}" if one.for_person else "")


def shares(settlement: Settlement, way: Way) -> tuple[Decimal | None, Decimal | None]:
    """Return what comes off the contractor's deposit, and what he pays directly: only the shortfall (JK-13).

    Both None where no amount is due; the first None too where the deposit does not come into it.
    """
    amount = settlement.amount
    if amount is None:
        return None, None
    if way.payer != "contractor-deposit":
        return None, amount
    if settlement.deposit is None:
        return None, None
    from_deposit = min(amount, settlement.deposit)
    return from_deposit, amount - from_deposit
