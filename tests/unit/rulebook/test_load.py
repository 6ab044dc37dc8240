"""The loader refuses what is wrong with file, line and remedy, and hashes what a rulebook says."""

import base64
import json
import re
import zlib
from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.errors import RulebookGapError, RulebookProblem, RulebookRefusedError
from shared.rulebook.checks import organisation_faults
from shared.rulebook.load import (
    bundle,
    edition_from_bundle,
    edition_from_files,
    load_edition,
    load_organisation,
    unbundle,
)

RULEBOOKS = Path(__file__).parents[3] / "rulebooks"


@cache
def jinke() -> Mapping[str, str]:
    return load_edition(RULEBOOKS / "jinke", RULEBOOKS / "calendars").files


def changed(file: str, old: str, new: str) -> dict[str, str]:
    """Return jinke's files with one passage replaced; it must stand there exactly once."""
    text = jinke()[file]
    assert text.count(old) == 1
    return {**jinke(), file: text.replace(old, new)}


def refused(files: Mapping[str, str]) -> tuple[RulebookProblem, ...]:
    with pytest.raises(RulebookRefusedError) as caught:
        edition_from_files(files)
    return caught.value.problems


def line_of(file: str, passage: str) -> int:
    return jinke()[file][: jinke()[file].index(passage)].count("\n") + 1


WRITING = [
    pytest.param(
        "45: {zh: a, en: b}", "'45' cannot be a key.", "beginning with a letter", id="a number as key"
    ),
    pytest.param(
        "no: {zh: a, en: b}", "The key 'no' means true or false", "Choose another word", id="no as key"
    ),
    pytest.param("words: yes", "'yes' means true or false", 'or "yes" in quotes', id="yes"),
    pytest.param("words: Off", "'Off' means true or false", 'or "Off" in quotes', id="Off"),
    pytest.param("words: 08:00", "'08:00' is a number", 'Write "08:00" in quotes', id="a bare time of day"),
    pytest.param("words: 1:30:00", "'1:30:00' is a number", "in quotes", id="a bare duration"),
    pytest.param("words: 010", "'010' is read differently", "Write it plainly", id="an octal number"),
    pytest.param("words: 1_000", "'1_000' is read differently", "Write it plainly", id="a grouped number"),
    pytest.param("words: 1e3", "'1e3' is read differently", "Write it plainly", id="an exponent"),
    pytest.param("words: .nan", "'.nan' is read differently", "Write it plainly", id="not a number"),
    pytest.param("words: True", "'True' is written in another way", "Write true", id="True"),
    pytest.param("words: ~", "The value is empty", "Give a value", id="tilde"),
    pytest.param("words:", "The value is empty", "Give a value", id="nothing"),
    pytest.param("words: 2026-02-30", "2026-02-30 is no day", "year-month-day", id="a day that is none"),
    pytest.param("words: !!python/object:os.system x", "The tag", "Delete it", id="a tag"),
    pytest.param(
        "words: *nowhere",
        "Nothing above is called '&nowhere'",
        "Write the entry out",
        id="an alias to nothing",
    ),
    pytest.param("words: [a, b", "This is no valid YAML", "brackets", id="an open bracket"),
    pytest.param("note: twice", "'note' stands here a second time", "Keep one", id="a key twice"),
]


@pytest.mark.parametrize(("passage", "what", "mend"), WRITING)
def test_what_readers_of_yaml_could_take_differently_is_refused_with_its_line(
    passage: str, what: str, mend: str
) -> None:
    anchor = "    note: The second clock starts at the finding.\n"
    files = changed("procedures.yaml", anchor, f"{anchor}    {passage}\n")
    line = line_of("procedures.yaml", anchor) + 1

    problems = [problem for problem in refused(files) if problem.file == "procedures.yaml"]

    assert any(what in one.what and mend in one.mend for one in problems)
    assert {one.line for one in problems if what in one.what} <= {line, line + 1}


