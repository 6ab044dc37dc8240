"""MongoDB: the only importer of the driver. Documents with pending events, the log, the inbox.

Everything is written with majority and journal. There is no multi-document transaction: one document
is the unit of atomicity (see docs/decisions/0004-outbox-in-the-document.md).
"""

from pymongo import ASCENDING, DESCENDING, IndexModel

from shared.storage.aggregates import (
    Aggregates,
    Change,
    Offer,
    OutboxFullError,
    Stamp,
    Stored,
    UnstorableError,
    change_of,
)
from shared.storage.combine import Combined
from shared.storage.database import TRANSIENT, Database, DatabaseDownError, open_database
from shared.storage.inbox import Holes, Inbox, Parked, Receipt, Waiting
from shared.storage.keys import KeyStore
from shared.storage.lease import Lease
from shared.storage.log import Entry, Log, Position, Verdict, verify
from shared.storage.seals import Edited, Sealed, check_documents, key_of

__all__ = [
    "ASCENDING",
    "DESCENDING",
    "TRANSIENT",
    "Aggregates",
    "Change",
    "Combined",
    "Database",
    "DatabaseDownError",
    "Edited",
    "Entry",
    "Holes",
    "Inbox",
    "IndexModel",
    "KeyStore",
    "Lease",
    "Log",
    "Offer",
    "OutboxFullError",
    "Parked",
    "Position",
    "Receipt",
    "Sealed",
    "Stamp",
    "Stored",
    "UnstorableError",
    "Verdict",
    "Waiting",
    "change_of",
    "check_documents",
    "key_of",
    "open_database",
    "verify",
]
