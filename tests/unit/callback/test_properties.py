"""What holds for every order of events and every moment of looking."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import permutations

from hypothesis import given, settings
from hypothesis import strategies as st

from services.callback import domain
from services.callback.domain import (
    Matter,
    Outcome,
    OutOfOrderError,
    OutsideHoursError,
    TaskDoneError,
    TooSoonError,
)
from shared.events import Envelope, Happened
from tests.builders_rules import an_edition
from tests.unit.callback.builders import (
    a_call,
    a_matter,
    amended,
    at,
    called,
    closed,
    registered,
    reopened,
    types,
)

START = at("2026-07-01 10:00")
HISTORY = (
    registered(),
    amended("second", at("2026-07-02 09:00"), 2),
    closed(at("2026-07-01 10:00"), 1, 1),
    reopened(at("2026-07-03 09:00"), 1, 2),
    closed(at("2026-07-06 15:00"), 2, 3),
    reopened(at("2026-07-20 09:00"), 2, 4),
    closed(at("2026-07-21 15:00"), 3, 5),
)
END = at("2026-08-01 00:00")


def settled_of(events: Sequence[Envelope], looks: Sequence[int] = ()) -> tuple[Matter, list[Happened]]:
    """Take events in, looking for silence after those that ``looks`` names, and once at the end."""
    matter: Matter | None = None
    happened: list[Happened] = []
    for index, event in enumerate(events):
        matter, new = domain.follow(matter, event, lambda _: an_edition())
        happened.extend(new)
        if index in looks:
            matter, new = domain.settle(matter, END)
            happened.extend(new)
    assert matter is not None
    matter, new = domain.settle(matter, END)
    return matter, [*happened, *new]


EXPECTED, EXPECTED_EVENTS = settled_of(HISTORY)


def test_the_history_of_three_closings_is_as_counted_by_hand() -> None:
    # 1: due 8 July, re-opened on the 3rd: void. 2: due 13 July 15:00, re-opened on the 20th: missed.
    # 3: due 28 July 15:00, before 1 August: missed.
    assert [str(task.status) for task in EXPECTED.tasks] == ["void", "missed", "missed"]
    assert sorted(types(EXPECTED_EVENTS)) == [
        "callback.due.v1",
        "callback.due.v1",
        "callback.due.v1",
        "callback.missed.v1",
        "callback.missed.v1",
        "callback.voided.v1",
    ]


@given(st.permutations(HISTORY), st.lists(st.sampled_from(HISTORY), max_size=5))
def test_any_order_and_any_repetition_lead_to_the_same_matter(
    order: list[Envelope], again: list[Envelope]
) -> None:
    """INVARIANT: the matter and what was told of it depend on the facts, not on how they arrived.

    What breaks it: deciding by arrival, for example ending the newest task when a re-opening comes.
    """
    matter, happened = settled_of([*order, *again])

    assert matter == EXPECTED
    assert _facts(happened) == _facts(EXPECTED_EVENTS)


@given(st.permutations(HISTORY), st.sets(st.integers(0, 6)))
def test_looking_for_silence_on_the_way_changes_nothing_in_the_end(
    order: list[Envelope], looks: set[int]
) -> None:
    """INVARIANT: a sweep between two arrivals leads to the state that a sweep at the end would.

    What breaks it: a miss that no late re-opening can take away. Misses told meanwhile are voided.
    """
    matter, happened = settled_of(order, sorted(looks))

    assert matter == EXPECTED
    assert len(_facts(happened)) == len(happened)


@given(st.integers(-10_000, 30_000), st.integers(0, 10_000))
def test_settling_twice_tells_once(minutes: int, later: int) -> None:
    """INVARIANT: however many replicas and commands look, a window speaks once.

    What breaks it: deciding on the clock alone, without the task's own status.
    """
    now = START + timedelta(minutes=minutes)

    once, first = domain.settle(a_matter(), now)
    again, second = domain.settle(once, now)
    _, third = domain.settle(again, now + timedelta(minutes=later))

    assert (again, second) == (once, [])
    assert len(first) + len(third) <= 1


ANSWERS = {Outcome.COMPLETED: 5}
CALLS = st.lists(
    st.tuples(
        st.integers(0, 14 * 24 * 60),
        st.sampled_from([one for one in Outcome if one is not Outcome.CALL_BACK_AT]),
    ),
    max_size=8,
)


def played(calls: Sequence[tuple[int, Outcome]]) -> tuple[Matter, list[str]]:
    """Make the calls that may be made, let the window end, and return what was told."""
    matter, happened = a_matter(), list[Happened]()
    for minutes, outcome in sorted(calls):
        moment = (START + timedelta(minutes=minutes)).astimezone(an_edition().calendar.zone)
        call = a_call(f"{moment:%Y-%m-%d %H:%M:%S}", outcome, satisfaction=ANSWERS.get(outcome))
        try:
            matter, new = called(matter, call)
        except (OutsideHoursError, TooSoonError, TaskDoneError, OutOfOrderError):
            continue
        happened.extend(new)
    matter, new = domain.settle(matter, END)
    return matter, types([*happened, *new])


@settings(max_examples=200)
@given(CALLS)
def test_every_required_task_ends_in_exactly_one_way(calls: list[tuple[int, Outcome]]) -> None:
    """INVARIANT: at the end a task is completed, refused, unreachable or missed, and one event says which.

    What breaks it: a window's end that does not know of the calls, or calls that do not settle it first.
    """
    matter, told = played(calls)

    ends = [told.count(f"callback.{kind}.v1") for kind in ("completed", "unreachable")]
    assert str(matter.tasks[0].status) in {"completed", "refused", "unreachable", "missed"}
    assert sum(ends) == (matter.tasks[0].status in {"completed", "unreachable"})
    assert told.count("callback.missed.v1") <= 1
    assert matter.tasks[0].status != "missed" or told.count("callback.missed.v1") == 1


def test_every_order_of_one_closing_its_re_opening_and_its_registration_agrees() -> None:
    events = (HISTORY[0], HISTORY[2], HISTORY[3])

    matters = [settled_of(order)[0] for order in permutations(events)]

    assert all(matter == matters[0] for matter in matters)


def _facts(happened: Sequence[Happened]) -> set[tuple[str, str, object]]:
    return {(item.event.TYPE, item.event.model_dump_json(), item.time) for item in happened}
