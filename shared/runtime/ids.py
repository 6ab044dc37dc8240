"""The only maker of random names: requests, processes, writes. Never of facts, whose ids follow from their keys."""

import itertools
import os
from secrets import token_hex

_FAMILY = token_hex(8)
_count = itertools.count(1)


def fresh() -> str:
    """Return 32 hex digits that nobody else returns: some name this process, the last count.

    They can be guessed: they name, and protect nothing.
    """
    # A forked process inherits the family and the count, but not the number.
    return f"{_FAMILY}{os.getpid():08x}{next(_count):08x}"
