"""What other services told and somebody still has to act on: problems brought up, messages to partners."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from services.intake.domain.follow_up import Problem
from services.intake.domain.partners import Message
from shared.events import Sealed
from shared.storage import ASCENDING, IndexModel
from shared.storage.aggregates import Aggregates, Stored
from shared.storage.database import Database

State = dict[str, Any]


class MongoProblems:
    """What callbacks brought up, in MongoDB."""

    def __init__(self, database: Database) -> None:
        """No IO happens here. The matters tell of themselves, so that these tell nothing."""
        self.records: Aggregates[Problem] = Aggregates(
            database, "brought_up", load=_load_problem, dump=_dump_problem
        )
        self.get, self.save = self.records.get, self.records.save

    async def ensure_indexes(self) -> None:
        """Few wait at a time."""
        await self.records.ensure_indexes(
            IndexModel([("waits", ASCENDING)], name="waits", partialFilterExpression={"waits": True})
        )

    async def waiting(self, limit: int) -> list[Stored[Problem]]:
        """See :class:`Problems`."""
        return await self.records.find({"waits": True}, limit=limit)


def _dump_problem(one: Problem) -> State:
    return {
        **asdict(one),
        "at": one.at.isoformat(),
        "sealed": one.sealed.model_dump() if one.sealed else None,
    }


def _load_problem(state: Mapping[str, Any]) -> Problem:
    sealed = state["sealed"]
    more = {"at": datetime.fromisoformat(state["at"]), "sealed": Sealed(**sealed) if sealed else None}
    return Problem(**{**state, **more})


class MongoOutbox:
    """Partners' outboxes in MongoDB."""

    def __init__(self, database: Database) -> None:
        """No IO happens here. Nothing of it is told: handling told it."""
        self.records: Aggregates[Message] = Aggregates(
            database, "outbox", load=_load_message, dump=_dump_message
        )
        self.get, self.save = self.records.get, self.records.save

    async def ensure_indexes(self) -> None:
        """Few wait at a time."""
        await self.records.ensure_indexes(
            IndexModel(
                [("channel", ASCENDING), ("at", ASCENDING)],
                name="waits",
                partialFilterExpression={"waits": True},
            )
        )

    async def waiting(self, channel: str, after: Message | None, limit: int) -> list[Message]:
        """See :class:`services.intake.store.Outbox`."""
        query: dict[str, Any] = {"channel": channel, "waits": True}
        if after is not None:
            # Messages from before have no place in a log.
            same = [after.sequence] if after.sequence else [0, None]
            query["$or"] = [
                {"at": {"$gt": after.at}},
                {"at": after.at, "state.sequence": {"$gt": after.sequence}},
                {"at": after.at, "state.sequence": {"$in": same}, "_id": {"$gt": after.id}},
            ]
        order = [("at", ASCENDING), ("state.sequence", ASCENDING), ("_id", ASCENDING)]
        found = await self.records.find(query, sort=order, limit=limit)
        return [one.state for one in found if one.state]


def _dump_message(one: Message) -> State:
    taken_at = one.taken_at.isoformat() if one.taken_at else None
    return {**asdict(one), "at": one.at.isoformat(), "taken_at": taken_at}


def _load_message(state: Mapping[str, Any]) -> Message:
    taken_at = datetime.fromisoformat(state["taken_at"]) if state["taken_at"] else None
    return Message(**{**state, "at": datetime.fromisoformat(state["at"]), "taken_at": taken_at})
