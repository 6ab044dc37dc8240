"""``jiandu backtest`` over recorded exports: one of each group, as they were published.

Beside each export lie the edition that it was published under, and what was published. So a recording says the same
when the rulebooks have moved on.
"""

import hashlib
import lzma
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner, Result

from jiandu.cli import app

EXPORTS = Path(__file__).parents[1] / "histories" / "exports"
EXPORTED = ("general", "jinke", "jinke-twice", "luneng", "xinao", "zhongyida")
"""One of each group; and one in which every period was published again, with facts that came late."""
CLOSED = "period.closed.v1"


@cache
def recorded(name: str) -> Any:  # noqa: ANN401  # JSON
    return orjson.loads((EXPORTS / f"{name}.json").read_bytes())


@cache
def lines_of(name: str) -> tuple[bytes, ...]:
    return tuple(lzma.decompress((EXPORTS / f"{name}.jsonl.xz").read_bytes()).splitlines())


def scored_again(name: str, lines: tuple[bytes, ...], folder: Path) -> Result:
    """Run ``jiandu backtest --json`` over an export, with the edition that was recorded with it."""
    files = orjson.loads(lzma.decompress((EXPORTS / f"{name}.edition.json.xz").read_bytes()))
    for file, text in files.items():
        path = folder / "edition" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    export = folder / "export.jsonl"
    export.write_bytes(b"\n".join(lines))
    return CliRunner().invoke(app, ["backtest", str(folder / "edition"), str(export), "--json"])


def what_differs(line: bytes, was: bytes) -> list[str]:
    """Name the parts of a result that are not what they were."""
    now, then = orjson.loads(line), orjson.loads(was)
    return [key for key in sorted(now.keys() | then.keys()) if now.get(key) != then.get(key)]


@pytest.mark.parametrize("name", EXPORTED)
def test_every_published_period_of_a_recorded_export_folds_to_the_same_bytes(
    name: str, tmp_path: Path
) -> None:
    """INVARIANT: what a release published, every later release folds to the same bytes from the same facts.

    What breaks it: a fold, a rounding, an order or a reading of an event or of a rulebook that changed for facts and
    editions that there are already. Whoever means to change it has to say from which day on, in a new edition; the
    recordings are never made anew to suit the code.
    """
    published = recorded(name)["published"]

    done = scored_again(name, lines_of(name), tmp_path)

    assert done.stdout, done.output
    results = done.stdout.encode().splitlines()
    assert {
        (one["period"], one["version"]): what_differs(line, was)
        for one, line, was in zip(published, results, lines_of(f"{name}.results"), strict=True)
        if line != was
    } == {}
    assert [hashlib.sha256(line).hexdigest() for line in results] == [one["result_hash"] for one in published]
    assert done.exit_code == 0


@pytest.mark.parametrize("name", EXPORTED)
def test_a_recording_names_what_its_export_published(name: str) -> None:
    closed = [line["data"] for line in map(orjson.loads, lines_of(name)) if line["type"] == CLOSED]
    named = recorded(name)["published"]

    assert [{key: one[key] for key in known} for one, known in zip(closed, named, strict=True)] == named
    assert {one["period"]: one["version"] for one in named} == dict.fromkeys(
        (one["period"] for one in named), 2 if name == "jinke-twice" else 1
    )
    assert {one["edition_hash"] for one in closed} == {recorded(name)["edition"]["hash"]}


def test_a_complaint_that_is_lost_from_a_recorded_export_shows(tmp_path: Path) -> None:
    lines = lines_of("general")
    lost = next(line for line in lines if orjson.loads(line)["type"] == "complaint.registered.v1")

    done = scored_again("general", tuple(line for line in lines if line != lost), tmp_path)

    results = zip(done.stdout.encode().splitlines(), lines_of("general.results"), strict=True)
    changed = [what_differs(line, was) for line, was in results if line != was]
    assert done.exit_code == 1
    assert changed
    assert all({"facts_hash", "indicators"} <= set(one) for one in changed)
