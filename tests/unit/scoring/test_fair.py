"""What chance does to a ranking: values worked out by hand, and what must hold for any units."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import islice
from math import sqrt
from statistics import fmean, pvariance

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scoring.domain.fair import (
    Count,
    drawing,
    drawing_normal,
    drawing_total,
    empirical_bayes,
    funnel,
    kappa,
    rank_intervals,
    stream,
)


def count(hits: int, of: int) -> Count:
    return Count(Fraction(hits), Fraction(of))


counts = st.lists(
    st.integers(1, 400).flatmap(lambda of: st.integers(0, of).map(lambda hits: count(hits, of))),
    min_size=1,
    max_size=8,
)


def test_the_stream_follows_from_its_seed_alone_and_is_uniform() -> None:
    one, again, other = (list(islice(stream(seed), 4000)) for seed in ("a", "a", "b"))

    assert one == again != other
    assert all(0 < number < 1 for number in one)
    # Mean of 4,000 uniform numbers: 1/2, with a deviation of sqrt(1/12/4000) = 0.0046; five of them are 0.023.
    assert abs(fmean(one) - 0.5) < 0.023


def test_a_small_unit_is_pulled_to_the_common_value_and_a_large_one_stays() -> None:
    # Shares 1/2 of 10 and 9/10 of 1,000: common 905/1010, chance c(1-c) = 905*105/1010² = 0.0931527…
    # spread = (10*(0.5-0.896040)² + 1000*(0.9-0.896040)²)/1010 = (1.568474+0.015685)/1010 = 0.00156847
    # chance of a mean unit: 0.0931527*2/1010 = 0.00018446; between = 0.00138401
    # weight of the small one: 0.00138401/(0.00138401+0.00931527) = 0.129355 → 0.896040 - 0.129355*0.396040 = 0.844810
    # weight of the large one: 0.00138401/(0.00138401+0.0000931527) = 0.936938 → 0.896040+0.936938*0.003960 = 0.899750
    small, large = empirical_bayes([count(5, 10), count(900, 1000)], "share")

    assert float(small) == pytest.approx(0.844810, abs=1e-5)
    assert float(large) == pytest.approx(0.899750, abs=1e-5)


def test_units_that_differ_no_more_than_by_chance_all_get_the_common_value() -> None:
    # 5, 4 and 6 of 10: common 1/2, spread (0+0.1+0.1)/30 = 1/150, chance 1/4*3/30 = 1/40 is more.
    assert empirical_bayes([count(5, 10), count(4, 10), count(6, 10)], "share") == (Fraction(1, 2),) * 3


@given(counts, st.sampled_from(["share", "rate"]))
def test_a_shrunk_value_lies_between_the_units_own_and_the_common_one(some: list[Count], kind: str) -> None:
    common = sum((one.hits for one in some), Fraction(0)) / sum((one.of for one in some), Fraction(0))

    for one, shrunk in zip(some, empirical_bayes(some, "rate" if kind == "rate" else "share"), strict=True):
        assert min(one.value, common) <= shrunk <= max(one.value, common)


def test_seven_cases_say_almost_nothing_of_a_units_rank_and_24358_say_it() -> None:
    """FIELD's vector 5: a 7-case unit beside a 24,358-case unit.

    6 of 7 lie anywhere from 0.49 to 0.97 (Wilson); 22,000 of 24,358 = 0.9032 ± 0.004 and 20,000 of 24,358 =
    0.8211 ± 0.005 never change places.
    """
    some = [count(6, 7), count(22_000, 24_358), count(20_000, 24_358)]

    small, good, bad = rank_intervals([drawing(one, "share") for one in some], "2026-07")

    assert small == (1, 3)
    assert good == (1, 2)
    assert bad == (2, 3)


def test_a_low_value_is_first_where_low_is_better() -> None:
    some = [drawing(count(900, 1000), "rate"), drawing(count(100, 1000), "rate")]

    assert rank_intervals(some, "s", better="low") == ((2, 2), (1, 1))


@given(counts)
def test_every_rank_is_covered_by_somebody(some: list[Count]) -> None:
    intervals = rank_intervals([drawing(one, "share") for one in some], "seed", draws=80)

    for rank in range(1, len(some) + 1):
        assert any(low <= rank <= high for low, high in intervals)


def test_what_is_drawn_has_the_mean_and_the_spread_of_what_it_stands_for() -> None:
    numbers = stream("spread")
    share = [drawing(count(30, 100), "share")(numbers) for _ in range(3000)]
    total = [
        drawing_total(Fraction(90), [Fraction(-5), Fraction(-3), Fraction(-4)])(numbers) for _ in range(3000)
    ]

    # Beta(30.5, 70.5): mean 30.5/101 = 0.30198, variance 0.30198*0.69802/102 = 0.0020666
    assert fmean(share) == pytest.approx(0.30198, abs=0.005)
    assert pvariance(share) == pytest.approx(0.0020666, rel=0.15)
    # 25 + 9 + 16 = 50
    assert fmean(total) == pytest.approx(90, abs=0.7)
    assert pvariance(total) == pytest.approx(50, rel=0.15)


def test_the_funnel_narrows_with_the_root_of_the_size() -> None:
    # Common share 0.8: deviation sqrt(0.16/n) = 0.04 at 100, 0.02 at 400. z = 1.959964 and 3.090232.
    hundred, more = funnel(Fraction(4, 5), [Fraction(100), Fraction(400)], "share")

    assert hundred.low == pytest.approx(0.8 - 1.959964 * 0.04, abs=1e-6)
    assert hundred.far_high == pytest.approx(0.8 + 3.090232 * 0.04, abs=1e-6)
    assert more.high == pytest.approx(0.8 + 1.959964 * 0.02, abs=1e-6)
    # A rate of 0.5 per customer has the variance 0.5/n, and no top.
    (rate,) = funnel(Fraction(1, 2), [Fraction(2)], "rate")
    assert rate.far_high == pytest.approx(0.5 + 3.090232 * sqrt(0.25), abs=1e-6)
    assert rate.low == 0


def test_two_inspectors_who_agree_beyond_chance() -> None:
    # Cohen's table 20/5/10/15: agreed 35/50 = 0.7; by chance (25*30 + 25*20)/2500 = 0.5; kappa 0.2/0.5 = 0.4.
    # Error sqrt(0.7*0.3/(50*0.25)) = 0.129615; 0.4 ± 1.959964*0.129615 = 0.145959 … 0.654041
    pairs = [("a", "a")] * 20 + [("a", "b")] * 5 + [("b", "a")] * 10 + [("b", "b")] * 15

    found = kappa(pairs)

    assert found.value == pytest.approx(0.4)
    assert found.low == pytest.approx(0.145959, abs=1e-5)
    assert found.high == pytest.approx(0.654041, abs=1e-5)
    assert kappa([("a", "a")] * 9).value is None
    assert kappa([]).pairs == 0


def test_a_mean_is_drawn_with_the_spread_of_its_interval() -> None:
    """An interval 3.919928 wide is one of ± 1.959964, whose deviation is 1."""
    numbers: Iterator[float] = stream("mean")
    draw = drawing_normal(Fraction(4), Fraction("3.919928"))

    drawn = [draw(numbers) for _ in range(3000)]

    assert fmean(drawn) == pytest.approx(4, abs=0.08)
    assert pvariance(drawn) == pytest.approx(1, rel=0.15)


def test_no_share_has_a_limit_above_one_or_below_nothing() -> None:
    """0.9 of 4: 0.9 ± 1.96 × 0.15 would be 1.19, and 0.1 of 4 the same below nothing."""
    (high,) = funnel(Fraction(9, 10), [Fraction(4)], "share")
    (low,) = funnel(Fraction(1, 10), [Fraction(4)], "share")
    (rate,) = funnel(Fraction(9, 10), [Fraction(4)], "rate")

    assert (high.high, high.far_high, low.low, low.far_low) == (1.0, 1.0, 0.0, 0.0)
    # 0.9 + 1.959964 × √(0.9 ÷ 4)
    assert rate.high == pytest.approx(0.9 + 1.959964 * 0.4743416, abs=1e-6)
