"""Editions: what holds when, the hash over what is said, travel, and the seeded organisation."""

import base64
import json
import zlib
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.errors import RulebookGapError, RulebookRefusedError
from shared.rulebook.checks import organisation_faults
from shared.rulebook.load import (
    bundle,
    edition_from_bundle,
    edition_from_files,
    load_edition,
    load_organisation,
    unbundle,
)
from tests.unit.rulebook.editions import RULEBOOKS, changed, jinke, refused

AMENDED = """  design-change:
    - from: 2005-05-28
      source: JK-20
      title: {zh: 设计变更告知, en: design change told to the owner}
      applies: {kind: design-change}
      steps:
        tell-owner:
          title: {zh: 书面告知客户, en: tell the owner in writing}
          after: receipt
          within: {days: 2}
          resolves: true
    - from: 2026-08-01
      source: JK-20
      title: {zh: 设计变更告知, en: design change told to the owner}
      applies: {kind: design-change}
      steps:
        tell-owner:
          title: {zh: 书面告知客户, en: tell the owner in writing}
          after: receipt
          within: {days: 1}
          resolves: true
"""


def amended(entry: str = AMENDED) -> dict[str, str]:
    text = jinke()["procedures.yaml"]
    begin, end = text.index("  design-change:\n"), text.index("  legal-letter:\n")
    return {**jinke(), "procedures.yaml": f"{text[:begin]}{entry}\n{text[end:]}"}


def test_an_amendment_holds_from_its_day_and_the_old_entry_until_then() -> None:
    edition = edition_from_files(amended())

    days = {
        day: edition.on(day).procedures.procedures["design-change"].steps["tell-owner"].within
        for day in (date(2026, 7, 31), date(2026, 8, 1))
    }

    assert [first for first, _ in edition.slices] == [date(2005, 5, 28), date(2026, 8, 1)]
    assert [getattr(limit, "days", None) for limit in days.values()] == [2, 1]


def test_the_rules_of_a_moment_are_those_of_the_groups_own_date() -> None:
    edition = edition_from_files(amended())

    # 31 Jul 16:00 UTC is 1 Aug 00:00 in Shanghai.
    before = edition.at(datetime(2026, 7, 31, 15, 59, tzinfo=UTC))
    after = edition.at(datetime(2026, 7, 31, 16, 0, tzinfo=UTC))

    assert before is edition.slices[0][1]
    assert after is edition.slices[1][1]


def test_before_its_first_day_an_edition_is_silent() -> None:
    edition = edition_from_files(jinke())

    with pytest.raises(RulebookGapError, match="sets no 'rulebook'"):
        edition.on(date(2005, 5, 27))


@pytest.mark.parametrize(
    ("day", "what"),
    [
        ("2005-05-28", "begins on the same day as the one above it"),
        ("2004-01-01", "begins before the one above it"),
    ],
)
def test_entries_out_of_order_are_refused(day: str, what: str) -> None:
    problems = refused(amended(AMENDED.replace("2026-08-01", day)))

    assert any(what in one.what and "Order the entries" in one.mend for one in problems)


def test_an_entry_may_not_lean_on_one_that_begins_later() -> None:
    files = changed("callback.yaml", "  owners:\n    from: 2005-05-28", "  owners:\n    from: 2026-01-01")

    problems = refused(files)

    assert [(one.file, one.what) for one in problems] == [
        (
            "callback.yaml",
            "On 2005-05-28: 'callback.plans.complaints.questionnaire' names the questionnaire 'owners', "
            "which does not exist.",
        )
    ]


# Hash and bundle


