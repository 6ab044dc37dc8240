"""The only maker of random names: requests, processes, writes. Never of facts, whose ids follow from their keys."""

from uuid import uuid4  # noqa: TID251  # the one place


def fresh() -> str:
    """Return 32 random hex digits."""
    return uuid4().hex
