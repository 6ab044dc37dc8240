"""Every limit of the rulebooks, by worked examples: one deed just inside, one just outside."""

from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter
from ruamel.yaml import YAML

from jiandu.rulebook_coverage import COMPLETE
from jiandu.rulebook_due import (
    DueDate,
    callback_clock,
    counts_from,
    duty_due,
    publication_due,
    step_clock,
    watch_clock,
)
from shared.rulebook.clocks import ClockEvent, Started, Stopped, Verdict, evaluate
from shared.rulebook.edition import Edition
from shared.rulebook.limits import Moment
from tests.builders_rules import an_edition

CASES = Path(__file__).parents[2] / "cases"
EVENTS: TypeAdapter[tuple[ClockEvent, ...]] = TypeAdapter(tuple[ClockEvent, ...])

Case = dict[str, Any]


@cache
def limit_cases(group: str) -> tuple[Case, ...]:
    return tuple(YAML(typ="safe", pure=True).load((CASES / group / "limits.yaml").read_text("utf-8")))


def cases_with(*keys: str) -> list[Any]:
    return [
        pytest.param(group, case, id=f"{group}: {case['name']}")
        for group in COMPLETE
        for case in limit_cases(group)
        if set(keys) & case["given"].keys()
    ]


@pytest.mark.parametrize(("group", "case"), cases_with("step", "watch", "callback"))
def test_a_clock_runs_out_when_counted_by_hand(group: str, case: Case) -> None:
    edition = an_edition(group)
    given, expected = case["given"], case["expect"]
    due = datetime.fromisoformat(expected["due_before"])
    inside, outside = moment(case["inside"]), moment(case["outside"])

    in_time = evaluate((*happened(edition, given), Stopped(at=inside)), edition.calendar)
    too_late = evaluate((*happened(edition, given), Stopped(at=outside)), edition.calendar)

    assert in_time.due_before == due
    assert in_time.verdict(inside) is Verdict.MET
    assert too_late.verdict(outside) is Verdict.MISSED
    assert set(rules_of(case)) <= set(in_time.source.split(", "))
    assert inside < due <= outside


@pytest.mark.parametrize(("group", "case"), cases_with("step"))
def test_a_step_counts_from_the_moment_that_the_example_names(group: str, case: Case) -> None:
    given = case["given"]
    rules = an_edition(group).at(moment(given["from"]))
    step = rules.procedures.procedures[given["procedure"]].steps[given["step"]]

    starts = counts_from(rules, step, rows(given))

    assert given["starts"] in starts


@pytest.mark.parametrize(("group", "case"), cases_with("obligation", "publication"))
def test_a_duty_is_due_when_counted_by_hand(group: str, case: Case) -> None:
    given, expected = case["given"], case["expect"]
    due = datetime.fromisoformat(expected["due_before"])

    found = of_period(an_edition(group), given)

    assert found.due_before == due
    assert (found.period, found.month) == (expected["period"], expected.get("month", found.month))
    assert set(rules_of(case)) <= set(found.clause.split(", "))
    assert moment(case["inside"]) < due <= moment(case["outside"])


@pytest.mark.parametrize("group", COMPLETE)
def test_every_limit_has_a_worked_example(group: str) -> None:
    """INVARIANT: no limit enters a rulebook without an example just inside and one just outside.

    What breaks it: editing YAML alone. The loader would accept a mistyped number.
    """
    worked = {key for case in limit_cases(group) for key in named(case["given"])}

    assert limits_of(an_edition(group)) - worked == set()


def happened(edition: Edition, given: Case) -> tuple[ClockEvent, ...]:
    return clock(edition, given), *EVENTS.validate_python(given.get("events", ()))


def clock(edition: Edition, given: Case) -> Started:
    begins = moment(given["from"])
    if "watch" in given:
        return watch_clock(edition, given["watch"], begins)
    if "callback" in given:
        return callback_clock(edition, given["callback"], begins)
    moments = tuple(Moment(name=name, at=moment(at)) for name, at in given.get("moments", {}).items())
    return step_clock(edition, given["procedure"], given["step"], begins, rows(given), moments)


def rows(given: Case) -> dict[str, str]:
    """Return the rows of tables that an example names."""
    return {by: given[by] for by in ("item", "grade", "tier", "service") if by in given}


def of_period(edition: Edition, given: Case) -> DueDate:
    day = given["from"]
    assert isinstance(day, date)
    if "publication" in given:
        return publication_due(edition, given["publication"], day)
    return duty_due(edition, given["obligation"], day)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def rules_of(case: Case) -> list[str]:
    return [case["rule"]] if isinstance(case["rule"], str) else list(case["rule"])


def named(given: Case) -> list[str]:
    """Return the keys of the limits that an example works out."""
    for kind in ("watch", "callback", "obligation", "publication"):
        if kind in given:
            return [f"{kind}/{given[kind]}"]
    keys = [f"step/{given['procedure']}/{given['step']}"]
    return [*keys, *(f"row/{row}" for row in rows(given).values())]


def limits_of(edition: Edition) -> set[str]:
    """Return the keys of all limits of a rulebook."""
    rules = edition.slices[-1][1]
    steps = {
        f"step/{name}/{key}"
        for name, procedure in rules.procedures.procedures.items()
        for key, step in procedure.steps.items()
        if step.within is not None
    }
    rows = {f"row/{row}" for table in rules.limits.tables.values() for row in table.rows}
    others = {
        "watch": rules.procedures.watches,
        "callback": rules.callback.plans,
        "obligation": rules.obligations.obligations,
        "publication": rules.scoring.publications,
    }
    return steps | rows | {f"{kind}/{key}" for kind, entries in others.items() for key in entries}
