"""Every case of the demo played again from what was told of it: under its own edition, and under a draft."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import pytest

from jiandu.demo.scenario import scenario
from services.handling.domain.replay import replayed
from services.scoring.domain.facts import History, fact_of, in_order, standing_misses
from shared.events.facts import Fact, moment
from shared.events.handling import StepCompleted
from shared.rulebook.edition import Edition
from tests.unit.demo.rehearsal import Rehearsal

END = datetime.fromisoformat("2027-01-31T00:00:00+00:00")
Matters = Mapping[str, Sequence[Fact]]


@pytest.fixture(scope="module")
def matters(edition: Edition) -> Matters:
    """Return what was told of each of 200 matters, silence judged up to the end of January."""
    played = Rehearsal.of(scenario(edition, 200), edition)
    played.sweep(END)
    told: dict[str, list[Fact]] = {}
    for fact in (fact_of(one) for one in played.told):
        told.setdefault(fact.subject, []).append(fact)
    return {key: facts for key, facts in told.items() if any(one.type == "case.opened.v1" for one in facts)}


def verdicts(facts: Iterable[Fact]) -> set[tuple[object, ...]]:
    """Return the misses that stand, and how each step stood to its deadline."""
    history = History.of(in_order(facts))
    missed = {
        (
            "missed", one.data["clock"], one.data["occurrence"], moment(one.data["due_before"]), one.unit,
            one.data["procedure"], one.data["department"], one.data["person"], one.data["clause"],
        )
        for one in standing_misses(history, END)
    }  # fmt: skip
    done = {
        (
            "done", one.data["step"], one.data["occurrence"], one.data["clock"],
            one.data["due_before"] and moment(one.data["due_before"]), one.data["in_time"],
        )
        for one in history.all(StepCompleted)
    }  # fmt: skip
    return missed | done


def test_under_the_same_edition_every_case_comes_to_the_same_verdicts(
    matters: Matters, edition: Edition
) -> None:
    """INVARIANT: what is told of a case is enough to judge it again.

    What breaks it: a change of a clock, or of a case, that no event tells.
    """
    assert len(matters) >= 200

    differing = {
        key: verdicts(facts) ^ verdicts(replayed(facts, edition, END))
        for key, facts in matters.items()
        if verdicts(facts) != verdicts(replayed(facts, edition, END))
    }

    assert differing == {}
