"""How often rulings upheld what contested a clause, and who had a hand in what is contested."""

from decimal import Decimal

import pytest

from services.scoring.domain.overturns import Overturn, hands_in, overturns
from shared.events import Event
from shared.events.handling import ClockChanged, FindingMade
from shared.events.intake import ComplaintRegistered
from shared.events.scoring import InspectionRecorded
from tests.builders_facts import Told


def test_a_hand_in_it_had_who_found_approved_and_answers() -> None:
    told = Told()
    told.registered("A", "2026-07-01 09:00")
    told.found_valid("A", "2026-07-01 10:00", by="officer")
    told.extended("A", "2026-07-02 09:00", due="2026-07-04 09:00")
    told.missed("A", "2026-07-03 09:00", person="zhou")

    assert hands_in(told.facts) == {"clerk", "officer", "head", "zhou"}


def test_overturns_are_counted_with_their_uncertainty() -> None:
    """Two of three rulings against JK-14 were upheld, none of one against JK-15.

    Wilson for 2 of 3: centre (2/3 + 1.9208/3) / (1 + 3.8416/3) = 0.5731, and it spreads to 0.2077 … 0.9385.
    """
    ruled = [("JK-14", True), ("JK-15", False), ("JK-14", False), ("JK-14", True)]

    first, second = overturns(ruled)

    assert overturns([]) == tuple[Overturn, ...]()
    assert (first.of, first.ruled, first.upheld) == ("JK-14", 3, 2)
    assert (round(first.interval.low, 4), round(first.interval.high, 4)) == (
        Decimal("0.2077"),
        Decimal("0.9385"),
    )
    assert (second.of, second.ruled, second.upheld, second.share) == ("JK-15", 1, 0, Decimal(0))


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (FindingMade, "by"),
        (FindingMade, "person"),
        (ComplaintRegistered, "registered_by"),
        (ClockChanged, "approved_by"),
        (InspectionRecorded, "assessor"),
    ],
)
def test_whoever_is_named_as_having_done_something_had_a_hand_in_it(kind: type[Event], name: str) -> None:
    nobody = {"by": "", "registered_by": "", "unit": "b", "to": "x"}
    fact = Told().registered("A", "2026-07-01 09:00")._replace(type=kind.TYPE)

    assert hands_in([fact._replace(data={**nobody, name: "li"})]) == {"li"}
    assert hands_in([fact._replace(data={**nobody, name: ""})]) == frozenset()
