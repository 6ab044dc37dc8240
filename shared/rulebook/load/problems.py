"""What the schema refuses, said so that a person who writes rules and no code can mend it."""

from collections.abc import Iterator
from difflib import get_close_matches

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from shared.errors import RulebookProblem
from shared.rulebook.load.nodes import LONGEST_SHOWN
from shared.rulebook.load.shape import keys_at, means_number, types_at
from shared.rulebook.load.slices import Page
from shared.timekeeping.limits import Limit

_UNSTRUCTURED = frozenset({"model_type", "model_attributes_type"})

_MEANT = {
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "decimal_type": "a number",
    "decimal_parsing": "a number",
    "float_type": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "date_type": "a day, for example 2026-07-01, without quotes",
    "date_parsing": "a day, for example 2026-07-01, without quotes",
    "date_from_datetime_parsing": "a day, for example 2026-07-01, without quotes",
    "dict_type": "a set of 'key: value' pairs",
    "mapping_type": "a set of 'key: value' pairs",
    "model_type": "a set of 'key: value' pairs",
    "model_attributes_type": "a set of 'key: value' pairs",
    "tuple_type": "a list, [a, b]",
    "list_type": "a list, [a, b]",
}


def say(error: ErrorDetails, page: Page, model: type[BaseModel], topic: str = "") -> RulebookProblem:
    """Return one refusal of ``model`` as a problem of the page.

    ``topic``: the page is one topic of a rulebook, and the error's place begins with it.
    """
    loc = error["loc"][1:] if topic else error["loc"]
    place = page.place(loc)
    missing = loc[-1:] if error["type"] == "missing" else ()
    path = ".".join(str(part) for part in (*([topic] if topic else []), *page.path(loc), *missing))
    what, mend = _words(error, path or page.file, str(loc[-1]) if loc else "", keys_at(model, loc[:-1]))
    if error["type"] in _UNSTRUCTURED and Limit in types_at(model, loc):
        mend = "Say the unit too, for example {hours: 24} or {days: 10}."
    return RulebookProblem(place.file, place.line, what, mend)


def misplaced_truths(page: Page, model: type[BaseModel]) -> Iterator[RulebookProblem]:
    """Refuse true and false where a number is meant; Python would take them for 1 and 0."""
    for loc, leaf in page.leaves():
        if isinstance(leaf.value, bool) and means_number(model, loc):
            path = ".".join(str(part) for part in loc)
            what = f"'{path}' is {str(leaf.value).lower()}, where a number is meant."
            yield RulebookProblem(page.file, leaf.line, what, "Give the number.")


def _words(error: ErrorDetails, path: str, last: str, known: list[str]) -> tuple[str, str]:
    kind, given, context = error["type"], error["input"], error.get("ctx", {})
    if kind == "value_error":
        return _own_words(str(context.get("error", error["msg"])), path)
    said = {
        "missing": (f"'{path}' is missing.", f"Add '{last}'."),
        "extra_forbidden": (f"'{path}' is not known here.", _nearest(last, known)),
        "string_type": (f"'{path}' is {_short(given)}, where text is meant.", "Put it in quotes."),
        "literal_error": (f"'{path}' is {_short(given)}.", f"Choose {context.get('expected')}."),
        "union_tag_invalid": (
            f"'{path}' names none of the kinds.",
            f"Choose {context.get('expected_tags')}.",
        ),
        "union_tag_not_found": (f"'{path}' names no kind.", f"Add {context.get('discriminator')}."),
    }
    if kind in _MEANT:
        return f"'{path}' is {_short(given)}.", f"Give {_MEANT[kind]}."
    other = f"'{path}' is {_short(given)}: {error['msg'][:1].lower()}{error['msg'][1:]}."
    return said.get(kind, (other, "Give a value that fits."))


def _own_words(message: str, path: str) -> tuple[str, str]:
    """Take a message of the schema's own apart: the fault, then what to do."""
    for mark in (". ", "; "):
        what, found, mend = message.partition(mark)
        if found:
            return f"'{path}': {what}.", f"{mend[:1].upper()}{mend[1:].rstrip('.')}."
    return f"'{path}': {message.rstrip('.')}.", "Correct the entry."


def _nearest(word: str, known: list[str]) -> str:
    near = get_close_matches(word, known, n=1, cutoff=0.5)
    if near:
        return f"Did you mean '{near[0]}'?"
    return f"Known here: {', '.join(known)}." if known else "Delete it."


def _short(given: object) -> str:
    if isinstance(given, dict):
        return "a set of pairs"
    if isinstance(given, list):
        return "a list"
    if isinstance(given, bool):
        return str(given).lower()
    shown = str(given)
    return f"'{shown[:LONGEST_SHOWN]}…'" if len(shown) > LONGEST_SHOWN else f"'{shown}'"