MEANING = [
    pytest.param(
        "procedures.yaml",
        "    rank: 10\n",
        "    rnak: 10\n",
        "'procedures.procedures.invalid.rnak' is not known here.",
        "Did you mean 'rank'?",
        id="an unknown key",
    ),
    pytest.param(
        "procedures.yaml",
        "    source: JK-02\n    title: {zh: 无效投诉, en: invalid complaint}\n    note: The second",
        "    title: {zh: 无效投诉, en: invalid complaint}\n    note: The second",
        "'procedures.procedures.invalid.source' is missing.",
        "Add 'source'.",
        id="no source",
    ),
    pytest.param(
        "procedures.yaml",
        "    source: JK-02\n    title: {zh: 无效投诉, en: invalid complaint}\n    note: The second",
        "    source: JK-02\n    note: The second",
        "'procedures.procedures.invalid.title' is missing.",
        "Add 'title'.",
        id="no title",
    ),
    pytest.param(
        "procedures.yaml",
        "  invalid:\n    from: 2005-05-28\n    source: JK-02\n",
        "  invalid:\n    source: JK-02\n",
        "'procedures.procedures.invalid.from' is missing.",
        "Add 'from'.",
        id="no from",
    ),
    pytest.param(
        "procedures.yaml",
        "    source: JK-07\n",
        "    source: JK7\n",
        "'JK7' is no catalogue id",
        "two capitals, a hyphen and two digits",
        id="a source of another form",
    ),
    pytest.param(
        "procedures.yaml",
        "    source: JK-07\n",
        "    source: JK-77\n",
        "names the catalogue rule 'JK-77', which does not exist.",
        "Did you mean 'JK-27'?",
        id="a source that is not in the catalogue",
    ),
    pytest.param(
        "procedures.yaml",
        "within: {days: 10}\n        requires: approve",
        "within: 10\n        requires: approve",
        "'procedures.procedures.general.steps.carry-out.within' is '10'.",
        "Say the unit too, for example {hours: 24}",
        id="a limit without unit",
    ),
    pytest.param(
        "procedures.yaml",
        "within: {days: 10}\n        requires: approve",
        "within: {days: 10, hours: 3}\n        requires: approve",
        "a limit states exactly one of",
        "Keep one",
        id="a limit with two units",
    ),
    pytest.param(
        "procedures.yaml",
        "within: {days: 10}\n        requires: approve",
        "within: {day: 10}\n        requires: approve",
        "'procedures.procedures.general.steps.carry-out.within.day' is not known here.",
        "Did you mean 'days'?",
        id="an unknown unit",
    ),
    pytest.param(
        "procedures.yaml",
        "        after: receipt\n        within: {same_day: true}\n",
        "        within: {same_day: true}\n",
        "A step with a limit needs 'after'",
        "the moment from which the limit counts",
        id="a limit without a start",
    ),
    pytest.param(
        "procedures.yaml",
        "{zh: 接待时完成解释, en: explain at the reception}",
        "{zh: 接待时完成解释, en: 2005}",
        "'procedures.procedures.explanation.steps.explain.title.en' is '2005', where text is meant.",
        "Put it in quotes.",
        id="a number where text is meant",
    ),
    pytest.param(
        "rulebook.yaml",
        'edition: "2005-05-28"',
        "edition: 2005-05-28",
        "'rulebook.edition' is '2005-05-28', where text is meant.",
        "Put it in quotes.",
        id="a day where text is meant",
    ),
    pytest.param(
        "callback.yaml",
        "attempts: 3",
        "attempts: true",
        "is true, where a number is meant.",
        "Give the number.",
        id="true where a number is meant",
    ),
    pytest.param(
        "callback.yaml",
        "attempts: 3",
        "attempts: three",
        "'callback.plans.complaints.attempts' is 'three'.",
        "Give a whole number.",
        id="a word where a number is meant",
    ),
    pytest.param(
        "scoring.yaml",
        "trigger: {on: incomplete-record}",
        "trigger: {on: incomplete-records}",
        "names none of the kinds",
        "incomplete-record",
        id="an unknown trigger",
    ),
    pytest.param(
        "scoring.yaml",
        "    order: high-first\n    established: whole-period\n  quarterly",
        "    order: high\n    established: whole-period\n  quarterly",
        "'scoring.rankings.monthly.order' is 'high'.",
        "Choose 'high-first' or 'low-first'.",
        id="a word outside the vocabulary",
    ),
    pytest.param(
        "scoring.yaml",
        "            weight: 48\n",
        "            weight: 47\n",
        "add up to 79",
        "not to its weight 80",
        id="weights that do not add up",
    ),
    pytest.param(
        "scoring.yaml",
        "parts: {branch-assessment: 50, sales-department: 50}",
        "parts: {branch-assessment: 50, sales-department: 40}",
        "Parts add up to 90 percent",
        "Correct the entry",
        id="parts that make no hundred",
    ),
    pytest.param(
        "obligations.yaml",
        "    owed_by: branch\n    every: week\n    due: {end: true}",
        "    owed_by: branch\n    every: week\n    due: {day: 5, month: next}",
        "a week has no day of the month",
        "Use 'weekday' or 'end: true'",
        id="a due day that does not fit the period",
    ),
    pytest.param(
        "rights.yaml",
        "rights: [scores.read]\n",
        "rights: []\n",
        "'rights.roles.hr-officer.rights' is a list",
        "Give a value that fits.",
        id="a role without a right",
    ),
    pytest.param(
        "calendar.yaml",
        "zone: Asia/Shanghai",
        "zone: Asia/Chongqing2",
        "'Asia/Chongqing2' is no time zone.",
        "Asia/Shanghai",
        id="a zone that does not exist",
    ),
    pytest.param(
        "calendar.yaml",
        "national: cn",
        "national: xx",
        "There is no day table of 'xx'.",
        "rulebooks/calendars/xx/",
        id="a calendar that does not exist",
    ),
    pytest.param(
        "calendar.yaml",
        '{opens: "09:00", closes: "12:00"}',
        '{opens: "09:00", closes: "14:00"}',
        "Working hours are empty, overlap or run backwards.",
        "Give at least one interval",
        id="working hours that overlap",
    ),
    pytest.param(
        "calendars/cn/2026.yaml",
        "last: 2026-02-23",
        "last: 2026-02-13",
        "春节 ends on 2026-02-13, before it begins",
        "Swap first and last",
        id="a holiday that ends before it begins",
    ),
]


