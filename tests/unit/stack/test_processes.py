"""A process is known by more than its id."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from jiandu.stack.processes import (
    FOLDER_VARIABLE,
    Identity,
    end_members,
    free_port,
    identity_of,
    is_running,
    members,
    send,
    spawn,
    wait_gone,
)


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[Identity]:
    """A process that carries the mark of ``tmp_path``."""
    identity = a_sleeper(tmp_path)
    yield identity
    end_members(tmp_path)


def a_sleeper(folder: Path) -> Identity:
    env = {"PATH": os.environ["PATH"], FOLDER_VARIABLE: str(folder)}
    identity = spawn(["sleep", "60"], env=env, cwd=folder, log=folder / "log")
    assert identity is not None
    return identity


def test_a_recycled_id_is_never_signalled(sleeper: Identity) -> None:
    """INVARIANT: a signal reaches the very process that was recorded, or nobody.

    What breaks it: os.kill on the recorded id. After days, or a reboot, the id is somebody else's.
    """
    earlier = sleeper.model_copy(update={"started_ticks": sleeper.started_ticks - 1})
    before_reboot = sleeper.model_copy(update={"boot": "another"})

    reached = [send(identity, signal.SIGKILL) for identity in (earlier, before_reboot)]

    assert reached == [False, False]
    assert is_running(sleeper)


def test_a_killed_child_leaves_no_zombie(sleeper: Identity) -> None:
    assert send(sleeper, signal.SIGKILL)
    assert wait_gone(sleeper, 5)

    assert not is_running(sleeper)
    assert identity_of(sleeper.pid) is None


def test_one_that_ended_but_was_not_fetched_does_not_run(sleeper: Identity) -> None:
    os.kill(sleeper.pid, signal.SIGKILL)
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)

    assert identity_of(sleeper.pid) == sleeper
    assert not is_running(sleeper)


def test_waiting_for_one_that_stays_ends_with_the_time(sleeper: Identity) -> None:
    assert not wait_gone(sleeper, 0.01)


def test_members_are_found_by_the_mark_that_children_inherit(tmp_path: Path) -> None:
    env = {"PATH": os.environ["PATH"], FOLDER_VARIABLE: str(tmp_path)}
    done = tmp_path / "done"
    os.mkfifo(done)
    spawn(["sh", "-c", f"sleep 60 & echo > {done}; wait"], env=env, cwd=tmp_path, log=tmp_path / "log")
    done.read_text("utf-8")

    ended = end_members(tmp_path)

    assert ended == 2
    assert members(tmp_path) == []


def test_another_folders_processes_are_not_members(sleeper: Identity, tmp_path: Path) -> None:
    assert members(tmp_path) == [sleeper]
    assert members(tmp_path / "inner") == []


def test_a_free_port_is_one_that_nobody_was_given() -> None:
    first = free_port()
    second = free_port({first})

    assert first != second
    # Outgoing connections take theirs from 32768 on.
    assert max(first, second) < 32_768
