"""Plays a scenario over HTTP: stories side by side, the calls of each in their order."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

from jiandu.demo.scenario import Call, Scenario, Story
from jiandu.demo.wire import Answer, RefusedError, UnreachableError, Wire

DIRECTOR = "director"
"""Account that publishes and reads everything, where nobody else is named."""

SIDE_BY_SIDE = 400
"""Stories that are played at once. Most of them wait for an event to arrive somewhere."""

_LOOK_EVERY_S = 1.5
_STILL = 3
"""Looks in a row in which nothing moved. Between two looks every service sweeps at least once."""

_COSTED_EVERY_S = 0.5
"""Between two looks at what a complaint cost."""

Advance = Callable[[str, int], None]
"""Is told the name of a service, and how many calls it has answered more."""


@dataclass(slots=True)
class Player:
    """Enters a scenario into running services.

    Attributes:
        name: Goes before every idempotency key, so that two scenarios never share one.
        reader: Account that reads everything.
        importers: Site → account that enters there; ``<site>-importer`` where none is named.
    """

    wire: Wire
    name: str
    advance: Advance = lambda service, calls: None
    ids: dict[str, str] = field(default_factory=dict)
    reader: str = DIRECTOR
    importers: Mapping[str, str] = field(default_factory=dict)

    async def play(self, scenario: Scenario, *, side_by_side: int = SIDE_BY_SIDE) -> None:
        """Enter every story.

        Raises:
            RefusedError: A service refused a call; its notes name it. Nothing more is entered.
            UnreachableError: A service stayed away.
        """
        waiting = iter(scenario.stories)

        async def work() -> None:
            for story in waiting:
                await self._tell(story)

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(side_by_side):
                    group.create_task(work())
        except ExceptionGroup as failed:
            # The first failure ended the others; it alone says what is wrong.
            raise failed.exceptions[0] from None

    async def _tell(self, story: Story) -> None:
        for call in story.calls:
            answer = await self._make(call)
            if "complaint_id" in answer and call.path == "/v1/complaints":
                self.ids[call.about] = answer["complaint_id"]
            self.advance(call.service, 1)

    async def _make(self, call: Call) -> Answer:
        names = {"{case}": self.ids.get(call.about, "")}
        names |= {value: self.ids[value[1:-1]] for value in call.body.values() if self._is_name(value)}
        body = {
            key: names.get(value, value) if isinstance(value, str) else value
            for key, value in call.body.items()
        }
        try:
            return await self.wire.post(
                self._line(call),
                call.account,
                await self._path(call),
                body,
                key=f"{self.name}/{call.key}",
                early=call.early,
            )
        except RefusedError as error:
            error.add_note(
                f"in story '{call.about or call.key}', call {call.key}: {str(dict(call.body))[:500]}"
            )
            raise

    async def _path(self, call: Call) -> str:
        """Fill in whom or what the path names."""
        case = self.ids.get(call.about, "")
        path = call.path.replace("{case}", case)
        if "{customer}" in path:
            record = await self.wire.get(self._line(call), call.account, f"/v1/complaints/{case}")
            path = path.replace("{customer}", record["customer"])
        if "{posting}" in path:
            path = path.replace("{posting}", await self._posting(case, call.rule))
        return path

    async def _posting(self, case: str, rule: str) -> str:
        """Return what a complaint cost under a rule, once scoring has worked it out."""
        for _ in range(round(self.wire.patience_s / _COSTED_EVERY_S)):
            postings = await self.wire.get("scoring", self.reader, f"/v1/matters/{case}/postings")
            for one in postings["items"]:
                if one["rule"] == rule:
                    return str(one["id"])
            await asyncio.sleep(_COSTED_EVERY_S)
        raise UnreachableError(f"Scoring has posted nothing under '{rule}' for complaint {case}.")

    def _is_name(self, value: object) -> bool:
        return isinstance(value, str) and value.startswith("{") and value[1:-1] in self.ids

    def _line(self, call: Call) -> str:
        if call.service == "intake":
            return f"intake-{call.site}"
        replicas = self.wire.replicas(call.service)
        return replicas[crc32(call.about.encode()) % len(replicas)]

    async def declare(self, scenario: Scenario) -> None:
        """Declare what was entered complete: from now on silence counts."""
        for one in scenario.declarations:
            body = {"complete_up_to": scenario.declared, "unit": one.unit}
            key = f"{self.name}/declaration/{one.unit}"
            path = "/v1/imports/declaration"
            await self.wire.post(f"intake-{one.site}", one.account, path, body, key=key)

    async def settled(self, on_look: Callable[[int], None] = lambda missing: None) -> None:
        """Wait until every event has arrived everywhere and no sweep finds anything more.

        Args:
            on_look: Is told how many events are still under way.
        """
        before: Mapping[str, Any] = {}
        still = 0
        while True:
            heads, missing = await self.under_way()
            still = still + 1 if heads == before and missing == 0 else 0
            before = heads
            on_look(missing)
            if still == _STILL:
                return
            await asyncio.sleep(_LOOK_EVERY_S)

    async def under_way(self) -> tuple[dict[str, int], int]:
        """Return how far every log reaches, and how many events have not arrived where they are counted."""
        intakes, callback = self.wire.replicas("intake"), self.wire.replicas("callback")[0]
        names = [*intakes, "registry", "handling", callback, "scoring"]
        told = await asyncio.gather(
            *(self.wire.get(name, self._reader(name), "/v1/positions") for name in names)
        )
        positions = {name.partition("-")[0]: one for name, one in zip(names, told, strict=True)}
        heads = {source: head for one in told for source, head in one["heads"].items()}
        missing = sum(
            max(head - positions[service]["received"].get(source, 0), 0)
            for service, followed in _FOLLOWED.items()
            for source, head in heads.items()
            if source.split("/")[1] in followed
        )
        return heads, missing

    def _reader(self, name: str) -> str:
        service, _, site = name.partition("-")
        return self.importers.get(site, f"{site}-importer") if service == "intake" else self.reader

    async def close(self, scenario: Scenario) -> list[Answer]:
        """Publish the months and longer periods, each as of the day on which it was due."""
        return [
            await self.wire.post(
                "scoring",
                scenario.reader,
                f"/v1/periods/{closing.period}/close",
                {"at": closing.at} if closing.at else {},
                key=f"{self.name}/close/{closing.period}",
            )
            for closing in scenario.closings
        ]


_FOLLOWED = {
    "handling": {"intake", "callback"},
    "callback": {"intake", "handling"},
    "scoring": {"intake", "handling", "callback", "scoring", "registry"},
}
"""Whose events a service has to have before it can be said to know everything."""
