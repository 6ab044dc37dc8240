"""Use cases about complaints: register, amend, reveal, list, find alike."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog

from services.intake.domain import complaints as domain
from services.intake.domain import forms
from services.intake.domain.complaints import Amendment, CheckedSubmission, Complaint, Submission
from services.intake.handlers.entry import entered, unit_for, units_of
from services.intake.handlers.people import People
from services.intake.store import MOST_ALIKE, Complaints, Wanted, index_of
from shared.errors import FieldProblem, InvalidInputError, NotFoundError, RulebookGapError, StaleWriteError
from shared.events import Happened
from shared.identity.access import Caller
from shared.identity.vault import ErasedError, open_sealed, seal
from shared.rulebook.edition import Edition
from shared.rulebook.late_entry import must_import
from shared.rulebook.schema import Rules
from shared.service.context import ServiceContext
from shared.storage.aggregates import Stored, change_of
from shared.storage.retrying import retrying
from shared.values.idempotency import Command, must_be_same, recall

logger = structlog.get_logger(__name__)

WHAT = "such complaint here"


Decided = tuple[Complaint, Happened, Mapping[str, Any]]
"""A record's new state, the event that tells of it, and the fields that it is now found by."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A complaint as its reader may see it; without fields once the customer was erased."""

    complaint: Complaint
    fields: Mapping[str, str]
    erased: bool = False


