"""Tasks: which closings open one, in which window, and what a re-opening does to it."""

from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from services.callback import domain
from services.callback.domain import PlanUnclearError, Status
from shared.events.callback import CallbackDue, CallbackMissed, CallbackVoided
from shared.events.handling import PowerUsed
from shared.events.intake import RecordAmended
from shared.rulebook.schema import Match, Rules
from shared.timekeeping.limits import Limit
from tests.builders_rules import an_edition, an_edition_with
from tests.unit.callback.builders import (
    COMPLAINT,
    HALF,
    UNIT,
    amended,
    at,
    closed,
    grown,
    registered,
    reopened,
    told,
    types,
    with_plan,
    withdrawn,
)

MOMENT = timedelta(microseconds=1)


def test_a_closed_complaint_is_called_back_within_seven_days() -> None:
    # JK-27. Wed 1 July 10:00 + 7 days = Wed 8 July 10:00; no earliest moment, so from the closing on.
    matter, happened = grown([registered(), closed(at("2026-07-01 10:00"))])

    assert [item.event for item in happened] == [
        CallbackDue(
            complaint_id=COMPLAINT,
            occurrence=1,
            plan="complaints",
            earliest=at("2026-07-01 10:00"),
            due_before=at("2026-07-08 10:00"),
        )
    ]
    assert (happened[0].time, happened[0].unit) == (at("2026-07-01 10:00"), UNIT)
    assert matter.current is not None
    assert (matter.current.status, matter.current.month) == (Status.OPEN, "2026-07")


def test_a_window_that_ends_at_midnight_on_the_first_belongs_to_the_month_before() -> None:
    # Closed on Sat 25 July 00:00, due before Sat 1 August 00:00: the last day in time is 31 July.
    matter, _ = grown([closed(at("2026-07-25 00:00"))])

    assert matter.current is not None
    assert matter.current.month == "2026-07"


def test_a_matter_that_no_plan_applies_to_is_not_called_back() -> None:
    matter, happened = grown([closed(at("2026-07-01 10:00"), kind="legal-letter")])

    assert happened == []
    assert matter.current is not None
    assert (matter.current.status, matter.current.plan) == (Status.NOT_ASKED, "")


def test_the_plan_is_that_of_the_closing_s_own_local_day() -> None:
    # 30 June 16:30 UTC is 1 July 00:30 in Chongqing: the slice of 1 July holds already.
    edition = an_edition()
    later = with_plan(latest=Limit(days=3)).slices[-1][1]
    changed = type(edition)(
        group=edition.group,
        name=edition.name,
        hash="x",
        slices=(*edition.slices, (at("2026-07-01 12:00").date(), later)),
        calendar=edition.calendar,
        files=edition.files,
    )

    before, _ = grown([closed(at("2026-06-30 23:59"))], changed)
    after, _ = grown([closed(at("2026-07-01 00:30"))], changed)

    assert before.current is not None
    assert after.current is not None
    assert before.current.due_before == at("2026-07-07 23:59")
    assert after.current.due_before == at("2026-07-04 00:30")


def test_a_window_may_open_later_than_the_closing() -> None:
    # XA-08: between 1 and 7 days after. 1 July 10:00 + 1 day.
    matter, _ = grown([closed(at("2026-07-01 10:00"))], with_plan(earliest=Limit(days=1)))

    assert matter.current is not None
    assert matter.current.earliest == at("2026-07-02 10:00")


def test_half_of_the_complaints_are_drawn_by_a_hash_that_everybody_can_compute() -> None:
    # sha256sum of "complaints/00000000-0000-0000-0000-000000000001" begins 35b4, below one half (8000): in.
    # That of …04 begins f80b: out.
    drawn = [domain.is_sampled(UUID(int=number), "complaints", HALF) for number in (1, 4)]

    assert drawn == [True, False]


def test_the_share_that_is_drawn_comes_near_the_ratio() -> None:
    drawn = sum(domain.is_sampled(UUID(int=number), "complaints", Decimal("0.3")) for number in range(10_000))

    # 10,000 draws at 0.3: standard deviation √(10000·0.3·0.7) = 46; five of them.
    assert abs(drawn - 3000) < 230


def test_a_complaint_outside_the_sample_is_kept_but_not_asked() -> None:
    matter, happened = grown([closed(at("2026-07-01 10:00"))], with_plan(ratio=Decimal(0)))

    assert happened == []
    assert matter.current is not None
    assert (matter.current.status, matter.current.plan) == (Status.NOT_ASKED, "complaints")
    assert domain.next_due(matter) is None


def test_two_plans_that_both_apply_are_refused() -> None:
    def twice(rules: Rules) -> Rules:
        plan = rules.callback.plans["complaints"]
        callback = rules.callback.model_copy(update={"plans": {"complaints": plan, "again": plan}})
        return rules.model_copy(update={"callback": callback})

    with pytest.raises(PlanUnclearError, match=r"plans\.complaints' and 'callback\.plans\.again' both apply"):
        grown([closed(at("2026-07-01 10:00"))], an_edition_with(twice))


