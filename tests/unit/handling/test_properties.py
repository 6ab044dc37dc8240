"""What holds of any history: random commands at random times, with sweeps in between or not."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.handling import domain
from services.handling.domain import Actor
from services.handling.domain.clockwork import reading_of
from shared.errors import SupervisionError
from shared.events.handling import DeadlineMissed
from shared.timekeeping.clocks import ClockOrderError
from tests.unit.handling.builders import (
    ACCEPTED,
    AGREED,
    ALL_ELEMENTS,
    IN_LIEU,
    LATER,
    Story,
    a_story,
    another_case,
    on,
    standing,
    verdicts,
)

RECEIVED = on("07-01 09:00")
HORIZON = on("10-01 00:00")
INTO = another_case()

ALL_RIGHTS = frozenset({*domain.RIGHTS.values(), domain.IMPORT})
ANYONE = Actor(person="", unit="", role="", rights=ALL_RIGHTS)
PEOPLE = [
    Actor(person="officer", unit="chongqing-branch", role="branch-officer", rights=ALL_RIGHTS),
    Actor(person="leader", unit="chongqing", role="company-leader", rights=ALL_RIGHTS),
    Actor(person="director", unit="group", role="centre-director", rights=ALL_RIGHTS),
]

PAPERS: dict[str, Any] = {
    "evidence": dict.fromkeys(
        (
            "agreement",
            "rectification-plan",
            "rectification-notice",
            "transfer-sheet",
            "acceptance-sheet",
            "payment-slip",
            "explanation-note",
        ),
        "f",
    ),
    "signatures": {"owner": "f", "property-company": "f"},
    "person": "engineer",
}
CLASSES = ["general", "general-engineering", "major-engineering", "property-company", "property-handover"]
STEPS = [
    "plan",
    "notice",
    "rectify",
    "result",
    "report",
    "negotiate",
    "deadlock-report",
    "carry-out",
    "pay",
    "explain",
    "alert",
]


ONWARD = "the next step"
"""Stands for a step that the case itself offers, so that random plays get far."""

FIELDS: dict[str, dict[str, Any]] = {
    "make-finding": {"validity": "valid", "liable": "developer", "reason": "r"},
    "propose-settlement": {"way": "rectification", **AGREED},
    "accept-result": ACCEPTED,
    "complete-step": PAPERS,
}


def _body(story: Story, drawn: dict[str, Any]) -> dict[str, Any]:
    if drawn["do"] != ONWARD:
        return drawn
    offered = domain.allowed(story.case, story.edition, ANYONE)
    steps = [one for one in offered if one["step"] and one["why_not"] is None]
    if not steps:
        return {"do": "close"}
    chosen = steps[drawn["nth"] % len(steps)]
    named = {"step": chosen["step"]} if chosen["do"] == "complete-step" else {}
    return {"do": chosen["do"], **FIELDS.get(chosen["do"], {}), **named}


def _commands() -> st.SearchStrategy[dict[str, Any]]:
    step = st.sampled_from(STEPS).map(lambda name: {"do": "complete-step", "step": name, **PAPERS})
    finding = st.builds(
        lambda validity, class_: {
            "do": "make-finding",
            "validity": validity,
            "class": class_,
            "item": "glass",
            "liable": "developer",
            "reason": "r",
        },
        st.sampled_from(["valid", "invalid"]),
        st.sampled_from(CLASSES),
    )
    others = st.sampled_from(
        [
            {"do": "propose-settlement", "way": "rectification", **AGREED},
            {"do": "propose-settlement", "way": "explanation", **AGREED},
            {"do": "propose-settlement", **IN_LIEU},
            {"do": "approve-settlement"},
            {"do": "start-works"},
            {"do": "accept-result", **ACCEPTED},
            {"do": "refuse-result", "reason": "r"},
            {"do": "agree-date", "step": "rectify", "on": "2026-08-15", "evidence": {"call": "c"}},
            {"do": "extend", "step": "approve", "on": "2026-08-20", "reason": "r"},
            {"do": "pause", "reason": "no-access"},
            {"do": "except-report", "step": "report", "reason": "r"},
            {"do": "resume"},
            {"do": "assign", "department": "d", "person": "p"},
            {"do": "reclassify", "class": "major-engineering", "item": "lift", "reason": "r"},
            {"do": "reclassify", "flags": ["reputation-risk"], "reason": "r"},
            {"do": "reclassify", "flags": [], "reason": "r"},
            {"do": "transfer", "to_unit": "chengdu-branch", "reason": "r"},
            {"do": "withdraw", "reason": "r"},
            {"do": "merge", "into": str(INTO.complaint_id), "reason": "r"},
            {"do": "part", "reason": "r"},
            {"do": "reopen", "reason": "r"},
            {"do": "close"},
        ]
    )
    onward = st.integers(0, 3).map(lambda nth: {"do": ONWARD, "nth": nth})
    return st.one_of(onward, onward, onward, step, finding, others)


FEW = settings(max_examples=25, deadline=None)
"""A play takes some ten milliseconds. More of them found the same faults, only later."""

Entry = tuple[int, int, int, dict[str, Any]]
"""Hours since the entry before; hours from then to a sweep, if any; who; what."""

ENTRIES = st.lists(
    st.tuples(st.integers(0, 60), st.integers(0, 400), st.integers(0, len(PEOPLE) - 1), _commands()),
    max_size=16,
)
APPEALS = st.lists(
    st.sampled_from(
        [
            {"do": "lodge-appeal", "against": "facts", "grounds": "g"},
            {"do": "lodge-appeal", "against": "finding", "grounds": "g"},
            {"do": "decide-appeal", "appeal": "1", "upheld": True, "reasons": "r"},
        ]
    ),
    max_size=4,
)


def play(class_: str, entries: Sequence[Entry], sweeping: bool) -> Story:
    """Play entries in order of time; what the case refuses is left out."""
    story = a_story(class_=class_, item="glass")
    at = RECEIVED
    for hours, ahead, who, body in entries:
        at += timedelta(hours=hours)
        if sweeping:
            story.take(domain.settle(story.case, story.edition, at + timedelta(hours=ahead)))
        command = domain.parse_command({**_body(story, body), "at": at.isoformat()})
        try:
            decided = domain.decide(story.case, command, PEOPLE[who], story.edition, LATER, INTO)
        except ClockOrderError:
            # The clocks contradict each other: a fault of the domain, not a refusal of the command.
            raise
        except SupervisionError:
            continue
        story.take(decided)
    return story


def swept(story: Story, up_to: datetime = HORIZON) -> Story:
    story.take(domain.settle(story.case, story.edition, up_to))
    return story


@FEW
@given(class_=st.sampled_from(CLASSES), entries=ENTRIES)
def test_when_sweeps_ran_changes_nothing_in_the_end(class_: str, entries: list[Entry]) -> None:
    """INVARIANT: the misses that stand follow from the deeds and the rulebook, not from when silence was judged.

    What breaks it: a clearing that is forgotten, a miss told for a clock that a later entry ends in time, a
    deadline that a sweep fixed.
    """
    quiet, busy = play(class_, entries, sweeping=False), play(class_, entries, sweeping=True)

    assert swept(quiet).missed == swept(busy).missed


@FEW
@given(class_=st.sampled_from(CLASSES), entries=ENTRIES)
def test_the_misses_that_stand_are_those_that_the_clocks_say(class_: str, entries: list[Entry]) -> None:
    """INVARIANT: what was told, step by step, equals what replaying every clock from its events gives.

    What breaks it: a cached due moment that is not brought up to date with its events.
    """
    story = swept(play(class_, entries, sweeping=True))

    replayed = {
        (clock.name, clock.occurrence)
        for clock in story.case.clocks
        if reading_of(clock, story.edition.calendar).missed_at(HORIZON)
    }
    present = {
        (clock.name, run) for clock in story.case.clocks for run in clock.told if run == clock.occurrence
    }

    assert present == replayed
    assert domain.recompute(story.case, story.edition) == story.case


@FEW
@given(class_=st.sampled_from(CLASSES), entries=ENTRIES, appeals=APPEALS, hours=st.integers(0, 2000))
def test_settling_twice_tells_every_fact_once(
    class_: str, entries: list[Entry], appeals: list[dict[str, Any]], hours: int
) -> None:
    """INVARIANT: a repeated or overlapping sweep tells nothing a second time.

    What breaks it: deciding on the clock alone, without what the case was told before.
    """
    mixed = [*entries, *((1, 0, 2, one) for one in appeals)]
    story = swept(play(class_, mixed, sweeping=False), RECEIVED + timedelta(hours=hours))

    again, told = domain.settle(story.case, story.edition, RECEIVED + timedelta(hours=hours))

    assert (again, told) == (story.case, [])


@FEW
@given(class_=st.sampled_from(CLASSES), entries=ENTRIES)
def test_one_sweep_tells_its_misses_in_order_and_each_at_its_own_deadline(
    class_: str, entries: list[Entry]
) -> None:
    story = play(class_, entries, sweeping=False)

    _, told = domain.settle(story.case, story.edition, HORIZON)

    times = [item.time for item in told]
    assert times == sorted(times)
    assert all(item.time == item.event.due_before for item in told if isinstance(item.event, DeadlineMissed))


@FEW
@given(class_=st.sampled_from(CLASSES), entries=ENTRIES)
def test_the_due_index_names_the_moment_of_the_next_miss_exactly(class_: str, entries: list[Entry]) -> None:
    """INVARIANT: until the next due moment silence changes nothing, and at it something is told.

    What breaks it: a due moment that is left out of the index, or one that nothing follows from.
    """
    story = play(class_, entries, sweeping=True)
    due = domain.next_due(story.case) or HORIZON

    _, before = domain.settle(story.case, story.edition, due - timedelta(microseconds=1))
    _, at = domain.settle(story.case, story.edition, due)

    assert verdicts(before) == []
    assert bool(at) == (domain.next_due(story.case) is not None)


@FEW
@given(class_=st.sampled_from(CLASSES), entries=ENTRIES)
def test_what_is_stored_is_read_back_as_it_was(class_: str, entries: list[Entry]) -> None:
    story = play(class_, entries, sweeping=True)

    stored = story.case.model_dump(mode="json", exclude_defaults=True)

    assert domain.Case.model_validate(stored) == story.case
    assert domain.allowed(story.case, story.edition, ANYONE) is not None
    assert len(domain.explained(story.case, story.edition)) == len(story.case.clocks)


@FEW
@given(minutes=st.integers(-10_000, 10_000))
def test_a_deed_is_late_from_its_deadline_on_and_not_before(minutes: int) -> None:
    due = on("07-16 09:00")
    story = a_story(class_="general", received="07-14 09:00")
    at = max(due + timedelta(minutes=minutes), on("07-14 09:00"))

    told = story.find(at.strftime("%m-%d %H:%M:%S"))

    assert ("deadline.missed.v1" in told) == (at >= due)
    assert len(standing(story.happened)) == (at >= due)


def test_the_commands_of_these_properties_reach_every_end() -> None:
    """A property over refusals alone would prove nothing."""
    story = play(
        "general-engineering",
        [
            (20, 0, 0, {"do": "make-finding", "validity": "valid", "reason": "r"}),
            (20, 0, 0, {"do": "complete-step", "step": "plan", **PAPERS}),
            (20, 0, 0, {"do": "complete-step", "step": "notice", **PAPERS}),
            (20, 0, 0, {"do": "complete-step", "step": "rectify", **PAPERS}),
            (20, 0, 0, {"do": "accept-result", **ACCEPTED}),
            (20, 0, 0, {"do": "reclassify", "flags": ["reputation-risk"], "reason": "r"}),
            (1, 0, 0, {"do": "complete-step", "step": "alert", "elements": ALL_ELEMENTS}),
            (1, 0, 0, {"do": "close"}),
        ],
        sweeping=True,
    )

    assert (story.case.status, story.missed) == ("closed", [])
