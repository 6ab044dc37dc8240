"""The demo of any group: the services' own decisions accept every call, and its rankings rank."""

from collections import Counter
from datetime import datetime
from fractions import Fraction

import pytest

from jiandu.demo.habits import FOLDER, Habits, habits_of
from jiandu.demo.quarter import scenario_of
from jiandu.demo.scenario import Scenario
from services.scoring.domain.fold import MonthResult, PeriodResult
from tests.unit.demo.rehearsal import Rehearsal
from tests.unit.rulebook.worked import edition_of, organisation_of

GROUPS = ("jinke", "luneng", "zhongyida", "xinao", "general")
SIZE = 60

FIRST = datetime.fromisoformat("2026-07-01T00:00:00+08:00")
OVER = datetime.fromisoformat("2026-10-01T00:00:00+08:00")


def a_scenario(group: str, *, habits: Habits | None = None, seed: int = 7, months: int = 3) -> Scenario:
    chosen = habits_of(group) if habits is None else habits
    return scenario_of(edition_of(group), organisation_of(group), chosen, SIZE, seed, months)


def rehearsed(told: Scenario, group: str) -> tuple[Rehearsal, dict[str, PeriodResult]]:
    """Play a scenario on the services' decisions; what is refused raises."""
    played = Rehearsal.of(told, edition_of(group), organisation_of(group))
    return played, played.results(told)


@pytest.fixture(scope="module", params=GROUPS)
def group(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def told(group: str) -> Scenario:
    return a_scenario(group)


@pytest.fixture(scope="module")
def played(told: Scenario, group: str) -> tuple[Rehearsal, dict[str, PeriodResult]]:
    return rehearsed(told, group)


def test_no_call_is_refused_and_every_period_closes(
    told: Scenario, played: tuple[Rehearsal, dict[str, PeriodResult]]
) -> None:
    _, results = played

    assert list(results) == [one.period for one in told.closings]
    assert [one for one in results.values() if isinstance(one, MonthResult) and one.uncharged] == []


def test_every_ranking_of_a_played_period_has_rows_that_tell_the_units_apart(
    group: str, played: tuple[Rehearsal, dict[str, PeriodResult]]
) -> None:
    _, results = played
    rankings = edition_of(group).slices[-1][1].scoring.rankings

    values: dict[str, set[Fraction]] = {}
    for result in results.values():
        for one in result.rankings:
            values.setdefault(one.ranking, set()).update(row.value for row in one.rows)

    # The year is not over when the quarter is.
    assert {key for key, found in values.items() if len(found) > 1} == {
        key for key, one in rankings.items() if one.every != "year"
    }


def test_everything_happens_in_order_and_inside_the_time_that_is_played(told: Scenario) -> None:
    for story in told.stories:
        times = [call.at for call in story.calls]
        assert times == sorted(times)
        assert all(FIRST <= at < OVER for at in times), story.name


def test_every_call_has_a_key_of_its_own(told: Scenario) -> None:
    keys = Counter((call.account, call.key) for story in told.stories for call in story.calls)
    assert max(keys.values()) == 1


def test_matters_of_every_kind_come_and_close(
    group: str, played: tuple[Rehearsal, dict[str, PeriodResult]]
) -> None:
    rehearsal, _ = played
    closed = {case.kind for case in rehearsal.cases.values() if case.status == "closed"}
    assert closed == set(edition_of(group).slices[-1][1].intake.kinds)


def test_a_seed_gives_the_same_quarter_again_and_another_seed_another() -> None:
    assert a_scenario("luneng") == a_scenario("luneng")
    assert a_scenario("luneng") != a_scenario("luneng", seed=8)


def test_a_group_without_habits_has_a_demo_too() -> None:
    told = a_scenario("xinao", habits=Habits(), months=1)

    _, results = rehearsed(told, "xinao")

    assert list(results) == ["2026-07"]
    assert any(one.rows for one in results["2026-07"].rankings)


def test_habits_name_only_units_kinds_fields_and_duties_that_there_are() -> None:
    for path in FOLDER.glob("*.yaml"):
        habits, rules = habits_of(path.stem), edition_of(path.stem).slices[-1][1]
        fields = {name for form in rules.intake.forms.values() for name in form.fields}
        duties = {name for one in habits.units.values() for name in one.duties}

        assert set(habits.units) <= set(organisation_of(path.stem).units)
        assert set(habits.kinds) <= set(rules.intake.kinds)
        assert set(habits.fields) <= fields
        assert set(habits.channels) <= set(rules.intake.channels)
        assert duties <= set(rules.obligations.obligations)
