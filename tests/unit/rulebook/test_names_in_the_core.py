"""What the core calls by name: events, errors, verdicts, presets and fields are those that others know."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from services.scoring.domain.facts import COUNTED_TYPES, REPLAYED_TYPES, History, by_subject, facts_at
from services.scoring.domain.month import Tariffs
from services.scoring.domain.overturns import Overturn, overturns
from services.scoring.domain.triggers import TRIGGERING, next_overdue
from shared.errors import SupervisionError
from shared.events import EVENTS
from shared.rulebook.disputes import AdviceMissingError, Contested, DecidedError, RecusedError, TermOverError
from shared.rulebook.formulas import Formula, formula_of
from shared.rulebook.schema.base import Match
from shared.rulebook.schema.scoring import Counted, Indicator
from shared.timekeeping.base_types import BeyondTimeError
from shared.timekeeping.calendar import (
    OFFICE_HOURS,
    CalendarYear,
    Holiday,
    NoDayTableError,
    WorkingCalendar,
    add_months,
)
from shared.timekeeping.clocks import (
    Agreed,
    Cancelled,
    ClockEvent,
    ClockOrderError,
    Extended,
    Paused,
    Restarted,
    Resumed,
    Retargeted,
    Started,
    Stopped,
    Verdict,
    evaluate,
)
from shared.timekeeping.limits import Limit, MomentMissingError, due_before
from tests.builders_facts import Told, at
from tests.builders_rules import an_edition

# Events


def test_what_scoring_keeps_is_in_the_catalogue_and_kept_under_its_own_name() -> None:
    fact = Told().registered("A", "2026-07-01 09:00")
    data = {**fact.data, "unit": "chongqing-branch"}
    kept = {kind for kind in EVENTS if by_subject([fact._replace(type=kind, subject="s", data=data)])}

    assert kept == COUNTED_TYPES
    assert kept >= REPLAYED_TYPES


def test_what_shows_an_offence_is_in_the_catalogue() -> None:
    tariffs = Tariffs.of(an_edition())

    assert next_overdue(History.of([]), at("2026-07-01 09:00"), tariffs) is None
    assert EVENTS.keys() >= TRIGGERING


@pytest.mark.parametrize("kind", ["registered", "opened", "found", "reclassified", "settled"])
def test_what_a_matter_is_is_told_by_five_events(kind: str) -> None:
    """What it was registered and opened as holds from receipt; the rest from when it was told."""
    told = Told()
    fact = told.registered("A", "2026-07-02 09:00", grade="grade-2")
    name = {
        "registered": "complaint.registered.v1",
        "opened": "case.opened.v1",
        "found": "finding.made.v1",
        "reclassified": "case.reclassified.v1",
        "settled": "settlement.proposed.v1",
    }[kind]
    assert name in EVENTS
    names = ("kind", "class_", "validity", "item", "channel", "way", "liable")
    data = {one: one for one in (*names, "procedure", "grade", "tier", "service")} | {"flags": ["media"]}
    history = History.of([fact._replace(type=name, data=data)])
    fields = EVENTS[name].model_fields
    known = {one.rstrip("_"): one for one in data if one in fields and one != "flags"}
    flags = ("media",) if "flags" in fields else ()

    assert facts_at(history, fact.time) == (known, flags)
    before = facts_at(history, at("2026-07-01 09:00"))
    assert before == ((known, flags) if kind in {"registered", "opened"} else ({}, ()))


# Errors


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (NoDayTableError("calendars/cn", date(2031, 1, 2)), "no-day-table"),
        (ClockOrderError("x"), "clock-order"),
        (TermOverError("x"), "term-over"),
        (RecusedError("x"), "recused"),
        (AdviceMissingError("x"), "advice-missing"),
        (DecidedError("x"), "dispute-decided"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_a_refusal_has_the_code_that_programs_know_it_by(error: SupervisionError, code: str) -> None:
    contested = Contested("posting", "o", at("2026-07-01 09:00"), "b")

    assert (error.code, contested.person, contested.made_in) == (code, "", "")
    assert overturns([]) == tuple[Overturn, ...]()
    assert Stopped(at=at("2026-07-01 09:00")).kind == "stopped"


def test_a_date_beyond_the_years_that_there_are_has_its_code() -> None:
    with pytest.raises(BeyondTimeError, match="This leads outside the years 1 to 9999") as caught:
        add_months(date(9999, 12, 1), 1)

    assert caught.value.code == "beyond-time"
    assert add_months(date(9999, 11, 1), 1) == date(9999, 12, 1)
    assert add_months(date(1, 2, 1), -1) == date(1, 1, 1)


def test_a_limit_until_a_moment_that_nobody_stated_has_its_code() -> None:
    with pytest.raises(MomentMissingError) as caught:
        due_before(Limit(until="handover"), at("2026-07-01 09:00"), an_edition().calendar)

    assert caught.value.code == "moment-missing"


# Clocks

NOW = datetime(2026, 7, 1, tzinfo=UTC)
DAY = {"days": 1}
MOMENTS = [{"name": "handover", "at": "2026-07-05T00:00:00Z"}]
HAPPENED: Mapping[str, tuple[type[BaseModel], dict[str, Any]]] = {
    "started": (Started, {"limit": DAY, "source": "JK-03", "moments": MOMENTS}),
    "paused": (Paused, {"reason": "away"}),
    "resumed": (Resumed, {}),
    "retargeted": (Retargeted, {"limit": DAY, "source": "JK-03", "moments": MOMENTS}),
    "extended": (Extended, {"by": DAY, "approval": "head"}),
    "agreed": (Agreed, {"due_before": "2026-07-05T00:00:00Z", "by": "owner"}),
    "restarted": (Restarted, {}),
    "stopped": (Stopped, {}),
    "cancelled": (Cancelled, {}),
}


@pytest.mark.parametrize("kind", HAPPENED)
def test_what_happens_to_a_clock_is_stored_under_its_kind_and_read_back(kind: str) -> None:
    """INVARIANT: a clock that was stored is the clock that is read, its moments in a plain list.

    What breaks it: a kind that is written in another way than it is read, or a list that must be a tuple.
    """
    model, fields = HAPPENED[kind]
    one = model.model_validate({"at": "2026-07-01T00:00:00Z", **fields})
    stored = one.model_dump(mode="json")

    assert (stored["kind"], getattr(one, "at", None)) == (kind, NOW)
    assert len(stored.get("moments", [])) == len(fields.get("moments", []))
    assert TypeAdapter(ClockEvent).validate_python(stored) == one


def test_a_reading_without_a_round_before_has_none_and_is_read_back() -> None:
    start = Started(at=at("2026-07-01 09:00"), limit=Limit(days=1), source="JK-03")
    reading = evaluate([start], an_edition().calendar)

    assert reading.earlier == ()
    assert start.moments == ()
    assert (start.label.zh, start.label.en) == ("收到", "received")
    assert type(reading).model_validate(reading.model_dump(mode="json")) == reading
    assert type(reading).model_validate(reading.model_dump(mode="json", exclude={"earlier"})) == reading


def test_a_verdict_is_one_of_four_words() -> None:
    start = Started(at=at("2026-07-01 09:00"), limit=Limit(days=1), source="JK-03")
    reading = evaluate([start], an_edition().calendar)

    assert reading.verdict(at("2026-07-01 10:00")) == "running"
    assert [str(one) for one in Verdict] == ["running", "met", "missed", "cancelled"]


@pytest.mark.parametrize(
    "measure",
    [f"{kind}{unit}" for kind in ("", "working_") for unit in ("minutes", "hours", "days")]
    + ["weeks", "months"],
)
def test_no_limit_is_longer_than_ten_thousand_of_its_measure(measure: str) -> None:
    assert getattr(Limit.model_validate({measure: 10_000}), measure) == 10_000
    with pytest.raises(ValidationError):
        Limit.model_validate({measure: 10_001})
    with pytest.raises(ValidationError):
        Limit.model_validate({measure: 0})


# Presets


@pytest.mark.parametrize(
    ("measure", "formula"),
    [
        ("satisfaction", ("answers", "satisfied", ())),
        ("record-completeness", ("matters", "complete", ())),
        ("on-time", ("clocks", "in-time", ("steps",))),
        ("callback-coverage", ("callbacks", "attempted", ())),
        # Jinke's steps that answer a customer.
        ("first-response", ("clocks", "in-time", None)),
    ],
)
def test_a_measure_of_every_rulebook_is_a_share_of_what_was_counted(
    measure: str, formula: tuple[str, str, tuple[str, ...] | None]
) -> None:
    rules = an_edition().slices[-1][1]
    count, state, of = formula
    if of is None:
        of = tuple(
            sorted(
                {
                    key
                    for one in rules.procedures.procedures.values()
                    for key, step in one.steps.items()
                    if step.answers
                }
                | {key for key, one in rules.procedures.watches.items() if one.stops_at == "first-answer"}
            )
        )
    indicator = Indicator.model_validate(
        {"since": "2026-01-01", "source": "JK-01", "title": {"zh": "一", "en": "one"}, "measure": measure},
        by_name=True,
    )
    whole = Counted.model_validate({"count": count, "of": of})

    assert formula_of(indicator, rules) == Formula("share", whole.model_copy(update={"is_": (state,)}), whole)


def test_complaints_are_the_matters_of_the_kinds_that_count_as_complaints() -> None:
    rules = an_edition().slices[-1][1]
    indicator = Indicator.model_validate(
        {
            "since": "2026-01-01",
            "source": "JK-01",
            "title": {"zh": "一", "en": "one"},
            "measure": "complaint-count",
        },
        by_name=True,
    )
    kinds = tuple(sorted(key for key, one in rules.intake.kinds.items() if one.counts_as_complaint))

    assert formula_of(indicator, rules) == Formula(
        "count", Counted.model_validate({"count": "matters", "when": Match(kind=kinds)})
    )
    none = rules.intake.model_copy(update={"kinds": {}})
    formula = formula_of(indicator, rules.model_copy(update={"intake": none}))
    assert isinstance(formula.numerator, Counted)
    # A kind that nothing bears: an empty list would count everything.
    assert formula.numerator.when.kind == ("-",)


# Day tables


def test_the_fields_of_a_day_table_say_what_they_mean() -> None:
    holiday = Holiday(holiday="元旦", holiday_en="New Year", first=date(2026, 1, 1), last=date(2026, 1, 3))
    table = CalendarYear(year=2026, status="official", source="notice", holidays=(holiday,))
    said = {
        name: field.description
        for model in (type(holiday), type(table))
        for name, field in model.model_fields.items()
        if field.description is not None
    }

    assert (holiday.make_up, table.note) == ((), None)
    assert said == {
        "holiday": "Its name in Chinese.",
        "holiday_en": "Its name in English.",
        "first": "The first day off.",
        "last": "The last day off.",
        "make_up": "Weekend days worked for it.",
        "source": "The notice that the table copies.",
        "note": "What a reader must know. Provisional years need it.",
    }


@pytest.mark.parametrize("blank", ["holiday", "holiday_en"])
def test_a_holiday_has_both_names(blank: str) -> None:
    names = {"holiday": "元旦", "holiday_en": "New Year", "first": "2026-01-01", "last": "2026-01-03"}

    assert Holiday.model_validate({**names, "make_up": ["2026-01-04"]}).make_up == (date(2026, 1, 4),)
    with pytest.raises(ValidationError):
        Holiday.model_validate({**names, blank: ""})


def test_a_calendar_without_more_keeps_office_hours_and_names_the_table_that_it_lacks() -> None:
    calendar = WorkingCalendar(ZoneInfo("Asia/Shanghai"))

    assert calendar.hours == OFFICE_HOURS == ((time(9), time(12)), (time(13), time(18)))
    with pytest.raises(NoDayTableError) as caught:
        calendar.day_of_year(date(2026, 1, 2))
    assert str(caught.value) == (
        "No day table says whether 2026-01-02 is worked. Add rulebooks/calendars/cn/2026.yaml "
        "from the official notice, or a provisional one."
    )
