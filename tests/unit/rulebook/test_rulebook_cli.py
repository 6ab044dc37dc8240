"""The commands that check, show and question a rulebook."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from jiandu.rulebook.cli import app
from tests.builders_rules import RULEBOOKS, an_edition

RUN = CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1"})


def a_copy(folder: Path, file: str, old: str, new: str) -> Path:
    shutil.copytree(RULEBOOKS / "jinke", folder / "mine")
    path = folder / "mine" / file
    path.write_text(path.read_text("utf-8").replace(old, new), encoding="utf-8")
    return folder / "mine"


def test_a_sound_rulebook_is_named_with_its_hash() -> None:
    result = RUN.invoke(app, ["check", "jinke"])

    assert result.exit_code == 0
    assert result.stdout.startswith("jinke 2005-05-28 is sound: ")
    assert an_edition("jinke").hash[:12] in result.stdout


def test_a_faulty_one_is_refused_with_file_line_and_remedy(tmp_path: Path) -> None:
    folder = a_copy(tmp_path, "procedures.yaml", "    rank: 10\n", "    rnak: 10\n")

    result = RUN.invoke(app, ["check", str(folder)])

    line = (folder / "procedures.yaml").read_text("utf-8").split("    rnak")[0].count("\n") + 1
    assert result.exit_code == 1
    assert result.stderr.strip() == (
        f"{folder}/procedures.yaml:{line}: 'procedures.procedures.invalid.rnak' is not known here. "
        "Did you mean 'rank'?"
    )


def test_an_organisation_that_does_not_fit_is_refused_too(tmp_path: Path) -> None:
    folder = a_copy(
        tmp_path, "organisation.yaml", "role: hr-officer, since: 2005-06-01", "role: hr, since: 2005-06-01"
    )

    result = RUN.invoke(app, ["check", str(folder)])

    assert result.exit_code == 1
    assert "names the role 'hr', which does not exist." in result.stderr


def test_a_due_date_comes_with_its_explanation() -> None:
    # Fri 13 Feb 16:10 + 48 h = Sun 15 Feb 16:10.
    asked = ["due", "jinke", "--procedure", "major-engineering", "--step", "negotiate"]

    result = RUN.invoke(app, [*asked, "--from", "2026-02-13T16:10+08:00", "--lang", "en"])

    assert result.stdout.splitlines() == [
        "2026-02-15 星期日 16:10  Sun 15 Feb 2026 16:10",
        "  establish the facts Fri 13 Feb 2026 16:10",
        "  within 48 hours",
        "  due before Sun 15 Feb 2026 16:10 (JK-05)",
    ]


def test_a_due_date_is_also_told_to_programs() -> None:
    # Thu 9 Jul 09:00 + 5 days = Tue 14 Jul 09:00, which is 01:00 UTC.
    asked = ["due", "jinke", "--procedure", "general-engineering", "--step", "rectify", "--item", "lift"]

    result = RUN.invoke(app, [*asked, "--from", "2026-07-09T09:00+08:00", "--json"])

    answer = json.loads(result.stdout)
    assert (answer["due_before"], answer["local"]) == ("2026-07-14T01:00:00Z", "2026-07-14T09:00:00+08:00")
    assert (answer["clause"], answer["edition_hash"]) == ("JK-04, JK-11, JK-12", an_edition("jinke").hash)


def test_a_question_without_an_offset_is_refused() -> None:
    result = RUN.invoke(app, ["due", "jinke", "--watch", "handled", "--from", "2026-07-09T09:00"])

    assert result.exit_code == 1
    assert result.stderr.strip() == (
        "'2026-07-09T09:00' is no moment with an offset: input should have timezone info. "
        "Write it as 2026-02-13T16:10+08:00."
    )


def test_a_row_that_does_not_exist_is_refused_with_those_that_do() -> None:
    asked = ["due", "jinke", "--procedure", "general-engineering", "--step", "rectify", "--item", "roof"]

    result = RUN.invoke(app, [*asked, "--from", "2026-07-09T09:00+08:00"])

    assert result.exit_code == 1
    assert (
        "There is no 'limits.tables.rectification.rows.roof'. There are: infill-wall, water" in result.stderr
    )


def test_a_list_of_entries_is_shown_by_its_numbers() -> None:
    result = RUN.invoke(app, ["show", "jinke", "calendar"])

    assert "opens 09:00" in result.stdout


def test_an_entry_is_shown_as_a_tree_and_as_json() -> None:
    tree = RUN.invoke(app, ["show", "jinke", "procedures.procedures.invalid"])
    document = RUN.invoke(app, ["show", "jinke", "procedures.procedures.invalid", "--json"])

    assert "title 无效投诉  invalid complaint" in tree.stdout
    assert json.loads(document.stdout)["rank"] == 10


def test_a_key_that_does_not_exist_is_refused() -> None:
    result = RUN.invoke(app, ["show", "jinke", "procedures.nothing"])

    assert result.exit_code == 1
    assert "There is no 'nothing' in 'procedures.nothing'." in result.stderr


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        ("rulebook.group", "jinke"),
        ("procedures.procedures.major-engineering.steps.negotiate.within.hours", "48"),
        ("scoring.rankings.quarterly.weights", "1, 1, 1"),
    ],
)
def test_a_single_value_is_shown_as_it_is(key: str, shown: str) -> None:
    result = RUN.invoke(app, ["show", "jinke", key])

    assert (result.exit_code, result.stdout) == (0, f"jinke 2005-05-28 {key}\n└── {shown}\n")


def test_a_group_that_does_not_exist_is_refused_with_those_that_do() -> None:
    result = RUN.invoke(app, ["check", "jinkee"])

    assert result.exit_code == 1
    assert (
        result.stderr
        == "There is no group and no folder 'jinkee'. Groups: general, jinke, luneng, xinao, zhongyida.\n"
    )


@pytest.mark.parametrize("command", ["check", "show", "due", "coverage"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, command: str) -> None:
    folder = a_copy(tmp_path, "rulebook.yaml", "", "")
    (folder / "limits.yaml").unlink()
    (folder / "limits.yaml").mkdir()
    asked = ["--watch", "handled", "--from", "2026-07-09T09:00+08:00"] if command == "due" else []

    result = RUN.invoke(app, [command, str(folder), *asked])

    assert (result.exit_code, result.stderr) == (1, f"{folder}/limits.yaml: Is a directory.\n")


def test_every_kind_of_limit_can_be_asked_for() -> None:
    # Ten days from Thu 9 Jul 09:00; seven days; the report of June by Sun 5 Jul; the scores of June by Fri 10 Jul.
    asked = [
        ["--watch", "handled", "--from", "2026-07-09T09:00+08:00"],
        ["--callback", "complaints", "--from", "2026-07-09T09:00+08:00"],
        ["--obligation", "analysis-report", "--from", "2026-06-30"],
        ["--publication", "monthly-scores", "--from", "2026-06-30"],
    ]

    answers = [json.loads(RUN.invoke(app, ["due", "jinke", *one, "--json"]).stdout)["local"] for one in asked]

    assert answers == [
        "2026-07-19T09:00:00+08:00",
        "2026-07-16T09:00:00+08:00",
        "2026-07-06T00:00:00+08:00",
        "2026-07-11T00:00:00+08:00",
    ]


def test_a_limit_may_run_until_a_moment_that_is_given() -> None:
    asked = ["due", "jinke", "--procedure", "pre-handover-defect", "--step", "mend", "--json"]
    moments = ["--from", "2026-07-28T10:00+08:00", "--moment", "handover=2026-08-20T09:00+08:00"]

    result = RUN.invoke(app, [*asked, *moments])

    assert json.loads(result.stdout)["local"] == "2026-08-20T09:00:00+08:00"


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        (
            ["--step", "facts", "--procedure", "none", "--from", "2026-07-09T09:00+08:00"],
            "There is no 'procedures.procedures.none'. There are: ",
        ),
        (
            ["--step", "none", "--procedure", "general", "--from", "2026-07-09T09:00+08:00"],
            "There is no 'procedures.procedures.general.steps.none'. There are: ",
        ),
        (
            ["--step", "accept", "--procedure", "general-engineering", "--from", "2026-07-09T09:00+08:00"],
            "'procedures.procedures.general-engineering.steps.accept' has no limit.",
        ),
        (
            ["--watch", "none", "--from", "2026-07-09T09:00+08:00"],
            "There is no 'procedures.watches.none'. There are: ",
        ),
        (
            ["--callback", "none", "--from", "2026-07-09T09:00+08:00"],
            "There is no 'callback.plans.none'. There are: ",
        ),
        (
            ["--obligation", "none", "--from", "2026-07-09"],
            "There is no 'obligations.obligations.none'. There are: ",
        ),
        (
            ["--publication", "none", "--from", "2026-07-09"],
            "There is no 'scoring.publications.none'. There are: ",
        ),
        (["--publication", "monthly-scores", "--from", "July"], "'July' is no day: "),
        (["--publication", "monthly-scores", "--from", "0001-01-01"], "must lie from 1990-01-01 to before"),
        (["--obligation", "analysis-report", "--from", "9999-12-31"], "must lie from 1990-01-01 to before"),
        (["--watch", "handled", "--from", "9999-12-31T23:00-08:00"], "must lie from 1990-01-01 to before"),
        (["--watch", "handled", "--from", "0001-01-01T00:00+08:00"], "must lie from 1990-01-01 to before"),
        (
            ["--watch", "handled", "--from", "2005-05-27T09:00+08:00"],
            "The rules of 'jinke' begin on 2005-05-28.",
        ),
        (
            ["--obligation", "analysis-report", "--from", "2005-05-27"],
            "The rules of 'jinke' begin on 2005-05-28.",
        ),
        (
            [
                "--step",
                "mend",
                "--procedure",
                "pre-handover-defect",
                "--from",
                "2026-07-09T09:00+08:00",
                "--moment",
                "soon",
            ],
            "'soon' is no moment.",
        ),
        (["--watch", "handled", "--callback", "complaints"], "State exactly one of --step, --watch,"),
    ],
)
def test_what_the_rulebook_does_not_know_is_answered_with_its_key(asked: list[str], answer: str) -> None:
    result = RUN.invoke(app, ["due", "jinke", *asked])

    assert result.exit_code == 1
    assert answer in result.stderr


def test_a_day_that_no_table_covers_is_answered_with_the_table_that_is_missing() -> None:
    result = RUN.invoke(app, ["due", "jinke", "--publication", "monthly-scores", "--from", "2030-01-01"])

    assert result.exit_code == 1
    assert result.stderr.startswith(
        "No day table says whether 2030-02-10 is worked. Add rulebooks/calendars/cn/2030.yaml from "
    )


def test_rules_are_shown_as_of_a_day() -> None:
    before = RUN.invoke(app, ["show", "jinke", "--on", "2005-05-27"])
    since = RUN.invoke(app, ["show", "jinke", "scoring.rankings.monthly", "--on", "2005-05-28"])

    assert (before.exit_code, since.exit_code) == (1, 0)
    assert "order high-first" not in before.stdout
    assert "by branch-scorecard" in since.stdout


def test_coverage_is_shown_or_written(tmp_path: Path) -> None:
    folder = a_copy(tmp_path, "rulebook.yaml", "", "")
    (folder / "COVERAGE.md").unlink()

    shown = RUN.invoke(app, ["coverage", str(folder)])
    written = RUN.invoke(app, ["coverage", str(folder), "--write"])

    assert "| JK-35 |" in shown.stdout
    assert written.stdout.startswith(f"wrote {folder}/COVERAGE.md; without proof: ")
    assert (folder / "COVERAGE.md").read_text("utf-8") == shown.stdout
