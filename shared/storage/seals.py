"""Seals: every document carries a keyed hash of itself, so that a change by hand is seen and named.

Only who knows the service's key can make one. What the log says of a document is compared with it as well: so one
that is gone, or whose earlier content was put back with its earlier seal, is named too.
"""

import hmac
from collections.abc import Mapping
from typing import Any

import bson
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument

from shared.storage.database import Collection, Database, driver_errors

Raw = RawBSONDocument
"""A document as the bytes that are stored."""

OWN = frozenset({"_id", "state", "version", "applied", "ordinals", "pending", "writes", "seal"})
"""Fields that every document has. All others are there to be queried by."""

_OUTSIDE = frozenset({"_id", "state", "pending", "writes", "seal"})
"""Fields that the seal takes in by themselves, or that change without a new version."""


def seal_key_of(site_key: bytes) -> bytes:
    """Return the key for seals: another one than that for the vault, which it is made from."""
    return hmac.digest(site_key, b"jiandu: seals of documents", "sha256")


def packed(state: Mapping[str, Any], options: CodecOptions[Any]) -> RawBSONDocument:
    """Return a state as the bytes that are stored, so that it is put into bytes once."""
    return RawBSONDocument(bson.encode(state, codec_options=options))


def seal(
    database: Database, where: tuple[str, str], state: RawBSONDocument, fields: Mapping[str, Any]
) -> bytes:
    """Return the seal of a document.

    Args:
        database: Has the key and says how values become bytes.
        where: Collection and id: a seal fits in one place only.
        state: The state, as it is stored.
        fields: All other fields; those outside the seal are left out.
    """
    known = {name: fields[name] for name in sorted(fields) if name not in _OUTSIDE}
    about = bson.encode({"where": list(where), "fields": known}, codec_options=database.options)
    return hmac.digest(database.seal_key, about + state.raw, "sha256")


async def fault_in(database: Database, name: str, key: str) -> str:
    """Say what is wrong with one document's seal; empty where it fits, or there is no such document."""
    with driver_errors():
        row = await raw_collection(database, name).find_one({"_id": key})
    return "" if row is None else fault_of(database, name, row)


def raw_collection(database: Database, name: str) -> Collection:
    """Return a collection whose documents come as the bytes that are stored."""
    raw = CodecOptions(
        document_class=RawBSONDocument, uuid_representation=database.options.uuid_representation
    )
    return database.collection(name).with_options(codec_options=raw)


def fault_of(database: Database, name: str, row: RawBSONDocument) -> str:
    """Say what is wrong with a stored document's seal; empty where it fits."""
    state, given = row.get("state"), row.get("seal")
    if not isinstance(state, RawBSONDocument):
        return "it is no document of the service"
    if not isinstance(given, bytes):
        return "it carries no seal"
    if not hmac.compare_digest(given, seal(database, (name, str(row["_id"])), state, row)):
        return "it was changed outside the service: its seal does not fit"
    return ""
