"""Exact numbers and exact bytes."""

import time as clock
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.values.canonical import brief, bytes_of, exact_sum, half_up, number_of, plain, text_of


@dataclass(frozen=True)
class Part:
    name: str
    points: Decimal


@pytest.mark.parametrize(
    ("value", "decimals", "rounded"),
    [
        (Fraction("2.45"), 1, "2.5"),
        (Fraction("2.4499"), 1, "2.4"),
        (Fraction("-2.45"), 1, "-2.5"),
        (Fraction(1, 3), 6, "0.333333"),
        (Decimal(5), 0, "5"),
    ],
)
def test_a_half_is_rounded_up(value: Fraction | Decimal, decimals: int, rounded: str) -> None:
    assert half_up(value, decimals) == Decimal(rounded)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("79.50"), "79.5"),
        (Decimal("80.00"), "80"),
        (Decimal("-0"), "0"),
        (Decimal("1E+2"), "100"),
        (Decimal("100"), "100"),
        (Fraction(255, 3), "85"),
        (Fraction(2551, 30), "2551/30"),
        (Fraction(-1, 8), "-0.125"),
        (Fraction(0), "0"),
    ],
)
def test_equal_numbers_are_equal_text(value: Decimal | Fraction, text: str) -> None:
    assert text_of(value) == text


@given(st.fractions(max_denominator=10**9))
def test_a_number_is_read_back_as_it_was(value: Fraction) -> None:
    assert number_of(text_of(value)) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        # 1/2^400 has 400 decimals, more than any context of decimals keeps by itself.
        (Fraction(1, 2**400), "0." + str(5**400).rjust(400, "0")),
        (Fraction(-(10**300)), "-1" + "0" * 300),
        (Fraction(1, 5**9), "0.000000512"),
    ],
)
def test_a_long_number_is_written_exactly_too(value: Fraction, text: str) -> None:
    assert text_of(value) == text


def test_the_time_to_write_a_number_grows_no_faster_than_its_digits() -> None:
    """INVARIANT: a number of ten times as many digits takes about ten times as long to write.

    What breaks it: dividing the denominator by two and by five, one after the other.
    """
    assert text_of(Fraction(1, 10**800_000)) == "0." + "1".rjust(800_000, "0")


def test_what_people_see_has_six_decimals_at_most() -> None:
    assert brief(Fraction(2551, 30)) == "85.033333"


def test_sums_do_not_depend_on_the_precision_of_the_thread() -> None:
    """INVARIANT: the same facts give the same bytes, whatever decimal context a caller has set.

    What breaks it: plain ``+`` and ``-`` on decimals, which round to the context.
    """
    with localcontext() as context:
        context.prec = 2
        assert exact_sum([Decimal("97.6"), Decimal("0.05"), Decimal("-0.5")]) == Decimal("97.15")
        assert half_up(Fraction("97.65"), 1) == Decimal("97.7")
        assert text_of(Fraction("97.65")) == "97.65"


def test_a_result_becomes_plain_json_with_sorted_keys() -> None:
    found = {
        "parts": (Part("b", Decimal("2.50")), [None, True, 3]),
        "as_of": datetime(2026, 8, 10, 1, 30, tzinfo=UTC),
        "day": date(2026, 8, 10),
        "whole": frozenset({"z", "a"}),
        "share": Fraction(1, 3),
    }

    assert bytes_of(plain(found)) == (
        b'{"as_of":"2026-08-10T01:30:00Z","day":"2026-08-10","parts":[{"name":"b","points":"2.5"},'
        b'[null,true,3]],"share":"1/3","whole":["a","z"]}'
    )


def test_a_float_is_refused() -> None:
    with pytest.raises(TypeError, match="A float has no canonical form"):
        plain({"points": 0.1})


def test_an_instant_is_written_in_utc_whatever_zone_the_machine_is_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here = datetime(2026, 7, 1, 9, 0, tzinfo=timezone(timedelta(hours=8)))
    try:
        monkeypatch.setenv("TZ", "Asia/Tokyo")
        clock.tzset()
        assert plain(here) == "2026-07-01T01:00:00Z"
    finally:
        monkeypatch.undo()
        clock.tzset()
