"""What a command is known by when it comes again: the caller's own key, and the hash of what it says."""

from typing import Annotated

from fastapi import Depends, Header, Request

from shared.values import idempotency


async def digest(request: Request) -> idempotency.Digest:
    """Return the hash of what the body says: what an idempotency key is tied to."""
    return idempotency.Digest.of(await request.body())


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
Digest = Annotated[idempotency.Digest, Depends(digest)]


async def command(request: Request, key: IdempotencyKey, digest: Digest) -> idempotency.Command:
    """Return what came beside a command's body."""
    return idempotency.Command(key, digest, str(request.scope["request_id"]))


Commanded = Annotated[idempotency.Command, Depends(command)]
