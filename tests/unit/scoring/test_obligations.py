"""Duties: who owes what, how it stands, and what it costs."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import pytest

from services.scoring.domain.facts import in_order
from services.scoring.domain.month import MonthContext
from services.scoring.domain.obligations import Status, UnitRecord, agenda, instances
from services.scoring.domain.organisation import Organisation
from services.scoring.domain.postings import Posting, unit_postings
from shared.rulebook.edition import Edition
from shared.rulebook.schema import Rules
from shared.timekeeping.calendar import Month
from shared.values.canonical import text_of
from tests.builders_facts import Told, at
from tests.builders_rules import an_edition, an_edition_with

JULY = Month(2026, 7)


def a_ledger(told: Told) -> UnitRecord:
    facts = in_order(told.facts)
    return UnitRecord(tuple(facts), Organisation.of(facts), an_edition().calendar)


def posted(
    told: Told, month: Month = JULY, as_of: str = "2026-12-31 00:00", edition: Edition | None = None
) -> list[Posting]:
    """Return what the branch of 重庆 is charged on its scorecard."""
    ledger = a_ledger(told)
    context = MonthContext.of(edition or an_edition(), ledger.organisation, month, at(as_of))
    duties = instances(context.edition, ledger.organisation, month)
    return [
        posting
        for posting in unit_postings(ledger, duties, context)
        if (posting.unit, posting.sheet) == ("chongqing-branch", "branch-scorecard")
    ]


def rules_of(found: Sequence[Posting]) -> list[str]:
    return [f"{posting.rule} {text_of(posting.points)}" for posting in found]


def one_branch() -> Told:
    return Told().organisation("chongqing")


def test_every_unit_of_the_kind_owes_the_duty() -> None:
    told = Told().organisation()

    owing = {
        duty.unit
        for duty in instances(an_edition(), Organisation.of(told.facts), JULY)
        if duty.obligation == "proposal"
    }

    assert owing == {"changsha-branch", "chengdu-branch", "chongqing-branch", "wuxi-branch"}


def test_a_duty_of_several_kinds_is_owed_by_each_unit_of_any() -> None:
    told = Told().organisation("wuxi")

    owing = [
        (duty.unit, duty.about)
        for duty in instances(_owed_by(("branch", "sales-desk")), Organisation.of(told.facts), JULY)
        if duty.obligation == "proposal"
    ]

    assert owing == [("wuxi-branch", "wuxi-branch"), ("wuxi-sales", "wuxi-sales")]


def test_a_duty_about_several_kinds_is_owed_about_each_unit_by_the_nearest_that_owes() -> None:
    """INVARIANT: of a duty about other units each one has one debtor.

    What breaks it: comparing one kind with one kind, so that a unit of a second kind has none or two.
    """
    told = Told().organisation("wuxi")
    edition = _owed_by(("branch", "subsidiary"), about=("sales-desk", "branch"))

    owing = [
        (duty.unit, duty.about)
        for duty in instances(edition, Organisation.of(told.facts), JULY)
        if duty.obligation == "proposal"
    ]

    assert owing == [("wuxi-branch", "wuxi-branch"), ("wuxi-branch", "wuxi-sales")]


def _owed_by(kinds: tuple[str, ...], about: tuple[str, ...] = ()) -> Edition:
    def change(rules: Rules) -> Rules:
        proposal = rules.obligations.obligations["proposal"]
        own = proposal.model_copy(update={"owed_by": kinds, "about": about})
        every = {**rules.obligations.obligations, "proposal": own}
        duties = rules.obligations.model_copy(update={"obligations": every})
        return rules.model_copy(update={"obligations": duties})

    return an_edition_with(change)


def test_a_branch_that_closes_before_the_due_day_owes_nothing() -> None:
    told = one_branch()
    told.closed("chongqing-branch", "2026-07-05")
    open_longer = one_branch()
    open_longer.closed("chongqing-branch", "2026-07-06")

    def owing(teller: Told) -> list[str]:
        organisation = Organisation.of(teller.facts)
        duties = instances(an_edition(), organisation, JULY)
        return [duty.unit for duty in duties if duty.obligation == "analysis-report"]

    assert owing(told) == []
    assert owing(open_longer) == ["chongqing-branch"]


def test_a_branch_established_during_the_week_is_not_inspected_that_week() -> None:
    told = one_branch()
    told.established("wuxi-branch", "branch", "wuxi", "wuxi", on="2026-07-07")

    weeks = [
        duty.period
        for duty in instances(an_edition(), Organisation.of(told.facts), JULY)
        if (duty.obligation, duty.about) == ("branch-inspection", "wuxi-branch")
    ]

    assert weeks == ["2026-W29", "2026-W30", "2026-W31"]


def test_duties_before_the_rulebook_began_are_not_owed() -> None:
    organisation = Organisation.of(one_branch().facts)

    assert instances(an_edition(), organisation, Month(2005, 4)) == ()


def test_a_duty_shows_how_its_due_day_came_about() -> None:
    duty = next(
        duty
        for duty in instances(an_edition(), Organisation.of(one_branch().facts), JULY)
        if duty.obligation == "analysis-report"
    )

    assert [line.en for line in duty.lines] == ["for 2026-06, by the end of Sun 5 Jul 2026"]
    assert (duty.begins, duty.ends) == (at("2026-06-01 00:00"), at("2026-07-01 00:00"))


def test_a_missing_report_is_explained_and_an_overdue_one_is_not_judged_before_the_month_ends() -> None:
    told = one_branch().clean_month("chongqing", without=["analysis-report"])

    (found,) = posted(told)

    assert posted(told, as_of="2026-07-31 23:59") == []
    assert rules_of([found]) == ["analysis-report-not-sent -20"]
    assert found.explanation_en == (
        "for 2026-06, by the end of Sun 5 Jul 2026",
        "due before Sun 5 Jul 2026 24:00",
        "not done when its month ended",
    )
    assert found.subject == "unit/chongqing-branch"


def test_a_late_report_is_charged_as_soon_as_it_is_sent() -> None:
    told = one_branch().clean_month("chongqing", without=["analysis-report"])
    told.fulfilled("analysis-report", "2026-06", "2026-07-08 10:00", sections=["cases"])

    (late,) = posted(told, as_of="2026-07-09 00:00")

    assert rules_of([late]) == ["analysis-report-late -3"]
    assert late.explanation_en[-1] == "done only at Wed 8 Jul 2026 10:00"


@pytest.mark.rule("JK-18")
@pytest.mark.parametrize(
    ("sections", "time"), [((), "2026-07-20 10:00"), (("proposal",), "2026-06-30 23:59")]
)
def test_an_empty_proposal_is_none_and_neither_is_one_made_before_its_month(
    sections: tuple[str, ...], time: str
) -> None:
    """What breaks it: counting whatever bears the month's name. The two points would be had for nothing."""
    told = one_branch().clean_month("chongqing", without=["proposal"])
    told.fulfilled("proposal", "2026-07", time, sections=sections)

    assert rules_of(posted(told)) == ["no-proposal -2"]


