"""Time in: the sweep that speaks for silence."""

from collections.abc import Awaitable, Callable

from services.handling.handlers import Handling


def jobs(use: Handling) -> list[tuple[str, Callable[[], Awaitable[None]]]]:
    """Return the named sweeps. Safe to repeat and to overlap."""

    async def deadlines() -> None:
        await use.sweep()

    return [("deadlines", deadlines)]
