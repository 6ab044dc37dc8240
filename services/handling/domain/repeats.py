"""Repeats: what is owed again after a refusal, a re-opening, or a settlement reached anew."""

from datetime import datetime

from services.handling.domain.case import Case, Repeat, Status
from services.handling.domain.procedure import duties, is_owed, voided_by
from shared.rulebook.steps import CaseRules, OwedStep


def begin_again(
    case: Case,
    direct: tuple[str, ...],
    cause: str,
    law: CaseRules,
    at: datetime,
    redone: tuple[str, ...] = (),
) -> Case:
    """Let steps be owed again, with all that follows them as far as it was done or had begun.

    Args:
        direct: Steps whose clocks start anew at ``at``.
        redone: Steps that are to be done anew, in their own time.
    """
    dependents, touched = set(redone), {*direct, *redone}
    known = duties(case, law)
    while True:
        more = {
            key
            for key, duty in known.items()
            if key not in touched and touched.intersection((*duty.step.after, *duty.step.requires))
        }
        if not more:
            break
        touched |= more
        dependents |= {key for key in more if case.done_now(key) or case.clock(key)}
    one = Repeat(
        at=at, cause=cause, direct=direct, dependent=tuple(key for key in known if key in dependents)
    )
    return case.with_(repeats=(*case.repeats, one), accepted_at=None)


def to_redo(case: Case, law: CaseRules) -> list[OwedStep]:
    """Return the steps that a refusal of the result starts again."""
    known = duties(case, law).values()
    return [
        duty
        for duty in known
        if duty.step.again_on_refusal and is_owed(case, duty) and not voided_by(case, duty)
    ]


def settled_anew(case: Case, law: CaseRules, at: datetime) -> Case:
    """Let agreement and approval be owed anew, and what followed the settlement that held until now."""
    redone = tuple(
        key
        for key, duty in duties(case, law).items()
        if duty.step.done_by in ("settlement", "approval") and case.done_now(key)
    )
    return begin_again(case, (), "settlement", law, at, redone)


def reopened(case: Case, law: CaseRules, at: datetime) -> Case:
    """Let go on what had ended: what resolved it, or was refused, begins again from now."""
    again = _what_begins_again(case, law)
    # What resolved the matter is owed anew even where it does not follow what begins again.
    resolving = tuple(
        key
        for key, duty in duties(case, law).items()
        if duty.step.resolves and key not in again and case.done_now(key)
    )
    return begin_again(case, again, "reopened", law, at, redone=resolving).with_(
        status=Status.OPEN,
        occurrence=case.occurrence + 1,
        resolved_at=None,
        ended_at=None,
        reopened_at=at,
        outcome="",
    )


def _what_begins_again(case: Case, law: CaseRules) -> tuple[str, ...]:
    if case.status is Status.WITHDRAWN:
        # What the withdrawal cut short, watches among it.
        return tuple(
            clock.name
            for clock in case.clocks
            if clock.ended_at == case.ended_at and not case.done_now(clock.name)
        )
    done = [duty for key, duty in duties(case, law).items() if case.done_now(key) and is_owed(case, duty)]
    again = tuple(duty.key for duty in done if duty.step.again_on_refusal)
    return again or tuple(duty.key for duty in done if duty.step.resolves)
