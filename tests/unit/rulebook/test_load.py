"""The loader refuses what is wrongly written or unknown, with file, line and remedy."""

import pytest

from tests.unit.rulebook.editions import changed, line_of, refused

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
        "rights: [assessments.record, scores.read]\n",
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
