"""The cases that can come up under a rulebook, as facts, and what is certain or possible of each."""

from collections.abc import Iterator, Mapping
from itertools import product

from shared.rulebook.schema import Rules
from shared.rulebook.schema.base import Match
from shared.rulebook.schema.procedures import Procedure

Facts = Mapping[str, str]
"""Field of a condition → value; empty where such a case has none. What is not named may be anything."""

FIELDS = {(field.alias or name): name for name, field in Match.model_fields.items()}
"""What a condition may ask for, by its name in YAML → attribute."""


def cases(rules: Rules) -> Iterator[dict[str, str]]:
    """Yield every kind × class × validity × grade × service × tier that can come up."""
    validities = tuple(rules.procedures.validities) or ("",)
    for kind, matter in rules.intake.kinds.items():
        grades = tuple(rules.intake.grades) if matter.graded else ("",)
        for class_, validity, grade, service in product(
            matter.classes or ("",), validities, grades or ("",), matter.services or ("",)
        ):
            facts = {"kind": kind, "class": class_, "validity": validity, "grade": grade, "service": service}
            for tier in _tiers(facts, rules):
                yield {**facts, "tier": tier}


def _tiers(facts: Facts, rules: Rules) -> Iterator[str]:
    """Yield the tiers that a case may have; the first that fits holds."""
    for key, tier in rules.intake.tiers.items():
        if may_hold(tier.applies, facts):
            yield key
        if must_hold(tier.applies, facts):
            return
    yield ""


def may_hold(match: Match, facts: Facts) -> bool:
    """Say whether a condition can hold for such a case."""
    return all(
        not getattr(match, name) or key not in facts or facts[key] in getattr(match, name)
        for key, name in FIELDS.items()
    )


def must_hold(match: Match, facts: Facts) -> bool:
    """Say whether a condition holds for every such case."""
    return all(
        not getattr(match, name) or (key in facts and facts[key] in getattr(match, name))
        for key, name in FIELDS.items()
    )


def governing(facts: Facts, rules: Rules) -> dict[str, Procedure]:
    """Return the procedures that such a case may follow: none that a higher one always outranks."""
    possible = {
        key: one
        for key, one in rules.procedures.procedures.items()
        if not one.overlay and may_hold(one.applies, facts)
    }
    least = max((one.rank for one in possible.values() if must_hold(one.applies, facts)), default=None)
    return {key: one for key, one in possible.items() if least is None or one.rank >= least}


def shown_case(facts: Facts) -> str:
    """Show a case to whoever mends the rulebook."""
    return ", ".join(f"{name} '{value}'" for name, value in facts.items() if value)
