"""What chance does to a ranking: shrunk values, rank intervals, funnel limits, agreement of two judges.

All of it stands beside a published result and never in its bytes. Draws come from a stream that its seed
fixes, so that anyone can draw them again.
"""

import hashlib
import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import exp, log, sqrt
from statistics import NormalDist
from typing import Literal

Kind = Literal["share", "rate"]
"""A share counts hits among cases; a rate counts events per customer, day or whatever it is measured by."""

Draw = Callable[[Iterator[float]], float]
"""Draws one value that a unit might as well have shown, from a stream of uniform numbers."""

DRAWS = 2000
_NORMAL = NormalDist()
_BITS = 53


@dataclass(frozen=True, slots=True)
class Count:
    """What one unit showed: ``hits`` of ``of``."""

    hits: Fraction
    of: Fraction

    @property
    def value(self) -> Fraction:
        """Return hits ÷ of."""
        return self.hits / self.of


@dataclass(frozen=True, slots=True)
class FunnelLimits:
    """Where a unit of one size may lie by chance around the common value: 95 % and 99.8 %."""

    size: Fraction
    low: float
    high: float
    far_low: float
    far_high: float


@dataclass(frozen=True, slots=True)
class Agreement:
    """Cohen's κ with its 95 % interval. ``value`` is None where chance alone would always agree."""

    value: float | None
    low: float | None
    high: float | None
    pairs: int


def stream(seed: str) -> Iterator[float]:
    """Return uniform numbers between 0 and 1, both excluded: SHA-256 of seed and position."""
    for position in itertools.count():
        bits = int.from_bytes(hashlib.sha256(f"{seed}/{position}".encode()).digest()[:8]) >> (64 - _BITS)
        yield (bits + 0.5) / (1 << _BITS)


def empirical_bayes(counts: Sequence[Count], kind: Kind) -> tuple[Fraction, ...]:
    """Pull each unit's value towards the common one, the more the less it counted.

    Marshall's moment estimator (Applied Statistics 40, 1991, 283–294), for shares with the binomial variance.
    Exact fractions, in the order given.
    """
    if not counts:
        return ()
    total = sum((one.of for one in counts), Fraction(0))
    common = sum((one.hits for one in counts), Fraction(0)) / total
    chance = common if kind == "rate" else common * (1 - common)
    spread = sum((one.of * (one.value - common) ** 2 for one in counts), Fraction(0)) / total
    between = max(spread - chance * len(counts) / total, Fraction(0))
    shrunk = []
    for one in counts:
        weight = between / (between + chance / one.of) if between else Fraction(0)
        shrunk.append(common + weight * (one.value - common))
    return tuple(shrunk)


def drawing(count: Count, kind: Kind) -> Draw:
    """Draw from what may lie behind a count: Jeffreys' posterior, beta for a share and gamma for a rate."""
    hits, of = float(count.hits), float(count.of)
    if kind == "rate":
        return lambda numbers: _gamma(hits + 0.5, numbers) / of

    def share(numbers: Iterator[float]) -> float:
        yes, no = _gamma(hits + 0.5, numbers), _gamma(of - hits + 0.5, numbers)
        return yes / (yes + no)

    return share


def drawing_normal(middle: Fraction, width: Fraction) -> Draw:
    """Draw a mean whose normal 95 % interval is so wide."""
    centre, deviation = float(middle), float(width) / (2 * _NORMAL.inv_cdf(0.975))
    return lambda numbers: centre + deviation * _NORMAL.inv_cdf(next(numbers))


def drawing_total(total: Fraction, points: Sequence[Fraction]) -> Draw:
    """Draw the total of a sheet: each posting is an event that might as well have happened more or less often.

    The variance of a sum of Poisson events is the sum of their squared points.
    """
    middle, deviation = float(total), sqrt(float(sum((one * one for one in points), Fraction(0))))
    return lambda numbers: middle + deviation * _NORMAL.inv_cdf(next(numbers))


def rank_intervals(
    units: Sequence[Draw], seed: str, *, better: Literal["high", "low"] = "high", draws: int = DRAWS
) -> tuple[tuple[int, int], ...]:
    """Return the ranks that each unit holds in the middle 95 % of drawn rankings, in the order given."""
    numbers = stream(seed)
    held: list[list[int]] = [[] for _ in units]
    for _ in range(draws):
        values = [draw(numbers) for draw in units]
        order = sorted(range(len(units)), key=values.__getitem__, reverse=better == "high")
        for rank, unit in enumerate(order, 1):
            held[unit].append(rank)
    tail = draws // 40
    return tuple((ranks[tail], ranks[-1 - tail]) for ranks in map(sorted, held))


def funnel(common: Fraction, sizes: Sequence[Fraction], kind: Kind) -> tuple[FunnelLimits, ...]:
    """Return the limits of a funnel plot at each size (Spiegelhalter, Statistics in Medicine 24, 2005, 1185–1202).

    Normal limits with the variance that holds if the unit does as all do.
    """
    centre = float(common)
    chance = centre if kind == "rate" else centre * (1 - centre)
    top = 1.0 if kind == "share" else float("inf")

    def at(size: Fraction, share: float) -> tuple[float, float]:
        reach = _NORMAL.inv_cdf((1 + share) / 2) * sqrt(chance / float(size))
        return max(centre - reach, 0.0), min(centre + reach, top)

    return tuple(FunnelLimits(size, *at(size, 0.95), *at(size, 0.998)) for size in sizes)


def kappa(pairs: Sequence[tuple[str, str]]) -> Agreement:
    """Return how far two judges agree beyond chance, with Cohen's large-sample interval (1960).

    Example:
        >>> kappa(
        ...     [("yes", "yes")] * 20 + [("yes", "no")] * 5 + [("no", "yes")] * 10 + [("no", "no")] * 15
        ... ).value
        0.4
    """
    n = len(pairs)
    if n == 0:
        return Agreement(None, None, None, 0)
    agreed = Fraction(sum(one == two for one, two in pairs), n)
    first, second = Counter(one for one, _ in pairs), Counter(two for _, two in pairs)
    by_chance = Fraction(sum(first[word] * second[word] for word in first), n * n)
    if by_chance == 1:
        return Agreement(None, None, None, n)
    value = float((agreed - by_chance) / (1 - by_chance))
    error = sqrt(float(agreed * (1 - agreed) / (n * (1 - by_chance) ** 2)))
    reach = _NORMAL.inv_cdf(0.975) * error
    return Agreement(value, max(value - reach, -1.0), min(value + reach, 1.0), n)


def _gamma(shape: float, numbers: Iterator[float]) -> float:
    """Draw from the gamma distribution of scale 1 (Marsaglia and Tsang, ACM TOMS 26, 2000, 363–372)."""
    if shape < 1:
        return float(_gamma(shape + 1, numbers) * exp(log(next(numbers)) / shape))
    d = shape - 1 / 3
    c = 1 / sqrt(9 * d)
    while True:
        x = _NORMAL.inv_cdf(next(numbers))
        v = (1 + c * x) ** 3
        if v > 0 and log(next(numbers)) < x * x / 2 + d - d * v + d * log(v):
            return d * v
