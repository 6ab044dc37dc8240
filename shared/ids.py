"""The only maker of random names: requests, processes, writes. Never of facts, whose ids follow from their keys."""

from secrets import token_hex


def fresh() -> str:
    """Return 32 random hex digits."""
    return token_hex(16)
