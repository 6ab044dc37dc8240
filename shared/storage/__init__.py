"""MongoDB: documents with pending events, seals, keys and leases.

Everything is written with majority and journal. There is no multi-document transaction: one document
is the unit of atomicity (see docs/decisions/0004-outbox-in-the-document.md).
"""

from pymongo import ASCENDING, DESCENDING, IndexModel

__all__ = ["ASCENDING", "DESCENDING", "IndexModel"]
