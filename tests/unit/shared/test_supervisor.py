"""Tasks that must never end, and acknowledgements that must never run ahead."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest

from shared.inbox.consumer import Prefix
from shared.runtime import supervisor
from shared.runtime.supervisor import TaskSupervisor


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "_PAUSES_S", (0.0,))


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(10_000):
        if condition():
            return
        await asyncio.sleep(0)
    pytest.fail("it did not come about")


async def test_a_task_that_fails_is_started_again_and_told_of_when_it_goes_on_failing() -> None:
    """INVARIANT: nothing dies in silence.

    What breaks it: a task that nobody awaits.
    """
    begun: list[int] = []

    async def work() -> None:
        begun.append(1)
        raise LookupError("unforeseen")

    tasks = TaskSupervisor()
    async with AsyncExitStack() as stack:
        tasks.start(stack, "work", work)
        await until(lambda: len(begun) == 2)
        assert tasks.failing() == {}
        await until(lambda: len(begun) > 4)
        assert list(tasks.failing()) == ["work"]


async def test_a_cancellation_that_nobody_of_ours_asked_for_does_not_end_a_task() -> None:
    """INVARIANT: a library that cancels what it waits for cannot end a service's task.

    What breaks it: taking every CancelledError for the order to stop.
    """
    begun: list[int] = []

    async def work() -> None:
        begun.append(1)
        if len(begun) == 1:
            raise asyncio.CancelledError
        await asyncio.Event().wait()

    async with AsyncExitStack() as stack:
        TaskSupervisor().start(stack, "work", work)
        await until(lambda: len(begun) == 2)


async def test_stopping_ends_all_at_once_and_waits_for_what_each_still_does() -> None:
    ended: list[str] = []

    async def work(name: str) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.05)
            ended.append(name)

    tasks = TaskSupervisor()
    loop = asyncio.get_running_loop()
    async with AsyncExitStack() as stack:
        for name in ("a", "b", "c", "d"):
            tasks.start(stack, name, lambda name=name: work(name))  # type: ignore[misc]  # binds the loop variable
        await asyncio.sleep(0)
        began = loop.time()

    assert sorted(ended) == ["a", "b", "c", "d"]
    # One after the other they would take 0.2 s.
    assert loop.time() - began < 0.15


@dataclass
class Delivered:
    """A delivery, as far as acknowledging needs it."""

    delivery_tag: int


def test_only_a_settled_prefix_is_acknowledged() -> None:
    """INVARIANT: `multiple` covers nothing that is not settled.

    What breaks it: acknowledging up to the last of a batch; what overtook it would be lost.
    """
    one, two, three, four = (Delivered(tag) for tag in (1, 2, 3, 4))
    tags: Prefix[Delivered] = Prefix()

    found = [tags.settle(batch) for batch in ([two], [one], [four], [three])]

    assert found == [None, two, None, four]
