"""What a service waits for before it knows who there is."""

from typing import Any

import pytest

from shared.directory import Directory
from shared.storage import Stored

FILLED: dict[str, Any] = {"units": 1, "people": 0, "accounts": {"group": 1, "wuxi": 2}}
UNIT: dict[str, Any] = {
    "kind": "branch",
    "parent": None,
    "site": "wuxi",
    "name_zh": "无锡",
    "name_en": "Wuxi",
    "established_on": "2005-06-15",
}


def knowing(**records: dict[str, Any]) -> Directory:
    directory = Directory(None)  # type: ignore[arg-type]  # nothing is read from a database
    for key, state in records.items():
        directory._take(Stored(key.replace("_", "/"), 1, state))
    return directory


def test_nothing_is_known_before_the_registry_told_how_much_there_is() -> None:
    assert "has not told yet" in knowing(unit_wuxi=UNIT, account_a={}, account_b={}).awaited("wuxi")


@pytest.mark.parametrize(
    ("accounts", "site", "awaited"),
    [
        ([], "wuxi", "0 of 2 accounts"),
        (["account_a"], "wuxi", "1 of 2 accounts"),
        (["account_a", "account_b"], "wuxi", ""),
        (["account_a", "account_b"], "group", "2 of 3 accounts"),
        (["account_a", "account_b", "account_c"], "group", ""),
        # A site that was opened later was promised nobody.
        ([], "chengdu", ""),
    ],
)
def test_a_site_waits_for_its_own_accounts_and_headquarters_for_all(
    accounts: list[str], site: str, awaited: str
) -> None:
    directory = knowing(register_filled=FILLED, unit_wuxi=UNIT, **{key: {} for key in accounts})

    found = directory.awaited(site)

    assert awaited in found
    assert bool(found) == bool(awaited)


def test_a_unit_that_is_missing_is_named_too() -> None:
    assert "0 of 1 units" in knowing(register_filled=FILLED, account_a={}, account_b={}).awaited("wuxi")