@pytest.mark.parametrize(("file", "old", "new", "what", "mend"), MEANING)
def test_what_the_vocabulary_does_not_know_is_refused_with_a_remedy(
    file: str, old: str, new: str, what: str, mend: str
) -> None:
    problems = refused(changed(file, old, new))

    assert any(what in one.what and mend in f"{one.what} {one.mend}" for one in problems)
    assert {one.file for one in problems} == {file}


NAMING = [
    pytest.param(
        "rulebook.yaml",
        "drafts: centre-director",
        "drafts: center-director",
        "role 'center-director'",
        id="role",
    ),
    pytest.param(
        "rights.yaml", "rights: [cases.read]\n", "rights: [cases.raed]\n", "right 'cases.raed'", id="right"
    ),
    pytest.param(
        "rights.yaml",
        "inside: group-centre",
        "inside: group-center",
        "kind of unit 'group-center'",
        id="unit",
    ),
    pytest.param(
        "intake.yaml",
        "[explanation, general, ",
        "[explanations, general, ",
        "names the class 'explanations'",
        id="class",
    ),
    pytest.param(
        "intake.yaml", "kinds: legal-letter\n", "kinds: legal-leter\n", "kind 'legal-leter'", id="kind"
    ),
    pytest.param(
        "procedures.yaml",
        "after: agreement\n",
        "after: agreements\n",
        "step or moment 'agreements'",
        id="moment",
    ),
    pytest.param(
        "procedures.yaml", "unless: agreement\n", "unless: agreemnt\n", "step 'agreemnt'", id="step"
    ),
    pytest.param(
        "procedures.yaml",
        "unless: result\n",
        "unless: results\n",
        "step 'results'",
        id="step of another procedure",
    ),
    pytest.param(
        "procedures.yaml",
        "evidence: transfer-sheet, signatures: [property-company]",
        "evidence: transfer-note, signatures: [property-company]",
        "paper 'transfer-note'",
        id="paper",
    ),
    pytest.param(
        "procedures.yaml",
        "evidence: transfer-sheet, signatures: [property-company]",
        "evidence: transfer-sheet, signatures: [property]",
        "party 'property'",
        id="party",
    ),
    pytest.param(
        "procedures.yaml", "flag: reputation-risk", "flag: reputation", "flag 'reputation'", id="flag"
    ),
    pytest.param(
        "procedures.yaml",
        "to: [company-leader, centre-director]",
        "to: [leader, centre-director]",
        "role 'leader'",
        id="addressee of a report",
    ),
    pytest.param(
        "callback.yaml",
        "questionnaire: owners",
        "questionnaire: owner",
        "questionnaire 'owner'",
        id="questionnaire",
    ),
    pytest.param(
        "obligations.yaml",
        "inspection: archives",
        "inspection: archive",
        "inspection 'archive'",
        id="inspection",
    ),
    pytest.param(
        "scoring.yaml",
        "    item: records\n    points: -1",
        "    item: record\n    points: -1",
        "item 'record'",
        id="item of a sheet",
    ),
    pytest.param(
        "scoring.yaml",
        "replaces: missed-step",
        "replaces: missed-steps",
        "offence 'missed-steps'",
        id="offence",
    ),
    pytest.param(
        "scoring.yaml",
        "trigger: {on: missed-deadline, clocks: recorded}",
        "trigger: {on: missed-deadline, clocks: record}",
        "step or watch 'record'",
        id="clock",
    ),
    pytest.param(
        "scoring.yaml",
        "trigger: {on: obligation, obligation: proposal, fault: not-done}",
        "trigger: {on: obligation, obligation: proposals, fault: not-done}",
        "obligation 'proposals'",
        id="obligation",
    ),
    pytest.param(
        "scoring.yaml",
        "trigger: {on: missing-element, report: major-complaint}",
        "trigger: {on: missing-element, report: major}",
        "report 'major'",
        id="report",
    ),
    pytest.param("scoring.yaml", "ranking: quarterly", "ranking: quarter", "ranking 'quarter'", id="ranking"),
    pytest.param(
        "scoring.yaml",
        "    sheet: branch-scorecard\n    below: 80",
        "    sheet: scorecard\n    below: 80",
        "sheet 'scorecard'",
        id="sheet",
    ),
    pytest.param(
        "scoring.yaml",
        "observed: office,",
        "observed: offices,",
        "item 'offices'",
        id="item of an inspection",
    ),
    pytest.param(
        "rights.yaml",
        "rights: [scores.read]\n",
        "rights: [everything]\n",
        "right 'everything'",
        id="a right that the code does not know",
    ),
    pytest.param(
        "limits.yaml",
        "limit: {months: 1}\n        counts_from: works-start",
        "limit: {months: 1}\n        counts_from: works-begin",
        "counts from 'works-begin', which is no step of",
        id="start of a row",
    ),
]


