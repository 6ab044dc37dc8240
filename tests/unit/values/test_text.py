"""What people may write."""

import pytest
from pydantic import ValidationError

from shared.values.text import Written


class Note(Written):
    words: str = ""
    papers: dict[str, tuple[str, ...]] = {}  # noqa: RUF012  # pydantic copies it


@pytest.mark.parametrize("words", ["", "一行\n\t二行\r\n", "Zürich – 100 ℃ 🙂"])
def test_text_has_lines_and_tabs(words: str) -> None:
    assert Note(words=words).words == words


@pytest.mark.parametrize("control", ["\x00", "\x1b", "\x7f", "\x9b"])
def test_no_control_character_stands_anywhere_in_what_is_sent(control: str) -> None:
    """INVARIANT: what is stored can be shown on every page and in every file.

    What breaks it: looking at the fields themselves, and not at the keys and values inside them.
    """
    for sent in ({"words": control}, {"papers": {control: ()}}, {"papers": {"a": ("b", control)}}):
        with pytest.raises(ValidationError, match=rf"U\+{ord(control):04X}; write it without"):
            Note.model_validate(sent)
