"""What the rulebooks of jinke and general say, transcribed a second time from the regulations."""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import cache

import pytest
from pydantic import BaseModel

from jiandu.rulebook.coverage import GROUPS
from shared.rulebook.checks import organisation_faults
from shared.rulebook.load import load_organisation
from shared.rulebook.schema import Rules, Text
from shared.rulebook.schema.organisation import Organisation
from shared.rulebook.schema.rights_list import RIGHTS
from shared.timekeeping.limits import Limit
from tests.builders_rules import RULEBOOKS, an_edition

CHINESE = re.compile(r"[\u4e00-\u9fff]")


def rules(group: str = "jinke") -> Rules:
    return an_edition(group).slices[-1][1]


@cache
def organisation(group: str) -> Organisation:
    return load_organisation(RULEBOOKS / group / "organisation.yaml")


# 金科


@pytest.mark.rule("JK-11")
@pytest.mark.parametrize(
    ("row", "limit", "counts_from"),
    [
        ("infill-wall", Limit(months=1), "works-start"),
        ("waterproofing", Limit(days=15), "works-start"),
        ("plaster-floor", Limit(days=10), "works-start"),
        ("warped-ironmongery-blocked", Limit(days=5), "notice"),
        ("lift", Limit(days=5), "notice"),
        ("fire-protection", Limit(days=5), "notice"),
        ("communications", Limit(days=5), "notice"),
        ("water-supply", Limit(days=2), "notice"),
        ("sanitary-electrical", Limit(days=15), "notice"),
        ("tiles-panelling", Limit(days=10), "works-start"),
        ("doors-windows", Limit(days=15), "notice"),
        ("glass", Limit(days=15), "notice"),
        ("security-door", Limit(days=15), "notice"),
        ("railing", Limit(days=7), "notice"),
        ("beam-axis", Limit(days=15), "works-start"),
        ("beam-broken", Limit(days=15), "works-start"),
        ("slab-dimensions", Limit(days=15), "works-start"),
    ],
)
def test_the_table_of_rectification_limits_is_the_regulations(
    row: str, limit: Limit, counts_from: str
) -> None:
    table = rules().limits.tables["rectification"]

    assert (table.rows[row].limit, table.rows[row].counts_from) == (limit, counts_from)
    assert len(table.rows) == 17


@pytest.mark.rule("JK-15")
def test_the_scorecard_weighs_eighty_fifteen_and_five() -> None:
    sheet = rules().scoring.sheets["branch-scorecard"]

    weights = {
        section: (int(part.weight), {name: int(item.weight) for name, item in part.items.items()})
        for section, part in sheet.sections.items()
    }

    assert weights == {
        "work-quality": (
            80,
            {"records": 3, "process": 48, "analysis-report": 20, "archives": 3, "major-reports": 6},
        ),
        "general-checks": (15, {"staff": 8, "office": 1, "management": 6}),
        "special-checks": (5, {"sales-desk": 3, "proposal": 2}),
    }
    assert sheet.full_marks == 100


@pytest.mark.rule("JK-14")
@pytest.mark.rule("JK-15")
@pytest.mark.parametrize(
    ("offence", "sheet", "points"),
    [
        ("incomplete-record", "branch-scorecard", -1),
        ("missed-step", "branch-scorecard", -2),
        ("never-handled", "branch-scorecard", -5),
        ("shirking", "branch-scorecard", -5),
        ("analysis-report-late", "branch-scorecard", -3),
        ("analysis-report-section", "branch-scorecard", -5),
        ("archive-aspect", "branch-scorecard", -1),
        ("major-report-element", "branch-scorecard", -1),
        ("hr-not-recorded", "hr-penalties", -3),
        ("hr-never-recorded", "hr-penalties", -3),
        ("hr-not-handled", "hr-penalties", -5),
        ("hr-neither", "hr-penalties", -10),
        ("hr-neither-found", "hr-penalties", -10),
        ("hr-shirking", "hr-penalties", -5),
        ("hr-bad-press", "hr-penalties", -10),
        ("hr-report-late", "hr-penalties", -3),
        ("hr-report-not-sent", "hr-penalties", -3),
    ],
)
def test_an_offence_costs_what_the_regulation_says(offence: str, sheet: str, points: int) -> None:
    found = rules().scoring.offences[offence]

    assert (found.sheet, found.points) == (sheet, Decimal(points))


@pytest.mark.rule("JK-17")
@pytest.mark.rule("JK-18")
def test_three_offences_take_their_whole_item() -> None:
    forfeiting = {key: one.item for key, one in rules().scoring.offences.items() if one.forfeits}

    assert forfeiting == {
        "analysis-report-not-sent": "analysis-report",
        "major-report-not-sent": "major-reports",
        "no-proposal": "proposal",
    }


