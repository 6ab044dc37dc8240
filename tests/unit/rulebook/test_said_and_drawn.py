"""What is told of refusals, corrections and day tables word by word, and what chance does to a mean."""

import time as clock
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from fractions import Fraction
from statistics import fmean, pvariance
from typing import Any, get_args

import pytest

from services.scoring.domain.fair import FunnelLimits, drawing_normal, funnel, stream
from services.scoring.domain.fair_view import FairRow, FairView, Status, document_of, fair_view
from services.scoring.domain.overturns import hands_in
from shared.errors import FieldProblem, InvalidInputError, SupervisionError
from shared.events import Event
from shared.events.handling import ClockChanged, FindingMade
from shared.events.intake import ComplaintRegistered
from shared.events.scoring import InspectionRecorded
from shared.rulebook.differences import changes
from shared.rulebook.disputes import (
    Contested,
    Party,
    check_advice,
    check_correction,
    check_lodging,
    check_ruling,
)
from shared.rulebook.edition import Edition
from shared.rulebook.schema.procedures import Appeals
from shared.timekeeping.calendar import Flow
from shared.timekeeping.clocks import Extended, Started, evaluate
from shared.timekeeping.limits import Limit
from shared.values.canonical import plain
from tests.builders_facts import Told, at
from tests.builders_rules import an_edition, with_scoring
from tests.unit.rulebook.test_fair_view import ruled

# Who stands aside, and what they are told

CHARGED = Contested(
    "posting",
    "o",
    at("2026-07-01 10:00"),
    "branch",
    person="li",
    made_in="office",
    hands=frozenset({"inspector"}),
)
LODGER = Party("zhou", "desk", "clerk", frozenset())
JUDGE = Party("judge", "group", "director", frozenset({"cases.rule"}))


def a_rule(**fields: Any) -> Appeals:  # noqa: ANN401  # fields of a rule
    rule = {
        "since": "2026-01-01",
        "source": ["JK-01", "JK-02"],
        "title": {"zh": "一", "en": "one"},
        "within": {"days": 7},
        "decided_within": {"days": 7},
        "right": "cases.rule",
    }
    return Appeals.model_validate({**rule, **fields}, by_name=True, by_alias=True)


def within(unit: str, top: str) -> bool:
    return top in {"group", unit}


def ruling(by: Party = JUDGE, advised_by: str = "", **rule: Any) -> None:  # noqa: ANN401  # fields of a rule
    check_ruling(a_rule(**rule), CHARGED, LODGER, by, at("2026-07-02 10:00"), within, advised_by=advised_by)


@pytest.mark.parametrize(
    ("by", "rule", "code", "said"),
    [
        (
            replace(JUDGE, rights=frozenset()),
            {},
            "forbidden",
            "Role 'director' lacks the right 'cases.rule' that this ruling needs (JK-01, JK-02).",
        ),
        (
            JUDGE,
            {"decides": ["president", "board"]},
            "forbidden",
            "This is ruled by: president, board (JK-01, JK-02); you are a 'director'.",
        ),
        (
            replace(JUDGE, unit="office"),
            {"next_tier": True},
            "forbidden",
            "Somebody of a unit above 'office' rules this (JK-01, JK-02); yours is 'office'.",
        ),
        (
            replace(JUDGE, person="inspector"),
            {},
            "recused",
            "Whoever made or answers for what is contested does not rule it. Hand it to somebody else.",
        ),
        (
            replace(JUDGE, person="li"),
            {},
            "recused",
            "Whoever made or answers for what is contested does not rule it. Hand it to somebody else.",
        ),
        (
            replace(JUDGE, unit="branch"),
            {},
            "recused",
            "Nobody of 'branch', which is charged, rules this. Hand it to somebody of another unit.",
        ),
        (
            replace(JUDGE, person="zhou"),
            {},
            "recused",
            "Whoever lodged it, and their unit, neither advises nor rules. Hand it to somebody of another unit.",
        ),
        (
            replace(JUDGE, unit="desk"),
            {},
            "recused",
            "Whoever lodged it, and their unit, neither advises nor rules. Hand it to somebody of another unit.",
        ),
        (
            JUDGE,
            {"advises": "adviser"},
            "advice-missing",
            "The role 'adviser' advises first (JK-01, JK-02). Wait for the advice, or until its time is over.",
        ),
        (
            replace(JUDGE, person="wise"),
            {},
            "recused",
            "Who advised does not rule as well. Hand it to somebody else.",
        ),
    ],
)
def test_who_may_not_rule_is_told_why_and_who_may(
    by: Party, rule: dict[str, Any], code: str, said: str
) -> None:
    ruling(next_tier=True)
    with pytest.raises(SupervisionError) as refused:
        ruling(by, "wise" if by.person == "wise" else "", **rule)

    assert (refused.value.code, str(refused.value)) == (code, said)


