"""Where the register is kept: one document a unit, person, account, edition, opinion, ruling; and each draft."""

from datetime import date, datetime
from typing import Any

from services.registry.domain.records import State
from shared.storage import ASCENDING, IndexModel
from shared.storage.aggregates import Aggregates, Offer
from shared.storage.database import Database

BY_KEY = (("_id", ASCENDING),)


def prefix_query(prefix: str) -> dict[str, Any]:
    """Return the query for the records whose key begins with ``prefix``."""
    return {"_id": {"$gte": prefix, "$lt": prefix[:-1] + chr(ord(prefix[-1]) + 1)}}


def page_query(prefix: str, after: str) -> dict[str, Any]:
    """Return the query for the records whose key begins with ``prefix`` and lies after ``prefix + after``."""
    return {"_id": {"$gt": f"{prefix}{after}", "$lt": prefix_query(prefix)["_id"]["$lt"]}}


MOST_WAITING = 100
WAITING = {"waiting": {"$type": "date"}}
PROPOSAL_INDEXES = (IndexModel([("waiting", ASCENDING)], partialFilterExpression=WAITING),)


def index_of(proposal: State) -> dict[str, Any]:
    """Return the field that proposals are queried by: since when one waits, none once it is in force."""
    return {"waiting": datetime.fromisoformat(proposal["proposed_at"]) if proposal["waits_for"] else None}


class Proposals(Aggregates[State]):
    """The drafts of editions, with what was decided about them; and units that are not active yet."""

    def __init__(self, database: Database, offer: Offer) -> None:
        """No IO happens here."""
        super().__init__(database, "proposals", offer=offer, indexes=PROPOSAL_INDEXES)

    async def waiting(self) -> list[State]:
        """Return the proposals that wait for approval, the oldest first, and no more than anybody reads."""
        found = await self.find(WAITING, sort=[("waiting", ASCENDING)], limit=MOST_WAITING)
        return [stored.state for stored in found if stored.state]


PUBLISHED = "published"
"""The one document about what is published."""


class Published(Aggregates[State]):
    """The months that scoring published, as its events told them. It tells no events of its own."""

    def __init__(self, database: Database) -> None:
        """No IO happens here."""
        super().__init__(database, "published")

    async def before(self) -> date | None:
        """Return the first day that is not published yet; None: nothing is."""
        state = (await self.get(PUBLISHED)).state
        return date.fromisoformat(state["before"]) if state else None
