"""Use cases about partners' outboxes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import structlog

from services.intake.domain.partners import Message
from services.intake.handlers.complaints import Matters
from services.intake.store.noted import Outbox
from shared.errors import FieldProblem, InvalidInputError, NotFoundError, StaleWriteError
from shared.identity.access import Caller
from shared.storage.aggregates import change_of

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Partners:
    """Use cases over what partners are to hear of the matters that they sent."""

    matters: Matters
    outbox: Outbox

    async def waiting(
        self, channel: str, who: Caller, after: str, limit: int
    ) -> tuple[Sequence[Message], str | None]:
        """Return what is not passed on yet of matters that the caller sees, the earliest first.

        Returns:
            Those among the ``limit`` that follow a message, and the last that was looked at where more may follow.

        Raises:
            InvalidInputError: There is no message of that id.
        """
        last = (await self.outbox.get(after)).state if after else None
        if after and last is None:
            problem = FieldProblem("cursor", "no cursor that a list gave")
            raise InvalidInputError("The cursor cannot be read. Begin without one.", [problem])
        found = await self.outbox.waiting(channel, last, limit)
        seen = [message for message in found if await self._sees(message, who)]
        return seen, found[-1].id if len(found) == limit else None

    async def _sees(self, message: Message, who: Caller) -> bool:
        complaint = (await self.matters.store.get(message.complaint)).state
        return complaint is not None and self.matters.sees(who, complaint)

    async def take(self, channel: str, message_id: str, who: Caller) -> Message:
        """Note that a message was passed on. Again changes nothing.

        Raises:
            NotFoundError: There is none, or the caller does not see its matter.
        """
        stored = await self.outbox.get(message_id)
        message = stored.state
        if message is None or message.channel != channel or not await self._sees(message, who):
            msg = "There is no such message in this outbox."
            raise NotFoundError(msg)
        if message.taken_at:
            return message
        taken = replace(message, taken_at=self.matters.context.clock(), taken_by=who.person)
        try:
            await self.outbox.save(change_of(stored, taken, [], None, index={"waits": False}))
        except StaleWriteError as late:
            logger.info("message.taken-meanwhile", message=message_id, error=late.code)
            return (await self.outbox.get(message_id)).state or taken
        return taken