def test_the_hash_covers_what_is_said_and_not_how_it_is_written() -> None:
    """INVARIANT: comments, order of keys, quotes, layout and defaults written out leave the hash as it is.

    What breaks it: hashing the files, or the schema's defaults with the rules. A corrected comment, or a
    field that a later version knows, would then look like another regulation.
    """
    edition = edition_from_files(jinke())
    calendar = (
        'hours:\n- closes: \'12:00\'\n  opens: "09:00"\n- {closes: "18:00", opens: "13:30"}\n'
        "national: cn # which\nzone: 'Asia/Shanghai'\n"
    )
    rewritten = {
        **jinke(),
        "calendar.yaml": calendar,
        "scoring.yaml": "# Another comment.\n"
        + jinke()["scoring.yaml"].replace("weight: 48\n", "weight: 48.0\n"),
    }

    rewritten["callback.yaml"] = jinke()["callback.yaml"].replace("    satisfied_from: 4\n", "")

    assert edition_from_files(rewritten).hash == edition.hash
    assert len(edition.hash) == 64


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("scoring.yaml", "    amount: 1000\n", "    amount: 1001\n"),
        (
            "procedures.yaml",
            "    note: The second clock starts at the finding.\n",
            "    note: Another reading.\n",
        ),
        ("calendars/cn/2026.yaml", "make_up: [2026-01-04]", "make_up: [2026-01-11]"),
    ],
)
def test_the_hash_changes_with_a_number_a_reading_or_a_day(file: str, old: str, new: str) -> None:
    assert edition_from_files(changed(file, old, new)).hash != edition_from_files(jinke()).hash


def test_an_edition_travels_as_text_and_arrives_as_itself() -> None:
    edition = edition_from_files(jinke())

    arrived = edition_from_bundle(bundle(edition))

    assert arrived == edition
    assert set(arrived.files) == {
        *(f"{topic}.yaml" for topic in ("rulebook", "calendar", "rights", "intake", "limits", "procedures")),
        *(f"{topic}.yaml" for topic in ("callback", "obligations", "scoring")),
        *(f"calendars/cn/{year}.yaml" for year in (2024, 2025, 2026, 2027)),
    }


def packed(content: object) -> str:
    return base64.b64encode(zlib.compress(json.dumps(content).encode())).decode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not base64!",
        base64.b64encode(b"not zlib").decode(),
        packed(["a"]),
        packed({"a": 1}),
        packed("x" * (17 << 20)),
    ],
    ids=["empty", "no base64", "no zlib", "a list", "no texts", "a bomb"],
)
def test_what_is_no_bundle_is_refused(text: str) -> None:
    with pytest.raises(RulebookRefusedError, match="This is no bundle of a rulebook"):
        unbundle(text)


# Organisation


def test_a_file_over_one_mebibyte_is_not_read_to_its_end(tmp_path: Path) -> None:
    # The 1,048,577th byte is the first half of a letter.
    (tmp_path / "rulebook.yaml").write_bytes(b"#" * (1 << 20) + "é".encode())

    with pytest.raises(RulebookRefusedError, match="larger than 1 MiB"):
        load_edition(tmp_path, RULEBOOKS / "calendars")


def test_an_organisation_that_is_no_yaml_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "organisation.yaml"
    path.write_text("units: {group: yes}\n", encoding="utf-8")

    with pytest.raises(RulebookRefusedError, match="'yes' means true or false"):
        load_organisation(path)


