"""Who may send a command at all, before its case is looked at: right, unit, person, and entering for others."""

from dataclasses import dataclass, field
from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest

from services.handling import domain
from services.handling.domain import Actor
from shared.errors import ForbiddenError, InvalidInputError
from shared.rulebook.edition import Edition
from tests.builders_rules import an_edition
from tests.unit.handling.builders import on

NOW = on("07-02 09:00")
BRANCH, SISTER, ABROAD = "chongqing-branch", "chongqing-desk", "chengdu-branch"
TO_UNIT = {"do": "transfer", "reason": "r"}
FOR_ANOTHER = {"do": "resume", "acting_for": {"person": "wang", "role": "branch-head"}}


@dataclass
class ARegistry:
    """An organisation of two subsidiaries, in which one person has left and one is on record in a role."""

    units: dict[str, Any] = field(
        default_factory=lambda: {
            BRANCH: SimpleNamespace(site="chongqing"),
            SISTER: SimpleNamespace(site="chongqing"),
            ABROAD: SimpleNamespace(site="chengdu"),
        }
    )
    people: dict[str, Any] = field(
        default_factory=lambda: {"wang": {"appointments": [{"role": "branch-head", "unit": BRANCH}]}}
    )
    edition: Edition = field(default_factory=an_edition)

    def within(self, unit: str, top: str) -> bool:
        return top in (unit, "group")

    def may_be_given_work(self, person: str, _: date) -> bool:
        return person != "left"


def authorise(body: dict[str, Any], *rights: str, unit: str = BRANCH) -> None:
    by = Actor(person="li", unit=unit, role="branch-officer", rights=frozenset(rights))
    domain.authorise(domain.parse_command(body), by, ARegistry(), NOW)


@pytest.mark.parametrize("do", ["resume", "withdraw"])
def test_a_command_takes_its_own_right(do: str) -> None:
    body = {"do": do} | ({"reason": "r"} if do == "withdraw" else {})

    with pytest.raises(ForbiddenError, match=domain.RIGHTS[do]):
        authorise(body, "cases.read")
    authorise(body, domain.RIGHTS[do])


def test_a_case_goes_to_a_unit_that_there_is() -> None:
    with pytest.raises(InvalidInputError, match="not transferred"):
        authorise({**TO_UNIT, "to_unit": "nowhere"}, "cases.transfer")


def test_a_case_goes_to_another_subsidiary_only_by_who_stands_above_both() -> None:
    with pytest.raises(ForbiddenError, match="another subsidiary"):
        authorise({**TO_UNIT, "to_unit": ABROAD}, "cases.transfer")
    authorise({**TO_UNIT, "to_unit": SISTER}, "cases.transfer")
    authorise({**TO_UNIT, "to_unit": ABROAD}, "cases.transfer", unit="group")


def test_an_upheld_appeal_hands_a_case_over_by_the_same_rule() -> None:
    ruling = {"do": "decide-appeal", "appeal": "1", "upheld": True, "reasons": "r"}

    with pytest.raises(ForbiddenError, match="another subsidiary"):
        authorise({**ruling, "unit": ABROAD}, "cases.read")
    authorise(ruling, "cases.read")


@pytest.mark.rule("LN-22")
def test_nobody_is_given_a_case_who_may_not_serve() -> None:
    with pytest.raises(InvalidInputError, match="Nothing was recorded"):
        authorise({"do": "assign", "department": "d", "person": "left"}, "cases.handle")
    authorise({"do": "assign", "department": "d", "person": "wang"}, "cases.handle")


@pytest.mark.parametrize("late", [{"do": "resume", "at": NOW.isoformat()}, FOR_ANOTHER])
def test_entering_late_or_for_others_takes_the_right_to_import(late: dict[str, Any]) -> None:
    with pytest.raises(ForbiddenError, match=domain.IMPORT):
        authorise(late, "cases.handle")
    authorise(late, "cases.handle", domain.IMPORT)


@pytest.mark.parametrize("wrong", [{"person": "zhao"}, {"role": "branch-officer"}, {"unit": SISTER}])
def test_whoever_is_entered_for_is_on_record_in_that_role(wrong: dict[str, str]) -> None:
    body = {**FOR_ANOTHER, "acting_for": {"person": "wang", "role": "branch-head", **wrong}}

    with pytest.raises(InvalidInputError, match="Nothing was entered"):
        authorise(body, "cases.handle", domain.IMPORT)
