"""An installation that an earlier release left, taken over by the services of today.

Recorded are its databases, the keys that open them, what it answered, and matters that were left half done, each with
the calls that were made and those that were still to come. Nothing of it is ever made anew to suit the code.
"""

import asyncio
import io
import lzma
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import bson
import orjson
import pytest
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo import MongoClient

from jiandu.demo.player import Player
from jiandu.demo.wire import Wire, wired
from jiandu.stack.guard import guarded
from jiandu.stack.plan import Plan, Service, operator_of
from jiandu.stack.stack import Stack

pytestmark = pytest.mark.journey

HISTORIES = Path(__file__).parents[1] / "histories"
RECORDED = HISTORIES / "installation"
EXPORT = HISTORIES / "exports" / "jinke-twice.jsonl.xz"
GROUP, READER, APPROVER = "jinke", "director", "president"
SITE, IMPORTER, OFFICER = "wuxi", "wuxi-importer", "wuxi-officer-1"
RECEIVED_AT = datetime.fromisoformat("2026-10-12T09:00:00+08:00")
FACTS_DUE = "2026-10-14T01:00:00Z"
"""48 hours later, in the edition of before (JK-03)."""
ROWS = {"accounts", "disputes", "history", "inspections"}
"""Lists whose rows had a name of their own."""

AGAIN_AT = "2026-11-20T10:00:00+08:00"
FIELDS = {
    "name": "欧阳修",
    "phone": "13912345678",
    "words": "阳台漏水",
    "address": "江北区1号",
    "demand": "修好",
}


def recorded(name: str) -> Any:  # noqa: ANN401  # JSON
    return orjson.loads(lzma.decompress((RECORDED / f"{name}.json.xz").read_bytes()))


@dataclass(frozen=True)
class Installation:
    """The installation, with today's services on it."""

    stack: Stack
    services: tuple[Service, ...]

    def wired(self) -> AbstractAsyncContextManager[Wire]:
        return wired(
            {service.name: service.url for service in self.services},
            self.stack.file.secret("seed-password"),
        )

    async def verified(self, wire: Wire) -> dict[str, Any]:
        """Have every service verify its logs and documents; return what each said."""
        return {
            service.name: await wire.post(
                service.name, operator_of(service.process.site), "/v1/operations/log/verify", {}, key="verify"
            )
            for service in self.services
        }


@dataclass(frozen=True)
class Found:
    """What is read before anything else is done.

    Attributes:
        read: (service, account, path) → what is answered.
        periods: Period → version → what the list of periods says of it.
        export: Every line of the export.
        verified: Service → what verifying its logs and documents said.
    """

    read: Mapping[tuple[str, str, str], Any]
    periods: Mapping[str, Mapping[int, Mapping[str, Any]]]
    export: frozenset[bytes]
    verified: Mapping[str, Any]


@dataclass(frozen=True)
class GoneOn:
    """What came of going on with it.

    Attributes:
        again: What was answered before, with what is answered when the same call comes again.
        cases: Matter that was left half done → its case, once all calls were made.
        new: The case of a complaint that is registered now, with its facts known.
        reclosed: Period → what publishing it again answered.
        enacted: The hashes of the editions in force, once the draft that waited was approved.
        verified: Service → what verifying its logs and documents said at the end.
    """

    again: Sequence[tuple[Any, Any]]
    cases: Mapping[str, Mapping[str, Any]]
    new: Mapping[str, Any]
    reclosed: Mapping[str, Mapping[str, Any]]
    enacted: Sequence[str]
    verified: Mapping[str, Any]


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("before") / "stack"
    with guarded(folder):
        stack = with_keys(folder)
        try:
            restore(stack.mongo_url)
            yield Installation(stack, stack.start_all(Plan(GROUP).processes(), group=GROUP))
        finally:
            stack.remove()


@pytest.fixture(scope="module")
def found(installation: Installation) -> Found:
    return asyncio.run(read_all(installation))


@pytest.fixture(scope="module")
def gone_on(installation: Installation, found: Found) -> GoneOn:  # reading comes first
    return asyncio.run(worked_on(installation))


def with_keys(folder: Path) -> Stack:
    """Start empty servers for services that have the installation's keys."""
    folder.mkdir(parents=True)
    state = {"group": GROUP, "secrets": orjson.loads((RECORDED / "keys.json").read_bytes())}
    (folder / "state.json").write_bytes(orjson.dumps(state))
    return Stack.servers(folder)