@dataclass(frozen=True, slots=True)
class Alike:
    """A complaint that may be the same matter, and why."""

    complaint: Complaint
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Matters:
    """Use cases over the complaints of one site."""

    context: ServiceContext
    store: Complaints
    people: People

    # --- registering

    async def register(
        self, said: Submission, who: Caller, asked_unit: str, command: Command
    ) -> tuple[Complaint, bool]:
        """Register a matter. Returns its record, and whether it is new: the same command again is not.

        Raises:
            InvalidInputError: Names every field that cannot be accepted. Nothing was stored.
            KeyReusedError: The key came before with another body.
        """
        context = self.context
        unit = unit_for(context, who, asked_unit)
        if said.registered_at is not None:
            must_import(who.rights)
        complaint_id = self._id_of(said, unit, command)
        now = context.clock()
        try:
            edition, examined = self.examined(said, unit, now)
        except InvalidInputError:
            known = await self.store.get(complaint_id)
            if known.state is None:
                raise
            return self._again(known.state, command), False
        customer, key = await self.people.recognise(examined.values)
        month = edition.calendar.month_of(examined.received_at)
        complaint, event = domain.register(
            examined,
            complaint_id,
            site=context.settings.site,
            unit=unit,
            month=f"{month.year:04d}{month.month:02d}",
            by=who.person,
            customer=customer,
            problem_user=self.people.is_problem(customer, examined.registered_at),
            sealed=seal(customer, key, examined.values),
            command=command,
            edition=edition.hash,
        )
        stamp = context.stamp(
            stream=context.settings.site,
            unit=complaint.concerns,
            correlation=command.request,
            now=now,
            edition=edition.name,
            edition_hash=edition.hash,
        )
        happened = [Happened(event, examined.registered_at)]
        place = forms.place(examined.values, said.product)
        index = index_of(complaint, context.vault.blind(place) if place else "")
        is_new = True
        try:
            await self.store.save(change_of(Stored(complaint_id), complaint, happened, stamp, index=index))
        except StaleWriteError:
            complaint, is_new = self._again(await self._stored(complaint_id), command), False
        # After the record, so that a refused one opens no file; the same command again mends a crash between.
        await self.people.file(customer, key, unit, examined.values, examined.registered_at)
        return complaint, is_new

    def examined(self, said: Submission, unit: str, now: datetime) -> tuple[Edition, CheckedSubmission]:
        """Hold a matter against the rules of its receipt at its unit. Raises ``InvalidInputError``."""
        received_at = said.received_at or said.registered_at or now
        edition = self.context.directory.edition_for(said.about_unit or unit, received_at)
        examined = domain.examine(said, _rules_at(edition, received_at), now)
        if said.about_unit and said.about_unit not in self.context.directory.units:
            problem = FieldProblem("about_unit", "no such unit; GET /v1/units lists them")
            raise domain.refused([problem])
        return edition, examined

    async def number_known(self, said: Submission, command: Command) -> str:
        """Return as what a partner's number is registered already by another command; empty where it is not."""
        if not said.external_number:
            return ""
        known = (await self.store.get(self._id_of(said, "", command))).state
        return known.number if known and known.command_key != command.key else ""

    async def _stored(self, complaint_id: str) -> Complaint:
        state = (await self.store.get(complaint_id)).state
        if state is None:
            msg = f"There is no {WHAT}."
            raise NotFoundError(msg)
        return state

    def _id_of(self, said: Submission, unit: str, command: Command) -> str:
        if said.external_number:
            return domain.id_of_partners(self.context.settings.site, said.channel, said.external_number)
        return domain.id_of(unit, command.key)

    def _again(self, known: Complaint, command: Command) -> Complaint:
        if known.command_key != command.key:
            msg = f"The partner's number {known.external_number} is registered already, as {known.number}."
            raise domain.NumberKnownError(msg)
        must_be_same(known.digest, command.digest)
        return known

    # --- reading

    async def get(self, complaint_id: UUID, who: Caller) -> Shown:
        """Return a complaint, masked. What lies outside the caller's units is not there."""
        stored = await self._visible(complaint_id, who)
        return (await self.show([_state(stored)]))[0]

    async def _visible(self, complaint_id: UUID, who: Caller) -> Stored[Complaint]:
        stored = await self.store.get(str(complaint_id))
        known = stored.state
        if known is None or not self.sees(who, known):
            msg = f"There is no {WHAT}."
            raise NotFoundError(msg)
        return stored

    def sees(self, who: Caller, complaint: Complaint) -> bool:
        """Say whether a matter is one of the caller's units, which took it or which it is about."""
        return self.context.access.sees(who, complaint.unit) or self.context.access.sees(
            who, complaint.concerns
        )

    async def show(self, complaints: Sequence[Complaint]) -> list[Shown]:
        """Mask the fields of complaints, with one read for all their keys."""
        keys = await self.context.vault.keys([one.sealed.key for one in complaints])
        return [self._masked(one, keys) for one in complaints]

    def _masked(self, complaint: Complaint, keys: Mapping[str, bytes]) -> Shown:
        key = keys.get(complaint.sealed.key)
        if key is None:
            return Shown(complaint, complaint.open_fields, erased=True)
        return Shown(complaint, forms.masked(open_sealed(key, complaint.sealed), complaint.open_fields))

    async def page(self, wanted: Wanted, who: Caller, limit: int) -> list[Shown]:
        """Return complaints of the caller's units, masked, the latest received first."""
        units = [unit for unit in units_of(self.context, who) if not wanted.units or unit in wanted.units]
        narrowed = Wanted(units, wanted.since, wanted.before, wanted.kinds, wanted.statuses, wanted.after)
        return await self.show(await self.store.page(narrowed, limit))

    async def duplicates(self, complaint_id: UUID, who: Caller) -> tuple[int, list[Alike]]:
        """Return the days that the rulebook looks around a matter, and what may be the same one."""
        complaint = _state(await self._visible(complaint_id, who))
        rules = self._rules_of(complaint)
        within = max((rule.within_days for rule in rules.intake.duplicates.values()), default=0)
        around = timedelta(days=within)
        since, until = complaint.received_at - around, complaint.received_at + around
        found: dict[str, tuple[Complaint, list[str]]] = {}
        for why, key, value in (
            ("same-customer", "customer", complaint.customer),
            ("same-place", "place", await self._place(complaint)),
        ):
            for other in await self.store.alike(key, value, since, until) if value and within else ():
                if other.id != complaint.id and self.sees(who, other):
                    found.setdefault(other.id, (other, []))[1].append(why)
        alike = [Alike(other, tuple(why)) for other, why in found.values()]
        return within, sorted(alike, key=lambda one: one.complaint.received_at)[:MOST_ALIKE]

    async def _place(self, complaint: Complaint) -> str:
        try:
            place = forms.place(await self.context.vault.open(complaint.sealed), complaint.product)
        except ErasedError:
            return ""
        return self.context.vault.blind(place) if place else ""

    def _rules_of(self, complaint: Complaint) -> Rules:
        """Return the rules that the complaint was registered under."""
        return self.context.directory.edition_called(complaint.edition).at(complaint.received_at)

    # --- changing

    async def amend(
        self, complaint_id: UUID, said: Amendment, who: Caller, command: Command
    ) -> Mapping[str, Any]:
        """Fill in or correct fields of a record.

        Raises:
            InvalidInputError: A field does not fit the form, or a needed one would be lost.
        """
        at, now = entered(self.context, who, said.at)

        async def decide(known: Complaint) -> Decided:
            values = await self.context.vault.open(known.sealed)
            form = forms.form_for(self._rules_of(known), known.kind)
            checked = domain.amend(known, values, said, form, now)
            key = (await self.context.vault.keys([known.customer]))[known.customer]
            sealed = seal(known.customer, key, checked.values)
            state, event = domain.amended(
                known, checked, form, sealed=sealed, reason=said.reason, by=who.person, command=command
            )
            place = forms.place(checked.values, known.product)
            return state, Happened(event, at), {"place": self.context.vault.blind(place) if place else ""}

        return await self._change(complaint_id, who, command, now, decide)

    async def reveal(
        self, complaint_id: UUID, purpose: str, who: Caller, command: Command
    ) -> Mapping[str, str]:
        """Return all fields unmasked, for a purpose that is told as an event."""
        values = await self.context.vault.open(_state(await self._visible(complaint_id, who)).sealed)
        now = self.context.clock()

        async def decide(known: Complaint) -> Decided:
            state, event = domain.revealed(known, purpose, who.person, command)
            return state, Happened(event, now), {}

        await self._change(complaint_id, who, command, now, decide)
        return values

    async def _change(
        self,
        complaint_id: UUID,
        who: Caller,
        command: Command,
        now: datetime,
        decide: Callable[[Complaint], Awaitable[Decided]],
    ) -> Mapping[str, Any]:
        """Decide and save, against events that change the same record. Returns the command's first answer."""
        context = self.context

        async def once() -> Mapping[str, Any]:
            stored = await self._visible(complaint_id, who)
            known = _state(stored)
            if (answer := recall(known.remembered, command)) is not None:
                return answer
            state, happened, index = await decide(known)
            stamp = context.stamp(
                stream=known.site, unit=known.concerns, correlation=command.request, now=now
            )
            await self.store.save(change_of(stored, state, [happened], stamp, index=index))
            return recall(state.remembered, command) or {}

        return await retrying(once)


def _state(stored: Stored[Complaint]) -> Complaint:
    if stored.state is None:
        msg = f"There is no {WHAT}."
        raise NotFoundError(msg)
    return stored.state


def _rules_at(edition: Edition, moment: datetime) -> Rules:
    try:
        return edition.at(moment)
    except RulebookGapError as error:
        first = edition.slices[0][0].isoformat()
        problem = FieldProblem("received_at", f"lies before the rulebook begins: {first}")
        raise domain.refused([problem]) from error