def test_a_month_that_has_not_begun_posts_nothing() -> None:
    assert posted(one_branch(), as_of="2026-07-01 00:00") == []


def test_a_dispute_upheld_in_the_same_month_leaves_nothing() -> None:
    told = one_branch().clean_month("chongqing")
    told.inspected("I1", "2026-07-08 10:00", "archives", failed=["timely"])
    (found,) = posted(told)
    told.ruled(found.offence, "unit/chongqing-branch", "2026-07-20 10:00")

    assert posted(told) == []


def test_a_dispute_upheld_later_gives_the_points_back_in_its_own_month() -> None:
    told = one_branch().clean_month("chongqing", "2026-06").clean_month("chongqing")
    told.clean_month("chongqing", "2026-08").clean_month("chongqing", "2026-09")
    told.inspected("I1", "2026-07-08 10:00", "archives", failed=["timely"])
    (charged,) = posted(told)
    told.ruled(charged.offence, "unit/chongqing-branch", "2026-09-20 10:00")

    (reversal,) = posted(told, Month(2026, 9))

    assert posted(told) == [charged]
    assert posted(told, Month(2026, 8)) == []
    assert rules_of([reversal]) == ["archive-aspect 1"]
    assert reversal.reverses == charged.id


def test_a_dispute_over_an_offence_that_nobody_finds_gives_nothing_back() -> None:
    told = one_branch().clean_month("chongqing")
    told.ruled("unheard-of", "unit/chongqing-branch", "2026-07-20 10:00")

    assert posted(told) == []


def test_a_dispute_that_was_not_upheld_changes_nothing() -> None:
    told = one_branch().clean_month("chongqing")
    told.inspected("I1", "2026-07-08 10:00", "archives", failed=["timely"])
    (found,) = posted(told)
    told.ruled(found.offence, "unit/chongqing-branch", "2026-07-20 10:00", upheld=False)

    assert posted(told) == [found]