@pytest.mark.parametrize(("file", "old", "new", "what"), NAMING)
def test_a_name_that_nothing_bears_is_refused_where_it_stands(
    file: str, old: str, new: str, what: str
) -> None:
    begin = jinke()[file].index(old)
    lines = range(
        line_of(file, old), line_of(file, old) + jinke()[file][begin : begin + len(old)].count("\n") + 1
    )

    problems = [one for one in refused(changed(file, old, new)) if what in one.what]

    assert problems
    assert {(one.file, one.line in lines) for one in problems} == {(file, True)}


FITTING = [
    pytest.param(
        "procedures.yaml",
        "    applies: {kind: design-change}\n",
        "    applies: {kind: legal-letter}\n",
        "No procedure applies to kind 'design-change'",
        id="a gap",
    ),
    pytest.param(
        "procedures.yaml",
        "    applies: {kind: complaint, validity: invalid}\n    rank: 10\n",
        "    applies: {kind: complaint, validity: invalid}\n",
        "both apply to kind 'complaint', class 'general', validity 'invalid', with the same rank",
        id="an overlap",
    ),
    pytest.param(
        "procedures.yaml",
        "        requires: check\n        resolves: true\n",
        "        requires: check\n",
        "No step of 'legal-letter' resolves the case",
        id="no end",
    ),
    pytest.param(
        "procedures.yaml",
        "      check:\n        title: {zh: 检查函件, en: check the letter}\n",
        "      check:\n        title: {zh: 检查函件, en: check the letter}\n        requires: send\n",
        "require each other in a circle",
        id="a circle",
    ),
    pytest.param(
        "procedures.yaml",
        "      alert:\n",
        "      report:\n",
        "The step 'report' of the overlay 'reputation-risk' is also a step of",
        id="an overlay that hides a step",
    ),
    pytest.param(
        "intake.yaml",
        "    counts_as_complaint: false\n    moments: handover\n",
        "    counts_as_complaint: false\n",
        "runs until 'handover', which the registration of such a matter does not state",
        id="a limit until a moment that nobody states",
    ),
    pytest.param(
        "callback.yaml",
        "reopen_at: 2",
        "reopen_at: 4",
        "An answer of 4 is satisfied",
        id="satisfied and re-opened",
    ),
    pytest.param(
        "obligations.yaml",
        "appearance of the office}, most: 1}",
        "appearance of the office}, most: 2}",
        "The item weighs 1, and an inspection gives at most 2",
        id="an inspection that gives more than the item weighs",
    ),
    pytest.param(
        "scoring.yaml",
        "weights: [1, 1, 1]",
        "weights: [1, 1]",
        "A quarter weighs 3 months, and 2 weights are given",
        id="a weight missing",
    ),
    pytest.param(
        "rights.yaml",
        "    at: subsidiary\n    rights: [complaints.read, cases.read, cases.approve, ",
        "    at: subsidiary\n    rights: [complaints.read, cases.read, ",
        "approves the way 'payment-in-lieu', and lacks the right 'cases.approve'",
        id="an approver without the right",
    ),
    pytest.param("callback.yaml", "ratio: 1\n", "ratio: 1.5\n", "The ratio is 1.5", id="more than everybody"),
    pytest.param(
        "callback.yaml",
        "kind: yes-no\n",
        "kind: choice\n",
        "'solved' is of kind 'choice' with 0 choices",
        id="a choice without choices",
    ),
    pytest.param(
        "obligations.yaml",
        "    inspection: archives\n    right: inspections.record\n",
        "    right: inspections.record\n",
        "'done_by: inspection' and 'inspection' belong together",
        id="an inspection that is not named",
    ),
    pytest.param(
        "scoring.yaml",
        "    item: records\n    points: -1\n",
        "    points: -1\n",
        "The offence counts on 'branch-scorecard' and names no item of it",
        id="an offence without an item",
    ),
    pytest.param(
        "scoring.yaml",
        "    item: archives\n    points: -1\n    trigger: {on: failed-aspect, inspection: archives}\n",
        "    item: archives\n    points: -1\n",
        "An offence needs either 'trigger' or 'with_all'",
        id="an offence without a cause",
    ),
    pytest.param(
        "scoring.yaml",
        "    item: archives\n    points: -1\n",
        "    item: archives\n    points: -1\n    forfeits: true\n",
        "An offence needs either 'points' (not 0) or 'forfeits: true'",
        id="an offence with two effects",
    ),
    pytest.param(
        "scoring.yaml",
        "full_marks: 100\n",
        "full_marks: 99\n",
        "Sections add up to 100, not to full_marks 99",
        id="full marks that nothing adds up to",
    ),
    pytest.param(
        "intake.yaml",
        "    kinds: legal-letter\n",
        "    kinds: [legal-letter, design-change]\n",
        "The kind 'design-change' has 2 forms (design-change, legal-letter)",
        id="two forms",
    ),
    pytest.param(
        "intake.yaml",
        "at_least: 2\n",
        "at_least: 4\n",
        "It asks for 4 behaviours and names 3",
        id="too much asked",
    ),
    pytest.param(
        "intake.yaml",
        "    classes: [explanation, general, ",
        "    classes: [explanation, ",
        "The class 'general' belongs to no kind",
        id="a class of nothing",
    ),
    pytest.param(
        "limits.yaml",
        "tables:\n",
        "tables:\n  idle:\n    from: 2005-05-28\n    source: JK-11\n    title: {zh: 空, en: idle}\n    rows: {}\n",
        "No step uses the table 'idle'",
        id="a table that nothing uses",
    ),
    pytest.param(
        "procedures.yaml",
        "      tell-owner:\n",
        "      settlement:\n        title: {zh: 一致, en: agreed}\n      tell-owner:\n",
        "The step is called 'settlement', like a moment of every case",
        id="a step like a moment",
    ),
    pytest.param(
        "procedures.yaml",
        "        needs: {evidence: letter, person: true}\n",
        "        needs: {evidence: letter, person: true}\n        agreed: true\n",
        "A date may be agreed in place of a limit, and the step has none",
        id="a date agreed in place of nothing",
    ),
    pytest.param(
        "procedures.yaml",
        "  recorded:\n",
        "  facts:\n",
        "'facts' also means a step",
        id="a watch that is called like a step",
    ),
    pytest.param(
        "procedures.yaml",
        "      tell-owner:\n",
        "      steps:\n        title: {zh: 步骤, en: steps}\n      tell-owner:\n",
        "A step is called 'steps', which means every step",
        id="a step that means every step",
    ),
    pytest.param(
        "rights.yaml",
        "    inside: group-centre\n",
        "",
        "2 kinds of unit lie inside no other (group-centre, subsidiary)",
        id="two roots",
    ),
    pytest.param(
        "rulebook.yaml",
        "  JK-34: {zh: 接房前完成的整改, en: Defects mended before handover}",
        "  JK-34: {zh: 接房前完成的整改, en: Defects mended before handover, coverage: partly}",
        "'why' belongs to 'coverage: partly'",
        id="partly without a reason",
    ),
]


