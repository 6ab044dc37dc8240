"""The fair view of a published ranking: FIELD vector 5, and what it says of shares, rates, sheets and nil returns."""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, get_args

import orjson
import pytest
from typer.testing import CliRunner

from jiandu.cli import app
from jiandu.names import Names
from jiandu.scoring.fair import fair_page
from services.scoring.domain.fair import FunnelLimits
from services.scoring.domain.fair_view import FairRow, FairView, Status, document_of, fair_view
from services.scoring.domain.fold import document_of as result_document
from services.scoring.domain.fold import fold
from shared.errors import NotFoundError
from shared.rulebook.schema import Rules
from shared.rulebook.schema.group import Ranking
from shared.rulebook.schema.scoring import Indicator
from shared.values.intervals import byar, wilson
from tests.builders_facts import Told, at
from tests.builders_rules import RULEBOOKS, an_edition, with_scoring

NAMED = {"from": "2005-05-28", "source": "JK-01", "title": {"zh": "指标", "en": "indicator"}}
SEED = "5eed"


def ruled(formula: Mapping[str, Any], order: str = "high-first") -> Rules:
    indicator = Indicator.model_validate({**NAMED, **formula})
    rule = {**NAMED, "by": "it", "every": "month", "unit_kind": "branch", "order": order}
    rules = an_edition().slices[-1][1]
    return with_scoring(rules, indicators={"it": indicator}, rankings={"by-it": Ranking.model_validate(rule)})


def published(
    counts: Mapping[str, tuple[int, int]], minimum: int = 1, *, rate: bool = False
) -> dict[str, Any]:
    """Write a month's result with one indicator and its ranking as it is published: unit → (hits, of)."""
    figures: list[dict[str, Any]] = []
    left = []
    for unit, (hits, of) in counts.items():
        interval = byar(hits, Decimal(of)) if rate else wilson(hits, of)
        figures.append(
            {
                "indicator": "it", "unit": unit, "hits": hits, "of": of, "value": str(Fraction(hits, of)),
                "interval": [str(interval.low), str(interval.high)], "rated": of >= minimum,
            }
        )  # fmt: skip
        if of < minimum:
            left.append({"unit": unit, "reason": "not-rated"})
    ordered = sorted((one for one in figures if one["rated"]), key=lambda one: -Fraction(one["value"]))
    rows = [{"rank": rank, "unit": one["unit"], "value": one["value"]} for rank, one in enumerate(ordered, 1)]
    ranked = {"ranking": "by-it", "rows": rows, "left_out": left}
    return {
        "period": "2026-07", "units": {}, "rankings": [ranked], "indicators": figures, "scorecards": [], "postings": [],
    }  # fmt: skip


def rows(view: FairView) -> dict[str, FairRow]:
    return {row.unit: row for row in view.rows}


SOLVED = {"numerator": {"count": "answers", "is": "solved"}, "denominator": {"count": "answers"}}


def test_seven_cases_beside_twenty_four_thousand() -> None:
    """FIELD vector 5: 6 of 7 is 0.49 to 0.97 and not rated; 20 948 of 24 358 is 0.8556 to 0.8643."""
    month = published({"small": (6, 7), "large": (20948, 24358), "middle": (850, 1000)}, minimum=30)

    view = fair_view(month, "by-it", ruled({**SOLVED, "minimum_n": 30}), SEED)

    small, large, middle = (rows(view)[unit] for unit in ("small", "large", "middle"))
    assert (small.status, small.rank, small.rank_low) == ("not-rated", None, None)
    assert (round(float(small.low or 0), 2), round(float(small.high or 0), 2)) == (0.49, 0.97)
    assert (round(float(large.low or 0), 4), round(float(large.high or 0), 4)) == (0.8556, 0.8643)
    # 0.860 and 0.850 ± 0.022 change places now and then, so neither is surely first.
    assert [(one.rank, one.rank_low, one.rank_high) for one in (large, middle)] == [(1, 1, 2), (2, 1, 2)]
    # The small unit is drawn nearly wholly to the common value, the large one not at all.
    assert view.common is not None
    assert small.shrunk is not None
    assert abs(small.shrunk - view.common) < Fraction(1, 100)
    assert large.shrunk is not None
    assert large.value is not None
    assert abs(large.shrunk - large.value) < Fraction(1, 1000)


def test_who_is_far_outside_the_funnel_is_named_and_surely_last() -> None:
    """Together 9 552 of 10 800, 0.884: ± 3.09 × √(0.884 × 0.116 ÷ 400) = 0.049. 0.5 is far outside, 0.88 is not."""
    view = fair_view(
        published({"a": (9000, 10000), "b": (200, 400), "c": (352, 400)}), "by-it", ruled(SOLVED), SEED
    )

    found = {unit: (row.status, row.rank_low, row.rank_high) for unit, row in rows(view).items()}

    assert found["b"] == ("exceptional", 3, 3)
    assert found["c"][0] == "usual"


