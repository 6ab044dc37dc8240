"""Tasks that must never end: each is started again when it does, and told of while it cannot.

A task that dies in silence leaves a service that answers and does nothing. So none runs outside of this.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import structlog
from prometheus_client import Counter

log = structlog.get_logger(__name__)

RESTARTED = Counter("jiandu_tasks_restarted", "Endless tasks that ended and were started again.", ["task"])

_PAUSES_S = (0.5, 1.0, 2.0, 5.0, 15.0)
_FAILING_AFTER = 3
"""Ends in a row after which the process counts as unwell."""

_WELL_AFTER_S = 60.0
"""A task that ran so long since its last end counts as well again."""


class TaskSupervisor:
    """The endless tasks of one process."""

    def __init__(self) -> None:
        """Nothing runs yet."""
        self._ends: dict[str, int] = {}
        self._begun: dict[str, float] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = False

    def start(self, stack: AsyncExitStack, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Run ``work`` for as long as ``stack`` is open; it then has a moment to finish what it holds."""
        self._ends[name] = 0
        task = asyncio.create_task(self._tend(name, work), name=name)
        self._tasks.append(task)
        stack.push_async_callback(self._stop)

    async def _stop(self) -> None:
        """End all at once: one after the other, each with its own moment, would take too long."""
        if not self._stopping:
            self._stopping = True
            await asyncio.gather(*(ended(task) for task in self._tasks))

    def failing(self) -> dict[str, str]:
        """Say which tasks end again and again. Empty when all is well."""
        now = time.monotonic()
        return {
            name: f"ended {count} times in a row"
            for name, count in self._ends.items()
            if count >= _FAILING_AFTER and now - self._begun.get(name, now) < _WELL_AFTER_S
        }

    async def _tend(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        me = asyncio.current_task()
        while True:
            self._begun[name] = time.monotonic()
            try:
                await work()
                log.error("task.ended", task=name)
            except asyncio.CancelledError as error:
                if me is None or me.cancelling():
                    raise
                # Not ours: a library cancelled what it waited for, and its waiter with it.
                log.exception("task.cancelled", task=name, exc_info=error)
            except Exception as error:  # whatever it was, the work must go on
                log.exception("task.failed", task=name, exc_info=error)
            RESTARTED.labels(name).inc()
            if time.monotonic() - self._begun[name] > _WELL_AFTER_S:
                self._ends[name] = 0
            self._ends[name] += 1
            await asyncio.sleep(_PAUSES_S[min(self._ends[name], len(_PAUSES_S)) - 1])


async def ended(task: asyncio.Task[None], within_s: float = 6.0) -> None:
    """Cancel ``task`` and wait until it has ended, but not for ever."""
    left: set[asyncio.Task[None]] = set()
    # Twice: a library that is just done when the first comes can swallow it.
    for patience_s in (within_s, 2.0):
        task.cancel()
        _, left = await asyncio.wait({task}, timeout=patience_s)
        if not left:
            break
    if left:
        log.error("task.does-not-end", task=task.get_name())
    elif not task.cancelled() and (error := task.exception()):
        log.warning("task.ended-badly", task=task.get_name(), error=repr(error))
