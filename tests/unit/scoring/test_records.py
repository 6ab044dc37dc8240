"""What may be recorded, by the rulebook of luneng: checks of a case, norms, superiors, nil returns."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from services.scoring import domain
from shared.errors import ForbiddenError, InvalidInputError
from shared.events.scoring import (
    DutyFulfilled,
    FigureReported,
    InspectionRecorded,
    OffenceFound,
    ShiftRostered,
)
from tests.builders_facts import at, case_id
from tests.unit.rulebook.worked import edition_of

LUNENG = edition_of("luneng")
RULES = LUNENG.at(at("2026-07-01"))
DESK = "jinan-service"
KIND = "subsidiary-service"


def refused(check: Callable[[], None]) -> list[str]:
    """Return the fields that are refused; none where nothing is."""
    try:
        check()
    except InvalidInputError as error:
        return [problem.field for problem in error.problems]
    return []


@pytest.mark.rule("LN-27")
@pytest.mark.parametrize(
    ("kind", "complaint", "fields"),
    [
        ("document-check", case_id("A"), []),
        ("document-check", "", ["complaint_id"]),
        ("visit", "", []),
        ("visit", case_id("A"), ["complaint_id"]),
    ],
)
def test_an_inspection_names_the_matter_that_is_looked_into_where_it_is_about_one(
    kind: str, complaint: str, fields: list[str]
) -> None:
    event = InspectionRecorded(
        inspection="1",
        kind=kind,
        unit=DESK,
        by="inspector",
        fields={"seen": "正常"} if kind == "visit" else {},
        complaint_id=complaint,
    )

    assert refused(lambda: domain.check_inspection(event, RULES, KIND)) == fields


@pytest.mark.rule("LN-15")
@pytest.mark.parametrize(
    ("norm", "fields"), [("discipline-no-gifts", []), ("", ["norm"]), ("no-such-norm", ["norm"])]
)
def test_a_finding_that_a_norm_was_not_followed_names_one_of_the_norms(norm: str, fields: list[str]) -> None:
    event = OffenceFound(
        finding="1",
        kind="norm-broken",
        unit=DESK,
        evidence=("photo",),
        reason="seen",
        by="inspector",
        norm=norm,
    )

    assert refused(lambda: domain.check_finding(event, RULES)) == fields


@pytest.mark.rule("LN-24")
@pytest.mark.parametrize(
    ("person", "superior", "fields"),
    [
        ("zhou", "head", []),
        ("zhou", "", ["superior"]),
        ("zhou", "zhou", ["superior"]),
        ("zhou", "inspector", ["superior"]),
        ("", "head", ["person"]),
    ],
)
def test_for_a_lost_file_the_person_and_the_direct_superior_answer(
    person: str, superior: str, fields: list[str]
) -> None:
    event = OffenceFound(
        finding="1",
        kind="file-lost",
        unit=DESK,
        evidence=("photo",),
        reason="lost",
        by="inspector",
        person=person,
        superior=superior,
    )

    assert refused(lambda: domain.check_finding(event, RULES)) == fields


@pytest.mark.rule("LN-14")
@pytest.mark.parametrize(
    ("obligation", "sections", "nil", "fields"),
    [
        ("complaint-results", (), True, []),
        ("complaint-results", (), False, ["sections"]),
        ("complaint-results", ("results",), True, ["nil"]),
        ("feedback", (), True, ["nil"]),
    ],
)
def test_a_nil_return_is_taken_where_the_rulebook_knows_one_and_says_nothing_else(
    obligation: str, sections: tuple[str, ...], nil: bool, fields: list[str]
) -> None:
    event = DutyFulfilled(
        obligation=obligation, unit=DESK, period="2026-07", sections=sections, by="head", nil=nil
    )

    assert refused(lambda: domain.check_duty(event, RULES, KIND)) == fields


@pytest.mark.rule("LN-25")
@pytest.mark.parametrize(
    ("changed", "fields"),
    [
        ({}, []),
        # A loss is a number of money, too.
        ({"value": Decimal("-12.5")}, []),
        ({"figure": "weather"}, ["figure"]),
        ({"period": "2026-Q3"}, ["period"]),
        ({"period": "2026-13"}, ["period"]),
    ],
)
def test_a_figure_is_one_that_the_rulebook_asks_of_the_unit_and_period(
    changed: dict[str, object], fields: list[str]
) -> None:
    event = a_figure(**changed)

    assert refused(lambda: domain.check_figure(event, RULES, KIND)) == fields


@pytest.mark.rule("ZY-08", "XA-17")
@pytest.mark.parametrize(
    ("group", "figure", "value", "fields"),
    [
        ("zhongyida", "customers", "100", ["figure"]),
        ("xinao", "awareness", "0.8", []),
        ("xinao", "awareness", "1.01", ["value"]),
        ("xinao", "awareness", "-0.01", ["value"]),
    ],
)
def test_what_the_system_counts_nobody_reports_and_a_share_is_one(
    group: str, figure: str, value: str, fields: list[str]
) -> None:
    rules = edition_of(group).at(at("2026-07-01"))
    kind = rules.obligations.figures[figure]
    event = a_figure(figure=figure, value=Decimal(value), period=PERIODS[kind.every])

    assert refused(lambda: domain.check_figure(event, rules, kind.of[0])) == fields


PERIODS = {"month": "2026-07", "quarter": "2026-Q3", "year": "2026", "week": "2026-W31"}


@pytest.mark.rule("LN-25")
def test_a_figure_is_reported_by_its_role_or_entered_late_by_who_may() -> None:
    event = a_figure()

    domain.check_reporter(event, RULES, "finance-officer", is_import=False)
    domain.check_reporter(event, RULES, "importer", is_import=True)
    with pytest.raises(ForbiddenError, match="finance-officer"):
        domain.check_reporter(event, RULES, "service-head", is_import=False)


def a_figure(**changed: object) -> FigureReported:
    said = {"figure": "turnover", "unit": DESK, "period": "2026-07", "value": Decimal(100), "by": "finance"}
    return FigureReported.model_validate({**said, **changed})


@pytest.mark.rule("LN-32")
@pytest.mark.parametrize(
    ("changed", "fields"),
    [
        ({}, []),
        pytest.param({"end": at("2026-07-01 20:00")}, [], id="taken off"),
        ({"end": at("2026-07-01 19:59")}, ["end"]),
        ({"end": at("2026-08-01 20:01")}, ["end"]),
        ({"roster": "weather"}, ["roster"]),
        pytest.param({"start": at("2026-06-30 23:00")}, ["person"], id="before the person came"),
    ],
)
def test_a_shift_is_of_a_person_on_record_and_ends_after_it_begins(
    changed: dict[str, object], fields: list[str]
) -> None:
    said = {
        "roster": "duty",
        "unit": "market-desk",
        "person": "zhou",
        "start": at("2026-07-01 20:00"),
        "end": at("2026-07-02 08:00"),
        "by": "head",
    }
    event = ShiftRostered.model_validate({**said, **changed})
    zhou = {"appointments": [{"unit": "market-desk", "role": "desk-officer", "since": "2026-07-01"}]}

    assert refused(lambda: domain.check_shift(event, RULES, "hq-service", zhou, LUNENG)) == fields
