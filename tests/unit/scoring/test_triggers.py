"""What facts show: each occurrence with its key, its words in both languages, and what an appeal may name."""

import pkgutil
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from importlib import import_module
from typing import Any

import pytest

from services.scoring.domain import obligations, triggers
from services.scoring.domain.facts import History, in_order
from services.scoring.domain.month import MonthContext, Tariffs
from services.scoring.domain.organisation import Organisation
from services.scoring.domain.triggers import next_overdue, priced_occurrences
from services.scoring.domain.triggers.base import PricedOccurrence
from services.scoring.domain.triggers.missed_deadline import overdue_times
from shared.events import EVENTS
from shared.events.facts import Fact
from shared.events.handling import CaseResolved
from shared.rulebook.edition import Edition
from shared.rulebook.schema import Rules
from shared.rulebook.schema.obligations import WAYS_DONE
from shared.rulebook.schema.procedures import Watch
from shared.rulebook.schema.triggers import (
    TRIGGERS,
    CallbackFault,
    FailedAspect,
    IncompleteRecord,
    MissedDeadline,
    ObligationFault,
    OfMatter,
    Praise,
    Trigger,
)
from shared.timekeeping.calendar import Month
from shared.timekeeping.limits import Limit
from tests.builders_facts import Told, at, case_id, case_uuid
from tests.builders_rules import an_edition, an_edition_with, with_offences

BRANCH = "chongqing-branch"


def with_trigger(trigger: Trigger) -> Edition:
    return an_edition_with(lambda rules: with_offences(rules, missed_step={"trigger": trigger}))


def seen(told: Told, edition: Edition, before: str = "2026-12-31 00:00") -> list[PricedOccurrence]:
    """Return what is seen under the rule that such an edition changed."""
    context = MonthContext.of(edition, Organisation({}, {}), Month(2026, 7), at("2026-12-31 00:00"))
    found = priced_occurrences(History.of(in_order(told.facts)), at(before), context)
    return [one for one in found if one.price.rule == "missed-step"]


def test_every_kind_of_trigger_and_of_duty_has_one_module_and_every_module_is_a_kind() -> None:
    """INVARIANT: what a rulebook may write is what the engine finds, and no module waits for a word that none can write.

    What breaks it: a kind in the schema without its module, or a module that was renamed apart from its kind.
    """
    for package, kinds in (
        (triggers, {cause.name() for cause in TRIGGERS}),
        (obligations, {*WAYS_DONE}),
    ):
        names = [module.name for module in pkgutil.iter_modules(package.__path__)]
        declared = [name for name in names if hasattr(import_module(f"{package.__name__}.{name}"), "KIND")]
        assert {name.replace("_", "-") for name in declared} == kinds
    assert [*triggers.KINDS] == [*TRIGGERS]
    assert triggers.KINDS.keys() - triggers.CASE_KINDS.keys() == {FailedAspect, ObligationFault}
    assert EVENTS.keys() >= triggers.TRIGGERING


# Moments of a matter


@pytest.mark.parametrize(
    ("moment", "tell", "key", "zh", "en", "more"),
    [
        ("registered", lambda _: None, "matter/registered", "已登记", "registered", ()),
        (
            "found",
            lambda told: told.found_valid("A", "2026-07-10 09:00"),
            "matter/found",
            "认定：seen",
            "found: seen",
            ("finding", "grade"),
        ),
        (
            "reopened",
            lambda told: told.reopened("A", "2026-07-10 09:00"),
            "matter/reopened#2",
            "已重新办理",
            "re-opened",
            (),
        ),
    ],
)
def test_a_moment_of_a_matter_says_what_it_was(
    moment: str, tell: Callable[[Told], object], key: str, zh: str, en: str, more: tuple[str, ...]
) -> None:
    told = Told()
    told.registered("A", "2026-07-01 09:00")
    tell(told)
    fact = told.facts[-1]

    (one,) = seen(told, with_trigger(OfMatter.model_validate({"on": "matter", "moment": moment, "when": {}})))

    assert (one.occurrence.key, one.occurrence.words, one.marks) == (key, ((zh,), (en,)), (fact.id, *more))
    assert (one.occurrence.subject, one.occurrence.unit, one.occurrence.at) == (
        case_id("A"),
        BRANCH,
        fact.time,
    )
    assert one.occurrence.evidence == (fact.id,)
    assert (
        seen(
            told,
            with_trigger(OfMatter.model_validate({"on": "matter", "moment": moment, "when": {}})),
            before=str(fact.time.isoformat()),
        )
        == []
    )


