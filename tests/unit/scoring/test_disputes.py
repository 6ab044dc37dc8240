"""What appeals in handling were about, for the count of what is overturned."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from services.scoring.domain import disputes
from shared.events.facts import Fact
from shared.events.handling import AppealDecided, AppealLodged
from tests.builders_facts import Told, case_id, case_uuid

UNIT = "chongqing-branch"


def lodged(told: Told, time: str, against: str) -> Fact:
    event = AppealLodged(complaint_id=case_uuid("A"), appeal="1", against=against, grounds="x", by="head")
    return told.tell("handling", case_id("A"), UNIT, time, event)


def decided(told: Told, time: str, against: str) -> Fact:
    event = AppealDecided(
        complaint_id=case_uuid("A"), appeal="1", against=against, upheld=True, reasons="x", by="judge"
    )
    return told.tell("handling", case_id("A"), UNIT, time, event)


def posted(fact: Fact, clause: str, reverses: str = "") -> Mapping[str, Any]:
    return {"evidence": [fact.id], "clause": clause, "reverses": reverses}


def test_an_appeal_against_a_finding_counts_for_who_made_it_and_what_it_cost() -> None:
    """The finding that stood when the appeal was lodged, and not the one that took its place."""
    told = Told()
    told.registered("A", "2026-07-01 09:00")
    first = told.found_valid("A", "2026-07-01 10:00", by="officer")
    lodged(told, "2026-07-02 09:00", "finding")
    told.found_valid("A", "2026-07-03 10:00", by="another")
    ruling = decided(told, "2026-07-04 09:00", "finding")

    # What took it back names the same evidence, and is no cost.
    cost = [posted(first, "XA-06, XA-18"), posted(first, "XA-99", reverses="p")]

    assert disputes.appealed(ruling, told.facts, cost) == (("XA-06", "XA-18"), "officer")
    assert disputes.appealed(ruling, told.facts, []) == ((), "officer")


@pytest.mark.parametrize(("run", "clauses"), [("1", ("JK-03",)), ("2", ())])
def test_an_appeal_against_a_clock_counts_for_its_clause_and_for_nobody(
    run: str, clauses: tuple[str, ...]
) -> None:
    told = Told()
    told.registered("A", "2026-07-01 09:00")
    missed = told.missed("A", "2026-07-03 00:00")
    against = f"{missed.data['clock']}#{run}"
    lodged(told, "2026-07-04 09:00", against)

    assert disputes.appealed(decided(told, "2026-07-05 09:00", against), told.facts, []) == (clauses, "")


def test_rulings_are_counted_by_each_clause_and_each_inspector() -> None:
    """JK-14: two rulings, one upheld. JK-15: one, upheld. The inspector: one, upheld; of the clock nobody is."""
    rulings = [(("JK-14", "JK-15"), "inspector", True), (("JK-14",), "", False)]

    counted = disputes.overturned(rulings)

    assert [(one.of, one.ruled, one.upheld) for one in counted["by_clause"]] == [
        ("JK-14", 2, 1),
        ("JK-15", 1, 1),
    ]
    assert [(one.of, one.share) for one in counted["by_inspector"]] == [("inspector", Decimal(1))]
