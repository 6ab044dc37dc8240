"""The language of stories: what a file may say, what a story comes to, and how a wrong one is refused."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from jiandu.demo.group import Group
from jiandu.demo.habits import Habits, HabitsError, habits_of
from jiandu.demo.quarter import scenario, scenario_of
from jiandu.demo.scenario import Call
from services.handling.domain import RIGHTS
from tests.unit.demo.rehearsal import Rehearsal
from tests.unit.rulebook.worked import edition_of, organisation_of

A_LIFT = {
    "unit": "wuxi-branch",
    "at": "07-06",
    "kind": "complaint",
    "class": "general-engineering",
    "item": "lift",
    "calls": [],
}


def calls_of(story: Mapping[str, Any]) -> list[Call]:
    """Return the calls of one story of 金科, which is told as ``one``."""
    told_as_one = Habits.model_validate({"stories": {"one": story}})
    habits = habits_of("jinke").model_copy(update={"stories": told_as_one.stories})
    told = scenario_of(edition_of("jinke"), organisation_of("jinke"), habits, 0, months=2)
    return next(list(one.calls) for one in told.stories if one.name == "one")


def deeds(calls: list[Call]) -> list[str]:
    return [call.body.get("step") or call.body["do"] for call in calls if call.service == "handling"]


def test_a_story_that_says_nothing_else_goes_as_its_procedure_has_it() -> None:
    assert deeds(calls_of(A_LIFT)) == [
        "make-finding", "plan", "notice", "start-works", "rectify", "accept-result", "close",
    ]  # fmt: skip


def test_a_result_is_refused_once_and_mended_again() -> None:
    assert deeds(calls_of({**A_LIFT, "refused": True}))[4:] == [
        "rectify", "refuse-result", "rectify", "accept-result", "close",
    ]  # fmt: skip


def test_turns_happen_where_the_walk_has_come_to() -> None:
    turns = [{"until": "plan"}, {"do": "withdraw", "with": {"reason": "业主撤回"}}]

    assert deeds(calls_of({**A_LIFT, "turns": turns})) == ["make-finding", "withdraw"]


def test_days_and_moments_are_told_from_the_deed_on() -> None:
    agreed = {"step": "rectify", "on": "+33d", "evidence": {"agreement": ["file:1"]}}

    calls = calls_of({**A_LIFT, "turns": [{"until": "works-start"}, {"do": "agree-date", "with": agreed}]})

    (deed,) = [call for call in calls if call.body.get("do") == "agree-date"]
    zone = edition_of("jinke").calendar.zone
    # Thirty-three days after a day of July 2026 lie in August: 31 + 33 - 31 days on.
    assert deed.body["on"] == f"2026-08-{deed.at.astimezone(zone).day + 2:02d}"


def test_a_dissatisfied_customer_has_the_matter_taken_up_again() -> None:
    calls = calls_of({**A_LIFT, "calls": [1, 5]})

    answers = [call.body["satisfaction"] for call in calls if call.service == "callback"]
    assert answers == [1, 5]
    assert [call.body.get("do") for call in calls].count("close") == 2


def test_a_story_that_waits_for_what_never_comes_is_named() -> None:
    with pytest.raises(LookupError, match="negotiate") as refused:
        calls_of({**A_LIFT, "turns": [{"until": "negotiate"}]})

    assert "in the story 'one'" in refused.value.__notes__


@pytest.mark.parametrize(
    ("wrong", "place", "words"),
    [
        ({"turns": [{"dance": "tango"}]}, "stories.one.turns.0", "until, wait_h, step, do, enter"),
        ({"at": "July"}, "stories.one.at", "pattern"),
        ({"calls": [6]}, "stories.one.calls.0", "5"),
        ({"lat": ["plan"]}, "stories.one.lat", "not permitted"),
    ],
)
def test_a_file_that_says_what_nobody_understands_is_refused_with_the_place(
    tmp_path: Path, wrong: Mapping[str, Any], place: str, words: str
) -> None:
    said = {**A_LIFT, **wrong}
    lines = [f"    {key}: {value!r}" for key, value in said.items()]
    (tmp_path / "some.yaml").write_text("\n".join(["stories:", "  one:", *lines]).replace("'", '"'), "utf-8")

    with pytest.raises(HabitsError) as refused:
        habits_of("some", tmp_path)

    assert place in str(refused.value)
    assert words in str(refused.value)


def test_the_files_of_a_group_are_read_as_one_and_say_nothing_twice(tmp_path: Path) -> None:
    folder = tmp_path / "some"
    folder.mkdir()
    (folder / "a.yaml").write_text("complaints: 9\nunits: {a: {share: 1}}\n", "utf-8")
    (folder / "b.yaml").write_text("units: {b: {share: 2}}\n", "utf-8")
    assert {key: one.share for key, one in habits_of("some", tmp_path).units.items()} == {"a": 1, "b": 2}

    (folder / "c.yaml").write_text("complaints: 8\n", "utf-8")
    with pytest.raises(HabitsError, match=r"c.yaml says 'complaints'"):
        habits_of("some", tmp_path)


def test_what_goes_wrong_in_numbers_does_not_grow_with_the_complaints() -> None:
    def incomplete(complaints: int) -> int:
        calls = [call for story in scenario(edition_of("jinke"), complaints).stories for call in story.calls]
        forms = [call.body["fields"] for call in calls if call.path == "/v1/complaints"]
        return sum("demand" not in one or "first-taker" not in one for one in forms if "contract" in one)

    assert incomplete(150) == incomplete(300) > 0


def test_the_stories_name_only_what_the_rulebook_and_the_organisation_know() -> None:
    rules, habits = edition_of("jinke").slices[-1][1], habits_of("jinke")
    steps = {key for one in rules.procedures.procedures.values() for key in one.steps}
    people = organisation_of("jinke").people
    for name, story in habits.stories.items():
        turns = [turn.model_dump(by_alias=True) for turn in story.turns]
        assert {*story.late, *story.skip, *story.instead} <= steps, name
        assert {story.item} <= {"", *rules.limits.tables["rectification"].rows}, name
        assert {turn["do"] for turn in turns if "do" in turn} <= set(RIGHTS), name
        assert {turn.get("by") or "director" for turn in turns} <= {*rules.rights.roles, *people}, name
        assert story.unit in Group.of(edition_of("jinke"), organisation_of("jinke"), habits, 7, 1).units, name


def test_other_groups_have_matters_taken_up_again_and_customers_who_are_not_reached() -> None:
    habits = habits_of("general")
    units = {
        key: one.model_copy(update={"answers": (0, 1, 0, 1, 0), "unreached": 30})
        for key, one in habits.units.items()
    }
    edition, organisation = edition_of("general"), organisation_of("general")
    told = scenario_of(edition, organisation, habits.model_copy(update={"units": units}), 60, months=1)

    happened = {one["type"] for one in Rehearsal.of(told, edition, organisation).told}

    assert {"case.reopened.v1", "callback.unreachable.v1"} <= happened