def test_an_inspection_that_no_rule_prices_costs_nothing() -> None:
    told = one_branch().clean_month("chongqing")
    told.inspected("I1", "2026-07-08 10:00", "letters", failed=["change-notices"])

    assert posted(told) == []


def test_the_agenda_shows_what_has_begun_and_how_it_stands() -> None:
    told = one_branch()
    told.fulfilled("proposal", "2026-07", "2026-07-08 10:00", sections=["proposal"])
    told.fulfilled("analysis-report", "2026-06", "2026-07-08 10:00")
    ledger = a_ledger(told)

    shown = {
        (duty.obligation, duty.period): status
        for duty, status in agenda(an_edition(), ledger.organisation, ledger, at("2026-07-10 10:00"), 1)
        if duty.unit == "chongqing-branch"
    }

    assert shown["proposal", "2026-07"] is Status.DONE
    assert shown["analysis-report", "2026-06"] is Status.DONE_LATE
    assert shown["analysis-report", "2026-05"] is Status.OVERDUE
    assert shown["analysis-report", "2026-07"] is Status.OPEN
    assert shown["sales-desk-inspection", "2026-W27"] is Status.OVERDUE
    assert shown["sales-desk-inspection", "2026-W28"] is Status.OPEN
    assert ("sales-desk-inspection", "2026-W29") not in shown


def test_the_agenda_reaches_to_the_end_of_the_quarter() -> None:
    ledger = a_ledger(one_branch())

    shown = [
        duty.period
        for duty, _ in agenda(an_edition(), ledger.organisation, ledger, at("2026-07-01 00:00"), 0)
        if duty.obligation == "satisfaction-survey"
    ]

    assert shown == ["2026-Q3"]


def with_obligation(**changes: object) -> Edition:
    """Return jinke with its weekly inspection of sales desks changed."""

    def change(rules: Rules) -> Rules:
        duties = rules.obligations
        rule = duties.obligations["sales-desk-inspection"].model_copy(update=changes)
        changed = {**duties.obligations, "sales-desk-inspection": rule}
        return rules.model_copy(update={"obligations": duties.model_copy(update={"obligations": changed})})

    return an_edition_with(change)


def test_a_duty_about_each_desk_is_owed_for_each() -> None:
    told = one_branch()
    told.established("second-desk", "sales-desk", "chongqing-branch", "chongqing")
    edition = with_obligation(about="sales-desk")

    owed = [
        (duty.period, duty.about)
        for duty in instances(edition, Organisation.of(told.facts), JULY)
        if duty.obligation == "sales-desk-inspection"
    ]

    assert len(owed) == 10
    assert owed[:2] == [("2026-W27", "chongqing-sales"), ("2026-W27", "second-desk")]


@pytest.mark.parametrize(("first_day", "weeks"), [("2026-07-13", 3), ("2026-07-12", 4), ("2026-08-03", 0)])
def test_a_duty_is_owed_for_the_periods_at_whose_end_the_rule_holds(first_day: str, weeks: int) -> None:
    edition = an_edition()
    rules = edition.slices[-1][1]
    without = rules.model_copy(
        update={"obligations": rules.obligations.model_copy(update={"obligations": {}})}
    )
    amended = replace(edition, slices=((date(2005, 5, 28), without), (date.fromisoformat(first_day), rules)))

    owed = [
        duty
        for duty in instances(amended, Organisation.of(one_branch().facts), JULY)
        if duty.obligation == "sales-desk-inspection"
    ]

    assert len(owed) == weeks


def test_a_duty_says_its_period_its_month_and_when_it_is_due_and_judged() -> None:
    """June's report is due by the end of 5 July, counts in July and is judged when July is over."""
    organisation = Organisation.of(Told().organisation("chongqing").facts)
    rule = an_edition().on(date(2026, 6, 30)).obligations.obligations["analysis-report"]

    (duty,) = [
        one for one in instances(an_edition(), organisation, JULY) if one.obligation == "analysis-report"
    ]

    assert (duty.unit, duty.about, duty.period, duty.month) == (
        "chongqing-branch",
        "chongqing-branch",
        "2026-06",
        JULY,
    )
    assert (duty.begins, duty.ends) == (at("2026-06-01 00:00"), at("2026-07-01 00:00"))
    assert (duty.due_before, duty.judged_at) == (at("2026-07-06 00:00"), at("2026-08-01 00:00"))
    assert (duty.provisional, duty.rule) == (False, rule)
    assert duty.lines[0].zh.startswith("2026-06 期，应于 2026-07-05")
