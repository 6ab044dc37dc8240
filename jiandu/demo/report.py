"""What the quarter of a group came to, read over HTTP as its publisher sees it."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from jiandu.demo.scenario import Call, Scenario
from jiandu.demo.wire import Wire
from shared.events.callback import CallbackCompleted
from shared.events.handling import CaseOpened
from shared.rulebook.edition import Edition
from shared.rulebook.schema import Text

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Followed:
    """One matter, and what it did: it cost a posting, or its customer was not satisfied.

    Attributes:
        posting: What it cost; None where the group counts no points.
        event: The callback's answer, where there is no posting.
        history: Every entry of handling's log about the case.
        complaint: The record at the site, masked.
    """

    posting: Document | None
    event: Document | None
    case: Document
    history: Sequence[Document]
    complaint: Document


@dataclass(frozen=True, slots=True)
class Flagged:
    """A customer who was called a problem user.

    Attributes:
        cases: The complaints that led to it, as handling knows them.
        file: The customer's file at the site, masked.
    """

    cases: Sequence[Document]
    file: Document


@dataclass(frozen=True, slots=True)
class Disputed:
    """A posting that was taken back after a dispute."""

    case: Document
    posting: Document
    reversal: Document


@dataclass(frozen=True, slots=True)
class Report:
    """What scoring published, and what became of a few matters.

    Attributes:
        periods: Period → its result, in the order in which they went out.
        names: Unit → its name.
        played: Units that were played.
        overturns: How often rulings upheld what was contested, by clause and by inspector.
    """

    periods: Mapping[str, Document]
    names: Mapping[str, Text]
    played: Sequence[str]
    flagged: Sequence[Flagged]
    disputed: Sequence[Disputed]
    overturns: Document
    followed: Followed | None

    @property
    def months(self) -> dict[str, Document]:
        """Return the months."""
        return {period: one for period, one in self.periods.items() if "indicators" in one}


async def read(wire: Wire, told: Scenario, ids: Mapping[str, str], events: Path, edition: Edition) -> Report:
    """Read what was published.

    Args:
        ids: Name of a complaint in its story → id.
        events: The exported events, in which the matter is found that is followed down.
    """
    ranked = frozenset(one.by for _, rules in edition.slices for one in rules.scoring.rankings.values())
    units = await wire.get("registry", told.reader, "/v1/units")
    periods = {
        one.period: await wire.get("scoring", told.reader, f"/v1/periods/{one.period}")
        for one in told.closings
    }
    reader = _Reader(wire, told, ids, periods)
    return Report(
        periods=periods,
        names={one["unit"]: Text(zh=one["name_zh"], en=one["name_en"]) for one in units["items"]},
        played=told.units,
        flagged=[one async for one in reader.flagged()],
        disputed=[one async for one in reader.disputed()],
        overturns=await wire.get("scoring", told.reader, "/v1/overturns"),
        followed=await reader.followed(events, ranked),
    )


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads about single matters of what was told."""

    wire: Wire
    told: Scenario
    ids: Mapping[str, str]
    periods: Mapping[str, Document]

    @property
    def postings(self) -> list[Document]:
        """Return what every month posted."""
        return [one for period in self.periods.values() for one in period.get("postings", ())]

    async def flagged(self) -> AsyncIterator[Flagged]:
        """Give who was called a problem user in a story, with the complaints of that story."""
        for story in self.told.stories:
            for call in story.calls:
                if call.path.endswith("/flags"):
                    names = [one.about for one in story.calls if one.path == "/v1/complaints"]
                    cases = [await self._case(self.ids[name]) for name in names]
                    complaint = await self._at_site(call, f"/v1/complaints/{self.ids[call.about]}")
                    yield Flagged(cases, await self._at_site(call, f"/v1/customers/{complaint['customer']}"))

    async def disputed(self) -> AsyncIterator[Disputed]:
        """Give what a ruling took back, once a matter."""
        rulings = (one for story in self.told.stories for one in story.calls if one.path.endswith("/ruling"))
        costs = {one["id"]: one for one in self.postings}
        for case_id in dict.fromkeys(self.ids[one.about] for one in rulings):
            for one in costs.values():
                if one["subject"] == case_id and one["reverses"] in costs:
                    yield Disputed(await self._case(case_id), costs[one["reverses"]], one)
                    break

    async def followed(self, events: Path, ranked: frozenset[str]) -> Followed | None:
        """Choose the posting about a matter that takes most to explain, else the worst answer of the worst unit.

        What counts for a ranking comes first.

        Args:
            ranked: Sheets by which units are ranked.
        """
        matters = {one["subject"] for one in _lines(events) if one.get("type") == CaseOpened.TYPE}
        costs = [one for one in self.postings if one["subject"] in matters and not one["reverses"]]
        posting = max(
            costs,
            key=lambda one: (one["sheet"] in ranked, len(one["explanation_zh"]), one["id"]),
            default=None,
        )
        event = None if posting else self._worst_answer(events)
        if posting is None and event is None:
            return None
        subject = posting["subject"] if posting else event["subject"] if event else ""
        case, reader = await self._case(subject), self.told.reader
        history = await self.wire.get("handling", reader, f"/v1/cases/{subject}/history?limit=200")
        # A desk comes last among those of its site; it took in what no unit of the site did.
        accounts = {one.unit: one.account for one in self.told.declarations if one.site == case["site"]}
        reads = accounts.get(case["unit"], list(accounts.values())[-1])
        complaint = await self.wire.get(f"intake-{case['site']}", reads, f"/v1/complaints/{subject}")
        return Followed(posting, event, case, history["items"], complaint)

    def _worst_answer(self, events: Path) -> Document | None:
        """Return the answer of a dissatisfied customer: of the unit that stands last, where it has one."""
        answers = [
            one
            for one in _lines(events)
            if one.get("type") == CallbackCompleted.TYPE and not CallbackCompleted.view(one["data"]).satisfied
        ]
        months = [period for period in self.periods.values() if "indicators" in period]
        ranked = [one for month in months for one in month["rankings"] if one["rows"]]
        last = ranked[-1]["rows"][-1]["unit"] if ranked else ""
        return max(
            answers,
            key=lambda one: (
                one["unit"] == last,
                -CallbackCompleted.view(one["data"]).satisfaction,
                one["time"],
            ),
            default=None,
        )

    async def _case(self, case_id: str) -> Document:
        found: Document = await self.wire.get("handling", self.told.reader, f"/v1/cases/{case_id}")
        return found

    async def _at_site(self, call: Call, path: str) -> Document:
        account = self.told.importers[call.site]
        found: Document = await self.wire.get(f"intake-{call.site}", account, path)
        return found


def _lines(events: Path) -> Iterator[Document]:
    with events.open("rb") as file:
        for line in file:
            yield orjson.loads(line)
