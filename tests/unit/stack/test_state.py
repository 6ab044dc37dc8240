"""What a stack remembers."""

import os
from base64 import b64decode
from pathlib import Path

import pytest

from jiandu.stack.errors import StackError
from jiandu.stack.processes import Identity, identity_of
from jiandu.stack.state import StateFile


def this_process() -> Identity:
    identity = identity_of(os.getpid())
    assert identity is not None
    return identity


def test_only_the_owner_may_read_the_secrets(tmp_path: Path) -> None:
    file = StateFile(tmp_path / "stack")

    file.secret("group-key")

    assert file.path.stat().st_mode & 0o777 == 0o600
    assert file.folder.stat().st_mode & 0o777 == 0o700


def test_a_secret_is_32_bytes_and_stays(tmp_path: Path) -> None:
    key = StateFile(tmp_path).secret("group-key")

    assert len(b64decode(key, validate=True)) == 32
    assert StateFile(tmp_path).secret("group-key") == key
    assert StateFile(tmp_path).secret("site-key:wuxi") != key


def test_a_port_stays(tmp_path: Path) -> None:
    port = StateFile(tmp_path).port("mongod")

    assert StateFile(tmp_path).port("mongod") == port


def test_two_writers_keep_each_others_changes(tmp_path: Path) -> None:
    one, other = StateFile(tmp_path), StateFile(tmp_path)

    one.record("handling", this_process())
    other.record("scoring", this_process())

    assert StateFile(tmp_path).running().keys() == {"handling", "scoring"}


def test_a_process_from_before_a_reboot_is_stale(tmp_path: Path) -> None:
    file = StateFile(tmp_path)
    file.record("handling", this_process().model_copy(update={"boot": "another"}))

    assert file.process("handling") is None
    assert file.running() == {}


def test_a_spoilt_file_is_named_and_its_content_is_not_shown(tmp_path: Path) -> None:
    file = StateFile(tmp_path)
    secret = file.secret("group-key")
    file.path.write_text(file.path.read_text("utf-8").replace('"secrets"', '"secret"'), "utf-8")

    with pytest.raises(StackError) as raised:
        StateFile(tmp_path)

    assert str(file.path) in str(raised.value)
    assert secret not in str(raised.value)
