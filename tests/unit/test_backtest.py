"""``jiandu backtest`` over small exports made by hand."""

import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner

from jiandu.cli import app
from services.scoring.domain.facts import up_to
from services.scoring.domain.fold import fold, result_hash
from shared.events.scoring import PeriodClosed
from shared.rulebook.edition import Edition
from shared.rulebook.load import edition_from_files
from shared.timekeeping.calendar import Month
from tests.builders_facts import Told
from tests.builders_rules import RULEBOOKS, an_edition

AS_OF = datetime(2026, 8, 10, tzinfo=UTC)
JULY = str(Month(2026, 7))


def published(told: Told, version: int, edition: Edition | None = None) -> None:
    """Publish July from all that was told so far, as scoring does."""
    edition = edition or an_edition()
    watermark = {one["source"]: int(one["sequence"]) for one in told.envelopes}
    result = fold(up_to(told.facts, watermark), edition, JULY, AS_OF)
    event = PeriodClosed(
        period=JULY,
        version=version,
        as_of=AS_OF,
        watermark=watermark,
        facts_hash="",
        edition_hash=edition.hash,
        result_hash=result_hash(result),
        by="director",
    )
    told.tell("scoring", f"period/{JULY}", "group", AS_OF, event)


@pytest.fixture
def lines() -> list[dict[str, Any]]:
    """July published, and published again after a fact of July that came late."""
    told = Told().organisation("chongqing")
    told.registered("a", "2026-07-02 09:00")
    told.missed("a", "2026-07-03 00:00")
    published(told, 1)
    told.missed("a", "2026-07-04 00:00", clock="plan")
    published(told, 2)
    return told.envelopes


def run(
    path: Path, lines: list[dict[str, Any]], *more: str, rulebook: Path | str = RULEBOOKS / "jinke"
) -> Any:  # noqa: ANN401  # typer's result
    path.write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in lines))
    calendars = ["--calendars", str(RULEBOOKS / "calendars")]
    return CliRunner().invoke(app, ["backtest", str(rulebook), str(path), *calendars, *more])


def test_an_export_in_any_order_with_doubles_gives_both_versions_again(
    tmp_path: Path, lines: list[dict[str, Any]]
) -> None:
    shuffled = [*lines, *lines[2:6]]
    random.Random(4).shuffle(shuffled)

    done = run(tmp_path / "export.jsonl", shuffled)

    assert (done.exit_code, done.output.count("equal to what was published")) == (0, 2)


def test_what_an_earlier_edition_published_is_folded_under_it(tmp_path: Path) -> None:
    """INVARIANT: an amendment leaves every published period as provable as before.

    What breaks it: folding the whole export under the edition of today.
    """
    files = dict(an_edition().files)
    files["rulebook.yaml"] = files["rulebook.yaml"].replace('edition: "2005-05-28"', "edition: before", 1)
    before = tmp_path / "before"
    for name, text in files.items():
        (before / name).parent.mkdir(parents=True, exist_ok=True)
        (before / name).write_text(text, "utf-8")
    told = Told().organisation("chongqing")
    told.missed("a", "2026-07-03 00:00")
    published(told, 1, edition_from_files(files))
    told.missed("a", "2026-07-04 00:00", clock="plan")
    published(told, 2)

    alone = run(tmp_path / "export.jsonl", told.envelopes)
    both = run(tmp_path / "export.jsonl", told.envelopes, "--earlier", str(before))

    assert (alone.exit_code, alone.output.count("equal to what was")) == (1, 1)
    assert (both.exit_code, both.output.count("equal to what was")) == (0, 2)


def test_a_fact_that_is_missing_from_the_export_shows(tmp_path: Path, lines: list[dict[str, Any]]) -> None:
    without = [line for line in lines if line["data"].get("clock") != "plan"]

    done = run(tmp_path / "export.jsonl", without)

    assert (done.exit_code, done.output.count("equal to what was"), done.output.count("differs")) == (1, 1, 1)


def test_a_line_that_is_no_event_is_named(tmp_path: Path, lines: list[dict[str, Any]]) -> None:
    done = run(tmp_path / "export.jsonl", [*lines[:3], {"id": "x"}])

    assert done.exit_code == 2
    assert "export.jsonl:4" in done.output.replace("\n", "")


