"""Every place of a rulebook that names something is checked: a name that nothing bears is refused there."""

import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatch

import pytest
from pydantic import BaseModel

from jiandu.rulebook.coverage import GROUPS
from shared.rulebook.checks.references import Fault, references, shown
from shared.rulebook.schema import Match, Rules
from tests.unit.rulebook.worked import FIELDS, edition_of

PLACES = [
    "rulebook.approval.*.drafts",
    "rulebook.approval.*.approves",
    "rulebook.approval.*.interprets",
    "rulebook.approval.*.carries_out",
    "rulebook.approval.*.covers",
    "rights.unit_kinds.*.inside",
    "rights.unit_kinds.*.activated_by",
    "rights.roles.*.at",
    "rights.roles.*.rights",
    "rights.roles.*.deputies",
    "rights.powers.*.right",
    "rights.appointments.*.role",
    "intake.kinds.*.classes",
    "intake.kinds.*.services",
    "intake.documents.*.kinds",
    "intake.documents.*.signatures",
    "intake.classes.*.items_from",
    "intake.forms.*.kinds",
    "intake.grades.*.floor_for.*.flag",
    "intake.tiers.*.applies.service",
    "procedures.procedures.*.applies.kind",
    "procedures.procedures.*.applies.class_",
    "procedures.procedures.*.applies.validity",
    "procedures.procedures.*.steps.*.when.way",
    "procedures.procedures.*.steps.*.report",
    "procedures.procedures.*.steps.*.by",
    "procedures.procedures.*.steps.*.right",
    "procedures.procedures.*.steps.*.needs.evidence",
    "procedures.procedures.*.steps.*.needs.signatures",
    "procedures.procedures.*.steps.*.within.table",
    "procedures.watches.*.applies.kind",
    "procedures.reports.*.to",
    "procedures.ways.*.approvals",
    "procedures.escalations.*.to",
    "procedures.alerts.*.when.kind",
    "procedures.alerts.*.when.grade",
    "procedures.alerts.*.clocks",
    "procedures.alerts.*.to",
    "procedures.alerts.*.escalates",
    "procedures.determinations.*.proposes",
    "procedures.determinations.*.confirms",
    "procedures.pauses.*.steps",
    "procedures.extensions.*.steps",
    "procedures.extensions.*.right",
    "procedures.appeals.*.right",
    "procedures.appeals.*.advises",
    "procedures.appeals.*.decides",
    "callback.plans.*.applies.kind",
    "callback.plans.*.applies.tier",
    "callback.plans.*.questionnaire",
    "callback.plans.*.recall.by",
    "callback.campaigns.*.frame.kind",
    "callback.campaigns.*.questionnaire",
    "callback.campaigns.*.by",
    "callback.questionnaires.*.questions.*.opens",
    "obligations.obligations.*.owed_by",
    "obligations.obligations.*.about",
    "obligations.obligations.*.inspection",
    "obligations.obligations.*.right",
    "obligations.inspections.*.of",
    "obligations.inspections.*.by",
    "obligations.figures.*.of",
    "obligations.figures.*.by",
    "obligations.rosters.*.of",
    "scoring.sheets.*.unit_kind",
    "scoring.sheets.*.peers",
    "scoring.sheets.*.sections.*.items.*.how.obligation",
    "scoring.sheets.*.sections.*.items.*.how.inspection",
    "scoring.sheets.*.sections.*.items.*.how.indicator",
    "scoring.offences.*.sheet",
    "scoring.offences.*.with_all",
    "scoring.offences.*.replaces",
    "scoring.offences.*.trigger.clocks",
    "scoring.offences.*.trigger.finding",
    "scoring.offences.*.trigger.inspection",
    "scoring.offences.*.trigger.report",
    "scoring.offences.*.trigger.obligation",
    "scoring.offences.*.trigger.plans",
    "scoring.offences.*.trigger.when.channel",
    "scoring.indicators.*.numerator.figure",
    "scoring.indicators.*.numerator.when.kind",
    "scoring.indicators.*.denominator.figure",
    "scoring.indicators.*.denominator.when.kind",
    "scoring.rankings.*.by",
    "scoring.rankings.*.unit_kind",
    "scoring.awards.*.ranking",
    "scoring.recommendations.*.sheet",
    "scoring.personal_results.*.role",
    "scoring.personal_results.*.by.*",
    "scoring.publications.*.to",
    "scoring.publications.*.sheets",
    "scoring.publications.*.indicators",
]


def spoilt(value: object, place: Sequence[str]) -> object:
    """Copy a value with ``nobody`` named at the first such place in it; None where it has no such place."""
    if not place:
        return ("nobody",) if isinstance(value, tuple) else "nobody"
    if isinstance(value, BaseModel):
        field = getattr(value, place[0], None)
        changed = spoilt(field, place[1:]) if field else None
        return None if changed is None else value.model_copy(update={place[0]: changed})
    if isinstance(value, tuple):
        changed = spoilt(dict(enumerate(value)), place)
        return tuple(changed.values()) if isinstance(changed, dict) else None
    if not isinstance(value, Mapping):
        return None
    tried = ((key, spoilt(entry, place[1:])) for key, entry in value.items())
    return next(({**value, key: changed} for key, changed in tried if changed is not None), None)


def refused(place: str) -> list[Fault]:
    """Name ``nobody`` at a place of the first rulebook that has it, and return what is said of that."""
    editions = (edition_of(group).slices[-1][1] for group in (*GROUPS, *FIELDS))
    rules = next(changed for one in editions if (changed := spoilt(one, place.split("."))) is not None)
    assert isinstance(rules, Rules)
    return [fault for fault in references(rules) if "'nobody', which does not exist" in fault.what]


@pytest.mark.parametrize("place", PLACES)
def test_a_name_that_nothing_bears_is_refused_at_its_place(place: str) -> None:
    """INVARIANT: a rulebook names nothing that it does not have, wherever it names it.

    What breaks it: a field that names something, and no line for it in the table of names.
    """
    (fault,) = refused(place)

    assert fnmatch(shown(fault.loc), place.removesuffix("_"))
    under = re.fullmatch(r"Add it under '(\w+)\.(\w+)', or name one that is there\.", fault.mend)
    if under is None:
        assert fault.mend.startswith(("Known: ", "Did you mean '"))
    else:
        assert under[2] in Rules.model_fields[under[1]].annotation.model_fields  # type: ignore[union-attr]  # a topic


@pytest.mark.parametrize("name", [field.alias or name for name, field in Match.model_fields.items()])
def test_a_condition_that_names_nothing_is_refused_whatever_it_asks_for(name: str) -> None:
    """INVARIANT: a condition never asks for what no case can have.

    What breaks it: a field of conditions, and no line for it in the table of what they ask for.
    """
    rules = edition_of("jinke").slices[-1][1]
    key, watch = next(iter(rules.procedures.watches.items()))
    driver_errors = watch.model_copy(
        update={"applies": Match.model_validate({name: ["nobody"]}, by_alias=True)}
    )
    procedures = rules.procedures.model_copy(update={"watches": {key: driver_errors}})

    found = references(rules.model_copy(update={"procedures": procedures}))

    assert ("procedures", "watches", key, "applies", name) in [
        one.loc for one in found if "'nobody', which does not exist" in one.what
    ]


def test_where_the_code_itself_says_what_there_is_the_remedy_lists_it() -> None:
    (fault,) = refused("rulebook.approval.*.covers")

    assert fault.mend == (
        "Known: calendar, callback, intake, limits, obligations, procedures, rights, rulebook, scoring."
    )
