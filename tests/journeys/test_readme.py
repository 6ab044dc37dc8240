"""The README's first minute goes on as it says: its commands, run as they stand there."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator

import pytest

from jiandu.stack import debian
from jiandu.stack.plan import Process, Service, Surroundings
from jiandu.stack.server import ROOT, stop_all, wait_all
from jiandu.stack.stack import Stack
from tests.conftest import FreshName

pytestmark = [pytest.mark.connected, pytest.mark.journey]

PROCESSES = (
    Process("registry", "registry"),
    Process("intake-chongqing", "intake", "chongqing"),
    Process("handling", "handling"),
)


@pytest.fixture
def running(servers: Stack, fresh_name: FreshName) -> Iterator[Stack]:
    """As much of what ``make up`` starts as the commands speak to, on data of its own."""
    debian.ensure(
        server="curl", package="curl", variable="PATH", present=lambda: shutil.which("curl") is not None
    )
    around = Surroundings("jinke", servers.mongo_url, servers.broker.vhost(fresh_name("readme")))
    env = {"JIANDU_DATABASE_PREFIX": fresh_name("readme")}
    services = [
        Service(Process(one.name, one.service, one.site, env), around, servers.file) for one in PROCESSES
    ]
    try:
        for service in services:
            service.spawn()
        wait_all(services, lambda service: None)
        yield servers
    finally:
        stop_all(services)


def commands() -> str:
    """The commands of the first complaint, as a reader copies them."""
    _, _, after = (ROOT / "README.md").read_text("utf-8").partition("### The first complaint\n")
    block = re.search(r"^```bash\n(.*?)^```$", after, re.MULTILINE | re.DOTALL)
    assert block
    return block[1]


def test_a_reader_signs_in_registers_a_complaint_and_sees_its_deadlines(running: Stack) -> None:
    """INVARIANT: the README's commands work as they stand, and repeating them registers nothing more.

    What breaks it: a route, a field or an option of the command line that changes without its README.
    """
    ours = f"{sys.executable} -m jiandu stack env --folder {running.folder}"
    script = commands().replace(".venv/bin/jiandu stack env", ours)
    assert ours in script

    first, again = (
        subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
        )
        for _ in range(2)
    )

    assert (first.returncode, first.stderr) == (0, "")
    registered, *deadlines = first.stdout.splitlines()
    assert re.match(r'\{"complaint_id":"[0-9a-f-]{36}","number":"CQ-', registered)
    # The record within 24 hours, the facts within 48 hours, the handling within 10 days.
    wanted = ("within 24 hours", "within 48 hours", "within 10 days")
    assert [one for one in wanted if not any(f'"{one}"' in line for line in deadlines)] == []
    assert any("应于" in line and "JK-14" in line for line in deadlines)
    assert again.stdout == first.stdout
