"""What a field that came later holds in events that were recorded before it: what follows from the others.

A new field that simply has a default needs no entry here. Each upcaster leaves data alone that has the field.
"""

from collections.abc import Callable, Mapping
from typing import Any

from shared.events.handling import FindingMade, FindingProposed, SettlementApproved

Data = Mapping[str, Any]


def upcast(name: str, data: Data) -> Data:
    """Return the data of an event of a type as this release records it."""
    upcaster = _UPCASTERS.get(name)
    return upcaster(data) if upcaster else data


def _stated_grade(data: Data) -> Data:
    # Nobody can tell any more whether the grade was stated or followed from the matter. It held.
    return data if "stated_grade" in data else {**data, "stated_grade": data.get("grade", "")}


def _last_signature(data: Data) -> Data:
    if "role" in data or not data.get("approvals"):
        return data
    role, _, signed = str(data["approvals"][-1]).partition(":")
    by, _, absent = signed.partition(" for ")
    return {**data, "role": role, "by": by, "for_person": absent}


_UPCASTERS: Mapping[str, Callable[[Data], Data]] = {
    FindingMade.TYPE: _stated_grade,
    FindingProposed.TYPE: _stated_grade,
    SettlementApproved.TYPE: _last_signature,
}