def test_a_number_that_takes_for_ever_to_count_with_is_refused_with_its_line(tmp_path: Path) -> None:
    told = Told().organisation("chongqing")
    told.inspected("I1", "2026-07-08 10:00", "archives", observations={"records": 5})
    told.envelopes[-1]["data"]["observations"]["records"] = "1E-999999999"

    done = run(tmp_path / "export.jsonl", told.envelopes, "--period", JULY)

    assert done.exit_code == 2
    assert f"export.jsonl:{len(told.envelopes)}: " in done.output.replace("\n", "")
    assert "no more than 18 digits in total" in " ".join(done.output.split())


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        (["--period", "garbage"], "'garbage' is no period. Write 2026-07, 2026-Q3 or 2026."),
        (["--period", JULY, "--as-of", "garbage"], "'garbage' is no moment with an offset: "),
        (
            ["--period", JULY, "--as-of", "2026-08-10T00:00"],
            "'2026-08-10T00:00' is no moment with an offset: ",
        ),
        (["--period", "2004-07"], "The rules of 'jinke' begin on 2005-05-28."),
        (["--as-of", AS_OF.isoformat()], "--as-of goes with --period"),
    ],
)
def test_a_question_that_has_no_answer_is_refused_in_words(
    tmp_path: Path, lines: list[dict[str, Any]], asked: list[str], answer: str
) -> None:
    done = run(tmp_path / "export.jsonl", lines, *asked)

    assert done.exit_code == 2
    assert answer in " ".join(done.output.split())


def test_an_empty_file_has_nothing_to_fold(tmp_path: Path) -> None:
    done = run(tmp_path / "export.jsonl", [], "--period", JULY)

    assert (done.exit_code, done.output) == (2, f"{tmp_path}/export.jsonl holds no event.\n")


def test_a_quarter_whose_months_are_not_in_the_file_names_them(
    tmp_path: Path, lines: list[dict[str, Any]]
) -> None:
    lines[-1]["data"]["period"] = "2026-Q3"

    done = run(tmp_path / "export.jsonl", lines)

    assert done.exit_code == 2
    assert "2026-Q3 rests on months that are not published in this file: 2026-08, 2026-09." in " ".join(
        done.output.split()
    )


@pytest.mark.parametrize(
    ("type_", "part", "value"),
    [
        ("deadline.missed.v1", "due_before", "soon"),
        ("deadline.missed.v1", "due_before", None),
        ("period.closed.v1", "as_of", 7),
        ("period.closed.v1", "watermark", []),
        ("unit.established.v1", "established_on", "2026-02-30"),
    ],
)
def test_an_event_that_is_not_what_its_type_says_is_refused(
    tmp_path: Path, lines: list[dict[str, Any]], type_: str, part: str, value: object
) -> None:
    next(line for line in lines if line["type"] == type_)["data"][part] = value

    done = run(tmp_path / "export.jsonl", lines)

    assert done.exit_code == 2
    assert "export.jsonl is not what its type says: " in " ".join(done.output.split())


def test_a_rulebook_may_be_named_by_its_group(tmp_path: Path, lines: list[dict[str, Any]]) -> None:
    done = run(tmp_path / "export.jsonl", lines, rulebook="jinke")
    missing = run(tmp_path / "export.jsonl", lines, rulebook="jinkee")

    assert (done.exit_code, missing.exit_code) == (0, 2)
    assert (
        "There is no group and no folder 'jinkee'. Groups: general, jinke, luneng, xinao, zhongyida."
        in " ".join(missing.output.split())
    )


def test_a_rulebook_with_an_error_is_refused_with_its_line(
    tmp_path: Path, lines: list[dict[str, Any]]
) -> None:
    folder = tmp_path / "jinke"
    folder.mkdir()
    for name, text in an_edition().files.items():
        if "/" not in name:
            (folder / name).write_text(text + ("\nsurprise: 1\n" if name == "rights.yaml" else ""), "utf-8")

    done = run(tmp_path / "export.jsonl", lines, rulebook=folder)

    assert done.exit_code == 2
    assert "rights.yaml" in done.output.replace("\n", "")


def test_a_file_without_a_publication_asks_what_to_fold(tmp_path: Path, lines: list[dict[str, Any]]) -> None:
    facts = [line for line in lines if line["type"] != "period.closed.v1"]

    bare = run(tmp_path / "export.jsonl", facts)
    asked = run(tmp_path / "export.jsonl", facts, "--period", JULY, "--as-of", AS_OF.isoformat(), "--json")

    assert (bare.exit_code, asked.exit_code) == (2, 0)
    assert orjson.loads(asked.output)["period"] == JULY
