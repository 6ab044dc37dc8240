"""What is generated is current, and what is linked is there."""

import ast
import re
import sys
from importlib import metadata
from pathlib import Path

import pytest

from jiandu.documents import cli, notice
from jiandu.rulebook import language
from shared.events import EVENTS
from shared.rulebook.schema.base import Part
from tests.architecture.tree import ROOT, shown, texts

PAGES = [path for path in texts() if path.suffix == ".md"]
WITHOUT_EXAMPLE = {
    "Award.at_least",
    "Burst.calls",
    "Burst.within",
    "ByIndicator.decimals",
    "CallingHours.burst",
    "Course.valid",
    "Indicator.counts_problem_users",
    "Item.floor",
    "Limit.working_minutes",
    "Match.item",
    "Match.procedure",
    "Sample.number",
    "Section.floor",
}
"""Fields of the language that no rulebook of the repository uses yet. It only shrinks."""

_LINK = re.compile(r"\]\((?!https?://|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)")
_MAKE = re.compile(r"^[$\s]*make ([a-z][a-z-]*)|`make ([a-z][a-z-]*)`", re.MULTILINE)


def _anchors(text: str) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _broken_links() -> list[str]:
    broken = []
    for page in PAGES:
        for target, anchor in _LINK.findall(page.read_text("utf-8")):
            path = (page.parent / target).resolve() if target else page
            if not path.exists() or (anchor and anchor not in _anchors(path.read_text("utf-8"))):
                broken.append(f"{shown(page)}: {target}#{anchor}")
    return broken


def test_the_page_of_events_is_current() -> None:
    assert cli.EVENTS_PAGE.read_text("utf-8") == cli.events_page(), "Run `make docs`."


def test_the_page_of_events_names_each_event_once() -> None:
    headings = re.findall(r"^### (.+)$", cli.events_page(), re.MULTILINE)

    assert sorted(headings) == sorted(EVENTS)


def test_each_event_says_what_happened() -> None:
    """INVARIANT: an event is described where it is defined.

    What breaks it: a class without a docstring, which inherits that of its base.
    """
    silent = [event.TYPE for event in EVENTS.values() if "__doc__" not in vars(event) or not event.__doc__]

    assert silent == []


def test_the_page_of_the_rulebooks_language_is_current() -> None:
    assert language.PAGE.read_text("utf-8") == language.language_page(), "Run `make docs`."


def test_the_page_of_the_language_shows_each_class_once_and_each_field() -> None:
    """INVARIANT: what a rulebook may say is on one page.

    What breaks it: a class that hides behind an annotation which the page does not take apart.
    """
    page = language.PAGE.read_text("utf-8")
    headings = re.findall(r"^### (.+)$", page, re.MULTILINE)
    modules = {name for name in sys.modules if name.startswith("shared.rulebook.schema.")}
    classes = {
        one
        for name in modules - {"shared.rulebook.schema.organisation"}
        for one in vars(sys.modules[name]).values()
        if isinstance(one, type) and issubclass(one, Part) and one.__module__ == name
    }

    assert sorted(headings) == sorted(set(headings))
    assert {one.__name__ for one in classes} - {*headings} == {"Part", "Cause"}
    assert [
        (one.__name__, name)
        for one in classes
        for name, field in one.model_fields.items()
        if f"\n| `{field.alias or name}` |" not in page
    ] == []


def test_a_field_of_the_language_has_an_example_of_a_real_rulebook() -> None:
    """INVARIANT: an author sees how a word is used, not only that it exists.

    What breaks it: a word that no rulebook of the repository uses. Add its use to a rulebook, or leave it out.
    """
    assert language.without_example() == WITHOUT_EXAMPLE


def test_the_notice_is_current() -> None:
    assert notice.NOTICE.read_text("utf-8") == notice.notice(), "Run `make docs`."


def test_the_notice_names_a_licence_for_each_package_of_the_image_whose_text_ships_too() -> None:
    """INVARIANT: nobody is handed the work of others without its licence.

    What breaks it: a package that names none, or whose files hold no text of it.
    """
    named = {name: licence for name, _, licence in notice.shipped()}
    texts_of = {
        name: [
            str(path) for path in metadata.files(name) or () if re.search(r"LICEN[CS]E|COPYING", str(path))
        ]
        for name in named
    }

    assert {"fastapi", "fastapi-offline", "pymongo", "uvicorn"} < named.keys()
    assert [name for name, licence in named.items() if not licence or "UNKNOWN" in licence] == []
    assert [name for name, found in texts_of.items() if not found] == []


def test_every_link_leads_somewhere() -> None:
    assert _broken_links() == []


def test_every_make_target_that_a_page_names_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = {
        (shown(page), first or second)
        for page in PAGES
        for first, second in _MAKE.findall(page.read_text("utf-8"))
    }

    assert {one for one in named if one[1] not in targets} == set()


def test_a_decision_has_every_part_and_its_number() -> None:
    parts = ["Context", "Decision", "Consequences", "Alternatives", "Enforced by", "Revisit when"]
    decisions = sorted((ROOT / "docs" / "decisions").glob("*.md"))

    headings = {
        path.name: re.findall(r"^## (.+)$", path.read_text("utf-8"), re.MULTILINE) for path in decisions
    }

    assert {name: found for name, found in headings.items() if found != parts} == {}
    assert [int(path.name[:4]) for path in decisions] == list(range(1, len(decisions) + 1))


@pytest.mark.parametrize(
    "path", [path for path in PAGES if path.parent.name == "decisions"], ids=lambda path: path.stem
)
def test_what_enforces_a_decision_exists(path: Path) -> None:
    text = path.read_text("utf-8").partition("## Enforced by")[2].partition("\n## ")[0]
    named = re.findall(r"`((?:tests|shared|services|jiandu|rulebooks|deploy|bench)/[\w./*-]+)`", text)

    assert [one for one in named if not list(ROOT.glob(one))] == []


def test_the_sample_consumer_is_short_and_needs_only_its_client() -> None:
    source = (ROOT / "docs" / "examples" / "score_consumer.py").read_text("utf-8")
    tree = ast.parse(source)
    imported = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    body = [line for line in source.splitlines() if line and not line.startswith(('"""', "import "))]

    assert imported == {"asyncio", "json", "os", "aio_pika"}
    assert len(body) <= 20