def test_a_plan_that_asks_for_what_a_closing_does_not_tell_is_refused() -> None:
    with pytest.raises(PlanUnclearError, match="asks for liable"):
        grown([closed(at("2026-07-01 10:00"))], with_plan(applies=Match(liable=("builder",))))


def test_a_re_opened_case_owes_no_call_and_its_next_closing_owes_a_new_one() -> None:
    matter, happened = grown(
        [
            closed(at("2026-07-01 10:00"), 1),
            reopened(at("2026-07-03 09:00"), 1, 2),
            closed(at("2026-07-06 15:00"), 2, 3),
        ]
    )

    assert types(happened) == ["callback.due.v1", "callback.voided.v1", "callback.due.v1"]
    assert happened[1].event == CallbackVoided(complaint_id=COMPLAINT, occurrence=1, reason="reopened")
    assert happened[1].time == at("2026-07-03 09:00")
    assert [task.status for task in matter.tasks] == [Status.VOID, Status.OPEN]
    # Mon 6 July 15:00 + 7 days.
    assert domain.next_due(matter) == at("2026-07-13 15:00")


def test_a_withdrawn_case_owes_no_call() -> None:
    matter, happened = grown([closed(at("2026-07-01 10:00")), withdrawn(at("2026-07-02 10:00"))])

    assert types(happened) == ["callback.due.v1", "callback.voided.v1"]
    assert domain.next_due(matter) is None


def test_a_re_opening_after_the_window_leaves_the_miss_standing() -> None:
    # The window ended on 8 July 10:00; re-opened a moment before it is void, at that moment it is missed.
    due = at("2026-07-08 10:00")

    in_time, _ = grown([closed(at("2026-07-01 10:00")), reopened(due - MOMENT)])
    too_late, _ = grown([closed(at("2026-07-01 10:00")), reopened(due)])
    _, silent = domain.settle(in_time, due)
    _, happened = domain.settle(too_late, due)

    assert silent == []
    assert types(happened) == ["callback.missed.v1"]


def test_a_miss_that_was_told_falls_when_an_earlier_re_opening_arrives_late() -> None:
    matter, _ = grown([closed(at("2026-07-01 10:00"))])
    missed, _ = domain.settle(matter, at("2026-07-09 10:00"))

    voided, happened = domain.follow(missed, reopened(at("2026-07-03 09:00")), lambda _: an_edition())

    assert types(happened) == ["callback.voided.v1"]
    assert [task.status for task in voided.tasks] == [Status.VOID]


def test_silence_says_nothing_of_a_closing_whose_re_opening_is_still_on_its_way() -> None:
    matter, _ = grown([closed(at("2026-07-01 10:00"), 1), closed(at("2026-07-06 15:00"), 2, 3)])

    _, happened = domain.settle(matter, at("2026-07-09 10:00"))

    assert happened == []


def test_a_miss_is_told_at_the_window_s_end_with_its_clause() -> None:
    matter, _ = grown([closed(at("2026-07-01 10:00"))])
    due = at("2026-07-08 10:00")

    _, before = domain.settle(matter, due - MOMENT)
    _, happened = domain.settle(matter, due + timedelta(days=3))

    assert before == []
    assert [item.event for item in happened] == [
        CallbackMissed(
            complaint_id=COMPLAINT, occurrence=1, due_before=due, clause="JK-06, JK-27", plan="complaints"
        )
    ]
    assert (happened[0].time, happened[0].unit) == (due, UNIT)


def test_a_corrected_contact_comes_after_the_first_one_whichever_arrives_first() -> None:
    events = [registered(), amended("second", at("2026-07-02 09:00"), 2)]

    forth, _ = grown(events)
    back, _ = grown(reversed(events))

    assert forth == back
    assert [box.sealed.box for box in forth.boxes] == ["first", "second"]


def test_a_correction_without_personal_data_and_events_of_no_concern_change_nothing() -> None:
    matter, _ = grown([registered()])
    amendment = RecordAmended(complaint_id=COMPLAINT, complete=True, by="clerk", reason="project")
    opened = PowerUsed(complaint_id=COMPLAINT, power="press", detail="", by="officer")

    assert grown([registered(), told(amendment, at("2026-07-02 09:00"), 2, "intake")])[0] == matter
    assert grown([registered(), told(opened, at("2026-07-02 09:00"), 2)])[0] == matter


def test_an_earlier_ending_that_arrives_later_moves_the_moment_and_tells_nothing() -> None:
    matter, _ = grown([closed(at("2026-07-01 10:00")), withdrawn(at("2026-07-04 10:00"), 3)])

    moved, happened = domain.follow(matter, reopened(at("2026-07-03 10:00")), lambda _: an_edition())

    assert happened == []
    assert moved.tasks[0].ended_at == at("2026-07-03 10:00")
