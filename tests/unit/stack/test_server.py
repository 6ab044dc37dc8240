"""One process of the stack: its start, its end, and what is said when it fails."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx2
import pytest

from jiandu.stack.errors import StackError
from jiandu.stack.processes import end_members, members
from jiandu.stack.server import Server, inherited, wait_all
from jiandu.stack.state import StateFile


class Page(Server):
    """Serves an empty folder over HTTP, unless it runs another script."""

    ready_within_s: float = 20
    script = ""

    def prepare(self) -> None:
        self.file.keep_free(self.name)

    def command(self) -> list[str]:
        if self.script:
            return [sys.executable, "-c", self.script]
        port = str(self.file.port(self.name))
        return [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", "-d", str(self.log.parent), port]

    def environment(self) -> Mapping[str, str]:
        return inherited()

    def is_ready(self) -> bool:
        return "ready" in self.tail() if self.script else self.answers()

    def answers(self) -> bool:
        url = f"http://127.0.0.1:{self.file.port(self.name)}"
        try:
            return httpx2.get(url, timeout=0.5, trust_env=False).is_success
        except httpx2.TransportError:
            return False


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    yield Page("page", StateFile(tmp_path))
    end_members(tmp_path)


def test_a_killed_process_starts_again_on_the_same_port(page: Page) -> None:
    page.start()
    port, first = page.file.port("page"), page.identity

    page.kill()
    assert not page.running
    page.start()

    assert page.identity != first
    assert page.file.port("page") == port
    assert page.answers()


def test_a_second_start_changes_nothing(page: Page) -> None:
    page.start()
    first = page.identity

    page.start()

    assert page.identity == first


def test_another_command_finds_the_process_and_stops_it(page: Page) -> None:
    page.start()
    found = Page("page", StateFile(page.file.folder))

    found.stop()

    assert not page.file.running()
    assert members(page.file.folder) == []


def test_a_frozen_process_answers_again_when_it_goes_on(page: Page) -> None:
    page.start()

    page.pause()
    assert not page.answers()
    page.resume()

    assert page.answers()


def test_a_frozen_process_can_be_stopped(page: Page) -> None:
    page.start()
    page.pause()

    page.stop()

    assert members(page.file.folder) == []


def test_one_that_ignores_the_polite_signal_is_killed(page: Page) -> None:
    page.script = (
        "import signal, time; signal.signal(15, signal.SIG_IGN); print('ready', flush=True); time.sleep(60)"
    )
    page.stop_within_s = 0.1
    page.start()

    page.stop()

    assert members(page.file.folder) == []


def test_an_early_death_is_told_at_once_with_the_last_20_lines(page: Page) -> None:
    page.script = "for line in range(30): print('line', line)"
    slow = Page("slow", page.file)
    slow.script = "import time; time.sleep(60)"
    page.spawn()
    slow.spawn()

    with pytest.raises(StackError, match="page ended while it started") as raised:
        wait_all([slow, page], lambda server: None)

    # Lines 0 to 29 were printed: the last 20 are 10 to 29.
    assert "line 9\n" not in str(raised.value)
    assert "line 10\n" in str(raised.value)
    assert str(raised.value).endswith("line 29")


def test_one_that_never_gets_ready_is_named(page: Page) -> None:
    page.script = "import time; time.sleep(60)"
    page.ready_within_s = 0.1

    with pytest.raises(StackError, match="page was not ready after"):
        page.start()