@pytest.mark.parametrize(("advises", "who"), [("", "nobody"), ("adviser", "the role 'adviser'")])
def test_who_may_not_advise_is_told_who_does(advises: str, who: str) -> None:
    with pytest.raises(SupervisionError) as refused:
        check_advice(a_rule(advises=advises), CHARGED, LODGER, JUDGE)

    assert str(refused.value) == f"By this rule {who} advises (JK-01, JK-02); you are a 'director'."


def test_a_correction_in_place_of_a_dispute_is_told_to_lodge_one() -> None:
    with pytest.raises(SupervisionError) as refused:
        check_correction(a_rule(advises="adviser"), CHARGED, JUDGE, within)

    assert str(refused.value) == (
        "The role 'adviser' advises first (JK-01, JK-02). Lodge a dispute: POST /v1/disputes."
    )


def lodging(by: Party, when: str = "2026-07-02 10:00", contested: Contested = CHARGED) -> str:
    rule = a_rule(standing=["charged-unit", "charged-person"])
    return check_lodging(rule, contested, by, at(when), an_edition().calendar, within).standing


def test_who_has_no_standing_is_told_who_has() -> None:
    nobody = replace(CHARGED, person="")

    assert lodging(replace(LODGER, person="li")) == "charged-person"
    for by, contested in ((LODGER, CHARGED), (replace(LODGER, person=""), nobody)):
        with pytest.raises(SupervisionError) as refused:
            lodging(by, contested=contested)
        assert str(refused.value) == (
            "This may be contested by: charged-unit, charged-person (JK-01, JK-02). "
            "Neither you nor your unit 'desk' is one of them."
        )


def test_a_dispute_before_or_after_its_time_is_told_when_it_was() -> None:
    head = replace(LODGER, unit="branch")

    assert lodging(head, "2026-07-01 10:00") == lodging(head, "2026-07-08 09:59") == "charged-unit"
    with pytest.raises(InvalidInputError) as early:
        lodging(head, "2026-07-01 09:59")
    assert str(early.value) == "The dispute was not stored."
    assert list(early.value.problems) == [
        FieldProblem("at", "before what is contested, which stands since 2026-07-01T02:00:00+00:00")
    ]
    # Seven days after 1 July 10:00 in Shanghai, which is 02:00 in UTC.
    with pytest.raises(SupervisionError) as late:
        lodging(head, "2026-07-08 10:00")
    assert str(late.value) == ("The time to contest this ended at 2026-07-08T02:00:00+00:00 (JK-01, JK-02).")


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (FindingMade, "by"),
        (FindingMade, "person"),
        (ComplaintRegistered, "registered_by"),
        (ClockChanged, "approved_by"),
        (InspectionRecorded, "assessor"),
    ],
)
def test_whoever_is_named_as_having_done_something_had_a_hand_in_it(kind: type[Event], name: str) -> None:
    nobody = {"by": "", "registered_by": "", "unit": "b", "to": "x"}
    fact = Told().registered("A", "2026-07-01 09:00")._replace(type=kind.TYPE)

    assert hands_in([fact._replace(data={**nobody, name: "li"})]) == {"li"}
    assert hands_in([fact._replace(data={**nobody, name: ""})]) == frozenset()


