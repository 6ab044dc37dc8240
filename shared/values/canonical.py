"""Exact numbers and exact bytes: the same value is the same text on every machine.

Nothing here depends on the decimal context of the thread, which a caller may have changed.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import Field, fields, is_dataclass
from datetime import UTC, date, datetime
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal
from fractions import Fraction
from functools import reduce
from math import log
from typing import Any

import orjson

_EXACT = Context(prec=100)
_UNROUNDED = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN)
_BRIEF_PLACES = 6

LATER = {"later": True}
"""Metadata of a field that came after results were published: left out while it holds its default, so that what was
published before keeps its bytes."""


def half_up(value: Fraction | Decimal, decimals: int) -> Decimal:
    """Round to ``decimals`` places, a half away from zero.

    Example:
        >>> half_up(Fraction(245, 100), 1)
        Decimal('2.5')
    """
    scaled = abs(Fraction(value)) * 10**decimals
    rounded = int(scaled + Fraction(1, 2))
    return Decimal(-rounded if value < 0 else rounded).scaleb(-decimals, _EXACT)


def exact_sum(values: Iterable[Decimal]) -> Decimal:
    """Add decimals without rounding."""
    return reduce(_EXACT.add, values, Decimal(0))


def text_of(value: Decimal | Fraction) -> str:
    """Write a number exactly: plain decimals where they end, else as a fraction.

    Example:
        >>> text_of(Decimal("79.50")), text_of(Fraction(1, 3))
        ('79.5', '1/3')
    """
    if isinstance(value, Decimal):
        shown = format(value, "f")
        shown = shown.rstrip("0").rstrip(".") if "." in shown else shown
        return "0" if shown == "-0" else shown
    denominator = value.denominator
    twos = (denominator & -denominator).bit_length() - 1
    odd = denominator >> twos
    fives = round(log(odd, 5))
    if odd != 5**fives:
        # Through Decimal, because Python writes no whole number of more than 4300 digits.
        return f"{Decimal(value.numerator):f}/{Decimal(denominator):f}"
    places = max(twos, fives)
    shifted = value.numerator * 2 ** (places - twos) * 5 ** (places - fives)
    return text_of(Decimal(shifted).scaleb(-places, _UNROUNDED))


def brief(value: Fraction) -> str:
    """Write a number for people: up to six decimals, half up."""
    return text_of(half_up(value, _BRIEF_PLACES))


def number_of(text: str) -> Fraction:
    """Read what ``text_of`` wrote."""
    return Fraction(text)


def plain(value: Any) -> Any:  # noqa: ANN401  # any part of a result becomes plain JSON
    """Turn a part of a result into plain JSON: numbers as text, instants in UTC, fields by name."""
    shown: Any
    match value:
        case None | bool() | int() | str():
            shown = value
        case Decimal() | Fraction():
            shown = text_of(value)
        case datetime():
            shown = value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case date():
            shown = value.isoformat()
        case Mapping():
            shown = {str(key): plain(inside) for key, inside in value.items()}
        case frozenset():
            shown = sorted(plain(inside) for inside in value)
        case tuple() | list():
            shown = [plain(inside) for inside in value]
        case _ if is_dataclass(value):
            shown = {
                part.name: plain(getattr(value, part.name)) for part in fields(value) if _is_told(part, value)
            }
        case _:
            name = type(value).__name__
            raise TypeError(f"A {name} has no canonical form; use decimals, texts, instants and tuples.")
    return shown


def _is_told(part: Field[Any], value: object) -> bool:
    return "later" not in part.metadata or getattr(value, part.name) != part.default


def bytes_of(document: Any) -> bytes:  # noqa: ANN401  # any plain JSON
    """Return the one byte string of a plain document: sorted keys, no spaces, UTF-8."""
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS)


def hash_of(document: Any) -> str:  # noqa: ANN401  # any plain JSON
    """Return the SHA-256 of ``bytes_of``, in hex."""
    return hashlib.sha256(bytes_of(document)).hexdigest()
