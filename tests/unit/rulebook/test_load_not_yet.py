"""The loader refuses what the vocabulary can say and the engine does not carry out yet."""

import types
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pytest
from pydantic import BaseModel

from jiandu.rulebook_coverage import COMPLETE
from shared.errors import RulebookProblem, RulebookRefusedError
from shared.rulebook.checks import not_yet
from shared.rulebook.checks.not_yet import NOT_YET
from shared.rulebook.load import load_edition
from shared.rulebook.schema import Rules
from tests.builders_rules import RULEBOOKS, an_edition
from tests.unit.rulebook.editions import changed, refused

PLACES = [place for places in NOT_YET.values() for place in places]
DRAFTS = [
    folder
    for top in (RULEBOOKS, Path(__file__).parents[2] / "cases" / "field")
    for folder in sorted(top.iterdir())
    if (folder / "rulebook.yaml").exists() and folder.name not in COMPLETE
]


def _choices(kind: Any) -> Iterator[Any]:  # noqa: ANN401  # any annotation
    """Yield the plain types that an annotation allows."""
    if get_origin(kind) is Annotated:
        yield from _choices(get_args(kind)[0])
    elif get_origin(kind) in (Union, types.UnionType):
        for one in get_args(kind):
            yield from _choices(one)
    else:
        yield kind


def _at(kind: Any, path: list[str]) -> Iterator[Any]:  # noqa: ANN401  # any annotation
    """Yield the types that stand at a path of the schema."""
    for one in _choices(kind):
        if not path:
            yield one
        elif path[0] == "*" and get_origin(one) in (Mapping, tuple):
            yield from _at(get_args(one)[0 if get_origin(one) is tuple else 1], path[1:])
        elif isinstance(one, type) and issubclass(one, BaseModel) and path[0] in one.model_fields:
            field = one.model_fields[path[0]]
            yield from _at(field.annotation, path[1:])


def _words(kind: Any) -> set[object]:  # noqa: ANN401  # any annotation
    inside = get_args(kind)[0] if get_origin(kind) is tuple else kind
    return {word for one in _choices(inside) if get_origin(one) is Literal for word in get_args(one)}


def test_what_is_refused_is_a_place_of_the_vocabulary() -> None:
    """INVARIANT: nothing unsupported slips through because its place is written wrongly.

    What breaks it: a field renamed in the schema and not here.
    """
    for place in PLACES:
        path, _, word = place.partition("=")
        kinds = list(_at(Rules, path.split(".")))

        assert kinds, place
        assert not word or path == "rights.roles.*.rights" or word in set().union(*map(_words, kinds)), place


@pytest.mark.parametrize("group", COMPLETE)
def test_a_rulebook_in_force_uses_nothing_that_the_engine_lacks(group: str) -> None:
    assert [list(not_yet.faults(rules)) for _, rules in an_edition(group).slices] == [[]]


@pytest.mark.parametrize(
    ("file", "old", "new", "where"),
    [
        pytest.param(
            "callback.yaml",
            "    reopen_at: 2\n",
            "    reopen_at: 2\n    own_unit: false\n",
            "callback.plans.complaints.own_unit",
            id="a field",
        ),
        pytest.param(
            "obligations.yaml",
            "findings:\n",
            "rosters:\n  desk: {from: 2005-05-28, source: JK-01, title: {zh: 值班, en: duty}, of: branch}\n"
            "findings:\n",
            "obligations.rosters.desk",
            id="an entry",
        ),
        pytest.param(
            "rights.yaml",
            "    rights: [cases.read]\n",
            "    rights: [cases.read, figures.report]\n",
            "rights",
            id="a word",
        ),
    ],
)
def test_a_rulebook_that_asks_for_more_is_refused_where_it_does(
    file: str, old: str, new: str, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Places of the vocabulary, whatever the engine carries out by now.
    lacking = ("callback.plans.*.own_unit", "obligations.rosters.*", "rights.roles.*.rights=figures.report")
    monkeypatch.setattr(not_yet, "NOT_YET", {"an engine of long ago": lacking})

    (problem,) = refused(changed(file, old, new))

    assert problem.file == file
    assert where in problem.what
    assert "not supported by this engine yet" in problem.what


@pytest.mark.parametrize("folder", DRAFTS, ids=lambda path: path.name)
def test_a_draft_lacks_nothing_but_engine(folder: Path) -> None:
    """INVARIANT: a rulebook that waits for the engine is sound in everything else.

    What breaks it: an edit of a draft that names what does not exist. A draft whose last line is supported joins
    the complete groups.
    """
    problems: tuple[RulebookProblem, ...] = ()
    try:
        load_edition(folder, RULEBOOKS / "calendars")
    except RulebookRefusedError as refused_:
        problems = refused_.problems

    assert [one for one in problems if "not supported by this engine yet" not in one.what] == []
