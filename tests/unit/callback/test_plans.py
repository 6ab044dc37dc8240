"""Plans by what a case is; windows from the resolution; who may call; calls of calls. Rules LN-12, XA-07, XA-08, XA-10."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest

from services.callback import domain
from services.callback.domain import Dialler, Matter, NotYoursError, Outcome, Status, TooManyCallsError
from shared.events import Envelope
from shared.events.callback import CallbackCompleted, CallbackRecalled
from shared.events.handling import CaseClosed, CaseResolved
from shared.rulebook.edition import Edition
from shared.rulebook.schema import Match, Rules
from shared.rulebook.schema.callback import Burst, Recall
from shared.timekeeping.limits import Limit
from tests.builders_rules import an_edition_with
from tests.unit.callback.builders import (
    COMPLAINT,
    UNIT,
    a_call,
    a_matter,
    an_answer,
    at,
    called,
    closed,
    grown,
    registered,
    reopened,
    told,
    types,
    with_plan,
)

ABOVE = Dialler("zhao", "above-1", "market-supervisor", frozenset({"group"}))
FACTS: dict[str, Any] = {
    "kind": "complaint",
    "class_": "general",
    "validity": "valid",
    "way": "explanation",
    "outcome": "",
    "customer": "customer/1",
    "problem_user": False,
    "imported": False,
}


def resolved(time: datetime, occurrence: int = 1, ordinal: int = 1, **changed: object) -> Envelope:
    return told(
        CaseResolved(complaint_id=COMPLAINT, occurrence=occurrence, **{**FACTS, **changed}), time, ordinal
    )


def with_plans(**plans: dict[str, object]) -> Edition:
    """Return the jinke edition with these plans, each its own with fields changed."""

    def change(rules: Rules) -> Rules:
        known = rules.callback.plans["complaints"]
        changed = {name: known.model_copy(update=fields) for name, fields in plans.items()}
        return rules.model_copy(update={"callback": rules.callback.model_copy(update={"plans": changed})})

    return an_edition_with(change)


# --- which plan


@pytest.mark.parametrize(
    ("facts", "plan"),
    [
        ({"tier": "safety"}, "safety"),
        ({"tier": "ordinary", "channel": "online"}, "online"),
        ({"tier": "ordinary", "channel": "online", "flags": ("media",)}, "media"),
        ({"tier": "ordinary", "channel": "telephone"}, ""),
    ],
)
def test_a_plan_may_ask_for_whatever_the_end_of_a_case_tells(facts: dict[str, Any], plan: str) -> None:
    edition = with_plans(
        safety={"applies": Match(tier=("safety",), grade=("grade-1",), service=("leak",))},
        online={"applies": Match(channel=("online",), procedure=("short",))},
        media={"applies": Match(flag=("media",), procedure=("long",))},
    )
    known = {"grade": "grade-1", "service": "leak", "procedure": "long" if "flags" in facts else "short"}
    event = CaseClosed(complaint_id=COMPLAINT, occurrence=1, **{**FACTS, **known, **facts})

    matter, _ = grown([told(event, at("2026-07-01 10:00"))], edition)

    assert matter.current is not None
    assert matter.current.plan == plan


# --- from the resolution


FROM_RESOLUTION = {"after": "resolution", "earliest": Limit(days=1), "latest": Limit(days=7)}
HISTORY = (
    registered(),
    resolved(at("2026-07-01 10:00"), 1, 1),
    closed(at("2026-07-06 10:00"), 1, 2),
    reopened(at("2026-07-07 10:00"), 2, 3),
    resolved(at("2026-07-09 10:00"), 2, 4),
    closed(at("2026-07-10 10:00"), 2, 5),
)


def test_a_window_may_count_from_the_resolution_while_the_file_waits_for_its_papers() -> None:
    # XA-08: resolved on 1 July 10:00, so between the 2nd and the 8th at 10:00; the file closes on the 6th.
    matter, happened = grown(HISTORY[:3], with_plan(**FROM_RESOLUTION))

    assert types(happened) == ["callback.due.v1"]
    (task,) = matter.tasks
    assert (task.earliest, task.due_before) == (at("2026-07-02 10:00"), at("2026-07-08 10:00"))


def test_a_plan_that_counts_from_the_closing_leaves_the_resolution_alone() -> None:
    matter, _ = grown(HISTORY[:3])

    assert [task.closed_at for task in matter.tasks] == [at("2026-07-06 10:00")]


def test_what_is_resolved_again_is_called_again() -> None:
    # The first window was to end on 8 July; the re-opening on the 7th ends it. The second: 9 July + 7 days.
    matter, happened = grown(HISTORY, with_plan(**FROM_RESOLUTION))

    assert [task.status for task in matter.tasks] == [Status.VOID, Status.OPEN]
    assert matter.tasks[1].due_before == at("2026-07-16 10:00")
    assert sorted(types(happened)) == ["callback.due.v1", "callback.due.v1", "callback.voided.v1"]


def test_the_order_in_which_ends_arrive_does_not_matter() -> None:
    """INVARIANT: a resolution told after its closing opens the same task, and no second one.

    What breaks it: a task named after the event that opened it instead of the occurrence.
    """
    edition = with_plan(**FROM_RESOLUTION)
    expected, _ = grown(HISTORY, edition)

    for order in permutations(HISTORY):
        assert grown(order, edition)[0] == expected


# --- who may call


@pytest.mark.parametrize(
    ("units", "is_barred"),
    [
        # The unit's own people, and those of a desk below it.
        ({UNIT, "chongqing"}, True),
        ({"chongqing-desk", UNIT, "chongqing"}, True),
        # Its subsidiary, and another branch.
        ({"chongqing"}, False),
        ({"chengdu-branch", "chengdu"}, False),
    ],
)
def test_the_unit_complained_about_does_not_call_where_the_plan_says_so(
    units: set[str], is_barred: bool
) -> None:
    edition = with_plan(own_unit=False)
    matter = a_matter(edition=edition)
    who = Dialler("li", "caller-1", "caller", frozenset(units))
    taken = domain.claim(matter, who, at("2026-07-02 10:00"), at("2026-07-02 11:00") - at("2026-07-02 10:00"))

    assert (taken is None) == is_barred
    if is_barred:
        with pytest.raises(NotYoursError, match="does not call itself"):
            called(matter, an_answer("2026-07-02 10:00", who=who), edition=edition)
    else:
        assert called(matter, an_answer("2026-07-02 10:00", who=who), edition=edition)[0].current is not None


# --- a second time


def recalled(ratio: str = "1", **changes: object) -> Edition:
    recall = Recall(ratio=Decimal(ratio), by=("market-supervisor",), within=Limit(days=14))
    return with_plan(recall=recall, **changes)


def after_first(satisfaction: int = 5, edition: Edition | None = None) -> Matter:
    edition = edition or recalled()
    return called(a_matter(edition=edition), an_answer("2026-07-02 10:00", satisfaction), edition=edition)[0]


def test_a_call_is_made_again_by_somebody_above_within_the_plan_s_time() -> None:
    matter = after_first()

    first, again = matter.tasks
    assert (first.status, again.status) == (Status.COMPLETED, Status.OPEN)
    # 2 July 10:00 + 14 days.
    assert (again.first_by, again.roles) == ("li", ("market-supervisor",))
    assert again.due_before == at("2026-07-16 10:00")


@pytest.mark.parametrize(
    ("first", "second", "agrees"),
    # Satisfied from 4 on: 5 and 4 are both satisfied, 3 and 3 neither; 5 and 3 are not alike.
    [(5, 4, True), (3, 3, True), (5, 3, False), (3, 4, False)],
)
def test_both_answers_are_compared_by_whether_the_customer_was_satisfied(
    first: int, second: int, agrees: bool
) -> None:
    matter, happened = called(
        after_first(first), an_answer("2026-07-03 10:00", second, ABOVE), edition=recalled()
    )

    assert [item.event for item in happened] == [
        CallbackRecalled(
            complaint_id=COMPLAINT,
            occurrence=1,
            plan="complaints",
            satisfaction=second,
            satisfied=second >= 4,
            agrees=agrees,
            first_by="li",
            by="zhao",
        )
    ]
    assert [task.status for task in matter.tasks] == [Status.COMPLETED, Status.COMPLETED]


@pytest.mark.parametrize(
    ("who", "why"),
    [
        (Dialler("wang", "caller-2", "caller"), "it is made again by market-supervisor"),
        (Dialler("li", "caller-1", "market-supervisor"), "who made the first call"),
    ],
)
def test_neither_the_first_caller_nor_another_role_makes_it_again(who: Dialler, why: str) -> None:
    matter, now = after_first(), at("2026-07-03 10:00")

    with pytest.raises(NotYoursError, match=why):
        called(matter, an_answer("2026-07-03 10:00", who=who), edition=recalled())
    assert domain.claim(matter, who, now, now - at("2026-07-03 09:00")) is None
    assert domain.claim(matter, ABOVE, now, now - at("2026-07-03 09:00")) is not None


def test_a_share_of_the_calls_is_drawn_by_the_hash_that_everybody_can_compute() -> None:
    # sha256sum of "complaints/recall/00000000-0000-0000-0000-00000000000N": the first byte of those below
    # 0x1a (a tenth of 256 is 25.6) is in.
    drawn = [
        number
        for number in range(1000)
        if domain.is_sampled(UUID(int=number), "complaints/recall", Decimal("0.1"))
    ]

    # 1,000 draws at 0.1: standard deviation √90 = 9.5; five of them.
    assert abs(len(drawn) - 100) < 48
    assert len(after_first(edition=recalled("0")).tasks) == 1


def test_nobody_is_asked_twice_whose_case_goes_on() -> None:
    # Re-opened at 2 or less.
    assert len(after_first(2).tasks) == 1


def test_a_call_that_nobody_makes_again_is_told_to_nobody_and_counts_in_no_month() -> None:
    settled, happened = domain.settle(after_first(), at("2026-07-16 10:00"))

    assert happened == []
    assert settled.tasks[1].status is Status.MISSED
    assert [row.status for row in domain.rows_of(settled)] == ["completed"]
    assert domain.next_due(settled) is None


def test_a_re_opening_ends_the_second_call_without_a_word() -> None:
    matter, happened = domain.follow(after_first(), reopened(at("2026-07-05 10:00")), lambda _: recalled())

    assert happened == []
    assert [task.status for task in matter.tasks] == [Status.COMPLETED, Status.VOID]


# --- how often


def with_burst() -> Edition:
    def change(rules: Rules) -> Rules:
        burst = Burst(calls=3, within=Limit(minutes=5))
        hours = {"standard": rules.callback.hours["standard"].model_copy(update={"burst": burst})}
        return rules.model_copy(update={"callback": rules.callback.model_copy(update={"hours": hours})})

    return an_edition_with(change)


def wished(moment: str) -> domain.Call:
    """A call on which the customer asked to be called in a minute, so that nothing lies too close."""
    return a_call(moment, Outcome.CALL_BACK_AT, call_back_at=at("2026-07-03 10:00"))


def test_nobody_is_called_four_times_within_five_minutes() -> None:
    # Three at 10:00, 10:01 and 10:02. The fourth waits until the first lies five minutes back: 10:05.
    matter, _ = called(
        a_matter(), *(wished(f"2026-07-02 10:0{minute}") for minute in (0, 1, 2)), edition=with_burst()
    )

    with pytest.raises(TooManyCallsError, match="3 times"):
        called(matter, wished("2026-07-02 10:04"), edition=with_burst())
    assert called(matter, wished("2026-07-02 10:05"), edition=with_burst())[0].current is not None


@pytest.mark.parametrize(
    ("elsewhere", "is_too_many"),
    [
        # Five about other matters since yesterday 10:00; one of them exactly 24 hours ago counts no more.
        (
            [
                "2026-07-01 11:00",
                "2026-07-01 12:00",
                "2026-07-02 08:00",
                "2026-07-02 09:00",
                "2026-07-02 09:30",
            ],
            True,
        ),
        (
            [
                "2026-07-01 10:00",
                "2026-07-01 12:00",
                "2026-07-02 08:00",
                "2026-07-02 09:00",
                "2026-07-02 09:30",
            ],
            False,
        ),
    ],
)
def test_the_caps_are_those_of_a_customer_and_not_of_a_matter(
    elsewhere: Sequence[str], is_too_many: bool
) -> None:
    edition, call = with_burst(), an_answer("2026-07-02 10:00")
    others = [at(moment) for moment in elsewhere]

    def attempted() -> list[str]:
        none = domain.Checked({}, {})
        return types(domain.attempt(a_matter(), call, none, None, edition, call.at, others)[2])

    if is_too_many:
        with pytest.raises(TooManyCallsError, match="5 times"):
            attempted()
    else:
        assert attempted() == ["callback.attempted.v1", "callback.completed.v1"]


# --- vector 8


def test_coverage_contact_and_satisfaction_are_three_numbers_and_the_caps_hold() -> None:
    """FIELD's acceptance vector 8: all are called in a week in which 30 of 100 cannot be reached."""
    edition = with_burst()
    rows = []
    for number in range(100):
        complaint = UUID(int=number)
        matter, _ = grown([closed(at("2026-07-01 10:00"), complaint=complaint)], edition)
        if number < 30:
            # The plan's three attempts, four hours apart.
            calls = [a_call(f"2026-07-02 {hour}:00") for hour in ("09", "13", "17")]
        else:
            # 49 are satisfied (5), 21 are not (3).
            calls = [an_answer("2026-07-02 10:00", 5 if number < 79 else 3)]
        matter, happened = called(matter, *calls, edition=edition)
        rows += domain.rows_of(matter)
        assert not [item for item in happened if isinstance(item.event, CallbackCompleted) and number < 30]
        with pytest.raises(domain.TaskDoneError):
            called(matter, a_call("2026-07-02 18:00"), edition=edition)

    total, _ = domain.summarise(rows)

    # Coverage: 100 of 100 were tried. Contact: 70 of 100 answered. Satisfaction: 49 of the 70 who answered.
    assert (total.coverage, total.completion, total.satisfaction) == (
        Decimal("1.0000"),
        Decimal("0.7000"),
        Decimal("0.7000"),
    )
    assert (total.counts.unreachable, total.counts.answers, total.counts.satisfied) == (30, 70, 49)
    assert total.satisfaction_interval is not None
    # Wilson, n = 70, p = 0.7, z = 1.959964: centre (0.7 + 3.8415/140) ÷ (1 + 3.8415/70) = 0.689594;
    # half width 1.959964·√(0.21/70 + 3.8415/19600) ÷ 1.054878 = 0.105035.
    assert total.satisfaction_interval.low == pytest.approx(Decimal("0.5846"), abs=Decimal("0.0001"))
    assert total.satisfaction_interval.high == pytest.approx(Decimal("0.7946"), abs=Decimal("0.0001"))
