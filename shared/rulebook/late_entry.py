"""Late entry: who may state when something happened, or enter it for somebody else. Pure, and one for all services."""

from collections.abc import Collection
from datetime import UTC, datetime

from shared.errors import FieldProblem, ForbiddenError, InvalidInputError

IMPORT = "complaints.import"
"""The right to it."""


def must_import(rights: Collection[str]) -> None:
    """Refuse late entry to whom the rulebook does not give it. Raises ``ForbiddenError``."""
    if IMPORT not in rights:
        msg = f"Stating when it happened, or for whom it is entered, needs the right '{IMPORT}'. Leave both out."
        raise ForbiddenError(msg)


def happened_at(rights: Collection[str], at: datetime | None, now: datetime, field: str = "at") -> datetime:
    """Return when something happened: now, unless somebody who may enter it later states it.

    Raises:
        ForbiddenError: The caller states it, and may not.
        InvalidInputError: It has not happened; ``field`` is the one that says so.
    """
    if at is None:
        return now
    must_import(rights)
    if at > now:
        raise InvalidInputError(
            "Nothing was stored. What has not happened cannot be recorded.",
            [FieldProblem(field, "lies in the future")],
        )
    return at.astimezone(UTC)
