"""Up to when importers declared their entered history complete: entered records are swept so far, never beyond."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from shared.events import iso
from shared.events.intake import ImportDeclared
from shared.inbox.applier import Decision, Subscription
from shared.inbox.deliveries import Record
from shared.storage.aggregates import Aggregates, Stored
from shared.storage.database import Database

State = dict[str, str]


class Horizons(Aggregates[State]):
    """The declarations, one document a lane. They tell no events of their own."""

    def __init__(self, database: Database) -> None:
        """No IO happens here."""
        super().__init__(database, "horizons")

    async def up_to(self) -> Mapping[str, datetime]:
        """Return lane → up to when its importer declared the history complete."""
        found = await self.find({})
        return {one.id: datetime.fromisoformat((one.state or {})["up_to"]) for one in found}

    def subscription(self) -> Subscription[State]:
        """Follow the declarations, in any order: the latest moment stays."""
        return Subscription(self, _lane, _declare, ordered=False)


def _lane(record: Record) -> str | None:
    return str(record["subject"]) if record["type"] == ImportDeclared.TYPE else None


def _declare(stored: Stored[State], records: Sequence[Record]) -> Decision[State]:
    moments = [iso(ImportDeclared.view(record["data"]).complete_up_to) for record in records]
    if stored.state:
        moments.append(stored.state["up_to"])
    return Decision({"up_to": max(moments, key=datetime.fromisoformat)})