def test_a_rate_is_seen_per_so_many_and_the_lowest_is_first() -> None:
    formula = {
        "numerator": {"count": "findings"},
        "denominator": {"figure": "files"},
        "per": 1000,
        "better": "low",
    }
    month = published({"a": (2, 1000), "b": (40, 1000)}, rate=True)
    for figure in month["indicators"]:
        figure["per"] = 1000
        figure["value"] = str(Fraction(figure["value"]) * 1000)
    month["rankings"][0]["rows"] = [
        {"rank": 1, "unit": "a", "value": "2"},
        {"rank": 2, "unit": "b", "value": "40"},
    ]

    view = fair_view(month, "by-it", ruled(formula, "low-first"), SEED)

    assert (view.better, view.per) == ("low", 1000)
    assert view.common == 21
    assert [(row.unit, row.rank_low, row.rank_high) for row in view.rows] == [("a", 1, 1), ("b", 2, 2)]


def test_a_sheet_varies_by_what_was_posted_on_it() -> None:
    """Lost by one offence of 10 points, 90 ± 19.6 may well be 100; lost by none, 80 stays 80."""
    told = Told().organisation("chongqing", "wuxi")
    told.missed("A", "2026-07-03 09:00")
    document = result_document(fold(told.facts, an_edition(), "2026-07", at("2026-08-10 00:00")))

    view = fair_view(document, "monthly", an_edition().slices[-1][1], SEED)

    assert {row.unit: row.n for row in view.rows} == {"chongqing-branch": None, "wuxi-branch": None}
    assert (view.common, view.funnel) == (None, ())
    assert all(row.rank_low is not None for row in view.rows)


def test_after_a_nil_return_a_place_is_kept_and_nothing_is_drawn() -> None:
    month = published({"a": (9, 10), "b": (1, 10)})
    month["rankings"][0]["rows"].insert(1, {"rank": 1, "unit": "n", "value": "9/10"})

    nil = rows(fair_view(month, "by-it", ruled(SOLVED), SEED))["n"]

    assert (nil.value, nil.rank, nil.status) == (None, 1, "nil-return")


def test_the_same_result_is_seen_the_same_by_everybody() -> None:
    month = published({"a": (9, 10), "b": (8, 10), "c": (5, 10)})
    rules = ruled(SOLVED)

    once, again = (orjson.dumps(document_of(fair_view(month, "by-it", rules, SEED))) for _ in range(2))

    assert once == again


@pytest.mark.parametrize(("document", "said"), [("month", "It has: by-it."), ("quarter", "It has: none.")])
def test_a_ranking_that_the_month_does_not_have_is_refused_with_those_it_has(
    document: str, said: str
) -> None:
    month = published({"a": (9, 10)})
    if document == "quarter":
        del month["units"]

    with pytest.raises(NotFoundError, match=said):
        fair_view(month, "other" if document == "month" else "by-it", ruled(SOLVED), SEED)


def test_the_page_opens_without_a_script_and_without_network(tmp_path: Path) -> None:
    told = Told()
    told.established("group", "group-centre")
    for unit in ("north", "south"):
        told.established(unit, "service-unit", "group", unit)
        for number in range(20):
            told.callback_completed(f"{unit}{number}", "2026-07-10 10:00", 5 if number % 4 else 1, unit)
    events = tmp_path / "events.jsonl"
    events.write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in told.envelopes))
    page = tmp_path / "fair.html"

    done = CliRunner().invoke(
        app, ["fair", str(RULEBOOKS / "jinke"), str(events), "--period", "2026-07", "--html", str(page)]
    )

    text = page.read_text("utf-8")
    assert done.exit_code == 0
    assert "<script" not in text
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")


def test_a_page_draws_each_unit_in_its_funnel_and_says_why_one_is_not_rated() -> None:
    month = published({"a<b": (9000, 10000), "b": (200, 400), "s": (6, 7)}, minimum=30)

    page = fair_page(
        "jinke",
        "2026-07",
        [fair_view(month, "by-it", ruled({**SOLVED, "minimum_n": 30}), SEED)],
        Names({"s": "小分部"}, {"by-it": "解决率排名"}),
    )

    assert page.count("<circle") == 3
    assert 'class="exceptional"' in page
    assert "a&lt;b" in page
    assert "样本过少" in page
    assert "<td>小分部 s</td>" in page
    assert "<h2>解决率排名 by-it" in page
    assert "0.486872 – 0.97432" in page


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
