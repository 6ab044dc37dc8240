"""What a stack remembers between two commands: ports, secrets, and the processes that it started."""

import fcntl
import os
import secrets
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from jiandu.stack.errors import StackError
from jiandu.stack.processes import Identity, free_port, is_running, port_is_free


class State(BaseModel):
    """The content of the state file. Ports and secrets outlive the processes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    group: str = ""
    ports: Mapping[str, int] = {}
    secrets: Mapping[str, str] = {}
    processes: Mapping[str, Identity] = {}


class StateFile:
    """The state file of one stack. It holds secrets, so only its owner may read it."""

    def __init__(self, folder: Path) -> None:
        """Open the state in ``folder``; a missing file is an empty state."""
        self.folder = folder
        self.path = folder / "state.json"
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        self.state = self._load()

    def port(self, name: str) -> int:
        """Give the port that ``name`` has had since it was first asked for."""
        return self.state.ports[name] if name in self.state.ports else self.set_port(name)

    def set_port(self, name: str) -> int:
        """Choose another port for ``name``."""
        with self._writing():
            port = free_port(set(self.state.ports.values()))
            self.state = self.state.model_copy(update={"ports": {**self.state.ports, name: port}})
        return port

    def keep_free(self, name: str) -> None:
        """See that ``name`` has a port that it can listen on, another one if its own is taken."""
        if not port_is_free(self.port(name)):
            self.set_port(name)

    def secret(self, name: str) -> str:
        """Give the secret ``name``: 32 random bytes in base64, made when it is first asked for."""
        if name not in self.state.secrets:
            with self._writing():
                made = {name: _random_key(), **self.state.secrets}
                self.state = self.state.model_copy(update={"secrets": made})
        return self.state.secrets[name]

    def process(self, name: str) -> Identity | None:
        """Give the process recorded under ``name``, if it still runs."""
        identity = self.state.processes.get(name)
        return identity if identity is not None and is_running(identity) else None

    def record(self, name: str, identity: Identity | None) -> None:
        """Remember that ``name`` is this process now, or that it is none."""
        with self._writing():
            known = {key: value for key, value in self.state.processes.items() if key != name}
            if identity is not None:
                known[name] = identity
            self.state = self.state.model_copy(update={"processes": known})

    def choose_group(self, group: str) -> None:
        """Remember which group the services run for."""
        with self._writing():
            self.state = self.state.model_copy(update={"group": group})

    def running(self) -> dict[str, Identity]:
        """Give the recorded processes that still run."""
        return {name: identity for name, identity in self.state.processes.items() if is_running(identity)}

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other commands off this stack, and see what they wrote before."""
        with _locked(self.folder / "command.lock"):
            self.state = self._load()
            yield

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Change ``self.state`` inside; other processes' changes are seen before and kept."""
        with _locked(self.folder / "state.lock"):
            self.state = self._load()
            yield
            beside = self.path.with_suffix(".new")
            handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(self.state.model_dump_json(indent=2))
            beside.replace(self.path)

    def _load(self) -> State:
        if not self.path.exists():
            return State()
        try:
            return State.model_validate_json(self.path.read_bytes())
        except ValidationError as error:
            # Not the error's own text: it would quote the secrets.
            raise StackError(
                f"{self.path} is not a state file of this version ({error.error_count()} faults). "
                f"It holds the keys of the data beside it: mend it, or delete {self.path.parent} to start afresh."
            ) from None


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _random_key() -> str:
    return b64encode(secrets.token_bytes(32)).decode("ascii")
