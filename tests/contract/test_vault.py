"""Customers' keys: made once, sealed at rest, given to another service, erased for good."""

import asyncio
import base64
import os

import pytest

from shared.events import Sealed
from shared.identity import vault as vaults
from shared.identity.vault import ErasedError, Vault, open_sealed, seal
from shared.storage.database import Database
from shared.storage.keys import KeyStore

pytestmark = pytest.mark.connected

GROUP_KEY = os.urandom(32)


def a_vault(database: Database, site_key: bytes = b"s" * 32) -> Vault:
    return Vault(KeyStore(database), site_key, GROUP_KEY)


async def test_what_is_sealed_opens_with_the_customers_key_and_with_no_other(database: Database) -> None:
    vault = a_vault(database)
    keys = await vault.ensure(["c1", "c2"])
    box = seal("c1", keys["c1"], {"name": "张三丰"})

    assert await vault.open(box) == {"name": "张三丰"}
    with pytest.raises(ErasedError):
        open_sealed(keys["c2"], box)


async def test_a_box_cannot_be_passed_off_as_another_customers(database: Database) -> None:
    """INVARIANT: the customer's id is bound into the box.

    What breaks it: sealing without it; a box put into another's record would open there.
    """
    keys = await a_vault(database).ensure(["c1"])
    box = seal("c1", keys["c1"], {"name": "a"})

    with pytest.raises(ErasedError):
        open_sealed(keys["c1"], Sealed(key="c2", box=box.box))


@pytest.mark.parametrize("box", ["", "no base64!", "AAAA", base64.b64encode(b"x" * 40).decode()])
async def test_what_is_no_box_is_refused_as_one_that_cannot_be_opened(database: Database, box: str) -> None:
    keys = await a_vault(database).ensure(["c1"])

    with pytest.raises(ErasedError):
        open_sealed(keys["c1"], Sealed(key="c1", box=box))


async def test_writers_that_make_a_key_at_once_all_get_the_one_that_is_kept(database: Database) -> None:
    """INVARIANT: what is sealed under a new customer's key can be opened, whoever else made one.

    What breaks it: using the key that was made instead of the one that is stored.
    """
    found = await asyncio.gather(*(a_vault(database).ensure(["c1"]) for _ in range(8)))

    assert len({keys["c1"] for keys in found}) == 1


async def test_keys_lie_sealed_in_the_database(database: Database) -> None:
    keys = await a_vault(database).ensure(["c1"])
    row = await database.collection("vault").find_one({"_id": "c1"})

    assert base64.b64encode(keys["c1"]).decode() not in row["key"]
    with pytest.raises(ErasedError):
        await a_vault(database, site_key=b"t" * 32).keys(["c1"])


async def test_a_key_travels_to_another_service_sealed_for_the_group(
    database: Database, other_database: Database
) -> None:
    giver, taker = a_vault(database), a_vault(other_database, site_key=b"t" * 32)
    keys = await giver.ensure(["c1"])
    wrapped = await giver.wrapped(["c1", "unknown"])

    await taker.keep(wrapped)

    assert list(wrapped) == ["c1"]
    assert await taker.keys(["c1"]) == keys


async def test_an_erased_key_is_gone_for_good_whatever_comes_again(
    database: Database, other_database: Database
) -> None:
    """INVARIANT: erased means erased: no late delivery and no new start brings a key back (S10).

    What breaks it: deleting the row; the next event of the customer would bring the key again.
    """
    giver, taker = a_vault(database), a_vault(other_database)
    keys = await giver.ensure(["c1"])
    box = seal("c1", keys["c1"], {"name": "a"})
    wrapped = await giver.wrapped(["c1"])
    await taker.keep(wrapped)

    await taker.erase("c1")
    await taker.keep(wrapped)

    for vault in (taker, a_vault(other_database)):
        with pytest.raises(ErasedError):
            await vault.open(box)
        with pytest.raises(ErasedError):
            await vault.ensure(["c1"])


async def test_another_process_stops_using_an_erased_key_soon(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """INVARIANT: an erasure reaches every replica of a service, though one of them carries it out.

    What breaks it: a cache without an end.
    """
    one, other = a_vault(database), a_vault(database)
    await one.ensure(["c1"])
    await other.ensure(["c1"])

    await one.erase("c1")
    monkeypatch.setattr(vaults, "_CACHED_S", 0.0)

    assert await other.keys(["c1"]) == {}


async def test_one_key_that_is_none_says_so_and_keeps_nothing_else_from_being_kept(
    database: Database, other_database: Database
) -> None:
    giver, taker = a_vault(database), a_vault(other_database)
    await giver.ensure(["c1"])

    with pytest.raises(ErasedError):
        await taker.keep({"c2": "no key"})
    await taker.keep(await giver.wrapped(["c1"]))

    assert list(await taker.keys(["c1", "c2"])) == ["c1"]
