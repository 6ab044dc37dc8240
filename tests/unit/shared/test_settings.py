"""What an operator may have written in a file stays understood."""

import pytest

from shared.runtime.settings import Settings

KEY = "A" * 43 + "="
NEEDED = dict.fromkeys(("TOKEN_SECRET", "SITE_KEY", "GROUP_KEY"), KEY) | {
    "MONGO_URL": "m",
    "AMQP_URL": "a",
}


def test_a_renamed_setting_is_read_under_its_former_name_too(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in NEEDED.items():
        monkeypatch.setenv(f"JIANDU_{name}", value)
    monkeypatch.setenv("JIANDU_HOLES_AFTER_S", "7")
    monkeypatch.setenv("JIANDU_HOLES_EVERY_S", "8")
    monkeypatch.setenv("JIANDU_GAPS_EVERY_S", "3")

    read = Settings()

    assert (read.gaps_after_s, read.gaps_every_s) == (7, 3)
