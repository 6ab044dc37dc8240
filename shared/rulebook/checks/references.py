"""Which places of a rulebook name something that another place must hold."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from pydantic import BaseModel

from shared.rulebook.schema import Rules
from shared.rulebook.schema.rights_list import RIGHTS

ANY_STEP = "steps"
"""What an offence writes for every step of a procedure."""

Loc = tuple[str | int, ...]
"""Where something stands: topic, section, entry, field …"""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that does not fit: where, what, how to mend it."""

    loc: Loc
    what: str
    mend: str


_NAMES = {
    "rulebook.approval.*.drafts": "role",
    "rulebook.approval.*.approves": "role",
    "rulebook.approval.*.interprets": "role",
    "rights.unit_kinds.*.inside": "kind of unit",
    "rights.roles.*.at": "kind of unit",
    "rights.roles.*.rights": "right",
    "rights.powers.*.right": "right",
    "rights.appointments.*.role": "role",
    "rights.appointments.*.of": "role",
    "intake.kinds.*.classes": "class",
    "intake.classes.*.items_from": "table",
    "intake.forms.*.kinds": "kind",
    "procedures.procedures.*.steps.*.report": "report",
    "procedures.procedures.*.steps.*.right": "right",
    "procedures.procedures.*.steps.*.needs.evidence": "paper",
    "procedures.procedures.*.steps.*.needs.signatures": "party",
    "procedures.procedures.*.steps.*.within.table": "table",
    "procedures.reports.*.to": "role",
    "procedures.ways.*.approvals": "role",
    "procedures.escalations.*.to": "role",
    "procedures.pauses.*.steps": "step",
    "procedures.extensions.*.steps": "step",
    "procedures.extensions.*.right": "right",
    "procedures.appeals.*.right": "right",
    "callback.plans.*.questionnaire": "questionnaire",
    "obligations.obligations.*.owed_by": "kind of unit",
    "obligations.obligations.*.about": "kind of unit",
    "obligations.obligations.*.inspection": "inspection",
    "obligations.obligations.*.right": "right",
    "obligations.inspections.*.of": "kind of unit",
    "obligations.inspections.*.by": "role",
    "scoring.sheets.*.unit_kind": "kind of unit",
    "scoring.sheets.*.sections.*.items.*.how.obligation": "obligation",
    "scoring.sheets.*.sections.*.items.*.how.inspection": "inspection",
    "scoring.offences.*.sheet": "sheet",
    "scoring.offences.*.with_all": "offence",
    "scoring.offences.*.replaces": "offence",
    "scoring.offences.*.trigger.clocks": "step or watch",
    "scoring.offences.*.trigger.finding": "finding",
    "scoring.offences.*.trigger.inspection": "inspection",
    "scoring.offences.*.trigger.report": "report",
    "scoring.offences.*.trigger.obligation": "obligation",
    "scoring.rankings.*.by": "sheet or indicator",
    "scoring.rankings.*.unit_kind": "kind of unit",
    "scoring.awards.*.ranking": "ranking",
    "scoring.recommendations.*.sheet": "sheet",
    "scoring.personal_results.*.role": "role",
    "scoring.personal_results.*.by.*": "role",
    "scoring.publications.*.to": "role",
    "scoring.publications.*.sheets": "sheet",
}
"""Place → what it names. ``*`` is any entry."""

_CONDITIONS = (
    "procedures.procedures.*.applies",
    "procedures.procedures.*.steps.*.when",
    "procedures.watches.*.applies",
    "callback.plans.*.applies",
    "scoring.offences.*.trigger.when",
)
_ASKED = {
    "kind": "kind",
    "class_": "class",
    "validity": "validity",
    "procedure": "procedure",
    "item": "item",
    "channel": "channel",
    "way": "way",
    "liable": "party",
    "flag": "flag",
}
"""What a condition asks for → what it names."""