def test_an_organisation_that_names_nobody_is_refused(tmp_path: Path) -> None:
    text = (RULEBOOKS / "general" / "organisation.yaml").read_text("utf-8")
    path = tmp_path / "organisation.yaml"
    path.write_text(text.replace("service_lead: main-leader", "service_lead: nobody"), encoding="utf-8")

    with pytest.raises(
        RulebookRefusedError, match=r"'units\.main\.service_lead' names 'nobody', which is not here"
    ):
        load_organisation(path)


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        (
            "    parent: main\n    site: main\n    established_on: 2024-01-01\n    service_lead: main-technician",
            "    parent: quality\n    site: main\n    established_on: 2024-01-01\n    service_lead: main-technician",
            "A unit of kind 'technical-support' lies in one of kind 'quality'.",
        ),
        (
            "unit: main-support, role: technician",
            "unit: main-support, role: sales-officer",
            "The role 'sales-officer' does not exist at a unit of kind 'technical-support'.",
        ),
        (
            "  manager: {person: manager}",
            "  manager: {person: manager, unit: main}",
            "The role 'general-manager' does not exist at a unit of kind 'service-unit'.",
        ),
    ],
    ids=["a unit in the wrong place", "a person in the wrong place", "an account in the wrong place"],
)
def test_an_organisation_that_does_not_fit_its_rulebook_is_told(
    old: str, new: str, what: str, tmp_path: Path
) -> None:
    text = (RULEBOOKS / "general" / "organisation.yaml").read_text("utf-8")
    assert text.count(old) == 1
    path = tmp_path / "organisation.yaml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    rules = load_edition(RULEBOOKS / "general", RULEBOOKS / "calendars").slices[-1][1]

    found = organisation_faults(load_organisation(path), rules)

    assert what in [fault.what for fault in found]


@pytest.mark.rule("JK-26")
def test_a_seeded_head_without_a_recorded_opinion_is_told(tmp_path: Path) -> None:
    text = (RULEBOOKS / "jinke" / "organisation.yaml").read_text("utf-8")
    path = tmp_path / "organisation.yaml"
    path.write_text(text.replace(", opinion: 有三年分部经验，同意任命。", ""), encoding="utf-8")
    rules = load_edition(RULEBOOKS / "jinke", RULEBOOKS / "calendars").slices[-1][1]

    (fault,) = organisation_faults(load_organisation(path), rules)

    assert fault.loc == ("people", "jiangyin-head")
    assert "appointed after an opinion was asked, and none is recorded" in fault.what


def test_two_roots_are_refused(tmp_path: Path) -> None:
    text = (RULEBOOKS / "general" / "organisation.yaml").read_text("utf-8")
    path = tmp_path / "organisation.yaml"
    path.write_text(text.replace("    parent: group\n", ""), encoding="utf-8")

    with pytest.raises(RulebookRefusedError, match="5 units have no parent"):
        load_organisation(path)


def test_units_in_a_circle_are_refused(tmp_path: Path) -> None:
    text = (RULEBOOKS / "general" / "organisation.yaml").read_text("utf-8")
    path = tmp_path / "organisation.yaml"
    circle = text.replace(
        "kind: service-unit\n    parent: group", "kind: service-unit\n    parent: main-sales"
    )
    path.write_text(circle, encoding="utf-8")

    with pytest.raises(RulebookRefusedError, match="lie inside each other in a circle"):
        load_organisation(path)


# Whatever is written, the loader answers with an edition or with problems

TOPICS = sorted(name for name in jinke() if "/" not in name)
QUICK = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def answers(files: Mapping[str, str]) -> bool:
    try:
        edition_from_files(files)
    except RulebookRefusedError as refusal:
        return all(one.line >= 1 and one.what and one.mend for one in refusal.problems)
    return True


@QUICK
@given(file=st.sampled_from(TOPICS), cut=st.integers(0, 10_000), length=st.integers(1, 60))
def test_a_rulebook_with_a_gap_is_read_or_refused(file: str, cut: int, length: int) -> None:
    """INVARIANT: whatever an author writes, the loader answers with an edition or with problems.

    What breaks it: trusting the shape of a file before the schema has seen it.
    """
    text = jinke()[file]
    at = cut % len(text)

    assert answers({**jinke(), file: text[:at] + text[at + length :]})


@QUICK
@given(file=st.sampled_from(TOPICS), text=st.text(max_size=200))
def test_any_text_at_all_is_read_or_refused(file: str, text: str) -> None:
    """INVARIANT: a file of noise is refused like any other.

    What breaks it: a parser's own exception that nobody translates.
    """
    assert answers({**jinke(), file: text})
