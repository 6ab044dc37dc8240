"""Surveys, counted by hand. Rule ZY-10; FIELD's formulas."""

import hashlib
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.callback.domain.sampling import Member, commitment, drawn, estimate, hash_of, shares, size
from shared.rulebook.schema.callback import Sample

FRAME = [Member("a" if number < 60 else "b", f"id-{number:03d}") for number in range(100)]
FIVE_PER_CENT = Sample(margin=Decimal("0.05"))


@pytest.mark.parametrize(
    ("frame", "asked"), [(50, 45), (200, 132), (1_000, 278), (10_000, 370), (1, 1), (0, 0)]
)
def test_a_margin_of_five_per_cent_asks_for_so_many(frame: int, asked: int) -> None:
    # n0 = 1.96²·0.25/0.05² = 384.16. N = 50: 384.16 ÷ (1 + 383.16/50) = 44.35, so 45.
    assert size(FIVE_PER_CENT, frame) == asked


@pytest.mark.parametrize(
    ("sample", "asked"),
    [
        (Sample(share=Decimal("0.105")), 11),
        (Sample(share=Decimal(1)), 100),
        (Sample(number=30), 30),
        (Sample(number=300), 100),
    ],
)
def test_a_share_is_rounded_up_and_nobody_is_asked_twice(sample: Sample, asked: int) -> None:
    assert size(sample, 100) == asked


def test_strata_are_asked_in_proportion() -> None:
    # 25 of 60 + 40: 15 and 10.
    assert shares(FRAME, 25) == {"a": 15, "b": 10}


def test_the_largest_remainder_gets_the_last_one_and_each_stratum_at_least_two() -> None:
    # 10 of 70 + 29 + 1: 7.0, 2.9, 0.1. Whole 7, 2, 0; the tenth to the second. The third has one member, and it is asked.
    frame = [Member("a", str(n)) for n in range(70)]
    frame += [Member("b", str(n)) for n in range(29)] + [Member("c", "0")]

    assert shares(frame, 10) == {"a": 7, "b": 3, "c": 1}
    assert shares(frame, 2) == {"a": 2, "b": 2, "c": 1}


def test_anyone_who_has_the_frame_and_the_seed_draws_the_same() -> None:
    sizes = {"a": 15, "b": 10}
    sample = drawn(FRAME, "seed", sizes)
    # By hand: the members of 'a' in the order of SHA-256 over "seed/<id>".
    by_hand = sorted((member for member in FRAME if member.stratum == "a"), key=_digest)[:15]

    assert [member for member in sample if member.stratum == "a"] == by_hand
    assert drawn(reversed(FRAME), "seed", sizes) == sample
    assert drawn(FRAME, "another", sizes) != sample


def _digest(member: Member) -> str:
    return hashlib.sha256(f"seed/{member.id}".encode()).hexdigest()


def test_the_frame_is_fixed_by_its_hash_and_the_seed_by_its_own() -> None:
    assert hash_of(reversed(FRAME)) == hash_of(FRAME) != hash_of(FRAME[1:])
    # sha256sum of "a" is ca978112…
    assert commitment("a").startswith("ca978112")


def test_a_stratified_mean_with_its_variance() -> None:
    # a: 60 of 100, answers 5, 4, 3: mean 4, s² = 1. b: 40 of 100, answers 2, 2, 5, 3: mean 3, s² = (1+1+4+0)/3 = 2.
    # Mean 0.6·4 + 0.4·3 = 3.6.
    # Variance 0.36·(1 − 3/60)·1/3 + 0.16·(1 − 4/40)·2/4 = 0.114 + 0.072 = 0.186.
    # Half 1.96·√0.186 = 1.96·0.431277 = 0.845304.
    found = estimate({"a": 60, "b": 40}, {"a": [5, 4, 3], "b": [2, 2, 5, 3]})

    assert found is not None
    assert (found.mean, found.variance) == (Decimal("3.6000"), Fraction(186, 1000))
    assert (found.low, found.high) == (Decimal("2.7547"), Decimal("4.4453"))


def test_who_does_not_answer_is_spoken_for_by_the_own_stratum() -> None:
    # Of b only one in twenty answered, of a one in two: the plain mean of 30 + 2 answers would be nearly a's.
    found = estimate({"a": 60, "b": 40}, {"a": [5] * 30, "b": [1, 1]})

    assert found is not None
    # 0.6·5 + 0.4·1, and not (150 + 2)/32 = 4.75.
    assert (found.mean, found.variance) == (Decimal("3.4000"), Fraction(0))


def test_a_silent_stratum_is_spoken_for_by_nobody() -> None:
    found = estimate({"a": 60, "b": 40}, {"a": [5, 5], "b": []})

    assert found is not None
    assert found.mean == Decimal("5.0000")
    assert estimate({"a": 60}, {"a": []}) is None


def test_one_answer_alone_takes_the_variance_of_all() -> None:
    # All answers 5, 3, 4: s² = 1. a: 0.25·(1 − 2/50)·s²(5, 3)/2 = 0.25·0.96·2/2 = 0.24. b: 0.25·(1 − 1/50)·1 = 0.245.
    found = estimate({"a": 50, "b": 50}, {"a": [5, 3], "b": [4]})

    assert found is not None
    assert found.variance == Fraction(485, 1000)


def test_whoever_asks_everybody_knows() -> None:
    found = estimate({"a": 3}, {"a": [5, 4, 3]})

    assert found is not None
    assert found.low == found.mean == found.high == Decimal("4.0000")


@given(st.integers(1, 5_000), st.integers(1, 5_000))
def test_no_sample_is_larger_than_its_frame_and_a_larger_frame_asks_for_no_fewer(
    one: int, other: int
) -> None:
    small, large = sorted((one, other))

    assert 1 <= size(FIVE_PER_CENT, small) <= small
    assert size(FIVE_PER_CENT, small) <= size(FIVE_PER_CENT, large)
