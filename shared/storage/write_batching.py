"""Shared writes: whatever queued while the last write was in flight goes in the next one.

No timer, so an idle caller waits for nothing; one bad item fails alone.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from shared.errors import TransientError

T = TypeVar("T")
R = TypeVar("R")

Flush = Callable[[Sequence[T]], Awaitable[Sequence[R | Exception]]]


class WriteBatcher(Generic[T, R]):
    """Collects items from concurrent callers and writes them together.

    A caller that is cancelled loses its answer, never its write: the others in it must not suffer.

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
        future.add_done_callback(_seen)
        self._queue.append((item, future))
        if self._running is None:
            self._running = asyncio.create_task(self._drain())
        return await asyncio.shield(future)

    async def _drain(self) -> None:
        batch: list[tuple[T, asyncio.Future[R]]] = []
        try:
            while self._queue:
                batch, self._queue = self._queue[: self._most], self._queue[self._most :]
                results = await self._flushed([item for item, _ in batch])
                for (_, future), result in zip(batch, results, strict=True):
                    _answer(future, result)
        finally:
            # Whatever ended this task, nobody may wait for it, and the next caller starts another.
            self._running = None
            left, self._queue = [*batch, *self._queue], []
            for _, future in left:
                _answer(future, TransientError("The write was interrupted. Try again."))

    async def _flushed(self, items: Sequence[T]) -> Sequence[R | Exception]:
        try:
            results = await self._flush(items)
        except TransientError as error:
            return [error] * len(items)
        except Exception as error:  # noqa: BLE001  # handed on to the caller whose item it is
            if len(items) == 1:
                return [error]
            return [result for item in items for result in await self._flushed([item])]
        if len(results) != len(items):
            msg = f"{len(items)} items were written together, and {len(results)} answers came back."
            return [RuntimeError(msg)] * len(items)
        return results


def _answer(future: "asyncio.Future[R]", result: R | Exception) -> None:
    if future.done():
        return
    if isinstance(result, Exception):
        future.set_exception(result)
    else:
        future.set_result(result)


def _seen(future: "asyncio.Future[R]") -> None:
    # The caller may be gone; an error that nobody reads would otherwise be reported by the loop.
    if not future.cancelled():
        future.exception()
