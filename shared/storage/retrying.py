"""Load, decide, save: again, with what is there then, where another writer of the same document came first."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from shared.errors import StaleWriteError

T = TypeVar("T")

TRIES = 6
"""Rounds against other writers. Each round one of them gets through, so more would mean a crowd on one record."""


async def retrying(change: Callable[[], Awaitable[T]]) -> T:
    """Return what ``change`` comes to: it reads the document, decides on it and writes it.

    Raises:
        StaleWriteError: Others came first in every round. Nothing was written.
    """
    for _ in range(TRIES):
        try:
            return await change()
        except StaleWriteError:
            continue
    msg = "Other changes of this record came first, again and again. Try again."
    raise StaleWriteError(msg)
