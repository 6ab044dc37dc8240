"""How often rulings upheld what contested a clause or a person's findings, and who had a hand in facts. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from shared.events import EVENTS
from shared.events.facts import Fact
from shared.values.intervals import Interval, wilson


@dataclass(frozen=True, slots=True)
class Overturn:
    """How often rulings upheld what contested one clause, or one person's findings.

    Attributes:
        of: The clause or the person.
        interval: Wilson's 95 % interval of the share.
    """

    of: str
    ruled: int
    upheld: int
    share: Decimal
    interval: Interval


def hands_in(facts: Iterable[Fact]) -> frozenset[str]:
    """Return the persons who had a hand in facts: who did, registered, approved or answers for them."""
    named = ("by", "person", "registered_by", "approved_by", "assessor")
    told = (EVENTS[fact.type].view(fact.data) for fact in facts)
    return frozenset(str(who) for one in told for name in named if (who := getattr(one, name, "")))


def overturns(ruled: Iterable[tuple[str, bool]]) -> tuple[Overturn, ...]:
    """Return how often each was upheld, from (clause or person, upheld) of every ruling; in order of name."""
    found: dict[str, list[bool]] = {}
    for of, upheld in ruled:
        found.setdefault(of, []).append(upheld)
    return tuple(
        Overturn(of, len(all_), sum(all_), Decimal(sum(all_)) / len(all_), wilson(sum(all_), len(all_)))
        for of, all_ in sorted(found.items())
    )
