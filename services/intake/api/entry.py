"""What every route needs: the use cases, and what came beside a command's body."""

from typing import Annotated

from fastapi import Request
from fastapi.params import Depends
from pydantic import Field

from services.intake.domain.commands import Command
from services.intake.handlers import Intake
from shared.http.idempotency import Digest, IdempotencyKey
from shared.values.bounds import Instant


def intake(request: Request) -> Intake:
    """Return the service's use cases."""
    found: Intake = request.app.state.use
    return found


def command(request: Request, key: IdempotencyKey, digest: Digest) -> Command:
    """Return what came beside the body."""
    return Command(key, digest, str(request.scope["request_id"]))


def request_id(request: Request) -> str:
    """Return the id of the request."""
    return str(request.scope["request_id"])


async def _use(request: Request) -> Intake:
    return intake(request)


async def _commanded(request: Request, key: IdempotencyKey, digest: Digest) -> Command:
    return command(request, key, digest)


Use = Annotated[Intake, Depends(_use)]
Commanded = Annotated[Command, Depends(_commanded)]

Moment = Instant | None
"""An instant with its offset. In a command: when it happened, for those who enter things later."""

Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
Words = Annotated[str, Field(min_length=2, max_length=2000)]
