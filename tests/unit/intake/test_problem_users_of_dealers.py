"""Who is a problem user by the car dealers' own regulation, and for how long. Rules ZY-05, ZY-06."""

from datetime import datetime, timedelta
from itertools import combinations

import pytest

from services.intake.domain.census import Filed, count
from services.intake.domain.customers import (
    Customer,
    SamePersonError,
    decide,
    examine_proposal,
    holds,
    lapse,
    opened,
    propose,
    standard,
)
from shared.errors import InvalidInputError
from shared.values.idempotency import Command
from tests.builders_rules import an_edition
from tests.unit.intake.builders import A_BOX

CARS = an_edition("zhongyida")
NAME, RULE = standard(CARS.slices[-1][1])
BEHAVIOURS = ("conduct", "state", "breach", "attitude")
COMMAND = Command("key-0001", "digest", "request")
MOMENT = timedelta(microseconds=1)


def at(local: str) -> datetime:
    return datetime.fromisoformat(local).replace(tzinfo=CARS.calendar.zone)


def shown(count_: int) -> dict[str, str]:
    return {name: f"录音 {name}" for name in BEHAVIOURS[:count_]}


def confirmed(by: str = "head", when: str = "2026-07-03 15:00") -> Customer:
    customer, _ = propose(
        opened("c" * 32, "yizhuang", A_BOX, at("2026-07-03 10:00")),
        rule=NAME,
        behaviours=BEHAVIOURS[:2],
        evidence=A_BOX,
        by="officer",
        at=at("2026-07-03 14:00"),
        command=COMMAND,
        contact="matter-1",
    )
    return decide(
        customer,
        confirmed=True,
        reason="属实",
        by=by,
        at=at(when),
        rule=RULE,
        calendar=CARS.calendar,
        command=COMMAND,
    )[0]


@pytest.mark.rule("ZY-05")
def test_two_of_the_four_behaviours_at_once_make_a_problem_user_and_one_does_not() -> None:
    assert tuple(RULE.behaviours) == BEHAVIOURS
    for two in combinations(BEHAVIOURS, 2):
        examine_proposal(dict.fromkeys(two, "录音"), RULE, "matter-1")
    with pytest.raises(InvalidInputError):
        examine_proposal(shown(1), RULE, "matter-1")


@pytest.mark.rule("ZY-05")
@pytest.mark.parametrize(
    ("evidence", "contact", "field"),
    [
        (shown(2), "", "contact"),
        ({**shown(1), "state": " "}, "matter-1", "evidence.state"),
        ({**shown(1), "poverty": "录音"}, "matter-1", "evidence.poverty"),
    ],
)
def test_they_are_shown_on_one_contact_each_with_evidence(
    evidence: dict[str, str], contact: str, field: str
) -> None:
    with pytest.raises(InvalidInputError) as refused:
        examine_proposal(evidence, RULE, contact)

    assert field in [problem.field for problem in refused.value.problems]


@pytest.mark.rule("ZY-05")
def test_who_proposes_does_not_approve() -> None:
    with pytest.raises(SamePersonError):
        confirmed(by="officer")


@pytest.mark.rule("ZY-05")
def test_the_status_is_reviewed_after_sixty_days_and_ends_after_ninety() -> None:
    # 3 July + 60 days = 1 September; + 90 days = 1 October; each at midnight.
    customer = confirmed()
    review, over = at("2026-09-01 00:00"), at("2026-10-01 00:00")

    assert lapse(customer, review - MOMENT) is None
    asked = lapse(customer, review)
    assert asked is not None
    assert (asked[1].status, asked[2]) == ("review-due", review)
    assert holds(customer.spans, over - MOMENT)
    assert not holds(customer.spans, over)


@pytest.mark.rule("ZY-06", "ZY-08")
def test_a_customer_is_out_of_the_count_of_each_month_at_whose_end_the_status_held() -> None:
    # Confirmed on 3 July, over as October begins: out at the ends of July and August; in September's last moment too.
    customer = confirmed()
    filed = [Filed("yizhuang", customer.opened_at, customer.spans), Filed("yizhuang", at("2026-06-10 09:00"))]

    counted = {
        event.month: (event.normal, event.all)
        for event, _ in count(filed, at("2026-11-05 00:00"), CARS.calendar)
    }

    assert counted == {
        "2026-06": (1, 1),
        "2026-07": (1, 2),
        "2026-08": (1, 2),
        "2026-09": (1, 2),
        "2026-10": (2, 2),
    }
