"""What the rulebook of luneng asks for, compared with the words of the regulation."""

from collections import Counter
from datetime import date

import pytest

from services.registry.domain import units
from shared.events.registry import UnitEstablished
from shared.rulebook.schema import Rules
from tests.builders_facts import at
from tests.unit.rulebook.worked import edition_of


def rules() -> Rules:
    return edition_of("luneng").at(at("2026-07-01"))


@pytest.mark.rule("LN-28")
@pytest.mark.parametrize(
    ("form", "asked"),
    [
        # 姓名、地址、电话、购买物资名称、型号、技术和经济参数.
        ("enquiry", {"name", "address", "phone", "goods", "model", "parameters"}),
        # 姓名、地址、电话、产品型号、故障问题 (in the customer's words)、希望上门时间.
        ("repair", {"name", "address", "phone", "model", "wished-at"}),
        # 客户姓名、联系地址、电话号码、产品型号、购买日期、有何故障.
        ("complaint", {"name", "address", "phone", "model", "bought-on", "fault"}),
    ],
)
def test_a_record_is_complete_with_the_fields_that_the_text_lists(form: str, asked: set[str]) -> None:
    fields = rules().intake.forms[form].fields

    assert {key for key, one in fields.items() if one.need != "may"} - {"words"} == asked


@pytest.mark.rule("LN-26")
def test_every_norm_of_the_fourth_chapter_can_be_cited() -> None:
    # 三大纪律 3, 八项注意 8, 电话用语 3 and 现场用语 4, 800服务电话 3, 销售 6 and 售后 10, 来访接待 6: 43.
    norms = Counter(key.split("-")[0] for key in rules().obligations.norms)

    assert norms == {
        "discipline": 3,
        "eight": 8,
        "language": 7,
        "telephone": 3,
        "on": 16,
        "reception": 6,
    }


@pytest.mark.rule("LN-27")
def test_headquarters_has_a_record_for_each_of_its_three_ways_to_supervise() -> None:
    inspections = rules().obligations.inspections

    assert {key: (one.by, one.about_case) for key, one in inspections.items()} == {
        "sampled-callback": ("market-supervisor", True),
        "document-check": ("market-supervisor", True),
        "visit": ("market-supervisor", False),
    }


@pytest.mark.rule("LN-22")
@pytest.mark.parametrize(
    ("kind", "lacks"),
    [
        ("subsidiary", ("approval",)),
        ("subsidiary-service", ("approval", "service-lead")),
        ("branch", ("approval",)),
        ("branch-service", ("approval", "service-lead")),
        ("specialist-department", ()),
    ],
)
def test_a_subsidiary_or_branch_and_its_service_begin_with_an_approval(
    kind: str, lacks: tuple[str, ...]
) -> None:
    proposed = UnitEstablished(
        unit="rizhao",
        kind=kind,
        parent="group",
        site="rizhao",
        name_zh="日照",
        name_en="Rizhao",
        established_on=date(2026, 7, 1),
    )

    assert units.missing(proposed, rules()) == lacks
    assert rules().rights.unit_kinds[kind].activated_by == (("general-manager",) if lacks else ())


@pytest.mark.rule("LN-22")
def test_whoever_serves_customers_of_a_branch_or_subsidiary_passes_the_training_first() -> None:
    (gate,) = rules().rights.appointments.values()
    serving = {
        key
        for key, role in rules().rights.roles.items()
        if {"branch-service", "subsidiary-service"}.intersection(role.at)
    }

    assert (gate.needs, gate.of, set(gate.role)) == ("training", "service", serving)


@pytest.mark.rule("LN-21")
def test_nobody_of_the_office_that_supervises_has_the_right_to_rule_disputes() -> None:
    ruling = {key: one.at for key, one in rules().rights.roles.items() if "disputes.rule" in one.rights}

    assert ruling == {"deputy-general-manager": ("headquarters",)}
