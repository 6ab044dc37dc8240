"""Whether what is ruled for a case can happen, hangs together, and leaves no case without a clock."""

from collections.abc import Callable, Iterator
from itertools import combinations

from shared.rulebook.checks.cases import Facts, cases, governing, may_hold, must_hold, shown_case
from shared.rulebook.checks.references import Fault, Loc
from shared.rulebook.schema import Rules
from shared.rulebook.schema.procedures import Procedure, Step, TableUse

_RIGHT_OF = {"finding": "cases.find", "approval": "cases.approve"}
"""Right that an act asks for; every other step asks for ``cases.handle``."""


def faults(rules: Rules) -> Iterator[Fault]:
    """Return what contradicts, can never happen, or is forgotten, among intake, procedures and callback."""
    known = list(cases(rules))
    yield from _grades(rules)
    yield from _handled(rules)
    yield from _clocks(known, rules)
    for key, procedure in rules.procedures.procedures.items():
        loc = ("procedures", "procedures", key)
        own = [facts for facts in known if may_hold(procedure.applies, facts)]
        yield from _reached(loc, key, own, rules)
        for name, step in procedure.steps.items():
            at = (*loc, "steps", name)
            yield from _step_exists(at, key, step, own, rules)
            yield from _step_can_be_done(at, step, rules)
            yield from _contradicts(at, name, procedure)
            yield from _rows_are_named(at, step, own, rules)
    yield from _stopped_clocks(rules)
    yield from _signatures(rules)
    yield from _plans(known, rules)


def _grades(rules: Rules) -> Iterator[Fault]:
    grades, loc = rules.intake.grades, ("intake", "grades")
    presumed = [key for key, one in grades.items() if one.presumed]
    if any(kind.graded for kind in rules.intake.kinds.values()) and len(presumed) != 1:
        what = f"{len(presumed)} grades are presumed ({', '.join(presumed) or 'none'})."
        yield Fault(loc, what, "Let exactly one hold until a grade is found: 'presumed: true'.")
    for one, other in combinations(grades, 2):
        if grades[one].rank == grades[other].rank:
            what = f"'{one}' and '{other}' both have rank {grades[one].rank}."
            yield Fault((*loc, other, "rank"), what, "Give each grade a rank of its own, 1 the gravest.")


def _handled(rules: Rules) -> Iterator[Fault]:
    """Refuse a kind of unit where matters arrive and nobody at, above or below it may handle them."""
    kinds, roles = rules.rights.unit_kinds, rules.rights.roles.values()
    handling = {at for role in roles if "cases.handle" in role.rights for at in role.at}
    for key in sorted({at for role in roles if "complaints.register" in role.rights for at in role.at}):
        near = {key} if key in kinds else set()
        for step_of in (_above, _below):
            new = set(near)
            while new:
                new = {one for each in new for one in step_of(each, rules)} - near
                near |= new
        if near and not near & handling:
            what = (
                f"Matters are registered at a '{key}', and nobody there, above or below it may handle them."
            )
            yield Fault(("rights", "unit_kinds", key), what, "Give a role there the right 'cases.handle'.")


def _above(kind: str, rules: Rules) -> tuple[str, ...]:
    return rules.rights.unit_kinds[kind].inside if kind in rules.rights.unit_kinds else ()


def _below(kind: str, rules: Rules) -> tuple[str, ...]:
    return tuple(key for key, one in rules.rights.unit_kinds.items() if kind in one.inside)


# --- clocks


def _clocks(known: list[dict[str, str]], rules: Rules) -> Iterator[Fault]:
    """Refuse a complaint for which nothing falls due. Other matters may have no limit at all."""
    lacking: dict[str, list[dict[str, str]]] = {}
    for facts in known:
        kind = rules.intake.kinds[facts["kind"]]
        if (kind.counts_as_complaint or kind.graded) and not _is_watched(facts, rules):
            for key, procedure in governing(facts, rules).items():
                if not _has_clock(procedure, facts, rules):
                    lacking.setdefault(key, []).append(facts)
    for key, found in lacking.items():
        more = f" and {len(found) - 1} like it" if len(found) > 1 else ""
        what = f"No limit runs for {shown_case(found[0])}{more}."
        mend = "Give a step that every such case has 'within', or add a watch that applies to it."
        yield Fault(("procedures", "procedures", key), what, mend)