def restore(url: str) -> None:
    """Put every document and every index back, byte for byte."""
    raw: CodecOptions[RawBSONDocument] = CodecOptions(document_class=RawBSONDocument)
    packed = io.BytesIO(lzma.decompress((RECORDED / "databases.tar.xz").read_bytes()))
    with MongoClient[dict[str, Any]](url) as client, tarfile.open(fileobj=packed) as dump:
        contents = {one.name: file.read() for one in dump if (file := dump.extractfile(one))}
        for name in [one.removesuffix(".bson") for one in contents if one.endswith(".bson")]:
            database, _, collection = name.partition("/")
            about = orjson.loads(contents[f"{name}.metadata.json"])
            there = client[database].create_collection(collection, **about["options"])
            if documents := bson.decode_all(contents[f"{name}.bson"], codec_options=raw):
                there.with_options(codec_options=raw).insert_many(documents)
            for index in about["indexes"]:
                keys = {key: value for key, value in index.items() if key not in {"v", "key"}}
                there.create_index([(field, order) for field, order in index["key"]], **keys)


async def read_all(installation: Installation) -> Found:
    async with installation.wired() as wire:
        read = {
            (service, account, path): await wire.get(service, account, path)
            for service, account, path in map(asked, recorded("answers")["answers"])
        }
        listed = (await wire.get("scoring", READER, "/v1/periods"))["items"]
        export = b"".join([piece async for piece in wire.lines_of("scoring", READER, "/v1/export")])
        return Found(
            read,
            {one["period"]: by_version(one) for one in listed},
            frozenset(export.splitlines()),
            await installation.verified(wire),
        )


async def worked_on(installation: Installation) -> GoneOn:
    async with installation.wired() as wire:
        player = Player(wire, "taken")
        new = await registered(wire)
        again: list[tuple[Any, Any]] = []
        cases = {}
        for matter in recorded("work")["half_done"]:
            again += await finished(wire, matter)
            case = await wire.get("handling", READER, f"/v1/cases/{matter['complaint_id']}")
            cases[matter["complaint_id"]] = case
        await player.settled()
        reclosed = {}
        for period in (one["period"] for one in recorded("answers")["periods"]):
            close, at = f"/v1/periods/{period}/close", {"at": AGAIN_AT}
            reclosed[period] = await wire.post("scoring", READER, close, at, key=f"taken/{period}")
        approval = f"/v1/editions/{recorded('work')['draft']}/approval"
        await wire.post("registry", APPROVER, approval, {}, key="taken/approval")
        await player.settled()
        editions = await wire.get("registry", READER, "/v1/editions")
        enacted = [one["hash"] for one in editions["enacted"]]
        return GoneOn(again, cases, new, reclosed, enacted, await installation.verified(wire))


def asked(answer: Mapping[str, Any]) -> tuple[str, str, str]:
    """Say where, by whom and for what a recorded answer was asked."""
    return answer["service"], answer["account"], answer["path"]


def by_version(period: Mapping[str, Any]) -> dict[int, Any]:
    return {one["version"]: one for one in period["versions"]}


async def finished(wire: Wire, matter: Mapping[str, Any]) -> list[tuple[Any, Any]]:
    """Make all calls about a matter: those that were answered before again, and then those that were to come.

    Returns: What was answered before, with what is answered now.
    """
    again = []
    for call in matter["calls"]:
        path = call["path"].replace("{case}", matter["complaint_id"])
        answer = await wire.post(
            call["service"],
            call["account"],
            path,
            call["body"],
            key=call["key"],
            early=frozenset(call["early"]),
        )
        if "answer" in call:
            again.append((call["answer"], answer))
    return again


async def registered(wire: Wire) -> dict[str, Any]:
    """Register a complaint, wait for its case, and have its facts known; return the case."""
    body = {
        "unit": f"{SITE}-branch",
        "kind": "complaint",
        "class": "general",
        "channel": "visit",
        "fields": FIELDS,
        "received_at": RECEIVED_AT,
        "registered_at": RECEIVED_AT,
    }
    told = await wire.post(f"intake-{SITE}", IMPORTER, "/v1/complaints", body, key="taken/new")
    path = f"/v1/cases/{told['complaint_id']}"
    found = {
        "do": "make-finding",
        "at": RECEIVED_AT + timedelta(hours=30),
        "acting_for": {"person": OFFICER, "role": "branch-officer"},
        "validity": "valid",
        "reason": "情况属实",
        "evidence": {"facts-sheet": ["file:new"]},
    }
    await wire.post("handling", IMPORTER, f"{path}/commands", found, key="taken/new/found")
    case: dict[str, Any] = await wire.get("handling", READER, path)
    return case