def references(rules: Rules) -> Iterator[Fault]:
    """Return every name that nothing bears."""
    known = _known(rules)
    asked = {f"{place}.{key}": what for place in _CONDITIONS for key, what in _ASKED.items()}
    for pattern, what in (_NAMES | asked).items():
        where, names = known[what]
        for loc, found in _at((), rules, pattern.split(".")):
            yield from unknown(loc, found, names, what, where)


def unknown(loc: Loc, names: Iterable[str], known: Collection[str], what: str, where: str) -> Iterator[Fault]:
    """Refuse the names that are not among the known ones."""
    for name in names:
        if name and name not in known:
            near = get_close_matches(name, sorted(known), n=1)
            mend = f"Did you mean '{near[0]}'?" if near else _offer(known, where)
            yield Fault(loc, f"'{shown(loc)}' names the {what} '{name}', which does not exist.", mend)


def shown(loc: Loc) -> str:
    """Return a place as a rulebook cites it."""
    return ".".join(str(part) for part in loc)


def step_names(rules: Rules) -> set[str]:
    """Return the names of all steps of all procedures."""
    return {name for procedure in rules.procedures.procedures.values() for name in procedure.steps}


def _offer(known: Collection[str], where: str) -> str:
    if where == "the code":
        return f"Known: {', '.join(sorted(known))}."
    return f"Add it under '{where}', or name one that is there."


def _known(rules: Rules) -> dict[str, tuple[str, Collection[str]]]:
    """Return, for everything that can be named, where it stands and what there is of it."""
    about, duties, scoring, steps = rules.procedures, rules.obligations, rules.scoring, step_names(rules)
    return {
        "role": ("rights.roles", rules.rights.roles),
        "right": ("the code", RIGHTS),
        "kind of unit": ("rights.unit_kinds", rules.rights.unit_kinds),
        "kind": ("intake.kinds", rules.intake.kinds),
        "class": ("intake.classes", rules.intake.classes),
        "channel": ("intake.channels", rules.intake.channels),
        "flag": ("intake.flags", rules.intake.flags),
        "table": ("limits.tables", rules.limits.tables),
        "item": ("limits.tables", {row for table in rules.limits.tables.values() for row in table.rows}),
        "validity": ("procedures.validities", about.validities),
        "party": ("procedures.parties", about.parties),
        "paper": ("procedures.papers", about.papers),
        "procedure": ("procedures.procedures", about.procedures),
        "step": ("procedures.procedures", steps),
        "step or watch": ("procedures.watches", {ANY_STEP, *steps, *about.watches}),
        "report": ("procedures.reports", about.reports),
        "way": ("procedures.ways", about.ways),
        "questionnaire": ("callback.questionnaires", rules.callback.questionnaires),
        "obligation": ("obligations.obligations", duties.obligations),
        "inspection": ("obligations.inspections", duties.inspections),
        "finding": ("obligations.findings", duties.findings),
        "sheet": ("scoring.sheets", scoring.sheets),
        "offence": ("scoring.offences", scoring.offences),
        "sheet or indicator": ("scoring.sheets", {*scoring.sheets, *scoring.indicators}),
        "ranking": ("scoring.rankings", scoring.rankings),
    }


def _at(loc: Loc, part: object, pattern: list[str]) -> Iterator[tuple[Loc, tuple[str, ...]]]:
    """Return the names that stand where a pattern points, with their places."""
    if not pattern:
        yield loc, (part,) if isinstance(part, str) else tuple(part) if isinstance(part, tuple) else ()
    elif pattern[0] == "*" and isinstance(part, Mapping):
        for key, inside in part.items():
            yield from _at((*loc, key), inside, pattern[1:])
    elif isinstance(part, BaseModel) and pattern[0] in type(part).model_fields:
        key = type(part).model_fields[pattern[0]].alias or pattern[0]
        yield from _at((*loc, key), getattr(part, pattern[0]), pattern[1:])
