"""Counting: each thing that an indicator may count, once, in its own month, in its states, by its names."""

from collections.abc import Callable, Mapping
from typing import Any, get_args

import pytest

from services.scoring.domain.counting import COUNTING, Count, counts
from services.scoring.domain.facts import History, in_order
from services.scoring.domain.month import MonthContext
from services.scoring.domain.organisation import Organisation
from shared.events.handling import AlertRaised, CaseEscalated, CaseResolved
from shared.rulebook.edition import Edition
from shared.rulebook.schema.scoring import Counted, Indicator
from shared.timekeeping.calendar import Month
from tests.builders_facts import Told, at, case_id, case_uuid
from tests.builders_rules import an_edition_with

BRANCH = "chongqing-branch"
RULE = {"from": "2005-05-28", "source": "JK-01", "title": {"zh": "一", "en": "one"}}


def counting(**asked: Mapping[str, Any]) -> Edition:
    """Return jinke's edition with such indicators alone."""
    indicators = {
        key: Indicator.model_validate({**RULE, "numerator": one}, by_alias=True) for key, one in asked.items()
    }
    return an_edition_with(
        lambda rules: rules.model_copy(
            update={"scoring": rules.scoring.model_copy(update={"indicators": indicators, "rankings": {}})}
        )
    )


def counted(told: Told, asked: Mapping[str, Any], month: int = 7) -> list[tuple[str, int, bool]]:
    """Return what is counted of one matter in a month: unit, amount, whether it concerns a problem user."""
    context = MonthContext.of(
        counting(it=asked), Organisation({}, {}), Month(2026, month), at("2026-12-31 00:00")
    )
    found = counts(History.of(in_order(told.facts)), context)
    assert {one.tally for one in found} <= {0}
    return [one[1:] for one in found if one.amount]


def tell_resolved(told: Told, time: str) -> None:
    event = CaseResolved(complaint_id=case_uuid("A"), way="words")
    told.tell("handling", case_id("A"), BRANCH, time, event)


def tell_escalated(told: Told, time: str) -> None:
    event = CaseEscalated(complaint_id=case_uuid("A"), level=1, to="leader", reason="r", by="o")
    told.tell("handling", case_id("A"), BRANCH, time, event)


def tell_alert(told: Told, time: str) -> None:
    event = AlertRaised(complaint_id=case_uuid("A"), alert="late", clock="facts")
    told.tell("handling", case_id("A"), BRANCH, time, event)


def tell_missed(told: Told, time: str) -> None:
    told.missed("A", time)


def tell_called(told: Told, time: str) -> None:
    """The window ends at ``time``; the customer answers two hours before."""
    told.callback_due("A", "2026-06-02 09:00", time)
    told.callback_completed("A", time.replace("12:", "10:"), solved=True)


def tell_answer(told: Told, time: str) -> None:
    told.callback_due("A", "2026-06-02 09:00", "2026-12-01 09:00")
    told.callback_completed("A", time, solved=True)


TELLS: Mapping[str, tuple[Callable[[Told, str], object], str, str]] = {
    "findings": (lambda told, time: told.found_valid("A", time), "", ""),
    "clocks": (lambda told, time: told.done("A", time), "in-time", "facts"),
    "resolutions": (tell_resolved, "", ""),
    "closings": (lambda told, time: told.case_closed("A", time), "", ""),
    "reopenings": (lambda told, time: told.reopened("A", time), "", ""),
    "transfers": (lambda told, time: told.transferred("A", time, "chengdu-branch"), "", ""),
    "withdrawals": (lambda told, time: told.withdrawn("A", time), "", ""),
    "escalations": (tell_escalated, "", ""),
    "extensions": (lambda told, time: told.extended("A", time, "2026-12-01 09:00"), "", "facts"),
    "callbacks": (tell_called, "in-time", "p"),
    "answers": (tell_answer, "solved", "p"),
    "recalls": (lambda told, time: told.callback_recalled("A", time, 5, 4), "agreeing", "p"),
    "appeals": (lambda told, time: told.appeal("A", time, "facts"), "upheld", ""),
    "alerts": (tell_alert, "", "late"),
}


def test_everything_that_an_indicator_may_count_is_counted() -> None:
    asked = set(get_args(Counted.model_fields["count"].annotation))

    assert set(COUNTING) == asked
    # Matters and record fields are told by the registration; duties are no matter's.
    assert asked - {"matters", "record-fields", "duties"} == set(TELLS)
    assert list(COUNTING["duties"](None)) == []  # type: ignore[arg-type]  # a duty has no matter