def in_one_envelope(path: str, was: Any) -> Any:  # noqa: ANN401  # JSON
    """Return what was recorded as lists are answered today, whatever each of them called its rows then."""
    if isinstance(was, list):
        return {"items": was}
    last = urlsplit(path).path.rpartition("/")[2]
    rows = {"history": "entries"}.get(last, last) if last in ROWS else ""
    return {"items" if name == rows else name: value for name, value in was.items()}


def departures(was: Any, now: Any, place: str = "") -> Iterator[str]:  # noqa: ANN401  # JSON
    """Name where an answer is not what was recorded. What an answer has beyond that is no departure."""
    if isinstance(was, dict) and isinstance(now, dict):
        for key, value in was.items():
            if key in now:
                yield from departures(value, now[key], f"{place}.{key}")
            else:
                yield f"{place}.{key} is gone"
    elif isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
        for number, (one, other) in enumerate(zip(was, now, strict=True)):
            yield from departures(one, other, f"{place}[{number}]")
    elif was != now:
        yield f"{place}: {str(was)[:200]} became {str(now)[:200]}"


def broken(verified: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Name the logs and collections that do not hold."""
    return [
        (name, one)
        for name, told in verified.items()
        for one in (*told["logs"], *told["documents"])
        if not one["holds"]
    ]


def test_every_recorded_answer_reads_the_same(found: Found) -> None:
    """INVARIANT: an update changes nothing that was published, decided or entered before it.

    What breaks it: a store that reads an earlier release's documents otherwise, a sealed box that opens no longer,
    an answer that loses a field.
    """
    changed = {
        one["path"]: departed
        for one in recorded("answers")["answers"]
        if (departed := list(departures(in_one_envelope(one["path"], one["answer"]), found.read[asked(one)])))
    }

    assert changed == {}


def test_every_version_that_was_published_is_listed_as_it_was(found: Found) -> None:
    periods = recorded("answers")["periods"]

    changed = {
        (one["period"], version): departed
        for one in periods
        for version, was in by_version(one).items()
        if (departed := list(departures(was, found.periods[one["period"]].get(version))))
    }

    assert [max(by_version(one)) for one in periods] == [2, 2, 2, 2]
    assert changed == {}


def test_the_export_still_holds_every_line_byte_for_byte(found: Found) -> None:
    lines = lzma.decompress(EXPORT.read_bytes()).splitlines()

    assert [line for line in lines if line not in found.export] == []


def test_every_log_and_every_document_holds_as_it_was_left(found: Found) -> None:
    """INVARIANT: after an update the chains and the seals of before hold.

    What breaks it: another way to put a document into bytes, another key for the seals, an entry hashed otherwise.
    """
    assert broken(found.verified) == []
    assert [
        name for name, told in found.verified.items() if not any(log["entries"] for log in told["logs"])
    ] == []


def test_every_log_and_every_document_holds_after_more_was_done(gone_on: GoneOn) -> None:
    assert broken(gone_on.verified) == []


def test_what_was_done_before_is_not_done_twice(gone_on: GoneOn) -> None:
    assert len(gone_on.again) > len(gone_on.cases)
    assert [departed for was, now in gone_on.again if (departed := list(departures(was, now)))] == []


def test_what_was_left_half_done_is_finished(gone_on: GoneOn) -> None:
    assert {case["status"] for case in gone_on.cases.values()} == {"closed"}


def test_a_new_complaint_is_registered_and_handled(gone_on: GoneOn) -> None:
    case = gone_on.new

    assert (case["unit"], case["status"], case["validity"]) == (f"{SITE}-branch", "open", "valid")
    assert [one["due_before"] for one in case["clocks"] if one["name"] == "facts"] == [FACTS_DUE]


def test_what_was_published_is_published_anew_with_what_came_later(gone_on: GoneOn) -> None:
    assert {name: one["version"] for name, one in gone_on.reclosed.items()} == {
        one["period"]: max(by_version(one)) + 1 for one in recorded("answers")["periods"]
    }


def test_a_draft_that_waited_is_approved_and_comes_into_force(found: Found, gone_on: GoneOn) -> None:
    (before,) = found.read["registry", READER, "/v1/editions"]["enacted"]

    assert gone_on.enacted == [before["hash"], recorded("work")["draft"]]
