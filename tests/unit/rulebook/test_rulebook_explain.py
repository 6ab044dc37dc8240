"""A rulebook told back in sentences says all that its entries say, with the clauses that they come from."""

import sys
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import pytest
from typer.testing import CliRunner

from jiandu.reading import edition_of
from jiandu.rulebook.cli import app
from jiandu.rulebook.explain import Said, sentence, sentences
from jiandu.rulebook.explain.measuring import DONE_BY, trigger
from jiandu.rulebook.explain.words import Book, parts, terms
from shared.rulebook.schema import CalendarUse, Rules
from shared.rulebook.schema.base import Part, Rule
from shared.rulebook.schema.group import CatalogueEntry, Source
from shared.rulebook.schema.obligations import WAYS_DONE
from shared.rulebook.schema.rights_list import RIGHTS as ALL_RIGHTS
from shared.rulebook.schema.triggers import TRIGGERS
from tests.builders_rules import RULEBOOKS

RUN = CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1"})
FIELD = RULEBOOKS.parent / "tests" / "cases" / "field"
HOTLINE = str(FIELD / "hotline-a")
BOOKS = ["general", "jinke", "luneng", "xinao", "zhongyida", HOTLINE, str(FIELD / "hotline-b")]
APART = {"since", "source", "note"}
"""Fields of a rule that stand beside its sentence."""


@cache
def rules(book: str) -> Rules:
    return edition_of(book).slices[-1][1]


@cache
def told(book: str) -> dict[str, Said]:
    return {one.key: one for one in sentences(rules(book))}


def entries(book: str) -> Iterator[tuple[str, Any]]:
    for topic in Rules.model_fields:
        page = getattr(rules(book), topic)
        for section in type(page).model_fields:
            held = getattr(page, section)
            if isinstance(held, Mapping):
                yield from ((f"{topic}.{section}.{key}", entry) for key, entry in held.items())