@pytest.mark.parametrize(("file", "old", "new", "what"), FITTING)
def test_entries_that_do_not_fit_together_are_refused(file: str, old: str, new: str, what: str) -> None:
    problems = refused(changed(file, old, new))

    assert any(what in one.what for one in problems)
    assert all(one.what.endswith(".") and one.mend.endswith((".", "?")) for one in problems)


def test_every_fault_is_told_at_once_and_each_with_its_own_line() -> None:
    """INVARIANT: an author mends a rulebook in one round.

    What breaks it: stopping at the first fault, or at the first file.
    """
    files = changed("procedures.yaml", "    rank: 10\n", "    rank: ten\n")
    files["callback.yaml"] = jinke()["callback.yaml"].replace("attempts: 3", "attempts: yes")
    files["scoring.yaml"] = jinke()["scoring.yaml"].replace(
        "    below: 80\n", "    below: 80\n    above: 90\n"
    )

    problems = refused(files)

    assert [(one.file, one.line) for one in problems] == [
        ("callback.yaml", line_of("callback.yaml", "attempts: 3")),
        ("procedures.yaml", line_of("procedures.yaml", "    rank: 10\n")),
        ("scoring.yaml", line_of("scoring.yaml", "    below: 80\n") + 1),
    ]


def test_a_file_that_is_no_topic_is_refused_so_that_no_rule_goes_unread() -> None:
    (problem,) = refused({**jinke(), "procedure.yaml": "procedures: {}\n"})

    assert (problem.file, problem.what) == ("procedure.yaml", "The file is no topic of a rulebook.")


