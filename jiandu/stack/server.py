"""One process of the stack: started, watched, paused, killed, started again on the same port."""

import os
import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from jiandu.stack.errors import StackError
from jiandu.stack.processes import FOLDER_VARIABLE, Identity, send, spawn, wait_gone
from jiandu.stack.state import StateFile

ROOT = Path(__file__).resolve().parents[2]
"""The project's folder."""

_ASKED_EVERY_S = 0.05


class Recorded:
    """A process that the state file knows by ``name``, whoever started it."""

    stop_within_s: float = 15
    """How long a polite stop may take before the process is killed."""

    def __init__(self, name: str, file: StateFile) -> None:
        """Name the process; it may run or not."""
        self.name = name
        self.file = file
        self.log = file.folder / "logs" / f"{name}.log"

    @property
    def identity(self) -> Identity | None:
        """The process that runs now, if any."""
        return self.file.process(self.name)

    @property
    def running(self) -> bool:
        """Whether the process runs, ready or not."""
        return self.identity is not None

    def ask_to_stop(self) -> None:
        """Send the polite signal and do not wait."""
        if identity := self.identity:
            send(identity, signal.SIGTERM)
            send(identity, signal.SIGCONT)  # a frozen process hears nothing

    def stop(self) -> None:
        """Stop the process: politely, and after ``stop_within_s`` by force."""
        self.ask_to_stop()
        if (identity := self.identity) and not wait_gone(identity, self.stop_within_s):
            send(identity, signal.SIGKILL)
        self._forget()

    def kill(self) -> None:
        """End the process at once, as a crash would (SIGKILL)."""
        if identity := self.identity:
            send(identity, signal.SIGKILL)
        self._forget()

    def pause(self) -> None:
        """Freeze the process (SIGSTOP): it keeps its connections and answers nothing."""
        if identity := self.identity:
            send(identity, signal.SIGSTOP)

    def resume(self) -> None:
        """Let a frozen process go on."""
        if identity := self.identity:
            send(identity, signal.SIGCONT)

    def tail(self, lines: int = 20) -> str:
        """Give the last lines of the log."""
        if not self.log.exists():
            return ""
        with self.log.open("rb") as file:
            # Enough for long lines, and no more: a log can be large.
            file.seek(max(0, self.log.stat().st_size - 64_000))
            text = file.read().decode("utf-8", errors="replace")
        return "\n".join(text.splitlines()[-lines:])

    def last_words(self) -> str:
        """Give the end of the log with its name, for a message."""
        return f"The last lines of {self.log}:\n{self.tail()}"

    def _forget(self) -> None:
        recorded = self.file.state.processes.get(self.name)
        if recorded is not None and wait_gone(recorded, 10):
            self.file.record(self.name, None)


class Server(Recorded, ABC):
    """A process that this stack knows how to start."""

    ready_within_s: float = 60
    """How long it may take from its start until it can be used."""

    @abstractmethod
    def command(self) -> list[str]:
        """Give the command line."""

    @abstractmethod
    def environment(self) -> Mapping[str, str]:
        """Give the environment."""

    @abstractmethod
    def is_ready(self) -> bool:
        """Tell whether the running process can be used; asked until it can."""

    @abstractmethod
    def prepare(self) -> None:
        """Do what has to be done before each start."""

    def spawn(self) -> None:
        """Start the process unless it runs; do not wait until it is ready."""
        if self.running:
            return
        self._forget()
        self.prepare()
        identity = spawn(
            self.command(),
            env={**self.environment(), FOLDER_VARIABLE: str(self.file.folder)},
            cwd=ROOT,
            log=self.log,
        )
        self.file.record(self.name, identity)

    def wait_ready(self) -> None:
        """Wait until the process is ready.

        Raises:
            StackError: It ended, or took too long. The text ends with the last lines of its log.
        """
        wait_all([self], lambda server: None)

    def start(self) -> None:
        """Start the process and wait until it is ready."""
        self.spawn()
        self.wait_ready()

    def restart(self) -> None:
        """Stop the process if it runs, start it on the same port, wait until it is ready."""
        self.stop()
        self.start()


def wait_all(servers: Sequence[Server], on_ready: Callable[[Server], None]) -> None:
    """Wait until each is ready, and tell ``on_ready`` as it happens.

    Raises:
        StackError: One ended, or took too long. The text ends with the last lines of its log.
    """
    started = time.monotonic()
    waiting = list(servers)
    while waiting:
        for server in list(waiting):
            if not server.running:
                raise StackError(f"{server.name} ended while it started. {server.last_words()}")
            if server.is_ready():
                waiting.remove(server)
                on_ready(server)
            elif time.monotonic() - started > server.ready_within_s:
                took = f"was not ready after {server.ready_within_s:.0f} s"
                raise StackError(f"{server.name} {took}. {server.last_words()}")
        time.sleep(_ASKED_EVERY_S if waiting else 0)


def stop_all(processes: Sequence[Recorded]) -> None:
    """Stop several at once: each has the time of the slowest."""
    for process in processes:
        process.ask_to_stop()
    for process in processes:
        process.stop()


def inherited(**more: str) -> dict[str, str]:
    """Give the environment that a process of the stack starts from: the caller's, plus ``more``.

    A caller's ``JIANDU_…`` settings (a shorter sweep, a named crash point) thus reach every service.
    """
    return {**os.environ, "LANG": "C.UTF-8", "TZ": "UTC", **more}
