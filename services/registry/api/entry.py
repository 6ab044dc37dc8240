"""What the routes share: the use cases, names, and who asks."""

from typing import Annotated

from fastapi import Depends
from pydantic import Field

from services.registry.handlers import Registry
from shared.http.callers import needs
from shared.identity.access import Caller
from shared.service.entry import use_cases

Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
Use = Annotated[Registry, Depends(use_cases)]

Accounts = Annotated[Caller, needs("accounts.manage")]
Approves = Annotated[Caller, needs("editions.approve")]
Manages = Annotated[Caller, needs("organisation.manage")]
Proposes = Annotated[Caller, needs("editions.propose")]