# Day tables that differ


def with_year(**fields: Any) -> Edition:  # noqa: ANN401  # fields of a year
    edition = an_edition()
    first, *others = edition.calendar.years
    return replace(
        edition, calendar=replace(edition.calendar, years=(first.model_copy(update=fields), *others))
    )


def test_a_table_of_the_same_days_differs_in_its_notice_from_the_first_of_the_year() -> None:
    year = an_edition().calendar.years[0].year

    (one,) = changes(an_edition(), with_year(source="another notice"))

    assert (one.topic, one.section, one.key, one.field) == ("calendar", "years", str(year), "source")
    assert (one.since, one.until, one.is_wording) == (date(year, 1, 1), date(year + 1, 1, 1), True)
    assert one.now["source"] == "another notice"


def test_a_table_that_is_new_or_gone_differs_as_a_whole() -> None:
    edition = an_edition()
    last = edition.calendar.years[-1].year
    less = replace(edition, calendar=replace(edition.calendar, years=edition.calendar.years[:-1]))

    (gone,), (new,) = changes(edition, less), changes(less, edition)

    for one in (gone, new):
        assert (one.place, one.field, one.since, one.until) == (
            f"calendar.years.{last}",
            "",
            date(last, 1, 1),
            date(last + 1, 1, 1),
        )
    assert (gone.now, new.was) == (None, None)


def test_an_instant_is_written_in_utc_whatever_zone_the_machine_is_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here = datetime(2026, 7, 1, 9, 0, tzinfo=timezone(timedelta(hours=8)))
    try:
        monkeypatch.setenv("TZ", "Asia/Tokyo")
        clock.tzset()
        assert plain(here) == "2026-07-01T01:00:00Z"
    finally:
        monkeypatch.undo()
        clock.tzset()


def test_time_runs_back_within_the_first_interval_and_no_further() -> None:
    nine, ten = datetime(2026, 7, 1, 9, tzinfo=UTC), datetime(2026, 7, 1, 10, tzinfo=UTC)
    day = timedelta(days=1)
    flow = Flow.of([(nine, ten), (nine + day, ten + day)])
    minute, hour = timedelta(minutes=1), timedelta(hours=1)

    assert [flow.moment_before(run) for run in (timedelta(0), minute, hour, hour + minute)] == [
        nine,
        nine + minute,
        nine + day,
        nine + day + minute,
    ]
    assert flow.moment_before(-minute) is None
    assert flow.moment_before(2 * hour) is None
    assert [flow.moment_after(run) for run in (minute, hour, 2 * hour, 3 * hour)] == [
        nine + minute,
        ten,
        ten + day,
        None,
    ]
    assert [flow.run_until(moment) for moment in (nine - hour, nine + minute, ten + hour)] == [
        timedelta(0),
        minute,
        hour,
    ]


def test_an_extension_approved_too_late_is_said_to_be_without_effect() -> None:
    start = Started(at=at("2026-07-01 09:00"), limit=Limit(days=1), source="JK-03")
    late = Extended(at=at("2026-07-02 09:00"), by=Limit(days=3), approval="head")

    reading = evaluate([start, late], an_edition().calendar)

    assert reading.due_before == at("2026-07-02 09:00")
    (zh,) = [line.zh for line in reading.lines if "延期" in line.zh]
    (en,) = [line.en for line in reading.lines if "extension" in line.en]
    assert zh.endswith(" 批准延期，但期限已过，不生效")
    assert en.endswith(" extension approved after the due moment, without effect")


# Chance


