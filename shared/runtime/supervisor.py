"""Tasks that must never end: each is started again when it does, and told of while it cannot.

A task that dies in silence leaves a service that answers and does nothing. So none runs outside of this.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

import structlog
from prometheus_client import Counter

from shared.errors import TransientError

log = structlog.get_logger(__name__)

RESTARTED = Counter("jiandu_tasks_restarted", "Endless tasks that ended and were started again.", ["task"])

_PAUSES_S = (0.5, 1.0, 2.0, 5.0, 15.0)
_FAILING_AFTER = 3
"""Ends in a row after which the process counts as unwell."""

_WELL_AFTER_S = 60.0
"""A task that ran so long since its last end counts as well again."""

_SESSION_PAUSE_S = 0.5
_REMINDED_EVERY_S = 60.0
"""One line when a session breaks and one a minute, not one each half second for as long as it is down."""

Work = Callable[[], Awaitable[None]]


@dataclass(slots=True)
class _Health:
    """How one task fares: how often it ended in a row, since when it runs, and what was said of its breaks."""

    ends: int = 0
    begun: float = 0.0
    said: str = ""
    said_at: float = 0.0


class TaskSupervisor:
    """The endless tasks of one process."""

    def __init__(self) -> None:
        """Nothing runs yet."""
        self._health: dict[str, _Health] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = False

    def start(
        self, stack: AsyncExitStack, name: str, work: Work, *, breaks: tuple[type[Exception], ...] = ()
    ) -> None:
        """Run ``work`` for as long as ``stack`` is open; it then has a moment to finish what it holds.

        Args:
            breaks: What ends a session, and is no fault of the task: a lost connection. It is begun again at once.
        """
        self._health[name] = _Health()
        self._tasks.append(asyncio.create_task(self._keep(name, work, breaks), name=name))
        stack.push_async_callback(self._stop)

    def every(self, stack: AsyncExitStack, name: str, job: Work, every_s: float) -> None:
        """Run ``job`` again and again. One that fails is logged and runs the next time all the same."""

        async def again_and_again() -> None:
            while True:
                try:
                    await job()
                except TransientError as error:
                    log.warning("job.later", job=name, error=repr(error))
                except Exception:  # the third edge: a failing sweep must not end the service
                    log.exception("job.failed", job=name)
                await asyncio.sleep(every_s)

        self.start(stack, f"job-{name}", again_and_again)

    async def _stop(self) -> None:
        """End all at once: one after the other, each with its own moment, would take too long."""
        if not self._stopping:
            self._stopping = True
            await asyncio.gather(*(ended(task) for task in self._tasks))

    def failing(self) -> dict[str, str]:
        """Say which tasks end again and again. Empty when all is well."""
        now = time.monotonic()
        return {
            name: f"ended {one.ends} times in a row"
            for name, one in self._health.items()
            if one.ends >= _FAILING_AFTER and now - one.begun < _WELL_AFTER_S
        }

    async def _keep(self, name: str, work: Work, breaks: tuple[type[Exception], ...]) -> None:
        """Run a task, and begin it again whenever it ends. The one restart loop of a process."""
        me, health = asyncio.current_task(), self._health[name]
        while True:
            health.begun = time.monotonic()
            try:
                await work()
                if breaks:
                    health.said = ""
                    await asyncio.sleep(_SESSION_PAUSE_S)
                    continue
                log.error("task.ended", task=name)
            except asyncio.CancelledError as error:
                if me is None or me.cancelling():
                    raise
                # Not ours: a library cancelled what it waited for, and its waiter with it.
                log.exception("task.cancelled", task=name, exc_info=error)
            except breaks as error:
                _say_broken(name, health, error)
                await asyncio.sleep(_SESSION_PAUSE_S)
                continue
            except Exception as error:  # whatever it was, the work must go on
                log.exception("task.failed", task=name, exc_info=error)
            RESTARTED.labels(name).inc()
            health.ends = 1 if time.monotonic() - health.begun > _WELL_AFTER_S else health.ends + 1
            await asyncio.sleep(_PAUSES_S[min(health.ends, len(_PAUSES_S)) - 1])


def _say_broken(name: str, health: _Health, error: Exception) -> None:
    if type(error).__name__ != health.said or time.monotonic() - health.said_at > _REMINDED_EVERY_S:
        log.warning("broker.lost", link=name, error=repr(error))
        health.said, health.said_at = type(error).__name__, time.monotonic()


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
