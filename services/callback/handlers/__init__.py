"""Use cases: load, decide, save."""

from dataclasses import dataclass

from services.callback.handlers.calls import Callbacks, Sees
from services.callback.handlers.campaigns import Campaigns, Started


@dataclass(frozen=True, slots=True)
class UseCases:
    """All that callback does."""

    calls: Callbacks
    campaigns: Campaigns


__all__ = ["Callbacks", "Campaigns", "Sees", "Started", "UseCases"]
