"""Use cases about files: customers and their flags, products, praise, importers' declarations."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any, TypeVar

import structlog

from services.intake import store
from services.intake.domain import customers, files, forms
from services.intake.domain.complaints import refused
from services.intake.domain.customers import Customer
from services.intake.domain.files import Declaration, Praise, Product
from services.intake.handlers.entry import entered, unit_for, units_of
from services.intake.handlers.people import People
from services.intake.store import Complaints, Customers, Products, customer_key, product_key
from shared.errors import FieldProblem, NotFoundError, StaleWriteError
from shared.events import Event, Happened, Sealed
from shared.identity.access import Caller
from shared.identity.vault import open_sealed, seal
from shared.service.context import ServiceContext
from shared.storage.aggregates import Aggregates, Stored, change_of
from shared.storage.retrying import retrying
from shared.values.idempotency import Command, must_be_same, recall

logger = structlog.get_logger(__name__)

S = TypeVar("S")
_CUSTOMER = "such customer here"


@dataclass(frozen=True, slots=True)
class CustomerShown:
    """A customer's file with its fields masked; without them once erased."""

    customer: Customer
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Ruling:
    """What is decided about a proposal."""

    confirmed: bool
    reason: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """Behaviours with what shows each, and the matter on which they were shown."""

    evidence: Mapping[str, str]
    contact: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Files:
    """Use cases over the files of one site."""

    context: ServiceContext
    customers: Customers
    products: Products
    praises: Aggregates[Praise]
    declarations: Aggregates[Declaration]
    complaints: Complaints
    people: People

    # --- customers

    async def customer(self, customer: str, who: Caller) -> CustomerShown:
        """Return a customer's file, masked."""
        return await self._shown(_known(await self._visible(customer, who)))

    async def _visible(self, customer: str, who: Caller) -> Stored[Customer]:
        stored = await self.customers.get(customer_key(customer))
        self.context.access.must_see(who, stored.state.unit if stored.state else "", _CUSTOMER)
        _known(stored)
        return stored

    async def _shown(self, customer: Customer) -> CustomerShown:
        keys = await self.context.vault.keys([customer.customer])
        if customer.customer not in keys:
            return CustomerShown(customer, {})
        return CustomerShown(customer, forms.masked(await self.context.vault.open(customer.sealed), {}))

    async def masked(self, customers_: Collection[str]) -> Mapping[str, CustomerShown]:
        """Return files by customer, masked, with one read for all of them and one for all their keys."""
        found = await self.customers.many(sorted(customers_))
        keys = await self.context.vault.keys([one.customer for one in found])
        return {
            one.customer: CustomerShown(
                one,
                forms.masked(open_sealed(keys[one.sealed.key], one.sealed), {})
                if one.sealed.key in keys
                else {},
            )
            for one in found
        }

    async def file(
        self,
        fields: Mapping[str, str],
        first_business_on: date | None,
        opened_at: datetime | None,
        asked_unit: str,
        who: Caller,
        request: str,
    ) -> tuple[CustomerShown, bool]:
        """Open the file of a customer who has no matter yet (ZY-14). Who is on file stays as they are.

        Returns the file, and whether it is new.
        """
        unit = unit_for(self.context, who, asked_unit)
        at, now = entered(self.context, who, opened_at, "opened_at")
        customer, key = await self.people.recognise(fields)
        sealed = seal(customer, key, fields)
        state, event = customers.refiled(
            customers.opened(customer, unit, sealed, at), sealed, first_business_on
        )
        fresh: Stored[Customer] = Stored(customer_key(customer))
        index = {"unit": unit}
        try:
            await self._save(self.customers, fresh, state, Happened(event, at), unit, request, now, index)
        except StaleWriteError:
            return await self.customer(customer, who), False
        return await self._shown(state), True

    async def refile(
        self,
        customer: str,
        fields: Mapping[str, str],
        first_business_on: date | None,
        who: Caller,
        request: str,
    ) -> CustomerShown:
        """Bring a customer's file up to date. The same file again changes nothing."""
        now = self.context.clock()
        known = _known(await self._visible(customer, who))
        same = first_business_on in {None, known.first_business_on}
        if same and await self.context.vault.open(known.sealed) == dict(fields):
            return await self._shown(known)

        async def decide(known: Customer) -> tuple[Customer, Event, Mapping[str, Any]]:
            state, event = customers.refiled(known, await self._sealed(customer, fields), first_business_on)
            return state, event, {}

        return await self._shown(await self._change(customer, who, None, request, (now, now), decide))

    async def _sealed(self, customer: str, fields: Mapping[str, str]) -> Sealed:
        # ``ensure`` refuses an erased customer, whose file stays as it is.
        return seal(customer, (await self.context.vault.ensure([customer]))[customer], fields)

    async def propose(
        self, customer: str, said: Proposal, who: Caller, command: Command
    ) -> Mapping[str, Any]:
        """Propose that a customer is a problem user; another person decides."""
        happened_at, now = entered(self.context, who, said.at)
        name, rule = customers.standard(self.context.directory.edition.at(happened_at))
        evidence = said.evidence
        customers.examine_proposal(evidence, rule, said.contact)
        await self._must_be_theirs(customer, said.contact)

        async def decide(known: Customer) -> tuple[Customer, Event, Mapping[str, Any]]:
            state, event = customers.propose(
                known,
                rule=name,
                behaviours=tuple(sorted(evidence)),
                evidence=await self._sealed(customer, evidence),
                by=who.person,
                at=happened_at,
                command=command,
                contact=said.contact,
            )
            return state, event, {}

        state = await self._change(customer, who, command, command.request, (happened_at, now), decide)
        return recall(state.remembered, command) or {}

    async def _must_be_theirs(self, customer: str, contact: str) -> None:
        if contact:
            matter = (await self.complaints.get(contact)).state
            if matter is None or matter.customer != customer:
                raise refused([FieldProblem("contact", "no matter of this customer has this id")])

    async def review(self, customer: str, said: Ruling, who: Caller, command: Command) -> Mapping[str, Any]:
        """Leave a status as it is, or end it. From the next registration on, the answer counts."""
        return await self._rule(partial(customers.review, keep=said.confirmed), customer, said, who, command)

    async def decide(self, customer: str, said: Ruling, who: Caller, command: Command) -> Mapping[str, Any]:
        """Confirm or refuse a proposal. From the next registration on, the answer counts."""
        return await self._rule(
            partial(customers.decide, confirmed=said.confirmed), customer, said, who, command
        )

    async def _rule(
        self,
        ruled: Callable[..., tuple[Customer, Event]],
        customer: str,
        said: Ruling,
        who: Caller,
        command: Command,
    ) -> Mapping[str, Any]:
        happened_at, now = entered(self.context, who, said.at)
        edition = self.context.directory.edition
        _, rule = customers.standard(edition.at(happened_at))

        async def decide(known: Customer) -> tuple[Customer, Event, Mapping[str, Any]]:
            state, event = ruled(
                known,
                reason=said.reason,
                by=who.person,
                at=happened_at,
                rule=rule,
                calendar=edition.calendar,
                command=command,
            )
            return state, event, store.index_of_flag(state, now)

        state = await self._change(customer, who, command, command.request, (happened_at, now), decide)
        self.people.take(state)
        return recall(state.remembered, command) or {}

    async def _change(
        self,
        customer: str,
        who: Caller,
        command: Command | None,
        request: str,
        times: tuple[datetime, datetime],
        decide: Callable[[Customer], Awaitable[tuple[Customer, Event, Mapping[str, Any]]]],
    ) -> Customer:
        at, now = times

        async def once() -> Customer:
            stored = await self._visible(customer, who)
            known = _known(stored)
            if command and recall(known.remembered, command) is not None:
                return known
            state, event, index = await decide(known)
            happened = Happened(event, at)
            await self._save(self.customers, stored, state, happened, known.unit, request, now, index)
            return state

        return await retrying(once)

    async def _save(
        self,
        records: Aggregates[S],
        stored: Stored[S],
        state: S,
        happened: Happened,
        unit: str,
        request: str,
        now: datetime,
        index: Mapping[str, Any],
    ) -> None:
        stamp = self.context.stamp(stream=self.context.settings.site, unit=unit, correlation=request, now=now)
        await records.save(change_of(stored, state, [happened], stamp, index=index))

    # --- products

    async def file_product(self, product: Product, who: Caller, command: Command) -> Mapping[str, Any]:
        """Open a product's file at the caller's unit, or bring it up to date."""
        now = self.context.clock()
        stored = await self.products.get(product_key(product.unit, product.product))
        if stored.state and (answer := recall(stored.state.remembered, command)) is not None:
            return answer
        state, event = files.file_product(stored.state, product, command)
        await self._save(
            self.products,
            stored,
            state,
            Happened(event, now),
            product.unit,
            command.request,
            now,
            {"unit": state.unit},
        )
        return recall(state.remembered, command) or {}

    async def list_products(self, after: str, limit: int, who: Caller) -> Sequence[Product]:
        """Return products of the caller's units, in order of unit and id."""
        return await self.products.page(units_of(self.context, who), after, limit)

    def own_unit(self, who: Caller) -> str:
        """Return the unit whose records the caller makes."""
        return unit_for(self.context, who, "")

    # --- praise

    async def praise(
        self,
        to: str,
        fields: Mapping[str, str],
        received_at: datetime | None,
        asked_unit: str,
        who: Caller,
        command: Command,
    ) -> tuple[Praise, bool]:
        """Record praise. Returns it, and whether it is new."""
        unit = unit_for(self.context, who, asked_unit)
        at, now = entered(self.context, who, received_at, "received_at")
        praise_id = files.praise_id(unit, command.key)
        customer, key = await self.people.recognise(fields)
        praise = Praise(praise_id, unit, to, at, customer, seal(customer, key, fields), command.digest)
        event = files.receive_praise(praise, now)
        fresh: Stored[Praise] = Stored(f"praise/{praise_id}")
        try:
            await self._save(self.praises, fresh, praise, Happened(event, at), unit, command.request, now, {})
        except StaleWriteError:
            known = (await self.praises.get(fresh.id)).state
            if known is None:
                raise
            must_be_same(known.digest, command.digest)
            return known, False
        await self.people.file(customer, key, unit, fields, at)
        return praise, True

    # --- what importers declare

    async def declare(
        self, complete_up_to: datetime, asked_unit: str, who: Caller, command: Command
    ) -> Mapping[str, Any]:
        """Declare a unit's entered history complete up to a moment: silence before it counts from now on."""
        unit = unit_for(self.context, who, asked_unit)
        now = self.context.clock()
        stored = await self.declarations.get(f"import/{unit}")
        if stored.state and (answer := recall(stored.state.remembered, command)) is not None:
            return answer
        state, event = files.declare(stored.state, unit, complete_up_to, who.person, now, command)
        await self._save(
            self.declarations, stored, state, Happened(event, now), unit, command.request, now, {}
        )
        return recall(state.remembered, command) or {}


def _known(stored: Stored[Customer]) -> Customer:
    if stored.state is None:
        msg = f"There is no {_CUSTOMER}."
        raise NotFoundError(msg)
    return stored.state