def _is_watched(facts: Facts, rules: Rules) -> bool:
    overlays = [one for one in rules.procedures.procedures.values() if one.overlay]
    return any(must_hold(watch.applies, facts) for watch in rules.procedures.watches.values()) or any(
        must_hold(one.applies, facts) and _has_clock(one, facts, rules) for one in overlays
    )


def _has_clock(procedure: Procedure, facts: Facts, rules: Rules) -> bool:
    return any(
        must_hold(step.when, facts) and _has_limit(step, facts, rules) for step in procedure.steps.values()
    )


def _has_limit(step: Step, facts: Facts, rules: Rules) -> bool:
    if not isinstance(step.within, TableUse):
        return step.within is not None
    tables = [rules.limits.tables[key] for key in step.within.table if key in rules.limits.tables]
    return any(table.by == "item" or facts[table.by] in table.rows for table in tables)


def _rows_are_named(loc: Loc, step: Step, own: list[dict[str, str]], rules: Rules) -> Iterator[Fault]:
    """Refuse a table whose row some case cannot name."""
    for key in step.within.table if isinstance(step.within, TableUse) else ():
        table = rules.limits.tables.get(key)
        if table is None:
            continue
        at = (*loc, "within", "table")
        if table.by == "item":
            classes = {facts["class"] for facts in own if may_hold(step.when, facts)}
            known = rules.intake.classes
            for one in sorted(classes):
                if one in known and known[one].items_from not in {"", key}:
                    what = f"The class '{one}' names rows of '{known[one].items_from}', and the step uses '{key}'."
                    yield Fault(at, what, "Let 'items_from' of the class name the table that its steps use.")
            continue
        bare = [facts for facts in own if may_hold(step.when, facts) and not facts[table.by]]
        if bare:
            what = f"The table '{key}' is by {table.by}, and {shown_case(bare[0])} has none."
            yield Fault(at, what, _give(table.by))


def _give(by: str) -> str:
    return {
        "grade": "Write 'graded: true' at the kind in intake.yaml, or use a plain limit.",
        "service": "Name 'services' of the kind in intake.yaml, or use a plain limit.",
        "tier": "Let a last tier without 'applies' take the other matters, or use a plain limit.",
    }[by]


def _stopped_clocks(rules: Rules) -> Iterator[Fault]:
    """Refuse to pause or extend what has no limit."""
    timed = {
        name
        for procedure in rules.procedures.procedures.values()
        for name, step in procedure.steps.items()
        if step.within is not None
    }
    for section in ("pauses", "extensions"):
        for key, one in getattr(rules.procedures, section).items():
            for name in one.steps:
                if name not in timed and _is_step(name, rules):
                    what = f"The step '{name}' has no limit that could be moved."
                    mend = "Give the step 'within', or leave it out here."
                    yield Fault(("procedures", section, key, "steps"), what, mend)


def _is_step(name: str, rules: Rules) -> bool:
    return any(name in procedure.steps for procedure in rules.procedures.procedures.values())


# --- what can never happen


def _reached(loc: Loc, key: str, own: list[dict[str, str]], rules: Rules) -> Iterator[Fault]:
    procedure = rules.procedures.procedures[key]
    if not own:
        what = f"No matter can fulfil what '{key}' applies to."
        yield Fault(
            (*loc, "applies"), what, "Ask for a kind together with a class, grade or service that it has."
        )
    elif not procedure.overlay and not any(key in governing(facts, rules) for facts in own):
        others = sorted({other for facts in own for other in governing(facts, rules)})
        what = f"'{key}' is never followed: {', '.join(others)} always outranks it."
        yield Fault(
            (*loc, "rank"), what, "Narrow the other's 'applies', raise this 'rank', or delete the entry."
        )


def _step_exists(loc: Loc, key: str, step: Step, own: list[dict[str, str]], rules: Rules) -> Iterator[Fault]:
    procedure = rules.procedures.procedures[key]
    at = (*loc, "when")
    if own and not any(may_hold(step.when, facts) for facts in own):
        yield Fault(at, "The step never exists: no case of the procedure is like that.", "Mend 'when'.")
    if procedure.overlay:
        return
    if step.when.procedure and key not in step.when.procedure:
        yield Fault(at, f"The step asks for another procedure than '{key}'.", "Leave 'procedure' out.")
    acts = {other.done_by for other in procedure.steps.values()}
    for asked, act, decided in (("way", "settlement", "settled"), ("liable", "finding", "found")):
        if getattr(step.when, asked) and act not in acts:
            what = f"The step exists only by '{asked}', which no step of '{key}' decides."
            yield Fault(at, what, f"Give the step by which it is {decided} 'done_by: {act}'.")
    if step.done_by == "approval" and "settlement" not in acts:
        what = f"An approval signs a settlement, and no step of '{key}' makes one."
        yield Fault((*loc, "done_by"), what, "Give the step that settles 'done_by: settlement'.")


