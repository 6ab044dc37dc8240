"""The loader refuses rules that contradict each other, can never happen, or leave something out."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from shared.rulebook import checks, load
from shared.rulebook.checks import Fault, cited, faults, scored
from shared.rulebook.load import edition_from_files
from shared.rulebook.schema import Rules
from shared.rulebook.schema.scoring import Indicator
from tests.unit.rulebook.editions import jinke, refused
from tests.unit.rulebook.small import SMALL, line_of, spoilt

REFUSED = YAML(typ="safe").load(Path(__file__).with_name("refused.yaml"))


def test_the_small_rulebook_is_sound() -> None:
    edition = edition_from_files(SMALL)

    assert edition.group == "small"
    assert {rule for rule, _ in cited(edition.slices[-1][1])} == {"SM-01"}
    assert {name for name in checks.__all__ if callable(getattr(checks, name))} == set(checks.__all__)


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case["claim"])
def test_what_spoils_a_rulebook_is_told_with_its_place_and_remedy(
    case: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    files = dict(jinke() if case.get("book") == "jinke" else SMALL)
    for edit in case["edits"]:
        assert files[edit["file"]].count(edit["old"]) == 1
        files[edit["file"]] = files[edit["file"]].replace(edit["old"], edit["new"])
    told: dict[Fault, None] = {}

    def telling(rules: Rules) -> list[Fault]:
        found = faults(rules)
        told.update(dict.fromkeys(found))
        return found

    monkeypatch.setattr(load, "faults", telling)
    refused(files)

    assert [{"at": ".".join(map(str, one.loc)), "what": one.what, "mend": one.mend} for one in told] == case[
        "faults"
    ]


@pytest.mark.parametrize(
    ("file", "old", "new", "at", "what"),
    [
        (
            "limits.yaml",
            "      light: {title: {zh: 轻, en: light}, limit: {hours: 24}, counts_from: receipt}\n",
            "",
            "rows:\n      grave: ",
            "The table is by grade, and has no row for 'light'.",
        ),
        ("intake.yaml", "rank: 2", "rank: 1", "light: {", "'grave' and 'light' both have rank 1."),
        (
            "procedures.yaml",
            "clocks: answer",
            "clocks: agree",
            "late: {",
            "The step 'agree' has no limit, so it is never late.",
        ),
    ],
    ids=["rows", "a rank", "clocks"],
)
def test_what_does_not_hang_together_is_told_with_its_line(
    file: str, old: str, new: str, at: str, what: str
) -> None:
    lines = [(one.file, one.line) for one in spoilt(file, old, new) if one.what == what]

    assert lines == [(file, line_of(file, at))]


@pytest.mark.parametrize(
    ("count", "place"),
    [
        ("findings", "procedures.validities"),
        ("escalations", "procedures.escalations"),
        ("extensions", "procedures.extensions"),
        ("callbacks", "callback.plans"),
        ("answers", "callback.plans"),
        ("appeals", "procedures.appeals"),
        ("duties", "obligations.obligations"),
        ("alerts", "procedures.alerts"),
    ],
)
def test_an_indicator_of_what_the_rulebook_does_not_have_is_fed_by_nothing(count: str, place: str) -> None:
    rules = edition_from_files(SMALL).slices[-1][1]
    topic, _, section = place.partition(".")
    title = {"zh": "一", "en": "one"}
    rule = {"since": "2026-01-01", "source": "SM-01", "title": title, "numerator": {"count": count}}
    it = Indicator.model_validate(rule, by_name=True, by_alias=True)
    scoring = rules.scoring.model_copy(update={"indicators": {"it": it}, "sheets": {}, "offences": {}})

    def told(entries: object) -> list[Fault]:
        there = getattr(rules, topic).model_copy(update={section: entries})
        return list(scored.faults(rules.model_copy(update={"scoring": scoring, topic: there})))

    assert told({}) == [
        Fault(
            ("scoring", "indicators", "it"),
            f"Nothing feeds 'it': there are no '{place}'.",
            "Add what it counts, or delete the indicator.",
        )
    ]
    assert told({"some": None} if count == "escalations" else getattr(getattr(rules, topic), section)) == []
