"""Whether what is scored is fed by something, has a unit of measure, and costs its points once."""

from collections.abc import Iterator
from decimal import Decimal
from itertools import combinations

from shared.rulebook.checks.references import Fault, Loc
from shared.rulebook.formulas import Level, Term, formula_of
from shared.rulebook.schema import Rules
from shared.rulebook.schema.base import Part
from shared.rulebook.schema.scoring import ByIndicator, Counted, Offence, Reported
from shared.rulebook.schema.triggers import ANY_STEP, Cause


def faults(rules: Rules) -> Iterator[Fault]:
    """Return what is punished twice, measured without a unit or fed by nothing, and who may not decide."""
    yield from _twice(rules)
    yield from _units(rules)
    yield from _fed(rules)
    yield from _timed(rules)
    yield from _appeals(rules)


# --- one offence, one charge


def _twice(rules: Rules) -> Iterator[Fault]:
    for (one, first), (other, second) in combinations(rules.scoring.offences.items(), 2):
        apart = first.sheet != second.sheet or one in second.replaces or other in first.replaces
        if not apart and _same_cause(first, second):
            what = f"'{one}' and '{other}' punish the same on the sheet '{first.sheet}'."
            mend = f"Narrow one of them, or write 'replaces: {one}' at '{other}'."
            yield Fault(("scoring", "offences", other, "trigger"), what, mend)


def _same_cause(one: Offence, other: Offence) -> bool:
    left: Cause | None = one.trigger
    right: Cause | None = other.trigger
    if left is None or right is None or (one.points < 0) != (other.points < 0):
        return False
    return type(left) is type(right) and left.meets(right)


# --- units of measure


def _units(rules: Rules) -> Iterator[Fault]:
    kinds = {key: _kind(key, rules) for key in rules.scoring.indicators}
    for key, one in rules.scoring.indicators.items():
        if kinds[key] == "share" and one.per == 1 and one.target is not None and not 0 <= one.target <= 1:
            what = f"'{key}' is a share from 0 to 1, and its target is {one.target}."
            mend = "Write the target as a share, 0.95, or give 'per: 100'."
            yield Fault(("scoring", "indicators", key, "target"), what, mend)
    for sheet, found in rules.scoring.sheets.items():
        for section, part in found.sections.items():
            for name, item in part.items.items():
                how = item.how
                if not isinstance(how, ByIndicator) or how.indicator not in kinds:
                    continue
                loc: Loc = ("scoring", "sheets", sheet, "sections", section, "items", name, "how")
                is_share = (
                    kinds[how.indicator] == "share" and rules.scoring.indicators[how.indicator].per == 1
                )
                if not how.bands and not is_share:
                    what = f"Full marks are multiplied by '{how.indicator}', which is a {kinds[how.indicator]}, no share."
                    yield Fault(loc, what, "Give 'bands' that turn its values into marks.")
                yield from _bands(loc, how, item.weight)


def _bands(loc: Loc, how: ByIndicator, weight: Decimal) -> Iterator[Fault]:
    starts = [band.at_least for band in how.bands]
    if len({*starts}) < len(starts):
        yield Fault((*loc, "bands"), "Two bands begin at the same value.", "Delete one of them.")
    most = max((band.marks for band in how.bands), default=None)
    if most is not None and most > weight:
        what = f"A band gives {most} marks, and the item weighs {weight}."
        yield Fault((*loc, "bands"), what, "Let no band give more than the weight.")


def _kind(key: str, rules: Rules) -> str:
    one = rules.scoring.indicators[key]
    alone = one.numerator if one.denominator is None else None
    if isinstance(alone, Reported) and alone.figure in rules.obligations.figures:
        return rules.obligations.figures[alone.figure].measure
    return formula_of(one, rules).kind


# --- what feeds an indicator


def _fed(rules: Rules) -> Iterator[Fault]:
    for key, one in rules.scoring.indicators.items():
        said: dict[str, None] = {}
        for term in formula_of(one, rules).terms:
            lacks = _lacks(term, rules)
            if lacks:
                said[lacks] = None
        for lacks in said:
            what = f"Nothing feeds '{key}': {lacks}."
            yield Fault(("scoring", "indicators", key), what, "Add what it counts, or delete the indicator.")


