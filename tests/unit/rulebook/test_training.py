"""Whether a person's last examination of a course counts on a day (LN-22)."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest

from shared.rulebook.training import passes
from shared.timekeeping.limits import Limit
from tests.builders_rules import an_edition


def sat(on: str, course: str = "service", *, passed: bool = True) -> Mapping[str, Any]:
    return {"course": course, "on": on, "passed": passed}


@pytest.mark.rule("LN-22")
@pytest.mark.parametrize(
    ("trainings", "day", "counts"),
    [
        ([], "2026-07-10", False),
        ([sat("2026-07-10")], "2026-07-10", True),
        ([sat("2026-07-11")], "2026-07-10", False),
        ([sat("2026-07-01", "safety")], "2026-07-10", False),
        # The last one decides, in whatever order they were told.
        ([sat("2026-07-05", passed=False), sat("2026-07-01")], "2026-07-10", False),
        ([sat("2026-07-05"), sat("2026-07-01", passed=False)], "2026-07-10", True),
        ([sat("2026-07-05"), sat("2026-07-20", passed=False)], "2026-07-10", True),
    ],
)
def test_the_last_examination_by_the_day_decides(
    trainings: list[Mapping[str, Any]], day: str, counts: bool
) -> None:
    assert passes(trainings, "service", None, date.fromisoformat(day), an_edition().calendar) == counts


@pytest.mark.rule("LN-22")
@pytest.mark.parametrize(("day", "counts"), [("2026-08-09", True), ("2026-08-10", False)])
def test_a_pass_counts_until_its_time_is_over(day: str, counts: bool) -> None:
    """Passed on 10 July, valid for a month: from 10 August on it counts no more."""
    calendar = an_edition().calendar

    assert (
        passes([sat("2026-07-10")], "service", Limit(months=1), date.fromisoformat(day), calendar) == counts
    )
