"""Use cases over units, people and accounts."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from services.registry.domain import people, units
from services.registry.domain.records import State
from services.registry.handlers.register import ALL, Register
from shared.events.registry import (
    AccountGranted,
    OpinionRecorded,
    PersonAppointed,
    RegisterFilled,
    UnitEstablished,
)


@dataclass(frozen=True, slots=True)
class Organisation:
    """Who there is."""

    register: Register

    async def establish(self, unit: UnitEstablished, request: str) -> State:
        """Record a formally established unit. The same record again changes nothing."""
        known = await self.register.known("unit/")
        if (same := known.get(f"unit/{unit.unit}")) and _without_ends(same) == unit.model_dump(mode="json"):
            return same
        return await self.register.tell(
            units.establish(unit, known, self.register.directory.edition.at(self.register.clock())),
            ALL,
            request,
        )

    async def close_unit(self, unit: str, closes_on: date, request: str) -> State:
        """Record that a unit ceases."""
        stored = await self.register.store.get(f"unit/{unit}")
        return await self.register.tell_new(
            units.close_unit(unit, closes_on, stored.state), stored, ALL, request
        )

    async def appoint(self, person: PersonAppointed, request: str) -> State:
        """Record that a person holds a role, once what the rulebook asks for is on record."""
        opinion = await self.register.store.get(f"opinion/{person.opinion}") if person.opinion else None
        stored = await self.register.store.get(f"person/{person.person}")
        rules = self.register.directory.edition.at(self.register.clock())
        event = people.appoint(
            person,
            stored.state,
            opinion.state if opinion else None,
            await self.register.known("unit/"),
            rules,
        )
        return await self.register.tell_new(event, stored, ALL, request)

    async def grant(
        self, account: AccountGranted, request: str, is_same: Callable[[State], bool] = lambda state: False
    ) -> State:
        """Let an account sign in. Only the services of its site are told.

        Args:
            is_same: Says whether a recorded account is the one that is asked for; then nothing changes.
        """
        stored = await self.register.store.get(f"account/{account.account}")
        if stored.state is not None and is_same(stored.state):
            return stored.state
        known = await self.register.known("unit/")
        person = await self.register.store.get(f"person/{account.person}")
        rules = self.register.directory.edition.at(self.register.clock())
        event = people.grant(account, stored.state, person.state, known, rules)
        return await self.register.tell(event, str(known[f"unit/{account.unit}"]["site"]), request, stored)

    async def revoke(self, account: str, reason: str, request: str) -> State:
        """Stop an account from signing in, and its sessions."""
        stored = await self.register.store.get(f"account/{account}")
        event = people.revoke(account, reason, stored.state)
        unit = self.register.directory.unit(str((stored.state or {})["unit"]))
        return await self.register.tell_new(event, stored, unit.site, request)

    async def give_opinion(self, opinion: OpinionRecorded, role: str, request: str) -> State:
        """Record the group centre's opinion on a head who is to be appointed (JK-26)."""
        rules = self.register.directory.edition.at(self.register.clock())
        return await self.register.once(people.give_opinion(opinion, role, rules), request)

    async def filled(self, request: str) -> None:
        """Tell how much the first filling came to, so that every site knows when it has heard all of it."""
        known = self.register.directory
        if known.filled is None:
            sites = Counter(known.unit(str(one["unit"])).site for one in known.accounts.values())
            event = RegisterFilled(units=len(known.units), people=len(known.people), accounts=sites)
            await self.register.tell(event, ALL, request)


def _without_ends(state: Mapping[str, Any]) -> State:
    return {key: value for key, value in state.items() if key != "closes_on"}
