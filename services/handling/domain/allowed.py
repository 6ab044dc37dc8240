"""What may be done next on a case, and why not where it may not. For pages; ``decide`` has the last word."""

from datetime import datetime
from typing import TypedDict

from services.handling.domain.case import Actor, Case, Status
from services.handling.domain.commands import APPROVE, HANDLE, RIGHTS
from services.handling.domain.procedure import Duty, Law, duties, is_owed, voided_by
from services.handling.domain.scene import Scene
from services.handling.domain.steps import check_order, command_for, needed
from shared.errors import ConflictError, InvalidInputError
from shared.rulebook.edition import Edition
from shared.rulebook.schema.procedures import PauseReason

_LIVE = ("assign", "escalate", "use-power", "withdraw", "reclassify", "transfer", "merge")
_OPEN = ("make-finding",)


class Allowed(TypedDict):
    """One thing that could be done.

    Attributes:
        by: Roles of which one must do it; empty: any.
        right: Rights that the caller needs, all of them.
        needs: Fields that the command must hold for it, as ``evidence.agreement`` or ``signatures.owner``.
        why_not: Why it cannot be done now; None where it can.
    """

    do: str
    step: str
    by: list[str]
    title_zh: str
    title_en: str
    right: list[str]
    needs: list[str]
    due_before: datetime | None
    why_not: str | None


def allowed(case: Case, edition: Edition, by: Actor) -> list[Allowed]:
    """Return what may be done next: the steps that are owed, then what may be done with the case."""
    law = Law.of(edition, case.received_at)
    found: list[Allowed] = []
    for duty in duties(case, law).values():
        is_due = case.is_live or (case.status is Status.CLOSED and "closing" in duty.step.after)
        if is_due and not case.done_in_run(duty.key) and is_owed(case, duty) and not voided_by(case, duty):
            found.append(_step(case, duty, law, by))
    return found + [_act(do, _right(do, case, law), by.rights) for do in _acts(case, law)]


def _step(case: Case, duty: Duty, law: Law, by: Actor) -> Allowed:
    do = command_for(duty)
    rights_needed = [right for right in (RIGHTS[do], duty.step.right) if right]
    why_not = _lacking(rights_needed, by.rights)
    if duty.step.by and by.role not in duty.step.by:
        why_not = f"Is for {' or '.join(duty.step.by)}."
    try:
        # Order is judged as of the latest moment that the case knows; the rest needs the command itself.
        check_order(case, duty, Scene(law, Actor(person="", unit="", role=""), _latest(case)))
    except (ConflictError, InvalidInputError) as refusal:
        why_not = str(refusal)
    clock = case.clock(duty.key)
    runs = clock is not None and clock.occurrence == case.run_of(duty.key)
    return Allowed(
        do=do,
        step=duty.key,
        by=list(duty.step.by),
        title_zh=duty.step.title.zh,
        title_en=duty.step.title.en,
        right=list(dict.fromkeys(rights_needed)),
        needs=needed(case, duty, law),
        due_before=clock.due if clock and runs else None,
        why_not=why_not,
    )


def _act(do: str, right: str, rights: frozenset[str]) -> Allowed:
    return Allowed(
        do=do,
        step="",
        by=[],
        title_zh="",
        title_en="",
        right=[right],
        needs=["evidence"] if do == "agree-date" else [],
        due_before=None,
        why_not=_lacking([right], rights),
    )


def _right(do: str, case: Case, law: Law) -> str:
    if do == "decide-appeal":
        pending = next(one for one in case.appeals if one.decided_at is None)
        return law.rules.procedures.appeals[pending.rule].right
    if do != "pause":
        return RIGHTS[do]
    return APPROVE if all(rule.needs_approval for rule in _pauses(case, law)) else HANDLE


def _lacking(needed: list[str], rights: frozenset[str]) -> str | None:
    lacking = [right for right in needed if right not in rights]
    return f"Needs the right '{lacking[0]}'." if lacking else None


def _acts(case: Case, law: Law) -> list[str]:
    match case.status:
        case Status.OPEN:
            steps = law.rules.procedures.procedures[case.procedure].steps.values()
            resolve = () if any(step.resolves for step in steps) else ("resolve",)
            acts = [*_OPEN, *_clock_acts(case, law), *_reports(case, law), *resolve, *_LIVE]
        case Status.RESOLVED:
            acts = ["close", "reopen", *_reports(case, law), *_LIVE]
        case Status.MERGED:
            acts = ["part"]
        case _:
            acts = ["reopen"]
    if case.is_live and case.finding and case.finding.awaits:
        acts.append("confirm-finding")
    if law.rules.procedures.appeals and (case.finding or any(clock.told for clock in case.clocks)):
        acts.append("lodge-appeal")
    pending = [one for one in case.appeals if one.decided_at is None]
    rules = law.rules.procedures.appeals
    if any(rules[one.rule].advises and not one.advised_by for one in pending):
        acts.append("advise-appeal")
    if pending:
        acts.append("decide-appeal")
    return acts


def _clock_acts(case: Case, law: Law) -> list[str]:
    book, known = law.rules.procedures, duties(case, law)
    running = {clock.step for clock in case.clocks if clock.runs and clock.step}
    standing = any(one.ends is None or one.ends > case.settled_up_to for one in case.pauses)
    refusable = any(
        duty.step.again_on_refusal
        and case.done_in_run(key)
        and is_owed(case, duty)
        and not voided_by(case, duty)
        for key, duty in known.items()
    )
    choices = {
        "propose-settlement": any(duty.step.done_by == "settlement" for duty in known.values()),
        "refuse-result": refusable and case.accepted_at is None,
        "agree-date": any(
            duty.step.agreed and is_owed(case, duty) and not case.done_in_run(key)
            for key, duty in known.items()
        ),
        "ask-extension": any(running.intersection(rule.steps) for rule in book.extensions.values()),
        "extend": any(running.intersection(rule.steps) for rule in book.extensions.values()),
        "pause": bool(_pauses(case, law)),
        "resume": standing,
    }
    return [do for do, offered in choices.items() if offered]


def _pauses(case: Case, law: Law) -> list[PauseReason]:
    running = {clock.step for clock in case.clocks if clock.runs and clock.step}
    book = law.rules.procedures.pauses.values()
    return [rule for rule in book if running.intersection(rule.steps or running)]


def _reports(case: Case, law: Law) -> tuple[str, ...]:
    open_ = any(
        duty.step.report
        and is_owed(case, duty)
        and not voided_by(case, duty)
        and not case.done_in_run(key)
        and not case.excepted_in_run(key)
        for key, duty in duties(case, law).items()
    )
    return ("except-report",) if open_ else ()


def _latest(case: Case) -> datetime:
    return max((case.settled_up_to, case.registered_at, *(one.at for one in case.done)))
