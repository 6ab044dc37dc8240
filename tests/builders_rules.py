"""Editions for tests: those of the repository, and copies of them with a rule changed."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from shared.rulebook.edition import Edition
from shared.rulebook.load import load_edition
from shared.rulebook.schema import Rules

RULEBOOKS = Path(__file__).parents[1] / "rulebooks"


@cache
def an_edition(group: str = "jinke") -> Edition:
    """Return the edition of a group, read once for the whole run."""
    return load_edition(RULEBOOKS / group, RULEBOOKS / "calendars")


def an_edition_with(change: Callable[[Rules], Rules], group: str = "jinke") -> Edition:
    """Return a group's edition with every slice changed, under another hash."""
    edition = an_edition(group)
    slices = tuple((first, change(rules)) for first, rules in edition.slices)
    changed = hashlib.sha256(repr(slices).encode()).hexdigest()
    return replace(edition, hash=changed, slices=slices)


def with_scoring(rules: Rules, **topics: Mapping[str, Any]) -> Rules:
    """Return rules with entries of ``scoring`` added or replaced: ``with_scoring(rules, awards={…})``."""
    scoring = rules.scoring.model_copy(
        update={topic: {**getattr(rules.scoring, topic), **entries} for topic, entries in topics.items()}
    )
    return rules.model_copy(update={"scoring": scoring})


def with_offences(rules: Rules, **offences: Mapping[str, Any]) -> Rules:
    """Return rules with fields of offences changed: ``with_offences(rules, missed_step={"points": 1})``."""
    entries = {
        key.replace("_", "-"): rules.scoring.offences[key.replace("_", "-")].model_copy(update=dict(fields))
        for key, fields in offences.items()
    }
    return with_scoring(rules, offences=entries)