def test_a_mean_is_drawn_with_the_spread_of_its_interval() -> None:
    """An interval 3.919928 wide is one of ± 1.959964, whose deviation is 1."""
    numbers: Iterator[float] = stream("mean")
    draw = drawing_normal(Fraction(4), Fraction("3.919928"))

    drawn = [draw(numbers) for _ in range(3000)]

    assert fmean(drawn) == pytest.approx(4, abs=0.08)
    assert pvariance(drawn) == pytest.approx(1, rel=0.15)


def test_no_share_has_a_limit_above_one_or_below_nothing() -> None:
    """0.9 of 4: 0.9 ± 1.96 × 0.15 would be 1.19, and 0.1 of 4 the same below nothing."""
    (high,) = funnel(Fraction(9, 10), [Fraction(4)], "share")
    (low,) = funnel(Fraction(1, 10), [Fraction(4)], "share")
    (rate,) = funnel(Fraction(9, 10), [Fraction(4)], "rate")

    assert (high.high, high.far_high, low.low, low.far_low) == (1.0, 1.0, 0.0, 0.0)
    # 0.9 + 1.959964 × √(0.9 ÷ 4)
    assert rate.high == pytest.approx(0.9 + 1.959964 * 0.4743416, abs=1e-6)


def test_a_ranking_by_a_mean_has_the_interval_of_the_mean_and_no_funnel() -> None:
    rules = ruled({"mean": "satisfaction"})
    figures = [
        {
            "indicator": "it",
            "unit": unit,
            "hits": hits,
            "of": 100,
            "value": value,
            "interval": [low, high],
            "rated": True,
        }
        for unit, hits, value, low, high in (
            ("a", 420, "4.2", "4.1", "4.3"),
            ("b", 300, "3", "2.9", "3.1"),
        )
    ]
    ranked = {
        "ranking": "by-it",
        "rows": [{"rank": 1, "unit": "a", "value": "4.2"}, {"rank": 2, "unit": "b", "value": "3"}],
        "left_out": [],
    }
    month = {
        "period": "2026-07",
        "units": {},
        "rankings": [ranked],
        "indicators": figures,
        "scorecards": [],
        "postings": [],
    }

    view = fair_view(month, "by-it", with_scoring(rules), "5eed")

    assert view.rows == (
        FairRow(
            "a", Fraction(21, 5), Fraction(100), Fraction(41, 10), Fraction(43, 10), None, 1, 1, 1, "usual"
        ),
        FairRow("b", Fraction(3), Fraction(100), Fraction(29, 10), Fraction(31, 10), None, 2, 2, 2, "usual"),
    )
    assert (view.common, view.funnel) == (None, ())


def test_a_fair_view_is_written_as_plain_json() -> None:
    row = FairRow("a", Fraction(1, 3), Fraction(9), None, None, Fraction(1, 2), 1, 1, 2, "usual")
    limits = FunnelLimits(Fraction(4), 0.25, 0.5, 0.125, 0.75)
    view = FairView("2026-07", "r", "it", "high", 1, "5eed", 10, Fraction(1, 2), (row,), (limits,))

    assert document_of(view) == {
        "period": "2026-07",
        "ranking": "r",
        "by": "it",
        "better": "high",
        "per": 1,
        "seed": "5eed",
        "draws": 10,
        "common": "0.5",
        "rows": [
            {
                "unit": "a",
                "value": "0.333333",
                "n": "9",
                "low": None,
                "high": None,
                "shrunk": "0.5",
                "rank": 1,
                "rank_low": 1,
                "rank_high": 2,
                "status": "usual",
            }
        ],
        "funnel": [{"size": "4", "low": "0.25", "high": "0.5", "far_low": "0.125", "far_high": "0.75"}],
    }
    assert get_args(Status) == (
        "usual",
        "unusual",
        "exceptional",
        "not-rated",
        "not-established",
        "nil-return",
    )
