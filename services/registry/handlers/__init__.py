"""The registry's use cases: load, decide, save, tell."""

from dataclasses import dataclass

from services.registry.handlers.editions import Editions
from services.registry.handlers.organisation import Organisation
from services.registry.handlers.register import Register

__all__ = ["Editions", "Organisation", "Register", "Registry"]


@dataclass(frozen=True, slots=True)
class Registry:
    """All use cases of the registry."""

    organisation: Organisation
    editions: Editions
