"""Settlements: how the matter is settled, who consents, who signs, who pays (JK-09, JK-10, JK-13)."""

from decimal import Decimal

from services.handling.domain.case import Actor, Approval, Case, Settlement
from services.handling.domain.commands import ApproveSettlement, ProposeSettlement
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
from services.handling.domain.scene import (
    Scene,
    must_be_open,
    must_have_right,
    must_know,
    must_not_precede,
    told,
)
from services.handling.domain.steps import begin_again, conclude, do_act
from shared.errors import FieldProblem
from shared.events import Happened
from shared.events.handling import CaseEvent, SettlementApproved, SettlementProposed, SettlementSigned
from shared.rulebook.schema.procedures import Way


def propose_settlement(case: Case, command: ProposeSettlement, scene: Scene) -> tuple[Case, list[Happened]]:
    """Record what the parties agreed. Where nobody has to sign, it holds at once."""
    must_be_open(case)
    known = duties(case, scene.law).values()
    if not any(duty.step.done_by in ("settlement", "approval") or duty.step.when.way for duty in known):
        raise NotInProcedureError(
            f"The procedure '{case.procedure}' settles nothing by agreement. Go on with its next step, "
            "or make a new finding."
        )
    must_know("way", command.way, scene.law.rules.procedures.ways)
    way = scene.law.rules.procedures.ways[command.way]
    _check(command, way)
    must_not_precede(
        "at", scene.at, case.settlement.at if case.settlement else None, "the settlement before,"
    )
    proposed = Settlement(
        at=scene.at,
        by=scene.by.person,
        way=command.way,
        amount=command.amount,
        deposit=command.deposit,
        reason=command.reason,
        owner_consents=command.owner_consents,
        occurrence=case.occurrence,
    )
    if any(one.approved_at for one in case.settlements):
        case = reached_anew(case, scene)
    case = case.with_(settlements=(*case.settlements, proposed))
    case, made = do_act(case, "settlement", command, scene)
    proposal = SettlementProposed(
        complaint_id=case.complaint_id,
        department=command.department,
        person=command.person,
        way=command.way,
        amount=command.amount,
        payer=way.payer,
        reason=command.reason,
        owner_consents=command.owner_consents,
        by=scene.by.person,
    )
    events: list[CaseEvent] = [proposal]
    if way.up_to and scene.by.role in way.approvals:
        # Who proposes within the chain has signed in his own place of it (LN-08, XA-12).
        case, signature = _signed(case, scene.by.role, scene)
        events.append(signature)
        if isinstance(signature, SettlementApproved):
            case, more = do_act(case, "approval", command, scene, has_right=True)
            made += more
    elif not way.approvals and not _must_be_signed(case, scene):
        case, held = _hold(case, proposed, scene)
        events.append(held)
    case, happened = conclude(case, made, scene)
    return case, [*(told(case, event, scene.at) for event in events), *happened]


def approve_settlement(case: Case, command: ApproveSettlement, scene: Scene) -> tuple[Case, list[Happened]]:
    """Sign as the next of the chain; the last signature makes the settlement hold."""
    must_be_open(case)
    settlement = case.settlement
    if settlement is None or settlement.occurrence != case.occurrence:
        raise StepOrderError("There is no settlement to approve. Send 'propose-settlement' first.")
    if settlement.approved_at:
        raise AlreadyDoneError("The settlement is approved already. Go on with the next step.")
    way = scene.law.rules.procedures.ways[settlement.way]
    places = _places(settlement, way) or (scene.by.role,)
    role, absent = next(
        ((one, stood) for one in places if (stood := _stood_for(one, scene.by)) is not None), ("", "")
    )
    if not role:
        awaited = "' or '".join(places)
        raise NotTheirTurnError(
            f"The next signature on a settlement by '{settlement.way}' is that of '{awaited}', not of "
            f"'{scene.by.role}'. Ask them to approve it."
        )
    hands = {settlement.by, *(name for one in settlement.approvals for name in (one.by, one.for_person))}
    if not hands.isdisjoint({scene.by.person, absent} - {""}):
        raise SamePersonError(
            "Who proposed or signed a settlement cannot sign it as somebody else. Ask another person to approve it."
        )
    must_not_precede("at", scene.at, settlement.at, "the proposal")
    if command.deposit is not None:
        settlement = settlement.model_copy(update={"deposit": command.deposit})
    case, event = _signed(case.with_(settlements=(*case.settlements[:-1], settlement)), role, scene, absent)
    if isinstance(event, SettlementSigned):
        return case, [told(case, event, scene.at)]
    for duty in duties(case, scene.law).values():
        if duty.step.done_by == "approval":
            must_have_right(scene, duty.step.right)
    case, made = do_act(case, "approval", command, scene)
    case, happened = conclude(case, made, scene)
    return case, [told(case, event, scene.at), *happened]


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
    case: Case, role: str, scene: Scene, absent: str = ""
) -> tuple[Case, SettlementSigned | SettlementApproved]:
    """Add a signature to the newest settlement; the last one makes it hold."""
    newest = case.settlements[-1]
    approval = Approval(role=role, by=scene.by.person, at=scene.at, for_person=absent)
    settlement = newest.model_copy(update={"approvals": (*newest.approvals, approval)})
    left = to_sign(settlement, scene.law.rules.procedures.ways[settlement.way])
    if not left:
        return _hold(case, settlement, scene)
    event = SettlementSigned(
        complaint_id=case.complaint_id,
        way=settlement.way,
        role=role,
        by=scene.by.person,
        still_to_sign=left,
        for_person=absent,
    )
    return case.with_(settlements=(*case.settlements[:-1], settlement)), event


def _hold(case: Case, settlement: Settlement, scene: Scene) -> tuple[Case, SettlementApproved]:
    way = scene.law.rules.procedures.ways[settlement.way]
    approved = settlement.model_copy(update={"approved_at": scene.at})
    case = case.with_(settlements=(*case.settlements[:-1], approved))
    from_deposit, directly = shares(approved, way)
    event = SettlementApproved(
        complaint_id=case.complaint_id,
        way=approved.way,
        amount=approved.amount,
        payer=way.payer,
        from_deposit=from_deposit,
        paid_directly=directly,
        approvals=tuple(_said(one) for one in approved.approvals),
    )
    return case, event


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


def reached_anew(case: Case, scene: Scene) -> Case:
    """Let agreement and approval be owed anew, and what followed the settlement that held until now."""
    redone = tuple(
        key
        for key, duty in duties(case, scene.law).items()
        if duty.step.done_by in ("settlement", "approval") and case.done_in_run(key)
    )
    return begin_again(case, (), "settlement", scene.law, scene.at, redone)


def _must_be_signed(case: Case, scene: Scene) -> bool:
    # Asked with the new way in mind: a step that another way asks for signs nothing here.
    newest = case.settlements[-1].way
    return any(
        duty.step.done_by == "approval" and (not duty.step.when.way or newest in duty.step.when.way)
        for duty in duties(case, scene.law).values()
    )
