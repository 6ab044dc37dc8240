"""Callbacks under the rulebook of luneng: every customer, in seven days of the result, the service or the closing."""

from typing import Any
from uuid import UUID

import pytest

from services.callback import domain
from services.callback.domain import Matter, Status
from shared.events.callback import CallbackDue, CallbackMissed
from shared.events.handling import CaseClosed, CaseResolved
from tests.builders_rules import an_edition
from tests.unit.callback.builders import COMPLAINT, an_answer, at, called, grown, registered, told

LUNENG = an_edition("luneng")


def ended(kind: str, complaint: UUID = COMPLAINT) -> dict[str, Any]:
    return {
        "complaint_id": complaint,
        "occurrence": 1,
        "kind": kind,
        "class_": "",
        "validity": "valid",
        "way": "",
        "outcome": "",
        "customer": "customer/1",
        "problem_user": False,
        "imported": False,
    }


def after(kind: str, complaint: UUID = COMPLAINT) -> tuple[Matter, list[CallbackDue]]:
    """A matter whose result was registered on 1 July at 10, and whose file was closed on 3 July at 15."""
    events = [
        registered(complaint),
        told(CaseResolved(**ended(kind, complaint)), at("2026-07-01 10:00"), about=complaint),
        told(CaseClosed(**ended(kind, complaint)), at("2026-07-03 15:00"), 2, about=complaint),
    ]
    matter, happened = grown(events, LUNENG)
    return matter, [item.event for item in happened if isinstance(item.event, CallbackDue)]


@pytest.mark.rule("LN-12", "LN-13")
@pytest.mark.parametrize(
    ("kind", "plan", "due"),
    [
        # Of the registered result: 1 July 10:00 + 7 days.
        ("complaint", "complaints", "2026-07-08 10:00"),
        # Of the service.
        ("repair", "on-site", "2026-07-08 10:00"),
        # Of the closing of the business: 3 July 15:00 + 7 days.
        ("business", "business", "2026-07-10 15:00"),
    ],
)
def test_a_customer_is_called_back_within_a_week(kind: str, plan: str, due: str) -> None:
    _, (owed,) = after(kind)

    assert (owed.plan, owed.due_before) == (plan, at(due))


@pytest.mark.rule("LN-12", "LN-13")
@pytest.mark.parametrize("kind", ["complaint", "repair", "business"])
def test_every_one_of_a_hundred_customers_is_to_be_called(kind: str) -> None:
    found = [after(kind, UUID(int=number))[0] for number in range(100)]

    assert [one.current is not None and one.current.status is Status.OPEN for one in found] == [True] * 100


@pytest.mark.rule("LN-13")
@pytest.mark.parametrize("kind", ["enquiry", "tender-request", "training-application"])
def test_nothing_else_is_called_back(kind: str) -> None:
    assert after(kind)[1] == []


@pytest.mark.rule("LN-12", "LN-17")
def test_a_call_in_the_last_second_is_in_time_and_none_by_then_is_missed() -> None:
    matter, _ = after("complaint")

    in_time, _ = called(matter, an_answer("2026-07-08 09:59:59"), edition=LUNENG)
    _, silent = domain.settle(matter, at("2026-07-08 10:00"))

    assert in_time.tasks[0].status is Status.COMPLETED
    assert [item.event.TYPE for item in silent] == [CallbackMissed.TYPE]
