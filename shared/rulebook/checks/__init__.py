"""Whether the rules of one day fit together: what they name exists, every case has one procedure.

The schema says what an entry looks like; here stands what one entry asks of another. Pure.
"""

from collections.abc import Iterator, Mapping

from shared.rulebook.checks import consistency, forms, measuring, people, procedures, scored
from shared.rulebook.checks.references import Fault, Loc, references, shown, unknown
from shared.rulebook.schema import Rules
from shared.rulebook.schema.base import Part
from shared.rulebook.schema.organisation import Organisation

__all__ = ["Fault", "cited", "faults", "organisation_faults"]


def faults(rules: Rules) -> list[Fault]:
    """Return everything in one day's rules that does not fit together."""
    found = [
        *_sources_exist(rules),
        *references(rules),
        *people.faults(rules),
        *procedures.faults(rules),
        *measuring.faults(rules),
        *forms.faults(rules),
    ]
    if not found:
        # Asked only where all names are right: a wrong one would be told again for all that hangs on it.
        found = [*consistency.faults(rules), *scored.faults(rules)]
    return found


def organisation_faults(organisation: Organisation, rules: Rules) -> list[Fault]:
    """Return what an organisation asks of the rules and they do not give."""
    return list(people.organisation_faults(organisation, rules))


def cited(rules: Rules) -> Iterator[tuple[str, str]]:
    """Return each citation of a catalogue rule: the id, and the key that cites it."""
    for loc, ids in _sources((), rules):
        for one in ids:
            yield one, shown(loc)


def _sources_exist(rules: Rules) -> Iterator[Fault]:
    known = rules.rulebook.rules
    for loc, ids in _sources((), rules) if known else ():
        yield from unknown((*loc, "source"), ids, known, "catalogue rule", "rulebook.rules")


def _sources(loc: Loc, part: object) -> Iterator[tuple[Loc, tuple[str, ...]]]:
    if isinstance(part, Part):
        ids = getattr(part, "source", ())
        if ids:
            yield loc, ids
        for key in type(part).model_fields:
            yield from _sources((*loc, key), getattr(part, key))
    elif isinstance(part, Mapping):
        for key, inside in part.items():
            yield from _sources((*loc, key), inside)
