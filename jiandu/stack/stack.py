"""The stack as one thing: servers and services of one folder, started, found again, and ended."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from jiandu.stack.broker import Broker
from jiandu.stack.errors import StackError
from jiandu.stack.mongo import Mongo
from jiandu.stack.plan import Plan, Process, Service, Surroundings
from jiandu.stack.processes import end_members, wait_gone
from jiandu.stack.server import ROOT, Recorded, stop_all, wait_all
from jiandu.stack.state import StateFile

FOLDER = ROOT / ".stack"

Progress = Callable[[str, str], None]
"""Is told the name of a part and what it is doing: checking, starting, ready, stopping."""

# In the order in which they are stopped: the node takes leave of its port mapper.
_SERVERS = ("rabbitmq", "epmd", "mongod")


def _unseen(name: str, phase: str) -> None:
    """Show no progress."""


class Stack:
    """The servers and services of one folder.

    A new ``Stack`` on the same folder finds what an earlier one started. Addresses given in
    ``JIANDU_MONGO_URL`` and ``JIANDU_AMQP_URL`` are used as they are, and no such server is started.
    """

    def __init__(self, folder: Path = FOLDER, *, mongo_cache_gb: float = 1) -> None:
        """Open the stack in ``folder``; nothing starts yet."""
        self.folder = folder.resolve()
        self.file = StateFile(self.folder)
        self._mongo_url = os.environ.get("JIANDU_MONGO_URL", "")
        self._amqp_url = os.environ.get("JIANDU_AMQP_URL", "")
        self._mongo = None if self._mongo_url else Mongo(self.file, cache_gb=mongo_cache_gb)
        self._broker = None if self._amqp_url else Broker(self.file)

    @classmethod
    def servers(cls, folder: Path, *, mongo_cache_gb: float = 0.25) -> "Stack":
        """Open the stack in ``folder`` with its servers running and no services yet."""
        stack = cls(folder, mongo_cache_gb=mongo_cache_gb)
        with stack.file.alone():
            stack._start_servers(_unseen)
        return stack

    @property
    def mongo_url(self) -> str:
        """The address of MongoDB."""
        return self._mongo_url or self.mongo.url

    @property
    def amqp_url(self) -> str:
        """The address of RabbitMQ, with user and password."""
        return self._amqp_url or self.broker.url

    @property
    def mongo(self) -> Mongo:
        """Our own MongoDB."""
        if self._mongo is None:
            raise StackError("JIANDU_MONGO_URL names a server that is not ours to start, stop or kill.")
        return self._mongo

    @property
    def broker(self) -> Broker:
        """Our own RabbitMQ."""
        if self._broker is None:
            raise StackError("JIANDU_AMQP_URL names a broker that is not ours to start, stop or kill.")
        return self._broker

    def service(self, process: Process, *, group: str = "") -> Service:
        """Describe one service process of ``group``, else of the stack's group; it may run or not."""
        surroundings = Surroundings(
            group=group or self.file.state.group or Plan.group,
            mongo_url=self.mongo_url,
            amqp_url=self.amqp_url,
        )
        return Service(process, surroundings, self.file)

    def start(self, process: Process, *, group: str = "") -> Service:
        """Start one service process unless it runs, and wait until it is ready."""
        service = self.service(process, group=group)
        service.start()
        return service

    def start_all(
        self, processes: tuple[Process, ...], *, group: str = "", progress: Progress = _unseen
    ) -> tuple[Service, ...]:
        """Start several at once and wait until each is ready."""
        services = tuple(self.service(process, group=group) for process in processes)
        for service in services:
            progress(service.name, "starting")
            service.spawn()
        wait_all(services, lambda service: progress(service.name, "ready"))
        return services

    def up(self, plan: Plan, progress: Progress = _unseen) -> tuple[Service, ...]:
        """Run what ``plan`` says; what runs already stays as it is.

        Raises:
            StackError: Something did not come up. If nothing ran before, nothing runs after.
        """
        with self.file.alone():
            before = self.file.running()
            if before and self.file.state.group not in ("", plan.group):
                raise StackError(
                    f"The stack in {self.folder} runs for the group '{self.file.state.group}', and one stack "
                    "serves one group. Run `jiandu stack down` first, or give another --folder."
                )
            try:
                self.file.choose_group(plan.group)
                self._start_servers(progress)
                self._stop_surplus(plan)
                return self.start_all(plan.processes(), group=plan.group, progress=progress)
            except BaseException:  # Ctrl-C included: half a stack is no use to anyone
                if not before:
                    self._down(progress)
                raise

    def addresses(self) -> dict[str, str]:
        """Say where each service answers that runs."""
        services = (self.service(Process(name, "")) for name in self.file.running() if name not in _SERVERS)
        return {service.name: service.url for service in services}

    def down(self, progress: Progress = _unseen) -> int:
        """End every process of this folder, and answer how many there were. Data, ports and keys stay."""
        with self.file.alone():
            return self._down(progress)

    def remove(self) -> None:
        """End every process of this folder and delete it."""
        self.down()
        shutil.rmtree(self.folder)

    def _start_servers(self, progress: Progress) -> None:
        ours = [server for server in (self._mongo, self._broker) if server is not None]
        for server in ours:
            if not server.running:
                progress(server.name, "checking")
                server.install()
        for server in ours:
            progress(server.name, "starting")
            server.spawn()
        wait_all(ours, lambda server: progress(server.name, "ready"))

    def _stop_surplus(self, plan: Plan) -> None:
        """Stop services that an earlier, larger plan left running."""
        wanted = {process.name for process in plan.processes()}
        surplus = self.file.running().keys() - wanted - set(_SERVERS)
        stop_all([Recorded(name, self.file) for name in surplus])

    def _down(self, progress: Progress) -> int:
        running = self.file.running()
        services = [Recorded(name, self.file) for name in running if name not in _SERVERS]
        for name in running:
            progress(name, "stopping")
        stop_all(services)
        for name in _SERVERS:
            Recorded(name, self.file).stop()
        for name, identity in self.file.state.processes.items():
            wait_gone(identity, 0)
            self.file.record(name, None)
        # What no record names: a crash between a start and its record, or a state file that was deleted.
        return len(running) + end_members(self.folder)
