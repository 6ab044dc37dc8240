"""The one entry for commands, and what opens and re-opens cases from elsewhere.

Every decision first settles the clocks up to its own time, then does what is asked, then settles again: whether
something was late never depends on when a sweep last ran.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from services.handling.domain import (
    alerts,
    appeals,
    changes,
    commands,
    confirmations,
    ending,
    findings,
    moves,
    partners,
    powers,
    settlement,
    steps,
)
from services.handling.domain.case import Actor, Case, Charge, Status
from services.handling.domain.deadlines import next_due, settled, sync
from services.handling.domain.procedure import Law, described
from services.handling.domain.refusals import TimeRefusedError
from services.handling.domain.scene import (
    Scene,
    must_have_right,
    must_know,
    must_not_precede,
    same_unit,
)
from shared.errors import FieldProblem, ForbiddenError
from shared.events import Envelope, Happened, read
from shared.events.callback import CallbackCompleted
from shared.events.handling import CaseOpened
from shared.events.intake import ComplaintRegistered, RecordAmended
from shared.rulebook.disputes import Within
from shared.rulebook.edition import Edition

Handler = Callable[[Case, Any, Scene], tuple[Case, list[Happened]]]

HANDLERS: dict[str, Handler] = {
    "complete-step": steps.complete_step,
    "make-finding": findings.make_finding,
    "confirm-finding": confirmations.confirm_finding,
    "propose-settlement": settlement.propose_settlement,
    "approve-settlement": settlement.approve_settlement,
    "start-works": steps.start_works,
    "accept-result": steps.accept_result,
    "refuse-result": steps.refuse_result,
    "agree-date": changes.agree_date,
    "ask-extension": changes.ask_extension,
    "extend": changes.extend,
    "except-report": steps.except_report,
    "pause": changes.pause,
    "resume": changes.resume,
    "assign": moves.assign,
    "escalate": powers.escalate,
    "use-power": powers.use_power,
    "withdraw": moves.withdraw,
    "reclassify": findings.reclassify,
    "transfer": moves.transfer,
    "merge": moves.merge,
    "part": moves.part,
    "reopen": ending.reopen,
    "resolve": ending.resolve,
    "close": ending.close,
    "lodge-appeal": appeals.lodge_appeal,
    "advise-appeal": appeals.advise_appeal,
    "decide-appeal": appeals.decide_appeal,
}

JUDGES = frozenset({"advise-appeal", "decide-appeal"})
"""What nobody does about a matter of their own, by themselves or in another's name."""


def decide(
    case: Case,
    command: commands.Command,
    by: Actor,
    edition: Edition,
    now: datetime,
    other: Case | None = None,
    within: Within = same_unit,
) -> tuple[Case, list[Happened]]:
    """Decide a command.

    Args:
        by: Who commands. The route has checked the command's own right (``commands.RIGHTS``) and the unit;
            rights that the rulebook asks for are checked here.
        edition: The edition under which the case began.
        now: The present moment; what is commanded happened then, unless the command says when.
        within: Says which unit lies in which, for standing and tiers of appeals.
        other: The case that the command names besides its own (``merge``); None where the caller sees none such.

    Returns:
        The new case and what happened, misses among it, in the order in which it is to be told.

    Raises:
        ConflictError: The case's state forbids it. The message names the next action.
        InvalidInputError: A field is missing, unknown to the rulebook, or cannot be so.
        ForbiddenError: The command, or the rulebook, asks for a right that whose deed it is lacks.
        NotYetHereError: The other case is not there.
        RulebookGapError: The rulebook is silent where the decision needs it.
    """
    at = command.at or now.astimezone(UTC)
    if at > now:
        raise TimeRefusedError(
            f"{at.isoformat()} lies in the future. Leave 'at' out, or state when it happened.",
            [FieldProblem("at", "must not be in the future")],
        )
    must_not_precede("at", at, case.received_at, "the receipt of the matter")
    law = Law.of(edition, case.received_at)
    _may_judge(command, by, within)
    scene = Scene(law, _acting(command, by, law), at, other, within, by.person if command.acting_for else "")
    if command.acting_for:
        # The route asked it of who enters it.
        must_have_right(scene, commands.RIGHTS[command.do])
    case, before = settled(case, law, at)
    case, happened = HANDLERS[command.do](case, command, scene)
    case, said = _answered(case, law, happened)
    case, after = settled(case, law, at)
    return case, [*before, *happened, *said, *after]