def _lacks(term: Term, rules: Rules) -> str:
    """Say what is missing for a number to be more than nothing; empty where all is there."""
    if isinstance(term, Reported):
        return _unreported(term.figure, rules)
    if isinstance(term, Level):
        kind = "satisfaction" if term.mean == "satisfaction" else "recommendation"
        return "" if _asked(kind, rules) else f"no question is of kind '{kind}'"
    if term.count == "answers" and "satisfied" in term.is_ and not _asked("satisfaction", rules):
        return "no question is of kind 'satisfaction'"
    if term.count == "clocks":
        return "" if _any_limit(term, rules) else "none of its clocks has a limit"
    if term.count == "recalls":
        plans = [one for key, one in rules.callback.plans.items() if not term.of or key in term.of]
        return "" if any(one.recall for one in plans) else "no plan is called a second time"
    section = _SECTIONS.get(term.count)
    topic, _, name = section.partition(".") if section else ("", "", "")
    return f"there are no '{section}'" if section and not getattr(getattr(rules, topic), name) else ""


_SECTIONS = {
    "findings": "procedures.validities",
    "escalations": "procedures.escalations",
    "extensions": "procedures.extensions",
    "callbacks": "callback.plans",
    "answers": "callback.plans",
    "appeals": "procedures.appeals",
    "duties": "obligations.obligations",
    "alerts": "procedures.alerts",
}


def _asked(kind: str, rules: Rules) -> bool:
    forms = rules.callback.questionnaires.values()
    return any(question.kind == kind for form in forms for question in form.questions.values())


def _any_limit(term: Counted, rules: Rules) -> bool:
    names = {*term.of} - {ANY_STEP}
    watched = bool(names & rules.procedures.watches.keys())
    return watched or any(
        step.within is not None and (not names or name in names)
        for procedure in rules.procedures.procedures.values()
        for name, step in procedure.steps.items()
    )


def _unreported(figure: str, rules: Rules) -> str:
    kind = rules.obligations.figures.get(figure)
    roles = rules.rights.roles
    if kind is None or kind.counted:
        return ""
    may = any("figures.report" in roles[role].rights for role in kind.by if role in roles)
    return "" if may else f"none of {', '.join(kind.by)} has the right 'figures.report'"


def _timed(rules: Rules) -> Iterator[Fault]:
    """Refuse to wait for the deadline of a step that has none."""
    about = rules.procedures
    steps: dict[str, bool] = {}
    for procedure in about.procedures.values():
        for name, step in procedure.steps.items():
            steps[name] = steps.get(name, False) or step.within is not None
    waiting: dict[Loc, Part | None] = {
        ("procedures", "alerts", key): one for key, one in about.alerts.items()
    }
    waiting |= {
        ("scoring", "offences", key, "trigger"): one.trigger for key, one in rules.scoring.offences.items()
    }
    for loc, one in waiting.items():
        for name in getattr(one, "clocks", ()):
            if steps.get(name) is False and name not in about.watches:
                what = f"The step '{name}' has no limit, so it is never late."
                yield Fault((*loc, "clocks"), what, "Give the step 'within', or leave it out here.")


# --- who decides


def _appeals(rules: Rules) -> Iterator[Fault]:
    roles, kinds = rules.rights.roles, rules.rights.unit_kinds
    may_lodge = any({"cases.appeal", "disputes.lodge"} & {*role.rights} for role in roles.values())
    for key, one in rules.procedures.appeals.items():
        loc = ("procedures", "appeals", key)
        if not may_lodge:
            what = "No role may lodge it."
            yield Fault(loc, what, "Give a role the right 'cases.appeal' or 'disputes.lodge'.")
        deciding = [
            role
            for role, found in roles.items()
            if one.right in found.rights and (not one.decides or role in one.decides)
        ]
        if not deciding:
            who = ", ".join(one.decides) or "no role"
            what = (
                f"Nobody may decide it: {who} lacks the right '{one.right}'."
                if one.decides
                else (f"Nobody may decide it: no role has the right '{one.right}'.")
            )
            yield Fault(loc, what, "Give the right to a role that decides.")
        elif one.next_tier and all(
            not any(at in kind.inside for kind in kinds.values())
            for role in deciding
            for at in roles[role].at
        ):
            what = f"It goes to the next tier, and below {', '.join(deciding)} there is no unit."
            yield Fault((*loc, "next_tier"), what, "Give the right to a role of a unit above others.")
        if one.advises in roles and "disputes.advise" not in roles[one.advises].rights:
            what = f"'{one.advises}' advises, and lacks the right 'disputes.advise'."
            yield Fault((*loc, "advises"), what, "Give it the right in rights.yaml.")