def test_a_topic_that_every_rulebook_has_must_be_there() -> None:
    problems = refused({name: text for name, text in jinke().items() if name != "intake.yaml"})

    assert ("intake.yaml", "The file is missing.") in {(one.file, one.what) for one in problems}


def test_a_file_over_one_mebibyte_is_refused_unread() -> None:
    problems = refused({**jinke(), "limits.yaml": "# " + "x" * (1 << 20)})

    assert "The file is larger than 1 MiB." in {one.what for one in problems}


def test_a_file_of_aliases_upon_aliases_is_refused_quickly() -> None:
    bomb = "a: &a [x, x]\n" + "".join(
        f"{name}: &{name} [*{before}, *{before}, *{before}]\n"
        for before, name in zip("abcdefgh", "bcdefghi", strict=True)
    )

    problems = refused({**jinke(), "limits.yaml": bomb})

    assert any("More than 20 aliases" in one.what for one in problems)


def test_a_file_nested_without_end_is_refused() -> None:
    problems = refused({**jinke(), "limits.yaml": "tables: " + "[" * 5_000})

    assert any("levels deep" in one.what for one in problems)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("%YAML 1.1\n---\ntables: {}\n", "The file asks for another YAML than 1.2."),
        ("only words\n", "The file does not hold 'key: value' pairs."),
        ("? [tables]\n: {}\n", "A key must be one word."),
        ("tables:\n  rectification: []\n", "The list is empty."),
        ("tables: {rectification: {from: 2005-05-28, source: {a: b}}}\n", "is a set of pairs."),
        ("tables: {rectification: {from: [2005-05-28]}}\n", "is a list."),
        ("tables: {rectification: {from: " + "x" * 60 + "}}\n", f"is '{'x' * 40}…'."),
    ],
    ids=["another YAML", "words", "a list as key", "an empty list", "pairs", "a list", "a long word"],
)
def test_a_file_of_another_shape_is_refused(text: str, what: str) -> None:
    problems = refused({**jinke(), "limits.yaml": text})

    assert any(what in one.what and one.file == "limits.yaml" for one in problems)


