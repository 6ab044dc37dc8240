"""Use cases over units, people and accounts."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from services.registry.domain import people, units
from services.registry.domain.editions import must_spare_the_published
from services.registry.domain.records import GROUP, AlreadyRegisteredError, State, subject_of
from services.registry.handlers.register import ALL, Register
from services.registry.store import Proposals, Published
from shared.errors import NotFoundError
from shared.events import Happened
from shared.events.registry import (
    AccountGranted,
    DeputyNamed,
    OpinionRecorded,
    PersonAppointed,
    PersonLeft,
    RegisterFilled,
    TrainingRecorded,
    UnitEstablished,
)
from shared.rulebook.schema import Rules
from shared.storage.aggregates import change_of


@dataclass(frozen=True, slots=True)
class Organisation:
    """Who there is.

    Attributes:
        proposals: Units that are not active yet stand beside the drafts of editions.
        published: Knows up to which day months are published.
    """

    register: Register
    proposals: Proposals
    published: Published

    async def establish(self, unit: UnitEstablished, by: str, request: str, *, restates: bool) -> State:
        """Record a formally established unit, or that it lacks something before it is active (ZY-03, LN-22).

        The same record again changes nothing.

        Raises:
            PublishedPeriodError: It would have worked in a published month, and nobody says that this is restated.
        """
        known = await self.register.known("unit/")
        if (same := known.get(f"unit/{unit.unit}")) and _without_ends(same) == unit.model_dump(mode="json"):
            return same
        rules = self._rules()
        event = units.establish(unit, known, rules)
        if lacks := units.missing(unit, rules):
            return await self._propose(unit, by, lacks, request)
        must_spare_the_published(unit.established_on, await self.published.before(), restates=restates)
        return await self.register.tell(event, ALL, request)

    async def _propose(self, unit: UnitEstablished, by: str, lacks: tuple[str, ...], request: str) -> State:
        state, event = units.propose(unit, by, lacks)
        stored = await self.proposals.get(subject_of(event))
        if stored.state is not None:
            if {**stored.state, "by": by} == state:
                return stored.state
            msg = f"A unit '{unit.unit}' is proposed already, otherwise. Choose another name."
            raise AlreadyRegisteredError(msg)
        now = self.register.clock()
        stamp = self.register.stamp(ALL, unit.parent or GROUP, request, now)
        await self.proposals.save(change_of(stored, state, [Happened(event, now)], stamp, index={}))
        return state

    async def activate(
        self,
        unit: str,
        person: str,
        role: str,
        lead: str,
        begins: date | None,
        request: str,
        *,
        restates: bool,
    ) -> State:
        """Let a proposed unit begin its work, once it has what the regulation asks for.

        Raises:
            PublishedPeriodError: It would have worked in a published month, and nobody says that this is restated.
        """
        known = await self.register.records.get(f"unit/{unit}")
        if known.state is not None:
            return known.state
        proposal = await self.proposed(unit)
        rules = self._rules()
        event = units.activate(proposal, person, role, lead, begins, rules)
        units.establish(event, await self.register.known("unit/"), rules)
        must_spare_the_published(event.established_on, await self.published.before(), restates=restates)
        return await self.register.tell(event, ALL, request, known)

    async def proposed(self, unit: str) -> State:
        """Return a unit that is not active yet. Raises ``NotFoundError``."""
        stored = await self.proposals.get(f"proposed-unit/{unit}")
        if stored.state is None:
            msg = f"No unit '{unit}' is proposed. POST /v1/units proposes one."
            raise NotFoundError(msg)
        return stored.state

    async def set_anew(
        self, unit: str, changes: Mapping[str, Any], since: date, request: str, *, restates: bool
    ) -> State:
        """Record that a unit is another from a day on: moved, of another kind, led by another.

        Raises:
            PublishedPeriodError: It would change a published month, and does not say that it restates it.
        """
        known = await self.register.known("unit/")
        event = units.set_anew(unit, changes, since, known, self._rules())
        if event is None:
            return known[f"unit/{unit}"]
        must_spare_the_published(since, await self.published.before(), restates=restates)
        return await self.register.tell(event, ALL, request)

    async def close_unit(
        self, unit: str, closes_on: date, request: str, successor: str = "", *, restates: bool
    ) -> State:
        """Record that a unit ceases, and which one its open matters go to.

        Raises:
            PublishedPeriodError: It would cease in a published month, and nobody says that this is restated.
        """
        stored = await self.register.records.get(f"unit/{unit}")
        event = units.close_unit(unit, closes_on, await self.register.known("unit/"), successor)
        if event is not None:
            must_spare_the_published(closes_on, await self.published.before(), restates=restates)
        return await self.register.tell_new(event, stored, ALL, request)

    async def train(self, training: TrainingRecorded, request: str) -> State:
        """Record the result of an examination (LN-22, LN-29). Who fails does not serve where it is asked for."""
        stored = await self.register.records.get(f"person/{training.person}")
        event = people.train(training, stored.state, self._rules())
        return await self.register.tell_new(event, stored, ALL, request)

    async def leave(self, left: PersonLeft, request: str) -> State:
        """Record that a person leaves on a day, and who follows them."""
        stored = await self.register.records.get(f"person/{left.person}")
        event = people.leave(left, stored.state, self.register.directory.people)
        return await self.register.tell_new(event, stored, ALL, request)

    async def name_deputy(self, deputy: DeputyNamed, request: str) -> State:
        """Record who approves in an absent person's place for some days."""
        stored = await self.register.records.get(f"person/{deputy.person}")
        directory = self.register.directory
        roles = {who: directory.roles_of(who) for who in (deputy.person, deputy.deputy)}
        event = people.name_deputy(deputy, stored.state, roles, self._rules())
        return await self.register.tell_new(event, stored, ALL, request)

    def _rules(self) -> Rules:
        return self.register.directory.edition.at(self.register.clock())

    async def appoint(self, person: PersonAppointed, request: str) -> State:
        """Record that a person holds a role, once what the rulebook asks for is on record."""
        opinion = await self.register.records.get(f"opinion/{person.opinion}") if person.opinion else None
        stored = await self.register.records.get(f"person/{person.person}")
        event = people.appoint(
            person,
            stored.state,
            opinion.state if opinion else None,
            await self.register.known("unit/"),
            self._rules(),
            self.register.directory.edition.calendar,
        )
        return await self.register.tell_new(event, stored, ALL, request)

    async def grant(
        self, account: AccountGranted, request: str, is_same: Callable[[State], bool] = lambda state: False
    ) -> State:
        """Let an account sign in. Only the services of its site are told.

        Args:
            is_same: Says whether a recorded account is the one that is asked for; then nothing changes.
        """
        stored = await self.register.records.get(f"account/{account.account}")
        if stored.state is not None and is_same(stored.state):
            return stored.state
        known = await self.register.known("unit/")
        person = await self.register.records.get(f"person/{account.person}")
        rules = self.register.directory.edition.at(self.register.clock())
        event = people.grant(account, stored.state, person.state, known, rules)
        return await self.register.tell(event, str(known[f"unit/{account.unit}"]["site"]), request, stored)

    async def revoke(self, account: str, reason: str, request: str) -> State:
        """Stop an account from signing in, and its sessions."""
        stored = await self.register.records.get(f"account/{account}")
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
    return {key: value for key, value in state.items() if key not in {"closes_on", "successor"}}
