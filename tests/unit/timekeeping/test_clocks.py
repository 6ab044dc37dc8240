"""Clocks: in time and late, standing still, contradictions, explanations. By hand."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from shared.timekeeping.base_types import Line
from shared.timekeeping.clocks import (
    Agreed,
    Cancelled,
    ClockEvent,
    ClockOrderError,
    Extended,
    Paused,
    Restarted,
    Resumed,
    Retargeted,
    Started,
    Stopped,
    Verdict,
    evaluate,
    explain,
)
from shared.timekeeping.limits import Limit
from tests.unit.timekeeping.calendars import EIGHT, OFFICE, at
from tests.unit.timekeeping.clock_events import a_start, paused, read, resumed, stopped

INSTANT = timedelta(microseconds=1)
MINUTE = timedelta(minutes=1)


# Met and missed


def test_a_deed_is_in_time_until_the_due_moment_and_late_from_it() -> None:
    start = a_start(Limit(hours=24), "2026-07-03 16:10")
    due = at("2026-07-04 16:10")

    inside, outside = read(start, Stopped(at=due - INSTANT)), read(start, Stopped(at=due))

    assert (inside.due_before, inside.verdict(due), inside.missed_at(due)) == (due, Verdict.MET, None)
    assert (outside.verdict(due), outside.missed_at(due)) == (Verdict.MISSED, due)


def test_silence_is_a_miss_from_the_due_moment_on() -> None:
    due = at("2026-07-04 16:10")

    reading = read(a_start(Limit(hours=24), "2026-07-03 16:10"))

    assert reading.missed_at(due - INSTANT) is None
    assert reading.verdict(due - INSTANT) is Verdict.RUNNING
    assert reading.missed_at(due) == due
    assert reading.verdict(due + MINUTE) is Verdict.MISSED
    assert reading.sweep_at == due
    assert reading.ended_at is None


def test_a_verdict_speaks_for_its_own_time_only() -> None:
    start = a_start(Limit(hours=24), "2026-07-03 16:10")

    met = read(start, stopped("2026-07-04 10:00"))
    cancelled = read(start, Cancelled(at=at("2026-07-04 10:00")))

    assert met.verdict(at("2026-07-04 09:59")) is Verdict.RUNNING
    assert cancelled.verdict(at("2026-07-04 09:59")) is Verdict.RUNNING
    assert met.sweep_at is None


def test_a_deed_recorded_after_its_miss_but_done_before_it_is_in_time() -> None:
    """INVARIANT: what counts is when the deed was done, not when it was recorded.

    What breaks it: replaying events in the order of their arrival.
    """
    start = a_start(Limit(hours=24), "2026-07-03 16:10")
    swept = read(start)
    late_to_arrive: list[ClockEvent] = [
        paused("2026-07-06 09:00"),
        resumed("2026-07-06 10:00"),
        stopped("2026-07-04 16:09"),
    ]

    replayed = read(start, *late_to_arrive)

    assert swept.verdict(at("2026-07-06 12:00")) is Verdict.MISSED
    assert replayed.verdict(at("2026-07-06 12:00")) is Verdict.MET
    assert replayed.due_before == at("2026-07-04 16:10")


def test_a_withdrawn_duty_is_cancelled_unless_it_was_missed_before() -> None:
    start = a_start(Limit(hours=24), "2026-07-03 16:10")

    before = read(start, Cancelled(at=at("2026-07-04 16:09")))
    after = read(start, Cancelled(at=at("2026-07-04 16:10")))

    assert before.verdict(at("2026-07-05 00:00")) is Verdict.CANCELLED
    assert after.verdict(at("2026-07-05 00:00")) is Verdict.MISSED
    assert "cancelled." in explain(before, "en")
    assert "取消，此前已逾期" in explain(after, "zh")


# Pauses


def test_the_second_acceptance_vector_keeps_the_pause_when_the_priority_is_raised() -> None:
    # 72 h from Wed 1 Jul 10:00; paused 2 h from 12:00; raised to 24 h at 13:00; resumed 14:00:
    # Thu 2 Jul 10:00 and the 2 hours.
    reading = read(
        a_start(Limit(hours=72), "2026-07-01 10:00"),
        paused("2026-07-01 12:00"),
        Retargeted(at=at("2026-07-01 13:00"), limit=Limit(hours=24), source="XA-03"),
        resumed("2026-07-01 14:00"),
    )

    assert reading.due_before == at("2026-07-02 12:00")
    assert reading.source == "XA-03"
    assert reading.limit == Limit(hours=24)


def test_two_pauses_in_one_minute_count_as_long_as_they_were() -> None:
    # Times kept to the minute: both pauses begin and end at 12:00. Times kept to the second: 10 s and 20 s.
    start = a_start(Limit(hours=24), "2026-07-01 10:00")
    noon = "2026-07-01 12:00"

    empty = read(start, paused(noon), resumed(noon), paused(noon), resumed(noon))
    short = read(start, paused(noon), resumed(f"{noon}:10"), paused(f"{noon}:20"), resumed(f"{noon}:40"))

    assert empty.due_before == at("2026-07-02 10:00")
    assert short.due_before == at("2026-07-02 10:00:30")
    assert "10:00:30" in explain(short, "en")


def test_a_pause_over_a_holiday_costs_working_time_only() -> None:
    # 16 working hours of 8 a day from Fri 13 Feb 2026 17:00 end on Tue 24 17:00. Paused from Sat 14 13:00 to
    # Tue 24 09:00: 4 h of Saturday and 1 h of Tuesday. Wed 25: 08:00 to 12:00 is 4 h, 13:00 to 14:00 the fifth.
    started = a_start(Limit(working_hours=16), "2026-02-13 17:00")

    reading = evaluate([started, paused("2026-02-14 13:00"), resumed("2026-02-24 09:00")], EIGHT)

    assert reading.due_before == at("2026-02-25 14:00")


def test_a_pause_over_a_holiday_costs_an_elapsed_limit_all_of_it() -> None:
    # 15 days from 10 Feb 10:00 end on 25 Feb 10:00; ten days of pause make it 7 Mar (February has 28).
    reading = read(
        a_start(Limit(days=15), "2026-02-10 10:00"), paused("2026-02-14 10:00"), resumed("2026-02-24 10:00")
    )

    assert reading.due_before == at("2026-03-07 10:00")


def test_a_pause_of_working_days_gives_back_working_days() -> None:
    # 3 working days from Thu 2 Jul 10:00: Fri, Mon, Tue 7 Jul 10:00. Paused Fri 3 Jul 18:00 to Mon 6 Jul 06:00:
    # 6 h of Friday and 6 h of Monday. Tue 22:00.
    reading = read(
        a_start(Limit(working_days=3), "2026-07-02 10:00"),
        paused("2026-07-03 18:00"),
        resumed("2026-07-06 06:00"),
    )

    assert reading.due_before == at("2026-07-07 22:00")


def test_a_pause_gives_a_day_end_limit_its_time_back_to_the_minute() -> None:
    # Due at the end of Sun 5 Jul; 3 h of pause make it Mon 03:00, not Mon 24:00: a minute must not buy a day.
    reading = read(
        a_start(Limit(days=2, ends="day-end"), "2026-07-03 10:00"),
        paused("2026-07-04 09:00"),
        resumed("2026-07-04 12:00"),
    )

    assert reading.due_before == at("2026-07-06 03:00")


def test_a_pause_that_pushes_a_rolling_limit_onto_a_day_off_rolls_it_again() -> None:
    # 3 days from Tue 7 Jul end with Fri 10 Jul; a day of pause: Sat 11 Jul, so the end of Mon 13.
    limit = Limit(days=3, ends="day-end", roll_forward=True)
    start = a_start(limit, "2026-07-07 10:00")

    once = read(start, paused("2026-07-08 10:00"), resumed("2026-07-09 10:00"))
    # Standing still on Monday for two hours: due Tue 02:00.
    twice = read(
        start,
        paused("2026-07-08 10:00"),
        resumed("2026-07-09 10:00"),
        paused("2026-07-13 10:00"),
        resumed("2026-07-13 12:00"),
    )

    assert once.due_before == at("2026-07-14 00:00")
    assert twice.due_before == at("2026-07-14 02:00")


def test_a_clock_that_stands_still_misses_nothing() -> None:
    start = a_start(Limit(hours=24), "2026-07-01 10:00")

    standing = read(start, paused("2026-07-02 09:59"))
    stopped_while_standing = read(start, paused("2026-07-02 09:59"), stopped("2026-07-09 10:00"))

    assert standing.paused
    assert standing.missed_at(at("2026-07-09 10:00")) is None
    assert standing.verdict(at("2026-07-09 10:00")) is Verdict.RUNNING
    assert standing.sweep_at is None
    assert stopped_while_standing.verdict(at("2026-07-09 10:00")) is Verdict.MET
    assert not stopped_while_standing.paused
    assert explain(standing, "zh").endswith("自 2026-07-02 星期四 09:59 起暂停中。")


def test_a_pause_at_or_after_the_due_moment_cures_nothing() -> None:
    start = a_start(Limit(hours=24), "2026-07-01 10:00")
    due = at("2026-07-02 10:00")

    standing = read(start, paused("2026-07-02 10:00"))
    ran_again = read(
        start, paused("2026-07-02 10:00"), resumed("2026-07-03 10:00"), stopped("2026-07-03 11:00")
    )

    assert standing.missed_at(at("2026-07-09 10:00")) == due
    assert standing.sweep_at == due
    assert ran_again.missed_at(at("2026-07-09 10:00")) == due
    assert "始于期满之后" in explain(ran_again, "zh")


# Contradictions


@pytest.mark.parametrize(
    ("events", "reason"),
    [
        ([], "starts 0 times"),
        ([stopped("2026-07-01 10:00")], "starts 0 times"),
        (
            [a_start(Limit(hours=1), "2026-07-01 10:00"), a_start(Limit(hours=1), "2026-07-01 11:00")],
            "starts 2 times",
        ),
        ([a_start(Limit(hours=1), "2026-07-01 10:00"), stopped("2026-07-01 09:59")], "or late"),
        ([a_start(Limit(hours=1), "2026-07-01 10:00"), resumed("2026-07-01 10:10")], "not paused"),
        (
            [
                a_start(Limit(hours=1), "2026-07-01 10:00"),
                paused("2026-07-01 10:10"),
                paused("2026-07-01 10:20"),
            ],
            "Resume it first",
        ),
        (
            [a_start(Limit(hours=1), "2026-07-01 10:00"), Restarted(at=at("2026-07-01 10:20"))],
            "not done",
        ),
    ],
)
def test_events_that_contradict_each_other_are_refused(events: list[ClockEvent], reason: str) -> None:
    with pytest.raises(ClockOrderError, match=reason) as refused:
        evaluate(events, OFFICE)
    assert refused.value.code == "clock-order"


def test_a_start_comes_first_among_events_of_the_same_moment() -> None:
    moment = "2026-07-01 10:00"

    assert read(stopped(moment), a_start(Limit(hours=1), moment)).verdict(at(moment)) is Verdict.MET


def test_a_naive_or_numeric_moment_is_refused() -> None:
    with pytest.raises(ValidationError, match="timezone"):
        Stopped.model_validate({"at": "2026-07-01T10:00:00"})
    with pytest.raises(ValidationError, match="a moment is meant"):
        Stopped.model_validate({"at": 1_782_000_000})


# Explanations


def test_the_explanation_tells_how_the_due_moment_came_about() -> None:
    reading = evaluate(
        [a_start(Limit(working_hours=16), "2026-02-13 16:10", "LN-09"), stopped("2026-02-24 16:09")], EIGHT
    )

    # 50 minutes on Friday, 8 h on Saturday, so 7 h 10 min on Tuesday 24: 4 h to noon, 3 h 10 to 16:10.
    assert explain(reading, "zh") == (
        "2026-02-13 星期五 16:10 收到；限 16 个工作小时；2026-02-14 星期六 调休上班（春节）；"
        "2026-02-15 至 2026-02-23 春节放假；应于 2026-02-24 星期二 16:10 前完成（LN-09）；"
        "2026-02-24 星期二 16:09 完成，按时。"
    )
    assert explain(reading, "en") == (
        "Received Fri 13 Feb 2026 16:10; within 16 working hours; "
        "Sat 14 Feb 2026 is worked (Spring Festival); "
        "Sun 15 Feb 2026 to Mon 23 Feb 2026 off (Spring Festival); "
        "due before Tue 24 Feb 2026 16:10 (LN-09); Tue 24 Feb 2026 16:09 done, in time."
    )


def test_a_due_moment_at_midnight_is_told_as_the_end_of_its_day() -> None:
    start = Started(
        at=at("2026-07-03 16:10"),
        limit=Limit(same_day=True),
        source="JK-05",
        label=Line(zh="情况核实", en="facts confirmed"),
    )

    reading = read(start, stopped("2026-07-04 00:00"))

    assert "情况核实；限当日 24:00 前；应于 2026-07-03 星期五 24:00 前完成（JK-05）" in explain(reading, "zh")
    assert explain(reading, "en").endswith("Sat 4 Jul 2026 00:00 done, too late.")


def test_the_explanation_names_each_change_on_the_way() -> None:
    text = explain(
        read(
            a_start(Limit(hours=24), "2026-07-01 10:00"),
            paused("2026-07-01 12:00"),
            resumed("2026-07-01 13:30"),
            Retargeted(at=at("2026-07-01 14:00"), limit=Limit(hours=48), source="JK-03"),
        ),
        "zh",
    )

    assert text == (
        "2026-07-01 星期三 10:00 收到；限 48 小时；2026-07-01 星期三 12:00 暂停：客户出差；"
        "2026-07-01 星期三 13:30 恢复，暂停 1 小时 30 分，期限移至 2026-07-03 星期五 11:30；"
        "2026-07-01 星期三 14:00 改按 JK-03，自原起点计算；应于 2026-07-03 星期五 11:30 前完成（JK-03）。"
    )


DAY = {"days": 1}
MOMENTS = [{"name": "handover", "at": "2026-07-05T00:00:00Z"}]
HAPPENED: Mapping[str, tuple[type[BaseModel], dict[str, Any]]] = {
    "started": (Started, {"limit": DAY, "source": "JK-03", "moments": MOMENTS}),
    "paused": (Paused, {"reason": "away"}),
    "resumed": (Resumed, {}),
    "retargeted": (Retargeted, {"limit": DAY, "source": "JK-03", "moments": MOMENTS}),
    "extended": (Extended, {"by": DAY, "approval": "head"}),
    "agreed": (Agreed, {"due_before": "2026-07-05T00:00:00Z", "by": "owner"}),
    "restarted": (Restarted, {}),
    "stopped": (Stopped, {}),
    "cancelled": (Cancelled, {}),
}


@pytest.mark.parametrize("kind", HAPPENED)
def test_what_happens_to_a_clock_is_stored_under_its_kind_and_read_back(kind: str) -> None:
    """INVARIANT: a clock that was stored is the clock that is read, its moments in a plain list.

    What breaks it: a kind that is written in another way than it is read, or a list that must be a tuple.
    """
    model, fields = HAPPENED[kind]
    one = model.model_validate({"at": "2026-07-01T00:00:00Z", **fields})
    stored = one.model_dump(mode="json")

    assert (stored["kind"], getattr(one, "at", None)) == (kind, datetime(2026, 7, 1, tzinfo=UTC))
    assert len(stored.get("moments", [])) == len(fields.get("moments", []))
    assert TypeAdapter(ClockEvent).validate_python(stored) == one


def test_a_reading_without_an_earlier_occurrence_has_none_and_is_read_back() -> None:
    start = a_start(Limit(days=1), "2026-07-01 09:00")
    reading = read(start)

    assert reading.earlier == ()
    assert start.moments == ()
    assert (start.label.zh, start.label.en) == ("收到", "received")
    assert type(reading).model_validate(reading.model_dump(mode="json")) == reading
    assert type(reading).model_validate(reading.model_dump(mode="json", exclude={"earlier"})) == reading


def test_a_verdict_is_one_of_four_words() -> None:
    assert read(a_start(Limit(days=1), "2026-07-01 09:00")).verdict(at("2026-07-01 10:00")) == "running"
    assert [str(one) for one in Verdict] == ["running", "met", "missed", "cancelled"]
