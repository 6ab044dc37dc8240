"""Claims about service line, tier, grade, the unit concerned and a partner's number. Rules LN-02, LN-08, XA-01, XA-04, XA-13."""

from collections.abc import Mapping
from typing import Any

import pytest

from services.intake.domain.complaints import Complaint, examine, id_of_partners, register
from services.intake.domain.forms import check
from services.intake.domain.ledger import row_of
from services.intake.domain.progress import follow
from services.intake.store import dump_complaint, index_of, load_complaint
from shared.errors import InvalidInputError
from shared.events.intake import ComplaintRegistered
from shared.rulebook.schema import Rules
from shared.rulebook.schema.intake import Channel, Grade, MatterKind, RecordForm, ServiceLine, Tier
from shared.values.idempotency import Command
from tests.builders_rules import an_edition
from tests.unit.intake.builders import A_BOX, RECEIVED, SITE, a_record, said, the_rules

ENTRY = {"from": "2020-01-01", "source": "XA-01", "title": {"zh": "名", "en": "name"}}


def gas() -> Rules:
    """Give jinke's rules with the lines, tiers and grades of a gas company, and two ways in that are others'."""
    intake = the_rules().intake
    given: Mapping[str, Any] = {
        "kinds": {
            **intake.kinds,
            "complaint": MatterKind.model_validate(
                {**intake.kinds["complaint"].model_dump(), "services": ("leak", "billing"), "graded": True}
            ),
        },
        "services": {name: ServiceLine.model_validate(ENTRY) for name in ("leak", "billing")},
        "tiers": {
            "safety": Tier.model_validate({**ENTRY, "applies": {"service": "leak"}}),
            "ordinary": Tier.model_validate(ENTRY),
        },
        "grades": {
            "grade-1": Grade.model_validate({**ENTRY, "rank": 1, "floor_for": [{"tier": "safety"}]}),
            "grade-2": Grade.model_validate({**ENTRY, "rank": 2, "floor_for": [{"channel": "centre"}]}),
            "grade-3": Grade.model_validate({**ENTRY, "rank": 3, "presumed": True}),
        },
        "channels": {
            **intake.channels,
            "group": Channel.model_validate({**ENTRY, "about_unit": True}),
            "centre": Channel.model_validate({**ENTRY, "partner": {"number": "[A-Z]{2}[0-9]{4}"}}),
        },
    }
    return the_rules().model_copy(update={"intake": intake.model_copy(update=given)})


def registered(**changed: object) -> tuple[Complaint, ComplaintRegistered]:
    return register(
        examine(said(**{"service": "billing", **changed}), gas(), RECEIVED),
        "8f6f1c1e-7f3a-5d5b-9a57-0d8a5f0c7a11",
        site=SITE,
        unit="chongqing",
        month="202607",
        by="li-si",
        customer="c" * 32,
        problem_user=False,
        sealed=A_BOX,
        command=Command("key-0001", "digest", "request"),
        edition=an_edition().hash,
    )


def problems_of(**changed: object) -> dict[str, str]:
    with pytest.raises(InvalidInputError) as refused:
        examine(said(**changed), gas(), RECEIVED)
    return {problem.field: problem.reason for problem in refused.value.problems}


@pytest.mark.parametrize(
    ("changed", "tier", "grade"),
    [
        # Nothing speaks for more: the last tier, which asks for nothing, and the grade that is presumed.
        ({}, "ordinary", "grade-3"),
        # A leak belongs to the first tier, whose floor is the gravest grade.
        ({"service": "leak"}, "safety", "grade-1"),
        # What the national centre sends is at least grade 2.
        ({"channel": "centre", "external_number": "XA0001"}, "ordinary", "grade-2"),
        # Both floors: the graver one.
        ({"service": "leak", "channel": "centre", "external_number": "XA0001"}, "safety", "grade-1"),
    ],
)
def test_tier_and_grade_follow_from_what_is_registered(
    changed: dict[str, object], tier: str, grade: str
) -> None:
    complaint, event = registered(**changed)

    assert (complaint.tier, complaint.grade) == (tier, grade)
    assert (event.tier, event.grade, event.service) == (tier, grade, changed.get("service", "billing"))