@pytest.mark.rule("JK-17")
def test_a_report_of_a_major_complaint_has_six_elements_and_four_steps_send_one() -> None:
    about = rules().procedures

    senders = {
        f"{name}.{key}"
        for name, procedure in about.procedures.items()
        for key, step in procedure.steps.items()
        if step.report == "major-complaint"
    }

    assert len(about.reports["major-complaint"].elements) == 6
    assert senders == {
        "major-engineering.report",
        "major-engineering.deadlock-report",
        "property-handover.report",
        "reputation-risk.alert",
    }


@pytest.mark.rule("JK-29")
@pytest.mark.parametrize(
    "class_",
    [
        "explanation",
        "general",
        "general-engineering",
        "major-engineering",
        "property-company",
        "property-handover",
    ],
)
def test_a_complaint_follows_its_class_until_it_is_found_invalid(class_: str) -> None:
    valid = {"kind": "complaint", "class": class_, "validity": "valid"}
    invalid = valid | {"validity": "invalid"}

    assert chosen(valid) == class_
    assert chosen(invalid) == "invalid"


def chosen(facts: Mapping[str, str]) -> str:
    fitting = {
        key: one.rank
        for key, one in rules().procedures.procedures.items()
        if not one.overlay and one.applies.holds(facts)
    }
    return max(fitting, key=lambda key: fitting[key])


@pytest.mark.rule("JK-09")
@pytest.mark.rule("JK-13")
def test_payment_in_lieu_alone_needs_reason_consent_amount_and_approval() -> None:
    ways = rules().procedures.ways

    needs = {
        key: (one.needs_reason, one.needs_consent, one.has_amount, one.approvals) for key, one in ways.items()
    }
    payers = {key: one.payer for key, one in ways.items()}

    assert needs == {
        "explanation": (False, False, False, ()),
        "rectification": (False, False, False, ()),
        "payment-in-lieu": (True, True, True, ("company-leader",)),
    }
    assert payers == {
        "explanation": "",
        "rectification": "contractor",
        "payment-in-lieu": "contractor-deposit",
    }


@pytest.mark.rule("JK-01")
@pytest.mark.rule("JK-30")
def test_three_of_the_six_powers_have_a_condition() -> None:
    powers = {key: one.condition is not None for key, one in rules().rights.powers.items()}

    assert powers == {
        "accept": False,
        "investigate": True,
        "borrow-staff": True,
        "co-ordinate": True,
        "press": False,
        "propose-penalty": False,
    }


@pytest.mark.rule("JK-28")
def test_the_analysis_report_has_four_sections() -> None:
    report = rules().obligations.obligations["analysis-report"]

    assert list(report.sections) == ["cases", "causes", "shortcomings", "proposals"]


@pytest.mark.rule("JK-31")
def test_the_weekly_inspection_asks_hr_for_two_things() -> None:
    inspection = rules().obligations.inspections["weekly-branch"]

    assert list(inspection.fields) == ["co-operation", "week-plan"]


@pytest.mark.rule("JK-33")
def test_a_letter_with_legal_risk_goes_out_only_after_a_named_person_checked_it() -> None:
    steps = rules().procedures.procedures["legal-letter"].steps

    assert steps["send"].requires == ("check",)
    assert steps["check"].needs.person


@pytest.mark.rule("JK-22")
@pytest.mark.rule("JK-23")
@pytest.mark.rule("JK-24")
def test_ranking_award_and_advice_are_the_regulations() -> None:
    scoring = rules().scoring
    award, advice = scoring.awards["star-branch"], scoring.recommendations["replace-head"]

    assert (scoring.rankings["quarterly"].weights, scoring.rankings["monthly"].order) == (
        (1, 1, 1),
        "high-first",
    )
    assert (award.ranking, award.rank, award.amount, award.currency) == ("quarterly", 1, 1000, "CNY")
    assert (advice.below, advice.months_running) == (80, 3)


@pytest.mark.rule("JK-25")
def test_the_branchs_assessment_is_half_of_a_sales_desk_employees_result() -> None:
    result = rules().scoring.personal_results["desk-officer"]

    assert result.parts == {"branch-assessment": 50, "sales-department": 50}
    assert result.by == {
        "branch-assessment": ("branch-head", "branch-officer"),
        "sales-department": ("hr-officer",),
    }
    roles = rules().rights.roles
    assert {key for key, role in roles.items() if "assessments.record" in role.rights} == {
        *(role for by in result.by.values() for role in by),
        "importer",
    }


@pytest.mark.rule("JK-26")
def test_a_branchs_head_is_appointed_after_the_group_centres_opinion() -> None:
    appointment = rules().rights.appointments["branch-head"]

    assert (appointment.role, appointment.needs, appointment.of) == (
        ("branch-head",),
        "opinion",
        "centre-director",
    )


