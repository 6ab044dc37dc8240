"""How far the values reach that callers give."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from shared.values.bounds import Day, Instant, Month, Number, Period, number


def read(kind: Any, value: object) -> Any:  # noqa: ANN401  # whatever the type reads
    return TypeAdapter(kind).validate_python(value)


@pytest.mark.parametrize("text", ["0", "-79.5", "999999999999.999999", "1E+3", "0.000001"])
def test_a_number_of_a_person_is_read_as_it_is(text: str) -> None:
    assert (read(Number, text), number(text)) == (Decimal(text), Decimal(text))


@pytest.mark.parametrize(
    "text",
    [
        "1E-999999999",
        "1E+999999999",
        "1" + "0" * 12,
        "0.0000001",
        "1." + "0" * 60 + "1",
        "9" * 5000,
        "NaN",
        "-Infinity",
        "one",
    ],
)
def test_a_number_of_more_digits_than_anybody_counts_with_is_refused(text: str) -> None:
    """INVARIANT: what a caller writes in a few characters is reckoned with in a few steps.

    What breaks it: a bare ``Decimal`` in a request, a fact or a rulebook; its exponent says how long a sum takes.
    """
    with pytest.raises(ValidationError):
        read(Number, text)
    with pytest.raises(ValueError, match=r"^This is no number that can be counted with: .*12 digits"):
        number(text)


def test_nought_is_nought_however_it_is_written() -> None:
    assert (str(read(Number, "0E+999999999")), str(number("0E-999999999"))) == ("0", "0")


def test_an_instant_is_kept_in_utc() -> None:
    assert read(Instant, "2026-02-13T16:10:00+08:00") == datetime(2026, 2, 13, 8, 10, tzinfo=UTC)
    assert read(Instant, "2026-02-13T16:10:00+08:00").tzinfo is UTC


@pytest.mark.parametrize("text", ["1990-01-01T00:00:00Z", "2099-12-31T23:59:59Z"])
def test_an_instant_just_inside_is_taken(text: str) -> None:
    assert read(Instant, text).isoformat().startswith(text[:-1])


@pytest.mark.parametrize(
    "text",
    [
        "1990-01-01T00:00:00+08:00",
        "2100-01-01T00:00:00Z",
        "0001-01-01T00:00:00+08:00",
        "9999-12-31T23:59:59-08:00",
    ],
)
def test_an_instant_outside_is_refused_with_the_bounds(text: str) -> None:
    with pytest.raises(ValidationError, match="it must lie from 1990-01-01 to before 2100-01-01"):
        read(Instant, text)


@pytest.mark.parametrize("value", ["2026-02-13T16:10:00", 1_700_000_000, "1700000000", True])
def test_an_instant_is_written_with_its_offset(value: object) -> None:
    with pytest.raises(ValidationError):
        read(Instant, value)


def test_days_months_and_periods_have_the_same_bounds() -> None:
    taken = [read(Day, "1990-01-01"), read(Month, "2099-12"), read(Period, "2026-Q3"), read(Period, "2026")]

    assert taken == [date(1990, 1, 1), "2099-12", "2026-Q3", "2026"]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Day, "1989-12-31"),
        (Day, "2100-01-01"),
        (Month, "1989-12"),
        (Month, "0000-01"),
        (Month, "2100-01"),
        (Period, "9999-Q4"),
        (Period, "0000"),
    ],
)
def test_a_day_month_or_period_outside_is_refused_with_the_bounds(kind: Any, value: str) -> None:  # noqa: ANN401  # a type
    with pytest.raises(ValidationError, match="it must lie from 1990-01-01 to before 2100-01-01"):
        read(kind, value)


@pytest.mark.parametrize(
    ("kind", "value"),
    [(Month, "2026-13"), (Month, "２０２６-07"), (Month, "2026-7"), (Period, "2026-Q5"), (Day, 20_000)],
)
def test_a_month_or_period_is_written_in_one_way(kind: Any, value: object) -> None:  # noqa: ANN401  # a type
    with pytest.raises(ValidationError):
        read(kind, value)