@pytest.mark.rule("LN-02")
def test_a_kind_with_service_lines_names_one_of_them() -> None:
    assert problems_of() == {"service": "one of: leak, billing"}
    assert problems_of(service="tender") == {"service": "one of: leak, billing"}


def test_a_kind_without_service_lines_names_none() -> None:
    with pytest.raises(InvalidInputError) as refused:
        examine(said(service="leak"), the_rules(), RECEIVED)

    assert [problem.field for problem in refused.value.problems] == ["service"]


def test_what_reaches_the_group_names_the_unit_that_it_is_about() -> None:
    # LN-08: who receives it and whom it is about are two units; the event tells both.
    complaint, event = registered(channel="group", about_unit="chengdu-branch")

    assert (event.unit, event.about_unit) == ("chongqing", "chengdu-branch")
    assert complaint.concerns == "chengdu-branch"
    assert index_of(complaint, "")["unit"] == ["chongqing", "chengdu-branch"]
    assert list(problems_of(service="leak", channel="group")) == ["about_unit"]
    assert list(problems_of(service="leak", about_unit="chengdu-branch")) == ["about_unit"]


def test_what_comes_directly_is_about_the_unit_that_takes_it() -> None:
    complaint, event = registered()

    assert (complaint.concerns, event.about_unit, index_of(complaint, "")["unit"]) == (
        "chongqing",
        "",
        "chongqing",
    )


@pytest.mark.parametrize("number", ["", "1", "XA00011", "xa0001"])
def test_a_partner_s_matter_has_the_partner_s_number(number: str) -> None:
    assert list(problems_of(service="leak", channel="centre", external_number=number)) == ["external_number"]


def test_only_a_partner_has_numbers_of_its_own() -> None:
    assert list(problems_of(service="leak", external_number="XA0001")) == ["external_number"]


def test_one_number_of_a_partner_is_one_matter_at_a_site() -> None:
    first = id_of_partners(SITE, "centre", "XA0001")

    assert first == id_of_partners(SITE, "centre", "XA0001")
    assert (
        len({first, id_of_partners(SITE, "centre", "XA0002"), id_of_partners("wuxi", "centre", "XA0001")})
        == 3
    )


def test_a_record_is_read_as_it_was_written_and_an_old_one_lacks_the_new_fields() -> None:
    complaint, _ = registered(service="leak", channel="group", about_unit="chengdu-branch")
    old = dump_complaint(complaint)
    for name in ("service", "grade", "tier", "about_unit"):
        old.pop(name)

    assert load_complaint(dump_complaint(complaint)) == complaint
    assert load_complaint(old).concerns == "chongqing"
    assert load_complaint({**dump_complaint(complaint), "of_a_newer_version": 1}) == complaint


def test_the_ledger_shows_the_grade_that_was_found() -> None:
    complaint, _ = registered(service="leak")
    found = a_record(
        "finding.made.v1",
        validity="valid",
        class_="general",
        procedure="general",
        grade="grade-2",
        tier="",
        service="",
    )
    shown = load_complaint(dump_complaint(complaint))
    rules = gas()
    zone = an_edition().calendar.zone
    titles = {
        key: grade.model_copy(update={"title": grade.title.model_copy(update={"zh": key})})
        for key, grade in rules.intake.grades.items()
    }
    rules = rules.model_copy(update={"intake": rules.intake.model_copy(update={"grades": titles})})

    before = row_of(shown, {}, rules, zone)
    after = row_of(
        load_complaint({**dump_complaint(shown), "told": {"grade": follow(shown.told, found).grade}}),
        {},
        rules,
        zone,
    )

    assert (before["grade"], after["grade"]) == ("grade-1", "grade-2")


def test_a_field_of_choices_takes_one_of_them() -> None:
    form = RecordForm.model_validate(
        {
            **ENTRY,
            "kinds": "complaint",
            "fields": {
                "use": {
                    "title": ENTRY["title"],
                    "need": "record",
                    "format": "choice",
                    "choices": {"household": ENTRY["title"], "industrial": ENTRY["title"]},
                }
            },
        }
    )

    assert check(form, {"use": "household"}).problems == ()
    assert [problem.reason for problem in check(form, {"use": "farm"}).problems] == [
        "one of: household, industrial"
    ]