def _less(part: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401  # any part of a rulebook
    """Yield copies of a part, each with one thing that it says left out, and the place of it.

    Limits and due days are left whole: they speak in their own words.
    """
    if isinstance(part, Part):
        for name, field in type(part).model_fields.items():
            value = getattr(part, name)
            default = field.get_default(call_default_factory=True)
            if name in APART or value == default:
                continue
            if not field.is_required():
                yield name, part.model_copy(update={name: default})
            yield from (
                (f"{name}.{where}", part.model_copy(update={name: less})) for where, less in _less(value)
            )
    elif isinstance(part, Mapping):
        for key, inside in part.items():
            yield from ((f"{key}.{where}", {**part, key: less}) for where, less in _less(inside))


def _same(one: Said, other: Said) -> bool:
    chinese = [line.zh for line in one.lines] == [line.zh for line in other.lines]
    return chinese or [line.en for line in one.lines] == [line.en for line in other.lines]


@pytest.mark.parametrize("book", BOOKS)
def test_each_entry_is_told_in_both_languages_with_its_clause(book: str) -> None:
    """INVARIANT: whoever reads the sentences reads the whole regulation, and sees where each comes from.

    What breaks it: a class of entry without words, or words that leave the clause out.
    """
    clauses = {key: entry.source for key, entry in entries(book) if isinstance(entry, Rule)}

    assert told(book).keys() == {"calendar", *(key for key, _ in entries(book))}
    assert [
        (key, clause)
        for key, source in clauses.items()
        for clause in source
        for words in (told(book)[key].lines[0].zh, told(book)[key].lines[0].en)
        if clause not in words
    ] == []


@pytest.mark.parametrize("book", BOOKS)
def test_a_sentence_leaves_nothing_out_that_its_entry_says(book: str) -> None:
    """INVARIANT: an entry that says less is told otherwise, in both languages.

    What breaks it: a field that the vocabulary gains and the words do not.
    """
    words = Book(rules(book))
    unsaid = {
        f"{type(entry).__name__}: {key}.{where}"
        for key, entry in entries(book)
        for where, less in _less(entry)
        if _same(sentence(key, less, words), told(book)[key])
    }

    assert unsaid == set()


def test_each_class_of_entry_each_trigger_and_each_way_of_doing_a_duty_has_words() -> None:
    modules = [name for name in sys.modules if name.startswith("shared.rulebook.schema")]
    classes = {
        one
        for name in modules
        for one in vars(sys.modules[name]).values()
        if isinstance(one, type) and issubclass(one, Rule) and one is not Rule
    }

    assert {*classes, CatalogueEntry, Source, CalendarUse} - parts.registry.keys() == set()
    assert set(TRIGGERS) - trigger.registry.keys() == set()
    assert DONE_BY.keys() | {"report"} == set(WAYS_DONE)


def test_each_right_has_words() -> None:
    assert terms()["right"].keys() == ALL_RIGHTS


@pytest.mark.parametrize(
    ("book", "key", "said"),
    [
        pytest.param(
            "jinke",
            "procedures.watches.recorded",
            ["投诉记录：客户投诉的，自收到起，须在 24 小时内登记（JK-14）。"],
            id="a watch",
        ),
        pytest.param(
            "luneng",
            "procedures.alerts.back-to-branch",
            ["解决完后即时回复分公司客户服务岗位：客户投诉的，解决后自动回复转来的单位（LN-10）。"],
            id="an alert",
        ),
        pytest.param(
            "luneng",
            "scoring.offences.customer-file-late",
            [
                "客户档案输入不及时：“输入电脑客户档案”逾期，每次在“服务工作考核指标（信息类指标）”的"
                "“电脑客户档案、产品档案，按规定及时反馈信息”项扣 1 分；计入责任单位（LN-16）。"
            ],
            id="an offence",
        ),
        pytest.param(
            "zhongyida",
            "procedures.procedures.suggestion",
            [
                "功能建议办理：凡功能建议的，按下列步骤办理（ZY-07）。",
                "（1）转交并答复客户：自收到起，限 10 日内；完成后视为已答复客户；完成后视为事项已解决。",
            ],
            id="a procedure",
        ),
        pytest.param(
            HOTLINE,
            "procedures.extensions.longer",
            [
                "延期：“五个工作日内办结回复”可以延期，最多 2 次，由有权审批处理意见者批准；"
                "各次最长依次为 5 个工作日、 10 个工作日；须在到期前申请（HA-02）。"
            ],
            id="an extension",
        ),
    ],
)
def test_the_words_are_those_of_a_regulation(book: str, key: str, said: list[str]) -> None:
    assert [one.zh for one in told(book)[key].lines] == said


def test_the_command_tells_an_entry_in_one_language() -> None:
    result = RUN.invoke(app, ["explain", "jinke", "procedures.watches.recorded", "--lang", "zh"])

    assert result.stdout.splitlines()[:2] == [
        "procedures.watches.recorded",
        "  投诉记录：客户投诉的，自收到起，须在 24 小时内登记（JK-14）。",
    ]


def test_the_command_tells_what_a_clause_says_wherever_it_stands() -> None:
    # LN-05 is cited by steps, by a channel, an alert and an indicator.
    result = RUN.invoke(app, ["explain", "luneng", "LN-05", "--lang", "zh"])

    assert "procedures.procedures.repair" in result.stdout
    assert "procedures.alerts.one-hour" in result.stdout
    assert "procedures.procedures.tender" not in result.stdout


def test_the_command_tells_programs_too() -> None:
    result = RUN.invoke(app, ["explain", "general", "procedures", "--json"])

    assert result.exit_code == 0
    assert '"key": "procedures.procedures.' in result.stdout


def test_what_is_not_there_is_refused() -> None:
    result = RUN.invoke(app, ["explain", "jinke", "procedures.nothing"])

    assert result.exit_code == 1
    assert "There is no 'procedures.nothing' to explain." in result.stderr
