"""Scoring's use cases: record, read, close; and disputes over what costs points."""

from services.scoring.handlers.disputes import Asked, Disputes
from services.scoring.handlers.scores import Scoring

__all__ = ["Asked", "Disputes", "Scoring"]
