"""What a body outside that sent a matter is told of it (XA-04; the hotlines)."""

from collections.abc import Sequence

from services.handling.domain.case import Case
from shared.events import Event, Happened
from shared.events.handling import (
    CaseClosed,
    CaseOpened,
    CaseResolved,
    CaseWithdrawn,
    ClockChanged,
    PartnerTold,
)
from shared.rulebook.steps import CaseRules

_WORDS: dict[type[Event], str] = {
    CaseOpened: "accepted",
    ClockChanged: "extended",
    CaseResolved: "resolved",
    CaseClosed: "closed",
    CaseWithdrawn: "withdrawn",
}


def telling(case: Case, law: CaseRules, happened: Sequence[Happened]) -> list[Happened]:
    """Return what the partner hears of what just happened; nothing where nobody outside sent the matter."""
    channel = law.rules.intake.channels.get(case.channel)
    partner = channel.partner if channel else None
    if partner is None or not case.external_number:
        return []
    return [
        Happened(
            PartnerTold(
                complaint_id=case.complaint_id,
                channel=case.channel,
                number=case.external_number,
                what=_WORDS[type(item.event)],
                department=case.department,
                person=case.person,
            ),
            item.time,
            item.unit,
        )
        for item in happened
        if type(item.event) in _WORDS and _is_meant(item.event) and _WORDS[type(item.event)] in partner.told
    ]


def _is_meant(event: Event) -> bool:
    return not isinstance(event, ClockChanged) or event.change == "extended"
