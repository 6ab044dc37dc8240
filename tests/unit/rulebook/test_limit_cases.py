"""Every limit of the rulebooks, by worked examples: one deed just inside, one just outside."""

from datetime import date, datetime
from fnmatch import fnmatch
from typing import Any

import pytest
from pydantic import TypeAdapter

from jiandu.rulebook.coverage import GROUPS
from jiandu.rulebook.due import DueDate, duty_due, publication_due, step_clock, watch_clock
from shared.rulebook.edition import Edition
from shared.rulebook.schema import Rules
from shared.rulebook.schema.procedures import TableUse
from shared.rulebook.steps import CaseRules, OwedStep, callback_terms, starts_from
from shared.timekeeping.clocks import ClockEvent, Started, Stopped, Verdict, evaluate
from shared.timekeeping.limits import Moment
from tests.unit.rulebook.worked import FIELDS, Case, edition_of, examples, limits_in, params

EVENTS: TypeAdapter[tuple[ClockEvent, ...]] = TypeAdapter(tuple[ClockEvent, ...])

ELSEWHERE = (
    "*.steps.*.within*",
    "limits.tables.*",
    "procedures.watches.*.within",
    "callback.plans.*.latest",
    "procedures.alerts.*.before",
)
"""Places of limits that have their examples by name; the last counts back from a deadline, as its own tests show."""


def cases_with(*keys: str) -> list[Any]:
    found = params((*GROUPS, *FIELDS), "limits")
    return [one for one in found if set(keys) & one.values[1]["given"].keys()]


@pytest.mark.parametrize(("group", "case"), cases_with("step", "watch", "callback", "limit"))
def test_a_clock_runs_out_when_counted_by_hand(group: str, case: Case) -> None:
    edition = edition_of(group)
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
    law = CaseRules.of(edition_of(group), moment(given["from"]))
    procedure = law.rules.procedures.procedures[given["procedure"]]
    owed = OwedStep(given["step"], procedure.steps[given["step"]], given["procedure"], procedure)

    starts = starts_from(owed, rows(given), law)

    assert given["starts"] in starts


@pytest.mark.parametrize(("group", "case"), cases_with("obligation", "publication"))
def test_a_duty_is_due_when_counted_by_hand(group: str, case: Case) -> None:
    given, expected = case["given"], case["expect"]
    due = datetime.fromisoformat(expected["due_before"])

    found = of_period(edition_of(group), given)

    assert found.due_before == due
    assert (found.period, found.month) == (expected["period"], expected.get("month", found.month))
    assert set(rules_of(case)) <= set(found.clause.split(", "))
    assert moment(case["inside"]) < due <= moment(case["outside"])


@pytest.mark.parametrize("group", [*GROUPS, *FIELDS])
def test_every_limit_has_a_worked_example(group: str) -> None:
    """INVARIANT: no limit enters a rulebook without an example just inside and one just outside.

    What breaks it: editing YAML alone. The loader would accept a mistyped number.
    """
    edition = edition_of(group)
    worked = {key for case in examples(group, "limits") for key in named(edition, case["given"])}

    assert limits_of(edition) - worked == set()


def happened(edition: Edition, given: Case) -> tuple[ClockEvent, ...]:
    return clock(edition, given), *EVENTS.validate_python(given.get("events", ()))


def clock(edition: Edition, given: Case) -> Started:
    begins = moment(given["from"])
    if "watch" in given:
        return watch_clock(edition, given["watch"], begins)
    if "callback" in given:
        return callback_terms(edition.at(begins).callback.plans[given["callback"]], begins).opening
    if "limit" in given:
        rules = edition.at(begins)
        return Started(
            at=begins, limit=dict(limits_in(rules))[given["limit"]], source=cited(rules, given["limit"])
        )
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


def cited(rules: Rules, place: str) -> str:
    """Return the catalogue ids of the entry that a limit stands in, and of the parts on the way to it."""
    part: Any = rules
    found: list[str] = []
    for key in place.split("."):
        part = (
            part[int(key)]
            if isinstance(part, tuple)
            else part[key]
            if isinstance(part, dict)
            else getattr(part, key)
        )
        found += getattr(part, "source", ())
    return ", ".join(dict.fromkeys(found))


def rules_of(case: Case) -> list[str]:
    return [case["rule"]] if isinstance(case["rule"], str) else list(case["rule"])


def named(edition: Edition, given: Case) -> list[str]:
    """Return the keys of the limits that an example works out."""
    for kind in ("watch", "callback", "obligation", "publication", "limit"):
        if kind in given:
            return [f"{kind}/{given[kind]}"]
    rules = edition.slices[-1][1]
    within = rules.procedures.procedures[given["procedure"]].steps[given["step"]].within
    tables = within.table if isinstance(within, TableUse) else ()
    found = [f"row/{table}/{rows(given)[rules.limits.tables[table].by]}" for table in tables]
    return [f"step/{given['procedure']}/{given['step']}", *found]


def limits_of(edition: Edition) -> set[str]:
    """Return the keys of all limits of a rulebook."""
    rules = edition.slices[-1][1]
    steps = {
        f"step/{name}/{key}"
        for name, procedure in rules.procedures.procedures.items()
        for key, step in procedure.steps.items()
        if step.within is not None
    }
    rows = {f"row/{name}/{row}" for name, table in rules.limits.tables.items() for row in table.rows}
    others = {
        "watch": rules.procedures.watches,
        "callback": rules.callback.plans,
        "obligation": rules.obligations.obligations,
        "publication": rules.scoring.publications,
    }
    places = {
        f"limit/{place}" for place, _ in limits_in(rules) if not any(fnmatch(place, one) for one in ELSEWHERE)
    }
    return steps | rows | places | {f"{kind}/{key}" for kind, entries in others.items() for key in entries}
