"""The draw of a sample that everybody can repeat and nobody can pick."""

import hashlib
from decimal import Decimal
from fractions import Fraction
from uuid import UUID


def is_sampled(complaint_id: UUID, plan: str, ratio: Decimal) -> bool:
    """Say whether a complaint belongs to a plan's sample.

    The first 64 bits of SHA-256 over ``<plan>/<complaint id>``, as a share of 2^64, lie below the ratio. So
    everybody can draw the sample again, nobody can pick it, and a complaint closed twice stays in or out.

    Example:
        >>> is_sampled(UUID(int=1), "complaints", Decimal(1))
        True
    """
    drawn = int.from_bytes(hashlib.sha256(f"{plan}/{complaint_id}".encode()).digest()[:8], "big")
    return Fraction(drawn, 1 << 64) < Fraction(ratio)
