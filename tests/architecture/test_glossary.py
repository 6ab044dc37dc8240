"""The project's words are used, and those to avoid are not."""

import re

from tests.architecture.tree import ROOT, found, shown, texts

GLOSSARY = ROOT / "docs" / "glossary.md"
OPENAPI = ROOT / "docs" / "openapi"

ALLOWED = {
    ("shared/storage/write_batching.py", "timer"): "an alarm of the event loop, which nobody supervises",
    ("shared/service/operations.py", "hole"): "the former name of a field, for what was written to read it",
    ("shared/service/operations.py", "ladder"): "the former name of a field, for what was written to read it",
    ("shared/runtime/settings.py", "hole"): "the former name of a setting, which an operator's file may have",
    ("shared/runtime/logging.py", "hole"): "the former name of a log event, which a dashboard may look for",
    (
        "shared/runtime/logging.py",
        "follower",
    ): "the former name of a log event, which a dashboard may look for",
    ("CHANGELOG.md", "hole"): "the former name of a log event",
    ("CHANGELOG.md", "follower"): "the former name of a log event",
    ("CHANGELOG.md", "ladder"): "the former name of a task",
    ("tests/unit/shared/test_settings.py", "hole"): "the former name of a setting, which a file may have",
    ("tests/contract/test_messaging_operations.py", "hole"): "the former name of a field",
}
"""Where a word to avoid means something else, with the reason."""

_BUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def _to_avoid() -> list[str]:
    rows = re.findall(r"^\|(?! English|---)(.+)\|$", GLOSSARY.read_text("utf-8"), re.MULTILINE)
    words = (word.strip() for row in rows for word in row.split("|")[-1].split(","))
    return [word for word in words if word]


def _words(text: str) -> set[str]:
    """Return the words of a text, those inside names like ``CaseTimer`` and ``case_timer`` too."""
    return set(re.findall(r"[a-z]+", _BUMP.sub(" ", text).lower()))


def _used(word: str) -> set[str]:
    forms = {word.lower(), f"{word.lower()}s"}
    # What is generated says what its source says.
    own = (path for path in texts() if path != GLOSSARY and OPENAPI not in path.parents)
    return {shown(path) for path in own if forms & _words(path.read_text("utf-8"))}


def test_the_glossary_names_words_to_avoid() -> None:
    assert len(_to_avoid()) >= 5


def test_words_to_avoid_are_not_used() -> None:
    """INVARIANT: one thing has one name, in code and pages.

    What breaks it: bringing a word from elsewhere. Use the glossary's, or give the reason in ``ALLOWED``.
    """
    used = {(path, word) for word in _to_avoid() for path in _used(word)}
    here = {
        (path, word) for path, word in used if path == shown(ROOT / "tests/architecture/test_glossary.py")
    }

    assert used - here - ALLOWED.keys() == set()


def test_every_exception_is_still_needed() -> None:
    assert [one for one in ALLOWED if one[0] not in _used(one[1])] == []


def test_the_glossary_is_in_order_and_defines_a_word_once() -> None:
    sections = [
        re.findall(r"^\| (?!English)([^|]+?) \|", section, re.MULTILINE)
        for section in GLOSSARY.read_text("utf-8").split("\n## ")[1:]
    ]

    assert [words == sorted(words, key=str.lower) for words in sections] == [True, True]
    assert len(set().union(*sections)) == sum(len(words) for words in sections)


def test_no_chinese_term_is_missing() -> None:
    rows = re.findall(r"^\| (?!English)(.+) \|$", GLOSSARY.read_text("utf-8"), re.MULTILINE)

    assert [row for row in rows if not re.search("[一-鿿]", row.split("|")[1])] == []


def test_the_scan_looks_into_files() -> None:
    assert any(found(re.compile("# Glossary")))
