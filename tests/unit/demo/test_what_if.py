"""A draft that shortens limits, tried on a made-up quarter."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner

from jiandu.cli import app
from jiandu.demo.quarter import scenario
from jiandu.scoring.whatif import WhatIf, what_if
from services.scoring.domain.facts import fact_of
from shared.rulebook.edition import Edition
from shared.rulebook.load import edition_from_files
from shared.rulebook.schema import Rules
from tests.builders_rules import RULEBOOKS
from tests.unit.demo.rehearsal import Rehearsal

PERIODS = {
    month: datetime.fromisoformat(f"{day}T00:00:00+08:00")
    for month, day in (("2026-07", "2026-08-06"), ("2026-08", "2026-09-06"), ("2026-09", "2026-10-12"))
}
QUARTER = {**PERIODS, "2026-Q3": datetime.fromisoformat("2026-10-12T00:00:00+08:00")}


@pytest.fixture(scope="module")
def quarter(edition: Edition) -> Rehearsal:
    return Rehearsal.of(scenario(edition, 200), edition)


def shorter(edition: Edition) -> Mapping[str, str]:
    """Return the rulebook's files with every limit of 24 hours cut to 4."""
    text = edition.files["procedures.yaml"]
    assert "hours: 24" in text
    return {**edition.files, "procedures.yaml": text.replace("hours: 24", "hours: 4")}


@pytest.fixture(scope="module")
def found(quarter: Rehearsal, edition: Edition) -> WhatIf:
    facts = [fact_of(one) for one in quarter.told]
    return what_if(facts, edition, edition_from_files(shorter(edition)), QUARTER)


def test_the_same_edition_moves_nobody(quarter: Rehearsal, edition: Edition) -> None:
    nothing = what_if([fact_of(one) for one in quarter.told], edition, edition, QUARTER)

    assert (nothing.moves, nothing.points, nothing.new, nothing.vanished, nothing.unplayed) == (
        (),
        (),
        (),
        (),
        (),
    )
    assert nothing.played >= 200


def test_a_shorter_limit_brings_new_breaches_and_takes_none_away(found: WhatIf) -> None:
    assert len(found.new) > 0
    assert found.vanished == ()


def test_who_moves_is_named_with_the_clauses_that_moved_them(found: WhatIf) -> None:
    moved = {move.unit for move in found.moves if move.period in PERIODS}

    assert moved
    assert moved <= {points.unit for points in found.points}
    # One rule may stand in place of others (JK-14), so only the sums can tell.
    for unit in moved:
        assert sum(points.now - points.was for points in found.points if points.unit == unit) < 0
    assert {points.unit for points in found.points} >= {breach.unit for breach in found.new} & moved


def test_a_place_falls_by_as_much_as_was_taken(found: WhatIf) -> None:
    """Each month's card differs by the points of its own month, unless an item ran out of marks."""
    for move in found.moves:
        if move.period in PERIODS and move.was and move.now:
            taken = sum(
                one.now - one.was for one in found.points if (one.unit, one.month) == (move.unit, move.period)
            )
            assert taken <= move.now.value - move.was.value <= 0


def test_the_command_writes_a_page_and_names_the_movers(
    quarter: Rehearsal, edition: Edition, tmp_path: Path
) -> None:
    draft = tmp_path / "draft"
    draft.mkdir()
    for name, text in shorter(edition).items():
        if "/" not in name:
            (draft / name).write_text(text, "utf-8")
    events, html = tmp_path / "events.jsonl", tmp_path / "out.html"
    events.write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in quarter.told))
    asked = ["backtest", str(draft), str(events), "--against", str(RULEBOOKS / "jinke"), "--html", str(html)]
    asked += ["--calendars", str(RULEBOOKS / "calendars")]

    bare = CliRunner().invoke(app, asked)
    done = CliRunner().invoke(app, [*asked, "--period", "2026-07"])

    assert (bare.exit_code, done.exit_code) == (2, 0)
    assert "new breaches" in done.output
    page = html.read_text("utf-8")
    assert "<svg" in page
    assert "<script" not in page
    assert "JK-03" in page


def test_matters_for_which_a_draft_has_no_procedure_are_named(quarter: Rehearsal, edition: Edition) -> None:
    def without(rules: Rules) -> Rules:
        kept = {key: one for key, one in rules.procedures.procedures.items() if key != "general"}
        return rules.model_copy(
            update={"procedures": rules.procedures.model_copy(update={"procedures": kept})}
        )

    slices = tuple((first, without(rules)) for first, rules in edition.slices)

    found = what_if([fact_of(one) for one in quarter.told], edition, replace(edition, slices=slices), PERIODS)

    assert found.unplayed
