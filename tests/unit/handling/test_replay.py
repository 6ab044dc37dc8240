"""What was told of a case is enough to judge it again; a draft judges the same deeds by other limits."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.handling.domain.replay import JUDGED, replayed, under
from services.scoring.domain.facts import History, in_order, standing_misses
from shared.events import Happened
from shared.events.facts import Fact
from shared.rulebook.edition import Edition
from shared.timekeeping.limits import Limit
from tests.unit.handling.builders import COMPLAINT, a_registration, a_story, on, shown
from tests.unit.handling.test_properties import CLASSES, ENTRIES, FEW, HORIZON, Entry, play, swept

SOURCE = "jiandu/handling/chongqing/1"


def facts_of(happened: Sequence[Happened], **registration: object) -> list[Fact]:
    """Return what scoring would have of a story."""
    first = a_registration(**registration)
    registered = Fact(
        str(first.id), "jiandu/intake/chongqing/1", 1, first.type, str(COMPLAINT), first.unit, first.time, "", first.data
    )  # fmt: skip
    told = [
        Fact(
            f"{number:04}", SOURCE, number, one.event.TYPE, str(COMPLAINT), one.unit, one.time, "",
            one.event.model_dump(mode="json"),
        )
        for number, one in enumerate(happened, 1)
    ]  # fmt: skip
    return [registered, *told]


def missed(facts: Sequence[Fact], up_to: datetime = HORIZON) -> set[str]:
    """Return the misses that stand, as ``clock#run due``."""
    return {
        f"{one.data['clock']}#{one.data['occurrence']} {shown(datetime.fromisoformat(one.data['due_before']))}"
        for one in standing_misses(History.of(in_order(facts)), up_to)
    }


def done(facts: Sequence[Fact]) -> list[tuple[Any, ...]]:
    """Return how each step stood to its deadline, in order."""
    return [
        (one.data["step"], one.data["occurrence"], one.data["in_time"])
        for one in facts
        if one.type == "step.completed.v1"
    ]


def with_limits(edition: Edition, limits: Mapping[str, Limit], procedure: str = "general") -> Edition:
    """Return the edition with other limits of some steps."""
    slices = []
    for first, rules in edition.slices:
        rule = rules.procedures.procedures[procedure]
        steps = {
            key: step.model_copy(update={"within": limits[key]}) if key in limits else step
            for key, step in rule.steps.items()
        }
        changed = {**rules.procedures.procedures, procedure: rule.model_copy(update={"steps": steps})}
        procedures = rules.procedures.model_copy(update={"procedures": changed})
        slices.append((first, rules.model_copy(update={"procedures": procedures})))
    return replace(edition, slices=tuple(slices))


@FEW
@given(class_=st.sampled_from(CLASSES), entries=ENTRIES, sweeping=st.booleans())
def test_under_the_same_edition_any_history_comes_to_the_same_verdicts(
    class_: str, entries: list[Entry], sweeping: bool
) -> None:
    """INVARIANT: the misses that stand, and which steps were in time, follow from what was told.

    What breaks it: a change of a case or of a clock that no event tells, or that a replay forgets.
    """
    story = swept(play(class_, entries, sweeping))
    facts = facts_of(story.happened, class_=class_, item="glass")

    again = replayed(facts, story.edition, HORIZON)

    assert missed(again) == missed(facts)
    assert done(again) == done(facts)


def a_finding_after_ten_hours() -> list[Fact]:
    """Received on 1 July at 9; the facts are established at 19:00, of 48 hours."""
    story = a_story()
    story.find("07-01 19:00")
    return facts_of(story.happened)


def test_under_a_shorter_limit_the_same_deed_is_late() -> None:
    facts = a_finding_after_ten_hours()
    edition = a_story().edition
    until = on("07-02 00:00")

    again = replayed(facts, with_limits(edition, {"facts": Limit(hours=4)}), until)

    assert missed(facts, until) == set()
    assert missed(again, until) == {"facts#1 07-01 13:00"}
    assert [one for one in done(again) if one[0] == "facts"] == [("facts", 1, False)]


def test_under_a_longer_limit_a_miss_vanishes() -> None:
    story = a_story()
    story.find("07-03 10:00")
    facts, until = facts_of(story.happened), on("07-03 10:00")

    again = replayed(facts, with_limits(story.edition, {"facts": Limit(hours=72)}), until)

    assert missed(facts, until) == {"facts#1 07-03 09:00"}
    assert missed(again, until) == set()
    assert all(one.type not in JUDGED for one in again)


def test_silence_is_judged_up_to_the_moment_that_is_asked_for_and_no_further() -> None:
    facts = facts_of(a_story().happened)

    until = [on(f"07-03 {hour}") for hour in ("08:59", "09:00")]

    assert [missed(replayed(facts, a_story().edition, one), HORIZON) for one in until] == [
        set(),
        {"facts#1 07-03 09:00"},
    ]


def test_a_draft_is_tried_as_if_its_newest_rules_had_always_held() -> None:
    edition = a_story().edition
    newest = with_limits(edition, {"facts": Limit(hours=4)}).slices[-1][1]
    draft = replace(edition, slices=(*edition.slices, (date(2027, 1, 1), newest)))
    until = on("07-01 18:00")

    again = replayed(a_finding_after_ten_hours(), under(draft), until)

    assert "facts#1 07-01 13:00" in missed(again, until)


def test_what_was_never_registered_here_cannot_be_played() -> None:
    assert replayed(a_finding_after_ten_hours()[1:], a_story().edition, HORIZON) == []
