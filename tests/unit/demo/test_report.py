"""What the demo shows at its end, from what scoring published."""

import asyncio
import io
import re
from collections.abc import Mapping
from typing import Any

import httpx2
import orjson
import pytest
from rich.cells import cell_len
from rich.console import Console

from jiandu.demo.bilingual import shown
from jiandu.demo.page import show
from jiandu.demo.report import Report, read
from jiandu.demo.scenario import Scenario
from services.scoring.domain.fold import PeriodResult, document_of
from shared.rulebook.edition import Edition
from tests.unit.demo.rehearsal import ORGANISATION, Rehearsal
from tests.unit.demo.services import Answer, Service, wire_to

Results = dict[str, PeriodResult]


@pytest.fixture(scope="module")
def published(
    played: Rehearsal,
    results: Results,
    smallest: Scenario,
    edition: Edition,
    tmp_path_factory: pytest.TempPathFactory,
) -> Report:
    """Return what the demo reads at its end."""
    names = (*(f"intake-{site}" for site in smallest.importers), "registry", "handling", "scoring")
    answers = answers_of(played, {name: document_of(result) for name, result in results.items()})
    wire = wire_to({name: Service(usual=answers) for name in names})
    events = tmp_path_factory.mktemp("export") / "events.jsonl"
    events.write_bytes(b"".join(orjson.dumps(one) + b"\n" for one in played.told))
    return asyncio.run(read(wire, smallest, played.ids, events, edition))


_ONCE = {"ruled": 1, "upheld": 1, "share": "1", "interval": ["0.2065", "1"]}
OVERTURNS = {"by_clause": [{"of": "JK-14", **_ONCE}], "by_inspector": [{"of": "director", **_ONCE}]}


def answers_of(played: Rehearsal, documents: Mapping[str, Mapping[str, Any]]) -> Answer:
    """Return services that tell what was rehearsed."""

    def units() -> Mapping[str, Any]:
        units = ORGANISATION.units.items()
        named = [{"unit": unit, "name_zh": one.name.zh, "name_en": one.name.en} for unit, one in units]
        return {"items": named, "next": None}

    def case(key: str) -> Mapping[str, Any]:
        one = played.cases[key]
        return {
            "number": one.number,
            "site": one.site,
            "unit": one.unit,
            "kind": one.kind,
            "validity": one.validity,
        }

    def history(key: str) -> Mapping[str, Any]:
        told = [one for one in played.told if one["subject"] == key]
        mine = [one for one in told if one["source"].startswith("jiandu/handling/")]
        return {"items": [{**one, "hash": "0" * 64} for one in mine], "next": None}

    def complaint(key: str) -> Mapping[str, Any]:
        return {"number": "N", "fields": {"name": "徐**", "phone": "137****0002"}, "customer": key}

    def customer(key: str) -> Mapping[str, Any]:
        (file,) = played.files.values()
        assert file.flag
        flag = {"status": file.flag.status, "until": file.flag.until}
        return {"unit": file.unit, "fields": {"name": "徐**"}, "flag": flag}

    routes: Mapping[str, Any] = {
        r"/v1/units": units,
        r"/v1/periods/(.+)": documents.__getitem__,
        r"/v1/cases/([^/]+)": case,
        r"/v1/cases/(.+)/history": history,
        r"/v1/complaints/(.+)": complaint,
        r"/v1/customers/(.+)": customer,
        r"/v1/overturns": lambda: OVERTURNS,
    }

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked = ((re.fullmatch(path, request.url.path), tell) for path, tell in routes.items())
        found, tell = next((found, tell) for found, tell in asked if found)
        return httpx2.Response(200, content=orjson.dumps(tell(*found.groups())))

    return answer


@pytest.fixture(scope="module")
def page(published: Report, edition: Edition) -> str:
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
    assert page.count("金科集团客户服务中心（重庆）分部 │ ") == 4


def test_the_tables_fit_into_eighty_columns_with_every_heading_whole(
    published: Report, edition: Edition
) -> None:
    written = io.StringIO()
    show(published, edition, Console(file=written, width=80))
    lines = [line for line in written.getvalue().splitlines() if line[:1] in set("┏┃┡│└")]
    # The first three tables: a heading of four lines, four branches of two lines, three lines of frame.
    months = lines[: 3 * (4 + 8 + 3)]

    assert (
        months[1::15]
        == ["┃ 单位                             ┃ 名次 ┃  得分 ┃ 工作质 ┃ 一般检 ┃ 特别检 ┃"] * 3
    )
    assert max(cell_len(line) for line in months) <= 80


def test_the_star_and_its_thousand_yuan_are_named(page: str) -> None:
    assert "（成都）分部：金科集团明星客户服务部，奖励 1000 CNY，由所在子公司支付（JK-23, 2026-Q3）" in page
    assert "Chengdu branch: star branch, 1000 CNY, paid by the branch's subsidiary (JK-23, 2026-Q3)" in page


def test_advice_is_given_after_three_months_under_eighty(page: str) -> None:
    assert "（无锡）分部：连续三个月月度考评未达到80分" in page
    assert "Three months running under 80" in page


def test_the_problem_user_and_the_dispute_have_a_line_in_each_language(page: str) -> None:
    lines = page.splitlines()
    user = next(at for at, line in enumerate(lines) if line.startswith("问题用户"))
    dispute = next(at for at, line in enumerate(lines) if line.startswith("争议成立"))

    # Decided at 2026-11-20 00:00 UTC, which is the 20th in China too; 90 days later is 18 February.
    assert "投诉3次，3次认定无效；经两人签认，2027-02-18期满" in lines[user]
    assert (
        "problem user at Chengdu branch: 3 of 3 complaints invalid; two signed; ends 2027-02-18"
        in lines[user + 1]
    )
    assert "工作不主动、推诿，2026-07记-5.0，2026-08冲回+5.0" in lines[dispute]
    assert "-5.0 for shirking, 2026-07; +5.0 back, 2026-08" in lines[dispute + 1]


def test_what_was_overturned_is_counted_by_clause_and_by_inspector(page: str) -> None:
    assert "改判统计 / overturned" in page
    # One of one: Wilson's interval is from 1 / (1 + 3.8415) = 0.2065 to 1.
    assert re.search(r"JK-14 +│ +1 │ +1 │ +100 % │ +21–100 %", page)
    assert re.search(r"director +│ +1 │ +1 │", page)


def test_a_lost_point_is_followed_to_clause_deadline_and_evidence(page: str, published: Report) -> None:
    assert published.followed
    posting = published.followed.posting
    assert posting
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
