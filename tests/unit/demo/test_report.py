"""What the demo shows at its end, from what scoring published."""

import io
from typing import Any

import pytest
from rich.console import Console

from jiandu.demo.report import SHEET, Lost, Published, show, shown
from shared.rulebook.edition import Edition
from shared.rulebook.fold import PeriodResult, document_of
from tests.unit.demo.rehearsal import ORGANISATION, Rehearsal


@pytest.fixture(scope="module")
def published(played: Rehearsal, results: dict[str, PeriodResult]) -> Published:
    """Return what scoring would publish, as it comes over HTTP."""
    documents = {name: document_of(result) for name, result in results.items()}
    cards = {
        month: {card["unit"]: card for card in one["scorecards"] if card["sheet"] == SHEET}
        for month, one in documents.items()
        if "scorecards" in one
    }
    periods = {name: {"recommendations": [], **one} for name, one in documents.items()}
    names = {name: unit.name.zh for name, unit in ORGANISATION.units.items()}
    return Published(periods, cards, names, _lost(played, documents["2026-07"], cards["2026-07"]))


def _lost(played: Rehearsal, month: dict[str, Any], cards: dict[str, dict[str, Any]]) -> Lost:
    posting = next(
        one for one in month["postings"] if one["rule"] == "missed-step" and one["unit"] == "wuxi-branch"
    )
    told = [one for one in played.told if one["subject"] == posting["subject"]]
    history = [{**one, "hash": "0" * 64} for one in told if one["source"].startswith("jiandu/handling/")]
    case = {"number": played.cases[posting["subject"]].number, "site": "wuxi"}
    complaint = {"fields": {"name": "徐**", "phone": "137****0002"}}
    return Lost(cards["wuxi-branch"], posting, case, history, complaint)


@pytest.fixture(scope="module")
def page(published: Published, edition: Edition) -> str:
    written = io.StringIO()
    show(published, edition, Console(file=written, width=120))
    return written.getvalue()


def test_three_months_and_the_quarter_are_ranked(page: str) -> None:
    assert [month for month in ("2026-07", "2026-08", "2026-09") if f"{month} 月度排序" in page] == [
        "2026-07",
        "2026-08",
        "2026-09",
    ]
    assert "2026-Q3 季度排名" in page
    assert page.count("重庆分部") == 4


def test_the_star_and_its_thousand_yuan_are_named(page: str) -> None:
    assert "（成都）分部：金科集团明星客户服务部，奖励 1000 元，由所在子公司支付（JK-23）" in page


def test_advice_is_given_after_three_months_under_eighty(page: str) -> None:
    assert "（无锡）分部：连续三个月月度考评未达到80分" in page
    assert "Three months running under 80" in page


def test_a_lost_point_is_followed_to_clause_deadline_and_evidence(page: str, published: Published) -> None:
    assert published.lost
    posting = published.lost.posting
    trail = page[page.index("一分的来历") :]
    for words in (
        "投诉处理过程",
        "-2.0 处理步骤逾期",
        "JK-15",
        posting["explanation_zh"][-1],
        posting["evidence"][0],
    ):
        assert words in trail, words
    assert "deadline.missed.v1" in trail


def test_points_are_shown_to_a_tenth_half_up() -> None:
    assert [shown(value) for value in ("81.25", "81.249", "-2", "97.333333")] == [
        "81.3",
        "81.2",
        "-2.0",
        "97.3",
    ]
