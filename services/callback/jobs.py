"""Time in: the sweep that speaks for silence."""

from collections.abc import Awaitable, Callable

from services.callback.handlers import Callbacks, Campaigns


def jobs(use: Callbacks, campaigns: Campaigns) -> list[tuple[str, Callable[[], Awaitable[None]]]]:
    """Return the named sweeps. Safe to repeat, to overlap, and to run in several replicas at once."""

    async def windows() -> None:
        await use.sweep()

    return [("windows", windows), ("campaigns", campaigns.tend)]
