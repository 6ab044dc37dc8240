"""Processes of the operating system, told apart for certain. Linux only.

A process id is used again; an id together with its start and the machine's boot is not.
"""

import os
import secrets
import select
import signal
import socket
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from pydantic import BaseModel, ConfigDict

FOLDER_VARIABLE = "JIANDU_STACK_FOLDER"
"""Every process of a stack carries its folder under this name, and hands it on to its children."""

_PROC = Path("/proc")
# Below Linux's default range for outgoing connections (32768 to 60999): one of those could otherwise sit
# on the port of a service that is about to be started again.
_PORTS = range(20_000, 32_000)
_DEAD = {"Z", "X"}


class Identity(BaseModel):
    """One process, never to be mistaken for a later one with the same id."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pid: int
    started_ticks: int
    boot: str


def identity_of(pid: int) -> Identity | None:
    """Identify the process that has ``pid`` now, if any."""
    stat = _stat(pid)
    return None if stat is None else Identity(pid=pid, started_ticks=stat[1], boot=_boot())


def is_running(identity: Identity) -> bool:
    """Tell whether this very process still runs. One that ended and waits for its parent does not."""
    stat = _stat(identity.pid)
    return (
        stat is not None
        and stat[0] not in _DEAD
        and stat[1] == identity.started_ticks
        and _boot() == identity.boot
    )


def send(identity: Identity, number: signal.Signals) -> bool:
    """Signal this very process; do nothing and answer False if it has gone."""
    try:
        handle = os.pidfd_open(identity.pid)
    except ProcessLookupError:
        return False
    try:
        # The handle holds on to the process that has the id now, so what is checked is what is signalled.
        if not is_running(identity):
            return False
        signal.pidfd_send_signal(handle, number)
    except ProcessLookupError:
        return False
    finally:
        os.close(handle)
    return True


def wait_gone(identity: Identity, timeout_s: float) -> bool:
    """Wait until the process has ended; False when it outlives the time."""
    try:
        handle = os.pidfd_open(identity.pid)
    except ProcessLookupError:
        return True
    try:
        if identity_of(identity.pid) == identity:
            # Also for one that looks dead: its last threads may still hold its ports.
            poll = select.poll()
            poll.register(handle, select.POLLIN)
            if not poll.poll(timeout_s * 1000):
                return False
        _reap(identity)
        return True
    finally:
        os.close(handle)


def spawn(argv: Sequence[str], *, env: Mapping[str, str], cwd: Path, log: Path) -> Identity | None:
    """Start a process in a session of its own, so that Ctrl-C in the terminal does not reach it.

    Answers None when it ended at once. What it prints goes to the end of ``log``.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    appended = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    # Not subprocess.Popen: that one complains when its object goes before the process does, and ours stay.
    pid = os.posix_spawnp(
        "env",
        ["env", "-C", str(cwd), *argv],
        env,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), appended, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
    )
    _wait_until_it_is_itself(pid)
    return identity_of(pid)


def _wait_until_it_is_itself(pid: int, timeout_s: float = 2) -> None:
    """Wait until ``env`` has become the program: in between it shows no environment, so ``members`` would miss it."""
    give_up = time.monotonic() + timeout_s
    while time.monotonic() < give_up:
        try:
            command = (_PROC / str(pid) / "cmdline").read_bytes()
        except OSError:
            return
        if command and not command.startswith(b"env\0"):
            return
        if (found := _stat(pid)) is None or found[0] == "Z":
            return
        time.sleep(0.002)


def members(folder: Path) -> list[Identity]:
    """Find every process that was started for ``folder``, also those that no record names."""
    mark = f"{FOLDER_VARIABLE}={folder}".encode()
    found = []
    for entry in _PROC.iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        identity = identity_of(int(entry.name))
        try:
            environment = (entry / "environ").read_bytes()
        except OSError:
            continue  # it ended, or it is another user's, who could not have started it for us
        if identity is not None and mark in environment.split(b"\0") and is_running(identity):
            found.append(identity)
    return found


def end_members(folder: Path, timeout_s: float = 10) -> int:
    """Kill whatever is left of the stack in ``folder``; answer how many there were."""
    ended = 0
    give_up = time.monotonic() + timeout_s
    # A second look: one that was killed may have forked just before.
    while (left := members(folder)) and time.monotonic() < give_up:
        for identity in left:
            ended += send(identity, signal.SIGKILL)
            wait_gone(identity, 2)
    return ended


def free_port(taken: Collection[int] = ()) -> int:
    """Choose a loopback port that nobody listens on and that is not in ``taken``."""
    for _ in range(200):
        port = secrets.choice(_PORTS)
        if port not in taken and port_is_free(port):
            return port
    raise OSError(f"no free port between {_PORTS.start} and {_PORTS.stop}")


def port_is_free(port: int) -> bool:
    """Tell whether a server could listen on this loopback port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _reap(identity: Identity) -> None:
    """Take the exit code of an ended child of ours, which otherwise keeps its id until we end too."""
    if identity_of(identity.pid) == identity:
        with suppress(ChildProcessError):
            os.waitpid(identity.pid, os.WNOHANG)


def _stat(pid: int) -> tuple[str, int] | None:
    """Read the state letter and the start, in clock ticks since boot."""
    try:
        text = (_PROC / str(pid) / "stat").read_text("utf-8", errors="replace")
    except OSError:
        return None
    # The command, in brackets, may hold blanks and brackets; the rest counts from its last bracket.
    fields = text.rpartition(")")[2].split()
    return fields[0], int(fields[19])


def _boot() -> str:
    return (_PROC / "sys/kernel/random/boot_id").read_text("ascii").strip()
