"""What a case is after each event, one function an event; ``evolve`` gathers them."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from services.handling.domain.case import Case
from shared.rulebook.steps import CaseRules

Transition = Callable[[Case, Any, datetime, CaseRules], Case]
"""What a case is after an event at a moment, under its rules. It judges nothing and refuses nothing."""
