"""Handling's use cases: load, decide, save."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog

from services.handling import domain
from services.handling.domain import Actor, AnyCommand, Case, Departures, Organisation
from services.handling.store import LIVE, CaseQuery, Cases, Hearing, index_of, lane_of
from shared.errors import NotYetHereError, SupervisionError
from shared.events import Happened, iso
from shared.rulebook.edition import Edition
from shared.service.horizons import Horizons
from shared.storage.aggregates import Stamp, Stored, change_of
from shared.storage.retrying import retrying
from shared.values.idempotency import Command, recall, remember

log = structlog.get_logger(__name__)

SWEEP_BATCH = 200
HELD_AT_ONCE = 2_000
"""Live cases of closed units and of people who left that are moved in one go."""

SWEEP_ROUNDS = 50
"""Batches of one lane before the others have their turn."""


@dataclass(frozen=True, slots=True)
class Handling:
    """Use cases over cases.

    Attributes:
        edition: Returns an edition by hash: the one under which a case began.
        stamp: Makes the stamp of a decision on a case.
        organisation: What the registry tells of units and people.
    """

    cases: Cases
    horizons: Horizons
    clock: Callable[[], datetime]
    edition: Callable[[str], Edition]
    stamp: Callable[[Case, str, str | None, datetime], Stamp]
    organisation: Organisation

    async def get(self, complaint_id: str) -> Case:
        """Return a case. Raises ``NotYetHereError``: it may be on its way through the broker."""
        stored = await self.cases.get(complaint_id)
        if stored.state is None:
            raise NotYetHereError(NOT_HERE)
        return stored.state

    async def page(self, wanted: CaseQuery) -> list[Case]:
        """Return one page of cases, the newest first."""
        return [stored.state for stored in await self.cases.page(wanted) if stored.state]

    async def alerted(self, wanted: Hearing) -> list[Case]:
        """Return one page of the cases of which somebody was told something, the newest alert first."""
        return [stored.state for stored in await self.cases.alerted(wanted) if stored.state]

    async def command(
        self, complaint_id: str, command: AnyCommand, by: Actor, sent: Command, sees: Callable[[str], bool]
    ) -> Mapping[str, Any]:
        """Carry out a command once per key; the same key again gets the first answer.

        Args:
            sees: Says whether the caller sees a unit.

        Raises:
            ForbiddenError: The caller may not do this.
            NotYetHereError: The case has not arrived.
            ConflictError: The case's state forbids it; the message names the next action.
        """
        domain.authorise(command, by, self.organisation, self.clock())

        async def once() -> Mapping[str, Any]:
            stored = await self.cases.get(complaint_id)
            case = stored.state
            if case is None:
                raise NotYetHereError(NOT_HERE)
            # Before asking whether they may see it: a transfer takes the case away from who repeats it.
            if (before := recall(case.commands, sent)) is not None:
                return before
            if not sees(case.unit):
                raise NotYetHereError(NOT_HERE)
            edition, now, other = (
                self.edition(case.edition_hash),
                self.clock(),
                await self._other(command, sees),
            )
            decided, happened = domain.decide(
                case, command, by, edition, now, other, self.organisation.within
            )
            answer = _answer(decided, happened, edition)
            decided = decided.with_(commands=remember(decided.commands, sent, answer))
            await self._save(stored, decided, happened, edition, sent.key)
            return answer

        return await retrying(once)

    async def _other(self, command: AnyCommand, sees: Callable[[str], bool]) -> Case | None:
        """Return the case that a command names besides its own; None where the caller sees none such."""
        if not isinstance(command, domain.Merge):
            return None
        found = (await self.cases.get(str(command.into))).state
        return found if found and sees(found.unit) else None

    async def allowed(self, case: Case, by: Actor) -> list[dict[str, Any]]:
        """Return what may be done next on a case."""
        return [dict(one) for one in domain.allowed(case, self.edition(case.edition_hash), by)]

    async def sweep(self) -> int:
        """Tell the deadlines that passed in silence. Returns how many cases had some.

        The query only narrows; the domain decides again. Entered cases are swept up to their
        importer's declaration, never beyond.
        """
        total = 0
        lanes = {LIVE: self.clock(), **await self.horizons.up_to()}
        for lane, up_to in lanes.items():
            until = min(up_to, self.clock())
            for _ in range(SWEEP_ROUNDS):
                batch = await self.cases.due(lane, until, SWEEP_BATCH)
                settled = await self._settle(batch, until) if batch else 0
                total += settled
                if len(batch) < SWEEP_BATCH or not settled:
                    break
        return total

    async def reassign(self, departures: Departures) -> int:
        """Let live cases of closed units and of people who left go on with who is there. Returns how many did.

        An entered case follows once its history is declared complete up to that day.
        """
        horizons, now = await self.horizons.up_to(), self.clock()
        found = await self.cases.held(list(departures.units), list(departures.people), HELD_AT_ONCE)
        moved = 0
        for stored in found:
            case = stored.state
            if case is None:
                continue
            up_to = min(horizons.get(lane_of(case), case.received_at) if case.imported else now, now)
            edition = self.edition(case.edition_hash)
            try:
                reassigned, happened = domain.reassign(case, departures, edition, up_to)
                if happened:
                    await self._save(stored, reassigned, happened, edition, f"rehome-{stored.id}")
                    moved += 1
            except SupervisionError as error:
                # One case that cannot be moved, or that somebody else changes, must not keep the others.
                log.warning("handling.not-reassigned", case=stored.id, code=error.code, error=str(error))
        return moved

    async def _settle(self, batch: list[Stored[Case]], up_to: datetime) -> int:
        changes = []
        for stored in batch:
            case = stored.state
            if case is None:
                continue
            try:
                edition = self.edition(case.edition_hash)
                settled, happened = domain.settle(case, edition, up_to)
            except SupervisionError as error:
                # One case that cannot be judged must not keep the sweep from the others.
                log.warning("handling.not-swept", case=stored.id, code=error.code, error=str(error))
                continue
            changes.append(
                change_of(
                    stored,
                    settled,
                    happened,
                    self.stamp(settled, f"sweep-{stored.id}", None, self.clock()),
                    index=index_of(settled, domain.wakes_at(settled, edition)),
                )
            )
        outcomes = await self.cases.save_many(changes) if changes else ()
        return sum(outcome is None for outcome in outcomes)

    async def _save(
        self, stored: Stored[Case], case: Case, happened: list[Happened], edition: Edition, correlation: str
    ) -> None:
        await self.cases.save(
            change_of(
                stored,
                case,
                happened,
                self.stamp(case, correlation, None, self.clock()),
                index=index_of(case, domain.wakes_at(case, edition)),
            )
        )


NOT_HERE = "This case is not here. If the complaint was just registered it is still on its way: try again in a second."


def _answer(case: Case, happened: list[Happened], edition: Edition) -> dict[str, Any]:
    due = domain.next_due(case)
    return {
        "complaint_id": str(case.complaint_id),
        "status": str(case.status),
        "procedure": case.procedure,
        "events": [item.event.TYPE for item in happened],
        "next_due": iso(due) if due else None,
    }
