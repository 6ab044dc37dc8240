"""Which events of a document are applied now, in which order, and which one is to blame."""

from collections.abc import Sequence
from typing import Any

import pytest

from shared.inbox.applier import Decision, Subscription, _in_order, _plan
from shared.inbox.deliveries import Arrived, Record
from shared.storage.aggregates import Aggregates, Stored

State = dict[str, Any]
A, B = "jiandu/intake/wuxi/1", "jiandu/callback/wuxi/1"


def an_event(source: str, ordinal: int, recorded: str = "2026-05-04T04:00:00Z") -> Arrived:
    record = {
        "id": f"{source}{ordinal}",
        "source": source,
        "type": "t",
        "subject": "s",
        "ordinal": ordinal,
        "sequence": 100 + ordinal,
        "recordedtime": recorded,
        "data": {},
    }
    return Arrived(record, b"")


def names(arrived: Sequence[Arrived]) -> list[str]:
    return [f"{one.record['source'].split('/')[1]} {one.record['ordinal']}" for one in arrived]


def refusing(*bad: str) -> Subscription[State]:
    """A following that cannot stand some events."""

    def decide(stored: Stored[State], records: Sequence[Record]) -> Decision[State]:
        for record in records:
            name = f"{record['source'].split('/')[1]} {record['ordinal']}"
            if name in bad:
                raise ValueError(name)
        return Decision({"n": len(records)})

    collection: Aggregates[State] = object.__new__(Aggregates)
    return Subscription(collection, lambda record: "s", decide)


def test_an_event_is_ready_when_all_before_it_were_applied_and_early_when_not() -> None:
    stored: Stored[State] = Stored("s", 1, {}, applied={A: 2})

    ready, early = _in_order(stored, [an_event(A, at) for at in (6, 4, 2, 3)], ordered=True)

    # 2 was applied; 3 and 4 follow; 5 is missing, so 6 is early.
    assert (names(ready), names(early)) == (["intake 3", "intake 4"], ["intake 6"])


def test_events_of_two_sources_are_taken_in_the_order_in_which_they_were_recorded() -> None:
    ready, _ = _in_order(
        Stored("s"),
        [
            an_event(A, 1, "2026-05-04T04:00:00Z"),
            an_event(A, 2, "2026-05-04T04:00:02Z"),
            an_event(B, 1, "2026-05-04T04:00:00.5Z"),
            an_event(B, 2, "2026-05-04T04:00:01Z"),
        ],
        ordered=True,
    )

    assert names(ready) == ["intake 1", "callback 1", "callback 2", "intake 2"]


def test_no_clock_that_was_set_back_swaps_two_events_of_one_source() -> None:
    """INVARIANT: within a source the ordinal decides.

    What breaks it: sorting by time alone; a server's clock that was corrected would undo a history.
    """
    ready, _ = _in_order(
        Stored("s"),
        [an_event(A, 1, "2026-05-04T09:00:00Z"), an_event(A, 2, "2026-05-04T04:00:00Z"), an_event(B, 1)],
        ordered=True,
    )

    # callback 1 was recorded at 04:00; the first of intake at 09:00, and the second counts as no earlier.
    assert names(ready) == ["callback 1", "intake 1", "intake 2"]


def test_without_order_everything_is_ready() -> None:
    ready, early = _in_order(Stored("s", applied={A: 9}), [an_event(A, 3), an_event(A, 1)], ordered=False)

    assert (names(ready), early) == (["intake 1", "intake 3"], [])


@pytest.mark.parametrize("bad", range(1, 8))
def test_the_one_event_that_fails_is_found_those_before_go_on_those_behind_wait(bad: int) -> None:
    """INVARIANT: of many events of one document exactly the bad one is blamed.

    What breaks it: giving up all that were decided together.
    """
    events = [an_event(A, at) for at in range(1, 8)]

    plan = _plan(refusing(f"intake {bad}"), Stored("s"), events)

    assert names([one for one in events if one.failure]) == [f"intake {bad}"]
    assert names(plan.used) == [f"intake {at}" for at in range(1, bad)]
    assert names(plan.early) == [f"intake {at}" for at in range(bad + 1, 8)]


def test_another_source_goes_on_when_one_fails() -> None:
    events = [an_event(A, 1), an_event(A, 2), an_event(B, 1, "2026-05-04T05:00:00Z")]

    plan = _plan(refusing("intake 2"), Stored("s"), events)

    assert names(plan.used) == ["intake 1", "callback 1"]
    assert plan.change is not None
    assert plan.change.applied == {A: 1, B: 1}


def test_two_bad_ones_are_both_found() -> None:
    events = [an_event(A, 1), an_event(B, 1), an_event(B, 2)]

    plan = _plan(refusing("intake 1", "callback 2"), Stored("s"), events)

    assert names([one for one in events if one.failure]) == ["intake 1", "callback 2"]
    assert names(plan.used) == ["callback 1"]


def test_events_that_open_nothing_wait() -> None:
    collection: Aggregates[State] = object.__new__(Aggregates)
    subscription: Subscription[State] = Subscription(
        collection, lambda record: "s", lambda stored, records: None
    )

    plan = _plan(subscription, Stored("s"), [an_event(A, 1)])

    assert (plan.change, names(plan.early)) == (None, ["intake 1"])