def _may_judge(command: commands.Command, by: Actor, within: Within) -> None:
    """Let whoever enters what others did enter no ruling of their own, and none of a unit outside their own line."""
    if command.do not in JUDGES or commands.IMPORT not in by.rights:
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


def _acting(command: commands.Command, by: Actor, law: Law) -> Actor:
    """Return whose deed it is, with that person's rights: who enters it lends none of their own."""
    if command.acting_for is None:
        return by
    if commands.IMPORT not in by.rights:
        raise ForbiddenError(
            f"Entering what others did needs the right '{commands.IMPORT}'. Leave 'acting_for' out."
        )
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


def open_case(envelope: Envelope, edition: Edition) -> tuple[Case, list[Happened]]:
    """Open the case of a registered matter, under a provisional procedure.

    Its clocks count from receipt, so some may have been missed when it was registered.

    Raises:
        RulebookGapError: No procedure of the rulebook applies to the matter.
    """
    told = ComplaintRegistered.model_validate(envelope.data)
    received_at = told.received_at.astimezone(UTC)
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
        charges=(Charge(since=received_at, unit=told.about_unit or told.unit),),
        settled_up_to=received_at,
    )
    law = Law.of(edition, case.received_at)
    case = _as_registered(case, told, law)
    case = sync(findings.adopt(case, law, case.received_at), law)
    case, missed = settled(case, law, case.registered_at)
    opened = CaseOpened(
        complaint_id=case.complaint_id,
        number=case.number,
        kind=case.kind,
        class_=case.class_,
        procedure=case.procedure,
        channel=case.channel,
        received_at=case.received_at,
        next_due=next_due(case, edition),
        grade=case.grade,
        tier=case.tier,
        service=case.service,
    )
    news = [Happened(opened, case.registered_at, case.unit)]
    case, said = _answered(case, law, news)
    return case, [*news, *said, *missed]


def _as_registered(case: Case, told: ComplaintRegistered, law: Law) -> Case:
    kind = law.rules.intake.kinds.get(case.kind)
    if kind and kind.first_contact:
        # Who takes it first answers for it to the end (LN-06).
        (charge,) = case.charges
        case = case.with_(charges=(charge.model_copy(update={"person": told.registered_by}),))
    # What intake worked out by the rulebook is worked out here again, and falls with the flag that it came from.
    is_stated = told.grade != described(case, law).grade
    return case.with_(stated_grade=told.grade) if is_stated else case


def follow(case: Case, envelope: Envelope, edition: Edition) -> tuple[Case, list[Happened]]:
    """Follow what another service told of the case.

    A dissatisfied callback re-opens it, once; a record that was amended may be complete now.
    """
    if envelope.type not in (CallbackCompleted.TYPE, RecordAmended.TYPE):
        return case, []
    told, law = read(envelope), Law.of(edition, case.received_at)
    at, happened = envelope.time.astimezone(UTC), list[Happened]()
    over_at = case.ended_at or case.resolved_at
    if isinstance(told, RecordAmended) and told.complete and case.record_complete_at is None:
        at = max(at, case.registered_at)
        case, before = settled(case, law, at)
        case = sync(case.with_(record_complete_at=at), law)
    elif isinstance(told, CallbackCompleted) and told.reopen and _was_about(case, told) and over_at:
        at = max(at, over_at)
        case, before = settled(case, law, at)
        case, happened = ending.reopened(case, "callback", "callback", at, law)
    else:
        return case, []
    case, said = _answered(case, law, happened)
    case, after = settled(case, law, at)
    return case, [*before, *happened, *said, *after]


def _answered(case: Case, law: Law, happened: Sequence[Happened]) -> tuple[Case, list[Happened]]:
    """Say what the rulebook wants said of what just happened: to its roles, and to a partner."""
    case, said = alerts.answering(case, law, happened)
    return case, [*said, *partners.telling(case, law, happened)]


def _was_about(case: Case, told: CallbackCompleted) -> bool:
    # A callback may count from the resolution, while the file still waits for its papers.
    return told.occurrence == case.occurrence and case.status in (Status.RESOLVED, Status.CLOSED)
