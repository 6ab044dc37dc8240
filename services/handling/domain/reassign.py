"""What becomes of a case whose unit closed or whose person left: from that day on it is in other hands.

The customer's clocks do not stop for it. Deadlines that passed before that day stay with who answered then.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from services.handling.domain.case import Actor, Case
from services.handling.domain.commands.moving import Assign, Transfer
from services.handling.domain.decide import decide
from services.handling.domain.kinds import Command
from shared.events import Happened
from shared.rulebook.edition import Edition

REGISTRY = Actor(person="registry", unit="group", role="registry")
"""Whose deed it is: what the register tells carries itself out."""


@dataclass(frozen=True, slots=True)
class Departures:
    """Who is not there any more: since when, and who goes on; empty where nobody is named.

    Attributes:
        leads: Unit → the person who answers for its service, and so for what nobody inherits.
    """

    units: Mapping[str, tuple[datetime, str]] = field(default_factory=dict)
    people: Mapping[str, tuple[datetime, str]] = field(default_factory=dict)
    leads: Mapping[str, str] = field(default_factory=dict)


def reassign(
    case: Case, departures: Departures, edition: Edition, up_to: datetime
) -> tuple[Case, list[Happened]]:
    """Let a live case go on with who is there. The same again changes nothing.

    Args:
        up_to: The present moment; for an entered case, up to when its history is complete.
    """
    happened: list[Happened] = []
    for find in (_transfer, _assign):
        command = find(case, departures) if case.is_live else None
        if command is not None and command.at is not None and command.at <= up_to:
            case, told = decide(case, command, REGISTRY, edition, up_to)
            happened += told
    return case, happened


def _transfer(case: Case, departures: Departures) -> Command | None:
    if case.unit not in departures.units:
        return None
    since, to = departures.units[case.unit]
    reason = f"unit '{case.unit}' is closed"
    return Transfer(at=_at(case, since), to_unit=to, reason=reason)


def _assign(case: Case, departures: Departures) -> Command | None:
    if case.person not in departures.people:
        return None
    since, heir = departures.people[case.person]
    heir = heir or departures.leads.get(case.unit, "")
    if not heir or heir in departures.people:
        return None
    return Assign(at=_at(case, since), department=case.department or case.unit, person=heir)


def _at(case: Case, since: datetime) -> datetime:
    """Return when the case changes hands: on that day, or later if it came into these hands only then."""
    return max(since, case.charges[-1].since)
