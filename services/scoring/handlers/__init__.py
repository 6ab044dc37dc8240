"""Scoring's use cases: record, read, close; and disputes over what costs points."""

from dataclasses import dataclass

from services.scoring.handlers.disputes import Asked, Disputes
from services.scoring.handlers.scores import Scoring


@dataclass(frozen=True, slots=True)
class UseCases:
    """All that scoring does."""

    scores: Scoring
    disputes: Disputes


__all__ = ["Asked", "Disputes", "Scoring", "UseCases"]
