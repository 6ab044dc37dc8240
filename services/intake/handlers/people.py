"""Customers on the way in: who they are, their keys, their files, and who is a problem user.

A customer who is known costs a registration nothing; a new one costs a share of two writes.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import structlog

from services.intake import store
from services.intake.domain import customers, forms
from services.intake.domain.customers import Customer, Span
from services.intake.store import Customers, customer_key
from shared.errors import StaleWriteError
from shared.events import Happened
from shared.identity.vault import ErasedError, seal
from shared.service.context import ServiceContext
from shared.storage.aggregates import Stored, change_of
from shared.storage.write_batching import WriteBatcher

logger = structlog.get_logger(__name__)

_REMEMBERED = 50_000
_GENERATIONS = 16
"""Times that one person's data can be erased before a registration is refused."""

_OVERLAP = timedelta(seconds=10)
"""A status that another process decided shows late by its clock's error and its write's latency."""


class People:
    """Who the customers are."""

    def __init__(self, context: ServiceContext, files: Customers) -> None:
        """No IO happens here."""
        self._context, self._files = context, files
        self._key: WriteBatcher[str, bytes] = WriteBatcher(self._keys)
        self._filed: OrderedDict[str, None] = OrderedDict()
        self._spans: dict[str, tuple[Span, ...]] = {}
        self._refreshed: datetime | None = None

    async def _keys(self, ids: Sequence[str]) -> list[bytes | Exception]:
        try:
            found = await self._context.vault.ensure(ids)
        except ErasedError:
            return [await self._one_key(key_id) for key_id in ids]
        return [found[key_id] for key_id in ids]

    async def _one_key(self, key_id: str) -> bytes | Exception:
        try:
            return (await self._context.vault.ensure([key_id]))[key_id]
        except ErasedError as error:
            return error

    async def recognise(self, values: Mapping[str, str]) -> tuple[str, bytes]:
        """Return the customer's opaque id and key. A new customer's key is durable when it returns.

        Who was erased and comes again is a new customer: the old key never comes back.
        """
        who = forms.identity(values)
        for generation in range(_GENERATIONS):
            customer = self._context.vault.blind(f"customer:{generation}:{who}")
            try:
                return customer, self._context.vault.cached(customer) or await self._key(customer)
            except ErasedError:
                continue
        msg = "This person's data was erased too often. Ask the operator."
        raise ErasedError(msg)

    async def file(
        self, customer: str, key: bytes, unit: str, values: Mapping[str, str], at: datetime
    ) -> None:
        """Open the customer's file as of ``at``, unless there is one.

        The matter's own event tells of the customer; a file tells of itself once people keep it.
        """
        if customer in self._filed:
            return
        sealed = seal(customer, key, {name: values[name] for name in customers.FILED if name in values})
        fresh: Stored[Customer] = Stored(customer_key(customer))
        state = customers.opened(customer, unit, sealed, at)
        change = change_of(fresh, state, [], None, index={"unit": unit})
        try:
            await self._files.save(change)
        except StaleWriteError as found:
            logger.debug("customer.filed-before", customer=customer, found=found.code)
        self._filed[customer] = None
        while len(self._filed) > _REMEMBERED:
            self._filed.popitem(last=False)

    def is_problem(self, customer: str, moment: datetime) -> bool:
        """Say whether a customer was a problem user at ``moment``."""
        spans = self._spans.get(customer)
        return spans is not None and customers.holds(spans, moment)

    def take(self, customer: Customer) -> None:
        """Take note of a status that was decided just now."""
        self._spans[customer.customer] = customer.spans

    async def refresh(self) -> None:
        """Take note of what other processes decided."""
        since, now = self._refreshed, self._context.clock()
        for customer in await self._files.flagged_since(since - _OVERLAP if since else None):
            self.take(customer)
        self._refreshed = now

    async def lapse_due(self, most: int = 200) -> None:
        """End the statuses whose time is over, and ask for the reviews that are due."""
        context, now = self._context, self._context.clock()
        for stored in await self._files.due(now, most):
            lapsed = customers.lapse(stored.state, now) if stored.state else None
            if lapsed is None:
                continue
            state, event, at = lapsed
            stamp = context.stamp(
                stream=context.settings.site, unit=state.unit, correlation=stored.id, now=now
            )
            index = store.index_of_flag(state, now)
            try:
                await self._files.save(change_of(stored, state, [Happened(event, at)], stamp, index=index))
            except StaleWriteError as late:
                # Another sweep, or a decision, was first; the next look sees what is left.
                logger.info("flag.decided-meanwhile", customer=state.customer, error=late.code)
