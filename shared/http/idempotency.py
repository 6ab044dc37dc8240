"""What a command is known by when it comes again: the caller's own key, and the hash of what it says."""

import hashlib
from typing import Annotated

from fastapi import Depends, Header, Request


async def digest(request: Request) -> str:
    """Return the hash of the body: what an idempotency key is tied to."""
    return hashlib.sha256(await request.body()).hexdigest()


IdempotencyKey = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        min_length=8,
        max_length=128,
        pattern=r"^[\x21-\x7e]+$",
        description="Your own key for this call. The same key and body again: the first answer again.",
    ),
]
Digest = Annotated[str, Depends(digest)]
