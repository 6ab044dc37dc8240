"""Offences: what stands, what does not, and how each can be followed down."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from services.scoring.domain.facts import History, in_order
from services.scoring.domain.month import MonthContext
from services.scoring.domain.offences import Offence, offences
from services.scoring.domain.organisation import Organisation
from shared.events.facts import Fact
from shared.rulebook.edition import Edition
from shared.rulebook.schema import Match, Rules
from shared.rulebook.schema.triggers import CallbackFault, MissedDeadline, Praise
from shared.timekeeping.calendar import Month
from tests.builders_facts import Told, at, case_id
from tests.builders_rules import an_edition, an_edition_with, with_offences

ORGANISATION = Organisation.of(Told().organisation().facts)
Tells = Callable[[Told], object]


def a_basis(edition: Edition | None = None, month: str = "2026-07") -> MonthContext:
    year, number = map(int, month.split("-"))
    return MonthContext.of(edition or an_edition(), ORGANISATION, Month(year, number), at("2026-12-31 00:00"))


def of(
    facts: Sequence[Fact], before: str = "2026-08-01 00:00", edition: Edition | None = None
) -> list[Offence]:
    """Return the scorecard's offences of one case, HR's sheet left aside."""
    history = History.of(in_order(facts))
    found = offences(history, at(before), a_basis(edition))
    return [offence for offence in found if not offence.rule.startswith("hr-")]


def rules_of(
    facts: Sequence[Fact], before: str = "2026-08-01 00:00", edition: Edition | None = None
) -> list[str]:
    return [offence.rule for offence in of(facts, before, edition)]


def test_an_offence_names_everything_that_it_can_be_followed_down_by() -> None:
    told = Told()
    told.registered("A", "2026-07-01 09:00")
    missed = told.missed("A", "2026-07-03 09:00", department="desk", person="li", clause="JK-03")

    (offence,) = of(told.facts)

    assert offence == replace(
        offence,
        rule="missed-step",
        subject=case_id("A"),
        key="facts#1",
        sheet="branch-scorecard",
        item="process",
        points=Decimal(-2),
        unit="chongqing-branch",
        at=at("2026-07-03 09:00"),
        clauses=("JK-15", "JK-03"),
        department="desk",
        person="li",
        evidence=(missed.id,),
        explanation_zh=("限 2026-07-03 09:00 前",),
        explanation_en=("due before 2026-07-03 09:00",),
    )


def test_the_same_offence_has_the_same_id_wherever_it_is_found() -> None:
    """INVARIANT: an id depends on rule, subject and occurrence, on nothing that a machine chose.

    What breaks it: a random id, or one made from an event's place in a log.
    """
    told, again = Told(), Told("other")
    told.registered("A", "2026-07-01 09:00")
    told.missed("A", "2026-07-03 09:00")
    again.missed("A", "2026-07-03 09:00")
    again.registered("A", "2026-07-01 09:00")

    assert of(told.facts)[0].id == of(again.facts)[0].id
    assert of(told.facts)[0].id == "021d6506-68f0-5dac-b08f-435d07b449ac"


def test_of_several_verdicts_the_one_that_was_told_last_stands() -> None:
    """INVARIANT: verdicts are ordered by when they were told, although all happened before.

    What breaks it: taking the verdict with the latest time. A clearing bears the time of the deed.
    """
    told = Told()
    told.registered("A", "2026-07-01 09:00")
    told.missed("A", "2026-07-03 09:00")
    told.cleared("A", "2026-07-02 09:00", "2026-07-03 09:00")

    assert rules_of(told.facts) == []

    told.missed("A", "2026-07-02 08:00")

    assert [offence.at for offence in of(told.facts)] == [at("2026-07-02 08:00")]


def test_what_happens_later_is_not_known_yet() -> None:
    told = Told()
    told.registered("A", "2026-07-01 09:00")
    told.missed("A", "2026-07-03 09:00")
    told.cleared("A", "2026-07-20 09:00", "2026-07-03 09:00")

    assert rules_of(told.facts, "2026-07-03 08:59") == []
    assert rules_of(told.facts, "2026-07-03 09:00") == ["missed-step"]
    assert rules_of(told.facts, "2026-07-20 09:00") == ["missed-step"]
    assert rules_of(told.facts, "2026-07-20 09:01") == []


@pytest.mark.parametrize("against", ["facts", "facts#1", "the event", "the offence"])
def test_an_appeal_may_name_the_clock_its_round_the_event_or_the_offence(against: str) -> None:
    told = Told()
    told.registered("A", "2026-07-01 09:00")
    event = told.missed("A", "2026-07-03 09:00")
    named = {"the event": event.id, "the offence": of(told.facts)[0].id}
    told.appeal("A", "2026-07-10 09:00", named.get(against, against))

    assert rules_of(told.facts) == []


def test_an_appeal_against_something_else_changes_nothing() -> None:
    told = Told()
    told.registered("A", "2026-07-01 09:00")
    told.missed("A", "2026-07-03 09:00")
    told.appeal("A", "2026-07-10 09:00", "negotiate")

    assert rules_of(told.facts) == ["missed-step"]


def test_an_appeal_may_be_against_an_inspectors_finding() -> None:
    told = Told()
    told.finding("F1", "2026-07-09 10:00", "shirking", case="A")
    told.finding("F2", "2026-07-09 10:00", "shirking", case="A")
    told.appeal("A", "2026-07-10 09:00", "F1")

    assert [offence.key for offence in of(told.facts)] == ["finding/F2"]


def test_a_dispute_over_an_offence_takes_it_away_on_its_own_sheet_only() -> None:
    told = Told()
    told.finding("F1", "2026-07-09 10:00", "shirking", case="A")
    history = History.of(in_order(told.facts))
    (penalty,) = [
        found for found in offences(history, at("2026-08-01 00:00"), a_basis()) if found.rule == "hr-shirking"
    ]
    told.ruled(penalty.id, case_id("A"), "2026-07-10 09:00")

    standing = offences(History.of(in_order(told.facts)), at("2026-08-01 00:00"), a_basis())

    assert [offence.rule for offence in standing] == ["shirking"]


def test_a_dispute_that_was_not_upheld_changes_nothing() -> None:
    told = Told()
    told.finding("F1", "2026-07-09 10:00", "shirking", case="A")
    told.ruled(of(told.facts)[0].id, case_id("A"), "2026-07-10 09:00", upheld=False)

    assert rules_of(told.facts) == ["shirking"]


def penalties(facts: Sequence[Fact], before: str = "2026-08-01 00:00") -> list[str]:
    found = offences(History.of(in_order(facts)), at(before), a_basis())
    return [offence.rule for offence in found if offence.rule.startswith("hr-")]


def a_case_that_is_neither() -> Told:
    told = Told()
    told.missed("A", "2026-07-02 09:00", "recorded", department="desk", person="li")
    told.registered("A", "2026-07-12 09:00")
    told.missed("A", "2026-07-11 09:00", "handled", department="works", person="wang")
    return told


def test_neither_stands_in_place_of_the_two_and_holds_their_evidence() -> None:
    told = a_case_that_is_neither()
    found = offences(History.of(in_order(told.facts)), at("2026-08-01 00:00"), a_basis())
    neither = next(offence for offence in found if offence.rule == "hr-neither")

    assert penalties(told.facts) == ["hr-neither"]
    assert neither.at == at("2026-07-11 09:00")
    assert (neither.department, neither.person) == ("works", "wang")
    assert neither.evidence == (told.facts[0].id, told.facts[2].id)
    assert neither.clauses == ("JK-14", "JK-03")


def test_neither_ruled_away_takes_both_of_its_parts_along() -> None:
    """INVARIANT: an upheld dispute never leaves the unit with points for the same matter.

    What breaks it: taking only the sum away, so that its parts, no longer replaced, come back.
    """
    told = a_case_that_is_neither()
    found = offences(History.of(in_order(told.facts)), at("2026-08-01 00:00"), a_basis())
    neither = next(offence for offence in found if offence.rule == "hr-neither")
    told.ruled(neither.id, case_id("A"), "2026-07-20 09:00")

    assert penalties(told.facts) == []


def test_neither_falls_where_one_part_is_appealed_and_the_other_stays() -> None:
    told = a_case_that_is_neither()
    told.appeal("A", "2026-07-20 09:00", "recorded")

    assert penalties(told.facts) == ["hr-not-handled"]


def test_a_step_of_another_round_is_not_what_never_handled_replaced() -> None:
    told = Told()
    told.registered("A", "2026-07-01 09:00")
    told.missed("A", "2026-07-11 09:00", "handled")
    told.missed("A", "2026-07-11 09:01", "facts")

    assert rules_of(told.facts) == ["never-handled", "missed-step"]


def with_condition(when: Match) -> Edition:
    trigger = MissedDeadline(on="missed-deadline", clocks=("steps",), when=when)
    return an_edition_with(lambda rules: with_offences(rules, missed_step={"trigger": trigger}))


@pytest.mark.parametrize(
    ("when", "found"),
    [
        (Match(validity=("valid",)), ["missed-step"]),
        (Match(validity=("invalid",)), []),
        (Match(class_=("general-quality",)), ["missed-step"]),
        (Match(class_=("major-quality",)), []),
        (Match(procedure=("general",)), ["missed-step"]),
        (Match(flag=("reputation-risk",)), ["missed-step"]),
        (Match(flag=("major-event",)), []),
    ],
)
def test_a_condition_sees_the_case_as_it_was_when_the_deadline_passed(when: Match, found: list[str]) -> None:
    told = Told()
    told.registered("A", "2026-07-01 09:00", class_="general", flags=("reputation-risk",))
    told.found_valid("A", "2026-07-02 09:00", class_="general-quality")
    told.missed("A", "2026-07-03 09:00")
    told.reclassified("A", "2026-07-04 09:00", class_="major-quality", flags=("major-event",))

    assert rules_of(told.facts, edition=with_condition(when)) == found


def test_the_rules_of_the_day_on_which_the_deadline_passed_hold() -> None:
    """INVARIANT: an amendment changes nothing that was over before it.

    What breaks it: scoring a month by the rules of its last day, or a midnight by those of the next day.
    """

    def dearer(rules: Rules) -> Rules:
        return with_offences(rules, missed_step={"points": Decimal(-4)})

    edition = an_edition()
    rules = edition.slices[0][1]
    amended = replace(edition, slices=(*edition.slices, (date(2026, 7, 16), dearer(rules))))
    told = Told()
    told.registered("A", "2026-07-01 09:00")
    told.missed("A", "2026-07-16 00:00", "facts")
    told.missed("A", "2026-07-16 00:01", "negotiate")

    assert [offence.points for offence in of(told.facts, edition=amended)] == [Decimal(-2), Decimal(-4)]


def test_what_lies_before_the_rulebook_costs_nothing_and_what_lies_after_it_costs_as_ever() -> None:
    """INVARIANT: no date of a fact stops the matter that it belongs to, and with it the month of the group.

    What breaks it: asking a price of a day that no edition holds. The fact fails, is set aside, and no month closes.
    """
    # The rulebook begins on 28 May 2005.
    told = Told()
    told.registered("A", "2005-05-01 09:00", missing=["phone"])
    told.missed("A", "2005-05-27 23:59", "facts")
    told.finding("F", "2005-05-27 10:00", "shirking", case="A")
    told.missed("A", "2005-05-28 09:00", "plan")

    # The record was due when May ended, and by then the rules held.
    found = sorted((offence.rule, offence.key) for offence in of(told.facts))

    assert found == [("incomplete-record", "record"), ("missed-step", "plan#1")]


def test_a_rule_may_name_a_step_and_not_every_one() -> None:
    trigger = MissedDeadline(on="missed-deadline", clocks=("report",))
    edition = an_edition_with(lambda rules: with_offences(rules, missed_step={"trigger": trigger}))
    told = Told()
    told.registered("A", "2026-07-01 09:00")
    told.missed("A", "2026-07-03 09:00", "facts")
    told.missed("A", "2026-07-03 10:00", "overlay/report", step="report")

    assert [offence.key for offence in of(told.facts, edition=edition)] == ["overlay/report#1"]


def with_trigger(trigger: CallbackFault | Praise, points: int) -> Edition:
    changed = {"trigger": trigger, "points": Decimal(points)}
    return an_edition_with(lambda rules: with_offences(rules, missed_step=changed))


def test_a_missed_callback_can_cost_points_unless_the_call_was_made_in_time() -> None:
    edition = with_trigger(CallbackFault(on="missed-callback"), -1)
    told = Told()
    told.callback_missed("A", "2026-07-09 09:00")

    (offence,) = of(told.facts, edition=edition)

    assert (offence.at, offence.clauses) == (at("2026-07-09 09:00"), ("JK-15", "JK-27"))
    assert rules_of(told.facts, "2026-07-09 08:59", edition) == []

    told.callback_completed("A", "2026-07-08 09:00")

    assert rules_of(told.facts, edition=edition) == []


@pytest.mark.parametrize(
    ("ends", "cost"),
    [
        pytest.param(
            lambda told: told.callback_attempted("A", "2026-07-08 09:00", "refused"), 0, id="refused"
        ),
        pytest.param(lambda told: told.callback_voided("A", "2026-07-08 09:00"), 0, id="no longer asked for"),
        pytest.param(lambda told: told.callback_attempted("A", "2026-07-08 09:00"), 1, id="nobody answered"),
        pytest.param(lambda told: told.callback_voided("A", "2026-07-09 09:00"), 1, id="too late"),
    ],
)
def test_a_callback_is_not_missed_once_it_was_over_in_time(ends: Tells, cost: int) -> None:
    told = Told()
    told.callback_missed("A", "2026-07-09 09:00")
    ends(told)

    found = of(told.facts, edition=with_trigger(CallbackFault(on="missed-callback"), -1))

    assert len(found) == cost


def test_praise_can_bring_points() -> None:
    edition = with_trigger(Praise(on="praise", to="group"), 2)
    told = Told()
    told.praised("P", "2026-07-09 09:00", to="group")
    other = Told()
    other.praised("Q", "2026-07-09 09:00", to="unit")

    (offence,) = of(told.facts, edition=edition)

    assert offence.points == Decimal(2)
    assert (offence.explanation_zh, offence.explanation_en) == (("受表扬（group）",), ("praised to: group",))
    assert rules_of(told.facts, "2026-07-09 09:00", edition) == []
    assert rules_of(other.facts, edition=edition) == []


def test_a_record_is_judged_when_its_month_is_over_and_not_before() -> None:
    told = Told()
    told.registered("A", "2026-07-10 09:00", missing=["phone", "address"])

    assert rules_of(told.facts, "2026-07-31 23:59") == []
    assert [(one.at, one.explanation_en) for one in of(told.facts)] == [
        (at("2026-08-01 00:00"), ("still missing when the month ended: phone, address",))
    ]


def test_a_record_half_amended_names_both_entries_as_evidence() -> None:
    told = Told()
    registered = told.registered("A", "2026-07-10 09:00", missing=["phone", "address"])
    amended = told.amended("A", "2026-07-11 09:00", missing=["phone"])

    assert [offence.evidence for offence in of(told.facts)] == [(registered.id, amended.id)]


def test_a_matter_that_is_no_complaint_has_no_complaint_record() -> None:
    told = Told()
    told.registered("A", "2026-07-10 09:00", kind="design-change", missing=["phone"])

    assert rules_of(told.facts) == []


def test_a_report_is_sent_only_by_its_own_step_and_round() -> None:
    told = Told()
    told.registered("A", "2026-07-01 09:00")
    told.missed("A", "2026-07-03 00:00", "report", report="major-complaint", occurrence=2)
    told.done("A", "2026-07-02 09:00", "report", report="major-complaint")
    told.done("A", "2026-07-02 09:00", "other-report", report="major-complaint", occurrence=2)

    assert rules_of(told.facts) == ["missed-step", "major-report-not-sent"]


def test_a_report_due_under_a_watch_is_sent_by_any_step() -> None:
    told = Told()
    told.missed("A", "2026-07-03 00:00", "told", step="", report="major-complaint")
    told.done("A", "2026-07-09 09:00", "report", report="major-complaint", in_time=False)

    assert rules_of(told.facts) == []


def test_elements_that_a_report_lacks_are_known_when_it_is_sent() -> None:
    told = Told()
    told.done("A", "2026-07-09 09:00", "report", report="major-complaint", missing_elements=("cause",))
    told.done("A", "2026-07-09 09:00", "letter", report="letter", missing_elements=("cause",))

    assert [offence.key for offence in of(told.facts)] == ["major-complaint/report#1/cause"]
    assert rules_of(told.facts, "2026-07-09 09:00") == []


def test_a_finding_is_known_when_it_is_made() -> None:
    told = Told()
    told.finding("F1", "2026-07-09 10:00", "shirking", case="A")
    told.finding("F2", "2026-07-09 10:00", "unheard-of", case="A")

    assert rules_of(told.facts, "2026-07-09 10:00") == []
    assert [one.evidence for one in of(told.facts)] == [(told.facts[0].id, "photo")]


def test_a_subject_without_a_trigger_has_no_offence() -> None:
    told = Told()
    told.appeal("A", "2026-07-10 09:00", "facts")

    assert rules_of(told.facts) == []
    assert offences(History.of([]), at("2026-08-01 00:00"), a_basis()) == ()
