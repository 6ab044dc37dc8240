"""Use cases: load, decide, save."""

from services.callback.handlers.calls import Callbacks, Sees
from services.callback.handlers.campaigns import Campaigns, Started

__all__ = ["Callbacks", "Campaigns", "Sees", "Started"]
