"""Personal data under a key of each customer's (AES-256-GCM, RFC 5116), and those keys under ours.

The log and the broker hold sealed bytes only. Erasing a customer's key erases the person everywhere and
breaks no chain. A key travels beside an event, never inside it.
"""

import base64
import hashlib
import hmac
import os
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.errors import NotFoundError
from shared.events import Sealed
from shared.storage.keys import KeyStore
from shared.values.masking import mask_address as mask_address
from shared.values.masking import mask_name as mask_name
from shared.values.masking import mask_phone as mask_phone

_NONCE = 12
_CACHED = 10_000
_CACHED_S = 30.0
"""How long a key is used without asking: so long after an erasure another process may still open the box."""


class ErasedError(NotFoundError):
    """The customer's key is gone, and with it the data."""

    code = "erased"


def _seal(key: bytes, data: bytes, about: str) -> str:
    nonce = os.urandom(_NONCE)
    return base64.b64encode(nonce + AESGCM(key).encrypt(nonce, data, about.encode())).decode()


def _open(key: bytes, box: str, about: str) -> bytes:
    try:
        raw = base64.b64decode(box, validate=True)
        return AESGCM(key).decrypt(raw[:_NONCE], raw[_NONCE:], about.encode())
    except (InvalidTag, ValueError) as error:
        msg = f"What is sealed for {about} cannot be opened with this key."
        raise ErasedError(msg) from error


def new_key() -> bytes:
    """Return 32 random bytes."""
    return os.urandom(32)


def seal(key_id: str, key: bytes, fields: Mapping[str, Any]) -> Sealed:
    """Seal ``fields`` under a customer's key. The id is bound in, so boxes cannot be swapped."""
    return Sealed(key=key_id, box=_seal(key, orjson.dumps(fields, option=orjson.OPT_SORT_KEYS), key_id))


def open_sealed(key: bytes, sealed: Sealed) -> dict[str, Any]:
    """Open what :func:`seal` sealed.

    Raises:
        ErasedError: The key does not fit.
    """
    found: dict[str, Any] = orjson.loads(_open(key, sealed.box, sealed.key))
    return found


def seal_secret(group_key: bytes, about: str, secret: str) -> Sealed:
    """Seal a password hash for its way to the services that check it."""
    return Sealed(key=about, box=_seal(group_key, secret.encode(), about))


def open_secret(group_key: bytes, sealed: Sealed) -> str:
    """Open what :func:`seal_secret` sealed."""
    return _open(group_key, sealed.box, sealed.key).decode()


class Vault:
    """The customer keys that one service may use.

    Args:
        site_key: Seals them at rest.
        group_key: Seals them on their way to another service.
    """

    def __init__(self, store: KeyStore, site_key: bytes, group_key: bytes) -> None:
        """No IO happens here."""
        self._store, self._site_key, self._group_key = store, site_key, group_key
        self._cache: OrderedDict[str, tuple[float, bytes]] = OrderedDict()

    def blind(self, text: str) -> str:
        """Return a keyed fingerprint to look a customer up by; it tells nothing without the key."""
        return hmac.new(self._site_key, text.encode(), hashlib.sha256).hexdigest()[:32]

    def cached(self, key_id: str) -> bytes | None:
        """Return a key that is at hand without asking the database."""
        since, key = self._cache.get(key_id, (float("-inf"), None))
        return key if time.monotonic() - since < _CACHED_S else None

    async def ensure(self, ids: Sequence[str]) -> dict[str, bytes]:
        """Return the keys of customers, making those that are missing. Durable when it returns.

        Raises:
            ErasedError: One of them was erased.
        """
        found = await self.keys(ids)
        missing = [key_id for key_id in dict.fromkeys(ids) if key_id not in found]
        if missing:
            await self._store.add({key_id: _seal(self._site_key, new_key(), key_id) for key_id in missing})
            # Read back: another writer may have made the key first.
            found |= await self.keys(missing)
            gone = [key_id for key_id in missing if key_id not in found]
            if gone:
                msg = f"The data of customer {gone[0]} was erased."
                raise ErasedError(msg)
        return found

    async def keys(self, ids: Sequence[str]) -> dict[str, bytes]:
        """Return the keys that there are, by id."""
        found = {key_id: key for key_id in ids if (key := self.cached(key_id))}
        missing = [key_id for key_id in dict.fromkeys(ids) if key_id not in found]
        if missing:
            for key_id, sealed in (await self._store.get(missing)).items():
                self._cache.pop(key_id, None)
                if sealed:
                    found[key_id] = _open(self._site_key, sealed, key_id)
                    self._cache[key_id] = (time.monotonic(), found[key_id])
            while len(self._cache) > _CACHED:
                self._cache.popitem(last=False)
        return found

    async def open(self, sealed: Sealed) -> dict[str, Any]:
        """Open a box with the key in the vault.

        Raises:
            ErasedError: There is no key for it here, or no longer.
        """
        keys = await self.keys([sealed.key])
        if sealed.key not in keys:
            msg = f"There is no key for customer {sealed.key} here: it was erased, or has not arrived yet."
            raise ErasedError(msg)
        return open_sealed(keys[sealed.key], sealed)

    async def wrapped(self, ids: Sequence[str]) -> dict[str, str]:
        """Return customers' keys sealed for the way to another service."""
        return {key_id: _seal(self._group_key, key, key_id) for key_id, key in (await self.keys(ids)).items()}

    async def keep(self, wrapped: Mapping[str, str]) -> None:
        """Store keys that came beside events."""
        await self._store.add(
            {
                key_id: _seal(self._site_key, _open(self._group_key, box, key_id), key_id)
                for key_id, box in wrapped.items()
                if not self.cached(key_id)
            }
        )

    async def erase(self, key_id: str) -> None:
        """Destroy a customer's key in this vault."""
        self._cache.pop(key_id, None)
        await self._store.erase(key_id)
