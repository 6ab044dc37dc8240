"""Use cases over editions and units' own norms: propose, approve, reject, file, end, interpret."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from services.registry.domain import editions as domain
from services.registry.domain import norms as norms_domain
from services.registry.domain.editions import Draft, Holder
from services.registry.domain.records import GROUP, AlreadyRegisteredError, State
from services.registry.handlers.register import ALL, Register
from services.registry.store import Proposals, Published, index_of
from shared.errors import ConflictError, NotFoundError
from shared.events import Event, Happened
from shared.events.registry import RulingRecorded
from shared.rulebook.differences import changes, first_of, topics_of
from shared.rulebook.edition import Edition
from shared.rulebook.load import bundle, edition_from_files, unbundle
from shared.rulebook.load.overlays import edition_with, hash_of_norms, pack
from shared.storage.aggregates import Stored, change_of


@dataclass(frozen=True, slots=True)
class Editions:
    """What holds, and how it changes.

    Attributes:
        published: Knows up to which day months are published.
    """

    register: Register
    proposals: Proposals
    published: Published

    async def rule(self, ruling: RulingRecorded, role: str, request: str) -> State:
        """Record how a clause is to be read (QS-12)."""
        directory = self.register.directory
        domain.check_interpreter(role, directory.edition, self.register.clock())
        if ruling.edition not in {edition.name for edition in directory.editions.values()}:
            msg = f"There is no edition '{ruling.edition}'. GET /v1/editions lists them."
            raise NotFoundError(msg)
        return await self.register.once(ruling, request)

    async def propose(
        self, files: Mapping[str, str], person: str, role: str, request: str, *, restates: bool = False
    ) -> State:
        """Check a new edition and let it wait for its approvals; the edition in force stays.

        Raises:
            RulebookRefusedError: It has errors; each with file, line, what and how to mend.
            ForbiddenError: The regulation names another role that drafts such a change.
            PublishedPeriodError: It changes a published period and does not say that it restates it.
        """
        edition = edition_from_files(files)
        current, now = self.register.directory.edition, self.register.clock()
        if edition.group != current.group:
            msg = (
                f"This is a rulebook of group '{edition.group}'; this installation serves '{current.group}'."
            )
            raise ConflictError(msg)
        if edition.hash == current.hash:
            msg = f"Edition '{current.name}' is in force already."
            raise ConflictError(msg)
        stored = await self.proposals.get(f"proposal/{edition.hash}")
        if _still_waits(stored.state, current.hash, restates=restates):
            return stored.state or {}
        for norms in self.register.directory.norms.values():
            edition_with(
                edition, norms.files, norms.overlay
            )  # refused where filed norms would not fit any more
        found = changes(current, edition)
        first, topics = first_of(found), topics_of(found)
        chains = domain.chains_for(current, topics, now)
        domain.must_draft(role, chains)
        domain.must_spare_the_published(first, await self.published.before(), restates=restates)
        draft = Draft(
            name=edition.name,
            hash=edition.hash,
            bundle=bundle(edition),
            topics=topics,
            first=first,
            restates=restates,
            against=current.hash,
        )
        state, event = domain.propose(draft, person, now, chains)
        if not state["waits_for"]:
            await self._enact(state, request)
        return await self._save(stored, state, [event], request)

    async def propose_norms(
        self,
        overlay: str,
        unit: str,
        files: Mapping[str, str],
        until: date | None,
        person: str,
        role: str,
        request: str,
    ) -> State:
        """Check a unit's own norms and let them wait for their approvals; until then they have no effect (ZY-02).

        Raises:
            RulebookRefusedError: They have errors, or are about what is not a unit's to set.
            NoOwnNormsError: The regulation lets no unit have norms of its own for these topics.
        """
        current, now = self.register.directory.edition, self.register.clock()
        found = changes(current, edition_with(current, files, overlay))
        first = norms_domain.must_begin_before_it_ends(first_of(found), until)
        topics = topics_of(found)
        chains = norms_domain.chains_for(current, topics, now)
        domain.must_draft(role, chains)
        domain.must_spare_the_published(first, await self.published.before(), restates=False)
        hash_ = hash_of_norms(unit, files, until)
        if (known := await self.register.records.get(f"overlay/{overlay}")).state:
            if known.state["hash"] == hash_:
                return known.state
            msg = f"There are own norms '{overlay}' already. Choose another name."
            raise AlreadyRegisteredError(msg)
        stored = await self.proposals.get(f"proposal/{hash_}")
        if _still_waits(stored.state, current.hash, restates=False):
            return stored.state or {}
        draft = Draft(
            name=overlay,
            hash=hash_,
            bundle=pack(files),
            topics=topics,
            first=first,
            against=current.hash,
            unit=unit,
            until=until,
        )
        state, event = domain.propose(draft, person, now, chains)
        return await self._save(stored, state, [event], request)

    async def end_norms(
        self, overlay: str, ends_on: date, reason: str, person: str, role: str, request: str
    ) -> State:
        """Let a unit's own norms end on a day; matters that began before keep them."""
        stored = await self.register.records.get(f"overlay/{overlay}")
        event = norms_domain.end(
            stored.state,
            self.register.directory.edition,
            role,
            self.register.clock(),
            overlay=overlay,
            ends_on=ends_on,
            reason=reason,
            by=person,
        )
        return await self.register.tell_new(event, stored, ALL, request)

    async def approve(
        self, edition_hash: str, holders: Sequence[Holder], request: str, report: str = ""
    ) -> State:
        """Record one approval of a proposed edition; the last one of all chains enacts it."""
        stored, proposal = await self._proposed(edition_hash)
        domain.must_be_unaltered(await self.proposals.fault(stored.id))
        state, events = domain.approve(proposal, holders, self.register.clock(), report)
        in_force = self.register.directory.edition.hash
        # Told first: an approval that was not recorded can be given again, an edition cannot be told less.
        if in_force != proposal["hash"] and not await self._is_filed(proposal):
            domain.must_build_on(proposal, in_force)
            domain.must_spare_the_published(
                _day(proposal["changes_from"]), await self.published.before(), restates=proposal["restates"]
            )
            if not state["waits_for"]:
                await self._enact(state, request)
        return await self._save(stored, state, events, request)

    async def reject(self, edition_hash: str, holders: Sequence[Holder], reasons: str, request: str) -> State:
        """Refuse a proposed edition, with reasons."""
        stored, proposal = await self._proposed(edition_hash)
        state, event = domain.reject(proposal, holders, reasons, self.register.clock())
        return await self._save(stored, state, [event], request)

    async def file(self, edition_hash: str, filed_with: str, on: date, person: str, request: str) -> State:
        """Record that the approved text was filed with a body outside (XA-15)."""
        stored, proposal = await self._proposed(edition_hash)
        state, event = domain.file(proposal, filed_with, on, person)
        return proposal if event is None else await self._save(stored, state, [event], request)

    async def proposed(self, edition_hash: str) -> State:
        """Return a proposal with all that was decided about it."""
        return (await self._proposed(edition_hash))[1]

    async def files(self, edition_hash: str) -> dict[str, str]:
        """Return the texts of an edition or a draft, by name. Raises ``NotFoundError``."""
        known = self.register.directory.editions.get(edition_hash)
        return dict(known.files) if known else unbundle((await self._proposed(edition_hash))[1]["bundle"])

    async def enact_first(self, edition: Edition) -> None:
        """Enact the seed's edition, unless it, or any later one, is there."""
        if not self.register.directory.enacted:
            now = self.register.clock()
            draft = Draft(edition.name, edition.hash, bundle(edition))
            state, _ = domain.propose(draft, "seed", now, {})
            await self._enact(state, "seed")

    async def _proposed(self, edition_hash: str) -> tuple[Stored[State], State]:
        stored = await self.proposals.get(f"proposal/{edition_hash}")
        if stored.state is None:
            msg = "No such edition was proposed. GET /v1/editions lists what waits."
            raise NotFoundError(msg)
        return stored, stored.state

    async def _is_filed(self, proposal: State) -> bool:
        known = (
            (await self.register.records.get(f"overlay/{proposal['name']}")).state
            if proposal["unit"]
            else None
        )
        return known is not None and known["hash"] == proposal["hash"]

    async def _enact(self, proposal: State, request: str) -> None:
        now = self.register.clock()
        event = norms_domain.filed(proposal) if proposal["unit"] else domain.enacted(proposal, now)
        await self.register.tell(event, ALL, request)

    async def _save(
        self, stored: Stored[State], state: State, events: Sequence[Event], request: str
    ) -> State:
        now = self.register.clock()
        stamp = self.register.stamp(ALL, str(state["unit"] or GROUP), request, now)
        told = [Happened(event, now) for event in events]
        await self.proposals.save(change_of(stored, state, told, stamp, index=index_of(state)))
        return state


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _still_waits(proposal: State | None, in_force: str, *, restates: bool) -> bool:
    """Say whether the same draft waits already, as it is proposed now."""
    if proposal is None or not proposal["waits_for"]:
        return False
    return (proposal["against"], proposal["restates"]) == (in_force, restates)
