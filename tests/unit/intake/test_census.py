"""Claims about how many customers a unit had when a month ended. Rules ZY-06, ZY-08."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from services.intake.domain.census import Filed, count
from tests.builders_rules import an_edition

CALENDAR = an_edition().calendar
SHANGHAI = ZoneInfo("Asia/Shanghai")


def at(local: str) -> datetime:
    return datetime.fromisoformat(local).replace(tzinfo=SHANGHAI).astimezone(UTC)


def counted(filed: list[Filed], now: str) -> dict[tuple[str, str], tuple[int, int]]:
    return {
        (event.unit, event.month): (event.normal, event.all) for event, _ in count(filed, at(now), CALENDAR)
    }


def test_whoever_was_on_file_when_the_month_ended_counts() -> None:
    # 3 opened in May, the last at 31 May 23:59; the one of 1 June 00:00 counts in June only.
    filed = [
        Filed("a", at(moment)) for moment in ("2026-05-02 09:00", "2026-05-10 09:00", "2026-05-31 23:59")
    ]
    filed.append(Filed("a", at("2026-06-01 00:00")))

    assert counted(filed, "2026-07-15 12:00") == {("a", "2026-05"): (3, 3), ("a", "2026-06"): (4, 4)}


def test_a_month_is_counted_from_its_end_on() -> None:
    filed = [Filed("a", at("2026-06-10 09:00"))]

    assert counted(filed, "2026-06-30 23:59") == {}
    assert counted(filed, "2026-07-01 00:00") == {("a", "2026-06"): (1, 1)}
    ((_, end),) = count(filed, at("2026-07-01 00:00"), CALENDAR)
    assert end == at("2026-07-01 00:00")


def test_a_problem_user_of_the_last_moment_is_left_out_and_still_counts_among_all() -> None:
    # One whose status ran until 1 June 00:00 held it to the last moment of May; one that began then did not.
    filed = [
        Filed("a", at("2026-05-02 09:00"), ((at("2026-05-10 09:00"), at("2026-06-01 00:00")),)),
        Filed("a", at("2026-05-02 09:00"), ((at("2026-06-01 00:00"), at("2026-08-30 00:00")),)),
        Filed("a", at("2026-05-02 09:00")),
    ]

    assert counted(filed, "2026-07-01 00:00") == {("a", "2026-05"): (2, 3), ("a", "2026-06"): (2, 3)}


def test_each_unit_is_counted_from_the_month_of_its_first_customer() -> None:
    filed = [Filed("b", at("2026-06-10 09:00")), Filed("a", at("2026-05-10 09:00"))]

    assert counted(filed, "2026-07-01 00:00") == {
        ("a", "2026-05"): (1, 1),
        ("a", "2026-06"): (1, 1),
        ("b", "2026-06"): (1, 1),
    }


def test_the_end_of_a_year_is_the_end_of_december() -> None:
    assert list(counted([Filed("a", at("2025-12-31 12:00"))], "2026-02-01 00:00")) == [
        ("a", "2025-12"),
        ("a", "2026-01"),
    ]
