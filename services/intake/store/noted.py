"""What other services told and somebody still has to act on: problems brought up, messages to partners."""

from typing import Any

from services.intake.domain.follow_up import Problem
from services.intake.domain.partners import Message
from services.intake.store import records
from shared.storage import ASCENDING, IndexModel
from shared.storage.aggregates import Aggregates, Stored
from shared.storage.database import Database

_WAITS = {"waits": True}
"""Few wait at a time."""


class Problems(Aggregates[Problem]):
    """What callbacks brought up. The matters tell of themselves, so that these tell nothing."""

    def __init__(self, database: Database) -> None:
        """No IO happens here."""
        load = records.loading(Problem, at=records.moment, sealed=records.sealed)
        index = IndexModel([("waits", ASCENDING)], name="waits", partialFilterExpression=_WAITS)
        super().__init__(database, "brought_up", load=load, dump=records.dump, indexes=[index])

    async def waiting(self, limit: int) -> list[Stored[Problem]]:
        """Return what is not registered yet."""
        return await self.find(_WAITS, limit=limit)


class Outbox(Aggregates[Message]):
    """Partners' outboxes. Nothing of it is told: handling told it."""

    def __init__(self, database: Database) -> None:
        """No IO happens here."""
        load = records.loading(Message, at=records.moment, taken_at=records.moment)
        keys = [("channel", ASCENDING), ("at", ASCENDING)]
        index = IndexModel(keys, name="waits", partialFilterExpression=_WAITS)
        super().__init__(database, "outbox", load=load, dump=records.dump, indexes=[index])

    async def waiting(self, channel: str, after: Message | None, limit: int) -> list[Message]:
        """Return one page of what is not passed on yet, the earliest first."""
        query: dict[str, Any] = {"channel": channel, **_WAITS}
        if after is not None:
            # Messages from before have no place in a log.
            same = [after.sequence] if after.sequence else [0, None]
            query["$or"] = [
                {"at": {"$gt": after.at}},
                {"at": after.at, "state.sequence": {"$gt": after.sequence}},
                {"at": after.at, "state.sequence": {"$in": same}, "_id": {"$gt": after.id}},
            ]
        order = [("at", ASCENDING), ("state.sequence", ASCENDING), ("_id", ASCENDING)]
        found = await self.find(query, sort=order, limit=limit)
        return [one.state for one in found if one.state]
