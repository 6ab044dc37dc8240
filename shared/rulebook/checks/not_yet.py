"""What the vocabulary can say and the engine does not carry out yet. A rulebook that says it is refused.

So no rulebook is in force that is followed in part. An entry of ``NOT_YET`` goes when its engine lands.
"""

from collections.abc import Iterator, Mapping

from pydantic import BaseModel

from shared.rulebook.checks.references import Fault, Loc, at, shown
from shared.rulebook.schema import Rules

NOT_YET: Mapping[str, tuple[str, ...]] = {}
"""What is missing → where a rulebook would say it: an entry, a field other than its default, or one word of it."""


def faults(rules: Rules) -> Iterator[Fault]:
    """Return every place that asks for what the engine does not carry out yet."""
    for piece, loc in lacking(rules):
        what = f"'{shown(loc)}' is not supported by this engine yet ({piece})."
        yield Fault(loc, what, "Leave it out, or use a later version of the engine.")


def lacking(rules: Rules) -> Iterator[tuple[str, Loc]]:
    """Return what is missing, and where the rules ask for it."""
    for piece, places in NOT_YET.items():
        for place in places:
            yield from ((piece, loc) for loc in _said(place, rules))


def _said(place: str, rules: Rules) -> Iterator[Loc]:
    path, _, word = place.partition("=")
    *above, field = path.split(".")
    if field == "*":
        yield from (loc for loc, _ in at((), rules, [*above, field]))
        return
    for loc, part in at((), rules, above):
        if isinstance(part, BaseModel) and field in type(part).model_fields:
            value = getattr(part, field)
            default = type(part).model_fields[field].get_default(call_default_factory=True)
            if (word == value or word in _words(value)) if word else value != default:
                yield (*loc, field)


def _words(value: object) -> tuple[object, ...]:
    return value if isinstance(value, tuple) else ()
