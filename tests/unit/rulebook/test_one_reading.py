"""The engines and ``rulebook due`` read the rulebook alike: steps, watches, callbacks and duties."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import product
from typing import Any

import pytest
from typer.testing import CliRunner

from jiandu.rulebook.cli import app
from jiandu.rulebook.coverage import GROUPS
from jiandu.rulebook.due import callback_due, duty_due, of_clock, publication_due, step_clock, watch_clock
from services.callback import domain as callback
from services.handling.domain import deadlines
from services.handling.domain.case import Adopted, Case, Charge, Done, Finding, Repeat, Settlement, Status
from services.handling.domain.clockwork import read_events, reading_of
from services.scoring.domain.obligations import instances, publishing
from services.scoring.domain.organisation import Organisation
from shared.errors import InvalidInputError
from shared.events.handling import CaseClosed, CaseResolved
from shared.rulebook.schema import Match, Rules
from shared.rulebook.schema.callback import CallbackPlan
from shared.rulebook.schema.procedures import Procedure, Step, TableUse
from shared.rulebook.steps import CaseRules
from shared.timekeeping.calendar import Month
from shared.timekeeping.limits import Moment
from shared.timekeeping.periods import PeriodDue
from tests.unit.callback.builders import told
from tests.unit.handling.builders import (
    COMPLAINT,
    Story,
    a_registration,
    a_rule,
    a_step,
    an_edition,
    on,
    shown,
)
from tests.unit.rulebook.worked import FIELDS, edition_of, told_of

RUN = CliRunner()
STARTS = (
    # A working morning, the eve of a holiday week, a Sunday, a minute before midnight.
    datetime.fromisoformat("2026-03-18T09:10:00+08:00"),
    datetime.fromisoformat("2026-09-30T16:55:00+08:00"),
    datetime.fromisoformat("2026-06-07T12:00:00+08:00"),
    datetime.fromisoformat("2026-02-13T23:59:00+08:00"),
)
AHEAD = (timedelta(hours=-1), timedelta(), timedelta(hours=1), timedelta(days=300))
"""By how much the moments that a limit may run until follow the start."""
MONTHS = tuple(Month(2026, month) for month in range(1, 13))


def answered(*asked: str) -> dict[str, Any]:
    result = RUN.invoke(app, ["due", *asked, "--json"])
    assert result.exit_code == 0, result.stderr
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer


# --- steps


@pytest.mark.parametrize(
    ("warranty", "due"),
    [
        # Glass has 15 days from Sat 7 Nov 10:00: Sun 22 Nov 10:00. A warranty that ended before, or just as the works
        # began, covers nothing of them.
        ("2026-11-06T00:00:00+08:00", "11-22 10:00"),
        ("2026-11-07T10:00:00+08:00", "11-22 10:00"),
        # One that ends a minute later bounds them.
        ("2026-11-07T10:01:00+08:00", "11-07 10:01"),
    ],
)
@pytest.mark.rule("JK-11")
def test_a_warranty_that_had_ended_before_the_works_bounds_nothing_for_either(
    warranty: str, due: str
) -> None:
    story = Story(a_registration(received="11-05 09:00", class_="general-engineering", item="glass"))
    story.find("11-05 10:00", warranty_before=warranty)
    story.step("plan", "11-05 11:00", evidence={"rectification-plan": "f1"})
    story.step("notice", "11-07 10:00", evidence={"rectification-notice": "f2"})
    asked = ["jinke", "--procedure", "general-engineering", "--step", "rectify", "--item", "glass"]

    answer = answered(*asked, "--from", "2026-11-07T10:00+08:00", "--moment", f"warranty={warranty}")

    assert story.due("rectify") == due
    assert shown(datetime.fromisoformat(answer["due_before"])) == due


def test_the_rules_of_the_day_of_receipt_hold_for_either() -> None:
    def slice_with(hours: int) -> Rules:
        steps = {
            "look": a_step(after="receipt", within={"hours": 9}),
            "solve": a_step(after="look", within={"hours": hours}),
        }
        return an_edition({"procedures": {"one": a_rule(applies={}, steps=steps)}}).slices[0][1]

    base = an_edition({"procedures": {"one": a_rule(applies={}, steps={"look": a_step()})}})
    edition = replace(base, slices=((date(2020, 1, 1), slice_with(24)), (date(2026, 7, 2), slice_with(12))))
    story = Story(a_registration(received="07-01 23:00"), edition)
    story.step("look", "07-02 08:00")

    asked = step_clock(edition, "one", "solve", on("07-02 08:00"), received=on("07-01 23:00"))
    unsaid = step_clock(edition, "one", "solve", on("07-02 08:00"))

    # Received on the 1st: 24 h from 2 July 08:00. Under the rules from the 2nd on it would be 12 h.
    assert story.due("solve") == shown(of_clock(edition, asked).due_before) == "07-03 08:00"
    assert shown(of_clock(edition, unsaid).due_before) == "07-02 20:00"


@pytest.mark.parametrize("group", [*GROUPS, *FIELDS])
def test_every_step_begins_and_is_due_for_either_alike(group: str) -> None:
    """INVARIANT: a step's clock has one reading, to the words of its explanation.

    What breaks it: a second place that looks up a limit, the moment to count from, or what that is called.
    """
    edition = edition_of(group)
    rules = edition.slices[-1][1]
    unseen = {
        (name, key)
        for name, one in rules.procedures.procedures.items()
        for key, step in one.steps.items()
        if step.within
    }
    for (name, key), start in product(sorted(unseen), STARTS):
        procedure = rules.procedures.procedures[name]
        for row, moments, run in variants(procedure.steps[key], procedure, start, rules):
            case = a_case(rules, name, key, start, row, moments, run)
            law = CaseRules.of(edition, case.received_at)
            clock = deadlines.sync(case, law).clock(key)
            if clock is None:
                with pytest.raises(InvalidInputError):
                    step_clock(edition, name, key, start, row, moments, again=run > 1)
                continue
            unseen.discard((name, key))
            asked = step_clock(edition, name, key, start, row, moments, again=run > 1)

            assert read_events(clock)[0] == asked
            assert reading_of(clock, edition.calendar).lines == of_clock(edition, asked).lines
            assert clock.due == of_clock(edition, asked).due_before

    assert unseen == set()


def variants(
    step: Step, procedure: Procedure, start: datetime, rules: Rules
) -> Iterator[tuple[dict[str, str], tuple[Moment, ...], int]]:
    """Yield rows of tables that such a case may name, moments that it may state, and runs."""
    rows: list[dict[str, str]] = [{}]
    if isinstance(step.within, TableUse):
        tables = [rules.limits.tables[name] for name in step.within.table]
        asked = [
            getattr(step.when, one.by) or getattr(procedure.applies, one.by) or one.rows for one in tables
        ]
        rows += [dict(zip((one.by for one in tables), row, strict=True)) for row in product(*asked)]
    stated = [
        tuple(Moment(name=name, at=start + ahead) for name in ("handover", "warranty")) for ahead in AHEAD
    ]
    yield from product(rows, [(), *stated], (1, 2))


def a_case(
    rules: Rules,
    name: str,
    key: str,
    start: datetime,
    row: Mapping[str, str],
    moments: tuple[Moment, ...],
    run: int,
) -> Case:
    """A case that owes a step whose clock began at ``start``: everything that it may count from happened then."""
    book = rules.procedures.procedures
    procedure, step = book[name], book[name].steps[key]
    fact = {**facts_for(procedure.applies, step.when), **row}
    mains = [one for one, other in book.items() if not other.overlay and key not in other.steps]
    main = next(iter(procedure.applies.procedure or mains)) if procedure.overlay else name
    tables = (
        [rules.limits.tables[one] for one in step.within.table] if isinstance(step.within, TableUse) else []
    )
    rows = [one.rows[row[one.by]] for one in tables if one.by in row]
    from_ = next(iter((*(one.counts_from for one in rows), *step.after)), "")
    at = {moment.name: moment.at for moment in moments}
    return Case(
        complaint_id=COMPLAINT,
        number="1",
        site="site",
        kind=fact.get("kind", "complaint"),
        class_=fact.get("class_", ""),
        item=fact.get("item", ""),
        service=fact.get("service", ""),
        tier=fact.get("tier", ""),
        grade=fact.get("grade", ""),
        channel=fact.get("channel", ""),
        flags=dict.fromkeys((*procedure.applies.flag, *step.when.flag), start),
        received_at=start,
        registered_at=start,
        handover_on=at.get("handover"),
        warranty_before=at.get("warranty"),
        customer="customer-1",
        charges=(Charge(since=start, unit="unit"),),
        procedures=(Adopted(since=start, procedure=main, grade=fact.get("grade", "")),),
        findings=(
            Finding(
                at=start, by="who", validity=fact.get("validity", "valid"), liable=fact.get("liable", "")
            ),
        ),
        done=(Done(step=from_, occurrence=1, at=start, by="who"),) if from_ in procedure.steps else (),
        works=(start,),
        settlements=(Settlement(at=start, by="who", way=fact.get("way", ""), approved_at=start),),
        repeats=(Repeat(at=start, cause="refused", direct=(key,)),) * (run - 1),
        settled_up_to=start,
        status=Status.CLOSED if from_ == "closing" else Status.OPEN,
        ended_at=start if from_ == "closing" else None,
    )


def facts_for(*conditions: Match) -> dict[str, str]:
    """Return facts under which all conditions hold."""
    return {
        name: wanted[0]
        for condition in conditions
        for name in Match.model_fields
        if name != "flag" and (wanted := getattr(condition, name))
    }


@pytest.mark.parametrize("group", [*GROUPS, *FIELDS])
def test_every_watch_begins_and_is_due_for_either_alike(group: str) -> None:
    """INVARIANT: a watch has one reading.

    What breaks it: a second place that looks up its limit or its label.
    """
    edition = edition_of(group)
    rules = edition.slices[-1][1]
    for (name, watch), start in product(rules.procedures.watches.items(), STARTS):
        fact = facts_for(watch.applies)
        case = a_case(rules, *first_step(rules, fact), start, fact, (), 1).with_(
            flags=dict.fromkeys(watch.applies.flag, start)
        )
        clock = deadlines.sync(case, CaseRules.of(edition, start)).clock(name)
        asked = watch_clock(edition, name, start)

        assert clock is not None
        assert read_events(clock)[0] == asked
        assert clock.due == of_clock(edition, asked).due_before


def first_step(rules: Rules, fact: Mapping[str, str]) -> tuple[str, str]:
    """Return a step of the procedure that the facts ask for, or of any."""
    book = rules.procedures.procedures
    name = fact.get("procedure") or next(name for name, one in book.items() if not one.overlay)
    return name, next(iter(book[name].steps))


# --- callbacks


@pytest.mark.rule("XA-08")
def test_a_callback_after_the_resolution_is_told_with_both_ends_of_its_window() -> None:
    # Wed 15 Jul 11:00 + 1 day = Thu 16 Jul 11:00; + 7 days = Wed 22 Jul 11:00.
    answer = answered("xinao", "--callback", "complaints", "--from", "2026-07-15T11:00+08:00")

    assert (answer["earliest"], answer["due_before"]) == ("2026-07-16T03:00:00Z", "2026-07-22T03:00:00Z")
    assert answer["explanation_zh"][0] == "2026-07-15 星期三 11:00 解决"
    assert answer["explanation_en"][-1] == "not before Thu 16 Jul 2026 11:00"


@pytest.mark.parametrize("group", [*GROUPS, *FIELDS])
def test_every_callback_has_one_window_for_either(group: str) -> None:
    """INVARIANT: a callback's window has one reading.

    What breaks it: counting it from another moment or by another limit.
    """
    edition = edition_of(group)
    for (name, plan), start in product(edition.slices[-1][1].callback.plans.items(), STARTS):
        ended = told(an_ending(plan), start)
        matter, _ = callback.follow(None, ended, lambda _: edition)
        asked = callback_due(edition, name, start)

        assert matter.current is not None
        assert matter.current.plan == name
        assert (matter.current.earliest, matter.current.due_before) == (asked.earliest, asked.due_before)
        assert matter.current.clause == asked.clause


def an_ending(plan: CallbackPlan) -> CaseClosed | CaseResolved:
    kind = CaseClosed if plan.after == "closing" else CaseResolved
    said = dict.fromkeys(("class_", "validity", "way", "outcome", "customer"), "")
    rest = {"complaint_id": COMPLAINT, "occurrence": 1, "problem_user": False, "imported": False}
    fact = {"kind": "complaint", **facts_for(plan.applies), "flags": plan.applies.flag}
    return kind.model_validate({**said, **rest, **fact})


# --- duties


@pytest.mark.parametrize("group", GROUPS)
def test_every_duty_and_publication_is_due_for_either_alike(group: str) -> None:
    """INVARIANT: a duty's due day has one reading.

    What breaks it: reading the rule of another day than its period's last.
    """
    edition, organisation = edition_of(group), Organisation.of(told_of(group).facts)
    duties = [duty for month in MONTHS for duty in instances(edition, organisation, month)]
    for duty in duties:
        first, last = edition.calendar.local_day(duty.begins), edition.calendar.closing_day(duty.ends)
        for day in (first, last):
            asked = duty_due(edition, duty.obligation, day)

            assert (asked.due_before, asked.lines, asked.period, asked.month) == (
                duty.due_before,
                duty.lines,
                duty.period,
                str(duty.month),
            )
    for month in MONTHS:
        for sent in publishing(edition, month):
            asked = publication_due(edition, sent.publication, date(*month, 1))
            assert (asked.due_before, asked.lines) == (sent.due_before, sent.lines)

    assert {duty.obligation for duty in duties} == {*edition.slices[-1][1].obligations.obligations}


def test_a_rule_that_changes_within_a_month_holds_for_all_of_it_for_either() -> None:
    edition = edition_of("jinke")
    rules = edition.slices[-1][1]
    report = rules.obligations.obligations["analysis-report"]
    third = report.model_copy(update={"due": PeriodDue(day=3, month="next")})
    duties = rules.obligations.model_copy(
        update={"obligations": {**rules.obligations.obligations, "analysis-report": third}}
    )
    later = rules.model_copy(update={"obligations": duties})
    amended = replace(edition, slices=(*edition.slices, (date(2026, 6, 15), later)))
    owed = instances(amended, Organisation.of(told_of("jinke").facts), Month(2026, 7))

    asked = duty_due(amended, "analysis-report", date(2026, 6, 1))

    # From 15 June on by the 3rd in place of the 5th: so the report of June, all of it, by the end of Fri 3 July.
    assert {one.due_before for one in owed if one.obligation == "analysis-report"} == {asked.due_before}
    assert shown(asked.due_before) == "07-04 00:00"
