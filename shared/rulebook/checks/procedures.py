"""Whether every matter has one form and one procedure, and every procedure comes to an end."""

from collections.abc import Iterator, Mapping
from itertools import combinations, product

from shared.rulebook.checks.references import Fault, Loc, step_names, unknown
from shared.rulebook.schema import Rules
from shared.rulebook.schema.base import Match
from shared.rulebook.schema.procedures import MOMENTS, Procedure, Step, Table, TableUse
from shared.rulebook.schema.triggers import ANY_STEP
from shared.timekeeping.limits import Limit

LATER_MOMENTS = frozenset({"warranty"})
"""Moments that a case may state at any time, not only at its registration."""

_CONDITIONS = ("item", "channel", "way", "liable", "flag", "tier", "grade", "service")
"""What a procedure may depend on besides kind, class and validity."""


def faults(rules: Rules) -> Iterator[Fault]:
    """Return what does not fit among kinds, classes, forms, tables, procedures and watches."""
    yield from _kinds(rules)
    yield from _classes(rules)
    yield from _tables(rules)
    for key, procedure in rules.procedures.procedures.items():
        loc = ("procedures", "procedures", key)
        for name, step in procedure.steps.items():
            yield from _step((*loc, "steps", name), name, step, procedure, rules)
        yield from _circle((*loc, "steps"), procedure)
        yield from _end(loc, key, procedure, rules)
    yield from _watches(rules)
    yield from _cases(rules)


def _kinds(rules: Rules) -> Iterator[Fault]:
    for key in rules.intake.kinds:
        forms = [name for name, form in rules.intake.forms.items() if key in form.kinds]
        if len(forms) != 1:
            what = f"The kind '{key}' has {len(forms)} forms ({', '.join(forms) or 'none'})."
            mend = "Name it in 'kinds' of exactly one entry of 'intake.forms'."
            yield Fault(("intake", "kinds", key), what, mend)
    for key, users in rules.intake.problem_users.items():
        if users.at_least > len(users.behaviours):
            what = f"It asks for {users.at_least} behaviours and names {len(users.behaviours)}."
            loc = ("intake", "problem_users", key, "at_least")
            yield Fault(loc, what, "Name more behaviours, or ask for fewer.")


def _classes(rules: Rules) -> Iterator[Fault]:
    used = {name for kind in rules.intake.kinds.values() for name in kind.classes}
    for key in rules.intake.classes:
        if key not in used:
            what = f"The class '{key}' belongs to no kind."
            yield Fault(("intake", "classes", key), what, "Name it in 'classes' of a kind, or delete it.")


def _tables(rules: Rules) -> Iterator[Fault]:
    for key, table in rules.limits.tables.items():
        users = {
            name: procedure
            for name, procedure in rules.procedures.procedures.items()
            if any(
                isinstance(step.within, TableUse) and key in step.within.table
                for step in procedure.steps.values()
            )
        }
        if not users:
            what = f"No step uses the table '{key}'."
            mend = f"Write 'within: {{table: {key}}}' at a step, or delete it."
            yield Fault(("limits", "tables", key), what, mend)
        yield from _rows(key, table, rules)
        for name, row in table.rows.items():
            lacking = [
                one for one, procedure in users.items() if row.counts_from not in {*MOMENTS, *procedure.steps}
            ]
            if lacking:
                what = f"The row counts from '{row.counts_from}', which is no step of '{lacking[0]}'."
                mend = f"Name a step of every procedure that uses the table, or one of {', '.join(MOMENTS)}."
                yield Fault(("limits", "tables", key, "rows", name, "counts_from"), what, mend)


def _rows(key: str, table: Table, rules: Rules) -> Iterator[Fault]:
    named = {"grade": rules.intake.grades, "tier": rules.intake.tiers, "service": rules.intake.services}
    if table.by not in named:
        return
    loc, known = ("limits", "tables", key, "rows"), named[table.by]
    for row in table.rows:
        yield from unknown((*loc, row), [row], known, table.by, f"intake.{table.by}s")
    for one in known:
        if one not in table.rows:
            what = f"The table is by {table.by}, and has no row for '{one}'."
            yield Fault(loc, what, f"Add the row '{one}'.")


def _together(loc: Loc, use: TableUse, rules: Rules) -> Iterator[Fault]:
    tables = [rules.limits.tables[name] for name in use.table if name in rules.limits.tables]
    if len({table.by for table in tables}) < len(tables):
        what = "Two of the tables are by the same thing, so that one row of each cannot be meant."
        yield Fault(loc, what, "Put their rows into one table.")
    if len({row.counts_from for table in tables for row in table.rows.values()}) > 1 < len(tables):
        what = "The rows of the tables count from different moments, so that none ends first for certain."
        yield Fault(loc, what, "Let all rows of these tables count from the same moment.")


