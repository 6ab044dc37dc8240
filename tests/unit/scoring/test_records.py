"""What may be recorded, by the rulebook of luneng: checks of a case, norms, superiors, nil returns."""

from collections.abc import Callable

import pytest

from services.scoring import domain
from shared.errors import InvalidInputError
from shared.events.scoring import DutyFulfilled, InspectionRecorded, OffenceFound
from tests.builders_facts import at, case_id
from tests.unit.rulebook.worked import edition_of

RULES = edition_of("luneng").at(at("2026-07-01"))
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