def test_a_finding_corrected_since_rests_on_both() -> None:
    told = Told()
    found = told.found_valid("A", "2026-07-10 09:00")
    changed = told.reclassified("A", "2026-07-11 09:00", class_="major")

    (one,) = seen(
        told, with_trigger(OfMatter.model_validate({"on": "matter", "moment": "found", "when": {}}))
    )

    assert one.occurrence.evidence == (found.id, changed.id)


# Praise, records, callbacks


def test_each_praise_says_whom_the_customer_told() -> None:
    told = Told()
    early = told.praised("P", "2026-07-09 09:00", "unit")
    told.praised("Q", "2026-07-09 09:00", "group")
    edition = with_trigger(Praise(on="praise", to="unit"))

    (one,) = seen(told, edition)

    assert (one.occurrence.key, one.occurrence.words, one.marks) == (
        "praise",
        (("受表扬（unit）",), ("praised to: unit",)),
        (early.id,),
    )


def test_what_comes_later_does_not_hide_what_came_before_it() -> None:
    """Three of a kind, the middle one not known yet or void: the third is seen all the same."""
    praised = Told()
    for praise, day in (("P", "2026-07-09"), ("Q", "2026-07-08")):
        praised.praised(praise, f"{day} 09:00", "unit")
    assert len(seen(praised, with_trigger(Praise(on="praise", to="unit")))) == 2
    assert len(seen(praised, with_trigger(Praise(on="praise", to="unit")), "2026-07-09 09:00")) == 1


def test_a_record_says_what_it_still_lacks() -> None:
    told = Told()
    registered = told.registered("A", "2026-07-10 09:00", missing=["phone", "address"])

    (one,) = seen(told, with_trigger(IncompleteRecord(on="incomplete-record")))

    assert (one.occurrence.key, one.occurrence.words, one.marks) == (
        "record",
        (("登记当月月末仍缺：phone, address",), ("still missing when the month ended: phone, address",)),
        (registered.id,),
    )


def missed_callback(told: Told, occurrence: int, due: str, plan: str = "p") -> Fact:
    fact = told.callback_missed("A", due, plan=plan)
    told.facts[-1] = fact._replace(data={**fact.data, "occurrence": occurrence})
    return told.facts[-1]


def test_a_missed_callback_says_its_deadline_and_clause() -> None:
    told = Told()
    missed = missed_callback(told, 1, "2026-07-10 09:00")

    (one,) = seen(told, with_trigger(CallbackFault(on="missed-callback")))

    assert (one.occurrence.key, one.marks, one.occurrence.clauses) == (
        "callback#1",
        (missed.id, "callback#1"),
        ("JK-27",),
    )
    assert one.occurrence.words == (
        ("回访期限 2026-07-10 星期五 09:00 已过",),
        ("not called back before Fri 10 Jul 2026 09:00",),
    )


def test_of_several_callbacks_each_is_judged_by_itself() -> None:
    """The first was voided in time, the second is of another plan; the third was missed."""
    told = Told()
    missed_callback(told, 1, "2026-07-08 09:00")
    told.callback_voided("A", "2026-07-07 09:00")
    missed_callback(told, 2, "2026-07-09 09:00", plan="q")
    missed_callback(told, 3, "2026-07-10 09:00")
    edition = with_trigger(CallbackFault(on="missed-callback", plans=("p",)))

    assert [one.occurrence.key for one in seen(told, edition)] == ["callback#3"]
    assert seen(told, edition, "2026-07-10 08:59") == []


def test_the_plan_of_a_callback_is_told_by_when_it_fell_due() -> None:
    told = Told()
    told.callback_due("A", "2026-07-01 09:00", "2026-07-10 09:00", occurrence=2, plan="q")
    told.callback_due("A", "2026-07-01 09:00", "2026-07-10 09:00", plan="p")
    missed_callback(told, 1, "2026-07-10 09:00", plan="")

    assert len(seen(told, with_trigger(CallbackFault(on="missed-callback", plans=("p",))))) == 1
    assert seen(told, with_trigger(CallbackFault(on="missed-callback", plans=("q",)))) == []


# What stops a watch


def watched(stops_at: str) -> Tariffs:
    """Return jinke, where each day that the watch 'handled' is overdue has its price."""

    def change(rules: Rules) -> Rules:
        watch = rules.procedures.watches["handled"].model_copy(update={"stops_at": stops_at})
        watches: Mapping[str, Watch] = {**rules.procedures.watches, "handled": watch}
        procedures = rules.procedures.model_copy(update={"watches": watches})
        trigger = MissedDeadline(on="missed-deadline", clocks=("handled",), per=Limit(days=1))
        ruled = with_offences(rules, missed_step={"trigger": trigger})
        return ruled.model_copy(update={"procedures": procedures})

    return Tariffs.of(an_edition_with(change))


