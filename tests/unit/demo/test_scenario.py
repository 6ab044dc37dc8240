"""The made-up quarter: the same for a seed, whole at any size, and never refused by the services' decisions."""

from collections import Counter
from datetime import datetime
from fractions import Fraction
from typing import Any

import pytest

from jiandu.demo.quarter import scenario
from jiandu.demo.scenario import Call, Scenario
from services.handling import domain as handling
from services.scoring.domain.fold import MonthResult, PeriodResult, SpanResult
from shared.rulebook.edition import Edition
from tests.unit.demo.rehearsal import Rehearsal

Results = dict[str, PeriodResult]
FIRST = datetime.fromisoformat("2026-07-01T00:00:00+08:00")
OVER = datetime.fromisoformat("2026-10-01T00:00:00+08:00")


@pytest.fixture(scope="module")
def demo(edition: Edition) -> Scenario:
    """Return the demo as it is by default."""
    return scenario(edition)


def calls_of(one: Scenario) -> list[Call]:
    return [call for story in one.stories for call in story.calls]


def registrations(one: Scenario) -> list[Call]:
    return [call for call in calls_of(one) if call.path == "/v1/complaints"]


def test_a_seed_gives_the_same_quarter_again_and_another_seed_another(edition: Edition) -> None:
    assert scenario(edition, 90, seed=7) == scenario(edition, 90, seed=7)
    assert scenario(edition, 90, seed=7) != scenario(edition, 90, seed=8)


def test_it_has_as_many_complaints_as_are_asked_for(demo: Scenario, edition: Edition) -> None:
    assert demo.complaints == 2_000
    assert scenario(edition, 120).complaints == 120


def test_a_size_below_the_stories_that_show_everything_is_theirs(
    smallest: Scenario, edition: Edition
) -> None:
    assert scenario(edition, 3) == smallest
    assert smallest.complaints <= 60


def test_everything_happens_in_order_and_inside_the_quarter(demo: Scenario) -> None:
    for story in demo.stories:
        times = [call.at for call in story.calls]
        assert times == sorted(times)
        assert all(FIRST <= at < OVER for at in times), story.name


def test_nothing_is_registered_before_it_was_received(demo: Scenario) -> None:
    for call in registrations(demo):
        assert FIRST <= call.body["received_at"] < call.body["registered_at"] == call.at


def test_every_call_has_a_key_of_its_own(demo: Scenario) -> None:
    keys = Counter((call.account, call.key) for call in calls_of(demo))
    assert max(keys.values()) == 1


def test_owners_speak_in_more_than_a_thousand_different_texts(demo: Scenario) -> None:
    said = [call.body["fields"]["words"] for call in registrations(demo)]
    assert len(set(said)) > 1_800
    assert not [text for text in said if "{" in text or "}" in text]


def test_no_two_owners_share_a_telephone_and_some_complain_again(demo: Scenario) -> None:
    fields = [call.body["fields"] for call in registrations(demo)]
    people = {(one["name"], one["phone"]) for one in fields}
    assert len(people) == len({phone for _, phone in people})
    assert len(people) < len(fields)


def test_the_first_month_alone_ends_with_the_month(edition: Edition) -> None:
    july = scenario(edition, 150, months=1)
    assert july.complaints == 150
    assert max(call.at for call in calls_of(july)) < datetime.fromisoformat("2026-08-01T00:00:00+08:00")
    assert [one.period for one in july.closings] == ["2026-07"]


def test_periods_are_published_on_the_tenth_and_the_national_holiday_moves_none(demo: Scenario) -> None:
    # 10 August is a Monday, 10 September a Thursday. 10 October is a Saturday, worked to make up for the holiday.
    published = {one.period: f"{one.at.astimezone(FIRST.tzinfo):%m-%d}" for one in demo.closings if one.at}
    assert published == {"2026-07": "08-10", "2026-08": "09-10", "2026-09": "10-10", "2026-Q3": "10-10"}


def test_every_procedure_is_followed(played: Rehearsal, edition: Edition) -> None:
    rules = edition.at(FIRST).procedures.procedures
    followed = {one.procedure for case in played.cases.values() for one in case.procedures}
    added = {clock.procedure for case in played.cases.values() for clock in case.clocks}
    assert followed | added == set(rules)


def test_every_command_on_a_case_is_given(played: Rehearsal) -> None:
    # 'reopen' is the callback's doing, and every procedure of this regulation has a step that resolves. It has no
    # findings by two, no extensions that are asked for first, and nobody who advises on appeals.
    elsewhere = {"confirm-finding", "ask-extension", "advise-appeal"}
    assert set(handling.RIGHTS) - set(played.commands) == {"reopen", "resolve", *elsewhere}
    assert "case.reopened.v1" in {one["type"] for one in played.told}


def test_every_step_with_a_deadline_is_missed_once_at_least(played: Rehearsal, edition: Edition) -> None:
    rules = edition.at(FIRST).procedures
    owed = {
        (key, name)
        for key, rule in rules.procedures.items()
        for name, step in rule.steps.items()
        if step.within
    }
    missed = {
        (one["data"]["procedure"], one["data"]["clock"]) for one in of_type(played, "deadline.missed.v1")
    }
    assert owed <= missed
    assert set(rules.watches) <= {clock for _, clock in missed}


