"""Which service processes a stack runs, and what each is told through its environment."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

import httpx2

from jiandu.stack.errors import StackError
from jiandu.stack.server import ROOT, Server, inherited
from jiandu.stack.state import StateFile
from shared.rulebook.load import load_organisation

HEADQUARTERS = "group"
"""The site of every service but the intakes."""

_INTAKE = "intake-"


@cache
def sites_of(group: str) -> tuple[str, ...]:
    """Return the sites of a group that have an intake: all of its organisation's but headquarters.

    Raises:
        StackError: There is no such group.
        RulebookRefusedError: Its organisation has faults.
    """
    groups = {path.parent.name: path for path in sorted(ROOT.glob("rulebooks/*/organisation.yaml"))}
    if group not in groups:
        raise StackError(f"There is no group '{group}'. There are: {', '.join(groups)}.")
    units = load_organisation(groups[group]).units.values()
    return tuple(dict.fromkeys(unit.site for unit in units if unit.site != HEADQUARTERS))


def site_of(process: str) -> str:
    """Return the site of a process by its name."""
    return process.removeprefix(_INTAKE) if process.startswith(_INTAKE) else HEADQUARTERS


def operator_of(site: str) -> str:
    """Return the account that operates a site's services. Headquarters' accounts are told to no other site."""
    return "operator" if site == HEADQUARTERS else f"{site}-operator"


@dataclass(frozen=True)
class Process:
    """One service process.

    Attributes:
        name: Unique in the stack; also the name of its log.
        service: The package under ``services/``.
        site: Where it runs: a subsidiary's site, or headquarters.
        env: Settings that this process has beyond the usual ones.
    """

    name: str
    service: str
    site: str = HEADQUARTERS
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """What to run.

    Attributes:
        sites: Only these intakes; every one of the group where none is named.
    """

    group: str = "jinke"
    sites: tuple[str, ...] = ()
    callbacks: int = 1

    def __post_init__(self) -> None:
        """Refuse what the group does not have. Raises ``StackError``."""
        there = sites_of(self.group)
        for site in self.sites:
            if site not in there:
                raise StackError(
                    f"Group '{self.group}' has no site '{site}' with an intake. It has: {', '.join(there)}."
                )

    def processes(self) -> tuple[Process, ...]:
        """List the processes, in the order in which they are shown."""
        return (
            Process("registry", "registry"),
            *(Process(f"{_INTAKE}{site}", "intake", site) for site in self.sites or sites_of(self.group)),
            Process("handling", "handling"),
            *(Process(f"callback-{number}", "callback") for number in range(1, self.callbacks + 1)),
            Process("scoring", "scoring"),
        )


@dataclass(frozen=True)
class Surroundings:
    """What every service of one stack has in common."""

    group: str
    mongo_url: str
    amqp_url: str


class Service(Server):
    """One service process."""

    def __init__(self, process: Process, surroundings: Surroundings, file: StateFile) -> None:
        """Describe the process; nothing starts yet."""
        super().__init__(process.name, file)
        self.process = process
        self._surroundings = surroundings

    @property
    def port(self) -> int:
        """The port, the same after each restart."""
        return self.file.port(self.name)

    @property
    def url(self) -> str:
        """Where the service answers."""
        return f"http://127.0.0.1:{self.port}"

    def prepare(self) -> None:
        """Choose another port if ours was taken while the service was away."""
        self.file.keep_free(self.name)

    def command(self) -> list[str]:
        """Give the command line."""
        return [
            *(sys.executable, "-m", "uvicorn"),
            *(f"services.{self.process.service}.app:create_app", "--factory"),
            *("--host", "127.0.0.1", "--port", str(self.port)),
            *("--loop", "uvloop", "--http", "httptools", "--no-access-log"),
        ]

    def environment(self) -> Mapping[str, str]:
        """Give the settings. Each site, headquarters too, has a token secret and a vault key of its own."""
        site = self.process.site
        return inherited(
            JIANDU_GROUP=self._surroundings.group,
            JIANDU_SITE=site,
            JIANDU_MONGO_URL=self._surroundings.mongo_url,
            JIANDU_AMQP_URL=self._surroundings.amqp_url,
            JIANDU_RULEBOOKS=str(ROOT / "rulebooks"),
            JIANDU_SEED_PASSWORD=self.file.secret("seed-password"),
            JIANDU_TOKEN_SECRET=self.file.secret(f"token:{site}"),
            JIANDU_SITE_KEY=self.file.secret(f"site-key:{site}"),
            JIANDU_GROUP_KEY=self.file.secret("group-key"),
            JIANDU_API_PAGES="true",
            PYTHONUNBUFFERED="1",
            **self.process.env,
        )

    def is_ready(self) -> bool:
        """Ask the service itself."""
        try:
            return httpx2.get(f"{self.url}/health/ready", timeout=2, trust_env=False).is_success
        except httpx2.TransportError:
            return False
