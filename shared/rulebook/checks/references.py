"""Which places of a rulebook name something that another place must hold."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from pydantic import BaseModel

from shared.rulebook.schema import Rules
from shared.rulebook.schema.rights_list import RIGHTS
from shared.rulebook.schema.triggers import ANY_STEP

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
    "rulebook.approval.*.carries_out": "role",
    "rulebook.approval.*.covers": "topic",
    "rights.unit_kinds.*.inside": "kind of unit",
    "rights.unit_kinds.*.activated_by": "role",
    "rights.roles.*.at": "kind of unit",
    "rights.roles.*.rights": "right",
    "rights.roles.*.deputies": "role",
    "rights.powers.*.right": "right",
    "rights.appointments.*.role": "role",
    "intake.kinds.*.classes": "class",
    "intake.kinds.*.services": "service",
    "intake.documents.*.kinds": "kind",
    "intake.documents.*.signatures": "party",
    "intake.classes.*.items_from": "table",
    "intake.forms.*.kinds": "kind",
    "procedures.procedures.*.steps.*.report": "report",
    "procedures.procedures.*.steps.*.by": "role",
    "procedures.procedures.*.steps.*.right": "right",
    "procedures.procedures.*.steps.*.needs.evidence": "paper",
    "procedures.procedures.*.steps.*.needs.signatures": "party",
    "procedures.procedures.*.steps.*.within.table": "table",
    "procedures.reports.*.to": "role",
    "procedures.ways.*.approvals": "role",
    "procedures.escalations.*.to": "role",
    "procedures.alerts.*.clocks": "step or watch",
    "procedures.alerts.*.to": "role",
    "procedures.alerts.*.escalates": "escalation",
    "procedures.determinations.*.proposes": "role",
    "procedures.determinations.*.confirms": "role",
    "procedures.pauses.*.steps": "step",
    "procedures.extensions.*.steps": "step",
    "procedures.extensions.*.right": "right",
    "procedures.appeals.*.right": "right",
    "procedures.appeals.*.advises": "role",
    "procedures.appeals.*.decides": "role",
    "callback.plans.*.questionnaire": "questionnaire",
    "callback.plans.*.recall.by": "role",
    "callback.campaigns.*.questionnaire": "questionnaire",
    "callback.campaigns.*.by": "role",
    "callback.questionnaires.*.questions.*.opens": "kind",
    "obligations.obligations.*.owed_by": "kind of unit",
    "obligations.obligations.*.about": "kind of unit",
    "obligations.obligations.*.inspection": "inspection",
    "obligations.obligations.*.right": "right",
    "obligations.inspections.*.of": "kind of unit",
    "obligations.inspections.*.by": "role",
    "obligations.figures.*.of": "kind of unit",
    "obligations.figures.*.by": "role",
    "obligations.rosters.*.of": "kind of unit",
    "scoring.sheets.*.unit_kind": "kind of unit",
    "scoring.sheets.*.peers": "peer group",
    "scoring.sheets.*.sections.*.items.*.how.obligation": "obligation",
    "scoring.sheets.*.sections.*.items.*.how.inspection": "inspection",
    "scoring.sheets.*.sections.*.items.*.how.indicator": "indicator",
    "scoring.offences.*.sheet": "sheet",
    "scoring.offences.*.with_all": "offence",
    "scoring.offences.*.replaces": "offence",
    "scoring.offences.*.trigger.clocks": "step or watch",
    "scoring.offences.*.trigger.finding": "finding",
    "scoring.offences.*.trigger.inspection": "inspection",
    "scoring.offences.*.trigger.report": "report",
    "scoring.offences.*.trigger.obligation": "obligation",
    "scoring.offences.*.trigger.plans": "callback plan",
    "scoring.indicators.*.numerator.figure": "figure",
    "scoring.indicators.*.denominator.figure": "figure",
    "scoring.rankings.*.by": "sheet or indicator",
    "scoring.rankings.*.unit_kind": "kind of unit",
    "scoring.awards.*.ranking": "ranking",
    "scoring.recommendations.*.sheet": "sheet",
    "scoring.personal_results.*.role": "role",
    "scoring.personal_results.*.by.*": "role",
    "scoring.publications.*.to": "role",
    "scoring.publications.*.sheets": "sheet",
    "scoring.publications.*.indicators": "indicator",
}
"""Place → what it names. ``*`` is any entry."""

_CONDITIONS = (
    "intake.grades.*.floor_for.*",
    "intake.tiers.*.applies",
    "procedures.procedures.*.applies",
    "procedures.procedures.*.steps.*.when",
    "procedures.watches.*.applies",
    "procedures.alerts.*.when",
    "callback.plans.*.applies",
    "callback.campaigns.*.frame",
    "scoring.offences.*.trigger.when",
    "scoring.indicators.*.numerator.when",
    "scoring.indicators.*.denominator.when",
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
    "grade": "grade",
    "tier": "tier",
    "service": "service",
}
"""What a condition asks for → what it names."""


def references(rules: Rules) -> Iterator[Fault]:
    """Return every name that nothing bears."""
    known = _known(rules)
    asked = {f"{place}.{key}": what for place in _CONDITIONS for key, what in _ASKED.items()}
    for pattern, what in (_NAMES | asked).items():
        where, names = known[what]
        for loc, found in at((), rules, pattern.split(".")):
            yield from unknown(loc, _names(found), names, what, where)


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
    if where in {"the code", "the schema"}:
        return f"Known: {', '.join(sorted(known))}."
    return f"Add it under '{where}', or name one that is there."


def _known(rules: Rules) -> dict[str, tuple[str, Collection[str]]]:
    """Return, for everything that can be named, where it stands and what there is of it."""
    about, duties, scoring, steps = rules.procedures, rules.obligations, rules.scoring, step_names(rules)
    tables = rules.limits.tables
    return {
        "topic": ("the schema", type(rules).model_fields),
        "role": ("rights.roles", rules.rights.roles),
        "right": ("the code", RIGHTS),
        "kind of unit": ("rights.unit_kinds", rules.rights.unit_kinds),
        "kind": ("intake.kinds", rules.intake.kinds),
        "class": ("intake.classes", rules.intake.classes),
        "channel": ("intake.channels", rules.intake.channels),
        "flag": ("intake.flags", rules.intake.flags),
        "grade": ("intake.grades", rules.intake.grades),
        "tier": ("intake.tiers", rules.intake.tiers),
        "service": ("intake.services", rules.intake.services),
        "table": ("limits.tables", tables),
        "item": (
            "limits.tables",
            {row for table in tables.values() if table.by == "item" for row in table.rows},
        ),
        "validity": ("procedures.validities", about.validities),
        "party": ("procedures.parties", about.parties),
        "paper": ("procedures.papers", about.papers),
        "procedure": ("procedures.procedures", about.procedures),
        "step": ("procedures.procedures", steps),
        "step or watch": ("procedures.watches", {ANY_STEP, *steps, *about.watches}),
        "report": ("procedures.reports", about.reports),
        "escalation": ("procedures.escalations", about.escalations),
        "way": ("procedures.ways", about.ways),
        "questionnaire": ("callback.questionnaires", rules.callback.questionnaires),
        "obligation": ("obligations.obligations", duties.obligations),
        "inspection": ("obligations.inspections", duties.inspections),
        "finding": ("obligations.findings", duties.findings),
        "figure": ("obligations.figures", duties.figures),
        "callback plan": ("callback.plans", rules.callback.plans),
        "indicator": ("scoring.indicators", scoring.indicators),
        "peer group": (
            "rights.unit_kinds",
            {one for kind in rules.rights.unit_kinds.values() for one in kind.peers},
        ),
        "sheet": ("scoring.sheets", scoring.sheets),
        "offence": ("scoring.offences", scoring.offences),
        "sheet or indicator": ("scoring.sheets", {*scoring.sheets, *scoring.indicators}),
        "ranking": ("scoring.rankings", scoring.rankings),
    }


def at(loc: Loc, part: object, pattern: Sequence[str]) -> Iterator[tuple[Loc, object]]:
    """Return what stands where a pattern points, with its places. ``*`` is any entry."""
    if not pattern:
        yield loc, part
    elif pattern[0] == "*" and isinstance(part, tuple):
        for index, inside in enumerate(part):
            yield from at((*loc, index), inside, pattern[1:])
    elif pattern[0] == "*" and isinstance(part, Mapping):
        for key, inside in part.items():
            yield from at((*loc, key), inside, pattern[1:])
    elif isinstance(part, BaseModel) and pattern[0] in type(part).model_fields:
        key = type(part).model_fields[pattern[0]].alias or pattern[0]
        yield from at((*loc, key), getattr(part, pattern[0]), pattern[1:])


def _names(part: object) -> tuple[str, ...]:
    return (part,) if isinstance(part, str) else part if isinstance(part, tuple) else ()
