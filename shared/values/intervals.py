"""How sure a figure is: 95 % intervals of shares, rates and means. Pure, and exact to the last place."""

from decimal import Context, Decimal, localcontext
from fractions import Fraction
from typing import NamedTuple

from shared.values.canonical import half_up

Z_95 = Decimal("1.959963984540054")
"""97.5 % point of the normal distribution."""

INTERVAL_PLACES = 6


class Interval(NamedTuple):
    """A 95 % interval."""

    low: Decimal
    high: Decimal


def wilson(hits: int, of: int) -> Interval:
    """Return the Wilson 95 % interval of a share, to six places.

    Example:
        >>> wilson(6, 7)
        Interval(low=Decimal('0.486872'), high=Decimal('0.974320'))
    """
    if not 0 <= hits <= of or of == 0:
        raise ValueError(f"{hits} of {of} is no share; count at least one and no more hits than that.")
    with localcontext(Context(prec=50)):
        n, p = Decimal(of), Decimal(hits) / Decimal(of)
        square = Z_95 * Z_95
        centre = p + square / (2 * n)
        spread = Z_95 * (p * (1 - p) / n + square / (4 * n * n)).sqrt()
        scale = 1 + square / n
        low, high = (centre - spread) / scale, (centre + spread) / scale
    return Interval(
        half_up(max(low, Decimal(0)), INTERVAL_PLACES), half_up(min(high, Decimal(1)), INTERVAL_PLACES)
    )


def byar(hits: int, of: Decimal) -> Interval:
    """Return Byar's 95 % interval of a rate of events, to six places (Rothman and Boice, 1979).

    Example:
        >>> byar(10, Decimal(1000))
        Interval(low=Decimal('0.004787'), high=Decimal('0.018391'))
    """
    if hits < 0 or of <= 0:
        raise ValueError(f"{hits} events over {of} is no rate.")
    with localcontext(Context(prec=50)):

        def bound(events: Decimal, side: int) -> Decimal:
            inside = 1 - 1 / (9 * events) + side * Z_95 / (3 * events.sqrt())
            return events * inside**3 / of

        low = bound(Decimal(hits), -1) if hits else Decimal(0)
        high = bound(Decimal(hits + 1), 1)
    return Interval(half_up(low, INTERVAL_PLACES), half_up(high, INTERVAL_PLACES))


def mean_interval(n: int, total: int, squares: int) -> Interval:
    """Return the normal 95 % interval of a mean. Of promoters: √((p + d − (p − d)²) ÷ n) is its standard error.

    Example:
        >>> mean_interval(100, 30, 70)
        Interval(low=Decimal('0.146922'), high=Decimal('0.453078'))
    """
    mean = Fraction(total, n)
    variance = (Fraction(squares, n) - mean * mean) / n
    with localcontext(Context(prec=50)):
        spread = Z_95 * (Decimal(variance.numerator) / variance.denominator).sqrt()
        middle = Decimal(mean.numerator) / mean.denominator
    return Interval(half_up(middle - spread, INTERVAL_PLACES), half_up(middle + spread, INTERVAL_PLACES))
