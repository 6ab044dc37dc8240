"""A case under the rulebook: which procedure it follows, which steps it owes, and when their clocks began."""

from collections.abc import Iterator
from datetime import datetime

from services.handling.domain.case import Case, Done, Settlement
from shared.rulebook import steps
from shared.rulebook.grading import grade_of, tier_of
from shared.rulebook.schema import Rules
from shared.rulebook.steps import CaseRules, OwedStep
from shared.timekeeping.limits import Moment


def facts_of(case: Case, law: CaseRules) -> dict[str, str]:
    """Return what conditions may ask about. Until a finding, the validity is the presumed one."""
    return {
        "kind": case.kind,
        "class": case.class_,
        "validity": case.validity or presumed(law.rules),
        "procedure": case.procedure if case.procedures else "",
        "item": case.item,
        "channel": case.channel,
        "way": case.way,
        "liable": case.finding.liable if case.finding else "",
        "service": case.service,
        "tier": case.tier,
        "grade": case.grade,
    }


def presumed(rules: Rules) -> str:
    """Return the validity that a matter is taken for until something is found."""
    return next((key for key, rule in rules.procedures.validities.items() if rule.presumed), "valid")


def described(case: Case, law: CaseRules) -> Case:
    """Bring tier and grade up to what is known of the matter."""
    facts = facts_of(case, law) | {"tier": "", "grade": ""}
    facts["tier"] = tier_of(facts, case.flags, law.rules)
    grade = grade_of(case.stated_grade, facts, case.flags, law.rules)
    return case.with_(tier=facts["tier"], grade=grade)


def choose(case: Case, law: CaseRules) -> str:
    """Return the procedure for the case as it is known now.

    Raises:
        RulebookGapError: No procedure applies, or two of one rank do.
    """
    return steps.choose(facts_of(case, law), tuple(case.flags), law)


def duties(case: Case, law: CaseRules) -> dict[str, OwedStep]:
    """Return every step that the case's procedure and overlays know, by name.

    Steps that hang on the way to settle are all among them: that is decided along the way (see ``is_owed``).
    """
    return steps.owed_steps(case.procedure, facts_of(case, law), tuple(case.flags), law)


def is_owed(case: Case, duty: OwedStep) -> bool:
    """Say whether the way to settle, as it stands, asks for the step."""
    return not duty.step.when.way or case.way in duty.step.when.way


def voided_by(case: Case, duty: OwedStep) -> Done | None:
    """Return the deed that made the duty void in its present occurrence, or None."""
    since = owed_again_at(case, duty.key)
    done = [one for one in case.done if one.step in duty.step.unless and (since is None or one.at >= since)]
    return min(done, key=lambda one: one.at) if done else None


def owed_again_at(case: Case, step: str) -> datetime | None:
    """Return from when a step is owed again, or None the first time."""
    return max((one.at for one in case.repeats if step in (*one.direct, *one.dependent)), default=None)


def way_ended_at(case: Case, duty: OwedStep) -> datetime | None:
    """Return when the way to settle stopped asking for the step; None where it asks now, or never did."""
    if is_owed(case, duty):
        return None
    ended: datetime | None = None
    for since, way in reversed(_ways(case)):
        if way in duty.step.when.way:
            return ended
        ended = since
    return None


def _ways(case: Case) -> list[tuple[datetime, str]]:
    """Return the ways that held, each with since when: a proposal holds only while none is approved."""
    held: list[tuple[datetime, str]] = []
    is_approved = False
    for one in case.settlements:
        if not is_approved:
            held.append((one.at, one.way))
        if one.approved_at:
            is_approved = True
            held.append((one.approved_at, one.way))
    return held


def named_by(case: Case) -> dict[str, str]:
    """Return what of the case names rows of tables, by what a table is by."""
    return {"item": case.item, "grade": case.grade, "tier": case.tier, "service": case.service}


def moments_of(case: Case) -> tuple[Moment, ...]:
    """Return the moments that limits may run until."""
    named = (("handover", case.handover_on), ("warranty", case.warranty_before))
    return tuple(Moment(name=name, at=at) for name, at in named if at is not None)


def start_of(case: Case, duty: OwedStep, law: CaseRules) -> datetime | None:
    """Return when the present occurrence of a step began: the first of the moments it counts from, or None."""
    repeats = [one for one in case.repeats if duty.key in one.direct or duty.key in one.dependent]
    since = repeats[-1].at if repeats else None
    if repeats and duty.key in repeats[-1].direct:
        return since
    found = recorded(case, duty, law)
    later = [at for at in found if since is None or at >= since]
    if not later:
        return None
    clock = case.clock(duty.key)
    is_new = clock is None or (case.reopened_at is not None and clock.started_at >= case.reopened_at)
    if case.reopened_at and is_new and not any(one.step == duty.key for one in case.done):
        # A duty that only a later opening found cannot have been late before it.
        return max(min(later), case.reopened_at)
    return min(later)


def recorded(case: Case, duty: OwedStep, law: CaseRules) -> list[datetime]:
    """Return every moment recorded that could start a step, also from before it is owed again."""
    return [at for name in starts_from(case, duty, law) for at in _recorded(case, name, duty)]


def starts_from(case: Case, duty: OwedStep, law: CaseRules) -> tuple[str, ...]:
    """Return the names of the moments that start a step: its own, or those of its row in the table."""
    return steps.starts_from(duty, named_by(case), law)


def _recorded(case: Case, name: str, duty: OwedStep) -> Iterator[datetime]:
    done = case.done_now(name)
    if done:
        yield done.at
        return
    match name:
        case "receipt" | "registration":
            yield case.received_at if name == "receipt" else case.registered_at
        case "graded" if case.grade:
            yield graded_since(case)
        case "finding" if case.finding:
            yield found_since(case)
        case "flagged":
            flags = duty.rule.applies.flag or duty.step.when.flag
            yield from (max(case.flags[flag] for flag in flags),) if flags else tuple(case.flags.values())
        case "works-start":
            yield from case.works
        case "settlement":
            yield from (one.at for one in _settlements(case, duty))
        case "approval":
            yield from (one.approved_at for one in _settlements(case, duty) if one.approved_at)
        case "closing" if case.ended_at and case.status == "closed":
            yield case.ended_at


def graded_since(case: Case) -> datetime:
    """Return since when the matter has been of its grade (XA-02): receipt, where its registration showed it."""
    since = case.received_at
    for one in reversed(case.procedures):
        if one.grade != case.grade:
            break
        since = one.since
    return since


def found_since(case: Case) -> datetime:
    """Return since when the complaint is found what it is found to be."""
    since = case.findings[-1]
    for one in reversed(case.findings):
        if one.overturned or one.validity != since.validity:
            break
        since = one
    return since.at


def _settlements(case: Case, duty: OwedStep) -> list[Settlement]:
    ways = duty.step.when.way
    return [
        one for one in case.settlements if one.occurrence == case.occurrence and (not ways or one.way in ways)
    ]