@pytest.mark.rule("JK-01")
def test_rights_are_parted_between_clerk_head_leader_and_headquarters() -> None:
    roles = rules().rights.roles

    holders = {
        right: {key for key, role in roles.items() if right in role.rights and key != "importer"}
        for right in (
            "cases.handle",
            "cases.approve",
            "cases.appeal",
            "cases.rule",
            "findings.record",
            "periods.close",
        )
    }

    assert holders == {
        "cases.handle": {"branch-officer", "branch-head", "desk-officer", "property-officer"},
        "cases.approve": {"company-leader"},
        "cases.appeal": {"branch-head"},
        "cases.rule": {"centre-director"},
        "findings.record": {"centre-director", "supervisor"},
        "periods.close": {"centre-director"},
    }
    assert {key for key, role in roles.items() if role.sees_all} == {
        "group-president",
        "centre-director",
        "supervisor",
        "operator",
    }


# The general regulation


@pytest.mark.rule("QS-02")
def test_satisfaction_is_to_reach_ninety_percent() -> None:
    indicator = rules("general").scoring.indicators["satisfaction"]

    assert (indicator.target, indicator.better) == (Decimal("0.90"), "high")


@pytest.mark.rule("QS-03")
def test_four_kinds_of_department_have_their_own_rights() -> None:
    rights = rules("general").rights
    departments = ("customer-service", "technical-support", "sales", "quality")

    can = {
        kind: {right for role in rights.roles.values() if kind in role.at for right in role.rights}
        for kind in departments
    }

    assert set(departments) <= set(rights.unit_kinds)
    assert {kind for kind in departments if "complaints.register" in can[kind]} == set(departments) - {
        "quality"
    }
    assert {kind for kind in departments if "inspections.record" in can[kind]} == {"quality"}
    assert {kind for kind in departments if "callbacks.call" in can[kind]} == {"customer-service", "quality"}


@pytest.mark.rule("QS-04")
@pytest.mark.rule("QS-06")
def test_service_and_complaint_run_in_the_regulations_order() -> None:
    procedures = rules("general").procedures.procedures

    requires = {
        f"{name}.{key}": step.requires
        for name in ("enquiry", "complaint")
        for key, step in procedures[name].steps.items()
    }

    assert requires == {
        "enquiry.respond": (),
        "enquiry.pass-on": ("respond",),
        "enquiry.deliver": ("respond",),
        "complaint.respond": (),
        "complaint.investigate": (),
        "complaint.result": ("investigate",),
        "complaint.remedy": ("result",),
    }
    assert procedures["complaint"].steps["investigate"].needs.person


@pytest.mark.rule("QS-08")
def test_a_third_partys_assessment_is_kept_apart_from_internal_ones() -> None:
    inspections = rules("general").obligations.inspections

    assert {key: one.external for key, one in inspections.items()} == {
        "quarterly": False,
        "third-party": True,
    }


@pytest.mark.rule("QS-11")
@pytest.mark.rule("QS-12")
def test_the_quality_department_proposes_and_interprets_and_management_approves() -> None:
    general = rules("general")
    chain = general.rulebook.approval["regulation"]

    assert (chain.drafts, chain.approves, chain.interprets) == (
        "quality-head",
        ("general-manager",),
        "quality-head",
    )
    assert "editions.propose" in general.rights.roles["quality-head"].rights
    assert "editions.approve" not in general.rights.roles["quality-head"].rights
    assert "editions.approve" in general.rights.roles["general-manager"].rights


# Both


@pytest.mark.parametrize("group", GROUPS)
def test_who_drafts_does_not_approve(group: str) -> None:
    chains = rules(group).rulebook.approval

    assert chains
    assert [key for key, one in chains.items() if one.drafts in one.approves] == []


def test_every_right_is_somebodys() -> None:
    held = {right for group in GROUPS for role in rules(group).rights.roles.values() for right in role.rights}

    assert held == RIGHTS


@pytest.mark.parametrize("group", GROUPS)
def test_the_seeded_organisation_fits_the_rulebook(group: str) -> None:
    assert organisation_faults(organisation(group), rules(group)) == []


@pytest.mark.rule("JK-22")
def test_four_branches_are_established_before_the_third_quarter_of_2026_and_one_is_not() -> None:
    branches = {
        key: unit.established_on.year
        for key, unit in organisation("jinke").units.items()
        if unit.kind == "branch"
    }

    assert branches == {
        "chongqing-branch": 2005,
        "chengdu-branch": 2005,
        "wuxi-branch": 2005,
        "changsha-branch": 2005,
        "jiangyin-branch": 2026,
    }


@pytest.mark.parametrize("group", GROUPS)
def test_every_text_is_given_in_both_languages(group: str) -> None:
    mixed = [text for text in texts(rules(group)) if not CHINESE.search(text.zh) or CHINESE.search(text.en)]

    assert mixed == []


def texts(part: object) -> Iterator[Text]:
    if isinstance(part, Text):
        yield part
    elif isinstance(part, BaseModel):
        for key in type(part).model_fields:
            yield from texts(getattr(part, key))
    elif isinstance(part, Mapping):
        for inside in part.values():
            yield from texts(inside)