def test_an_empty_topic_says_nothing_and_is_no_fault_of_writing() -> None:
    problems = refused({**jinke(), "limits.yaml": "# nothing yet\n"})

    assert {one.file for one in problems} == {"intake.yaml", "procedures.yaml"}


def test_a_rulebook_whose_entries_never_begin_is_refused() -> None:
    dateless = {name: re.sub(r"\n +from: .*", "", text) for name, text in jinke().items()}

    (problem,) = refused(dateless)

    assert problem.what == "No entry of the rulebook says from when it holds."


def test_an_opening_window_is_read_and_hashed() -> None:
    window = 'within: {hours: 1, counts_from: {before: "18:00", opens: "08:00"}}\n        requires: approve'
    files = changed("procedures.yaml", "within: {days: 10}\n        requires: approve", window)

    assert edition_from_files(files).hash != edition_from_files(jinke()).hash


def test_a_second_document_is_refused() -> None:
    problems = refused({**jinke(), "limits.yaml": jinke()["limits.yaml"] + "---\ntables: {}\n"})

    assert any("A second document begins here" in one.what for one in problems)


def test_the_refusal_of_a_folder_names_the_path(tmp_path: Path) -> None:
    for name, text in jinke().items():
        if "/" not in name:
            (tmp_path / name).write_text(text.replace("rank: 10", "rank: ten"), encoding="utf-8")

    with pytest.raises(RulebookRefusedError) as caught:
        load_edition(tmp_path, RULEBOOKS / "calendars")

    (problem,) = caught.value.problems
    line = line_of("procedures.yaml", "    rank: 10\n")
    assert str(problem).startswith(f"{tmp_path}/procedures.yaml:{line}: ")


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RulebookRefusedError, match="There is no such folder"):
        load_edition(tmp_path / "nowhere", RULEBOOKS / "calendars")


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    (tmp_path / "rulebook.yaml").write_bytes("group: 金科\n".encode("gb18030"))

    with pytest.raises(RulebookRefusedError, match="The file is not UTF-8"):
        load_edition(tmp_path, RULEBOOKS / "calendars")


# Dated entries

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

    with pytest.raises(RulebookRefusedError, match="3 units have no parent"):
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
def test_a_rulebook_with_a_hole_is_read_or_refused(file: str, cut: int, length: int) -> None:
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
