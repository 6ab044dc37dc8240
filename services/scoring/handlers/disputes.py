"""Scoring's use cases of disputes: lodge, advise, rule, tell what is late, and state anew what a ruling restates."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import orjson
import structlog

from services.scoring.domain import NotCompleteError, Order, PeriodOrderError, SetAsideError
from services.scoring.domain import disputes as domain
from services.scoring.domain.disputes import Dispute, Found, Words
from services.scoring.domain.facts import History, fact_of, in_order
from services.scoring.domain.overturns import Overturn
from services.scoring.domain.rankings import months_of
from services.scoring.handlers.scores import Scoring
from services.scoring.store import DISPUTE, Store
from shared.errors import NotFoundError, StaleWriteError
from shared.events import Happened
from shared.events.facts import Fact
from shared.events.handling import AppealDecided
from shared.events.intake import ComplaintRegistered
from shared.events.scoring import DisputeRuled, InspectionRecorded, ScorePosted
from shared.identity.directory import Directory
from shared.rulebook.disputes import DecidedError, Party, check_correction, rules_for
from shared.rulebook.schema.procedures import Appeals, Contestable
from shared.storage.aggregates import Stamp, Stored, change_of
from shared.timekeeping.calendar import Month

log = structlog.get_logger(__name__)

SWEEP = 200
"""Disputes whose terms one sweep looks at."""

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody wants to contest.

    Attributes:
        about: A posting, an inspection's event, a matter; of management the office.
        unit: The unit that contests how it is managed.
        occurrence: Which callback of the matter.
        since: Since when it is managed so.
    """

    against: Contestable
    about: str
    unit: str
    occurrence: int
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Disputes:
    """Use cases over disputes.

    Attributes:
        scoring: What costs points, and how months are closed.
        stamp: Makes the stamp of an event for a stream, unit and correlation id.
    """

    store: Store
    scoring: Scoring
    directory: Directory
    clock: Callable[[], datetime]
    stamp: Callable[[str, str, str, datetime], Stamp]

    async def contested(self, asked: Asked) -> Found:
        """Return what is contested.

        Raises:
            NotFoundError: It is not here.
            InvalidInputError: It cannot be contested.
        """
        people, edition = self.directory.people, self.directory.edition
        if asked.against == "posting":
            posting = await self.scoring.posting(asked.about)
            return domain.posting_contested(posting, await self._facts(posting), people)
        if asked.against == "inspection":
            stored = await self.store.unit_fact(asked.about)
            if stored is None or stored["type"] != InspectionRecorded.TYPE:
                msg = "There is no such inspection. GET /v1/inspections lists them by event."
                raise NotFoundError(msg)
            return domain.inspection_contested(fact_of(stored), edition, people)
        if asked.against == "management":
            return domain.management_contested(asked.unit, asked.about, asked.since or self.clock())
        matter = await self.store.matter(asked.about)
        facts = matter.history() if matter else []
        if History.of(facts).first(ComplaintRegistered) is None:
            msg = "There is no such matter here."
            raise NotFoundError(msg)
        if asked.against == "callback":
            return domain.callback_contested(facts, asked.occurrence, edition)
        return domain.service_contested(facts)

    async def correctable(self, posting: str, by: Party) -> Found:
        """Return what a ruling over a posting says that nobody lodged a dispute about.

        Raises:
            NotFoundError: There is no such posting.
            DecidedError: A dispute was lodged about it.
            ForbiddenError: The rulebook has somebody else rule.
        """
        found = await self.contested(Asked("posting", posting, "", 1, None))
        contested = found.contested
        stored = await self.store.dispute(_name("posting", contested.key))
        if stored.state is not None:
            msg = f"Dispute {stored.state.id} was lodged about this posting. Rule that: POST /v1/disputes/…/ruling."
            raise DecidedError(msg)
        rule = next((rule for _, rule in rules_for("posting", self.directory.edition.at(self.clock()))), None)
        check_correction(rule, contested, by, self.directory.within)
        return found

    async def lodge(self, found: Found, words: Words, by: Party, at: datetime) -> Dispute:
        """Lodge a dispute, the only one over what it contests. The same key again gives the first answer.

        Raises:
            DecidedError: There was one before.
        """
        stored = await self.store.dispute(_name(found.contested.what, found.contested.key))
        if stored.state is not None:
            return _first(stored.state, words)
        edition = self.directory.edition
        name = stored.id.removeprefix(DISPUTE)
        dispute, happened = domain.lodged(name, found, words, by, at, edition, self.directory.within)
        try:
            await self._save(stored, dispute, happened, words.key)
        except StaleWriteError:
            again = await self.store.dispute(name)
            return _first(again.state or dispute, words)
        return dispute

    async def dispute(self, name: str) -> Dispute:
        """Return a dispute. Raises ``NotFoundError``."""
        stored = await self.store.dispute(name)
        if stored.state is None:
            msg = "There is no such dispute. GET /v1/disputes lists them."
            raise NotFoundError(msg)
        return stored.state

    async def advise(self, name: str, words: Words, by: Party, at: datetime, *, uphold: bool) -> Dispute:
        """Give advice on a dispute."""
        stored, before = await self._open(name)
        if before.advice and domain.same_words(before.advice.key, before.advice.digest, words):
            return before
        dispute, happened = domain.advised(before, self._rule(before), words, by, at, uphold=uphold)
        await self._save(stored, dispute, happened, words.key)
        return dispute

    async def rule(self, name: str, words: Words, by: Party, at: datetime, *, upheld: bool) -> Dispute:
        """Rule a dispute. Upheld, what it names costs no points any more."""
        stored, before = await self._open(name)
        if before.ruling and domain.same_words(before.ruling.key, before.ruling.digest, words):
            return before
        dispute, happened = domain.ruled(
            before, self._rule(before), words, by, at, self.directory.within, upheld=upheld
        )
        await self._save(stored, dispute, happened, words.key)
        return dispute

    async def sweep(self) -> None:
        """Tell what is late."""
        now = self.clock()
        for stored in await self.store.disputes_due(now, SWEEP):
            if stored.state is not None:
                dispute, happened = domain.told_overdue(stored.state, self._rule(stored.state), now)
                await self._save(stored, dispute, happened, f"overdue-{stored.id}")

    async def restate(self) -> None:
        """State anew the published periods that an upheld ruling changes; those that it does not stay as they are."""
        for stored in await self.store.rulings_pending():
            ruling = stored.state or {}
            first = self._month_of(await self._since(ruling))
            published = [name for name in await self.store.published() if months_of(name)[-1] >= first]
            # Months first: quarters and years rest on them.
            # As of a moment at which it is known, even where the clock of who told it is ahead of this one's.
            as_of = max(self.clock(), fact_of(ruling).time + timedelta.resolution)
            order = Order("restatement", as_of, f"restate-{ruling['id']}", "")
            try:
                for name in sorted(published, key=lambda one: (len(months_of(one)), one)):
                    await self.scoring.close(name, order)
            except (NotCompleteError, SetAsideError, PeriodOrderError, StaleWriteError) as error:
                log.info("scoring.restatement-waits", ruling=ruling["id"], reason=str(error))
                continue
            await self.store.ruling_done(stored)
            log.info("scoring.restated", ruling=ruling["id"], periods=published)

    async def overturns(self) -> dict[str, tuple[Overturn, ...]]:
        """Return how often rulings upheld what was contested, by clause and by inspector."""
        told = []
        async for ruling in self.store.every_ruling():
            if ruling["type"] == DisputeRuled.TYPE:
                ruled = DisputeRuled.view(ruling["data"])
                told.append((ruled.clauses, ruled.inspector, ruled.upheld))
            else:
                told.append((*await self._appealed(ruling), AppealDecided.view(ruling["data"]).upheld))
        return domain.overturned(told)

    async def _facts(self, posting: Mapping[str, Any]) -> list[Fact]:
        if not posting["subject"].startswith("unit/"):
            matter = await self.store.matter(posting["subject"])
            return matter.history() if matter else []
        found = [await self.store.unit_fact(event) for event in posting["evidence"]]
        return in_order(fact_of(one) for one in found if one is not None)

    async def _appealed(self, ruling: Document) -> tuple[tuple[str, ...], str]:
        subject = str(ruling["subject"])
        matter = await self.store.matter(subject)
        # What fell is no posting any more; the log keeps what it cost.
        told = [one for one in await self.scoring.log.about(subject) if one.type == ScorePosted.TYPE]
        posted = [orjson.loads(one.body)["data"] for one in told]
        return domain.appealed(fact_of(ruling), matter.history() if matter else [], posted)

    async def _since(self, ruling: Document) -> datetime:
        """Return since when that stands which a ruling took away: no month before can change."""
        is_ruled = ruling["type"] == DisputeRuled.TYPE
        if is_ruled and (name := DisputeRuled.view(ruling["data"]).dispute):
            stored = await self.store.dispute(name)
            if stored.state is not None:
                return stored.state.since
        matter = await self.store.matter(str(ruling["subject"]))
        facts = matter.history() if matter else []
        return facts[0].time if facts else fact_of(ruling).time

    def _month_of(self, at: datetime) -> Month:
        return self.directory.edition.calendar.month_of(at, closing=True)

    async def _open(self, name: str) -> tuple[Stored[Dispute], Dispute]:
        stored = await self.store.dispute(name)
        if stored.state is None:
            msg = "There is no such dispute. GET /v1/disputes lists them."
            raise NotFoundError(msg)
        return stored, stored.state

    def _rule(self, dispute: Dispute) -> Appeals:
        """Return the rule under which a dispute began, whatever edition is in force by now."""
        edition = self.directory.edition_called(dispute.edition)
        return edition.at(dispute.at).procedures.appeals[dispute.rule]

    async def _save(
        self, stored: Stored[Dispute], dispute: Dispute, happened: list[Happened], correlation: str
    ) -> None:
        site = self.directory.unit(dispute.unit).site
        stamp = self.stamp(site, dispute.unit, correlation, self.clock())
        index = {
            "unit": dispute.unit,
            "by": dispute.by,
            "due": min((end for _, end in dispute.terms()), default=None),
        }
        await self.store.disputes.save(change_of(stored, dispute, happened, stamp, index=index))


def _name(what: str, key: str) -> str:
    """Return the id of the one dispute that there can be over something."""
    return str(uuid5(NAMESPACE_URL, f"dispute/{what}/{key}"))


def _first(dispute: Dispute, words: Words) -> Dispute:
    if domain.same_words(dispute.key, dispute.digest, words):
        return dispute
    msg = f"This was contested before, and only once: dispute {dispute.id}."
    raise DecidedError(msg)
