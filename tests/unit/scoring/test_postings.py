"""Postings: what a month takes and gives back, so that all months together cost each offence once."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import partial

from hypothesis import given, settings
from hypothesis import strategies as st

from services.scoring.domain.facts import History, in_order
from services.scoring.domain.month import MonthContext
from services.scoring.domain.offences import offences
from services.scoring.domain.organisation import Organisation
from services.scoring.domain.postings import Posting, posting_of, postings
from shared.events.facts import Fact
from shared.timekeeping.calendar import Month
from shared.values.canonical import exact_sum, plain
from tests.builders_facts import Told, at
from tests.builders_rules import an_edition

ORGANISATION = Organisation.of(Told().organisation().facts)
MONTHS = (6, 7, 8, 9, 10)


def of(facts: Sequence[Fact], month: int, as_of: str = "2026-12-31 00:00") -> list[Posting]:
    """Return the postings of one case in a month of 2026."""
    context = MonthContext.of(an_edition(), ORGANISATION, Month(2026, month), at(as_of))
    return list(postings(History.of(in_order(facts)), context))


def on_the_card(posted: Sequence[Posting]) -> list[Posting]:
    return [posting for posting in posted if posting.sheet == "branch-scorecard"]


def test_a_reversal_names_the_posting_that_it_takes_back_and_why() -> None:
    told = Told()
    told.registered("A", "2026-07-28 09:00")
    told.missed("A", "2026-07-30 09:00")
    replacing = told.missed("A", "2026-08-07 09:00", "handled")

    (july,) = on_the_card(of(told.facts, 7))
    reversal = next(posting for posting in of(told.facts, 8) if posting.rule == "missed-step")

    assert reversal.reverses == july.id
    assert reversal.points == Decimal(2)
    assert reversal.offence == july.offence
    assert reversal.id != july.id
    assert reversal.evidence == (*july.evidence, replacing.id)
    assert reversal.explanation_en[-1] == "reversed: replaced by never-handled"


def test_a_reversal_after_an_appeal_names_the_ruling() -> None:
    told = Told()
    told.registered("A", "2026-07-28 09:00")
    told.missed("A", "2026-07-30 09:00")
    ruling = told.appeal("A", "2026-08-07 09:00", "facts")

    (reversal,) = of(told.facts, 8)

    assert reversal.evidence[-1] == ruling.id
    assert reversal.explanation_zh[-1] == "冲回：申诉或争议裁定成立"


def test_a_reversal_of_a_cleared_miss_names_the_clearing() -> None:
    told = Told()
    told.registered("A", "2026-07-28 09:00")
    told.missed("A", "2026-07-30 09:00")
    cleared = told.cleared("A", "2026-08-03 09:00", "2026-07-30 09:00")

    (reversal,) = of(told.facts, 8)

    assert reversal.evidence[-1] == cleared.id
    assert reversal.explanation_en[-1] == "reversed: the deed was done in time and entered later"
    assert reversal.explanation_zh[-1] == "冲回：期限内已完成，登记在后"


def test_a_miss_that_was_cleared_as_of_an_earlier_moment_was_never_there() -> None:
    """The clearing bears the deed's own time. Where July was published before, that is a restatement."""
    told = Told()
    told.registered("A", "2026-07-28 09:00")
    told.missed("A", "2026-07-30 09:00")
    told.cleared("A", "2026-07-29 09:00", "2026-07-30 09:00")

    assert [of(told.facts, month) for month in (7, 8)] == [[], []]


def test_what_comes_back_and_falls_again_is_reversed_where_it_was_charged_last() -> None:
    # July −2; August −5 + 2; September (appeal) +5 − 2; October (dispute over the step) +2.
    told = Told()
    told.registered("A", "2026-07-28 09:00")
    step = told.missed("A", "2026-07-30 09:00")
    told.missed("A", "2026-08-07 09:00", "handled")
    told.appeal("A", "2026-09-01 09:00", "handled")
    told.appeal("A", "2026-10-01 09:00", step.id)

    by_month = {month: on_the_card(of(told.facts, month)) for month in MONTHS}
    september = next(posting for posting in by_month[9] if posting.points < 0)

    assert [sorted(int(posting.points) for posting in by_month[month]) for month in MONTHS] == [
        [],
        [-2],
        [-5, 2],
        [-2, 5],
        [2],
    ]
    assert by_month[10][0].reverses == september.id


