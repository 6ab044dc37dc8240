"""What the regulations of the gas company and the car dealers ask of callbacks and interviews (XA-07 … XA-10, ZY-10, ZY-12)."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from services.callback import domain
from services.callback.domain import Dialler, Matter, NotYoursError, Outcome, Status, campaigns
from services.callback.domain.refusals import OutsideHoursError
from services.callback.domain.sampling import size
from shared.errors import ForbiddenError, InvalidInputError
from shared.events import Happened
from shared.events.callback import CallbackRecalled
from shared.events.handling import CaseClosed, CaseResolved
from tests.builders_rules import an_edition
from tests.unit.callback.builders import COMPLAINT, a_call, an_answer, at, called, grown, registered, told

GAS, CARS = an_edition("xinao"), an_edition("zhongyida")
TIERS = {"safety": "safety-critical", "supply": "supply", "ordinary": "ordinary"}
OFFICER = Dialler("wei", "officer-1", "service-officer", frozenset({"service-office", "group"}))


def ended(kind: str, tier: str = "", complaint: UUID = COMPLAINT, **facts: object) -> dict[str, Any]:
    return {
        "complaint_id": complaint,
        "occurrence": 1,
        "kind": kind,
        "class_": "",
        "validity": "valid",
        "way": "",
        "outcome": "",
        "tier": tier,
        "customer": "customer/1",
        "problem_user": False,
        "imported": False,
        **facts,
    }


def resolved(kind: str, tier: str, complaint: UUID = COMPLAINT) -> Matter:
    """Return a gas matter that was resolved on Wednesday 1 July at 10."""
    event = CaseResolved(**ended(kind, tier, complaint))
    return grown([registered(complaint), told(event, at("2026-07-01 10:00"), about=complaint)], GAS)[0]


def asked(matter: Matter) -> str:
    return matter.current.plan if matter.current else ""


# --- XA-07, XA-08: scope, ratio, window


@pytest.mark.rule("XA-07")
@pytest.mark.parametrize(
    ("kind", "tier", "plan", "share"),
    [
        ("complaint", "safety", "complaints", 1),
        ("complaint", "ordinary", "complaints", 1),
        ("service-request", "safety", "safety-critical", 1),
        ("service-request", "supply", "supply", 0.6),
        ("service-request", "ordinary", "ordinary", 0.3),
    ],
)
def test_the_more_critical_a_service_the_more_of_its_customers_are_called(
    kind: str, tier: str, plan: str, share: float
) -> None:
    # 400 draws at 0.6 have the standard deviation √96 = 9.8, at 0.3 √84 = 9.2: four of them are 40.
    found = [resolved(kind, tier, UUID(int=number)) for number in range(400)]

    assert {asked(one) for one in found} == {plan}
    called_back = sum(one.current is not None and one.current.status is Status.OPEN for one in found)
    assert abs(called_back - 400 * share) <= (0 if share == 1 else 40)


@pytest.mark.rule("XA-07")
def test_nobody_is_called_about_an_opinion() -> None:
    assert asked(resolved("opinion", "ordinary")) == ""


@pytest.mark.rule("XA-08")
@pytest.mark.parametrize(
    ("kind", "tier"), [("complaint", "ordinary"), *(("service-request", tier) for tier in TIERS)]
)
def test_a_call_is_made_from_a_day_after_the_service_and_before_seven_have_passed(
    kind: str, tier: str
) -> None:
    # The draw of ordinary services takes some complaint in; which one does not matter.
    drawn = (resolved(kind, tier, UUID(int=number)) for number in range(40))
    matter = next(one for one in drawn if one.current and one.current.status is Status.OPEN)

    assert matter.current is not None
    assert (matter.current.earliest, matter.current.due_before) == (
        at("2026-07-02 10:00"),
        at("2026-07-08 10:00"),
    )
    with pytest.raises(OutsideHoursError, match="The window opens at 2026-07-02 10:00"):
        called(matter, an_answer("2026-07-02 09:59"), edition=GAS)
    assert called(matter, an_answer("2026-07-02 10:00"), edition=GAS)[0].tasks[0].status is Status.COMPLETED


@pytest.mark.rule("XA-07")
def test_the_station_complained_about_does_not_call_and_may_call_after_its_services() -> None:
    own = Dialler("zhou", "caller-1", "caller", frozenset({"chongqing-branch"}))
    call = an_answer("2026-07-02 10:00", who=own)

    with pytest.raises(NotYoursError, match="does not call itself"):
        called(resolved("complaint", "ordinary"), call, edition=GAS)
    assert called(resolved("service-request", "safety"), call, edition=GAS)[0].current is not None


@pytest.mark.rule("XA-08")
@pytest.mark.parametrize(
    ("kind", "level", "reopens"),
    [("complaint", 2, True), ("complaint", 3, False), ("service-request", 1, False)],
)
def test_a_complaint_that_was_left_unresolved_goes_on(kind: str, level: int, reopens: bool) -> None:
    matter, _ = called(resolved(kind, "safety"), an_answer("2026-07-02 10:00", level), edition=GAS)

    answer = matter.tasks[0].answer
    assert answer is not None
    assert answer.reopen == reopens


# --- XA-10: called again


def recalled(kind: str, tier: str, complaint: UUID) -> Matter:
    matter = resolved(kind, tier, complaint)
    return called(matter, an_answer("2026-07-02 10:00", 5), edition=GAS)[0]


@pytest.mark.rule("XA-10")
@pytest.mark.parametrize(("kind", "tier"), [("complaint", "safety"), ("service-request", "safety")])
def test_one_call_in_ten_is_made_again_by_the_service_office(kind: str, tier: str) -> None:
    # 400 draws at 0.1: standard deviation √36 = 6, four of them are 24.
    found = [recalled(kind, tier, UUID(int=number)) for number in range(400)]
    again = [one for one in found if len(one.tasks) > 1]

    assert abs(len(again) - 40) <= 24
    assert {one.tasks[1].roles for one in again} == {("service-officer",)}
    # 2 July 10:00 + 14 days.
    assert {one.tasks[1].due_before for one in again} == {at("2026-07-16 10:00")}


@pytest.mark.rule("XA-10")
def test_calls_of_every_plan_are_monitored() -> None:
    plans = GAS.slices[-1][1].callback.plans

    assert {name: plan.recall and plan.recall.ratio for name, plan in plans.items()} == dict.fromkeys(
        ("complaints", "safety-critical", "supply", "ordinary"), Decimal("0.1")
    )


@pytest.mark.rule("XA-10")
@pytest.mark.parametrize(("second", "agrees"), [(4, True), (3, False)])
def test_both_calls_agree_where_both_customers_words_are_on_one_side_of_satisfied(
    second: int, agrees: bool
) -> None:
    found = (recalled("complaint", "safety", UUID(int=number)) for number in range(400))
    matter = next(one for one in found if len(one.tasks) > 1)

    _, happened = called(matter, an_answer("2026-07-03 10:00", second, OFFICER), edition=GAS)

    (event,) = [one.event for one in happened if isinstance(one.event, CallbackRecalled)]
    assert (event.agrees, event.by) == (agrees, "wei")


# --- XA-09: questionnaires


def opened_by(kind: str, tier: str, *, solved: bool | None = None, **answers: str) -> dict[str, str]:
    """Return which answers ask for a matter of their own, and of which kind."""
    given = {name.replace("_", "-"): answer for name, answer in answers.items()}
    call = a_call("2026-07-02 10:00", Outcome.COMPLETED, satisfaction=4, solved=solved, answers=given)
    task = resolved(kind, tier).current
    assert task is not None
    return {one.question: one.kind for one in domain.check(call, domain.questionnaire_of(task, GAS)).opens}


@pytest.mark.rule("XA-09", "XA-11")
def test_each_kind_of_service_is_asked_about_what_may_follow_it() -> None:
    assert opened_by("service-request", "safety", smell="none", instructed="yes") == {}
    assert opened_by("service-request", "safety", smell="smell", instructed="yes") == {"smell": "complaint"}
    assert opened_by("service-request", "supply", pressure="normal") == {}
    assert opened_by("service-request", "supply", pressure="low") == {"pressure": "complaint"}
    assert opened_by("service-request", "supply", pressure="none") == {"pressure": "complaint"}
    assert opened_by("service-request", "ordinary", solved=True, opinion="多设网点") == {"opinion": "opinion"}


@pytest.mark.rule("XA-09")
@pytest.mark.parametrize(("kind", "tier"), [("complaint", "safety"), ("service-request", "ordinary")])
def test_what_is_left_over_is_asked_after_a_no_and_opens_a_complaint(kind: str, tier: str) -> None:
    assert opened_by(kind, tier, solved=False, left_over="表还没换") == {"left-over": "complaint"}
    assert opened_by(kind, tier, solved=False) == {}
    with pytest.raises(InvalidInputError, match="left-over"):
        opened_by(kind, tier, solved=True, left_over="表还没换")


# --- ZY-10, ZY-12: the car dealers


def closed_at_dealer(kind: str) -> tuple[Matter, list[Happened]]:
    event = CaseClosed(**ended(kind))
    return grown([registered(), told(event, at("2026-07-13 16:00"))], CARS)


@pytest.mark.rule("ZY-12")
@pytest.mark.parametrize("kind", ["complaint", "price-complaint", "product-complaint", "dispute"])
def test_whoever_complained_is_interviewed_within_seven_days(kind: str) -> None:
    matter, _ = closed_at_dealer(kind)

    assert matter.current is not None
    assert (asked(matter), matter.current.due_before) == ("complaints", at("2026-07-20 16:00"))


@pytest.mark.rule("ZY-12")
@pytest.mark.parametrize(
    ("level", "satisfied", "reopens"), [(2, False, True), (3, False, False), (4, True, False)]
)
def test_the_upper_two_levels_are_satisfied_and_the_lower_two_re_open(
    level: int, satisfied: bool, reopens: bool
) -> None:
    matter, _ = called(closed_at_dealer("dispute")[0], an_answer("2026-07-14 10:00", level), edition=CARS)

    assert matter.current is not None
    answer = matter.current.answer
    assert answer is not None
    assert (answer.satisfied, answer.reopen) == (satisfied, reopens)


@pytest.mark.rule("ZY-12")
def test_nobody_is_interviewed_about_a_suggestion() -> None:
    assert asked(closed_at_dealer("suggestion")[0]) == ""


@pytest.mark.rule("ZY-10")
@pytest.mark.parametrize(
    ("name", "frame", "asked_of_them"),
    [
        ("full-interview", 200, 200),
        # Cochran at a margin of 0.05 and p = ½: n₀ = 384.16; 384.16 / (1 + 383.16 / N) = 131.8 of 200, 277.7 of 1,000.
        ("random-sample", 200, 132),
        ("random-sample", 1000, 278),
    ],
)
def test_a_full_interview_asks_everybody_and_a_sample_as_many_as_its_margin_needs(
    name: str, frame: int, asked_of_them: int
) -> None:
    assert size(CARS.slices[-1][1].callback.campaigns[name].sample, frame) == asked_of_them


@pytest.mark.rule("ZY-10")
@pytest.mark.parametrize("name", ["full-interview", "random-sample"])
def test_the_supervising_office_starts_them_and_no_unit_does(name: str) -> None:
    for role in ("supervision-head", "supervisor"):
        assert campaigns.rule_of(name, role, CARS, at("2026-07-10 10:00")).of == "customers"
    with pytest.raises(ForbiddenError):
        campaigns.rule_of(name, "service-officer", CARS, at("2026-07-10 10:00"))


@pytest.mark.rule("ZY-06", "ZY-10")
@pytest.mark.parametrize("name", ["full-interview", "random-sample"])
def test_a_problem_user_is_in_no_survey(name: str) -> None:
    normal = closed_at_dealer("complaint")[0]
    problem = normal.model_copy(update={"customer": "customer/2", "problem_user": True})
    rule = campaigns.rule_of(name, "supervisor", CARS, at("2026-07-20 10:00"))

    found = campaigns.frame_of([normal, problem], rule, None, at("2026-07-20 10:00"))

    assert [one.id for one in found] == ["customer/1"]
