"""A month in numbers, counted by hand."""

from decimal import Decimal

from services.callback.domain import Row, rows_of, summarise
from tests.unit.callback.builders import a_matter, an_answer, at, called, closed, grown, reopened


def a_row(status: str = "completed", satisfaction: int = 5, **more: object) -> Row:
    fields: dict[str, object] = {
        "month": "2026-07",
        "unit": "a",
        "status": status,
        "attempted": status not in {"open", "missed"},
        "in_time": status == "completed",
        "satisfaction": satisfaction,
        "satisfied": satisfaction >= 4,
        "problem_user": False,
        **more,
    }
    return Row.load(fields)


def test_coverage_contact_and_satisfaction_are_three_numbers() -> None:
    # 10 owed: 5 answered (5, 4, 4, 3, 1), one of them late; 3 unreachable, 1 refused, 1 missed.
    # Attempted 9 of 10; completed 5 of 10; in time 4 of 10; satisfied 3 of 5 answers, never of 10.
    rows = [
        *(a_row(satisfaction=level) for level in (5, 4, 4, 3)),
        a_row(satisfaction=1, in_time=False),
        *(a_row("unreachable") for _ in range(3)),
        a_row("refused"),
        a_row("missed"),
    ]

    total, _ = summarise(rows)

    assert (total.coverage, total.completion, total.timeliness) == (
        Decimal("0.9000"),
        Decimal("0.5000"),
        Decimal("0.4000"),
    )
    assert total.satisfaction == Decimal("0.6000")
    assert total.counts.levels == {1: 1, 2: 0, 3: 1, 4: 2, 5: 1}


def test_problem_users_are_left_out_of_satisfaction_and_of_nothing_else() -> None:
    # Answers 5 and 1, the 1 from a problem user: 1 of 1 without them, 1 of 2 with them.
    total, _ = summarise([a_row(satisfaction=5), a_row(satisfaction=1, problem_user=True)])

    assert (total.satisfaction, total.satisfaction_of_all) == (Decimal("1.0000"), Decimal("0.5000"))
    assert (total.counts.required, total.counts.completed) == (2, 2)


def test_a_share_of_nothing_is_no_number() -> None:
    total, units = summarise([])

    assert (total.coverage, total.satisfaction, units) == (None, None, [])


def test_each_unit_has_its_own_figures_in_order_of_name() -> None:
    _, units = summarise([a_row(unit="b"), a_row("missed", unit="a"), a_row(unit="b")])

    assert [(one.unit, one.completion) for one in units] == [
        ("a", Decimal("0.0000")),
        ("b", Decimal("1.0000")),
    ]


def test_a_matter_adds_one_row_for_each_call_that_was_owed_in_the_end() -> None:
    # The first closing is void; the second, due 13 July, is answered late on the 14th.
    matter, _ = grown(
        [
            closed(at("2026-07-01 10:00"), 1),
            reopened(at("2026-07-03 09:00")),
            closed(at("2026-07-06 15:00"), 2, 3),
        ]
    )
    answered, _ = called(matter, an_answer("2026-07-14 10:00", 4))

    assert rows_of(answered) == [
        a_row(unit="chongqing-branch", satisfaction=4, in_time=False),
    ]


def test_what_no_plan_asks_for_adds_nothing() -> None:
    matter, _ = grown([closed(at("2026-07-01 10:00"), kind="legal-letter")])

    assert rows_of(matter) == []
    assert len(rows_of(a_matter())) == 1
