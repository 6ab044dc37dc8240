"""Surveys: how many to ask, whom, and what their answers say of all (FIELD; Cochran, *Sampling Techniques*, ch. 4–5).

Exact fractions up to the root of the variance, so that everybody comes to the same numbers.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import ceil, isqrt

from shared.rulebook.schema.callback import Sample
from shared.values.canonical import half_up

Z = Fraction(196, 100)
"""Of the 95 % interval, as the usual tables of sample sizes have it."""

FEWEST = 2
"""Answers of a stratum from which a variance can be had."""

PLACES = 4
_ROOT = 10**24
"""Scale at which a root is taken: far finer than any place that is shown."""


@dataclass(frozen=True, slots=True, order=True)
class Member:
    """Somebody of the frame, and the stratum that they are drawn in."""

    stratum: str
    id: str


@dataclass(frozen=True, slots=True)
class Estimate:
    """The mean of all, with its 95 % interval."""

    mean: Decimal
    low: Decimal
    high: Decimal
    variance: Fraction


def size(sample: Sample, frame: int) -> int:
    """Return how many of a frame are asked.

    A margin e at p = ½ asks for n₀ = z²p(1 − p)/e², and of a finite frame for n₀/(1 + (n₀ − 1)/N).

    Example:
        >>> [size(Sample(margin=Decimal("0.05")), frame) for frame in (50, 200, 1_000, 10_000)]
        [45, 132, 278, 370]
    """
    if frame == 0:
        return 0
    if sample.share is not None:
        return ceil(Fraction(sample.share) * frame)
    if sample.number is not None:
        return min(sample.number, frame)
    endless = Z**2 / 4 / Fraction(sample.margin or 1) ** 2
    return min(frame, ceil(endless / (1 + (endless - 1) / frame)))


def shares(frame: Iterable[Member], wanted: int) -> dict[str, int]:
    """Return how many are asked in each stratum: in proportion, the largest remainders first, at least two of each.

    A variance needs two answers, so small strata may make the sum a little larger than what was wanted.
    """
    sizes: dict[str, int] = {}
    for member in frame:
        sizes[member.stratum] = sizes.get(member.stratum, 0) + 1
    whole = sum(sizes.values())
    exact = {stratum: Fraction(wanted * count, whole) for stratum, count in sizes.items()}
    given = {stratum: int(share) for stratum, share in exact.items()}
    rest = sorted(exact, key=lambda stratum: (given[stratum] - exact[stratum], stratum))
    for stratum in rest[: wanted - sum(given.values())]:
        given[stratum] += 1
    return {stratum: max(given[stratum], min(FEWEST, sizes[stratum])) for stratum in sorted(sizes)}


def hash_of(members: Iterable[Member]) -> str:
    """Return the hash of a frame or a sample: SHA-256 over its lines ``<stratum>\\t<id>``, sorted."""
    lines = "\n".join(f"{member.stratum}\t{member.id}" for member in sorted(members))
    return hashlib.sha256(lines.encode()).hexdigest()


def commitment(seed: str) -> str:
    """Return what is told of a seed before the draw."""
    return hashlib.sha256(seed.encode()).hexdigest()


def drawn(frame: Iterable[Member], seed: str, sizes: Mapping[str, int]) -> list[Member]:
    """Draw the sample: of each stratum those whose SHA-256 over ``<seed>/<id>`` is smallest."""
    lots = sorted(frame, key=lambda member: (member.stratum, _lot(seed, member), member.id))
    left, found = dict(sizes), []
    for member in lots:
        if left.get(member.stratum, 0) > 0:
            left[member.stratum] -= 1
            found.append(member)
    return found


def _lot(seed: str, member: Member) -> str:
    return hashlib.sha256(f"{seed}/{member.id}".encode()).hexdigest()


def estimate(frame: Mapping[str, int], answers: Mapping[str, Sequence[int]]) -> Estimate | None:
    """Return the stratified mean Σ W_h·ȳ_h, with the variance Σ W_h²·(1 − f_h)·s_h²/n_h.

    Who did not answer is spoken for by those of the same stratum who did: each stratum is a weighting class, so its
    weight is its share of the frame whatever share answered. A stratum in which nobody answered cannot be spoken for,
    and the others stand for all. One answer alone has no variance of its own and takes that of all answers.

    Args:
        frame: Stratum → how many it has.
        answers: Stratum → the answers given in it.
    """
    heard = {stratum: values for stratum, values in answers.items() if values}
    whole = sum(frame[stratum] for stratum in heard)
    if not heard:
        return None
    pooled = _variance([value for values in heard.values() for value in values])
    mean = variance = Fraction(0)
    for stratum, values in heard.items():
        weight, n = Fraction(frame[stratum], whole), len(values)
        mean += weight * Fraction(sum(values), n)
        spread = _variance(values) if n >= FEWEST else pooled
        variance += weight**2 * (1 - Fraction(n, frame[stratum])) * spread / n
    half = Z * Fraction(isqrt(int(variance * _ROOT)), isqrt(_ROOT))
    return Estimate(
        half_up(mean, PLACES), half_up(mean - half, PLACES), half_up(mean + half, PLACES), variance
    )


def _variance(values: Collection[int]) -> Fraction:
    n = len(values)
    if n < FEWEST:
        return Fraction(0)
    mean = Fraction(sum(values), n)
    return sum(((value - mean) ** 2 for value in values), Fraction(0)) / (n - 1)