@pytest.mark.parametrize("what", TELLS)
def test_a_thing_counts_in_its_own_month_under_its_names_in_its_states(what: str) -> None:
    """Told at noon of 10 July. The matter was a general complaint of 1 June."""
    tell, state, name = TELLS[what]
    told = Told()
    told.registered("A", "2026-06-01 09:00")
    tell(told, "2026-07-10 12:00")
    asked: dict[str, Any] = {"count": what}
    once = [(BRANCH, 1, False)]

    assert [counted(told, asked, month) for month in (6, 7, 8)] == [[], once, []]
    assert counted(told, asked | {"when": {"kind": "complaint", "class": "general"}}) == once
    assert counted(told, asked | {"when": {"kind": "praise"}}) == []
    if state:
        assert counted(told, asked | {"is": state}) == once
    if name:
        assert counted(told, asked | {"of": name}) == once
        assert counted(told, asked | {"of": [name, "another"]}) == once
        assert counted(told, asked | {"of": "another"}) == []


@pytest.mark.parametrize("what", TELLS)
def test_what_concerns_a_problem_user_is_counted_apart(what: str) -> None:
    told = Told()
    told.registered("A", "2026-06-01 09:00", problem_user=True)
    TELLS[what][0](told, "2026-07-10 12:00")

    assert counted(told, {"count": what}) == [(BRANCH, 1, True)]


def test_matters_count_when_they_are_registered_and_are_complete_as_the_month_ends() -> None:
    told = Told()
    told.registered("A", "2026-07-01 00:00", missing=["product"])
    assert counted(told, {"count": "matters"}) == [(BRANCH, 1, False)]
    assert counted(told, {"count": "matters"}, 6) == []
    assert counted(told, {"count": "matters", "is": "complete"}) == []

    told.amended("A", "2026-07-31 23:59")
    assert counted(told, {"count": "matters", "is": "complete"}) == [(BRANCH, 1, False)]


def test_an_amendment_after_the_month_completes_nothing_in_it() -> None:
    told = Told()
    told.registered("A", "2026-07-01 00:00", missing=["product"])
    told.amended("A", "2026-08-01 00:00")

    assert counted(told, {"count": "matters", "is": "complete"}) == []


def test_no_more_fields_are_missing_than_are_required() -> None:
    told = Told()
    told.registered("A", "2026-07-01 09:00", missing=[f"field-{number}" for number in range(99)])
    ((_, missing, _),) = counted(told, {"count": "record-fields"})

    assert 0 < missing < 99
    assert counted(told, {"count": "record-fields", "is": "filled"}) == []
    unknown = Told()
    unknown.registered("A", "2026-07-01 09:00", kind="unheard-of", missing=["field"])
    assert counted(unknown, {"count": "record-fields"}) == []


@pytest.mark.parametrize(
    ("what", "tell"),
    [
        ("recalls", lambda told: told.callback_recalled("A", "2026-07-10 12:00", 5, 3)),
        ("appeals", lambda told: told.appeal("A", "2026-07-10 12:00", "facts", upheld=False)),
        ("answers", lambda told: told.callback_completed("A", "2026-07-10 12:00", 3, solved=False)),
    ],
)
def test_what_did_not_turn_out_so_has_not_that_state(what: str, tell: Callable[[Told], object]) -> None:
    told = Told()
    told.registered("A", "2026-06-01 09:00")
    tell(told)

    assert counted(told, {"count": what}) == [(BRANCH, 1, False)]
    for state in {"recalls": ["agreeing"], "appeals": ["upheld"], "answers": ["satisfied", "solved"]}[what]:
        assert counted(told, {"count": what, "is": state}) == []


def test_an_answer_is_satisfied_and_solved_each_by_itself() -> None:
    for satisfaction, solved in ((5, False), (3, True)):
        told = Told()
        told.registered("A", "2026-06-01 09:00")
        told.callback_completed("A", "2026-07-10 12:00", satisfaction, solved=solved)

        assert bool(counted(told, {"count": "answers", "is": "satisfied"})) == (satisfaction == 5)
        assert bool(counted(told, {"count": "answers", "is": "solved"})) == solved


