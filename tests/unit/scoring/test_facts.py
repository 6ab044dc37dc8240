"""Facts: their subjects, their order, what is known when, and their hash."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scoring.domain.facts import (
    COUNTED_TYPES,
    REPLAYED_TYPES,
    FactsHash,
    History,
    by_subject,
    fact_of,
    facts_at,
    in_order,
    is_known,
    months_touched,
    touches,
    up_to,
)
from services.scoring.domain.month import window
from shared.events import EVENTS
from shared.events.facts import recency
from shared.timekeeping.calendar import Month
from tests.builders_facts import Told, at, case_id
from tests.builders_rules import an_edition

MONTHS = [Month(2026, number) for number in range(5, 11)]


def test_a_finding_counts_with_the_case_that_it_is_about() -> None:
    told = Told()

    with_case = told.finding("F1", "2026-07-09 10:00", "shirking", case="A")
    without = told.finding("F2", "2026-07-09 10:00", "never-recorded")

    assert with_case.subject == case_id("A")
    assert without.subject == "finding/F2"


def test_a_ruling_counts_with_what_it_is_about() -> None:
    told = Told()

    assert told.ruled("o1", case_id("A"), "2026-07-09 10:00").subject == case_id("A")
    assert told.ruled("o2", "unit/wuxi-branch", "2026-07-09 10:00").subject == "unit/wuxi-branch"
    assert told.ruled("o3", "", "2026-07-09 10:00").subject == "dispute/o3"


def test_inspections_duties_and_assessments_count_with_their_unit() -> None:
    told = Told()
    told.inspected("I1", "2026-07-08 10:00", "archives")
    told.fulfilled("proposal", "2026-07", "2026-07-20 10:00")
    told.established("chongqing-branch", "branch")

    assert set(by_subject(told.facts)) == {"unit/chongqing-branch"}


@pytest.mark.parametrize("written", ["1E-999999999", "1E+999999999", "NaN", "many"])
def test_a_fact_whose_number_nobody_could_count_with_is_refused(written: str) -> None:
    told = Told()
    told.inspected("I1", "2026-07-08 10:00", "archives", observations={"records": 5})
    told.assessed("zhang", "2026-08-02 10:00", "2026-07", "branch", 80)
    inspected, assessed = told.envelopes
    inspected["data"]["observations"]["records"] = written
    assessed["data"]["score"] = written

    for envelope in (inspected, assessed):
        with pytest.raises(ValueError, match="no number that can be counted with"):
            fact_of(envelope)


def test_facts_of_other_types_are_passed_over() -> None:
    envelope = {**Told().registered("A", "2026-07-01 09:00")._asdict(), "type": "power.used.v1"}

    assert by_subject([fact_of({**envelope, "data": {}})]) == {}


def test_a_fact_is_kept_once_and_in_the_order_of_happening() -> None:
    told = Told()
    late = told.missed("A", "2026-07-09 09:00")
    early = told.registered("A", "2026-07-01 09:00")

    assert in_order([late, early, late]) == [early, late]


def test_a_deadline_that_passes_at_the_end_of_a_window_has_passed() -> None:
    """INVARIANT: a deadline at midnight on the 1st belongs to the month before.

    What breaks it: comparing every fact by ``time < before``.
    """
    told = Told()
    midnight = at("2026-08-01 00:00")

    assert is_known(told.missed("A", "2026-08-01 00:00"), midnight)
    assert is_known(told.callback_missed("A", "2026-08-01 00:00"), midnight)
    assert not is_known(told.missed("B", "2026-08-01 00:01"), midnight)
    assert not is_known(told.done("A", "2026-08-01 00:00"), midnight)


@settings(deadline=None)
@given(st.integers(0, 2000), st.integers(0, 2000), st.sampled_from(["missed", "callback_due", "done"]))
def test_a_month_is_touched_iff_it_is_among_the_months_touched(told_at: int, due: int, verb: str) -> None:
    """INVARIANT: a subject is folded for a month iff the service finds it under that month.

    What breaks it: a boundary that one of the two draws elsewhere, at midnight of the 1st above all.
    """
    told, begin = Told(), at("2026-06-20 00:00")
    time, end = begin + timedelta(hours=told_at), begin + timedelta(hours=due)
    tells: dict[str, Callable[[], object]] = {
        "missed": lambda: told.missed("A", end),
        "callback_due": lambda: told.callback_due("A", time, end),
        "done": lambda: told.done("A", time),
    }
    tells[verb]()
    edition = an_edition()

    months = months_touched(told.facts, edition.calendar)

    assert [month for month in MONTHS if touches(told.facts, *window(edition, month))] == months


def test_what_was_told_in_a_later_epoch_was_told_later() -> None:
    first = Told().done("A", "2026-07-01 09:00")._replace(source="jiandu/handling/wuxi/9", sequence=500)
    second = first._replace(source="jiandu/handling/wuxi/10", sequence=1)
    unnumbered = first._replace(source="elsewhere")

    assert recency(second) > recency(first) > recency(unnumbered)


def test_a_watermark_keeps_what_counted() -> None:
    told = Told()
    first = told.registered("A", "2026-07-01 09:00")
    told.registered("B", "2026-07-01 09:00")
    told.done("A", "2026-07-02 09:00")

    assert list(up_to(told.facts, {first.source: 1})) == [first]


@settings(deadline=None)
@given(st.permutations(range(6)), st.integers(0, 6))
def test_the_hash_of_facts_depends_on_which_they_are_alone(order: list[int], cut: int) -> None:
    """INVARIANT: services may add facts up in any order and in parts.

    What breaks it: hashing a concatenation.
    """
    told = Told()
    facts = [told.registered(f"case{number}", "2026-07-01 09:00") for number in range(6)]
    shuffled = [facts[number] for number in order]

    in_parts = FactsHash().plus(shuffled[:cut]).plus(shuffled[cut:])

    assert str(in_parts) == str(FactsHash().plus(facts))
    assert in_parts.count == 6


def test_the_hash_tells_one_fact_from_another() -> None:
    told = Told()
    one, two = told.registered("A", "2026-07-01 09:00"), told.registered("B", "2026-07-01 09:00")

    assert len({str(FactsHash().plus(facts)) for facts in ([], [one], [two], [one, two])}) == 4


def test_what_scoring_keeps_is_in_the_catalogue_and_kept_under_its_own_name() -> None:
    fact = Told().registered("A", "2026-07-01 09:00")
    data = {**fact.data, "unit": "chongqing-branch"}
    kept = {kind for kind in EVENTS if by_subject([fact._replace(type=kind, subject="s", data=data)])}

    assert kept == COUNTED_TYPES
    assert kept >= REPLAYED_TYPES


@pytest.mark.parametrize("kind", ["registered", "opened", "found", "reclassified", "settled"])
def test_what_a_matter_is_is_told_by_five_events(kind: str) -> None:
    """What it was registered and opened as holds from receipt; the rest from when it was told."""
    told = Told()
    fact = told.registered("A", "2026-07-02 09:00", grade="grade-2")
    name = {
        "registered": "complaint.registered.v1",
        "opened": "case.opened.v1",
        "found": "finding.made.v1",
        "reclassified": "case.reclassified.v1",
        "settled": "settlement.proposed.v1",
    }[kind]
    assert name in EVENTS
    names = ("kind", "class_", "validity", "item", "channel", "way", "liable")
    data = {one: one for one in (*names, "procedure", "grade", "tier", "service")} | {"flags": ["media"]}
    history = History.of([fact._replace(type=name, data=data)])
    fields = EVENTS[name].model_fields
    known = {one.rstrip("_"): one for one in data if one in fields and one != "flags"}
    flags = ("media",) if "flags" in fields else ()

    assert facts_at(history, fact.time) == (known, flags)
    before = facts_at(history, at("2026-07-01 09:00"))
    assert before == ((known, flags) if kind in {"registered", "opened"} else ({}, ()))
