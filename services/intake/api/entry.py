"""What the routes share: the use cases, who asks, and the kinds of values that bodies hold."""

from typing import Annotated

from fastapi import Depends
from pydantic import Field

from services.intake.handlers import Intake
from shared.http.callers import needs
from shared.identity.access import Caller
from shared.service.entry import use_cases
from shared.values.bounds import Instant

Use = Annotated[Intake, Depends(use_cases)]

Reads = Annotated[Caller, needs("complaints.read")]
Registers = Annotated[Caller, needs("complaints.register")]
Reveals = Annotated[Caller, needs("complaints.reveal")]

Moment = Instant | None
"""An instant with its offset. In a command: when it happened, for those who enter things later."""

LateMoment = Annotated[Moment, Field(description="For late entry; needs the right complaints.import.")]

Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
OtherUnit = Annotated[
    Slug | None, Field(description="Another unit of the own subtree; needs the right complaints.import.")
]
Words = Annotated[str, Field(min_length=2, max_length=2000)]
