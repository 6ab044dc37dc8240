"""Handling's decisions: pure functions of (case, command, edition, now). No IO, no clock, no ids made inside."""

from services.handling.domain.alerts import notices_for
from services.handling.domain.allowed import Allowed, allowed
from services.handling.domain.authority import Organisation, authorise
from services.handling.domain.case import Actor, Case, Status
from services.handling.domain.commands import RIGHTS, AnyCommand, Command, parse_command
from services.handling.domain.commands.moving import Merge
from services.handling.domain.deadlines import Explained, explained, next_due, recompute
from services.handling.domain.decide import decide, follow, open_case
from services.handling.domain.reassign import Departures, reassign
from services.handling.domain.silence import settle, wakes_at
from shared.rulebook.late_entry import IMPORT

__all__ = [
    "IMPORT",
    "RIGHTS",
    "Actor",
    "Allowed",
    "AnyCommand",
    "Case",
    "Command",
    "Departures",
    "Explained",
    "Merge",
    "Organisation",
    "Status",
    "allowed",
    "authorise",
    "decide",
    "explained",
    "follow",
    "next_due",
    "notices_for",
    "open_case",
    "parse_command",
    "reassign",
    "recompute",
    "settle",
    "wakes_at",
]
