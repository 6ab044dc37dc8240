"""The registry's use cases: load, decide, save, tell."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from services.registry import domain
from services.registry.domain import GROUP, State
from services.registry.store import Proposals, Store, index_of
from shared.directory import Directory, reduce
from shared.errors import ConflictError, KeyReusedError, NotFoundError
from shared.events import Event, Happened
from shared.events.registry import (
    AccountGranted,
    OpinionRecorded,
    PersonAppointed,
    RegisterFilled,
    RulingRecorded,
    UnitEstablished,
)
from shared.rulebook.edition import Edition
from shared.rulebook.load import bundle, edition_from_files
from shared.storage import Stamp, Stored, change_of

ALL = "all"


@dataclass(frozen=True, slots=True)
class Registry:
    """Use cases over the register.

    Attributes:
        stamp: Makes the stamp of an event for a stream, unit and correlation id.
    """

    store: Store
    proposals: Proposals
    directory: Directory
    clock: Callable[[], datetime]
    stamp: Callable[[str, str, str, datetime], Stamp]

    async def establish(self, unit: UnitEstablished, request: str) -> State:
        """Record a formally established unit. The same record again changes nothing."""
        known = await self._known("unit/")
        if (same := known.get(f"unit/{unit.unit}")) and _without_ends(same) == unit.model_dump(mode="json"):
            return same
        return await self._tell(
            domain.establish(unit, known, self.directory.edition.at(self.clock())), ALL, request
        )

    async def close_unit(self, unit: str, closes_on: date, request: str) -> State:
        """Record that a unit ceases."""
        stored = await self.store.get(f"unit/{unit}")
        return await self._tell_new(domain.close_unit(unit, closes_on, stored.state), stored, ALL, request)

    async def appoint(self, person: PersonAppointed, request: str) -> State:
        """Record that a person holds a role, once what the rulebook asks for is on record."""
        opinion = await self.store.get(f"opinion/{person.opinion}") if person.opinion else None
        stored = await self.store.get(f"person/{person.person}")
        rules = self.directory.edition.at(self.clock())
        event = domain.appoint(
            person, stored.state, opinion.state if opinion else None, await self._known("unit/"), rules
        )
        return await self._tell_new(event, stored, ALL, request)

    async def grant(
        self, account: AccountGranted, request: str, is_same: Callable[[State], bool] = lambda state: False
    ) -> State:
        """Let an account sign in. Only the services of its site are told.

        Args:
            is_same: Says whether a recorded account is the one that is asked for; then nothing changes.
        """
        stored = await self.store.get(f"account/{account.account}")
        if stored.state is not None and is_same(stored.state):
            return stored.state
        units = await self._known("unit/")
        person = await self.store.get(f"person/{account.person}")
        rules = self.directory.edition.at(self.clock())
        event = domain.grant(account, stored.state, person.state, units, rules)
        return await self._tell(event, str(units[f"unit/{account.unit}"]["site"]), request, stored)

    async def revoke(self, account: str, reason: str, request: str) -> State:
        """Stop an account from signing in, and its sessions."""
        stored = await self.store.get(f"account/{account}")
        event = domain.revoke(account, reason, stored.state)
        unit = self.directory.unit(str((stored.state or {})["unit"]))
        return await self._tell_new(event, stored, unit.site, request)

    async def give_opinion(self, opinion: OpinionRecorded, role: str, request: str) -> State:
        """Record the group centre's opinion on a head who is to be appointed (JK-26)."""
        rules = self.directory.edition.at(self.clock())
        return await self._once(domain.give_opinion(opinion, role, rules), request)

    async def rule(self, ruling: RulingRecorded, role: str, request: str) -> State:
        """Record how a clause is to be read (QS-12)."""
        domain.check_interpreter(role, self.directory.edition, self.clock())
        if ruling.edition not in {edition.name for edition in self.directory.editions.values()}:
            msg = f"There is no edition '{ruling.edition}'. GET /v1/editions lists them."
            raise NotFoundError(msg)
        return await self._once(ruling, request)

    async def propose(self, files: Mapping[str, str], person: str, request: str) -> State:
        """Check a new edition and let it wait for its approvals; the edition in force stays.

        Raises:
            RulebookRefusedError: It has errors; each with file, line, what and how to mend.
        """
        edition = edition_from_files(files)
        current = self.directory.edition
        if edition.group != current.group:
            msg = (
                f"This is a rulebook of group '{edition.group}'; this installation serves '{current.group}'."
            )
            raise ConflictError(msg)
        now = self.clock()
        stored = await self.proposals.get(edition.hash)
        if edition.hash == current.hash:
            msg = f"Edition '{current.name}' is in force already."
            raise ConflictError(msg)
        if stored.state is not None and stored.state["waits_for"]:
            return stored.state
        state = domain.propose(edition, bundle(edition), person, now, domain.chain(current, now))
        if not state["waits_for"]:
            await self._tell(domain.enacted(state, now), ALL, request)
        await self.proposals.save(change_of(stored, state, [], None, index=index_of(state)))
        return state

    async def approve(self, edition_hash: str, person: str, role: str, request: str) -> State:
        """Record one approval of a proposed edition; the last one enacts it."""
        stored = await self.proposals.get(edition_hash)
        if stored.state is None:
            msg = "No such edition was proposed. GET /v1/editions lists what waits."
            raise NotFoundError(msg)
        state, events = domain.approve(stored.state, person, role, self.clock())
        for event in events:
            # Told first: an approval that was not recorded can be given again, an edition cannot be told less.
            await self._tell(event, ALL, request)
        await self.proposals.save(change_of(stored, state, [], None, index=index_of(state)))
        return state

    async def enact_first(self, edition: Edition) -> None:
        """Enact the seed's edition, unless it, or any later one, is there."""
        if not self.directory.enacted:
            state = domain.propose(edition, bundle(edition), "seed", self.clock(), ())
            await self._tell(domain.enacted(state, self.clock()), ALL, "seed")

    async def filled(self, request: str) -> None:
        """Tell how much the first filling came to, so that every site knows when it has heard all of it."""
        known = self.directory
        if known.filled is None:
            sites = Counter(known.unit(str(one["unit"])).site for one in known.accounts.values())
            event = RegisterFilled(units=len(known.units), people=len(known.people), accounts=sites)
            await self._tell(event, ALL, request)

    async def _once(self, event: Event, request: str) -> State:
        stored = await self.store.get(domain.subject_of(event))
        if stored.state is not None:
            if stored.state == event.model_dump(mode="json"):
                return stored.state
            msg = "This record exists with other contents. Choose a new id."
            raise KeyReusedError(msg)
        return await self._tell(event, ALL, request, stored)

    async def _tell_new(self, event: Event | None, stored: Stored[State], stream: str, request: str) -> State:
        return (stored.state or {}) if event is None else await self._tell(event, stream, request, stored)

    async def _known(self, prefix: str) -> dict[str, State]:
        return {stored.id: stored.state or {} for stored in await self.store.all(prefix)}

    async def _tell(
        self, event: Event, stream: str, request: str, stored: Stored[State] | None = None
    ) -> State:
        subject = domain.subject_of(event)
        stored = stored or await self.store.get(subject)
        now = self.clock()
        data = event.model_dump(mode="json")
        state = reduce(stored.state, event.TYPE, data)
        stamp = self.stamp(stream, str(data.get("unit", GROUP)), request, now)
        await self.store.save(change_of(stored, state, [Happened(event, now)], stamp, index={}))
        await self.directory.refresh([subject])
        return state


def _without_ends(state: Mapping[str, Any]) -> State:
    return {key: value for key, value in state.items() if key != "closes_on"}
