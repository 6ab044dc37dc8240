"""Clocks whose limit changes on the way: targets, extensions, agreed dates, refused results. By hand."""

from datetime import timedelta

import pytest
from pydantic import ValidationError

from shared.timekeeping.clocks import Agreed, Extended, Restarted, Retargeted, Verdict, explain
from shared.timekeeping.limits import Limit, Moment
from tests.unit.timekeeping.calendars import at
from tests.unit.timekeeping.clock_events import a_start, paused, read, resumed, stopped

INSTANT = timedelta(microseconds=1)


def test_a_new_target_counts_from_the_original_start_even_after_the_deed() -> None:
    # Provisional 24 h would be Thu 10:00; the final procedure gives 48 h: Fri 10:00.
    start = a_start(Limit(hours=24), "2026-07-01 10:00")
    done = stopped("2026-07-02 15:00")
    final = Retargeted(at=at("2026-07-02 16:00"), limit=Limit(hours=48), source="JK-03")

    assert read(start, done).verdict(done.at) is Verdict.MISSED
    assert read(start, done, final).verdict(final.at) is Verdict.MET
    assert read(start, done, final).due_before == at("2026-07-03 10:00")


def test_a_stricter_target_may_have_been_missed_already() -> None:
    final = Retargeted(at=at("2026-07-02 16:00"), limit=Limit(hours=24), source="JK-04")

    reading = read(a_start(Limit(hours=48), "2026-07-01 10:00"), final)

    assert reading.missed_at(final.at) == at("2026-07-02 10:00")


def test_the_last_of_several_targets_holds() -> None:
    reading = read(
        a_start(Limit(hours=24), "2026-07-01 10:00"),
        Retargeted(at=at("2026-07-01 11:00"), limit=Limit(hours=48), source="JK-03"),
        Retargeted(
            at=at("2026-07-01 12:00"),
            limit=Limit(until="handover"),
            source="JK-34",
            moments=(Moment(name="handover", at=at("2026-09-01 10:00")),),
        ),
    )

    assert (reading.due_before, reading.source) == (at("2026-09-01 10:00"), "JK-34")


def test_an_approved_extension_counts_on_from_the_due_moment() -> None:
    # 15, then 30, then 60 days: 1 Jul + 15 = 16 Jul, + 15 = 31 Jul, + 30 = 30 Aug.
    start = a_start(Limit(days=15), "2026-07-01 10:00")
    first = Extended(at=at("2026-07-10 09:00"), by=Limit(days=15), approval="A-1")
    second = Extended(at=at("2026-07-30 09:00"), by=Limit(days=30), approval="A-2")

    assert read(start, first).due_before == at("2026-07-31 10:00")
    assert read(start, first, second).due_before == at("2026-08-30 10:00")


def test_an_extension_may_name_its_end_and_later_pauses_still_count() -> None:
    start = a_start(Limit(working_hours=8), "2026-07-01 10:00")
    extended = Extended(at=at("2026-07-01 11:00"), until=at("2026-07-05 20:00"), approval="A-3")

    reading = read(start, extended, paused("2026-07-04 10:00"), resumed("2026-07-04 12:00"))

    assert reading.due_before == at("2026-07-05 22:00")
    assert "（A-3）" in explain(reading, "zh")


def test_an_extension_while_the_clock_stands_still_keeps_the_pause() -> None:
    # 10 days: 11 Jul 10:00. Paused 2 to 4 Jul (2 days), extended by 5 on the way: 18 Jul.
    reading = read(
        a_start(Limit(days=10), "2026-07-01 10:00"),
        paused("2026-07-02 10:00"),
        Extended(at=at("2026-07-03 10:00"), by=Limit(days=5), approval="A-4"),
        resumed("2026-07-04 10:00"),
    )

    assert reading.due_before == at("2026-07-18 10:00")


def test_neither_an_extension_nor_an_agreement_undoes_a_miss() -> None:
    start = a_start(Limit(hours=24), "2026-07-01 10:00")
    due = at("2026-07-02 10:00")

    extended = read(start, Extended(at=due, by=Limit(days=5), approval="A-5"))
    agreed = read(start, Agreed(at=due, due_before=at("2026-07-20 10:00"), by="业主"))
    in_time = read(start, Agreed(at=due - INSTANT, due_before=at("2026-07-20 10:00"), by="业主"))

    assert extended.missed_at(due) == due
    assert agreed.missed_at(due) == due
    assert in_time.due_before == at("2026-07-20 10:00")
    (zh,) = [line.zh for line in extended.lines if "延期" in line.zh]
    (en,) = [line.en for line in extended.lines if "extension" in line.en]
    assert zh.endswith(" 批准延期，但期限已过，不生效")
    assert en.endswith(" extension approved after the due moment, without effect")
    assert "不生效" in explain(agreed, "zh")


def test_an_agreed_date_replaces_the_table_and_leans_on_no_holiday() -> None:
    # JK-12. 5 working days from Wed 30 Dec 2026 lean on 2027; the agreed date does not.
    start = a_start(Limit(working_days=5), "2026-12-30 10:00", "JK-11")
    agreed = Agreed(at=at("2026-12-30 11:00"), due_before=at("2027-01-20 18:00"), by="业主")
    final = Retargeted(at=at("2026-12-30 12:00"), limit=Limit(working_days=10), source="JK-11")

    assert read(start).provisional
    reading = read(start, agreed, final)
    assert (reading.due_before, reading.provisional) == (at("2027-01-20 18:00"), False)
    assert "agreed with the customer: Wed 20 Jan 2027 18:00 (业主)" in explain(reading, "en")