def test_every_way_pause_extension_power_and_level_is_used(played: Rehearsal, edition: Edition) -> None:
    rules = edition.at(FIRST)
    ways = {one["data"]["way"] for one in of_type(played, "settlement.approved.v1")}
    assert ways == set(rules.procedures.ways)
    changes = Counter(one["data"]["change"] for one in of_type(played, "clock.changed.v1"))
    assert set(changes) == {"paused", "resumed", "extended", "agreed"}
    reasons = {pause.reason for case in played.cases.values() for pause in case.pauses}
    assert reasons == set(rules.procedures.pauses)
    assert {one["data"]["power"] for one in of_type(played, "power.used.v1")} == set(rules.rights.powers)
    assert {one["data"]["level"] for one in of_type(played, "case.escalated.v1")} == {1, 2, 3}


def test_a_short_deposit_leaves_only_the_shortfall_to_the_contractor(played: Rehearsal) -> None:
    paid = [one["data"] for one in of_type(played, "settlement.approved.v1") if one["data"]["amount"]]
    assert any(0 < float(one["paid_directly"]) < float(one["amount"]) for one in paid)


def test_an_appeal_is_upheld_and_one_is_refused(played: Rehearsal) -> None:
    decided = of_type(played, "appeal.decided.v1")
    assert {one["data"]["upheld"] for one in decided if one["data"]["against"] != "finding"} == {True, False}


def test_every_offence_costs_points(results: Results, edition: Edition) -> None:
    months = [one for one in results.values() if isinstance(one, MonthResult)]
    assert {posting.rule for month in months for posting in month.postings} == set(
        edition.at(FIRST).scoring.offences
    )
    assert not [posting for month in months for posting in month.uncharged]


def test_the_later_month_takes_the_difference(results: Results) -> None:
    # "neither": 3 points in July for the late record; in August 10 for neither, and July's 3 back.
    # The missed step of a case that was then never handled, and the appeal upheld, come back in August too.
    august = results["2026-08"]
    assert isinstance(august, MonthResult)
    back = {posting.rule: posting.points for posting in august.postings if posting.reverses}
    assert back["hr-not-recorded"] == 3
    assert back["missed-step"] == 2


def test_an_upheld_dispute_gives_both_sheets_back_what_july_lost(played: Rehearsal, results: Results) -> None:
    # The inspector's finding costs 5 on the scorecard and 5 on the sheet for HR, both in July.
    # The ruling of 13 August gives 5 and 5 back, and no other month knows of the complaint.
    costs = [
        (month, posting.rule, int(posting.points), bool(posting.reverses))
        for month, result in results.items()
        if isinstance(result, MonthResult)
        for posting in result.postings
        if posting.subject == played.ids["disputed"]
    ]
    assert sorted(costs) == [
        ("2026-07", "hr-shirking", -5, False),
        ("2026-07", "shirking", -5, False),
        ("2026-08", "hr-shirking", 5, True),
        ("2026-08", "shirking", 5, True),
    ]


def test_three_complaints_without_cause_make_a_problem_user_whom_two_sign(played: Rehearsal) -> None:
    (file,) = played.files.values()
    complaints = [case for name, case in played.ids.items() if name.startswith("problem-user")]

    assert [played.cases[case].validity for case in complaints] == ["invalid", "invalid", "invalid"]
    assert file.flag
    assert (file.flag.status, file.flag.proposed_by, file.flag.decided_by) == (
        "confirmed",
        "chengdu-importer",
        "chengdu-head",
    )
    told = of_type(played, "customer.flagged.v1")
    assert [one["data"]["status"] for one in told] == ["proposed", "confirmed"]


def test_what_the_problem_user_complained_about_costs_nobody_a_point(
    played: Rehearsal, results: Results
) -> None:
    complaints = {case for name, case in played.ids.items() if name.startswith("problem-user")}
    months = [one for one in results.values() if isinstance(one, MonthResult)]
    assert not [one for month in months for one in month.postings if one.subject in complaints]


def test_the_ranking_tells_the_branches_apart(results: Results, edition: Edition) -> None:
    larger = scenario(edition, 160)
    for found in (results, Rehearsal.of(larger, edition).results(larger)):
        _is_told_apart(found)


def _is_told_apart(results: Results) -> None:
    quarter = results["2026-Q3"]
    assert isinstance(quarter, SpanResult)
    assert [row.unit for row in quarter.rankings[0].rows] == [
        "chengdu-branch",
        "chongqing-branch",
        "changsha-branch",
        "wuxi-branch",
    ]
    assert [award.unit for award in quarter.awards] == ["chengdu-branch"]
    july = results["2026-07"]
    assert isinstance(july, MonthResult)
    assert july.rankings[0].rows[0].unit == "chongqing-branch"
    assert {row.value < Fraction(80) for row in july.rankings[0].rows} == {True, False}


def test_three_months_under_eighty_end_with_advice(results: Results) -> None:
    advised = {
        name: [one.unit for one in result.recommendations]
        for name, result in results.items()
        if isinstance(result, MonthResult)
    }
    assert advised == {"2026-07": [], "2026-08": [], "2026-09": ["wuxi-branch"]}


def of_type(played: Rehearsal, type_: str) -> list[dict[str, Any]]:
    return [one for one in played.told if one["type"] == type_]