def callback_states(*calls: tuple[str, str]) -> set[str]:
    """Return the states of a callback whose window ends on 10 July 12:00, by what was tried."""
    told = Told()
    told.registered("A", "2026-06-01 09:00")
    told.callback_due("A", "2026-07-01 09:00", "2026-07-10 12:00")
    for kind, time in calls:
        if kind == "tried":
            told.callback_attempted("A", time)
        else:
            told.callback_completed("A", time)
    return {
        state
        for state in ("attempted", "completed", "in-time", "unreachable")
        if counted(told, {"count": "callbacks", "is": state})
    }


@pytest.mark.parametrize(
    ("calls", "states"),
    [
        ((), set()),
        ((("tried", "2026-07-02 09:00"),), {"attempted", "unreachable"}),
        ((("answered", "2026-07-02 09:00"),), {"attempted", "completed", "in-time"}),
        ((("answered", "2026-07-10 11:59"),), {"attempted", "completed", "in-time"}),
        ((("answered", "2026-07-10 12:00"),), {"attempted", "completed"}),
        (
            (("answered", "2026-07-20 12:00"), ("answered", "2026-07-03 12:00")),
            {"attempted", "completed", "in-time"},
        ),
    ],
)
def test_a_callback_was_tried_answered_in_time_or_out_of_reach(
    calls: tuple[tuple[str, str], ...], states: set[str]
) -> None:
    assert callback_states(*calls) == states


def test_a_callback_voided_before_its_window_ends_counts_nowhere() -> None:
    for voided, expected in (("2026-07-10 11:59", []), ("2026-07-10 12:00", [(BRANCH, 1, False)])):
        told = Told()
        told.callback_due("A", "2026-07-01 09:00", "2026-07-10 12:00")
        told.callback_voided("A", voided)

        assert counted(told, {"count": "callbacks"}) == expected


def test_a_miss_counts_in_the_month_that_its_deadline_closes_and_not_where_a_ruling_excused_it() -> None:
    told = Told()
    told.missed("A", "2026-08-01 00:00")
    missed = {"count": "clocks", "is": "missed"}

    assert [counted(told, missed, month) for month in (7, 8)] == [[(BRANCH, 1, False)], []]
    for against in (told.facts[0].id, "facts", "facts#1"):
        excused = Told()
        excused.facts.extend(told.facts)
        excused.appeal("A", "2026-08-01 00:00", against)
        # Ruled on 1 August, known from then on: July's books were over.
        assert counted(excused, missed) == [(BRANCH, 1, False)]
    early = Told()
    early.missed("A", "2026-07-10 00:00")
    early.appeal("A", "2026-07-20 00:00", "facts#1")
    assert counted(early, {"count": "clocks"}) == []


def test_a_step_without_a_clock_or_too_late_is_no_clock_in_time() -> None:
    for fields in ({"clock": ""}, {"in_time": False}):
        told = Told()
        told.done("A", "2026-07-10 09:00", **fields)

        assert counted(told, {"count": "clocks"}) == []


def test_of_changes_to_a_clock_only_an_extension_is_one() -> None:
    told = Told()
    extended = told.extended("A", "2026-07-10 09:00", "2026-07-20 09:00")
    paused = extended._replace(data={**extended.data, "change": "paused"})
    told.facts[:] = [paused]

    assert counted(told, {"count": "extensions"}) == []


def test_a_finding_ruled_away_is_none_and_one_found_again_counts_once_where_that_is_asked() -> None:
    told = Told()
    first = told.found_valid("A", "2026-06-10 09:00")
    told.found_valid("A", "2026-07-10 09:00")
    valid: dict[str, Any] = {"count": "findings", "when": {"validity": "valid"}}

    assert counted(told, valid) == [(BRANCH, 1, False)]
    assert counted(told, valid | {"once": True}) == []
    assert first.data["validity"] == "valid"
    for against in ("finding", "grade", told.facts[-1].id):
        gone = Told()
        gone.facts.extend(told.facts[1:])
        gone.appeal("A", "2026-07-20 09:00", against)
        assert counted(gone, {"count": "findings"}) == []


def test_a_count_is_the_tallys_place_its_unit_its_amount_and_whether_it_is_left_out() -> None:
    told = Told()
    told.registered("A", "2026-07-01 09:00")
    edition = counting(one={"count": "closings"}, two={"count": "matters"})
    context = MonthContext.of(edition, Organisation({}, {}), Month(2026, 7), at("2026-12-31 00:00"))

    assert counts(History.of(told.facts), context) == (Count(1, BRANCH, 1, excluded=False),)
