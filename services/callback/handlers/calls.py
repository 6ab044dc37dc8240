"""Callback's use cases: load, decide, save. Nothing is remembered between calls, so any number of replicas may run."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from services.callback import domain
from services.callback.domain import DAY, Attempt, Call, Dialler, Matter, Summary, Task
from services.callback.store import LIVE, Matters, TaskQuery, index_of
from shared.errors import NotYetHereError, StaleWriteError
from shared.events import Happened, Sealed
from shared.events.intake import PersonalDataRevealed
from shared.identity.vault import ErasedError, Vault, seal
from shared.rulebook.edition import Edition
from shared.rulebook.schema.callback import Questionnaire
from shared.service.horizons import Horizons
from shared.storage.aggregates import Aggregates, Stamp, Stored, change_of
from shared.storage.retrying import retrying
from shared.values.idempotency import must_be_same

CLAIM_ROUNDS = 10
CLAIM_LOOK_AHEAD = 20
"""Tasks looked at in one round of a claim: several callers ask at once, and each takes the first that is left."""

SWEEP_BATCH = 200
SWEEP_ROUNDS = 50
"""Batches of one lane before the others have their turn."""

Sees = Callable[[str], bool]
"""Says whether the caller sees a unit."""

CONTACT_FIELDS = ("name", "phone")


@dataclass(frozen=True, slots=True)
class Callbacks:
    """Use cases over callback tasks.

    Attributes:
        edition: Returns an edition by hash: the one under which a case was closed.
        stamp: Makes the stamp of a decision on a task.
    """

    matters: Matters
    horizons: Horizons
    reveals: Aggregates[dict[str, Any]]
    vault: Vault
    clock: Callable[[], datetime]
    current: Callable[[], Edition]
    edition: Callable[[str], Edition]
    stamp: Callable[[Task, str, datetime], Stamp]

    # --- reading

    async def get(self, complaint_id: str, sees: Sees) -> tuple[Matter, Task]:
        """Return a matter with the task of its last closing. A foreign one looks like one that is not there.

        Raises:
            NotYetHereError: It may be on its way through the broker.
        """
        stored = await self.matters.get(complaint_id)
        return self._seen(stored, sees)

    async def page(self, wanted: TaskQuery) -> list[Matter]:
        """Return one page of the queue, due soonest first."""
        return [stored.state for stored in await self.matters.page(wanted) if stored.state]

    async def questionnaire(self, complaint_id: str, sees: Sees) -> tuple[Task, Questionnaire]:
        """Return what is asked in a matter's task."""
        _, task = await self.get(complaint_id, sees)
        if not task.plan:
            raise domain.NotAskedError(
                "No plan of the rulebook applies to this closing, so nothing is asked."
            )
        return task, domain.questionnaire_of(task, self.edition(task.edition_hash))

    async def contact(self, matter: Matter) -> dict[str, str]:
        """Return name and telephone number, unmasked. What leaves the service is masked, or revealed.

        Raises:
            ErasedError: The customer's data was erased, or its key has not arrived.
        """
        if not matter.boxes:
            msg = "The customer's contact has not arrived yet. Try again in a second."
            raise NotYetHereError(msg)
        opened: dict[str, Any] = {}
        for box in matter.boxes:
            opened |= await self.vault.open(box.sealed)
        return {name: str(opened[name]) for name in CONTACT_FIELDS if opened.get(name)}

    async def summary(self, month: str, units: Sequence[str] | None) -> tuple[Summary, list[Summary]]:
        """Return a month's figures: of all units asked for, and of each."""
        rows = [row async for row in self.matters.month(month, units)]
        return domain.summarise(rows)

    # --- commands

    async def attempt(self, complaint_id: str, call: Call, sees: Sees) -> tuple[Task, Attempt]:
        """Record a call once per key; the same key again gets the first answer.

        Raises:
            ConflictError: The call may not be made then, or by this caller, or the task is over.
            InvalidInputError: The answers do not fit the questionnaire.
        """

        async def once() -> tuple[Task, Attempt]:
            stored = await self.matters.get(complaint_id)
            matter, _ = self._seen(stored, sees)
            before = domain.answered(matter, call.key, call.digest)
            if before is not None:
                return before
            about = matter.task_at(call.at)
            if about is None or not about.plan:
                checked, sealed, edition = domain.Checked({}, {}), None, self.current()
            else:
                edition = self.edition(about.edition_hash)
                checked = domain.check(call, domain.questionnaire_of(about, edition))
                sealed = await self._sealed(matter, checked.words)
            elsewhere = await self.matters.called(matter, call.at - DAY)
            decided, one, happened = domain.attempt(
                matter, call, checked, sealed, edition, self.clock(), elsewhere
            )
            task = decided.task_at(call.at)
            if task is None:
                raise AssertionError  # an attempt was recorded on it
            await self._save(stored, decided, happened, task, call.key)
            return task, one

        return await retrying(once)

    async def claim(self, who: Dialler, units: Sequence[str] | None, lasts: timedelta) -> tuple[Matter, Task]:
        """Give the next task to a caller for a while; what they hold already is given again.

        Args:
            units: Units that the caller may call for; None: all.

        Raises:
            QueueEmptyError: None is free.
            OutsideHoursError: Customers are not called now.
        """
        now, edition = self.clock(), self.current()
        domain.check_hours(now, edition.at(now), edition.calendar)
        for _ in range(CLAIM_ROUNDS):
            held = [one for one in await self.matters.held(who.account, now) if _fits(one, units)]
            candidates = [*held, *await self.matters.free(units, who, now, CLAIM_LOOK_AHEAD)]
            lost = False
            for stored in candidates:
                taken = domain.claim(stored.state, who, now, lasts) if stored.state else None
                if taken is None or taken.current is None:
                    continue
                try:
                    await self._save(stored, taken, [], taken.current, who.account)
                except StaleWriteError:
                    # Another caller was faster. The next task may be free.
                    lost = True
                    continue
                return taken, taken.current
            if not lost:
                break
            now = self.clock()
        msg = "No task is free for you now. GET /v1/tasks shows what is due and when."
        raise domain.QueueEmptyError(msg)

    async def release(self, complaint_id: str, account: str, sees: Sees) -> tuple[Matter, Task]:
        """Give a claimed task back before its lease ends."""

        async def once() -> tuple[Matter, Task]:
            stored = await self.matters.get(complaint_id)
            matter, task = self._seen(stored, sees)
            freed = domain.release(matter, account, self.clock())
            if freed is matter:
                return matter, task
            await self._save(stored, freed, [], task, account)
            return self._task_of(freed)

        return await retrying(once)

    async def reveal(
        self, complaint_id: str, person: str, purpose: str, key: str, digest: str, sees: Sees
    ) -> dict[str, str]:
        """Open a customer's contact for a stated purpose. It is told, durably, before anything is shown."""
        matter, task = await self.get(complaint_id, sees)
        if not task.is_required:
            msg = "No callback is asked for this closing, so there is no purpose to open the contact here."
            raise domain.NotAskedError(msg)
        contact = await self.contact(matter)
        now = self.clock()
        subject = f"reveal/{uuid5(NAMESPACE_URL, f'{complaint_id}#{person}#{key}')}"
        stored = await self.reveals.get(subject)
        if stored.state is None:
            event = PersonalDataRevealed(
                customer=task.customer, complaint_id=matter.complaint_id, by=person, purpose=purpose
            )
            state = {"complaint": complaint_id, "by": person, "purpose": purpose, "digest": digest}
            stamp = self.stamp(task, key, now)
            try:
                await self.reveals.save(change_of(stored, state, [Happened(event, now)], stamp, index={}))
            except StaleWriteError:
                stored = await self.reveals.get(subject)
        if stored.state is not None:
            must_be_same(stored.state["digest"], digest)
        return contact

    # --- silence

    async def sweep(self) -> int:
        """Tell the windows that closed in silence. Returns how many matters had one.

        The query only narrows; the domain decides again. Several replicas may sweep at once: each window is
        told by whoever writes first. Entered complaints are swept up to their importer's declaration.
        """
        total = 0
        lanes = {LIVE: self.clock(), **await self.horizons.up_to()}
        for lane, up_to in lanes.items():
            until = min(up_to, self.clock())
            for _ in range(SWEEP_ROUNDS):
                batch = await self.matters.due(lane, until, SWEEP_BATCH)
                told = await self._settle(batch, until) if batch else 0
                total += told
                # A batch of which nothing could be told would come again and again: other lanes come first.
                if len(batch) < SWEEP_BATCH or not told:
                    break
        return total

    async def _settle(self, batch: Sequence[Stored[Matter]], up_to: datetime) -> int:
        changes = []
        for stored in batch:
            if stored.state is None or stored.state.current is None:
                continue
            settled, happened = domain.settle(stored.state, up_to)
            if settled is stored.state:
                continue
            stamp = self.stamp(stored.state.current, stored.state.current.correlation, self.clock())
            changes.append(change_of(stored, settled, happened, stamp, index=index_of(settled)))
        outcomes = await self.matters.save_many(changes) if changes else []
        return sum(outcome is None for outcome in outcomes)

    # --- parts

    def _seen(self, stored: Stored[Matter], sees: Sees) -> tuple[Matter, Task]:
        if stored.state is None or stored.state.current is None or not sees(stored.state.current.unit):
            raise NotYetHereError(_NOT_HERE)
        return stored.state, stored.state.current

    def _task_of(self, matter: Matter) -> tuple[Matter, Task]:
        if matter.current is None:
            raise NotYetHereError(_NOT_HERE)
        return matter, matter.current

    async def _sealed(self, matter: Matter, words: Mapping[str, str]) -> Sealed | None:
        """Seal what the customer said in their own words under the customer's key."""
        if not words:
            return None
        if not matter.boxes:
            msg = "The customer's key has not arrived yet, and words are kept sealed only. Try again in a second."
            raise NotYetHereError(msg)
        key_id = matter.boxes[-1].sealed.key
        keys = await self.vault.keys([key_id])
        if key_id not in keys:
            msg = "The customer's data was erased, so their words cannot be kept. Send the call without them."
            raise ErasedError(msg)
        return seal(key_id, keys[key_id], words)

    async def _save(
        self,
        stored: Stored[Matter],
        matter: Matter,
        happened: Sequence[Happened],
        task: Task,
        correlation: str,
    ) -> None:
        stamp = self.stamp(task, correlation, self.clock())
        await self.matters.save(change_of(stored, matter, happened, stamp, index=index_of(matter)))


def _fits(stored: Stored[Matter], units: Sequence[str] | None) -> bool:
    task = stored.state.current if stored.state else None
    return task is not None and (units is None or task.unit in units)


_NOT_HERE = (
    "There is no callback of this complaint here. If its case was just closed it is still on its way: "
    "try again in a second."
)
