"""Facts gather under a subject in any order, and their points are told once."""

import random
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from services.scoring.domain import Subject, gather, judged_again
from services.scoring.domain.month import Tariffs
from services.scoring.domain.organisation import Organisation
from shared.events import Event, Happened
from shared.events.callback import CallbackUnreachable, CallbackVoided
from shared.events.scoring import ScorePosted
from shared.rulebook.schema.triggers import CallbackFault, MissedDeadline
from shared.timekeeping.limits import Limit
from tests.builders_facts import Told, at, case_id, case_uuid
from tests.builders_rules import an_edition, an_edition_with, with_offences

NOW = datetime(2026, 9, 30, tzinfo=UTC)
TARIFFS = Tariffs.of(an_edition())
FAULT = {"trigger": CallbackFault(on="missed-callback"), "points": Decimal(-1)}
NOBODY = Organisation.of(())


def the_organisation() -> Organisation:
    return Organisation.of(Told().organisation("chongqing").facts)


def told_in_july() -> list[dict[str, Any]]:
    """A step that was missed, one that was cleared later, a report that was never sent, and a praise of nobody."""
    told = Told("chongqing")
    told.registered("c", "2026-07-02 09:00")
    told.found_valid("c", "2026-07-02 15:00")
    told.missed("c", "2026-07-03 00:00", clock="facts")
    told.missed("c", "2026-07-05 00:00", clock="plan")
    told.cleared("c", "2026-07-06 10:00", "2026-07-05 00:00", clock="plan")
    told.done("c", "2026-07-04 10:00", "facts", in_time=False)
    return told.envelopes


def points(happened: list[Happened]) -> dict[str, Decimal]:
    """Add up what was told, by unit and month."""
    found: dict[str, Decimal] = {}
    for one in happened:
        assert isinstance(one.event, ScorePosted)
        key = f"{one.event.unit} {one.event.month}"
        found[key] = found.get(key, Decimal(0)) + one.event.points
    return {key: value for key, value in found.items() if value}


def standing(subject: Subject) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for one in subject.postings.values():
        if one["unit"]:
            key = f"{one['unit']} {one['month']}"
            found[key] = found.get(key, Decimal(0)) + Decimal(one["points"])
    return found


def test_every_order_and_repetition_gives_the_same_subject_and_the_same_points() -> None:
    """INVARIANT: what was told adds up to what stands, whatever the order of arrival.

    What breaks it: telling only which postings came and went, and not which changed.
    """
    records = told_in_july()
    whole, at_once, _ = gather(None, records, TARIFFS, the_organisation(), NOW)
    assert standing(whole)

    for seed in range(12):
        order = [*records, *records[:3]]
        random.Random(seed).shuffle(order)
        subject: Subject | None = None
        told: list[Happened] = []
        for record in order:
            subject, happened, _ = gather(subject, [record], TARIFFS, the_organisation(), NOW)
            told += happened

        assert subject is not None
        assert subject.dump() == whole.dump()
        assert points(told) == points(at_once) == standing(whole)


def test_the_same_facts_again_tell_nothing() -> None:
    subject, first, _ = gather(None, told_in_july(), TARIFFS, the_organisation(), NOW)

    again, told, _ = gather(Subject.load(subject.dump()), told_in_july(), TARIFFS, the_organisation(), NOW)

    assert (bool(first), told, again) == (True, [], subject)


def test_a_posting_whose_unit_is_not_known_yet_waits_and_is_told_once_it_is() -> None:
    subject, told, _ = gather(None, told_in_july(), TARIFFS, NOBODY, NOW)
    assert (told, {one["unit"] for one in subject.postings.values()}) == ([], {""})

    found, told, _ = gather(subject, (), TARIFFS, the_organisation(), NOW)

    assert points(told) == standing(found) != {}
    assert all(unit.startswith("chongqing-branch") for unit in standing(found))


