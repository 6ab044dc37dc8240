"""What an indicator is made of: numerator, denominator, and whether it is a share, a rate, a mean or a count.

The measures that every rulebook has are formulas like those that a rulebook makes up.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from shared.rulebook.schema import Match, Rules
from shared.rulebook.schema.scoring import Counted, Indicator, Reported
from shared.rulebook.schema.triggers import ANY_STEP

NOTHING = ("-",)
"""A name that nothing bears, where an empty list would mean everything."""


class Level(NamedTuple):
    """A sum over answers: of 1 each, of what they say, or of its square. So a mean has its interval."""

    mean: str
    power: int


Tallied = Counted | Level
"""What is counted matter by matter."""

Term = Counted | Reported | Level

Kind = Literal["share", "rate", "mean", "count"]


@dataclass(frozen=True, slots=True)
class Formula:
    """Numerator ÷ denominator × per.

    Attributes:
        kind: A share is part of what it is a share of; a rate sets one thing against another.
        squares: Sum of squares of a mean.
    """

    kind: Kind
    numerator: Term
    denominator: Term | None = None
    squares: Level | None = None
    per: int = 1

    @property
    def terms(self) -> tuple[Term, ...]:
        """Return everything that must be known."""
        return tuple(term for term in (self.numerator, self.denominator, self.squares) if term is not None)


def formula_of(indicator: Indicator, rules: Rules) -> Formula:
    """Return what an indicator is made of."""
    if indicator.measure is not None:
        return PRESETS[indicator.measure](rules)
    if indicator.mean is not None:
        one, sum_, squares = (Level(indicator.mean, power) for power in range(3))
        return Formula("mean", sum_, one, squares)
    numerator, denominator = indicator.numerator, indicator.denominator
    if numerator is None:
        raise ValueError("An indicator has a measure, a mean or a numerator.")
    if denominator is None:
        return Formula("count", numerator, per=indicator.per)
    kind: Kind = "share" if _is_part(numerator, denominator) else "rate"
    return Formula(kind, numerator, denominator, per=indicator.per)


def tallies(rules: Rules) -> tuple[Tallied, ...]:
    """Return what has to be counted matter by matter for the indicators of a day, each once."""
    found: dict[Tallied, None] = {}
    for indicator in rules.scoring.indicators.values():
        for term in formula_of(indicator, rules).terms:
            if not isinstance(term, Reported):
                found[term] = None
    return tuple(found)


def _share(state: str, whole: Counted) -> Formula:
    return Formula("share", whole.model_copy(update={"is_": (state,)}), whole)


def _complaints(rules: Rules) -> Formula:
    kinds = tuple(sorted(key for key, kind in rules.intake.kinds.items() if kind.counts_as_complaint))
    return Formula("count", Counted(count="matters", when=Match(kind=kinds or NOTHING)))


def _first_answers(rules: Rules) -> Formula:
    return _share("in-time", Counted(count="clocks", of=tuple(sorted(set(_answers(rules)))) or NOTHING))


PRESETS: Mapping[str, Callable[[Rules], Formula]] = {
    "satisfaction": lambda _: _share("satisfied", Counted(count="answers")),
    "record-completeness": lambda _: _share("complete", Counted(count="matters")),
    "on-time": lambda _: _share("in-time", Counted(count="clocks", of=(ANY_STEP,))),
    "complaint-count": _complaints,
    "callback-coverage": lambda _: _share("attempted", Counted(count="callbacks")),
    "first-response": _first_answers,
}
"""The formulas that every rulebook may name."""


def _answers(rules: Rules) -> Iterator[str]:
    for key, watch in rules.procedures.watches.items():
        if watch.stops_at == "first-answer":
            yield key
    for procedure in rules.procedures.procedures.values():
        yield from (key for key, step in procedure.steps.items() if step.answers)


def _is_part(part: Counted | Reported, whole: Counted | Reported) -> bool:
    """Say whether everything in the numerator is in the denominator, too."""
    return (
        isinstance(part, Counted)
        and isinstance(whole, Counted)
        and part.count == whole.count
        and not part.once
        and (not whole.is_ or part.is_ == whole.is_)
        and (not whole.of or part.of == whole.of)
        and (whole.when == Match() or part.when == whole.when)
    )
