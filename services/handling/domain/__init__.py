"""Handling's decisions: pure functions of (case, command, edition, now). No IO, no clock, no ids made inside."""

from services.handling.domain.alerts import notices_for
from services.handling.domain.allowed import Allowed, allowed
from services.handling.domain.case import Actor, Case, Status, answered, remember
from services.handling.domain.commands import IMPORT, RIGHTS, AnyCommand, Command, Merge, parse_command
from services.handling.domain.deadlines import Explained, explained, next_due, recompute, settle, wakes_at
from services.handling.domain.decide import JUDGES, decide, follow, open_case
from services.handling.domain.rehome import Gone, rehome

__all__ = [
    "IMPORT",
    "JUDGES",
    "RIGHTS",
    "Actor",
    "Allowed",
    "AnyCommand",
    "Case",
    "Command",
    "Explained",
    "Gone",
    "Merge",
    "Status",
    "allowed",
    "answered",
    "decide",
    "explained",
    "follow",
    "next_due",
    "notices_for",
    "open_case",
    "parse_command",
    "recompute",
    "rehome",
    "remember",
    "settle",
    "wakes_at",
]