def tell_resolved(told: Told) -> None:
    event = CaseResolved(complaint_id=case_uuid("A"), way="words")
    told.tell("handling", case_id("A"), BRANCH, "2026-07-05 10:00", event)


STOPS: Mapping[str, Callable[[Told], Any]] = {
    "registered": lambda told: told.registered("A", "2026-07-05 10:00"),
    "done": lambda told: told.done("A", "2026-07-05 10:00"),
    "resolved": tell_resolved,
    "complete": lambda told: told.amended("A", "2026-07-05 10:00"),
    "incomplete": lambda told: told.amended("A", "2026-07-05 10:00", ["phone"]),
    "closed": lambda told: told.case_closed("A", "2026-07-05 10:00"),
    "withdrawn": lambda told: told.withdrawn("A", "2026-07-05 10:00"),
    "praised": lambda told: told.praised("A", "2026-07-05 10:00", "unit"),
}


@pytest.mark.parametrize(
    ("stops_at", "stops"),
    [
        ("registration", {"registered"}),
        ("first-step", {"done"}),
        ("first-answer", {"done"}),
        ("resolution", {"resolved"}),
        ("closing", set()),
        ("record-complete", {"complete"}),
    ],
)
def test_a_watch_runs_on_until_what_stops_it_or_the_end_of_the_case(stops_at: str, stops: set[str]) -> None:
    """Due 1 July 09:00, stopped on 5 July 10:00: the 2nd, 3rd, 4th and 5th at 09:00, else on to the 9th, the first after now."""
    tariffs = watched(stops_at)
    days: dict[str, int] = {}
    for name, tell in STOPS.items():
        told = Told()
        told.missed("A", "2026-07-01 09:00", "handled")
        tell(told)
        history = History.of(in_order(told.facts))
        days[name] = len(list(overdue_times(history, at("2026-07-09 08:59"), tariffs)))

    assert days == {name: 4 if name in {*stops, "closed", "withdrawn"} else 8 for name in STOPS}


def daily(told: Told) -> Sequence[datetime]:
    trigger = MissedDeadline(on="missed-deadline", clocks=("steps",), per=Limit(days=1))
    tariffs = Tariffs.of(with_trigger(trigger))
    history = History.of(in_order(told.facts))
    return [one for *_, one in overdue_times(history, at("2026-07-09 08:59"), tariffs)]


@pytest.mark.parametrize(
    ("fields", "days"),
    [
        ({}, 4),
        ({"occurrence": 2}, 8),
        ({"step": "another"}, 8),
    ],
    ids=["itself", "another round", "another step"],
)
def test_a_step_is_undone_until_it_is_done_in_the_same_round(fields: Mapping[str, Any], days: int) -> None:
    told = Told()
    told.missed("A", "2026-07-01 09:00")
    told.done("A", "2026-07-05 10:00", **fields)

    assert len(daily(told)) == days


def test_a_deed_that_is_told_of_as_done_before_it_was_due_ends_nothing() -> None:
    told = Told()
    told.missed("A", "2026-07-01 09:00")
    told.done("A", "2026-07-01 08:59")

    assert len(daily(told)) == 8


def test_a_day_still_undone_names_its_number_its_moment_and_the_clock() -> None:
    trigger = MissedDeadline(on="missed-deadline", clocks=("steps",), per=Limit(days=1), most=1)
    told = Told()
    missed = told.missed("A", "2026-07-01 09:00")

    found = seen(told, with_trigger(trigger))

    (one,) = [each for each in found if "time-" in each.occurrence.key]
    assert (one.occurrence.key, one.marks, one.since) == (
        "facts#1/time-1",
        (missed.id, "facts", "facts#1"),
        at("2026-07-01 09:00"),
    )
    assert one.occurrence.words == (
        ("限 2026-07-01 09:00 前", "至 2026-07-02 星期四 09:00 仍未完成（第 1 次）"),
        ("due before 2026-07-01 09:00", "still undone at Thu 2 Jul 2026 09:00 (1)"),
    )
    assert one.occurrence.clauses == ("JK-03",)


def test_the_next_time_that_costs_is_after_now() -> None:
    trigger = MissedDeadline(on="missed-deadline", clocks=("steps",), per=Limit(days=1))
    tariffs = Tariffs.of(with_trigger(trigger))
    told = Told()
    told.missed("A", "2026-07-01 09:00")
    history = History.of(told.facts)

    assert next_overdue(history, at("2026-07-05 08:59"), tariffs) == at("2026-07-05 09:00")
    assert next_overdue(history, at("2026-07-05 09:00"), tariffs) == at("2026-07-06 09:00")
    assert next_overdue(history, at("2026-07-05 08:59"), Tariffs.of(an_edition())) is None
    assert next_overdue(History.of([]), at("2026-07-05 08:59"), tariffs) is None
