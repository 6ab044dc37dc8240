"""A missing package is installed, or one message says what to do instead."""

import os
from pathlib import Path

import pytest

from jiandu.stack import debian
from jiandu.stack.errors import UnavailableError


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of programs that come before all others; its sudo does what it is told."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setenv("CASE", str(tmp_path))
    a_program(folder / "sudo", 'shift; exec "$@"')
    return folder


def a_program(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n", "utf-8")
    path.chmod(0o755)


def ensure(case: Path) -> bool:
    return debian.ensure(
        server="RabbitMQ",
        package="rabbitmq-server",
        variable="JIANDU_AMQP_URL",
        present=(case / "installed").exists,
        guard=case / "policy-rc.d",
    )


_APT_THAT_INSTALLS = (
    'cp "$CASE/policy-rc.d" "$CASE/seen"; echo "$@" >> "$CASE/calls"; touch "$CASE/installed"'
)


def test_no_service_may_start_while_the_package_is_installed(programs: Path, tmp_path: Path) -> None:
    """INVARIANT: installing the broker's package starts no system broker, and leaves no guard behind.

    What breaks it: apt-get alone. Debian starts what it installs.
    """
    a_program(programs / "apt-get", _APT_THAT_INSTALLS)

    installed = ensure(tmp_path)

    assert installed
    assert (tmp_path / "seen").read_text("utf-8").endswith("exit 101\n")
    assert not (tmp_path / "policy-rc.d").exists()
    # The list of packages first: a fresh machine has none.
    first, second = (tmp_path / "calls").read_text("utf-8").splitlines()
    assert first.startswith("update")
    assert second.endswith("rabbitmq-server")


def test_an_administrators_guard_comes_back_after_a_failure(programs: Path, tmp_path: Path) -> None:
    a_program(programs / "apt-get", "echo 'E: no network' >&2; exit 100")
    (tmp_path / "policy-rc.d").write_text("theirs", "utf-8")

    with pytest.raises(UnavailableError, match=r"apt-get failed \(E: no network\)"):
        ensure(tmp_path)

    assert (tmp_path / "policy-rc.d").read_text("utf-8") == "theirs"


def test_what_is_there_is_not_installed_again(tmp_path: Path) -> None:
    (tmp_path / "installed").touch()

    assert not ensure(tmp_path)


def test_without_apt_the_message_names_compose(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(UnavailableError) as raised:
        ensure(tmp_path)

    assert raised.value.exit_code == 2
    assert str(raised.value) == (
        "RabbitMQ is missing and cannot be installed here: there is no apt-get. "
        "Run the whole system in containers with `docker compose up`; "
        "or have an administrator install Debian's package rabbitmq-server; "
        "or set JIANDU_AMQP_URL to a server that runs already."
    )


def test_a_user_without_sudo_is_told_so(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_program(programs / "apt-get", _APT_THAT_INSTALLS)
    a_program(programs / "sudo", "exit 1")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    with pytest.raises(UnavailableError, match="sudo asks for a password"):
        ensure(tmp_path)
