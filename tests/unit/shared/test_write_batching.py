"""Shared writes: what queued goes together, and what is bad fails alone."""

import asyncio
from collections.abc import Sequence

import pytest

from shared.errors import TransientError
from shared.storage.write_batching import WriteBatcher


class Writes:
    """Records what was written together; a number below zero is refused."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.open = asyncio.Event()
        self.open.set()

    async def __call__(self, items: Sequence[int]) -> list[int | Exception]:
        await self.open.wait()
        self.batches.append(list(items))
        if min(items) < 0:
            msg = "refused"
            raise ValueError(msg)
        return [10 * item for item in items]


async def test_what_queued_during_a_write_goes_in_the_next_one() -> None:
    writes = Writes()
    save: WriteBatcher[int, int] = WriteBatcher(writes)

    answers = await asyncio.gather(*(save(item) for item in range(1, 6)))

    assert answers == [10, 20, 30, 40, 50]
    assert writes.batches == [[1, 2, 3, 4, 5]]


async def test_an_idle_caller_waits_for_nobody() -> None:
    writes = Writes()
    save: WriteBatcher[int, int] = WriteBatcher(writes)

    assert (await save(1), await save(2)) == (10, 20)
    assert writes.batches == [[1], [2]]


async def test_a_large_queue_goes_in_parts() -> None:
    writes = Writes()
    save: WriteBatcher[int, int] = WriteBatcher(writes, most=2)

    await asyncio.gather(*(save(item) for item in range(1, 6)))

    assert writes.batches == [[1, 2], [3, 4], [5]]


async def test_one_bad_item_fails_alone() -> None:
    """INVARIANT: callers that share a write share no fault.

    What breaks it: giving the error of the whole write to everybody in it.
    """
    save: WriteBatcher[int, int] = WriteBatcher(Writes())

    good, bad, other = await asyncio.gather(save(1), save(-1), save(2), return_exceptions=True)

    assert (good, other) == (10, 20)
    assert isinstance(bad, ValueError)


async def test_a_fault_that_passes_is_everybodys_and_is_not_written_again_one_by_one() -> None:
    calls: list[int] = []

    async def down(items: Sequence[int]) -> list[int | Exception]:
        calls.append(len(items))
        msg = "away"
        raise TransientError(msg)

    save: WriteBatcher[int, int] = WriteBatcher(down)

    answers = await asyncio.gather(*(save(item) for item in range(3)), return_exceptions=True)

    assert [type(answer) for answer in answers] == [TransientError] * 3
    assert calls == [3]


async def test_a_caller_that_is_cancelled_takes_nobody_with_it() -> None:
    """INVARIANT: a client that hangs up does not undo what others write with it.

    What breaks it: running the write in the task of whoever came first.
    """
    writes = Writes()
    writes.open.clear()
    save: WriteBatcher[int, int] = WriteBatcher(writes)
    first, second = asyncio.create_task(save(1)), asyncio.create_task(save(2))
    await asyncio.sleep(0)

    first.cancel()
    await asyncio.sleep(0)
    writes.open.set()

    assert await second == 20
    assert writes.batches == [[1, 2]]
    assert first.cancelled()


async def test_a_write_that_is_cancelled_leaves_nobody_waiting_and_the_next_caller_is_served() -> None:
    """INVARIANT: however a write ends, its callers hear of it and the door stays open.

    What breaks it: clearing the mark of a running write only where it ends well.
    """
    writes = Writes()
    writes.open.clear()
    save: WriteBatcher[int, int] = WriteBatcher(writes)
    caller = asyncio.create_task(save(1))
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    assert save._running is not None
    save._running.cancel()
    with pytest.raises(TransientError):
        await caller
    writes.open.set()

    assert await save(2) == 20


async def test_a_writer_that_answers_for_too_few_is_a_fault_and_not_a_silence() -> None:
    async def forgetful(items: Sequence[int]) -> list[int | Exception]:
        return []

    save: WriteBatcher[int, int] = WriteBatcher(forgetful)

    with pytest.raises(RuntimeError, match="1 items were written together, and 0 answers came back"):
        await save(1)
