"""What the gas company's and the car dealers' regulations must pass to change, and units to begin. Rules XA-15, ZY-02 … ZY-14."""

from datetime import UTC, date, datetime

import pytest

from services.registry.domain import editions, norms, units
from services.registry.domain.editions import ApprovalError, Draft, Holder, approve, file, must_draft, propose
from services.registry.domain.norms import NoOwnNormsError
from shared.errors import ForbiddenError, RulebookRefusedError
from shared.events.registry import UnitEstablished
from shared.rulebook.load.overlays import edition_with
from shared.timekeeping.limits import Limit
from tests.builders_rules import RULEBOOKS, an_edition

NOW = datetime(2026, 8, 3, 1, tzinfo=UTC)
GAS, CARS = an_edition("xinao"), an_edition("zhongyida")
COMPLAINTS, CALLBACKS, OTHERS = "complaint-regulation", "callback-regulation", "other-regulations"
USED_CARS = {
    "procedures.yaml": (RULEBOOKS / "zhongyida" / "overlays" / "used-cars" / "procedures.yaml").read_text(
        "utf-8"
    )
}


@pytest.mark.rule("XA-15")
@pytest.mark.parametrize(
    ("topic", "chain", "approves"),
    [
        *(
            (topic, COMPLAINTS, ("company-leader", "regional-director"))
            for topic in ("procedures", "limits", "intake", "scoring")
        ),
        ("callback", CALLBACKS, ("company-leader", "regional-director")),
        ("obligations", OTHERS, ("general-office-head", "company-leader")),
        ("rights", OTHERS, ("general-office-head", "company-leader")),
    ],
)
def test_each_regulation_of_the_gas_company_has_its_chain(
    topic: str, chain: str, approves: tuple[str, ...]
) -> None:
    found = editions.chains_for(GAS, [topic], NOW)

    assert {key: rule.approves for key, rule in found.items()} == {chain: approves}
    must_draft("service-office-head", found)
    with pytest.raises(ForbiddenError):
        must_draft("service-officer", found)


@pytest.mark.rule("XA-15")
def test_the_complaint_regulation_is_approved_inside_then_by_the_region_then_filed_with_the_national_centre() -> (
    None
):
    chains = editions.chains_for(GAS, ["limits"], NOW)
    draft = Draft("next", "a" * 64, "bundle", topics=("limits",), against=GAS.hash)
    waits, _ = propose(draft, "office-head", NOW, chains)

    with pytest.raises(ApprovalError, match="waits for the approval of a 'company-leader'"):
        approve(waits, [Holder("regional-director", "regional-director")], NOW)
    waits, _ = approve(waits, [Holder("leader", "company-leader")], NOW)
    with pytest.raises(ApprovalError, match="nothing to file"):
        file(waits, "全国客户服务中心", NOW.date(), "office-head")
    waits, _ = approve(waits, [Holder("regional-director", "regional-director")], NOW)
    filed, event = file(waits, "全国客户服务中心", NOW.date(), "office-head")

    assert event is not None
    assert [one["filed_with"] for one in filed["filed"]] == ["全国客户服务中心"]


@pytest.mark.rule("ZY-13")
@pytest.mark.parametrize("topic", ["procedures", "scoring", "obligations", "rulebook"])
def test_the_strategy_department_drafts_and_the_president_approves(topic: str) -> None:
    (rule,) = editions.chains_for(CARS, [topic], NOW).values()

    assert (rule.drafts, rule.approves, rule.carries_out) == (
        "strategy-head",
        ("group-president",),
        "supervision-head",
    )


@pytest.mark.rule("ZY-03")
@pytest.mark.parametrize(
    ("kind", "lacks"),
    [("subsidiary", ("service-lead",)), ("direct-unit", ("service-lead",)), ("strategy-department", ())],
)
def test_no_unit_that_serves_customers_begins_without_who_answers_for_its_service(
    kind: str, lacks: tuple[str, ...]
) -> None:
    unit = UnitEstablished(
        unit="new",
        kind=kind,
        parent="group",
        site="new",
        name_zh="新公司",
        name_en="new",
        established_on=NOW.date(),
    )

    assert units.missing(unit, CARS.slices[-1][1]) == lacks
    assert units.missing(unit.model_copy(update={"service_lead": "li"}), CARS.slices[-1][1]) == ()


@pytest.mark.rule("ZY-14")
def test_the_indicators_go_to_who_assesses_performance() -> None:
    (sent,) = CARS.slices[-1][1].scoring.publications.values()

    assert (sent.to, set(sent.indicators)) == (
        "performance-assessor",
        {"complaint-rate", "valid-complaint-rate", "satisfaction", "mean-satisfaction"},
    )


@pytest.mark.rule("ZY-02")
@pytest.mark.parametrize("topic", ["procedures", "limits", "callback"])
def test_a_unit_applies_and_the_strategy_department_confirms_its_own_norms(topic: str) -> None:
    (rule,) = norms.chains_for(CARS, [topic], NOW).values()

    assert (rule.drafts, rule.approves) == ("service-officer", ("strategy-head",))


@pytest.mark.rule("ZY-02")
@pytest.mark.parametrize("topic", ["scoring", "obligations", "intake"])
def test_of_what_is_counted_and_reported_no_unit_has_norms_of_its_own(topic: str) -> None:
    with pytest.raises(NoOwnNormsError):
        norms.chains_for(CARS, [topic], NOW)


@pytest.mark.rule("ZY-02")
def test_the_used_car_department_s_norms_give_five_days_for_the_facts_from_august_on() -> None:
    own = edition_with(CARS, USED_CARS, "used-cars")
    facts = [
        edition.on(day).procedures.procedures["complaint"].steps["facts"].within
        for edition, day in ((own, date(2026, 7, 31)), (own, date(2026, 8, 1)), (CARS, date(2026, 8, 1)))
    ]

    assert facts == [Limit(days=3), Limit(days=5), Limit(days=3)]


@pytest.mark.rule("ZY-02")
def test_no_unit_s_norms_touch_the_points_of_supervision() -> None:
    with pytest.raises(RulebookRefusedError):
        edition_with(CARS, {"scoring.yaml": "rankings: {}\n"}, "used-cars")