def test_a_pause_into_an_unpublished_year_makes_the_due_moment_provisional() -> None:
    # 1 working day from Tue 29 Dec 10:00 is Wed 30 Dec 10:00. Paused from 30 Dec 09:00 to 4 Jan 09:00, over
    # Fri 1 to Sun 3 Jan: one hour left, Mon 4 Jan 10:00.
    start = a_start(Limit(working_days=1), "2026-12-29 10:00")

    reading = read(start, paused("2026-12-30 09:00"), resumed("2027-01-04 09:00"))

    assert not read(start).provisional
    assert (reading.due_before, reading.provisional) == (at("2027-01-04 10:00"), True)


def test_an_extension_in_plain_days_needs_no_day_table() -> None:
    # 1 working day from Tue 28 Dec 2027 10:00 is Wed 10:00; 10 days more lie in 2028, which has no table.
    reading = read(
        a_start(Limit(working_days=1), "2027-12-28 10:00"),
        Extended(at=at("2027-12-28 11:00"), by=Limit(days=10), approval="A-6"),
    )

    assert reading.due_before == at("2028-01-08 10:00")
    assert reading.provisional


def test_an_extension_is_one_plain_way() -> None:
    moment = at("2026-07-01 10:00")

    with pytest.raises(ValidationError, match="give one of them"):
        Extended(at=moment, approval="A-7")
    with pytest.raises(ValidationError, match="give one of them"):
        Extended(at=moment, by=Limit(days=1), until=moment, approval="A-7")
    with pytest.raises(ValidationError, match="one plain limit"):
        Extended(at=moment, by=Limit(days=1, counts_from="next-day"), approval="A-7")
    with pytest.raises(ValidationError, match="one plain limit"):
        Extended(at=moment, by=Limit(shorter_of=(Limit(days=1), Limit(hours=1))), approval="A-7")


def test_of_two_limits_the_shorter_one_holds_through_a_pause() -> None:
    # From Fri 3 Jul 10:00: 24 h end Sat 10:00; one working day ends Mon 10:00. Paused Fri 11:00 to Sun 11:00:
    # 48 h make the first Mon 10:00; the second loses Friday's 13 h and ends Mon 23:00.
    either = Limit(shorter_of=(Limit(hours=24), Limit(working_days=1)))
    start = a_start(either, "2026-07-03 10:00")

    assert read(start).due_before == at("2026-07-04 10:00")
    assert read(start, paused("2026-07-03 11:00"), resumed("2026-07-05 11:00")).due_before == at(
        "2026-07-06 10:00"
    )
    # Three hours on Friday: Sat 13:00 comes before Mon 13:00.
    assert read(start, paused("2026-07-03 11:00"), resumed("2026-07-03 14:00")).due_before == at(
        "2026-07-04 13:00"
    )


# Later occurrences


def test_a_refused_result_starts_the_same_limit_again() -> None:
    # JK-04. Done in time on the 5th, refused on the 6th at 09:00: 10 days more from then.
    start = a_start(Limit(days=10), "2026-07-01 10:00", "JK-11")

    second = read(start, stopped("2026-07-05 10:00"), Restarted(at=at("2026-07-06 09:00")))

    assert (second.occurrence, second.started_at) == (2, at("2026-07-06 09:00"))
    assert second.due_before == at("2026-07-16 09:00")
    assert second.verdict(at("2026-07-10 00:00")) is Verdict.RUNNING
    assert [round_.verdict(at("2026-07-10 00:00")) for round_ in second.earlier] == [Verdict.MET]
    assert "第 2 次计时" in explain(second, "zh")


def test_a_new_target_holds_in_its_own_round_and_the_later_ones() -> None:
    reading = read(
        a_start(Limit(days=10), "2026-07-01 10:00", "JK-11"),
        stopped("2026-07-05 10:00"),
        Restarted(at=at("2026-07-06 09:00")),
        Retargeted(at=at("2026-07-06 10:00"), limit=Limit(days=5), source="JK-11b"),
        stopped("2026-07-07 10:00"),
        Restarted(at=at("2026-07-08 09:00")),
    )

    assert reading.due_before == at("2026-07-13 09:00")
    assert [round_.source for round_ in (*reading.earlier, reading)] == ["JK-11", "JK-11b", "JK-11b"]


@pytest.mark.parametrize(
    ("asked", "due"), [("2026-07-01 11:59", "2026-07-03 12:00"), ("2026-07-01 12:00", "2026-07-01 12:00")]
)
def test_an_extension_counts_from_when_it_was_asked_for(asked: str, due: str) -> None:
    # Two hours from 10:00; more time is granted at 14:00, two hours too late but for the request.
    start = a_start(Limit(hours=2), "2026-07-01 10:00")
    granted = Extended(
        at=at("2026-07-01 14:00"), until=at("2026-07-03 12:00"), asked_at=at(asked), approval="leader"
    )

    assert read(start, granted).due_before == at(due)