def _step_can_be_done(loc: Loc, step: Step, rules: Rules) -> Iterator[Fault]:
    roles = rules.rights.roles
    asked = {_RIGHT_OF.get(step.done_by, "cases.handle")} | ({step.right} if step.right else set())
    if step.by and not any(asked <= {*roles[role].rights} for role in step.by if role in roles):
        what = f"None of {', '.join(step.by)} has what the step needs: {', '.join(sorted(asked))}."
        yield Fault((*loc, "by"), what, "Give one of these roles the right in rights.yaml, or name another.")
    elif step.right and not any(step.right in role.rights for role in roles.values()):
        what = f"No role has the right '{step.right}'."
        yield Fault((*loc, "right"), what, "Give it to a role in rights.yaml.")


# --- what contradicts


def _contradicts(loc: Loc, name: str, procedure: Procedure) -> Iterator[Fault]:
    step = procedure.steps[name]
    needed = _before(name, procedure, lambda one: one.requires)
    for other in step.unless:
        if other in needed or (step.after == (other,)):
            what = f"'{name}' waits for '{other}', and '{other}' makes it void."
            yield Fault((*loc, "unless"), what, f"Delete '{other}' from 'unless', or from what comes before.")
    for other in step.requires:
        if other in procedure.steps and not step.when.meets(procedure.steps[other].when):
            what = f"'{name}' requires '{other}', and no case has both."
            yield Fault(
                (*loc, "requires"), what, "Let the two conditions 'when' meet, or delete the requirement."
            )


def _before(name: str, procedure: Procedure, edges: Callable[[Step], tuple[str, ...]]) -> set[str]:
    found: set[str] = set()
    waiting = [name]
    while waiting:
        step = procedure.steps.get(waiting.pop())
        new = [one for one in (edges(step) if step else ()) if one not in found]
        found |= {*new}
        waiting += new
    return found


def _signatures(rules: Rules) -> Iterator[Fault]:
    for key, way in rules.procedures.ways.items():
        loc = ("procedures", "ways", key, "up_to")
        if way.up_to and not way.has_amount:
            yield Fault(loc, f"The way '{key}' has no amount to compare with.", "Add 'has_amount: true'.")
        for role in way.up_to.keys() - {*way.approvals}:
            what = f"'{role}' signs up to an amount, and is none of 'approvals'."
            yield Fault((*loc, role), what, "Name it in 'approvals', in its place of the chain.")
        amounts = [way.up_to[role] for role in way.approvals if role in way.up_to]
        if amounts != sorted(amounts):
            what = "The amounts do not rise in the order of 'approvals'."
            yield Fault(loc, what, "Order 'approvals' from the smallest authority to the largest.")
        if way.approvals and way.approvals[-1] in way.up_to:
            what = f"Nobody signs beyond {way.up_to[way.approvals[-1]]}: '{way.approvals[-1]}' comes last."
            yield Fault(loc, what, "Leave the last signature without a bound.")


def _plans(known: list[dict[str, str]], rules: Rules) -> Iterator[Fault]:
    """Refuse two plans of callback for one case, and a window that ends before it begins."""
    plans = rules.callback.plans
    for one, other in combinations(plans, 2):
        both = [
            facts
            for facts in known
            if may_hold(plans[one].applies, facts) and may_hold(plans[other].applies, facts)
        ]
        if both and plans[one].applies.meets(plans[other].applies):
            what = f"'{one}' and '{other}' both call back {shown_case(both[0])}."
            mend = "Narrow 'applies', so that a customer is called under one plan."
            yield Fault(("callback", "plans", other, "applies"), what, mend)
    for key, plan in plans.items():
        early, late = plan.earliest, plan.latest
        if early and early.measure == late.measure and early.amount > late.amount:
            what = f"The window opens {early.amount} {early.measure} after and closes after {late.amount}."
            yield Fault(("callback", "plans", key, "earliest"), what, "Let 'earliest' lie before 'latest'.")