def _step(loc: Loc, name: str, step: Step, procedure: Procedure, rules: Rules) -> Iterator[Fault]:
    if name in MOMENTS and name != step.done_by:
        what = f"The step is called '{name}', like a moment of every case."
        yield Fault(loc, what, f"Choose another name, or write 'done_by: {name}' if it is that moment.")
    others = [other for other in procedure.steps if other != name]
    yield from unknown((*loc, "after"), step.after, {*MOMENTS, *others}, "step or moment", "steps")
    yield from unknown((*loc, "unless"), step.unless, others, "step", "steps")
    yield from unknown((*loc, "requires"), step.requires, others, "step", "steps")
    if isinstance(step.within, TableUse):
        yield from _together((*loc, "within", "table"), step.within, rules)
    if isinstance(step.within, Limit):
        yield from _until((*loc, "within"), step.within, procedure, rules)
    if step.agreed and step.within is None:
        what = "A date may be agreed in place of a limit, and the step has none."
        yield Fault((*loc, "agreed"), what, "Add 'within', or delete 'agreed'.")


def _until(loc: Loc, limit: Limit, procedure: Procedure, rules: Rules) -> Iterator[Fault]:
    asked = procedure.applies.kind
    kinds = [kind for key, kind in rules.intake.kinds.items() if not asked or key in asked]
    for moment in {part.until for part in limit.parts if part.until} - LATER_MOMENTS:
        if not all(moment in kind.moments for kind in kinds):
            what = f"The limit runs until '{moment}', which the registration of such a matter does not state."
            yield Fault(loc, what, f"Add 'moments: {moment}' to the kind in intake.yaml.")


def _circle(loc: Loc, procedure: Procedure) -> Iterator[Fault]:
    done: set[str] = set()
    waiting = dict(procedure.steps)
    while waiting:
        ready = [name for name, step in waiting.items() if not {*step.requires} & waiting.keys()]
        if not ready:
            what = f"The steps {', '.join(waiting)} require each other in a circle."
            yield Fault((*loc, next(iter(waiting))), what, "Delete one 'requires'.")
            return
        done |= {*ready}
        waiting = {name: step for name, step in waiting.items() if name not in done}


def _end(loc: Loc, key: str, procedure: Procedure, rules: Rules) -> Iterator[Fault]:
    if not procedure.overlay:
        if not any(step.resolves for step in procedure.steps.values()):
            yield Fault(loc, f"No step of '{key}' resolves the case.", "Give its last step 'resolves: true'.")
        return
    for other, hidden in rules.procedures.procedures.items():
        for name in sorted(procedure.steps.keys() & hidden.steps.keys()) if other != key else ():
            what = f"The step '{name}' of the overlay '{key}' is also a step of '{other}'."
            yield Fault((*loc, "steps", name), what, "Give the overlay's step a name of its own.")


def _watches(rules: Rules) -> Iterator[Fault]:
    steps = step_names(rules)
    for key in rules.procedures.watches:
        if key in {ANY_STEP, *steps}:
            yield Fault(("procedures", "watches", key), f"'{key}' also means a step.", "Rename the watch.")
    if ANY_STEP in steps:
        what = f"A step is called '{ANY_STEP}', which means every step."
        yield Fault(("procedures", "procedures"), what, "Rename it.")


def _cases(rules: Rules) -> Iterator[Fault]:
    """Refuse gaps and overlaps: every kind, class and validity has exactly one procedure."""
    validities = list(rules.procedures.validities) or [""]
    for kind, matter in rules.intake.kinds.items():
        for class_, validity in product(matter.classes or ("",), validities):
            facts = {"kind": kind, "class": class_, "validity": validity}
            fitting = {
                key: procedure
                for key, procedure in rules.procedures.procedures.items()
                if not procedure.overlay and _may_apply(procedure.applies, facts)
            }
            yield from _one_each(
                fitting, ", ".join(f"{name} '{value}'" for name, value in facts.items() if value)
            )


def _one_each(fitting: Mapping[str, Procedure], case: str) -> Iterator[Fault]:
    if all(_has_conditions(procedure.applies) for procedure in fitting.values()):
        mend = "Let one apply to it, without further conditions."
        yield Fault(("procedures", "procedures"), f"No procedure applies to {case}.", mend)
    for one, other in combinations(fitting, 2):
        if fitting[one].rank == fitting[other].rank and fitting[one].applies.meets(fitting[other].applies):
            what = f"'{one}' and '{other}' both apply to {case}, with the same rank."
            loc = ("procedures", "procedures", other, "applies")
            yield Fault(loc, what, "Narrow one of them, or give one a higher 'rank'.")


def _may_apply(match: Match, facts: Mapping[str, str]) -> bool:
    asked = (("kind", match.kind), ("class", match.class_), ("validity", match.validity))
    return all(not wanted or facts[name] in wanted for name, wanted in asked)


def _has_conditions(match: Match) -> bool:
    return any(getattr(match, name) for name in _CONDITIONS)