def test_a_month_that_has_not_begun_posts_nothing() -> None:
    told = Told()
    told.registered("A", "2026-07-01 09:00")
    told.missed("A", "2026-07-03 09:00")

    assert of(told.facts, 7, as_of="2026-07-01 00:00") == []


def test_a_running_month_posts_what_is_known() -> None:
    told = Told()
    told.registered("A", "2026-07-01 09:00", missing=["phone"])
    told.missed("A", "2026-07-03 09:00")
    told.missed("A", "2026-07-13 09:00", "negotiate")

    assert [posting.at for posting in of(told.facts, 7, as_of="2026-07-10 00:00")] == [at("2026-07-03 09:00")]


def test_an_offence_whose_price_was_charged_to_another_unit_is_moved() -> None:
    """The same round is missed again, after the case had gone to another branch and a limit had changed."""
    told = Told()
    told.registered("A", "2026-07-28 09:00")
    told.missed("A", "2026-07-30 09:00")
    told.missed("A", "2026-08-02 09:00", unit="wuxi-branch")

    assert [(one.unit, int(one.points)) for one in on_the_card(of(told.facts, 8))] == [
        ("chongqing-branch", 2),
        ("wuxi-branch", -2),
    ]


def test_a_round_that_is_missed_anew_in_a_later_month_is_reversed_where_it_was_charged() -> None:
    told = Told()
    told.registered("A", "2026-07-01 09:00")
    told.missed("A", "2026-07-02 09:00")
    told.missed("A", "2026-08-02 09:00")
    told.appeal("A", "2026-09-01 09:00", "facts")

    (july,), august, (september,) = (on_the_card(of(told.facts, month)) for month in (7, 8, 9))

    assert august == []
    assert september.reverses == july.id


def test_a_posting_is_read_back_from_its_plain_form() -> None:
    told = Told()
    told.registered("A", "2026-07-28 09:00")
    told.missed("A", "2026-07-30 09:00")
    (posting,) = of(told.facts, 7)

    assert posting_of(plain(posting)) == posting
    assert posting.clause == "JK-15, JK-03"


STORIES = st.lists(
    st.one_of(
        st.tuples(
            st.just("missed"), st.integers(1, 90), st.sampled_from(["facts", "sign", "handled", "recorded"])
        ),
        st.tuples(st.just("appeal"), st.integers(1, 90), st.sampled_from(["facts", "handled", "recorded"])),
        st.tuples(st.just("cleared"), st.integers(1, 90), st.sampled_from(["facts", "handled"])),
        st.tuples(st.just("finding"), st.integers(1, 90), st.just("shirking")),
    ),
    max_size=8,
)


def a_story(story: Sequence[tuple[str, int, str]]) -> list[Fact]:
    """Tell what happened on which day from 1 July on."""
    told = Told()
    told.registered("A", "2026-07-01 09:00")
    for number, (verb, day, what) in enumerate(story):
        time = f"2026-{7 + day // 31:02d}-{1 + day % 31 % 30:02d} 09:00"
        tell: dict[str, Callable[[], object]] = {
            "missed": partial(told.missed, "A", time, what),
            "appeal": partial(told.appeal, "A", time, what),
            "cleared": partial(told.cleared, "A", time, time, what),
            "finding": partial(told.finding, f"F{number}", time, what, case="A"),
        }
        tell[verb]()
    return told.facts


@settings(max_examples=50, deadline=None)
@given(STORIES)
def test_all_months_together_cost_what_stands_in_the_end(story: list[tuple[str, int, str]]) -> None:
    """INVARIANT: one offence costs once. The months' postings add up to the offences that stand.

    What breaks it: posting an offence in two months, or forgetting to give back what was replaced.
    """
    facts = a_story(story)
    context = MonthContext.of(an_edition(), ORGANISATION, Month(2026, 10), at("2026-12-31 00:00"))
    standing = offences(History.of(in_order(facts)), context.end, context)

    posted = [posting for month in MONTHS for posting in of(facts, month)]

    assert exact_sum(posting.points for posting in posted) == exact_sum(one.points for one in standing)
    assert len({posting.id for posting in posted}) == len(posted)


@settings(max_examples=50, deadline=None)
@given(STORIES)
def test_every_reversal_takes_back_a_posting_of_an_earlier_month(story: list[tuple[str, int, str]]) -> None:
    facts = a_story(story)
    posted = {posting.id: posting for month in MONTHS for posting in of(facts, month)}

    reversals = [posting for posting in posted.values() if posting.reverses]

    assert all(posted[one.reverses].points == -one.points for one in reversals)
    assert all(posted[one.reverses].month < one.month for one in reversals)
