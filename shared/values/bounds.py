"""How far the values reach that callers, files and facts give: numbers, instants, days, months. Pure.

Without bounds a few characters ask for a sum without end (``1E-999999999``), or for a day after the last
one that there is.
"""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, TypeAdapter, ValidationError

EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
"""Before any rulebook, for a flat may have been handed over long before the rules that its owner complains under.

How far back a rulebook reaches is for it to say.
"""

LATEST = datetime(2100, 1, 1, tzinfo=UTC)
"""The first moment that is refused."""

_SPAN = f"it must lie from {EARLIEST:%Y-%m-%d} to before {LATEST:%Y-%m-%d}"

Number = Annotated[
    Decimal,
    Field(max_digits=18, decimal_places=6),
    # Nought has no digits to count, and may still be written as 0E+999999999.
    AfterValidator(lambda found: found or Decimal(0)),
]
"""Points, amounts, shares: at most 12 digits before the point and 6 after it; finite."""

_NUMBER: TypeAdapter[Decimal] = TypeAdapter(Number)


def number(value: object) -> Decimal:
    """Read a number of a fact, where it stands as text or as JSON's own number.

    Raises:
        ValueError: It is none, or has more digits than a ``Number``.
    """
    try:
        return _NUMBER.validate_python(str(value))
    except ValueError as error:
        why = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
        msg = (
            f"This is no number that can be counted with: {why}. "
            "Give at most 12 digits before the point and 6 after it."
        )
        raise ValueError(msg) from None


def in_utc(moment: datetime) -> datetime:
    """Return an aware moment in UTC. Raises ``ValueError`` at the ends of time, where UTC has no such year."""
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        msg = f"{moment.isoformat()} lies outside the years 1 to 9999"
        raise ValueError(msg) from None


def as_text(value: object) -> object:
    """Refuse what is neither text nor a date: a number is no day, though pydantic counts one from 1970."""
    if isinstance(value, date) or (isinstance(value, str) and not value.strip("+-. ").isdecimal()):
        return value
    msg = "a bare number is no date; write 2026-02-13, a moment as 2026-02-13T16:10:00+08:00"
    raise ValueError(msg)


def _inside(moment: datetime) -> datetime:
    if not EARLIEST <= moment < LATEST:
        raise ValueError(_SPAN)
    return moment.astimezone(UTC)


def _day_inside(day: date) -> date:
    if not EARLIEST.date() <= day < LATEST.date():
        raise ValueError(_SPAN)
    return day


def _year_inside(text: str) -> str:
    if not EARLIEST.year <= int(text[:4]) < LATEST.year:
        raise ValueError(_SPAN)
    return text


Instant = Annotated[AwareDatetime, BeforeValidator(as_text), AfterValidator(_inside)]
"""When something happened or is due: aware, kept in UTC, inside the bounds."""

Day = Annotated[date, BeforeValidator(as_text), AfterValidator(_day_inside)]
"""A day inside the bounds."""

Month = Annotated[
    str,
    Field(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])$", description="For example 2026-07."),
    AfterValidator(_year_inside),
]
"""A month inside the bounds, as text."""

Period = Annotated[
    str,
    Field(pattern=r"^[0-9]{4}(-(0[1-9]|1[0-2])|-Q[1-4])?$", description="2026-07, 2026-Q3 or 2026."),
    AfterValidator(_year_inside),
]
"""A month, quarter or year inside the bounds, as text."""
