"""MongoDB: the only importer of the driver. Documents with pending events, the log, the inbox.

Everything is written with majority and journal. There is no multi-document transaction: one document
is the unit of atomicity (see docs/decisions/0004-outbox-in-the-document.md).
"""

from pymongo import ASCENDING, DESCENDING, IndexModel

from shared.storage.aggregates import Aggregates, Change, Offer, Stamp, Stored, change_of
from shared.storage.combine import Combined
from shared.storage.database import Database, open_database
from shared.storage.inbox import Inbox, Parked
from shared.storage.keys import KeyStore
from shared.storage.lease import Lease
from shared.storage.log import Entry, Log, Verdict, verify

__all__ = [
    "ASCENDING",
    "DESCENDING",
    "Aggregates",
    "Change",
    "Combined",
    "Database",
    "Entry",
    "Inbox",
    "IndexModel",
    "KeyStore",
    "Lease",
    "Log",
    "Offer",
    "Parked",
    "Stamp",
    "Stored",
    "Verdict",
    "change_of",
    "open_database",
    "verify",
]
