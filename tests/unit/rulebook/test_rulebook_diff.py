"""The difference of two editions is told in sentences, with the days on which it holds."""

from pathlib import Path

from typer.testing import CliRunner

from jiandu.rulebook.cli import app
from jiandu.rulebook.diff import altered
from shared.rulebook.load import edition_from_files
from tests.builders_rules import RULEBOOKS
from tests.unit.rulebook.editions import changed, jinke

RUN = CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1"})
OLD = edition_from_files(jinke())

HOURS = """        after: facts
        within: {hours: 24}
        requires: facts
        needs: {evidence: explanation-note}
"""
STEP = """      check:
        title: {zh: 检查函件, en: check the letter}
"""


def test_an_edition_does_not_differ_from_itself() -> None:
    assert list(altered(OLD, OLD)) == []


def test_a_shorter_limit_is_told_by_the_line_of_its_step() -> None:
    new = edition_from_files(changed("procedures.yaml", HOURS, HOURS.replace("24", "12")))

    (one,) = altered(OLD, new)

    assert (one.key, one.fields, one.is_wording) == (
        "procedures.procedures.invalid",
        ("steps.explain.within",),
        False,
    )
    assert [line.en for line in (*one.was, *one.now)] == [
        "(2) contact the owner and explain: within 24 hours of 'establish the facts'; after 'establish the facts' "
        "is done; with 'note of the explanation'; answers the customer; resolves the matter.",
        "(2) contact the owner and explain: within 12 hours of 'establish the facts'; after 'establish the facts' "
        "is done; with 'note of the explanation'; answers the customer; resolves the matter.",
    ]


def test_a_step_put_before_others_does_not_tell_those_again() -> None:
    more = "      read:\n        title: {zh: 阅读函件, en: read the letter}\n"
    new = edition_from_files(changed("procedures.yaml", STEP, more + STEP))

    (one,) = altered(OLD, new)

    assert [line.zh for line in (*one.was, *one.now)] == ["（1）阅读函件。"]


def test_a_new_entry_is_told_whole_and_one_that_is_gone_too() -> None:
    flag = "flags:\n  rain: {from: 2026-07-01, source: JK-11, title: {zh: 暴雨, en: heavy rain}}\n"
    new = edition_from_files(changed("intake.yaml", "flags:\n", flag))

    (added,), (gone,) = altered(OLD, new), altered(new, OLD)

    assert (added.key, added.since.isoformat(), added.until) == ("intake.flags.rain", "2026-07-01", None)
    assert ([line.zh for line in added.was], [line.zh for line in added.now]) == (
        [],
        ["暴雨：可对事项作出的标记（JK-11）。"],
    )
    assert (gone.was, gone.now) == (added.now, ())


def test_a_changed_note_is_wording_only() -> None:
    new = edition_from_files(
        changed("scoring.yaml", "note: −1 per complaint", "note: Minus one per complaint")
    )

    (one,) = altered(OLD, new)

    assert one.is_wording
    assert one.now[0].en.startswith("note: Minus one per complaint whose record")


def test_other_working_hours_are_told() -> None:
    text = jinke()["calendar.yaml"]
    new = edition_from_files({**jinke(), "calendar.yaml": text.replace('opens: "09:00"', 'opens: "08:30"')})

    (one,) = altered(OLD, new)

    assert "工作日 08:30–" in one.now[0].zh


def test_the_command_tells_both_sides(tmp_path: Path) -> None:
    new = changed("procedures.yaml", HOURS, HOURS.replace("24", "12"))
    for name, text in new.items():
        if "/" not in name:
            (tmp_path / name).write_text(text, encoding="utf-8")

    shown = RUN.invoke(app, ["diff", str(RULEBOOKS / "jinke"), str(tmp_path), "--lang", "zh"])
    told = RUN.invoke(app, ["diff", "jinke", str(tmp_path), "--json"])
    same = RUN.invoke(app, ["diff", "jinke", "jinke"])

    assert shown.stdout.splitlines()[0] == "procedures.procedures.invalid  自 from 2005-05-28"
    assert [line[:4] for line in shown.stdout.splitlines()[1:]] == ["  - ", "  + "]
    assert '"wording_only": false' in told.stdout
    assert same.stdout == "两版内容相同  the two say the same\n"
