"""The stack as a whole, on real servers."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from jiandu.stack.errors import StackError
from jiandu.stack.plan import Plan, Process
from jiandu.stack.processes import identity_of, members
from jiandu.stack.server import ROOT
from jiandu.stack.stack import Stack


class OnlyServers(Plan):
    """No services."""

    def processes(self) -> tuple[Process, ...]:
        return ()


class Faulty(Plan):
    """A service that does not exist."""

    def processes(self) -> tuple[Process, ...]:
        return (Process("nothing", "nothing"),)


@pytest.fixture(autouse=True)
def _own_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests start and stop servers, so they need some that are theirs."""
    monkeypatch.delenv("JIANDU_MONGO_URL", raising=False)
    monkeypatch.delenv("JIANDU_AMQP_URL", raising=False)


@pytest.mark.connected
def test_up_is_repeatable_and_down_leaves_no_process(tmp_path: Path) -> None:
    """INVARIANT: after ``down`` nothing runs that ``up`` started, the port mapper and children included.

    What breaks it: stopping only the processes whose ids were kept. RabbitMQ starts a daemon of its own.
    """
    stack = Stack(tmp_path, mongo_cache_gb=0.25)
    stack.up(OnlyServers())
    first = stack.file.running()
    addresses = stack.mongo_url, stack.amqp_url
    Stack(tmp_path).up(OnlyServers())
    second = stack.file.running()

    stack.down()

    assert first.keys() == {"mongod", "epmd", "rabbitmq"}
    assert second == first
    assert members(tmp_path) == []
    assert stack.down() == 0
    assert (stack.mongo_url, stack.amqp_url) == addresses


@pytest.mark.connected
def test_a_service_that_fails_takes_down_what_was_started_for_it(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="nothing ended while it started") as raised:
        Stack(tmp_path, mongo_cache_gb=0.25).up(Faulty())

    assert "No module named 'services.nothing'" in str(raised.value)
    assert members(tmp_path) == []


@pytest.mark.connected
def test_a_killed_holder_leaves_no_server_behind(tmp_path: Path) -> None:
    folder = tmp_path / "stack"
    script = (
        "import sys, pathlib; from jiandu.stack.guard import guarded; from jiandu.stack.stack import Stack\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        "with guarded(folder): Stack(folder).mongo.spawn(); print('up', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", script, str(folder)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe) as holder:
        assert holder.stdout is not None
        assert holder.stderr is not None
        assert holder.stdout.readline() == b"up\n"
        assert len(members(folder)) == 1

        os.kill(holder.pid, signal.SIGKILL)
        # The guard writes its errors where its holder does, so this ends when the guard does.
        errors = holder.stderr.read()

    assert errors == b""

    assert not folder.exists()
    assert members(folder) == []


def test_servers_named_in_the_settings_are_used_and_none_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JIANDU_MONGO_URL", "mongodb://elsewhere")
    monkeypatch.setenv("JIANDU_AMQP_URL", "amqp://elsewhere")

    stack = Stack.servers(tmp_path)

    assert (stack.mongo_url, stack.amqp_url) == ("mongodb://elsewhere", "amqp://elsewhere")
    assert members(tmp_path) == []
    with pytest.raises(StackError, match="not ours"):
        stack.broker.stop()


def test_one_stack_serves_one_group(tmp_path: Path) -> None:
    stack = Stack(tmp_path)
    stack.file.choose_group("general")
    stack.file.record("handling", identity_of(os.getpid()))

    with pytest.raises(StackError, match="runs for the group 'general'"):
        stack.up(Plan(group="jinke"))