def test_points_that_move_to_another_unit_are_taken_back_from_the_first() -> None:
    """A posting keeps its id when its unit changes, so that it came and went is not enough to tell."""
    subject, _, _ = gather(None, told_in_july(), TARIFFS, the_organisation(), NOW)
    first = standing(subject)
    elsewhere = Told()
    elsewhere.established("group", "group-centre")
    elsewhere.established("wuxi", "subsidiary", "group", "wuxi")
    elsewhere.established("wuxi-branch", "branch", "wuxi", "wuxi")
    elsewhere.established("chongqing-branch", "sales-desk", "wuxi-branch", "wuxi")

    moved, told, _ = gather(subject, (), TARIFFS, Organisation.of(elsewhere.facts), NOW)

    back = {key: -value for key, value in first.items()}
    assert points(told) == {**back, **standing(moved)}
    assert {key.split()[0] for key in standing(moved)} == {"wuxi-branch"}


def test_what_is_sealed_is_not_kept() -> None:
    told = Told("chongqing")
    told.registered("c", "2026-07-02 09:00")

    subject, _, _ = gather(None, told.envelopes, TARIFFS, NOBODY, NOW)

    assert "sealed" in told.envelopes[0]["data"]
    assert "sealed" not in str(subject.dump())


def test_what_lies_before_the_rulebook_touches_its_month_and_posts_nothing_there() -> None:
    """The rulebook begins on 28 May 2005."""
    told = Told("chongqing")
    told.registered("c", "2005-03-02 09:00", missing=["phone"])
    told.missed("c", "2005-03-04 09:00")
    told.missed("c", "2026-07-03 00:00", clock="plan")

    subject, happened, months = gather(None, told.envelopes, TARIFFS, the_organisation(), NOW)

    assert [str(month) for month in months] == ["2005-03", "2026-07"]
    assert [one["month"] for one in subject.postings.values()] == ["2026-07"]
    assert len(happened) == 1


@pytest.mark.parametrize("how", ["voided", "unreachable", "refused", "late"])
def test_a_missed_callback_stands_unless_it_was_over_in_time(how: str) -> None:
    # The window ends on 10 July at midnight. What happened on the 9th and was entered on the 12th counts, on the 11th not.
    told = Told("chongqing")
    told.registered("c", "2026-07-02 09:00")
    told.callback_due("c", "2026-07-03 09:00", "2026-07-10 00:00")
    told.callback_missed("c", "2026-07-10 00:00")
    tariffs = Tariffs.of(an_edition_with(lambda rules: with_offences(rules, missed_step=FAULT)))
    before = [*gather(None, told.envelopes, tariffs, the_organisation(), NOW)[0].postings]
    assert len(before) == 1
    moment = "2026-07-11 10:00" if how == "late" else "2026-07-09 10:00"
    if how == "refused":
        told.callback_attempted("c", moment, outcome="refused")
    else:
        event: Event = (
            CallbackUnreachable(complaint_id=case_uuid("c"), occurrence=1, attempts=3)
            if how == "unreachable"
            else CallbackVoided(complaint_id=case_uuid("c"), occurrence=1, reason="reopened")
        )
        told.tell("callback", case_id("c"), "chongqing-branch", at(moment), event)

    after = [*gather(None, told.envelopes, tariffs, the_organisation(), NOW)[0].postings]

    assert after == (before if how == "late" else [])


def test_what_stays_undone_is_worked_out_anew_at_the_next_moment_at_which_it_costs_points() -> None:
    """INVARIANT: points that time alone brings are told when they come, with no further fact of the matter.

    What breaks it: waiting for the month's end, or for a fact.

    Due 3 July 09:00 and a point for every day: at 4 July 12:00 one day is full, and the next is at 5 July 09:00.
    """
    daily = MissedDeadline(on="missed-deadline", clocks=("steps",), per=Limit(days=1))
    tariffs = Tariffs.of(an_edition_with(lambda rules: with_offences(rules, missed_step={"trigger": daily})))
    told = Told("chongqing")
    told.registered("c", "2026-07-01 09:00")
    told.missed("c", "2026-07-03 09:00")
    noon = at("2026-07-04 12:00")

    subject, happened, months = gather(None, told.envelopes, tariffs, the_organisation(), noon)

    day = {"chongqing-branch 2026-07": Decimal(-2)}
    # HR's sheet takes its part for the miss itself once; the scorecard two points for the one full day.
    assert points([one for one in happened if getattr(one.event, "rule", "") == "missed-step"]) == day
    again = judged_again(subject, months, tariffs, noon)
    assert again == at("2026-07-05 09:00")

    subject, happened, _ = gather(subject, (), tariffs, the_organisation(), again)

    assert points(happened) == day
