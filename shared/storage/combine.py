"""Shared writes: whatever queued while the last write was in flight goes in the next one.

No timer, so an idle caller waits for nothing; one bad item fails alone.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")

Flush = Callable[[Sequence[T]], Awaitable[Sequence[R | Exception]]]


class Combined(Generic[T, R]):
    """Collects items from concurrent callers and writes them together.

    Args:
        flush: Writes many items; returns a result or an exception for each, in order.
        most: Items in one write.
    """

    def __init__(self, flush: Flush[T, R], most: int = 256) -> None:
        """Nothing runs until the first item comes."""
        self._flush = flush
        self._most = most
        self._queue: list[tuple[T, asyncio.Future[R]]] = []
        self._running: asyncio.Task[None] | None = None

    async def __call__(self, item: T) -> R:
        """Write ``item`` with whatever else is waiting. Returns its result or raises its error."""
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._queue.append((item, future))
        if self._running is None:
            self._running = asyncio.create_task(self._drain())
        return await asyncio.shield(future)

    async def _drain(self) -> None:
        while self._queue:
            batch, self._queue = self._queue[: self._most], self._queue[self._most :]
            try:
                results = await self._flush([item for item, _ in batch])
            except Exception as error:  # noqa: BLE001  # handed on to every caller of this write
                results = [error] * len(batch)
            for (_, future), result in zip(batch, results, strict=True):
                if future.done():
                    continue
                if isinstance(result, Exception):
                    future.set_exception(result)
                else:
                    future.set_result(result)
        self._running = None
