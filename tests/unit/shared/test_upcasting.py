"""Events that an earlier release recorded are read with what they would hold today."""

from collections.abc import Mapping

import pytest

from shared.events import typed
from shared.events.handling import CaseAssigned, FindingMade, SettlementApproved
from tests.unit.handling.builders import COMPLAINT

FINDING = {
    "complaint_id": str(COMPLAINT),
    "validity": "valid",
    "class_": "general",
    "procedure": "general",
    "reason": "r",
    "by": "officer",
    "grade": "grade-2",
}
APPROVED = {"complaint_id": str(COMPLAINT), "way": "refund"}


def test_a_new_field_with_a_default_has_it() -> None:
    event = typed(CaseAssigned.TYPE, {"complaint_id": str(COMPLAINT), "by": "officer"})

    assert isinstance(event, CaseAssigned)
    assert event.by_unit == ""


@pytest.mark.parametrize(
    ("recorded", "stated"), [(FINDING, "grade-2"), ({**FINDING, "stated_grade": ""}, "")]
)
def test_a_grade_was_stated_where_nobody_can_tell_any_more(
    recorded: Mapping[str, object], stated: str
) -> None:
    event = typed(FindingMade.TYPE, recorded)

    assert isinstance(event, FindingMade)
    assert event.stated_grade == stated


@pytest.mark.parametrize(
    ("approvals", "signed"),
    [
        ((), ("", "", "")),
        (("head:a", "leader:b"), ("leader", "b", "")),
        (("head:a for c",), ("head", "a", "c")),
    ],
)
def test_the_last_signature_is_the_last_of_those_that_were_told(
    approvals: tuple[str, ...], signed: tuple[str, str, str]
) -> None:
    event = typed(SettlementApproved.TYPE, {**APPROVED, "approvals": approvals})

    assert isinstance(event, SettlementApproved)
    assert (event.role, event.by, event.for_person) == signed


def test_a_signature_that_was_told_is_left_alone() -> None:
    event = typed(
        SettlementApproved.TYPE, {**APPROVED, "approvals": ("head:a",), "role": "leader", "by": "b"}
    )

    assert isinstance(event, SettlementApproved)
    assert (event.role, event.by) == ("leader", "b")
